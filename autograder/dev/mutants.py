"""Mutants of a solution: small changes, each of which a check should notice.

What survives is either a promise that no probe looks at, or no mistake at all; the latter stands in
the exercise's ``mutants.toml``, with the reason. The operators are those of the classic list
(comparison, bound, arithmetic, constant, dropped statement, branch or argument, exchanged
reduction), on the syntax tree.

Reference: Offutt et al. 1996, "An Experimental Determination of Sufficient Mutant Operators",
doi:10.1145/227607.227610.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autograder.dev.percent import BEGIN, END

Apply = Callable[[], None]

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,), ast.Pow: (ast.Mult,), ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
_EXCHANGED = {
    name: other
    for pair in (
        ("min", "max"), ("argmin", "argmax"), ("amin", "amax"), ("minimum", "maximum"),
        ("sum", "mean"), ("any", "all"), ("floor", "ceil"), ("sin", "cos"), ("zeros", "ones"),
        ("zeros_like", "ones_like"), ("train", "eval"), ("clamp_min", "clamp_max"),
    )
    for name, other in (pair, pair[::-1])
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a solution cell.

    Attributes
    ----------
    line
        The line of the cell on which it is, stripped, as it was.
    change
        What was done to it, such as ``"< becomes <="``.
    source
        The whole cell, changed.
    """

    line: str
    change: str
    source: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant of a solution's cell, of what stands between the solution markers."""
    lines = source.splitlines()
    inside = _between_markers(lines)
    tree = ast.parse(source)
    seen = {ast.dump(tree)}
    for number, _ in enumerate(ast.walk(tree)):
        for variant, (change, place) in _variants(tree, number):
            if place not in inside or (dump := ast.dump(variant)) in seen:
                continue
            seen.add(dump)
            yield Mutant(lines[place - 1].strip(), change, ast.unparse(variant))


def _between_markers(lines: list[str]) -> set[int]:
    found, inside = set(), False
    for number, line in enumerate(lines, 1):
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside:
            found.add(number)
    return found


def _variants(tree: ast.Module, number: int) -> Iterator[tuple[ast.Module, tuple[str, int]]]:
    """Copies of the tree whose node of that number (in the order of `ast.walk`) is changed."""
    for index, (change, place, _) in enumerate(_changes(_node(tree, number))):
        twin = copy.deepcopy(tree)
        _, _, apply = list(_changes(_node(twin, number)))[index]
        apply()
        yield ast.fix_missing_locations(twin), (change, place)


def _node(tree: ast.AST, number: int) -> ast.AST:
    return next(node for index, node in enumerate(ast.walk(tree)) if index == number)


def _changes(node: ast.AST) -> Iterator[tuple[str, int, Apply]]:
    """What can be done to one node: in words, on which line, and as a function that does it."""
    place = getattr(node, "lineno", 0)
    yield from ((change, place, apply) for change, apply in _exchanged(node))
    for statement, apply in _dropped(node):
        yield f"dropped: {ast.unparse(statement)[:60]}", statement.lineno, apply


def _exchanged(node: ast.AST) -> Iterator[tuple[str, Apply]]:
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        for kind in _COMPUTED.get(type(node.op), ()):
            yield f"{_name(node.op)} becomes {kind.__name__}", _set(node, "op", kind())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{_name(node.op)} becomes {other.__name__}", _set(node, "op", other())
    elif isinstance(node, ast.Constant):
        for value in _constants(node.value):
            yield f"{node.value!r} becomes {value!r}", _set(node, "value", value)
    elif isinstance(node, ast.UnaryOp):
        yield f"{_name(node.op)} dropped", _set(node, "op", ast.UAdd())
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        for always in (True, False) if not isinstance(node, ast.While) else (False,):
            yield f"the condition is always {always}", _set(node, "test", ast.Constant(always))
    elif isinstance(node, ast.Call):
        yield from _called(node)
    elif isinstance(node, ast.Attribute) and node.attr in _EXCHANGED:
        other_name = _EXCHANGED[node.attr]
        yield f"{node.attr} becomes {other_name}", _set(node, "attr", other_name)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _EXCHANGED:
        yield f"{node.id} becomes {_EXCHANGED[node.id]}", _set(node, "id", _EXCHANGED[node.id])


def _compared(node: ast.Compare) -> Iterator[tuple[str, Apply]]:
    for place, op in enumerate(node.ops):
        for kind in _COMPARED.get(type(op), ()):
            ops = [*node.ops[:place], kind(), *node.ops[place + 1 :]]
            yield f"{_name(op)} becomes {kind.__name__}", _set(node, "ops", ops)


def _constants(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, float):
        return (value * 2 if value else 1.0, value + 0.1)
    return ()


def _called(node: ast.Call) -> Iterator[tuple[str, Apply]]:
    for place, keyword in enumerate(node.keywords):
        if keyword.arg:
            rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield f"the argument {keyword.arg} dropped", _set(node, "keywords", rest)
    method = isinstance(node.func, ast.Attribute) and not node.keywords
    if method and len(node.args) > 1:
        yield "the last argument dropped", _set(node, "args", node.args[:-1])


def _dropped(node: ast.AST) -> Iterator[tuple[ast.stmt, Apply]]:
    """A statement fewer, for each of the simple ones in a body."""
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if not isinstance(body, list) or isinstance(node, (ast.Module, ast.ClassDef)):
            continue
        for place, statement in enumerate(body):
            if isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Break, ast.Raise)):
                if _is_remark(statement):
                    continue
                less = [*body[:place], *body[place + 1 :]] or [ast.Pass()]
                yield statement, _set(node, field, less)


def _is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _set(node: ast.AST, field: str, value: object) -> Apply:
    return functools.partial(setattr, node, field, value)


def _name(op: ast.AST) -> str:
    return type(op).__name__
