"""Results of a class in the formats of other systems, a module each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from autograder.judging.results import ClassResult
from autograder.language import LANGUAGES, Language, Text
from autograder.report import clean, digest
from autograder.report.overview import best_of

Form: TypeAlias = Literal[
    "csv", "canvas", "gradescope", "nbgrader", "junit", "json",
    "moodle-feedback", "canvas-feedback",
]  # fmt: skip
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to.

    Attributes
    ----------
    target
        The file, folder or database written, as people may see it: without a password.
    warnings
        What is not in it although it is in the class, and the like; to be shown.
    """

    target: str
    warnings: tuple[Text, ...] = ()


def write_export(
    result: ClassResult,
    form: Form,
    target: Path | str,
    *,
    roster: Path | None = None,
    language: Language = "en",
) -> Exported:
    """Write `result` in the format `form`.

    Parameters
    ----------
    target
        A file; for ``gradescope`` a folder; for ``nbgrader`` a SQLite file, the folder that
        holds its ``gradebook.db``, or the URL of a database.
    roster
        For ``canvas``, the gradebook exported there, into which points are filled.

    Raises
    ------
    ReportError
        If it could not be written, or a roster does not fit. A former file is then intact.
    """
    if form == "nbgrader":
        from autograder.report.exports.nbgrader import write_nbgrader

        return _with_hand(write_nbgrader(result, target), result, language)
    path = Path(target)
    if form in ("moodle-feedback", "canvas-feedback"):
        from autograder.report.exports.feedback import write_feedback

        platform = form.removesuffix("-feedback")
        return write_feedback(result, path, platform=platform, language=language)
    if form == "canvas":
        from autograder.report.exports.canvas import write_canvas

        done = write_canvas(result, path, roster=roster, language=language)
        return _with_hand(done, result, language)
    _writers()[form](result, path, language)
    return Exported(str(path))


def _with_hand(done: Exported, result: ClassResult, language: Language) -> Exported:
    """What was exported where there is room for points alone, and which of them are by hand."""
    by_hand = [
        (item.student, task)
        for item in best_of(result.graded).values()
        for task in item.result.tasks
        if task.granted is not None
    ]
    told: list[Text] = []
    for student, task in by_hand:
        name = clean.line(f"{student}, {task.name}", 200)
        told.append({one: f"{name}: {digest.by_hand(task, one)}" for one in LANGUAGES})
    return Exported(done.target, (*done.warnings, *told))


def _writers() -> Mapping[Form, Callable[[ClassResult, Path, Language], None]]:
    from autograder.report.exports.csvfile import write_csv
    from autograder.report.exports.files import write_json, write_junit
    from autograder.report.exports.gradescope import write_gradescope

    return {
        "csv": write_csv,
        "gradescope": write_gradescope,
        "junit": write_junit,
        "json": write_json,
    }
