"""The shop's handbook: the same judgements in both languages, and what its card says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from autograder.data.handbook import LANGUAGES, load, tokens

CARD = (Path(__file__).parents[1] / "autograder" / "data" / "handbook" / "README.md").read_text(
    "utf-8"
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_well_formed(language: str) -> None:
    book = load(language)
    texts = [*book.passages, *book.questions]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert text == text.strip() != ""
        assert not re.search(r"\t|  ", text), text
        assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh"), text
        assert tokens(text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_one_passage_that_answers_it(language: str) -> None:
    book = load(language)
    assert book.relevance.shape == (len(book.questions), len(book.passages))
    assert set(np.unique(book.relevance)) == {0, 1, 2}
    assert ((book.relevance == 2).sum(axis=1) == 1).all()


def test_both_languages_have_the_same_judgements() -> None:
    one, other = (load(language).relevance for language in LANGUAGES)
    assert np.array_equal(one, other)


def test_the_card_gives_the_true_counts() -> None:
    said = re.search(
        r"(\d+) passages, (\d+) questions, (\d+) judgements of grade 2 and (\d+) of grade 1", CARD
    )
    assert said
    book = load("en")
    grades = Counter(book.relevance.ravel().tolist())
    true = len(book.passages), len(book.questions), grades[2], grades[1]
    assert tuple(map(int, said.groups())) == true


def test_the_question_that_the_card_quotes_shares_hardly_a_word_with_its_passage() -> None:
    book = load("en")
    (number,) = [i for i, text in enumerate(book.questions) if "bought things with my card" in text]
    answer = book.passages[int(book.relevance[number].argmax())]
    assert len(set(tokens(book.questions[number])) & set(tokens(answer))) <= 2


def test_tokens_are_words_in_lower_case_then_chinese_characters_and_pairs() -> None:
    assert tokens("My CARD's limit: 500 euros!") == ["my", "card", "s", "limit", "500", "euros"]
    assert tokens("退货, 30天内") == ["30", "退", "货", "退货", "天", "内", "天内"]
    assert tokens("…, ?!") == []


def test_an_unknown_language_is_refused_and_the_choices_named() -> None:
    with pytest.raises(ValueError, match="choose one of en, zh"):
        load("fr")
