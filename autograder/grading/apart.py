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
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine import Notebook, UnreadableNotebook, parse_notebook
from autograder.engine.files import Beside, content_of
from autograder.engine.pool import Pool, PoolError, Warm, ending
from autograder.engine.protocol import Limits
from autograder.engine.timing import PATIENCE
from autograder.evidence.packing import pack, unpack
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading import keycache, oracle
from autograder.grading.bench import MAX_MESSAGE, MEMORY, SECONDS
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


@dataclass
class _Bench:
    """Disposable processes, all warm for the same."""

    warm: Warm

    def do(self, asked: dict[str, Any], answer: Answers, wait: float) -> dict[str, Any]:
        """Have one process do what is asked; again if somebody else killed it.

        Raises
        ------
        Overrun
            If it did not live to say what it came to.
        """
        for _ in range(_MOST_KILLED):
            with self.warm.lease(Limits(SECONDS, MEMORY)) as (ours, leash):
                done = _held(ours, asked, answer, wait)
                if done is not None and "failed" in done:
                    raise Failed(done["failed"])
                if done is not None and "over" not in done:
                    return done
                reason = ("memory", "") if done == {"over": "memory"} else ("depth", "")
                reason = ending(leash) if done is None else reason
            if reason not in (("signal", "SIGKILL"), ("lost", "")):
                break
        raise Overrun(_status(*reason))


def _held(
    ours: socket.socket, asked: dict[str, Any], answer: Answers, wait: float
) -> dict[str, Any] | None:
    """Talk with a child until it says what it came to; ``None`` if it ends before."""
    with Connection(os.dup(ours.fileno())) as connection:
        try:
            connection.send_bytes(pack(asked))
            while connection.poll(wait):
                said = unpack(connection.recv_bytes(MAX_MESSAGE))
                if not {"notebook", "unreadable", "result", "over", "failed"}.isdisjoint(said):
                    return dict(said)
                answer(said, ours, connection)
        except (OSError, EOFError):
            return None
        raise Overrun("timeout")


def _status(reason: str, detail: str) -> Status:
    """The status that an ending comes to, as `Leashed.ending` tells it."""
    if reason == "memory":
        return "memory"
    if reason == "processor" or detail == "SIGXCPU":
        return "timeout"
    return "crashed"


class Reader:
    """Reads notebooks, each in a process of its own."""

    def __init__(self) -> None:
        self._bench: _Bench | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Reader:
        told = pack({"slug": "", "course": "", "secret": ""})
        self._bench = _Bench(self._open.enter_context(Warm(_MODULE, told=told)))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

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
        asked = {"do": "read", "content": content, "name": json.dumps(name), "beside": names}
        assert self._bench is not None
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
    with _starting:
        if not _shared:
            reader = Reader().__enter__()
            atexit.register(reader.__exit__)
            _shared.append(reader)
    return _shared[0].read(content, name, beside)


class Judge:
    """Grades the submissions to one exercise, each in a process of its own."""

    def __init__(self, exercise: Exercise, secret: str = "") -> None:
        self._exercise = exercise
        self._secret = secret
        course = str(exercise.folder.parent.resolve())
        told = pack({"slug": exercise.slug, "course": course, "secret": secret})
        self._bench = _Bench(Warm(_MODULE, told=told))

    def __enter__(self) -> Judge:
        # While nobody else is at it, and where nothing limits it.
        oracle.reference_key(self._exercise, secret=self._secret)
        self._bench.warm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.warm.__exit__()

    def grade(self, notebook: Notebook, pool: Pool) -> SubmissionResult:
        """Grade a notebook, whose code runs in `pool`; what it does to a judge is its verdict."""
        asked = {
            "do": "grade", "notebook": notebook.packed(), "secret": self._secret,
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
        self, pool: Pool, said: dict[str, Any], ours: socket.socket, connection: Connection
    ) -> None:
        if "key" in said:
            mode, tasks = said["key"]
            made = oracle.parts(self._exercise, mode, self._secret, tasks)
            parts = {task: keycache.packed(made[task]) for task in tasks}
            connection.send_bytes(pack({"parts": parts}))
            return
        with contextlib.ExitStack() as lent:
            try:
                lease = pool.lease(Limits.parse(said["worker"]))
                ends = [end.fileno() for end in lent.enter_context(lease)]
            except (PoolError, OSError) as error:
                connection.send_bytes(pack({"failed": str(error) or type(error).__name__}))
                return
            connection.send_bytes(pack({"failed": ""}))
            socket.send_fds(ours, [b"w"], ends)

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
