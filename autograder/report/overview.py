"""What a class came to, in numbers: points, the hardest tasks, the commonest misconceptions.

One pass over the results, so that ten thousand students take ten times as long as a thousand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median

from autograder.exercise.catalog import CatalogError, exercise
from autograder.judging.results import ClassResult, Graded, TaskResult
from autograder.language import LANGUAGES, Text
from autograder.report import digest
from autograder.report.discretion import discreet

_BINS = 10


@dataclass(frozen=True, slots=True)
class TaskOverview:
    """One task over everybody who handed its exercise in.

    Attributes
    ----------
    share
        Mean share of its points, between 0 and 1.
    passed, count
        How many passed it, of how many.
    """

    name: str
    title: Text
    share: float
    passed: int
    count: int


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """A misconception, the task that it was seen in, and who has it."""

    name: str
    text: Text
    task: Text
    who: tuple[str, ...]

    @property
    def students(self) -> int:
        """How many have it."""
        return len(self.who)


@dataclass(frozen=True, slots=True)
class ExerciseOverview:
    """One exercise over the class; of a student with several notebooks, the best counts.

    Attributes
    ----------
    points
        What each student reached, ascending.
    bins
        How many students are in each tenth of the points; full points are in the last.
    tasks
        The hardest first.
    misconceptions
        The commonest first.
    """

    slug: str
    title: Text
    max_points: float
    points: tuple[float, ...]
    bins: tuple[int, ...]
    tasks: tuple[TaskOverview, ...]
    misconceptions: tuple[Misunderstood, ...]

    @property
    def mean(self) -> float:
        """Mean of the points."""
        return fmean(self.points)

    @property
    def median(self) -> float:
        """Median of the points."""
        return median(self.points)


@dataclass(frozen=True, slots=True)
class ClassOverview:
    """A class in numbers.

    Attributes
    ----------
    best
        By student and exercise, the notebook that counts, where one could be graded.
    ungraded
        Notebooks that could not be graded.
    stopped
        Cells that stopped, in words, with how many students' they were; the commonest first.
    """

    students: tuple[str, ...]
    graded: int
    ungraded: tuple[Graded, ...]
    exercises: tuple[ExerciseOverview, ...]
    best: dict[tuple[str, str], Graded]
    stopped: tuple[tuple[Text, int], ...] = ()


def overview(result: ClassResult) -> ClassOverview:
    """`result` in numbers."""
    best = best_of(result.graded)
    by_exercise: dict[str, list[Graded]] = defaultdict(list)
    for (_, slug), item in best.items():
        by_exercise[slug].append(item)
    ungraded = tuple(item for item in result.graded if item.result.problem is not None)
    return ClassOverview(
        result.students,
        len(result.graded) - len(ungraded),
        ungraded,
        tuple(_exercise(slug, by_exercise[slug]) for slug in sorted(by_exercise)),
        best,
        _stopped(best.values(), hidden=result.hidden),
    )


def _stopped(items: Iterable[Graded], *, hidden: bool) -> tuple[tuple[Text, int], ...]:
    """What is told first of notebooks, alike ones together; nothing of hidden inputs."""
    students: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in items:
        result = item.result
        if hidden and digest.foremost(result, "en"):
            result = discreet(result)
        told = (digest.foremost(result, language) for language in LANGUAGES)
        for both in zip(*told, strict=True):
            students[both].add(item.student)
    ranked = sorted(students, key=lambda both: (-len(students[both]), both))
    return tuple(({"en": en, "zh": zh}, len(students[en, zh])) for en, zh in ranked)


def best_of(graded: Iterable[Graded]) -> dict[tuple[str, str], Graded]:
    """The notebook with most points, by student and exercise; the first if several have."""
    best: dict[tuple[str, str], Graded] = {}
    for item in graded:
        if item.result.problem is None:
            key = (item.student, item.result.exercise)
            if key not in best or item.result.points > best[key].result.points:
                best[key] = item
    return best


def _exercise(slug: str, items: Sequence[Graded]) -> ExerciseOverview:
    points = tuple(sorted(item.result.points for item in items))
    max_points = max(item.result.max_points for item in items)
    tasks: dict[str, list[TaskResult]] = defaultdict(list)
    for item in items:
        for task in item.result.tasks:
            tasks[task.name].append(task)
    found = (_task(seen) for seen in tasks.values())
    return ExerciseOverview(
        slug,
        title_of(slug),
        max_points,
        points,
        _binned(points, max_points),
        tuple(sorted(found, key=lambda task: task.share)),
        _misconceptions(items),
    )


@cache
def title_of(slug: str) -> Text:
    """Title of an exercise, or its slug where the catalogue has no such exercise."""
    try:
        return exercise(slug).title
    except CatalogError:
        return {"en": slug, "zh": slug}


def _binned(points: Iterable[float], max_points: float) -> tuple[int, ...]:
    places = (int(value / max_points * _BINS) if max_points > 0 else 0 for value in points)
    tally = Counter(min(max(place, 0), _BINS - 1) for place in places)
    return tuple(tally[place] for place in range(_BINS))


def _task(seen: Sequence[TaskResult]) -> TaskOverview:
    shares = [task.points / task.max_points if task.max_points > 0 else 0.0 for task in seen]
    passed = sum(task.status == "pass" for task in seen)
    return TaskOverview(seen[0].name, seen[0].title, fmean(shares), passed, len(seen))


def _misconceptions(items: Iterable[Graded]) -> tuple[Misunderstood, ...]:
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    words: dict[tuple[str, str], tuple[Text, Text]] = {}
    for item in items:
        for task in item.result.tasks:
            for verdict in task.verdicts:
                if verdict.misconception:
                    key = (task.name, verdict.misconception)
                    holders[key].add(item.student)
                    words.setdefault(key, (verdict.diagnosis, task.title))
    ranked = sorted(holders, key=lambda key: (-len(holders[key]), key))
    return tuple(
        Misunderstood(key[1], words[key][0], words[key][1], tuple(sorted(holders[key])))
        for key in ranked
    )
