"""Grading results as JSON data and back, exactly."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union

from autograder.results import SubmissionResult

VERSION = 1


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
    decoded = _decode(rest, SubmissionResult, "result")
    assert isinstance(decoded, SubmissionResult)
    return decoded


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _decode(value: Any, kind: Any, where: str) -> Any:
    """`value` as the type `kind`, of those that `autograder.results` uses."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in args if arg is not types.NoneType)
        return None if value is None else _decode(value, inner, where)
    if origin is Literal:
        return _checked(value, value in args if isinstance(value, str) else False, where)
    if origin is tuple:
        _checked(value, isinstance(value, Sequence) and not isinstance(value, str), where)
        return tuple(_decode(item, args[0], f"{where}[{i}]") for i, item in enumerate(value))
    _checked(value, isinstance(value, Mapping) or not _is_table(kind, origin), where)
    if dataclasses.is_dataclass(kind):
        return _decode_fields(value, kind, where)
    if origin is not None:
        return {
            _decode(key, args[0], where): _decode(item, args[1], f"{where}.{key}")
            for key, item in value.items()
        }
    if kind is float and (value in ("nan", "inf", "-inf") or type(value) is int):
        return float(value)
    return _checked(value, type(value) is kind, where)


def _decode_fields(value: Mapping[str, Any], kind: Any, where: str) -> Any:
    hints = _hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise SerialError(f"{where} has the unknown entry {unknown[0]!r}")
    given = {key: _decode(item, hints[key], f"{where}.{key}") for key, item in value.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise SerialError(f"{where} is incomplete: {error}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _is_table(kind: Any, origin: Any) -> bool:
    return dataclasses.is_dataclass(kind) or (isinstance(origin, type) and origin is not tuple)


def _checked(value: Any, fits: bool, where: str) -> Any:
    if not fits:
        raise SerialError(f"{where} has the unexpected value {value!r:.60}")
    return value
