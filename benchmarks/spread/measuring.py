"""Running the probes with known answers, and telling distances in shares of a tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from autograder.checks import Tolerance
from autograder.engine.probing import run_probe
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, answers, references
from autograder.judging.comparing import same

SECONDS = 120.0
EXACT = Tolerance()
ROOMY = 3.0
"""A tolerance is at least so many times the spread, and the nearest mistake so many times it."""
FARTHEST = 1e12

Section = tuple[str, list[str]]
"""Text of a table, and what is wrong with what it shows."""


@dataclass
class Measured:
    """What one environment came to, with every seed."""

    reference: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    nearest: dict[str, tuple[float, str]] = field(default_factory=dict)
    runs: int = 0
    refused: list[str] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    aside: Any = None


def measure(
    exercise: Exercise, seeds: Sequence[str], part: ModuleType | None, *, mistakes: bool
) -> Measured:
    """Run every probe with the reference, the other right answers and, if asked, the mistakes.

    `part` looks at what is not told by distances: its ``look(check, right, name, seen, expected)``
    returns a row or ``None``, ``ALSO`` names mistakes by check beside those it must catch, and
    ``aside(suite)`` is measured once.
    """
    oracle = references(exercise)
    known = answers(exercise, "right") + (answers(exercise, "wrong") if mistakes else [])
    found = Measured()
    for seed in seeds:
        suite = Suite(exercise, seed)
        for check in suite.checks.values():
            expected = run_probe(suite, check, oracle, seconds=SECONDS)
            found.reference[check.name, seed] = expected
            _note(found, part, check, ("right", "reference"), expected, expected)
            also = getattr(part, "ALSO", {}).get(check.name, ())
            for answer in known:
                right = not answer.caught_by
                wanted = answer.stands_for in check.learner if right else (
                    answer.caught_by == check.name or answer.name in also
                )  # fmt: skip
                if wanted:
                    names = {**oracle, answer.stands_for: answer.value}
                    seen = run_probe(suite, check, names, seconds=SECONDS)
                    kind = "right" if right else "wrong"
                    _note(found, part, check, (kind, answer.name), seen, expected)
    found.aside = part.aside(Suite(exercise)) if part and hasattr(part, "aside") else None
    return found


def _note(
    found: Measured,
    part: ModuleType | None,
    check: Check,
    who: tuple[str, str],
    seen: Outcome,
    expected: Outcome,
) -> None:
    kind, name = who
    if part and (row := part.look(check, kind == "right", name, seen, expected)) is not None:
        found.rows.append(row)
    apart = share(seen, expected, check.close) if check.expect is None else 0.0
    if kind == "right":
        found.runs += 1
        found.spread[check.name] = max(found.spread.get(check.name, 0.0), apart)
        holds = check.expect is None or (
            seen.kind == "value" and check.expect(seen.value, expected.value)
        )
        if not holds or apart > 1:
            found.refused.append(f"{name} by {check.name}")
    elif check.expect is None:
        nearest = found.nearest.get(check.name)
        if nearest is None or apart < nearest[0]:
            found.nearest[check.name] = (apart, name)


def share(seen: Outcome, expected: Outcome, close: Tolerance) -> float:
    """The least multiple of the tolerance within which the judge calls the two equal.

    Of a check that compares exactly: 0 or infinity.
    """
    if same(seen, expected, EXACT):
        return 0.0
    if close == EXACT or not same(seen, expected, _times(close, FARTHEST)):
        return math.inf
    low, high = -math.log(FARTHEST), math.log(FARTHEST)
    while high - low > 0.01:
        middle = (low + high) / 2
        if same(seen, expected, _times(close, math.exp(middle))):
            high = middle
        else:
            low = middle
    return math.exp(high)


def _times(close: Tolerance, factor: float) -> Tolerance:
    return Tolerance(close.absolute * factor, close.relative * factor)


def compared(suite: Suite, measured: Sequence[Measured]) -> Section:
    """The checks with a tolerance: the widest spread and the nearest mistake, in shares of it."""
    lines = [
        "## Numbers\n",
        "*Spread*: the greatest difference between the reference and a right answer, or between "
        "two environments, with any seed. *Nearest mistake*: the misconception that the check "
        "must catch and that comes nearest to the reference. Both in multiples of the tolerance; "
        "∞ where what came out has another form.\n",
        "| check | tolerance | spread | nearest mistake | at |",
        "|---|---|---|---|---|",
    ]
    narrow = []
    for check in suite.checks.values():
        if check.expect is not None or check.close == EXACT:
            continue
        spread = max(max(m.spread[check.name] for m in measured), _between(check, measured))
        nearest = [m.nearest[check.name] for m in measured if check.name in m.nearest]
        apart, who = min(nearest, default=(math.inf, ""))
        at = "∞" if math.isinf(apart) else f"{apart:.2g}"
        lines.append(
            f"| `{check.name}` | {_shown(check.close)} | {spread:.1g} |"
            f" {f'`{who}`' if who else '–'} | {at if who else '–'} |"
        )
        if spread > 1 / ROOMY or apart < ROOMY:
            narrow.append(f"{check.name}: spread {spread:.2g}, {who} at {apart:.2g}")
    return "\n".join(lines) + "\n", narrow


def _shown(close: Tolerance) -> str:
    parts = [f"{close.absolute:g}"] if close.absolute or not close.relative else []
    parts += [f"{close.relative:g} × value"] if close.relative else []
    return " + ".join(parts)


def _between(check: Check, measured: Sequence[Measured]) -> float:
    """How far environments lie apart from the first."""
    return max(
        share(other.reference[key], outcome, check.close)
        for other in measured
        for key, outcome in measured[0].reference.items()
        if key[0] == check.name
    )


def exact(suite: Suite, measured: Sequence[Measured]) -> Section:
    """The checks that compare exactly."""
    checks = [c for c in suite.checks.values() if c.expect is None and c.close == EXACT]
    differing = [
        check.name
        for check in checks
        if _between(check, measured) or any(m.spread[check.name] for m in measured)
    ]
    text = (
        "## Exactly\n\n"
        f"{len(checks) - len(differing)} of {len(checks)} checks that ask for the very same saw "
        "the very same, of the reference and every other right answer, with every seed in every "
        "environment.\n"
    )
    return text, [f"{name} differs" for name in differing]


def refused(measured: Sequence[Measured]) -> Section:
    """Right answers that some check would not have accepted."""
    found = sorted({name for m in measured for name in m.refused})
    runs = sum(m.runs for m in measured)
    text = (
        "## Right answers\n\n"
        f"{runs:,} times a check saw a right answer, the reference or another; it refused "
        f"{len(found) or 'none'}.\n"
    )
    return text, [f"refused: {name}" for name in found]
