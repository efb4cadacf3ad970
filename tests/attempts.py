"""Notebooks as people hand them in, for the tests."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.engine.needed import uses_of
from autograder.engine.pool import Pool
from autograder.engine.sources import defined_names
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite, answers
from autograder.grading.grade import grade_path
from autograder.judging.results import SubmissionResult, Verdict
from autograder.language import Language

SETUP = 'from autograder import check, hint\n\nEXERCISE, LANGUAGE = "metrics", "en"\n'

RECALL = """\
def recall(labels, predictions):
    found = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 1)
    positives = sum(1 for y in labels if y == 1)
    return found / positives if positives else 0.0
"""


def code_cell(source: str, **fields: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [],
            "execution_count": None, **fields}  # fmt: skip


def notebook(*sources: str, setup: str = SETUP, **fields: Any) -> dict[str, Any]:
    """A notebook of nbformat 4.5 whose code cells are the setup and `sources`."""
    cells = [code_cell(s, id=f"cell-{n}") for n, s in enumerate([setup, *sources])]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **fields}


def save(folder: Path, content: Any, name: str = "attempt.ipynb") -> Path:
    path = folder / name
    path.write_text(json.dumps(content), "utf-8")
    return path


def grade(
    folder: Path, *sources: str, pool: Pool | None = None, **keywords: Any
) -> SubmissionResult:
    return grade_path(save(folder, notebook(*sources, **keywords)), pool=pool)


def task(result: SubmissionResult, name: str = "recall") -> Any:
    assert result.problem is None, result.problem
    return next(item for item in result.tasks if item.name == name)


def verdicts(result: SubmissionResult, name: str = "recall") -> tuple[Verdict, ...]:
    return task(result, name).verdicts


def statuses(result: SubmissionResult, name: str = "recall") -> set[str]:
    return {verdict.status for verdict in verdicts(result, name)}


def half_finished(exercise: Exercise, language: Language) -> dict[str, Any]:
    """An attempt at any exercise: of five tasks one is wrong, one untouched, the others solved.

    The wrong answers are the last that ``wrong.py`` has for a task, which tend to be nearly right.
    What trains is untouched too, and cells of which nothing is asked are gone: they take the
    longest.
    """
    attempt, solution = (
        json.loads(exercise.notebook(language, solved=solved).read_text("utf-8"))
        for solved in (False, True)
    )
    solved = {cell["id"]: "".join(cell["source"]) for cell in solution["cells"]}
    suite = Suite(exercise)
    trains = {t.name for t in exercise.tasks if any(c.costly for c in suite.of_task(t.name))}
    quick = [task for task in exercise.tasks if task.name not in trains]
    number = {name: n for n, task in enumerate(quick) for name in task.defines}
    number |= {name: 3 for task in exercise.tasks if task.name in trains for name in task.defines}
    attempt["cells"] = _needed_cells(attempt["cells"], solved)
    for cell in attempt["cells"]:
        if not cell["metadata"].get("nbgrader", {}).get("solution"):
            continue
        kinds = {number[name] % 5 for name in defined_names(solved[cell["id"]]) if name in number}
        if kinds != {3}:
            cell["source"] = solved[cell["id"]]
        if kinds == {2}:
            task = exercise.task_of[min(number.keys() & defined_names(cell["source"]))]
            cell["source"] += "\n\n\n" + wrong_source(exercise, task.defines)
    return attempt


def _needed_cells(cells: list[dict[str, Any]], solved: Mapping[str, str]) -> list[dict[str, Any]]:
    """Cells without those that only show something: on which no answer rests."""
    code = {c["id"]: uses_of(solved[c["id"]]) for c in cells if c["cell_type"] == "code"}
    kept = {cell["id"] for cell in cells if "nbgrader" in cell["metadata"]}
    while more := {
        id for id in code.keys() - kept
        if any(code[id].binds & code[other].reads for other in kept & code.keys())
    }:  # fmt: skip
        kept |= more
    return [cell for cell in cells if cell["id"] in kept]


def wrong_source(exercise: Exercise, names: Sequence[str]) -> str:
    """Code of the last wrong answer for one of `names`, with all that it needs, as a cell's."""
    body = ast.parse((exercise.folder / "wrong.py").read_text("utf-8")).body
    statements = [(node, _defines(node), _used(node)) for node in body]
    for answer in reversed(answers(exercise, "wrong")):
        if answer.stands_for not in names:
            continue
        needed = _needed(statements, answer.name)
        # What is imported from beside wrong.py, no learner has.
        if not any(getattr(node, "level", 0) for node in needed):
            code = "\n\n".join(ast.unparse(_bare(node)) for node in needed)
            return f"{code}\n\n{answer.stands_for} = {answer.name}\n"
    raise AssertionError(f"no wrong answer for {names} stands alone")


def _needed(
    statements: Sequence[tuple[ast.stmt, frozenset[str], frozenset[str]]], name: str
) -> list[ast.stmt]:
    """The statements of a module, in order, on which the definition of `name` rests."""
    wanted, before = {name}, set[str]()
    while wanted != before:
        before = set(wanted)
        for _, defines, uses in statements:
            if defines & wanted:
                wanted |= uses
    return [node for node, defines, _ in statements if defines & wanted]


def _used(node: ast.stmt) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(_bare(node)) if isinstance(n, ast.Name))


def _defines(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return frozenset((name.asname or name.name).split(".")[0] for name in node.names)
    return defined_names(ast.unparse(node))


def _bare(node: ast.stmt) -> ast.stmt:
    """A definition without the decorator that marks it as a wrong answer."""
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = [d for d in node.decorator_list if "caught_by" not in ast.unparse(d)]
    return node
