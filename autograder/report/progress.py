"""How far grading has come: of one notebook by its tasks, of a class by its students."""

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
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.judging.results import SubmissionResult
from autograder.language import Language
from autograder.language import Text as BothTexts
from autograder.report import clean

_WORDS = {
    "full": {"en": "full", "zh": "满分"},
    "some": {"en": "partial", "zh": "部分"},
    "none": {"en": "zero", "zh": "零分"},
    "unread": {"en": "unread", "zh": "无法评"},
    "before": {"en": "before", "zh": "已评过"},
}
_READING: BothTexts = {"en": "reading", "zh": "读取中"}
_RUNNING: BothTexts = {"en": "running the cells", "zh": "运行单元"}
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


class NotebookBar:
    """A line on standard error that says which notebook and which task is looked at.

    It is there before anything heavy is loaded, and gone afterwards. Where standard error is no
    terminal, nothing is shown.
    """

    def __init__(self, language: Language, *, console: Console | None = None) -> None:
        self._language = language
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20), MofNCompleteColumn(),
            console=console or Console(stderr=True, highlight=False), transient=True,
        )  # fmt: skip
        self._bar.disable = not self._bar.console.is_terminal
        self._task = self._bar.add_task("…", total=None)
        self._name = ""

    def __enter__(self) -> NotebookBar:
        self._bar.start()
        self._bar.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """The notebook of this name comes next."""
        self._name = clean.line(name)
        self._bar.reset(self._task, total=None, description=self._line(_READING))

    def step(self, title: BothTexts | None, steps: int) -> None:
        """One of its `steps` begins: a check of the task with this title, or a cell."""
        self._bar.update(
            self._task, total=steps, advance=1, description=self._line(title or _RUNNING)
        )

    def _line(self, what: BothTexts) -> str:
        return f"{self._name}: {what[self._language]}"


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
