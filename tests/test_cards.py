"""Cards: every part of a lesson, known by ids that outlive edits of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.exercise import catalog
from autograder.language import LANGUAGES
from autograder.study.cards import Card, cards

METRICS = catalog.exercise("metrics")


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[Callable[[str], str]], tuple[Card, ...]]:
    """The cards of `metrics` after an edit of both of its lessons."""

    def cards_of(edit: Callable[[str], str]) -> tuple[Card, ...]:
        folder = tmp_path / "lessons" / "metrics"
        folder.mkdir(parents=True)
        for language in LANGUAGES:
            text = METRICS.lesson(language).read_text("utf-8")
            assert edit(text) != text
            (folder / f"{language}.md").write_text(edit(text), "utf-8")
        course = tmp_path / "autograder" / "course"
        course.mkdir(parents=True)
        (course / "metrics").symlink_to(METRICS.folder)
        return cards(catalog.exercise("metrics", course), ())

    return cards_of


def test_every_card_has_an_id_of_its_own_and_two_sides_in_both_languages() -> None:
    known = catalog.exercises()
    passed = {(exercise.slug, task.name) for exercise in known for task in exercise.tasks}
    deck = [card for exercise in known for card in cards(exercise, passed)]
    assert len({card.id for card in deck}) == len(deck)
    assert {card.kind for card in deck} == {"points", "next", "erratum", "formula", "redo"}
    assert sum(card.kind == "redo" for card in deck) == len(passed)
    for card in deck:
        for text in (card.about, card.front, card.back):
            assert all(text[language].strip() for language in LANGUAGES), card.id
        assert card.front["en"] != card.back["en"]


def test_a_task_becomes_a_card_when_it_is_passed() -> None:
    assert not any(card.kind == "redo" for card in cards(METRICS, ()))
    card = cards(METRICS, {("metrics", "recall")})[-1]
    assert card.id == "redo/metrics/recall"
    assert "touchstone redo metrics/recall" in card.front["en"]


def test_a_follow_up_that_is_put_in_takes_over_no_history(
    edited: Callable[[Callable[[str], str]], tuple[Card, ...]],
) -> None:
    before = {card.id: card for card in cards(METRICS, ())}

    first = re.compile(r"^- \*+(?:When is accuracy fine|什么时候可以只看准确率)", re.MULTILINE)

    def put_in(text: str) -> str:
        return first.sub(lambda found: f"- *Is this new?* Yes.\n{found[0]}", text)

    after = {card.id: card for card in edited(put_in)}
    assert {card for card in after if card not in before} == {
        card.id for card in after.values() if card.front["en"] == "Is this new?"
    }
    for name, card in before.items():
        assert after[name].front == card.front


def test_an_answer_may_be_reworded_and_marks_in_a_question_may_change(
    edited: Callable[[Callable[[str], str]], tuple[Card, ...]],
) -> None:
    def reworded(text: str) -> str:
        text = text.replace("- *When is accuracy fine?*", "- *When is “accuracy” fine …?*")
        return text.replace("\n- [ ] ", "\n- [ ] NB: ").replace("*Right:* ", "*Right:* so ")

    assert [card.id for card in edited(reworded)] == [card.id for card in cards(METRICS, ())]
