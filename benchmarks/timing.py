"""What the benchmarks share: running commands against the clock, and telling how it went."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A rival may live apart, so that what it brings along changes nothing for the others.
PLACES = (Path(sys.executable).parent, ROOT / ".venv-otter" / "bin")
# One thread each, so that no side wins by taking more of the machine.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def runs(description: str | None, default: int) -> int:
    """The number after ``--runs`` on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=default, help=f"by default {default}")
    count: int = parser.parse_args().runs
    if count < 1:
        parser.error("--runs takes a number from 1 on")
    return count


def command(*arguments: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> float:
    """Run a program that is installed beside this Python or apart; return the seconds it took.

    Raises
    ------
    SystemExit
        If it is not installed or fails, with what it said.
    """
    program = next((p / arguments[0] for p in PLACES if (p / arguments[0]).exists()), None)
    if program is None:
        raise SystemExit(f"{arguments[0]} is not installed; benchmarks/README.md says how.")
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    started = time.perf_counter()
    done = subprocess.run(
        [str(program), *arguments[1:]],
        cwd=cwd, env={**os.environ, **ONE_THREAD, **(env or {}), "PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    elapsed = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"`{' '.join(arguments)}` failed:\n{done.stdout}")
    return elapsed


def side_by_side(entries: Mapping[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Measure each entry `count` times, in turns, so that a busy spell hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in entries}
    for _ in range(count):
        for name, measure in entries.items():
            seconds[name].append(measure())
    return seconds


def show(title: str, seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Print medians, ranges and ratios to the first row; return the medians."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    first = next(iter(medians.values()))
    width = max(map(len, medians))
    print(f"\n{title}\n{machine()}\n")
    print(f"{'':{width}}   median   fastest   slowest   times the first")
    for name, values in seconds.items():
        print(
            f"{name:{width}} {medians[name]:6.2f} s {min(values):7.2f} s {max(values):7.2f} s"
            f" {medians[name] / first:10.1f}"
        )
    print(f"\n{len(next(iter(seconds.values())))} runs each, in turns.")
    return medians


def machine() -> str:
    """The processor, its cores, and the versions that matter, in one line each."""
    packages = ("touchstone-course", "nbgrader", "otter-grader", "ipykernel", "scikit-learn")
    versions = [f"{name} {version(name)}" for name in packages]
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}\n{', '.join(versions)}"
    )


def version(package: str) -> str:
    """The installed version of `package`, or that it is absent."""
    places = [str(found) for place in PLACES for found in place.parent.glob("lib/*/site-packages")]
    found = next(iter(metadata.distributions(name=package, path=places)), None)
    return found.version if found else "absent"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
