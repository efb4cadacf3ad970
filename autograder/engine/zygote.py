"""The warm process of a pool: imports the heavy libraries once, forks a child for each request.

Started by `pool`, inside bubblewrap where there is one; what its children do is `worker`'s. Behind
walls it may begin with a scout, which searches while the libraries load.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import socket
import sys
from pathlib import Path

from autograder.engine import scouting
from autograder.engine.nursery import WALL_SECONDS, Nursery
from autograder.engine.protocol import MAX_REQUEST, Request, read_body


def main() -> None:
    """Warm up for the exercises named on the command line, then serve until the grader goes."""
    # Searching what the libraries made for garbage takes long, and there is none.
    gc.disable()
    control, walls, scouts, course, *slugs = sys.argv[1:]
    sink = os.open(os.devnull, os.O_RDWR)
    os.dup2(sink, 0)
    os.dup2(sink, 1)
    nursery = Nursery(socket.socket(fileno=int(control)), _serve, walled=walls == "walled")
    if scouts == "scouts":
        # It shows whether walls can be built here at all, as the first child does.
        nursery.send_ahead(scouting.serve)
    _warm_up(Path(course), slugs)
    # Children would otherwise copy every page that holds an object, to mark it as seen.
    gc.freeze()
    gc.enable()
    nursery.run()


def _warm_up(course: Path, slugs: list[str]) -> None:
    """Load and make what each child would otherwise load and make for itself."""
    from autograder.engine import worker
    from autograder.engine.shell import LearnerShell
    from autograder.exercise.catalog import exercise

    for slug in slugs:
        found = exercise(slug, course)
        for name in found.imports:
            importlib.import_module(name)
        worker.warm(found)
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


def _serve(channel: int) -> None:
    """Do what the request on `channel` asks."""
    from autograder.engine import worker

    os.dup2(1, 2)  # what this process says last is read, but not what a learner's code says
    with os.fdopen(os.dup(channel), "rb", buffering=0) as stream:
        request = Request.parse(read_body(stream, MAX_REQUEST))
    with os.fdopen(channel, "wb") as stream:
        worker.serve(request, stream)


if __name__ == "__main__":
    main()
