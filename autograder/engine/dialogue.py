"""What one worker says, believed only as far as it is in turn and in time."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from autograder.engine.claims import MAX_SHOWN, cell_from, outcome_from
from autograder.engine.frames import Worker
from autograder.engine.protocol import BrokenChannel, Request
from autograder.engine.timing import PATIENCE
from autograder.evidence.observations import MAX_BYTES_IN_ALL, Kind, Outcome, weighed
from autograder.evidence.runs import CellOutput, CellRun

# A busy machine may need as long to import torch.
START_SECONDS = 300.0
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How one worker ended: an outcome's kind, reason and detail, and the step under way.

    ``from_outside`` says that the submission may have had no part in it: the pool was ended, or
    the worker was killed.
    """

    kind: Kind
    reason: str = ""
    detail: str = ""
    step: str = ""
    from_outside: bool = False


class Dialogue:
    """What a worker says in answer to `request`.

    A worker says that it is ready, then of each step that it begins it and what it came to, each
    step once, and at last that this is the end. Whatever else it says ends the dialogue.

    Parameters
    ----------
    checks
        Names of the checks that it may report.
    over
        When it has to end, whatever comes, on the clock of `time.monotonic`.
    told
        Called with each step as it begins.
    again
        Whether a step ended another worker before: then it is the submission that took the time,
        even if this worker is not ready when it is over.

    Attributes
    ----------
    outcomes, cells
        What was reported so far: by name of the check, and by number of the cell.
    """

    def __init__(
        self,
        worker: Worker,
        request: Request,
        checks: Iterable[str],
        over: float,
        *,
        told: Callable[[str], None] = lambda _: None,
        again: bool = False,
    ) -> None:
        self._told = told
        self.outcomes: dict[str, Outcome] = {}
        self.cells: dict[int, CellRun] = {}
        self._worker = worker
        self._request = request
        self._over = over
        self._again = again
        # Each step may be begun once; what is begun is taken out.
        self._limits = {f"cell:{n}": request.cell_seconds for n in range(len(request.cells))}
        self._limits |= {f"check:{name}": request.check_seconds for name in checks}
        self._computing = self._begun = 0.0
        for step in request.skip:
            self._limits.pop(step, None)
        # Until it is ready there is no step; after that, "" stands between two of them.
        self._step: str | None = None
        self._limit = START_SECONDS
        self._room = MAX_SHOWN
        self._weight = 0

    def hold(self) -> Ending:
        """Listen until it ends, in whatever way."""
        while True:
            left = self._over - time.monotonic()
            try:
                if left <= 0:
                    return self._overdue("submission", PATIENCE * self._request.total_seconds, "")
                frame = self._worker.next(min(self._limit, left))
                if frame is None:
                    return self._died()
                if self._is_the_last(frame):
                    return Ending("value")
            except queue.Empty:
                if time.monotonic() < self._over:
                    return self._overdue("check", self._limit - GRACE_SECONDS, self._step or "")
            except BrokenChannel as error:
                return Ending("tampered", "channel", str(error), self._step or "")

    def _overdue(self, reason: str, limit: float, step: str) -> Ending:
        if self._step is None and not (self._again and reason == "submission"):
            # Nothing of the learner's ran yet.
            return Ending("internal", "worker", "was not ready in time")
        return Ending("timeout", reason, f"{limit:g}", step)

    def _died(self) -> Ending:
        reason, detail = self._worker.ending()
        step = self._step or ""
        if reason == "memory":
            return Ending("memory", step=step)
        if reason == "processor":
            return Ending("timeout", "processor", detail, step)
        if (reason, detail) == ("signal", "SIGXCPU") and step:
            # Sooner than this step could have computed so long, everything together has.
            is_whole = time.monotonic() - self._begun < self._computing
            most = self._request.total_seconds if is_whole else self._computing
            return Ending("timeout", "processor", f"{most:g}", step)
        from_outside = reason == "lost" or (reason, detail) == ("signal", "SIGKILL")
        if step:
            return Ending("crashed", reason, detail, step, from_outside)
        if reason == "channel":
            return Ending("tampered", reason, detail)
        detail = f"{detail} {self._worker.last_words()}".strip()
        if self._step is None:
            # Nothing of the learner's ran yet.
            what = f"{reason} {detail}".strip()
            return Ending("internal", "worker", what, from_outside=from_outside)
        # Between two steps, a thread that one of them left running, or what it did to the process.
        return Ending("crashed", reason, detail, from_outside=from_outside)

    def _is_the_last(self, frame: dict[str, Any]) -> bool:
        """Believe one frame if it is in turn, and say whether it tells that this is the end."""
        kind, name = frame.get("type"), frame.get("step", "")
        if type(kind) is not str or type(name) is not str:
            raise BrokenChannel("a frame without a type")
        if kind == "end" and self._step == "":
            return True
        if kind == "ready" and self._step is None:
            self._rest()
        elif kind == "start" and self._step == "":
            limit = self._limits.pop(name, None)
            if limit is None:
                raise BrokenChannel("a step that is not to be done, or was done before")
            self._step, self._limit = name, PATIENCE * limit + GRACE_SECONDS
            self._computing, self._begun = limit, time.monotonic()
            self._told(name)
        elif self._step and name == self._step and kind == self._step.partition(":")[0]:
            self._keep(frame, *self._step.split(":", 1))
            self._rest()
        else:
            raise BrokenChannel(f"a frame out of turn during {self._step or 'no step'}")
        return False

    def _rest(self) -> None:
        self._step = ""
        self._limit = GRACE_SECONDS + PATIENCE * self._request.check_seconds

    def _keep(self, frame: dict[str, Any], what: str, name: str) -> None:
        if what == "cell":
            id, source = self._request.cells[int(name)]
            ran = cell_from(frame, source)
            self.cells[int(name)] = replace(ran, id=id, outputs=tuple(self._shown(ran.outputs)))
            return
        outcome = outcome_from(frame.get("outcome"))
        if outcome.check != name:
            raise BrokenChannel("the outcome of another check")
        if outcome.kind == "internal":
            # That a part of ours failed may be what the submission did to it, or says. If it fails
            # with the reference too, the judge calls it ours.
            outcome = replace(outcome, kind="raised")
        if self._request.salt:
            # Hidden inputs; nothing was asked to be noted, and who knows who did.
            outcome = replace(outcome, calls=(), called=0)
        self.outcomes[name] = self._weighed(outcome)

    def _weighed(self, outcome: Outcome) -> Outcome:
        """An outcome without its value, if all values together weigh more than they may."""
        self._weight += weighed(outcome.value)[1] + 4 * sum(map(len, outcome.calls))
        if self._weight <= MAX_BYTES_IN_ALL:
            return outcome
        most = f"{MAX_BYTES_IN_ALL // 2**20} MB"
        return Outcome(outcome.check, "unfit", error="all", message=most, seconds=outcome.seconds)

    def _shown(self, outputs: Iterable[CellOutput]) -> Iterator[CellOutput]:
        """What cells showed, as long as there is room; of a class, all of it is kept."""
        for output in outputs:
            text = output.text[: self._room]
            png = output.png if len(output.png) <= self._room - len(text) else ""
            self._room -= len(text) + len(png)
            if text or png:
                yield replace(output, text=text, png=png)
