"""Grading results as JSON data and back, exactly."""

from __future__ import annotations

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union

from autograder.judging.results import SubmissionResult

VERSION = 1
_MOST_KNOWN = 20_000
_SHORT = 64
_PLAIN = (str, int, bool, type(None))


class SerialError(ValueError):
    """Data that is no result, or one of a newer version; the message says where."""


def result_to_dict(result: SubmissionResult) -> dict[str, Any]:
    """The result as data for `json`: strings, finite numbers, lists, dicts, None.

    A number that JSON cannot hold becomes its name: ``"nan"``, ``"inf"``, ``"-inf"``.
    """
    return {"version": VERSION, **_encode(result)}


def result_from_dict(data: Mapping[str, Any]) -> SubmissionResult:
    """The result that `result_to_dict` turned into `data`.

    A field that `data` lacks gets its default, so that what older versions wrote can be read.

    Raises
    ------
    SerialError
        If `data` is anything else.
    """
    rest = dict(data)
    version = rest.pop("version", None)
    if version != VERSION:
        raise SerialError(f"this is version {version!r} of a result; only {VERSION} is known")
    try:
        decoded = _reader(SubmissionResult)(rest)
    except _Unfit as error:
        where = "".join(reversed(error.path))
        raise SerialError(f"result{where} {error.reason}") from None
    assert isinstance(decoded, SubmissionResult)
    return decoded


class _Unfit(Exception):
    """A part that does not fit, and the path to it, innermost step first."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def under(self, step: str) -> _Unfit:
        self.path.append(step)
        return self


def _encode(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if names := _field_names(kind):
        return {name: _encode(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    """The fields of a data class, in order; none for any other type."""
    if not dataclasses.is_dataclass(kind):
        return ()
    return tuple(field.name for field in dataclasses.fields(kind))


Reader = Callable[[Any], Any]
"""Reads one part of a result from data; raises `_Unfit`."""


@cache
def _reader(kind: Any) -> Reader:
    """What reads the type `kind`, of those that `autograder.judging.results` uses.

    Made once for each type: a class of ten thousand has a hundred thousand tasks.
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        inner = _reader(next(arg for arg in args if arg is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if origin is Literal:
        choices = {choice: choice for choice in args}
        return lambda value: choices[_checked(value, isinstance(value, str) and value in choices)]
    if origin is tuple:
        return _tuple_reader(_reader(args[0]))
    if dataclasses.is_dataclass(kind):
        return _fields_reader(kind)
    if origin is not None:
        return _text_reader(_reader(args[0]), _reader(args[1]))
    if kind is float:
        return _read_float
    if kind is str:
        return _read_string
    return lambda value: _checked(value, type(value) is kind)


def _tuple_reader(inner: Reader) -> Reader:
    def read(value: Any) -> Any:
        _checked(value, isinstance(value, Sequence) and not isinstance(value, str))
        items = []
        for number, item in enumerate(value):
            try:
                items.append(inner(item))
            except _Unfit as error:
                raise error.under(f"[{number}]") from None
        return tuple(items)

    return read


def _text_reader(key: Reader, item: Reader) -> Reader:
    """Reads a text in both languages; equal ones, such as claims, become one and the same."""
    known: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def read(value: Any) -> Any:
        _checked(value, isinstance(value, Mapping))
        pairs = []
        for name, text in value.items():
            try:
                pairs.append((key(name), item(text)))
            except _Unfit as error:
                raise error.under(f".{name}") from None
        if len(known) >= _MOST_KNOWN:
            known.clear()
        return known.setdefault(tuple(pairs), dict(pairs))

    return read


def _fields_reader(kind: Any) -> Reader:
    readers: dict[str, Reader] = {}

    def read(value: Any) -> Any:
        _checked(value, isinstance(value, Mapping))
        if not readers:  # not sooner, lest a type that holds itself never end
            hints = typing.get_type_hints(kind)
            readers.update((name, _reader(hint)) for name, hint in hints.items())
        given = {}
        for name, item in value.items():
            if name not in readers:
                raise _Unfit(f"has the unknown entry {name!r}")
            try:
                given[name] = readers[name](item)
            except _Unfit as error:
                raise error.under(f".{name}") from None
        try:
            return kind(**given)
        except TypeError as error:
            raise _Unfit(f"is incomplete: {error}") from None

    return read


def _read_string(value: Any) -> str:
    _checked(value, type(value) is str)
    # Short ones are names, and there are few of them.
    return sys.intern(value) if len(value) < _SHORT else value


def _read_float(value: Any) -> float:
    if value in ("nan", "inf", "-inf") or type(value) is int:
        return float(value)
    return _checked(value, type(value) is float)  # type: ignore[no-any-return]


def _checked(value: Any, fits: bool) -> Any:
    if not fits:
        raise _Unfit(f"has the unexpected value {value!r:.60}")
    return value
