"""The bar of a class: how many, how fast, with which verdicts, how much longer."""

from __future__ import annotations

import io
import itertools
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from samples import sample_results

from autograder.judging.results import SubmissionResult
from autograder.language import Language
from autograder.report.progress import NotebookBar, class_progress


def results(language: Language) -> list[SubmissionResult | None]:
    """One of each kind that the bar tells apart, and two that had a result before."""
    some = sample_results(language)[0]
    full = replace(some, tasks=tuple(replace(task, status="pass") for task in some.tasks))
    unread = SubmissionResult("x.ipynb", problem={"en": "broken", "zh": "损坏"})
    return [full, some, replace(some, points=0.0), unread, None, None]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["full 1666", "partial 1666", "zero 1666", "unread 1666", "before 3332", "/s"]),
        ("zh", ["满分 1666", "部分 1666", "零分 1666", "无法评 1666", "已评过 3332", "份/秒"]),
    ],
)
def test_every_kind_of_result_is_counted_and_fits_a_terminal(
    language: Language, words: list[str]
) -> None:
    screen = io.StringIO()
    clock = itertools.count(0.0, 0.05)  # each look at it takes as long
    console = Console(file=screen, force_terminal=True, width=80, color_system=None,
                      get_time=lambda: next(clock))  # fmt: skip
    told_of = results(language) * 1666
    with class_progress(10_000, language, console=console) as told:
        for result in told_of:
            told(None, result)
    bar, verdicts = screen.getvalue().splitlines()[-3:-1]
    assert re.search(r"9996/10000 \d+\.\d\D+ 0:00:\d\d", bar), bar
    assert all(word in bar + verdicts for word in words), verdicts
    assert "…" not in bar + verdicts
    assert cell_len(verdicts) <= 80


def test_a_notebook_s_bar_names_the_task_that_is_looked_at() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    with NotebookBar("zh", console=console) as bar:
        assert shown.getvalue()  # before anything heavy is loaded
        bar.begin("mine\x1b[31m.ipynb")
        bar.step(None, 2)
        bar.step({"en": "Recall", "zh": "召回率"}, 2)
        bar._bar.refresh()
    assert "召回率" in shown.getvalue()
    assert "2/2" in shown.getvalue()
    assert "mine\x1b" not in shown.getvalue()


def test_a_notebook_s_bar_is_silent_where_nobody_looks() -> None:
    shown = io.StringIO()
    with NotebookBar("en", console=Console(file=shown)) as bar:
        bar.begin("mine.ipynb")
        bar.step(None, 2)
    assert shown.getvalue() == ""
