"""Results of a class in the formats of other systems, a module each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from autograder.judging.results import ClassResult
from autograder.language import Language, Text

Form: TypeAlias = Literal["csv", "canvas", "gradescope", "nbgrader", "junit", "json"]
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

        return write_nbgrader(result, target)
    path = Path(target)
    if form == "canvas":
        from autograder.report.exports.canvas import write_canvas

        return write_canvas(result, path, roster=roster, language=language)
    _writers()[form](result, path, language)
    return Exported(str(path))


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
