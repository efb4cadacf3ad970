"""What a learner's functions use, by their code: modules, and names of the notebook's own."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Collection, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

_IMPORT = dis.opmap["IMPORT_NAME"]


def forbidden_use(values: Iterable[Any], forbidden: Collection[str]) -> str:
    """Return the first forbidden top-level module that the functions rest on, or ``""``.

    Follows the learner's own helpers by name. It is a rule of the task, not a wall: code that
    hides an import on purpose gets past it.
    """
    seen: set[int] = set()
    pending = list(values) if forbidden else []
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        root = _root_module(value)
        if root in forbidden:
            return root
        if inspect.isclass(value) and root in ("__main__", "builtins"):
            pending.extend(vars(value).values())
        function = _unwrapped(value) if callable(value) else None
        if isinstance(function, functools.partial):
            pending.append(function.func)
        elif isinstance(function, FunctionType) and not _is_library(root):
            names, imports = _code_names(function.__code__)
            hidden = next((name for name in imports if name in forbidden), "")
            if hidden:
                return hidden
            pending.extend(function.__globals__[n] for n in names if n in function.__globals__)
            pending.extend(
                cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)
            )
    return ""


def names_used(values: Iterable[Any]) -> set[str]:
    """Global names in the code of the learner's functions among `values`, and of those below."""
    names: set[str] = set()
    seen: set[int] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        function = _unwrapped(value) if callable(value) else None
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if not _is_library(_root_module(function)):
            own, _ = _code_names(function.__code__)
            names |= own
            pending.extend(function.__globals__[n] for n in own if n in function.__globals__)
    return names


def _is_library(root: str) -> bool:
    return root != "__main__" and root in sys.modules


def _unwrapped(value: Any) -> Any:
    """The function beneath decorators; the value itself if it leads in a circle."""
    try:
        return inspect.unwrap(value)
    except ValueError:
        return value


def _root_module(value: Any) -> str:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def _code_names(code: CodeType) -> tuple[set[str], set[str]]:
    """Global names that a code object and those inside it use, and modules they import."""
    names = set(code.co_names)
    imports = {
        str(step.argval).partition(".")[0]
        for step in (dis.get_instructions(code) if code.co_code[::2].count(_IMPORT) else ())
        if step.opname == "IMPORT_NAME"
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            more_names, more_imports = _code_names(constant)
            names |= more_names
            imports |= more_imports
    return names, imports


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
