"""Results on the terminal, by Rich. Without colour, or piped, they say the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder import _called
from autograder.judging.results import Status, SubmissionResult
from autograder.language import Language
from autograder.report import clean, digest
from autograder.report._commands import commanded, hint_command
from autograder.report._lines import Prose, grid, row, style, symbol, task_lines
from autograder.report.standing import Next, Standing
from autograder.report.texts import SYMBOLS, isolation_word, number, points_word, status_word, text

_BAR = 12
_MOST_FAILED = 8


def print_results(
    results: Sequence[SubmissionResult],
    *,
    console: Console,
    verbose: bool = False,
    language: Language | None = None,
) -> None:
    """Print one result task by task, or several as a table.

    Parameters
    ----------
    verbose
        Show the claims that hold too, and each of several results in full.
    language
        Language of the table around several results; by default that of the first.
    """
    # A file that could not be read has no language of its own.
    results = [
        commanded(
            result if result.exercise or language is None else replace(result, language=language)
        )
        for result in results
    ]
    if not results:
        show(console, [Text(text("nothing", language or "en"))])
    elif len(results) == 1:
        show(console, _submission(results[0], verbose))
    else:
        shown = _many(results, language or results[0].language)
        if verbose:
            for result in results:
                shown += [Text(), *_submission(result, verbose)]
        show(console, shown)


def print_standing(
    standings: Sequence[Standing],
    following: Next | None = None,
    *,
    console: Console,
    language: Language,
) -> None:
    """Print the exercises with the points reached, and the one thing to do next."""
    if not standings:
        show(console, [Text(text("standing.empty", language))])
        return
    total = text(
        "standing.total", language,
        done=sum(item.passed for item in standings), count=len(standings),
        points=number(sum(item.points or 0.0 for item in standings)),
        max_points=number(sum(item.exercise.points for item in standings)),
    )  # fmt: skip
    shown: list[RenderableType] = [
        Text(text("standing.title", language), "bold"),
        _standings(standings, following, language),
        Text(),
        Text(total),
    ]
    if following is not None:
        task = following.task
        title = following.exercise.title[language]
        if task is not None:
            title += " · " + task.title[language]
        part = task or following.exercise
        shown += [
            Text(text("standing.next", language, title=clean.line(title),
                      points=points_word(part.points, language), minutes=part.minutes), "bold"),
            Text(f"  {_called.command()} {clean.line(following.command)}", "cyan"),
        ]  # fmt: skip
    elif all(item.passed for item in standings):
        shown.append(Text(text("standing.done", language), "bold green"))
    show(console, shown)


def _standings(standings: Sequence[Standing], following: Next | None, language: Language) -> Table:
    table = grid(("left", 1), ("left", None), ("left", None), ("right", None), ("left", _BAR))
    for item in standings:
        is_next = following is not None and following.exercise.slug == item.exercise.slug
        status: Status = "pass" if item.passed else "todo"
        mark = Text("▸", "bold cyan") if is_next and not item.passed else symbol(status)
        best = "–" if item.points is None else number(item.points)
        table.add_row(
            mark,
            Text(clean.line(item.exercise.slug), "cyan"),
            Text(clean.line(item.exercise.title[language]), "bold" if is_next else ""),
            Text(f"{best} / {number(item.exercise.points)}"),
            _bar(item.points or 0.0, item.exercise.points),
        )
    return table


def _bar(points: float, max_points: float) -> Text:
    share = min(max(points / max_points, 0.0), 1.0) if max_points > 0 else 0.0
    # Only all the points fill the bar, and any points at all begin it.
    filled = _BAR if share == 1 else min(max(round(share * _BAR), share > 0), _BAR - 1)
    return Text.assemble(("█" * filled, "green"), ("░" * (_BAR - filled), "dim"))


def _submission(result: SubmissionResult, verbose: bool) -> list[RenderableType]:
    language = result.language
    title = digest.exercise_title(result) or text("not_graded", language)
    shown: list[RenderableType] = [Text(title, "bold"), Text(clean.line(result.path), "dim")]
    if result.problem is not None:
        problem = clean.line(result.problem[language], 1200)
        return [*shown, row(symbol("error"), Prose(problem))]
    shown += _foremost(result, language)
    shown.append(Text())
    for task in result.tasks:
        lines = task_lines(task, language, verbose=verbose)
        # Room around a task that says more than its name.
        shown += lines if len(lines) == 1 or task is result.tasks[-1] else [*lines, Text()]
    return [*shown, Text(), *_summary(result)]


def _foremost(result: SubmissionResult, language: Language) -> list[RenderableType]:
    return [row(symbol("error"), Prose(note)) for note in digest.foremost(result, language)]


def _summary(result: SubmissionResult) -> list[RenderableType]:
    language = result.language
    head = Text.assemble(
        (
            digest.points_line(result.points, result.max_points, language),
            "bold green" if result.passed else "bold",
        ),
        " · " + text("seconds", language, seconds=number(result.seconds.total)),
        " · " + isolation_word(result.isolation, language),
    )
    label = text("next", language).capitalize() + text("separator", language)
    step = digest.next_thing(result, language, hint=hint_command(result.exercise, "{name}"))
    counts = digest.counts_line(result, language)
    return [head, Prose(counts), row(Text(label, "bold"), Prose(step), gap=0)]


def _many(results: Sequence[SubmissionResult], language: Language) -> list[RenderableType]:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=1)
    table.add_column(text("column.notebook", language), overflow="fold", ratio=None)
    table.add_column(text("column.exercise", language), overflow="fold")
    table.add_column(text("column.points", language), justify="right", no_wrap=True)
    table.add_column(text("column.passed", language), overflow="fold")
    table.add_column(text("column.seconds", language), justify="right", no_wrap=True)
    names = _short_names([result.path for result in results])
    problems: list[RenderableType] = []
    for name, result in zip(names, results, strict=True):
        if result.problem is not None:
            reason = clean.line(result.problem[result.language], 1200)
            problems.append(row(symbol("error"), Text(name, "bold")))
            problems.append(Padding(Prose(reason), (0, 0, 0, 2)))
        elif told := _foremost(result, language):
            problems += [
                row(symbol("error"), Text(name, "bold")),
                Padding(Group(*told), (0, 0, 0, 2)),
            ]
        table.add_row(*_many_row(name, result, language))
    total = text(
        "total", language,
        count=len(results), passed=sum(result.passed for result in results),
        problems=sum(result.problem is not None for result in results),
    )  # fmt: skip
    gap = [Text()] if problems else []
    failed = _failed(names, results, language)
    # What is told of single ones comes first: the figures below may rest on it.
    legend = Columns(
        [
            Text.assemble(symbol(status), f" {status_word(status, language)}", style="dim")
            for status in digest.counts(results)
        ],
        padding=(0, 2),
    )
    return [*problems, *gap, table, Text(), legend, *failed, Text(), Text(total, "bold")]


def _failed(
    names: Sequence[str], results: Sequence[SubmissionResult], language: Language
) -> list[RenderableType]:
    """The tasks that were begun and are not passed, with why and what next, a few lines each."""
    shown: list[RenderableType] = []
    left = _MOST_FAILED
    for name, result in zip(names, results, strict=True):
        tasks = [t for t in result.tasks if t.status != "pass" and not digest.all_todo(t)]
        if tasks and left > 0:
            shown += [Text(), Text(name, "bold")]
        for task in tasks[: max(left, 0)]:
            why, step = digest.in_short(task, result.language)
            title = clean.line(task.title[result.language])
            title += text("separator", result.language) + why if why else ""
            shown.append(Padding(row(symbol(task.status), Prose(title)), (0, 0, 0, 2)))
            if step:
                label = Text(text("next", language) + text("separator", language), "dim")
                shown.append(Padding(row(label, Prose(step), gap=0), (0, 0, 0, 4)))
        if tasks and left < len(tasks):
            if left <= 0:
                shown += [Text(), Text(name, "bold")]
            path, count = _called.quoted(Path(result.path)), len(tasks) - max(left, 0)
            more = text("failed.more", language, count=count, path=clean.line(path))
            shown.append(Padding(Prose(more, "dim"), (0, 0, 0, 2)))
        left -= len(tasks)
    return shown


def _many_row(name: str, result: SubmissionResult, language: Language) -> list[Text]:
    if result.problem is not None:
        slug = Text(clean.line(result.exercise, 40) or "–")
        return [symbol("error"), Text(name), slug, Text("–"),
                Text(text("not_graded", language), "red"), Text()]  # fmt: skip
    counts = digest.counts([result])
    checks = Text(" ").join(
        Text(f"{SYMBOLS[key]}{count}", style(key)) for key, count in counts.items()
    )
    return [
        symbol(digest.overall(result)), Text(name), Text(clean.line(result.exercise, 40)),
        Text(f"{number(result.points)} / {number(result.max_points)}"), checks,
        Text(number(result.seconds.total)),
    ]  # fmt: skip


def _short_names(paths: Sequence[str]) -> list[str]:
    """Paths without the folder that all of them are in."""
    folders = [os.path.dirname(path) for path in paths]
    try:
        common = os.path.commonpath(folders)
    except ValueError:
        common = ""
    return [clean.line(os.path.relpath(path, common) if common else path) for path in paths]


def show(console: Console, shown: Sequence[RenderableType]) -> None:
    """Print; where it is piped, without blanks at line ends or what its encoding lacks."""
    is_utf8 = console.encoding.lower().replace("-", "") == "utf8"
    if console.is_terminal and is_utf8:
        console.print(Group(*shown), highlight=False)
        return
    with console.capture() as capture:
        console.print(Group(*shown), highlight=False)
    rows = [row.rstrip() for row in capture.get().split("\n")]
    console.out(clean.encodable("\n".join(rows), console.encoding), end="", highlight=False)
