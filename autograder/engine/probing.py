"""Running one probe: its arguments, its limits, and no trace left behind."""

from __future__ import annotations

import contextlib
import gc
import io
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any

from autograder.engine.settings import standard
from autograder.engine.timing import Overtime, deadline
from autograder.engine.used import forbidden_use, names_used
from autograder.evidence.calls import Calls
from autograder.evidence.observations import Outcome, Unfit, to_data, type_name
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite
from autograder.models import is_other

Locate = Callable[[TracebackType | None], tuple[str, str]]
"""Finds the learner's place in a traceback: ``("recall:3", "return tp / 0")``, or empty."""


_NOWHERE: Mapping[str, str] = MappingProxyType({})


def run_probe(
    suite: Suite,
    check: Check,
    names: Mapping[str, Any],
    *,
    seconds: float,
    clock: float | None = None,
    locate: Locate = lambda _: ("", ""),
    rebound: Mapping[str, str] = _NOWHERE,
    calls: Calls | None = None,
) -> Outcome:
    """Run a probe with the learner's `names` and say what it came to.

    Never raises for anything that the learner's code does; errors of our own fixtures give an
    outcome of kind ``internal``.

    Parameters
    ----------
    seconds, clock
        As for `deadline`.
    rebound
        For names that were functions once, the cell that gave them another value.
    calls
        Notes how the probe calls the function that it is about, for the outcome to tell.
    """
    missing = next((name for name in check.learner if name not in names), None)
    if missing is not None:
        return Outcome(check.name, "todo", error=missing)
    task = suite.exercise.task_of[check.learner[0]]
    module = forbidden_use([names[name] for name in check.learner], task.forbidden)
    if module:
        return Outcome(check.name, "forbidden", error=module)
    with _collected():
        return _run_probe(suite, check, names, deadline(seconds, clock), locate, rebound, calls)


@contextlib.contextmanager
def _collected() -> Iterator[None]:
    """With another model, a probe's garbage is collected at its end.

    Models and their hooks hold each other, and a few copies of a large one fill the memory. What
    was there before the probe is set aside, or each look would go through all that libraries hold.
    """
    if not is_other():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()


def _run_probe(
    suite: Suite,
    check: Check,
    names: Mapping[str, Any],
    limit: contextlib.AbstractContextManager[None],
    locate: Locate,
    rebound: Mapping[str, str],
    calls: Calls | None,
) -> Outcome:
    started = time.perf_counter()
    try:
        # Each is made once, and that may draw numbers: not between the seed and the probe.
        if not suite.is_prepared(check.arguments):
            prepare(suite, check.arguments)
    except Exception as error:
        return _internal(check, error)
    gradients = suite.exercise.gradients
    with standard(suite.seed(check.name), gradients=gradients), silence():
        try:
            arguments = {
                name: suite.fixture(name, check.name) if suite.is_fixture(name) else names[name]
                for name in check.arguments
            }
        except Exception as error:
            return _internal(check, error)
        if calls is not None:
            own = check.learner[0]
            arguments[own] = calls.watched(own, arguments[own])
        outcome = _call(check, arguments, limit, locate)
    outcome = calls.told(outcome) if calls is not None else outcome
    outcome = _overwritten(outcome, [names[name] for name in check.learner], names, rebound)
    uses = sorted(_used_below(suite, check, names)) if check.costly else ()
    return replace(outcome, seconds=round(time.perf_counter() - started, 6), uses=tuple(uses))


def _used_below(suite: Suite, check: Check, names: Mapping[str, Any]) -> Collection[str]:
    """The names below a check that the learner's functions use."""
    return suite.names_below(check) & names_used(names[name] for name in check.learner)


def run_call(
    name: str,
    call: Callable[[], Any],
    *,
    seconds: float,
    clock: float | None = None,
    gradients: bool = True,
    locate: Locate = lambda _: ("", ""),
) -> Outcome:
    """Call a function of the learner's as a probe would, and say what it came to."""
    with standard(0, gradients=gradients), silence():
        return _come_to(name, call, deadline(seconds, clock), locate)


def _internal(check: Check, error: Exception) -> Outcome:
    return Outcome(check.name, "internal", error=type(error).__name__, message=one_line(error))


def prepare(suite: Suite, names: Iterable[str] | None = None) -> None:
    """Make what can be shared of fixtures, under the settings that are ours."""
    with standard(0, gradients=suite.exercise.gradients), silence():
        suite.prepare(names)


def _overwritten(
    outcome: Outcome, asked: list[Any], names: Mapping[str, Any], rebound: Mapping[str, str]
) -> Outcome:
    """Where it stopped because a name is no function any more, say which cell did that.

    It is one of the values `asked` for, or one that these call, directly or not.
    """
    is_lost = outcome.error == "callable" or (
        outcome.error == "TypeError" and "not callable" in outcome.message
    )
    if not (is_lost and rebound):
        return outcome
    used = names_used(asked)
    for name, cell in rebound.items():
        value = names.get(name)
        if not callable(value) and (name in used or any(value is one for one in asked)):
            message = f"{name} {type_name(value)} {cell}"
            return Outcome(outcome.check, "unfit", error="overwritten", message=message)
    return outcome


def _call(
    check: Check,
    arguments: dict[str, Any],
    limit: contextlib.AbstractContextManager[None],
    locate: Locate,
) -> Outcome:
    outcome = _come_to(check.name, lambda: to_data(check.function(**arguments)), limit, locate)
    if outcome.kind == "raised" and not outcome.where:
        name = _not_callable(check, arguments)
        if name:
            return Outcome(check.name, "unfit", error="callable", message=name)
    return outcome


def _come_to(
    name: str,
    act: Callable[[], Any],
    limit: contextlib.AbstractContextManager[None],
    locate: Locate,
) -> Outcome:
    """What `act` comes to, whatever it raises: its value as data, or why there is none."""
    try:
        with limit:
            return Outcome(name, "value", act())
    except Unfit as error:
        return Outcome(name, "unfit", error=error.reason, message=error.detail)
    except Overtime as over:
        reason = "processor" if over.computed else "check"
        return Outcome(name, "timeout", error=reason, message=f"{over.seconds:g}")
    except MemoryError as error:
        return Outcome(name, "memory", message=one_line(error))
    except BaseException as error:
        where, line = locate(error.__traceback__)
        message = one_line(error)
        if isinstance(error, NotImplementedError):
            return Outcome(name, "todo", message=message, where=where, line=line)
        return Outcome(name, "raised", None, type(error).__name__[:80], message, where, line)


def _not_callable(check: Check, arguments: Mapping[str, Any]) -> str:
    """The type of a learner's value that is no function, if there is one."""
    for name in check.learner:
        if not callable(arguments[name]):
            return type_name(arguments[name])
    return ""


def one_line(error: BaseException, limit: int = 300) -> str:
    """The message of an exception on one line, whatever its ``__str__`` does."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    return " ".join(text[: 4 * limit].split())[:limit]


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drop what the body prints, and its warnings with it."""
    with (
        contextlib.redirect_stdout(_Sink()),
        contextlib.redirect_stderr(_Sink()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


class _Sink(io.TextIOBase):
    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)
