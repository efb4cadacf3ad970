"""Odd places to write to and to read from, and answers that say nothing: told, or just done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from attempts import RECALL, grade, task, verdicts
from toy_class import RIGHT, command, course, hand_in

from autograder import _files
from autograder.classroom import Ledger
from autograder.engine.pool import Pool
from autograder.exercise.catalog import exercise
from autograder.exercise.criteria import Tolerance
from autograder.judging.given import is_one_answer
from autograder.judging.results import ClassResult
from autograder.learner.workbook import WorkbookError, reset
from autograder.report import ReportError, write_export

PERCENT = RECALL.replace("found / positives", "100 * found / positives")
SPECIFICITY = """
def specificity(labels, predictions):
    spared = [p == 0 for y, p in zip(labels, predictions) if y == 0]
    return sum(spared) / len(spared) if spared else 0.0
"""
HONEST = """
import numpy as np
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        raise ValueError("there is no positive")
    rated = []
    for limit in np.unique(scores):
        alarms = (scores >= limit).astype(int)
        found = recall(labels, alarms)
        if found >= recall_at_least:
            rated.append((specificity(labels, alarms), found, limit))
    return max(rated)[2]
"""
LAZY = "def screening_threshold(labels, scores, recall_at_least):\n    return {}\n"


@pytest.mark.slow
def test_what_answers_every_question_alike_is_not_right_given_a_mistake(tmp_path: Path) -> None:
    """Where recall is a percentage, each limit is reached, and the highest one is always best."""
    with Pool([exercise("metrics")]) as pool:
        for lazy in ("max(scores)", "sorted(scores)[-1]"):
            done = grade(tmp_path, PERCENT, SPECIFICITY, LAZY.format(lazy), pool=pool)
            assert task(done, "screening_threshold").points == 0
            assert "pass" not in {one.status for one in verdicts(done, "screening_threshold")}
        done = grade(tmp_path, PERCENT, SPECIFICITY, HONEST, pool=pool)
    whole = task(done, "screening_threshold")
    assert whole.points == whole.max_points
    said = [one.message["en"] for one in whole.verdicts]
    assert any("given your `recall`" in text for text in said), said
    assert not any(one.misconception or one.step["en"] for one in whole.verdicts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [([1.0, 1.0], True), ([1.0, 1.0 + 1e-9], True), ((2, 2, 2), True),
     ({"a": 0.0, "b": 0.0}, True), ([[1, 2], [1, 2]], True),
     ([1.0, 2.0], False), ([1.0], False), ([], False), (1.0, False), ("aa", False), (None, False)],
)  # fmt: skip
def test_what_one_answer_is(value: object, expected: bool) -> None:
    assert is_one_answer(value, Tolerance(1e-6)) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["sqlite://", "sqlite:///:memory:", "sqlite://?mode=memory"])
def test_a_gradebook_that_would_be_gone_at_once_is_refused(target: str) -> None:
    with pytest.raises(ReportError, match="names no file") as told:
        write_export(ClassResult(()), "nbgrader", target)
    assert "sqlite:///gradebook.db" in told.value.text["zh"]


@pytest.mark.parametrize("name", ["work.ipynb", "class.sqlite"])
@pytest.mark.parametrize("form", ["csv", "json", "junit", "nbgrader", "nbgrader at"])
def test_no_report_takes_the_place_of_work_or_of_a_ledger(
    tmp_path: Path, form: str, name: str
) -> None:
    """It had been replaced by a table of points, or had got nbgrader's tables beside its own."""
    path = tmp_path / name
    if name == "class.sqlite":
        with Ledger(tmp_path, writing=True):
            pass
    else:
        path.write_text("{}")
    before = path.read_bytes()
    target = str(path) if form != "nbgrader at" else f"sqlite:///{path}"
    with pytest.raises(ReportError) as told:
        write_export(ClassResult(()), form.partition(" ")[0], target)
    assert str(path) in told.value.text["en"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_reset_of_what_is_no_file_says_so_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "metrics.ipynb"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    with pytest.raises(WorkbookError):
        reset(path)
    assert os.path.lexists(path)


def test_a_file_is_written_into_a_pipe(tmp_path: Path) -> None:
    """As ``--target /dev/stdout | less`` does; its own name is no path that could be made."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as there:
        with os.fdopen(writing, "wb"):
            _files.replace(Path(f"/dev/fd/{writing}"), b"points")
        assert there.read() == b"points"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Path]:
    folder = tmp_path_factory.mktemp("class")
    env = course(folder / "course")
    hand_in(folder / "in", "ann.ipynb", RIGHT)
    done = command(
        env, "class", "grade", folder / "in", "--out", folder / "out", "--workers", 1,
        "--no-sandbox",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return env, folder / "out"


@pytest.mark.slow
@pytest.mark.parametrize(("form", "mark"), [("csv", "ann"), ("json", "ann"), ("junit", "<")])
def test_results_go_into_a_pipe_and_nothing_else_does(
    results: tuple[dict[str, str], Path], form: str, mark: str
) -> None:
    env, out = results
    done = command(env, "class", "export", out, "--to", form, "--target", "/dev/stdout")
    assert done.returncode == 0, done.stderr
    assert mark in done.stdout
    assert "Written" not in done.stdout
    if form == "json":
        assert json.loads(done.stdout)["not_graded"] == []


@pytest.mark.slow
def test_a_ledger_on_a_read_only_disk_is_exported_elsewhere(
    results: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    """Also what a grader that was killed left beside it, and nothing is written there."""
    env, out = results
    code = (
        "import os, pathlib, sys; from autograder.classroom import Ledger\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1]), writing=True)\n"
        "late = {'en': 'late', 'zh': '晚'}; ledger.note(late, [('late.pdf', late)])\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, out], env=env)
    assert killed.returncode == -signal.SIGKILL
    with suppress(FileNotFoundError):
        (out / "class.sqlite-shm").unlink()
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert before["class.sqlite-wal"]
    target = tmp_path / "class.json"
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--ro-bind", out, out, sys.executable, "-m",
         "autograder", "class", "export", out, "--to", "json", "--target", target],
        env=env, capture_output=True, text=True,
    )  # fmt: skip
    if "bwrap:" in done.stderr:
        pytest.skip("may not mount here")
    assert done.returncode == 0, done.stderr
    assert [one["name"] for one in json.loads(target.read_text())["not_graded"]] == ["late.pdf"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
