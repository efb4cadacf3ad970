"""How soon `touchstone watch` answers a save, beyond what the submission itself takes.

    uv run python benchmarks/watching.py [--runs N]

From the end of writing the file to the last line of the report. Saves alternate between the
solution and one with a mistake, whose diagnosis is shown too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from classes import solved, write
from timing import ONE_THREAD, machine, runs

from autograder import catalog
from autograder.catalog import Exercise
from autograder.engine import read_notebook
from autograder.engine.pool import Pool
from autograder.grading import grade
from autograder.oracle import answer_key

GOAL = 0.5
POLL_SECONDS = 0.005
PATIENCE = 120.0


def attempts(exercise: Exercise) -> tuple[dict[str, Any], dict[str, Any]]:
    """The solution, and one that leaves its first task to a function which returns nothing."""
    right, wrong = solved(exercise), solved(exercise)
    name = exercise.tasks[0].defines[0]
    for cell in wrong["cells"]:
        if cell["id"] == exercise.tasks[0].name:
            cell["source"] = f"def {name}(*given, **named):\n    return 0.0"
    return right, wrong


@contextmanager
def watched(path: Path, log: Path) -> Iterator[None]:
    """`touchstone watch` at work on a notebook."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder", "watch", str(path), "--lang", "en"],
            env={**os.environ, **ONE_THREAD, "XDG_DATA_HOME": str(log.parent),
                 "PYTHONUNBUFFERED": "1"},
            cwd=log.parent, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def answers(log: Path) -> int:
    """How many reports there are so far: each ends with the line of its notebook's points."""
    return log.read_text("utf-8").count(" / 20")


def answered(log: Path, before: int) -> float:
    """When there is one report more, and nothing follows."""
    over = time.monotonic() + PATIENCE
    while answers(log) <= before:
        if time.monotonic() > over:
            raise SystemExit(f"No answer came:\n{log.read_text('utf-8')}")
        time.sleep(POLL_SECONDS)
    return time.perf_counter()


def own_seconds(exercise: Exercise, folder: Path) -> float:
    """What the two attempts' own cells and probes take, in the mean."""
    found = []
    with Pool([exercise]) as pool:
        for n, content in enumerate(attempts(exercise) * 2):
            notebook = read_notebook(write(content, folder / f"{n}.ipynb", n))
            spent = grade(notebook, exercise, pool=pool).seconds
            found.append(spent.cells + spent.checks)
    return statistics.mean(found[2:])


def saves(exercise: Exercise, folder: Path, count: int) -> list[float]:
    """Seconds from each of `count` saves to its report."""
    path, log, found = folder / "watched" / f"{exercise.slug}.ipynb", folder / "log.txt", []
    kinds = attempts(exercise)
    write(kinds[0], path, 0)
    with watched(path, log):
        answered(log, 0)
        time.sleep(1)
        for n in range(1, count + 1):
            before = answers(log)
            write(kinds[n % 2], path, n)
            saved = time.perf_counter()
            found.append(answered(log, before) - saved)
            time.sleep(0.5)
    return found


def main() -> None:
    count = runs(__doc__, 10)
    print(f"{machine()}\n\n{'':18}  a save is answered: median   slowest   own   beyond it")
    for exercise in catalog.exercises():
        answer_key(exercise)
        with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
            seconds = saves(exercise, Path(name), count)
            own = own_seconds(exercise, Path(name))
        middle = statistics.median(seconds)
        print(
            f"{exercise.slug:18}  {middle:25.2f} s {max(seconds):7.2f} s {own:5.2f} s"
            f" {middle - own:8.2f} s",
            flush=True,
        )
    print(f"\nThe goal is {GOAL:g} s beyond its own.")


if __name__ == "__main__":
    main()
