"""What lessons give to study: whole, in both languages, the same in each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError
from autograder.exercise.syllabus import syllabus
from autograder.exercise.syllabus.material import material, materials, sentence
from autograder.language import LANGUAGES


@pytest.mark.parametrize("exercise", catalog.exercises(), ids=lambda e: e.slug)
def test_every_line_of_a_lesson_that_is_to_be_studied_is_read(exercise: catalog.Exercise) -> None:
    found = material(exercise)
    assert found.questions
    for language in LANGUAGES:
        text = exercise.lesson(language).read_text("utf-8")
        assert sum(len(q.points) for q in found.questions) == text.count("\n- [ ] ")
        for question in found.questions:
            assert question.minute[language]
            assert "|---" not in question.minute[language]
            assert question.follow_ups
        lines = re.findall(r"^- \*\*E\d{3}", text, re.MULTILINE)
        assert len(found.errata) == len(lines)
        # A follow-up is any other line of the questions' part that begins with an emphasis.
        part = re.split(r"^## ", text, flags=re.MULTILINE)[3]
        assert sum(len(q.follow_ups) for q in found.questions) == len(re.findall(r"\n- \*", part))
        for erratum in found.errata:
            assert "E0" not in erratum.title[language]
            assert erratum.claim[language] != erratum.right[language]


def test_all_questions_and_errata_are_there() -> None:
    course = syllabus()
    assert {q.id for m in materials() for q in m.questions} == set(course.sources.questions)
    told = {number for m in materials() for e in m.errata for number in e.ids}
    assert told == set(course.sources.errata) - set(course.sources.set_aside)


def test_languages_that_differ_are_told_with_the_place(tmp_path: Path) -> None:
    exercise = catalog.exercise("metrics")
    folder = tmp_path / "lessons" / "metrics"
    folder.mkdir(parents=True)
    for language in LANGUAGES:
        text = exercise.lesson(language).read_text("utf-8")
        if language == "zh":
            text = re.sub(r"^- \[ \] .+\n", "", text, count=1, flags=re.MULTILINE)
        (folder / f"{language}.md").write_text(text, "utf-8")
    course = tmp_path / "autograder" / "course"
    course.mkdir(parents=True)
    (course / "metrics").symlink_to(exercise.folder)
    with pytest.raises(CatalogError, match=r"metrics, question S\d-Q\d+, its points"):
        material(catalog.exercise("metrics", course))


def test_a_sentence_has_a_capital_and_a_name_its_own() -> None:
    assert sentence("recall: the share") == "Recall: the share"
    assert sentence("a loop") == "A loop"
    for name in ("mBART's tokenizer", "q = round(x)", "`read` it", "θ is", ""):
        assert sentence(name) == name
