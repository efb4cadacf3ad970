"""Points by hand: what a teacher gives beside what the grader gave, with a reason."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

from autograder.classroom.holding import LedgerError
from autograder.classroom.ledger import Ledger
from autograder.classroom.names import tidy
from autograder.judging.results import Adjustment, ClassResult, TaskResult


def adjust(
    folder: Path, student: str, exercise: str, task: str, points: float | None, reason: str
) -> Adjustment:
    """Give points by hand, or with ``None`` have the grader's count again.

    They are kept beside the grader's, also when the class is graded again, until the next such
    step; every step stays in the ledger.

    Parameters
    ----------
    student
        By name, or by the number of the platform or roster.

    Raises
    ------
    LedgerError
        If there is no such student, exercise or task, the points are out of range, there is no
        reason, or there is nothing to take back. Nothing is changed then.
    """
    with Ledger(folder) as ledger:
        result = ledger.class_result(cells=False)
    name = _student(result, student)
    found = _task(result, name, exercise, task)
    if points is None and found.granted is None:
        raise LedgerError(
            f"Nothing was given to {name} by hand for {task}, so there is nothing to take back.",
            f"{name} 的 {task} 没有手工给分，无需撤销。",
        )
    if points is not None and not (math.isfinite(points) and 0 <= points <= found.max_points):
        raise LedgerError(
            f"{task} is worth between 0 and {found.max_points:g} points, not {points:g}.",
            f"{task} 的分数应在 0 到 {found.max_points:g} 之间，而不是 {points:g}。",
        )
    if points is not None and not reason.strip():
        raise LedgerError(
            "Points by hand need a reason, which the student reads too: add --reason.",
            "手工给分要写明理由（学生也能看到）：请加上 --reason。",
        )
    made = datetime.now().replace(microsecond=0).isoformat()
    step = Adjustment(name, exercise, task, points, tidy(" ".join(reason.split())), made)
    with Ledger(folder, writing=True) as ledger:
        ledger.adjust(step)
    return step


def history(folder: Path) -> list[Adjustment]:
    """Every step of points by hand, in the order in which they were taken."""
    with Ledger(folder) as ledger:
        return ledger.adjustments()


def _student(result: ClassResult, wanted: str) -> str:
    numbers = [(one.identifier, one.student) for one in result.graded]
    numbers += [(one.identifier, one.student) for one in result.roster]
    numbered = {student for number, student in numbers if wanted and number == wanted}
    numbered &= set(result.students)
    if wanted in result.students:
        return wanted
    if len(numbered) == 1:
        return numbered.pop()
    few = ", ".join(result.students[:10]) + (", …" if len(result.students) > 10 else "")
    raise LedgerError(
        f"Nobody called {tidy(wanted)!r} handed in. There are: {few}.",
        f"没有叫“{tidy(wanted)}”的学生交过作业。现有：{few}。",
    )


def _task(result: ClassResult, student: str, exercise: str, task: str) -> TaskResult:
    own = [item.result for item in result.graded if item.student == student]
    of = {one.exercise: {t.name: t for t in one.tasks} for one in own if one.tasks}
    if exercise not in of:
        known = ", ".join(sorted(of)) or "–"
        raise LedgerError(
            f"{student} has nothing graded of {exercise!r}; of these, yes: {known}.",
            f"{student} 没有判过分的 {exercise}；有的是：{known}。",
        )
    if task not in of[exercise]:
        raise LedgerError(
            f"{exercise} has no task {task!r}. There are: {', '.join(of[exercise])}.",
            f"{exercise} 没有任务 {task}。现有：{'、'.join(of[exercise])}。",
        )
    return of[exercise][task]
