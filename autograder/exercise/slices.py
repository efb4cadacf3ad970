"""The part of an exercise's source that one task rests on.

Checks and answers are declared one by one, so a module is read as its declarations and the rest.
What belongs to other tasks is left out, unless something that stays names it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder._parsing import parse

_DECLARING = ("check", "wrong", "right")


@functools.lru_cache(maxsize=512)
def slice_of(path: Path, changed: int, names: frozenset[str]) -> str:
    """Source of a module, without the checks and answers of names other than `names`.

    Parameters
    ----------
    path
        A module of an exercise, such as ``checks.py``.
    changed
        When it was changed (``st_mtime_ns``): another time, another slice.
    names
        What the task's checks take, and what they rest on.
    """
    statements = _statements(path, changed)
    others = {
        statement.name: statement
        for statement in statements
        if isinstance(statement.node, (ast.FunctionDef, ast.ClassDef))
        and _is_of_others(statement.node, names)
    }
    pending = [statement for statement in statements if statement not in others.values()]
    while pending:
        for name in pending.pop().uses:
            if name in others:
                pending.append(others.pop(name))
    left_out = set(map(id, others.values()))
    return "\n".join(statement.digest for statement in statements if id(statement) not in left_out)


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """A statement of a module: the name that it defines, what it uses, and a hash of its tree."""

    node: ast.stmt
    name: str
    uses: frozenset[str]
    digest: str


@functools.lru_cache(maxsize=128)
def _statements(path: Path, changed: int) -> tuple[_Statement, ...]:
    return tuple(
        _Statement(
            node,
            getattr(node, "name", ""),
            frozenset(_names_in(node)),
            hashlib.sha256(ast.dump(node).encode()).hexdigest(),
        )
        for node in parse(path.read_text("utf-8")).body
    )


def _is_of_others(node: ast.FunctionDef | ast.ClassDef, names: frozenset[str]) -> bool:
    call = _declaration(node)
    if call is None:
        return False
    if isinstance(call.func, ast.Name) and call.func.id == "check":
        return isinstance(node, ast.FunctionDef) and not names & {
            argument.arg for argument in node.args.args
        }
    stands_for = call.args[0] if call.args else None
    return isinstance(stands_for, ast.Constant) and stands_for.value not in names


def _declaration(node: ast.FunctionDef | ast.ClassDef) -> ast.Call | None:
    """The call of ``check``, ``wrong`` or ``right`` that decorates it, if one does."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
            if decorator.func.id in _DECLARING:
                return decorator
    return None


def _names_in(node: ast.AST) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
