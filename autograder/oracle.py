"""The answer key of an exercise: computed by need in a process of its own, cached by content."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import platformdirs

from autograder import catalog
from autograder.catalog import Exercise, Task
from autograder.checks import Check, Suite, answers
from autograder.engine import KeyRows, observe_key
from autograder.engine.protocol import BrokenChannel, outcome_from, outcome_to
from autograder.judge import AnswerKey, Label, Misconception, judge_exercise
from autograder.observations import Outcome, pack, unpack
from autograder.results import TaskResult

_FORMAT = 3
# Several submissions are judged side by side, and all of them would begin with the same key.
_ONE_AT_A_TIME = threading.Lock()
_MOST_REMEMBERED = 128
_remembered: dict[Path, KeyRows] = {}
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers")


def reference_key(exercise: Exercise, *, secret: str = "") -> AnswerKey:
    """What the reference yields for every check: all that a right submission needs."""
    path = _path(exercise, "reference", fingerprint(exercise, secret))
    with _ONE_AT_A_TIME:
        rows = _read(path)
        if rows is None:
            rows = observe_key(
                exercise, secret=secret, course=exercise.folder.parent, reference_only=True
            )
            _write(path, rows)
    return make_key(exercise, rows)


def answer_key(
    exercise: Exercise, *, secret: str = "", tasks: Collection[str] | None = None
) -> AnswerKey:
    """What the reference and every misconception yield for the checks of `tasks`.

    By default for all tasks. What was computed before comes from the cache; the rest is computed
    in one process.
    """
    wanted = [task.name for task in exercise.tasks if tasks is None or task.name in tasks]
    version = fingerprint(exercise, secret)
    with _ONE_AT_A_TIME:
        found = {name: _read(_path(exercise, name, version)) for name in wanted}
        missing = [name for name in wanted if found[name] is None]
        if missing:
            found |= _compute(exercise, missing, secret)
            for name in missing:
                _write(_path(exercise, name, version), found[name])
    parts = [part for part in found.values() if part is not None]
    outcomes = [row for part in parts for row in part.outcomes]
    return make_key(exercise, KeyRows(outcomes, parts[-1].misconceptions if parts else []))


def _compute(exercise: Exercise, tasks: Sequence[str], secret: str) -> dict[str, KeyRows | None]:
    """Run the reference and the misconceptions for the checks of `tasks`; rows by task."""
    suite = Suite(exercise, secret)
    checks = {check.name: name for name in tasks for check in suite.of_task(name)}
    rows = observe_key(exercise, secret=secret, course=exercise.folder.parent, checks=tuple(checks))
    return {
        name: KeyRows(
            [row for row in rows.outcomes if checks[row[1].check] == name], rows.misconceptions
        )
        for name in tasks
    }


def judged_by_need(
    exercise: Exercise,
    tasks: Sequence[tuple[Task, Sequence[Check]]],
    outcomes: Mapping[str, Outcome],
    reference: AnswerKey,
    *,
    secret: str = "",
) -> tuple[TaskResult, ...]:
    """Judge by the reference, and ask for misconceptions only about tasks that did not pass."""
    results = judge_exercise(tasks, outcomes, reference)
    failed = {result.name for result in results if _needs_diagnosis(result)}
    if not failed:
        return results
    key = answer_key(exercise, secret=secret, tasks=failed)
    merged = AnswerKey({**reference.outcomes, **key.outcomes}, key.misconceptions)
    return judge_exercise(tasks, outcomes, merged)


def _needs_diagnosis(result: TaskResult) -> bool:
    return any(verdict.status in ("fail", "error") for verdict in result.verdicts)


def _path(exercise: Exercise, part: str, version: str) -> Path:
    return _cache_folder() / f"{exercise.slug}-{part}-{version[:32]}.key"


def make_key(exercise: Exercise, rows: KeyRows) -> AnswerKey:
    """Arrange what the probes yielded by check and label, beside the misconceptions' texts."""
    outcomes: dict[str, dict[Label, Outcome]] = {}
    for label, outcome in rows.outcomes:
        outcomes.setdefault(outcome.check, {})[label] = outcome
    # Only predicates need the content itself; loading it may load heavy libraries.
    needs_content = any(row["looks_like"] for row in rows.misconceptions)
    loaded = {a.name: a for a in answers(exercise, "wrong")} if needs_content else {}
    known = {
        row["name"]: Misconception(
            row["name"], row["stands_for"], row["text"], row["step"], row["caught_by"],
            loaded[row["name"]].looks_like if row["looks_like"] else None,
        )
        for row in rows.misconceptions
    }  # fmt: skip
    return AnswerKey(outcomes, known)


def fingerprint(exercise: Exercise, secret: str = "") -> str:
    """Hash of all that an answer key depends on: content, seed and the versions in use."""
    digest = hashlib.sha256(f"{_FORMAT}\0{exercise.slug}\0{secret}\0".encode())
    paths = [p for p in sorted(exercise.folder.glob("*.py")) if p.name != "notebook.py"]
    ours = ("checks.py", "probing.py", "observations.py", "engine/worker.py")
    for path in [*paths, *(catalog.PACKAGE / name for name in ours)]:
        digest.update(path.name.encode() + b"\0" + _content(path, path.stat().st_mtime_ns))
    digest.update(_versions())
    for variable in ("ATEN_CPU_CAPABILITY", "TOUCHSTONE_MODEL"):
        digest.update(os.environ.get(variable, "").encode() + b"\0")
    return digest.hexdigest()


@functools.lru_cache(maxsize=512)
def _content(path: Path, changed: int) -> bytes:
    """Hash of a file, for a class whose every submission asks for the same ones."""
    return hashlib.sha256(path.read_bytes()).digest()


@functools.cache
def _versions() -> bytes:
    parts = [f"{library}={_version(library)}" for library in _LIBRARIES]
    return "\0".join([*parts, sys.version, platform.machine(), ""]).encode()


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("touchstone") / "keys"


def _read(path: Path) -> KeyRows | None:
    """A cached key; ``None`` if there is none, or what is there is damaged."""
    if path in _remembered:
        return _remembered[path]
    try:
        table = unpack(path.read_bytes())
        rows = [(tuple(label), outcome_from(row)) for label, row in table["outcomes"]]
        key = KeyRows(rows, table["misconceptions"])
    except (OSError, ValueError, TypeError, KeyError, BrokenChannel):
        return None
    _remember(path, key)
    return key


def _remember(path: Path, key: KeyRows) -> None:
    """Keep a key in memory too; its path names all that it depends on."""
    while len(_remembered) >= _MOST_REMEMBERED:
        _remembered.pop(next(iter(_remembered)), None)
    _remembered[path] = key


def _write(path: Path, rows: KeyRows | None) -> None:
    """Cache a key; without a place to write, grading goes on and is only slower."""
    if rows is None:
        return
    _remember(path, rows)
    outcomes = [[list(label), outcome_to(outcome)] for label, outcome in rows.outcomes]
    body = pack({"outcomes": outcomes, "misconceptions": rows.misconceptions})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(body)
        os.replace(file.name, path)
    except OSError:
        return
