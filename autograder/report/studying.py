"""Cards and what is left of them, on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autograder import _called
from autograder.language import Language
from autograder.report import clean, messages
from autograder.report._lines import Prose
from autograder.report.reading import lesson_view
from autograder.report.studytexts import said
from autograder.report.texts import number


def show_front(
    about: str,
    front: str,
    left: tuple[int, int, int],
    *,
    folder: Path,
    console: Console,
    language: Language,
) -> None:
    """Ask a card; `left` counts those that come back now, are due, and are new."""
    again, due, new = left
    counts = said("left", language, again=again, due=due, new=new)
    head = Table.grid(padding=(0, 2, 0, 0), pad_edge=False, expand=True)
    head.add_column(ratio=1, overflow="ellipsis", no_wrap=True)
    head.add_column(justify="right", no_wrap=True)
    head.add_row(Text(clean.line(about), "cyan"), Text(counts, "dim"))
    console.print(Group(Text(), Rule(style="dim"), head, Text(), _body(front, folder)))


def show_back(back: str, *, folder: Path, console: Console) -> None:
    """Show what is right."""
    console.print(Group(Rule(style="dim", characters="┄"), _body(back, folder)))


def keys(after: Sequence[timedelta] | None, language: Language) -> str:
    """The keys there are: with `after`, the four answers and when the card comes back for each."""
    shown = [said("keys.front", language)]
    if after is not None:
        shown = [
            f"{rating} {said(f'rating.{rating}', language)} {interval(gap, language)}"
            for rating, gap in enumerate(after, 1)
        ]
    return "  ".join([*shown, said("keys.undo", language), said("keys.quit", language)])


def interval(gap: timedelta, language: Language) -> str:
    """A time to wait in one number: minutes, hours, days, months or years."""
    days = gap / timedelta(days=1)
    for unit, size, most in (
        ("minutes", 1 / 1440, 60),
        ("hours", 1 / 24, 24),
        ("days", 1.0, 60),
        ("months", 30.4, 24),
    ):
        count = max(round(days / size), 1)
        if count < most:
            return said(unit, language, n=count)
    return said("years", language, n=round(days / 365, 1))


def show_summary(
    ratings: Sequence[int],
    seconds: float,
    left: int,
    following: tuple[timedelta, int] | None,
    *,
    console: Console,
    language: Language,
) -> None:
    """What was done in a sitting, and when there is more.

    Parameters
    ----------
    left
        Cards that are still to do today.
    following
        After how long the next cards are due, and how many they are that day.
    """
    shown: list[RenderableType] = []
    if ratings:
        done = said(
            "done", language, answers=len(ratings), remembered=sum(r > 1 for r in ratings),
            minutes=number(max(seconds / 60, 0.1), 1),
        )  # fmt: skip
        shown.append(Text(done, "bold"))
    if left:
        shown.append(Prose(said("more", language, left=left)))
    elif following is not None:
        after, count = following
        shown.append(Prose(said("next", language, after=interval(after, language), cards=count)))
    else:
        shown.append(Prose(said("none", language)))
    console.print(Group(*shown))


def show_plan(until: date | None, new: int, behind: int, language: Language) -> None:
    """Say by which plan the cards are asked, and whether it is still in time."""
    messages.say(said("plan.holds", language, until=until, new=new), "dim")
    if behind:
        messages.say(said("plan.behind", language, until=until, new=behind), "yellow")


class Costs(Protocol):
    """Seconds for a card, and on how many answers they rest."""

    @property
    def first(self) -> float: ...
    @property
    def again(self) -> float: ...
    @property
    def measured(self) -> int: ...


class Day(Protocol):
    """One day of a plan."""

    @property
    def date(self) -> date: ...
    @property
    def minutes(self) -> float: ...


class Forecast(Protocol):
    """What a plan comes to."""

    @property
    def days(self) -> Sequence[Day]: ...
    @property
    def cards(self) -> int: ...
    @property
    def seen(self) -> int: ...
    @property
    def new(self) -> int: ...
    @property
    def once(self) -> int: ...
    @property
    def fitting(self) -> int: ...
    @property
    def costs(self) -> Costs: ...
    @property
    def minutes(self) -> float: ...
    @property
    def worst(self) -> Day: ...
    @property
    def fits(self) -> bool: ...


def show_forecast(
    found: Forecast, until: date, budget: float, *, console: Console, language: Language
) -> None:
    """Say what a plan takes in a day, on what that rests, and whether it fits into `budget`."""
    rests = "plan.measured" if found.costs.measured else "plan.assumed"
    numbers = {
        "until": until, "days": len(found.days), "cards": found.cards, "seen": found.seen,
        "new": found.new, "once": found.once, "fitting": found.fitting,
        "budget": number(budget, 0), "mean": number(found.minutes, 0),
        "most": number(math.ceil(found.worst.minutes), 0), "worst": found.worst.date,
        "first": number(found.costs.first, 0), "again": number(found.costs.again, 0),
        "measured": found.costs.measured,
    }  # fmt: skip
    rows = ["plan.cards", "plan.takes", rests]
    if not found.fits:
        rows.append("plan.no" if found.fitting else "plan.nothing")
    elif found.once:
        rows.append("plan.once")
    else:
        rows.append("plan.twice")
    styles = {"plan.takes": "bold", "plan.no": "yellow", "plan.nothing": "yellow"}
    console.print(Group(*(Prose(said(r, language, **numbers), styles.get(r, "")) for r in rows)))
    console.print(
        Text.assemble(said("plan.go", language), " ", (f"{_called.command()} review", "cyan"))
    )


def _body(markdown: str, folder: Path) -> RenderableType:
    return Padding(lesson_view(_called.spelled(markdown), folder), (0, 2, 1, 2))
