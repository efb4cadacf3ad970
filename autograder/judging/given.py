"""Right, given what is yours: an answer that is right but built on a wrong one costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from autograder.evidence.observations import Data, Outcome
from autograder.exercise.criteria import Tolerance
from autograder.exercise.declaring import Check
from autograder.judging import wording
from autograder.judging.comparing import equal, same
from autograder.judging.key import YOURS, AnswerKey, Label
from autograder.judging.results import Verdict
from autograder.language import Text


def given(
    check: Check,
    seen: Outcome,
    known: Mapping[Label, Outcome],
    key: AnswerKey,
    diagnosed: Mapping[str, str],
) -> tuple[str, ...]:
    """The learner's names, below this check's own, whose mistakes explain all that differs."""
    # At any depth: the key holds what the reference makes of each mistake that it may rest on.
    for name, found in diagnosed.items():
        built = known.get((found,)) if name not in check.learner else None
        if built is not None and same(seen, built, check.close):
            return (key.misconceptions[found].stands_for,)
    for label, outcome in known.items():
        if label[:1] == YOURS and label[1:] and same(seen, outcome, check.close):
            return label[1:]
    return ()


def right_given(verdict: Verdict, message: Text) -> Verdict:
    """The verdict, as a pass that says on which of the learner's names it rests."""
    return Verdict(
        verdict.name, verdict.claim, "pass", message,
        came_out=verdict.came_out, expected=wording.NOTHING, where=verdict.where,
        line=verdict.line, weight=verdict.weight, seconds=verdict.seconds,
    )  # fmt: skip


def is_one_answer(value: Data, close: Tolerance) -> bool:
    """Whether an observation has several parts, all of them the same within a tolerance.

    Given a mistake that makes questions alike, that is right; and so is what asks for nothing.
    """
    parts = list(value.values()) if type(value) is dict else value
    if type(parts) is not list and type(parts) is not tuple:
        return False
    return len(parts) > 1 and all(equal(part, parts[0], close) for part in parts[1:])


def has_numbers(seen: Outcome) -> bool:
    """Whether any number came out."""
    return next(_numbers(seen.value), None) is not None


def is_one_number(seen: Sequence[Outcome], close: Tolerance) -> bool:
    """Whether all that came out of several numbers is the same number, in whatever form."""
    numbers = [number for outcome in seen for number in _numbers(outcome.value)]
    return len(numbers) > 1 and all(equal(number, numbers[0], close) for number in numbers[1:])


def _numbers(value: Data) -> Iterator[Data]:
    match value:
        case dict():
            yield from chain.from_iterable(map(_numbers, value.values()))
        case list():
            yield from chain.from_iterable(map(_numbers, value))
        case np.ndarray():
            yield from value.ravel().tolist()
        case int() | float():
            yield value


def without_yours(key: AnswerKey, checks: Sequence[Check]) -> AnswerKey:
    """The key, in which nothing of `checks` is right given what nobody knows the mistake of."""
    outcomes = dict(key.outcomes)
    for check in checks:
        known = outcomes.get(check.name, {})
        outcomes[check.name] = {n: one for n, one in known.items() if n[:1] != YOURS}
    return AnswerKey(outcomes, key.misconceptions)


def out_of_reach(
    checks: Sequence[Check],
    verdicts: tuple[Verdict, ...],
    seen: Mapping[str, Outcome],
    key: AnswerKey,
    diagnosed: Mapping[str, str],
    passes: Callable[[Check, Outcome, Outcome], bool],
) -> tuple[Verdict, ...]:
    """Verdicts, with what a mistake in another function leaves nobody able to reach as passed.

    That is a property of a costly check, which the reference itself misses when it is built on the
    learner's mistake; and only where the answer uses that function, and all else of the task
    passed, so that it has shown all that it could.
    """
    missed = [
        (check, verdict) for check, verdict in zip(checks, verdicts, strict=True)
        if verdict.status != "pass"
    ]  # fmt: skip
    asked = [check for check, verdict in missed
             if check.costly and check.expect and verdict.status in ("fail", "error")]  # fmt: skip
    if not missed or len(asked) < len(missed) or len(missed) == len(verdicts):
        return verdicts
    told = {verdict.name: verdict for verdict in verdicts}
    for check, verdict in missed:
        known = key.outcomes.get(check.name, {})
        for name, found in diagnosed.items():
            built = known.get((found,)) if name in seen[check.name].uses else None
            if built is not None and not passes(check, built, known[()]):
                stands_for = key.misconceptions[found].stands_for
                told[check.name] = right_given(verdict, wording.out_of_reach(stands_for))
    return tuple(told.values())


def errors_given(
    checks: Sequence[Check],
    verdicts: tuple[Verdict, ...],
    seen: Mapping[str, Outcome],
    key: AnswerKey,
    diagnosed: Mapping[str, str],
) -> tuple[Verdict, ...]:
    """Verdicts, an error put on the function that raises it, and not on one that calls it.

    Only where something else of the task passed: an answer that does nothing but raise
    the same has shown nothing, nor has one that answers every question alike.
    """
    if not any(verdict.status == "pass" for verdict in verdicts):
        return verdicts
    told = []
    for check, verdict in zip(checks, verdicts, strict=True):
        alike = verdict.status == "fail" and is_one_answer(seen[check.name].value, check.close)
        if verdict.status == "error" or alike:
            known = key.outcomes.get(check.name, {})
            names = given(check, seen[check.name], known, key, diagnosed)
            verdict = right_given(verdict, wording.right_given(names)) if names else verdict
        told.append(verdict)
    return tuple(told)
