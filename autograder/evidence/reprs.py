"""Values and calls as short source text, for a person to read and to type.

What fits is written exactly. What does not is shortened, and its ellipsis says so; an array that
is too long is told by its type and shape. Types are taken exactly and nothing of a learner's is
called: of whatever is not known here, its type's name is written.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from autograder.evidence.observations import ARRAY_KINDS, is_tensor, type_name

LIMIT = 120
_LEAST, _MOST_ITEMS, _DEPTH = 16, 64, 6
_FIRST = 8
_USUAL = {"float64", "int64", "bool", "str"}
_USUAL_OF_TENSORS = {"float32", "int64", "bool"}


class _TooLong(Exception):
    """It does not fit."""


def call_text(
    name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], limit: int = LIMIT
) -> str:
    """A call as source text of about `limit` characters: ``recall([1, 0, 1], [0, 0, 1])``."""
    given = [("", value) for value in arguments]
    given += [(f"{key}=", value) for key, value in keywords.items()]
    room = limit - len(name) - 2 - sum(len(key) + 2 for key, _ in given)
    texts = [_fitting(value, room) for _, value in given]
    if sum(len(text or "") for text in texts) > room or None in texts:
        # What is small stays as it is; the others share what it leaves.
        share = room // max(len(given), 1)
        large = [text is None or len(text) > share for text in texts]
        small = sum(len(t or "") for t, is_large in zip(texts, large, strict=True) if not is_large)
        share = max((room - small) // max(sum(large), 1), _LEAST)
        texts = [
            short(value, share) if is_large else text
            for (_, value), text, is_large in zip(given, texts, large, strict=True)
        ]
    inside = ", ".join(f"{key}{text}" for (key, _), text in zip(given, texts, strict=True))
    return f"{name}({_cut(inside, 2 * limit)})"


def short(value: object, limit: int = 60) -> str:
    """`value` as source text of about `limit` characters, whatever it is."""
    exact = _fitting(value, limit)
    if exact is not None:
        return exact
    try:
        return _cut(_shortened(value, max(limit, _LEAST)), 2 * limit)
    except Exception:
        return "<…>"


def _fitting(value: object, room: int) -> str | None:
    """`value` exactly; ``None`` if that takes more than `room` characters."""
    try:
        text = _exact(value, room)
    except _TooLong:
        return None
    except Exception:
        return "<…>"
    return text if len(text) <= room else None


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _exact(value: Any, room: int, depth: int = 0) -> str:
    kind = type(value)
    if room < 1 or depth > _DEPTH:
        raise _TooLong
    if kind in (str, bytes):
        _must_fit(len(value) // 2, room)
    if kind in _PLAIN:
        return repr(value)
    if kind is int:
        _must_fit(value.bit_length() // 8, room)
        return repr(value)
    if kind in (list, tuple, set, frozenset):
        return _exact_items(value, room, depth)
    if kind is dict:
        _must_fit(len(value), room)
        return _enclosed(
            "{", "}", room, value.items(),
            lambda pair, left: f"{_exact(pair[0], left, depth + 1)}: "
            f"{_exact(pair[1], left, depth + 1)}",
        )  # fmt: skip
    if is_scalar(kind):
        return str(value.item()) if value.dtype.kind in "biu" else str(value)
    if kind is np.ndarray and value.dtype.kind in ARRAY_KINDS + "U":
        _must_fit(value.size, room)
        name = _dtype(value.dtype)
        dtype = "" if name in _USUAL else f", dtype=np.{name}"
        return f"np.array({_numbers(value, room)}{dtype})"
    if is_tensor(value) and not is_watched():
        return _exact_tensor(value, room)
    return _named(value)


_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("{", "}"), dict: ("{", "}")
}  # fmt: skip
_NUMBERS = frozenset([int, float, bool, type(None)])
_PLAIN = (type(None), bool, float, complex, str, bytes, range)


def is_scalar(kind: type) -> bool:
    """Whether `kind` is one of NumPy's own types of scalars."""
    return kind.__module__ == "numpy" and issubclass(kind, np.generic)


def _exact_items(value: Any, room: int, depth: int) -> str:
    _must_fit(len(value), room)
    left, right = _BRACKETS[type(value)]
    if type(value) is list and _NUMBERS.issuperset(map(type, value)):
        return repr(value)
    items = value if type(value) in (list, tuple) else _in_order(value)
    text = _enclosed(left, right, room, items, lambda item, rest: _exact(item, rest, depth + 1))
    if type(value) is tuple and len(value) == 1:
        return text[:-1] + ",)"
    return "set()" if text == "{}" else text


def _in_order(values: Any) -> list[Any]:
    """The items of a set, which a process has in an order of its own."""
    return sorted(values, key=lambda item: (type(item).__name__, _exact(item, LIMIT)))


def _enclosed(
    left: str, right: str, room: int, items: Iterable[Any], write: Callable[[Any, int], str]
) -> str:
    texts: list[str] = []
    for item in items:
        text = write(item, room)
        room -= len(text) + 2
        texts.append(text)
        if room < -2:
            raise _TooLong
    return left + ", ".join(texts) + right


def _must_fit(items: int, room: int) -> None:
    """Each item takes a character and a comma, so that many cannot fit."""
    if 2 * items > room:
        raise _TooLong


def _numbers(array: Any, room: int) -> str:
    """The numbers of an array as nested lists, each as short as its precision allows."""
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        array = array.astype(str).astype(np.float64)
    text = repr(array.tolist())
    if len(text) > room:
        raise _TooLong
    return text


def _exact_tensor(tensor: Any, room: int) -> str:
    _must_fit(tensor.numel(), room)
    name = str(tensor.dtype).removeprefix("torch.")
    plain = tensor.detach()
    array = np.asarray((plain.float() if name == "bfloat16" else plain).tolist())
    if name in ("float32", "float16", "bfloat16"):
        array = array.astype(np.float32)
    dtype = "" if name in _USUAL_OF_TENSORS else f", dtype=torch.{name}"
    return f"torch.tensor({_numbers(array, room)}{dtype})"


def is_watched() -> bool:
    """Whether somebody notes every operation on tensors: reading their numbers would be one."""
    core: Any = getattr(sys.modules.get("torch"), "_C", None)
    depths = ("_len_torch_dispatch_stack", "_len_torch_function_stack")
    return any(getattr(core, depth, int)() for depth in depths)


def _named(value: object) -> str:
    """What has no source text that is short: functions by their names, others by their types'."""
    kind = type(value)
    if kind in (FunctionType, BuiltinFunctionType, type):
        return str(value.__name__)[:40]  # type: ignore[attr-defined]
    if kind is functools.partial:
        return f"<partial of {_named(value.func)}>"[:60]  # type: ignore[attr-defined]
    if is_tensor(value):
        if is_watched():
            return "<tensor>"
        name = str(value.dtype).removeprefix("torch.")  # type: ignore[attr-defined]
        return f"<{name} tensor {_shape(value)}>"
    if kind is np.ndarray:
        return f"<{_dtype(value.dtype)} array {_shape(value)}>"  # type: ignore[attr-defined]
    return f"<{type_name(value)}>"


@functools.lru_cache
def _dtype(dtype: np.dtype[Any]) -> str:
    return "str" if dtype.kind == "U" else dtype.name


def _shape(value: Any) -> str:
    return str(tuple(int(size) for size in value.shape))


def _shortened(value: Any, room: int, depth: int = 0) -> str:
    kind = type(value)
    if kind is float:
        return _shortened_float(value)
    if kind is int:
        digits = repr(value) if value.bit_length() < 200 else ""
        if digits:
            return digits if len(digits) <= room else digits[: room - 1] + "…"
        return f"<int of {value.bit_length()} bits>"
    if kind in (str, bytes):
        text = repr(value[:room])
        return text if len(text) <= room else text[: room - 2] + "…" + text[-1]
    if kind in (set, frozenset):
        return f"<{kind.__name__} of {len(value)}>"
    if depth < _DEPTH and kind in (list, tuple, dict):
        return _shortened_items(value, room, depth)
    if (kind is np.ndarray and value.ndim == 1) or (
        is_tensor(value) and not is_watched() and value.dim() == 1
    ):
        return _shortened_row(value, room)
    return _named(value)


def _shortened_float(value: float) -> str:
    """The first digits of a float; its size is never cut off."""
    digits, e, exponent = repr(value).partition("e")
    most = max(6, digits.find(".") + 2)
    return (digits if len(digits) <= most + 2 else digits[:most] + "…") + e + exponent


def _shortened_items(value: Any, room: int, depth: int) -> str:
    """The first items, as many as there is room for, and how many more there are."""
    kind = type(value)
    left, right = _BRACKETS[kind]
    items = value.items() if kind is dict else value
    rest = len(value)
    texts: list[str] = []
    room -= len(f", … {rest} more") + 2
    for item in islice(items, _MOST_ITEMS):
        share = max(room // min(rest, 2), _LEAST)
        if kind is dict:
            key = _short_item(item[0], share, depth)
            text = f"{key}: {_short_item(item[1], max(share - len(key), _LEAST), depth)}"
        else:
            text = _short_item(item, share, depth)
        room -= len(text) + 2
        if texts and room < 0:
            break
        texts.append(text)
        rest -= 1
    more = [f"… {rest} more"] if rest else []
    return left + ", ".join(texts + more) + right


def _short_item(item: Any, room: int, depth: int) -> str:
    if type(item) is not float:
        exact = _fitting(item, room)
        if exact is not None:
            return exact
    return _shortened(item, room, depth + 1)


def _shortened_row(row: Any, room: int) -> str:
    """Type and shape of a row of numbers, and the first of them where there is room."""
    name = _named(row)
    room -= len(name) + 3
    first = ""
    for number in row[:_FIRST].tolist() if room > 2 else ():
        text = _shortened(number, 9) + ", "
        if len(first) + len(text) > room:
            break
        first += text
    return f"{name[:-1]}: {first}…>" if first else name
