"""Where a notebook has its checks, and which of its locked cells were changed.

In a kernel and under nbgrader a check runs where its cell stands, with the names as they are there;
so it does in a worker. And nbgrader puts locked cells back as they were handed out; a worker runs
them so too, and after that what was added.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from autograder._parsing import parse
from autograder.engine.cells import Cell, Notebook
from autograder.engine.needed import handout
from autograder.engine.sources import setup_variables
from autograder.exercise.catalog import Exercise

_CALL = re.compile(r"""^[^#\n]*\bcheck\(\s*["'](\w+)["']""", re.MULTILINE)


def check_places(notebook: Notebook, exercise: Exercise) -> dict[str, int]:
    """For each task that the notebook checks, the number of the cell that does.

    The cell that was handed out for it counts, else the last one that calls for it.
    """
    ours: dict[str, int] = {}
    others: dict[str, int] = {}
    for number, cell in enumerate(notebook.cells):
        for task in _checked(cell.source):
            others[task] = number
        if cell.id.endswith("-check"):
            ours[cell.id.removesuffix("-check")] = number
    found = {**others, **ours}
    return {task.name: found[task.name] for task in exercise.tasks if task.name in found}


@lru_cache(maxsize=4096)
def _checked(source: str) -> tuple[str, ...]:
    """Names of the tasks that a cell calls `check` for."""
    if "check(" not in source:
        return ()
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return tuple(_CALL.findall(source))
    return tuple(_calls(tree))


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("check"), args=[ast.Constant(str(name))]):
                yield name


def changed_setup(notebook: Notebook, exercise: Exercise) -> dict[int, str]:
    """For the setup cell, if it was changed: its number, and what it was when it was handed out."""
    given = handout(exercise.notebook(notebook.language), exercise.folder.parent)
    setup = (
        next((cell for cell in given.cells if setup_variables(cell.source)), None)
        if given
        else None
    )
    if setup is None:
        return {}
    for number, cell in enumerate(notebook.cells):
        if cell.id == setup.id or _sets_up(cell):
            return {} if cell.source == setup.source else {number: setup.source}
    return {}


def _sets_up(cell: Cell) -> bool:
    return bool(re.search(r"^EXERCISE\b.*=", cell.source, re.MULTILINE))
