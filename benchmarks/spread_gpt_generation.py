"""How far right answers to `gpt-generation` lie apart, and how near the nearest wrong one comes.

``python benchmarks/spread_gpt_generation.py`` measures over 10 seeds, 1 and 2 threads and the
instruction sets of ``ATEN_CPU_CAPABILITY``, and writes ``spread/gpt-generation.md``:

- numbers: the spread of right answers, and the distance of the nearest misconception;
- tokens: whether all environments choose the same, and by what margin of logits they choose;
- draws: the chi-squared statistics as a share of their bound, for right and for wrong samplers.

Exit code 1 if a tolerance is not well between right and wrong.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograder.catalog import exercise
from autograder.checks import Check, Suite, answers, load, references
from autograder.observations import Outcome, leaves
from autograder.probing import run_probe

SLUG = "gpt-generation"
TABLE = Path(__file__).parent / "spread" / f"{SLUG}.md"
SEEDS = [f"spread-{number}" for number in range(10)]
ENVIRONMENTS = list(itertools.product(("1", "2"), ("default", "avx2")))
ROOMY = 3.0  # a tolerance is at least so many times the spread; the nearest mistake lies beyond
SAMPLED = {"next_tokens": "drawn_as_often_as_probable", "write_texts": "draws_at_its_temperature"}
SLOW = {"write_texts_one_by_one"}
LOGIT_ROOM = 10.0  # a choice between tokens is safe where the margin is so many times the spread

Row = dict[str, Any]
FOUND = exercise(SLUG)
CHECKS = load(FOUND, "checks")


TEXT = 1e9  # stands for a name or a text among numbers


def numbers(outcome: Outcome) -> list[float]:
    """The numbers of an observation; none if it is no observation."""
    if outcome.kind != "value":
        return []
    return [float(x) if isinstance(x, (int, float)) else TEXT for x in leaves(outcome.value)]


def apart(a: list[float], b: list[float]) -> float:
    """The greatest difference; infinite where shapes or signs of infinity differ."""
    if len(a) != len(b) or not a:
        return math.inf
    return max(
        0.0 if x == y or (math.isnan(x) and math.isnan(y)) else abs(x - y)
        for x, y in zip(a, b, strict=True)
    )


def run(suite: Suite, check: Check, names: dict[str, Any]) -> Outcome:
    return run_probe(suite, check, names, seconds=60)


def measure() -> dict[str, Any]:
    """Everything, in this environment."""
    suite = Suite(FOUND)
    return {
        "numbers": measure_numbers(),
        "tokens": measure_tokens(suite),
        "draws": measure_draws(),
        "logits": measure_logits(suite),
    }


def measure_numbers() -> dict[str, Row]:
    """Checks with a tolerance above 0: right answers and misconceptions, seed by seed."""
    oracle = references(FOUND)
    rows: dict[str, Row] = {}
    for secret in SEEDS:
        suite = Suite(FOUND, secret)
        for check in suite.checks.values():
            random = {"rng", "torch_rng"} & set(check.arguments)
            if not check.close.absolute or (secret != SEEDS[0] and not random):
                continue
            row = rows.setdefault(
                check.name,
                {"close": check.close.absolute, "spread": 0.0, "nearest": [math.inf, ""],
                 "seen": []},
            )  # fmt: skip
            expected = numbers(run(suite, check, oracle))
            row["seen"].append(expected)
            for part in ("right", "wrong"):
                for answer in answers(FOUND, part):
                    if answer.stands_for not in check.learner:
                        continue
                    seen = numbers(run(suite, check, {**oracle, answer.stands_for: answer.value}))
                    if part == "right":
                        row["spread"] = max(row["spread"], apart(seen, expected))
                    elif answer.caught_by == check.name:
                        row["nearest"] = min(row["nearest"], [apart(seen, expected), answer.name])
    return rows


def measure_tokens(suite: Suite) -> dict[str, str]:
    """Observations that must be equal to the last token, as text to compare."""
    oracle = references(FOUND)
    exact = [c for c in suite.checks.values() if c.expect is None and not c.close.absolute]
    exact = [c for c in exact if "ask" not in c.learner]
    return {c.name: repr(run(suite, c, oracle).value) for c in exact}


def measure_draws() -> dict[str, Row]:
    """Share of the bound that the chi-squared statistics reach."""
    oracle = references(FOUND)
    rows: dict[str, Row] = {}
    for secret in SEEDS:
        suite = Suite(FOUND, secret)
        for name, check in ((n, suite.checks[c]) for n, c in SAMPLED.items()):
            row = rows.setdefault(check.name, {"right": 0.0, "wrong": [math.inf, ""]})
            reference = run(suite, check, oracle).value
            row["right"] = max(row["right"], strain(name, reference, reference))
            for part in ("right", "wrong"):
                for answer in answers(FOUND, part):
                    if answer.stands_for != name or answer.name in SLOW:
                        continue
                    if part == "wrong" and (
                        answer.caught_by != check.name or secret not in SEEDS[:2]
                    ):
                        continue
                    seen = run(suite, check, {**oracle, name: answer.value}).value
                    value = strain(name, seen, reference)
                    if part == "right":
                        row["right"] = max(row["right"], value)
                    else:
                        row["wrong"] = min(row["wrong"], [value, answer.name])
    return rows


def strain(name: str, seen: Any, reference: Any) -> float:
    """The statistic as a share of its bound: at the temperature where it fits worst."""
    if name == "next_tokens":
        parts = [
            CHECKS.strain(counts, CHECKS.softmax(CHECKS.LOGITS, t))
            for counts, t in zip(seen, CHECKS.TEMPERATURES, strict=True)
        ]
    else:
        parts = [
            CHECKS.strain(*CHECKS.tally(a["texts"], b["chances"][f"{t:g}"]))
            for a, b, t in zip(seen, reference, CHECKS.HEAT, strict=True)
        ]
    return float(max(parts))


def measure_logits(suite: Suite) -> Row:
    """Logits on the greedy paths of the probes' prompts, and the smallest margin of a choice."""
    import torch

    model, tokenizer = suite.fixture("model", ""), suite.fixture("tokenizer", "")
    extra = ("从前，", "Lily wanted a", "Lily lost her", CHECKS.LONG)
    margins, values = [], []
    with torch.no_grad():
        for prompt in (*CHECKS.STORIES, *CHECKS.QUESTIONS, *extra):
            ids = tokenizer(prompt, return_tensors="pt").input_ids
            for _ in range(14):
                logits = model(ids).logits[0, -1]
                best = logits.topk(2)
                margins.append(float(best.values[0] - best.values[1]))
                values.append(best.values.tolist())
                if best.indices[0] == tokenizer.eos_token_id:
                    break
                ids = torch.cat([ids, best.indices[:1][None]], dim=1)
    return {"margin": min(margins), "values": values}


def elsewhere(threads: str, capability: str) -> dict[str, Any]:
    """Measure in a process of its own, since torch chooses its kernels once."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": threads, "ATEN_CPU_CAPABILITY": capability,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__, "--measure"], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{threads} threads, {capability}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def between(measured: list[Any]) -> float:
    """The greatest difference between environments of equally shaped numbers."""
    first = np.array(list(_flat(measured[0])))
    return max(float(np.nanmax(_gap(np.array(list(_flat(m))), first))) for m in measured)


def _gap(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, np.abs(a - b))


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield float(value)


def report(measured: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """The tables, and what is wrong with the tolerances."""
    problems: list[str] = []
    lines = [
        "# `gpt-generation`: spread of right answers and the nearest mistakes",
        "",
        f"Written by `benchmarks/{Path(__file__).name}`: {len(SEEDS)} seeds, threads 1 and 2, "
        "`ATEN_CPU_CAPABILITY` default and avx2, on "
        f"{platform.machine()}, Python {platform.python_version()}.",
        "",
        "## Numbers",
        "",
        "| check | spread of right answers | tolerance | nearest mistake | which |",
        "|---|---|---|---|---|",
    ]
    for name in measured[0]["numbers"]:
        rows = [m["numbers"][name] for m in measured]
        spread = max(*(row["spread"] for row in rows), between([row["seen"] for row in rows]))
        nearest, which = min(row["nearest"] for row in rows)
        close = rows[0]["close"]
        far = f"{nearest:.1e} | `{which}`" if which else "other tokens, shape or error |"
        lines.append(f"| `{name}` | {spread:.1e} | {close:.0e} | {far} |")
        if not spread * ROOMY <= close <= nearest / ROOMY:
            problems.append(f"{name}: {spread:.1e} {close:.0e} {nearest:.1e}")
    margin = min(m["logits"]["margin"] for m in measured)
    noise = between([m["logits"]["values"] for m in measured])
    same = [n for n in measured[0]["tokens"] if len({m["tokens"][n] for m in measured}) == 1]
    lines += [
        "", "## Tokens", "",
        f"{len(same)} of {len(measured[0]['tokens'])} checks that ask for equal tokens or text "
        f"saw the very same in all {len(measured)} environments. On the greedy paths of the "
        f"probes the best logit leads the second by at least {margin:.1e}; between environments "
        f"a logit moves by at most {noise:.1e}.",
    ]  # fmt: skip
    if len(same) < len(measured[0]["tokens"]) or noise * LOGIT_ROOM > margin:
        problems.append(f"tokens: margin {margin:.1e}, noise {noise:.1e}")
    lines += [
        "", "## Draws", "",
        "The chi-squared statistics as a share of the bound that a right sampler passes once in a "
        "million times (above 1 it is turned down).", "",
        "| check | right answers, at most | nearest wrong sampler | which |", "|---|---|---|---|",
    ]  # fmt: skip
    for name in measured[0]["draws"]:
        rows = [m["draws"][name] for m in measured]
        worst, (nearest, which) = max(r["right"] for r in rows), min(r["wrong"] for r in rows)
        lines.append(f"| `{name}` | {worst:.2f} | {nearest:.1f} | `{which}` |")
        if not worst < 1 < nearest:
            problems.append(f"{name}: right {worst:.2f}, wrong {nearest:.2f}")
    return "\n".join(lines) + "\n", problems


def main() -> None:
    if "--measure" in sys.argv:
        print(json.dumps(measure()))
        return
    text, problems = report([elsewhere(*environment) for environment in ENVIRONMENTS])
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text, "utf-8")
    print(text)
    if problems:
        sys.exit("Not well between right and wrong:\n" + "\n".join(problems))


if __name__ == "__main__":
    main()
