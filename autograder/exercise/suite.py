"""An exercise's parts, found in its folder: checks with their fixtures and seeds, and answers."""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np

from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Answer, Check, Fixture, parameters

Part: TypeAlias = Literal["checks", "reference", "wrong", "right"]

BUILTIN_FIXTURES = ("rng", "torch_rng")


class Suite:
    """The checks and fixtures of one exercise.

    Parameters
    ----------
    exercise
        Whose ``checks.py`` to load.
    salt
        Mixed into every seed, so that a teacher's tests differ from the visible ones: what `salted`
        makes of their secret.
    """

    def __init__(self, exercise: Exercise, salt: str = "") -> None:
        module = load(exercise, "checks")
        marks = _marks(module)
        self.exercise = exercise
        self._salt = salt
        self._fixtures = {mark.function.__name__: mark for mark in marks if type(mark) is Fixture}
        self._made: dict[str, Any] = {}
        known = {*self._fixtures, *BUILTIN_FIXTURES}
        self.checks: dict[str, Check] = {}
        for mark in marks:
            if isinstance(mark, Check):
                learner = tuple(name for name in mark.arguments if name not in known)
                self.checks[mark.name] = replace(mark, learner=learner)

    def with_salt(self, salt: str) -> Suite:
        """The same suite with other seeds; what was made without a seed is shared."""
        other = copy.copy(self)
        other._salt = salt
        return other

    def of_task(self, name: str) -> list[Check]:
        """The checks that belong to the task called `name`, in the order written."""
        task_of = self.exercise.task_of
        return [
            check
            for check in self.checks.values()
            if check.learner and task_of[check.learner[0]].name == name
        ]

    def names_of(self, task: str) -> frozenset[str]:
        """What the task's checks take of the learner's, and what they rest on, at any depth."""
        checks = self.of_task(task)
        return frozenset(name for check in checks for name in check.learner).union(
            *map(self.names_below, checks)
        )

    def names_below(self, check: Check) -> frozenset[str]:
        """What a check rests on: the names that it says, those that they rest on, and so on."""
        found = list(check.rests_on)
        for name in found:
            task = self.exercise.task_of.get(name)
            for other in self.of_task(task.name) if task else ():
                if name in other.learner:
                    found += [below for below in other.rests_on if below not in found]
        return frozenset(found)

    def seed(self, check: str) -> int:
        """The seed of a check: a function of its name and of the salt alone."""
        text = f"{self.exercise.slug}/{check}\0{self._salt}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def fixture(self, name: str, check: str) -> Any:
        """The value of a fixture for `check`, which the caller may change as it likes."""
        if name == "rng":
            return np.random.default_rng(self.seed(check))
        if name == "torch_rng":
            import torch

            return torch.Generator().manual_seed(self.seed(check))
        if self.is_drawn(name):
            return self._make(name, check)
        return copy.deepcopy(self._shared(name))

    def is_fixture(self, name: str) -> bool:
        """Whether `name` is a fixture rather than a name that the learner defines."""
        return name in self._fixtures or name in BUILTIN_FIXTURES

    def prepare(self, names: Iterable[str] | None = None) -> None:
        """Make what can be shared of the fixtures called `names`, or of all.

        Before any learner's code runs, and before a seed is set: making one may draw numbers.
        """
        for name in self._shareable(self._fixtures if names is None else names):
            self._shared(name)

    def is_prepared(self, names: Iterable[str]) -> bool:
        """Whether `prepare` would find nothing left to make."""
        return all(name in self._made for name in self._shareable(names))

    def _shareable(self, names: Iterable[str]) -> Iterator[str]:
        """Those of the fixtures called `names` that need no seed, and those that others need."""
        for name in names:
            if name in self._fixtures and self.is_drawn(name):
                yield from self._shareable(parameters(self._fixtures[name].function))
            elif name in self._fixtures:
                yield name

    def _shared(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name, "")
        return self._made[name]

    def _make(self, name: str, check: str) -> Any:
        function = self._fixtures[name].function
        return function(*(self.fixture(need, check) for need in parameters(function)))

    def is_drawn(self, name: str) -> bool:
        """Whether a fixture depends on the seed of the check that asks for it."""
        if name in BUILTIN_FIXTURES:
            return True
        needs = parameters(self._fixtures[name].function)
        return any(self.is_drawn(need) for need in needs)


@functools.lru_cache(maxsize=64)
def salted(secret: str, slug: str) -> str:
    """What of a teacher's secret the processes get in which submissions run; ``""`` of none.

    A submission can read all that its process holds. From this it learns the seeds of its own
    exercise and of no other, and not the secret, for which a guess takes some 50 ms to try: other
    classes may have the same one, and a short one would be found from a plain hash.

    Reference: `hashlib.scrypt`, RFC 7914.
    """
    if not secret:
        return ""
    salt = f"touchstone/{slug}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


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
        for name in [name for name in list(sys.modules) if name.startswith(package + ".")]:
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
