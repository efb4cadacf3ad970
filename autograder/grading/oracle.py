"""The answer key of an exercise: computed by need in a process of its own, cached by content."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from autograder.engine import Ask, KeyRows, WorkerFailed, ours
from autograder.engine.keys import Mode
from autograder.engine.protocol import BUILT
from autograder.evidence.observations import Data, Outcome
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, answers
from autograder.grading.keyparts import cached, parts
from autograder.grading.yours import with_yours
from autograder.judging.judge import judge_exercise
from autograder.judging.key import AnswerKey, Label, Misconception
from autograder.judging.results import TaskResult

_AHEAD = ("key", "variants")
_LOADING = 5.0
"""Seconds in which a process of ours is ready, in most cases."""


def reference_key(
    exercise: Exercise, *, secret: str = "", tasks: Collection[str] | None = None
) -> AnswerKey:
    """What the reference yields for the checks of `tasks`: all that a right submission needs.

    By default for all tasks. What was computed before comes from the cache; the rest is computed
    in one process.
    """
    return _key(exercise, "reference", secret, tasks)


def answer_key(
    exercise: Exercise, *, secret: str = "", tasks: Collection[str] | None = None
) -> AnswerKey:
    """What the reference and every misconception yield for the checks of `tasks`.

    By default for all tasks, and cached like `reference_key`.
    """
    return _key(exercise, "key", secret, tasks)


def _key(
    exercise: Exercise, mode: Mode, secret: str, tasks: Collection[str] | None = None
) -> AnswerKey:
    wanted = [task.name for task in exercise.tasks if tasks is None or task.name in tasks]
    found = parts(exercise, mode, secret, wanted).values()
    outcomes = [row for part in found for row in part.outcomes]
    known = {row["name"]: row for part in found for row in part.misconceptions}
    return make_key(exercise, KeyRows(outcomes, list(known.values())))


def tried(suite: Suite, outcomes: Mapping[str, Outcome]) -> set[str]:
    """Return the tasks in which there is something to compare: those that are not all to do."""
    return {
        suite.exercise.task_of[suite.checks[name].learner[0]].name
        for name, outcome in outcomes.items()
        if outcome.kind != "todo"
    }


def judged_by_need(
    exercise: Exercise,
    tasks: Sequence[tuple[Task, Sequence[Check]]],
    outcomes: Mapping[str, Outcome],
    reference: AnswerKey,
    *,
    secret: str = "",
    seconds: float = math.inf,
    ask: Ask | None = None,
) -> tuple[TaskResult, ...]:
    """Judge by the reference, and ask for misconceptions only about tasks that did not pass.

    With another model than the tiny one they are not asked for: a few minutes for each, and what
    tells them apart was found with the tiny one.

    Parameters
    ----------
    seconds
        How long to wait for a key of misconceptions that was never made on this machine. After
        that the verdicts stand without a diagnosis, and the key is ready for whoever comes next.
    ask
        Has the learner's functions called, for what is right given their results.
    """
    results = judge_exercise(tasks, outcomes, reference)
    failed = {result.name for result in results if _needs_diagnosis(result)}
    if not failed or (exercise.on_other_model):
        return results
    if seconds < math.inf and not _made(exercise, failed, seconds):
        return results
    key = answer_key(exercise, secret=secret, tasks=failed)
    merged = AnswerKey({**reference.outcomes, **key.outcomes}, key.misconceptions)
    results = judge_exercise(tasks, outcomes, merged)
    unnamed = {result.name for result in results if _is_unnamed(result)}
    if unnamed and seconds == math.inf:
        merged = _with_variants(exercise, merged, unnamed, secret)
        results = judge_exercise(tasks, outcomes, merged)
    built = with_yours(exercise, results, merged, ask, secret=secret) if ask else merged
    if built is not merged:
        results = judge_exercise(tasks, outcomes, built)
    whole = _with_mistakes(exercise, results, built, secret, seconds)
    return results if whole is built else judge_exercise(tasks, outcomes, whole)


def _is_unnamed(result: TaskResult) -> bool:
    return any(v.status == "fail" and not v.misconception for v in result.verdicts)


def _with_variants(
    exercise: Exercise, key: AnswerKey, tasks: Collection[str], secret: str
) -> AnswerKey:
    """The key, and for some tasks the mistakes that are made of the reference itself."""
    more = _key(exercise, "variants", secret, tasks)
    outcomes = {
        name: {**more.outcomes.get(name, {}), **known} for name, known in key.outcomes.items()
    }
    return AnswerKey(outcomes, {**more.misconceptions, **key.misconceptions})


def _with_mistakes(
    exercise: Exercise, results: Sequence[TaskResult], key: AnswerKey, secret: str, seconds: float
) -> AnswerKey:
    """The key, with what costly checks yield for the reference built on what was diagnosed.

    No more than there is time for, which is about what they took with the reference.
    """
    found: list[tuple[str, Outcome]] = []
    for task, mistake, cost in _to_build(Suite(exercise), results, key):
        seconds -= _LOADING + 2 * cost
        if seconds > 0:
            # Without it the grade stands: it is given on top.
            with contextlib.suppress(WorkerFailed):
                rows = parts(exercise, BUILT + mistake, secret, [task])[task].outcomes
                found += [(mistake, outcome) for _, outcome in rows]
    if not found:
        return key
    outcomes = {name: dict(rows) for name, rows in key.outcomes.items()}
    for mistake, outcome in found:
        outcomes[outcome.check][(mistake,)] = outcome
    return AnswerKey(outcomes, key.misconceptions)


def _to_build(
    suite: Suite, results: Sequence[TaskResult], key: AnswerKey
) -> Iterator[tuple[str, str, float]]:
    """Tasks of which costly checks alone failed, with mistakes that these rest on, and seconds."""
    known = {v.misconception for result in results for v in result.verdicts} & {*key.misconceptions}
    for result in filter(_needs_diagnosis, results):
        missed = [suite.checks[v.name] for v in result.verdicts if v.status != "pass"]
        if not all(check.costly for check in missed):
            continue
        cost = math.fsum(key.outcomes[check.name][()].seconds for check in missed)
        below = frozenset[str]().union(*(suite.names_below(check) for check in missed))
        for name in sorted(known):
            mistake = key.misconceptions[name]
            if mistake.caught_by and mistake.stands_for in below:
                yield result.name, name, cost


def _made(exercise: Exercise, tasks: Collection[str], seconds: float) -> bool:
    """Whether the key for `tasks` is cached, or is so after at most `seconds`.

    It is made in a process that outlives this one: otherwise a key that takes longer than
    somebody's limit would be begun by everybody and finished by nobody.
    """
    missing = [name for name, part in cached(exercise, "key", tasks=tasks).items() if not part]
    if missing:
        maker = _maker(*(f"{exercise.slug}/{name}" for name in missing))
        with contextlib.suppress(subprocess.TimeoutExpired):
            maker.wait(max(seconds, 0.0))
    return all(cached(exercise, "key", tasks=missing).values())


def _maker(*arguments: str) -> subprocess.Popen[bytes]:
    """Start `main` in a process that outlives this one."""
    sink = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "autograder.grading.oracle", *arguments],
        cwd=catalog.PACKAGE.parent,
        stdin=sink, stdout=sink, stderr=sink, start_new_session=True,
    )  # fmt: skip


def make_ahead(exercises: Iterable[Exercise]) -> None:
    """Begin to make the answer keys that were never made on this machine, and do not wait.

    Whoever makes a first mistake in a task then has its diagnosis without waiting for one.
    """
    slugs = [
        e.slug for e in exercises
        if not e.on_other_model and not all(all(cached(e, mode).values()) for mode in _AHEAD)
    ]  # fmt: skip
    if slugs:
        _maker("--idle", *slugs)


def main() -> None:
    """Make answer keys: ``python -m autograder.grading.oracle [--idle] [SLUG[/TASK] ...]``.

    ``--idle`` lets everything else go first.
    """
    names = sys.argv[1:]
    if names[:1] == ["--idle"]:
        del names[0]
        with contextlib.suppress(AttributeError, OSError):
            os.nice(15)
    asked: dict[str, list[str]] = {}
    for name in names or [exercise.slug for exercise in catalog.exercises()]:
        slug, _, task = name.partition("/")
        asked.setdefault(slug, []).extend(filter(None, [task]))
    exercises = [catalog.exercise(slug) for slug in asked]
    with ours.warm(exercises) if len(exercises) > 1 else ours.kept():
        for mode in _AHEAD:
            for exercise, tasks in zip(exercises, asked.values(), strict=True):
                _key(exercise, mode, "", tasks or None)


def _needs_diagnosis(result: TaskResult) -> bool:
    return any(verdict.status in ("fail", "error") for verdict in result.verdicts)


def make_key(exercise: Exercise, rows: KeyRows) -> AnswerKey:
    """Arrange what the probes yielded by check and label, beside the misconceptions' texts."""
    outcomes: dict[str, dict[Label, Outcome]] = {}
    for label, outcome in rows.outcomes:
        outcomes.setdefault(outcome.check, {})[label] = outcome
    recognise = _recogniser(exercise)
    known = {
        row["name"]: Misconception(
            row["name"], row["stands_for"], row["text"], row["step"], row["caught_by"],
            tuple(row["errata"]), partial(recognise, row["name"]) if row["looks_like"] else None,
        )
        for row in rows.misconceptions
    }  # fmt: skip
    return AnswerKey(outcomes, known)


def _recogniser(exercise: Exercise) -> Callable[[str, Data], bool]:
    """Tells whether an observation looks like the misconception of a name, by its predicate.

    The predicates are loaded when one is first asked, since that may load heavy libraries.
    """

    @cache
    def predicates() -> dict[str, Any]:
        return {answer.name: answer.looks_like for answer in answers(exercise, "wrong")}

    return lambda name, seen: bool(predicates()[name](seen))


def load_ahead(exercises: Iterable[Exercise]) -> None:
    """Begin to load what misconceptions are recognised by, and do not wait."""

    def load() -> None:
        for exercise in exercises:
            with contextlib.suppress(Exception):  # whoever needs it will be told
                answers(exercise, "wrong")

    threading.Thread(target=load, name="load-ahead", daemon=True).start()


if __name__ == "__main__":
    main()
