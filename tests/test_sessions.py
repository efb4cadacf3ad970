"""Spaced review: what FSRS makes of the events, and a sitting that loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import fsrs
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.studies import Review
from autograder.study.cards import Card
from autograder.study.schedule import intervals, memories, replay
from autograder.study.session import Session, due_by, queue

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 5, 20), timezones=st.just(UTC))
REVIEWS = st.lists(
    st.builds(Review, st.sampled_from("abc"), TIMES, st.integers(1, 4), st.booleans()),
    max_size=12,
    unique_by=lambda review: review.id,
)


def deck(*names: str) -> tuple[Card, ...]:
    text = {"en": "x", "zh": "x"}
    return tuple(Card(name, "next", "metrics", text, text, text) for name in names)


class Clock:
    """A clock that goes as it is told."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def go(self, **time: float) -> None:
        self.at += timedelta(**time)


def sitting(
    cards: tuple[Card, ...], reviews: list[Review], clock: Clock | None = None, **limits: float
) -> Session:
    kept = reviews

    def keep(review: Review) -> None:
        if review.undone:
            kept[:] = [review if r.id == review.id else r for r in kept]
        else:
            kept.append(review)

    return Session(cards, list(reviews), keep=keep, clock=clock or Clock(), **limits)  # type: ignore[arg-type]


@given(reviews=REVIEWS, order=st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_read_does_not_matter(
    reviews: list[Review], order: object
) -> None:
    mixed = list(reviews)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert memories(reviews, NOW) == memories(mixed, NOW)


@given(reviews=REVIEWS)
def test_what_was_taken_back_is_as_though_it_had_never_been(reviews: list[Review]) -> None:
    assert memories(reviews, NOW) == memories([r for r in reviews if not r.undone], NOW)


@given(reviews=REVIEWS)
def test_a_card_is_remembered_as_fsrs_has_it(reviews: list[Review]) -> None:
    scheduler, state = fsrs.Scheduler(enable_fuzzing=False), fsrs.Card(card_id=0)
    mine = sorted(
        (r for r in reviews if r.card == "a" and not r.undone), key=lambda r: (r.at, r.id)
    )
    for review in mine:
        state, _ = scheduler.review_card(state, fsrs.Rating(review.rating), review.at)
    found = replay([r for r in reviews if r.card == "a"], NOW)
    assert (found is None) == (not mine)
    if found is not None:
        assert (found.due, found.state.stability) == (state.due, state.stability)
        assert 0 <= found.recall(NOW) <= 1


def test_a_clock_that_ran_ahead_hides_no_card_and_one_set_back_stops_nothing() -> None:
    ahead = Review("a", NOW + timedelta(days=365), 4)
    assert memories([ahead], NOW) == {}
    assert memories([ahead, Review("a", NOW - timedelta(days=1), 3)], NOW)["a"].due < NOW
    clock, kept = Clock(), []
    session = sitting(deck("a", "b"), kept, clock)
    session.answer(session.ask().card, 3)  # type: ignore[union-attr]
    clock.go(hours=-5)
    asked = session.ask()
    assert asked is not None
    assert asked.card.id == "b"
    session.answer(asked.card, 3)
    assert kept[0].at < kept[1].at
    assert set(memories(kept, NOW + timedelta(minutes=1))) == {"a", "b"}


def test_due_cards_come_first_the_most_overdue_first_then_new_ones_in_their_order() -> None:
    reviews = [Review("c", NOW - timedelta(days=40), 4), Review("b", NOW - timedelta(days=30), 4)]
    todo = queue(deck("a", "b", "c", "d", "e"), memories(reviews, NOW), NOW, new=2)
    assert [card.id for card in todo.due] == ["c", "b"]
    assert [card.id for card in todo.new] == ["a", "d"]
    assert todo.first is not None
    assert todo.first.id == "c"


def test_new_cards_are_limited_by_the_day_over_all_sittings() -> None:
    kept: list[Review] = []
    clock = Clock()
    cards = deck(*"abcdef")
    for new, expected in ((2, 2), (2, 0), (3, 1)):
        session, seen = sitting(cards, kept, clock, new=new), 0
        while (asked := session.ask()) is not None:
            seen += asked.is_new
            session.answer(asked.card, 4)
            clock.go(seconds=5)
        assert seen == expected
    clock.go(days=1)
    assert sitting(cards, kept, clock, new=2).waiting.new == 2


@given(answers=st.lists(st.integers(0, 4), max_size=15), new=st.integers(0, 4))
def test_an_answer_that_is_taken_back_changes_nothing(answers: list[int], new: int) -> None:
    clock, kept = Clock(), []
    session = sitting(deck(*"abcde"), kept, clock, new=new)
    for rating in answers:
        asked = session.ask()
        if asked is None:
            return
        before = memories(kept, clock.at)
        session.answer(asked.card, rating or 3)
        if rating == 0:
            assert session.undo() == asked.card
            assert session.ask() == asked
            assert memories(kept, clock.at) == before
        clock.go(seconds=20)
    # Whoever opens a new sitting goes on where this one was.
    assert sitting(deck(*"abcde"), kept, clock, new=new).waiting == session.waiting
    assert len({review.id for review in kept}) == len(kept)


def test_a_forgotten_card_comes_back_in_the_same_sitting_and_the_minutes_end_it() -> None:
    clock, kept = Clock(), []
    session = sitting(deck("a", "b"), kept, clock, minutes=10)
    session.answer(session.ask().card, 1)  # type: ignore[union-attr]
    session.answer(session.ask().card, 4)  # type: ignore[union-attr]
    asked = session.ask()
    assert asked is not None
    assert asked.card.id == "a"
    clock.go(minutes=11)
    assert session.ask() is not None  # what was asked may be answered
    session.answer(asked.card, 1)
    assert session.ask() is None


def test_better_answers_wait_longer() -> None:
    for earlier, later in pairwise(intervals(None, NOW)):
        assert earlier < later


def test_a_card_seen_on_one_day_comes_back_before_the_plan_ends() -> None:
    latest = NOW + timedelta(days=2)
    once = replay([Review("a", NOW, 4)], NOW)
    twice = replay([Review("a", NOW - timedelta(days=9), 3), Review("a", NOW, 4)], NOW)
    assert once is not None
    assert twice is not None
    tomorrow = NOW + timedelta(hours=14)
    assert due_by(once, latest, tomorrow) == latest < once.due
    assert due_by(once, latest, NOW) == once.due  # it was asked today
    assert due_by(twice, latest, tomorrow) == twice.due > latest
