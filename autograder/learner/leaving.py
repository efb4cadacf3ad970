"""How a check leaves the learner's kernel: as it found it, whatever the probed functions do."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from autograder.models import VARIABLE, is_graded

_MAX_BYTES, _MAX_ITEMS = 2**20, 200_000


@contextlib.contextmanager
def quiet_errors() -> Iterator[None]:
    """Drop what is written to standard error: nbgrader gives nothing for a cell with any.

    See jupyter/nbgrader#1904, where a line of torch's cost a class its points. The stream is
    muted and not replaced, because a logging handler may hold it; compiled code writes past it.
    """
    stream: Any = sys.stderr
    with contextlib.suppress(Exception):
        stream.flush()
        stream.write = len
    try:
        with _quiet_descriptor():
            yield
    finally:
        with contextlib.suppress(Exception):
            del stream.write


@contextlib.contextmanager
def _quiet_descriptor() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


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


@contextlib.contextmanager
def on_model(chosen: object) -> Iterator[None]:
    """Let checks and their references work on the model that a notebook names, if it names one."""
    before = os.environ.get(VARIABLE)
    if not isinstance(chosen, (str, os.PathLike)) or str(chosen) == "tiny" or is_graded():
        yield
        return
    os.environ[VARIABLE] = os.path.abspath(chosen) if os.path.isdir(chosen) else str(chosen)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
