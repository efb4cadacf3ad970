"""What a passed card adds: how far one is, and what is next."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from samples import sample_results

from autograder.exercise import catalog
from autograder.grading.journal import Journal
from autograder.learner import ahead
from autograder.learner.workbook import start
from autograder.report import card


@pytest.fixture(autouse=True)
def fresh_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ahead, "_passed", set())
    monkeypatch.chdir(tmp_path)  # in no workbook


@pytest.mark.slow
def test_in_any_order_it_counts_and_names_one_that_is_left() -> None:
    exercise = catalog.exercise("metrics")
    left = {task.name: task.title for task in exercise.tasks}
    order = list(left)
    random.Random(1).shuffle(order)
    for number, name in enumerate(order, 1):
        del left[name]
        said = ahead.passed(exercise, name)
        if left:
            assert f"{number} of {len(order)} tasks" in said["en"]
            assert any(said["zh"].endswith(f"下一题：{title['zh']}。") for title in left.values())
    assert "touchstone grade" in said["en"]


def test_what_the_workbooks_journal_knows_counts_too(tmp_path: Path) -> None:
    exercise = catalog.exercise("metrics")
    start(tmp_path, "en", exercises=[exercise])
    result = replace(sample_results()[1], exercise="metrics")  # confusion_counts, passed
    with Journal(tmp_path / ".touchstone" / "journal.sqlite") as journal:
        journal.record(result, "a", "b")
    assert ahead.passed(exercise, "recall")["en"].startswith("2 of 14 tasks")


def test_only_a_passed_card_says_it() -> None:
    recall, counts = sample_results()[0].tasks[1], sample_results()[1].tasks[0]
    for show in (card.card_html, card.card_text):
        assert "2 of 14" in show(counts, "en", ahead="2 of 14 tasks passed.")
        assert "hint(" in show(recall, "en", ahead="")
