"""Readiness: rests on what was said, done and remembered, and is never better than that."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from autograder.exercise import catalog
from autograder.grading.studies import Answer, Review
from autograder.language import LANGUAGES, Language
from autograder.learner.studying import Ready
from autograder.report.readiness import print_readiness
from autograder.study.cards import cards
from autograder.study.readiness import Evidence, for_lesson, for_questions, lately
from autograder.study.schedule import memories

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
METRICS = catalog.exercise("metrics")
DECK = cards(METRICS, ())
NOTHING = Evidence((), {}, {}, NOW)


def answer(hit: tuple[bool, ...], days: float = 0.0) -> Answer:
    return Answer("metrics", "S3-Q1", NOW - timedelta(days=days), 60, "", hit)


def test_nobody_is_ready_for_what_they_did_not_try() -> None:
    for found in (*for_questions(METRICS, DECK, NOTHING), for_lesson(METRICS, DECK, NOTHING)):
        assert found.value == 0
        assert not found.is_begun


def test_whoever_said_did_and_remembers_all_is_ready() -> None:
    answers = [
        Answer("metrics", question.question, NOW, 60, "", (True,))
        for question in for_questions(METRICS, DECK, NOTHING)
    ]
    best = {"metrics": {task.name: task.points for task in METRICS.tasks}}
    known = memories([Review(card.id, NOW, 4) for card in DECK], NOW)
    full = Evidence(answers, best, known, NOW)
    for found in (*for_questions(METRICS, DECK, full), for_lesson(METRICS, DECK, full)):
        assert found.value == pytest.approx(1)
    later = Evidence(answers, best, known, NOW + timedelta(days=300))
    assert for_lesson(METRICS, DECK, later).kept.value < 0.8  # type: ignore[operator]


def test_a_bad_answer_of_today_outweighs_a_good_one_of_last_month() -> None:
    answers = [answer((True, True), days=28), answer((False, False))]
    assert lately(answers, NOW) == pytest.approx(0.2)
    assert lately([answer((True, False), days=10_000)], NOW) == 0.5
    assert lately([answer((True, True), days=-3)], NOW) == 1  # a clock that ran ahead


@given(
    st.lists(
        st.tuples(st.lists(st.booleans(), min_size=1, max_size=5), st.floats(-9, 9999)), min_size=1
    )
)
def test_what_was_said_is_between_the_worst_and_the_best_answer(
    given_answers: list[tuple[list[bool], float]],
) -> None:
    answers = [answer(tuple(hit), days) for hit, days in given_answers]
    shares = [a.share for a in answers]
    assert min(shares) - 1e-9 <= lately(answers, NOW) <= max(shares) + 1e-9


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_fits_80_columns_and_says_what_it_rests_on(language: Language) -> None:
    evidence = Evidence([answer((True, False, True, True))], {"metrics": {"recall": 1.0}}, {}, NOW)
    everything = catalog.exercises()
    found = Ready(
        tuple(r for e in everything for r in for_questions(e, cards(e, ()), evidence)),
        tuple(for_lesson(e, cards(e, ()), evidence) for e in everything),
        (1, 2, 20),
    )
    shown = {}
    for brief in (True, False):
        console = Console(file=io.StringIO(), width=80)
        print_readiness(found, console=console, language=language, brief=brief)
        shown[brief] = console.file.getvalue()  # type: ignore[attr-defined]
        assert max(map(cell_len, shown[brief].splitlines())) <= 80
        assert "75 % (1)" in shown[brief]
        assert "touchstone review" in shown[brief]
    assert "S4-Q1" in shown[False]
    assert "S4-Q1" not in shown[True]
