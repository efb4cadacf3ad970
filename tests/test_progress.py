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
from autograder.report.progress import class_progress


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
