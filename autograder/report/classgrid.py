"""The grid of a class: each student's points in each task of an exercise."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.judging.results import ClassResult, Graded, TaskResult
from autograder.language import Language, Text
from autograder.report import clean, digest
from autograder.report.overview import ClassOverview, ExerciseOverview
from autograder.report.texts import number

_SCRIPT = Path(__file__).parent / "templates" / "class_sort.js"


@dataclass(frozen=True, slots=True)
class Cell:
    """Points in one task: as shown, to sort by, ``full`` to ``todo``, and what is by hand."""

    shown: str
    value: float
    kind: str
    by_hand: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """A student's line; without a page, one who handed in nothing."""

    name: str
    page: str
    points: str
    value: float
    cells: tuple[Cell, ...]
    late: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """One exercise: the tasks in the notebook's order, and everybody's points."""

    slug: str
    title: Text
    max_points: float
    tasks: tuple[Text, ...]
    rows: tuple[GridRow, ...]


def grids(
    result: ClassResult, seen: ClassOverview, links: Mapping[str, str], language: Language
) -> list[Grid]:
    """A grid for each exercise; whoever has nothing of it has an empty line."""
    late = result.late
    return [_grid(item, result, seen, links, late, language) for item in seen.exercises]


def _grid(
    item: ExerciseOverview,
    result: ClassResult,
    seen: ClassOverview,
    links: Mapping[str, str],
    late: frozenset[str],
    language: Language,
) -> Grid:
    mine = {student: one for (student, slug), one in seen.best.items() if slug == item.slug}
    longest = max((one.result.tasks for one in mine.values()), key=len)
    tasks = {task.name: task.title for task in longest}
    rows = [
        _row(student, links.get(student, ""), mine.get(student), tasks, late, language)
        for student in (*seen.students, *(one.student for one in result.missing))
    ]
    return Grid(item.slug, item.title, item.max_points, tuple(tasks.values()), tuple(rows))


def _row(
    student: str,
    page: str,
    one: Graded | None,
    tasks: Mapping[str, Text],
    late: frozenset[str],
    language: Language,
) -> GridRow:
    name = clean.line(student, 120) or "–"
    if one is None:
        return GridRow(name, page, "–", -1.0, tuple(_NOTHING for _ in tasks), late=False)
    have = {task.name: task for task in one.result.tasks}
    cells = tuple(_cell(have.get(task), language) for task in tasks)
    points = one.result.points
    return GridRow(name, page, number(points), points, cells, one.name in late)


_NOTHING = Cell("", -1.0, "absent", "")


def _cell(task: TaskResult | None, language: Language) -> Cell:
    if task is None:
        return _NOTHING
    told = digest.by_hand(task, language)
    if task.status == "todo" and not told:
        return Cell("–", 0.0, "todo", "")
    full = task.points >= task.max_points
    kind = "full" if full else "some" if task.points > 0 else "none"
    return Cell(number(task.points), task.points, kind, told)


@cache
def script() -> tuple[str, str]:
    """The script that sorts tables, and its hash for the page's policy."""
    source = _SCRIPT.read_text("utf-8")
    digested = hashlib.sha256(source.encode()).digest()
    return source, f"sha256-{base64.b64encode(digested).decode()}"
