"""Right, given what is yours: what the reference makes of a learner's own results.

For a check that rests on names of other tasks, the reference is run with the learner's functions
in their place. They stay where they are: what it needs of them is asked for, as plain data.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from autograder.engine import Ask, Call, WorkerFailed, observe_yours
from autograder.engine.calling import to_build_on
from autograder.engine.timing import PATIENCE
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite
from autograder.judging.key import AnswerKey, Label
from autograder.judging.results import TaskResult

# One round finds nearly all calls; a second those that only follow from what was answered.
_ROUNDS = 5


def with_yours(
    exercise: Exercise,
    results: Sequence[TaskResult],
    key: AnswerKey,
    ask: Ask,
    *,
    secret: str = "",
) -> AnswerKey:
    """The key, with what the reference makes of the learner's own results where that matters.

    The same key where no check that failed rests on a name that failed.
    """
    suite = Suite(exercise)
    failed = {verdict.name for result in results for verdict in result.verdicts
              if verdict.status in ("fail", "error")}  # fmt: skip
    mistaken = {name for check in failed for name in suite.checks[check].learner[:1]}
    passed = {verdict.name for result in results for verdict in result.verdicts
              if verdict.status == "pass"}  # fmt: skip
    sound = {name for check in passed for name in suite.checks[check].learner}
    asking = [check for name, check in suite.checks.items()
              if name in failed and _below(suite, check) & mistaken
              and not (check.costly and check.expect)]  # fmt: skip
    if not asking:
        return key
    try:
        rows = _built(exercise, mistaken & _below_any(suite, asking), sound, asking, ask, secret)
    except WorkerFailed:
        # What would have been given on top is not worth the grade that there is.
        return key
    outcomes = {name: dict(known) for name, known in key.outcomes.items()}
    for label, outcome in rows:
        outcomes.setdefault(outcome.check, {})[label] = outcome
    return AnswerKey(outcomes, key.misconceptions)


def _below(suite: Suite, check: Check) -> frozenset[str]:
    return suite.names_below(check) - {*check.learner}


def _below_any(suite: Suite, checks: Sequence[Check]) -> frozenset[str]:
    return frozenset[str]().union(*(_below(suite, check) for check in checks))


def _built(
    exercise: Exercise,
    names: Collection[str],
    sound: Collection[str],
    asking: Sequence[Check],
    ask: Ask,
    secret: str,
) -> list[tuple[Label, Outcome]]:
    """What the checks yield with the reference built on the learner's functions called `names`.

    A submission decides by what it answers how often it is asked and how long the reference takes,
    so no round begins, and none of the reference's goes on, once that took as long as a submission
    itself may take.
    """
    over = time.monotonic() + PATIENCE * exercise.with_room().submission_seconds
    answers: dict[bytes, Outcome] = {}
    calls: list[Call] = []
    found: dict[str, tuple[Label, Outcome]] = {}
    for number in range(_ROUNDS + 1):
        rows, wanted = observe_yours(
            exercise, [(call, answers[call.key]) for call in calls], names=sorted(names),
            checks=[check.name for check in asking if check.name not in found],
            secret=secret, course=exercise.folder.parent, over=over,
        )  # fmt: skip
        found |= {outcome.check: (label, outcome) for label, outcome in rows.outcomes}
        if not wanted or number == _ROUNDS or time.monotonic() >= over:
            return list(found.values())
        calls += wanted
        answers |= {call.key: o for call, o in zip(wanted, ask(wanted), strict=True)}
        names = to_build_on(calls, answers, sound)
        # What was built on a name that is out by now says nothing any more.
        found = {check: row for check, row in found.items() if names.issuperset(row[0][1:])}
        if not names:
            break
    return []
