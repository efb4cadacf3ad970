"""Calls of a learner's function, noted while a probe runs.

A note is text, written before the call: the function may change what it is given, and what it is
given may be large. A probe gets the function in a thin shell that behaves like it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FunctionType, MethodType, TracebackType
from typing import Any

import numpy as np

from autograder.evidence.contents import content
from autograder.evidence.observations import Data, Outcome
from autograder.evidence.reprs import call_text

MOST = 32
"""Calls that are noted; of more, only one that raises."""


@dataclass(slots=True)
class Noted:
    """One call as text, and what came out of it as `content` tells it, unless it raised."""

    text: str
    came_out: str = ""
    raised: bool = False


class Calls:
    """Notes the calls that a probe makes of one function."""

    def __init__(self) -> None:
        self._noted: list[Noted] = []
        self._count = 0
        self._stopped: Noted | None = None

    def watched(self, name: str, function: Any) -> Any:
        """`function` in a shell that notes calls under `name`; what is no function, as it is."""
        if type(function) is not FunctionType:
            return function
        return Shell(function, functools.partial(self.call, name))

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        """Call and note it."""
        __tracebackhide__ = True
        self._count += 1
        noted = None
        if self._count <= MOST:
            noted = Noted(call_text(name, arguments, keywords))
            self._noted.append(noted)
        try:
            value = function(*arguments, **keywords)
        except BaseException:
            noted = noted or Noted(call_text(name, arguments, keywords))
            noted.raised = True
            self._stopped = noted
            raise
        if noted is not None:
            noted.came_out = content(value)
        self._stopped = None
        return value

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome, with the calls that it came from.

        All of them where it has one entry for each; else the one that raised, or that the probe
        could do nothing with; else the first, and how many there were.
        """
        if not self._noted or outcome.kind not in _TOLD:
            return outcome
        if outcome.kind != "value":
            last = self._stopped or (self._noted[-1] if self._count <= MOST else None)
            return replace(outcome, calls=(last.text,), called=1) if last else outcome
        if self._is_entries(outcome.value):
            texts = tuple(noted.text for noted in self._noted)
            return replace(outcome, calls=texts, called=self._count)
        return replace(outcome, calls=(self._noted[0].text,), called=self._count)

    def _is_entries(self, value: Data) -> bool:
        """Whether each entry of an observation is what came out of one call, in their order."""
        found = entries(value, self._count)
        return len(found) == len(self._noted) > 1 and all(map(_is_from, found, self._noted))


_TOLD = ("value", "raised", "unfit", "timeout", "memory")


def _is_from(entry: Data, noted: Noted) -> bool:
    """Whether `entry` is what came out of a call, as it is or as `outcome_of` says it."""
    if type(entry) is dict and len(entry) == 1:
        if noted.raised:
            return "raised" in entry
        entry = entry.get("returned", entry)
    return not noted.raised and noted.came_out != "" and content(entry) == noted.came_out


def entries(value: Data, count: int) -> list[Data]:
    """The entries of an observation, if it has `count` of them; else none."""
    if type(value) is dict and len(value) == count:
        return list(value.values())
    if type(value) is list and len(value) == count:
        return value
    if type(value) is np.ndarray and value.shape[:1] == (count,):
        return value.tolist() if value.ndim == 1 else list(value)
    return []


Call = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class Shell:
    """A function whose calls go through another one; in all else it is as the function.

    It is a function to `isinstance` and `inspect`, becomes a method where a function would, and
    is pickled as the function itself, by its name.
    """

    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], call: Call) -> None:
        functools.update_wrapper(self, function)
        self.__dict__["__touchstone_call__"] = call

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return FunctionType

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True
        return self.__dict__["__touchstone_call__"](self.__wrapped__, arguments, keywords)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.__wrapped__,)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


_OURS = (Shell.__call__.__code__, Calls.call.__code__)


def was_reached(traceback: TracebackType | None) -> bool:
    """Whether an exception came from inside the function that the first frame called."""
    inner = traceback.tb_next if traceback is not None else None
    while inner is not None and inner.tb_frame.f_code in _OURS:
        inner = inner.tb_next
    return inner is not None
