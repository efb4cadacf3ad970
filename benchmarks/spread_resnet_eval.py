"""How far right answers to `resnet-eval` lie apart, and how near the nearest wrong one comes.

``python benchmarks/spread_resnet_eval.py`` runs every probe with the reference and all other
right answers over 10 seeds, 1 and 2 threads and the instruction sets of ``ATEN_CPU_CAPABILITY``,
and in the first of these with the misconceptions; it writes ``spread/resnet-eval.md``. Exit code
1 if a tolerance is not well between the two.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from autograder.catalog import exercise
from autograder.checks import Check, Suite, Tolerance, answers, references
from autograder.observations import Outcome
from autograder.probing import run_probe

SLUG = "resnet-eval"
TABLE = Path(__file__).parent / "spread" / f"{SLUG}.md"
SEEDS = [f"spread-{number}" for number in range(10)]
ROOMY = 3.0
"""A tolerance is at least so many times the spread, and the nearest mistake so many times it."""

Row = dict[str, Any]


def distance(a: Outcome, b: Outcome) -> float:
    """The greatest difference between two outcomes; infinite where they differ in kind."""
    return _apart(a.value, b.value) if a.kind == b.kind == "value" else math.inf


def _apart(a: Any, b: Any) -> float:
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return math.inf
        return max((_apart(a[key], b[key]) for key in a), default=0.0)
    if isinstance(a, (list, np.ndarray)) and isinstance(b, (list, np.ndarray)):
        if len(a) != len(b):
            return math.inf
        return max(map(_apart, a, b), default=0.0)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if math.isnan(a) or math.isnan(b):
            return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
        return abs(float(a) - float(b))
    if isinstance(a, np.generic) or isinstance(b, np.generic):
        return _apart(*(x.item() if isinstance(x, np.generic) else x for x in (a, b)))
    return 0.0 if type(a) is type(b) and a == b else math.inf


def measure(mistakes: bool) -> dict[str, Row]:
    """In this environment: what each check's right answers, and the mistakes too, come to."""
    found = exercise(SLUG)
    oracle, right = references(found), answers(found, "right")
    wrong = answers(found, "wrong") if mistakes else []
    rows: dict[str, Row] = {}
    for secret in SEEDS:
        suite = Suite(found, secret)
        for check in suite.checks.values():
            if check.close == Tolerance():  # exact: there is no tolerance to derive
                continue
            row = rows.setdefault(
                check.name, {"spread": 0.0, "nearest": [math.inf, ""], "seen": []}
            )
            expected = run_probe(suite, check, oracle, seconds=60)
            row["seen"].append(_numbers(expected.value))
            for answer in right:
                if answer.stands_for in check.learner:
                    apart = distance(_run(suite, check, oracle, answer), expected)
                    row["spread"] = max(row["spread"], apart)
            for answer in wrong:
                if answer.caught_by == check.name:
                    apart = distance(_run(suite, check, oracle, answer), expected)
                    row["nearest"] = min(row["nearest"], [apart, answer.name])
    return rows


def _run(suite: Suite, check: Check, oracle: dict[str, Any], answer: Any) -> Outcome:
    return run_probe(suite, check, {**oracle, answer.stands_for: answer.value}, seconds=60)


def _numbers(value: Any) -> list[Any]:
    """The leaves of an observation, so that environments can be compared."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _numbers(item)]
    if isinstance(value, np.ndarray):
        return list(map(float, value.ravel()))
    if isinstance(value, list):
        return [leaf for item in value for leaf in _numbers(item)]
    return [value]


def environments() -> Iterator[tuple[str, str]]:
    yield from itertools.product(("1", "2"), ("", "default", "avx2"))


def elsewhere(threads: str, capability: str) -> dict[str, Row]:
    """Measure in a process of its own, since torch chooses its kernels once.

    Misconceptions lie so far off that one environment tells.
    """
    first = (threads, capability) == next(environments())
    # Threads that wait without spinning get on where others use the machine too.
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    environment.pop("ATEN_CPU_CAPABILITY", None)
    if capability:
        environment["ATEN_CPU_CAPABILITY"] = capability
    done = subprocess.run(
        [sys.executable, __file__, "--measure", "mistakes" if first else ""],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{threads} threads, {capability or 'native'}: {done.stderr}")
    rows: dict[str, Row] = json.loads(done.stdout)
    return rows


def combined(measured: list[dict[str, Row]]) -> dict[str, Row]:
    """The widest spread, within environments and between them, and the nearest mistake."""
    rows: dict[str, Row] = {}
    for name, first in measured[0].items():
        between = max(_apart(some[name]["seen"], first["seen"]) for some in measured)
        rows[name] = {
            "spread": max(between, *(some[name]["spread"] for some in measured)),
            "nearest": min(some[name]["nearest"] for some in measured),
        }
    return rows


def table(rows: dict[str, Row], suite: Suite) -> str:
    import torch

    lines = [
        f"# Spread of right answers to `{SLUG}`",
        "",
        f"Made by `python benchmarks/spread_resnet_eval.py`: {len(SEEDS)} seeds, 1 and 2 threads, "
        "`ATEN_CPU_CAPABILITY` native, default and avx2; "
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}.",
        "",
        "*Spread*: the greatest difference between the reference and any right answer, or between "
        "two environments. *Nearest mistake*: the misconception that the check must catch and "
        "that comes nearest to the reference, over all seeds; ∞ where what came out has another "
        "form. A relative tolerance comes on top of the absolute one where both are given. "
        "Checks that compare exactly are left out.",
        "",
        "| check | spread | tolerance | nearest mistake | at |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        close = suite.checks[name].close
        allowed = f"{close.absolute:g}" + (
            f" + {close.relative:g} × value" if close.relative else ""
        )
        apart, who = row["nearest"]
        at = "∞" if apart == math.inf else f"{apart:.2g}"
        lines.append(
            f"| `{name}` | {row['spread']:.1e} | {allowed} | {f'`{who}`' if who else '–'} | {at} |"
        )
    return "\n".join(lines) + "\n"


def narrow(rows: dict[str, Row], suite: Suite) -> list[str]:
    """Checks whose tolerance is too near to the spread or to a mistake."""
    return [
        name
        for name, row in rows.items()
        if row["spread"] * ROOMY > suite.checks[name].close.absolute
        or row["nearest"][0] < ROOMY * suite.checks[name].close.absolute
        or row["nearest"][0] == 0
    ]


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2] == "mistakes")))
        return
    with ThreadPoolExecutor(2) as pool:
        rows = combined(list(pool.map(lambda chosen: elsewhere(*chosen), environments())))
    suite = Suite(exercise(SLUG))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(rows, suite), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
    if found := narrow(rows, suite):
        sys.exit(f"The tolerances of these checks are too narrow: {', '.join(found)}")


if __name__ == "__main__":
    main()
