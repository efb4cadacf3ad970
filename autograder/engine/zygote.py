"""The warm process of a pool: imports the heavy libraries once, forks a child for each request.

Started by `pool`, inside bubblewrap where there is one; what its children do is `worker`'s.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import socket
import sys
from pathlib import Path

from autograder.engine import worker
from autograder.engine.nursery import WALL_SECONDS, Nursery
from autograder.engine.protocol import Request, read_body
from autograder.engine.shell import LearnerShell
from autograder.exercise.catalog import exercise


def main() -> None:
    """Warm up for the exercises named on the command line, then serve until the grader goes."""
    # Searching what the libraries made for garbage takes long, and there is none.
    gc.disable()
    control = socket.socket(fileno=int(sys.argv[1]))
    walled = sys.argv[2] == "walled"
    sink = os.open(os.devnull, os.O_RDWR)
    os.dup2(sink, 0)
    os.dup2(sink, 1)
    for slug in sys.argv[4:]:
        found = exercise(slug, Path(sys.argv[3]))
        for name in found.imports:
            importlib.import_module(name)
        worker.warm(found)
    # Each child would load it otherwise.
    importlib.import_module("autograder.engine.running")
    # The first cell of all takes longer than the next.
    LearnerShell.make().run("warm", "pass", WALL_SECONDS)
    with contextlib.suppress(ImportError):
        # Its list of fonts takes longer to make than most submissions take to grade.
        pyplot = importlib.import_module("matplotlib.pyplot")
        importlib.import_module("matplotlib_inline.backend_inline")
        # A first figure takes twice as long as the next.
        pyplot.plot([0, 1], label="warm")
        pyplot.legend()
        pyplot.close("all")
    # Children would otherwise copy every page that holds an object, to mark it as seen.
    gc.freeze()
    gc.enable()
    # The first child shows whether walls can be built here at all.
    nursery = Nursery(control, _serve, walled=walled)
    control.send(b"ready")
    os.dup2(sink, 2)
    nursery.run()


def _serve(channel: int) -> None:
    """Do what the request on `channel` asks."""
    with os.fdopen(os.dup(channel), "rb", buffering=0) as stream:
        request = Request.parse(read_body(stream))
    with os.fdopen(channel, "wb") as stream:
        worker.serve(request, stream)


if __name__ == "__main__":
    main()
