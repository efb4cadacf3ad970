"""When an observation counts as right: within a tolerance of the reference's, or by a property."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

from autograder.evidence.observations import Data
from autograder.language import Text


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart: ``|a - b| <= absolute + relative * |b|``."""

    absolute: float = 0.0
    relative: float = 0.0


def relative(tolerance: float, *, absolute: float = 0.0) -> Tolerance:
    """Tolerance in proportion to the reference's number."""
    return Tolerance(absolute, tolerance)


@dataclass(frozen=True, slots=True)
class Property:
    """A property that a valid observation has, where many observations are valid.

    Attributes
    ----------
    holds
        Predicate over the observation and the reference's observation. An exception in it
        means that the observation has not the form that was asked for, and counts as no.
    text
        The property in words, such as "at least 0.9".
    """

    holds: Callable[[Data, Data], bool]
    text: Text

    def __call__(self, observed: Data, reference: Data) -> bool:
        try:
            return bool(self.holds(observed, reference))
        except Exception:
            return False


def _number(value: Data) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("not a number")
    return float(value)


def at_least(bound: float) -> Property:
    """The observation is a number of at least `bound`."""
    text: Text = {"en": f"at least {bound:g}", "zh": f"不低于 {bound:g}"}
    return Property(lambda seen, _: _number(seen) >= bound, text)


def at_most(bound: float) -> Property:
    """The observation is a number of at most `bound`."""
    text: Text = {"en": f"at most {bound:g}", "zh": f"不高于 {bound:g}"}
    return Property(lambda seen, _: _number(seen) <= bound, text)


def sums_to(total: float, *, close: float) -> Property:
    """The observation is a sequence of finite numbers whose sum is `total` within `close`."""
    text: Text = {"en": f"sums to {total:g}", "zh": f"总和为 {total:g}"}

    def holds(seen: Data, _: Data) -> bool:
        return math.isclose(math.fsum(map(_number, seen)), total, rel_tol=0, abs_tol=close)

    return Property(holds, text)


def that(en: str, *, zh: str) -> Callable[[Callable[..., bool]], Property]:
    """Make a property of a predicate over the observation, or over it and the reference's."""

    def decorate(predicate: Callable[..., bool]) -> Property:
        if len(inspect.signature(predicate).parameters) == 1:
            return Property(lambda seen, _: predicate(seen), {"en": en, "zh": zh})
        return Property(predicate, {"en": en, "zh": zh})

    return decorate
