"""What an exercise is written in: probes, fixtures, known-wrong and other right answers.

A *check* is a claim with a probe: a function whose arguments are fixtures and names that the
learner defines, and which returns an observation (plain data) and asserts nothing. The judge
compares observations; nothing here knows what is right.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from autograder.catalog import Exercise, Text
from autograder.criteria import Property as Property
from autograder.criteria import Tolerance as Tolerance
from autograder.criteria import at_least as at_least
from autograder.criteria import at_most as at_most
from autograder.criteria import relative as relative
from autograder.criteria import sums_to as sums_to
from autograder.criteria import that as that
from autograder.observations import Data

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Answer = TypeVar("_Answer", bound=Callable[..., Any])
Part: TypeAlias = Literal["checks", "reference", "wrong", "right"]

BUILTIN_FIXTURES = ("rng", "torch_rng")


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
        ``caught_by`` are run through it. The others are recognised by the task's other checks.
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
        return _parameters(self.function)


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
    looks_like: Callable[[Data], bool] | None = None


@dataclass(frozen=True, slots=True)
class _Fixture:
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
    function.__touchstone__ = _Fixture(function)  # type: ignore[attr-defined]
    return function


def wrong(
    stands_for: str,
    misconception: str,
    *,
    zh: str,
    caught_by: str,
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
            value.__name__, stands_for, text, value, steps, caught_by, looks_like
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
        was_called = error.__traceback__ is not None and error.__traceback__.tb_next is not None
        if not was_called:
            raise
        return {"raised": _public_name(error)}


def _public_name(error: Exception) -> str:
    """The builtin class that a caller would catch, so that subclasses count as it."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")


class Suite:
    """The checks and fixtures of one exercise.

    Parameters
    ----------
    exercise
        Whose ``checks.py`` to load.
    secret
        Mixed into every seed, so that a teacher's tests differ from the visible ones.
    """

    def __init__(self, exercise: Exercise, secret: str = "") -> None:
        module = load(exercise, "checks")
        marks = _marks(module)
        self.exercise = exercise
        self._secret = secret
        self._fixtures = {mark.function.__name__: mark for mark in marks if type(mark) is _Fixture}
        self._made: dict[str, Any] = {}
        known = {*self._fixtures, *BUILTIN_FIXTURES}
        self.checks: dict[str, Check] = {}
        for mark in marks:
            if isinstance(mark, Check):
                learner = tuple(name for name in mark.arguments if name not in known)
                self.checks[mark.name] = replace(mark, learner=learner)

    def with_secret(self, secret: str) -> Suite:
        """The same suite with other seeds; what was made without a seed is shared."""
        other = copy.copy(self)
        other._secret = secret
        return other

    def of_task(self, name: str) -> list[Check]:
        """The checks that belong to the task called `name`, in the order written."""
        task_of = self.exercise.task_of
        return [
            check
            for check in self.checks.values()
            if check.learner and task_of[check.learner[0]].name == name
        ]

    def seed(self, check: str) -> int:
        """The seed of a check: a function of its name and of the secret alone."""
        text = f"{self.exercise.slug}/{check}\0{self._secret}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def fixture(self, name: str, check: str) -> Any:
        """The value of a fixture for `check`, which the caller may change as it likes."""
        if name == "rng":
            return np.random.default_rng(self.seed(check))
        if name == "torch_rng":
            import torch

            return torch.Generator().manual_seed(self.seed(check))
        function = self._fixtures[name].function
        needs = _parameters(function)
        if self._is_random(name):
            return function(*(self.fixture(need, check) for need in needs))
        if name not in self._made:
            self._made[name] = function(*(self.fixture(need, check) for need in needs))
        return copy.deepcopy(self._made[name])

    def is_fixture(self, name: str) -> bool:
        """Whether `name` is a fixture rather than a name that the learner defines."""
        return name in self._fixtures or name in BUILTIN_FIXTURES

    def prepare(self) -> None:
        """Make every fixture that can be shared, before any learner's code runs."""
        for name in self._fixtures:
            if not self._is_random(name):
                self.fixture(name, "")

    def _is_random(self, name: str) -> bool:
        if name in BUILTIN_FIXTURES:
            return True
        needs = _parameters(self._fixtures[name].function)
        return any(self._is_random(need) for need in needs)


@functools.lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's parameters; asked for at every probe, and slow to find out."""
    return tuple(inspect.signature(function).parameters)


def answers(exercise: Exercise, part: Literal["wrong", "right"]) -> list[Answer]:
    """The known-wrong or other right answers of an exercise, in the order written."""
    return [mark for mark in _marks(load(exercise, part)) if isinstance(mark, Answer)]


def references(exercise: Exercise) -> dict[str, Any]:
    """The oracle's answer for every name that a learner must define."""
    module = load(exercise, "reference")
    return {name: getattr(module, name) for name in exercise.task_of}


def load(exercise: Exercise, part: Part) -> ModuleType:
    """Import one part of an exercise as ``autograder.course.<slug>.<part>``."""
    package = f"autograder.course.{exercise.slug.replace('-', '_')}"
    loaded = sys.modules.get(package)
    if loaded is None or list(loaded.__path__) != [str(exercise.folder)]:
        for name in [name for name in sys.modules if name.startswith(package + ".")]:
            del sys.modules[name]
        loaded = ModuleType(package)
        loaded.__path__ = [str(exercise.folder)]
        sys.modules[package] = loaded
    return importlib.import_module(f"{package}.{part}")


def _marks(module: ModuleType) -> list[Any]:
    """What the decorators left on a module's own functions, in the order written."""
    marks = []
    for value in vars(module).values():
        mark = getattr(value, "__dict__", {}).get("__touchstone__")
        if mark is not None and getattr(value, "__module__", None) == module.__name__:
            marks.append(mark)
    return marks
