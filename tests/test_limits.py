"""The limits that are published are those that hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from corpus import forge, reach, take
from dev_exercise import SLUG, make

from autograder.engine import limits, protocol
from autograder.evidence.observations import MAX_BYTES, MAX_LEAVES
from autograder.exercise import catalog
from autograder.models import VARIABLE

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_published_limits_are_those_of_the_code(page: str, tmp_path: Path) -> None:
    exercise = make(tmp_path)
    table = tomllib.loads((exercise.folder / "exercise.toml").read_text("utf-8"))
    assert "limits" not in table, f"{SLUG} is to have the limits that hold by default"
    expected = [
        [exercise.submission_seconds],
        [exercise.cell_seconds],
        [exercise.check_seconds],
        [exercise.submission_seconds + 1],
        [exercise.memory / 2**20],
        [limits.PROCESSES],
        [limits.OPEN_FILES],
        [limits.DISK_BYTES / 2**20],
        [protocol.MAX_TEXT],
        [MAX_BYTES / 2**20, MAX_LEAVES],
    ]
    rows = published((ROOT / page).read_text("utf-8"))
    assert [[float(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", row)] for row in rows] == (
        expected
    )


def test_another_model_has_more_room_where_an_exercise_works_on_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bert, metrics = map(catalog.exercise, ("bert-classifier", "metrics"))
    for name, more in (("tiny", False), ("bert-base-uncased", True)):
        monkeypatch.setenv(VARIABLE, name)
        assert (bert.with_room().memory > bert.memory) is more
        assert (bert.with_room().check_seconds > bert.check_seconds) is more
        assert (limits.disk_bytes() > limits.DISK_BYTES) is more
        assert metrics.with_room() == metrics


def published(text: str) -> list[str]:
    """The right column of the table of limits."""
    section = re.split(r"^### .*(?:walls hold|沙箱挡得住)", text, flags=re.MULTILINE)[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [line.split("|")[2] for line in lines[2:12]]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_size_of_the_corpus_is_the_one_told(page: str) -> None:
    told = re.search(r"`tests/corpus/`\D*(\d+)", (ROOT / page).read_text("utf-8"))
    assert told is not None
    cases = [*reach.CASES, *take.CASES, *forge.CASES]
    assert int(told[1]) <= len(cases) < int(told[1]) + 10


def test_every_exercise_of_ours_keeps_to_the_memory_told() -> None:
    assert {found.memory for found in catalog.exercises()} == {2048 * 2**20}
