"""The answer key of an exercise: computed once in a process of its own, then cached by content."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import platformdirs

from autograder import catalog
from autograder.catalog import Exercise
from autograder.checks import answers
from autograder.engine import KeyRows, observe_key
from autograder.engine.protocol import BrokenChannel, outcome_from, outcome_to
from autograder.judge import AnswerKey, Label, Misconception
from autograder.observations import Outcome, pack, unpack

_FORMAT = 1
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers")


def answer_key(exercise: Exercise, *, secret: str = "") -> AnswerKey:
    """What the reference and every misconception yield, from the cache where it is there."""
    path = _cache_folder() / f"{exercise.slug}-{fingerprint(exercise, secret)[:32]}.key"
    rows = _read(path)
    if rows is None:
        course = exercise.folder.parent
        rows = observe_key(exercise, secret=secret, course=course)
        _write(path, rows)
    return make_key(exercise, rows)


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
    for path in sorted(exercise.folder.glob("*.py")):
        if path.name != "notebook.py":
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for name in ("checks.py", "probing.py", "observations.py", "engine/worker.py"):
        digest.update((catalog.PACKAGE / name).read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library}={_version(library)}\0".encode())
    digest.update(f"{sys.version}\0{platform.machine()}\0".encode())
    for variable in ("ATEN_CPU_CAPABILITY", "TOUCHSTONE_MODEL"):
        digest.update(os.environ.get(variable, "").encode() + b"\0")
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("touchstone") / "keys"


def _read(path: Path) -> KeyRows | None:
    """A cached key; ``None`` if there is none, or what is there is damaged."""
    try:
        table = unpack(path.read_bytes())
        rows = [(tuple(label), outcome_from(row)) for label, row in table["outcomes"]]
        return KeyRows(rows, table["misconceptions"])
    except (OSError, ValueError, TypeError, KeyError, BrokenChannel):
        return None


def _write(path: Path, rows: KeyRows) -> None:
    """Cache a key; without a place to write, grading goes on and is only slower."""
    outcomes = [[list(label), outcome_to(outcome)] for label, outcome in rows.outcomes]
    body = pack({"outcomes": outcomes, "misconceptions": rows.misconceptions})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(body)
        os.replace(file.name, path)
    except OSError:
        return
