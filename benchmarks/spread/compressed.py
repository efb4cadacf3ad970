"""What right answers to `compression` train, and what those train that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "compression"

# The threshold of each check that trains, and whether more is better.
THRESHOLDS = {
    "learns_to_read_again": ("RETRAINED", True),
    "gpt_learns_reviews": ("ADAPTED", False),
    "a_student_learns": ("DISTILLED", True),
}


@dataclass(frozen=True)
class Trained:
    """One training: an accuracy, or a perplexity."""

    check: str
    right: bool
    name: str
    value: float


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Trained | None:
    """A row for each training."""
    if check.name not in THRESHOLDS or seen.kind != "value":
        return None
    value = seen.value["accuracy"] if isinstance(seen.value, dict) else seen.value
    return Trained(check.name, right, name, float(value))


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Accuracy of the ResNet and of the student, perplexity of the GPT on reviews."""
    content: Any = load(suite.exercise, "checks")
    lines = [
        "## What is trained\n",
        "Accuracy (perplexity for `gpt_learns_reviews`, where less is better) after training, over "
        "all right answers, seeds and environments, and the best misconception that the check "
        "must catch.\n",
        "| check | runs | worst | mean | sd | threshold | best mistake | at |",
        "|---|---|---|---|---|---|---|---|",
    ]
    problems = []
    for name, (constant, more) in THRESHOLDS.items():
        rows = [row for m in measured for row in m.rows if row.check == name]
        values = [row.value for row in rows if row.right]
        wrong = [(row.value, row.name) for row in rows if not row.right]
        worst, (best, who) = (min(values), max(wrong)) if more else (max(values), min(wrong))
        bound = getattr(content, constant)
        lines.append(
            f"| `{name}` | {len(values)} | {worst:.4g} | {np.mean(values):.4g} |"
            f" {np.std(values):.2g} | {bound:g} | `{who}` | {best:.4g} |"
        )
        if not (worst > bound > best if more else worst < bound < best):
            problems.append(f"{name}: {worst:.4g}, {who} {best:.4g}")
    return "\n".join(lines) + "\n", problems
