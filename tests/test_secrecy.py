"""What a secret changes of an exercise is measured by the judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.dev.secrecy import changed_by_a_secret
from autograder.exercise.catalog import exercise

CHECKS = """
from autograder.checks import check, fixture, that

@fixture
def fixed():
    return [1, 2, 3]

@fixture
def drawn(rng):
    return rng.integers(1, 1000, 9).tolist()

@check("Drawn.", zh="抽取。", close=1e-9, weight=3)
def from_the_seed(total, drawn):
    return total(drawn)

@check("Fixed.", zh="固定。", close=1e-9)
def from_a_table(total, fixed):
    return total(fixed)

@check("Same.", zh="相同。", close=1e-9)
def whatever_was_drawn(total, rng):
    values = rng.normal(size=9)
    return total(values) == total(values)

@that("a number", zh="数")
def number(seen):
    return isinstance(seen, (int, float))

@check("Asked.", zh="性质。", expect=number)
def by_a_property(total, drawn):
    return total(drawn)
"""
TOML = """
title = {en = "Toy", zh = "玩具"}
[[tasks]]
name = "total"
title = {en = "Total", zh = "总和"}
points = 6
difficulty = 1
minutes = 1
hints = {en = ["a"], zh = ["a"]}
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "autograder" / "course" / "toy-secrecy"
    folder.mkdir(parents=True)
    files = {"exercise.toml": TOML, "checks.py": CHECKS, "wrong.py": "", "right.py": "",
             "reference.py": "def total(values):\n    return float(sum(values))\n"}  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder.parent


def test_each_check_that_stays_the_same_is_told_with_its_points_and_reason(course: Path) -> None:
    share = changed_by_a_secret(exercise("toy-secrecy", course))
    assert {item.check: (item.points, item.reason) for item in share.unchanged} == {
        "from_a_table": (1.0, "draws nothing"),
        "whatever_was_drawn": (1.0, "comes to the same"),
        "by_a_property": (1.0, "a property"),
    }
    assert share.changed == pytest.approx(0.5)
    assert share.because("draws nothing") == pytest.approx(1 / 6)
