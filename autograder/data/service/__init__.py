"""Hand-written customer-service messages in English and Chinese: intents, slots, aspects.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

import csv
import random
import re
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "zh")
SPLITS = ("train", "validation", "test")
OUT_OF_SCOPE = "out_of_scope"
INTENTS = ("return", "exchange", "track", "cancel", "feedback")
SLOTS = ("BACK", "WANT", "DAY")
POLARITIES = ("POSITIVE", "NEGATIVE", "NEUTRAL")

LOOKS = ("blue", "black", "grey", "small", "old", "wooden", "cheap", "heavy")
THINGS = (
    "jacket", "lamp", "chair", "coat", "kettle", "scarf", "sofa", "shirt",
    "camera", "vase", "hat", "tablet", "skirt", "pillow", "shelf", "bag",
)  # fmt: skip
DAYS = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "next monday", "next friday", "this saturday", "this tuesday", "sunday afternoon",
)  # fmt: skip

_FOLDER = Path(__file__).parent
_MARK = re.compile(r"\[([^]]+)]\(([A-Z]+)\)")
_WORD = {"en": re.compile(r"\w+|[^\w\s]"), "zh": re.compile(r"\S")}


@dataclass(frozen=True)
class Span:
    """A stretch of text and its label: characters from `start` up to, not including, `end`."""

    label: str
    start: int
    end: int


@dataclass(frozen=True)
class Message:
    """What a customer writes.

    Attributes
    ----------
    id
        Unique, such as ``"en-017"``.
    language, split
        One of `LANGUAGES`, one of `SPLITS`.
    intent
        One of `INTENTS`, or `OUT_OF_SCOPE`.
    text
        The message.
    spans
        Slots (`SLOTS`), or in feedback the aspects with their polarity (`POLARITIES`), in order.
    """

    id: str
    language: str
    split: str
    intent: str
    text: str
    spans: tuple[Span, ...]


def load(language: str, split: str) -> list[Message]:
    """Read one split of one language, in the order of the file.

    Raises
    ------
    ValueError
        If there is no such language or split.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}: choose one of {', '.join(LANGUAGES)}")
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    with (_FOLDER / f"{language}.tsv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return [
        Message(row["id"], language, split, row["intent"], *_unmarked(row["text"]))
        for row in rows
        if row["split"] == split
    ]


def _unmarked(marked: str) -> tuple[str, tuple[Span, ...]]:
    """The text without its marks ``[stretch](LABEL)``, and where they were."""
    text, spans, place = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[place : mark.start()]
        spans.append(Span(mark[2], len(text), len(text) + len(mark[1])))
        text, place = text + mark[1], mark.end()
    return text + marked[place:], tuple(spans)


def words_and_tags(message: Message) -> tuple[list[str], list[str]]:
    """Words (in Chinese: characters) of a message, and the BIO tag of each."""
    words, tags = [], []
    for word in _WORD[message.language].finditer(message.text):
        over = [span for span in message.spans if span.start <= word.start() < span.end]
        first = [span for span in over if span.start == word.start()]
        words.append(word[0])
        tags.append(f"{'B' if first else 'I'}-{over[0].label}" if over else "O")
    return words, tags


def swaps(split: str, count: int, seed: int = 0) -> list[tuple[list[str], list[str]]]:
    """Compose messages about what goes back and what is wanted, as words and BIO tags.

    Patterns are those of ``patterns.txt`` in either split. Three things in ten, in all their
    looks, occur in ``"test"`` only, and there every thing is one of these.
    """
    if split not in ("train", "test"):
        raise ValueError(f"no split {split!r}: choose one of train, test")
    patterns = (_FOLDER / "patterns.txt").read_text("utf-8").splitlines()
    items = [f"{look} {thing}" for thing in THINGS for look in LOOKS]
    random.Random(0).shuffle(items)
    cut = len(items) * 7 // 10
    known = items[:cut] if split == "train" else items[cut:]
    draw = random.Random(f"{split} {seed}")
    return [_filled(draw.choice(patterns), known, draw) for _ in range(count)]


def _filled(pattern: str, items: list[str], draw: random.Random) -> tuple[list[str], list[str]]:
    words, tags = [], []
    for word in pattern.split():
        if word not in SLOTS:
            words.append(word)
            tags.append("O")
            continue
        filler = draw.choice(DAYS if word == "DAY" else items).split()
        words += filler
        tags += [f"B-{word}", *[f"I-{word}"] * (len(filler) - 1)]
    return words, tags
