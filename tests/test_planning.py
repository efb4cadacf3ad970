"""A plan until the interview: what it takes, whether it fits, and that following it keeps it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from autograder.grading.journal import Journal
from autograder.grading.studies import Review
from autograder.language import LANGUAGES, Language
from autograder.learner import studying
from autograder.report.studying import show_forecast
from autograder.study.planning import ASSUMED_FIRST, Costs, costs, forecast
from autograder.study.schedule import memories

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DECK = [f"card {number}" for number in range(40)]


class Clock:
    """What `studying` takes for the present."""

    at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(studying, "now", found)
    return found


@settings(max_examples=20)
@given(days=st.integers(1, 20), minutes=st.floats(1, 60), more=st.floats(0, 60))
def test_more_minutes_hold_more_cards_and_what_fits_is_seen_on_two_days(
    days: int, minutes: float, more: float
) -> None:
    until = NOW.date() + timedelta(days=days)
    found = forecast(DECK, {}, NOW, until, Costs(), minutes)
    assert len(found.days) == days
    assert sum(day.new for day in found.days) == len(DECK)
    assert found.fitting <= forecast(DECK, {}, NOW, until, Costs(), minutes + more).fitting
    assert found.fits == (found.worst.minutes <= minutes)
    # On the last day nothing is new, unless there is no other.
    assert (found.days[-1].new == 0) == (days > 1)
    assert (found.once == 0) == (days > 1 or found.fitting == 0)
    assert forecast(DECK, {}, NOW, until, Costs(), found.worst.minutes).fits


def test_whoever_follows_the_plan_has_seen_every_card_on_two_days(
    tmp_path: Path, clock: Clock
) -> None:
    until = NOW.date() + timedelta(days=6)
    with Journal(tmp_path / "journal.sqlite") as journal:
        found, _ = studying.make_plan(journal, until, slug="robustness")
        assert found.fits
        for day in range(6):
            clock.at = NOW + timedelta(days=day)
            today = studying.assignment(journal)
            assert today.plan is not None
            assert today.behind == 0
            session = studying.sitting(journal, today)
            while (asked := session.ask()) is not None:
                session.answer(asked.card, 4 if asked.is_new else 3)
                clock.at += timedelta(seconds=20)
            assert len(session.given) < 60
        known = memories(journal.studies.reviews(), clock.at)
        assert set(known) == {card.id for card in today.cards}
        assert all(len({at.date() for at in m.times}) > 1 for m in known.values())
        clock.at = NOW + timedelta(days=6)
        assert studying.assignment(journal).plan is None


def test_a_plan_that_is_not_kept_says_so_and_a_new_one_keeps_its_lessons(
    tmp_path: Path, clock: Clock
) -> None:
    until = NOW.date() + timedelta(days=6)
    with Journal(tmp_path / "journal.sqlite") as journal:
        first, _ = studying.make_plan(journal, until, slug="robustness")
        assert studying.assignment(journal).behind == 0
        clock.at += timedelta(days=3)
        today = studying.assignment(journal)
        assert today.behind > today.new == first.new
        studying.make_plan(journal, until)
        again = studying.assignment(journal)
        assert [exercise.slug for exercise in again.exercises] == ["robustness"]
        assert (again.behind, again.new) == (0, today.behind)
        assert studying.assignment(journal, slug="gan").plan is None
        clock.at -= timedelta(days=2)  # and the latest plan is the latest all the same
        studying.end_plan(journal)
        assert studying.assignment(journal).plan is None


def test_a_plan_that_does_not_fit_is_one_for_what_does(tmp_path: Path, clock: Clock) -> None:
    until = NOW.date() + timedelta(days=4)
    with Journal(tmp_path / "journal.sqlite") as journal:
        found, budget = studying.make_plan(journal, until, minutes=10)
        assert 0 < found.fitting < found.cards
        assert found.worst.minutes > budget == 10
        assert 0 < studying.assignment(journal).new < 20
        assert studying.assignment(journal).behind == 0


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (NOW.date(), "from tomorrow"),
        (NOW.date() - timedelta(days=1), "from tomorrow"),
        (date(9999, 12, 31), "366"),
    ],
)
def test_a_date_that_is_none_to_plan_for_makes_no_plan(
    tmp_path: Path, clock: Clock, until: date, words: str
) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        with pytest.raises(studying.StudyError, match=words):
            studying.make_plan(journal, until)
        assert journal.studies.plans() == []
    for text in ("", "tomorrow", "2026-13-01", "31.12.2026"):
        with pytest.raises(studying.StudyError, match="is no date"):
            studying.date_of(text)


def test_seconds_are_measured_once_there_are_enough_and_pauses_do_not_count() -> None:
    def events(gap: Callable[[int], float], count: int) -> list[Review]:
        at, found = NOW, []
        for number in range(count):
            at += timedelta(seconds=gap(number))
            found.append(Review(f"card {number // 2}", at, 3))
        return found

    assert costs(events(lambda n: 30, 12)) == Costs()
    found = costs(events(lambda n: 3600 if n % 9 == 0 else 60 if n % 2 == 0 else 10, 200))
    assert found.measured > 100
    assert (found.first, found.again) == (60, 10)
    assert found.first != ASSUMED_FIRST


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("minutes", "word"), [(1.0, "1 "), (20.0, "--minutes"), (999.0, "40")])
def test_what_a_plan_takes_is_told_in_80_columns(
    language: Language, minutes: float, word: str
) -> None:
    until = date(2026, 5, 24)
    found = forecast(DECK * 3, {}, NOW, until, Costs(), minutes)
    console = Console(file=io.StringIO(), width=80)
    show_forecast(found, until, minutes, console=console, language=language)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert word in shown
    assert "2026-05-24" in shown
    assert "touchstone review" in shown
