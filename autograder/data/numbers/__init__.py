"""The numbers from 0 to 9999 in English, Chinese and French words: a translation set to check.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass

LANGUAGES = ("en_XX", "zh_CN", "fr_XX")
SPLITS = ("train", "validation", "test")
SIZE = 10_000

_HELD_OUT = {"validation": slice(9000, 9500), "test": slice(9500, 10_000)}

_EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ZH_DIGITS = "零一二三四五六七八九"
_ZH_UNITS = ("千", "百", "十", "")
_FR_SMALL = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
]
_FR_TENS = ["vingt", "trente", "quarante", "cinquante", "soixante"]


@dataclass(frozen=True)
class Pair:
    """A number in English and in another language.

    Attributes
    ----------
    number
        The number itself.
    source
        Its English words.
    target
        Its words in ``language``.
    language
        One of `LANGUAGES`, by mBART's code.
    """

    number: int
    source: str
    target: str
    language: str


def to_english(number: int) -> str:
    """Write a number in English words, with "and" after the hundreds: nine hundred and one."""
    _check(number)
    thousands, below = divmod(number, 1000)
    hundreds, rest = divmod(below, 100)
    parts = []
    if thousands:
        parts.append(f"{_EN_SMALL[thousands]} thousand")
    if hundreds:
        parts.append(f"{_EN_SMALL[hundreds]} hundred")
    if rest or not parts:
        parts.append(f"and {_english_below(rest)}" if parts else _english_below(rest))
    return " ".join(parts)


def _english_below(number: int) -> str:
    if number < 20:
        return _EN_SMALL[number]
    tens, ones = divmod(number, 10)
    return _EN_TENS[tens - 2] + (f"-{_EN_SMALL[ones]}" if ones else "")


def to_chinese(number: int) -> str:
    """Write a number in Chinese numerals: 一千零五. Ten to nineteen begin with 十, not 一十."""
    _check(number)
    if number == 0:
        return _ZH_DIGITS[0]
    digits = [int(digit) for digit in f"{number:04}"]
    text = ""
    skipped = False
    for digit, unit in zip(digits, _ZH_UNITS, strict=True):
        if digit == 0:
            skipped = bool(text)
            continue
        # One 零 stands for any number of noughts between two digits, none for those at the end.
        text += (_ZH_DIGITS[0] if skipped else "") + _ZH_DIGITS[digit] + unit
        skipped = False
    return text.removeprefix("一") if 10 <= number < 20 else text


def to_french(number: int) -> str:
    """Write a number in French words, in the spelling before 1990: deux cent quatre-vingts."""
    _check(number)
    thousands, below = divmod(number, 1000)
    hundreds, rest = divmod(below, 100)
    parts = []
    if thousands:
        parts.append("mille" if thousands == 1 else f"{_FR_SMALL[thousands]} mille")
    if hundreds:
        # "cent" takes its s where it is multiplied and nothing follows.
        plural = "s" if hundreds > 1 and not rest else ""
        parts.append("cent" if hundreds == 1 else f"{_FR_SMALL[hundreds]} cent{plural}")
    if rest or not parts:
        parts.append(_french_below(rest))
    return " ".join(parts)


def _french_below(number: int) -> str:
    if number < 17:
        return _FR_SMALL[number]
    if number < 20:
        return f"dix-{_FR_SMALL[number - 10]}"
    if number == 80:
        return "quatre-vingts"
    if number > 80:
        return f"quatre-vingt-{_french_below(number - 80)}"
    tens = min(number // 10, 6)
    ones = number - 10 * tens
    if ones == 0:
        return _FR_TENS[tens - 2]
    joined = " et " if ones in (1, 11) else "-"
    return f"{_FR_TENS[tens - 2]}{joined}{_french_below(ones)}"


_WRITERS = {"en_XX": to_english, "zh_CN": to_chinese, "fr_XX": to_french}


def write(number: int, language: str) -> str:
    """Write a number in one of `LANGUAGES`.

    Raises
    ------
    ValueError
        If there is no such language, or the number is not from 0 to 9999.
    """
    _known(language)
    return _WRITERS[language](number)


def tokenize(text: str, language: str) -> list[str]:
    """Cut a text into tokens: words and hyphens, in Chinese characters."""
    _known(language)
    return list(text) if language == "zh_CN" else text.replace("-", " - ").split()


def detokenize(tokens: list[str], language: str) -> str:
    """Join tokens to a text as one writes it: the inverse of `tokenize`."""
    _known(language)
    return "".join(tokens) if language == "zh_CN" else " ".join(tokens).replace(" - ", "-")


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """All tokens, the index of each being its id: mBART's four special ones, words, languages."""
    words = {
        token
        for language in LANGUAGES
        for number in range(SIZE)
        for token in tokenize(write(number, language), language)
    }
    return ("<s>", "<pad>", "</s>", "<unk>", *sorted(words), *LANGUAGES)


def numbers(split: str) -> list[int]:
    """The numbers of a split, in a fixed random order: 9000, 500 and 500.

    Raises
    ------
    ValueError
        If there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    everything = list(range(SIZE))
    random.Random(0).shuffle(everything)
    return everything[_HELD_OUT.get(split, slice(9000))]


def load(language: str, split: str) -> list[Pair]:
    """The pairs of a split, from English into one of the other `LANGUAGES`.

    Raises
    ------
    ValueError
        If there is no such split, or no such language to translate into.
    """
    if language == "en_XX":
        raise ValueError("English is the source: choose one of zh_CN, fr_XX")
    return [Pair(n, to_english(n), write(n, language), language) for n in numbers(split)]


def _known(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}: choose one of {', '.join(LANGUAGES)}")


def _check(number: int) -> None:
    if not 0 <= number < SIZE:
        raise ValueError(f"{number} is not from 0 to {SIZE - 1}")
