"""How far grading a class has come: a bar with rate, verdicts and time left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.catalog import Language
from autograder.results import SubmissionResult

_WORDS = {
    "full": {"en": "full", "zh": "满分"},
    "some": {"en": "partial", "zh": "部分"},
    "none": {"en": "zero", "zh": "零分"},
    "unread": {"en": "unread", "zh": "无法评"},
    "before": {"en": "before", "zh": "已评过"},
}
_RATE = {"en": "/s", "zh": " 份/秒"}


class _Rate(ProgressColumn):
    """Notebooks a second."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self._language = language

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f}{_RATE[self._language]}")


@contextmanager
def class_progress(
    total: int, language: Language, *, console: Console | None = None
) -> Iterator[Callable[[Any, SubmissionResult | None], None]]:
    """Show a bar on standard error while the body runs; what it yields is told of each result."""
    counts: Counter[str] = Counter()
    bar = Progress(
        BarColumn(bar_width=16), MofNCompleteColumn(), _Rate(language), TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        console=console or Console(stderr=True, highlight=False),
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=total, counts="")

        def told(_: Any, result: SubmissionResult | None) -> None:
            counts[_kind(result)] += 1
            words = [f"{_WORDS[k][language]} {counts[k]}" for k in _WORDS if counts[k]]
            bar.update(task, advance=1, counts=" · ".join(words))

        yield told


def _kind(result: SubmissionResult | None) -> str:
    if result is None:
        return "before"
    if result.problem is not None:
        return "unread"
    if result.passed:
        return "full"
    return "some" if result.points else "none"
