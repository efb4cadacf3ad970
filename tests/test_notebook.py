"""`check` and `hint` where learners call them: in a real Jupyter kernel, and in plain Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from attempts import RECALL
from jupyter_client.manager import start_new_kernel
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from autograder.exercise.catalog import exercise
from autograder.exercise.suite import answers
from autograder.language import LANGUAGES, Language
from autograder.models import locate

METRICS = exercise("metrics")
RECALL_POINTS = METRICS.task("recall").points
SETUP = 'from autograder import check, hint\nEXERCISE, LANGUAGE = "metrics", "{}"\n'
SPECIFICITY = """\
def recall(labels, predictions):
    recognised = sum(1 for y, p in zip(labels, predictions) if y == 0 and p == 0)
    negatives = sum(1 for y in labels if y == 0)
    return recognised / negatives if negatives else 0.0
"""
NO_EMPTY = """\
def recall(labels, predictions):
    found = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 1)
    return found / sum(1 for y in labels if y == 1)
"""
# The state that a check must not touch, as one text that the kernel prints.
STATE = """\
def state():
    import asyncio, decimal, locale, os, random, sys, threading, warnings
    import matplotlib, numpy, torch
    parts = [
        random.getstate(), numpy.random.get_state(), torch.get_rng_state().tolist(),
        torch.get_num_threads(), torch.is_grad_enabled(), threading.active_count(),
        torch.get_default_dtype(), torch.get_default_device(), sys.getrecursionlimit(),
        torch.are_deterministic_algorithms_enabled(), locale.setlocale(locale.LC_ALL),
        decimal.getcontext(), asyncio.get_running_loop(), sorted(matplotlib.rcParams.items()),
        warnings.filters, os.getcwd(), sorted(os.environ.items()), numpy.geterr(),
        sorted(name for name in globals() if not name.startswith("_")),
        seen, nested, table, marks.tolist(), limit,
    ]
    return [repr(part) for part in parts]
"""


class Kernel:
    """A kernel, and what the cells that it ran have shown."""

    def __init__(self, folder: Path, **environment: str) -> None:
        env = {**os.environ, "IPYTHONDIR": str(folder), "OMP_NUM_THREADS": "1", **environment}
        # Under pytest a kernel would not read its file descriptors, as it does for everybody else.
        env["PYTEST_CURRENT_TEST"] = ""
        env = {name: value for name, value in env.items() if value}
        self._manager, self._client = start_new_kernel(
            kernel_name="python3", env=env, cwd=str(folder), stderr=subprocess.DEVNULL
        )

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell and return the contents of its outputs, each with its type."""
        outputs: list[dict[str, Any]] = []

        def take(message: dict[str, Any]) -> None:
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                outputs.append({"type": message["msg_type"], **message["content"]})

        self._client.execute_interactive(source, timeout=60, output_hook=take)
        return outputs

    def fresh(self, *sources: str, language: Language = "en") -> None:
        """Forget everything and run the setup cell and `sources`, none of which may fail."""
        for source in ("%reset -f", SETUP.format(language), *sources):
            assert not [out for out in self.run(source) if out["type"] == "error"]

    def check(self, task: str = "recall") -> tuple[dict[str, str], float | None]:
        """Run a check cell; return its card and what nbgrader reads as points."""
        outputs = self.run(f'check("{task}")')
        assert [out["type"] for out in outputs][:1] == ["display_data"], outputs
        results = [out["data"]["text/plain"] for out in outputs[1:]]
        assert len(results) <= 1
        return outputs[0]["data"], float(results[0]) if results else None

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A learner's kernel."""
    kernel = Kernel(tmp_path_factory.mktemp("own"), NBGRADER_EXECUTION="")
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel as ``nbgrader autograde`` starts it."""
    kernel = Kernel(tmp_path_factory.mktemp("graded"), NBGRADER_EXECUTION="autograde")
    yield kernel
    kernel.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_speaks_the_notebooks_language(own: Kernel, language: Language) -> None:
    own.fresh(SPECIFICITY, language=language)
    card, points = own.check()
    assert points is None
    title = METRICS.task("recall").title[language]
    expected = {"en": "specificity", "zh": "特异度"}[language]
    for kind in ("text/plain", "text/html"):
        assert title in card[kind]
        assert expected in card[kind]
    assert card["text/html"].lstrip().startswith("<")
    assert "<" not in card["text/plain"]


def test_a_retyped_function_is_checked_anew(own: Kernel) -> None:
    own.fresh()
    assert "not started" in own.check()[0]["text/plain"]
    own.run(SPECIFICITY)
    assert "failed" in own.check()[0]["text/plain"]
    own.run(RECALL)
    card, _ = own.check()
    assert "failed" not in card["text/plain"]
    assert "2 / 2" in card["text/plain"]


def test_the_card_says_where_it_stopped(own: Kernel) -> None:
    own.fresh(NO_EMPTY)
    card, _ = own.check()
    assert "ZeroDivisionError" in card["text/plain"]
    assert "return found / sum" in card["text/plain"]


def test_a_call_that_failed_is_made_again(own: Kernel) -> None:
    own.fresh("from autograder import replay", SPECIFICITY)
    unchecked = own.run('replay("average_precision")')
    assert [out["type"] for out in unchecked] == ["display_data"]
    assert 'check("average_precision")' in unchecked[0]["data"]["text/plain"]
    card, _ = own.check()
    for kind in ("text/plain", "text/html"):
        assert 'replay("recall")' in unescape(card[kind])
    (shown,) = own.run('replay("recall")')
    call = "recall(np.array([0, 0, 0, 0, 0]), np.array([1, 0, 1, 0, 0]))"
    assert call in card["text/plain"]
    assert call in shown["data"]["text/plain"]
    assert "failed.run()" in shown["data"]["text/plain"]
    seen = "[a.tolist() for a in failed.args], failed.kwargs, failed.result, failed.error"
    assert _value(own, seen) == "([[0, 0, 0, 0, 0], [1, 0, 1, 0, 0]], {}, 0.6, None)"
    own.run(RECALL)
    assert _value(own, "failed.run()") == "0.0"
    own.check()
    passed = own.run('replay("recall")')[0]["data"]["text/plain"]
    assert "no call failed" in passed


@pytest.mark.slow
def test_an_error_is_kept_and_a_name_of_ones_own_too(own: Kernel) -> None:
    own.fresh("from autograder import replay", NO_EMPTY, "failed = 7", STATE_OF_CHANCE)
    own.check()
    before = _value(own, "chance()")
    again = own.run('again = replay("recall"); again')[0]["data"]["text/plain"]
    assert "`failed` is yours" in again
    assert _value(own, "failed, type(again.error).__name__") == "(7, 'ZeroDivisionError')"
    assert _value(own, "chance()") == before
    (error,) = own.run("again.run()")
    assert error["ename"] == "ZeroDivisionError"


STATE_OF_CHANCE = """\
def chance():
    import random, numpy, torch
    return hash((random.getstate(), str(numpy.random.get_state()), str(torch.get_rng_state())))
"""


def _value(kernel: Kernel, expression: str) -> str:
    (shown,) = kernel.run(expression)
    return str(shown["data"]["text/plain"])


def test_hints_open_one_at_a_time(own: Kernel) -> None:
    hints = METRICS.task("f1").hints["en"]
    own.fresh()
    for number in (0, 1, 2, 2):
        (output,) = own.run('hint("f1")')
        shown = output["data"]["text/plain"]
        assert [hint in shown for hint in hints] == [n == number for n in range(3)]
        assert "text/html" in output["data"]


@pytest.mark.parametrize("call", ['check("recal")', 'hint("recal")', "check(recall)"])
def test_an_unknown_task_is_answered_with_those_there_are(own: Kernel, call: str) -> None:
    own.fresh(RECALL)
    (output,) = own.run(call)
    assert output["type"] == "display_data"
    assert "recall" in output["data"]["text/plain"]
    assert "screening_threshold" in output["data"]["text/plain"]


@pytest.mark.slow
def test_a_check_leaves_no_trace(own: Kernel) -> None:
    own.fresh(
        "import asyncio, decimal, locale, sys, torch, numpy, random, warnings, os, threading",
        "from matplotlib import pyplot; numpy.seterr(under='raise'); decimal.getcontext().prec = 9",
        "torch.set_default_dtype(torch.float64); pyplot.style.use('ggplot')",
        "sys.setrecursionlimit(1900)",
        "seen, nested, table, marks = [1], [[2]], {'a': [3]}, numpy.zeros(3)",
        "limit, unlike = 15, {'file': sys.stdin, 'generator': (n for n in ())}",
        STATE,
        "torch.manual_seed(5); random.seed(5); numpy.random.seed(5); before = after = None",
        RECALL.replace(
            "    found",
            "    global limit, fresh\n"
            "    limit, fresh = 0, 1\n"
            "    seen.append(1); nested[0].clear(); table['a'] = 0; table['b'] = 1\n"
            "    marks[:] = 7; random.random(); numpy.random.rand(); torch.rand(1)\n"
            "    torch.set_num_threads(2); torch.set_grad_enabled(False)\n"
            "    warnings.simplefilter('error'); os.chdir('/'); os.environ['X'] = '1'\n"
            "    numpy.seterr(all='raise'); torch.set_default_dtype(torch.float64)\n"
            "    torch.use_deterministic_algorithms(True); sys.setrecursionlimit(5000)\n"
            "    locale.setlocale(locale.LC_ALL, 'C.UTF-8'); decimal.getcontext().prec = 3\n"
            "    pyplot.style.use('dark_background'); asyncio.run(asyncio.sleep(0))\n"
            "    torch.set_default_device('meta')\n"
            "    found",
            1,
        ),
        "before = state()",
    )
    card, _ = own.check()
    assert "2 / 2" in card["text/plain"]
    (output,) = own.run("after = state(); [b for a, b in zip(before, after) if a != b]")
    assert output["data"]["text/plain"] == "[]"


@pytest.mark.slow
def test_under_nbgrader_an_endless_loop_is_ended_and_all_its_checks_in_time(
    graded: Kernel,
) -> None:
    graded.fresh("def recall(labels, predictions):\n    while True:\n        pass\n")
    graded.run(
        "import autograder.learner.kernel as n; kept, n.PROBE_SECONDS = n.PROBE_SECONDS, 1.0"
    )
    card, _ = graded.check()
    graded.run("n.PROBE_SECONDS = kept")
    assert card["text/plain"].count("Still running after 1 s") == 1
    assert card["text/plain"].count("◷") >= 2  # the task's, and its claims' that are not folded
    (output,) = graded.run("1 + 1")
    assert output["data"]["text/plain"] == "2"


@pytest.mark.parametrize(
    ("source", "points"),
    [
        pytest.param(RECALL, RECALL_POINTS, id="right"),
        pytest.param("", 0.0, id="missing"),
        pytest.param("recall = None", 0.0, id="no function"),
        pytest.param("def recall(labels, predictions): 1 / 0", 0.0, id="raises"),
        pytest.param("def recall(labels, predictions): raise SystemExit", 0.0, id="exits"),
        pytest.param("def recall(labels, predictions): return 0.5", 0.0, id="wrong"),
        pytest.param("def recall(*_): raise NotImplementedError", 0.0, id="stub"),
    ],
)
def test_nbgrader_reads_points(graded: Kernel, source: str, points: float) -> None:
    graded.fresh(source)
    assert graded.check()[1] == points


def test_nbgrader_reads_partial_points(graded: Kernel) -> None:
    graded.fresh(NO_EMPTY)
    points = graded.check()[1]
    assert points is not None
    assert 0 < points < RECALL_POINTS


@pytest.mark.parametrize(
    "noise",
    [
        "print('x', file=sys.stderr)",
        "print('x', file=kept)",
        "logging.warning('x')",
        "warnings.warn('x')",
        "os.write(2, b'x')",
        "subprocess.run([sys.executable, '-c', 'import sys; sys.stderr.write(\"x\")'])",
    ],
)
def test_what_goes_to_stderr_costs_nothing(graded: Kernel, noise: str) -> None:
    noisy = RECALL.replace("    found", f"    {noise}\n    found", 1)
    graded.fresh("import logging, os, subprocess, sys, warnings; kept = sys.stderr", noisy)
    # The learner's own cell may be as loud as it likes; that is where a handler is made.
    # Jupyter reads the file descriptor a little later than the cell ends.
    outputs = graded.run(f"{noise}; import time; time.sleep(0.5)")
    assert any(out.get("name") == "stderr" for out in outputs)
    outputs = graded.run('check("recall")')
    assert [out["type"] for out in outputs] == ["display_data", "execute_result"]
    assert float(outputs[1]["data"]["text/plain"]) == RECALL_POINTS
    (output,) = graded.run("print('still heard', file=sys.stderr)")
    assert (output["name"], output["text"]) == ("stderr", "still heard\n")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('check("recal")', id="unknown task"),
        pytest.param('EXERCISE = "none"; check("recall")', id="unknown exercise"),
        pytest.param('EXERCISE = None; check("nothing")', id="no exercise"),
        pytest.param(
            "import autograder.grading.oracle as oracle\n"
            "def fail(*_, **__): raise RuntimeError('broken')\n"
            "kept, oracle.judged_by_need = oracle.judged_by_need, fail\n"
            "try:\n    points = check('recall')\n"
            "finally:\n    oracle.judged_by_need = kept\n"
            "points",
            id="our fault",
        ),
        pytest.param(
            "import autograder._silence\nautograder._silence._silent = True\n"
            "points = check('recall')\nautograder._silence._silent = False\n"
            "print()\npoints",
            id="silenced",
        ),
    ],
)
def test_what_cannot_be_graded_gives_nothing_and_says_why(graded: Kernel, source: str) -> None:
    graded.fresh(RECALL)
    said, result = graded.run(source)
    assert said["type"] in ("display_data", "stream")
    assert (result["type"], result["data"]["text/plain"]) == ("execute_result", "0.0")


@pytest.mark.slow
def test_points_under_nbgrader_do_not_wait_for_a_key_of_misconceptions(tmp_path: Path) -> None:
    """It may take longer to make than nbgrader lets a cell run; then the next card has it."""
    step = next(a.step["en"] for a in answers(METRICS, "wrong") if a.name == "recall_raises")
    cache = str(tmp_path / "cache")
    kernel = Kernel(tmp_path, NBGRADER_EXECUTION="autograde", XDG_CACHE_HOME=cache)
    try:
        kernel.fresh(NO_EMPTY, "import autograder.learner.kernel as n; n.CARD_SECONDS = 0.0")
        early, points = kernel.check()
        over = time.monotonic() + 60
        while not list(tmp_path.glob("cache/touchstone/keys/metrics-key-recall-*.key")):
            assert time.monotonic() < over
            time.sleep(0.1)
        late, same_points = kernel.check()
    finally:
        kernel.close()
    assert points is not None
    assert 0 < points == same_points < RECALL_POINTS
    shown = [step in " ".join(card["text/plain"].split()) for card in (early, late)]
    assert shown == [False, True]


WIDTH = """\
EXERCISE, MODEL = "gpt-generation", {model!r}
def greedy(model, ids, max_new_tokens, end):
    with open({seen!r}, "w") as file:
        file.write(str(model.config.n_embd))
    raise NotImplementedError
"""


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["own", "graded"])
def test_a_learners_model_counts_for_the_checks_and_not_for_a_grader(
    kernel: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where: Kernel = request.getfixturevalue(kernel)
    tiny, other, seen = locate("gpt"), tmp_path / "other", tmp_path / "seen"
    end = AutoTokenizer.from_pretrained(tiny).eos_token_id
    model = GPT2LMHeadModel(GPT2Config(vocab_size=end + 1, n_embd=12, n_layer=1, n_head=2))
    model.save_pretrained(other)
    for path in tiny.glob("tokenizer*"):
        shutil.copy(path, other)
    widths = []
    for name in (str(other), "tiny"):
        where.fresh(WIDTH.format(model=name, seen=str(seen)))
        where.check("greedy")
        widths.append(int(seen.read_text()))
    usual = GPT2Config.from_pretrained(tiny).n_embd
    assert widths == [12 if kernel == "own" else usual, usual]


@pytest.mark.slow
def test_it_prints_text_in_plain_python(tmp_path: Path) -> None:
    noisy = SPECIFICITY.replace("    recognised", "    os.write(2, b'x')\n    recognised", 1)
    code = f'import os\n{SETUP.format("zh")}{noisy}check("recall")\nhint("recall")\n'
    environment = {k: v for k, v in os.environ.items() if k != "NBGRADER_EXECUTION"}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "特异度" in done.stdout
    assert METRICS.task("recall").hints["zh"][0] in done.stdout


@pytest.mark.slow
def test_the_points_in_a_kernel_are_those_of_the_grader(graded: Kernel, tmp_path: Path) -> None:
    from autograder.grading.grade import grade_path
    from autograder.learner.demo import half_finished

    attempt = half_finished(METRICS, "en")
    path = tmp_path / "metrics.ipynb"
    path.write_text(json.dumps(attempt), "utf-8")
    graded.fresh()
    for cell in attempt["cells"]:
        if cell["id"] in ("setup", *METRICS.task_of):
            graded.run("".join(cell["source"]))
    expected = {task.name: task.points for task in grade_path(path).tasks}
    assert {name: graded.check(name)[1] for name in expected} == expected
