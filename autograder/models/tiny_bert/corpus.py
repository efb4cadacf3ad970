"""The text that tiny BERT is pretrained on: a seeded grammar in two languages.

The phrases and the rules are in ``grammar/en.toml`` and ``zh.toml``; this module only
expands them. A document is a pair of passages by one writer about one topic. What the second
passage says follows from what the first one *means*, after its negations and contrasts, so a
model can guess the words of one passage from the other only if it has understood both. The text
carries no labels, and none of the validation or test sentences of the sentiment set.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

LANGUAGES = ("en", "zh")
MOODS = ("praise", "blame", "remark")
_FOLDER = Path(__file__).parent / "grammar"
_NOT_TOPICS = ("shared", "slots", "grammar")
_SLOT = re.compile(r"\{(\w+)\}")

_Rules: TypeAlias = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Document:
    """Two passages, the second of which follows from the first.

    Attributes
    ----------
    language
        ``"en"`` or ``"zh"``.
    topic
        What both passages are about, such as ``"hotel"``.
    first, second
        The passages, one to two sentences each.
    """

    language: str
    topic: str
    first: str
    second: str


@cache
def _sections(language: str) -> dict[str, _Rules]:
    """Read the phrase bank of a language: section -> name -> phrases."""
    raw = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        section: {name: tuple(phrases.split("|")) for name, phrases in rules.items()}
        for section, rules in raw.items()
    }


@cache
def topics(language: str) -> tuple[str, ...]:
    """Return the topics that the grammar of a language knows.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``.
    """
    return tuple(name for name in _sections(language) if name not in _NOT_TOPICS)


@cache
def _rules(language: str, topic: str) -> _Rules:
    """Return the rules in scope: those of the topic stand before the common ones."""
    sections = _sections(language)
    return {**sections["slots"], **sections["shared"], **sections["grammar"], **sections[topic]}


def _expand(symbol: str, rules: _Rules, rng: random.Random) -> str:
    """Choose a phrase for a symbol and fill its slots, and theirs."""
    phrase = rng.choice(rules[symbol])
    return _SLOT.sub(lambda slot: _expand(slot[1], rules, rng), phrase)


def _polish(text: str) -> str:
    """Mend what a context-free grammar cannot see: articles, capitals, doubled stops."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    text = re.sub(r"([.!?])\.", r"\1", text)
    return re.sub(r"(^|[.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def document(rng: random.Random, language: str, topic: str | None = None) -> Document:
    """Write one document.

    Parameters
    ----------
    rng
        Where chance comes from; the same state gives the same document.
    language
        ``"en"`` or ``"zh"``.
    topic
        One of `topics`; by default any.
    """
    topic = topic or rng.choice(topics(language))
    rules = _rules(language, topic)
    mood = rng.choice(MOODS)
    first = _expand(mood, rules, rng)
    second = _expand(f"{mood}_next", rules, rng)
    return Document(language, topic, _polish(first), _polish(second))


def documents(seed: int, number: int) -> Iterator[Document]:
    """Write documents, the languages taking turns.

    Parameters
    ----------
    seed
        The same seed gives the same documents.
    number
        How many.
    """
    rng = random.Random(seed)
    for i in range(number):
        yield document(rng, LANGUAGES[i % len(LANGUAGES)])
