"""What our own answers yield: the reference, the misconceptions, and what is built on them.

Each in a process of its own, as `ours` gives it.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from autograder.engine import ours
from autograder.engine.calling import Call
from autograder.engine.claims import outcome_from, outcome_to
from autograder.engine.dialogue import START_SECONDS
from autograder.engine.frames import Worker
from autograder.engine.process import MAX_DOUBTS
from autograder.engine.protocol import BrokenChannel, Request
from autograder.evidence.observations import Outcome
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import salted

Mode: TypeAlias = str
"""What to run beside the reference, as `Request.mode` says: ``reference`` is nothing."""

KEY_SECONDS = 60.0


class WorkerFailed(Exception):
    """Our own worker could not do its work; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class KeyRows:
    """What an answer key is made of.

    Attributes
    ----------
    outcomes
        Pairs of labels and outcome: ``()`` labels the reference, ``("name",)`` a misconception;
        more names, or names that stand for something else, a right answer built on those.
    misconceptions
        Texts of each misconception, as plain maps.
    """

    outcomes: list[tuple[tuple[str, ...], Outcome]]
    misconceptions: list[dict[str, Any]]


def observe_key(
    exercise: Exercise,
    *,
    secret: str = "",
    course: Path = catalog.COURSE,
    checks: Sequence[str] = (),
    mode: Mode = "key",
) -> KeyRows:
    """Run probes with the reference and the misconceptions, in a process of its own.

    Parameters
    ----------
    checks
        Those to run; by default all.
    mode
        With the reference alone (``reference``), with the exercise's misconceptions too (``key``),
        with those that are made of the reference (``variants``, of `engine.variants`), or, of the
        costly checks that rest on it, with the reference built on one misconception alone
        (``built:name``).

    Raises
    ------
    WorkerFailed
        If our own content does not run.
    """
    request = _of_ours(mode, exercise, secret, course, checks)
    frames = _frames_of(request, exercise)
    table = [row for frame in frames if frame["type"] == "misconceptions" for row in frame["table"]]
    found = [
        (tuple(frame["label"]), outcome_from(frame["outcome"]))
        for frame in frames
        if frame["type"] == "answer"
    ]
    return KeyRows(found, table)


def observe_yours(
    exercise: Exercise,
    answered: Sequence[tuple[Call, Outcome]],
    *,
    names: Collection[str],
    checks: Sequence[str],
    secret: str = "",
    course: Path = catalog.COURSE,
    over: float = math.inf,
) -> tuple[KeyRows, dict[str, list[Call]]]:
    """Run probes with the reference built on a learner's functions, which stay where they are.

    Parameters
    ----------
    answered
        Calls of these functions, and what they came to.
    names
        Those that the reference is to be built on.
    over
        When it is too late, by `time.monotonic`: what a learner's functions answer decides how
        long the reference takes.

    Returns
    -------
    KeyRows
        What those probes yield for which all calls are answered, by labels ``("yours", name, …)``.
    dict of str to list of Call
        Calls that each of the others needs; it went on as if these were right.

    Raises
    ------
    WorkerFailed
        If our own content does not run, or not in time.
    """
    found, wanted = [], {}
    request = replace(
        _of_ours("yours", exercise, secret, course, checks),
        # What a learner's functions answer decides how much memory it takes, too.
        memory=exercise.with_room().memory,
        calls=tuple((name, None) for name in names),
        answers=tuple((call.name, call.values, outcome_to(o)) for call, o in answered),
    )
    for frame in _frames_of(request, exercise, over):
        if frame["type"] == "answer":
            found.append((tuple(frame["label"]), outcome_from(frame["outcome"])))
        if frame["type"] == "wanted":
            wanted[frame["check"]] = [Call(name, values) for name, values in frame["calls"]]
    return KeyRows(found, []), wanted


def _of_ours(
    mode: str, exercise: Exercise, secret: str, course: Path, checks: Sequence[str]
) -> Request:
    """A request for a process that holds the reference."""
    seconds = max(KEY_SECONDS, exercise.with_room().check_seconds)
    salt = salted(secret, exercise.slug)
    return Request(
        mode, exercise.slug, str(course), salt, checks=tuple(checks), check_seconds=seconds,
        total_seconds=KEY_SECONDS * 60, memory=2**36,
    )  # fmt: skip


def _frames_of(
    request: Request, exercise: Exercise, over: float = math.inf
) -> list[dict[str, Any]]:
    """What a process that holds the reference reports, until it is done.

    Again if somebody else killed it, which says nothing of our content.
    """
    for more in reversed(range(MAX_DOUBTS)):
        try:
            return list(_frames_of_one(request, exercise, over))
        except _Killed:
            if not more:
                raise
    raise AssertionError


class _Killed(WorkerFailed):
    """It was ended from outside."""


def _frames_of_one(request: Request, exercise: Exercise, over: float) -> Iterator[dict[str, Any]]:
    from autograder.engine.pool import PoolError

    try:
        with ours.launch(request) as frames:
            while (frame := _next_of(frames, exercise, over))["type"] != "end":
                yield frame
    except PoolError as error:
        raise WorkerFailed(str(error)) from None


def _next_of(frames: Worker, exercise: Exercise, over: float) -> dict[str, Any]:
    try:
        frame = frames.next(min(START_SECONDS, max(over - time.monotonic(), 0.0)))
    except (queue.Empty, BrokenChannel) as error:
        raise WorkerFailed(f"the reference of {exercise.slug} hangs: {error!r}") from None
    if frame is None and frames.ending() in (("signal", "SIGKILL"), ("lost", "")):
        raise _Killed(f"the reference of {exercise.slug} was killed")
    if frame is None or frame["type"] == "failed":
        words = frame["why"] if frame else frames.last_words()
        raise WorkerFailed(f"the reference of {exercise.slug} does not run: {words}")
    return frame
