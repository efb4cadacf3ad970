"""How near the faces of right answers to `gan` come to real ones, and of those that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "gan"

TRAINED = "faces_come_out"
ROOM = 3.0  # the threshold lies at least so many times from either side


@dataclass(frozen=True)
class Made:
    """One training: the Fréchet distance of what the generator draws afterwards."""

    right: bool
    name: str
    distance: float


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Made | None:
    """A row for each training."""
    if check.name != TRAINED or seen.kind != "value":
        return None
    return Made(right, name, float(seen.value))


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Distances of right answers and of the nearest that spoils the training."""
    content: Any = load(suite.exercise, "checks")
    rows = [row for m in measured for row in m.rows]
    right = [row.distance for row in rows if row.right]
    nearest, who = min((row.distance, row.name) for row in rows if not row.right)
    lines = [
        "## What is drawn\n",
        f"Squared Fréchet distance of 2000 faces after training on {content.TRAINED}, over all "
        f"right answers, seeds and environments. Passed at {content.LEARNED}.\n",
        "| trainings | least | greatest | nearest that spoils it | at |",
        "|---|---|---|---|---|",
        f"| {len(right)} | {min(right):.3f} | {max(right):.3f} | `{who}` | {nearest:.1f} |",
    ]
    good = max(right) * ROOM < content.LEARNED and nearest > content.LEARNED * ROOM
    problems = [] if good else [f"{TRAINED}: right {max(right):.3f}, {who} {nearest:.1f}"]
    return "\n".join(lines) + "\n", problems
