"""Results with the points that a teacher gave by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autograder.judging.results import Adjustment, ClassResult, TaskResult


def with_adjustments(
    result: ClassResult, given: Mapping[tuple[str, str, str], Adjustment]
) -> ClassResult:
    """`result` with the points that were given by hand, beside those of the grader."""
    if not given:
        return result
    graded = []
    for item in result.graded:
        one = item.result
        tasks = tuple(
            _adjusted(task, given.get((item.student, one.exercise, task.name)))
            for task in one.tasks
        )
        more = sum(new.points - old.points for new, old in zip(tasks, one.tasks, strict=True))
        points = round(one.points + more, 10) if more else one.points
        graded.append(replace(item, result=replace(one, tasks=tasks, points=points)))
    return replace(result, graded=tuple(graded))


def _adjusted(task: TaskResult, step: Adjustment | None) -> TaskResult:
    if step is None or step.points is None:
        return task
    points = min(step.points, task.max_points)
    return replace(task, points=points, granted=task.points, reason=step.reason)
