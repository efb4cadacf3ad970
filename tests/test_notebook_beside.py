"""`lesson`, `status` and `solution` in a real kernel, and left over in what is handed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts import RECALL, grade, task
from test_notebook import Kernel

from autograder.exercise import catalog
from autograder.exercise.syllabus.sections import section
from autograder.language import LANGUAGES, Language

IMPORT = next(
    line
    for line in catalog.exercise("metrics").notebook("en").read_text("utf-8").split('"')
    if line.startswith("from autograder import")
).removesuffix("\\n")
# Where a person would look.
PLACES = {
    "metrics/recall": "Five ratios",
    "metrics/averaged_f1": "Many classes: which average?",
    "metrics/perplexity": "Language models: perplexity",
    "attention/softmax": "A softmax that survives",
    "attention/grouped_query_attention": "What grouped queries save",
    "privacy/federated_average": "Federated averaging",
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("kernel")
    found = Kernel(folder, NBGRADER_EXECUTION="", XDG_DATA_HOME=str(folder / "data"))
    yield found
    found.close()


def shown(kernel: Kernel, source: str, kind: str = "text/plain") -> str:
    (output,) = kernel.run(source)
    assert output["type"] == "display_data", output
    return str(output["data"][kind])


@pytest.mark.parametrize("call", ["check", "hint", "replay", "lesson", "solution"])
def test_a_name_that_is_none_is_told_in_the_notebooks_language(kernel: Kernel, call: str) -> None:
    kernel.fresh(f"from autograder import {call}", language="zh")
    assert "没有任务 'nope'" in shown(kernel, f'{call}("nope")')


@pytest.mark.parametrize("name", PLACES)
def test_a_task_finds_its_part_of_the_lesson(name: str) -> None:
    slug, _, wanted = name.partition("/")
    exercise = catalog.exercise(slug)
    found = section(exercise, exercise.task(wanted))
    assert found.title["en"] == PLACES[name]
    for language in LANGUAGES:
        assert f"### {found.title[language]}" in exercise.lesson(language).read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notebook_begins_with_all_of_them(language: Language) -> None:
    for exercise in catalog.exercises():
        text = exercise.notebook(language).read_text("utf-8")
        (names,) = re.findall(r"from autograder import (.+)\\n", text)
        assert {"check", "hint", "lesson", "solution", "status"} <= {*names.split(", ")}


def test_every_task_has_a_part() -> None:
    for exercise in catalog.exercises():
        for item in exercise.tasks:
            assert section(exercise, item).text["en"], item.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_is_shown_with_its_figures_and_without_links_to_files(
    kernel: Kernel, language: Language
) -> None:
    kernel.fresh(IMPORT, language=language)
    assert "E116" in shown(kernel, 'lesson("recall")')
    drawn = shown(kernel, 'lesson("roc_curve")', "text/markdown")
    assert "data:image/svg+xml;base64," in drawn
    assert "](../" not in drawn
    assert "](figures" not in drawn


def test_a_solution_is_earned_or_given_up(kernel: Kernel) -> None:
    kernel.fresh(IMPORT)
    refused = shown(kernel, 'solution("recall")')
    assert "give_up=True" in refused
    assert "return" not in refused
    kernel.run(RECALL)
    assert "2 / 2" not in shown(kernel, "status()")
    kernel.run('check("recall")')
    assert "def recall" in shown(kernel, 'solution("recall")')
    assert "| ✓ | Recall | `recall` | 2 / 2 |" in shown(kernel, "status()")
    assert "def f1" in shown(kernel, 'solution("f1", give_up=True)')
    assert "def f1" in shown(kernel, 'solution("f1")')


def test_what_is_not_there_is_told_in_a_line(kernel: Kernel) -> None:
    kernel.fresh(IMPORT)
    for call in ('lesson("nothing")', 'solution("nothing")'):
        assert "nothing" in shown(kernel, call, "text/html")
    kernel.run("EXERCISE = None")
    assert "first cell" in shown(kernel, "status()")


@pytest.mark.slow
def test_left_over_in_a_notebook_they_cost_no_points(tmp_path: Path) -> None:
    left = f'{IMPORT}\nlesson("recall"); status(); solution("recall", give_up=True)'
    assert task(grade(tmp_path, left, RECALL)).status == "pass"
