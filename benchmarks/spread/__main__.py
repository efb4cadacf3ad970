"""How far right answers lie apart, and how near the nearest wrong one comes.

    uv run python benchmarks/spread [SLUG ...]

Runs the probes of each exercise with the reference and all other right answers, over 10 seeds, 1
and 2 threads and the instruction sets ``default`` and ``avx2`` of ``ATEN_CPU_CAPABILITY``, and in
the first of these environments with the misconceptions; writes ``spread/SLUG.md``. What is trained
or drawn is measured by the module here whose ``SLUG`` is the exercise's. Exit code 1 if a tolerance
or a threshold does not lie well between right and wrong, or if a right answer is refused.
"""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measuring import Measured, compared, exact, measure, refused

from autograder.exercise import catalog
from autograder.exercise.suite import Suite

HERE = Path(__file__).parent
SEEDS = [f"spread-{number}" for number in range(10)]
ENVIRONMENTS = tuple(itertools.product(("1", "2"), ("default", "avx2")))
# What is trained or drawn is measured by a module of its own, which says whose it is.
PARTS = {
    module.SLUG: module
    for module in map(importlib.import_module, sorted(path.stem for path in HERE.glob("[a-z]*.py")))
    if hasattr(module, "SLUG")
}


def elsewhere(slug: str, environment: tuple[str, str]) -> Measured:
    """Measure in a process of its own, since torch chooses its kernels once."""
    threads, capability = environment
    # Threads that wait without spinning leave the cores to the other environment.
    chosen = {
        "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive",
        "ATEN_CPU_CAPABILITY": capability, "TRANSFORMERS_VERBOSITY": "error",
    }  # fmt: skip
    mistakes = "mistakes" if environment == ENVIRONMENTS[0] else ""
    with tempfile.NamedTemporaryFile(suffix=".pickle") as file:
        subprocess.run(
            [sys.executable, str(HERE), "--measure", slug, mistakes, file.name],
            env={**os.environ, **chosen}, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        found: Measured = pickle.load(file)
    return found


def report(slug: str, measured: list[Measured]) -> tuple[str, list[str]]:
    """The tables, and what is wrong with tolerances and thresholds."""
    suite = Suite(catalog.exercise(slug))
    sections = [compared(suite, measured), exact(suite, measured), refused(measured)]
    if part := PARTS.get(slug):
        sections.append(part.report(suite, measured))
    head = (
        f"# Spread of right answers to `{slug}`\n\n"
        f"Made by `python benchmarks/spread {slug}`: {len(SEEDS)} seeds, 1 and 2 threads, "
        f"`ATEN_CPU_CAPABILITY` default and avx2; misconceptions with 1 thread and default; "
        f"{versions(suite)}Python {platform.python_version()}, {platform.machine()}.\n\n"
    )
    problems = [problem for _, found in sections for problem in found]
    return head + "\n".join(text for text, _ in sections), problems


def versions(suite: Suite) -> str:
    if "torch" not in suite.exercise.imports:
        return ""
    import torch

    return f"torch {torch.__version__}, "


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        slug, mistakes, target = sys.argv[2:]
        found = measure(catalog.exercise(slug), SEEDS, PARTS.get(slug), mistakes=bool(mistakes))
        Path(target).write_bytes(pickle.dumps(found))
        return
    problems = []
    for slug in sys.argv[1:] or [exercise.slug for exercise in catalog.exercises()]:
        with ThreadPoolExecutor(2) as pool:
            measured = list(pool.map(lambda chosen: elsewhere(slug, chosen), ENVIRONMENTS))  # noqa: B023
        text, found = report(slug, measured)
        (HERE / f"{slug}.md").write_text(text, encoding="utf-8")
        print(text)
        problems += [f"{slug}: {problem}" for problem in found]
    if problems:
        sys.exit("Not well between right and wrong:\n" + "\n".join(problems))


if __name__ == "__main__":
    main()
