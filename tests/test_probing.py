"""Running a probe: the same numbers whenever it runs, and nothing left behind."""

from __future__ import annotations

import random
from pathlib import Path

import dev_exercise
import numpy as np

from autograder.engine.probing import run_probe
from autograder.engine.settings import chance_kept, standard
from autograder.exercise.suite import Suite, references

DRAWS = """
import random

from autograder.checks import fixture


@fixture
def drawn():
    return random.random()


@fixture
def seeded(rng, drawn):
    return drawn


@check("Chance is the same each time.", zh="每次的随机数都一样。", close=0.0)
def chance(average, seeded):
    return random.random()
"""


def test_a_first_probe_draws_the_same_numbers_as_a_later_one(tmp_path: Path) -> None:
    """In a notebook the fixtures are made with the first `check`; making them may draw."""
    dev_exercise.make(tmp_path)
    dev_exercise.append("checks.py", DRAWS)(tmp_path)
    found = dev_exercise.at(tmp_path)
    suite, names = Suite(found), references(found)
    random.seed(7)
    state = random.getstate()
    first, second = (run_probe(suite, suite.checks["chance"], names, seconds=5) for _ in range(2))
    assert first.kind == "value", first
    assert first.value == second.value
    assert random.getstate() == state


def test_many_probes_leave_chance_as_one_does() -> None:
    """Half a pair of normal numbers waits in NumPy's generator; it is not lost either."""
    random.seed(7)
    np.random.seed(7)
    np.random.randn()
    expected = random.random(), np.random.randn(3).tolist()
    random.seed(7)
    np.random.seed(7)
    np.random.randn()
    drawn = []
    with chance_kept():
        for _ in range(2):
            with standard(1):
                drawn.append((random.random(), np.random.randn()))
    assert drawn[0] == drawn[1]
    assert (random.random(), np.random.randn(3).tolist()) == expected
