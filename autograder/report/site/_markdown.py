"""Markdown as HTML that needs no script: MathML, highlighted code, tables that scroll."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import escape
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Generic
from pygments.util import ClassNotFound

from autograder.report.maths import mathml

_OUTPUT = "#>"
_READ = {"text", "text_special", "code_inline", "fence", "image", "math_inline", "math_block"}
_LESSON = re.compile(r"^(?:\.\./)?([a-z0-9-]+)/(?:en|zh)\.md")


@cache
def markdown() -> MarkdownIt:
    """The one parser of the site: CommonMark with tables, formulas and boxes to tick."""
    parser = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table")
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    return parser.use(tasklists_plugin, enabled=True, label=True)


def _formula(latex: str, options: Any) -> str:
    return mathml(latex, block=options["display_mode"])


def walk(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens with those inside them."""
    for token in tokens:
        yield token
        yield from token.children or ()


def words(tokens: Sequence[Token]) -> str:
    """What is to be read in `tokens`, without marks, on one line."""
    parts: list[str] = []
    for token in walk(tokens):
        if token.type in _READ:
            parts.append(token.content)
        elif token.type != "inline" and (token.block or token.type.endswith("break")):
            parts.append(" ")
    return " ".join("".join(parts).split())


class _Renderer(RendererHTML):
    """As CommonMark, apart from what pages need."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        token = tokens[idx]
        return _highlighted(token.content, token.info.strip())

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        label = escape(env.get("table", ""))
        return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return "</table></div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        token = tokens[idx]
        to = str(token.attrs.get("href", ""))
        token.attrSet("href", _LESSON.sub(r"\1.html", to))
        if "://" in to:
            token.attrSet("rel", "noopener")
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        token = tokens[idx]
        name = str(token.attrs["src"]).rpartition("/")[2]
        said = escape(words(token.children or []))
        width, height = env["sizes"].get(name, ("", ""))
        return (
            '<span class="figure" tabindex="0">'
            f'<img src="../figures/{env["slug"]}/{escape(name)}" alt="{said}" loading="lazy"'
            f' width="{width}" height="{height}"></span>'
        )


class _Outputs(Filter):  # type: ignore[misc]
    """What a block says that it prints is an output, not a comment."""

    def filter(self, lexer: Any, stream: Any) -> Iterator[Any]:
        for kind, value in stream:
            is_output = kind in Comment and value.startswith(_OUTPUT)
            yield (Generic.Output if is_output else kind), value


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True)


def _highlighted(source: str, name: str) -> str:
    try:
        lexer = get_lexer_by_name(name or "text", stripall=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    if isinstance(lexer, PythonLexer):
        lexer.add_filter(_Outputs())
    shown = highlight(source.rstrip("\n"), lexer, _formatter())
    return f'<div class="code"><pre tabindex="0"><code>{shown}</code></pre></div>\n'
