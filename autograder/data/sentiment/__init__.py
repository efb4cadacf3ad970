"""A small hand-written sentiment set in English and Chinese, with three classes.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "zh")
SPLITS = ("train", "validation", "test")
LABELS = ("negative", "neutral", "positive")
KINDS = ("plain", "negation", "contrast", "aspect")

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """One sentence and what its writer feels.

    Attributes
    ----------
    id
        Unique, such as ``"en-017"``.
    language
        One of `LANGUAGES`.
    split
        One of `SPLITS`.
    label
        One of `LABELS`; ``LABELS.index(label)`` is the class number.
    kind
        One of `KINDS`: what makes the sentence easy or hard.
    group
        Near-duplicates, such as the two sides of a minimal pair, share a group, and a group never
        crosses splits.
    text
        The sentence.
    """

    id: str
    language: str
    split: str
    label: str
    kind: str
    group: str
    text: str


def load(language: str, split: str) -> list[Example]:
    """Read one split of one language, in the order of the file.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``.
    split
        ``"train"``, ``"validation"`` or ``"test"``.

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
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Example(language=language, **row) for row in rows if row["split"] == split]
