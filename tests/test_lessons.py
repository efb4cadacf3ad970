"""Lessons keep their form, their code runs, their numbers are computed, their languages agree."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_examples import EvalExample, find_examples

from autograder.exercise import catalog
from autograder.exercise.suite import answers
from autograder.language import LANGUAGES

ROOT = Path(__file__).parent.parent
LESSONS = sorted(ROOT.glob("lessons/*/*.md"))
SLUGS = sorted({path.parent.name for path in LESSONS})
WITH_EXERCISE = [slug for slug in SLUGS if (catalog.COURSE / slug / "exercise.toml").is_file()]
LINE_LENGTH = 100

FRONT_MATTER = {"slug": str, "title": str, "minutes": int, "requires": list, "answers": list}
SECTIONS = {
    "en": (
        "Why they ask",
        "The idea",
        "Questions",
        "Where the documents go wrong",
        "Try it",
        "Sources",
    ),
    "zh": ("为什么会问", "核心思路", "面试题", "原文错在哪里", "动手做", "参考资料"),
}
PARTS = {
    "en": ("**Say it in a minute**", "**Key points**", "**They will ask next**"),
    "zh": ("**一分钟回答**", "**要点**", "**追问**"),
}
VERDICT = {
    "en": ("*Claim:*", "*Wrong because:*", "*Right:*", "*Proof:*", "*Caught by:*"),
    "zh": ("原文说法：", "错在哪里：", "正确：", "证据：", "对应任务："),
}
# A brisk speaker's minute, with some room: English words, Chinese characters.
MINUTE = {"en": 190, "zh": 380}

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ERRATUM = re.compile(r"^- \*\*(E\d{3})\b", re.MULTILINE)
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
IDENTIFIER = re.compile(r"arXiv:\d{4}\.\d{4,5}")


@dataclass(frozen=True)
class Lesson:
    """One lesson in one language, cut where its headings say."""

    path: Path
    meta: dict[str, Any]
    body: str

    @property
    def language(self) -> str:
        return self.path.stem

    @cached_property
    def prose(self) -> str:
        """The text without its code blocks."""
        return FENCE.sub("", self.body)

    @cached_property
    def code(self) -> list[str]:
        return FENCE.findall(self.body)

    @cached_property
    def sections(self) -> dict[str, str]:
        """Text without code under each second-level heading."""
        pieces = re.split(r"^## (.+)$", self.prose, flags=re.MULTILINE)
        return dict(zip(pieces[1::2], pieces[2::2], strict=True))

    def section(self, number: int) -> str:
        return self.sections[SECTIONS[self.language][number]]

    @cached_property
    def questions(self) -> dict[str, str]:
        """Text of each question, by its id."""
        pieces = re.split(r"^### .+\n<!-- answers: (\S+) -->$", self.section(2), flags=re.MULTILINE)
        return dict(zip(pieces[1::2], pieces[2::2], strict=True))

    @property
    def errata(self) -> list[str]:
        return ERRATUM.findall(self.section(3))

    @property
    def catchers(self) -> dict[str, set[str]]:
        """The tasks that are said to catch each erratum: the names in its last line."""
        pieces = ERRATUM.split(self.section(3))
        last = [re.findall(r"^  - .+$", text, re.MULTILINE)[-1] for text in pieces[2::2]]
        names = [set(re.findall(r"`(\w+)`", line)) for line in last]
        return dict(zip(pieces[1::2], names, strict=True))

    @property
    def printed(self) -> list[str]:
        """What the code says that it prints."""
        return [line.strip() for line in self.body.splitlines() if line.strip().startswith("#> ")]

    @property
    def names(self) -> set[str]:
        """Functions in the first column of the table of tasks, and those mentioned beside them."""
        return set(re.findall(r"`(\w+)`", self.section(4)))


@cache
def read(path: Path) -> Lesson:
    _, front, body = path.read_text("utf-8").split("---\n", 2)
    return Lesson(path, yaml.safe_load(front), body)


def both(slug: str) -> tuple[Lesson, Lesson]:
    return read(ROOT / "lessons" / slug / "en.md"), read(ROOT / "lessons" / slug / "zh.md")


def decimals(text: str) -> set[float]:
    return {float(number) for number in DECIMAL.findall(IDENTIFIER.sub("", text))}


each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda p: f"{p.parent.name}-{p.stem}")
each_slug = pytest.mark.parametrize("slug", SLUGS)


def test_there_are_lessons() -> None:
    assert LESSONS


@each_slug
def test_a_lesson_exists_in_both_languages(slug: str) -> None:
    assert {path.stem for path in LESSONS if path.parent.name == slug} == set(LANGUAGES)


@each_lesson
def test_front_matter_is_valid(path: Path) -> None:
    meta = read(path).meta
    assert meta["slug"] == path.parent.name
    assert {key: type(value) for key, value in meta.items()} == FRONT_MATTER
    assert meta["title"]
    assert meta["minutes"] > 0
    assert meta["answers"]
    assert all(re.fullmatch(r"S\d-[QP]\d+", item) for item in meta["answers"])


@each_lesson
def test_sections_stand_in_the_fixed_order(path: Path) -> None:
    lesson = read(path)
    assert tuple(lesson.sections) == SECTIONS[lesson.language]
    assert all(text.strip() for text in lesson.sections.values())


@each_lesson
def test_every_question_is_answered_in_three_parts(path: Path) -> None:
    lesson = read(path)
    assert list(lesson.questions) == lesson.meta["answers"]
    for question, text in lesson.questions.items():
        places = [text.find(part) for part in PARTS[lesson.language]]
        assert -1 not in places, question
        assert places == sorted(places), question
        assert text.count("\n- [ ] ") >= 5, f"{question} has too few key points"
        assert text[places[2] :].count("\n- *") >= 3, f"{question} has too few follow-ups"


@each_lesson
def test_an_answer_fits_into_a_minute(path: Path) -> None:
    lesson = read(path)
    unit = r"[\w'/-]+" if lesson.language == "en" else r"[\u4e00-\u9fff]|[A-Za-z0-9.%-]+"
    for question, text in lesson.questions.items():
        spoken = " ".join(re.findall(r"^> (.+)$", text, flags=re.MULTILINE))
        length = len(re.findall(unit, spoken))
        assert MINUTE[lesson.language] / 3 < length <= MINUTE[lesson.language], question


def _runs_alike(one: Path, other: Path) -> bool:
    """Whether two lessons hold the same code, whatever its comments say, and print the same."""

    def told(path: Path) -> list[tuple[str, list[str]]]:
        return [
            (ast.dump(ast.parse(code)), [line for line in code.splitlines() if "#>" in line])
            for code in read(path).code
        ]

    return told(one) == told(other)


@pytest.mark.slow
@each_lesson
def test_code_runs_and_prints_what_it_says(
    path: Path, eval_example: EvalExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # restored afterwards
    eval_example.set_config(line_length=LINE_LENGTH)
    examples = [example for example in find_examples(path) if example.prefix == "python"]
    assert len(examples) == len(read(path).code)
    if path.stem != "en" and _runs_alike(path, path.with_name("en.md")):
        return
    namespace: dict[str, Any] = {}
    for example in examples:
        failure = ""
        try:
            namespace |= eval_example.run_print_check(example, module_globals=namespace)
        except Exception as error:  # pytest cannot show the traceback that pytest-examples makes up
            failure = f"{type(error).__name__}: {error}"
        if failure:
            pytest.fail(f"{path}, block at line {example.start_line}: {failure}", pytrace=False)


@each_lesson
def test_code_fits_the_page(path: Path) -> None:
    for block in read(path).code:
        assert max(map(len, block.splitlines())) <= LINE_LENGTH


@each_lesson
def test_every_number_is_computed_or_has_a_source(path: Path) -> None:
    """Each decimal fraction in the text stands in executed code or in the list of sources."""
    lesson = read(path)
    told = decimals("\n".join(lesson.section(i) for i in range(5)))
    assert told <= decimals("\n".join(lesson.code) + lesson.section(5))


@each_slug
def test_languages_hold_the_same(slug: str) -> None:
    en, zh = both(slug)
    for key in ("slug", "minutes", "requires", "answers"):
        assert en.meta[key] == zh.meta[key], key
    headings = [re.findall(r"^(#+) ", lesson.prose, flags=re.MULTILINE) for lesson in (en, zh)]
    assert headings[0] == headings[1]
    assert list(en.questions) == list(zh.questions)
    assert en.errata == zh.errata
    assert en.names == zh.names
    assert decimals(en.prose) == decimals(zh.prose)
    for question, text in en.questions.items():
        for mark in ("\n- [ ] ", "\n- *", "\n| "):
            assert text.count(mark) == zh.questions[question].count(mark), question


@each_slug
def test_languages_run_the_same_code(slug: str) -> None:
    en, zh = both(slug)
    trees = [[ast.dump(ast.parse(block)) for block in lesson.code] for lesson in (en, zh)]
    assert trees[0] == trees[1]
    assert en.printed == zh.printed


@each_lesson
def test_every_erratum_has_claim_truth_proof_and_task(path: Path) -> None:
    lesson = read(path)
    assert len(lesson.errata) == len(set(lesson.errata)) > 0
    for item in re.findall(r"^- \*\*E\d{3}.+\n(?:  - .+\n)*", lesson.section(3), re.MULTILINE):
        parts = [line.removeprefix("  - ") for line in item.splitlines()[1:]]
        assert len(parts) == len(VERDICT[lesson.language]), item[:40]
        for part, label in zip(parts, VERDICT[lesson.language], strict=True):
            assert part.startswith(label), item[:40]


@pytest.mark.parametrize("slug", WITH_EXERCISE)
def test_lesson_covers_its_exercise(slug: str) -> None:
    """Whoever has read the lesson has met every question, erratum and task of the exercise."""
    en, _ = both(slug)
    exercise = catalog.exercise(slug)
    assert {question for task in exercise.tasks for question in task.questions} <= set(en.questions)
    assert tuple(en.meta["requires"]) == exercise.requires
    tasks = {task.name for task in exercise.tasks} | set(exercise.task_of)
    assert tasks <= en.names


@pytest.mark.parametrize("slug", WITH_EXERCISE)
def test_every_erratum_is_caught_where_the_lesson_says(slug: str) -> None:
    """The tasks under an erratum are those with a misconception that is this erratum."""
    exercise = catalog.exercise(slug)
    caught: dict[str, set[str]] = {}
    for answer in answers(exercise, "wrong"):
        for erratum in answer.errata:
            caught.setdefault(erratum, set()).add(exercise.task_of[answer.stands_for].name)
    for lesson in both(slug):
        told = {name: catchers for name, catchers in lesson.catchers.items() if catchers}
        assert told == caught, lesson.path
