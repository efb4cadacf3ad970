"""Taking two observations apart, side by side, down to what can be compared as a whole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from autograder.evidence.observations import Data
from autograder.exercise.criteria import Tolerance
from autograder.judging.comparing import equal, numbers

Array: TypeAlias = np.ndarray[Any, Any]

_MOST_PARTS = 500
_ROUGHLY = Tolerance(absolute=1e-3, relative=1e-2)


@dataclass(frozen=True, slots=True)
class Part:
    """What came out and what is right at one place of an observation.

    Attributes
    ----------
    place
        The keys that lead there; numbers of elements are left out.
    seen, right
        Numbers in an array or alone, text, a list whose parts do not correspond, and so on.
    """

    place: tuple[str, ...]
    seen: Data
    right: Data


def parts(seen: Data, right: Data) -> list[Part]:
    """The corresponding parts of two observations: as far down as both are built alike."""
    found = []
    for part in _descend((), seen, right):
        found.append(part)
        if len(found) == _MOST_PARTS:
            break
    return found


def _descend(place: tuple[str, ...], seen: Data, right: Data) -> Iterator[Part]:
    if isinstance(seen, dict) and isinstance(right, dict) and seen.keys() == right.keys():
        for key in right:
            yield from _descend((*place, str(key)), seen[key], right[key])
    elif _are_containers(seen, right) and len(seen) == len(right) and not _exchanged(seen, right):
        for one, other in zip(seen, right, strict=True):
            yield from _descend(place, one, other)
    else:
        yield Part(place, seen, right)


def _are_containers(seen: Data, right: Data) -> bool:
    """Whether both are lists of something else than of numbers alone, which are one vector."""
    if not (isinstance(seen, list) and isinstance(right, list)):
        return False
    return as_array(right) is None or as_array(seen) is None


def _exchanged(seen: list[Data], right: list[Data]) -> bool:
    """Whether a few parts correspond in another order than that in which they stand."""
    if len(right) not in (2, 3, 4) or equal(seen, right, _ROUGHLY):
        return False
    return any(equal(seen, list(order), _ROUGHLY) for order in itertools.permutations(right))


def as_array(data: Data) -> Array | None:
    """Numbers, alone or nested evenly, as an array of float64; ``None`` if it is anything else."""
    if isinstance(data, np.ndarray):
        return data.astype(np.float64) if data.dtype.kind in "biuf" else None
    if isinstance(data, (bool, int, float)):
        return np.asarray(float(data))
    if not isinstance(data, list) or not data or not _is_even(data):
        return None
    array = numbers(data)
    return None if array is None else array.astype(np.float64)


def _is_even(data: list[Data]) -> bool:
    """Whether a list holds numbers only, or lists and arrays of one length only."""
    kinds = {type(item) for item in data}
    if kinds <= {bool, int, float}:
        return True
    if not kinds <= {list, np.ndarray}:
        return False
    return len({i.shape[:1] if isinstance(i, np.ndarray) else (len(i),) for i in data}) == 1


def telling(right: Array) -> float:
    """How hard it is to hit these numbers by chance, in numbers with a fraction of many digits.

    Truth values and small whole numbers say little, and the same number twice says nothing new.
    """
    values = np.unique(right[np.isfinite(right)])[:64]
    total = 0.0
    for value in values.tolist():
        if value != round(value):
            total += 1.0
        elif abs(value) > 1:
            total += min(1.0, math.log10(abs(value) + 1) / 3)
    return total


def is_nearly(part: Part) -> bool:
    """Whether the numbers of a part are right but for their last digits."""
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape or not right.size:
        return False
    # As against the largest of them: among tiny numbers nothing is near for being tiny.
    largest = np.abs(right[np.isfinite(right)]).max(initial=0.0)
    return bool(np.allclose(seen, right, rtol=1e-4, atol=1e-6 * largest, equal_nan=True))


def fingerprint(data: Data) -> tuple[float, ...]:
    """Tells some numbers from others, but not the forms that they come in."""
    array = as_array(data)
    if array is None:
        return (math.nan,)
    return tuple(round(value, 4) for value in array.ravel()[:16].tolist())
