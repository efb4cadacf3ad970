"""The number words: read back, they are the number; they keep the rules of their languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.data.numbers import (
    LANGUAGES,
    SIZE,
    SPLITS,
    detokenize,
    load,
    numbers,
    to_chinese,
    to_english,
    to_french,
    tokenize,
    vocabulary,
    write,
)

CARD = Path(__file__).parents[1] / "autograder" / "data" / "numbers" / "README.md"
ANY = st.integers(0, SIZE - 1)
KNOWN = {
    0: ("zero", "零", "zéro"),
    10: ("ten", "十", "dix"),
    17: ("seventeen", "十七", "dix-sept"),
    21: ("twenty-one", "二十一", "vingt et un"),
    70: ("seventy", "七十", "soixante-dix"),
    71: ("seventy-one", "七十一", "soixante et onze"),
    80: ("eighty", "八十", "quatre-vingts"),
    81: ("eighty-one", "八十一", "quatre-vingt-un"),
    91: ("ninety-one", "九十一", "quatre-vingt-onze"),
    99: ("ninety-nine", "九十九", "quatre-vingt-dix-neuf"),
    100: ("one hundred", "一百", "cent"),
    115: ("one hundred and fifteen", "一百一十五", "cent quinze"),
    180: ("one hundred and eighty", "一百八十", "cent quatre-vingts"),
    200: ("two hundred", "二百", "deux cents"),
    201: ("two hundred and one", "二百零一", "deux cent un"),
    1000: ("one thousand", "一千", "mille"),
    1005: ("one thousand and five", "一千零五", "mille cinq"),
    1010: ("one thousand and ten", "一千零一十", "mille dix"),
    1100: ("one thousand one hundred", "一千一百", "mille cent"),
    2300: ("two thousand three hundred", "二千三百", "deux mille trois cents"),
    7042: ("seven thousand and forty-two", "七千零四十二", "sept mille quarante-deux"),
}

EN_SMALL = (
    "zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, "
    "fourteen, fifteen, sixteen, seventeen, eighteen, nineteen"
)
EN_TENS = "twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety"
FR_SMALL = (
    "zéro, un, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze, treize, "
    "quatorze, quinze, seize"
)
FR_TENS = "vingt, trente, quarante, cinquante, soixante"


def table(small: str, tens: str) -> dict[str, int]:
    ones = {word: one for one, word in enumerate(small.split(", "))}
    return ones | {word: 10 * ten for ten, word in enumerate(tens.split(", "), 2)}


EN, FR = table(EN_SMALL, EN_TENS), table(FR_SMALL, FR_TENS)


def read_english(text: str) -> int:
    total = below = 0
    for word in re.split("[ -]", text):
        if word == "thousand":
            total, below = 1000 * below, 0
        elif word == "hundred":
            below *= 100
        elif word != "and":
            below += EN[word]
    return total + below


def read_chinese(text: str) -> int:
    total, digit = 0, None
    for character in text:
        if character in "千百十":
            total += (1 if digit is None else digit) * {"千": 1000, "百": 100, "十": 10}[character]
            digit = None
        else:
            digit = "零一二三四五六七八九".index(character)
    return total + (digit or 0)


def read_french(text: str) -> int:
    total = below = 0
    words = text.replace("quatre-vingt", "huitante").replace("huitantes", "huitante")
    for word in re.split("[ -]", words):
        if word == "mille":
            total, below = 1000 * (below or 1), 0
        elif word.startswith("cent"):
            below = 100 * (below or 1)
        elif word != "et":
            below += 80 if word == "huitante" else FR[word]
    return total + below


@pytest.mark.parametrize("number", KNOWN)
def test_known_numbers_are_written_so(number: int) -> None:
    assert (to_english(number), to_chinese(number), to_french(number)) == KNOWN[number]


@given(ANY)
def test_words_read_back_are_the_number(number: int) -> None:
    assert read_english(to_english(number)) == number
    assert read_chinese(to_chinese(number)) == number
    assert read_french(to_french(number)) == number


@given(ANY)
def test_chinese_noughts_and_ones(number: int) -> None:
    text = to_chinese(number)
    assert "零零" not in text
    assert number == 0 or not text.endswith("零")
    assert text.startswith("十") == (10 <= number < 20)
    assert "两" not in text


@given(ANY)
def test_french_plurals_stand_at_the_end_only(number: int) -> None:
    text = to_french(number)
    assert text.endswith("vingts") == (number % 100 == 80)
    assert text.endswith("cents") == (number % 100 == 0 and number % 1000 > 100)
    assert not re.search(r"(vingts|cents)[ -]|milles|\bun mille|\bun cent\b", text)


@given(ANY, st.sampled_from(LANGUAGES))
def test_tokens_join_to_the_text_and_are_known(number: int, language: str) -> None:
    text = write(number, language)
    tokens = tokenize(text, language)
    assert detokenize(tokens, language) == text
    assert set(tokens) <= set(vocabulary())


def test_every_number_has_words_of_its_own() -> None:
    for language in LANGUAGES:
        assert len({write(number, language) for number in range(SIZE)}) == SIZE


def test_special_tokens_stand_where_mbart_has_them() -> None:
    assert vocabulary()[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    assert vocabulary()[-3:] == LANGUAGES
    assert len(set(vocabulary())) == len(vocabulary())


def test_splits_share_no_number_and_are_mixed() -> None:
    parts = [numbers(split) for split in SPLITS]
    assert sorted(number for part in parts for number in part) == list(range(SIZE))
    assert all(3000 < sum(part) / len(part) < 7000 for part in parts)
    assert numbers("test") == numbers("test")


@pytest.mark.parametrize("language", ["zh_CN", "fr_XX"])
def test_pairs_say_the_same_number(language: str) -> None:
    for pair in load(language, "test"):
        assert (pair.source, pair.target) == (to_english(pair.number), write(pair.number, language))
        assert pair.language == language


def test_the_card_gives_the_true_counts() -> None:
    card = CARD.read_text("utf-8")
    said = {split: int(count) for split, count in re.findall(r"^\| (\w+) \| (\d+) \|$", card, re.M)}
    assert said == {split: len(numbers(split)) for split in SPLITS}
    assert f"all {len(vocabulary())} tokens" in card


def test_what_is_unknown_is_refused() -> None:
    for number in (-1, SIZE):
        with pytest.raises(ValueError, match="not from 0"):
            to_chinese(number)
    with pytest.raises(ValueError, match="choose one of"):
        write(1, "de_DE")
    with pytest.raises(ValueError, match="choose one of"):
        numbers("dev")
    with pytest.raises(ValueError, match="choose one of"):
        load("en_XX", "test")
