"""What a notebook calls: `check`, `hint`, `replay`, and `lesson`, `status`, `solution` beside them.

The probes run in the learner's own kernel, for an answer at once; the answer key is computed in
a process of its own, so that a kernel never holds a reference or a misconception.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autograder._begun import begin, begun
from autograder._errors import BilingualError
from autograder._silence import is_silent
from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.language import Language
from autograder.learner.leaving import on_model, quiet_errors

if TYPE_CHECKING:
    from autograder.engine import Ask
    from autograder.evidence.observations import Outcome
    from autograder.exercise.declaring import Check
    from autograder.exercise.suite import Suite
    from autograder.judging.results import TaskResult
    from autograder.learner.replaying import Replay

_opened: dict[tuple[str, str], int] = {}
_checked_last: dict[tuple[str, str], TaskResult] = {}
# nbgrader stops a cell after 30 seconds, and a cell that was stopped has no points.
_PROBE_SECONDS, _CARD_SECONDS = 20.0, 26.0


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
    return points if _under_nbgrader() else None


def _under_nbgrader() -> bool:
    return "NBGRADER_EXECUTION" in begun().environment


def hint(name: str) -> None:
    """Show the next of the three hints for a task: a nudge, the idea, the outline."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    try:
        exercise = _exercise(names, name)
        task = exercise.task(name)
    except CatalogError as error:
        _say(error.text[_language(names)])
        return
    from autograder.report import card

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
    try:
        exercise = _exercise(names, name)
        found = _replayed(exercise, exercise.task(name).name, names)
    except CatalogError as error:
        found = str(error)
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        found = _our_fault(error, _language(names))
    if isinstance(found, str):
        _say(found)
        return None
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
    with _beside(names):
        from autograder.learner import beside
        from autograder.report import display

        exercise = _exercise(names, name)
        display.show_markdown(beside.lesson(exercise, exercise.task(name), _language(names)))


def status() -> None:
    """Show where the exercise stands: each task's points, in this kernel or ever graded."""
    if is_silent():
        return
    names = sys._getframe(1).f_globals
    with _beside(names):
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
    with _beside(names):
        from autograder.learner import beside
        from autograder.report import display

        exercise, language = _exercise(names, name), _language(names)
        code = beside.solution(
            exercise, exercise.task(name), _checked_last, language, give_up=give_up
        )
        display.show_markdown(f"```python\n{code}\n```", code)


@contextlib.contextmanager
def _beside(names: Mapping[str, Any]) -> Iterator[None]:
    """Tell what goes wrong in one line."""
    try:
        yield
    except (BilingualError, CatalogError) as error:
        text = getattr(error, "text", None)
        _say(text[_language(names)] if text else str(error))
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        _say(_our_fault(error, _language(names)))


def _language(names: Mapping[str, Any]) -> Language:
    """The language that the notebook's setup cell names."""
    return "zh" if names.get("LANGUAGE") == "zh" else "en"


def _exercise(names: Mapping[str, Any], task: str) -> Exercise:
    """The exercise that the notebook's setup cell names, else the first with such a task."""
    slug = names.get("EXERCISE")
    if isinstance(slug, str):
        return catalog.exercise(slug)
    for exercise in catalog.exercises():
        if any(item.name == task for item in exercise.tasks):
            return exercise
    raise CatalogError(f"No exercise has a task {task!r}. Run the notebook's first cell again.")


def _checked(name: str, names: dict[str, Any]) -> float:
    """Show how the task called `name` stands and return its points; no error leaves here."""
    try:
        exercise = _exercise(names, name)
        task = exercise.task(name)
        from autograder.engine.keeping import variables_kept

        with variables_kept(names), on_model(names.get("MODEL") if exercise.model else None):
            result = _judged(exercise, task, names)
        _checked_last[exercise.slug, task.name] = result
        _show_card(result, names, exercise)
    except CatalogError as error:
        _say(error.text[_language(names)])
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        _say(_our_fault(error, _language(names)))
    else:
        return float(result.points)
    return 0.0


def _judged(exercise: Exercise, task: Task, names: Mapping[str, Any]) -> TaskResult:
    """Run the probes of `task`, and of those that it rests on, and judge them."""
    from autograder.engine.timing import PATIENCE
    from autograder.exercise.suite import Suite
    from autograder.grading.oracle import judged_by_need, reference_key, tried

    started, hurry = time.monotonic(), _under_nbgrader()
    exercise = exercise.with_room()
    suite = Suite(exercise)
    needed = _tasks_below(suite, task)
    # The task's own come first, lest an endless loop in another one leave it no time.
    own_first = sorted(needed, key=lambda name: name != task.name)
    checks = [check for name in own_first for check in suite.of_task(name)]
    limit = _PROBE_SECONDS if hurry else PATIENCE * exercise.submission_seconds
    outcomes = {outcome.check: outcome for outcome in _outcomes(suite, checks, names, limit)}
    tasks = [(item, suite.of_task(item.name)) for item in exercise.tasks if item.name in needed]
    # Nothing of the reference where all is to do. In a hurry no more of it than this card needs;
    # else all of it, once for all cards.
    compared = tried(suite, outcomes)
    reference = reference_key(exercise, tasks=None if compared and not hurry else compared)
    left = started + _CARD_SECONDS - time.monotonic() if hurry else math.inf
    results = judged_by_need(
        exercise, tasks, outcomes, reference, seconds=left, ask=_asking(names, exercise)
    )
    return next(result for result in results if result.name == task.name)


def _tasks_below(suite: Suite, task: Task) -> list[str]:
    """The names of `task` and of every task that it rests on, directly or not."""
    found = [task.name]
    for name in found:
        for check in suite.of_task(name):
            below = (suite.exercise.task_of[other].name for other in check.rests_on)
            found.extend(other for other in dict.fromkeys(below) if other not in found)
    return found


def _outcomes(
    suite: Suite, checks: list[Check], names: Mapping[str, Any], limit: float
) -> Iterator[Outcome]:
    """Run probes until `limit` seconds are over; those not reached count as too slow."""
    from autograder.engine.probing import run_probe
    from autograder.engine.timing import PATIENCE
    from autograder.evidence.calls import Calls
    from autograder.evidence.observations import Outcome

    over, rebound = time.monotonic() + limit, _rebound(suite, names)
    for check in checks:
        left = math.ceil(over - time.monotonic())
        if left <= 0:
            yield Outcome(check.name, "timeout", error="check", message=f"{limit:g}")
            continue
        seconds = suite.exercise.check_seconds
        outcome = run_probe(
            suite, check, names, seconds=seconds, clock=min(PATIENCE * seconds, left),
            locate=_locate(names), rebound=rebound, calls=Calls(),
        )  # fmt: skip
        if outcome.error == "KeyboardInterrupt":
            raise KeyboardInterrupt
        yield outcome


def _asking(names: Mapping[str, Any], exercise: Exercise) -> Ask:
    from autograder.engine import called

    seconds = exercise.check_seconds
    clock = seconds if _under_nbgrader() else None
    return lambda calls: [
        called(call, names, seconds=seconds, clock=clock, gradients=exercise.gradients)
        for call in calls
    ]


def _rebound(suite: Suite, names: Mapping[str, Any]) -> dict[str, str]:
    """For names that are no functions, the cell that gave them their value last, as ``In [7]``."""
    from autograder.engine.sources import defined_names

    history = list(names.get("In", ()))
    found = {}
    for name in suite.exercise.task_of:
        if name in names and not callable(names[name]):
            numbers = [n for n, cell in enumerate(history) if name in defined_names(str(cell))]
            if len(numbers) > 1:
                found[name] = f"In [{numbers[-1]}]"
    return found


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
    if result.status == "pass" and not _under_nbgrader():
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


def _use_one_thread() -> None:
    """As in a worker: where several notebooks are graded, more threads wait for each other."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


begin()
if _under_nbgrader():
    _use_one_thread()
