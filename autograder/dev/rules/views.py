"""Promises about the generated notebooks: fresh, valid, alike, and without answers in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.dev.build import build
from autograder.dev.findings import Finding
from autograder.dev.percent import Cell, solution_lines
from autograder.dev.views import read
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES

LEAK_LENGTH = 20
"""Characters, blanks aside, from which on a line of a solution gives it away."""


def fresh(exercise: Exercise) -> Iterator[Finding]:
    """The notebooks and figures on disk are those that the sources amount to."""
    for change in build(exercise, check=True, execute=False):
        yield Finding("stale", _name(exercise, change.path), change.message)


def valid(exercise: Exercise) -> Iterator[Finding]:
    """The views are valid to nbgrader, which can give as many points as the exercise has."""
    from nbgrader.nbgraderformat import MetadataValidator, ValidationError

    for path, notebook in _notebooks(exercise):
        where = _name(exercise, path)
        remedy = f"Run `touchstone dev build {exercise.slug}`."
        try:
            MetadataValidator().validate_nb(notebook)
        except (ValidationError, KeyError) as error:
            yield Finding("nbgrader", where, f"nbgrader refuses it: {error}. {remedy}")
            continue
        marked = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
        points = sum(mark["points"] for mark in marked if mark.get("grade"))
        if abs(points - exercise.points) > 1e-9:
            yield Finding(
                "nbgrader", where,
                f"Its check cells give {points:g} of {exercise.points:g} points. {remedy}",
            )  # fmt: skip


def alike(exercise: Exercise) -> Iterator[Finding]:
    """Both languages have the same cells."""
    for solved in (False, True):
        en, zh = (exercise.notebook(language, solved=solved) for language in LANGUAGES)
        outlines = [
            [(cell.get("id"), cell.cell_type) for cell in notebook.cells]
            for path, notebook in _notebooks(exercise)
            if path in (en, zh)
        ]
        if len(outlines) == 2 and outlines[0] != outlines[1]:
            odd = sorted({str(cell) for cell, _ in set(outlines[0]) ^ set(outlines[1])})
            yield Finding(
                "languages", _name(exercise, zh),
                f"Its cells are not those of the English one: {', '.join(odd) or 'other order'}. "
                f"Run `touchstone dev build {exercise.slug}`.",
            )  # fmt: skip


def sealed(exercise: Exercise, cells: tuple[Cell, ...]) -> Iterator[Finding]:
    """No line of a solution, no output and no foreign metadata is in the learner's notebooks."""
    secrets = {
        _squeezed(line): cell.id
        for cell in cells
        for source in cell.source.values()
        for line in solution_lines(source)
        if _tells(line)
    }
    for path, notebook in _notebooks(exercise):
        if path.parent.parent.name != "exercises":
            continue
        for cell in notebook.cells:
            where = f"{_name(exercise, path)}, cell {cell.get('id')!r}"
            yield from _leaks(cell, secrets, where)
    hints = [
        (f"{exercise.slug}/exercise.toml, task {task.name!r}, hint {level}", hint)
        for task in exercise.tasks
        for language in LANGUAGES
        for level, hint in enumerate(task.hints[language], 1)
    ]
    for where, hint in hints:
        for secret, origin in secrets.items():
            if secret in _squeezed(hint):
                yield Finding(
                    "leak", where, f"It holds code of the solution {origin!r}. Use words instead."
                )


def _leaks(cell: Any, secrets: dict[str, str], where: str) -> Iterator[Finding]:
    text = _squeezed(cell.source)
    for secret, origin in secrets.items():
        if secret in text:
            yield Finding(
                "leak", where,
                f"It holds a line of the solution {origin!r}: {secret[:60]!r}. "
                "Put that line between the solution markers only, or write this cell otherwise.",
            )  # fmt: skip
    if "BEGINSOLUTION" in text or "ENDSOLUTION" in text:
        yield Finding("leak", where, "It holds a solution marker. Run `touchstone dev build`.")
    if cell.get("outputs") or cell.get("execution_count") or cell.get("attachments"):
        yield Finding("leak", where, "It holds outputs. Run `touchstone dev build`.")
    hidden = _squeezed(json.dumps(cell.metadata, ensure_ascii=False))
    foreign = set(cell.metadata) - {"nbgrader", "touchstone", "deletable", "editable"}
    if foreign or any(_squeezed(json.dumps(s)[1:-1]) in hidden for s in secrets):
        named = ", ".join(sorted(foreign)) or "solution text"
        yield Finding("leak", where, f"Its metadata holds {named}. Run `touchstone dev build`.")


def _tells(line: str) -> bool:
    """Whether a line is long and particular enough to give an answer away."""
    common = line.startswith(("import ", "from ", "def ", "class ", "@")) or line.endswith(":")
    return len(_squeezed(line)) >= LEAK_LENGTH and not common


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _notebooks(exercise: Exercise) -> Iterator[tuple[Path, Any]]:
    """The generated notebooks that can be read; the others are stale already."""
    for solved in (False, True):
        for language in LANGUAGES:
            path = exercise.notebook(language, solved=solved)
            notebook = read(path)
            if notebook is not None:
                yield path, notebook


def _name(exercise: Exercise, path: Path) -> str:
    return path.relative_to(exercise.root).as_posix()
