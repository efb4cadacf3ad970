"""What a second worker brings: a class of each exercise graded by one and by two, start included.

    uv run python benchmarks/workers.py [--runs N]

Every notebook is the solution with a line of its own, and must get full points behind walls. Beside
the seconds stands how many of the machine's processors one worker kept busy: while it grades one
notebook, the next child is made ready, the last one is cleared away, and results are written. What
two processors of a machine can bring at all is told first: they may share parts of theirs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from class_grade import touchstone
from classes import solved, write
from timing import machine, runs

from autograder.engine import read_notebook
from autograder.engine.pool import Pool
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.grade import grade

GOAL = 1.8
SECONDS, FEWEST, MOST = 120.0, 32, 1024


def size_for(exercise: Exercise) -> int:
    """A class that keeps one worker busy for about `SECONDS`; even, for two to share."""
    notebook = read_notebook(exercise.notebook("en", solved=True))
    with Pool([exercise]) as pool:
        took = [grade(notebook, exercise, pool=pool).seconds.total for _ in range(3)]
    return 2 * int(min(max(SECONDS / min(took), FEWEST), MOST) / 2)


def busy() -> float:
    """Processor seconds that this machine spent since it was started, on all processors."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.system + spent.nice)


def ceiling() -> float:
    """What a second processor brings to programs that share nothing and only count."""
    command = [sys.executable, "-c", "sum(i * i for i in range(30_000_000))"]
    took = []
    for together in (1, 2) * 3:
        started = time.perf_counter()
        for process in [subprocess.Popen(command) for _ in range(together)]:
            process.wait()
        took.append((time.perf_counter() - started) / together)
    return statistics.median(took[::2]) / statistics.median(took[1::2])


def main() -> None:
    count = runs(__doc__, 1)
    print(f"{machine()}\nOf programs that only count, two get {ceiling():.2f} times as far.\n")
    print(f"{'':16}  students  one worker  two workers  ratio  busy with one")
    for exercise in catalog.exercises():
        size = size_for(exercise)
        with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
            folder = Path(name)
            for student in range(size):
                write(solved(exercise), folder / "in" / f"s{student}" / "n.ipynb", student)
            touchstone(folder, folder / "in" / "s0", 1)  # the answer key
            alone, together, load = [], [], []
            for _ in range(count):
                before = busy()
                alone.append(touchstone(folder, folder / "in", 1))
                load.append((busy() - before) / alone[-1])
                together.append(touchstone(folder, folder / "in", 2))
        one, two = statistics.median(alone), statistics.median(together)
        print(
            f"{exercise.slug:16} {size:9} {one:9.1f} s {two:10.1f} s {one / two:6.2f}"
            f" {statistics.median(load):14.2f}",
            flush=True,
        )
    print(f"\nThe goal is {GOAL:g}.")


if __name__ == "__main__":
    main()
