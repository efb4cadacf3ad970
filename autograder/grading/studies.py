"""What a learner said and remembered, as the journal keeps it: an event for each answer.

Nothing that can be derived is kept. When a card is due and how ready one is for a question follow
from the events, so two journals merge without loss: each event has an id of its own content.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

SCHEMA = """
CREATE TABLE reviews (
    id TEXT PRIMARY KEY, card TEXT NOT NULL, at TEXT NOT NULL, rating INTEGER NOT NULL,
    undone INTEGER NOT NULL
);
CREATE TABLE answers (
    id TEXT PRIMARY KEY, slug TEXT NOT NULL, question TEXT NOT NULL, at TEXT NOT NULL,
    seconds REAL NOT NULL, said TEXT NOT NULL, hit TEXT NOT NULL
);
"""

PLANS = """
CREATE TABLE IF NOT EXISTS plans (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, until TEXT NOT NULL, slugs TEXT NOT NULL,
    new INTEGER NOT NULL
);
"""

JUDGEMENTS = """
CREATE TABLE IF NOT EXISTS judgements (
    id TEXT PRIMARY KEY, slug TEXT NOT NULL, erratum TEXT NOT NULL, at TEXT NOT NULL,
    holds INTEGER NOT NULL, said INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Review:
    """One time that a card was asked.

    Attributes
    ----------
    rating
        1 again, 2 hard, 3 good, 4 easy, as in FSRS.
    undone
        Taken back by the learner: kept, and of no effect.
    """

    card: str
    at: datetime
    rating: int
    undone: bool = False

    @property
    def id(self) -> str:
        """The same for the same event in every journal."""
        return _id(self.card, _stamp(self.at), self.rating)

    @property
    def row(self) -> tuple[object, ...]:
        """As the journal has it."""
        return self.id, self.card, _stamp(self.at), self.rating, int(self.undone)


@dataclass(frozen=True, slots=True)
class Answer:
    """One time that a question was answered in an interview.

    Attributes
    ----------
    said
        What was typed, if anything.
    hit
        For each key point of the question, whether the learner says that it was there.
    """

    slug: str
    question: str
    at: datetime
    seconds: float
    said: str
    hit: tuple[bool, ...]

    @property
    def id(self) -> str:
        """The same for the same event in every journal."""
        return _id(self.slug, self.question, _stamp(self.at))

    @property
    def row(self) -> tuple[object, ...]:
        """As the journal has it."""
        hit = json.dumps([bool(point) for point in self.hit])
        return (
            self.id, self.slug, self.question, _stamp(self.at), float(self.seconds), self.said, hit,
        )  # fmt: skip

    @property
    def share(self) -> float:
        """Share of the key points that were hit; 0 where there are none."""
        return sum(self.hit) / len(self.hit) if self.hit else 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """One time that a statement on a mistake of the documents was judged in an interview.

    Attributes
    ----------
    erratum
        Number of the mistake, the lowest where it has several.
    holds
        Whether what was stated is true.
    said
        Whether the learner held it for true.
    """

    slug: str
    erratum: str
    at: datetime
    holds: bool
    said: bool

    @property
    def id(self) -> str:
        """The same for the same event in every journal."""
        return _id(self.slug, self.erratum, _stamp(self.at), bool(self.holds), bool(self.said))

    @property
    def row(self) -> tuple[object, ...]:
        """As the journal has it."""
        told = int(self.holds), int(self.said)
        return self.id, self.slug, self.erratum, _stamp(self.at), *told

    @property
    def right(self) -> bool:
        """Whether the statement was recognised."""
        return self.said == self.holds


@dataclass(frozen=True, slots=True)
class Plan:
    """What the learner set out to do before a date. The latest holds.

    Attributes
    ----------
    until
        Day of the interview; ``None`` ends the plan before.
    slugs
        The exercises whose cards are to be seen.
    new
        How many cards are to be seen for the first time in a day.
    """

    at: datetime
    until: date | None
    slugs: tuple[str, ...] = ()
    new: int = 0

    @property
    def id(self) -> str:
        """The same for the same event in every journal."""
        return _id(_stamp(self.at), self._until, self.slugs, self.new)

    @property
    def _until(self) -> str:
        return self.until.isoformat() if self.until else ""

    @property
    def row(self) -> tuple[object, ...]:
        """As the journal has it."""
        return self.id, _stamp(self.at), self._until, json.dumps(self.slugs), self.new


Event: TypeAlias = Review | Answer | Judgement | Plan

# What two journals say differently of one event comes to the same in either order.
_INTO: dict[type, str] = {
    Review: "reviews VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET undone = 1 WHERE excluded.undone > undone",
    Answer: "answers VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds, said = excluded.said,"
    " hit = excluded.hit"
    " WHERE (excluded.seconds, excluded.said, excluded.hit) > (seconds, said, hit)",
    Judgement: "judgements VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    Plan: "plans VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
}


class Studies:
    """Reviews, answers, judgements and plans in an open journal."""

    def __init__(
        self, database: sqlite3.Connection, guard: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._database = database
        self._guard = guard

    def reviews(self) -> list[Review]:
        """All reviews in the order of time, those taken back among them."""
        rows = self._rows("SELECT card, at, rating, undone FROM reviews ORDER BY at, id")
        return [Review(c, datetime.fromisoformat(at), r, bool(u)) for c, at, r, u in rows]

    def answers(self) -> list[Answer]:
        """All answers in the order of time."""
        rows = self._rows(
            "SELECT slug, question, at, seconds, said, hit FROM answers ORDER BY at, id"
        )
        return [
            Answer(slug, question, datetime.fromisoformat(at), s, said, tuple(json.loads(hit)))
            for slug, question, at, s, said, hit in rows
        ]

    def judgements(self) -> list[Judgement]:
        """All judgements of statements in the order of time."""
        rows = self._rows("SELECT slug, erratum, at, holds, said FROM judgements ORDER BY at, id")
        return [
            Judgement(slug, erratum, datetime.fromisoformat(at), bool(holds), bool(said))
            for slug, erratum, at, holds, said in rows
        ]

    def plans(self) -> list[Plan]:
        """All plans in the order of time; the last one holds."""
        rows = self._rows("SELECT at, until, slugs, new FROM plans ORDER BY at, id")
        return [
            Plan(
                datetime.fromisoformat(at), date.fromisoformat(until) if until else None,
                tuple(json.loads(slugs)), new,
            )
            for at, until, slugs, new in rows
        ]  # fmt: skip

    def add(self, events: Iterable[Event]) -> int:
        """Keep events, each once, and say how many were new. What was taken back stays so."""
        return sum(self._add(event) for event in events)

    def _add(self, event: Event) -> int:
        kind = type(event)
        return len(self._rows(f"INSERT INTO {_INTO[kind]} RETURNING id", *event.row))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._guard(), closing(self._database.cursor()) as cursor:
            return cursor.execute(query, values).fetchall()


def _stamp(at: datetime) -> str:
    """The time in a form whose order as text is that of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _id(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
