"""Arguments and results of calls as plain data that remembers what they were.

An observation makes an array of a tensor and a list of a tuple, since it is only compared. What is
handed to a function has to be what it was: here each part says its kind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.evidence.observations import MAX_DEPTH, Data, Unfit, to_data, type_name


def to_values(value: object, lent: Callable[[object], Data] | None = None, depth: int = 0) -> Data:
    """Return plain data from which `from_values` makes `value` again.

    Numbers, text, ``None``, lists, tuples, dicts, NumPy's arrays and numbers, and tensors. What
    becomes of `value` later changes nothing here: a model's weights are loaded into in place.

    Parameters
    ----------
    lent
        Makes data of anything else, such as a model. Without it `value` is a result, which is
        read as what it holds: a named tuple as a tuple, an encoding as a dict.

    Raises
    ------
    Unfit
        If a part of it is anything else of which nothing makes data, or it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise Unfit("depth", str(MAX_DEPTH))
    if value is None or type(value) in (bool, int, float, str):
        return to_data(value)
    if lent is None:
        value = _plain(value)
    kind = type(value)
    if kind in (list, tuple):
        return {kind.__name__: [to_values(item, lent, depth + 1) for item in value]}  # type: ignore[attr-defined]
    if kind is dict:
        pairs = [[to_values(part, lent, depth + 1) for part in pair] for pair in value.items()]  # type: ignore[attr-defined]
        return {"dict": pairs}
    if kind is np.ndarray:
        return _of_array(value)  # type: ignore[arg-type]
    if isinstance(value, np.generic):
        return {"number": np.asarray([value]) if value.dtype.kind in "biuf" else _refuse(value)}
    if kind.__module__ == "torch" and kind.__qualname__ == "Tensor":
        return _of_tensor(value)
    return {"lent": (lent or _refuse)(value)}


def _plain(value: object) -> object:
    """A result as what it is read as: a tokenizer's encoding as a dict, a parameter as a tensor."""
    for kind, base in ((dict, Mapping), (list, list), (tuple, tuple)):
        if isinstance(value, base) and type(value) is not kind:
            return kind(value)
    if type(value).__qualname__ == "Parameter" and hasattr(value, "detach"):
        return value.detach()
    return value


def _of_array(array: np.ndarray[Any, Any]) -> Data:
    if array.dtype.kind not in "biuf":
        return _refuse(array)
    return {"array": array.flatten(), "shape": list(array.shape)}


def _of_tensor(tensor: Any) -> Data:
    dtype = str(tensor.dtype).removeprefix("torch.")
    # Flat, with the shape beside it: an observation makes a number of an array without axes.
    flat = np.asarray(to_data(tensor)).flatten()
    return {"tensor": flat, "dtype": dtype, "shape": list(tensor.shape)}


def _refuse(value: object) -> Data:
    raise Unfit("type", type_name(value))


def from_values(data: Data, borrowed: Callable[[Data], Any] | None = None) -> Any:
    """What `to_values` was given; `borrowed` undoes what `lent` did there.

    Raises
    ------
    ValueError
        If `data` is nothing that `to_values` makes.
    """
    if not isinstance(data, dict):
        return data
    match data:
        case {"list": items}:
            return [from_values(item, borrowed) for item in items]
        case {"tuple": items}:
            return tuple(from_values(item, borrowed) for item in items)
        case {"dict": pairs}:
            return {from_values(k, borrowed): from_values(v, borrowed) for k, v in pairs}
        case {"lent": value} if borrowed is not None:
            return borrowed(value)
        case {"number": np.ndarray() as array} if array.size == 1:
            return array[0]
        case {"array": np.ndarray() as array, "shape": [*shape]}:
            return array.reshape(shape).copy()
        case {"tensor": np.ndarray() as array, "dtype": str(dtype), "shape": [*shape]}:
            return _tensor(array.reshape(shape), dtype)
    raise ValueError("not a value of a call")


def _tensor(array: np.ndarray[Any, Any], dtype: str) -> Any:
    torch: Any = sys.modules.get("torch")
    kind = getattr(torch, dtype, None)
    if torch is None or not isinstance(kind, torch.dtype):
        raise ValueError("not a type of tensors")
    return torch.from_numpy(array.copy()).to(kind)
