"""Formulas as a terminal can show them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

_CODE_OR_MATHS = re.compile(r"(```.*?```|`[^`\n]+`)|\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")
_GROUP = re.compile(r"\{([^{}]*)\}")
_RELATION = re.compile(r"\s*([=<>≤≥≈∈∪∩·×←⟺≠∣±→∝])\s*")
# What the converter does not know, or sets apart by nothing.
_PLAINER = (
    (re.compile(r"\\ne\b"), r"\\neq "),
    (re.compile(r"\\lt\b"), "<"),
    (re.compile(r"\\\|"), "‖"),
    (re.compile(r"\\([dt]?)frac\s*(\w)\s*(\w)"), r"\\frac{\2}{\3}"),
    (re.compile(r"\\frac\s*(\w)\s*\{"), r"\\frac{\1}{"),
    (re.compile(r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])"), ""),
    (re.compile(r"\\(?:operatorname|mathrm|text|mathcal|mathbb)\s*\{(\w+)\}"), r"\\text{\1}"),
    (re.compile(r"\\(?:underbrace)"), ""),
    (re.compile(r"\\(log|ln|exp|max|min|sin|cos)(?![a-zA-Z])"), r"\\text{\1} "),
    (re.compile(r"\\binom\{([^{}]*)\}\{([^{}]*)\}"), r"C(\1, \2)"),
)


def readable(markdown: str) -> str:
    """Markdown with its formulas in plain characters, for want of anything better."""
    return replaced(markdown, lambda tex, _: _MARKS.sub(r"\\\1", in_characters(tex)))


def replaced(markdown: str, shown: Callable[[str, bool], str]) -> str:
    """Markdown with `shown` of each formula, and of whether it stands alone, in its place."""
    return _CODE_OR_MATHS.sub(
        lambda found: found[1] or shown(found[2] or found[3], found[2] is not None), markdown
    )


def in_characters(tex: str) -> str:
    """A formula on one line: fractions with a slash, what belongs together in parentheses."""
    for pattern, plainer in _PLAINER:
        tex = pattern.sub(plainer, tex)
    shown = _converter().latex_to_text(tex)
    while _GROUP.search(shown):
        shown = _GROUP.sub(_grouped, shown)
    shown = _RELATION.sub(r" \1 ", shown)
    shown = re.sub(r"(?<=[(\[])\s+|\s+(?=[)\],.])", "", shown)
    return " ".join(re.sub(r"\((\([^()]*\))\)", r"\1", shown).split())


def _grouped(match: re.Match[str]) -> str:
    inner = match[1].strip()
    return inner if re.fullmatch(r"[^\W_]*", inner) else f"({inner})"


@cache
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

    known = get_default_latex_context_db()
    known.add_context_category(
        "ours",
        prepend=True,
        macros=[
            MacroTextSpec("frac", simplify_repl=r"{%s}/{%s}"),
            MacroTextSpec("sqrt", simplify_repl=r"√%s{%s}"),
        ],
    )
    return LatexNodes2Text(
        latex_context=known, math_mode="text", keep_braced_groups=True,
        keep_braced_groups_minlen=2, strict_latex_spaces="macros",
    )  # fmt: skip
