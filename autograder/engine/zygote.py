"""The warm process of a pool: imports the heavy libraries once, forks a child for each request.

Started by `pool`, inside bubblewrap where there is one. Each request comes with two descriptors:
the channel, on which the request lies ready and frames go back, and the leash, which the grader
drops to have the child ended, and on which it is told how the child ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import re
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from autograder.catalog import exercise
from autograder.engine import walls, worker
from autograder.engine.limits import limit
from autograder.engine.protocol import Limits, Request, read_body
from autograder.engine.shell import LearnerShell

WATCH_SECONDS = 0.05
_OWN_MEMORY = re.compile(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)


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
        pyplot = importlib.import_module("matplotlib.pyplot")
        importlib.import_module("matplotlib_inline.backend_inline")
        # A first figure takes twice as long as the next.
        pyplot.plot([0, 1], label="warm")
        pyplot.legend()
        pyplot.close("all")
    gc.collect()
    # Children would otherwise copy every page that holds an object, to mark it as seen.
    gc.freeze()
    control.send(b"ready")
    os.dup2(sink, 2)
    _Nursery(control, walled=walled).run()


@dataclass
class _Child:
    """A child that runs, what it may take, and whether it took more."""

    process: int
    leash: int
    limits: Limits
    before: int
    ended: int = -1
    greedy: bool = False

    def __post_init__(self) -> None:
        self.ended = os.pidfd_open(self.process)

    def kill(self) -> None:
        """End it; it is the first of its namespace, so whatever it left running ends with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.process, signal.SIGKILL)

    def farewell(self) -> str:
        """Wait for it, and say how it ended."""
        _, status, usage = os.wait4(self.process, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)
        if self.greedy:
            return "memory"
        if not os.WIFSIGNALED(status):
            return f"exit {os.WEXITSTATUS(status)}"
        if usage.ru_utime + usage.ru_stime >= self.limits.seconds:
            return f"processor {self.limits.seconds:g}"
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"


class _Nursery:
    """Starts children and watches them from outside their walls.

    A child ends when it is done, when the grader drops its leash, or when its memory is used up.
    """

    def __init__(self, control: socket.socket, *, walled: bool) -> None:
        self._control = control
        self._walled = walled
        self._children: list[_Child] = []

    def run(self) -> None:
        """Serve until the grader goes."""
        while True:
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            for child in self._children:
                poll.register(child.ended, select.POLLIN)
                poll.register(child.leash, select.POLLIN)
            events = dict(poll.poll(WATCH_SECONDS * 1000 if self._children else None))
            if self._control.fileno() in events:
                message, descriptors, _, _ = socket.recv_fds(self._control, 256, 2)
                if not message:
                    break
                self._start(Limits.parse(message), *descriptors)
            self._children = [c for c in self._children if not self._is_over(c, events)]
        for child in self._children:
            child.kill()

    def _start(self, limits: Limits, channel: int, leash: int) -> None:
        ours, theirs = socket.socketpair()
        process = 0
        try:
            with self._namespace():
                process = os.fork()
                if process == 0:
                    self._let_go(ours)
                    _serve(limits, channel, leash, theirs, walled=self._walled)
            theirs.close()
            if self._walled:
                walls.let_in(process, ours)
            self._children.append(_Child(process, leash, limits, _resident(process)))
        except (walls.WallError, OSError) as error:
            with contextlib.suppress(OSError):
                os.write(leash, f"wall {error}".encode())
            os.close(leash)
            if process:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
        finally:
            os.close(channel)
            ours.close()
            theirs.close()

    def _let_go(self, ours: socket.socket) -> None:
        """In a new child: close what is the warm process's."""
        self._control.close()
        ours.close()
        for child in self._children:
            os.close(child.leash)
            os.close(child.ended)

    def _namespace(self) -> contextlib.AbstractContextManager[None]:
        return walls.new_process_ids() if self._walled else contextlib.nullcontext()

    def _is_over(self, child: _Child, events: dict[int, int]) -> bool:
        if child.ended in events:
            with contextlib.suppress(OSError):
                os.write(child.leash, child.farewell().encode())
            os.close(child.leash)
            os.close(child.ended)
            return True
        child.greedy = child.greedy or _resident(child.process) - child.before > child.limits.memory
        if child.greedy or child.leash in events:
            child.kill()
        return False


def _serve(
    limits: Limits, channel: int, leash: int, outside: socket.socket, *, walled: bool
) -> None:
    """In the child: close the walls behind it, then do what is asked."""
    code = 1
    try:
        if walled:
            walls.enter(outside)
        outside.close()
        walls.end_with_parent()
        limit(seconds=limits.seconds, memory=limits.memory)
        if walled:
            walls.close_in()
        else:
            os.setsid()
        with os.fdopen(os.dup(channel), "rb", buffering=0) as stream:
            request = Request.parse(read_body(stream))
        with os.fdopen(channel, "wb") as stream:
            walls.keep_only(channel)
            leash = -1
            worker.serve(request, stream)
        code = 0
    except walls.WallError as error:
        with contextlib.suppress(OSError):
            os.write(leash, f"wall {error}".encode())
    except BaseException:
        pass
    finally:
        os._exit(code)


def _resident(process: int) -> int:
    """Bytes that a process and those that it started hold in memory of their own.

    Pages of libraries' files do not count: they are everybody's, and come in as code first runs.
    """
    total, pending = 0, [process]
    while pending:
        number = pending.pop()
        try:
            status = Path(f"/proc/{number}/status").read_text()
            total += sum(1024 * int(size) for size in _OWN_MEMORY.findall(status))
            for task in Path(f"/proc/{number}/task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
    return total


if __name__ == "__main__":
    main()
