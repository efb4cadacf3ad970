"""Watching notebooks: each save is graded, and one task at a time is looked at."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from autograder._errors import BilingualError
from autograder.judging.results import SubmissionResult, TaskResult
from autograder.language import Language
from autograder.report.watchscreen import View


class NothingToWatch(BilingualError):
    """A notebook that is not there."""


def all_there(paths: Sequence[Path]) -> list[Path]:
    """`paths`, each of which is a file.

    Raises
    ------
    NothingToWatch
        If one is not there.
    """
    for path in paths:
        if not path.is_file():
            raise NothingToWatch(
                f"There is no notebook {path}, so there is nothing to watch. Check the path, or "
                "make a workbook with `touchstone start`.",
                f"找不到 notebook {path}，没有可监视的内容。请检查路径，或用 `touchstone start` "
                "建一个练习册。",
            )
    return list(paths)


def saves(
    paths: Sequence[Path], *, now: bool = True, stop: threading.Event | None = None
) -> Iterator[Path]:
    """Yield each of `paths` whenever it was saved, and if `now` once before, until interrupted.

    Editors save by writing a new file and renaming it, so the folders are watched, not the
    files. Saves that come while the caller is busy are not lost.
    """
    from watchfiles import watch

    wanted = {path.resolve(): path for path in paths}
    folders = {path.parent for path in wanted}
    changes = watch(
        *folders, recursive=False, debounce=200, step=50, stop_event=stop, rust_timeout=200,
        yield_on_timeout=True,
    )  # fmt: skip
    if now:
        next(changes)  # from here on it watches
        yield from paths
    for changed in changes:
        names = {Path(name).resolve() for _, name in changed}
        for resolved, path in wanted.items():
            if resolved in names and path.is_file():
                yield path


@contextlib.contextmanager
def saves_aside(paths: Sequence[Path]) -> Iterator[queue.Queue[Path]]:
    """A queue that holds each of `paths` whenever it was saved, while the body runs."""
    found: queue.Queue[Path] = queue.Queue()
    stop = threading.Event()

    def look() -> None:
        for path in saves(paths, now=False, stop=stop):
            found.put(path)

    thread = threading.Thread(target=look, name="saves", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(5)


class Watch:
    """What the screen shows, and what becomes of it by saves and keys.

    Parameters
    ----------
    paths
        The notebooks; the one that was saved last comes first.
    """

    def __init__(self, paths: Sequence[Path], language: Language) -> None:
        self._paths = list(paths)
        self._language = language
        self._results: dict[Path, SubmissionResult] = {}
        self.path = max(paths, key=lambda path: path.stat().st_mtime)
        self.view = View(self.path.name, language, busy=True)

    def begin(self, path: Path) -> View:
        """Turn to `path`; what to show while it is graded."""
        if path != self.path:
            self.path = path
            self.view = View(path.name, self._language, self._results.get(path))
        return replace(self.view, busy=True)

    def end(self, result: SubmissionResult) -> None:
        """Look at what matters now that the notebook that is looked at came to `result`."""
        before = self._results.get(self.path)
        self._results[self.path] = result
        task = focus(result, before, self.view.task)
        self.view = View(
            self.path.name, self._language, result, task,
            hint=self.view.hint if task == self.view.task else "",
            passed=newly_passed(result, before),
        )  # fmt: skip

    def forward(self) -> bool:
        """Look at the next task that is not passed; whether another notebook is to be graded."""
        result = self.view.result
        task = following(result, self.view.task) if result is not None else ""
        if task and task != self.view.task:
            self.view = replace(self.view, task=task, hint="", passed=())
            return False
        place = self._paths.index(self.path) + 1
        other = self._paths[place % len(self._paths)]
        if task or other == self.path:
            return False
        self.path = other
        self.view = View(other.name, self._language, self._results.get(other))
        return True

    def hinted(self, hint: str) -> None:
        """Show a hint for the task that is looked at."""
        self.view = replace(self.view, hint=hint)


def focus(result: SubmissionResult, before: SubmissionResult | None, task: str) -> str:
    """The task to look at in `result`: `task` until it is passed, or another one is worked at.

    The first time, the first that was begun and is not passed, else the first to do.
    """
    left = [item for item in result.tasks if item.status != "pass"]
    if before is None:
        begun = next((item.name for item in left if item.status != "todo"), "")
        return begun or (left[0].name if left else "")
    former = {item.name: item for item in before.tasks}
    changed = [item.name for item in left if _differs(item, former.get(item.name))]
    if task in changed or (not changed and any(item.name == task for item in left)):
        return task
    return changed[0] if changed else following(result, task)


def following(result: SubmissionResult, task: str) -> str:
    """The next task after `task` that is not passed, from the top after the last; or none."""
    names = [item.name for item in result.tasks]
    place = names.index(task) + 1 if task in names else 0
    order = [*result.tasks[place:], *result.tasks[:place]]
    return next((item.name for item in order if item.status != "pass"), "")


def newly_passed(result: SubmissionResult, before: SubmissionResult | None) -> tuple[str, ...]:
    """Names of the tasks that are passed now and were not `before`."""
    if before is None:
        return ()
    former = {item.name for item in before.tasks if item.status == "pass"}
    passed = (item.name for item in result.tasks if item.status == "pass")
    return tuple(name for name in passed if name not in former)


def _differs(task: TaskResult, before: TaskResult | None) -> bool:
    """Whether something else came out of it; how long it took is no difference."""
    if before is None:
        return True

    def seen(item: TaskResult) -> list[tuple[str, ...]]:
        return [(v.status, v.came_out, v.message["en"], v.misconception) for v in item.verdicts]

    return seen(task) != seen(before)
