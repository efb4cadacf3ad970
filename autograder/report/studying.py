"""Cards and what is left of them, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autograder.language import Language
from autograder.report import clean
from autograder.report._lines import Prose
from autograder.report._maths import readable
from autograder.report.messages import lesson_view
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
    head = Table.grid(expand=True)
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


def _body(markdown: str, folder: Path) -> RenderableType:
    return Padding(lesson_view(readable(markdown), folder), (0, 2, 1, 2))
