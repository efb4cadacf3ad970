"""Made-up classes for the benchmarks: notebooks that all differ, and what they must be given."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.catalog import Exercise
from autograder.checks import answers


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
    import inspect

    wrong = answers(exercise, "wrong")
    notebook = solved(exercise)
    kept = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        name = cell["id"]
        if name in exercise.task_of and draw.random() < 0.35:
            known = [a for a in wrong if a.stands_for == name and a.value.__closure__ is None]
            body = inspect.getsource(draw.choice(known).value) if known else ""
            source = body[body.index("\ndef ") + 1 :] if "\ndef " in body else ""
            renamed = source.replace(f"def {draw_name(source)}(", f"def {name}(", 1)
            cell = {**cell, "source": renamed if source and draw.random() < 0.7 else "pass"}
        if not name.endswith(("-try", "-plot")):
            kept.append(cell)
    return {**notebook, "cells": kept}


def draw_name(source: str) -> str:
    """The name of the first function in `source`."""
    return source.partition("def ")[2].partition("(")[0]
