"""What was proven of an exercise, remembered by the content that it rests on.

A proof is an empty file whose name is a hash of everything that it depends on, so what changes is
proven anew, and nothing else is. CI remembers nothing.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from autograder import _places
from autograder.engine import walls
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.edition import edition, task_edition
from autograder.exercise.suite import Suite
from autograder.language import LANGUAGES


class Proofs:
    """What is known to hold.

    Parameters
    ----------
    exercise
        Whose promises.
    afresh
        Remember nothing, neither what was proven before nor what is proven now.
    """

    def __init__(self, exercise: Exercise, *, afresh: bool = False) -> None:
        self.exercise = exercise
        self._folder = _places.cache() / "proofs"
        self._afresh = afresh or bool(os.environ.get("CI"))

    def hold(self, what: str) -> bool:
        """Whether `what` (a key made by one of the methods below) was proven."""
        return not self._afresh and (self._folder / what).is_file()

    def keep(self, what: str) -> None:
        """Remember that `what` was proven; without a place to write, nothing is remembered."""
        if self._afresh:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / what).touch()
        except OSError:
            return

    def of_everything(self) -> str:
        """Key of all promises: every file of the exercise, its lesson, its notebooks and ours."""
        folders = [self.exercise.folder, self.exercise.lesson("en").parent]
        views = [
            self.exercise.notebook(lang, solved=kind)
            for lang in LANGUAGES
            for kind in (False, True)
        ]
        return _key("everything", edition(self.exercise), _authoring(), _walls(), *map(
            _hash, [*(path for folder in folders for path in _files(folder)), *views]
        ))  # fmt: skip

    def of_grading(self) -> str:
        """Key of what grading the notebooks shows: checks, answers and the notebook itself."""
        notebook = _hash(self.exercise.folder / "notebook.py")
        return _key("grading", edition(self.exercise), _authoring(), _walls(), notebook)

    def of_task(self, suite: Suite, task: str) -> str:
        """Key of what a task's checks make of the known answers."""
        return _key("task", task_edition(suite, task), _authoring())


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def _authoring() -> str:
    """Hash of the rules by which exercises are proven."""
    return _key(*map(_hash, _files(catalog.PACKAGE / "dev")))


def _walls() -> str:
    return str(walls.available())


def _hash(path: Path) -> str:
    data = path.read_bytes() if path.is_file() else b"absent"
    return hashlib.sha256(f"{path.name}\0".encode() + data).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    return (path for path in paths if path.is_file() and "__pycache__" not in path.parts)
