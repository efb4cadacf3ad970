"""JUnit and JSON for a whole class, as they are for single notebooks; fit for students' eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.judging.results import ClassResult
from autograder.language import Language
from autograder.report import jsonfile, junit
from autograder.report._write import write_text
from autograder.report.discretion import discreet
from autograder.report.overview import best_of


def write_junit(result: ClassResult, path: Path, language: Language) -> None:
    """Write `result` to `path`, a suite for each notebook, or raise `ReportError`."""
    shown = [discreet(item.result, hidden=result.hidden) for item in result.graded]
    write_text(path, junit.dumps(shown))


def write_json(result: ClassResult, path: Path, language: Language) -> None:
    """Write `result` to `path`, or raise `ReportError`."""
    write_text(path, jsonfile.as_text(to_json(result)))


def to_json(result: ClassResult) -> dict[str, Any]:
    """Format version 1, with the student of each submission and whether it is the one to count."""
    counting = {id(item) for item in best_of(result.graded).values()}
    shown = [discreet(item.result, hidden=result.hidden) for item in result.graded]
    table = jsonfile.to_json(shown)
    late = result.late
    for item, entry in zip(result.graded, table["submissions"], strict=True):
        entry["student"] = item.student
        entry["identifier"] = item.identifier or None
        entry["counts"] = id(item) in counting
        entry["late"] = item.name in late
    aside = [
        {"name": name, "reason": {"en": why["en"], "zh": why["zh"]}} for name, why in result.aside
    ]
    return {**table, "hidden": result.hidden, "not_graded": aside}
