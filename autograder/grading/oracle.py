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

from autograder.engine import Ask, KeyRows, observe_key
from autograder.engine.fresh import fresh_worker
from autograder.engine.keys import Mode
from autograder.engine.pool import pool_of
from autograder.engine.process import Launch
from autograder.evidence.observations import Data, Outcome
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.declaring import Check
from autograder.exercise.edition import task_edition
from autograder.exercise.suite import Suite, answers
from autograder.grading.keycache import path_of, read, remember, write
from autograder.grading.yours import with_yours
from autograder.judging.judge import judge_exercise
from autograder.judging.key import AnswerKey, Label, Misconception
from autograder.judging.results import TaskResult

# Several submissions are judged side by side, and all of them would begin with the same key.
_ONE_AT_A_TIME = threading.Lock()


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


Make = Callable[[Exercise, Mode, str, Sequence[str]], "dict[str, KeyRows | None]"]
"""Makes the parts of a key for tasks of an exercise, under a secret."""


def have_made(make: Make) -> None:
    """From now on, have keys that were never made on this machine made by somebody else.

    For a process that has limits, which are not those of a key, and is thrown away.
    """
    _makers.append(make)


_makers: list[Make] = []


@contextlib.contextmanager
def made_warm(exercises: Sequence[Exercise]) -> Iterator[None]:
    """In the body, keys are made by children of one process that has loaded the libraries.

    For whoever makes those of many exercises; where the platform has no such processes, nothing
    changes.
    """
    with pool_of(exercises, walled=False) as pool:
        make = partial(_computed, launch=pool.worker) if pool else _computed
        _makers.append(make)
        try:
            yield
        finally:
            _makers.remove(make)


def parts(exercise: Exercise, mode: Mode, secret: str, tasks: Sequence[str]) -> dict[str, KeyRows]:
    """The parts of a key for `tasks`, from the cache or computed now."""
    with _ONE_AT_A_TIME:
        found = _cached(exercise, mode, secret, tasks)
        missing = [name for name, part in found.items() if part is None]
        if missing:
            found |= (_makers[-1] if _makers else _computed)(exercise, mode, secret, missing)
    return {name: part for name, part in found.items() if part is not None}


def _key(
    exercise: Exercise, mode: Mode, secret: str, tasks: Collection[str] | None = None
) -> AnswerKey:
    wanted = [task.name for task in exercise.tasks if tasks is None or task.name in tasks]
    found = parts(exercise, mode, secret, wanted).values()
    outcomes = [row for part in found for row in part.outcomes]
    known = {row["name"]: row for part in found for row in part.misconceptions}
    return make_key(exercise, KeyRows(outcomes, list(known.values())))


def _computed(
    exercise: Exercise,
    mode: Mode,
    secret: str,
    tasks: Sequence[str],
    launch: Launch = fresh_worker,
) -> dict[str, KeyRows | None]:
    """Run the reference, and for a key the misconceptions, for the checks of `tasks`."""
    suite = Suite(exercise)
    checks = {check.name: name for name in tasks for check in suite.of_task(name)}
    rows = observe_key(
        exercise, secret=secret, course=exercise.folder.parent, checks=tuple(checks),
        mode=mode, launch=launch,
    )  # fmt: skip
    found: dict[str, KeyRows | None] = {}
    for name in tasks:
        mine = [row for row in rows.outcomes if checks[row[1].check] == name]
        names = suite.names_of(name)
        known = [row for row in rows.misconceptions if row["stands_for"] in names]
        found[name] = KeyRows(mine, known)
        write(path_of(exercise, f"{mode}-{name}", task_edition(suite, name, secret)), found[name])
    return found


def _cached(
    exercise: Exercise, mode: Mode, secret: str = "", tasks: Collection[str] | None = None
) -> dict[str, KeyRows | None]:
    """The cached part of a key for each of `tasks`, in the exercise's order."""
    suite = Suite(exercise)

    def part(name: str) -> KeyRows | None:
        version = task_edition(suite, name, secret)
        path = path_of(exercise, f"{mode}-{name}", version)
        found = read(path)
        if found is None and mode == "reference":
            whole = read(path_of(exercise, f"key-{name}", version))
            if whole is not None:
                found = KeyRows([row for row in whole.outcomes if not row[0]], [])
                remember(path, found)
        return found

    return {t.name: part(t.name) for t in exercise.tasks if tasks is None or t.name in tasks}


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
    return results if built is merged else judge_exercise(tasks, outcomes, built)


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


def _made(exercise: Exercise, tasks: Collection[str], seconds: float) -> bool:
    """Whether the key for `tasks` is cached, or is so after at most `seconds`.

    It is made in a process that outlives this one: otherwise a key that takes longer than
    somebody's limit would be begun by everybody and finished by nobody.
    """
    missing = [name for name, part in _cached(exercise, "key", tasks=tasks).items() if not part]
    if missing:
        maker = _maker(*(f"{exercise.slug}/{name}" for name in missing))
        with contextlib.suppress(subprocess.TimeoutExpired):
            maker.wait(max(seconds, 0.0))
    return all(_cached(exercise, "key", tasks=missing).values())


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
        e.slug for e in exercises if not e.on_other_model and not all(_cached(e, "key").values())
    ]
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
    for mode in ("key", "variants"):
        for slug, tasks in asked.items():
            _key(catalog.exercise(slug), mode, "", tasks or None)


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
