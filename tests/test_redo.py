"""``touchstone redo``: a passed task again, with what it rests on, and nothing lost."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attempts import RECALL

from autograder.engine import read_notebook
from autograder.exercise import catalog
from autograder.exercise.suite import Suite
from autograder.grading.journal import Journal
from autograder.judging.results import SubmissionResult, TaskResult
from autograder.learner import desk, workbook
from autograder.learner.desk import Desk, NotYet
from autograder.learner.redoing import redo, tasks_of
from autograder.learner.workbook import Workbook, nbfile

MINE = RECALL.replace("found", "mine")


def passed(journal: Journal, slug: str, *names: str) -> None:
    both = {"en": "", "zh": ""}
    tasks = tuple(TaskResult(name, both, "pass", 1.0, 1.0, ()) for name in names)
    journal.record(SubmissionResult("m.ipynb", slug, points=1.0, tasks=tasks), slug + names[0], "")


@pytest.fixture
def book(tmp_path: Path) -> Workbook:
    workbook.start(tmp_path / "book", "en", exercises=[catalog.exercise("metrics")])
    found = workbook.find(tmp_path / "book")
    assert found is not None
    path = found.folder / "metrics.ipynb"
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        if cell["id"] == "recall":
            cell["source"] = MINE
    path.write_text(json.dumps(content), "utf-8")
    return found


def test_the_task_passed_longest_ago_comes_first(book: Workbook) -> None:
    here = Desk("en", book)
    with Journal(book.journal) as journal:
        with pytest.raises(NotYet):
            redo("", here, journal)
        for name in ("f1", "recall", "accuracy"):
            passed(journal, "metrics", name)
        assert [name for _, name in journal.passes()] == ["f1", "recall", "accuracy"]
        assert next(iter(journal.passes().values())) <= datetime.now(UTC)
        assert tasks_of(redo("", here, journal)) == {"f1"}
        assert tasks_of(redo("metrics/recall", here, journal)) == {"recall"}
        with pytest.raises(NotYet, match="not passed"):
            redo("precision", here, journal)


def test_nothing_is_overwritten_and_what_it_rests_on_is_there(book: Workbook) -> None:
    here = Desk("en", book)
    with Journal(book.journal) as journal:
        passed(journal, "metrics", "precision", "recall", "f1")
        first, second = (redo("f1", here, journal) for _ in range(2))
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    cells = {cell.id: cell.source for cell in read_notebook(first).cells}
    assert "NotImplementedError" in cells["f1"]
    assert cells["recall"] == MINE
    (link,) = set(re.findall(r"\]\((\S*lessons/\S+)\)", first.read_text("utf-8")))
    path, _, anchor = link.partition("#")
    assert f'id="{anchor}"' in (first.parent / path).read_text("utf-8")
    # Precision was passed and is lost: it is the course's, without its marks.
    assert "NotImplementedError" not in cells["precision"]
    assert "SOLUTION" not in first.read_text("utf-8")
    # Accuracy is nothing that F1 rests on.
    assert "accuracy" not in cells
    assert [name for name in cells if name.endswith("-check")] == ["f1-check"]
    assert list(book.notebooks) == [book.folder / "metrics.ipynb"]


def test_an_answer_that_was_never_earned_is_not_given_away(book: Workbook) -> None:
    with Journal(book.journal) as journal:
        passed(journal, "metrics", "f1")
        cells = {cell.id for cell in read_notebook(redo("f1", Desk("en", book), journal)).cells}
    assert "precision" not in cells


@pytest.mark.slow
def test_it_is_graded_like_any_other_and_takes_no_points(book: Workbook) -> None:
    here = Desk("en", book)
    with Journal(book.journal) as journal:
        whole = desk.grade_and_record(book.folder / "metrics.ipynb", journal)
        assert whole.points == 2
        path = redo("", here, journal)
        untouched = desk.grade_and_record(path, journal)
        assert [(task.name, task.status) for task in untouched.tasks] == [("recall", "todo")]
        content = json.loads(path.read_text("utf-8"))
        for cell in content["cells"]:
            if cell["id"] == "recall":
                cell["source"] = RECALL
        path.write_text(json.dumps(content), "utf-8")
        result = desk.grade_and_record(path, journal)
        assert [(task.name, task.points) for task in result.tasks] == [("recall", 2.0)]
        assert desk.narrowed(result, tasks_of(path)).passed
        assert journal.best("metrics")["recall"] == 2.0


@pytest.mark.slow
@pytest.mark.parametrize("slug", [exercise.slug for exercise in catalog.exercises()])
def test_every_task_can_be_done_again(slug: str) -> None:
    """What its answer, its tries and its checks read is bound in the notebook that is made."""
    import builtins

    from autograder.engine.needed import uses_of
    from autograder.learner.redoing import again
    from autograder.learner.workbook.nbfile import cell_id, is_solution, source

    exercise = catalog.exercise(slug)
    solved = nbfile.parse(exercise.notebook("en", solved=True).read_bytes())
    release = nbfile.parse(exercise.notebook("en").read_bytes())
    answers = {cell_id(cell): cell for cell in solved.cells if is_solution(cell)}
    bound_anywhere = set().union(
        *(uses_of(source(c)).binds for c in solved.cells if c["cell_type"] == "code")
    )
    suite = Suite(exercise)
    for task in exercise.tasks:
        cells = again(release, solved, answers, suite, task)
        code = [answers.get(cell_id(c), c) for c in cells if c["cell_type"] == "code"]
        uses = [uses_of(source(cell)) for cell in code]
        bound = set(dir(builtins)).union(*(use.binds for use in uses))
        read = set(suite.names_of(task.name)).union(*(use.reads for use in uses))
        assert not (read & bound_anywhere) - bound, task.name
        assert f"{task.name}-check" in map(cell_id, cells)
        assert len({cell_id(cell) for cell in cells}) == len(cells)
