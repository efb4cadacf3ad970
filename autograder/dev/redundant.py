"""What an exercise could do without: checks and misconceptions that tell nothing of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from autograder.dev.findings import Finding
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite
from autograder.grading.oracle import answer_key
from autograder.judging.comparing import same
from autograder.judging.judge import judge_task
from autograder.judging.key import AnswerKey


def redundant(exercise: Exercise) -> list[Finding]:
    """Checks that fail nothing which another check does not, and misconceptions that are one.

    They are no faults: an author decides. A check may be the one that says what is wrong, and a
    mistake may have two names that people know.
    """
    suite, key = Suite(exercise), answer_key(exercise)
    found: list[Finding] = []
    for task in exercise.tasks:
        checks = suite.of_task(task.name)
        fails = {check.name: _failing(exercise, task.name, check, key) for check in checks}
        found += _checks(exercise.slug, task.name, fails)
    found += _misconceptions(exercise.slug, suite, key)
    return found


def _failing(exercise: Exercise, task: str, check: Check, key: AnswerKey) -> frozenset[str]:
    """Names of the misconceptions that fail a check."""
    failing = set()
    for label, outcome in key.outcomes[check.name].items():
        if len(label) != 1 or key.misconceptions[label[0]].stands_for not in check.learner:
            continue
        result = judge_task(exercise.task(task), [check], {check.name: outcome}, key, {})
        if result.verdicts[0].status != "pass":
            failing.add(label[0])
    return frozenset(failing)


def _checks(slug: str, task: str, fails: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    for name, mine in fails.items():
        # Of two that fail the same, the later one is listed.
        earlier = list(fails)[: list(fails).index(name)]
        for other, theirs in fails.items():
            if other != name and (mine < theirs or (mine == theirs and other in earlier)):
                yield Finding(
                    "redundant", f"{slug}/checks.py, check {name!r}",
                    f"Every misconception that fails it fails {other!r} too. Let it go, or give "
                    f"{task!r} a wrong answer that only it catches.",
                )  # fmt: skip
                break


def _misconceptions(slug: str, suite: Suite, key: AnswerKey) -> Iterator[Finding]:
    seen: dict[str, dict[str, Outcome]] = {}
    for check, rows in key.outcomes.items():
        for label, outcome in rows.items():
            if len(label) == 1 and key.misconceptions[label[0]].stands_for in suite.checks[
                check
            ].learner:  # fmt: skip
                seen.setdefault(label[0], {})[check] = outcome
    for (one, its), (other, others) in itertools.combinations(seen.items(), 2):
        known = key.misconceptions
        if known[one].stands_for != known[other].stands_for or not its.keys() & others.keys():
            continue
        if all(same(its[c], others[c], suite.checks[c].close) for c in its.keys() & others.keys()):
            yield Finding(
                "redundant", f"{slug}/wrong.py, {other!r}",
                f"It yields what {one!r} yields, in every check. Let one of them go, or write a "
                "check that tells them apart.",
            )  # fmt: skip
