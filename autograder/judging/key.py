"""The answer key: what the reference, known mistakes and what is built on them yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.evidence.observations import Outcome
from autograder.language import Text

Label = tuple[str, ...]
YOURS = ("yours",)
"""Begins the labels of what the reference makes of a learner's own functions, named after it."""


@dataclass(frozen=True, slots=True)
class Misconception:
    """What the judge needs to know of a known-wrong answer."""

    name: str
    stands_for: str
    text: Text
    step: Text
    caught_by: str
    errata: tuple[str, ...] = ()
    looks_like: Any = None


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What the reference and the misconceptions yield for every check of an exercise.

    Attributes
    ----------
    outcomes
        By check, then by label: ``()`` is the reference, ``("name",)`` a misconception; other
        labels are right answers built on the misconceptions named, or, after `YOURS`, on the
        learner's own functions named.
    """

    outcomes: Mapping[str, Mapping[Label, Outcome]]
    misconceptions: Mapping[str, Misconception]
