"""The demonstration: a half-finished attempt, put together from the exercise's own parts."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from autograder.catalog import CatalogError, Exercise, Language


SOLVED = ("confusion_counts", "accuracy", "precision")
MISTAKES = ("specificity_for_recall",)


def half_finished(
    exercise: Exercise,
    language: Language,
    *,
    solved: Collection[str] = SOLVED,
    mistakes: Collection[str] = MISTAKES,
) -> dict[str, Any]:
    """Return the learner's notebook with some tasks solved and some answered wrongly.

    Parameters
    ----------
    solved
        Ids of cells to take from the solution.
    mistakes
        Names of functions in ``wrong.py``, each put where the answer it stands for belongs.
    """
    notebook = _read(exercise.notebook(language))
    answers = {
        cell["id"]: cell for cell in _read(exercise.notebook(language, solved=True))["cells"]
    }
    wrong = dict(_mistake(exercise, name) for name in mistakes)
    for cell in notebook["cells"]:
        if cell["id"] in solved:
            cell["source"] = answers[cell["id"]]["source"]
        elif cell["id"] in wrong:
            cell["source"] = wrong[cell["id"]].splitlines(keepends=True)
    return notebook


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def _mistake(exercise: Exercise, name: str) -> tuple[str, str]:
    """The cell that a misconception belongs in, and its code under the name it stands for."""
    path = exercise.folder / "wrong.py"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            decorator = node.decorator_list[0]
            assert isinstance(decorator, ast.Call)
            stands_for = ast.literal_eval(decorator.args[0])
            node.name, node.decorator_list = stands_for, []
            return exercise.task_of[stands_for].name, ast.unparse(node) + "\n"
    raise CatalogError(f"{path} has no misconception {name!r}.")
