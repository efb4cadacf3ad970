"""Models, tokenizers and loaders that the reference hands to a learner's function, as bytes.

They are no plain data, so they travel as a pickle: from us to the submission only, which could run
what it likes anyway. What comes back from a submission is plain data and nothing else.
"""

from __future__ import annotations

import copy
import io
import pickle
import random
import sys
from typing import Any

import numpy as np

from autograder.evidence.observations import Data, Unfit, type_name

_DRAWN_FROM = (np.random.Generator, np.random.RandomState, random.Random)


def lent(value: object) -> Data:
    """Return `value` as bytes, for `borrowed`.

    A model goes without its hooks, by which a probe watches it on our side. What changes by being
    used does not go at all: nobody could say how far it was used, over there.

    Raises
    ------
    Unfit
        If it is a generator or an iterator, or is made of what only its own process knows.
    """
    torch: Any = sys.modules.get("torch")
    drawn_from = (*_DRAWN_FROM, torch.Generator) if hasattr(torch, "Generator") else _DRAWN_FROM
    if isinstance(value, drawn_from) or hasattr(value, "__next__"):
        raise Unfit("type", type_name(value))
    if hasattr(torch, "nn") and isinstance(value, torch.nn.Module):
        value = _without_hooks(copy.deepcopy(value))
    packed = io.BytesIO()
    try:
        _Packer(packed).dump(value)
    except Exception:  # whatever the parts of a library's object raise
        raise Unfit("type", type_name(value)) from None
    return np.frombuffer(packed.getvalue(), np.uint8)


def borrowed(told: Data) -> Any:
    """What `lent` was given."""
    return pickle.loads(np.asarray(told, np.uint8).tobytes())


class _Packer(pickle.Pickler):
    """Writes tensors by their values: torch writes where they lie, so that no two calls match."""

    def reducer_override(self, value: Any) -> Any:
        torch: Any = sys.modules.get("torch")
        if not hasattr(torch, "nn") or type(value) not in (torch.Tensor, torch.nn.Parameter):
            return NotImplemented
        if value.dtype is torch.bfloat16:  # NumPy has none
            return NotImplemented
        is_parameter = type(value) is torch.nn.Parameter
        return _tensor, (value.detach().cpu().numpy(), value.requires_grad, is_parameter)


def _tensor(array: Any, learns: bool, is_parameter: bool) -> Any:
    torch: Any = sys.modules["torch"]
    tensor = torch.from_numpy(array)
    return torch.nn.Parameter(tensor, learns) if is_parameter else tensor.requires_grad_(learns)


def _without_hooks(model: Any) -> Any:
    for module in model.modules():
        for name, hooks in vars(module).items():
            if name.endswith("_hooks"):
                hooks.clear()
    return model
