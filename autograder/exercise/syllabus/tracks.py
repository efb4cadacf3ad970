"""Ways through the course for whoever has a week, a weekend, or the evening before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from autograder.exercise.syllabus import Chapter, Syllabus

Kind: TypeAlias = Literal["say", "read", "do"]
Key: TypeAlias = tuple[str, Kind]

# One to say the answer aloud, three for its key points and what they will ask next.
MINUTES_TO_SAY = 4


@dataclass(frozen=True)
class Step:
    """Something to do in one piece.

    Attributes
    ----------
    worth
        How often interviewers ask for what it prepares for: one for each question of a document,
        and one for each list or text that has a problem.
    needs
        Steps that have to come before.
    """

    slug: str
    kind: Kind
    minutes: int
    worth: int
    needs: frozenset[Key] = frozenset()

    @property
    def key(self) -> Key:
        """What other steps call it."""
        return self.slug, self.kind


@dataclass(frozen=True)
class Plan:
    """Steps in their order, and what they come to."""

    steps: tuple[Step, ...] = ()

    @property
    def minutes(self) -> int:
        """Time that they take together."""
        return sum(step.minutes for step in self.steps)

    @property
    def worth(self) -> int:
        """How often interviewers ask for what they prepare for."""
        return sum(step.worth for step in self.steps)


@dataclass(frozen=True)
class Track:
    """A plan for the time that one has."""

    name: str
    days: int
    minutes_a_day: int
    kinds: tuple[Kind, ...]
    plan: Plan = Plan()

    @property
    def budget(self) -> int:
        """Time that there is, in minutes."""
        return self.days * self.minutes_a_day


# The evening before is too late for anything new: what counts is to have said it once.
TRACKS = (
    Track("week", 7, 180, ("read", "do")),
    Track("weekend", 2, 360, ("read", "do")),
    Track("evening", 1, 180, ("say",)),
)


def tracks(course: Syllabus) -> tuple[Track, ...]:
    """Each track, with the steps that are worth most in its time."""
    return tuple(
        Track(track.name, track.days, track.minutes_a_day, track.kinds,
              best([step for step in steps(course) if step.kind in track.kinds], track.budget))
        for track in TRACKS
    )  # fmt: skip


def steps(course: Syllabus) -> list[Step]:
    """All that one can do, each after what it needs."""
    return [step for chapter in course.chapters for step in _steps(course, chapter)]


def best(known: Sequence[Step], budget: int) -> Plan:
    """The steps that are worth most together and take no more than `budget` minutes.

    Exact: it looks at one step after the other and forgets a choice only if another, which allows
    the same steps later, is worth as much in no more time. Of equals the shorter is taken, then
    the one that comes first.
    """
    # Beside each plan: what of it later steps need.
    plans: list[tuple[int, int, tuple[Step, ...]]] = [(0, 0, ())]
    for number, step in enumerate(known):
        needed = frozenset().union(*(later.needs for later in known[number + 1 :]))
        plans += [
            (minutes + step.minutes, worth + step.worth, (*taken, step))
            for minutes, worth, taken in plans
            if minutes + step.minutes <= budget and step.needs <= {one.key for one in taken}
        ]
        plans = _undominated(plans, needed)
    return Plan(max(plans, key=lambda plan: (plan[1], -plan[0]))[2])


def _undominated(
    plans: Iterable[tuple[int, int, tuple[Step, ...]]], needed: frozenset[Key]
) -> list[tuple[int, int, tuple[Step, ...]]]:
    """Without those that take no less time than another and are worth no more."""
    kept: list[tuple[int, int, tuple[Step, ...]]] = []
    most: dict[frozenset[Key], int] = {}
    for plan in sorted(plans, key=lambda plan: (plan[0], -plan[1])):
        allows = needed & {step.key for step in plan[2]}
        if plan[1] > most.get(allows, -1):
            most[allows] = plan[1]
            kept.append(plan)
    return kept


def _steps(course: Syllabus, chapter: Chapter) -> tuple[Step, Step, Step]:
    """To say, to read and to do one chapter; one reads and does what it requires before."""
    slug, known = chapter.exercise.slug, course.sources
    answers = [question for question in chapter.answers if question in known.questions]
    tasks = chapter.exercise.tasks
    proven = {question for task in tasks for question in task.questions} & set(answers)
    asked = {name for task in tasks for name in task.asked} & set(known.asked)
    before = chapter.exercise.requires
    return (
        Step(slug, "say", MINUTES_TO_SAY * len(answers), len(answers)),
        Step(slug, "read", chapter.minutes, len(answers),
             frozenset((name, "read") for name in before)),
        Step(slug, "do", chapter.exercise.minutes,
             len(proven) + sum(known.asked[name].times for name in asked),
             frozenset([(slug, "read"), *((name, "do") for name in before)])),
    )  # fmt: skip
