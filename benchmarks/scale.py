"""Classes of 10, 100, 1 000 and 10 000 made-up students: throughput and memory as they grow.

    uv run python benchmarks/scale.py [--sizes 10 100 1000 10000] [--workers 2]

Every student hands in an attempt at `metrics` that is no other's: most tasks solved, some with one
of the misconceptions, some open; without the cells that only draw. Memory is the most that the
grader's own process held, and all processes together, each page counted once.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from classes import mixed, write
from timing import machine

from autograder.exercise.catalog import exercise

METRICS = exercise("metrics")
KINDS = 40
POLL_SECONDS = 0.5
MEGABYTE = 2**20


def hand_in(folder: Path, size: int) -> None:
    draw = random.Random(0)
    kinds = [mixed(METRICS, draw) for _ in range(min(KINDS, size))]
    for student in range(size):
        path = folder / f"student-{student:05}" / "metrics.ipynb"
        write(kinds[student % len(kinds)], path, student)


def grade(source: Path, out: Path, workers: int) -> tuple[float, int, int]:
    """Seconds, and the most bytes that the grader and that all processes held."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder", "class", "grade", str(source), "--out", str(out),
         "--workers", str(workers)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    grader, together, due = 0, 0, started
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        begun = time.perf_counter()
        try:
            own = psutil.Process(process.pid)
            grader = max(grader, own.memory_info().rss)
            if begun >= due:
                below = own.children(recursive=True)
                held = [p.memory_full_info().pss for p in (own, *below) if p.is_running()]
                together = max(together, sum(held))
                # Adding up pages takes a processor's time: no more than a hundredth of it.
                due = begun + 100 * (time.perf_counter() - begun)
        except psutil.Error:
            continue
    if process.returncode != 0:
        raise SystemExit(f"grading ended with exit code {process.returncode}")
    return time.perf_counter() - started, grader, together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    print(f"{machine()}, {asked.workers} workers\n")
    print("students   seconds   a second   grader's memory   all processes   ledger", flush=True)
    with tempfile.TemporaryDirectory(prefix="touchstone-scale-") as name:
        for size in asked.sizes:
            source, out = Path(name) / f"in-{size}", Path(name) / f"out-{size}"
            hand_in(source, size)
            seconds, grader, together = grade(source, out, asked.workers)
            ledger = (out / "class.sqlite").stat().st_size
            print(
                f"{size:8,} {seconds:9.1f} {size / seconds:10.1f}"
                f" {grader / MEGABYTE:14.0f} MB {together / MEGABYTE:12.0f} MB"
                f" {ledger / MEGABYTE:5.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
