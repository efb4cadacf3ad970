"""How ready one is, for a question and for a lesson, and what that rests on.

Three shares, each of its own kind and none hidden in a sum:

- *said*: of the key points, how many were hit in the answers given lately. An answer counts half
  as much after a fortnight, so a good one of last month does not outweigh a bad one of today.
- *done*: of the points of the tasks that answer the question, how many were ever reached.
- *kept*: how likely the cards are to be remembered now, by FSRS. A card never seen counts 0.

Readiness is their mean over what there is to do. What was never tried counts 0: nobody is ready
for what they have not said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus.material import Question, material
from autograder.grading.studies import Answer
from autograder.language import Text
from autograder.study.cards import Card
from autograder.study.schedule import Memory

HALF_LIFE = timedelta(days=14)


@dataclass(frozen=True)
class Share:
    """A part of a whole, and how much there is to judge it by.

    Attributes
    ----------
    value
        From 0 to 1; ``None`` where there is nothing of the kind.
    tried, all
        How many answers, tasks or cards there were, and how many there are. Of answers there may
        be any number.
    """

    value: float | None
    tried: int
    all: int


@dataclass(frozen=True)
class Readiness:
    """For a question as a lesson answers it, or for a lesson (then `question` is empty)."""

    slug: str
    question: str
    title: Text
    said: Share
    done: Share
    kept: Share

    @property
    def value(self) -> float:
        """From 0, nothing was tried, to 1, ready."""
        values = [s.value for s in (self.said, self.done, self.kept) if s.value is not None]
        return sum(values) / len(values) if values else 0.0

    @property
    def is_begun(self) -> bool:
        """Whether anything was tried."""
        return any(share.tried for share in (self.said, self.done, self.kept))


@dataclass(frozen=True)
class Evidence:
    """What readiness rests on.

    Attributes
    ----------
    best
        Most points that each task ever got, by exercise.
    known
        How each card is remembered.
    """

    answers: Sequence[Answer]
    best: Mapping[str, Mapping[str, float]]
    known: Mapping[str, Memory]
    now: datetime


def for_questions(exercise: Exercise, cards: Iterable[Card], evidence: Evidence) -> list[Readiness]:
    """For each question that the exercise's lesson answers, in its order."""
    deck = tuple(cards)
    return [_for_question(exercise, q, deck, evidence) for q in material(exercise).questions]


def for_lesson(exercise: Exercise, cards: Iterable[Card], evidence: Evidence) -> Readiness:
    """For a lesson: its questions together, all its tasks and all its cards."""
    deck = tuple(cards)
    said = [r.said for r in for_questions(exercise, deck, evidence)]
    values = [share.value for share in said if share.value is not None]
    return Readiness(
        exercise.slug, "", exercise.title,
        Share(sum(values) / len(values) if values else None,
              sum(share.tried for share in said), len(said)),
        _done(exercise.slug, exercise.tasks, evidence),
        _kept(deck, evidence),
    )  # fmt: skip


def _for_question(
    exercise: Exercise, question: Question, cards: Iterable[Card], evidence: Evidence
) -> Readiness:
    tasks = [task for task in exercise.tasks if question.id in task.questions]
    ids = (f"points/{question.id}/{exercise.slug}", f"next/{exercise.slug}/{question.id}/")
    asked = [card for card in cards if card.id.startswith(ids)]
    answers = [
        answer
        for answer in evidence.answers
        if (answer.slug, answer.question) == (exercise.slug, question.id) and answer.hit
    ]
    return Readiness(
        exercise.slug, question.id, question.title,
        Share(lately(answers, evidence.now) if answers else 0.0, len(answers), 1),
        _done(exercise.slug, tasks, evidence),
        _kept(asked, evidence),
    )  # fmt: skip


def lately(answers: Iterable[Answer], now: datetime) -> float:
    """Mean share of key points that were hit, where an answer's weight halves in a fortnight."""
    weighed = [
        (math.pow(0.5, max(now - answer.at, timedelta()) / HALF_LIFE), answer.share)
        for answer in answers
    ]  # fmt: skip
    newest = max(weight for weight, _ in weighed)
    # Divided by the greatest first: all may be so old that their weights come to 0.
    weighed = [(weight / newest if newest else 1.0, share) for weight, share in weighed]
    return sum(w * share for w, share in weighed) / sum(w for w, _ in weighed)


def _done(slug: str, tasks: Iterable[Task], evidence: Evidence) -> Share:
    known, chosen = evidence.best.get(slug, {}), tuple(tasks)
    got = [min(known.get(task.name, 0.0), task.points) for task in chosen]
    most = sum(task.points for task in chosen)
    return Share(sum(got) / most if most else None, sum(g > 0 for g in got), len(chosen))


def _kept(cards: Iterable[Card], evidence: Evidence) -> Share:
    chosen = [card for card in cards if card.kind != "redo"]
    seen = [evidence.known[card.id] for card in chosen if card.id in evidence.known]
    value = sum(m.recall(evidence.now) for m in seen) / len(chosen) if chosen else None
    return Share(value, len(seen), len(chosen))
