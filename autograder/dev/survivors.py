"""Which mutants of an exercise's solution get past its checks.

For authors and by hand: a few minutes for an exercise. Each mutant runs the checks of its task in
a process of its own, so that none can hang, or spoil the next.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from autograder.dev.mutants import Mutant, mutants_of
from autograder.dev.percent import Cell, read_cells
from autograder.dev.trying import in_a_child, solved_names
from autograder.engine.probing import run_probe
from autograder.engine.sources import defined_names
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.suite import Suite
from autograder.grading.oracle import reference_key
from autograder.judging.judge import judge_task
from autograder.judging.key import AnswerKey

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that every check of its task passes, and why that is no fault, if it is none."""

    task: str
    mutant: Mutant
    reason: str = ""

    def __str__(self) -> str:
        reason = f" (set aside: {self.reason})" if self.reason else ""
        return f"{self.task}: {self.mutant.change} in `{self.mutant.line}`{reason}"


@dataclass(frozen=True, slots=True)
class Survey:
    """How many mutants there were, and which survived."""

    total: int
    survivors: tuple[Survivor, ...]

    @property
    def unexplained(self) -> tuple[Survivor, ...]:
        """Those that no reason is given for."""
        return tuple(survivor for survivor in self.survivors if not survivor.reason)


def survey(exercise: Exercise, told: Callable[[str], None] = lambda _: None) -> Survey:
    """Run every mutant of the solution through the checks of its task.

    Parameters
    ----------
    told
        Called with the name of each task as it begins.
    """
    suite, key = Suite(exercise), reference_key(exercise)
    suite.prepare()
    names = solved_names(exercise, suite)
    reasons = _reasons(exercise)
    total, survivors = 0, []
    for cell in (cell for cell in read_cells(exercise) if cell.role == "solution"):
        for task in _tasks_of(exercise, cell):
            told(task.name)
            for mutant in mutants_of(cell.source["en"]):
                total += 1
                if _survives(mutant, task, suite, key, names):
                    reason = reasons.get((task.name, mutant.line, mutant.change), "")
                    survivors.append(Survivor(task.name, mutant, reason))
    return Survey(total, tuple(survivors))


def _reasons(exercise: Exercise) -> Mapping[tuple[str, str, str], str]:
    """What ``mutants.toml`` sets aside: ``[[equivalent]]`` with task, line, change and why."""
    path = exercise.folder / "mutants.toml"
    table = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    return {(row["task"], row["line"], row["change"]): row["why"]
            for row in table.get("equivalent", ())}  # fmt: skip


def _tasks_of(exercise: Exercise, cell: Cell) -> Iterator[Task]:
    found = {exercise.task_of[name].name for name in defined_names(cell.source["en"])
             if name in exercise.task_of}  # fmt: skip
    return (task for task in exercise.tasks if task.name in found)


def _survives(
    mutant: Mutant, task: Task, suite: Suite, key: AnswerKey, names: dict[str, Any]
) -> bool:
    return bool(in_a_child(partial(_passes, mutant, task, suite, key, names), _SECONDS))


def _passes(
    mutant: Mutant, task: Task, suite: Suite, key: AnswerKey, names: dict[str, Any]
) -> bool:
    """Whether the mutant passes; its first failing check ends it."""
    try:
        exec(compile(mutant.source, "mutant", "exec"), names)
    except Exception:
        return False
    seconds = min(suite.exercise.check_seconds, 10.0)
    for check in suite.of_task(task.name):
        outcome = run_probe(suite, check, names, seconds=seconds)
        seen: dict[str, Outcome] = {check.name: outcome}
        (verdict,) = judge_task(task, [check], seen, key, {}).verdicts
        if verdict.status != "pass":
            return False
    return True
