"""What a second worker brings: a class of each exercise graded by one and by two, start included.

    uv run python benchmarks/workers.py [--runs N]

Every notebook is the solution with a line of its own, and must get full points behind walls. Beside
the seconds stands how many of the machine's processors one worker kept busy: while it grades one
notebook, the next child is made ready, the last one is cleared away, and results are written.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import psutil
from class_grade import touchstone
from classes import solved, write
from timing import machine, runs

from autograder import catalog
from autograder.catalog import Exercise
from autograder.engine import read_notebook
from autograder.engine.pool import Pool
from autograder.grading import grade

GOAL = 1.8
SECONDS, FEWEST, MOST = 120.0, 16, 1024


def size_for(exercise: Exercise) -> int:
    """A class that keeps one worker busy for about `SECONDS`."""
    notebook = read_notebook(exercise.notebook("en", solved=True))
    with Pool([exercise]) as pool:
        took = [grade(notebook, exercise, pool=pool).seconds.total for _ in range(3)]
    return int(min(max(SECONDS / min(took), FEWEST), MOST))


def busy() -> float:
    """Processor seconds that this machine spent since it was started, on all processors."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.system + spent.nice)


def main() -> None:
    count = runs(__doc__, 1)
    print(f"{machine()}\n\n{'':16}  students  one worker  two workers  ratio  busy with one")
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
