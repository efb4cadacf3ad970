"""Promises about words: everything is said in both languages, each in its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.dev.findings import Finding
from autograder.dev.percent import Cell
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Answer, Check
from autograder.language import LANGUAGES, Language, Text

HINT_LEVELS = 3
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# Names such as F1 and ROC are the same in both languages; words are not.
_WORD = re.compile(r"[A-Za-z]*[a-z]{2,}")


def metadata(exercise: Exercise) -> Iterator[Finding]:
    """``exercise.toml``: titles, hints and plausible numbers."""
    where = f"{exercise.slug}/exercise.toml"
    yield from bilingual(exercise.title, f"{where}, title")
    if not exercise.tasks:
        yield Finding("task", where, "There are no tasks. Add one.")
    seen: set[str] = set()
    for task in exercise.tasks:
        place = f"{where}, task {task.name!r}"
        for name in {task.name, *task.defines} & seen:
            yield Finding("task", place, f"{name!r} belongs to two tasks. Rename one.")
        seen |= {task.name, *task.defines}
        if not task.points > 0:
            yield Finding("task", place, "It gives no points. Give it some.")
        if not 1 <= task.difficulty <= 5:
            yield Finding("task", place, f"Difficulty {task.difficulty} is not 1 to 5. Correct it.")
        if not task.minutes > 0:
            yield Finding("task", place, "`minutes` is not positive. Say how long it takes.")
        yield from bilingual(task.title, f"{place}, title")
        for language in LANGUAGES:
            yield from _hints(task.hints[language], language, place)


def _hints(hints: tuple[str, ...], language: Language, place: str) -> Iterator[Finding]:
    if len(hints) != HINT_LEVELS:
        yield Finding(
            "hints", place,
            f"There are {len(hints)} hints in {language!r}. Write {HINT_LEVELS}: "
            "a nudge, the idea, the outline of the answer.",
        )  # fmt: skip
    for level, hint in enumerate(hints, 1):
        yield from _in_language(hint, language, f"{place}, hint {level}")


def claims(exercise: Exercise, checks: list[Check]) -> Iterator[Finding]:
    """``checks.py``: every claim is a sentence in both languages."""
    for check in checks:
        yield from bilingual(check.claim, f"{exercise.slug}/checks.py, check {check.name!r}")


def misconceptions(exercise: Exercise, known: list[Answer]) -> Iterator[Finding]:
    """``wrong.py``: every misconception, and the step after it, in both languages."""
    for answer in known:
        where = f"{exercise.slug}/wrong.py, {answer.name!r}"
        yield from bilingual(answer.text, where)
        if any(answer.step.values()):
            yield from bilingual(answer.step, f"{where}, step")


def prose(exercise: Exercise, cells: tuple[Cell, ...]) -> Iterator[Finding]:
    """``notebook.py``: the Chinese half of a pair is in Chinese."""
    for cell in cells:
        if cell.role == "prose" and not _CHINESE.search(cell.source["zh"]):
            where = f"{exercise.slug}/notebook.py, cell {cell.id!r}"
            yield Finding("language", where, "Its Chinese half has no Chinese. Write it.")


def lessons(exercise: Exercise) -> Iterator[Finding]:
    """The lesson is there in both languages."""
    for language in LANGUAGES:
        path = exercise.lesson(language)
        where = f"lessons/{exercise.slug}/{language}.md"
        if not path.is_file() or not path.read_text("utf-8").strip():
            yield Finding("lesson", where, "The lesson is missing. Write it.")
        elif language == "zh" and not _CHINESE.search(path.read_text("utf-8")):
            yield Finding("language", where, "It has no Chinese. Write it in Chinese.")


def bilingual(text: Text, where: str) -> Iterator[Finding]:
    """Each language is there and is itself; it may quote the other one."""
    for language in LANGUAGES:
        yield from _in_language(text[language], language, where)


def _in_language(text: str, language: Language, where: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding("language", where, f"The text in {language!r} is missing. Write it.")
    elif language == "zh" and not _CHINESE.search(text) and _WORD.search(text):
        yield Finding("language", where, f"{text[:60]!r} is not Chinese. Write it in Chinese.")
    elif language == "en" and len(_CHINESE.findall(text)) > len(_WORD.findall(text)):
        yield Finding("language", where, f"{text[:60]!r} is not English. Write it in English.")
