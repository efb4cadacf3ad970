"""What right and wrong ways of adversarial training come to, for the thresholds of `robustness`.

    uv run python benchmarks/spread/hardened.py

Runs the probe ``withstands_an_attack`` with every right answer and with the ways that spoil what is
learned, over some seeds; writes ``hardened.md``. Exit code 1 if a threshold does not lie between.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from autograder.engine.probing import run_probe
from autograder.exercise import catalog
from autograder.exercise.suite import Suite, answers, load, references

SEEDS = [f"spread-{number}" for number in range(5)]
CHECK, NAME = "withstands_an_attack", "adversarial_training"
SPOILS = ("trains_on_clean", "distils_instead")


def random_signs(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    """Train on random signs as large as the attack: what many call a robust training."""
    right = references(catalog.exercise("robustness"))[NAME]

    def noise(model, x, y):
        return (x + 2 * torch.randn_like(x).sign()).clamp(0, 16)

    return right(model, images, labels, noise, epochs, learning_rate, batch_size)


def main() -> None:
    exercise = catalog.exercise("robustness")
    oracle, bounds = references(exercise), load(exercise, "checks")
    known = {a.name: a.value for a in answers(exercise, "right") if a.stands_for == NAME}
    ways = {"reference": oracle[NAME], **known}
    right = list(ways)
    ways |= {a.name: a.value for a in answers(exercise, "wrong") if a.name in SPOILS}
    ways["random_signs"] = random_signs
    lines = [
        "# What adversarial training comes to\n",
        f"Made by `python benchmarks/spread/hardened.py`: {len(SEEDS)} seeds, one thread, torch "
        f"{torch.__version__}. Accuracy on 360 unseen digits, under 20 steps of PGD and clean; "
        f"asked are {bounds.ROBUST} and {bounds.CLEAN}.\n",
        "| way | | under attack | clean |",
        "|---|---|---|---|",
    ]
    problems = []
    for name, way in ways.items():
        seen = []
        for seed in SEEDS:
            suite = Suite(exercise, seed)
            outcome = run_probe(suite, suite.checks[CHECK], {**oracle, NAME: way}, seconds=120.0)
            seen.append((outcome.value["under attack"], outcome.value["clean"]))
        robust, clean = (
            sorted(float(value) for value in column) for column in zip(*seen, strict=True)
        )
        kind = "right" if name in right else "wrong"
        lines.append(
            f"| `{name}` | {kind} | {robust[0]:.3f} – {robust[-1]:.3f} |"
            f" {clean[0]:.3f} – {clean[-1]:.3f} |"
        )
        holds = robust[0] >= bounds.ROBUST and clean[0] >= bounds.CLEAN
        if holds != (kind == "right") or (kind == "wrong" and robust[-1] >= bounds.ROBUST):
            problems.append(name)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    if problems:
        sys.exit(f"Not well between right and wrong: {', '.join(problems)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
