"""What a notebook calls: `check`, `hint`, `replay`, and `lesson`, `status`, `solution` beside them.

The probes run in the learner's own kernel, for an answer at once; the answer key is computed in
a process of its own, so that a kernel never holds a reference or a misconception.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autograder._begun import begin
from autograder._errors import BilingualError
from autograder._silence import is_silent
from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.language import Language
from autograder.learner.kernel import judged, under_nbgrader, use_one_thread
from autograder.learner.leaving import on_model, quiet_errors

if TYPE_CHECKING:
    from autograder.judging.results import TaskResult
    from autograder.learner.replaying import Replay

_opened: dict[tuple[str, str], int] = {}
_checked_last: dict[tuple[str, str], TaskResult] = {}


def check(name: str) -> float | None:
    """Check one task and show a card with the verdict on each of its claims.

    Parameters
    ----------
    name
        The task's name, as the notebook gives it.

    Returns
    -------
    float or None
        Under nbgrader the points, which are 0.0 for whatever cannot be graded; otherwise
        nothing, since the card says all.
    """
    points = 0.0
    if not is_silent():
        with quiet_errors():
            points = _checked(name, sys._getframe(1).f_globals)
    # nbgrader reads partial points from the value of the cell, and takes no value for full ones.
    return points if under_nbgrader() else None


def hint(name: str) -> None:
    """Show the next of the three hints for a task: a nudge, the idea, the outline."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    with _told(names):
        from autograder.report import card

        exercise, task = _task(names, name)
        language, level = _language(names), _open_hint(exercise, task)
        _display(card.hint_html(task, level, language), card.hint_text(task, level, language))


def replay(name: str) -> Replay | None:
    """Make the call again that failed when `check` ran last, to look into it; no points change.

    Returns
    -------
    Replay or None
        The call: ``args``, ``kwargs``, and ``result`` or ``error``; ``run()`` makes it once more,
        in the open. The notebook has it as ``failed`` too, unless that is a name of its own.
    """
    if is_silent():
        return None
    names = sys._getframe(1).f_globals
    found: Replay | None = None
    with _told(names):
        exercise, task = _task(names, name)
        made = _replayed(exercise, task.name, names)
        if isinstance(made, str):
            _say(made)
        else:
            found = made
    return found


def _replayed(exercise: Exercise, task: str, names: dict[str, Any]) -> Replay | str:
    from autograder.learner import replaying
    from autograder.report.replayed import note

    result = _checked_last.get((exercise.slug, task))
    if result is None:
        return note("unchecked", task, _language(names))
    return replaying.replay(exercise, result, names, _language(names))


def lesson(name: str) -> None:
    """Show the part of the lesson that the task called `name` is about."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    with _told(names):
        from autograder.learner import beside
        from autograder.report import display

        display.show_markdown(beside.lesson(*_task(names, name), _language(names)))


def status() -> None:
    """Show where the exercise stands: each task's points, in this kernel or ever graded."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    with _told(names):
        from autograder.learner import beside
        from autograder.report import display

        slug = names.get("EXERCISE")
        if not isinstance(slug, str):
            raise BilingualError(
                "The notebook does not say which exercise it is. Run its first cell again.",
                "notebook 没有说明是哪个练习。请重新运行第一个单元。",
            )
        exercise = catalog.exercise(slug)
        display.show_markdown(beside.status(exercise, _checked_last, _language(names)))


def solution(name: str, *, give_up: bool = False) -> None:
    """Show the solution of a task once you passed it, or with ``give_up=True``."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    with _told(names):
        from autograder.learner import beside
        from autograder.report import display

        code = beside.solution(
            *_task(names, name), _checked_last, _language(names), give_up=give_up
        )
        display.show_markdown(f"```python\n{code}\n```", code)


@contextlib.contextmanager
def _told(names: Mapping[str, Any]) -> Iterator[None]:
    """Tell in one line what goes wrong, in the notebook's language; no error leaves here."""
    try:
        yield
    except BilingualError as error:
        _say(error.text[_language(names)])
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        _say(_our_fault(error, _language(names)))


def _language(names: Mapping[str, Any]) -> Language:
    """The language that the notebook's setup cell names."""
    return "zh" if names.get("LANGUAGE") == "zh" else "en"


def _task(names: Mapping[str, Any], task: str) -> tuple[Exercise, Task]:
    """A task of the exercise that the setup cell names, else of the first that has one so called.

    Raises
    ------
    CatalogError
        If there is none.
    """
    slug = names.get("EXERCISE")
    if isinstance(slug, str):
        exercise = catalog.exercise(slug)
        return exercise, exercise.task(task)
    for exercise in catalog.exercises():
        if any(item.name == task for item in exercise.tasks):
            return exercise, exercise.task(task)
    raise CatalogError(
        f"No exercise has a task {task!r}. Run the notebook's first cell again.",
        f"没有练习含有任务 {task!r}。请重新运行 notebook 的第一个单元。",
    )


def _checked(name: str, names: dict[str, Any]) -> float:
    """Show how the task called `name` stands and return its points; no error leaves here."""
    points = 0.0
    with _told(names):
        exercise, task = _task(names, name)
        from autograder.engine.keeping import variables_kept

        with variables_kept(names), on_model(names.get("MODEL") if exercise.model else None):
            result = judged(exercise, task, names)
        _checked_last[exercise.slug, task.name] = result
        _show_card(result, names, exercise)
        points = float(result.points)
    return points


def _open_hint(exercise: Exercise, task: Task) -> int:
    """Advance to the next level, remembered in the workbook where there is one."""
    from pathlib import Path

    from autograder.grading.journal import Journal, JournalError
    from autograder.learner.workbook import find

    book = find(Path.cwd())
    if book is not None:
        with contextlib.suppress(JournalError, OSError), Journal(book.journal) as journal:
            return journal.open_hint(exercise.slug, task.name)
    key = (exercise.slug, task.name)
    _opened[key] = min(_opened.get(key, 0) + 1, len(task.hints["en"]))
    return _opened[key]


def _show_card(result: TaskResult, names: Mapping[str, Any], exercise: Exercise) -> None:
    from autograder.report import card

    again = f'replay("{result.name}")'
    if names.get("replay") is not replay:
        again = f"from autograder import replay; {again}"
    language = _language(names)
    ahead = ""
    if result.status == "pass" and not under_nbgrader():
        from autograder.learner.ahead import passed

        ahead = passed(exercise, result.name)[language]
    _display(
        card.card_html(result, language, replay=again, ahead=ahead),
        card.card_text(result, language, replay=again, ahead=ahead),
    )


def _display(html: str, text: str) -> None:
    from autograder.report import display

    display.show(html, text)


def _our_fault(error: Exception, language: Language) -> str:
    what = f"{type(error).__name__}: {error}"
    if language == "zh":
        return f"是我们的错，不怪你：{what}。请在终端运行 `touchstone doctor` 并反馈。"
    return f"Our fault, not yours: {what}. Run `touchstone doctor` in a terminal and report it."


def _say(sentence: str) -> None:
    from html import escape

    _display(f"<p>{escape(sentence)}</p>", sentence)


begin()
if under_nbgrader():
    use_one_thread()
