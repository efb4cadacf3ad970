"""Scaffolding: a slug gives a small exercise that works, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from dev_exercise import SLUG, make
from hypothesis import given
from hypothesis import strategies as st

from autograder.dev.new import ScaffoldError, new
from autograder.dev.percent import read_cells
from autograder.exercise.catalog import exercise
from autograder.language import LANGUAGES


def test_writes_what_the_catalogue_finds(tmp_path: Path) -> None:
    paths = new("two-words", tmp_path)
    found = exercise("two-words", tmp_path / "autograder" / "course")
    assert found.title["en"] == "Two words"
    assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert all(found.lesson(language) in paths for language in LANGUAGES)
    assert [cell.id for cell in read_cells(found)][-1] == "average-check"


def test_leaves_no_placeholder(tmp_path: Path) -> None:
    for path in new("two-words", tmp_path):
        assert "my-exercise" not in path.read_text("utf-8").lower()


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "Metrics",
        "two words",
        "two_words",
        "../metrics",
        "-a",
        "a-",
        "a--b",
        "1a",
        "指标",
        "a" * 41,
    ],
)
def test_refuses_a_slug_that_is_none(slug: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="is no slug"):
        new(slug, tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(slug=st.text(max_size=12))
def test_any_text_is_a_slug_or_is_refused(
    slug: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any")
    try:
        paths = new(slug, root)
    except ScaffoldError:
        paths = []
    assert {path.parent.name for path in paths} <= {slug}
    assert all(path.is_relative_to(root) for path in paths)


@pytest.mark.parametrize(
    "there",
    [
        f"autograder/course/{SLUG}/exercise.toml",
        f"lessons/{SLUG}/en.md",
        f"solutions/zh/{SLUG}.ipynb",
    ],
)
def test_never_writes_over_anything(there: str, tmp_path: Path) -> None:
    path = tmp_path / there
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ScaffoldError, match="exists already"):
        make(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path.read_text() == "mine"
