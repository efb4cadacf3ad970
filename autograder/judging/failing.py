"""Which of the calls that a probe made is the one that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.evidence.calls import entries
from autograder.evidence.observations import Data, Outcome
from autograder.exercise.declaring import Check
from autograder.judging.comparing import equal, show
from autograder.judging.results import Verdict


def with_call(verdict: Verdict, check: Check, seen: Outcome, reference: Outcome) -> Verdict:
    """The verdict on a claim that does not hold, with the call that failed.

    Where each call has its entry in the observation, it is the first whose entry differs from the
    reference's, and what came out and was expected is told of this call alone.
    """
    if not seen.calls or verdict.status in ("pass", "todo", "internal"):
        return verdict
    verdict = replace(verdict, call=seen.calls[0], calls=seen.called)
    if len(seen.calls) == 1 or check.expect is not None:
        return verdict
    count = len(seen.calls)
    pairs = zip(entries(seen.value, count), _right(seen.value, reference.value, count))  # noqa: B905
    for call, (observed, right) in zip(seen.calls, pairs):  # noqa: B905
        if not equal(observed, right, check.close):
            expected = show(right)
            return replace(
                verdict, call=call, calls=1, came_out=show(observed),
                expected={"en": expected, "zh": expected},
            )  # fmt: skip
    return verdict


def _right(value: Data, reference: Data, count: int) -> list[Data]:
    """The reference's entries in the order of the learner's."""
    if type(value) is dict and type(reference) is dict:
        return [reference[name] for name in value] if value.keys() == reference.keys() else []
    return entries(reference, count) if type(value) is not dict else []


def plainest(verdicts: Sequence[Verdict]) -> Verdict:
    """Of claims that fail for one reason, the one to tell: whose call is there, whole and short."""
    return min(verdicts, key=lambda v: (not v.call, v.calls > 1, "…" in v.call, "<" in v.call))


def to_replay(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The claim whose call `replay` makes again: of the foremost mistake, the plainest.

    A mistake with a name comes before those without.
    """
    failed = [v for v in verdicts if v.call and v.status != "pass"]
    if not failed:
        return None
    first = next((verdict for verdict in failed if verdict.misconception), failed[0])
    if first.misconception:
        return plainest([v for v in failed if v.misconception == first.misconception])
    # What differs without a name may differ for another reason each time.
    return first if first.status == "fail" else plainest([v for v in failed if _alike(v, first)])


def _alike(one: Verdict, other: Verdict) -> bool:
    return (one.status, one.message, one.misconception) == (
        other.status, other.message, other.misconception
    )  # fmt: skip
