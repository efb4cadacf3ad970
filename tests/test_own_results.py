"""A result stands for the code that it is of, and for no other's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from attempts import SETUP, notebook
from hypothesis import given
from hypothesis import strategies as st

from autograder.classroom.graders import Graders, Job
from autograder.classroom.grading import grade_class
from autograder.classroom.intake import find_submissions
from autograder.classroom.ledger import FILE, Ledger
from autograder.engine import Notebook
from autograder.engine.cells import Cell
from autograder.engine.files import Taken
from autograder.judging.results import SubmissionResult

PIECE = st.text(alphabet="ab\0\n,[]\"'\ud800\udc00é", max_size=4)
CELLS = st.lists(st.tuples(PIECE, PIECE), max_size=3)
FILES = st.lists(st.tuples(PIECE, st.binary(max_size=3)), max_size=2)


def of(cells: list[tuple[str, str]], files: list[tuple[str, bytes]]) -> Notebook:
    made = tuple(Cell(id, source) for id, source in cells)
    return Notebook(Path("x"), "metrics", "en", made, Taken(tuple(files)))


@given(CELLS, FILES, CELLS, FILES)
def test_two_notebooks_have_one_digest_only_if_they_are_one(
    cells: list[tuple[str, str]],
    files: list[tuple[str, bytes]],
    others: list[tuple[str, str]],
    further: list[tuple[str, bytes]],
) -> None:
    one, two = of(cells, files), of(others, further)
    assert (one.digest == two.digest) == ((cells, files) == (others, further))
    assert one.digest == of(cells, files).digest


def test_cells_that_are_merged_with_a_nul_between_are_another_notebook() -> None:
    assert of([("a", "x"), ("b", "y")], []).digest != of([("a", "x\0b\0y")], []).digest


class Counting(Graders):
    """Gives as many points as there are characters, and says what it was given to grade."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __exit__(self, *_: object) -> None: ...

    def results(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, SubmissionResult]]:
        for job in list(jobs):
            source = job.notebook.cells[-1].source
            self.seen.append(source)
            yield job, SubmissionResult("x", "metrics", points=float(len(source)))


def test_even_of_one_digest_each_gets_what_her_own_code_earns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notebook, "digest", property(lambda self: "the same"))
    answers = {"ana": "x", "ben": "yy", "cem": "x", "dan": "zzz"}
    for name, source in answers.items():
        path = tmp_path / "in" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(notebook(source, setup=SETUP)), "utf-8")
    for seen in (["x", "yy", "zzz"], []):
        graders = Counting()
        with Ledger(tmp_path / "out", writing=True) as ledger:
            grade_class(find_submissions(tmp_path / "in"), ledger, graders)
            result = ledger.class_result()
        assert {g.student: g.result.points for g in result.graded} == {
            name: len(source) for name, source in answers.items()
        }
        assert graders.seen == seen


def test_a_ledger_from_before_codes_were_kept_is_read(tmp_path: Path) -> None:
    with Ledger(tmp_path, writing=True) as ledger:
        ledger.record("k", SubmissionResult("x", "metrics", points=2.0), b"code")
        ledger.enter("ana", "x", "", "k")
        assert ledger.code("k") == b"code"
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("ALTER TABLE results DROP COLUMN code")
        database.execute("ALTER TABLE handed_in DROP COLUMN at")
        database.execute("DROP TABLE adjustments")
        database.execute("PRAGMA user_version = 1")
        database.commit()
    with Ledger(tmp_path, writing=True) as ledger:
        assert ledger.class_result().graded[0].result.points == 2
        assert ledger.code("k") is None
