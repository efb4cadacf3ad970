"""What a submission may see of the machine: a list of files and folders, and what of them is not.

Nothing shows that is not on the list. Of what is said of a path and of those above it, the nearest
counts: ``lib`` of an environment shows, a checkout below it does not, the package in that does, and
in the package no exercise's folder, but its checks. So a class's own folder may lie around the
environment or within it, and is dark all the same.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autograder import _places
from autograder._parsing import parse
from autograder.engine.copies import ANSWERS, NOTES
from autograder.exercise import catalog

CONTENT = catalog.PACKAGE / "_content"
# In each of these places, what programs and libraries are made of; never all that lies there.
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SHARED = (
    "ca-certificates", "dict", "fontconfig", "fonts", "glib-2.0", "i18n", "icu", "locale",
    "matplotlib", "mime", "misc", "nltk_data", "python3", "tabset", "tcltk", "terminfo", "X11",
    "zoneinfo", "zoneinfo-icu",
)  # fmt: skip
# Of the machine's libraries these: others are what single programs keep there for themselves.
_SYSTEM_LIBRARIES = ("*-linux-*", "python3*", "locale", "ssl", "nltk_data")
_PARTS = (*_SYSTEM, "ssl", *(f"share/{name}" for name in _SHARED))
# Of the machine's settings only these: others may hold passwords, as those of mail, pip or npm do.
_SETTINGS = (
    "alternatives", "fonts", "gai.conf", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "locale.alias", "localtime", "mime.types", "nsswitch.conf", "os-release",
    "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip

_AT_THE_TOP = re.compile(r"^(?:from|import)\b[^(\n]*(?:\([^)]*\))?", re.MULTILINE)

View = dict[Path, bool]
"""Of paths, whether they show."""


def seen(environment: Mapping[str, str], covered: Iterable[Path] = ()) -> View:
    """What shows, with every place where something that does not might show all the same.

    Parameters
    ----------
    covered
        Paths that belong to somebody, with all that is below them.
    """
    view = dict.fromkeys(filter(os.path.exists, _shown(environment)), True)
    # The same place may show under another name, if the list leads there through a link.
    names = [(top, at) for top in view if not is_link_into(top, view) and (at := top.resolve())]
    linked = [(top, at) for top, at in names if top != at]
    for path in dict.fromkeys(path.resolve() for path in (*_unneeded(), *_dark(), *covered)):
        view[path] = False
        view |= {top / path.relative_to(at): False for top, at in linked if path.is_relative_to(at)}
    return view


def is_link_into(path: Path, view: View) -> bool:
    """Whether a path such as ``/lib`` or ``lib64`` is a link to what shows under its own name."""
    return path.is_symlink() and shows(view, path.resolve())


def shows(view: View, path: Path) -> bool:
    """Whether what is at `path` shows."""
    return next((view[step] for step in (path, *path.parents) if step in view), False)


def exercises() -> Iterator[Path]:
    """Folders of exercises: those of the course in use, and those that come with this package."""
    for course in dict.fromkeys((catalog.COURSE, catalog.PACKAGE / "course")):
        for path in sorted(course.glob("*/exercise.toml")):
            yield path.parent


def around(paths: Iterable[Path]) -> Iterator[Path]:
    """The folders that `paths` and this process are in, but for those that Python runs from."""
    libraries = (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    needed = [catalog.PACKAGE, Path(sysconfig.get_path("stdlib")), *libraries]
    shown = set(_shown({}))
    for folder in dict.fromkeys((Path.cwd(), *(path.parent for path in paths))):
        within = any(at.is_relative_to(top) for at in (folder, folder.resolve()) for top in needed)
        if not within and folder not in shown:
            yield folder


def _shown(environment: Mapping[str, str]) -> Iterator[Path]:
    """What the interpreter, its libraries and the course need."""
    yield from (Path("/") / name for name in _SYSTEM)
    for place in ("/usr", "/usr/local", sys.base_prefix, sys.prefix):
        yield from (Path(place) / name for name in _PARTS)
    yield Path(sys.prefix) / "pyvenv.cfg"
    yield from (Path("/etc") / name for name in _SETTINGS)
    yield from (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    yield from _models(environment)
    yield catalog.PACKAGE
    for folder in exercises():
        yield from probed_with(folder)


def probed_with(folder: Path) -> Iterator[Path]:
    """Of an exercise's folder what its probes are made of: the checks, and what these name.

    All else may tell an answer: an author's notes and copies, what an editor or Python left there.
    """
    others = {path.name for path in folder.iterdir()} - {*ANSWERS, NOTES, "__pycache__"}
    waiting = {"exercise.toml", "checks.py"} & others
    while waiting:
        others -= waiting
        paths = [folder / name for name in sorted(waiting)]
        yield from paths
        programs = (path for path in paths if path.suffix == ".py" and others)
        waiting = {name for path in programs for name in _named_in(path, frozenset(others))}


def _named_in(program: Path, others: frozenset[str]) -> frozenset[str]:
    """Of the files beside a program, modules that it imports, and what it says the name of."""
    about = program.stat()
    return _names(program, others, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=256)
def _names(program: Path, others: frozenset[str], *_: int) -> frozenset[str]:
    """The same, read once; what follows the names tells whether the program was changed since."""
    text = program.read_text("utf-8", "replace")
    left = {name for name in others if name.partition(".")[0] in text}
    # Most are imported at the top, and to read a few lines takes a tenth of the time.
    named: set[str] = set()
    for part in ("\n".join(_AT_THE_TOP.findall(text)), text):
        if left <= named:
            break
        with contextlib.suppress(SyntaxError, ValueError):  # whoever runs it is told
            named = {name for node in ast.walk(parse(part)) for name in _names_of(node)}
    return frozenset(named & left)


def _names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        # However it is written: `from . import rig`, `import autograder.course.speech.rig`.
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for step in ".".join([module, *(alias.name for alias in node.names)]).split("."):
            yield from (step, f"{step}.py")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value.partition("/")[0]


def _unneeded() -> Iterator[Path]:
    """Within what shows, folders of other programs and of other environments.

    Some are larger than all that is needed, and everything that shows has to be searched.
    """
    system = Path("/usr/lib")
    if any(system.glob("*-linux-*")):  # where libraries that are shared have a folder of their own
        own = {path for pattern in _SYSTEM_LIBRARIES for path in system.glob(pattern)}
        yield from (path for path in system.iterdir() if path not in own and _is_folder(path))
    used = {Path(entry).resolve() for entry in sys.path}
    for place in dict.fromkeys(("/usr", "/usr/local", sys.base_prefix, sys.prefix)):
        for path in Path(place).glob("lib*/python*/*-packages"):
            if _is_folder(path) and path.resolve() not in used:
                yield path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _dark() -> Iterator[Path]:
    """What holds answers: exercises, what an installed course brings, a checkout, and kept keys.

    A checkout's history and tests hold answers too, in forms that no search knows.
    """
    checkout = catalog.PACKAGE.parent
    if (checkout / "pyproject.toml").is_file():
        yield checkout
    yield from dict.fromkeys((catalog.COURSE, catalog.PACKAGE / "course"))
    yield from exercises()
    yield CONTENT
    # What a new exercise begins with looks like one.
    yield catalog.PACKAGE / "dev" / "templates"
    yield from (_places.cache(), _places.data())


def _models(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where a real model lies, if one is asked for; not what lies beside it, such as tokens."""
    asked = environment.get("TOUCHSTONE_MODEL", "")
    if asked and Path(asked).is_absolute():
        yield Path(asked)
    elif asked:
        yield Path(environment.get("HF_HOME", "/nowhere")) / "hub"
        yield Path(environment.get("TORCH_HOME", "/nowhere")) / "hub" / "checkpoints"
