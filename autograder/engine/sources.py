"""What the source of a cell says, found out without running it."""

from __future__ import annotations

import ast
import re

from autograder._parsing import parse

_WORD = r"""\(?\s*["'](?P<{}>[\w-]*)["']\s*"""
_BOTH = re.compile(
    r"^\(?EXERCISE\s*,\s*LANGUAGE\s*\)?\s*=\s*"
    + _WORD.format("exercise") + "," + _WORD.format("language"), re.MULTILINE,
)  # fmt: skip
_EXERCISE = re.compile(r"^EXERCISE\s*=\s*" + _WORD.format("exercise"), re.MULTILINE)
_LANGUAGE = re.compile(r"^LANGUAGE\s*=\s*" + _WORD.format("language"), re.MULTILINE)


def setup_variables(source: str) -> tuple[str, str] | None:
    """Return the values of ``EXERCISE, LANGUAGE = "metrics", "en"`` if `source` sets them.

    In one line or in two; read as text, since a magic makes of a cell what is no Python.
    """
    if "EXERCISE" not in source:
        return None
    both = _BOTH.search(source)
    if both:
        return both["exercise"], both["language"]
    one = _EXERCISE.search(source)
    if one is None:
        return None
    language = _LANGUAGE.search(source)
    return one["exercise"], language["language"] if language else ""


def defined_names(source: str) -> frozenset[str]:
    """Names that a cell's source would define at its top level, even if it does not parse."""
    try:
        body = parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(re.findall(r"^(?:def |class )?[ ]*(\w+)[ ]*(?:\(|:|=(?!=))", source, re.M))
    names: set[str] = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names.update(
                part.id
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            )
    return frozenset(names)
