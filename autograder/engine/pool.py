"""A warm pool: one process that is ready, and a child of it for each submission."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from autograder.engine import limits, room, scouting, view, walls
from autograder.engine.copies import NOTHING, Marks
from autograder.engine.frames import SocketFrames
from autograder.engine.fresh import worker_environment
from autograder.engine.protocol import Limits, Request, frame_of
from autograder.evidence.runs import Isolation
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise

START_SECONDS = 120.0
MAX_STARTS = 10
# What a child costs is the copying of the tables that list its pages.
_LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# How bubblewrap ends when it is killed, or what it runs.
_KILLED = (-9, 128 + 9)


class PoolError(Exception):
    """The pool could not be started; the message holds its last words."""


class Leashed:
    """The child of a pool that serves one request, seen from the grader."""

    def __init__(self, channel: socket.socket, leash: socket.socket) -> None:
        self._frames = SocketFrames(channel)
        self._leash = leash

    @classmethod
    def given(cls, request: Request, channel: socket.socket, leash: socket.socket) -> Leashed:
        """The child at the other end of `channel`, with `request` to serve."""
        channel.settimeout(START_SECONDS)
        # A child that does not take it has ended, and its ending tells how.
        with contextlib.suppress(OSError):
            channel.sendall(frame_of(request.packed()))
        return cls(channel, leash)

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next frame; ``None`` at the end; `queue.Empty` when none came in time."""
        return self._frames.next(seconds)

    def ending(self) -> tuple[str, str]:
        """How the child ended, as in `Worker`; ``("wall", …)`` if it could not be put behind walls.

        ``("lost", "")`` says that nobody is left to tell, because the pool itself was ended.
        """
        return ending(self._leash)

    def last_words(self) -> str:
        """A pool keeps none."""
        return ""


def ending(leash: socket.socket) -> tuple[str, str]:
    """How the child on a leash ended, as `Leashed.ending` says it."""
    leash.settimeout(5)
    try:
        reason, _, detail = leash.recv(4096).decode("utf-8", "replace").partition(" ")
    except TimeoutError:
        return "channel", "closed"
    except OSError:
        return "lost", ""
    return reason or "lost", detail


class Warm:
    """A process that is ready, and a child of it for each request; started anew if it is killed.

    Parameters
    ----------
    module
        What it runs: it reads `told` and gives the rest to a `nursery`.
    arguments
        What stands on its command line, after the descriptor of its control.
    told
        What it is told before anything else, and nobody else is.

    Raises
    ------
    PoolError
        On entry, if it does not start.
    """

    def __init__(self, module: str, arguments: Iterable[str] = (), told: bytes = b"") -> None:
        self._module = module
        self._arguments = list(arguments)
        self._told = told
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        self._closed = False
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            self._stop()

    def _start(self) -> None:
        """Start the warm process; again if it is killed meanwhile, which is not its fault."""
        for _ in range(MAX_STARTS):
            words = self._started()
            if not words:
                return
            self._stop()
            if self._process.returncode not in _KILLED:
                break
        raise PoolError(f"the warm process did not start: {words}")

    def _started(self) -> str:
        """Start the warm process; what it said last, if it did not come up."""
        self._files = contextlib.ExitStack()
        limits.all_files()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Its file for words has no name, so that nothing is left of it if the grader is killed.
        with tempfile.TemporaryFile() as stderr:
            with theirs:
                command = [sys.executable, "-m", self._module, str(theirs.fileno())]
                command, folder, environment = self._placed([*command, *self._arguments])
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                    cwd=folder, env=environment,
                    pass_fds=[theirs.fileno()], start_new_session=True,
                )  # fmt: skip
            self._send_ahead()
            if self._is_ready():
                return ""
            stderr.seek(0)
            words = stderr.read().decode("utf-8", "replace").strip().splitlines()
        return words[-1] if words else "no words"

    def _placed(self, command: list[str]) -> tuple[list[str], Path, dict[str, str]]:
        """How and where `command` is run: by itself, and not in a folder with somebody's modules.

        Python looks for modules where it is started, and a class is often graded from its folder.
        """
        environment = dict(os.environ)
        paths = [str(catalog.PACKAGE.parent), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        environment["PYTHONSAFEPATH"] = "1"
        if "TOUCHSTONE_COURSE" in environment:
            environment["TOUCHSTONE_COURSE"] = str(catalog.COURSE.resolve())
        for library in ("OMP", "MKL", "OPENBLAS"):
            environment[f"{library}_NUM_THREADS"] = "1"
        return command, Path("/"), {**environment, **_LARGE_PAGES}

    def _send_ahead(self) -> None:
        """Ask for what is to be done while it starts; nothing, unless somebody knows better."""

    def _is_ready(self) -> bool:
        """Wait until it has imported everything; false if it ended before or takes too long."""
        self._control.settimeout(START_SECONDS)
        try:
            if self._told:
                self._control.send(self._told)
            return self._control.recv(64) == b"ready"
        except OSError:
            return False

    def _stop(self) -> None:
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            # It may just be ending by itself, and how tells what happened to it.
            self._process.wait(0.2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.kill()
        self._process.wait()
        self._files.close()

    @contextlib.contextmanager
    def lease(self, allowed: Limits) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Have a child wait for a request on the first socket; the second is its leash.

        Who closes the leash ends it, and all that it started. If the warm process was ended by
        somebody, another one is started first.
        """
        ours, channel = socket.socketpair()
        leash, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, leash:
            with channel, theirs:
                self._hand_over(allowed.packed(), channel.fileno(), theirs.fileno())
            yield ours, leash

    def _hand_over(self, message: bytes, *descriptors: int) -> None:
        with self._lock:
            if self._closed:
                raise PoolError("the pool was closed meanwhile")
            if self._process.poll() is not None:
                self._stop()
                self._start()
            try:
                socket.send_fds(self._control, [message], descriptors)
            except OSError:
                self._stop()
                self._start()
                socket.send_fds(self._control, [message], descriptors)


class Pool(Warm):
    """A context in which `worker` serves requests warm, each in a child of its own.

    Parameters
    ----------
    exercises
        Those to warm up for. All from one course.
    walled
        Whether to build walls; by default where the platform has them.
    covered
        Paths that do not show behind them, such as those of a class.
    besides
        What must not be read behind them wherever it lies. A pool that is given it has its room
        searched anew, others once in a process.

    Attributes
    ----------
    in_reach
        Where answers, or what is `besides`, can be read behind the walls all the same. ``None`` if
        the search did not come to its end.

    Raises
    ------
    PoolError
        On entry, if the warm process does not start.
    """

    def __init__(
        self,
        exercises: Iterable[Exercise],
        *,
        walled: bool | None = None,
        covered: Iterable[Path] = (),
        besides: Marks | None = None,
    ) -> None:
        self._covered = tuple(covered)
        self._anew = besides is not None
        self._besides = besides or NOTHING
        self._looking = scouting.Looking()
        self._scout: scouting.Scout | None = None
        self.in_reach: tuple[str, ...] | None = ()
        warm = list(exercises)
        course = warm[0].folder.parent if warm else catalog.COURSE
        self.walled = bool(walls.available()) if walled is None else walled
        self._warm_for = [str(course), *(e.slug for e in warm)]
        super().__init__("autograder.engine.zygote")

    @property
    def isolation(self) -> Isolation:
        """What a result of this pool says of the walls."""
        return "sandbox" if self.walled else "process"

    @contextlib.contextmanager
    def worker(self, request: Request) -> Iterator[Leashed]:
        """Have a child serve `request`; it is ended, with all that it started, afterwards."""
        with self.lease(request.limits) as (ours, leash):
            yield Leashed.given(request, ours, leash)

    def _start(self) -> None:
        """Start it; again for as long as a scout finds copies that the next room can hide."""
        for more in reversed(range(scouting.MOST_ROUNDS)):
            super()._start()
            if self._scout is None:
                return
            self.in_reach = self._scout.found()
            if not (self._looking.hides(self.in_reach) and more):
                self._anew = False
                return
            self._stop()

    def _placed(self, command: list[str]) -> tuple[list[str], Path, dict[str, str]]:
        home = self._home()
        environment = self._environment(home)
        if not self.walled:
            return [*command, "open", "alone", *self._warm_for], home, environment
        shows = view.seen(environment, self._covered)
        self._looking = scouting.looking(shows)
        command += ["walled", "scouts" if self._scouts() else "alone", *self._warm_for]
        shows |= dict.fromkeys(self._looking.hidden, False)
        return room.furnished(command, environment, shows), Path("/"), environment

    def _scouts(self) -> bool:
        return self.walled and (self._anew or not self._looking.done)

    def _send_ahead(self) -> None:
        self._scout = scouting.Scout(self._control, self._besides) if self._scouts() else None

    def _home(self) -> Path:
        """The folder in which the warm process lives; behind walls it is not one of ours."""
        if self.walled:
            return room.PRIVATE
        folder = tempfile.TemporaryDirectory(prefix="touchstone-pool-", ignore_cleanup_errors=True)
        return Path(self._files.enter_context(folder))

    def _environment(self, home: Path) -> dict[str, str]:
        environment = worker_environment(home)
        if self.walled:
            environment |= room.told(environment)
        return {**environment, **_LARGE_PAGES}


@contextlib.contextmanager
def pool_of(exercises: Sequence[Exercise], *, walled: bool | None = None) -> Iterator[Pool | None]:
    """A pool that is warm for `exercises`; ``None`` where there are none, or the platform has none.

    `walled` is as for `Pool`.
    """
    with contextlib.ExitStack() as stack:
        pool = None
        if exercises and sys.platform == "linux":
            with contextlib.suppress(PoolError, OSError):
                pool = stack.enter_context(Pool(exercises, walled=walled))
        yield pool
