"""nbgrader's own commands on the committed notebooks give the points that we give."""

from __future__ import annotations

import csv
import html
import json
import shutil
from pathlib import Path
from typing import Any

import attempts
import nbformat
import pytest
from four_ways import nbgrader
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator
from warm_kernels import warm_kernels

from autograder.dev.views import STUB
from autograder.engine.pool import pool_of
from autograder.exercise.catalog import content_root, exercise, exercises
from autograder.grading.grade import grade_path
from autograder.judging.results import SubmissionResult
from autograder.language import LANGUAGES, Language
from autograder.learner.demo import half_finished

ROOT = content_root()
METRICS = exercise("metrics")
NBGRADER_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
SUBMISSIONS: dict[str, Language] = {"solved": "en", "half": "zh", "untouched": "en"}
# Right but for the empty case, so that some of its checks pass.
PARTLY = """\
def specificity(labels, predictions):
    _, fp, _, tn = confusion_counts(labels, predictions)
    return tn / (tn + fp)
"""
each_notebook = pytest.mark.parametrize(
    "path",
    sorted(path for room in ("exercises", "solutions") for path in ROOT.glob(f"{room}/*/*.ipynb")),
    ids=lambda path: "/".join(path.parts[-3:]),
)


@pytest.mark.slow
@each_notebook
def test_nbgraders_validator_accepts_the_metadata(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    MetadataValidator().validate_nb(notebook)
    marked = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    graded = [cell for cell in marked if cell.grade]
    assert len({cell.grade_id for cell in marked}) == len(marked)
    assert sum(cell.points for cell in graded) == exercise(path.stem).points
    assert all(cell.locked for cell in graded)


@pytest.mark.slow
def test_validate_tells_the_solution_from_the_stub(tmp_path: Path) -> None:
    solution, stub = (str(METRICS.notebook("en", solved=solved)) for solved in (True, False))
    said = nbgrader(tmp_path, "validate", solution, stub)
    first, _, second = said.partition("Success! Your notebook passes all the tests.")
    assert "failed" not in first
    for task in METRICS.tasks:
        assert f'The following cell failed:\n\n    check("{task.name}")' in second


@pytest.mark.slow
def test_a_class_from_release_to_export_has_our_points(tmp_path: Path) -> None:
    for language in LANGUAGES:
        source = notebook(tmp_path, "source", language)
        source.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(METRICS.notebook(language, solved=True), source)
    nbgrader(tmp_path, "generate_assignment", "metrics")
    for language in LANGUAGES:
        assert_is_shipped(notebook(tmp_path, "release", language), language)

    ours = {student: hand_in(tmp_path, student) for student in SUBMISSIONS}
    shares = {task.points / task.max_points for result in ours.values() for task in result.tasks}
    assert {0.0, 1.0} < shares, "the comparison is to see partial points too"
    for command in (["autograde", "metrics"], ["generate_feedback", "metrics"], ["export"]):
        nbgrader(tmp_path, *command)
    for student, result in ours.items():
        assert graded(tmp_path, student) == {task.name: task.points for task in result.tasks}
    assert exported(tmp_path) == {student: result.points for student, result in ours.items()}
    assert_shows_cards(tmp_path, "half", ours["half"])


@pytest.mark.slow
def test_half_finished_attempts_have_our_points(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One assignment holds all the notebooks, and one process all libraries.

    Each sixth exercise in the order of the course; with ``--every`` all, which takes ten minutes.
    """
    expected: dict[str, dict[str, float]] = {}
    found, partial = exercises(), 0
    if not request.config.option.every:
        found = found[::6]
    for exercise_ in found:
        source, submitted = (
            tmp_path / room / "all" / f"{exercise_.slug}.ipynb"
            for room in ("source", "submitted/lin")
        )
        for path in (source, submitted):
            path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(exercise_.notebook("en", solved=True), source)
        submitted.write_text(json.dumps(attempts.half_finished(exercise_, "en")), "utf-8")
    with pool_of(found) as pool:
        for exercise_ in found:
            result = grade_path(tmp_path / f"submitted/lin/all/{exercise_.slug}.ipynb", pool=pool)
            assert result.problem is None
            shares = {task.points / task.max_points for task in result.tasks}
            assert {0.0, 1.0} <= shares, exercise_.slug
            partial += bool(shares - {0.0, 1.0})
            expected[exercise_.slug] = {task.name: task.points for task in result.tasks}
    assert partial, "the comparison is to see partial points too"
    nbgrader(tmp_path, "generate_assignment", "all")
    (tmp_path / "warm").mkdir()
    # Ours are not among them: they remember the environment that they were imported in.
    names = {name for exercise_ in found for name in exercise_.imports}
    libraries = sorted(name for name in names if not name.startswith("autograder"))
    with warm_kernels(tmp_path / "warm", *libraries) as environment:
        nbgrader(tmp_path, "autograde", "all", **environment)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        points = {
            notebook.name: {g.name.removesuffix("-check"): g.auto_score for g in notebook.grades}
            for notebook in gradebook.find_submission("all", "lin").notebooks
        }
    assert points == expected


def notebook(folder: Path, room: str, language: Language, student: str = "") -> Path:
    return folder / room / student / "metrics" / f"metrics-{language}.ipynb"


def assert_is_shipped(path: Path, language: Language) -> None:
    """What nbgrader makes of a solution is the notebook that we ship."""
    released, shipped = (
        [bare(cell, language) for cell in nbformat.read(p, as_version=4).cells]
        for p in (path, METRICS.notebook(language))
    )
    assert released == shipped


def bare(cell: Any, language: Language) -> tuple[Any, ...]:
    """A cell without its checksum, and with our stub for that of nbgrader."""
    metadata = {"cell_type": cell.cell_type, **cell.metadata.get("nbgrader", {})}
    metadata.pop("checksum", None)
    source = cell.source
    for theirs, ours in zip(NBGRADER_STUB.split("\n"), STUB[language].split("\n"), strict=True):
        source = source.replace(f"    {theirs}", f"    {ours}")
    return cell.id, cell.cell_type, source, metadata, cell.get("outputs", [])


def hand_in(folder: Path, student: str) -> SubmissionResult:
    """Put a student's notebook where nbgrader collects them, and grade it ourselves."""
    language = SUBMISSIONS[student]
    attempt = half_finished(METRICS, language)
    for cell in attempt["cells"]:
        if cell["id"] == "specificity":
            cell["source"] = PARTLY
    text = {
        "solved": METRICS.notebook(language, solved=True).read_text("utf-8"),
        "half": json.dumps(attempt),
        "untouched": notebook(folder, "release", language).read_text("utf-8"),
    }[student]
    path = notebook(folder, "submitted", language, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    result = grade_path(path)
    assert result.problem is None
    return result


def graded(folder: Path, student: str) -> dict[str, float]:
    """Points by task in nbgrader's gradebook."""
    name = f"metrics-{SUBMISSIONS[student]}"
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        found = gradebook.find_submission_notebook(name, "metrics", student)
        assert found.max_score == METRICS.points
        assert not found.needs_manual_grade
        return {grade.name.removesuffix("-check"): grade.auto_score for grade in found.grades}


def exported(folder: Path) -> dict[str, float]:
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def assert_shows_cards(folder: Path, student: str, result: SubmissionResult) -> None:
    """The feedback that a student gets holds our cards, with every diagnosis."""
    language = SUBMISSIONS[student]
    page = notebook(folder, "feedback", language, student).with_suffix(".html").read_text("utf-8")
    diagnoses = {v.diagnosis[language] for task in result.tasks for v in task.verdicts} - {""}
    assert diagnoses
    assert page.count('class="ts-card ts-') == len(METRICS.tasks)
    assert all(html.escape(diagnosis, quote=False) in page for diagnosis in diagnoses)
