"""Short Markdown of the lessons as plain paragraphs, which the terminal breaks by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from autograder.report.maths import line
from autograder.report.reading import parser


def paragraphs(markdown: str) -> list[str]:
    """The text without its marks: no emphasis, no targets of links; code as it is written."""
    return [
        "".join(_words(token.children or [token]))
        for token in parser().parse(markdown)
        if token.type in ("inline", "fence", "math_block")
    ]


def flat(markdown: str) -> str:
    """The same on one line."""
    return " ".join(paragraphs(markdown))


def _words(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "code_inline":
                yield f"`{token.content}`"
            case "softbreak" | "hardbreak":
                yield " "
            case "math_inline" | "math_block":
                yield line(token.content)
            case _:
                yield token.content
