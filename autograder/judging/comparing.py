"""Comparing what was observed, and writing it down for a person."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from autograder.evidence.observations import Data, Outcome
from autograder.exercise.criteria import Tolerance

_QUOTED = re.compile(r"'[^']*'")
_WORDS = re.compile(r"[a-z]+")


def same(seen: Outcome, other: Outcome, close: Tolerance) -> bool:
    """Whether two outcomes are alike: equal observations, or exceptions that say the same."""
    if seen.kind != other.kind:
        return False
    if seen.kind == "value":
        return equal(seen.value, other.value, close)
    return seen.kind == "raised" and seen.error == other.error and _alike(seen, other)


def _alike(seen: Outcome, other: Outcome) -> bool:
    """Whether two exceptions of one class say the same, but for numbers and turns of phrase.

    What is quoted in them, such as the name of an attribute, has to be the very same.
    """
    if _QUOTED.findall(seen.message) != _QUOTED.findall(other.message):
        return False
    words, others = (set(_WORDS.findall(o.message.lower())) for o in (seen, other))
    return len(words & others) >= len(words | others) / 2


def equal(observed: Data, reference: Data, close: Tolerance) -> bool:
    """Whether two observations are equal within a tolerance.

    Numbers compare as numbers whether Python's or NumPy's; sequences and arrays element by
    element, with equal lengths; NaN equals NaN only; text and ``None`` exactly. A boolean is the
    number 0 or 1: a mask of either kind says the same.
    """
    if isinstance(observed, np.ndarray) or isinstance(reference, np.ndarray):
        return _equal_arrays(observed, reference, close)
    if isinstance(reference, dict) or isinstance(observed, dict):
        return (
            isinstance(reference, dict)
            and isinstance(observed, dict)
            and observed.keys() == reference.keys()
            and all(equal(observed[name], reference[name], close) for name in reference)
        )
    if isinstance(reference, list) or isinstance(observed, list):
        return (
            isinstance(reference, list)
            and isinstance(observed, list)
            and len(observed) == len(reference)
            and all(map(lambda a, b: equal(a, b, close), observed, reference))
        )
    if isinstance(reference, (int, float)) and isinstance(observed, (int, float)):
        return _equal_numbers(float(observed), float(reference), close)
    return type(observed) is type(reference) and bool(observed == reference)


def _equal_numbers(observed: float, reference: float, close: Tolerance) -> bool:
    if math.isnan(observed) or math.isnan(reference):
        return math.isnan(observed) and math.isnan(reference)
    if math.isinf(observed) or math.isinf(reference):
        return observed == reference
    return abs(observed - reference) <= close.absolute + close.relative * abs(reference)


def _equal_arrays(observed: Data, reference: Data, close: Tolerance) -> bool:
    a, b = numbers(observed), numbers(reference)
    if a is None or b is None or a.shape != b.shape:
        return False
    return bool(
        np.allclose(
            a.astype(np.float64), b.astype(np.float64),
            rtol=close.relative, atol=close.absolute, equal_nan=True,
        )
    )  # fmt: skip


def comparable(seen: Data, reference: Data) -> bool:
    """Whether two observations are of one kind, and the first not far larger than the second.

    Asked before a predicate sees what a submission yielded: that was written with the reference's
    form in mind. Lengths may differ, as those of texts that are drawn; kinds may not.
    """
    return _same_kind(seen, reference) and fits_in_size(seen, reference)


def fits_in_size(seen: Data, reference: Data) -> bool:
    """Whether an observation is not far larger than the reference."""
    return _extent(seen) <= 1000 + 16 * _extent(reference)


def _same_kind(seen: Data, reference: Data) -> bool:
    if isinstance(reference, dict) or isinstance(seen, dict):
        return (
            isinstance(reference, dict)
            and isinstance(seen, dict)
            and all(_same_kind(seen[n], reference[n]) for n in reference.keys() & seen.keys())
        )
    sequences = (list, np.ndarray)
    if isinstance(reference, sequences) or isinstance(seen, sequences):
        return isinstance(reference, sequences) and isinstance(seen, sequences)
    if isinstance(reference, (int, float)) or isinstance(seen, (int, float)):
        return isinstance(reference, (int, float)) and isinstance(seen, (int, float))
    return type(seen) is type(reference)


def _extent(data: Data) -> int:
    """Numbers, characters and containers in an observation."""
    if isinstance(data, np.ndarray):
        return int(data.size) + 1
    if isinstance(data, str):
        return len(data) + 1
    if isinstance(data, dict):
        return 1 + sum(map(_extent, data.values()))
    if isinstance(data, list):
        return 1 + sum(map(_extent, data))
    return 1


def numbers(data: Data) -> np.ndarray[Any, Any] | None:
    """Numbers as an array, be they one or in lists of equal lengths; ``None`` for anything else.

    NumPy is not asked what it makes of text: of a long one among a thousand short ones, gigabytes.
    """
    if isinstance(data, np.ndarray):
        return data if data.dtype.kind in "biuf" else None
    if not _are_numbers(data):
        return None
    try:
        array = np.asarray(data)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" else None


def _are_numbers(data: Data) -> bool:
    """Whether there is nothing else in it, at any depth; a long list of them is soon looked at."""
    if isinstance(data, list):
        return {*map(type, data)} <= {bool, int, float} or all(map(_are_numbers, data))
    if isinstance(data, np.ndarray):
        return data.dtype.kind in "biuf"
    return isinstance(data, (int, float))


def show(data: Data, limit: int = 160) -> str:
    """A short way to write an observation down for a person."""
    text = _show(data)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show(data: Data, budget: int = 12) -> str:
    if isinstance(data, float):
        return repr(data) if math.isfinite(data) and len(repr(data)) <= 8 else f"{data:.6g}"
    if isinstance(data, dict):
        pairs = list(data.items())
        inner = ", ".join(f"{k}: {_show(v, budget // 2)}" for k, v in pairs[:budget])
        return "{" + inner + (", …}" if len(pairs) > budget else "}")
    if isinstance(data, np.ndarray) and data.ndim != 1:
        return f"array {'×'.join(map(str, data.shape))} [{_show(data.ravel(), budget)[1:-1]}]"
    if isinstance(data, (list, np.ndarray)):
        items = data.tolist() if isinstance(data, np.ndarray) else data
        inner = ", ".join(_show(item, max(2, budget // 2)) for item in items[:budget])
        rest = len(items) - budget
        return f"[{inner}, … {rest} more]" if rest > 0 else f"[{inner}]"
    return repr(data)[:200]
