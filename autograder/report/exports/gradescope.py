"""Results as Gradescope reads them: its "Autograder Specifications", section "Output format".

A test for each task, since points are given for tasks; its output says what each claim came to.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from autograder.judging.results import ClassResult, SubmissionResult, TaskResult
from autograder.language import Language
from autograder.report import clean, digest, jsonfile
from autograder.report._filenames import filenames
from autograder.report._write import write_text
from autograder.report.card import card_text
from autograder.report.discretion import discreet
from autograder.report.texts import text


def write_gradescope(result: ClassResult, folder: Path, language: Language) -> None:
    """Write a ``results.json`` for each notebook, named after it, into `folder`."""
    seen: Counter[str] = Counter()
    keys = []
    for item in result.graded:
        seen[item.name] += 1
        keys.append(item.name if seen[item.name] == 1 else f"{item.name}#{seen[item.name]}")
    names = filenames(keys)
    for key, item in zip(keys, result.graded, strict=True):
        table = gradescope_results(item.result, language, hidden=result.hidden)
        write_text(folder / f"{names[key]}.json", jsonfile.as_text(table))


def gradescope_results(
    result: SubmissionResult, language: Language | None = None, *, hidden: bool = True
) -> dict[str, Any]:
    """The content of ``results.json`` for one submission, fit for a student's eyes.

    Parameters
    ----------
    language
        By default the submission's own.
    hidden
        Whether a secret changed the seeds.
    """
    shown = discreet(result, hidden=hidden)
    spoken = language or shown.language
    return {
        "score": _points(shown.points),
        "execution_time": max(shown.seconds.total, 0.0),
        "output": _summary(shown, spoken),
        "output_format": "text",
        "visibility": "visible",
        # Standard output is that of our own program, for the teacher alone.
        "stdout_visibility": "hidden",
        "tests": [_test(task, spoken) for task in shown.tasks],
        "extra_data": {"exercise": shown.exercise, "isolation": shown.isolation},
    }


def _summary(result: SubmissionResult, language: Language) -> str:
    if result.problem is not None:
        problem = clean.line(result.problem[language], 1200)
        return text("not_graded", language).capitalize() + text("separator", language) + problem
    points = digest.points_line(result.points, result.max_points, language)
    first = digest.foremost(result, language)
    return "\n".join([*first, points, digest.next_thing(result, language)])


def _test(task: TaskResult, language: Language) -> dict[str, Any]:
    card = card_text(task, language, hint_available=False)
    return {
        "name": clean.line(task.title[language]),
        "name_format": "text",
        "score": _points(task.points),
        "max_score": _points(task.max_points),
        "status": "passed" if task.status == "pass" else "failed",
        "output": "\n".join(filter(None, [digest.by_hand(task, language), card])),
        "output_format": "text",
        "visibility": "visible",
    }


def _points(value: float) -> float:
    """A number that JSON can hold."""
    return float(value) if abs(value) < 1e15 else 0.0
