"""The notebooks as the course ships them, and the store of those that a workbook has had."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import _files
from autograder._errors import WorkbookError
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Language
from autograder.learner.workbook import nbfile
from autograder.learner.workbook.nbfile import Notebook, Unreadable

_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Release:
    """One edition of an exercise's notebook in one language, untouched."""

    data: bytes
    notebook: Notebook

    @property
    def slug(self) -> str:
        return str(self.notebook.origin["exercise"])


@dataclass(frozen=True)
class Store:
    """The editions that a workbook has had: what tells the course's text from the learner's."""

    folder: Path

    def add(self, release: Release) -> None:
        """Keep `release`, unless it is kept already."""
        path = self._path(release.notebook.origin)
        assert path is not None, "a release has a valid origin"
        if not path.is_file() or path.read_bytes() != release.data:
            self.folder.mkdir(parents=True, exist_ok=True)
            _files.replace(path, release.data)

    def get(self, origin: Mapping[str, Any]) -> Release | None:
        """The edition that a notebook of this `origin` began as, if it is kept."""
        path = self._path(origin)
        with contextlib.suppress(OSError, Unreadable):
            data = path.read_bytes() if path else b""
            return Release(data, nbfile.parse(data))
        return None

    def all(self, slug: str) -> list[Notebook]:
        """Every edition of an exercise that can be read."""
        found = []
        for path in sorted(self.folder.glob(f"{slug}.*.ipynb")):
            with contextlib.suppress(OSError, Unreadable):
                found.append(nbfile.parse(path.read_bytes()))
        return found

    def _path(self, origin: Mapping[str, Any]) -> Path | None:
        """Its file; None for an `origin` that no release has (it may come from anywhere)."""
        names = [origin.get(key) for key in ("exercise", "language", "edition")]
        if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
            return None
        return self.folder / "{}.{}.{}.ipynb".format(*names)


def present(exercise: Exercise, language: Language) -> Release:
    """The present edition of an exercise.

    Raises
    ------
    WorkbookError
        If the course's own notebook is missing or unfit.
    """
    path = exercise.notebook(language)
    reason = nbfile.Unreadable("its metadata names no edition", "元数据里没有版本号").text
    try:
        release = Release(path.read_bytes(), nbfile.parse(path.read_bytes()))
        origin = release.notebook.origin
        if (origin.get("exercise"), origin.get("language")) == (exercise.slug, language):
            if _NAME.fullmatch(str(origin.get("edition", ""))):
                return release
    except OSError as error:
        reason = {"en": str(error.strerror), "zh": str(error.strerror)}
    except Unreadable as error:
        reason = error.text
    raise WorkbookError(
        f"The course's own notebook {path} cannot be used: {reason['en']}. Install Touchstone "
        f"again; in a checkout, run `touchstone dev build {exercise.slug}`.",
        f"课程自带的 notebook {path} 无法使用：{reason['zh']}。请重新安装 Touchstone；"
        f"如果用的是源码仓库，请运行 `touchstone dev build {exercise.slug}`。",
    )


def origin_of(path: Path, data: bytes, language: Language) -> dict[str, Any]:
    """Which edition the learner's notebook began as; a lost exercise is read off its name."""
    origin: dict[str, Any] = {"exercise": path.stem, "language": language}
    with contextlib.suppress(Unreadable):
        origin |= nbfile.parse(data).origin
    if origin["language"] not in LANGUAGES:
        origin["language"] = language
    return origin


def exercise_called(slug: object) -> Exercise:
    """The exercise `slug`, or `WorkbookError`."""
    try:
        return catalog.exercise(str(slug))
    except catalog.CatalogError as error:
        raise WorkbookError(
            f"The notebook belongs to no exercise of this course. {error}",
            f"这个 notebook 不属于本课程的任何练习（{slug}）。",
        ) from None
