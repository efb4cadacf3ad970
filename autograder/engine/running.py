"""A notebook in a worker: its cells from the top, and its checks where it has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from autograder.engine import limits
from autograder.engine.calling import Call, called
from autograder.engine.claims import outcome_to
from autograder.engine.keeping import variables_kept
from autograder.engine.probing import run_probe
from autograder.engine.protocol import Request, call_step, write_frame
from autograder.engine.settings import chance_kept
from autograder.engine.shell import LearnerShell, locate
from autograder.engine.sources import defined_names
from autograder.evidence.calls import Calls
from autograder.evidence.observations import Outcome
from autograder.exercise.suite import Suite


class Notebook:
    """Runs cells from the top, and the checks of each task where the notebook has them."""

    def __init__(
        self, suite: Suite, request: Request, channel: BinaryIO, shell: LearnerShell
    ) -> None:
        self._suite = suite
        self._request = request
        self._channel = channel
        self._shell = shell
        self._broken: dict[str, Outcome] = {}
        self._functions: set[str] = set()
        self._rebound: dict[str, str] = {}

    def run(self) -> None:
        """Run everything that is asked, in the order in which a kernel would."""
        tasks = [task.name for task in self._suite.exercise.tasks]
        places = self._request.places
        for number in range(len(self._request.cells)):
            self._cell(number)
            for task in (name for name in tasks if places.get(name) == number):
                self._checks(task)
        for task in (name for name in tasks if name not in places):
            self._checks(task)

    def _cell(self, number: int) -> None:
        step, request = f"cell:{number}", self._request
        if step in request.skip:
            return
        id, source = request.cells[number]
        with self._step(step, request.cell_seconds):
            ran = self._shell.run(id, source, request.cell_seconds, request.handed_out.get(number))
            write_frame(self._channel, {"type": "cell", "step": step, **ran})
        for name in defined_names(source):
            self._broken.pop(name, None)
            if ran["error"] and ran["error"] != "NotImplementedError":
                where = f"{id}:{ran['number']}" if ran["number"] else id
                self._broken[name] = Outcome(
                    "", "raised", error=ran["error"], message=ran["message"], where=where,
                    line=ran["line"],
                )  # fmt: skip
        self._notice(id)

    def _notice(self, cell: str) -> None:
        """See which of the names that are asked for `cell` made a function, or no function."""
        for name in self._suite.exercise.task_of:
            if callable(self._shell.user_ns.get(name)):
                self._functions.add(name)
                self._rebound.pop(name, None)
            elif name in self._functions and name in self._shell.user_ns:
                self._rebound.setdefault(name, cell)

    def _checks(self, task: str) -> None:
        """Run the checks of a task; they leave the notebook's variables as they were."""
        request, names = self._request, self._shell.user_ns
        with variables_kept(names), chance_kept():
            for check in self._suite.of_task(task):
                step = f"check:{check.name}"
                if step in request.skip:
                    continue
                with self._step(step, request.check_seconds):
                    outcome = run_probe(
                        self._suite, check, names, seconds=request.check_seconds, locate=locate,
                        rebound=self._rebound, calls=None if request.salt else Calls(),
                    )  # fmt: skip
                    told = outcome_to(_explained(outcome, self._broken))
                    self._tell({"type": "check", "step": step, "outcome": told})
            self._calls(task)

    def _calls(self, task: str) -> None:
        """Call the functions of a task that the grader asks for, as they are at its check."""
        task_of, request = self._suite.exercise.task_of, self._request
        for number, (name, values) in enumerate(request.calls):
            if task_of[name].name == task:
                own = call_step(number)
                with self._step(f"check:{own}", request.check_seconds):
                    outcome = called(
                        Call(name, values), self._shell.user_ns, seconds=request.check_seconds,
                        gradients=self._suite.exercise.gradients,
                    )  # fmt: skip
                    told = outcome_to(replace(outcome, check=own))
                    self._tell({"type": "check", "step": f"check:{own}", "outcome": told})

    def _tell(self, result: dict[str, Any]) -> None:
        """Say what a check came to, as the next step begins: each time, the grader is woken up."""
        write_frame(self._channel, result, at_once=False)

    @contextlib.contextmanager
    def _step(self, step: str, seconds: float) -> Iterator[None]:
        """Announce a step, and have the process ended if no exception ends it."""
        write_frame(self._channel, {"type": "start", "step": step})
        limits.end_step(seconds)
        try:
            yield
        finally:
            limits.end_step(None)


def _explained(outcome: Outcome, broken: dict[str, Outcome]) -> Outcome:
    """A name that is missing because its cell failed is an error, not a task left undone."""
    cause = broken.get(outcome.error) if outcome.kind == "todo" else None
    if cause is None:
        return outcome
    return replace(cause, check=outcome.check)
