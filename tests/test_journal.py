"""The journal keeps every attempt once, survives company, and never harms a file it cannot read."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.evidence.runs import CellOutput, CellRun, Isolation
from autograder.grading.journal import Journal, JournalError, default_path
from autograder.grading.serial import SerialError, result_from_dict, result_to_dict
from autograder.judging.results import (
    STATUSES,
    Seconds,
    Status,
    SubmissionResult,
    TaskResult,
    Verdict,
)
from autograder.language import Text

NOTHING: Text = {"en": "", "zh": ""}

# Lone surrogates among them, for a path may hold them, and infinities.
STRINGS = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
FLOATS = st.floats(allow_nan=False)
TEXTS = st.fixed_dictionaries({"en": STRINGS, "zh": STRINGS})
VERDICTS = st.builds(
    Verdict,
    name=STRINGS,
    claim=TEXTS,
    status=st.sampled_from(STATUSES),
    message=TEXTS,
    misconception=STRINGS,
    diagnosis=TEXTS,
    came_out=STRINGS,
    call=STRINGS,
    calls=st.integers(0, 40),
    expected=TEXTS,
    step=TEXTS,
    where=STRINGS,
    line=STRINGS,
    weight=FLOATS,
    seconds=FLOATS,
)
TASKS = st.builds(
    TaskResult,
    name=st.text("abc_题", max_size=5),  # the catalogue's
    title=TEXTS,
    status=st.sampled_from(STATUSES),
    points=FLOATS,
    max_points=FLOATS,
    verdicts=st.lists(VERDICTS, max_size=2).map(tuple),
    granted=st.none() | FLOATS,
    reason=STRINGS,
)
CELLS = st.builds(
    CellRun,
    id=STRINGS,
    source=STRINGS,
    outputs=st.lists(
        st.builds(
            CellOutput,
            kind=st.sampled_from(["stream", "display", "result", "error"]),
            text=STRINGS,
            png=STRINGS,
        ),
        max_size=2,
    ).map(tuple),
    error=STRINGS,
    message=STRINGS,
    seconds=FLOATS,
)
RESULTS = st.builds(
    SubmissionResult,
    path=STRINGS,
    exercise=st.sampled_from(["", "metrics"]),
    language=st.sampled_from(["en", "zh"]),
    points=FLOATS,
    max_points=FLOATS,
    seconds=st.builds(Seconds, FLOATS, FLOATS, FLOATS),
    isolation=st.sampled_from(get_args(Isolation)),
    tasks=st.lists(TASKS, max_size=2).map(tuple),
    cells=st.lists(CELLS, max_size=2).map(tuple),
    problem=st.none() | TEXTS,
    notes=st.lists(TEXTS, max_size=2).map(tuple),
)


def graded(exercise: str = "metrics", **statuses: Status) -> SubmissionResult:
    """A result in which each passed task has two points."""
    tasks = tuple(
        TaskResult(
            name=name,
            title=NOTHING,
            status=status,
            points=2.0 * (status == "pass"),
            max_points=2.0,
            verdicts=(Verdict(name="claim", claim=NOTHING, status=status),),
        )
        for name, status in statuses.items()
    )
    points = sum(task.points for task in tasks)
    return SubmissionResult("a.ipynb", exercise, "en", points, 2.0 * len(tasks), tasks=tasks)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".touchstone" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What the file holds, read by other means than the journal's."""
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


@given(RESULTS)
def test_a_result_comes_back_exactly(result: SubmissionResult) -> None:
    strict = json.dumps(result_to_dict(result), allow_nan=False)
    assert result_from_dict(json.loads(strict)) == result


@given(RESULTS)
def test_the_journal_gives_back_what_it_was_given(result: SubmissionResult) -> None:
    with Journal(Path(":memory:")) as journal:
        journal.record(result, "sha", "env")
        assert journal.attempt("sha", result.exercise, "env") == result
        assert set(journal.best(result.exercise)) <= {task.name for task in result.tasks}


def test_a_result_without_a_newer_field_gets_the_default() -> None:
    data = result_to_dict(graded(recall="pass"))
    del data["isolation"]
    assert result_from_dict(data).isolation == "process"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 2}, "version 2"),
        ({"points": "many"}, "result.points"),
        ({"points": True}, "result.points"),
        ({"language": "fr"}, "result.language"),
        ({"language": ["en"]}, "result.language"),
        ({"tasks": "recall"}, "result.tasks"),
        ({"tasks": [{"name": "recall"}]}, "result.tasks[0]"),
        ({"tasks": [7]}, "result.tasks[0]"),
        ({"seconds": None}, "result.seconds"),
        ({"problem": {"en": 1}}, "result.problem.en"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_data_that_is_no_result_is_refused_with_the_place(
    change: dict[str, object], where: str
) -> None:
    with pytest.raises(SerialError) as caught:
        result_from_dict({**result_to_dict(graded(recall="pass")), **change})
    assert where in str(caught.value)


def test_the_same_attempt_is_one_row_that_is_seen_again(journal: Journal, path: Path) -> None:
    journal.record(graded(recall="pass"), "sha", "env")
    ((first,),) = rows(path, "SELECT last_seen FROM attempts")
    journal.record(graded(recall="pass"), "sha", "env")
    ((last, recorded),) = rows(path, "SELECT last_seen, recorded FROM attempts")
    assert str(last) > str(first) == recorded


def test_submission_exercise_and_environment_each_make_another_attempt(
    journal: Journal, path: Path
) -> None:
    for exercise, sha, environment in [
        ("metrics", "a", "b"),
        ("metrics", "b", "a"),
        ("metrics", "ab", ""),
        ("bert", "a", "b"),
    ]:
        journal.record(graded(exercise, recall="pass"), sha, environment)
    assert rows(path, "SELECT count(*) FROM attempts") == [(4,)]
    assert journal.attempt("b", "bert", "a") is None


def test_the_better_of_two_results_for_one_attempt_stays(journal: Journal) -> None:
    slow, fine = graded(recall="timeout", f1="pass"), graded(recall="pass", f1="pass")
    for result in (slow, fine, slow):
        journal.record(result, "sha", "env")
    assert journal.attempt("sha", "metrics", "env") == fine


def test_a_fault_of_ours_gives_way_even_to_no_points(journal: Journal) -> None:
    ours, theirs = graded(recall="internal", f1="pass"), graded(recall="fail", f1="fail")
    for result in (ours, theirs, ours):
        journal.record(result, "sha", "env")
    assert journal.attempt("sha", "metrics", "env") == theirs


def test_best_is_by_task_over_all_attempts(journal: Journal) -> None:
    journal.record(graded(recall="pass", f1="fail"), "1", "env")
    journal.record(graded(recall="fail", f1="pass"), "2", "env")
    journal.record(graded("bert", recall="pass"), "3", "env")
    assert journal.best("metrics") == {"recall": 2.0, "f1": 2.0}
    assert journal.passed("metrics", "recall")
    assert not journal.passed("bert", "f1")
    assert journal.best("gpt") == {}


def test_standing_is_the_best_attempt_and_when_it_came(journal: Journal) -> None:
    before = datetime.now(UTC)
    journal.record(graded(recall="pass", f1="pass"), "1", "env")
    between = datetime.now(UTC)
    journal.record(graded(recall="pass", f1="fail"), "2", "env")
    journal.record(graded(recall="pass", f1="pass"), "3", "env")
    journal.record(SubmissionResult("x.ipynb", problem={"en": "no", "zh": "不"}), "4", "env")
    assert set(journal.standing()) == {"metrics"}
    standing = journal.standing()["metrics"]
    assert (standing.points, standing.max_points, standing.attempts) == (4.0, 4.0, 3)
    assert before <= standing.when <= between


def test_hints_open_one_by_one_and_stay_at_the_last(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.hint_level("metrics", "recall") == 0
        assert [journal.open_hint("metrics", "recall") for _ in range(2)] == [1, 2]
    with Journal(path) as journal:
        assert [journal.open_hint("metrics", "recall") for _ in range(3)] == [3, 3, 3]
        assert journal.hint_level("metrics", "recall") == 3
        assert journal.hint_level("metrics", "f1") == journal.hint_level("bert", "recall") == 0


def test_giving_up_is_remembered_for_that_task_alone(path: Path) -> None:
    with Journal(path) as journal:
        journal.give_up("metrics", "recall")
        journal.give_up("metrics", "recall")
    with Journal(path) as journal:
        assert journal.gave_up("metrics", "recall")
        assert not journal.gave_up("metrics", "f1")
        assert not journal.passed("metrics", "recall")


WRITER = """
import sys
from pathlib import Path
from autograder.language import Text
from autograder.grading.journal import Journal
from autograder.judging.results import SubmissionResult
sys.stdin.readline()
for number in range(20):
    with Journal(Path(sys.argv[1])) as journal:
        journal.record(SubmissionResult("p", "metrics", points=1.0), f"{number}", "env")
        journal.record(SubmissionResult("p", "metrics"), f"{sys.argv[2]} {number}", "env")
        journal.open_hint("metrics", "recall")
"""


def test_processes_may_make_and_write_one_journal_at_once(path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    assert [writer.stdin.write("go\n") for writer in writers if writer.stdin] == [3] * 4
    errors = [writer.communicate()[1] for writer in writers]
    assert [(writer.returncode, error) for writer, error in zip(writers, errors, strict=True)] == [
        (0, "")
    ] * 4
    assert rows(path, "SELECT count(*) FROM attempts") == [(20 + 4 * 20,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_write_that_is_killed_half_way_leaves_no_trace(path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from autograder.grading import database, journal
opened = database.connect(Path(sys.argv[1]), journal.FORM)
with database.transaction(opened):
    opened.execute("INSERT INTO hints VALUES ('metrics', 'recall', 1)")
    os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == 9
    with Journal(path) as journal:
        assert journal.hint_level("metrics", "recall") == 0
        assert journal.open_hint("metrics", "recall") == 1


@pytest.mark.parametrize("garbage", [b"not a database " * 100, b"\x00" * 5000])
def test_a_damaged_file_is_named_and_left_alone(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    with pytest.raises(JournalError, match="Move it away") as caught:
        Journal(path)
    assert str(path) in str(caught.value)
    assert "移走" in caught.value.text["zh"]
    assert path.read_bytes() == garbage
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_damaged_in_the_middle_is_named_and_left_alone(path: Path) -> None:
    with Journal(path) as journal:
        for number in range(200):
            journal.record(graded(recall="pass", f1="fail"), str(number), "env")
    whole = path.read_bytes()
    broken = whole[:4096] + b"\xff" * (len(whole) - 4096)
    path.write_bytes(broken)
    with pytest.raises(JournalError, match="damaged"), Journal(path) as journal:
        journal.record(graded(recall="pass"), "new", "env")
    assert path.read_bytes() == broken


def test_an_attempt_that_cannot_be_understood_is_damage(journal: Journal, path: Path) -> None:
    journal.record(graded(recall="pass"), "sha", "env")
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE attempts SET result = '[]'")
    database.close()
    with pytest.raises(JournalError, match="damaged"):
        journal.attempt("sha", "metrics", "env")


@pytest.mark.parametrize(
    ("setup", "advice"),
    [
        ("PRAGMA user_version = 999", "Upgrade Touchstone"),
        ("PRAGMA application_id = 1", "no journal of Touchstone"),
    ],
)
def test_a_newer_or_foreign_file_is_left_alone(path: Path, setup: str, advice: str) -> None:
    Journal(path).close()
    rows(path, setup)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=advice):
        Journal(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    rows(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="no journal of Touchstone"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_hold_a_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "journal.sqlite", tmp_path):
        with pytest.raises(JournalError, match="cannot be used now") as caught:
            Journal(place)
        assert str(place) in str(caught.value)


def test_outside_a_workbook_the_journal_is_in_the_users_own_folder() -> None:
    assert default_path().name == "journal.sqlite"
    assert default_path().is_absolute()
    assert "touchstone" in default_path().parts


def test_every_field_of_a_result_is_in_the_property_test() -> None:
    for strategy, kind in [(VERDICTS, Verdict), (TASKS, TaskResult), (RESULTS, SubmissionResult)]:
        for field in dataclasses.fields(kind):
            assert f"{field.name}=" in repr(strategy), f"{kind.__name__}.{field.name}"
