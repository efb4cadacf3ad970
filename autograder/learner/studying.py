"""The learner's cards: which there are, and a sitting over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from autograder._errors import BilingualError
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.syllabus import syllabus
from autograder.exercise.syllabus.tracks import TRACKS, tracks
from autograder.grading.journal import Journal
from autograder.grading.studies import Plan, Review
from autograder.study.cards import Card, cards
from autograder.study.planning import Forecast, behind_plan, costs, forecast, latest
from autograder.study.readiness import Evidence, Readiness, for_lesson, for_questions
from autograder.study.schedule import memories
from autograder.study.session import NEW_A_DAY, Session, queue

_FARTHEST = 366
_MINUTES = 180  # of a day, where neither the learner nor a track says how many there are


class StudyError(BilingualError):
    """Something about studying that the learner has to put right."""


@dataclass(frozen=True)
class Ready:
    """What one is ready for.

    Attributes
    ----------
    questions
        Those that were begun, weakest first; then the others in the order of reading.
    today
        How many cards come back, are due, and are new today.
    """

    questions: tuple[Readiness, ...]
    lessons: tuple[Readiness, ...]
    today: tuple[int, int, int]


def now() -> datetime:
    """The present, in the time zone whose days count."""
    return datetime.now().astimezone()


def chosen(slug: str | None = None, track: str | None = None) -> tuple[Exercise, ...]:
    """The exercise called `slug`, those of a track, or all, in the order of reading.

    Raises
    ------
    CatalogError
        If there is no exercise of that name.
    StudyError
        If there is no such track, or both are given.
    """
    if slug and track:
        raise StudyError(
            "Give either --slug or --track, not both.", "--slug 和 --track 只能选一个。"
        )
    if slug:
        return (catalog.exercise(slug),)
    if track is None:
        return catalog.exercises()
    found = next((item for item in tracks(syllabus()) if item.name == track), None)
    if found is None:
        known = ", ".join(item.name for item in TRACKS)
        raise StudyError(
            f"There is no track {track!r}. There are: {known}.",
            f"没有名为 {track!r} 的路线。可选：{known}。",
        )
    slugs = dict.fromkeys(step.slug for step in found.plan.steps)
    return tuple(catalog.exercise(name) for name in slugs)


def deck(journal: Journal, exercises: Iterable[Exercise]) -> tuple[Card, ...]:
    """The cards of the exercises, those of passed tasks among them."""
    passed = journal.passes()
    return tuple(card for exercise in exercises for card in cards(exercise, passed))


@dataclass(frozen=True)
class Assignment:
    """What is to be studied today.

    Attributes
    ----------
    new
        How many cards at most are seen for the first time today.
    plan
        The plan that says so, if one does.
    behind
        How many new cards a day the plan takes by now, if it is not kept; else 0.
    """

    exercises: tuple[Exercise, ...]
    cards: tuple[Card, ...]
    new: int
    plan: Plan | None = None
    behind: int = 0

    @property
    def latest(self) -> datetime | None:
        """By when a card that was seen on one day only is to be asked again."""
        return latest(self.plan.until, now()) if self.plan and self.plan.until else None


def assignment(
    journal: Journal, slug: str | None = None, track: str | None = None, new: int | None = None
) -> Assignment:
    """What is to be studied: what is asked for, else what the plan says, else everything."""
    plan = plan_in_force(journal)
    if slug or track or plan is None or plan.until is None:
        exercises = chosen(slug, track)
        return Assignment(exercises, deck(journal, exercises), NEW_A_DAY if new is None else new)
    known = {exercise.slug: exercise for exercise in catalog.exercises()}
    exercises = tuple(known[name] for name in plan.slugs if name in known)
    own = deck(journal, exercises)
    present = now()
    seen = memories(journal.studies.reviews(), present)
    behind = behind_plan(plan, [card.id for card in own if card.kind != "redo"], seen, present)
    return Assignment(exercises, own, plan.new if new is None else new, plan, behind)


def plan_in_force(journal: Journal) -> Plan | None:
    """The latest plan, if its day is still to come."""
    plans = journal.studies.plans()
    until = plans[-1].until if plans else None
    return plans[-1] if until is not None and until > now().date() else None


def make_plan(
    journal: Journal,
    until: date,
    *,
    slug: str | None = None,
    track: str | None = None,
    minutes: float | None = None,
) -> tuple[Forecast, float]:
    """Plan all cards of what is asked for until a date, and keep the plan.

    Without a slug or a track it is for the cards of the plan before it, if one holds. With the
    forecast come the minutes of a day that it was to fit.

    Raises
    ------
    StudyError
        If the date is not to come, or more than a year away.
    """
    present = now()
    if not 0 < (until - present.date()).days <= _FARTHEST:
        raise StudyError(
            f"The date has to be from tomorrow to {_FARTHEST} days from now; {until} is not.",
            f"日期须在明天到 {_FARTHEST} 天之内，{until} 不符合。",
        )
    former = plan_in_force(journal)
    if former is not None and not slug and not track:  # the same cards until another day
        exercises = assignment(journal).exercises
    else:
        exercises = chosen(slug, track)
    reviews = journal.studies.reviews()
    # What redoing a task takes is no matter of seconds; it comes on top.
    ids = [card.id for card in deck(journal, exercises) if card.kind != "redo"]
    known = memories(reviews, present)
    budget = minutes or next((t.minutes_a_day for t in TRACKS if t.name == track), _MINUTES)
    found = forecast(ids, known, present, until, costs(reviews), budget)
    slugs = tuple(exercise.slug for exercise in exercises)
    if found.fitting:
        _set(journal, Plan(present, until, slugs, found.new))
    return found, budget


def end_plan(journal: Journal) -> None:
    """From now on no plan holds."""
    _set(journal, Plan(now(), None))


def _set(journal: Journal, plan: Plan) -> None:
    """Keep a plan as the latest, even if the clock was set back since the one before."""
    former = journal.studies.plans()[-1:]
    after = [plan.at, *(item.at + timedelta(microseconds=1) for item in former)]
    journal.studies.add([replace(plan, at=max(after))])


def date_of(text: str) -> date:
    """The day that `text` names.

    Raises
    ------
    StudyError
        If it is no date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise StudyError(
            f"{text!r} is no date. Write it as in 2026-12-31.",
            f"{text!r} 不是日期。请写成 2026-12-31 这样的形式。",
        ) from None


def sitting(journal: Journal, today: Assignment, *, minutes: float | None = None) -> Session:
    """A sitting whose answers go to the journal as they are given."""

    def keep(review: Review) -> None:
        journal.studies.add([review])

    return Session(
        today.cards,
        journal.studies.reviews(),
        keep=keep,
        clock=now,
        new=today.new,
        minutes=minutes,
        latest=today.latest,
    )


def following(session: Session) -> tuple[timedelta, int] | None:
    """After how long cards come back, and how many on that day; ``None`` if none is waiting."""
    present = now()
    due = sorted(memory.due for memory in session.known if memory.due > present)
    if not due:
        return None
    first = due[0].astimezone(present.tzinfo)
    return first - present, sum(at.astimezone(present.tzinfo).date() == first.date() for at in due)


def readiness(journal: Journal, exercises: Sequence[Exercise]) -> Ready:
    """How ready the learner is for each question and each lesson of the exercises."""
    present = now()
    evidence = Evidence(
        journal.studies.answers(),
        {exercise.slug: journal.best(exercise.slug) for exercise in exercises},
        memories(journal.studies.reviews(), present),
        present,
    )
    passed = journal.passes()
    decks = [(exercise, cards(exercise, passed)) for exercise in exercises]
    questions = [r for e, own in decks for r in for_questions(e, own, evidence)]
    today = assignment(journal)
    todo = queue(today.cards, evidence.known, present, today.new, today.latest).waiting
    return Ready(
        tuple(sorted(questions, key=lambda r: (not r.is_begun, r.value))),
        tuple(for_lesson(e, own, evidence) for e, own in decks),
        (todo.learning, todo.due, todo.new),
    )
