"""Declaring a relation by a function of what is right, or of a part of two observations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from autograder.exercise.criteria import Tolerance
from autograder.judging.relations._finding import Marks, Relation, Weighs
from autograder.judging.relations._parts import Array, Part, as_array, telling
from autograder.language import Text

Changed = Callable[[Array], Array]
Candidates = Callable[[Array], Iterable[Array]]

# Computed another way than the reference, in float32.
_RELATIVE = 1e-5


def relation(
    en: str,
    *,
    zh: str,
    step: Text,
    marks: Marks | None = None,
    varies: bool = False,
    near: bool = False,
) -> Callable[[Callable[[Part, Tolerance], float]], Relation]:
    """Declare a relation by how much a part that differs speaks for it."""
    text: Text = {"en": en, "zh": zh}

    def decorate(weighs: Weighs) -> Relation:
        return Relation(f"relation.{weighs.__name__}", text, step, weighs, marks, varies, near)

    return decorate


def each_number(en: str, *, zh: str, step: Text) -> Callable[[Changed], Relation]:
    """Declare a relation by what became of each number."""

    def decorate(change: Changed) -> Relation:
        def weighs(part: Part, close: Tolerance) -> float:
            seen, right = as_array(part.seen), as_array(part.right)
            if seen is None or right is None or seen.shape != right.shape:
                return 0.0
            with np.errstate(all="ignore"):
                changed = change(right)
            return telling(right) if alike(seen, changed, close) else 0.0

        weighs.__name__ = change.__name__
        return relation(en, zh=zh, step=step)(weighs)

    return decorate


def whole_array(en: str, *, zh: str, step: Text) -> Callable[[Candidates], Relation]:
    """Declare a relation by the arrays that may have become of one array."""

    def decorate(candidates: Candidates) -> Relation:
        def weighs(part: Part, close: Tolerance) -> float:
            seen, right = as_array(part.seen), as_array(part.right)
            if seen is None or right is None:
                return 0.0
            with np.errstate(all="ignore"):
                fits = any(alike(seen, c, close) for c in candidates(right))
            return telling(right) if fits else 0.0

        weighs.__name__ = candidates.__name__
        return relation(en, zh=zh, step=step)(weighs)

    return decorate


def alike(seen: Array, other: Array, close: Tolerance) -> bool:
    """Whether two arrays have one shape and the same numbers."""
    if seen.shape != other.shape or not seen.size:
        return False
    return bool(
        np.allclose(
            seen, other, rtol=max(close.relative, _RELATIVE), atol=min(close.absolute, 1e-4),
            equal_nan=True,
        )
    )  # fmt: skip
