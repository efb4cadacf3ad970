"""Passages of a shop's handbook and questions to it, in English and Chinese, written by hand.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LANGUAGES", "Handbook", "load", "tokens"]

LANGUAGES = ("en", "zh")

_FOLDER = Path(__file__).parent
_HAN = re.compile(r"[\u4e00-\u9fff]+")


class Handbook(NamedTuple):
    """Passages, questions, and which answers which.

    Attributes
    ----------
    passages
        N texts.
    questions
        Q texts.
    relevance
        (Q, N): 2 where the passage answers the question, 1 where it helps, else 0.
    """

    passages: list[str]
    questions: list[str]
    relevance: NDArray[np.int64]


def load(language: str) -> Handbook:
    """Read the handbook of one language; both hold the same passages in the same order.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}: choose one of {', '.join(LANGUAGES)}")
    with (_FOLDER / f"{language}.tsv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    passages = [row for row in rows if not row["relevant"]]
    questions = [row for row in rows if row["relevant"]]
    place = {row["id"]: number for number, row in enumerate(passages)}
    relevance = np.zeros((len(questions), len(passages)), dtype=np.int64)
    for number, row in enumerate(questions):
        for name, grade in (pair.split("=") for pair in row["relevant"].split()):
            relevance[number, place[name]] = int(grade)
    return Handbook(
        [row["text"] for row in passages], [row["text"] for row in questions], relevance
    )


def tokens(text: str) -> list[str]:
    """Lower-case words; of a run of Chinese characters, each and every two neighbours."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    for run in _HAN.findall(text):
        words += [*run, *(run[i : i + 2] for i in range(len(run) - 1))]
    return words
