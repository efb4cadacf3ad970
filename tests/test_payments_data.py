"""Card payments: in order of time, frauds in campaigns that move on, and the card is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.data import payments

CARD = Path(payments.__file__).with_name("README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def made() -> payments.Payments:
    return payments.make(seed=0)


def same(one: payments.Payments, other: payments.Payments) -> bool:
    pairs: Any = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_every_payment_is_well_formed(made: payments.Payments) -> None:
    assert len({len(column) for column in made}) == 1
    assert (np.diff(made.times) >= 0).all()
    assert made.times[0] >= 0
    assert made.times[-1] < payments.DAYS
    assert set(made.cards.tolist()) == set(range(payments.CARDS))
    assert (made.amounts >= 1).all()
    assert np.array_equal(made.amounts, np.rint(made.amounts))
    assert made.places.shape == (len(made.times), 2)
    assert 0 <= made.places.min() <= made.places.max() <= 1
    assert set(made.frauds.tolist()) == {0, 1}


def test_a_seed_gives_the_same_again_and_another_one_others(made: payments.Payments) -> None:
    assert same(made, payments.make(0))
    assert not same(made, payments.make(1))


def test_honest_payments_come_as_often_as_the_card_says(made: payments.Payments) -> None:
    said = re.search(r"pays ([\d.]+) times a day", CARD)
    assert said
    honest = (made.frauds == 0).sum() / (payments.CARDS * payments.DAYS)
    assert honest == pytest.approx(float(said[1]), rel=0.03)


def test_the_frauds_of_a_card_lie_near_each_other(made: payments.Payments) -> None:
    stolen = made.frauds == 1
    days, cards, places = made.times[stolen], made.cards[stolen], made.places[stolen]
    near = (cards[:, None] == cards) & (abs(days[:, None] - days) <= 0.5)
    assert (near.sum(axis=1) >= 3).mean() > 0.95  # the last campaigns are cut off at the end
    apart = np.linalg.norm(places[:, None] - places, axis=2)[near]
    assert np.quantile(apart, 0.95) < 0.15


def test_a_fraud_takes_about_twice_what_the_card_is_used_to(made: payments.Payments) -> None:
    honest = made.frauds == 0
    habit = {card: np.median(made.amounts[honest & (made.cards == card)]) for card in range(250)}
    times = [a / habit[c] for a, c in zip(made.amounts[~honest], made.cards[~honest], strict=True)]
    assert 1.8 < np.median(times) < 2.7


def test_past_campaigns_say_nothing_of_coming_ones(made: payments.Payments) -> None:
    def distance(before: Any, after: Any) -> float:
        """How far a payment of `after` lies from the nearest fraud before, on average."""
        old, new = made.places[before & (made.frauds == 1)], made.places[after]
        return float(np.linalg.norm(new[:, None] - old, axis=2).min(axis=1).mean())

    late = made.times >= 46  # of campaigns that begin on day 42 or later
    early = made.times < 42
    frauds, honest = (distance(early, late & (made.frauds == label)) for label in (1, 0))
    assert frauds > 0.5 * honest
    third = np.arange(len(made.times)) % 3 == 0  # the same frauds, split without regard to time
    assert distance(~third, third & (made.frauds == 1)) < 0.5 * frauds


def test_the_card_gives_the_true_counts(made: payments.Payments) -> None:
    said = re.search(r"Seed 0: ([\d,]+) payments, (\d+) of them frauds \(([\d.]+) %\)", CARD)
    assert said
    count, frauds = len(made.times), int(made.frauds.sum())
    assert said.groups() == (f"{count:,}", str(frauds), f"{100 * frauds / count:.1f}")
    assert f"{payments.CARDS} cards over {payments.DAYS} days" in CARD


def test_the_card_names_every_field(made: payments.Payments) -> None:
    rows = re.findall(r"^\| `(\w+)` \| \(n(?:, 2)?,?\) \|", CARD, re.M)
    assert tuple(rows) == made._fields


def test_the_card_s_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", CARD, re.S)
    room: dict[str, Any] = {}
    exec(block, room)
    assert len(room["made"].times) > 0
