"""How far grading a class has come: a bar with rate, verdicts and time left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.judging.results import SubmissionResult
from autograder.language import Language

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


class _Bar(Progress):
    """A bar, and the verdicts in a line below it: side by side they do not fit a terminal."""

    verdicts = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        if self.verdicts:
            yield Text(self.verdicts)


@contextmanager
def class_progress(
    total: int, language: Language, *, console: Console | None = None
) -> Iterator[Callable[[Any, SubmissionResult | None], None]]:
    """Show a bar on standard error while the body runs; what it yields is told of each result."""
    counts: Counter[str] = Counter()
    bar = _Bar(
        BarColumn(), MofNCompleteColumn(), _Rate(language), TimeRemainingColumn(),
        console=console or Console(stderr=True, highlight=False),
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=total)

        def told(_: Any, result: SubmissionResult | None) -> None:
            counts[_kind(result)] += 1
            words = [f"{_WORDS[k][language]} {counts[k]}" for k in _WORDS if counts[k]]
            bar.verdicts = " · ".join(words)
            bar.advance(task)

        yield told


def _kind(result: SubmissionResult | None) -> str:
    if result is None:
        return "before"
    if result.problem is not None:
        return "unread"
    if result.passed:
        return "full"
    return "some" if result.points else "none"
