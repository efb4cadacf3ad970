"""Nothing that a student or another system is given holds hidden inputs or expected values."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from attempts import code_cell, save
from hypothesis import given
from hypothesis import strategies as st
from samples import both, sample_results

from autograder.evidence.runs import CellOutput, CellRun
from autograder.exercise.catalog import Exercise, exercise
from autograder.exercise.suite import Suite, salted
from autograder.grading.grade import grade_path
from autograder.judging.results import ClassResult, Graded, SubmissionResult, TaskResult, Verdict
from autograder.report import discreet, html, write_class_report, write_export
from autograder.report.exports import FORMS

SECRET = "of the teacher"
# Each a way of getting what a probe gave to the function past the judge. `spelled` writes digits
# as letters; the last one forges a frame, after which nothing more is believed.
WAYS = {
    "returned": "return values",
    "described": "return 'got ' + str(values)",
    "keyed": "return {str(values): {values[0]: values}}",
    "raised": "raise ValueError(str(values))",
    "renamed": "raise type(str(values), (Exception,), {})()",
    "spelled_out": "raise type(spelled(values), (Exception,), {})()",
    "exited": "raise SystemExit(str(values))",
    "unwritten": "raise NotImplementedError(str(values))",
    "too_large": "raise MemoryError(str(values))",
    "misspelt": "raise SyntaxError(str(values), (str(values), 1, 1, str(values)))",
    "wrapped": "return type(spelled(values), (float,), {})()",
    "boxed": "return {type(spelled(values), (str,), {})(): 1}",
    "elsewhere": "exec(compile('raise ValueError', f'<{values}>', 'exec'))",
    "at_a_line": "exec(compile('\\n' * 3 + 'raise ValueError', '<first>', 'exec'))",
    "in_place": "show_line('<second>', values)\n"
    "    exec(compile('raise ValueError', '<second>', 'exec'))",
    "printed": "print(values)\n    sys.stderr.write(str(values))\n    return 0",
    "left_behind": "stash.write_text(str(values))\n    os._exit(7)",
    "ended": "os._exit(values[0] % 256)",
    "forged": """frame = sys._getframe()
    while frame.f_code.co_name != "_serve_notebook":
        frame = frame.f_back
    told = Outcome("probe_forged", "forbidden", error=str(values), where=str(values),
                   seconds=float(values[0]), calls=(str(values),), called=1)
    table = {"type": "check", "step": "check:probe_forged", "outcome": outcome_to(told)}
    channel = frame.f_locals["channel"]
    write_frame(channel, table)
    write_frame(channel, {"type": "start", "step": "cell:0"})
    output = {"kind": "stream", "text": str(values), "png": ""}
    write_frame(channel, {"type": "cell", "step": "cell:0", "id": str(values), "error": "",
                          "outputs": [output], "message": "", "seconds": float(values[0])})
    return 0""",
}
HELPERS = """
import gc, linecache, os, pathlib, sys
from autograder.engine.claims import outcome_to
from autograder.engine.protocol import write_frame
from autograder.evidence.observations import Outcome

def spelled(values):
    return "".join(chr(97 + int(digit)) for digit in str(values[0]))

def show_line(name, values):
    linecache.cache[name] = (1, None, [f"{values}\\n"] * 9, name)

stash = pathlib.Path(%r)
print(stash.read_text() if stash.exists() else "nothing yet")
"""
# The seeds are in the worker's memory, and a cell may go looking for them.
SEARCH = """
suites = [thing for thing in gc.get_objects() if type(thing).__name__ == "Suite"]
draws = [[suite.fixture("rng", name).integers(10**8, 10**9, 3) for name in suite.checks]
         for suite in suites]
print(draws)
raise ValueError(str(draws))
def found(values): return 0
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exercise whose probes give each function three numbers of nine digits."""
    folder = tmp_path_factory.mktemp("root") / "autograder" / "course" / "echo"
    folder.mkdir(parents=True)
    toml = ['title = {en = "Echo", zh = "回声"}']
    checks = ["from autograder.checks import check"]
    reference = []
    for name in ("found", *WAYS):
        toml += [
            "[[tasks]]",
            f'name = "{name}"',
            f'title = {{en = "{name}", zh = "{name}"}}',
            "points = 1",
            "difficulty = 1",
            "minutes = 1",
            'hints = {en = ["a"], zh = ["a"]}',
        ]
        checks += [
            f'@check("It adds up.", zh="求和。", close=1e-9)\ndef probe_{name}({name}, rng):',
            f"    return {name}(rng.integers(10**8, 10**9, 3).tolist())",
        ]
        reference += [f"def {name}(values):", "    return sum(values)"]
    wrong = (
        "from autograder.checks import wrong\n"
        '@wrong("returned", "Adds nothing.", zh="没有求和。", caught_by="probe_returned")\n'
        "def adds_nothing(values):\n    return values\n"
    )
    files = {
        "exercise.toml": toml,
        "checks.py": checks,
        "reference.py": reference,
        "wrong.py": [wrong],
        "right.py": [],
    }
    for file, lines in files.items():
        (folder / file).write_text("\n".join(lines) + "\n", "utf-8")
    return folder.parent  # fmt: skip


@pytest.fixture(scope="module")
def echoed(course: Path, tmp_path_factory: pytest.TempPathFactory) -> SubmissionResult:
    folder = tmp_path_factory.mktemp("class")
    ways = "\n".join(f"def {name}(values):\n    {body}" for name, body in WAYS.items())
    cells = [HELPERS % str(folder / "stash"), SEARCH, ways]
    names = ["first", "found", "second"]
    content = {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"touchstone": {"exercise": "echo", "language": "en"}},
        "cells": [code_cell(s, id=name) for name, s in zip(names, cells, strict=True)],
    }  # fmt: skip
    return grade_path(save(folder, content), secret=SECRET, course=course)


def hidden_numbers(found: Exercise) -> set[str]:
    """What must not be told: inputs, their sums, and inputs spelled as letters."""
    suite = Suite(found, salted(SECRET, found.slug))
    numbers: set[str] = set()
    for name in suite.checks:
        values = suite.fixture("rng", name).integers(10**8, 10**9, 3).tolist()
        numbers |= {str(value) for value in (*values, sum(values))}
        numbers.add("".join(chr(97 + int(digit)) for digit in str(values[0])))
    return numbers


def test_the_submission_does_echo(course: Path, echoed: SubmissionResult) -> None:
    """Else the next test could not fail."""
    assert echoed.problem is None
    page = html.page([echoed])
    told = {number for number in hidden_numbers(exercise("echo", course)) if number in page}
    assert len(told) > 3 * len(WAYS)
    seen = {task.name: task.status for task in echoed.tasks}
    assert seen["forged"] in ("fail", "tampered")
    assert seen["ended"] == seen["left_behind"] == "crashed"


def test_no_hidden_number_in_any_page_or_export(
    course: Path, echoed: SubmissionResult, tmp_path: Path
) -> None:
    named = replace(echoed, path="Ann/echo.ipynb")
    result = ClassResult((Graded("Ann", named.path, named, "1"),), hidden=True)
    for language in ("en", "zh"):
        write_class_report(result, tmp_path / language, language)
    forms = [form for form in FORMS if form != "nbgrader"]  # which has room for points alone
    back = {"moodle-feedback": "Ann_1_assignsubmission_file/", "canvas-feedback": "ann_1_2_"}
    for form in forms:
        (item,) = result.graded
        name = back.get(form, "Ann/") + "echo.ipynb"
        write_export(replace(result, graded=(replace(item, name=name),)), form, tmp_path / form)
        if form in back:
            with zipfile.ZipFile(tmp_path / form) as archive:
                archive.extractall(tmp_path / f"{form}-unpacked")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 4 + len(forms)
    content = {path.name: path.read_bytes() for path in written}
    for number in hidden_numbers(exercise("echo", course)):
        assert [name for name, data in content.items() if number.encode() in data] == []


def test_under_a_secret_no_call_is_told(
    course: Path, echoed: SubmissionResult, tmp_path: Path
) -> None:
    """Neither noted by us nor forged: not in the result, from which ledger and reports are made."""
    assert not any(verdict.call for task in echoed.tasks for verdict in task.verdicts)
    content = {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"touchstone": {"exercise": "echo", "language": "en"}},
        "cells": [code_cell("def returned(values):\n    return values", id="second")],
    }  # fmt: skip
    plain = grade_path(save(tmp_path, content), course=course)
    (call,) = [verdict.call for task in plain.tasks for verdict in task.verdicts if verdict.call]
    assert call.startswith("returned([")
    assert not any(v.call for task in discreet(plain, hidden=False).tasks for v in task.verdicts)


def test_cells_show_nothing_of_what_was_probed_after_them(
    course: Path, echoed: SubmissionResult
) -> None:
    """Neither by a file that a probe left to the next worker, nor by a frame about a cell."""
    first = discreet(echoed, hidden=False).cells[0]
    assert first.id == "first"
    assert [output.text for output in first.outputs] == ["nothing yet\n"]


def test_what_a_student_needs_stays(echoed: SubmissionResult) -> None:
    told = {task.name: task.verdicts[0] for task in discreet(echoed).tasks}
    assert told["raised"].message["en"] == "It stopped with an error."
    assert told["returned"].diagnosis["en"] == "Adds nothing."
    assert told["renamed"].message["en"] == "It stopped with an error."
    assert told["described"].message["en"] == "What came out differs."
    assert any(cell.outputs for cell in discreet(echoed, hidden=False).cells)
    assert all(not cell.outputs for cell in discreet(echoed).cells)
    open = {task.name: task.verdicts[0] for task in discreet(echoed, hidden=False).tasks}
    assert open["raised"].message["en"] == "It stopped with ValueError"
    assert open["raised"].line == "raise ValueError(str(values))"
    assert open["raised"].step["en"].startswith("Look at second, line ")


# Each chooses what is told by an input of the probe.
CHOICES = {
    "a line": "[\n" + "\n".join("lambda: 1 / 0," for _ in range(200)) + "\n][n % 200]()",
    "a name": "raise [KeyError, ValueError, TypeError, IndexError][n % 4]",
    "a type": "return [set(), range(3), object(), b'x'][n % 4]",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", CHOICES)
def test_under_a_secret_a_page_is_the_same_whatever_a_submission_chose(
    way: str, course: Path, tmp_path: Path
) -> None:
    body = "\n    ".join(CHOICES[way].splitlines())
    pages, open_pages = set(), set()
    for n in (0, 1, 2, 3):
        source = f"def found(values):\n    n = {n}\n    {body}"
        content = {
            "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"touchstone": {"exercise": "echo", "language": "en"}},
            "cells": [code_cell(source, id="found")],
        }  # fmt: skip
        result = grade_path(save(tmp_path, content), secret=SECRET, course=course)
        for hidden, told in ((True, pages), (False, open_pages)):
            shown = discreet(result, hidden=hidden)
            told.add(repr(shown.tasks[0].verdicts[0]) + repr([c.error for c in shown.cells]))
    assert len(pages) == 1 < len(open_pages)


def test_under_a_secret_no_page_says_which_cells_stopped() -> None:
    cells = tuple(CellRun(f"c{n}", "x", error="NameError" * (n % 2), number=1) for n in range(9))
    shown = discreet(SubmissionResult("a.ipynb", "metrics", cells=cells))
    assert {(cell.error, cell.number, cell.line) for cell in shown.cells} == {("", 0, "")}


def test_points_statuses_and_claims_are_the_same() -> None:
    for result in sample_results():
        shown = discreet(result)
        assert (shown.points, shown.passed, shown.at_fault) == (
            result.points, result.passed, result.at_fault,
        )  # fmt: skip
        for ours, theirs in zip(result.tasks, shown.tasks, strict=True):
            kept = [(v.name, v.claim, v.status, v.diagnosis, v.weight) for v in ours.verdicts]
            assert kept == [(v.name, v.claim, v.status, v.diagnosis, v.weight)
                            for v in theirs.verdicts]  # fmt: skip


def test_a_property_is_told_and_a_value_is_not() -> None:
    told = {v.name: v for task in discreet(sample_results()[0]).tasks for v in task.verdicts}
    assert told["curve_is_monotone"].expected["en"] == "numbers that do not decrease"
    assert told["ties_count_one_half"].expected == both("", "")
    assert told["harmonic_mean"].message["en"].startswith("Right, given your `recall`")


def test_a_failure_of_ours_does_not_tell_why() -> None:
    words = both("Our fault: the reference says 123456789", "是我们的错：123456789")
    assert "123456789" not in str(discreet(SubmissionResult("a.ipynb", "metrics", problem=words)))
    theirs = both("The file is empty.", "文件是空的。")
    assert discreet(SubmissionResult("a.ipynb", problem=theirs)).problem == theirs


@given(
    st.sampled_from(["fail", "error", "timeout", "crashed", "internal"]),
    st.text(min_size=1, max_size=40),
    st.integers(10**9, 10**12),
)
def test_nothing_that_a_probe_can_say_is_taken_over(status: str, text: str, number: int) -> None:
    canary = f"{text}{number}{text}"
    verdict = Verdict(
        "check", both("Claim.", "命题。"), status,  # type: ignore[arg-type]
        both(canary, canary), "", both("", ""), canary, both(canary, canary),
        both(canary, canary), f"{canary}:{number}", canary, seconds=float(number),
    )  # fmt: skip
    task = TaskResult("recall", both("Recall", "召回率"), verdict.status, 0.0, 1.0, (verdict,))
    outputs = tuple(CellOutput(kind, canary) for kind in ("stream", "display", "result", "error"))
    cell = CellRun("recall", "def recall(): ...", outputs, canary, canary, float(number))
    result = SubmissionResult("a.ipynb", "metrics", tasks=(task,), cells=(cell,))
    assert str(number) not in str(discreet(result))
