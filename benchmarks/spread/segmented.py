"""What right answers to `segmentation` learn, and what those learn that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "segmentation"

CHECK = "segments_unseen_digits"
Row = tuple[bool, str, float]


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Row | None:
    """Held-out mIoU of one training."""
    if check.name != CHECK or seen.kind != "value":
        return None
    return right, name, float(seen.value)


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """The lowest mIoU of right answers, the threshold, and the highest of what spoils learning."""
    content: Any = load(suite.exercise, "checks")
    rows: list[Row] = [row for m in measured for row in m.rows]
    right = [miou for is_right, _, miou in rows if is_right]
    best, who = max((miou, name) for is_right, name, miou in rows if not is_right)
    text = (
        "## What is learned\n\n"
        f"mIoU on 200 held-out scenes after 180 steps of 10. Passed at {content.LEARNED}.\n\n"
        "| check | runs | mIoU, lowest | mean | sd | best mistake | at |\n"
        "|---|---|---|---|---|---|---|\n"
        f"| `{CHECK}` | {len(right)} | {min(right):.3f} | {np.mean(right):.3f} |"
        f" {np.std(right):.3f} | `{who}` | {best:.3f} |\n"
    )
    problems = [] if min(right) > content.LEARNED > best else [f"{CHECK}: {min(right):.3f}, {best}"]
    return text, problems
