"""Notebooks as people hand them in: honest, damaged and odd ones, through a real worker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from attempts import RECALL, SETUP, code_cell, grade, notebook, save, statuses, task, verdicts

from autograder.engine import Notebook, UnreadableNotebook, parse_notebook, read_notebook
from autograder.engine.pool import Pool
from autograder.exercise import catalog
from autograder.grading.grade import NothingToGrade, find_notebooks, grade_path
from autograder.grading.serial import result_from_dict, result_to_dict


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool | None]:
    """A warm pool, so that many submissions cost little; elsewhere, fresh processes."""
    if sys.platform != "linux":
        yield None
        return
    with Pool([catalog.exercise("metrics")]) as warm:
        yield warm


def test_a_right_answer_passes_and_the_rest_is_todo(tmp_path: Path) -> None:
    result = grade(tmp_path, RECALL)
    assert task(result).status == "pass"
    assert result.points == task(result).max_points
    assert {item.status for item in result.tasks if item.name != "recall"} == {"todo"}


@pytest.mark.parametrize(
    "sources",
    [
        ("def recall(labels, predictions):\n    return 0.5\n", RECALL),
        (RECALL, RECALL),
        (RECALL, 'check("recall")', "1 / 0", "raise SystemExit(3)", "exit()", "def broken(:"),
        ("%matplotlib inline\n%timeit -n 1 -r 1 1 + 1\n!echo hello", RECALL, "%%time\npass"),
        ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", RECALL),
        ("from tqdm.auto import tqdm\nfor _ in tqdm(range(3)):\n    pass", RECALL),
        ("await __import__('asyncio').sleep(0)", RECALL, "input('name? ')"),
        ("import warnings, sys\nwarnings.warn('x')\nprint('x', file=sys.stderr)", RECALL),
        ("print('x' * 10_000_000)", RECALL, "[print(n) for n in range(100_000)];"),
        ("import os\nos.environ.clear()\nos.chdir('/')", RECALL),
        ("print('half of a character: \ud800')", RECALL, "\udfff = 1"),
        ("import numpy as np\nrecall = lambda labels, predictions: np.divide(\n"
         "    np.sum((np.array(labels) == 1) & (np.array(predictions) == 1)),\n"
         "    max(1, np.sum(np.array(labels) == 1)))",),
    ],
    ids=["retyped", "duplicated", "errors around", "magics", "plot", "progress bar", "async",
         "stderr", "much output", "environment", "surrogates", "lambda"],
)  # fmt: skip
def test_what_people_do_in_notebooks_grades_normally(
    tmp_path: Path, pool: Pool | None, sources: tuple[str, ...]
) -> None:
    assert task(grade(tmp_path, *sources, pool=pool)).status == "pass"


def test_cells_in_another_order_with_other_ids(tmp_path: Path) -> None:
    content = notebook('check("recall")', RECALL)
    content["cells"].reverse()
    for number, cell in enumerate(content["cells"]):
        cell["id"] = f"retyped-{number}"
    assert task(grade_path(save(tmp_path, content))).status == "pass"


def test_a_file_name_that_is_not_text(tmp_path: Path, pool: Pool | None) -> None:
    path = save(tmp_path, notebook(RECALL))
    odd = path.rename(tmp_path / os.fsdecode(b"caf\xe9.ipynb"))
    result = grade_path(odd, pool=pool)
    assert task(result).status == "pass"
    assert result_from_dict(json.loads(json.dumps(result_to_dict(result)))) == result
    read = read_notebook(odd)
    assert Notebook.parse(read.packed()) == read


def test_older_formats(tmp_path: Path, pool: Pool | None) -> None:
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [
        {"metadata": {}, "cells": [
            {"cell_type": "code", "language": "python", "metadata": {}, "input": source,
             "outputs": [], "collapsed": False} for source in (SETUP, RECALL)]}]}  # fmt: skip
    assert task(grade_path(save(tmp_path, old), pool=pool)).status == "pass"
    no_ids = {**notebook(), "nbformat_minor": 2, "cells": [code_cell([SETUP]), code_cell(RECALL)]}
    assert task(grade_path(save(tmp_path, no_ids), pool=pool)).status == "pass"


@pytest.mark.slow
def test_a_large_notebook_of_outputs(tmp_path: Path) -> None:
    content = notebook(RECALL)
    content["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "x" * (50 * 2**20)}
    ]
    assert task(grade_path(save(tmp_path, content))).status == "pass"


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        ("recall = 0.5", "fail", "float, not a function"),
        ("def recall(labels):\n    return 1.0", "error", "takes 1 positional argument"),
        ("def recall(labels, predictions):\n    pass", "fail", "returned nothing"),
        ("def recall(labels, predictions):\n    return float('nan')", "fail", "differs"),
        ("def recall(labels, predictions):\n    yield 0.5", "fail", "generator"),
        ("def recall(labels, predictions):\n    return [0.5] * 10**6", "fail", "too much"),
        ("def recall(labels, predictions):\n    a = []\n    a.append(a)\n    return a",
         "fail", "nested"),
        ("class Yes:\n    def __eq__(self, other):\n        return True\n"
         "def recall(labels, predictions):\n    return Yes()", "fail", "Yes"),
        ("class Yes(float):\n    def __eq__(self, other):\n        return True\n"
         "def recall(labels, predictions):\n    return Yes(1)", "fail", "Yes(float)"),
        ("import torch\nclass Yes(torch.Tensor):\n    pass\ndef recall(labels, predictions):\n"
         "    return torch.zeros(1).as_subclass(Yes)", "fail", "Yes(Tensor)"),
        ("def recall(labels, predictions):\n    raise NotImplementedError", "todo", "Not started"),
        ("def recall(labels, predictions):\n    return helper(labels)", "error", "NameError"),
        ("def recall(labels, predictions):\n    raise SystemExit(0)", "error", "SystemExit"),
        ("def recall(labels, predictions)\n    return 1", "error", "SyntaxError"),
        ("1 / 0\ndef recall(labels, predictions):\n    return 1", "error", "ZeroDivisionError"),
        ("from sklearn.metrics import recall_score\ndef recall(labels, predictions):\n"
         "    return recall_score(labels, predictions)", "fail", "sklearn"),
        ("def recall(labels, predictions):\n    import sklearn.metrics as m\n"
         "    return m.recall_score(labels, predictions)", "fail", "sklearn"),
        ("import sklearn.metrics as m\ndef helper(*pair):\n    return m.recall_score(*pair)\n"
         "def recall(labels, predictions):\n    return helper(labels, predictions)",
         "fail", "sklearn"),
        ("class Bad(Exception):\n    def __str__(self):\n        raise Bad\n"
         "def recall(labels, predictions):\n    raise Bad", "error", "Bad"),
    ],
)  # fmt: skip
def test_an_answer_of_another_kind_gets_a_clear_verdict(
    tmp_path: Path, pool: Pool | None, source: str, status: str, reason: str
) -> None:
    result = grade(tmp_path, source, pool=pool)
    assert statuses(result) == {status}
    assert task(result).points == 0
    assert all(reason in verdict.message["en"] for verdict in verdicts(result))
    assert all(verdict.message["zh"] for verdict in verdicts(result))


def test_an_error_tells_the_line(tmp_path: Path) -> None:
    result = grade(
        tmp_path, "def recall(labels, predictions):\n    total = 0\n    return 1 / total"
    )
    assert {v.where for v in verdicts(result)} == {"cell-1:3"}
    assert {v.line for v in verdicts(result)} == {"return 1 / total"}


@pytest.mark.slow
def test_a_loop_without_end_costs_its_own_check_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_limits(monkeypatch)
    loop = "def accuracy(labels, predictions):\n    while True:\n        pass"
    result = grade(tmp_path, loop, RECALL)
    assert statuses(result, "accuracy") == {"timeout"}
    assert task(result).status == "pass"


@pytest.mark.slow
def test_a_loop_that_swallows_everything_is_ended_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_limits(monkeypatch)
    loop = (
        "def accuracy(labels, predictions):\n    while True:\n        try:\n"
        "            while True:\n                pass\n        except BaseException:\n"
        "            pass"
    )
    result = grade(tmp_path, loop, RECALL)
    assert statuses(result, "accuracy") == {"timeout"}
    assert task(result).status == "pass"


@pytest.mark.slow
def test_a_cell_without_end_does_not_keep_the_next_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_limits(monkeypatch)
    result = grade(tmp_path, "while True:\n    pass", RECALL)
    assert task(result).status == "pass"
    assert result.cells[1].error == "Timeout"


@pytest.mark.parametrize("end", ["os._exit(0)", "ctypes.string_at(0)", "os.abort()"])
def test_a_process_brought_down_is_crashed_and_the_rest_is_graded(
    tmp_path: Path, pool: Pool | None, end: str
) -> None:
    bomb = f"import ctypes, os\ndef accuracy(labels, predictions):\n    {end}"
    result = grade(tmp_path, bomb, RECALL, pool=pool)
    assert statuses(result, "accuracy") == {"crashed"}
    assert task(result).status == "pass"


@pytest.mark.slow
def test_frames_that_a_submission_writes_itself_count_for_nothing(tmp_path: Path) -> None:
    forge = (
        "import os, struct\n"
        "def recall(labels, predictions):\n"
        "    for descriptor in range(3, 64):\n"
        "        try:\n"
        "            os.write(descriptor, struct.pack('<I', 4) + b'junk')\n"
        "        except OSError:\n"
        "            pass\n"
        "    return 0.0\n"
    )
    result = grade(tmp_path, forge)
    assert result.points == 0
    assert "pass" not in {verdict.status for item in result.tasks for verdict in item.verdicts}


def quick_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the limits on cells and checks."""
    from autograder.exercise import catalog
    from autograder.grading import grade as grading

    found = replace(catalog.exercise("metrics"), cell_seconds=1.0, check_seconds=0.5)
    monkeypatch.setattr(grading.catalog, "exercise", lambda *_: found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"{", "not valid JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not text"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1, 2]", "no notebook"),
        (b'{"cells": 3}', "no notebook"),
        (b'{"nbformat": 3}', "old notebook format"),
        (json.dumps(notebook(setup="EXERCISE, LANGUAGE = 'cooking', 'en'")).encode(), "exercise"),
        (json.dumps(notebook(setup="x = 1")).encode(), "exercise"),
        (json.dumps(notebook("x = 1\n" * 2**20)).encode(), "long"),
        (json.dumps({**notebook(), "cells": [code_cell("pass")] * 2_001}).encode(), "cells"),
    ],
    ids=lambda value: value[:12] if isinstance(value, (str, bytes)) else None,
)
def test_what_is_no_notebook_of_ours_is_said_in_one_line_and_harms_no_other(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "attempt.ipynb"
    path.write_bytes(content)
    problem = grade_path(path).problem
    assert problem is not None
    assert reason in problem["en"]
    assert "\n" not in problem["en"]
    assert problem["zh"] != problem["en"]
    with pytest.raises(UnreadableNotebook) as error:
        parse_notebook(content, "attempt.ipynb")
    assert error.value.text == problem


def test_a_notebook_that_is_no_file_here_reads_like_one_that_is(tmp_path: Path) -> None:
    content = notebook(RECALL)
    path = save(tmp_path, content)
    there = parse_notebook(path.read_bytes(), "class/lin/attempt.ipynb")
    assert there.path == Path("class/lin/attempt.ipynb")
    assert replace(there, path=path) == read_notebook(path)
    assert there.digest == read_notebook(path).digest


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    problem = grade_path(tmp_path / "absent.ipynb").problem
    assert problem is not None
    assert "no such file" in problem["en"]


def test_folders_are_searched_and_an_empty_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingToGrade, match="holds no notebook"):
        find_notebooks([tmp_path])
    (tmp_path / ".ipynb_checkpoints").mkdir()
    save(tmp_path / ".ipynb_checkpoints", notebook())
    save(tmp_path, notebook(), "metrics.left-over-2026-01-01.ipynb")
    wanted = save(tmp_path, notebook(), "metrics.ipynb")
    assert find_notebooks([tmp_path, wanted]) == [wanted]


def test_showing_a_great_deal_costs_no_points(tmp_path: Path, pool: Pool | None) -> None:
    """What is too much is left out; a frame that is too long would be taken for a forged one."""
    show = """
from IPython.display import display
for n in range(60):
    display({'text/plain': '好' * 20_000, 'image/png': b'\\x89PNG\\r\\n\\x1a\\n' + bytes(10**6)},
            raw=True)
"""
    assert task(grade(tmp_path, show, RECALL, pool=pool)).status == "pass"
