"""How a check leaves the learner's kernel: as it found it, whatever the probed functions do."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from autograder.models import VARIABLE, is_graded


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
