"""What the probes of several exercises share, beside `autograder.checks`.

Each function here gathers evidence and returns plain data, as a probe does: no claim is judged.
The tiny models and their data have loaders of their own, in `autograder.models` and
`autograder.data`; a fixture is one line on top of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = [
    "are_whole", "arguments_kept", "first_alike", "in_forms", "in_modes", "in_turn", "moved",
    "state_of", "watch", "without_dropout",
]  # fmt: skip

FORMS = ("list", "array", "float32", "tensor")


def in_forms(
    call: Callable[..., Any], *values: Any, forms: Iterable[str] = FORMS
) -> dict[str, Any]:
    """Call with the same numbers in each form, and return what came out by the form's name.

    Parameters
    ----------
    call
        Gets one argument for each of `values`.
    values
        Arrays, lists or tensors of numbers.
    forms
        Of ``"list"`` (nested lists), ``"array"`` (NumPy, as given), ``"float32"`` (NumPy; whole
        numbers stay whole), ``"tensor"`` (torch, as given) and ``"tensor32"``.
    """
    return {form: call(*(_as(form, np.asarray(value)) for value in values)) for form in forms}


def _as(form: str, values: Any) -> Any:
    if form == "list":
        return values.tolist()
    if form.endswith("32") and values.dtype.kind == "f":
        values = values.astype(np.float32)
    if form.startswith("tensor"):
        import torch

        return torch.from_numpy(values.copy())
    return values.copy()


def arguments_kept(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> dict[str, Any]:
    """Call, and return ``{"returned": …, "changed": [places of arguments that it changed]}``.

    Lists, dicts, arrays and tensors are compared with copies made before the call.
    """
    before = copy.deepcopy((arguments, keywords))
    returned = call(*arguments, **keywords)
    places = [str(i) for i, pair in enumerate(zip(arguments, before[0], strict=True))
              if not _alike(*pair)]  # fmt: skip
    places += [name for name, value in keywords.items() if not _alike(value, before[1][name])]
    return {"returned": returned, "changed": places}


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if hasattr(one, "detach"):
        one, other = one.detach().numpy(), other.detach().numpy()
    if isinstance(one, np.ndarray):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return bool(one == other) or one is other


def in_turn(rng: np.random.Generator, *cases: Any) -> list[Any]:
    """Each case three times, in an order of chance: what comes out varies though no case does.

    For conventions, of which each has one right result whatever is drawn.
    """
    return [cases[i] for i in rng.permutation(np.repeat(np.arange(len(cases)), 3))]


def first_alike(values: Iterable[Any], alike: Callable[[Any, Any], bool] = _alike) -> list[int]:
    """Of each value, the place of the first that is like it, which may be its own.

    Tells which of many draws are repetitions. Without `alike`, values must be equal.
    """
    known = list(values)
    return [next(i for i, other in enumerate(known) if other is value or alike(other, value))
            for value in known]  # fmt: skip


def are_whole(values: Any) -> bool:
    """Whether values are of a type of whole numbers: ints, or an array or tensor of them."""
    return np.asarray(values).dtype.kind in "iu"


def state_of(model: Any) -> dict[str, Any]:
    """Copies of a torch module's parameters and running statistics, by name."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def moved(model: Any, before: dict[str, Any]) -> list[str]:
    """Names of parameters and running statistics that are no longer as `state_of` saw them."""
    return [name for name, value in model.state_dict().items() if not value.equal(before[name])]


def watch(model: Any, rows: Callable[[Any], Any] = len) -> list[dict[str, Any]]:
    """Note every forward pass of a torch module from now on, into the list that is returned.

    A note holds ``rows`` (what `rows` makes of the first argument, by default its length),
    ``training`` (the module's mode) and ``grad`` (whether gradients are kept).
    """
    import torch

    calls: list[dict[str, Any]] = []

    def note(module: Any, arguments: Any, keywords: Any) -> None:
        given = arguments[0] if arguments else next(iter(keywords.values()))
        # Of the module that runs, which may be a copy that keeps no gradients.
        grad = torch.is_grad_enabled() and any(p.requires_grad for p in module.parameters())
        calls.append({"rows": rows(given), "training": module.training, "grad": grad})

    model.register_forward_pre_hook(note, with_kwargs=True)
    return calls


def in_modes(model: Any, call: Callable[[], Any]) -> list[dict[str, Any]]:
    """Call with the torch module in training and in evaluation mode.

    Returns for each mode ``{"modes after": …, "returned": …}``: which modes the module and its
    parts are in afterwards. Each part has a mode of its own, dropout's above all.
    """
    found = []
    for training in (True, False):
        model.train(training)
        returned = call()
        modes = sorted({part.training for part in model.modules()})
        found.append({"modes after": modes, "returned": returned})
    return found


def without_dropout(model: Any) -> Any:
    """The same torch module, whose dropout never drops, so that its training mode is exact."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model
