"""Trying other answers in a solved notebook, each in a process of its own.

For authors and measurements: the notebook runs once, and each answer starts from there in a copy
of the process, so that none can hang, or spoil the next. There are no walls: these are our own.
"""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine.cells import read_notebook
from autograder.engine.needed import unneeded
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite


def solved_names(exercise: Exercise, suite: Suite) -> dict[str, Any]:
    """The namespace of the solved notebook, of the cells that answers rest on."""
    notebook = read_notebook(exercise.notebook("en", solved=True), course=exercise.folder.parent)
    wanted = {name for check in suite.checks.values() for name in check.learner}
    idle = unneeded(notebook, exercise, wanted)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook.cells):
        if number not in idle and "check(" not in cell.source:
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


def in_a_child(call: Callable[[], Any], seconds: float) -> Any:
    """What `call` returns in a copy of this process; ``None`` if it takes too long, or dies.

    What it prints is dropped.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_quietly, args=(call, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(seconds) else None
    except EOFError:  # it did not live to tell
        return None
    finally:
        child.kill()
        child.join()


def _quietly(call: Callable[[], Any], pipe: Connection) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        pipe.send(call())
