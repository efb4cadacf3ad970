"""Models, tokenizers, loaders and generators that the reference hands to a learner's function.

They are no plain data, so they travel as a pickle: from us to the submission only, which could run
what it likes anyway. What comes back from a submission is plain data and nothing else: of a
generator, how far it was used.
"""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.evidence.observations import Data, Unfit, type_name


def lent(value: object) -> Data:
    """Return `value` as bytes, for `borrowed`.

    A model goes without its hooks, by which a probe watches it on our side; a generator with its
    `state`, which comes back when it was used.

    Raises
    ------
    Unfit
        If it is an iterator, of which nobody could say how far it was used over there, or is made
        of what only its own process knows.
    """
    torch: Any = sys.modules.get("torch")
    if isinstance(value, np.random.RandomState) or hasattr(value, "__next__"):
        raise Unfit("type", type_name(value))
    if is_generator(value):
        value = _Dice(type(value), state(value))
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
    value = pickle.loads(np.asarray(told, np.uint8).tobytes())
    return value.again() if isinstance(value, _Dice) else value


def is_generator(value: object) -> bool:
    """Whether random numbers come from `value`, so that each use changes it."""
    torch: Any = sys.modules.get("torch")
    own = isinstance(value, np.random.Generator | random.Random)
    return own or (hasattr(torch, "Generator") and isinstance(value, torch.Generator))


def state(generator: Any) -> Data:
    """Where a generator stands, for `set_state`.

    Raises
    ------
    Unfit
        If it is of a kind whose state is no text.
    """
    try:
        if isinstance(generator, np.random.Generator):
            return json.dumps(generator.bit_generator.state)
        if isinstance(generator, random.Random):
            return json.dumps(generator.getstate())
    except (TypeError, NotImplementedError):
        raise Unfit("type", type_name(generator)) from None
    return np.asarray(generator.get_state())


def set_state(generator: Any, told: Data) -> None:
    """Set a generator to where another one stood.

    Raises
    ------
    ValueError
        If `told` is no state of such a generator.
    """
    try:
        if isinstance(generator, np.random.Generator):
            generator.bit_generator.state = json.loads(str(told))
        elif isinstance(generator, random.Random):
            version, words, spare = json.loads(str(told))
            generator.setstate((version, tuple(words), spare))
        else:
            torch: Any = sys.modules["torch"]
            generator.set_state(torch.from_numpy(np.array(told, np.uint8)))
    except Exception:  # whatever a library makes of bytes that are none of its own
        raise ValueError("not a state of this generator") from None


@dataclass(frozen=True)
class _Dice:
    """A generator on its way: its kind, and where it stood."""

    kind: type
    stood: Data

    def again(self) -> Any:
        """A generator of this kind that stands there."""
        made = np.random.default_rng() if self.kind is np.random.Generator else self.kind()
        set_state(made, self.stood)
        return made


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
