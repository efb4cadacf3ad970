"""When a card comes back: the journal's reviews replayed through FSRS.

Reviews are replayed in the order of their times, so one that was given under a clock that had
been set back is no obstacle. One that is dated later than now was given under a clock that ran
ahead; until its time comes it is left out, so that its card is asked once more rather than not
for months.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from autograder.grading.studies import Review

if TYPE_CHECKING:
    import fsrs

RATINGS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Memory:
    """How one card is remembered.

    Attributes
    ----------
    times
        When it was answered, in order.
    state
        What FSRS knows of it. Not to be changed.
    """

    times: tuple[datetime, ...]
    state: fsrs.Card

    @property
    def due(self) -> datetime:
        """When it is to be asked again."""
        return self.state.due

    @property
    def is_learning(self) -> bool:
        """Whether it comes back within minutes, having been new or forgotten just now."""
        return self.state.step is not None

    def recall(self, at: datetime) -> float:
        """How likely it is remembered at the time `at`."""
        return float(_scheduler().get_card_retrievability(self.state, at.astimezone(UTC)))


def memories(reviews: Iterable[Review], now: datetime) -> dict[str, Memory]:
    """How each card is remembered by the reviews up to now that were not taken back."""
    by_card: defaultdict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        by_card[review.card].append(review)
    found = ((card, replay(given, now)) for card, given in by_card.items())
    return {card: memory for card, memory in found if memory is not None}


def replay(reviews: Sequence[Review], now: datetime) -> Memory | None:
    """How a card is remembered by its reviews; ``None`` if it is new."""
    memory = None
    for review in sorted(reviews, key=lambda review: (review.at, review.id)):
        if not review.undone and review.at <= now:
            memory = reviewed(memory, review.rating, review.at)
    return memory


def reviewed(memory: Memory | None, rating: int, at: datetime) -> Memory:
    """A card that was remembered as `memory`, after one more answer."""
    import fsrs

    at = at.astimezone(UTC)
    before = memory.state if memory else fsrs.Card(card_id=0, due=at)
    state, _ = _scheduler().review_card(before, fsrs.Rating(rating), at)
    return Memory((*(memory.times if memory else ()), at), state)


def intervals(memory: Memory | None, at: datetime) -> tuple[timedelta, ...]:
    """After how long the card would come back, for each of the four answers."""
    return tuple(reviewed(memory, rating, at).due - at for rating in RATINGS)


@cache
def _scheduler() -> fsrs.Scheduler:
    """Without fuzzing: the same events make the same schedule on every machine."""
    import fsrs

    return fsrs.Scheduler(enable_fuzzing=False)
