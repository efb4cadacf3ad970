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
from datetime import UTC, datetime
from typing import Any

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
    def share(self) -> float:
        """Share of the key points that were hit; 0 where there are none."""
        return sum(self.hit) / len(self.hit) if self.hit else 0.0


class Studies:
    """Reviews and answers in an open journal."""

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

    def add(self, events: Iterable[Review | Answer]) -> int:
        """Keep events, each once, and say how many were new. What was taken back stays so."""
        return sum(self._add(event) for event in events)

    def _add(self, event: Review | Answer) -> int:
        if isinstance(event, Review):
            row: tuple[object, ...] = (
                event.id, event.card, _stamp(event.at), event.rating, int(event.undone),
            )  # fmt: skip
            query = (
                "INSERT INTO reviews VALUES (?, ?, ?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET undone = 1 WHERE excluded.undone > undone RETURNING id"
            )
        else:
            row = (
                event.id, event.slug, event.question, _stamp(event.at), event.seconds, event.said,
                json.dumps([bool(point) for point in event.hit]),
            )  # fmt: skip
            query = (
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                " RETURNING id"
            )
        return len(self._rows(query, *row))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._guard(), closing(self._database.cursor()) as cursor:
            return cursor.execute(query, values).fetchall()


def _stamp(at: datetime) -> str:
    """The time in a form whose order as text is that of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _id(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
