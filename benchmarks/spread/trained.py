"""What right answers to `bert-classifier` learn, and what those learn that spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "bert-classifier"

# Misconceptions that spoil what is learned; other evidence catches the others.
ALSO = {
    "learns_what_holds": ("hundredfold_rate", "epochs_as_steps", "head_only"),
    "mended_program_learns": ("still_counts_keys", "still_too_fast", "now_frozen", "now_too_slow"),
}


@dataclass(frozen=True)
class Learned:
    """One training: losses and held-out predictions."""

    check: str
    right: bool
    name: str
    losses: list[float]
    predictions: Any
    says: Any
    asked: Any

    @property
    def fall(self) -> float:
        """The last epoch's loss as a share of the first one's."""
        return self.losses[-1] / self.losses[0]

    def accuracy(self, content: Any) -> float:
        """Share of the held-out sentences that it names rightly."""
        return float(content._accuracy(self.predictions, self.asked))

    def agreement(self, content: Any) -> float:
        """Share of the predictions that the model gives when it is asked afterwards."""
        return float(content._share_alike(self.predictions, self.says))


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Learned | None:
    """A row for each training."""
    wanted = check.name in ALSO and (right or name in ALSO[check.name])
    if not wanted or seen.kind != "value":
        return None
    losses = [float(loss) for loss in seen.value["losses"]]
    predictions = seen.value["predictions"]
    says = seen.value.get("model says", predictions)
    return Learned(check.name, right, name, losses, predictions, says, seen.value["asked"])


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Held-out accuracy and the fall of the loss."""
    content: Any = load(suite.exercise, "checks")
    lines = [
        "## What is learned\n",
        "Accuracy on 252 held-out sentences after training on "
        f"{content.TRAINED}, and the last epoch's loss as a share of the first one's, over all "
        "right answers, seeds and environments. *Best mistake*: the highest accuracy of a "
        f"misconception that spoils learning. Passed at an accuracy of {content.HELD_OUT} and a "
        f"share of {content.FALL}. *Agreement*: the least share of the names returned that the "
        f"model gives when it is asked afterwards; passed at {content.AGREE}.\n",
        "| check | runs | accuracy, lowest | mean | sd | worst share | agree | best mistake | at |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    problems = []
    for name in ALSO:
        rows = [row for m in measured for row in m.rows if row.check == name]
        accuracy = [row.accuracy(content) for row in rows if row.right]
        fall = max(row.fall for row in rows if row.right)
        agree = min(row.agreement(content) for row in rows if row.right)
        best, who = max((row.accuracy(content), row.name) for row in rows if not row.right)
        lines.append(
            f"| `{name}` | {len(accuracy)} | {min(accuracy):.3f} | {np.mean(accuracy):.3f} |"
            f" {np.std(accuracy):.3f} | {fall:.2f} | {agree:.3f} | `{who}` | {best:.3f} |"
        )
        learned = min(accuracy) > content.HELD_OUT > best and fall < content.FALL
        if not learned or agree < content.AGREE:
            problems.append(f"{name}: accuracy {min(accuracy):.3f}, {who} {best:.3f}")
    return "\n".join(lines) + "\n", problems
