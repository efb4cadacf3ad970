"""The warm process of a pool: imports the heavy libraries once, forks a child for each request.

Started by `pool`, inside bubblewrap where there is one. Each request comes with two descriptors:
the channel, on which the request lies ready and frames go back, and the leash, which the grader
drops to have the child ended, and on which it is told how the child ended.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
from pathlib import Path

from autograder.catalog import exercise
from autograder.engine import walls, worker
from autograder.engine.protocol import Request, read_body
from autograder.engine.shell import LearnerShell

WATCH_SECONDS = 0.05
WALL_FAILED = 71
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Warm up for the exercises named on the command line, then serve until the grader goes."""
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
    LearnerShell.make()
    with contextlib.suppress(ImportError):
        # Its list of fonts takes longer to make than most submissions take to grade.
        importlib.import_module("matplotlib.pyplot")
        importlib.import_module("matplotlib_inline.backend_inline")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 64, 2)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            os.dup2(sink, 2)
            _guard(*descriptors, walled=walled)
        for descriptor in descriptors:
            os.close(descriptor)


def _guard(channel: int, leash: int, *, walled: bool) -> None:
    """Run one child and watch it: ends it when the leash is dropped or its memory is used up."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 0
    try:
        with os.fdopen(os.dup(channel), "rb", buffering=0) as stream:
            request = Request.parse(read_body(stream))
        if walled:
            walls.enter()
        child = os.fork()
        if child == 0:
            os.close(leash)
            _serve(request, channel, walled=walled)
        os.close(channel)
        os.write(leash, _watch(child, leash, request.memory).encode())
    except walls.WallError as error:
        os.write(leash, f"wall {error}".encode())
    except BaseException:
        code = 1
    finally:
        os._exit(code)


def _serve(request: Request, channel: int, *, walled: bool) -> None:
    """In the child: close the walls behind it, then do what is asked."""
    code = 1
    try:
        walls.limit(seconds=request.total_seconds, memory=4 * request.memory)
        if walled:
            walls.close_in()
        else:
            os.setsid()
        with os.fdopen(channel, "wb") as stream:
            worker.serve(request, stream)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _watch(child: int, leash: int, memory: int) -> str:
    """Wait until the child is gone; return how it ended."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(leash, select.POLLIN)
    before = _resident(child)
    over = False
    while True:
        events = dict(poll.poll(WATCH_SECONDS * 1000))
        if ended in events:
            break
        over = over or _resident(child) - before > memory
        if over or leash in events:
            # The first process of its namespace: whatever it left running ends with it.
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if over:
        return "memory"
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit {os.WEXITSTATUS(status)}"


def _resident(process: int) -> int:
    """Bytes that a process and those that it started hold in memory."""
    total, pending = 0, [process]
    while pending:
        number = pending.pop()
        try:
            total += int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE
            for task in Path(f"/proc/{number}/task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except (OSError, ValueError, IndexError):
            continue
    return total


if __name__ == "__main__":
    main()
