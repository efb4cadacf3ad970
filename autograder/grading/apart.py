"""Reading and grading submissions in processes that are thrown away: see `bench`.

Here is the side that must outlive every submission. It hands over bytes and takes back a notebook
or a result; what a submission does to its process is that submission's own verdict.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine import Notebook, UnreadableNotebook, ours, parse_notebook
from autograder.engine.files import Beside, content_of
from autograder.engine.pool import Pool, PoolError, Warm, ending
from autograder.engine.protocol import Limits
from autograder.engine.timing import PATIENCE
from autograder.evidence.packing import pack, unpack
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading import keycache, keyparts, oracle
from autograder.grading.bench import MAX_MESSAGE, MEMORY, MOST_USES, SECONDS
from autograder.grading.serial import result_from_dict
from autograder.judging import wording
from autograder.judging.results import Status, SubmissionResult, TaskResult, Verdict

_MODULE = "autograder.grading.bench"
_MOST_KILLED = 5
_WAIT_SECONDS = 1800.0


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


class _Bench:
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


class Reader:
    """Reads notebooks, each in a process of its own."""

    def __init__(self) -> None:
        told = pack({"slug": "", "course": "", "secret": ""})
        self._bench = _Bench(Warm(_MODULE, told=told))

    def __enter__(self) -> Reader:
        self._bench.warm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.close()

    def read(self, content: bytes, name: str, beside: Iterable[Beside] = ()) -> Notebook:
        """As `engine.parse_notebook` does.

        Raises
        ------
        UnreadableNotebook
            As there; also if it takes more than a notebook may.
        """
        files = list(beside)

        def answer(said: dict[str, Any], _: socket.socket, connection: Connection) -> None:
            found, why = content_of(files[said["beside"]])
            connection.send_bytes(pack({"content": found, "why": why and dict(why)}))

        # As JSON, in which names that are no text can be written down too.
        names = json.dumps([[item.name, item.why and dict(item.why)] for item in files])
        asked = {
            "do": "read",
            "seconds": SECONDS,
            "content": content,
            "name": json.dumps(name),
            "beside": names,
        }
        try:
            done = self._bench.do(asked, answer, _WAIT_SECONDS)
        except Overrun as error:
            text = wording.not_read(error.status, MEMORY, SECONDS)
            raise UnreadableNotebook(text["en"], text["zh"]) from None
        if "unreadable" in done:
            raise UnreadableNotebook(done["unreadable"]["en"], done["unreadable"]["zh"])
        return Notebook.parse(done["notebook"])


_shared: list[Reader] = []
_starting = threading.Lock()


def read_apart(content: bytes, name: str, beside: Iterable[Beside] = ()) -> Notebook:
    """As `Reader.read` does, by one that lasts as long as this process.

    Where the platform has no such processes it is read here.
    """
    if sys.platform != "linux":
        return parse_notebook(content, name, beside=beside)
    return _reader().read(content, name, beside)


def make_ready() -> None:
    """Start what `read_apart` reads with, aside: it takes as long as much else at the beginning."""

    def start() -> None:
        with contextlib.suppress(Exception):  # whoever reads is told
            _reader()

    if sys.platform == "linux":
        threading.Thread(target=start, daemon=True).start()


def _reader() -> Reader:
    with _starting:
        if not _shared:
            reader = Reader().__enter__()
            atexit.register(reader.__exit__)
            _shared.append(reader)
        return _shared[0]


class Judge:
    """Grades the submissions to one exercise, each in a process of its own."""

    def __init__(self, exercise: Exercise, secret: str = "") -> None:
        self._exercise = exercise
        self._secret = secret
        course = str(exercise.folder.parent.resolve())
        told = pack({"slug": exercise.slug, "course": course, "secret": secret})
        self._bench = _Bench(Warm(_MODULE, told=told))
        self._kept = contextlib.ExitStack()

    def __enter__(self) -> Judge:
        # While nobody else is at it, and where nothing limits it.
        oracle.reference_key(self._exercise, secret=self._secret)
        self._kept.enter_context(ours.kept())
        self._bench.warm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.close()
        self._kept.close()

    def grade(self, notebook: Notebook, pool: Pool) -> SubmissionResult:
        """Grade a notebook, whose code runs in `pool`; what it does to a judge is its verdict."""
        asked = {
            "do": "grade", "seconds": SECONDS, "secret": self._secret,
            "notebook": notebook.packed(),
            "course": str(self._exercise.folder.parent.resolve()), "isolation": pool.isolation,
        }  # fmt: skip
        # A child computes little by itself; what it waits for has limits of its own.
        wait = 2 * PATIENCE * self._exercise.with_room().submission_seconds + _WAIT_SECONDS
        try:
            done = self._bench.do(asked, partial(self._answer, pool), wait)
        except Overrun as error:
            return self._overrun(notebook, error.status, pool)
        return result_from_dict(json.loads(done["result"]))

    def _answer(
        self, pool: Pool, said: dict[str, Any], end: socket.socket, connection: Connection
    ) -> None:
        if "key" in said:
            mode, tasks = said["key"]
            made = keyparts.parts(self._exercise, mode, self._secret, tasks)
            parts = {task: keycache.packed(made[task]) for task in tasks}
            connection.send_bytes(pack({"parts": parts}))
            return
        with contextlib.ExitStack() as lent:
            try:
                allowed = Limits.parse(said["worker"])
                lease = ours.lease(self._exercise, allowed) if said["ours"] else pool.lease(allowed)
                ends = [end.fileno() for end in lent.enter_context(lease)]
            except (PoolError, OSError) as error:
                connection.send_bytes(pack({"failed": str(error) or type(error).__name__}))
                return
            connection.send_bytes(pack({"failed": ""}))
            socket.send_fds(end, [b"w"], ends)

    def _overrun(self, notebook: Notebook, status: Status, pool: Pool) -> SubmissionResult:
        """The result of a notebook that could not be judged: nothing, with the reason."""
        message = wording.not_judged(status, MEMORY, SECONDS)
        suite = Suite(self._exercise)
        tasks = tuple(
            TaskResult(
                task.name, task.title, status, 0.0, task.points,
                tuple(
                    Verdict(check.name, check.claim, status, message, weight=check.weight)
                    for check in suite.of_task(task.name)
                ),
            )
            for task in self._exercise.tasks
        )  # fmt: skip
        return SubmissionResult(
            str(notebook.path), self._exercise.slug, notebook.language,
            max_points=self._exercise.points, tasks=tasks,
            isolation=pool.isolation,
        )  # fmt: skip
