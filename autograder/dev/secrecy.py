"""What a secret changes: of an exercise's points, those that the answers seen at home do not get.

Whoever writes down what the visible checks come to, and returns that, passes each check under a
secret that comes to the same there. So a check draws from its seed what it can.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite
from autograder.grading.oracle import reference_key
from autograder.judging.judge import holds
from autograder.judging.key import AnswerKey
from autograder.language import Text

GOAL = 0.8
SECRET = "another class"

Reason = Literal["draws nothing", "comes to the same", "a property"]
REASONS: dict[Reason, Text] = {
    "draws nothing": {
        "en": "the probe draws nothing from its seed",
        "zh": "探针没有用种子抽取任何数据",
    },
    "comes to the same": {
        "en": "what is right is the same whatever was drawn",
        "zh": "无论抽到什么，正确结果都一样",
    },
    "a property": {
        "en": "a property is asked, which what was right at home has too",
        "zh": "检查的是性质，没有密钥时的正确结果同样满足",
    },
}


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A check that under a secret accepts what is right without one, its points, and why."""

    check: str
    points: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Share:
    """What of an exercise's points a secret changes."""

    slug: str
    points: float
    unchanged: tuple[Unchanged, ...]

    @property
    def changed(self) -> float:
        """The share, from 0 to 1."""
        return 1 - math.fsum(item.points for item in self.unchanged) / self.points

    def because(self, reason: Reason) -> float:
        """The share that is unchanged for a reason."""
        alike = (item.points for item in self.unchanged if item.reason == reason)
        return math.fsum(alike) / self.points


def changed_by_a_secret(exercise: Exercise) -> Share:
    """Compare what the reference yields without a secret and with one.

    Raises
    ------
    WorkerFailed
        If the reference does not run.
    """
    keys = reference_key(exercise), reference_key(exercise, secret=SECRET)
    return Share(exercise.slug, exercise.points, tuple(_unchanged(exercise, *keys)))


def _unchanged(exercise: Exercise, seen: AnswerKey, hidden: AnswerKey) -> Iterator[Unchanged]:
    suite = Suite(exercise)
    for task in exercise.tasks:
        checks = suite.of_task(task.name)
        whole = math.fsum(check.weight for check in checks)
        for check in checks:
            at_home, there = (key.outcomes[check.name][()].value for key in (seen, hidden))
            if holds(check, at_home, there):
                yield Unchanged(
                    check.name, task.points * check.weight / whole, _reason(suite, check)
                )


def _reason(suite: Suite, check: Check) -> Reason:
    if not any(suite.is_drawn(name) for name in check.arguments if suite.is_fixture(name)):
        return "draws nothing"
    return "comes to the same" if check.expect is None else "a property"
