"""One sitting: which card is next, what an answer does, and how it is taken back.

What is next follows from the events at each step. So an answer that is taken back is as though it
had never been, and a sitting that ends at any moment has lost nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autograder.grading.studies import Review
from autograder.study.cards import Card
from autograder.study.schedule import Memory, intervals, memories, replay

NEW_A_DAY = 20
# As in Anki: rather than end the sitting, what is due in a few minutes is asked now.
AHEAD = timedelta(minutes=20)


@dataclass(frozen=True)
class Waiting:
    """How many cards there are to do today."""

    learning: int
    due: int
    new: int

    @property
    def total(self) -> int:
        return self.learning + self.due + self.new


@dataclass(frozen=True)
class Asked:
    """A card to be answered now, and after how long it comes back for each answer."""

    card: Card
    is_new: bool
    intervals: tuple[timedelta, ...]
    waiting: Waiting


@dataclass(frozen=True)
class Queue:
    """What there is to do at one moment, in order."""

    learning: tuple[Card, ...]
    due: tuple[Card, ...]
    new: tuple[Card, ...]
    soon: tuple[Card, ...]

    @property
    def waiting(self) -> Waiting:
        return Waiting(len(self.learning) + len(self.soon), len(self.due), len(self.new))

    @property
    def first(self) -> Card | None:
        return next(iter((*self.learning, *self.due, *self.new, *self.soon)), None)


def queue(
    deck: Sequence[Card],
    known: Mapping[str, Memory],
    now: datetime,
    new: int,
    latest: datetime | None = None,
) -> Queue:
    """What there is to do today: due cards, most overdue first, then new ones in their order.

    Parameters
    ----------
    now
        The present, in the time zone whose days count.
    new
        How many cards at most are seen for the first time in a day.
    latest
        By when a card that was seen on one day only is to be asked again.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    begun = sum(memory.times[0] >= today for memory in known.values())
    rows = [(known[card.id], card) for card in deck if card.id in known]
    rows.sort(key=lambda row: row[0].due)
    learning = [(memory.due, card) for memory, card in rows if memory.is_learning]
    fresh = [card for card in deck if card.id not in known]
    return Queue(
        tuple(card for due, card in learning if due <= now),
        tuple(c for m, c in rows if not m.is_learning and due_by(m, latest, today) < tomorrow),
        tuple(fresh[: max(new - begun, 0)]),
        tuple(card for due, card in learning if now < due <= now + AHEAD),
    )


def due_by(memory: Memory, latest: datetime | None, today: datetime) -> datetime:
    """When a card is due if those that were seen on one day only come back until `latest`.

    Parameters
    ----------
    today
        When the day began: what was answered since then is not asked again for this.
    """
    is_once = memory.times[-1] - memory.times[0] < timedelta(hours=12)
    if latest is None or not is_once or memory.times[-1] >= today:
        return memory.due
    return min(memory.due, latest)


class Session:
    """A sitting over the cards `deck`.

    Parameters
    ----------
    keep
        Called with each review as it is given, and again when it is taken back.
    clock
        The present, in the time zone whose days count.
    new
        How many cards at most are seen for the first time in a day.
    minutes
        After how long nothing more is asked.
    latest
        By when a card that was seen on one day only is to be asked again.
    """

    def __init__(
        self,
        deck: Sequence[Card],
        reviews: Iterable[Review],
        *,
        keep: Callable[[Review], None],
        clock: Callable[[], datetime],
        new: int = NEW_A_DAY,
        minutes: float | None = None,
        latest: datetime | None = None,
    ) -> None:
        self._deck, self._new, self._latest = deck, new, latest
        self._keep, self._clock = keep, clock
        self._given: list[tuple[Card, Review]] = []
        self._current: Card | None = None
        self._reviews: defaultdict[str, list[Review]] = defaultdict(list)
        reviews = list(reviews)
        for review in reviews:
            self._reviews[review.card].append(review)
        self.began = self._now = clock()
        self._end = None if minutes is None else self.began + timedelta(minutes=minutes)
        self._known = memories(reviews, self.began)

    @property
    def given(self) -> tuple[tuple[Card, Review], ...]:
        """What was answered in this sitting and not taken back."""
        return tuple(self._given)

    @property
    def seconds(self) -> float:
        """How long the sitting has lasted."""
        return (self._present() - self.began).total_seconds()

    @property
    def known(self) -> tuple[Memory, ...]:
        """How the cards of the deck are remembered, new ones left out."""
        return tuple(self._known[card.id] for card in self._deck if card.id in self._known)

    @property
    def waiting(self) -> Waiting:
        """What is still to do today."""
        return self._queue().waiting

    @property
    def is_over(self) -> bool:
        """Whether its minutes are up."""
        return self._end is not None and self._present() >= self._end

    def ask(self) -> Asked | None:
        """The card to answer now; ``None`` when there is none, or no more time.

        It stays the same until it is answered, even if the minutes are up meanwhile.
        """
        now = self._present()
        todo = self._queue()
        card = self._current or (None if self.is_over else todo.first)
        if card is None:
            return None
        self._current = card
        memory = self._known.get(card.id)
        return Asked(card, memory is None, intervals(memory, now), todo.waiting)

    def turn_to(self, name: str) -> bool:
        """Ask the card of this id next; whether there is one."""
        found = next((card for card in self._deck if card.id == name), None)
        self._current = found or self._current
        return found is not None

    def answer(self, card: Card, rating: int) -> Review:
        """Keep an answer."""
        at = self._present()
        if self._given and at <= self._given[-1][1].at:  # a clock that stands still
            self._now = at = self._given[-1][1].at + timedelta(microseconds=1)
        review = Review(card.id, at, rating)
        self._keep(review)
        self._given.append((card, review))
        self._reviews[card.id].append(review)
        self._current = None
        self._look_at(card)
        return review

    def undo(self) -> Card | None:
        """Take back the last answer of this sitting; its card is asked again."""
        if not self._given:
            return None
        card, review = self._given[-1]
        self._keep(replace(review, undone=True))
        self._given.pop()
        self._reviews[card.id].remove(review)
        self._current = card
        self._look_at(card)
        return card

    def _queue(self) -> Queue:
        return queue(self._deck, self._known, self._present(), self._new, self._latest)

    def _look_at(self, card: Card) -> None:
        memory = replay(self._reviews[card.id], self._now)
        if memory is None:
            self._known.pop(card.id, None)
        else:
            self._known[card.id] = memory

    def _present(self) -> datetime:
        """The present; it stands still while the clock is being set back."""
        self._now = max(self._clock(), self._now)
        return self._now
