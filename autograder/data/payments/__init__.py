"""Card payments, synthesised: habits, fraud that comes in campaigns, and campaigns that move on.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CARDS", "DAYS", "Payments", "make"]

CARDS, DAYS = 250, 60
RATE = 0.4  # payments of a card on a day
EVERY, VICTIMS, STOLEN = 2.0, 4, 3  # days between campaigns; cards of each; payments of each card


class Payments(NamedTuple):
    """Payments in the order of their time, one row each.

    Attributes
    ----------
    times
        (n,) days since the start, increasing.
    cards
        (n,) whole numbers from 0 to `CARDS` − 1.
    amounts
        (n,) whole numbers of currency units, at least 1.
    places
        (n, 2) where the shop is, in a square of side 1.
    frauds
        (n,) 1 for a fraud, else 0.
    """

    times: NDArray[np.float64]
    cards: NDArray[np.int64]
    amounts: NDArray[np.float64]
    places: NDArray[np.float64]
    frauds: NDArray[np.int64]


def make(seed: int = 0) -> Payments:
    """Make the payments of `CARDS` cards over `DAYS` days; a seed gives the same ones again."""
    rng = np.random.default_rng(seed)
    homes, habits = rng.random((CARDS, 2)), rng.normal(3.2, 0.5, CARDS)
    count = rng.poisson(RATE * DAYS * CARDS)
    cards = rng.integers(CARDS, size=count)
    parts = [
        (
            rng.uniform(0, DAYS, count),
            cards,
            np.exp(habits[cards] + rng.normal(0, 0.7, count)),
            homes[cards] + rng.normal(0, 0.15, (count, 2)),
            np.zeros(count, dtype=np.int64),
        )
    ]
    # A campaign works from a place of its own for some days, and the next one from another.
    for start in np.arange(0, DAYS - 2, EVERY):
        place = rng.random(2)
        victims = np.repeat(rng.choice(CARDS, VICTIMS, replace=False), STOLEN)
        total = len(victims)
        days = np.repeat(rng.uniform(0, 4, VICTIMS), STOLEN) + rng.uniform(0, 0.5, total)
        parts.append(
            (
                np.minimum(start + days, DAYS - 1e-3),
                victims,
                np.exp(habits[victims] + rng.normal(0.8, 0.6, total)),
                place + rng.normal(0, 0.02, (total, 2)),
                np.ones(total, dtype=np.int64),
            )
        )
    times, who, amounts, places, frauds = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    whole = np.maximum(np.rint(amounts), 1)
    return Payments(
        times[order], who[order], whole[order], np.clip(places, 0, 1)[order], frauds[order]
    )
