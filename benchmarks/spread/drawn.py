"""How often right samplers of `gpt-generation` draw what is probable, and how safe greed is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import Measured, Section

from autograder.evidence.observations import Outcome
from autograder.exercise import catalog
from autograder.exercise.declaring import Check
from autograder.exercise.suite import Suite, load

SLUG = "gpt-generation"

LOGIT_ROOM = 10.0  # a choice between tokens is safe where the margin is so many times the noise
CHECKS: Any = load(catalog.exercise("gpt-generation"), "checks")


@dataclass(frozen=True)
class Strain:
    """The chi-squared statistic of one sampler, as a share of its bound."""

    check: str
    right: bool
    name: str
    value: float


def look(check: Check, right: bool, name: str, seen: Outcome, expected: Outcome) -> Strain | None:
    """A row for each sampler: at the temperature where it fits worst."""
    if seen.kind != "value":
        return None
    if check.name == "drawn_as_often_as_probable":
        parts = [
            CHECKS.strain(counts, CHECKS.softmax(CHECKS.LOGITS, t), CHECKS.RARE / 4)
            for counts, t in zip(seen.value, CHECKS.TEMPERATURES, strict=True)
        ]
    elif check.name == "draws_at_its_temperature":
        parts = [
            _of_texts(a["texts"], b["chances"][f"{t:g}"])
            for a, b, t in zip(seen.value, expected.value, CHECKS.HEAT, strict=True)
        ]
    elif check.name == "what_is_left_keeps_its_odds":
        parts = [
            CHECKS.odds_strain(counts, t)
            for counts, (t, _, _) in zip(seen.value, CHECKS.SURVIVING, strict=True)
        ]
    else:
        return None
    return Strain(check.name, right, name, float(max(parts)))


def _of_texts(texts: list[str], chances: dict[str, float]) -> float:
    """The strain of texts; infinite where none of the rarest is among them."""
    if not CHECKS.reaches_the_tail(texts, chances):
        return math.inf
    return float(CHECKS.strain(*CHECKS.tally(texts, chances), CHECKS.RARE / 4))


def aside(suite: Suite) -> dict[str, Any]:
    """Logits on the greedy paths of the probes' prompts, and the smallest margin of a choice."""
    import torch

    model, tokenizer = suite.fixture("model", ""), suite.fixture("tokenizer", "")
    pools = (CHECKS.STORIES, CHECKS.QUESTIONS, CHECKS.LONGS, CHECKS.BEAMED)
    margins, values = [], []
    with torch.no_grad():
        for prompt in itertools.chain(*pools):
            ids = tokenizer(prompt, return_tensors="pt").input_ids
            for _ in range(14):
                best = model(ids).logits[0, -1].topk(2)
                margins.append(float(best.values[0] - best.values[1]))
                values += best.values.tolist()
                if best.indices[0] == tokenizer.eos_token_id:
                    break
                ids = torch.cat([ids, best.indices[:1][None]], dim=1)
    return {"margin": min(margins), "values": np.array(values)}


def report(suite: Suite, measured: Sequence[Measured]) -> Section:
    """Greed's margins, and the draws."""
    margin = min(m.aside["margin"] for m in measured)
    first = measured[0].aside["values"]
    noise = max(
        float(np.abs(m.aside["values"] - first).max())
        if m.aside["values"].shape == first.shape
        else math.inf
        for m in measured
    )
    lines = [
        "## Tokens\n",
        "On the greedy paths of the probes the best logit leads the second by at least "
        f"{margin:.1e}; between environments a logit moves by at most {noise:.1e}.\n",
        "## Draws\n",
        "The chi-squared statistics as a share of their bounds (above 1 it is turned down; a right "
        "sampler is by any statistic of a check less than once in a million times). Where none of "
        "the rarest texts occurs the share is infinite.\n",
        "| check | draws judged | right answers, at most | nearest wrong sampler | at |",
        "|---|---|---|---|---|",
    ]
    problems = [f"margin {margin:.1e}, noise {noise:.1e}"] if noise * LOGIT_ROOM > margin else []
    rows = [row for m in measured for row in m.rows]
    for name in dict.fromkeys(row.check for row in rows):
        of_check = [row for row in rows if row.check == name]
        right = [row.value for row in of_check if row.right]
        nearest, who = min((row.value, row.name) for row in of_check if not row.right)
        lines.append(
            f"| `{name}` | {len(right)} | {max(right):.2f} | `{who}` | {_shown(nearest)} |"
        )
        if not max(right) < 1 < nearest:
            problems.append(f"{name}: right {max(right):.2f}, {who} {nearest:.2f}")
    return "\n".join(lines) + "\n", problems


def _shown(share: float) -> str:
    return f"{share:.1f}" if share < math.inf else "∞"
