"""The sentiment set: counts, balance, no leakage between splits, and what its card says."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from autograder.data.sentiment import KINDS, LABELS, LANGUAGES, SPLITS, Example, load

CARD = Path(__file__).parents[1] / "autograder" / "data" / "sentiment" / "README.md"
GRAM = {"en": 4, "zh": 2}  # characters
BOUND = 0.38  # Dice coefficient of character n-grams


def grams(example: Example) -> set[str]:
    text = re.sub(r"[\W_]+", " " if example.language == "en" else "", example.text.lower()).strip()
    size = GRAM[example.language]
    return {text[i : i + size] for i in range(len(text) - size + 1)}


def dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def everything(language: str) -> list[Example]:
    return [example for split in SPLITS for example in load(language, split)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_is_well_formed(language: str) -> None:
    examples = everything(language)
    assert len(examples) >= 320
    assert len({e.id for e in examples}) == len({e.text for e in examples}) == len(examples)
    for e in examples:
        assert e.label in LABELS
        assert e.kind in KINDS
        assert e.group.startswith(f"{language}-g")
        assert e.text == e.text.strip()
        assert not re.search(r"[\t\r\n]|  ", e.text)
        assert bool(re.search(r"[\u4e00-\u9fff]", e.text)) == (language == "zh"), e.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_classes_and_kinds_are_balanced(language: str, split: str) -> None:
    examples = load(language, split)
    assert len(set(Counter(e.label for e in examples).values())) == 1
    for kind in KINDS:
        assert len(set(Counter(e.label for e in examples if e.kind == kind).values())) == 1
    hard = sum(e.kind != "plain" for e in examples)
    assert hard / len(examples) >= 0.25


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_stay_in_one_split(language: str) -> None:
    splits: dict[str, set[str]] = {}
    for e in everything(language):
        splits.setdefault(e.group, set()).add(e.split)
    assert [group for group, where in splits.items() if len(where) > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_near_duplicates_across_splits(language: str) -> None:
    bags = [(e, grams(e)) for e in everything(language)]
    close = [
        (one.text, other.text)
        for (one, a), (other, b) in combinations(bags, 2)
        if one.split != other.split and dice(a, b) >= BOUND
    ]
    assert close == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bound_would_see_a_minimal_pair(language: str) -> None:
    groups: dict[str, list[Example]] = {}
    for e in everything(language):
        groups.setdefault(e.group, []).append(e)
    pairs = [members[:2] for members in groups.values() if len(members) > 1]
    assert sum(dice(grams(a), grams(b)) >= BOUND for a, b in pairs) >= 10


def test_the_card_gives_the_true_counts() -> None:
    rows = re.findall(r"^\| (en|zh) \| (\w+) \|([\d |]+)\|$", CARD.read_text("utf-8"), re.M)
    said = {(lang, split): [int(n) for n in counts.split("|")] for lang, split, counts in rows}
    for lang in LANGUAGES:
        for split in SPLITS:
            examples = load(lang, split)
            kinds = Counter(e.kind for e in examples)
            labels = Counter(e.label for e in examples)
            true = [len(examples), *(labels[n] for n in LABELS), *(kinds[k] for k in KINDS)]
            assert said[lang, split] == true


@pytest.mark.parametrize(("language", "split"), [("fr", "train"), ("en", "dev")])
def test_an_unknown_name_is_refused_and_the_choices_named(language: str, split: str) -> None:
    with pytest.raises(ValueError, match=r"choose one of .*(zh|test)"):
        load(language, split)
