"""``touchstone watch`` on a terminal: a screen for one task at a time, and keys."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Sequence
from pathlib import Path

from autograder import report
from autograder.exercise import catalog
from autograder.grading.journal import Journal
from autograder.learner.desk import Desk
from autograder.learner.keys import keys
from autograder.learner.places import find_place, part
from autograder.learner.watching import Watch, saves_aside
from autograder.learner.watchplain import grading
from autograder.report import messages, reading
from autograder.report.watchscreen import WatchScreen

_WAIT = 0.2


def watch_with_keys(paths: Sequence[Path], here: Desk, journal: Journal) -> None:
    """Grade `paths` at each save and show one task at a time, until Ctrl-C or `q`."""
    watch = Watch(paths, here.language)
    with contextlib.ExitStack() as stack:
        saved = stack.enter_context(saves_aside(paths))
        read_key = stack.enter_context(keys())
        screen = stack.enter_context(WatchScreen(messages.out()))
        screen.show(watch.view)  # before what takes seconds is loaded
        grade = stack.enter_context(grading(paths, journal))
        saved.put(watch.path)
        while True:
            screen.show(watch.view)
            key = read_key(_WAIT if saved.empty() else 0)
            if key == "q":
                return
            if key == "n" and watch.forward():
                saved.put(watch.path)
            elif key == "h":
                _hint(watch, journal)
            elif key == "l":
                _lesson(watch, screen)
            for path in _drained(saved):
                screen.show(watch.begin(path))
                watch.end(grade(path))


def _drained(saved: queue.Queue[Path]) -> list[Path]:
    """What was saved since, each once."""
    found: dict[Path, None] = {}
    while not saved.empty():
        found[saved.get_nowait()] = None
    return list(found)


def _hint(watch: Watch, journal: Journal) -> None:
    view = watch.view
    if view.result is None or not view.task:
        return
    task = catalog.exercise(view.result.exercise).task(view.task)
    level = journal.open_hint(view.result.exercise, task.name)
    watch.hinted(report.hint_text(task, level, view.language, again="h"))


def _lesson(watch: Watch, screen: WatchScreen) -> None:
    """The part of the lesson that the task is about; the whole of it where there is no task."""
    view = watch.view
    if view.result is None or not view.result.exercise:
        return
    exercise, name = catalog.exercise(view.result.exercise), view.task
    with screen.aside():
        shown = part(find_place(f"{exercise.slug}/{name}"), view.language) if name else ""
        reading.show_lesson(exercise.lesson(view.language), shown, paged=True)
