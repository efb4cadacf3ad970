"""The names that commands take: a notebook's path, an exercise, or one of its tasks."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError, Exercise, Task

_MOST_SIMILAR = 3


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for: an exercise, or one task of it."""

    exercise: Exercise
    task: Task | None = None


def named(name: str, *, among: Sequence[Exercise] | None = None) -> Named:
    """What ``exercise``, ``exercise/task``, or ``task`` where only one exercise has it, is.

    Raises
    ------
    CatalogError
        If it is nothing, or several things; the message names what it may have been.
    """
    exercises = catalog.exercises() if among is None else among
    slug, _, rest = name.rpartition("/")
    found = [
        Named(exercise, task)
        for exercise in exercises
        for task in (None, *exercise.tasks)
        if (slug or exercise.slug) == exercise.slug
        and (name == exercise.slug if task is None else rest == task.name)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        choices = [f"{one.exercise.slug}/{rest}" for one in found]
        raise CatalogError(
            f"Several exercises have a task {name!r}. Say which: {', '.join(choices)}.",
            f"好几个练习都有任务 {name!r}，请写明是哪一个：{'、'.join(choices)}。",
        )
    raise _unknown(name, exercises)


def task_named(name: str, *, among: Sequence[Exercise] | None = None) -> tuple[Exercise, Task]:
    """The task of this name; of an exercise with several tasks, the name must say which.

    Raises
    ------
    CatalogError
        If there is none, or it is not said which.
    """
    found = named(name, among=among)
    if found.task is None:
        tasks = [f"{found.exercise.slug}/{task.name}" for task in found.exercise.tasks]
        raise CatalogError(
            f"{name} is an exercise. Say which task: {', '.join(tasks)}.",
            f"{name} 是一个练习，请写明是哪道题：{'、'.join(tasks)}。",
        )
    return found.exercise, found.task


def at(names: Iterable[str], notebook: Callable[[Exercise], Path]) -> dict[Path, set[str]]:
    """The paths that `names` stand for, each with the tasks of it that were named, if any.

    What is a path here, is a path; else it is looked up, and `notebook` says where it lies.

    Raises
    ------
    CatalogError
        If a name is neither a path nor a name.
    """
    found: dict[Path, set[str]] = {}
    whole: set[Path] = set()
    for name in names:
        path, task = _place(name, notebook)
        found.setdefault(path, set())
        if task is None:
            whole.add(path)
        else:
            found[path].add(task.name)
    return {path: set() if path in whole else tasks for path, tasks in found.items()}


def _place(name: str, notebook: Callable[[Exercise], Path]) -> tuple[Path, Task | None]:
    path = Path(name)
    if os.path.exists(path) or path.suffix or path.is_absolute() or "\\" in name:
        return path, None
    known = {exercise.slug for exercise in catalog.exercises()}
    if "/" in name and name.partition("/")[0] not in known:
        return path, None
    found = named(name)
    return notebook(found.exercise), found.task


def beginning(typed: str) -> Iterator[str]:
    """Names that begin as `typed`: exercises; their tasks, once one is named or begun."""
    exercises = catalog.exercises()
    counts = Counter(task.name for exercise in exercises for task in exercise.tasks)
    for exercise in exercises:
        if exercise.slug.startswith(typed):
            yield exercise.slug
        for task in exercise.tasks:
            whole = f"{exercise.slug}/{task.name}"
            if typed.startswith(exercise.slug) and whole.startswith(typed):
                yield whole
            if typed and counts[task.name] == 1 and task.name.startswith(typed):
                yield task.name


def _unknown(name: str, exercises: Sequence[Exercise]) -> CatalogError:
    close = similar(name, exercises)
    if close:
        en = f" Did you mean {' or '.join(close)}?"
        zh = f"是不是 {' 或 '.join(close)}？"
    else:
        slugs = ", ".join(exercise.slug for exercise in exercises)
        en = f' A task is called as in the notebook: check("…"). The exercises: {slugs}.'
        zh = f'任务名就是 notebook 里 check("…") 的参数。现有练习：{slugs}。'
    return CatalogError(
        f"There is no exercise or task {name!r}.{en}", f"没有名为 {name!r} 的练习或任务。{zh}"
    )


def similar(name: str, exercises: Sequence[Exercise]) -> list[str]:
    """Up to three names like `name`, tasks as ``exercise/task``; the likest first."""
    known = {exercise.slug: exercise.slug for exercise in exercises}
    for exercise in exercises:
        for task in exercise.tasks:
            whole = f"{exercise.slug}/{task.name}"
            known[whole] = whole
            known.setdefault(task.name, whole)
    found = difflib.get_close_matches(name.lower(), known, n=2 * _MOST_SIMILAR)
    return list(dict.fromkeys(known[one] for one in found))[:_MOST_SIMILAR]
