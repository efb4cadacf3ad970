"""A lesson, or one part of it, on a terminal."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import ImageItem, Markdown, TableDataElement
from rich.style import Style
from rich.text import Text

from autograder.exercise.syllabus.lessons import ENTRY, body, source
from autograder.exercise.syllabus.sources import numbers
from autograder.report.maths import line

_QUESTION = re.compile(r"^### .+\n<!-- answers: (\S+) -->\n(?:(?!##).*\n)*", re.MULTILINE)
_BOX = "[ ] "


def show_lesson(path: Path, part: str = "", *, paged: bool = False) -> None:
    """Show the lesson at `path`, or only `part` of its text.

    On a terminal the whole of it goes through a pager, and a part if it is to be `paged`;
    elsewhere it is the Markdown itself.
    """
    text = part or source(path)
    if not sys.stdout.isatty():
        print(text)
        return
    console = Console(highlight=False)
    if part and not paged:
        console.print(lesson_view(part, path.parent))
        return
    # `less` shows colours as such only when it is told to.
    os.environ["LESS"] = f"{os.environ.get('LESS', '')} -R".strip()
    with console.pager(styles=True, links=False):
        console.print(lesson_view(part or text, path.parent))


def excerpt(text: str, part: str) -> str:
    """The question or erratum called `part`; empty if `text` has none."""
    for match in ENTRY.finditer(text):
        if part in numbers(match[1]):
            return match[0].rstrip() + "\n"
    for match in _QUESTION.finditer(text):
        if match[1] == part:
            return match[0].rstrip() + "\n"
    return ""


def lesson_view(text: str, folder: Path) -> Markdown:
    """A lesson for a terminal: formulas as lines, a figure as its words and where to find it."""

    class Figure(ImageItem):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            place = folder / self.destination
            link = Style(link=place.as_uri() if place.is_absolute() else None)
            yield Text.assemble("▣ ", self.text, " (", Text(str(place), link), ")", end="")

    class Lesson(Markdown):
        elements: ClassVar = {
            **Markdown.elements, "image": Figure, "td_open": _Cell, "th_open": _Cell
        }  # fmt: skip

    view = Lesson("")
    view.parsed = _tokens(body(text))
    return view


class _Cell(TableDataElement):
    """A cell whose words are broken where they do not fit, as Chinese mostly does; none is cut."""

    def __init__(self, justify: JustifyMethod) -> None:
        super().__init__(justify)
        self.content.overflow = "fold"


def _tokens(text: str) -> list[Token]:
    """What Rich knows how to show."""
    tokens: list[Token] = []
    for token in parser().parse(text):
        if token.type == "math_block":
            said = Token("text", "", 0, content=line(token.content))
            tokens += [
                Token("blockquote_open", "blockquote", 1),
                Token("paragraph_open", "p", 1),
                Token("inline", "", 0, children=[said], content=said.content),
                Token("paragraph_close", "p", -1),
                Token("blockquote_close", "blockquote", -1),
            ]
            continue
        for place, child in enumerate(token.children or ()):
            if child.type == "math_inline":
                child.type, child.content = "text", line(child.content)
            elif place == 0 and child.type == "text" and child.content.startswith(_BOX):
                child.content = "☐ " + child.content.removeprefix(_BOX)
        tokens.append(token)
    return tokens


@cache
def parser() -> MarkdownIt:
    """Of Markdown as lessons have it, with tables and formulas."""
    made = MarkdownIt("commonmark").enable("table")
    return made.use(dollarmath_plugin, allow_space=False, allow_digits=False)
