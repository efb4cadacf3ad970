"""What an exercise is written in: probes, fixtures, known-wrong and other right answers.

A *check* is a claim with a probe: a function whose arguments are fixtures and names that the
learner defines, and which returns an observation (plain data) and asserts nothing. The judge
compares observations; nothing here knows what is right.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autograder.evidence.calls import was_reached
from autograder.evidence.observations import Data
from autograder.exercise.criteria import Property, Tolerance
from autograder.language import Text

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Answer = TypeVar("_Answer", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Check:
    """A claim and the probe that gathers evidence for it.

    Attributes
    ----------
    learner
        Names among the probe's arguments that the learner must define. The first decides to
        which task the check belongs.
    close
        How near the reference's observation counts as equal. With ``expect`` it only tells how
        near to a misconception's observation counts as that misconception.
    rests_on
        Names whose answers this one may be built on. The reference takes them as keyword
        arguments of the same names, so that an answer which is right *given* a diagnosed
        mistake in one of them is recognised and not counted against the learner twice.
    weight
        Share of the task's points, relative to its other checks.
    costly
        The probe trains, or waits for long: of the misconceptions, only those that name it in
        ``caught_by`` are run through it. The others are recognised by the task's other checks. The
        reference is built on a mistake in `rests_on` only for a learner who has it; where a
        property is asked that is then out of reach, and all else of the task is right, it counts.
    """

    name: str
    claim: Text
    function: Callable[..., Any]
    close: Tolerance
    expect: Property | None = None
    rests_on: tuple[str, ...] = ()
    weight: float = 1.0
    costly: bool = False
    learner: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the probe's arguments, in order."""
        return parameters(self.function)


@dataclass(frozen=True, slots=True)
class Answer:
    """A known answer: a misconception (`wrong`) or another valid style (`right`).

    Attributes
    ----------
    stands_for
        The learner's name in whose place it is put.
    text
        The misconception, or the style, in both languages.
    step
        For a misconception, the one step to take next; may be empty.
    caught_by
        For a misconception, the check that must fail with it.
    errata
        For a misconception, the documented mistakes that it is, such as ``"E015"``; the lesson
        tells of each.
    looks_like
        Predicate over the observation of ``caught_by``, for answers that never yield the same
        numbers twice; ``None`` means that equal observations tell.
    """

    name: str
    stands_for: str
    text: Text
    value: Callable[..., Any]
    step: Text = field(default_factory=lambda: {"en": "", "zh": ""})
    caught_by: str = ""
    errata: tuple[str, ...] = ()
    looks_like: Callable[[Data], bool] | None = None


@dataclass(frozen=True, slots=True)
class Fixture:
    function: Callable[..., Any]


def check(
    claim: str,
    *,
    zh: str,
    close: float | Tolerance | None = None,
    expect: Property | None = None,
    rests_on: tuple[str, ...] = (),
    weight: float = 1.0,
    costly: bool = False,
) -> Callable[[_Function], _Function]:
    """Declare a probe.

    Parameters
    ----------
    claim, zh
        One sentence, in English and in Chinese, that is true of a right answer.
    close
        Absolute tolerance, or one made by `relative`. Required unless `expect` is given.
    expect
        Property of a valid observation, where many are valid.
    rests_on, weight, costly
        See `Check`.
    """
    if close is None and expect is None:
        raise TypeError("a check states close= or expect=")
    tolerance = close if isinstance(close, Tolerance) else Tolerance(close or 0.0)
    text: Text = {"en": claim, "zh": zh}

    def decorate(function: _Function) -> _Function:
        made = Check(function.__name__, text, function, tolerance, expect, rests_on, weight, costly)
        function.__touchstone__ = made  # type: ignore[attr-defined]
        return function

    return decorate


def fixture(function: _Function) -> _Function:
    """Declare a fixture: data that probes ask for by the function's name.

    It is made once a process and each probe gets a copy, unless it depends on ``rng``.
    """
    function.__touchstone__ = Fixture(function)  # type: ignore[attr-defined]
    return function


def wrong(
    stands_for: str,
    misconception: str,
    *,
    zh: str,
    caught_by: str,
    errata: tuple[str, ...] = (),
    step: str = "",
    step_zh: str = "",
    looks_like: Callable[[Data], bool] | None = None,
) -> Callable[[_Answer], _Answer]:
    """Declare a known-wrong answer; see `Answer` for the parameters.

    `misconception` says what the learner seems to have done, `step` what to do next.
    """
    text: Text = {"en": misconception, "zh": zh}
    steps: Text = {"en": step, "zh": step_zh}

    def decorate(value: _Answer) -> _Answer:
        value.__touchstone__ = Answer(  # type: ignore[attr-defined]
            value.__name__, stands_for, text, value, steps, caught_by, errata, looks_like
        )
        return value

    return decorate


def right(stands_for: str, style: str, *, zh: str = "") -> Callable[[_Answer], _Answer]:
    """Declare another valid answer, which must pass every check."""
    text: Text = {"en": style, "zh": zh or style}

    def decorate(value: _Answer) -> _Answer:
        value.__touchstone__ = Answer(value.__name__, stands_for, text, value)  # type: ignore[attr-defined]
        return value

    return decorate


def outcome_of(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Data:
    """Call and return ``{"returned": value}`` or ``{"raised": name}``, for claims about errors.

    What is not started, or could not even be called, is raised on: that is no answer.
    """
    try:
        return {"returned": function(*arguments, **keywords)}
    except NotImplementedError:
        raise
    except Exception as error:
        if not was_reached(error.__traceback__):
            raise
        return {"raised": _public_name(error)}


def _public_name(error: Exception) -> str:
    """The builtin class that a caller would catch, so that subclasses count as it."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")


@functools.lru_cache(maxsize=1024)
def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's parameters; asked for at every probe, and slow to find out."""
    return tuple(inspect.signature(function).parameters)
