"""The screen of ``touchstone watch``: one task at a time."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autograder.judging.results import SubmissionResult, TaskResult
from autograder.language import Language
from autograder.report import clean, digest
from autograder.report._commands import commanded
from autograder.report._lines import Prose, row, symbol, task_lines
from autograder.report.texts import text

_KEYS = (("h", "watch.hint"), ("l", "watch.lesson"), ("n", "watch.next"), ("q", "watch.quit"))


@dataclass(frozen=True, slots=True)
class View:
    """What there is to see.

    Attributes
    ----------
    name
        The notebook's.
    result
        How it stands; ``None`` before it was graded.
    task
        Name of the task that is shown; empty where all are passed, or none is known yet.
    hint
        What was opened for it, in lines.
    passed
        Names of the tasks that were passed by the last save.
    busy
        Whether it is being graded at the moment.
    """

    name: str
    language: Language
    result: SubmissionResult | None = None
    task: str = ""
    hint: str = ""
    passed: tuple[str, ...] = ()
    busy: bool = False


class WatchScreen:
    """Shows views on the whole terminal while the body runs, and gives it back afterwards."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: tuple[View, tuple[int, int]] | None = None

    def __enter__(self) -> WatchScreen:
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def show(self, view: View) -> None:
        """Draw `view`, unless it is there already, in a window of this size."""
        width, height = self._console.size
        if self._shown == (view, (width, height)):
            return
        self._shown = (view, (width, height))
        rows = screen(view, width, height, colour=self._console.color_system is not None)
        self._console.file.write("\x1b[H\x1b[2J" + "\r\n".join(rows))
        self._console.file.flush()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """The terminal as it was, for something else."""
        self._give_back()
        try:
            yield
        finally:
            self._shown = None
            self._take()

    def _take(self) -> None:
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)

    def _give_back(self) -> None:
        self._console.show_cursor(True)
        self._console.set_alt_screen(False)


def screen(view: View, width: int, height: int, *, colour: bool = False) -> list[str]:
    """`view` as at most `height` rows, the keys in the last.

    Where they are too few, a hint that was asked for is seen before what it is about.
    """
    head = _rows(_head(view), width, colour)
    body = _rows(_body(view), width, colour)
    foot = _rows([Rule(style="dim"), _keys(view, width)], width, colour)
    hint = _rows(_hint(view), width, colour)[: max(height - len(head) - len(foot) - 1, 0)]
    foot = [*hint, *foot]
    room = max(height - len(head) - len(foot), 1)
    if len(body) > room:
        more = Text(text("watch.more", view.language, count=len(body) - room + 1), "dim")
        more.truncate(width, overflow="ellipsis")
        body = [*body[: room - 1], *_rows([more], width, colour)]
    gap = [""] * (room - len(body))
    return [*head, *body, *hint, *gap, *foot[len(hint) :]]


def _rows(shown: list[RenderableType], width: int, colour: bool) -> list[str]:
    page = io.StringIO()
    console = Console(
        file=page, width=width, highlight=False, force_terminal=colour, no_color=not colour,
        color_system="standard" if colour else None, legacy_windows=False,
    )  # fmt: skip
    for part in shown:
        console.print(part)
    return page.getvalue().splitlines()


def _head(view: View) -> list[RenderableType]:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    result = view.result
    right = text("watch.busy", view.language) if view.busy else ""
    if result is not None and result.problem is None and not view.busy:
        right = text(
            "watch.far", view.language,
            done=sum(task.status == "pass" for task in result.tasks), count=len(result.tasks),
            points=digest.points_line(result.points, result.max_points, view.language),
        )  # fmt: skip
    table.add_row(Text(clean.line(view.name), "bold"), Text(right, "yellow" if view.busy else ""))
    return [table, Rule(style="dim")]


def _body(view: View) -> list[RenderableType]:
    language, result = view.language, view.result
    if result is None:
        return []
    if result.problem is not None:
        return [row(symbol("error"), Prose(clean.line(result.problem[language], 1200)))]
    shown: list[RenderableType] = [
        row(symbol("pass"), Prose(text("watch.passed", language, title=_title(task, language))))
        for task in result.tasks
        if task.name in view.passed
    ]
    shown += [row(symbol("error"), Prose(note)) for note in digest.foremost(result, language)]
    slip = digest.slip(result, language)
    if slip:
        shown.append(row(_label("next", language), Prose(slip), gap=0))
    if shown:
        shown.append(Text())
    task = next((t for t in commanded(result).tasks if t.name == view.task), None)
    if task is None:
        key = "next.done" if result.passed else "watch.nothing"
        return [*shown, Prose(text(key, language), "bold green" if result.passed else "")]
    shown += task_lines(task, language)
    if digest.all_todo(task) and not slip:
        todo = text("next.todo", language, title=_title(task, language), name=task.name)
        shown.append(Padding(row(_label("next", language), Prose(todo), gap=0), (0, 0, 0, 2)))
    return shown


def _hint(view: View) -> list[RenderableType]:
    lines = view.hint.split("\n") if view.hint and view.task else []
    return [Text(), *(Prose(line, "cyan") for line in lines)] if lines else []


def _title(task: TaskResult, language: Language) -> str:
    return clean.line(task.title[language])


def _label(key: str, language: Language) -> Text:
    return Text(text(key, language).capitalize() + text("separator", language), "bold")


def _keys(view: View, width: int) -> Text:
    words = (Text.assemble((key, "bold"), " ", text(what, view.language)) for key, what in _KEYS)
    line = Text("   ").join(words)
    line.truncate(width, overflow="ellipsis")
    return line
