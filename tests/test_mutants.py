"""Mutants are small changes, and what survives is told unless it has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from dev_exercise import at, edit, make

from autograder.dev.build import build
from autograder.dev.mutants import mutants_of
from autograder.dev.survivors import survey

CELL = """
LIMIT = 5

def first(values, *, default=0):
    ### BEGIN SOLUTION
    found = default
    for value in values:
        if value < 3 and value != 1:
            found += value
    return max(found, 1.5)
    ### END SOLUTION
"""


def test_each_kind_of_change_is_made_once_and_only_between_the_markers() -> None:
    found = [(mutant.change, mutant.line) for mutant in mutants_of(CELL)]
    assert len(found) == len(set(found))
    changes = {change for change, _ in found}
    assert {
        "Lt becomes LtE", "NotEq becomes Eq", "And becomes Or", "Add becomes Sub", "3 becomes 4",
        "max becomes min", "the condition is always True", "dropped: found += value",
        "dropped: found = default",
    } <= changes  # fmt: skip
    assert not any("LIMIT" in line or "def first" in line for _, line in found)
    for mutant in mutants_of(CELL):
        compile(mutant.source, "mutant", "exec")


@pytest.mark.slow
def test_a_promise_that_no_probe_looks_at_lets_mutants_live(tmp_path: Path) -> None:
    build(make(tmp_path / "sound"))
    sound = survey(at(tmp_path / "sound"))
    assert sound.total > 5
    blinded = tmp_path / "blind"
    make(blinded)
    edit("checks.py", "return average([])", "return [average([]), 0][1] * 0.0")(blinded)
    build(at(blinded))
    blind = survey(at(blinded))
    known = {(survivor.mutant.line, survivor.mutant.change) for survivor in sound.survivors}
    missed = [s for s in blind.survivors if (s.mutant.line, s.mutant.change) not in known]
    assert ("return 0.0", "0.0 becomes 1.0") in {(s.mutant.line, s.mutant.change) for s in missed}
    (at(blinded).folder / "mutants.toml").write_text(
        f"[[equivalent]]\ntask = 'average'\nline = {missed[0].mutant.line!r}\n"
        f"change = {missed[0].mutant.change!r}\nwhy = 'a test'\n"
    )
    again = survey(at(blinded))
    assert len(again.unexplained) == len(blind.unexplained) - 1
    assert "set aside: a test" in "\n".join(map(str, again.survivors))
