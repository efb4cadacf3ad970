"""Short Markdown of the lessons as plain paragraphs, which the terminal breaks by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from autograder.report.maths import line

_FORMULA = re.compile(r"(`[^`\n]*`)|\$([^$\n]+)\$")


def paragraphs(markdown: str) -> list[str]:
    """The text without its marks: no emphasis, no targets of links; code as it is written."""
    formulas: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        formulas.append(line(match[2]))
        return f"\ue000{len(formulas) - 1}\ue001"

    tokens = _parser().parse(_FORMULA.sub(put_aside, markdown))
    shown = ("".join(_words(t.children or [])) for t in tokens if t.type in ("inline", "fence"))
    return [re.sub("\ue000(\\d+)\ue001", lambda m: formulas[int(m[1])], text) for text in shown]


def flat(markdown: str) -> str:
    """The same on one line."""
    return " ".join(paragraphs(markdown))


def _words(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type == "code_inline":
            yield f"`{token.content}`"
        elif token.type in ("softbreak", "hardbreak"):
            yield " "
        else:
            yield token.content


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")
