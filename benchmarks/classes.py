"""Made-up classes for the benchmarks: notebooks that all differ, and what they must be given."""

from __future__ import annotations

import builtins
import inspect
import json
import random
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import answers


def solved(exercise: Exercise) -> dict[str, Any]:
    """The solution's notebook."""
    text = exercise.notebook("en", solved=True).read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def write(notebook: Mapping[str, Any], path: Path, student: int) -> Path:
    """Write a notebook that runs like `notebook` and is no other student's."""
    mine = {
        "cell_type": "code", "id": f"student-{student}", "metadata": {}, "outputs": [],
        "execution_count": None, "source": f"student = {student}",
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**notebook, "cells": [*notebook["cells"], mine]}), "utf-8")
    return path


def mixed(exercise: Exercise, draw: random.Random) -> dict[str, Any]:
    """An attempt as a class has them: most tasks solved, some with a misconception, some open.

    Cells that only show something are left out, so that the grader is measured and not
    matplotlib.
    """
    notebook = solved(exercise)
    kept = []
    for cell in notebook["cells"]:
        name = cell["id"]
        if cell["cell_type"] != "code" or name.endswith(("-try", "-plot")):
            continue
        fate = draw.random() if name in exercise.task_of else 1.0
        if fate < 0.25:
            cell = {**cell, "source": draw.choice(_misconceptions(exercise, name) or ["pass"])}
        elif fate < 0.35:
            cell = {**cell, "source": "pass"}
        kept.append(cell)
    return {**notebook, "cells": kept}


def _misconceptions(exercise: Exercise, name: str) -> list[str]:
    """Source of the known-wrong answers for `name` that need nothing but what a notebook has."""
    there = {*dir(builtins), *exercise.task_of, "np"}
    found = []
    for answer in answers(exercise, "wrong"):
        function = answer.value
        if answer.stands_for == name and isinstance(function, FunctionType):
            used = {n for n in function.__code__.co_names if n in function.__globals__} - there
            if not used and not function.__code__.co_freevars:
                lines = inspect.getsource(function).splitlines()
                start = next(i for i, line in enumerate(lines) if line.startswith("def "))
                body = "\n".join(lines[start:])
                found.append(body.replace(f"def {function.__name__}(", f"def {name}(", 1))
    return found
