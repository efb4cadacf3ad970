"""What right answers to `speech` learn to read, and what those learn that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.checks import Check
from autograder.evidence.observations import Outcome
from autograder.exercise.suite import Suite, load

SLUG = "speech"

CHECK = "reads_unheard_keys"
Row = tuple[bool, str, float]


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Row | None:
    """Held-out word error rate of one training."""
    if check.name != CHECK or seen.kind != "value":
        return None
    return right, name, float(seen.value)


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """The highest error rate of right answers, the threshold, and the lowest of what spoils it."""
    content: Any = load(suite.exercise, "checks")
    rows: list[Row] = [row for m in measured for row in m.rows]
    right = [wer for is_right, _, wer in rows if is_right]
    best, who = min((wer, name) for is_right, name, wer in rows if not is_right)
    text = (
        "## What is learned\n\n"
        f"Word error rate on 100 held-out recordings after 200 steps of 16. Passed at "
        f"{content.LEARNED}.\n\n"
        "| check | runs | WER, highest | mean | sd | best mistake | at |\n"
        "|---|---|---|---|---|---|---|\n"
        f"| `{CHECK}` | {len(right)} | {max(right):.4f} | {np.mean(right):.4f} |"
        f" {np.std(right):.4f} | `{who}` | {best:.3f} |\n"
    )
    problems = [] if max(right) < content.LEARNED < best else [f"{CHECK}: {max(right)}, {best}"]
    return text, problems
