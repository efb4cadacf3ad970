"""Processes on a bench, seen from the side that must outlive every submission."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine.pool import Warm, ending
from autograder.engine.protocol import Limits
from autograder.evidence.packing import pack, unpack
from autograder.grading.bench import MAX_MESSAGE, MEMORY, MOST_USES, SECONDS
from autograder.judging.results import Status

MODULE = "autograder.grading.bench"
_MOST_KILLED = 5
WAIT_SECONDS = 1800.0


class Overrun(Exception):
    """A process did not live to say what it was asked: ``status`` tells why."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status: Status = status


class Failed(Exception):
    """Something of ours failed in a process; the message says what."""


Answers = Callable[[dict[str, Any], socket.socket, Connection], None]
"""Answers what a child asks for."""


class _Child:
    """A process on a bench, seen from here; `used` once it has done something."""

    def __init__(self, warm: Warm) -> None:
        self.used = 0
        self._open = contextlib.ExitStack()
        # Of a limit on all that it does nothing is told: each time it sets one of its own.
        limits = Limits(SECONDS * (MOST_USES + 1), MEMORY)
        self._ours, self._leash = self._open.enter_context(warm.lease(limits))
        self._connection = self._open.enter_context(Connection(os.dup(self._ours.fileno())))

    def do(self, asked: dict[str, Any], answer: Answers, wait: float) -> dict[str, Any] | None:
        """Have it do what is asked, until it says what that came to; ``None`` if it ends before."""
        self.used += 1
        try:
            self._connection.send_bytes(pack(asked))
            while self._connection.poll(wait):
                said = unpack(self._connection.recv_bytes(MAX_MESSAGE))
                if not _LAST_WORDS.isdisjoint(said):
                    return dict(said)
                answer(said, self._ours, self._connection)
        except (OSError, EOFError):
            return None
        return {"over": "timeout"}

    def ending(self) -> tuple[str, str]:
        """How it ended, as `Leashed.ending` says it."""
        return ending(self._leash)

    def close(self) -> None:
        """Have it ended."""
        self._open.close()


_LAST_WORDS = frozenset(["notebook", "unreadable", "result", "over", "failed"])


class Bench:
    """Processes that are warm for the same; each is thrown away before long."""

    def __init__(self, warm: Warm) -> None:
        self.warm = warm
        self._idle: list[_Child] = []

    def do(self, asked: dict[str, Any], answer: Answers, wait: float) -> dict[str, Any]:
        """Have a process do what is asked; again if somebody else killed it.

        One that has done something before is not believed if it ends: what was there before may
        have had a part in it, so a new one is asked.

        Raises
        ------
        Overrun
            If one that was new did not live to say what it came to.
        """
        reason = ("lost", "")
        if done := self._done_by_idle(asked, answer, wait):
            return done
        for _ in range(_MOST_KILLED):
            child = _Child(self.warm)
            done = self._kept(child, child.do(asked, answer, wait))
            if done is not None and "over" not in done:
                return done
            reason = (done["over"], "") if done else child.ending()
            child.close()
            if reason not in (("signal", "SIGKILL"), ("lost", "")):
                break
        raise Overrun(_status(*reason))

    def _done_by_idle(
        self, asked: dict[str, Any], answer: Answers, wait: float
    ) -> dict[str, Any] | None:
        with contextlib.suppress(IndexError):
            child = self._idle.pop()
            done = self._kept(child, child.do(asked, answer, wait))
            if done is not None and "over" not in done:
                return done
            child.close()
        return None

    def _kept(self, child: _Child, done: dict[str, Any] | None) -> dict[str, Any] | None:
        """What a child came to; if that went well, the child does more, unless it has had enough.

        Raises
        ------
        Failed
            If something of ours did.
        """
        if done is not None and "failed" in done:
            child.close()
            raise Failed(done["failed"])
        if done is not None and "over" not in done:
            if done["fresh"] and child.used < MOST_USES:
                self._idle.append(child)
            else:
                child.close()
        return done

    def close(self) -> None:
        """End them all."""
        while self._idle:
            self._idle.pop().close()
        self.warm.__exit__()


def _status(reason: str, detail: str) -> Status:
    """The status that an ending comes to, as `Leashed.ending` tells it."""
    if reason == "memory":
        return "memory"
    if reason in ("processor", "timeout") or detail == "SIGXCPU":
        return "timeout"
    return "crashed"
