"""Notebooks as people hand them in, for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.engine.pool import Pool
from autograder.grading import grade_path
from autograder.results import SubmissionResult, Verdict

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
