"""The notebooks that an exercise's source amounts to, before anything runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.dev.percent import Cell
from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.exercise.syllabus.sections import section
from autograder.language import Language, Text

SCHEMA_VERSION = 3
STUB: Text = {
    "en": "# YOUR CODE HERE\nraise NotImplementedError",
    "zh": "# 在这里写代码\nraise NotImplementedError",
}
_IMPORT = re.compile("^from autograder import ", re.MULTILINE)
_PACKAGE: Text = {
    "en": "# Missing? %pip install touchstone-course ('autograder' on PyPI is another project)",
    "zh": "# 没有这个模块？%pip install touchstone-course（PyPI 上的 autograder 是另一个项目）",
}
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def digest(text: str) -> str:
    """Twelve hexadecimal digits that stand for `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def exercise_view(exercise: Exercise, cells: tuple[Cell, ...], language: Language) -> NotebookNode:
    """The learner's notebook: solutions replaced by stubs, everything but them locked."""
    from nbgrader.preprocessors import ClearSolutions, LockCells

    view = _notebook(exercise, cells, language)
    clear = ClearSolutions(code_stub={"python": STUB[language]}, enforce_metadata=False)
    view, _ = clear.preprocess(view, {})
    for cell, node in zip(cells, view.cells, strict=True):
        if cell.role == "solution":
            node.metadata["touchstone"] = {"stub": digest(node.source)}
    view, _ = LockCells().preprocess(view, {})
    stubbed: NotebookNode = view
    stubbed.metadata.touchstone["edition"] = _edition(stubbed)
    return stubbed


def solution_view(exercise: Exercise, cells: tuple[Cell, ...], language: Language) -> NotebookNode:
    """The solved notebook, with its markers (a teacher's source for nbgrader), not yet run."""
    view = _notebook(exercise, cells, language)
    edition = exercise_view(exercise, cells, language).metadata.touchstone.edition
    view.metadata.touchstone["edition"] = edition
    return view


def to_text(notebook: NotebookNode) -> str:
    """A notebook as it stands on disk: sorted keys, one trailing newline."""
    text: str = nbformat.writes(notebook, version=4)  # type: ignore[no-untyped-call]
    return text.rstrip("\n") + "\n"


def read(path: Path) -> NotebookNode | None:
    """The notebook at `path`, or ``None`` if there is none or it is not of nbformat 4."""
    try:
        text = path.read_text("utf-8")
        notebook: NotebookNode = nbformat.reads(text, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return None
    return notebook if notebook.get("nbformat") == 4 else None


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy of a notebook as if it had never run."""
    bare: NotebookNode = nbformat.from_dict(json.loads(json.dumps(notebook)))  # type: ignore[no-untyped-call]
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def _notebook(exercise: Exercise, cells: tuple[Cell, ...], language: Language) -> NotebookNode:
    metadata = {
        "kernelspec": dict(_KERNEL),
        "language_info": {"name": "python"},
        "touchstone": {"exercise": exercise.slug, "language": language},
    }
    nodes = [_node(exercise, cell, language) for cell in cells]
    notebook: NotebookNode = new_notebook(metadata=metadata, cells=nodes)  # type: ignore[no-untyped-call]
    notebook.nbformat_minor = 5
    return notebook


def _node(exercise: Exercise, cell: Cell, language: Language) -> NotebookNode:
    make: Any = new_markdown_cell if cell.role == "prose" else new_code_cell
    node: NotebookNode = make(_text(exercise, cell, language), id=cell.id)
    if cell.role != "playground":
        node.metadata["nbgrader"] = _nbgrader(exercise, cell)
    return node


def _text(exercise: Exercise, cell: Cell, language: Language) -> str:
    """The text of a cell; under a task's heading, what it is worth and takes.

    Above our own import stands where it comes from, which an error of that line shows too.
    """
    source = cell.source[language]
    if cell.role == "setup":
        return _IMPORT.sub(lambda found: f"{_PACKAGE[language]}\n{found[0]}", source)
    task = next((task for task in exercise.tasks if cell.id == f"{task.name}-task"), None)
    if task is None:
        return source
    heading, _, rest = source.partition("\n")
    points = int(task.points) if task.points == int(task.points) else task.points
    lesson = _place(exercise, task, language)
    facts: Text = {
        "en": f"*{points} point{'' if points == 1 else 's'} · about {task.minutes} minutes · "
        f"difficulty {task.difficulty} of 5 · [lesson]({lesson})*",
        "zh": f"*{points} 分 · 约 {task.minutes} 分钟 · 难度 {task.difficulty}/5 · "
        f"[课文]({lesson})*",
    }
    return f"{heading}\n\n{facts[language]}\n{rest}".rstrip("\n")


def _place(exercise: Exercise, task: Task, language: Language) -> str:
    """Where the lesson tells what a task rests on, as it lies in a workbook."""
    lesson = f"lessons/{exercise.slug}/{language}.md"
    with contextlib.suppress(CatalogError):  # a lesson is yet to be written
        return f"{lesson}#{section(exercise, task).anchor}"
    return lesson


def _nbgrader(exercise: Exercise, cell: Cell) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "grade_id": cell.id,
        "grade": cell.role == "check",
        "solution": cell.role == "solution",
        "locked": cell.role != "solution",
        "task": False,
    }
    if cell.role == "check":
        points = exercise.task(cell.task).points
        metadata["cell_type"] = "code"
        metadata["points"] = int(points) if points == int(points) else points
    return metadata


def _edition(view: NotebookNode) -> str:
    """Changes exactly when what the learner sees changes."""
    seen = [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in view.cells]
    return digest(json.dumps([seen, view.metadata], sort_keys=True, ensure_ascii=False))
