"""Cells on which no answer rests are left out of a grade, and only those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.engine import read_notebook
from autograder.engine.cells import Cell, Notebook
from autograder.engine.needed import unneeded
from autograder.exercise import catalog
from autograder.exercise.suite import Suite
from autograder.grading.grade import grade
from autograder.language import LANGUAGES

EXERCISE = catalog.exercise("metrics")


def graded(notebook: Notebook, *, whole: bool = False):
    return grade(notebook, EXERCISE, whole=whole)


def changed(notebook: Notebook, **sources: str) -> Notebook:
    """The notebook with other sources in some cells; a new cell where there was none."""
    known = {cell.id for cell in notebook.cells}
    cells = [replace(c, source=sources.get(c.id, c.source)) for c in notebook.cells]
    cells += [Cell(id, source) for id, source in sources.items() if id not in known]
    return replace(notebook, cells=tuple(cells))


@pytest.fixture(scope="module")
def stub() -> Notebook:
    return read_notebook(EXERCISE.notebook("en"))


@pytest.fixture(scope="module")
def solution() -> Notebook:
    return read_notebook(EXERCISE.notebook("en", solved=True))


def left_out(notebook: Notebook, *wanted: str) -> set[str]:
    return {notebook.cells[n].id for n in unneeded(notebook, EXERCISE, wanted)}


def test_plots_and_tries_are_left_out_and_answers_are_not(solution):
    names = {task.name for task in EXERCISE.tasks}
    out = left_out(solution, *names)
    assert {"data-plot", "recall-try", "recall-check"} <= out
    assert not out & names
    assert "setup" not in out


def test_a_cell_is_run_if_an_answer_uses_what_it_defines(stub):
    uses = "def recall(labels, predictions):\n    return radius.mean()"
    assert "data-plot" not in left_out(changed(stub, recall=uses), "recall")


def test_a_name_of_its_own_in_a_function_is_no_use_of_a_cell(stub):
    uses = "def recall(labels, predictions):\n    radius = 1\n    return radius"
    assert "data-plot" in left_out(changed(stub, recall=uses), "recall")


def test_what_a_needed_cell_needs_is_run_too(stub):
    """One answer uses the forecasts of a try, which is made of what the plot's cell loads."""
    tries = changed(stub, recall="def recall(*_):\n    return unseen")
    assert not {"calibration_error-try", "data-plot"} & left_out(tries, "recall")


def test_a_changed_cell_is_run(stub):
    plot = next(cell.source for cell in stub.cells if cell.id == "data-plot")
    assert "data-plot" not in left_out(changed(stub, **{"data-plot": plot + "\n1"}), "recall")


@pytest.mark.parametrize(
    "source",
    [
        "%time kept['k'] = 1",
        "from math import *",
        "kept['k'] = 1",
        "kept.k = 1",
        "del kept['k']",
        "def change():\n    global kept\n    kept = 1\nchange()",
        "import numpy as kept",
        "for kept in range(3): pass",
        "class kept: pass",
        "kept += 1",
        "[kept := 1]",
        "with open('f') as kept: pass",
    ],
)
def test_a_handed_out_cell_that_may_define_what_is_wanted_is_run(source, stub, tmp_path):
    given = changed(stub, given=source)
    exercise = _handing_out(given, tmp_path)
    assert {given.cells[n].id for n in unneeded(given, exercise, ["kept"])}.isdisjoint({"given"})


def test_a_handed_out_cell_that_defines_something_else_is_left_out(stub, tmp_path):
    given = changed(stub, given="other = kept")
    exercise = _handing_out(given, tmp_path)
    assert "given" in {given.cells[n].id for n in unneeded(given, exercise, ["kept"])}


def _handing_out(notebook: Notebook, folder: Path) -> catalog.Exercise:
    """The exercise, with `notebook` as what learners get."""
    path = folder / "exercises" / "en" / "metrics.ipynb"
    path.parent.mkdir(parents=True)
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c.source, id=c.id) for c in notebook.cells]
    )
    nbformat.write(made, path)
    course = folder / "autograder" / "course" / "metrics"
    course.parent.mkdir(parents=True)
    course.symlink_to(EXERCISE.folder)
    return catalog.exercise("metrics", course.parent)


@pytest.mark.slow
def test_a_whole_grade_runs_every_cell_and_comes_to_the_same(solution):
    whole, short = graded(solution, whole=True), graded(solution)
    assert len(whole.cells) == len(solution.cells)
    assert len(short.cells) < len(whole.cells)
    assert [(v.name, v.status) for t in whole.tasks for v in t.verdicts] == [
        (v.name, v.status) for t in short.tasks for v in t.verdicts
    ]


@pytest.mark.slow
def test_an_answer_that_uses_a_try_is_graded_as_in_jupyter(solution):
    """The learner counts on `figure`, which only the notebook's own plots define."""
    uses = "\n".join(
        [
            "import numpy as np",
            "def recall(labels, predictions):",
            "    positive = np.asarray(labels) == 1",
            "    if not positive.any():",
            "        return float('nan')",
            "    assert figure is not None",
            "    return float((np.asarray(predictions)[positive] == 1).mean())",
        ]
    )
    result = graded(changed(solution, recall=uses))
    other = graded(changed(solution, recall=uses.replace("    assert figure is not None\n", "")))
    assert result.points == other.points
    task = next(task for task in result.tasks if task.name == "recall")
    assert any(verdict.status == "pass" for verdict in task.verdicts)


@pytest.mark.parametrize("exercise", catalog.exercises(), ids=lambda exercise: exercise.slug)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_as_it_was_handed_out_is_all_to_do_and_not_run(exercise, language):
    result = grade(read_notebook(exercise.notebook(language)), exercise)
    assert {v.status for item in result.tasks for v in item.verdicts} == {"todo"}
    assert (result.points, result.cells) == (0, ())


@pytest.mark.slow
def test_a_notebook_with_one_space_more_is_run(stub):
    (source,) = (cell.source for cell in stub.cells if cell.id == "recall")
    result = graded(changed(stub, recall=source + " "))
    assert {v.status for item in result.tasks for v in item.verdicts} == {"todo"}
    assert result.cells


@pytest.mark.parametrize("found", catalog.exercises(), ids=lambda found: found.slug)
def test_no_grade_of_a_solution_waits_for_a_try(found: catalog.Exercise) -> None:
    """It would run if it bound a name that is read elsewhere, if only by a loop of its own."""
    asked = {name for check in Suite(found).checks.values() for name in check.learner}
    solution = read_notebook(found.notebook("en", solved=True))
    idle = unneeded(solution, found, asked)
    tries = {n for n, cell in enumerate(solution.cells) if cell.id.endswith("-try")}
    assert tries
    assert [solution.cells[n].id for n in tries - idle] == []
