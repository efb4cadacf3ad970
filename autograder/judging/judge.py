"""The judge: observations in, verdicts and diagnoses out.

Grading is comparing observations. Equal to the reference's within the check's tolerance means
pass; equal to a misconception's means fail, and the learner is told which. Nothing else passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autograder.evidence.observations import Data, Outcome
from autograder.exercise.catalog import Task
from autograder.exercise.declaring import Check
from autograder.judging import wording
from autograder.judging.comparing import comparable, equal, fits_in_size, same, show
from autograder.judging.failing import with_call
from autograder.judging.given import (
    errors_given,
    given,
    has_numbers,
    is_one_answer,
    is_one_number,
    out_of_reach,
    right_given,
    without_yours,
)
from autograder.judging.key import AnswerKey
from autograder.judging.relations import Differing, found_in
from autograder.judging.results import Status, TaskResult, Verdict
from autograder.language import Text

# Of a task's checks, what a misconception has to explain to be named by any of them.
_ENOUGH = 0.5


def judge_exercise(
    tasks: Sequence[tuple[Task, Sequence[Check]]],
    outcomes: Mapping[str, Outcome],
    key: AnswerKey,
) -> tuple[TaskResult, ...]:
    """Judge every task, in order, so that a task knows what was diagnosed in those before it."""
    diagnosed: dict[str, str] = {}
    results = []
    for task, checks in tasks:
        result = judge_task(task, checks, outcomes, key, diagnosed)
        for verdict in result.verdicts:
            if verdict.misconception in key.misconceptions:
                stands_for = key.misconceptions[verdict.misconception].stands_for
                diagnosed.setdefault(stands_for, verdict.misconception)
        results.append(result)
    return tuple(results)


def judge_task(
    task: Task,
    checks: Sequence[Check],
    outcomes: Mapping[str, Outcome],
    key: AnswerKey,
    diagnosed: Mapping[str, str],
) -> TaskResult:
    """Judge one task.

    Parameters
    ----------
    outcomes
        What the learner's answers yielded, by check; a check without one is ``internal``.
    diagnosed
        Misconception recognised in each name that was judged before, for checks that rest on it.
    """
    seen = {check.name: outcomes.get(check.name, _MISSING) for check in checks}
    if _has_shown_nothing(checks, seen, key):
        key = without_yours(key, checks)
    ranked = _rank(checks, seen, key)
    verdicts = tuple(
        _judge_check(task, check, seen[check.name], key, ranked, diagnosed) for check in checks
    )
    verdicts = errors_given(checks, verdicts, seen, key, diagnosed)
    verdicts = out_of_reach(checks, verdicts, seen, key, diagnosed, _passes)
    verdicts = _related(checks, verdicts, seen, key)
    total = math.fsum(verdict.weight for verdict in verdicts)
    earned = math.fsum(verdict.weight for verdict in verdicts if verdict.status == "pass")
    points = round(task.points * earned / total, 2) if total else 0.0
    return TaskResult(task.name, task.title, _overall(verdicts), points, task.points, verdicts)


def _has_shown_nothing(
    checks: Sequence[Check], seen: Mapping[str, Outcome], key: AnswerKey
) -> bool:
    """Whether one and the same number is all that came out, and is right nowhere by itself.

    Given results that a submission makes up, such a number can be right; and to refuse what is to
    be refused shows little.
    """
    values = [seen[check.name] for check in checks if seen[check.name].kind == "value"]
    if not any(is_one_number(values, check.close) for check in checks):
        return False
    rights = {check.name: key.outcomes.get(check.name, {}).get((), _MISSING) for check in checks}
    return not any(
        has_numbers(seen[check.name]) and _passes(check, seen[check.name], rights[check.name])
        for check in checks
    )


_MISSING = Outcome("", "internal", message="the check gave no report")


def _overall(verdicts: Sequence[Verdict]) -> Status:
    """The status of a task: passed only if there are checks and all of them passed."""
    statuses = {verdict.status for verdict in verdicts}
    if not statuses:
        return "internal"
    if len(statuses) == 1:
        return statuses.pop()
    order: tuple[Status, ...] = ("internal", "tampered", "crashed", "memory", "timeout", "error")
    return next((status for status in order if status in statuses), "fail")


def _rank(
    checks: Sequence[Check], seen: Mapping[str, Outcome], key: AnswerKey
) -> list[tuple[str, float]]:
    """Misconceptions about these checks' names, those that explain most of what was seen first.

    With each comes the share that it explains of the checks that it was run for, or of those that
    failed if that is less: one that is right by and large would explain any answer by what passed.
    One whose own check passed is none of them.
    """
    if not key.misconceptions:  # what is right is judged by the reference alone
        return []
    known = {check.name: key.outcomes.get(check.name, {}) for check in checks}
    passed = {
        check.name for check in checks
        if _passes(check, seen[check.name], known[check.name].get((), _MISSING))
    }  # fmt: skip
    matches: dict[str, list[tuple[bool, bool]]] = {}
    for check in checks:
        for label, outcome in known[check.name].items():
            misconception = key.misconceptions[label[0]] if len(label) == 1 else None
            if misconception is None or misconception.caught_by in passed:
                continue
            if misconception.stands_for in check.learner:
                found = matches.setdefault(label[0], [])
                match = same(seen[check.name], outcome, check.close)
                found.append((match, check.name in passed))
    # The exercise's own first: the others were made of the reference, for want of a better name.
    ranked = sorted(
        matches.items(),
        key=lambda item: (
            not key.misconceptions[item[0]].caught_by,
            -sum(match for match, _ in item[1]),
        ),
    )
    return [(name, _explained(found)) for name, found in ranked]


def _explained(found: Sequence[tuple[bool, bool]]) -> float:
    """The share of the matches among all checks, or among those that failed if that is less."""
    every = [match for match, _ in found]
    failed = [match for match, passed in found if not passed] or every
    return min(sum(every) / len(every), sum(failed) / len(failed))


def _passes(check: Check, seen: Outcome, reference: Outcome) -> bool:
    return seen.kind == reference.kind == "value" and holds(check, seen.value, reference.value)


def _judge_check(
    task: Task,
    check: Check,
    seen: Outcome,
    key: AnswerKey,
    ranked: Sequence[tuple[str, float]],
    diagnosed: Mapping[str, str],
) -> Verdict:
    known = key.outcomes.get(check.name, {})
    reference = known.get((), _MISSING)
    verdict = Verdict(
        check.name, check.claim, "internal", where=seen.where, line=seen.line,
        weight=check.weight, seconds=seen.seconds,
    )  # fmt: skip
    if reference.kind != "value" and seen.kind != "todo":
        reason = reference.message or reference.error
        return replace(verdict, message=wording.reference_failed(reason))
    if seen.kind == "value":
        verdict = replace(verdict, came_out=show(seen.value))
        if _passes(check, seen, reference):
            return replace(verdict, status="pass", expected=wording.NOTHING)
        verdict = replace(verdict, expected=_expected(check, reference))
        names = given(check, seen, known, key, diagnosed)
        if names and not is_one_answer(seen.value, check.close):
            return right_given(verdict, wording.right_given(names))
    verdict = replace(verdict, status=_STATUS[seen.kind], message=_reason(check, seen))
    verdict = with_call(verdict, check, seen, reference)
    name = _diagnose(check, seen, key, ranked)
    if name:
        found = key.misconceptions[name]
        step = found.step if found.step["en"] else wording.next_hint(task.name)
        step = wording.read_on(step, found.errata)
        return replace(verdict, misconception=name, diagnosis=found.text, step=step)
    return replace(verdict, step=wording.next_step(task.name, check.learner[0], seen))


_STATUS: Mapping[str, Status] = {
    "value": "fail",
    "unfit": "fail",
    "forbidden": "fail",
    "raised": "error",
    "todo": "todo",
    "timeout": "timeout",
    "memory": "memory",
    "crashed": "crashed",
    "tampered": "tampered",
    "internal": "internal",
}


def holds(check: Check, observed: Data, reference: Data) -> bool:
    """Whether an observation is right, seen from the reference's."""
    if check.expect is not None:
        return comparable(observed, reference) and check.expect(observed, reference)
    return equal(observed, reference, check.close)


def _diagnose(
    check: Check, seen: Outcome, key: AnswerKey, ranked: Sequence[tuple[str, float]]
) -> str:
    """Name the misconception whose observation this is; the likeliest if several yield it.

    One that explains little of the rest is named only by the check that is to catch it: other
    checks it may resemble by chance, as an answer that is always 0 or an error resembles many.
    """
    known = key.outcomes.get(check.name, {})
    for name, explained in ranked:
        found = key.misconceptions[name]
        if found.looks_like is not None and found.caught_by == check.name:
            forms = (known.get((), _MISSING), known.get((name,), _MISSING))
            if _is_like(seen, forms) and _safely(found.looks_like, seen.value):
                return name
        elif explained < _ENOUGH and found.caught_by != check.name:
            continue
        elif (name,) in known and same(seen, known[(name,)], check.close):
            return name
    return ""


def _is_like(seen: Outcome, others: Sequence[Outcome]) -> bool:
    """Whether an observation has the form that one of others has, so that a predicate may see it.

    Where none of them is an observation, there is no form to go by.
    """
    forms = [other.value for other in others if other.kind == "value"]
    likes = (comparable(seen.value, form) for form in forms)
    return seen.kind == "value" and (not forms or any(likes))


def _related(
    checks: Sequence[Check],
    verdicts: tuple[Verdict, ...],
    seen: Mapping[str, Outcome],
    key: AnswerKey,
) -> tuple[Verdict, ...]:
    """The verdicts, those that no known mistake explains told by how they relate to what is right.

    What is valid by a property alone has no right observation that it could relate to; and what is
    far larger than what is right would take long to relate to it.
    """
    unnamed = {
        check.name: Differing(
            seen[check.name].value, key.outcomes[check.name][()].value, check.close
        )
        for check, verdict in zip(checks, verdicts, strict=True)
        if verdict.status == "fail" and not verdict.misconception and check.expect is None
        and seen[check.name].kind == "value"
    }  # fmt: skip
    if not unnamed:
        return verdicts
    found = found_in(
        {n: pair for n, pair in unnamed.items() if fits_in_size(pair.seen, pair.right)}
    )
    told = []
    for verdict in verdicts:
        relation = next((item.relation for item in found if verdict.name in item.checks), None)
        if relation is not None:
            verdict = replace(
                verdict, misconception=relation.name, diagnosis=relation.text, step=relation.step
            )
        told.append(verdict)
    return tuple(told)


def _safely(predicate: Any, value: Data) -> bool:
    try:
        return bool(predicate(value))
    except Exception:
        return False


def _expected(check: Check, reference: Outcome) -> Text:
    if check.expect is not None:
        return check.expect.text
    shown = show(reference.value)
    return {"en": shown, "zh": shown}


def _reason(check: Check, seen: Outcome) -> Text:
    return wording.reason(seen, check.learner[0])
