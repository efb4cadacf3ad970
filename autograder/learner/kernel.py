"""A task judged in the notebook's own kernel: its probes run on what the notebook has defined."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autograder._begun import begun
from autograder.exercise.catalog import Exercise, Task

if TYPE_CHECKING:
    from autograder.engine import Ask
    from autograder.evidence.observations import Outcome
    from autograder.exercise.declaring import Check
    from autograder.exercise.suite import Suite
    from autograder.judging.results import TaskResult

# nbgrader stops a cell after 30 seconds, and a cell that was stopped has no points.
PROBE_SECONDS, CARD_SECONDS = 20.0, 26.0
# Who runs a check that failed runs it again, as often as not.
_LINGER_SECONDS = 600.0


def under_nbgrader() -> bool:
    """Whether nbgrader runs this kernel."""
    return "NBGRADER_EXECUTION" in begun().environment


def use_one_thread() -> None:
    """As in a worker: where several notebooks are graded, more threads wait for each other."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def judged(exercise: Exercise, task: Task, names: Mapping[str, Any]) -> TaskResult:
    """Run the probes of `task`, and of those that it rests on, and judge them."""
    from autograder.engine import ours
    from autograder.engine.timing import PATIENCE
    from autograder.exercise.suite import Suite
    from autograder.grading.oracle import judged_by_need, reference_key, tried

    started, hurry = time.monotonic(), under_nbgrader()
    exercise = exercise.with_room()
    suite = Suite(exercise)
    needed = _tasks_below(suite, task)
    # The task's own come first, lest an endless loop in another one leave it no time.
    own_first = sorted(needed, key=lambda name: name != task.name)
    checks = [check for name in own_first for check in suite.of_task(name)]
    limit = PROBE_SECONDS if hurry else PATIENCE * exercise.submission_seconds
    outcomes = {outcome.check: outcome for outcome in _outcomes(suite, checks, names, limit)}
    tasks = [(item, suite.of_task(item.name)) for item in exercise.tasks if item.name in needed]
    # Nothing of the reference where all is to do. In a hurry no more of it than this card needs;
    # else all of it, once for all cards.
    compared = tried(suite, outcomes)
    reference = reference_key(exercise, tasks=None if compared and not hurry else compared)
    left = started + CARD_SECONDS - time.monotonic() if hurry else math.inf
    with ours.kept(linger=_LINGER_SECONDS):
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
    clock = seconds if under_nbgrader() else None
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
