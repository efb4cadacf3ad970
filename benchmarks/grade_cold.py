"""Grading one `metrics` notebook from a cold start, beside nbgrader and otter-grader.

    uv run python benchmarks/grade_cold.py [--runs N]

All three grade the solution in English and must give it full points. Each is one process that
starts from nothing; what a teacher does once (nbgrader's release, otter's zip) is not counted.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from otter_tests import write_assignment
from timing import command, runs, show, side_by_side

from autograder.exercise.catalog import exercise

METRICS = exercise("metrics")
SOLUTION = METRICS.notebook("en", solved=True)
GOAL = 3.0


class Touchstone:
    """`touchstone grade`, with a cache and a journal of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        names = {"XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data"}
        self._env = {name: str(folder / part) for name, part in names.items()}
        self.grade()  # matplotlib's list of fonts is made once, for everybody

    def grade(self) -> float:
        report = self._folder / "report.json"
        elapsed = command("touchstone", "grade", str(SOLUTION), "--json", str(report),
                          cwd=self._folder, env=self._env)  # fmt: skip
        (result,) = json.loads(report.read_text("utf-8"))["submissions"]
        expect_full("touchstone", result["points"])
        return elapsed

    def grade_without_key(self) -> float:
        """The same, when reference and misconceptions must be run first."""
        keys = list(self._folder.glob("cache/touchstone/keys/*.key"))
        if not keys:
            raise SystemExit("The answer key is not where it was expected; nothing to compare.")
        for key in keys:
            key.unlink()
        return self.grade()


class Nbgrader:
    """`nbgrader autograde` of one submission; its check cells find a warm answer key."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder, self._env = folder, env
        for place in ("source/metrics", "submitted/student/metrics"):
            (folder / place).mkdir(parents=True)
            shutil.copy(SOLUTION, folder / place)
        command("nbgrader", "generate_assignment", "metrics", cwd=folder, env=env)

    def grade(self) -> float:
        arguments = ("autograde", "metrics", "--force")
        elapsed = command("nbgrader", *arguments, cwd=self._folder, env=self._env)
        return elapsed

    def expect_full(self) -> None:
        command("nbgrader", "export", cwd=self._folder, env=self._env)
        with (self._folder / "grades.csv").open(encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        expect_full("nbgrader", float(row["score"]))


class Otter:
    """`otter run` of the same notebook without its check cells; see `otter_tests`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        write_assignment(METRICS, SOLUTION, folder)
        command("otter", "generate", "-t", "tests", "-o", "autograder.zip", "answers.py",
                "expected.msgpack", cwd=folder)  # fmt: skip

    def grade(self) -> float:
        elapsed = command("otter", "run", "submission.ipynb", "-a", "autograder.zip", "--no-logo",
                          cwd=self._folder)  # fmt: skip
        results = json.loads((self._folder / "results.json").read_text("utf-8"))
        expect_full("otter", sum(test.get("score", 0.0) for test in results["tests"]))
        return elapsed


def expect_full(name: str, points: float) -> None:
    if abs(points - METRICS.points) > 1e-6:
        raise SystemExit(f"{name} gave {points:g} of {METRICS.points:g} points to the solution.")


def main() -> None:
    count = runs(__doc__, 5)
    with tempfile.TemporaryDirectory(prefix="touchstone-benchmark-") as folder:
        places = {name: Path(folder) / name for name in ("touchstone", "nbgrader", "otter")}
        for place in places.values():
            place.mkdir()
        touchstone = Touchstone(places["touchstone"])
        cache = {"XDG_CACHE_HOME": str(places["touchstone"] / "cache")}
        nbgrader, otter = Nbgrader(places["nbgrader"], cache), Otter(places["otter"])
        seconds = side_by_side(
            {
                "touchstone grade": touchstone.grade,
                "touchstone grade, no answer key yet": touchstone.grade_without_key,
                "nbgrader autograde": nbgrader.grade,
                "otter run": otter.grade,
            },
            count,
        )
        nbgrader.expect_full()
    medians = show("Grading one notebook, cold", seconds)
    for rival in ("nbgrader autograde", "otter run"):
        ratio = medians[rival] / medians["touchstone grade"]
        print(f"{rival}: {ratio:.1f} times as long; the goal of {GOAL:g} is "
              f"{'met' if ratio >= GOAL else 'missed'}.")  # fmt: skip


if __name__ == "__main__":
    main()
