"""Notebooks as plain JSON, so that whatever a tool wrote into one survives us.

`nbformat` is not used on purpose: it repairs as it reads (new random ids, say), and here a cell
must keep exactly what it had.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from autograder import _parsing
from autograder._errors import BilingualError
from autograder._files import decoded

Cell: TypeAlias = dict[str, Any]

_DEFINITION = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)


class Unreadable(BilingualError):
    """Not a notebook that can be understood; the message says why."""


@dataclass(frozen=True)
class Notebook:
    """A notebook of nbformat 4: its cells and everything else that the file holds."""

    cells: tuple[Cell, ...]
    rest: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        return _mapping(self.rest.get("metadata"))

    @property
    def origin(self) -> Mapping[str, Any]:
        """What the build wrote about it: ``exercise``, ``language`` and ``edition``."""
        return _mapping(self.metadata.get("touchstone"))


def parse(data: bytes) -> Notebook:
    """Read a notebook.

    Raises
    ------
    Unreadable
        If `data` is no notebook of nbformat 4.
    """
    try:
        content = json.loads(decoded(data))
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text", "它不是 UTF-8 文本") from None
    except (ValueError, RecursionError):
        raise Unreadable("it is not valid JSON", "它不是合法的 JSON") from None
    if not isinstance(content, dict) or content.get("nbformat") != 4:
        raise Unreadable("it is not a notebook of nbformat 4", "它不是 nbformat 4 的 notebook")
    cells = content.pop("cells", None)
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise Unreadable("its cells are malformed", "其中的单元格格式不对")
    return Notebook(tuple(cells), content)


def dump(notebook: Notebook) -> bytes:
    """The file for `notebook`, in the form that `nbformat` writes."""
    content = {**notebook.rest, "cells": list(notebook.cells)}
    try:
        return _json(content, ascii_only=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
        return _json(content, ascii_only=True).encode()


def source(cell: Cell) -> str:
    """The text of a cell, whatever the line ends of the file."""
    text = cell["source"]
    joined = text if isinstance(text, str) else "".join(text)
    return joined.replace("\r\n", "\n")


def text(cell: Cell) -> str:
    """The text of a cell without the white space around it: what is compared."""
    return source(cell).strip()


def metadata(cell: Cell, key: str) -> Mapping[str, Any]:
    """The entry `key` of a cell's metadata, empty where there is none."""
    return _mapping(_mapping(cell.get("metadata")).get(key))


def cell_id(cell: Cell) -> str:
    """The id of a cell, empty where it has none."""
    value = cell.get("id")
    return value if isinstance(value, str) else ""


def grade_id(cell: Cell) -> str:
    """Nbgrader's name of a cell, empty where it has none."""
    value = metadata(cell, "nbgrader").get("grade_id")
    return value if isinstance(value, str) else ""


def is_solution(cell: Cell) -> bool:
    """Whether the learner's answer belongs into this cell."""
    return metadata(cell, "nbgrader").get("solution") is True


def is_check(cell: Cell) -> bool:
    """Whether the cell checks a task; its id is then ``<task>-check``."""
    return metadata(cell, "nbgrader").get("grade") is True


def is_locked(cell: Cell) -> bool:
    """Whether the cell is the course's own: prose or a check."""
    return bool(metadata(cell, "nbgrader")) and not is_solution(cell)


def is_own_stub(cell: Cell) -> bool:
    """Whether the cell still holds the stub that the build recorded in it."""
    recorded = metadata(cell, "touchstone").get("stub")
    if not isinstance(recorded, str) or len(recorded) < 8:
        return False
    digest = hashlib.sha256(source(cell).encode("utf-8", "surrogatepass")).hexdigest()
    return digest.startswith(recorded)


def defined_names(cell: Cell) -> frozenset[str]:
    """Functions and classes that a code cell defines at its top level.

    A cell that is not plain Python, for a magic or an unfinished line, is searched for lines
    that begin a definition.
    """
    if cell["cell_type"] != "code":
        return frozenset()
    try:
        body = _parse_python(source(cell)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(_DEFINITION.findall(source(cell)))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in body if isinstance(node, kinds))


def is_python(code: str) -> bool:
    """Whether `code` is plain Python, without magics."""
    try:
        _parse_python(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _parse_python(code: str) -> ast.Module:
    with warnings.catch_warnings():  # about the learner's escapes, say: not ours to print
        warnings.simplefilter("ignore")
        return _parsing.parse(code)


def _is_cell(cell: object) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    value = cell.get("source")
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(line, str) for line in value)
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _json(content: Mapping[str, Any], *, ascii_only: bool) -> str:
    return json.dumps(content, ensure_ascii=ascii_only, indent=1, sort_keys=True) + "\n"
