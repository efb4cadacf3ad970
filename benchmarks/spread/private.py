"""What right answers to `privacy` train, and how well those are attacked that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "privacy"

# Of each check that trains: what is looked at, its threshold, and whether more is better.
THRESHOLDS = {
    ("reads_and_resists", "accuracy"): ("READS", True),
    ("reads_and_resists", "attack"): ("RESISTS", False),
    ("knows_whom_it_overfitted", "overfitted"): ("KNOWS", True),
}


@dataclass(frozen=True)
class Trained:
    """What one training came to."""

    check: str
    right: bool
    name: str
    values: dict[str, float]


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Trained | None:
    """A row for each training."""
    if check.name not in {name for name, _ in THRESHOLDS} or seen.kind != "value":
        return None
    values = seen.value
    if isinstance(values, list):  # of several attacks, those on whom the network was overfitted to
        told = [mine for mine, known in zip(values, expected.value, strict=True) if known > 0.6]
        values = {"overfitted": min(told)}
    return Trained(check.name, right, name, {key: float(v) for key, v in values.items()})


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Accuracy and the attack's AUC, and how many of their spreads the threshold is away."""
    content: Any = load(suite.exercise, "checks")
    lines = [
        "## What is trained\n",
        "After training, over all right answers, seeds and environments. *Spreads*: from the mean "
        "of right answers to the threshold, in their standard deviations. *Mistakes*: what the "
        "misconceptions that the check must catch come to; only one of a check's numbers need "
        "give them away.\n",
        "| check | number | runs | worst | mean | sd | threshold | spreads | mistakes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    problems = []
    for (name, key), (constant, more) in THRESHOLDS.items():
        rows = [row for m in measured for row in m.rows if row.check == name]
        values = [row.values[key] for row in rows if row.right]
        wrong = sorted(row.values[key] for row in rows if not row.right)
        worst, bound = (min if more else max)(values), getattr(content, constant)
        spreads = abs(np.mean(values) - bound) / np.std(values)
        lines.append(
            f"| `{name}` | {key} | {len(values)} | {worst:.4g} | {np.mean(values):.4g} |"
            f" {np.std(values):.2g} | {bound:g} | {spreads:.1f} |"
            f" {wrong[0]:.3g} – {wrong[-1]:.3g} |"
        )
        # A right answer is refused less than once in 1e5 times.
        if not (worst > bound if more else worst < bound) or spreads < 4.3:
            problems.append(f"{name}, {key}: {worst:.4g}, {spreads:.1f} spreads")
    return "\n".join(lines) + "\n", problems
