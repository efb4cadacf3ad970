"""Results as JSON, format version 1."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.judging.results import SubmissionResult, TaskResult, Verdict
from autograder.language import Language
from autograder.report import digest
from autograder.report._write import write_text

VERSION = 1
_BEYOND_ASCII = re.compile(r"[^\n -~]")


def to_json(results: Sequence[SubmissionResult]) -> dict[str, Any]:
    """Results as plain maps and lists, ready for `json.dumps`.

    A submission that could not be graded has no tasks, and a ``problem``. Claims, messages and
    problems are in the submission's language. A number that is none is ``None``.
    """
    return {"version": VERSION, "submissions": [_submission(result) for result in results]}


def dumps(results: Sequence[SubmissionResult]) -> str:
    """The same as text: UTF-8 that is safe to print, and ends with a line break."""
    return as_text(to_json(results))


def as_text(table: dict[str, Any]) -> str:
    """Plain maps and lists as such text."""
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, indent=2)
    return _BEYOND_ASCII.sub(_readable, text) + "\n"


def _readable(found: re.Match[str]) -> str:
    """A character of any script as it is; one that acts on a terminal as the escape for it."""
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def write_json(results: Sequence[SubmissionResult], path: Path) -> None:
    """Write them to `path`, or raise `ReportError`."""
    write_text(path, dumps(results))


def write_table(table: dict[str, Any], path: Path) -> None:
    """Write plain maps and lists to `path`, or raise `ReportError`."""
    write_text(path, as_text(table))


def _submission(result: SubmissionResult) -> dict[str, Any]:
    table: dict[str, Any] = {
        "path": result.path,
        "exercise": result.exercise or None,
        "language": result.language,
        "points": _number(result.points),
        "max_points": _number(result.max_points),
        "seconds": {
            "cells": _number(result.seconds.cells),
            "checks": _number(result.seconds.checks),
            "total": _number(result.seconds.total),
        },
        "isolation": result.isolation,
        "notes": digest.foremost(result, result.language),
        "tasks": [_task(task, result.language) for task in result.tasks],
    }
    if result.problem is not None:
        table["problem"] = result.problem[result.language]
    return table


def _task(task: TaskResult, language: Language) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": task.name,
        "status": task.status,
        "points": _number(task.points),
        "max_points": _number(task.max_points),
        "checks": [_check(verdict, language) for verdict in task.verdicts],
    }
    if task.granted is not None:
        table["by_hand"] = {"granted": _number(task.granted), "reason": task.reason}
    return table


def _check(verdict: Verdict, language: Language) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "claim": verdict.claim[language],
        "status": verdict.status,
        "misconception": verdict.misconception or None,
        "message": digest.sentence(verdict, language),
        "call": verdict.call or None,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
