"""Each task answers something, and no text points at what is not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dev_exercise import SLUG, at, copied, edit

from autograder.dev.findings import Finding
from autograder.dev.new import new
from autograder.dev.rules.homes import homes
from autograder.dev.rules.pointers import pointers

# What is broken: the break, the rule that must find it, and where it must point.
BREAKS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a task for a question that nobody asks": (
        edit("exercise.toml", 'questions = ["S3-Q1"]', 'questions = ["S3-Q1", "S9-Q1"]'),
        "home", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "a task for a question that the lesson leaves out": (
        edit("exercise.toml", 'questions = ["S3-Q1"]', 'questions = ["S3-Q1", "S3-Q2"]'),
        "home", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "a task for a problem that nobody asks": (
        edit("exercise.toml", "asked = []", 'asked = ["softmin"]'),
        "home", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "an answer without a task": (
        edit(f"lessons/{SLUG}/zh.md", "<!-- answers: S3-Q1 -->",
             "<!-- answers: S3-Q1 -->\n\n### 还有\n<!-- answers: S3-Q2 -->"),
        "home", f"lessons/{SLUG}/zh.md",
    ),
    "an erratum that only one language merges": (
        edit(f"lessons/{SLUG}/zh.md", "**E124 ·", "**E124、E123 ·"),
        "home", f"lessons/{SLUG}/zh.md",
    ),
    "an erratum without a title": (
        edit(f"lessons/{SLUG}/en.md", "**E124 · In a word.**", "**E124**"),
        "home", f"lessons/{SLUG}/en.md",
    ),
    "a lesson without its front matter": (
        edit(f"lessons/{SLUG}/en.md", "minutes: 5", "hours: 1"), "lesson", f"lessons/{SLUG}",
    ),
    "an erratum that does not exist, in a hint": (
        edit("exercise.toml", "Which two quantities", "As E999: which two quantities"),
        "pointer", f"{SLUG}/exercise.toml, line ",
    ),
    "an erratum that does not exist, in a misconception": (
        edit("wrong.py", 'caught_by="shares_the_total"',
             'errata=("E000",), caught_by="shares_the_total"'),
        "pointer", f"{SLUG}/wrong.py, line ",
    ),
    "a question that does not exist, in a cell": (
        edit("notebook.py", "# Say why", "# As in S3-Q99. Say why"),
        "pointer", f"{SLUG}/notebook.py, line ",
    ),
    "a lesson that does not exist, in a cell": (
        edit("notebook.py", "# Say why", "# See the lesson `medians`. Say why"),
        "pointer", f"{SLUG}/notebook.py, line ",
    ),
    "a lesson that does not exist, in Chinese": (
        edit("exercise.toml", "平均值由", "参见 `medians` 那一课。平均值由"),
        "pointer", f"{SLUG}/exercise.toml, line ",
    ),
    "a lesson that does not exist, in a command": (
        edit(f"lessons/{SLUG}/en.md", "Derive it.", "Run `touchstone start medians`."),
        "pointer", f"lessons/{SLUG}/en.md, line ",
    ),
    "a link to the other language": (
        edit(f"lessons/{SLUG}/zh.md", "先推导", f"先看[这一课](../{SLUG}/en.md)，再推导"),
        "pointer", f"lessons/{SLUG}/zh.md, line 17",
    ),
    "a lesson that is pointed at in words": (
        edit(f"lessons/{SLUG}/en.md", "Derive it.", "See the lesson on medians."),
        "pointer", f"lessons/{SLUG}/en.md, line ",
    ),
    "a lesson that is pointed at in Chinese words": (
        edit(f"lessons/{SLUG}/zh.md", "先推导", "先看中位数那一课，再推导"),
        "pointer", f"lessons/{SLUG}/zh.md, line ",
    ),
}  # fmt: skip

# What looks like a break and is none.
FINE: dict[str, Callable[[Path], None]] = {
    "a lesson by its name": edit("notebook.py", "# Say why", f"# As the lesson `{SLUG}` says why"),
    "this lesson": edit(f"lessons/{SLUG}/zh.md", "先推导", "学完这一课，先推导"),
    "a linked lesson": edit(f"lessons/{SLUG}/zh.md", "先推导", f"见[它](../{SLUG}/zh.md)那一课"),
    "an anchor": edit(f"lessons/{SLUG}/en.md", "Derive it.", f"[Above](../{SLUG}/en.md#the-idea)."),
    "an address": edit(f"lessons/{SLUG}/en.md", "Derive it.", "[PyTorch](https://pytorch.org)."),
    "code that looks like a link": edit(f"lessons/{SLUG}/en.md", "Derive it.", "`models[0](x)`"),
    "a linter's rule": edit("wrong.py", "import statistics", "import statistics  # noqa: E741"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    new(SLUG, root)
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    """A scaffolded exercise to break."""
    return copied(sound, tmp_path / "root")


def found(root: Path) -> list[Finding]:
    return [*homes(at(root)), *pointers(at(root))]


def test_what_is_scaffolded_has_a_home(root: Path) -> None:
    assert found(root) == []


@pytest.mark.parametrize("name", BREAKS)
def test_is_caught(name: str, root: Path) -> None:
    apply, rule, where = BREAKS[name]
    apply(root)
    findings = found(root)
    shown = "\n".join(map(str, findings))
    assert any(f.rule == rule and f.where.startswith(where) for f in findings), shown
    for finding in findings:
        assert re.search(r"[.!?)] [A-Z]", finding.message), f"no remedy in: {finding}"


@pytest.mark.parametrize("name", FINE)
def test_is_no_break(name: str, root: Path) -> None:
    FINE[name](root)
    assert found(root) == []
