"""An exercise of one's own for the tests of the author's tools: made, built, copied, edited."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.dev.new import new
from autograder.exercise.catalog import Exercise, exercise

SLUG = "toy-topic"


def make(root: Path) -> Exercise:
    """Scaffold an exercise under `root`, not built yet."""
    new(SLUG, root)
    return at(root)


def at(root: Path) -> Exercise:
    return exercise(SLUG, root / "autograder" / "course")


def copied(source: Path, root: Path) -> Path:
    """Copy a content root without what Python compiled."""
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit that replaces `old`, which must be there, in a file of the exercise."""

    def apply(root: Path) -> None:
        path = find(root, name)
        text = path.read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    return apply


def append(name: str, text: str) -> Callable[[Path], None]:
    """An edit that adds `text` at the end of a file of the exercise."""

    def apply(root: Path) -> None:
        path = find(root, name)
        path.write_text(path.read_text("utf-8") + text, "utf-8")

    return apply


def find(root: Path, name: str) -> Path:
    """A file by its name in the exercise's folder, else by its path under `root`."""
    inside = root / "autograder" / "course" / SLUG / name
    return inside if inside.exists() else root / name
