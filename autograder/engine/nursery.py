"""A nursery: a warm process forks a child for each request, and watches it from outside.

Each request comes with two descriptors: the channel, on which the request lies ready and answers
go back, and the leash, which whoever asked drops to have the child ended, and on which they are
told how it ended. They are passed on to a child that was forked before and, where there are walls,
stands behind them already.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from autograder.engine import limits, walls
from autograder.engine.protocol import Limits

WATCH_SECONDS = 0.02
_UNLIMITED = Limits(math.inf, 0)
WALL_SECONDS = 10.0
MOST_FIRST = 5
_STANDING = b"stands"

Serve = Callable[[int], None]
"""What a child does with the channel of its request, within its limits."""


@dataclass
class _Child:
    """A child that waits at its door for a submission, or runs one: what that may and did take."""

    process: int
    door: socket.socket
    leash: int = -1
    allowed: Limits = _UNLIMITED
    before: int = 0
    ended: int = -1
    greedy: bool = False
    stands: bool = False

    def __post_init__(self) -> None:
        self.ended = os.pidfd_open(self.process)

    def give(self, allowed: Limits, channel: int, leash: int) -> None:
        """Have it serve the request that lies ready on `channel`."""
        self.await_walls()
        self.allowed, self.leash, self.before = allowed, leash, limits.own_memory(self.process)
        # If it is dead, its ending tells so.
        with self.door, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.door, [allowed.packed()], [channel, leash])

    def await_walls(self) -> bool:
        """Wait until it stands behind its walls; false if it died meanwhile, as its ending tells.

        Raises
        ------
        WallError
            If they could not be built.
        """
        if self.stands:
            return True
        self.door.settimeout(WALL_SECONDS)
        try:
            word = self.door.recv(4096)
        except ConnectionResetError:  # it died before it had read everything
            word = b""
        if word and word != _STANDING:
            raise walls.WallError(word.decode("utf-8", "replace"))
        self.stands = word == _STANDING
        return self.stands

    def kill(self) -> None:
        """End it; it is the first of its namespace, so whatever it left running ends with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.process, signal.SIGKILL)

    def farewell(self) -> str:
        """Wait for it, and say how it ended."""
        _, status, usage = os.wait4(self.process, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)
        self.door.close()
        os.close(self.ended)
        if self.greedy:
            return "memory"
        if not os.WIFSIGNALED(status):
            return f"exit {os.WEXITSTATUS(status)}"
        if usage.ru_utime + usage.ru_stime >= self.allowed.seconds:
            return f"processor {self.allowed.seconds:g}"
        number = os.WTERMSIG(status)
        # Signals of the real time have no names.
        named = number in signal.valid_signals() and number < signal.SIGRTMIN
        return f"signal {signal.Signals(number).name if named else number}"


class Nursery:
    """Starts children and watches them from outside their walls.

    One child stands behind its walls ahead of time, so that no submission waits for that. A child
    ends when it is done, when the grader drops its leash, or when its memory is used up.

    Parameters
    ----------
    serve
        What each child does.
    """

    def __init__(self, control: socket.socket, serve: Serve, *, walled: bool) -> None:
        self._control = control
        self._serve = serve
        self._walled = walled
        self._children: list[_Child] = []
        self._next: _Child | None = None

    def send_ahead(self, serve: Serve) -> None:
        """Have a child `serve` the first request while this process makes itself ready.

        Nobody watches it before `run`, so it must be one of ours.

        Raises
        ------
        WallError, OSError
            As `run` does.
        """
        self._next = self._first(serve)
        if asked := self._asked():
            self._start(*asked)

    def run(self) -> None:
        """Say that all is ready, and serve until the grader goes.

        Raises
        ------
        WallError, OSError
            If the first child cannot be put behind its walls.
        """
        self._next = self._first(self._serve)
        self._control.send(b"ready")
        while True:
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            for child in self._children:
                poll.register(child.ended, select.POLLIN)
                poll.register(child.leash, select.POLLIN)
            events = dict(poll.poll(WATCH_SECONDS * 1000 if self._children else None))
            if self._control.fileno() in events:
                asked = self._asked()
                if not asked:
                    break
                self._start(*asked)
                self._look_ahead()
            self._children = [c for c in self._children if not self._is_over(c, events)]
        for child in filter(None, (*self._children, self._next)):
            child.kill()

    def _asked(self) -> tuple[Limits, int, int] | None:
        """A request: what a child may take for it, its channel and its leash; None at the end."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 256, 2)
        return (Limits.parse(message), descriptors[0], descriptors[1]) if message else None

    def _first(self, serve: Serve) -> _Child:
        """A child whose walls stand; another one if it is killed, which says nothing of walls."""
        ending = ""
        for _ in range(MOST_FIRST):
            child = self._forked(serve)
            if child.await_walls():
                return child
            ending = child.farewell()
            if ending != "signal SIGKILL":
                break
        raise walls.WallError(f"the first child ended before its walls stood: {ending}")

    def _start(self, allowed: Limits, channel: int, leash: int) -> None:
        """Have the child that waits serve a request."""
        child, self._next = self._next, None
        try:
            child = child or self._forked(self._serve)
            child.give(allowed, channel, leash)
            self._children.append(child)
        except (walls.WallError, OSError) as error:
            if child:
                child.kill()
                child.farewell()
            with contextlib.suppress(OSError):
                os.write(leash, f"wall {error}".encode())
            os.close(leash)
        finally:
            os.close(channel)

    def _look_ahead(self) -> None:
        """Have a child wait; what prevents it is told to whoever asks for the next one."""
        with contextlib.suppress(walls.WallError, OSError):
            self._next = self._forked(self._serve)

    def _forked(self, serve: Serve) -> _Child:
        """A new child, in namespaces of its own, which closes the walls behind it and waits."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._namespace():
            process = os.fork()
            if process == 0:
                self._let_go(ours)
                _live(theirs, serve, walled=self._walled)
        try:
            child = _Child(process, ours)
        except OSError:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            raise
        try:
            if self._walled:
                walls.let_in(process, ours)
        except walls.WallError:
            child.kill()
            child.farewell()
            raise
        return child

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
            return True
        limits.share_processor(child.process)
        most = child.before + child.allowed.memory
        child.greedy = child.greedy or limits.own_memory(child.process, most) > most
        if child.greedy or child.leash in events:
            child.kill()
        return False


def _live(door: socket.socket, serve: Serve, *, walled: bool) -> None:
    """In the child: close the walls behind it, wait for a request, and do what is asked."""
    code = 1
    try:
        mapped = limits.mapped_bytes()
        _close_in(door, walled=walled)
        door.send(_STANDING)
        message, (channel, _), _, _ = socket.recv_fds(door, 256, 2)
        # Before the limits, after which it would not look for those with high numbers.
        walls.keep_only(channel)
        allowed = Limits.parse(message)
        limits.limit(seconds=allowed.seconds, memory=allowed.memory, mapped=mapped, alone=walled)
        serve(channel)
        code = 0
    except (walls.WallError, OSError) as error:
        # Of use until it is given a request; after that nobody listens at the door.
        with contextlib.suppress(OSError):
            door.send(str(error).encode()[:4096])
    except BaseException:
        pass
    finally:
        os._exit(code)


def _close_in(door: socket.socket, *, walled: bool) -> None:
    """Put this process behind its walls."""
    if walled:
        walls.enter(door)
    walls.end_with_parent()
    if walled:
        walls.close_in()
    else:
        os.setsid()
