"""Mistakes made of the reference itself: an argument that has no effect, two that are exchanged.

They are the same for every function, so no exercise writes them down. Each is the reference, called
with other arguments than those it was given.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograder.exercise.declaring import Answer
from autograder.language import Text

Change = Callable[[dict[str, Any]], None]
"""Changes the arguments of a call, by name; raises `_NotHere` where there is nothing to change."""

SECONDS = 2.0
"""How long a probe with one of them may take: with other arguments, some never end."""


class _NotHere(Exception):
    """The call has no argument of that kind."""


def variants_of(name: str, reference: Callable[..., Any]) -> list[Answer]:
    """The mistakes made of the reference of `name`; none where it is no plain function."""
    if not inspect.isfunction(reference):
        return []
    signature = inspect.signature(reference)
    taken = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    return [
        Answer(f"variant.{name}.{key}", name, text, _changed(reference, signature, change), step)
        for key, text, step, change in (*_ignoring(taken), *_exchanging(taken))
    ]


Variant = tuple[str, Text, Text, Change]


def _ignoring(taken: list[inspect.Parameter]) -> Iterator[Variant]:
    for parameter in taken:
        name = parameter.name
        step: Text = {
            "en": f"Follow `{name}` through your code and see where it has its effect.",
            "zh": f"顺着代码看一遍 `{name}`，它在哪一步起作用。",
        }
        if parameter.default is not parameter.empty:
            value = repr(parameter.default)
            text: Text = {
                "en": f"It comes out as if `{name}` were always the default, `{value}`.",
                "zh": f"结果就像 `{name}` 总取默认值 `{value}` 一样。",
            }
            if len(value) <= 20:
                yield f"default.{name}", text, step, functools.partial(_leave_out, name)
        for number in (0, 1):
            text = {
                "en": f"It comes out as if `{name}` were always {number}.",
                "zh": f"结果就像 `{name}` 总等于 {number} 一样。",
            }
            change = functools.partial(_set_number, name, number)
            yield f"{number}.{name}", text, step, change
        text = {
            "en": f"`{name}` multiplies where it should divide, or the other way round.",
            "zh": f"该乘以 `{name}` 的地方除以了它，或者反过来。",
        }
        yield f"inverse.{name}", text, step, functools.partial(_invert, name)
        text = {
            "en": f"`{name}` is not looked at: it comes out as if nothing were masked.",
            "zh": f"没有用到 `{name}`：结果和什么都不掩时一样。",
        }
        if "mask" in name:
            yield f"unmasked.{name}", text, step, functools.partial(_unmask, name)


def _exchanging(taken: list[inspect.Parameter]) -> Iterator[Variant]:
    for one, other in itertools.pairwise(taken):
        text: Text = {
            "en": f"`{one.name}` and `{other.name}` have each other's place.",
            "zh": f"`{one.name}` 和 `{other.name}` 用反了。",
        }
        step: Text = {
            "en": f"See what is done with `{one.name}`, and what with `{other.name}`.",
            "zh": f"看看 `{one.name}` 和 `{other.name}` 各自用在了哪里。",
        }
        change = functools.partial(_exchange, one.name, other.name)
        yield f"exchanged.{one.name}.{other.name}", text, step, change


def _changed(
    reference: Callable[..., Any], signature: inspect.Signature, change: Change
) -> Callable[..., Any]:
    @functools.wraps(reference)
    def variant(*arguments: Any, **keywords: Any) -> Any:
        given = signature.bind(*arguments, **keywords)
        try:
            change(given.arguments)
        except _NotHere:
            return reference(*arguments, **keywords)
        return reference(*given.args, **given.kwargs)

    return variant


def _leave_out(name: str, arguments: dict[str, Any]) -> None:
    if name not in arguments:
        raise _NotHere
    del arguments[name]


def _set_number(name: str, number: int, arguments: dict[str, Any]) -> None:
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise _NotHere
    arguments[name] = type(value)(number)


def _invert(name: str, arguments: dict[str, Any]) -> None:
    value = arguments.get(name)
    if not isinstance(value, (float, np.floating)) or value in (0.0, 1.0):
        raise _NotHere
    arguments[name] = type(value)(1 / value)


def _unmask(name: str, arguments: dict[str, Any]) -> None:
    mask, torch = arguments.get(name), sys.modules.get("torch")
    if isinstance(mask, np.ndarray):
        arguments[name] = np.ones_like(mask)
    elif torch is not None and isinstance(mask, torch.Tensor):
        arguments[name] = torch.ones_like(mask)
    else:
        raise _NotHere


def _exchange(one: str, other: str, arguments: dict[str, Any]) -> None:
    if one not in arguments or other not in arguments:
        raise _NotHere
    arguments[one], arguments[other] = arguments[other], arguments[one]
