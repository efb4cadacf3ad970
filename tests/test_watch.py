"""``touchstone watch``: what it looks at, and its screen on a real terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attempts import RECALL, notebook, save
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from samples import sample_results
from terminal import terminal

from autograder.judging.results import SubmissionResult, TaskResult, Verdict
from autograder.language import LANGUAGES, Language
from autograder.learner.watching import focus, following, newly_passed
from autograder.report.watchscreen import View, screen

ROOT = Path(__file__).resolve().parents[1]
WRONG = RECALL.replace("y == 1", "y == 0")
SLIP = RECALL.replace("else 0.0", "else else 0.0")


@st.composite
def results(draw: st.DrawFn) -> SubmissionResult:
    tasks = []
    for name in "abcd":
        status = draw(st.sampled_from(["pass", "fail", "todo", "error"]))
        both = {"en": name, "zh": name}
        verdict = Verdict("c", both, status, came_out=draw(st.sampled_from("12")))
        tasks.append(TaskResult(name, both, status, 0.0, 1.0, (verdict,)))
    return SubmissionResult("m.ipynb", "metrics", tasks=tuple(tasks))


@given(results(), results(), st.sampled_from("abcd"))
def test_what_is_looked_at_is_never_passed_and_stays_while_nothing_else_changes(
    before: SubmissionResult, after: SubmissionResult, task: str
) -> None:
    left = {item.name for item in after.tasks if item.status != "pass"}
    for looked_at in (focus(after, None, ""), focus(after, before, task), following(after, task)):
        assert (looked_at in left) if left else looked_at == ""
    if task in left:
        assert focus(after, after, task) == task
    assert set(newly_passed(after, before)).isdisjoint(left)


@given(results(), st.sampled_from("abcd"))
def test_going_on_comes_by_every_task_that_is_left(result: SubmissionResult, task: str) -> None:
    left = [item.name for item in result.tasks if item.status != "pass"]
    seen = set()
    for _ in left:
        task = following(result, task)
        seen.add(task)
    assert seen == set(left)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 50), (40, 8)])
def test_the_screen_has_its_size_and_its_keys(language: Language, size: tuple[int, int]) -> None:
    width, height = size
    for result in sample_results(language):
        for task in ("", *(item.name for item in result.tasks)):
            view = View("metrics.ipynb", language, result, task, hint="1\n2")
            rows = screen(view, width, height)
            assert len(rows) == height
            assert all(cell_len(row) <= width for row in rows)
            assert rows[-1].startswith("h ")
            assert rows[0].startswith("metrics.")


def touchstone(folder: Path) -> tuple[list[str], dict[str, str]]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TOUCH"))}
    around = {**clean, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "data")}
    return [sys.executable, "-m", "autograder", "watch"], around


@pytest.mark.slow
def test_a_while_at_the_screen(tmp_path: Path) -> None:
    """Wrong, a hint, a slip, right, on to the next, the lesson, and out."""
    book = tmp_path / "book"
    book.mkdir()
    save(book, notebook(WRONG), "metrics.ipynb")
    command, around = touchstone(tmp_path)
    pager = {**around, "PAGER": "head -3"}
    with terminal([*command, "metrics.ipynb", "--lang", "en"], book, pager) as there:
        shown = there.wait_for("0 of 14 tasks", "Recall", "came out", "h hint")
        assert "Four counts" not in shown
        there.press("h")
        assert "Run h again" in there.wait_for("Hint 1 of 3")
        there.press("h")
        there.wait_for("Hint 2 of 3")
        save(book, notebook(SLIP), "metrics.ipynb")
        there.wait_for("Next: Line 4 of the cell `cell-1` is no Python", "Recall")
        save(book, notebook(RECALL), "metrics.ipynb")
        there.wait_for("Recall: passed", "1 of 14 tasks · 2 / 20 points", "Specificity")
        there.press("n")
        there.wait_for("F1")
        there.press("l")
        there.wait_for_written("\x1b[?1049l", "one number that refuses to be fooled")
        there.wait_for("F1", "h hint")
        there.press("q")
        assert there.process.wait(60) == 0
        # The terminal is given back as it was.
        assert there.read().rstrip().endswith("\x1b[?1049l")


@pytest.mark.slow
def test_ctrl_c_ends_it_and_gives_the_terminal_back(tmp_path: Path) -> None:
    save(tmp_path, notebook(), "metrics.ipynb")
    command, around = touchstone(tmp_path)
    with terminal([*command, "metrics.ipynb", "--lang", "zh"], tmp_path, around) as there:
        there.wait_for("0/14 题", "h 提示")
        there.press("\x03")
        assert there.process.wait(60) == 130
        assert "\x1b[?1049l" in there.read()
        assert "Traceback" not in there.written


@pytest.mark.slow
def test_where_there_are_no_single_keys_it_says_so_and_prints(tmp_path: Path) -> None:
    save(tmp_path, notebook(WRONG), "metrics.ipynb")
    (executable, *_), around = touchstone(tmp_path)
    windows = "import sys; sys.modules['termios'] = None; from autograder.cli import main; main()"
    command = [executable, "-c", windows, "watch", "metrics.ipynb", "--lang", "en"]
    with terminal(command, tmp_path, around) as there:
        there.wait_for("no single keys", "Watching", "came out", "touchstone hint")
        save(tmp_path, notebook(RECALL), "metrics.ipynb")
        there.wait_for("✓ Recall")
        there.press("\x03")
        assert there.process.wait(60) == 130


@pytest.mark.parametrize("name", ["absent.ipynb", "absent/"])
def test_what_is_not_there_is_said_in_a_line(name: str, tmp_path: Path) -> None:
    command, around = touchstone(tmp_path)
    done = subprocess.run(
        [*command, name, "--lang", "en"], cwd=tmp_path, env=around, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "There is no notebook absent" in done.stderr
