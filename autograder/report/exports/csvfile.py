"""A class as CSV: a row for each notebook, points for each task.

It begins with a byte order mark, without which Excel takes UTF-8 for another encoding; pandas
and LibreOffice skip it. Its headings are English in both languages, for programs to rely on.
"""

from __future__ import annotations

from pathlib import Path

from autograder.judging.results import ClassResult, Graded, SubmissionResult
from autograder.language import Language
from autograder.report import digest
from autograder.report._write import write_text
from autograder.report.exports._cells import dumps, number, words
from autograder.report.overview import best_of

_HEADINGS = (
    "student", "identifier", "notebook", "exercise", "language", "status", "counts", "points",
    "max_points", "problem", "late", "by_hand",
)  # fmt: skip


def write_csv(result: ClassResult, path: Path, language: Language) -> None:
    """Write `result` to `path`, or raise `ReportError`."""
    write_text(path, "\ufeff" + content(result, language))


def content(result: ClassResult, language: Language) -> str:
    """The rows, headings first; tasks are named ``exercise/task``."""
    tasks = sorted(
        {(g.result.exercise, task.name): None for g in result.graded for task in g.result.tasks},
        key=lambda task: task[0],
    )
    counting = {id(item) for item in best_of(result.graded).values()}
    rows = [[*_HEADINGS, *(words(f"{slug}/{name}") for slug, name in tasks)]]
    late_ones = result.late
    for item in result.graded:
        late = "yes" if item.name in late_ones else ""
        rows.append(_row(item, tasks, id(item) in counting, late, language))
    for one in result.missing:
        nothing = [""] * (len(rows[0]) - 6)
        rows.append([words(one.student), words(one.identifier), "", "", "", "missing", *nothing])
    return dumps(rows)


def _row(
    item: Graded, tasks: list[tuple[str, str]], counts: bool, late: str, language: Language
) -> list[str]:
    result = item.result
    is_graded = result.problem is None
    points = {(result.exercise, task.name): number(task.points) for task in result.tasks}
    return [
        words(item.student),
        words(item.identifier),
        words(item.name),
        words(result.exercise),
        result.language,
        digest.overall(result) if is_graded else "not_graded",
        "yes" if counts else "no",
        number(result.points) if is_graded else "",
        number(result.max_points) if is_graded else "",
        "" if result.problem is None else words(result.problem[language]),
        late,
        words("; ".join(_by_hand(result, language))),
        *(points.get(task, "") for task in tasks),
    ]


def _by_hand(result: SubmissionResult, language: Language) -> list[str]:
    told = {task.name: digest.by_hand(task, language) for task in result.tasks}
    return [f"{name}: {words}" for name, words in told.items() if words]
