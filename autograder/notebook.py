"""What a notebook calls: `check` and `hint`.

The probes run in the learner's own kernel, for an answer at once; the answer key is computed in
a process of its own, so that a kernel never holds a reference or a misconception.
"""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from autograder import catalog
from autograder.catalog import CatalogError, Exercise, Language, Task

_silent = False
_opened: dict[tuple[str, str], int] = {}
_MAX_COPIED = 2**20


def silence() -> None:
    """Make `check` and `hint` do nothing: the engine runs the probes itself, afterwards."""
    global _silent
    _silent = True


def check(name: str) -> float | None:
    """Check one task and show a card with the verdict on each of its claims.

    Parameters
    ----------
    name
        The task's name, as the notebook gives it.

    Returns
    -------
    float or None
        The points, when nbgrader runs the notebook; otherwise nothing, since the card says all.
    """
    if _silent:
        return None
    names = sys._getframe(1).f_globals
    exercise, language = _where(names, name)
    task = _task(exercise, name, language)
    if task is None:
        return None
    with _variables_kept(names), _quiet_descriptor():
        result = _judged(exercise, task, names)
    _show_card(result, language)
    # nbgrader reads partial points from the value of the cell.
    return result.points if "NBGRADER_EXECUTION" in os.environ else None


def hint(name: str) -> None:
    """Show the next of the three hints for a task: a nudge, the idea, the outline."""
    if _silent:
        return
    exercise, language = _where(sys._getframe(1).f_globals, name)
    task = _task(exercise, name, language)
    if task is None:
        return
    from autograder.report import card

    level = _open_hint(exercise, task)
    _display(card.hint_html(task, level, language), card.hint_text(task, level, language))


def _where(names: Mapping[str, Any], task: str) -> tuple[Exercise, Language]:
    """The exercise and language that the notebook's setup cell names."""
    language: Language = "zh" if names.get("LANGUAGE") == "zh" else "en"
    slug = names.get("EXERCISE")
    if isinstance(slug, str):
        return catalog.exercise(slug), language
    for exercise in catalog.exercises():
        if any(item.name == task for item in exercise.tasks):
            return exercise, language
    raise CatalogError(f"No exercise has a task {task!r}. Run the notebook's first cell again.")


def _task(exercise: Exercise, name: str, language: Language) -> Task | None:
    try:
        return exercise.task(name)
    except CatalogError as error:
        from html import escape

        _display(f"<pre>{escape(str(error))}</pre>", str(error))
        return None


def _judged(exercise: Exercise, task: Task, names: Mapping[str, Any]) -> Any:
    """Run the probes of `task`, and of those that it rests on, and judge them."""
    from autograder.checks import Suite
    from autograder.judge import judge_exercise
    from autograder.oracle import answer_key
    from autograder.probing import run_probe

    suite = Suite(exercise)
    needed = {task.name}
    for check in suite.of_task(task.name):
        needed |= {exercise.task_of[name].name for name in check.rests_on}
    tasks = [(item, suite.of_task(item.name)) for item in exercise.tasks if item.name in needed]
    outcomes = {
        check.name: run_probe(
            suite, check, names, seconds=exercise.check_seconds, locate=_locate(names)
        )
        for _, checks in tasks
        for check in checks
    }
    results = judge_exercise(tasks, outcomes, answer_key(exercise))
    return next(result for result in results if result.name == task.name)


def _locate(names: Mapping[str, Any]) -> Any:
    """Find the innermost frame that runs in the notebook's own namespace."""

    def locate(traceback: TracebackType | None) -> tuple[str, str]:
        import linecache

        place = ("", "")
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals is names:
                filename, number = frame.f_code.co_filename, traceback.tb_lineno
                line = linecache.getline(filename, number).strip()
                place = (f"{frame.f_code.co_name}:{number}", line[:200])
            traceback = traceback.tb_next
        return place

    return locate


@contextlib.contextmanager
def _quiet_descriptor() -> Iterator[None]:
    """Drop what compiled code writes to standard error: nbgrader gives nothing for a cell with any.

    See jupyter/nbgrader#1904, where a line of torch's cost a class its points.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


@contextlib.contextmanager
def _variables_kept(names: dict[str, Any]) -> Iterator[None]:
    """Leave the notebook's variables as they were, whatever the probed functions do to them."""
    before = dict(names)
    copies = {name: copy.deepcopy(value) for name, value in before.items() if _is_small(value)}
    try:
        yield
    finally:
        for name in [name for name in names if name not in before]:
            del names[name]
        names.update(before)
        for name, value in copies.items():
            _restore(before[name], value)


def _is_small(value: Any) -> bool:
    """Plain containers of a size that is copied in no time."""
    if type(value) in (list, dict, set):
        return len(value) <= 10_000 and all(
            type(item) in (int, float, str, bool, type(None)) for item in value
        )
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and value.nbytes <= _MAX_COPIED


def _restore(target: Any, value: Any) -> None:
    if isinstance(target, list):
        target[:] = value
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(value)
    else:
        with contextlib.suppress(ValueError):
            target[...] = value


def _open_hint(exercise: Exercise, task: Task) -> int:
    """Advance to the next level, remembered in the workbook where there is one."""
    from pathlib import Path

    from autograder.journal import Journal, JournalError
    from autograder.workbook import find

    book = find(Path.cwd())
    if book is not None:
        with contextlib.suppress(JournalError, OSError), Journal(book.journal) as journal:
            return journal.open_hint(exercise.slug, task.name)
    key = (exercise.slug, task.name)
    _opened[key] = min(_opened.get(key, 0) + 1, len(task.hints["en"]))
    return _opened[key]


def _show_card(result: Any, language: Language) -> None:
    from autograder.report import card

    _display(card.card_html(result, language), card.card_text(result, language))


def _display(html: str, text: str) -> None:
    from autograder.report import display

    display.show(html, text)
