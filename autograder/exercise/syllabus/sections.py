"""Which part of a lesson a task is about: found by its words, so that nobody keeps a list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.exercise.syllabus.lessons import source
from autograder.exercise.syllabus.material import material
from autograder.language import LANGUAGES, Language, Text

_IDEA = 2  # of the parts between headings of the second level
# Runs of characters: words of one stem in English, and Chinese without cutting it into words.
_RUNS: dict[Language, tuple[str, tuple[int, int]]] = {
    "en": ("char_wb", (3, 5)),
    "zh": ("char", (1, 3)),
}


@dataclass(frozen=True)
class Section:
    """A part of a lesson, as Markdown.

    Attributes
    ----------
    errata
        Numbers of those mistakes of the documents that the task catches.
    """

    slug: str
    title: Text
    text: Text
    errata: tuple[str, ...]


def section(exercise: Exercise, task: Task) -> Section:
    """The part of the lesson that is nearest to the task's title and hints, in both languages.

    Raises
    ------
    CatalogError
        If the lesson is not there, or has no such parts.
    """
    paths = tuple(exercise.lesson(language) for language in LANGUAGES)
    parts = [_parts(path) for path in paths]
    if not parts[0] or len(parts[0]) != len(parts[1]):
        raise CatalogError(f"{paths[0].parent} has no parts to show. Install Touchstone again.")
    near = [
        _nearness(path, language, _words(task, language))
        for path, language in zip(paths, LANGUAGES, strict=True)
    ]
    best = max(range(len(parts[0])), key=lambda n: near[0][n] + near[1][n])
    named = f"`{task.name}`"
    caught = (e.ids for e in material(exercise).errata if named in e.caught[LANGUAGES[0]])
    title, text = (
        {n: part[best][k] for n, part in zip(LANGUAGES, parts, strict=True)} for k in (0, 1)
    )
    return Section(exercise.slug, title, text, tuple(i for ids in caught for i in ids))


def _words(task: Task, language: Language) -> str:
    title = task.title[language]
    return " ".join([title, title, task.name.replace("_", " "), *task.hints[language]])


def _nearness(path: Path, language: Language, words: str) -> list[float]:
    table, known = _table(path, language, path.stat().st_mtime_ns)
    return [float(value) for value in (known @ table.transform([words]).T).toarray()[:, 0]]  # type: ignore[attr-defined]


@cache
def _table(path: Path, language: Language, stamp: int) -> tuple[object, object]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    kind, lengths = _RUNS[language]
    table = TfidfVectorizer(analyzer=kind, ngram_range=lengths, sublinear_tf=True)
    return table, table.fit_transform([f"{title}\n{text}" for title, text in _parts(path)])


def _parts(path: Path) -> list[tuple[str, str]]:
    """Title and text of each part of the idea."""
    text = source(path) if path.is_file() else ""
    cut = re.split(r"^## .+\n", text, flags=re.MULTILINE)
    parts = re.split(r"^### (.+)\n", cut[_IDEA] if len(cut) > _IDEA else "", flags=re.MULTILINE)
    return [
        (title.strip(), body.strip()) for title, body in zip(parts[1::2], parts[2::2], strict=True)
    ]
