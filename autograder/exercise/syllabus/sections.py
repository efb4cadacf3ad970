"""Which part of a lesson a task is about: found by its words, so that nobody keeps a list.

Where the words mislead, the task names the part: `section` in ``exercise.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.exercise.syllabus.headings import anchors, headings, parts
from autograder.exercise.syllabus.lessons import source
from autograder.exercise.syllabus.material import material
from autograder.language import LANGUAGES, Language, Text

_IDEA = 2  # of the headings of the second level
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
    anchor
        Its address in the lesson, the same in both languages.
    errata
        Numbers of those mistakes of the documents that the task catches.
    """

    slug: str
    anchor: str
    title: Text
    text: Text
    errata: tuple[str, ...]


def section(exercise: Exercise, task: Task) -> Section:
    """The part of the lesson that the task names, else the nearest to its title and hints.

    Raises
    ------
    CatalogError
        If the lesson is not there, or has no such parts.
    """
    paths = tuple(exercise.lesson(language) for language in LANGUAGES)
    known, names = [_parts(path) for path in paths], addresses(exercise)
    if not known[0] or len(known[0]) != len(known[1]):
        raise CatalogError(f"{paths[0].parent} has no parts to show. Install Touchstone again.")
    best = names.index(task.section) if task.section in names else _nearest(paths, task)
    named = f"`{task.name}`"
    caught = (e.ids for e in material(exercise).errata if named in e.caught[LANGUAGES[0]])
    title, text = (
        {n: part[best][k] for n, part in zip(LANGUAGES, known, strict=True)} for k in (0, 1)
    )
    return Section(exercise.slug, names[best], title, text, tuple(i for ids in caught for i in ids))


def addresses(exercise: Exercise) -> list[str]:
    """Of each part of the idea, its address in the lesson."""
    path = exercise.lesson(LANGUAGES[0])
    text = source(path) if path.is_file() else ""
    known = dict(zip(headings(text), anchors(text), strict=True))
    return [known[head] for head, _ in parts(text, _IDEA)]


def _nearest(paths: tuple[Path, ...], task: Task) -> int:
    near = [
        _nearness(path, language, _words(task, language))
        for path, language in zip(paths, LANGUAGES, strict=True)
    ]
    return max(range(len(near[0])), key=lambda n: near[0][n] + near[1][n])


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
    return [(head.title, said) for head, said in parts(text, _IDEA)]
