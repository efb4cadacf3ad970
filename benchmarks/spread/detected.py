"""What right answers to `detection` learn to find, and what wrong programs do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "detection"

CHECK = "finds_digits_by_their_colour"
# Programs that run to their end; cheaper evidence catches those that the check is not named for.
ALSO = {CHECK: ("still_blue_for_red", "still_from_zero")}


@dataclass(frozen=True)
class Trained:
    """Mean AP50 of one training on held-out photographs."""

    right: bool
    name: str
    ap50: float


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Trained | None:
    """A row for each training; a program that stops has found nothing."""
    if check.name != CHECK:
        return None
    return Trained(right, name, float(seen.value) if seen.kind == "value" else 0.0)


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Mean AP50, lowest and highest, of right answers and of each wrong program."""
    content: Any = load(suite.exercise, "checks")
    rows: dict[str, list[float]] = {}
    for row in (row for one in measured for row in one.rows):
        rows.setdefault("right answers" if row.right else f"`{row.name}`", []).append(row.ap50)
    lines = [
        "## What is learned\n",
        "Mean AP50 of red and blue digits on 60 held-out photographs after 5 rounds over 160 "
        f"scenes, over seeds and environments. Passed at {content.LEARNED}.\n",
        "| program | runs | lowest | mean | highest |",
        "|---|---|---|---|---|",
    ]
    for name, found in rows.items():
        low, mean, high = min(found), np.mean(found), max(found)
        lines.append(f"| {name} | {len(found)} | {low:.3f} | {mean:.3f} | {high:.3f} |")
    best = max(max(found) for name, found in rows.items() if name != "right answers")
    learned = min(rows["right answers"]) > content.LEARNED > best
    return "\n".join(lines) + "\n", [] if learned else ["what is learned: see the table"]
