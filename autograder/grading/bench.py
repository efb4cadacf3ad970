"""The bench: where a submission is read or graded, in a process that is soon thrown away.

Started by `apart`, which stays on the other side: whatever a notebook holds, and whatever its code
yields, is parsed, compared and described here, within limits that are that submission's. A child
asks for what it cannot have by itself: a file beside the notebook, a worker of the pool, a key.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from autograder.engine import (
    Call,
    KeyRows,
    Notebook,
    Observed,
    UnreadableNotebook,
    WorkerFailed,
    limits,
    ours,
    parse_notebook,
)
from autograder.engine.claims import outcome_from
from autograder.engine.files import Beside
from autograder.engine.keys import Mode
from autograder.engine.needed import handout, unneeded
from autograder.engine.nursery import Nursery
from autograder.engine.pool import Leashed, PoolError
from autograder.engine.protocol import Request
from autograder.evidence.observations import Outcome
from autograder.evidence.packing import pack, unpack
from autograder.evidence.runs import Isolation
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite, answers, salted
from autograder.grading import keycache, keyparts, oracle, yours
from autograder.grading.grade import grade, judged
from autograder.grading.serial import result_to_dict
from autograder.judging.judge import judge_exercise
from autograder.judging.key import AnswerKey
from autograder.language import LANGUAGES

MEMORY = 2**30
SECONDS = 30.0
MAX_MESSAGE = 2**28
MOST_USES = 16
_MOST_KEPT = 2**26


def main() -> None:
    """Warm up for what is told on the control, then serve until the grader goes."""
    gc.disable()
    control = socket.socket(fileno=int(sys.argv[1]))
    told = unpack(control.recv(2**16))
    if told["slug"]:
        _warm(catalog.exercise(told["slug"], Path(told["course"])), told["secret"])
    gc.freeze()
    gc.enable()
    Nursery(control, _serve, walled=False).run()


def _warm(exercise: Exercise, secret: str) -> None:
    """Have at hand what every submission is judged by."""
    salted(secret, exercise.slug)
    Suite(exercise)
    with contextlib.suppress(Exception):  # whoever needs it is told
        answers(exercise, "wrong")
    with contextlib.suppress(Exception):
        _rehearse(exercise, oracle.reference_key(exercise, secret=secret), secret)


def _rehearse(exercise: Exercise, reference: AnswerKey, secret: str) -> None:
    """Judge what is handed out as if it were right, and wrong: what that loads, children have."""
    known = {name: rows[()] for name, rows in reference.outcomes.items()}
    suite = Suite(exercise)
    for notebook in (handout(exercise.notebook(n), exercise.folder.parent) for n in LANGUAGES):
        if notebook is None:
            continue
        unneeded(notebook, exercise, known)
        observed = Observed(known, ())
        result = judged(notebook, exercise, observed, reference, secret=secret, started=0.0)
        json.dumps(result_to_dict(result))
    wrong = {name: Outcome(name, "value", "nothing of the kind") for name in known}
    judge_exercise([(t, suite.of_task(t.name)) for t in exercise.tasks], wrong, reference)


def _serve(channel: int) -> None:
    """In a child: do what is asked on `channel`, each time within limits anew.

    As long as all goes well and it holds little more than in the beginning, it may do more.
    """
    grader = _Grader(Connection(channel))
    keyparts.have_made(grader.keys)
    yours.have_made(grader.first_round)
    before = limits.own_memory(os.getpid())
    with contextlib.suppress(EOFError), ours.lent_by(grader.ours):
        while True:
            done = _done(grader.next(), grader)
            well = done.keys().isdisjoint({"over", "failed"})
            done["fresh"] = well and limits.own_memory(os.getpid()) < before + _MOST_KEPT
            grader.say(done)
            if not done["fresh"]:
                return


def _done(asked: dict[str, Any], grader: _Grader) -> dict[str, Any]:
    limits.lower_addresses(MEMORY)
    limits.end_step(asked["seconds"])
    try:
        return _read(asked, grader) if asked["do"] == "read" else _graded(asked, grader)
    except MemoryError:
        return {"over": "memory"}
    except RecursionError:
        return {"over": "depth"}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:500]}


@dataclass
class _Grader:
    """The process that asked, seen from a child; its pool too, in which workers are had.

    A key is looked up while a worker is had, so one question is asked at a time.
    """

    _connection: Connection
    isolation: Isolation = "process"
    _socket: socket.socket = field(init=False)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._socket = socket.socket(fileno=os.dup(self._connection.fileno()))

    def next(self) -> dict[str, Any]:
        table = unpack(self._connection.recv_bytes(MAX_MESSAGE))
        assert isinstance(table, dict)
        return table

    def say(self, table: dict[str, Any]) -> None:
        self._connection.send_bytes(pack(table))

    def ask(self, **question: Any) -> dict[str, Any]:
        with self._asking:
            self.say(question)
            return self.next()

    def worker(self, request: Request) -> AbstractContextManager[Leashed]:
        """A child of the grader's pool, as `Pool.worker` gives it."""
        return self._lent(request, ours=False)

    def ours(self, request: Request) -> AbstractContextManager[Leashed]:
        """A child of the grader's process that holds our answers."""
        return self._lent(request, ours=True)

    @contextlib.contextmanager
    def _lent(self, request: Request, *, ours: bool) -> Iterator[Leashed]:
        with self._asking:
            self.say({"worker": request.limits.packed(), "ours": ours})
            if failed := self.next()["failed"]:
                raise PoolError(failed)
            _, descriptors, _, _ = socket.recv_fds(self._socket, 1, 2)
        channel, leash = (socket.socket(fileno=number) for number in descriptors)
        with channel, leash:
            yield Leashed.given(request, channel, leash)

    def keys(
        self, exercise: Exercise, mode: Mode, secret: str, tasks: Sequence[str]
    ) -> dict[str, KeyRows | None]:
        """Parts of an answer key, made by the grader, which has no limits."""
        parts = self.ask(key=[mode, list(tasks)])["parts"]
        return {task: keycache.parsed(parts[task]) for task in tasks}

    def first_round(
        self, exercise: Exercise, names: Sequence[str], checks: Sequence[str], secret: str
    ) -> yours.Round:
        """What checks ask for first, which the grader remembers for all submissions."""
        told = self.ask(first=[list(names), list(checks)])
        if told["failed"]:
            raise WorkerFailed(told["failed"])
        calls = {name: [Call(*one) for one in own] for name, own in told["calls"].items()}
        rows = [(tuple(label), outcome_from(outcome)) for label, outcome in told["rows"]]
        return KeyRows(rows, []), calls


def _read(asked: dict[str, Any], grader: _Grader) -> dict[str, Any]:
    def content(number: int) -> bytes:
        answer = grader.ask(beside=number)
        if answer["why"] is not None:
            raise UnreadableNotebook(answer["why"]["en"], answer["why"]["zh"])
        found: bytes = answer["content"]
        return found

    files = [
        Beside(name, partial(content, number), why)
        for number, (name, why) in enumerate(json.loads(asked["beside"]))
    ]
    try:
        read = parse_notebook(asked["content"], json.loads(asked["name"]), beside=files)
    except UnreadableNotebook as error:
        return {"unreadable": dict(error.text)}
    return {"notebook": read.packed()}


def _graded(asked: dict[str, Any], grader: _Grader) -> dict[str, Any]:
    notebook = Notebook.parse(asked["notebook"])
    exercise = catalog.exercise(notebook.exercise, Path(asked["course"]))
    grader.isolation = asked["isolation"]
    result = grade(notebook, exercise, secret=asked["secret"], pool=grader)
    return {"result": json.dumps(result_to_dict(result), allow_nan=False).encode()}


if __name__ == "__main__":
    main()
