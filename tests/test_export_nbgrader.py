"""Our points in nbgrader's own gradebook, asked for by nbgrader's own commands."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from classroom import classroom, graded
from nbgrader.api import Gradebook
from samples import sample_results
from sqlalchemy import make_url

from autograder.judging.results import ClassResult, Graded, SubmissionResult
from autograder.report import ReportError, write_export
from autograder.report.overview import best_of

pytestmark = pytest.mark.slow

RESULT = classroom(6)


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with a class in it; a new one takes nbgrader some seconds."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    done = write_export(RESULT, "nbgrader", path)
    assert (done.target, done.warnings) == (str(path), ())
    return path


@pytest.fixture
def gradebook(entered: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copy(entered, tmp_path / "gradebook.db"))


def points(result: ClassResult) -> dict[tuple[str, str], float]:
    return {key: item.result.points for key, item in best_of(result.graded).items()}


def dumped(url: str) -> dict[tuple[str, str, str, str], tuple[object, ...]]:
    """Every grade there is, by assignment, notebook, student and cell."""
    with Gradebook(url) as book:
        return {
            (a.name, n.name, s.student.id, g.name): (
                g.auto_score, g.manual_score, g.needs_manual_grade, g.score, g.cell.max_score,
            )
            for a in book.assignments
            for s in a.submissions
            for n in s.notebooks
            for g in n.grades
        }  # fmt: skip


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def test_nbgraders_export_has_our_points(gradebook: Path) -> None:
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "JUPYTER_CONFIG_DIR": str(gradebook.parent / "config"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "export"], cwd=gradebook.parent, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    with (gradebook.parent / "grades.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ours = points(RESULT)
    handed_in = {
        (row["student_id"], row["assignment"]): float(row["score"])
        for row in rows
        if (row["student_id"], row["assignment"]) in ours
    }
    assert handed_in == pytest.approx(ours)
    assert {float(row["max_score"]) for row in rows} == {20.0}
    assert all(float(row["score"]) == 0 for row in rows if row["timestamp"])


def test_cells_are_named_as_in_our_notebooks(entered: Path) -> None:
    grades = dumped(url_of(entered))
    for item in best_of(RESULT.graded).values():
        for task in item.result.tasks:
            key = (item.result.exercise, item.result.exercise, item.student, f"{task.name}-check")
            auto, manual, needs_a_person, score, most = grades[key]
            assert (manual, most) == (None, task.max_points)
            assert score == task.points
            # Where the fault is ours there is no score, and somebody is asked to look.
            is_ours = task.status == "internal"
            assert (auto, needs_a_person) == (None if is_ours else task.points, is_ours)


def test_entering_the_same_again_changes_nothing(gradebook: Path) -> None:
    before = dumped(url_of(gradebook))
    write_export(RESULT, "nbgrader", gradebook)
    write_export(RESULT, "nbgrader", gradebook.parent)  # the folder that holds it
    assert dumped(url_of(gradebook)) == before


def test_what_others_entered_stays(gradebook: Path) -> None:
    student = RESULT.students[0]
    with Gradebook(url_of(gradebook)) as book:
        book.add_assignment("essay")
        book.add_notebook("essay", "essay")
        book.add_grade_cell("essay-1", "essay", "essay", max_score=5, cell_type="markdown")
        book.add_student("zz", first_name="Zed", email="z@example.edu")
        book.add_submission("essay", "zz")
        book.add_submission("metrics", "zz")
        book.find_grade("essay-1", "essay", "essay", "zz").manual_score = 4
        for name, score in (("recall-check", 1.5), ("f1-check", 2.0)):
            grade = book.find_grade(name, "metrics", "metrics", student)
            grade.manual_score, grade.needs_manual_grade = score, False
        book.db.commit()
    before = dumped(url_of(gradebook))
    changed = tuple(_with_points(item, "f1", 0.25) for item in RESULT.graded)
    write_export(ClassResult(changed), "nbgrader", gradebook)
    after = dumped(url_of(gradebook))
    assert {key: after[key] for key in after if key[2] == "zz"} == {
        key: before[key] for key in before if key[2] == "zz"
    }
    recall, f1 = (
        after["metrics", "metrics", student, cell] for cell in ("recall-check", "f1-check")
    )
    assert recall == before["metrics", "metrics", student, "recall-check"]
    # The score given by hand still counts; another automatic one asks for a second look.
    assert f1[:4] == (0.25, 2.0, True, 2.0)
    with Gradebook(url_of(gradebook)) as book:
        assert book.find_student("zz").email == "z@example.edu"


def _with_points(item: Graded, task: str, value: float) -> Graded:
    tasks = tuple(
        replace(t, points=value, status="fail") if t.name == task else t for t in item.result.tasks
    )
    return replace(item, result=replace(item.result, tasks=tasks))


def test_an_assignment_made_by_nbgrader_keeps_its_notebooks(gradebook: Path) -> None:
    """Two languages, as in our own course; each student's file tells which it is."""
    with Gradebook(url_of(gradebook)) as book:
        book.add_assignment("gpt-generation")
        for language in ("en", "zh"):
            book.add_notebook(f"gpt-{language}", "gpt-generation")
            book.add_grade_cell(
                "recall-check", f"gpt-{language}", "gpt-generation",
                max_score=3, cell_type="code",
            )  # fmt: skip
    one = replace(sample_results()[0], exercise="gpt-generation")
    result = ClassResult((Graded("lei", "lei/gpt-zh.ipynb", one),))
    write_export(result, "nbgrader", gradebook)
    mine = {key[1:]: value for key, value in dumped(url_of(gradebook)).items() if key[2] == "lei"}
    assert mine["gpt-zh", "lei", "recall-check"][0] == 0.67
    assert mine["gpt-zh", "lei", "recall-check"][4] == 3
    assert mine["gpt-en", "lei", "recall-check"][0] is None


def test_names_without_room_are_told_of(gradebook: Path) -> None:
    fine, broken = sample_results()[1], sample_results()[3]
    names = ("n" * 300, "", "\ud800", "fine")
    result = ClassResult((*(graded(name, fine) for name in names), graded("Zed", broken)))
    done = write_export(result, "nbgrader", gradebook)
    assert "nnn" in done.warnings[0]["en"]
    assert "Zed" in done.warnings[0]["zh"]
    assert "fine" not in done.warnings[0]["zh"]
    assert ("metrics", "metrics", "fine", "confusion_counts-check") in dumped(url_of(gradebook))


@pytest.mark.parametrize("target", ["nonsense://x", "://", "sqlite:////proc/none/gradebook.db"])
def test_what_cannot_be_opened_is_said(target: str) -> None:
    with pytest.raises(ReportError, match="Could not write nbgrader's gradebook"):
        write_export(RESULT, "nbgrader", target)


def test_a_file_that_is_no_database_stays(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.write_text("my thesis " * 1000)
    with pytest.raises(ReportError) as raised:
        write_export(RESULT, "nbgrader", path)
    assert str(path) in raised.value.text["zh"]
    assert path.read_text() == "my thesis " * 1000


def test_a_password_is_not_told() -> None:
    target = "postgresql+psycopg://teacher:swordfish@127.0.0.1:1/class?password=swordfish"
    with pytest.raises(ReportError) as raised:
        write_export(RESULT, "nbgrader", target)
    assert "teacher" in raised.value.text["en"]
    assert "swordfish" not in "".join(raised.value.text.values())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server of our own."""
    pytest.importorskip("psycopg")
    found = [shutil.which(name) for name in ("initdb", "pg_ctl")]
    initdb, control = (path or pytest.skip("needs PostgreSQL") for path in found)
    # Not in pytest's folder, which is for nobody else, and short, for the path of a socket.
    folder = Path(tempfile.mkdtemp(prefix="touchstone-pg-"))
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres" if shutil.which("runuser") else pytest.skip("needs another user")
        shutil.chown(folder, user)
    data, options = str(folder / "data"), f"-c listen_addresses='' -k {folder}"

    def run(*command: str) -> None:
        before = ["runuser", "-u", user, "--"] if user else []
        subprocess.run([*before, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run(initdb, "-D", data, "-A", "trust", "-U", "teacher", "--no-sync")
    run(control, "-D", data, "-o", options, "-w", "-l", str(folder / "log"), "start")
    yield f"postgresql+psycopg://teacher@/postgres?host={folder}"
    run(control, "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_postgresql_holds_the_same(server: str, entered: Path) -> None:
    done = write_export(RESULT, "nbgrader", server)
    assert make_url(done.target).username == "teacher"
    once = dumped(server)
    assert once == dumped(url_of(entered))
    write_export(RESULT, "nbgrader", server)
    assert dumped(server) == once


def test_a_submission_is_entered_whole(gradebook: Path) -> None:
    """What fails in the middle leaves the submissions before it, and none in parts."""
    good = replace(sample_results()[0])
    result = ClassResult((graded("aa", good), graded("bb", _unstorable(good))))
    with pytest.raises(ReportError):
        write_export(result, "nbgrader", gradebook)
    grades = dumped(url_of(gradebook))
    assert grades["metrics", "metrics", "aa", "recall-check"][0] == 0.67
    assert {value[0] for key, value in grades.items() if key[2] == "bb"} <= {None}


def _unstorable(result: SubmissionResult) -> SubmissionResult:
    """A result whose last task has points that no database takes."""
    *others, last = result.tasks
    wrong = replace(last, points=[1.0])  # type: ignore[arg-type]
    return replace(result, tasks=(*others, wrong))
