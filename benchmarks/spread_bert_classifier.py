"""How far right answers to `bert-classifier` lie apart, and how near the nearest wrong one comes.

``python benchmarks/spread_bert_classifier.py`` runs the probes with the reference, the other right
answers and the misconceptions that each must catch, over 10 seeds, 1 and 2 threads and the
instruction sets ``default`` and ``avx2`` of ``ATEN_CPU_CAPABILITY``; it writes
``spread/bert-classifier.md``. Exit code 1 if a tolerance or a threshold is not between the two.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from autograder.catalog import exercise
from autograder.checks import Answer, Check, Suite, answers, load, references
from autograder.observations import Outcome
from autograder.probing import run_probe

SLUG = "bert-classifier"
TABLE = Path(__file__).parent / "spread" / f"{SLUG}.md"
SEEDS = [f"spread-{number}" for number in range(10)]
ENVIRONMENTS = tuple(itertools.product(("1", "2"), ("default", "avx2")))
TRAINED = {"learns_what_holds": "fine_tune", "mended_program_learns": "mended_program"}
# Misconceptions that spoil what is learned; the others are caught by other evidence.
SPOILERS = (
    "hundredfold_rate",
    "epochs_as_steps",
    "head_only",
    "still_counts_keys",
    "still_too_fast",
)

Row = dict[str, Any]


def apart(a: Any, b: Any) -> float:
    """The greatest difference between two observations; infinite where they differ in form."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max((apart(a[key], b[key]) for key in a), default=0.0)
    if isinstance(a, (list, np.ndarray)) and isinstance(b, (list, np.ndarray)):
        pairs = zip(a, b, strict=True) if len(a) == len(b) else None
        return math.inf if pairs is None else max(itertools.starmap(apart, pairs), default=0.0)
    if isinstance(a, (int, float, np.number)) and isinstance(b, (int, float, np.number)):
        return abs(float(a) - float(b))
    return 0.0 if type(a) is type(b) and a == b else math.inf


def distance(a: Outcome, b: Outcome) -> float:
    return apart(a.value, b.value) if a.kind == b.kind == "value" else math.inf


def measure(secret: str, whole: bool) -> dict[str, Row]:
    """In this environment, with one seed: what each check comes to.

    Misconceptions and other right answers are run where `whole` is true; elsewhere the reference
    alone, which tells how far environments lie apart.
    """
    found = exercise(SLUG)
    suite = Suite(found, secret)
    oracle = references(found)
    right, wrong = (answers(found, "right"), answers(found, "wrong")) if whole else ([], [])
    rows: dict[str, Row] = {}
    for check in suite.checks.values():
        if check.name in TRAINED:
            rows[check.name] = _trained(suite, check, oracle, right, wrong)
        elif check.expect is None:
            rows[check.name] = _compared(suite, check, oracle, right, wrong)
    return rows


def _run(suite: Suite, check: Check, oracle: dict[str, Any], answer: Answer) -> Outcome:
    return run_probe(suite, check, {**oracle, answer.stands_for: answer.value}, seconds=120)


def _compared(
    suite: Suite, check: Check, oracle: dict[str, Any], right: list[Answer], wrong: list[Answer]
) -> Row:
    expected = run_probe(suite, check, oracle, seconds=120)
    spread = [
        distance(_run(suite, check, oracle, answer), expected)
        for answer in right
        if answer.stands_for in check.learner
    ]
    nearest = [
        [distance(_run(suite, check, oracle, answer), expected), answer.name]
        for answer in wrong
        if answer.caught_by == check.name
    ]
    return {
        "spread": max(spread, default=0.0),
        "nearest": min(nearest, default=[math.inf, ""]),
        "seen": _numbers(expected.value),
    }


def _trained(
    suite: Suite, check: Check, oracle: dict[str, Any], right: list[Answer], wrong: list[Answer]
) -> Row:
    """Held-out accuracy and the fall of the loss, of right answers and of those that spoil it."""
    content: Any = load(suite.exercise, "checks")
    name = TRAINED[check.name]
    good = [run_probe(suite, check, oracle, seconds=120)]
    good += [_run(suite, check, oracle, a) for a in right if a.stands_for == name]
    bad = [
        (a.name, _run(suite, check, oracle, a))
        for a in wrong
        if a.stands_for == name and a.name in SPOILERS
    ]
    scored = [(content._accuracy(o.value["predictions"]), _fall(o), o.seconds) for o in good]
    return {
        "right": [list(map(float, column)) for column in zip(*scored, strict=True)],
        "wrong": [[float(content._accuracy(o.value["predictions"])), who] for who, o in bad],
    }


def _fall(outcome: Outcome) -> float:
    losses = outcome.value["losses"]
    return float(losses[-1] / losses[0])


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _numbers(item)]
    if isinstance(value, np.ndarray):
        return list(map(float, value.ravel()))
    if isinstance(value, list):
        return [leaf for item in value for leaf in _numbers(item)]
    return [value]


def elsewhere(threads: str, capability: str) -> list[dict[str, Row]]:
    """Measure every seed in a process of its own, since torch chooses its kernels once."""
    variables = {"OMP_NUM_THREADS": threads, "ATEN_CPU_CAPABILITY": capability}
    whole = ["--whole"] if (threads, capability) == ENVIRONMENTS[0] else []
    done = subprocess.run(
        [sys.executable, __file__, "--measure", *whole],
        env={**os.environ, **variables}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{threads} threads, {capability}: {done.stderr}")
    rows: list[dict[str, Row]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def combined(measured: list[list[dict[str, Row]]]) -> dict[str, Row]:
    """Over environments (outer) and seeds (inner): widest spread and nearest mistake."""
    rows: dict[str, Row] = {}
    for name in measured[0][0]:
        every = [seed[name] for environment in measured for seed in environment]
        if name in TRAINED:
            rows[name] = {
                "right": [[x for row in every for x in row["right"][k]] for k in range(3)],
                "wrong": max(pair for row in every for pair in row["wrong"]),
            }
            continue
        between = max(
            apart(there[n][name]["seen"], measured[0][n][name]["seen"])
            for there in measured
            for n in range(len(SEEDS))
        )
        rows[name] = {
            "spread": max(between, *(row["spread"] for row in every)),
            "nearest": min(row["nearest"] for row in every),
        }
    return rows


def table(rows: dict[str, Row], suite: Suite) -> str:
    import torch

    content: Any = load(suite.exercise, "checks")
    lines = [
        f"# Spread of right answers to `{SLUG}`",
        "",
        f"Made by `python benchmarks/spread_bert_classifier.py`: {len(SEEDS)} seeds, 1 and 2 "
        "threads, `ATEN_CPU_CAPABILITY` default and avx2 for the reference; other right answers "
        "and misconceptions over all seeds with 1 thread and default; "
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}.",
        "",
        "## What is learned",
        "Accuracy on 252 held-out sentences after training on "
        f"{content.TRAINED}, and the last epoch's loss over the first one's, of the reference and "
        "all other right answers. *Best mistake*: the highest accuracy of a misconception that "
        f"spoils learning. Passed at an accuracy of {content.HELD_OUT} and a fall to "
        f"{content.FALL}.",
        "",
        "| check | runs | accuracy, lowest | mean | sd | worst fall | best mistake | at |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in TRAINED:
        accuracy, fall, _ = rows[name]["right"]
        at, who = rows[name]["wrong"]
        lines.append(
            f"| `{name}` | {len(accuracy)} | {min(accuracy):.3f} | {np.mean(accuracy):.3f} | "
            f"{np.std(accuracy):.3f} | {max(fall):.2f} | `{who}` | {at:.3f} |"
        )
    lines += [
        "",
        "## What is compared",
        "*Spread*: the greatest difference between the reference and any right answer, or between "
        "two environments. *Nearest mistake*: the misconception that the check must catch and "
        "that comes nearest to the reference, over all seeds; ∞ where what came out has another "
        "form.",
        "",
        "| check | spread | tolerance | nearest mistake | at |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        if name not in TRAINED:
            at, who = row["nearest"]
            shown = "∞" if at == math.inf else f"{at:.2g}"
            mistake = "–" if at == math.inf else f"`{who}`"
            allowed = f"{suite.checks[name].close.absolute:g}"
            lines.append(f"| `{name}` | {row['spread']:.1e} | {allowed} | {mistake} | {shown} |")
    return "\n".join(lines) + "\n"


def narrow(rows: dict[str, Row], suite: Suite) -> list[str]:
    """Checks whose tolerance or threshold is not between right answers and mistakes."""
    content: Any = load(suite.exercise, "checks")
    found = []
    for name, row in rows.items():
        if name in TRAINED:
            accuracy, fall, _ = row["right"]
            room = min(accuracy) > content.HELD_OUT > row["wrong"][0] and max(fall) < content.FALL
        else:
            close = suite.checks[name].close.absolute
            room = 3 * row["spread"] <= close and row["nearest"][0] > 3 * close
        found += [] if room else [name]
    return found


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps([measure(secret, "--whole" in sys.argv) for secret in SEEDS]))
        return
    measured = [elsewhere(*environment) for environment in ENVIRONMENTS]
    rows = combined(measured)
    suite = Suite(exercise(SLUG))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(rows, suite), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
    if found := narrow(rows, suite):
        sys.exit(f"The tolerances of these checks are too narrow: {', '.join(found)}")


if __name__ == "__main__":
    main()
