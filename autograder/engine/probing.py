"""Running one probe: its arguments, its limits, and no trace left behind."""

from __future__ import annotations

import contextlib
import dis
import functools
import gc
import inspect
import io
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import CodeType, FunctionType, MappingProxyType, ModuleType, TracebackType
from typing import Any

from autograder.engine.settings import standard
from autograder.engine.timing import Overtime, deadline
from autograder.evidence.calls import Calls
from autograder.evidence.observations import Outcome, Unfit, to_data, type_name
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite
from autograder.models import is_other

Locate = Callable[[TracebackType | None], tuple[str, str]]
"""Finds the learner's place in a traceback: ``("recall:3", "return tp / 0")``, or empty."""


_IMPORT = dis.opmap["IMPORT_NAME"]
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
        outcome = _call(check, arguments, deadline(seconds, clock), locate)
    outcome = calls.told(outcome) if calls is not None else outcome
    outcome = _overwritten(outcome, [names[name] for name in check.learner], names, rebound)
    seconds = time.perf_counter() - started
    del arguments
    if is_other():
        # Models and their hooks hold each other; a few copies of a large one fill the memory.
        gc.collect()
    return replace(outcome, seconds=round(seconds, 6))


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
    used = _names_used(asked)
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


def forbidden_use(values: Iterable[Any], forbidden: Collection[str]) -> str:
    """Return the first forbidden top-level module that the functions rest on, or ``""``.

    Follows the learner's own helpers by name. It is a rule of the task, not a wall: code that
    hides an import on purpose gets past it.
    """
    seen: set[int] = set()
    pending = list(values) if forbidden else []
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        root = _root_module(value)
        if root in forbidden:
            return root
        if inspect.isclass(value) and root in ("__main__", "builtins"):
            pending.extend(vars(value).values())
        function = _unwrapped(value) if callable(value) else None
        if isinstance(function, functools.partial):
            pending.append(function.func)
        elif isinstance(function, FunctionType) and not _is_library(root):
            names, imports = _code_names(function.__code__)
            hidden = next((name for name in imports if name in forbidden), "")
            if hidden:
                return hidden
            pending.extend(function.__globals__[n] for n in names if n in function.__globals__)
            pending.extend(
                cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)
            )
    return ""


def _names_used(values: Iterable[Any]) -> set[str]:
    """Global names in the code of the learner's functions among `values`, and of those below."""
    names: set[str] = set()
    seen: set[int] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        function = _unwrapped(value) if callable(value) else None
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if not _is_library(_root_module(function)):
            own, _ = _code_names(function.__code__)
            names |= own
            pending.extend(function.__globals__[n] for n in own if n in function.__globals__)
    return names


def _is_library(root: str) -> bool:
    return root != "__main__" and root in sys.modules


def _unwrapped(value: Any) -> Any:
    """The function beneath decorators; the value itself if it leads in a circle."""
    try:
        return inspect.unwrap(value)
    except ValueError:
        return value


def _root_module(value: Any) -> str:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def _code_names(code: CodeType) -> tuple[set[str], set[str]]:
    """Global names that a code object and those inside it use, and modules they import."""
    names = set(code.co_names)
    imports = {
        str(step.argval).partition(".")[0]
        for step in (dis.get_instructions(code) if code.co_code[::2].count(_IMPORT) else ())
        if step.opname == "IMPORT_NAME"
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            more_names, more_imports = _code_names(constant)
            names |= more_names
            imports |= more_imports
    return names, imports


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


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
