"""What the learner is ready for, on the terminal: a share, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder import _called
from autograder.language import Language
from autograder.language import Text as Both
from autograder.report import clean
from autograder.report._lines import Prose
from autograder.report.studytexts import said

_FEW = 5

# What is shown here is made on the floor above, so this one only says what it needs of it.


class Share(Protocol):
    """A part of a whole, and how much there is to judge it by."""

    @property
    def value(self) -> float | None: ...
    @property
    def tried(self) -> int: ...
    @property
    def all(self) -> int: ...


class Readiness(Protocol):
    """For a question, or for a lesson."""

    @property
    def slug(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def title(self) -> Both: ...
    @property
    def said(self) -> Share: ...
    @property
    def done(self) -> Share: ...
    @property
    def kept(self) -> Share: ...
    @property
    def value(self) -> float: ...
    @property
    def is_begun(self) -> bool: ...


class Ready(Protocol):
    """For all of them, with the cards of today: those that come back, are due, are new."""

    @property
    def questions(self) -> Sequence[Readiness]: ...
    @property
    def lessons(self) -> Sequence[Readiness]: ...
    @property
    def today(self) -> tuple[int, int, int]: ...


def print_readiness(
    found: Ready, *, console: Console, language: Language, brief: bool = False
) -> None:
    """Print readiness by question, weakest first, and by lesson, and what is due today.

    Parameters
    ----------
    brief
        Only the weakest questions of those that were begun.
    """
    begun = [item for item in found.questions if item.is_begun]
    shown: list[RenderableType] = []
    if begun or not brief:
        rows = begun[:_FEW] if brief else found.questions
        shown += [_table(said("ready.questions", language), rows, language)]
    if brief and len(begun) > _FEW:
        shown.append(Prose(said("ready.rest", language, count=len(begun) - _FEW), "dim"))
    if not brief:
        shown += [Text(), _table(said("ready.lessons", language), found.lessons, language)]
        shown += [Text(), Prose(said("ready.means", language), "dim")]
    again, due, new = found.today
    left = said("left", language, again=again, due=due, new=new)
    today = said("ready.today", language, left=left)
    console.print(Group(Text(), *shown, Text.assemble((today, "bold"), "  ", _command())))


def _command() -> Text:
    return Text(f"{_called.command()} review", "cyan")


def _table(title: str, rows: Sequence[Readiness], language: Language) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, show_edge=False, pad_edge=False)
    table.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis", header_style="bold")
    for key in ("said", "done", "kept"):
        table.add_column(said(f"ready.{key}", language), justify="right", header_style="dim")
    table.add_column(said("ready.value", language), justify="right", header_style="bold")
    for item in rows:
        name = f"{item.question} {item.title[language]}" if item.question else item.slug
        if item.question:
            name += f" · {item.slug}"
        style = "" if item.is_begun else "dim"
        # How many answers were given; of tasks and cards, how many of how many.
        answers = f" ({item.said.tried})" if item.said.tried else ""
        table.add_row(
            Text(clean.line(name), style),
            Text(_percent(item.said) + answers, style),
            *(Text(_rests(share), style) for share in (item.done, item.kept)),
            Text(f"{100 * item.value:.0f} %", "bold" if item.is_begun else style),
        )
    return table


def _rests(share: Share) -> str:
    return f"{_percent(share)} ({share.tried}/{share.all})" if share.all else "–"


def _percent(share: Share) -> str:
    if share.value is None or not share.tried:
        return "–"
    return f"{100 * share.value:.0f} %"
