"""Observations: what a probe yields, as plain data that can cross a process boundary.

An observation is built from ``None``, ``bool``, ``int``, ``float``, ``complex``-free numbers,
``str``, lists, dicts with ``str`` or ``int`` keys, and NumPy arrays of numbers, booleans or
strings. Types are taken exactly: a subclass of ``float`` or of ``Tensor`` may redefine what
equality means, so it is not data and is named as what it is instead of being converted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

Data: TypeAlias = Any
"""Plain data; see the module's docstring for what it is built from."""

Kind: TypeAlias = Literal[
    "value",
    "raised",
    "todo",
    "unfit",
    "forbidden",
    "timeout",
    "memory",
    "crashed",
    "tampered",
    "internal",
]

MAX_DEPTH = 16
MAX_LEAVES = 200_000
MAX_BYTES = 4 * 2**20
MAX_BYTES_IN_ALL = 4 * MAX_BYTES
"""Of all observations of one submission."""
MAX_INTEGER = 2**63 - 1
ARRAY_KINDS = "biuf"


class Unfit(ValueError):
    """A value that is not data: its type, depth or size is outside what an observation holds.

    Attributes
    ----------
    reason
        ``type``, ``key``, ``dtype``, ``depth``, ``leaves`` or ``bytes``.
    detail
        The offending type or the limit.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running one probe came to.

    Attributes
    ----------
    check
        Name of the probe.
    kind
        ``value`` if it returned data; otherwise what stopped it.
    value
        The observation, for ``value`` only.
    error
        For ``raised`` the name of the exception, for ``todo`` the missing name, for
        ``forbidden`` the module, for the other kinds the reason's name.
    message
        For ``raised`` the exception's message on one line; else a detail of the reason, such
        as a type or a number of seconds. What a person reads is made from these.
    where
        Cell id and line in the learner's notebook, where known, as ``"recall:3"``.
    line
        Source text of that line.
    seconds
        Wall-clock time of the probe.
    calls
        Calls of the learner's function as source text: one for each entry of ``value`` where it
        is known that they belong together, else the one that it came from, or the first.
    called
        How many of them there were in all.
    uses
        For a costly probe, the names below it that stand in the learner's code.
    """

    check: str
    kind: Kind
    value: Data = None
    error: str = ""
    message: str = ""
    where: str = ""
    line: str = ""
    seconds: float = 0.0
    calls: tuple[str, ...] = ()
    called: int = 0
    uses: tuple[str, ...] = ()


def to_data(value: object) -> Data:
    """Return `value` as plain data.

    NumPy scalars become Python numbers; tuples become lists; tensors become arrays.

    Raises
    ------
    Unfit
        If a part of it is of any other type, is nested deeper than ``MAX_DEPTH``, or holds
        more than ``MAX_LEAVES`` numbers, strings and containers or ``MAX_BYTES`` bytes.
    """
    return weighed(value)[0]


def weighed(value: object) -> tuple[Data, int]:
    """As `to_data`, and the bytes that the data counts for."""
    converter = _Converter()
    return converter.convert(value, 0), converter.bytes


class _Converter:
    """One pass over a value that counts as it goes, so that a bomb is refused early."""

    def __init__(self) -> None:
        self.leaves = 0
        self.bytes = 0

    def convert(self, value: object, depth: int) -> Data:
        if depth > MAX_DEPTH:
            raise Unfit("depth", str(MAX_DEPTH))
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return self._count(value, 9)
        if kind is int:
            return self._count(_fitting_integer(value), 9)  # type: ignore[arg-type]
        if kind is str:
            return self._count(value, 4 * len(value))  # type: ignore[arg-type]
        if kind is list or kind is tuple:
            self._count(None, 9)
            return [self.convert(item, depth + 1) for item in value]  # type: ignore[attr-defined]
        if kind is dict:
            return self._mapping(value, depth)  # type: ignore[arg-type]
        if kind is np.ndarray:
            return self._array(value, depth)  # type: ignore[arg-type]
        if isinstance(value, np.generic) and kind.__module__ == "numpy":
            # A `longdouble` is its own item.
            plain = float(value) if isinstance(value, np.floating) else value.item()
            return self.convert(plain, depth + 1)
        if is_tensor(value):
            return self._array(_array_of(value), depth)
        raise Unfit("type", type_name(value))

    def _count(self, leaf: Data, size: int) -> Data:
        self.leaves += 1
        self.bytes += size
        self._guard()
        return leaf

    def _guard(self) -> None:
        if self.leaves > MAX_LEAVES:
            raise Unfit("leaves", f"{MAX_LEAVES:,}")
        if self.bytes > MAX_BYTES:
            raise Unfit("bytes", f"{MAX_BYTES // 2**20} MB")

    def _mapping(self, value: dict[Any, Any], depth: int) -> Data:
        self._count(None, 9)
        result: dict[str | int, Data] = {}
        for key, item in value.items():
            if isinstance(key, np.generic) and type(key).__module__ == "numpy":
                key = key.item()
            if type(key) not in (str, int):
                raise Unfit("key", type_name(key))
            if type(key) is int and abs(key) > MAX_INTEGER:
                raise Unfit("key", "int")
            self._count(key, 4 * len(key) if type(key) is str else 9)
            result[key] = self.convert(item, depth + 1)
        return result

    def _array(self, value: np.ndarray[Any, Any], depth: int) -> Data:
        if value.dtype.kind in "OU":
            return self.convert(value.tolist(), depth + 1)
        if value.dtype.kind not in ARRAY_KINDS:
            raise Unfit("dtype", str(value.dtype)[:60])
        self.leaves += value.size
        self.bytes += value.nbytes
        self._guard()
        if value.dtype.itemsize > 8:
            # Quadruple precision is of no platform's but the one that it was computed on.
            value = value.astype(np.float64)
        if value.ndim == 0:
            return self.convert(value.item(), depth + 1)
        return np.ascontiguousarray(value)


def _fitting_integer(value: int) -> int | float:
    """Integers beyond 64 bits have no place in a frame; as floats they still compare."""
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_tensor(value: object) -> bool:
    """Exactly a torch Tensor or Parameter; torch is not imported to find out."""
    kind = type(value)
    return (kind.__module__, kind.__qualname__) in {
        ("torch", "Tensor"),
        ("torch.nn.parameter", "Parameter"),
    } and _is_genuine(kind)


def _is_genuine(kind: type) -> bool:
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and kind in (torch.Tensor, torch.nn.Parameter)


def _array_of(tensor: Any) -> np.ndarray[Any, Any]:
    """The numbers of a tensor; of a kind that NumPy lacks, as the next larger one."""
    import torch

    try:
        plain = tensor.detach().cpu().to_dense() if tensor.is_sparse else tensor.detach().cpu()
        plain = plain.resolve_conj().resolve_neg()
        array: np.ndarray[Any, Any] = (
            plain.float() if plain.dtype is torch.bfloat16 else plain
        ).numpy()
        return array
    except (RuntimeError, TypeError, NotImplementedError):
        # Without numbers (on the device `meta`), or in a layout that has no array.
        raise Unfit("type", f"Tensor({tensor.device.type}, {tensor.dtype})"[:60]) from None


def type_name(value: object) -> str:
    """Return ``"generator"`` or ``"Money(float)"``: a type's name, with the known one beneath."""
    kind = type(value)
    name = kind.__qualname__.rpartition(".")[2][:60]
    base = next((b.__name__ for b in kind.__mro__[1:] if b.__name__ in _KNOWN_BASES), "")
    return f"{name}({base})" if base else name


_KNOWN_BASES = {"float", "int", "str", "list", "tuple", "dict", "ndarray", "Tensor"}


def leaves(data: Data) -> Iterator[Data]:
    """Yield every number, string, boolean and ``None`` of `data`, in order."""
    if isinstance(data, dict):
        for value in data.values():
            yield from leaves(value)
    elif isinstance(data, list):
        for value in data:
            yield from leaves(value)
    elif isinstance(data, np.ndarray):
        yield from data.ravel().tolist()
    else:
        yield data
