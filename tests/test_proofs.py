"""What was proven is remembered by the content that it rests on, and by nothing less."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from dev_exercise import at, edit, make

from autograder.dev import verify as verifying
from autograder.dev.build import build
from autograder.dev.verify import verify
from autograder.exercise.slices import slice_of

MODULE = """
from autograder.checks import check, wrong

NEAR = 1e-9


def half(value):
    return value / 2


@check("A", zh="甲", close=NEAR)
def of_first(first, rng):
    return first(half(1))


@check("B", zh="乙", close=NEAR, rests_on=("first",))
def of_second(second):
    return second(2)


@wrong("first", "a", zh="甲", caught_by="of_first")
def wrong_first(value):
    return 1


@wrong("second", "b", zh="乙", caught_by="of_second")
def wrong_second(value):
    return wrong_third(value) + 1


@wrong("third", "c", zh="丙", caught_by="of_second")
def wrong_third(value):
    return 3
"""


def sliced(tmp_path: Path, source: str, *names: str) -> str:
    path = tmp_path / f"{abs(hash(source))}.py"
    path.write_text(source, "utf-8")
    return slice_of(path, 0, frozenset(names))


@pytest.mark.parametrize(
    ("old", "new", "first", "second"),
    [
        ("return 1", "return 7", True, False),
        ("return wrong_third(value) + 1", "return 2", False, True),
        ("return 3", "return 4", False, True),  # a wrong answer to `second` is built on it
        ("return value / 2", "return value / 3", True, True),
        ("NEAR = 1e-9", "NEAR = 1e-3", True, True),
        ("return second(2)", "return second(5)", False, True),
        ("NEAR = 1e-9", "# A remark.\nNEAR = 1e-9", False, False),
    ],
)
def test_a_slice_changes_with_what_the_task_rests_on_only(
    tmp_path: Path, old: str, new: str, first: bool, second: bool
) -> None:
    assert old in MODULE
    changed = MODULE.replace(old, new, 1)
    assert (sliced(tmp_path, MODULE, "first") != sliced(tmp_path, changed, "first")) is first
    assert (sliced(tmp_path, MODULE, "second") != sliced(tmp_path, changed, "second")) is second


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An exercise that was never proven, on a machine that is not CI's."""
    monkeypatch.delenv("CI", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: cache)
    build(make(tmp_path / "root"))
    return tmp_path / "root"


def graded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each time that the notebooks of an exercise are graded."""
    notes: list[str] = []
    real = verifying._graded

    def noted(exercise, *rest):
        notes.append(exercise.slug)
        return real(exercise, *rest)

    monkeypatch.setattr(verifying, "_graded", noted)
    return notes


@pytest.mark.slow
def test_what_did_not_change_is_not_proven_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = graded(monkeypatch)
    assert verify(at(root)) == verify(at(root)) == []
    assert len(notes) == 1
    assert verify(at(root), afresh=True) == []
    monkeypatch.setenv("CI", "true")
    assert verify(at(root)) == []
    assert len(notes) == 3


@pytest.mark.slow
def test_what_was_broken_is_found_though_it_was_proven_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify(at(root)) == []
    lesson = root / "lessons" / at(root).slug / "zh.md"
    whole = lesson.read_text("utf-8")
    lesson.unlink()
    assert verify(at(root)) != []
    lesson.write_text(whole, "utf-8")
    assert verify(at(root)) == []
    edit("wrong.py", "return float(sum(values))", "return sum(values) / len(values)")(root)
    assert "caught" in {finding.rule for finding in verify(at(root))}
    assert "caught" in {finding.rule for finding in verify(at(root))}
