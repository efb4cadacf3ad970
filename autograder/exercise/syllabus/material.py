"""What a lesson gives to say and to remember, in both languages: the material of study.

Questions with the minute's answer, the key points to tick and what is asked next; mistakes of the
documents with what is claimed and what is right. Texts are Markdown as the lesson has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError, Exercise
from autograder.exercise.syllabus.lessons import ENTRY, source, title_of
from autograder.exercise.syllabus.sources import numbers
from autograder.language import LANGUAGES, Language, Text

T = TypeVar("T")

_QUESTION = re.compile(r"^### (.+)\n<!-- answers: (\S+) -->\n", re.MULTILINE)
_SECTION = re.compile(r"^## .+\n", re.MULTILINE)
_PART = re.compile(r"^\*\*([^*\n]+)\*\*\n", re.MULTILINE)
_QUOTED = re.compile(r"^> ?(.*)", re.MULTILINE)
_POINT = re.compile(r"^- \[ \] (.+(?:\n  .+)*)", re.MULTILINE)
# English leads in with italics, Chinese with bold.
_FOLLOW_UP = re.compile(r"^- (\*{1,2})(.+?)\1\s*(.+(?:\n  .+)*)", re.MULTILINE)
_HEADING = re.compile(r"^### (.+)\n", re.MULTILINE)
# A block of code is one, whatever blank lines it holds.
_BLOCK = re.compile(r"```.*?^```$|(?:(?!\n\n|```).)+", re.MULTILINE | re.DOTALL)
_PLAIN = re.compile(r"(?!\w+ *=)[a-z]+[\s,.:;'’-]")
_NUMBER = re.compile(r"\d\.\d|\d\d")
# Formulas, code and what stands in parentheses, such as years.
_ASIDE = re.compile(r"\$[^$]*\$|`[^`]*`|[(（][^()（）]*[)）]")
_LINE = re.compile(r"^  - (?:\*[^*]+:\*|[^：]{2,6}：)\s*(.+(?:\n    .+)*)", re.MULTILINE)


@dataclass(frozen=True)
class FollowUp:
    """What is asked next, and a short answer."""

    question: Text
    answer: Text


@dataclass(frozen=True)
class Question:
    """A question of the documents as one lesson answers it.

    Attributes
    ----------
    id
        Of the question in the documents, such as ``S4-Q1``. Two lessons may answer the same one,
        each from its side.
    minute
        What one would say aloud in a minute.
    points
        What a good answer holds: a list to mark oneself by.
    """

    id: str
    slug: str
    title: Text
    minute: Text
    points: tuple[Text, ...]
    follow_ups: tuple[FollowUp, ...]


@dataclass(frozen=True)
class Erratum:
    """A mistake of the documents.

    Attributes
    ----------
    ids
        Its number, and those of the same mistake elsewhere.
    claim, wrong, right, proof, caught
        What is said, why it is wrong, what is right, how one knows, and which task catches it.
    """

    ids: tuple[str, ...]
    slug: str
    title: Text
    claim: Text
    wrong: Text
    right: Text
    proof: Text
    caught: Text


@dataclass(frozen=True)
class Formula:
    """A formula that stands on a line of its own, with a number worked by it.

    Attributes
    ----------
    heading
        Of the part of the lesson in which it stands.
    lead
        The sentences that lead to it.
    tex
        The formula, between double dollars.
    worked
        What is said of it afterwards, with a number.
    figure
        The picture of the same part, as Markdown; empty for none.
    """

    slug: str
    heading: Text
    lead: Text
    tex: Text
    worked: Text
    figure: Text


@dataclass(frozen=True)
class Material:
    """All that one lesson gives to study."""

    slug: str
    questions: tuple[Question, ...]
    errata: tuple[Erratum, ...]
    formulas: tuple[Formula, ...] = ()


def material(exercise: Exercise) -> Material:
    """The material of an exercise's lesson.

    Raises
    ------
    CatalogError
        If the two languages do not hold the same; the message says where.
    """
    paths = tuple(exercise.lesson(language) for language in LANGUAGES)
    return _material(exercise.slug, paths, tuple(_stamp(path) for path in paths))


def materials(course: Path | None = None) -> tuple[Material, ...]:
    """Of the whole course in the folder `course`, by default the one that is in use."""
    return tuple(material(e) for e in catalog.exercises(course or catalog.COURSE))


def sentence(text: str) -> str:
    """`text` with a capital at its beginning, unless its first word is a name such as mBART."""
    return text[:1].upper() + text[1:] if _PLAIN.match(text) else text


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@cache
def _material(slug: str, paths: tuple[Path, ...], stamps: tuple[int, ...]) -> Material:
    texts = {
        language: source(path) if stamp else ""
        for language, path, stamp in zip(LANGUAGES, paths, stamps, strict=True)
    }
    parts = {language: _SECTION.split(text) for language, text in texts.items()}

    def rows(section: int, pattern: re.Pattern[str]) -> Iterable[Mapping[Language, re.Match[str]]]:
        found = {
            language: list(pattern.finditer(cut[section])) if len(cut) > section else []
            for language, cut in parts.items()
        }
        return _paired(found, f"the lesson {slug}, section {section}")

    questions = _questions(slug, {n: cut[3] if len(cut) > 3 else "" for n, cut in parts.items()})
    ideas = {n: cut[2] if len(cut) > 2 else "" for n, cut in parts.items()}
    return Material(
        slug, questions, tuple(_erratum(slug, row) for row in rows(4, ENTRY)),
        _formulas(slug, ideas),
    )  # fmt: skip


def _questions(slug: str, sections: Mapping[Language, str]) -> tuple[Question, ...]:
    cut = {language: _QUESTION.split(text)[1:] for language, text in sections.items()}
    found = {n: list(zip(c[0::3], c[1::3], c[2::3], strict=True)) for n, c in cut.items()}
    return tuple(
        _question(slug, row) for row in _paired(found, f"the lesson {slug}, among its questions")
    )


def _question(slug: str, row: Mapping[Language, tuple[str, str, str]]) -> Question:
    where = f"the lesson {slug}, question {row[LANGUAGES[0]][1]}"
    parts = {language: _PART.split(body)[2::2] for language, (_, _, body) in row.items()}
    if any(len(found) != 3 for found in parts.values()):
        raise CatalogError(
            f"In {where}: its three parts are not all there, or not once.",
            f"课文 {slug} 的 {row[LANGUAGES[0]][1]} 应有三个部分，各一次，现在不全或有重复。",
        )
    points = {n: [m[1] for m in _POINT.finditer(found[1])] for n, found in parts.items()}
    nexts = {n: list(_FOLLOW_UP.finditer(found[2])) for n, found in parts.items()}
    return Question(
        row[LANGUAGES[0]][1],
        slug,
        _text(row, lambda part: part[0].strip()),
        # The quotation alone: a table below it is not said.
        _text(parts, lambda found: "\n".join(_QUOTED.findall(found[0]))),
        tuple(_text(point, str.strip) for point in _paired(points, f"{where}, its points")),
        tuple(
            FollowUp(_text(match, lambda m: m[2]), _text(match, lambda m: m[3].strip()))
            for match in _paired(nexts, f"{where}, what is asked next")
        ),
    )


def _formulas(slug: str, ideas: Mapping[Language, str]) -> tuple[Formula, ...]:
    """Formulas by which the lesson works a number, in both languages in the same paragraph."""
    found = {language: _displayed(text) for language, text in ideas.items()}
    rows = _paired(found, f"the lesson {slug}, among its formulas")
    return tuple(
        Formula(
            slug, _head(row, 0), _head(row, 1), _head(row, 2), worked, _head(row, 3),
        )
        for row in rows
        if (worked := _worked({language: said for language, (_, said) in row.items()}))
    )  # fmt: skip


def _head(row: Mapping[Language, tuple[tuple[str, ...], list[str]]], part: int) -> Text:
    return _text(row, lambda found: found[0][part])


def _worked(said: Mapping[Language, list[str]]) -> Text | None:
    """The first paragraph that holds a number in either language and is whole in itself."""
    for row in zip(*said.values(), strict=False):
        if all(_NUMBER.search(_ASIDE.sub("", text)) and text[-1] not in ":：" for text in row):
            return dict(zip(said, row, strict=True))
    return None


def _displayed(idea: str) -> list[tuple[tuple[str, ...], list[str]]]:
    """Each formula with its heading, what leads to it and a figure; and what is said of it."""
    found: list[tuple[tuple[str, ...], list[str]]] = []
    parts = _HEADING.split(idea)
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        blocks = [block.strip() for block in _BLOCK.findall(body) if block.strip()]
        figure = next((block for block in blocks if block.startswith("![")), "")
        places = [at for at, block in enumerate(blocks) if block.startswith("$$")]
        for at, end in zip(places, [*places, len(blocks)][1:], strict=True):
            lead = blocks[at - 1] if at and _is_said(blocks[at - 1]) else ""
            head = heading.strip(), lead, blocks[at], figure
            found.append((head, [block for block in blocks[at + 1 : end] if _is_said(block)]))
    return found


def _is_said(block: str) -> bool:
    """Whether it is a paragraph that one can read out."""
    return not block.startswith(("```", "$$", "![", "|", "- ", "1. "))


def _erratum(slug: str, row: Mapping[Language, re.Match[str]]) -> Erratum:
    head = row[LANGUAGES[0]][1]
    lines = {language: _LINE.findall(match[2]) for language, match in row.items()}
    if any(len(found) != 5 for found in lines.values()):
        raise CatalogError(f"In the lesson {slug}: {head[:4]} does not have its five lines.")
    said = [_text(lines, lambda found, n=n: found[n].strip()) for n in range(5)]  # type: ignore[misc]
    title = _text(row, lambda match: title_of(match[1]))
    return Erratum(numbers(head), slug, title, *said)


def _paired(found: Mapping[Language, list[T]], where: str) -> list[dict[Language, T]]:
    """What is there in each language, side by side."""
    if len({len(items) for items in found.values()}) > 1:
        counts = ", ".join(f"{len(items)} in {language}" for language, items in found.items())
        raise CatalogError(f"In {where}: the languages differ, {counts}.")
    rows = zip(*found.values(), strict=True)
    return [dict(zip(found, row, strict=True)) for row in rows]


def _text(row: Mapping[Language, T], part: Callable[[T], str]) -> Text:
    return {language: part(item) for language, item in row.items()}
