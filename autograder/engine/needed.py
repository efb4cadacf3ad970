"""Which cells of a notebook have to be run for its grade: those that an answer may rest on.

A notebook holds cells that only show something: a plot, a try at what was just written, a call of
`check`. As they were handed out, and with nothing that rests on what they define, they cannot
change what an answer does, and training a model for its picture takes longer than the rest.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder._parsing import parse
from autograder.engine.cells import Notebook, UnreadableNotebook, read_notebook
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES


def unneeded(notebook: Notebook, exercise: Exercise, wanted: Iterable[str]) -> frozenset[int]:
    """Numbers of the cells that need not be run.

    Parameters
    ----------
    wanted
        Names that the probes ask for.
    """
    uses = [uses_of(cell.source) for cell in notebook.cells]
    handouts = (handout(exercise.notebook(n), exercise.folder.parent) for n in LANGUAGES)
    handed_out = frozenset(cell for handout in handouts if handout for cell in handout.cells)
    idle = {
        number
        for number, cell in enumerate(notebook.cells)
        if cell in handed_out and not uses[number].opaque
    }
    running = [use for number, use in enumerate(uses) if number not in idle]
    names = set(wanted).union(*(use.reads for use in running))
    while True:
        more = {number for number in idle if uses[number].binds & names}
        if not more:
            return frozenset(idle)
        idle -= more
        names.update(*(uses[number].reads for number in more))


def is_untouched(notebook: Notebook, exercise: Exercise) -> bool:
    """Whether every code cell is as it was handed out, so that every task is still to do."""
    handed_out = handout(exercise.notebook(notebook.language), exercise.folder.parent)
    return handed_out is not None and notebook.cells == handed_out.cells


@dataclass(frozen=True, slots=True)
class Uses:
    """Global names that a cell reads and binds; an opaque one may do more than can be seen."""

    reads: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    opaque: bool = False


@lru_cache(maxsize=4096)
def uses_of(source: str) -> Uses:
    """What the source of a cell reads and binds, as far as can be seen."""
    try:
        tree = parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Uses(opaque=True)
    reads, binds = set[str](), set(_changed(tree))
    for scope in _scopes(table):
        for symbol in scope.get_symbols():
            if scope is table or symbol.is_global():
                if symbol.is_referenced():
                    reads.add(symbol.get_name())
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    binds.add(symbol.get_name())
    starred = any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)
    )
    return Uses(frozenset(reads), frozenset(binds), starred)


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _changed(tree: ast.AST) -> Iterator[str]:
    """Names of what a part is set or deleted of: ``options`` in ``options["k"] = 5``."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            inner: ast.expr = node
            while isinstance(inner, (ast.Attribute, ast.Subscript)):
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield inner.id


@lru_cache(maxsize=64)
def handout(path: Path, course: Path) -> Notebook | None:
    """A notebook as learners get it; ``None`` where there is no such notebook."""
    try:
        return read_notebook(path, course=course)
    except UnreadableNotebook:
        return None
