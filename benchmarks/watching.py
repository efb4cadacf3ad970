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

from autograder.engine import read_notebook
from autograder.engine.pool import Pool
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.grade import grade
from autograder.grading.oracle import answer_key

GOAL = 0.5
POLL_SECONDS = 0.005
PATIENCE = 120.0


def attempts(exercise: Exercise) -> tuple[dict[str, Any], dict[str, Any]]:
    """The solution, and one whose first task is answered by a function that always returns 0."""
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
    """How many reports there are so far: each is written at once, and tells the points once."""
    return log.read_text("utf-8").count(" / 20")


def answered(log: Path, before: int) -> float:
    """When there is one report more."""
    over = time.monotonic() + PATIENCE
    while answers(log) <= before:
        if time.monotonic() > over:
            raise SystemExit(f"No answer came:\n{log.read_text('utf-8')}")
        time.sleep(POLL_SECONDS)
    return time.perf_counter()


def own_seconds(exercise: Exercise, folder: Path) -> list[float]:
    """What the own cells and probes of each of the two attempts take."""
    found = []
    with Pool([exercise]) as pool:
        for n, content in enumerate(attempts(exercise)):
            notebook = read_notebook(write(content, folder / f"{n}.ipynb", n))
            spent = [grade(notebook, exercise, pool=pool).seconds for _ in range(4)][1:]
            found.append(statistics.median(s.cells + s.checks for s in spent))
    return found


def saves(exercise: Exercise, folder: Path, count: int) -> list[float]:
    """Seconds from each of `count` saves to its report; every other one has the mistake."""
    path, log, found = folder / "watched" / f"{exercise.slug}.ipynb", folder / "log.txt", []
    kinds = attempts(exercise)
    write(kinds[0], path, 0)
    with watched(path, log):
        answered(log, 0)
        time.sleep(1)
        for n in range(count):
            before = answers(log)
            write(kinds[n % 2], path, n + 1)
            saved = time.perf_counter()
            found.append(answered(log, before) - saved)
            time.sleep(0.5)
    return found


def main() -> None:
    count = runs(__doc__, 10)
    print(f"{machine()}\n\n{'':18}  own, right   own, wrong   beyond it: median   slowest")
    for exercise in catalog.exercises():
        answer_key(exercise)
        with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
            seconds = saves(exercise, Path(name), count)
            own = own_seconds(exercise, Path(name))
        beyond = [second - own[n % 2] for n, second in enumerate(seconds)]
        print(
            f"{exercise.slug:18} {own[0]:9.2f} s {own[1]:10.2f} s"
            f" {statistics.median(beyond):17.2f} s {max(beyond):7.2f} s",
            flush=True,
        )
    print(f"\nThe goal is {GOAL:g} s beyond its own.")


if __name__ == "__main__":
    main()
