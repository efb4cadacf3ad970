"""Calls of a learner's functions at inputs that the grader wants to know of.

A check that rests on other names is right if it is what the reference makes of the learner's own
results for those names. The reference stays outside of the process in which they are computed: it
says what it needs, gets plain data, and goes on.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.engine.lending import borrowed, is_generator, lent, set_state, state
from autograder.engine.probing import Locate, one_line, run_call
from autograder.evidence.observations import Data, Outcome, Unfit
from autograder.evidence.packing import pack
from autograder.evidence.values import from_values, to_values

_NUMBERS = (bool, int, float, np.number)
MAX_CALLS, MAX_BYTES = 6000, 4 * 2**20
"""Of one check, and of one round: they travel in one frame, and so do their results."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of the learner's functions; ``values`` are its arguments, as plain data."""

    name: str
    values: Data

    @property
    def key(self) -> bytes:
        """Tells this call from others."""
        return pack([self.name, self.values])


Answers = Mapping[bytes, Outcome]
"""What calls came to, by their keys."""
Ask = Callable[[Sequence[Call]], list[Outcome]]
"""Has the learner's functions called; the outcomes are in the order of the calls."""


def called(
    call: Call,
    names: Mapping[str, Any],
    *,
    seconds: float,
    clock: float | None = None,
    gradients: bool = True,
    locate: Locate = lambda _: ("", ""),
) -> Outcome:
    """What a call comes to with the learner's `names`, its result as `to_values` has it."""
    generators = _Generators()
    try:
        arguments, keywords = from_values(call.values, generators.borrowed)
    except Exception as error:
        return Outcome(call.name, "internal", error=type(error).__name__, message=one_line(error))

    def run() -> Data:
        result, drawn = to_values(names[call.name](*arguments, **keywords)), generators.found
        # The caller goes on drawing from where this left off.
        return {"result": result, "states": [*map(state, drawn)]} if drawn else result

    return run_call(
        call.name, run, seconds=seconds, clock=clock, gradients=gradients,
        locate=locate,
    )  # fmt: skip


@dataclass
class Stand:
    """Stands for one of the learner's functions: answers as it did, and notes what it was asked.

    Where it does not know yet, the reference answers, so that one round finds most of the calls.
    """

    name: str
    answers: Answers
    reference: Callable[..., Any]
    wanted: dict[bytes, Call] = field(default_factory=dict)
    numbers: dict[bytes, Any] = field(default_factory=dict)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        generators = _Generators()
        call = Call(self.name, to_values((arguments, keywords), generators.lent))
        key = call.key
        outcome = self.answers.get(key)
        if outcome is None:
            self.wanted[key] = call
            return self._meanwhile(key, generators, arguments, keywords)
        if outcome.kind == "value":
            result, states = _used(outcome.value)
            for generator, stood in zip(generators.found, states, strict=True):
                set_state(generator, stood)
            return from_values(result)
        if outcome.kind == "raised":
            raise _exception(outcome.error)(outcome.message)
        raise Unfit("type", outcome.kind)

    def _meanwhile(
        self, key: bytes, generators: _Generators, given: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """What the reference answers; numbers once, for the same is asked time and again."""
        if key in self.numbers:
            return self.numbers[key]
        answer = self.reference(*given, **named)
        parts = answer if type(answer) is tuple else (answer,)
        if not generators.found and all(isinstance(part, _NUMBERS) for part in parts):
            self.numbers[key] = answer
        return answer

    def asked(self) -> list[Call]:
        """The calls that were not known since this was asked for last."""
        found = list(self.wanted.values())
        self.wanted.clear()
        return found


@dataclass
class _Generators:
    """The generators among the arguments of a call, in order, on either side."""

    found: list[Any] = field(default_factory=list)

    def lent(self, value: object) -> Data:
        self._note(value)
        return lent(value)

    def borrowed(self, told: Data) -> Any:
        value = borrowed(told)
        self._note(value)
        return value

    def _note(self, value: object) -> None:
        if is_generator(value):
            self.found.append(value)


def _used(value: Data) -> tuple[Data, list[Data]]:
    """A call's result, and where the generators stood after it."""
    match value:
        case {"result": result, "states": [*states]}:
            return result, states
    return value, []


def _exception(name: str) -> type[Exception]:
    """The builtin exception of a name, or one of our own that is called so."""
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception):
        return known
    return type(name if name.isidentifier() else "Exception", (Exception,), {})


def few_enough(calls: Iterable[Call]) -> list[Call]:
    """The first of `calls`, as many as one round has room for; the others come in the next."""
    found: list[Call] = []
    room = MAX_BYTES
    for call in calls:
        room -= len(call.key)
        if room < 0:
            break
        found.append(call)
    return found


def to_build_on(calls: Iterable[Call], answers: Answers, sound: Collection[str]) -> set[str]:
    """Names of functions whose results something can be built on.

    Not one that answers every call alike: what rests on it would be as constant, and a lazy answer
    would gain by it. One that was called once, or raises whenever it was called, has to be `sound`
    elsewhere. Nor one of which a result cannot be had: too slow, no data, or not written yet.
    """
    results: dict[str, dict[bytes, bytes]] = {}
    lost = set()
    for call in calls:
        outcome, found = answers[call.key], results.setdefault(call.name, {})
        if outcome.kind == "value":
            found[pack(_told_apart(call.values))] = pack(_used(outcome.value)[0])
        elif outcome.kind != "raised":
            lost.add(call.name)
    return {
        name for name, found in results.items()
        if name not in lost
        and (len(set(found.values())) > 1 or (len(found) < 2 and name in sound))
    }  # fmt: skip


def _told_apart(values: Data) -> Data:
    """Arguments without what is lent: a tokenizer that was used since is no other argument."""
    match values:
        case {"lent": _}:
            return None
        case dict():
            return {kind: _told_apart(part) for kind, part in values.items()}
        case list():
            return [_told_apart(part) for part in values]
    return values
