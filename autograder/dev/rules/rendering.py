"""Promises about how a text looks once CommonMark has rendered it.

Beside Chinese, emphasis that looks right in the source often does not close: CommonMark wants
white space or punctuation where Chinese has none. A line that is broken between two Chinese
characters shows as a gap.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from autograder.dev.findings import Finding
from autograder.dev.percent import BROKEN, Cell
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Answer, Check
from autograder.language import LANGUAGES

# Set by others than CommonMark, and full of what it would take for its own marks.
_MATH = re.compile(r"\$\$[^`]+?\$\$|\$[^$`\n]+\$")
# A letter of a script with white space between its words, a digit, or another of these marks.
_IN_WORD = r"[^\W\u3400-\u9fff\uf900-\ufaff]"
# What a mark of emphasis leaves behind: not `2 * 3`, and not `snake_case` or `in_place_`.
_STRAY = re.compile(rf"(?<!\s)\*|\*(?!\s)|(?<!{_IN_WORD})_")
_AROUND = 12


@dataclass(frozen=True, slots=True)
class _Line:
    """Words of a text between two breaks of a line, as they are shown; code counts as ``x``."""

    number: int
    shown: str


def rendered(exercise: Exercise, cells: tuple[Cell, ...]) -> Iterator[Finding]:
    """Lessons, notebooks and ``exercise.toml``: no stray mark, no line broken inside Chinese."""
    for language in LANGUAGES:
        path = exercise.lesson(language)
        if path.is_file():
            yield from _text(path.read_text("utf-8"), f"lessons/{exercise.slug}/{language}.md")
        for cell in cells:
            if cell.role == "prose":
                where = f"{exercise.slug}/notebook.py, cell {cell.id!r} ({language})"
                yield from _text(cell.source[language], where)
        where = f"{exercise.slug}/exercise.toml"
        yield from _text(exercise.title[language], f"{where}, title ({language})")
        for task in exercise.tasks:
            place = f"{where}, task {task.name!r}"
            yield from _text(task.title[language], f"{place}, title ({language})")
            for level, hint in enumerate(task.hints[language], 1):
                yield from _text(hint, f"{place}, hint {level} ({language})")


def told(exercise: Exercise, checks: list[Check], known: list[Answer]) -> Iterator[Finding]:
    """The same of claims, and of misconceptions and the steps after them."""
    for language in LANGUAGES:
        for check in checks:
            where = f"{exercise.slug}/checks.py, check {check.name!r} ({language})"
            yield from _text(check.claim[language], where)
        for answer in known:
            where = f"{exercise.slug}/wrong.py, {answer.name!r} ({language})"
            yield from _text(answer.text[language], where)
            yield from _text(answer.step[language], f"{where}, step")


def _text(text: str, where: str) -> Iterator[Finding]:
    for lines in _paragraphs(text):
        for line in lines:
            place = f"{where}, line {line.number}"
            if stray := _STRAY.search(line.shown):
                near = line.shown[max(0, stray.start() - _AROUND) : stray.end() + _AROUND]
                yield Finding(
                    "emphasis", place,
                    f"A mark stays behind, shown as such: {near!r}. Close it beside white space "
                    "or punctuation, or escape it.",
                )  # fmt: skip
        for one, other in itertools.pairwise(lines):
            if BROKEN.fullmatch(one.shown[-1:] + other.shown[:1]):
                yield Finding(
                    "break", f"{where}, line {one.number}",
                    f"The line breaks inside Chinese, after {one.shown[-_AROUND:]!r}, which shows "
                    "as a gap. Join it with the next.",
                )  # fmt: skip


def _paragraphs(text: str) -> Iterator[list[_Line]]:
    """What is shown of each paragraph, heading, item and table cell, line by line."""
    for block in _markdown().parse(_MATH.sub(_blank, text)):
        if block.type != "inline":
            continue
        first = block.map[0] + 1 if block.map else 1
        shown = "".join(map(_shown, block.children or ()))
        yield [_Line(first + i, line.strip()) for i, line in enumerate(shown.split("\n"))]


def _shown(token: Token) -> str:
    if token.type == "text":
        return token.content
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    # An escaped mark is meant; code and formulas are not words.
    return "x" if token.type in ("code_inline", "text_special", "image") else ""


def _blank(match: re.Match[str]) -> str:
    """Something without marks on as many lines."""
    return "x" + "\n" * match[0].count("\n")


@functools.cache
def _markdown() -> MarkdownIt:
    # Texts are joined at the end, escaped marks among them: then nobody could tell them apart.
    return MarkdownIt("commonmark").enable("table").disable("text_join")
