"""Grading a notebook: the engine's observations, judged with the exercise's answer key."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

from autograder._files import is_set_aside
from autograder.engine import (
    Ask,
    Notebook,
    Observed,
    UnreadableNotebook,
    WorkerFailed,
    ask,
    observe,
    ours,
    read_notebook,
)
from autograder.engine.frames import Worker
from autograder.engine.fresh import fresh_worker
from autograder.engine.needed import is_untouched
from autograder.engine.pool import Pool, PoolError, pool_of
from autograder.engine.protocol import Request
from autograder.evidence.runs import Isolation
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading.notes import notes
from autograder.grading.oracle import judged_by_need, reference_key, tried
from autograder.judging.key import AnswerKey
from autograder.judging.results import Seconds, SubmissionResult
from autograder.language import Text

Told = Callable[[Text | None, int], None]
"""Hears of each step of a grading: the title of its task, ``None`` for a cell, and their number."""

_FIRST_WORD = re.compile(r"^(?:async def |def |class )?(\w+)", re.MULTILINE)


class NothingToGrade(Exception):
    """None of the paths holds a notebook; the message says what to give instead."""


def find_notebooks(paths: Iterable[Path]) -> list[Path]:
    """Notebooks at `paths`: files as they are named, folders searched, hidden ones left out.

    Raises
    ------
    NothingToGrade
        If a folder holds no notebook.
    """
    found: list[Path] = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*.ipynb") if not is_set_aside(p.relative_to(path)))
        if not inside:
            raise NothingToGrade(
                f"The folder {path} holds no notebook. Name one, or make some with "
                "`touchstone start`."
            )
        found.extend(inside)
    return list(dict.fromkeys(found))


def warm_pool(paths: Sequence[Path]) -> AbstractContextManager[Pool | None]:
    """A pool that is warm for the exercises of `paths`; ``None`` where the platform has none."""
    return pool_of(exercises_of(paths))


def exercises_of(paths: Iterable[Path], *, begun: bool = False) -> list[Exercise]:
    """The exercises of the notebooks at `paths`; if `begun`, of those only that were worked on."""
    found: dict[str, Exercise] = {}
    for path in paths:
        with contextlib.suppress(UnreadableNotebook):
            notebook = read_notebook(path)
            exercise = catalog.exercise(notebook.exercise)
            if not (begun and is_untouched(notebook, exercise)):
                found[exercise.slug] = exercise
    return [found[slug] for slug in sorted(found)]


class Workers(Protocol):
    """Whoever gives workers for requests: a pool, or somebody who asks one."""

    @property
    def isolation(self) -> Isolation:
        """What a result says of the walls."""

    def worker(self, request: Request) -> AbstractContextManager[Worker]:
        """A worker that serves `request`; it is ended afterwards."""


def grade_path(
    path: Path,
    *,
    secret: str = "",
    course: Path = catalog.COURSE,
    pool: Pool | None = None,
    whole: bool = False,
) -> SubmissionResult:
    """Grade the notebook at `path`; whatever is wrong with it becomes the result's `problem`."""
    started = time.perf_counter()
    try:
        notebook = read_notebook(path, course=course)
        exercise = catalog.exercise(notebook.exercise, course)
    except UnreadableNotebook as error:
        return SubmissionResult(str(path), problem=error.text)
    return grade(notebook, exercise, secret=secret, started=started, pool=pool, whole=whole)


def grade(
    notebook: Notebook,
    exercise: Exercise,
    *,
    secret: str = "",
    started: float | None = None,
    pool: Workers | None = None,
    whole: bool = False,
    told: Told | None = None,
) -> SubmissionResult:
    """Grade a notebook that has been read, in `pool` or else in a fresh process.

    `whole` is for a report that shows what cells show: figures are drawn, and cells are run on
    which no answer rests. `told` is called with each step as it begins.
    """
    started = time.perf_counter() if started is None else started
    course = exercise.folder.parent
    with ours.kept(), ThreadPoolExecutor(1) as aside:
        # The reference's key is looked up, or computed, while the submission runs.
        begun = _begun(notebook, exercise)
        key: Future[AnswerKey] = aside.submit(reference_key, exercise, secret=secret, tasks=begun)
        try:
            observed = observe(
                notebook,
                exercise,
                secret=secret,
                course=course,
                launch=pool.worker if pool else fresh_worker,
                isolation=pool.isolation if pool else "process",
                whole=whole,
                told=_teller(exercise, told),
            )
            key.result()
            # Where the guess was right this only looks up what was just remembered.
            needed = begun | tried(Suite(exercise), observed.outcomes)
            reference = reference_key(exercise, secret=secret, tasks=needed)
            asking = partial(
                ask, notebook, exercise, secret=secret, course=course,
                launch=pool.worker if pool else fresh_worker,
            )  # fmt: skip
            return judged(
                notebook, exercise, observed, reference,
                secret=secret, started=started, ask=asking,
            )  # fmt: skip
        except (WorkerFailed, PoolError) as error:
            return SubmissionResult(
                str(notebook.path), exercise.slug, notebook.language,
                max_points=exercise.points, problem=_our_fault(error),
            )  # fmt: skip


def _teller(exercise: Exercise, told: Told | None) -> Callable[[str, int], None] | None:
    """What the engine calls with the names of steps, if somebody wants to hear of tasks."""
    if told is None:
        return None
    suite = Suite(exercise)

    def begins(step: str, steps: int) -> None:
        kind, _, name = step.partition(":")
        check = suite.checks[name] if kind == "check" else None
        told(exercise.task_of[check.learner[0]].title if check else None, steps)

    return begins


def judged(
    notebook: Notebook,
    exercise: Exercise,
    observed: Observed,
    reference: AnswerKey,
    *,
    secret: str = "",
    started: float,
    ask: Ask | None = None,
) -> SubmissionResult:
    """Turn what was observed into a result."""
    suite = Suite(exercise)
    tasks = [(task, suite.of_task(task.name)) for task in exercise.tasks]
    results = judged_by_need(exercise, tasks, observed.outcomes, reference, secret=secret, ask=ask)
    return SubmissionResult(
        path=str(notebook.path),
        exercise=exercise.slug,
        language=notebook.language,
        points=round(sum(task.points for task in results), 2),
        max_points=exercise.points,
        seconds=Seconds(
            cells=round(sum(cell.seconds for cell in observed.cells), 3),
            checks=round(sum(o.seconds for o in observed.outcomes.values()), 3),
            total=round(time.perf_counter() - started, 3),
        ),
        isolation=observed.isolation,
        tasks=results,
        cells=observed.cells,
        notes=notes(notebook, exercise, observed, results),
    )


def _begun(notebook: Notebook, exercise: Exercise) -> set[str]:
    """Tasks that somebody seems to have worked on: a guess, so that their key is there in time."""
    changed = (cell.source for cell in notebook.cells if "NotImplementedError" not in cell.source)
    words = {word for source in changed for word in _FIRST_WORD.findall(source)}
    return {task.name for name, task in exercise.task_of.items() if name in words}


def _our_fault(error: Exception) -> Text:
    return {
        "en": f"Our fault, not yours: {error}. Run `touchstone doctor` and report it.",
        "zh": f"是我们的错，不怪你：{error}。请运行 `touchstone doctor` 并反馈。",
    }
