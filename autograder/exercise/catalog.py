"""The catalogue: exercises and lessons as found on disk. Imports nothing heavy.

The folder is the registry: every folder of ``course/`` that holds an ``exercise.toml`` is an
exercise, and ``lessons/<slug>/<language>.md`` is its lesson.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from autograder._errors import BilingualError
from autograder.language import LANGUAGES, Language, Text
from autograder.models import is_other

PACKAGE = Path(__file__).resolve().parents[1]
_BUILT_IN = PACKAGE / "course"
# An author's or a test's own exercises, in processes that are started for them such as kernels.
COURSE = Path(os.path.abspath(os.environ.get("TOUCHSTONE_COURSE") or _BUILT_IN))
_WHEEL_CONTENT = PACKAGE / "_content"
# BERT-base, to which Adam adds three times its own size, where the tiny model takes 4 MB.
_MORE_MEMORY, _MORE_TIME = 4, 10


class CatalogError(BilingualError):
    """An exercise that is missing or malformed; the message says where and what to do.

    What only authors meet is said in English.
    """

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en, zh or en)


def content_root() -> Path:
    """Folder that holds ``lessons/``, ``exercises/`` and ``solutions/``.

    In a checkout that is the top of the repository; in an installed wheel, the copies inside
    the package.
    """
    return _WHEEL_CONTENT if _WHEEL_CONTENT.is_dir() else PACKAGE.parent


def root_of(course: Path) -> Path:
    """The same of a course in any folder; of ``ROOT/autograder/course`` it is ``ROOT``."""
    return content_root() if course == _BUILT_IN else course.parents[1]


@dataclass(frozen=True)
class Task:
    """One graded task of an exercise.

    Attributes
    ----------
    name
        What `check` and `hint` are called with.
    defines
        Names that the learner must define for it; by default its own name.
    points
        Most points it can give.
    difficulty
        1 (a warm-up) to 5 (hard).
    minutes
        Time that it takes a prepared learner.
    hints
        Three levels in each language, from a nudge to the outline of an answer.
    questions
        Source questions that it answers.
    asked
        Problems that interviewers pose, by their names in ``lessons/questions.toml``.
    forbidden
        Top-level modules that its answer may not use.
    section
        Address of the part of the lesson that it is about, where its words do not lead there.
    """

    name: str
    title: Text
    defines: tuple[str, ...]
    points: float
    difficulty: int
    minutes: int
    hints: Mapping[Language, tuple[str, ...]]
    questions: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    section: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its metadata and where its parts lie.

    Attributes
    ----------
    imports
        Modules that a worker may load before the learner's code runs.
    model
        Kind of the model that it works on, ``bert``, ``gpt`` or ``resnet``; empty for none.
    memory
        Bytes that a submission may take beyond what the libraries take.
    cell_seconds, check_seconds, submission_seconds
        Limits of processor time for one cell, one check and everything together; by the clock
        they may take several times as long.
    gradients
        Whether torch records what gradients need while its functions run; its notebook's setup
        turns that off where it does not.
    """

    slug: str
    title: Text
    requires: tuple[str, ...]
    imports: tuple[str, ...]
    cell_seconds: float
    check_seconds: float
    submission_seconds: float
    tasks: tuple[Task, ...]
    folder: Path
    model: str = ""
    memory: int = 2 * 2**30
    gradients: bool = True

    @property
    def on_other_model(self) -> bool:
        """Whether it works on another model than the tiny one, as the environment asks."""
        return bool(self.model) and is_other()

    def with_room(self) -> Exercise:
        """The same; on another model, with the time and memory of one a hundred times as large."""
        if not self.on_other_model:
            return self
        return replace(
            self,
            memory=_MORE_MEMORY * self.memory,
            cell_seconds=_MORE_TIME * self.cell_seconds,
            check_seconds=_MORE_TIME * self.check_seconds,
            submission_seconds=_MORE_TIME * self.submission_seconds,
        )

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def minutes(self) -> int:
        return sum(task.minutes for task in self.tasks)

    @cached_property
    def task_of(self) -> Mapping[str, Task]:
        """The task for which each learner's name must be defined."""
        return {name: task for task in self.tasks for name in task.defines}

    def task(self, name: str) -> Task:
        """Return the task called `name`, or raise `CatalogError` with the names there are."""
        for task in self.tasks:
            if task.name == name:
                return task
        names = ", ".join(task.name for task in self.tasks)
        raise CatalogError(
            f"{self.slug} has no task {name!r}. Its tasks: {names}.",
            f"{self.slug} 里没有任务 {name!r}。可选的任务：{names}。",
        )

    @property
    def root(self) -> Path:
        """Folder that holds its ``lessons/``, ``exercises/`` and ``solutions/``."""
        return root_of(self.folder.parent)

    def notebook(self, language: Language, *, solved: bool = False) -> Path:
        """Path of the generated notebook: the learner's, or the solution."""
        room = "solutions" if solved else "exercises"
        return self.root / room / language / f"{self.slug}.ipynb"

    def lesson(self, language: Language) -> Path:
        """Path of the lesson in `language`."""
        return self.root / "lessons" / self.slug / f"{language}.md"


def exercises(course: Path = COURSE) -> tuple[Exercise, ...]:
    """Every exercise, each after those it requires, else by slug."""
    slugs = sorted(path.parent.name for path in course.glob("*/exercise.toml"))
    found = {slug: exercise(slug, course) for slug in slugs}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for slug, item in found.items():
        unknown = [name for name in item.requires if name not in found]
        if unknown:
            raise CatalogError(
                f"{slug}/exercise.toml requires {unknown[0]!r}, which is no exercise."
            )
        sorter.add(slug, *item.requires)
    try:
        return tuple(found[slug] for slug in sorter.static_order())
    except CycleError as error:
        raise CatalogError(f"exercises require each other in a circle: {error.args[1]}") from None


@cache
def exercise(slug: str, course: Path = COURSE) -> Exercise:
    """The exercise called `slug`.

    Raises
    ------
    CatalogError
        If there is none, or its ``exercise.toml`` is malformed.
    """
    path = course / slug / "exercise.toml"
    if "/" in slug or not path.is_file():
        known = ", ".join(sorted(p.parent.name for p in course.glob("*/exercise.toml")))
        raise CatalogError(
            f"There is no exercise {slug!r}. There are: {known}.",
            f"没有练习 {slug!r}。现有练习：{known}。",
        )
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        return _exercise(slug, table, path.parent)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{slug}/exercise.toml is not valid TOML: {error}") from None
    except KeyError as error:
        raise CatalogError(f"{slug}/exercise.toml lacks {error.args[0]!r}.") from None
    except TypeError as error:
        raise CatalogError(f"{slug}/exercise.toml has a value of the wrong type: {error}") from None


def _exercise(slug: str, table: Mapping[str, Any], folder: Path) -> Exercise:
    limits = table.get("limits", {})
    return Exercise(
        slug=slug,
        title=_text(table["title"]),
        requires=tuple(table.get("requires", ())),
        imports=tuple(table.get("imports", ())),
        model=str(table.get("model", "")),
        gradients=bool(table.get("gradients", True)),
        memory=int(limits.get("memory_mb", 2048)) * 2**20,
        cell_seconds=float(limits.get("cell_seconds", 30)),
        check_seconds=float(limits.get("check_seconds", 10)),
        submission_seconds=float(limits.get("submission_seconds", 180)),
        tasks=tuple(_task(item) for item in table["tasks"]),
        folder=folder,
    )


def _task(table: Mapping[str, Any]) -> Task:
    hints = table["hints"]
    return Task(
        name=table["name"],
        title=_text(table["title"]),
        defines=tuple(table.get("defines", (table["name"],))),
        points=float(table["points"]),
        difficulty=int(table["difficulty"]),
        minutes=int(table["minutes"]),
        hints={language: tuple(hints[language]) for language in LANGUAGES},
        questions=tuple(table.get("questions", ())),
        asked=tuple(table.get("asked", ())),
        forbidden=tuple(table.get("forbidden", ())),
        section=str(table.get("section", "")),
    )


def _text(table: Mapping[str, str]) -> Text:
    return {language: table[language] for language in LANGUAGES}
