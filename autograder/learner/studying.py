"""The learner's cards: which there are, and a sitting over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from autograder._errors import BilingualError
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.syllabus import syllabus
from autograder.exercise.syllabus.tracks import TRACKS, tracks
from autograder.grading.journal import Journal
from autograder.grading.studies import Review
from autograder.study.cards import Card, cards
from autograder.study.readiness import Evidence, Readiness, for_lesson, for_questions
from autograder.study.schedule import memories
from autograder.study.session import NEW_A_DAY, Session, queue


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


def sitting(
    journal: Journal,
    exercises: Sequence[Exercise],
    *,
    minutes: float | None = None,
    new: int | None = None,
) -> Session:
    """A sitting whose answers go to the journal as they are given."""

    def keep(review: Review) -> None:
        journal.studies.add([review])

    return Session(
        deck(journal, exercises),
        journal.studies.reviews(),
        keep=keep,
        clock=now,
        new=NEW_A_DAY if new is None else new,
        minutes=minutes,
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
    everything = [card for _, own in decks for card in own]
    todo = queue(everything, evidence.known, present, NEW_A_DAY).waiting
    return Ready(
        tuple(sorted(questions, key=lambda r: (not r.is_begun, r.value))),
        tuple(for_lesson(e, own, evidence) for e, own in decks),
        (todo.learning, todo.due, todo.new),
    )
