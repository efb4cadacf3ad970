"""What grading adds to a submission behind walls: time, memory, and how soon a loop is ended.

    uv run python benchmarks/overhead.py [--runs N]

Overhead is total minus the submission's own cells and probes, with a warm pool and answer key.
Memory is what the pool's processes hold together (each page once), for one more submission that
waits in a cell. The loop is in a check, whose limit is set to two seconds.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
from classes import solved, write
from timing import machine, runs

from autograder.engine import Notebook, read_notebook
from autograder.engine.pool import Pool
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.apart import Judge
from autograder.grading.grade import grade

LIMIT = 2.0
MEGABYTE = 2**20


def overhead(exercise: Exercise, notebook: Notebook, pool: Pool, count: int) -> list[float]:
    """Seconds that each of `count` submissions took beyond its own, the way a class is graded."""
    found = []
    with Judge(exercise) as judge:
        for _ in range(count + 1):
            started = time.perf_counter()
            result = judge.grade(notebook, pool)
            total = time.perf_counter() - started
            if not result.passed or result.isolation != "sandbox":
                raise SystemExit(f"The solution of {exercise.slug} did not pass behind walls.")
            found.append(total - result.seconds.cells - result.seconds.checks)
    return found[1:]


def added_memory(exercise: Exercise, folder: Path, pool: Pool, most: int = 3) -> float:
    """Bytes that one more concurrent submission adds."""
    waiting = {**solved(exercise)}
    waiting["cells"] = [c for c in waiting["cells"] if c["id"] == "setup"]
    waiting["cells"] += [{**waiting["cells"][0], "id": "w", "source": "import time; time.sleep(5)"}]
    notebook = read_notebook(write(waiting, folder / f"{exercise.slug}.ipynb", 0))
    held = []
    for count in range(1, most + 1):
        threads = [
            threading.Thread(target=grade, args=(notebook, exercise), kwargs={"pool": pool})
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        time.sleep(3)
        held.append(pool_memory())
        for thread in threads:
            thread.join()
    return (held[-1] - held[0]) / (most - 1)


def pool_memory() -> int:
    """Bytes that everything below this process holds, shared pages counted once."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def loop(folder: Path) -> float:
    """Seconds beyond the limit until an endless loop has its verdict."""
    exercise = catalog.exercise("metrics")
    short = replace(exercise, check_seconds=LIMIT)
    name = exercise.tasks[0].name
    content = solved(exercise)
    for cell in content["cells"]:
        if cell["id"] == name:
            cell["source"] = f"def {name}(*_):\n    while True:\n        pass"
    only = {**content, "cells": [c for c in content["cells"] if c["id"] in ("setup", name)]}
    notebook = read_notebook(write(only, folder / "loop.ipynb", 0))
    with Pool([short]) as pool:
        grade(notebook, exercise, pool=pool)
        result = grade(notebook, short, pool=pool)
    looped = [v for t in result.tasks for v in t.verdicts if v.status == "timeout"]
    return result.seconds.total / len(looped) - LIMIT


def main() -> None:
    count = runs(__doc__, 15)
    print(f"{machine()}\n\n{'':18}  overhead: median  slowest   own   one more adds")
    with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
        folder = Path(name)
        for exercise in catalog.exercises():
            notebook = read_notebook(exercise.notebook("en", solved=True))
            with Pool([exercise]) as pool:
                few = count if exercise.slug == "metrics" else max(3, count // 5)
                seconds = overhead(exercise, notebook, pool, few)
                own = grade(notebook, exercise, pool=pool).seconds
                memory = added_memory(exercise, folder, pool)
            print(
                f"{exercise.slug:18}  {1000 * statistics.median(seconds):11.0f} ms"
                f" {1000 * max(seconds):7.0f} ms {own.cells + own.checks:5.2f} s"
                f" {memory / MEGABYTE:7.0f} MB"
            )
        print(f"\nAn endless loop has its verdict {loop(folder):.2f} s after its limit.")


if __name__ == "__main__":
    main()
