"""Right, given what is yours: what the reference makes of a learner's own results.

For a check that rests on names of other tasks, the reference is run with the learner's functions
in their place. They stay where they are: what it needs of them is asked for, as plain data.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence

from autograder.engine import Ask, Call, KeyRows, WorkerFailed, observe_yours
from autograder.engine.calling import few_enough, to_build_on
from autograder.engine.timing import PATIENCE
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Check
from autograder.exercise.edition import task_editions
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
        checks = [check.name for check in asking if check.name not in found]
        rows, wanted = (
            observe_yours(
                exercise, [(call, answers[call.key]) for call in calls], names=sorted(names),
                checks=checks, secret=secret, course=exercise.folder.parent, over=over,
            )
            if number
            else (_makers[-1] if _makers else first_round)(exercise, sorted(names), checks, secret)
        )  # fmt: skip
        found |= {outcome.check: (label, outcome) for label, outcome in rows.outcomes}
        more = few_enough({call.key: call for own in wanted.values() for call in own}.values())
        if not more or number == _ROUNDS or time.monotonic() >= over:
            return list(found.values())
        calls += more
        answers |= {call.key: o for call, o in zip(more, ask(more), strict=True)}
        names = to_build_on(calls, answers, sound)
        # What was built on a name that is out by now says nothing any more.
        found = {check: row for check, row in found.items() if names.issuperset(row[0][1:])}
        if not names:
            break
    return []


Round = tuple[KeyRows, dict[str, list[Call]]]
"""What `observe_yours` yields."""
Make = Callable[[Exercise, Sequence[str], Sequence[str], str], Round]
_makers: list[Make] = []
_ONE_AT_A_TIME = threading.Lock()
_MOST_BYTES = 2**26
_remembered: dict[tuple[object, ...], tuple[int, Round]] = {}


def have_made(make: Make) -> None:
    """From now on, have first rounds made by somebody else, who lives to remember them."""
    _makers.append(make)


def first_round(
    exercise: Exercise, names: Sequence[str], checks: Sequence[str], secret: str = ""
) -> Round:
    """What checks ask of functions called `names` while nothing is answered yet.

    Nothing of a learner's is in it, so it is the same for all of them, and made once.
    """
    suite = Suite(exercise)
    task_of = {name: exercise.task_of[suite.checks[name].learner[0]].name for name in checks}
    editions = task_editions(suite, dict.fromkeys(task_of.values()), secret)
    keys = {
        name: (exercise.folder, secret, editions[task], name,
               _below(suite, suite.checks[name]) & {*names})
        for name, task in task_of.items()
    }  # fmt: skip
    with _ONE_AT_A_TIME:
        left = [name for name in checks if keys[name] not in _remembered]
        if left:
            rows, wanted = observe_yours(
                exercise, [], names=names, checks=left, secret=secret,
                course=exercise.folder.parent,
            )  # fmt: skip
            if sum(size for size, _ in _remembered.values()) > _MOST_BYTES:
                _remembered.clear()
            for name in left:
                own = [row for row in rows.outcomes if row[1].check == name]
                calls = {name: wanted[name]} if name in wanted else {}
                size = sum(len(call.key) for call in wanted.get(name, ()))
                _remembered[keys[name]] = size, (KeyRows(own, []), calls)
        rounds = [_remembered[keys[name]][1] for name in checks]
    rows = KeyRows([row for own, _ in rounds for row in own.outcomes], [])
    return rows, {name: calls for _, own in rounds for name, calls in own.items()}
