"""Grading submissions in processes that are thrown away, which ask here for what they lack."""

from __future__ import annotations

import contextlib
import json
import socket
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine import Notebook, WorkerFailed, ours
from autograder.engine.claims import outcome_to
from autograder.engine.pool import Pool, PoolError, Warm
from autograder.engine.protocol import Limits
from autograder.engine.timing import PATIENCE
from autograder.evidence.packing import pack
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading import keycache, keyparts, oracle, yours
from autograder.grading.apart._children import MODULE, WAIT_SECONDS, Bench, Overrun
from autograder.grading.bench import MEMORY, SECONDS
from autograder.grading.serial import result_from_dict
from autograder.judging import wording
from autograder.judging.results import Status, SubmissionResult, TaskResult, Verdict


class Judge:
    """Grades the submissions to one exercise, each in a process of its own."""

    def __init__(self, exercise: Exercise, secret: str = "") -> None:
        self._exercise = exercise
        self._secret = secret
        course = str(exercise.folder.parent.resolve())
        told = pack({"slug": exercise.slug, "course": course, "secret": secret})
        self._bench = Bench(Warm(MODULE, told=told))
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
        wait = 2 * PATIENCE * self._exercise.with_room().submission_seconds + WAIT_SECONDS
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
        if "first" in said:
            connection.send_bytes(pack(self._first_round(*said["first"])))
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

    def _first_round(self, names: list[str], checks: list[str]) -> dict[str, Any]:
        try:
            rows, wanted = yours.first_round(self._exercise, names, checks, self._secret)
        except WorkerFailed as error:
            return {"failed": str(error) or "it failed"}
        return {
            "failed": "",
            "rows": [[list(label), outcome_to(outcome)] for label, outcome in rows.outcomes],
            "calls": {name: [[c.name, c.values] for c in own] for name, own in wanted.items()},
        }

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
