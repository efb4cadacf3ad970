"""Python source as a syntax tree, one at a time."""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str) -> ast.Module:
    """As `ast.parse`, also where several threads parse.

    CPython 3.11 counts the depth of all of them together, and raises SystemError ("AST constructor
    recursion depth mismatch") for a source that has nothing wrong with it.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source)
