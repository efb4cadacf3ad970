"""The customer-service set: exact spans, both languages, no leakage, and what its card says."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from autograder.data.service import (
    INTENTS,
    LANGUAGES,
    OUT_OF_SCOPE,
    POLARITIES,
    SLOTS,
    SPLITS,
    Message,
    load,
    swaps,
    words_and_tags,
)

CARD = Path(__file__).parents[1] / "autograder" / "data" / "service" / "README.md"
GRAM = {"en": 4, "zh": 2}  # characters
BOUND = 0.5  # Dice coefficient of character n-grams


def everything(language: str) -> list[Message]:
    return [message for split in SPLITS for message in load(language, split)]


def grams(message: Message) -> set[str]:
    text = re.sub(r"[\W_]+", " " if message.language == "en" else "", message.text.lower()).strip()
    size = GRAM[message.language]
    return {text[i : i + size] for i in range(len(text) - size + 1)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_well_formed(language: str) -> None:
    messages = everything(language)
    assert len({m.id for m in messages}) == len({m.text for m in messages}) == len(messages) == 144
    for m in messages:
        assert m.intent in (*INTENTS, OUT_OF_SCOPE)
        assert not re.search(r"[\[\]\t\d]|  ", m.text), m.text
        assert bool(re.search(r"[\u4e00-\u9fff]", m.text)) == (language == "zh"), m.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_spans_are_exact(language: str) -> None:
    for m in everything(language):
        known = POLARITIES if m.intent == "feedback" else SLOTS
        assert all(span.label in known for span in m.spans), m.text
        assert all(a.end <= b.start for a, b in zip(m.spans, m.spans[1:], strict=False)), m.text
        for span in m.spans:
            inside = m.text[span.start : span.end]
            assert re.fullmatch(r"\w([\w ]*\w)?", inside), inside
            if language == "en":
                assert not re.match(r"\w", m.text[span.end :]), m.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_tags_say_what_the_spans_say(language: str) -> None:
    for m in everything(language):
        words, tags = words_and_tags(m)
        assert len(words) == len(tags)
        assert sum(tag.startswith("B-") for tag in tags) == len(m.spans)
        told = "".join(w for w, tag in zip(words, tags, strict=True) if tag != "O")
        assert told == "".join(m.text[s.start : s.end] for s in m.spans).replace(" ", "")


def dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_near_duplicates_across_splits(language: str) -> None:
    bags = [(m, grams(m)) for m in everything(language)]
    close = [
        (round(dice(a, b), 2), one.text, other.text)
        for (one, a), (other, b) in combinations(bags, 2)
        if one.split != other.split and dice(a, b) >= BOUND
    ]
    assert close == []


def test_the_bound_would_see_a_near_duplicate() -> None:
    one = "Could I swap the black hat for a red hat?"
    two = "Could I swap the black hat for a blue hat?"
    a, b = (grams(Message("", "en", "train", "exchange", text, ())) for text in (one, two))
    assert dice(a, b) >= BOUND


def test_the_card_gives_the_true_counts() -> None:
    rows = re.findall(r"^\| (en|zh) \| (\w+) \|([\d |]+)\|$", CARD.read_text("utf-8"), re.M)
    said = {(lang, split): [int(n) for n in counts.split("|")] for lang, split, counts in rows}
    for language in LANGUAGES:
        for split in SPLITS:
            messages = load(language, split)
            intents = Counter(m.intent for m in messages)
            true = [len(messages), *(intents[name] for name in (*INTENTS, OUT_OF_SCOPE))]
            assert said[language, split] == true


def items(split: str) -> set[tuple[str, ...]]:
    found = set()
    for words, tags in swaps(split, 400):
        for i, tag in enumerate(tags):
            if tag in ("B-BACK", "B-WANT"):
                assert tags[i + 1] == "I" + tag[1:]
                found.add(tuple(words[i : i + 2]))
    return found


def test_composed_messages_share_no_item_between_splits() -> None:
    assert len(items("train")) > len(items("test")) > 25
    assert not items("train") & items("test")


def test_tiny_bert_knows_every_word_of_the_composed_messages() -> None:
    transformers = pytest.importorskip("transformers")
    from autograder.models import locate

    tokenizer = transformers.AutoTokenizer.from_pretrained(locate("bert"))
    words = {w for split in ("train", "test") for ws, _ in swaps(split, 400) for w in ws}
    unknown = [w for w in words if tokenizer.unk_token_id in tokenizer(w)["input_ids"]]
    assert unknown == []


def test_composing_is_repeatable_and_depends_on_the_seed() -> None:
    assert swaps("train", 5, 1) == swaps("train", 5, 1) != swaps("train", 5, 2)


@pytest.mark.parametrize(("language", "split"), [("fr", "train"), ("en", "dev")])
def test_an_unknown_name_is_refused_and_the_choices_named(language: str, split: str) -> None:
    with pytest.raises(ValueError, match=r"choose one of .*(zh|test)"):
        load(language, split)


def test_an_unknown_split_is_refused_for_composed_messages() -> None:
    with pytest.raises(ValueError, match="train, test"):
        swaps("validation", 1)
