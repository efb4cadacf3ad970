"""An exercise that breaks a promise is caught, and the finding says where and what to do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dev_exercise import SLUG, append, at, copied, edit, find, make

from autograder.dev.build import build
from autograder.dev.verify import verify
from autograder.engine import walls
from autograder.exercise import catalog

Break = Callable[[Path], None]
EN, ZH = f"exercises/en/{SLUG}.ipynb", f"exercises/zh/{SLUG}.ipynb"
SOLVED = f"solutions/en/{SLUG}.ipynb"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an exercise that is built and keeps every promise; not to be changed."""
    root = tmp_path_factory.mktemp("sound")
    build(make(root))
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to break."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return copied(sound, tmp_path / "root")


def notebook(name: str, change: Callable[[Any], object]) -> Break:
    """A break of a generated notebook on disk."""

    def apply(root: Path) -> None:
        path = find(root, name)
        content = json.loads(path.read_text("utf-8"))
        change(content)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")

    return apply


def cell(content: Any, id: str) -> Any:
    return next(cell for cell in content["cells"] if cell["id"] == id)


def remove(name: str) -> Break:
    return lambda root: find(root, name).unlink()


def all_of(*breaks: Break) -> Break:
    def apply(root: Path) -> None:
        for one in breaks:
            one(root)

    return apply


LEAK = "    return total / len(values)"
ANOTHER_SUM = """

@wrong("average", "Adds everything up.", zh="把所有数加起来。", caught_by="shares_the_total")
def adds_up(values):
    return float(sum(values))
"""
ONE_FOR_NOTHING = """

@wrong("average", "Says one of nothing.", zh="空列表返回一。",
       caught_by="nothing_averages_to_zero")
def says_one(values):
    return sum(values) / len(values) if values else 1.0
"""
SECOND_TASK = """
[[tasks]]
name = "spread"
points = 1
difficulty = 1
minutes = 1
title = { en = "Spread", zh = "离散" }
hints = { en = ["a", "b", "c"], zh = ["甲", "乙", "丙"] }
"""
SECOND_ANSWER = """
# %% id="spread"
def spread(values):
    ### BEGIN SOLUTION
    return max(values) - min(values)
    ### END SOLUTION

# %% id="spread-check"
check("spread")
"""
LATER_NAME = """

@check("The average lies within the spread.", zh="平均值落在极差之内。", close=0.0)
def lies_within(average, spread):
    return average([1.0, 3.0]) <= spread([0.0, 3.0])


@check("The spread is three.", zh="极差为三。", close=0.0)
def is_three(spread):
    return spread([0.0, 3.0])
"""
OPEN_ANSWER = """
# %% id="helper"
def helper():
    ### BEGIN SOLUTION
    return 1
    ### END SOLUTION
"""
CHECK = f"{SLUG}/checks.py, check "

# What is broken: the break, the rule that must find it, and where it must point.
BREAKS: dict[str, tuple[Break, str, str]] = {
    "a probe that returns a constant": (
        edit("checks.py", "return average([])", "return 0.0"),
        "vacuous", CHECK + "'nothing_averages_to_zero'",
    ),
    "a probe that ignores what it gets": (
        edit("checks.py", "return average([])", "average([])\n    return 0.0"),
        "vacuous", CHECK + "'nothing_averages_to_zero'",
    ),
    "a probe that returns nothing": (
        edit("checks.py", "return average([])", "average([])"),
        "reference", f"{SLUG}/reference.py, check 'nothing_averages_to_zero'",
    ),
    "a check that nothing fails": (
        append("checks.py", '\n\n@check("It returns.", zh="有返回值。", close=0.0)\n'
               "def returns_a_number(average):\n    return average([1.0, 3.0]) * 0\n"),
        "vacuous", CHECK + "'returns_a_number'",
    ),
    "a check of nobody's name": (
        edit("checks.py", "def nothing_averages_to_zero(average):\n    return average",
             "def nothing_averages_to_zero(mean):\n    return mean"),
        "check", CHECK + "'nothing_averages_to_zero'",
    ),
    "a task that nothing checks": (
        all_of(append("exercise.toml", SECOND_TASK),
               append("reference.py", "\n\ndef spread(values): ...\n"),
               append("notebook.py", '\n\n# %% id="spread-check"\ncheck("spread")\n')),
        "check", f"{SLUG}/checks.py, task 'spread'",
    ),
    "a task without a check cell": (
        append("exercise.toml", SECOND_TASK), "source", f"{SLUG}/notebook.py",
    ),
    "a check of a name that is defined below it": (
        all_of(append("exercise.toml", SECOND_TASK), append("notebook.py", SECOND_ANSWER),
               append("reference.py", "\n\ndef spread(values):\n    return 3.0\n"),
               append("checks.py", LATER_NAME)),
        "order", CHECK + "'lies_within'",
    ),
    "a reference that takes another argument than the notebook": (
        edit("reference.py", "def average(values):", "def average(values, weights=None):"),
        "parameters", f"{SLUG}/reference.py, 'average'",
    ),
    "a claim without Chinese": (
        edit("checks.py", 'zh="空列表的平均值为零。"', 'zh=""'),
        "language", CHECK + "'nothing_averages_to_zero'",
    ),
    "a claim whose Chinese is English": (
        edit("checks.py", 'zh="空列表的平均值为零。"', 'zh="It is zero."'),
        "language", CHECK + "'nothing_averages_to_zero'",
    ),
    "a claim whose English is Chinese": (
        edit("checks.py", '"The average of nothing is zero."', '"空列表的平均值为零。"'),
        "language", CHECK + "'nothing_averages_to_zero'",
    ),
    "a misconception without Chinese": (
        edit("wrong.py", 'zh="把中位数当成平均值。"', 'zh=""'),
        "language", f"{SLUG}/wrong.py, 'takes_the_median'",
    ),
    "a step in one language": (
        edit("wrong.py", 'step_zh="再除以数的个数。"', 'step_zh=""'),
        "language", f"{SLUG}/wrong.py, 'takes_the_sum', step",
    ),
    "a misconception taken for another": (
        append("wrong.py", ANOTHER_SUM), "diagnosis", f"{SLUG}/wrong.py, 'adds_up'",
    ),
    "a wrong answer that is right": (
        edit("wrong.py", "return float(sum(values))",
             "return sum(values) / len(values) if len(values) else 0.0"),
        "caught", f"{SLUG}/wrong.py, 'takes_the_sum'",
    ),
    "a wrong answer that another check catches": (
        edit("wrong.py", 'caught_by="shares_the_total"', 'caught_by="nothing_averages_to_zero"'),
        "caught", f"{SLUG}/wrong.py, 'takes_the_sum'",
    ),
    "a wrong answer for an unknown check": (
        edit("wrong.py", 'caught_by="shares_the_total"', 'caught_by="shares_it"'),
        "answer", f"{SLUG}/wrong.py, 'takes_the_sum'",
    ),
    "a wrong answer for an unknown name": (
        edit("wrong.py", '@wrong("average"', '@wrong("mean"'),
        "answer", f"{SLUG}/wrong.py, 'takes_the_sum'",
    ),
    "a right answer that fails": (
        edit("right.py", "np.mean(values)", "np.sum(values)"),
        "right", f"{SLUG}/right.py, 'with_numpy'",
    ),
    "a right answer that crashes": (
        edit("right.py", "sum(values) / max(len(values), 1)", "sum(values) / len(values)"),
        "right", f"{SLUG}/right.py, 'with_builtins'",
    ),
    "a tolerance that reaches a misconception": (
        all_of(append("wrong.py", ONE_FOR_NOTHING),
               edit("checks.py", "close=0.0", "close=0.6")),
        "tolerance", CHECK + "'nothing_averages_to_zero'",
    ),
    "a reference that fails": (
        edit("reference.py", " if len(values) else 0.0", ""),
        "reference", f"{SLUG}/reference.py, check 'nothing_averages_to_zero'",
    ),
    "a reference without a name": (
        edit("reference.py", "def average", "def mean"), "loads", f"{SLUG}/reference.py",
    ),
    "a file that does not load": (
        append("right.py", "\nimport no_such_module\n"), "loads", f"{SLUG}/right.py, line ",
    ),
    "a file that is missing": (remove("wrong.py"), "loads", f"{SLUG}/wrong.py"),
    "a stub that passes": (
        all_of(edit("notebook.py", "    ### BEGIN SOLUTION\n", ""),
               edit("notebook.py", "    ### END SOLUTION\n", ""),
               append("notebook.py", OPEN_ANSWER)),
        "stub", f"{SLUG}/notebook.py (zh), task 'average', check 'shares_the_total'",
    ),
    "a stub that fails": (
        edit("notebook.py", "    ### BEGIN SOLUTION\n", "    return 0.5\n    ### BEGIN SOLUTION\n"),
        "stub", f"{SLUG}/notebook.py (en), task 'average', check 'shares_the_total'",
    ),
    "a solution that is wrong": (
        edit("notebook.py", "return total / len(values)", "return total"),
        "solution", f"{SLUG}/notebook.py (en), task 'average', check 'shares_the_total'",
    ),
    "a solution that stops": (
        append("notebook.py", '\n\n# %% id="picture"\n1 / 0\n'),
        "solution", f"{SLUG}/notebook.py (en), cell 'picture'",
    ),
    "two hints for three": (
        edit("exercise.toml", '  "平均值由哪两个量决定？",\n', ""),
        "hints", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "a hint that is code": (
        edit("exercise.toml", "Which two quantities does a mean relate?",
             "return total / len(values)"),
        "leak", f"{SLUG}/exercise.toml, task 'average', hint 1",
    ),
    "a hint in the other language": (
        edit("exercise.toml", "平均值由哪两个量决定？", "What decides it?"),
        "language", f"{SLUG}/exercise.toml, task 'average', hint 1",
    ),
    "a task without points": (
        edit("exercise.toml", "points = 2", "points = 0"),
        "task", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "a missing lesson": (
        remove(f"lessons/{SLUG}/zh.md"), "lesson", f"lessons/{SLUG}/zh.md",
    ),
    "prose without its Chinese half": (
        edit("notebook.py", '# %% [markdown] id="opening" lang="zh"',
             '# %% [markdown] id="other" lang="zh"'),
        "source", f"{SLUG}/notebook.py, cell 'opening'",
    ),
    "a Chinese half in English": (
        edit("notebook.py", "# # 我的练习\n#\n# 说说为什么值得动手，用真实数据和一张图来引入。",
             "# # My exercise"),
        "language", f"{SLUG}/notebook.py, cell 'opening'",
    ),
    "a comment in one language": (
        edit("notebook.py", "    # zh: 注意空列表。\n", ""),
        "source", f"{SLUG}/notebook.py, cell 'average'",
    ),
    "an id twice": (
        append("notebook.py", '\n\n# %% id="average"\nprint(1)\n'),
        "source", f"{SLUG}/notebook.py, cell 'average'",
    ),
    "a cell without an id": (
        append("notebook.py", "\n\n# %%\nprint(1)\n"), "source", f"{SLUG}/notebook.py, cell 8",
    ),
    "a solution without its end": (
        edit("notebook.py", "    ### END SOLUTION\n", ""),
        "source", f"{SLUG}/notebook.py, cell 'average'",
    ),
    "a check of an unknown task": (
        edit("notebook.py", 'check("average")', 'check("mean")'),
        "source", f"{SLUG}/notebook.py, cell 'average-check'",
    ),
    "another exercise's set-up": (
        edit("notebook.py", f'= "{SLUG}", "en"', '= "metrics", "en"'),
        "source", f"{SLUG}/notebook.py, cell 'setup'",
    ),
    "a stale notebook": (
        edit("notebook.py", "as a float.", "as a number."), "stale", EN,
    ),
    "a stale solution": (
        edit("notebook.py", "# en: Mind the empty", "# en: Mind an empty"), "stale", SOLVED,
    ),
    "a missing notebook": (remove(ZH), "stale", ZH),
    "a notebook that is none": (
        lambda root: find(root, ZH).write_text("{}") and None, "stale", ZH,
    ),
    "a solution's line in a notebook": (
        notebook(EN, lambda nb: cell(nb, "average")["source"].append("\n" + LEAK)),
        "leak", f"{EN}, cell 'average'",
    ),
    "a solution's line in metadata": (
        notebook(EN, lambda nb: cell(nb, "average")["metadata"]["touchstone"].update(was=LEAK)),
        "leak", f"{EN}, cell 'average'",
    ),
    "an output in a notebook": (
        notebook(ZH, lambda nb: cell(nb, "setup").update(execution_count=1)),
        "leak", f"{ZH}, cell 'setup'",
    ),
    "a cell in one language": (
        notebook(ZH, lambda nb: nb["cells"].pop(0)), "languages", ZH,
    ),
    "a check cell worth nothing to nbgrader": (
        notebook(EN, lambda nb: cell(nb, "average-check")["metadata"]["nbgrader"].pop("points")),
        "nbgrader", EN,
    ),
    "other points than the exercise's": (
        notebook(EN, lambda nb: cell(nb, "average-check")["metadata"]["nbgrader"].update(points=9)),
        "nbgrader", EN,
    ),
    "an error among the outputs": (
        notebook(SOLVED, lambda nb: cell(nb, "average-check").update(outputs=[{
            "output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": []}])),
        "stale", SOLVED,
    ),
    "emphasis that does not close beside Chinese": (
        edit(f"lessons/{SLUG}/zh.md", "先推导", "**先推导。**再"),
        "emphasis", f"lessons/{SLUG}/zh.md, line 17",
    ),
    "a mark left behind in a notebook": (
        edit("notebook.py", "说说为什么值得动手", "有 *K** 个理由"),
        "emphasis", f"{SLUG}/notebook.py, cell 'opening' (zh), line 3",
    ),
    "a mark left behind in a claim": (
        edit("checks.py", 'zh="空列表的平均值为零。"', 'zh="**空列表**的平均值*为零。"'),
        "emphasis", CHECK + "'nothing_averages_to_zero' (zh)",
    ),
    "a mark left behind in a step": (
        edit("wrong.py", 'step_zh="再除以数的个数。"', 'step_zh="再除以_数的个数。"'),
        "emphasis", f"{SLUG}/wrong.py, 'takes_the_sum' (zh), step",
    ),
    "a line broken inside Chinese": (
        edit(f"lessons/{SLUG}/zh.md", "先推导，", "先推导，\n"),
        "break", f"lessons/{SLUG}/zh.md, line 17",
    ),
    "a task that answers nothing": (
        edit("exercise.toml", 'questions = ["S3-Q1"]', "questions = []"),
        "home", f"{SLUG}/exercise.toml, task 'average'",
    ),
    "a link to a lesson that does not exist": (
        edit(f"lessons/{SLUG}/en.md", "Derive it.", "See [this](../medians/en.md)."),
        "pointer", f"lessons/{SLUG}/en.md, line 17",
    ),
    "a task about a part that the lesson has not": (
        edit("exercise.toml", "minutes = ", 'section = "medians"\nminutes = '),
        "pointer", f"{SLUG}/exercise.toml, task 'average'",
    ),
}  # fmt: skip


@pytest.mark.slow
def test_a_sound_exercise_has_no_findings(root: Path) -> None:
    assert [str(finding) for finding in verify(at(root))] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_is_caught(name: str, root: Path) -> None:
    apply, rule, where = BREAKS[name]
    apply(root)
    findings = verify(at(root))
    shown = "\n".join(map(str, findings))
    assert any(f.rule == rule and f.where.startswith(where) for f in findings), shown
    for finding in findings:
        assert re.search(r"[.!?)] [A-Z]", finding.message), f"no remedy in: {finding}"


@pytest.mark.slow
def test_what_is_proven_does_not_hide_what_points_nowhere(root: Path) -> None:
    """A proof is of the exercise alone; a table or another lesson may change beside it."""
    link = f"See [this](../other/en.md) and the lesson on [itself](../{SLUG}/en.md)."
    edit(f"lessons/{SLUG}/en.md", "Derive it.", link)(root)
    other = root / "lessons" / "other" / "en.md"
    other.parent.mkdir()
    other.write_text("Here.", "utf-8")
    assert verify(at(root)) == []
    other.unlink()
    assert [finding.rule for finding in verify(at(root))] == ["pointer"]


@pytest.mark.slow
@pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")
def test_walls_that_do_not_stand_are_noticed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graded without them, an exercise would seem to work behind them."""
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(catalog, "COURSE", at(root).folder.parent)
    assert [finding.rule for finding in verify(at(root), afresh=True)] == ["walls"]
