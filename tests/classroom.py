"""Made-up classes, of any size, for the reports and exports of a class."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from samples import both, sample_results

from autograder.judging.results import ClassResult, Graded, Seconds, SubmissionResult, TaskResult
from autograder.language import Language

AWKWARD = (
    "../x", "CON", "nul.txt", "n" * 300, "李雷", "Ånna", "Anna", "anna", "=1+1", "@SUM(A1)",
    "<script>alert(1)</script>", "a/b\\c", "index", "\u202egnp", "Smith, J.", 'O"Neil', "", ".",
)  # fmt: skip


def graded(student: str, result: SubmissionResult, **fields: str) -> Graded:
    name = f"{student}/{result.exercise or 'notes'}.ipynb"
    return Graded(student, name, replace(result, path=name), **fields)


@cache
def samples(language: Language) -> list[SubmissionResult]:
    return sample_results(language)


def attempt(draw: random.Random, language: Language = "en") -> SubmissionResult:
    """A submission in which each task is passed, or is as in the sample of one that has it all."""
    sample = samples(language)[0]
    skill = draw.betavariate(2.2, 1.3)
    tasks = tuple(
        _passed(task) if draw.random() < skill - 0.1 * place + 0.25 else task
        for place, task in enumerate(sample.tasks)
    )
    points = round(sum(task.points for task in tasks), 2)
    return replace(
        sample, points=points, max_points=sum(task.max_points for task in tasks), tasks=tasks,
        seconds=Seconds(0.1, 0.2, 0.4),
    )  # fmt: skip


def _passed(task: TaskResult) -> TaskResult:
    verdicts = tuple(
        replace(v, status="pass", misconception="", message=both("", ""), diagnosis=both("", ""))
        for v in task.verdicts
    )
    return replace(task, status="pass", points=task.max_points, verdicts=verdicts)


def classroom(
    count: int = 24,
    *,
    language: Language = "en",
    hidden: bool = True,
    names: tuple[str, ...] = (),
    seed: int = 7,
) -> ClassResult:
    """A class of `count` students, some with a second exercise or a file that is no notebook."""
    draw = random.Random(seed)
    found: list[Graded] = []
    broken = samples(language)[3]
    for number, student in enumerate(names or tuple(f"student-{n:05}" for n in range(count))):
        found.append(graded(student, attempt(draw, language), identifier=str(1000 + number)))
        if number % 3 == 0:
            second = replace(attempt(draw, language), exercise="bert-classifier")
            found.append(graded(student, second, identifier=str(1000 + number)))
        if number % 11 == 5:
            found.append(graded(student, broken))
    return ClassResult(tuple(found), hidden)
