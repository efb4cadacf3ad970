"""What results depend on: hashes by which those of one edition are told from those of another."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.slices import slice_of
from autograder.exercise.suite import Suite

_FORMAT = 4
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers")
# No result depends on these: they take in, show and carry what the rest has graded.
_APART = (
    "_content", "classroom", "cli", "course", "dev", "learner", "report", "study", "syllabus",
)  # fmt: skip


def edition(exercise: Exercise, secret: str = "") -> str:
    """Hash of all that results and answer keys depend on: content, judge, seed and versions."""
    digest = hashlib.sha256(f"{_FORMAT}\0{exercise.slug}\0{secret}\0".encode())
    digest.update(_graders())
    for path in _files(exercise.folder):
        # The notebook is what everybody hands in anew.
        if path.name != "notebook.py":
            digest.update(path.relative_to(exercise.folder).as_posix().encode() + b"\0")
            digest.update(_content(path, path.stat().st_mtime_ns))
    digest.update(_surroundings())
    return digest.hexdigest()


def task_edition(suite: Suite, task: str, secret: str = "") -> str:
    """Hash of all that a task's part of an answer key depends on: a slice of its exercise.

    A change of another task leaves it as it was, so an author waits for what was changed only.
    """
    return task_editions(suite, [task], secret)[task]


def task_editions(suite: Suite, tasks: Iterable[str], secret: str = "") -> dict[str, str]:
    """The `task_edition` of each of `tasks`; the exercise's folder is looked through once."""
    exercise = suite.exercise
    rules = [(item.name, item.defines, item.forbidden) for item in exercise.tasks]
    own = (exercise.imports, exercise.model, exercise.check_seconds, exercise.gradients, rules)
    shared = repr(own).encode() + _surroundings()
    files = [(path, path.stat().st_mtime_ns) for path in _files(exercise.folder)]
    editions = {}
    for task in tasks:
        digest = hashlib.sha256(f"{_FORMAT}\0{exercise.slug}\0{task}\0{secret}\0".encode())
        digest.update(_graders())
        names = suite.names_of(task)
        for path, changed in files:
            digest.update(path.relative_to(exercise.folder).as_posix().encode() + b"\0")
            if path.name in ("checks.py", "wrong.py", "right.py"):
                digest.update(slice_of(path, changed, names).encode())
            elif path.name not in ("notebook.py", "exercise.toml"):
                digest.update(_content(path, changed))
        digest.update(shared)
        editions[task] = digest.hexdigest()
    return editions


@functools.cache
def _graders() -> bytes:
    """Hash of this package's files that have a part in a result: those that this process loaded."""
    digest = hashlib.sha256()
    for path in _files(catalog.PACKAGE):
        digest.update(path.relative_to(catalog.PACKAGE).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.digest()


def _files(folder: Path) -> Iterator[Path]:
    """Every file in `folder` but what Python compiled, in the order of names."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in (*_APART, "__pycache__"):
            yield from _files(path)
        elif path.is_file():
            yield path


@functools.lru_cache(maxsize=512)
def _content(path: Path, changed: int) -> bytes:
    """Hash of a file, for a class whose every submission asks for the same ones."""
    return hashlib.sha256(path.read_bytes()).digest()


def _surroundings() -> bytes:
    """Versions, and what of the environment has a part in a result."""
    variables = ("ATEN_CPU_CAPABILITY", "TOUCHSTONE_MODEL")
    told = [os.environ.get(variable, "").encode() for variable in variables]
    return b"\0".join([_versions(), *told, b""])


@functools.cache
def _versions() -> bytes:
    parts = [f"{library}={_version(library)}" for library in _LIBRARIES]
    return "\0".join([*parts, sys.version, platform.machine(), ""]).encode()


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"
