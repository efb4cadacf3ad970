"""Each exercise by itself: grading its solution cold, the memory it takes, and proving it.

    uv run python benchmarks/exercises.py [--runs N]

Graded with `touchstone grade` from nothing, the answer key cached. Memory is the most that any one
process of the call held.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from timing import ONE_THREAD, machine, runs

from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.grade import grade_path

GIGABYTE = 2**20  # in units of getrusage, which are KB
BUDGETS = "Budgets: 20 s cold, 5 s for a training task, 1.5 GB; 30 s to prove `metrics`."


def measured(*arguments: str) -> tuple[float, float]:
    """Seconds and gigabytes that a call of touchstone took."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder", *arguments],
        env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"`touchstone {' '.join(arguments)}` ended with {process.returncode}.")
    return time.perf_counter() - started, usage.ru_maxrss / GIGABYTE


def cold(exercise: Exercise, count: int) -> tuple[float, float]:
    """Median seconds of grading the solution, and gigabytes."""
    solution = str(exercise.notebook("en", solved=True))
    measured("grade", solution)  # the answer key
    found = [measured("grade", solution) for _ in range(count)]
    seconds, memory = (statistics.median(column) for column in zip(*found, strict=True))
    return seconds, memory


def own(exercise: Exercise) -> tuple[float, float, str]:
    """Seconds of the solution's own cells and probes, and of the task whose probes take longest."""
    result = grade_path(exercise.notebook("en", solved=True))
    spent = {task.name: sum(v.seconds for v in task.verdicts) for task in result.tasks}
    slowest = max(spent, key=spent.__getitem__)
    return result.seconds.cells + result.seconds.checks, spent[slowest], slowest


def main() -> None:
    count = runs(__doc__, 3)
    print(f"{machine()}\n\n{'':18}  grade, cold    own   memory   dev verify   slowest task")
    for exercise in catalog.exercises():
        seconds, memory = cold(exercise, count)
        proved, _ = measured("dev", "verify", exercise.slug)
        spent, longest, task = own(exercise)
        print(
            f"{exercise.slug:18} {seconds:10.2f} s {spent:6.2f} s {memory:5.2f} GB"
            f" {proved:10.1f} s {longest:8.2f} s ({task})",
            flush=True,
        )
    print(f"\n{BUDGETS}")


if __name__ == "__main__":
    main()
