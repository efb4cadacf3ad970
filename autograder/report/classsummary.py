"""A class on the terminal, in a page."""

from __future__ import annotations

from collections.abc import Collection

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from autograder.judging.results import ClassResult, Graded
from autograder.language import Language
from autograder.language import Text as Bilingual
from autograder.report import clean
from autograder.report._lines import Prose, grid, row, symbol
from autograder.report.overview import ClassOverview, ExerciseOverview, overview
from autograder.report.terminal import show
from autograder.report.texts import number, text

_FEW = 3
_FEW_UNGRADED = 5
_FEW_NAMED = 10


def print_class_summary(result: ClassResult, console: Console, language: Language) -> None:
    """Print how a class did: points, hardest tasks, commonest misconceptions, what went wrong."""
    seen = overview(result)
    shown: list[RenderableType] = [_head(seen, language)]
    if result.layout is not None:
        told = text("class.layout", language) + text("separator", language)
        shown.append(Prose(told + clean.line(result.layout[language])))
    shown += _said(result, language)
    if seen.stopped:
        rows = [(str(count), told[language], "") for told, count in seen.stopped[:_FEW]]
        shown += [Text(), *_listed("class.stopped", rows, language)]
    for item in seen.exercises:
        shown += [Text(), *_exercise(item, language)]
    if not seen.exercises:
        shown.append(Text(text("class.empty", language)))
    if seen.ungraded:
        shown += [Text(), *_ungraded(seen.ungraded, language)]
    if result.aside:
        shown += [Text(), *_aside(result.aside, language)]
    show(console, shown)


def _head(seen: ClassOverview, language: Language) -> Text:
    colon = text("separator", language)
    counts = {
        "class.students": len(seen.students),
        "class.graded": seen.graded,
        "class.ungraded": len(seen.ungraded),
    }
    parts = [text(key, language) + colon + str(count) for key, count in counts.items()]
    return Text(" · ".join(parts), "bold")


def _said(result: ClassResult, language: Language) -> list[RenderableType]:
    """Who is missing, late or not on the roster, and whose points are by hand; a line each."""
    late = result.late
    by_hand = {i.student for i in result.graded for t in i.result.tasks if t.granted is not None}
    groups: dict[str, Collection[str]] = {
        "class.missing": [one.student for one in result.missing],
        "class.late": sorted({item.student for item in result.graded if item.name in late}),
        "class.strangers": result.strangers,
        "class.by_hand": sorted(by_hand),
    }
    lines: list[RenderableType] = []
    for key, people in groups.items():
        if people:
            few = [clean.line(one, 60) or "–" for one in list(people)[:_FEW_NAMED]]
            few += ["…"] if len(people) > _FEW_NAMED else []
            names = text("class.between", language).join(few)
            told = f"{text(key, language)} ({len(people)})"
            lines.append(Prose(told + text("separator", language) + names))
    return lines


def _exercise(item: ExerciseOverview, language: Language) -> list[RenderableType]:
    numbers = text(
        "class.numbers", language, count=len(item.points), mean=number(item.mean),
        median=number(item.median), max_points=number(item.max_points),
    )  # fmt: skip
    hard = [task for task in item.tasks if task.share < 1][:_FEW]
    shown: list[RenderableType] = [Text(clean.line(item.title[language]), "bold"), Prose(numbers)]
    if hard:
        rows = [
            (
                f"{round(task.share * 100)} %",
                clean.line(task.title[language]),
                text("class.passed_of", language, passed=task.passed, count=task.count),
            )
            for task in hard
        ]
        shown += _listed("class.hardest_few", rows, language)
    if item.misconceptions:
        rows = [
            (
                str(found.students),
                clean.line(found.text[language]),
                clean.line(found.task[language]),
            )
            for found in item.misconceptions[:_FEW]
        ]
        shown += _listed("class.mistakes", rows, language)
    return shown


def _listed(
    heading: str, rows: list[tuple[str, str, str]], language: Language
) -> list[RenderableType]:
    """A heading, and under it a figure, a sentence and a remark in each row."""
    table = grid(("right", max(cell_len(figure) for figure, _, _ in rows)), ("left", None), gap=2)
    for figure, sentence, remark in rows:
        table.add_row(Text(figure, "bold"), Prose(f"{sentence} · {remark}" if remark else sentence))
    return [Text(text(heading, language), "dim"), Padding(table, (0, 0, 0, 2))]


def _ungraded(items: tuple[Graded, ...], language: Language) -> list[RenderableType]:
    shown: list[RenderableType] = [Text(text("class.ungraded", language), "bold")]
    for item in items[:_FEW_UNGRADED]:
        problem = item.result.problem or {"en": "", "zh": ""}
        shown.append(row(symbol("error"), Text(clean.line(item.name) or "–", "bold")))
        shown.append(Padding(Prose(clean.line(problem[language], 1200)), (0, 0, 0, 2)))
    if len(items) > _FEW_UNGRADED:
        more = text("class.more_ungraded", language, count=len(items) - _FEW_UNGRADED)
        shown.append(Text(more, "dim"))
    return shown


def _aside(items: tuple[tuple[str, Bilingual], ...], language: Language) -> list[RenderableType]:
    """What belongs to no result: how many files, and the first of them with the reason."""
    heading = text("class.aside", language) + text("separator", language) + str(len(items))
    shown: list[RenderableType] = [Text(heading, "bold")]
    for name, why in items[:_FEW]:
        shown.append(Text(clean.line(name), overflow="fold"))
        shown.append(Padding(Prose(clean.line(why[language])), (0, 0, 0, 2)))
    if len(items) > _FEW:
        shown.append(Text(text("class.more_ungraded", language, count=len(items) - _FEW), "dim"))
    return shown
