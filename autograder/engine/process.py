"""The grader's side of workers: what a submission yields, over all the workers that it needs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.engine.calling import Call
from autograder.engine.cells import Notebook
from autograder.engine.dialogue import Dialogue, Ending
from autograder.engine.frames import Worker
from autograder.engine.fresh import fresh_worker
from autograder.engine.needed import is_untouched, unneeded
from autograder.engine.places import changed_setup, check_places
from autograder.engine.protocol import Request, call_step
from autograder.engine.sources import defined_names
from autograder.engine.timing import PATIENCE
from autograder.evidence.observations import Outcome
from autograder.evidence.runs import CellRun, Isolation
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite, salted

MAX_RESTARTS = 4
MAX_DOUBTS = 5


@dataclass(frozen=True, slots=True)
class Observed:
    """What one submission yielded: an outcome for every check, and how its cells ran."""

    outcomes: dict[str, Outcome]
    cells: tuple[CellRun, ...]
    seconds: float = 0.0
    isolation: Isolation = "process"


@dataclass
class _Progress:
    """What is known so far, over all the workers that one submission needs."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    cells: dict[int, CellRun] = field(default_factory=dict)
    idle: tuple[str, ...] = ()
    skip: list[str] = field(default_factory=list)
    doubts: Counter[str] = field(default_factory=Counter)
    undefined: dict[str, Outcome] = field(default_factory=dict)

    @property
    def done(self) -> tuple[str, ...]:
        """Steps that the next worker need not, or must not, do."""
        return (*self.idle, *self.skip, *(f"check:{name}" for name in self.outcomes))

    def add(self, dialogue: Dialogue) -> None:
        """Keep what one worker reported, beside what others reported before it."""
        self.outcomes = {**dialogue.outcomes, **self.outcomes}
        # As it ran first: later, a probe may have left behind for it what it was given.
        self.cells = {**dialogue.cells, **self.cells}

    def explained(self, outcome: Outcome) -> Outcome:
        """A name that is missing because its cell was ended is not a task left undone."""
        cause = self.undefined.get(outcome.error) if outcome.kind == "todo" else None
        return replace(cause, check=outcome.check) if cause else outcome


Launch = Callable[[Request], AbstractContextManager[Worker]]
"""Gives a worker for a request, and ends it: `fresh_worker`, or `worker` of a pool."""


def observe(
    notebook: Notebook,
    exercise: Exercise,
    *,
    secret: str = "",
    course: Path = catalog.COURSE,
    launch: Launch = fresh_worker,
    isolation: Isolation = "process",
    whole: bool = False,
    told: Callable[[str, int], None] | None = None,
) -> Observed:
    """Run a submission and return what its probes yielded.

    A step that hangs or kills its worker gets its outcome, and the rest is run by another
    worker without it. `whole` runs cells too on which no answer rests, and draws their figures;
    without it, a notebook that is as it was handed out needs no worker. `told` is called with
    each step as it begins, such as ``"check:counts_lists"``, and with how many there are.
    """
    started = time.perf_counter()
    exercise = exercise.with_room()
    suite = Suite(exercise)
    checks = tuple(suite.checks)
    if not whole and is_untouched(notebook, exercise):
        outcomes = {name: Outcome(name, "todo") for name in checks}
        return Observed(outcomes, (), time.perf_counter() - started, isolation)
    idle = () if whole else _idle(
        notebook, exercise, {name for check in suite.checks.values() for name in check.learner}
    )  # fmt: skip
    steps = len(notebook.cells) - len(idle) + len(checks)
    request = replace(_request(notebook, exercise, secret, course), pictures=whole)
    progress = _Progress(idle=idle)
    ending = _to_the_end(
        progress, request, checks, launch, lambda step: told(step, steps) if told else None
    )
    for name in checks:
        progress.outcomes.setdefault(name, _outcome(name, ending))
    return Observed(
        {name: progress.explained(progress.outcomes[name]) for name in checks},
        tuple(progress.cells[number] for number in sorted(progress.cells)),
        time.perf_counter() - started,
        isolation,
    )


def _to_the_end(
    progress: _Progress,
    request: Request,
    checks: Sequence[str],
    launch: Launch,
    begins: Callable[[str], None],
) -> Ending:
    """Start one worker after another until nothing is left to do, and say how the last ended."""
    allowed = PATIENCE * request.total_seconds
    over = time.monotonic() + allowed
    latest = over + allowed
    while True:
        request = replace(request, skip=progress.done)
        begun = time.monotonic()
        with launch(request) as worker:
            dialogue = Dialogue(
                worker, request, checks, over, told=begins, again=bool(progress.skip)
            )
            ending = dialogue.hold()
        progress.add(dialogue)
        if ending.from_outside and progress.doubts[ending.step] < MAX_DOUBTS:
            progress.doubts[ending.step] += 1
            # Given back, but not without end: a limit of its own choice can kill a process too.
            over = min(over + time.monotonic() - begun, latest)
            continue
        if ending.kind in ("value", "tampered") or not ending.step:
            return ending
        _blame(progress, ending, request.cells)
        if len(progress.skip) > MAX_RESTARTS:
            return ending


def _request(notebook: Notebook, exercise: Exercise, secret: str, course: Path) -> Request:
    """All of a notebook, under the limits of its exercise."""
    return Request(
        "notebook", exercise.slug, str(course), salted(secret, exercise.slug),
        tuple((cell.id, cell.source) for cell in notebook.cells),
        places=check_places(notebook, exercise), handed_out=changed_setup(notebook, exercise),
        files=notebook.beside.files,
        cell_seconds=exercise.cell_seconds, check_seconds=exercise.check_seconds,
        total_seconds=exercise.submission_seconds, memory=exercise.memory,
    )  # fmt: skip


def _idle(notebook: Notebook, exercise: Exercise, wanted: set[str]) -> tuple[str, ...]:
    """The steps of cells that no name in `wanted` rests on."""
    return tuple(f"cell:{number}" for number in sorted(unneeded(notebook, exercise, wanted)))


def _outcome(name: str, ending: Ending) -> Outcome:
    """The outcome of a check that was not reported before its worker ended."""
    if ending.kind == "value":
        return Outcome(name, "tampered", error="silent")
    return Outcome(name, ending.kind, error=ending.reason, message=ending.detail)


def _blame(progress: _Progress, ending: Ending, cells: tuple[tuple[str, str], ...]) -> None:
    """Record the step that ended a worker, and leave it out from now on."""
    progress.skip.append(ending.step)
    what, _, name = ending.step.partition(":")
    if what == "check":
        progress.outcomes[name] = _outcome(name, ending)
    else:
        id, source = cells[int(name)]
        error = {"timeout": "Timeout", "memory": "MemoryError"}.get(ending.kind, "Crashed")
        progress.cells[int(name)] = CellRun(id, source, (), error, ending.detail)
        for defined in defined_names(source):
            progress.undefined[defined] = replace(_outcome("", ending), where=id)


def ask(
    notebook: Notebook,
    exercise: Exercise,
    calls: Sequence[Call],
    *,
    secret: str = "",
    course: Path = catalog.COURSE,
    launch: Launch = fresh_worker,
) -> list[Outcome]:
    """Have functions of a submission called, and say what each call came to.

    Those that a worker did not live to report are of kind ``internal``: nothing is known of them.
    """
    exercise = exercise.with_room()
    checks = (f"check:{name}" for name in Suite(exercise).checks)
    request = replace(
        _request(notebook, exercise, secret, course),
        skip=(*_idle(notebook, exercise, {call.name for call in calls}), *checks),
        calls=tuple((call.name, call.values) for call in calls),
    )
    names = [call_step(number) for number in range(len(calls))]
    over = time.monotonic() + PATIENCE * exercise.submission_seconds
    for _ in range(MAX_DOUBTS):
        with launch(request) as worker:
            dialogue = Dialogue(worker, request, names, over)
            if not dialogue.hold().from_outside:
                break
    return [dialogue.outcomes.get(name, Outcome(name, "internal")) for name in names]
