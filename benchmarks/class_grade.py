"""Grading a class, beside nbgrader and otter-grader; start included, per submission.

    uv run python benchmarks/class_grade.py [--students 64] [--otter 6]

The same notebooks for all: the solution of `metrics` in English, each with a line of its own, so
that none is graded once for several. All must get full points. `otter run` takes one notebook at
a time, so it is measured on some of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from classes import solved, write
from grade_cold import METRICS, SOLUTION, Otter, expect_full
from timing import command, machine

from autograder.engine.cells import read_notebook

RIVALS = {"nbgrader autograde", "otter run"}
GOAL = 50.0


def touchstone(folder: Path, source: Path, workers: int) -> float:
    out = folder / f"out-{workers}-{time.monotonic_ns()}"
    elapsed = command("touchstone", "class", "grade", str(source), "--out", str(out),
                      "--workers", str(workers), cwd=folder)  # fmt: skip
    target = out / "class.json"
    command("touchstone", "class", "export", str(out), "--to", "json", "--target", str(target))
    for item in json.loads(target.read_text("utf-8"))["submissions"]:
        expect_full("touchstone", item["points"])
        if item["isolation"] != "sandbox":
            raise SystemExit("A notebook was not graded behind walls; nothing to compare.")
    return elapsed


def nbgrader(folder: Path) -> float:
    elapsed = command("nbgrader", "autograde", "metrics", cwd=folder)
    command("nbgrader", "export", cwd=folder)
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            expect_full("nbgrader", float(row["score"]))
    return elapsed


def otter(folder: Path, count: int) -> float:
    grader = Otter(folder)
    return sum(grader.grade() for _ in range(count))


def own_seconds(folder: Path) -> float:
    """What the notebook's own cells and probes take of a submission."""
    from autograder.engine.pool import Pool
    from autograder.grading.grade import grade

    notebook = read_notebook(next(folder.rglob("*.ipynb")))
    with Pool([METRICS]) as pool:
        runs = [grade(notebook, METRICS, pool=pool).seconds for _ in range(6)][1:]
    return sorted(s.cells + s.checks for s in runs)[len(runs) // 2]


def measured(folder: Path, students: int, some: int) -> tuple[dict[str, float], float]:
    """Seconds a submission of each program, and of the notebook's own cells and probes."""
    submitted = folder / "nbgrader" / "submitted"
    (folder / "nbgrader" / "source" / "metrics").mkdir(parents=True)
    (folder / "otter").mkdir()
    shutil.copy(SOLUTION, folder / "nbgrader" / "source" / "metrics")
    for student in range(students):
        write(solved(METRICS), submitted / f"s{student}" / "metrics" / "metrics.ipynb", student)
    command("nbgrader", "generate_assignment", "metrics", cwd=folder / "nbgrader")
    touchstone(folder, submitted / "s0", 1)  # the answer key and the list of fonts
    ours: dict[int, list[float]] = {2: [], 1: []}
    # Before the rival's long run and after it, so that a busy spell of the machine hits both.
    for is_over in (False, True):
        for workers in (2, 1, 2, 1):
            ours[workers].append(touchstone(folder, submitted, workers))
        if not is_over:
            rival = nbgrader(folder / "nbgrader")
    seconds = {
        "touchstone, 2 workers": statistics.median(ours[2]) / students,
        "touchstone, 1 worker": statistics.median(ours[1]) / students,
        "nbgrader autograde": rival / students,
    }
    if some:
        seconds["otter run"] = otter(folder / "otter", some) / some
    return seconds, own_seconds(submitted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=64)
    parser.add_argument("--otter", type=int, default=6, help="notebooks for otter; 0: without it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as name:
        seconds, own = measured(Path(name), asked.students, asked.otter)
    print(f"A class of {asked.students}, start included\n{machine()}\n")
    first = seconds["touchstone, 2 workers"]
    for label, value in seconds.items():
        print(f"{label:24} {value:7.3f} s a submission {value / first:8.1f}")
    print(f"\nOf a submission, its own cells and probes take {own:.3f} s.")
    for rival in seconds.keys() & RIVALS:
        ratio = seconds[rival] / first
        print(f"{rival}: {ratio:.1f} times as long; the goal is {GOAL:g}.")


if __name__ == "__main__":
    main()
