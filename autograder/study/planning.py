"""What it takes to see and review all cards before a date, by simulating the days until then.

The simulation asks what the schedule would ask, with FSRS's own likelihood that a card is
remembered, and adds up seconds: those that the learner's answers took, or an assumption that is
told as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

from autograder.grading.studies import Plan, Review
from autograder.study.schedule import Memory, reviewed
from autograder.study.session import due_by

# Seconds, until enough answers were measured; a longer pause was no thinking.
ASSUMED_FIRST, ASSUMED_AGAIN = 45.0, 20.0
_ENOUGH, _PAUSE = 20, timedelta(minutes=3)


@dataclass(frozen=True)
class Costs:
    """Seconds for a card that is seen first, and for one that is seen again.

    Attributes
    ----------
    measured
        On how many answers they rest; 0 where they are assumed.
    """

    first: float = ASSUMED_FIRST
    again: float = ASSUMED_AGAIN
    measured: int = 0


@dataclass(frozen=True)
class Day:
    """One day of a plan."""

    date: date
    new: int
    answers: int
    minutes: float


@dataclass(frozen=True)
class Forecast:
    """What a plan comes to.

    Attributes
    ----------
    cards, seen
        How many there are, and how many of them were seen before.
    new
        How many are to be seen for the first time in a day.
    once
        How many will have been seen on one day only.
    fitting
        How many cards fit into the minutes of a day.
    """

    days: tuple[Day, ...]
    cards: int
    seen: int
    new: int
    once: int
    fitting: int
    costs: Costs

    @property
    def minutes(self) -> float:
        """Of a day, in the mean."""
        return sum(day.minutes for day in self.days) / len(self.days)

    @property
    def worst(self) -> Day:
        """The day that takes longest."""
        return max(self.days, key=lambda day: day.minutes)

    @property
    def fits(self) -> bool:
        """Whether all cards fit."""
        return self.fitting == self.cards


def costs(reviews: Iterable[Review]) -> Costs:
    """What answers took: the time from one to the next, where that was no pause."""
    times: dict[bool, list[float]] = {True: [], False: []}
    known: set[str] = set()
    rows = sorted(reviews, key=lambda review: review.at)
    for before, review in pairwise(rows):
        known.add(before.card)
        if review.at - before.at <= _PAUSE:
            times[review.card not in known].append((review.at - before.at).total_seconds())
    if min(map(len, times.values())) < _ENOUGH:
        return Costs()
    first, again = (sum(some) / len(some) for some in (times[True], times[False]))
    return Costs(first, again, sum(map(len, times.values())))


def forecast(
    deck: Sequence[str],
    known: Mapping[str, Memory],
    now: datetime,
    until: date,
    costs: Costs,
    minutes: float,
) -> Forecast:
    """Plan the cards of `deck`, by id and in order, for the days from today to before `until`.

    Parameters
    ----------
    minutes
        Those that there are in a day. If all cards do not fit, the plan is for the first that do.
    """
    fitting = _most(
        len(deck),
        lambda count: max(
            day.minutes for day in _simulated(deck[:count], known, now, until, costs)[0]
        ) <= minutes,
    )  # fmt: skip
    chosen = deck[:fitting]
    days, once = _simulated(chosen, known, now, until, costs)
    if fitting < len(deck):  # what all of it would take is what is to be told
        days = _simulated(deck, known, now, until, costs)[0]
    new = quota(sum(card not in known for card in chosen), now.date(), until)
    seen = sum(card in known for card in deck)
    return Forecast(days, len(deck), seen, new, once, fitting, costs)


def quota(unseen: int, today: date, until: date) -> int:
    """How many cards to see first in a day; the last day before `until` is for reviewing."""
    return math.ceil(unseen / max((until - today).days - 1, 1))


def behind_plan(plan: Plan, deck: Sequence[str], known: Mapping[str, Memory], now: datetime) -> int:
    """How many new cards a day `plan` takes by now, if fewer were seen than it says; else 0."""
    if plan.until is None:
        return 0
    begun = plan.at.astimezone(now.tzinfo).date()
    covered = plan.new * max((plan.until - begun).days - 1, 1)
    done = sum(card in known and known[card].times[0] >= plan.at for card in deck)
    unseen = min(sum(card not in known for card in deck), max(covered - done, 0))
    if not unseen or done >= plan.new * (now.date() - begun).days:
        return 0
    return quota(unseen, now.date(), plan.until)


def latest(until: date, now: datetime) -> datetime:
    """When a card that was seen on one day only has to come back before `until`."""
    day = until - timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The greatest number up to `count` that fits, if what is smaller fits too."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2 if (low, high) != (0, count) else count
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _simulated(
    deck: Sequence[str],
    known: Mapping[str, Memory],
    now: datetime,
    until: date,
    costs: Costs,
) -> tuple[tuple[Day, ...], int]:
    """The days, and how many cards will have been seen on one day only."""
    chance = Random(0)  # the same plan for the same events
    memories = {card: known[card] for card in deck if card in known}
    fresh = [card for card in reversed(deck) if card not in known]
    end, new = latest(until, now), quota(len(fresh), now.date(), until)
    days: list[Day] = []
    for number in range((until - now.date()).days):
        at = now + timedelta(days=number)
        morning = at.replace(hour=0, minute=0, second=0, microsecond=0)
        due = [c for c, m in memories.items() if due_by(m, end, morning) < morning + _DAY]
        begun = [fresh.pop() for _ in range(min(new, len(fresh)))]
        answers = len(begun)
        for card in due:
            remembered = chance.random() < memories[card].recall(at)
            memories[card], more = _settled(memories[card], 3 if remembered else 1, at)
            answers += more
        for card in begun:
            memories[card], more = _settled(None, 3, at)
            answers += more - 1
        seconds = len(begun) * costs.first + (answers - len(begun)) * costs.again
        days.append(Day(at.date(), len(begun), answers, seconds / 60))
    once = sum(len({at.date() for at in memory.times}) < 2 for memory in memories.values())
    return tuple(days), once


_DAY = timedelta(days=1)


def _settled(memory: Memory | None, rating: int, at: datetime) -> tuple[Memory, int]:
    """A card after its answers of a day, until it comes back on another; and how many they were."""
    found, count = reviewed(memory, rating, at), 1
    while found.is_learning:
        found, count = reviewed(found, 3, found.due), count + 1
    return found, count
