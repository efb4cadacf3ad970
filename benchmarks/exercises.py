"""Each exercise by itself: grading its solution cold, the memory it takes, and proving it.

    uv run python benchmarks/exercises.py [--runs N]

Graded with `touchstone grade` from nothing, the answer key cached. Memory is the most that any one
process of the call held.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import ONE_THREAD, machine, runs

from autograder import catalog
from autograder.catalog import Exercise

GIGABYTE = 2**20  # in units of getrusage, which are KB
BUDGETS = "Budgets: 20 s cold, 5 s for a training task's probe, 1.5 GB; 30 s to prove `metrics`."


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


def cold(exercise: Exercise, folder: Path, count: int) -> tuple[float, float, float]:
    """Median seconds of grading the solution, of its own cells and probes, and gigabytes."""
    solution, target = exercise.notebook("en", solved=True), folder / "result.json"
    measured("grade", str(solution), "--json", str(target))  # the answer key
    found = [measured("grade", str(solution), "--json", str(target)) for _ in range(count)]
    spent = json.loads(target.read_text("utf-8"))["submissions"][0]["seconds"]
    seconds, memory = (statistics.median(column) for column in zip(*found, strict=True))
    return seconds, spent["cells"] + spent["checks"], memory


def main() -> None:
    count = runs(__doc__, 3)
    print(f"{machine()}\n\n{'':18}  grade, cold    own   memory   dev verify", flush=True)
    with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
        for exercise in catalog.exercises():
            seconds, own, memory = cold(exercise, Path(name), count)
            proved, _ = measured("dev", "verify", exercise.slug)
            print(
                f"{exercise.slug:18} {seconds:10.2f} s {own:6.2f} s {memory:5.2f} GB"
                f" {proved:10.1f} s",
                flush=True,
            )
    print(f"\n{BUDGETS}")


if __name__ == "__main__":
    main()
