"""Code that several students of a class have alike, told with a caution.

Compared is what a cell does, token by token: without comments, doc strings and blank lines. Short
cells are left out, since there are few ways to write them, and so is what the notebook itself or
its solution says. Nothing is run and nothing is parsed deeper than into tokens.
"""

from __future__ import annotations

import io
import json
import tokenize
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from autograder.exercise.catalog import CatalogError, exercise
from autograder.judging.results import ClassResult
from autograder.language import LANGUAGES
from autograder.report.overview import best_of

_LEAST = 6
"""Statements; a loop and what is in it are two or more."""
_MOST = 20_000  # characters of one cell: more is no answer
_BLANK = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_SPACE = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@dataclass(frozen=True, slots=True)
class Alike:
    """Students who have cells of one exercise alike, and which cells those are."""

    exercise: str
    students: tuple[str, ...]
    cells: tuple[str, ...]


def equal_code(result: ClassResult) -> tuple[Alike, ...]:
    """Groups of students with equal code, those with most cells alike first."""
    have: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for (student, slug), item in best_of(result.graded).items():
        for cell in item.result.cells:
            code = _normal(cell.source)
            if code and code not in _given(slug):
                have[slug, code].setdefault(student, cell.id)
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (slug, _), cells in have.items():
        if len(cells) > 1:
            groups[slug, tuple(sorted(cells))].append(min(cells.values()))
    found = (Alike(*key, tuple(sorted(cells))) for key, cells in groups.items())
    return tuple(
        sorted(found, key=lambda one: (-len(one.cells), len(one.students), one.exercise, one.cells))
    )


@lru_cache(maxsize=50_000)
def _normal(source: str) -> str:
    """What a cell says, or nothing where it says little or is no Python."""
    if len(source) > _MOST:
        return ""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):  # half a character, for one
        return ""
    tokens = [token for token in tokens if token.type not in _BLANK]
    told: list[str] = []
    docs = {n for n in range(len(tokens)) if _is_doc(tokens, n)}
    for place, token in enumerate(tokens):
        if place not in docs and place - 1 not in docs:
            told.append(tokenize.tok_name[token.type] if token.type in _SPACE else token.string)
    return "\x1f".join(told) if told.count("NEWLINE") >= _LEAST else ""


def _is_doc(tokens: Sequence[tokenize.TokenInfo], place: int) -> bool:
    """Whether a token is a string that is a line by itself."""
    before = tokens[place - 1].type if place else tokenize.NEWLINE
    after = tokens[place + 1].type if place + 1 < len(tokens) else tokenize.STRING
    is_line = before in _SPACE and after == tokenize.NEWLINE
    return tokens[place].type == tokenize.STRING and is_line


@cache
def _given(slug: str) -> frozenset[str]:
    """What the notebook and its solution say, which is nobody's own."""
    found = set()
    for language in LANGUAGES:
        for solved in (False, True):
            try:
                path = exercise(slug).notebook(language, solved=solved)
                cells = json.loads(path.read_text("utf-8"))["cells"]
            except (CatalogError, OSError, ValueError, KeyError):
                continue
            found |= {_normal("".join(cell["source"])) for cell in cells}
    return frozenset(found)
