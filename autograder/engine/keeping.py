"""How a check leaves a notebook's variables: as it found them, whatever the probed functions do."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

_MAX_BYTES, _MAX_ITEMS = 2**20, 200_000


@contextlib.contextmanager
def variables_kept(names: dict[str, Any]) -> Iterator[None]:
    """Leave the notebook's variables as they were, whatever the probed functions do to them."""
    before = dict(names)
    contents = _contents(value for name, value in before.items() if not name.startswith("_"))
    try:
        yield
    finally:
        for name in [name for name in names if name not in before]:
            del names[name]
        names.update(before)
        for value, copied in contents:
            _restore(value, copied)


def _contents(values: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Every plain container or array within `values`, with a shallow copy, up to a size."""
    numpy = sys.modules.get("numpy")
    pending, room = list(values), _MAX_ITEMS
    found: dict[int, tuple[Any, Any]] = {}
    while pending:
        value = pending.pop()
        kind = type(value)
        if id(value) in found:
            continue
        if kind in (list, dict, set) and len(value) <= room:
            room -= len(value)
            found[id(value)] = (value, value.copy())
            pending.extend(value.values() if kind is dict else value)
        elif numpy is not None and kind is numpy.ndarray and value.nbytes <= _MAX_BYTES:
            found[id(value)] = (value, value.copy())
    return list(found.values())


def _restore(target: Any, content: Any) -> None:
    if isinstance(target, list):
        target[:] = content
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(content)
    else:
        with contextlib.suppress(ValueError):  # read-only, or resized
            target[...] = content
