"""What the answers of the course are known by, wherever somebody copied them to."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.engine.copies import ANSWERS, NOTES, Marks, hashed, long_lines, of_files
from autograder.engine.view import probed_with
from autograder.exercise import catalog
from autograder.language import LANGUAGES

_MOST_LINES = 40
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


def marks(folders: Iterable[Path]) -> Marks:
    """What the answers in `folders` of exercises, and their solutions, are known by."""
    folders = tuple(folders)
    files = [path for folder in folders for path in _files(folder) if path.is_file()]
    files += [path for folder in folders if (path := folder / "checks.py").is_file()]
    about = [path.stat() for path in files]
    return _marks(folders, *((one.st_mtime_ns, one.st_size) for one in about))


@functools.lru_cache(maxsize=4)
def _marks(folders: tuple[Path, ...], *_: tuple[int, int]) -> Marks:
    """The same, made once; what follows the folders tells whether a file was changed since."""
    files = (path for folder in folders for path in _files(folder) if path.is_file())
    lines = tuple(found for folder in folders for found in _lines(folder))
    names = {*ANSWERS, *(f"{folder.name}.py" for folder in folders)}
    names |= {path.name for folder in folders for path in _programs(folder)}
    return of_files(map(Path.read_bytes, files)) | Marks({}, lines, frozenset(names))


def _files(folder: Path) -> Iterator[Path]:
    """An exercise's files with answers in them: its own, and the solutions made of them."""
    for root in dict.fromkeys((folder.parents[2], catalog.content_root())):
        for language in LANGUAGES:
            yield root / "solutions" / language / f"{folder.name}.ipynb"
    yield from _programs(folder)
    yield folder / NOTES


def _programs(folder: Path) -> list[Path]:
    """An exercise's programs that no submission is shown: those with answers, and their parts."""
    shown = set(probed_with(folder))
    return sorted(path for path in folder.glob("*.py") if path not in shown and path.stat().st_size)


def _lines(folder: Path) -> Iterator[frozenset[str]]:
    """Of each of an exercise's files, the longest lines that no learner or submission is shown."""
    notebook = _text(folder / "notebook.py")
    solved, handed_out = parted(notebook)
    shown = long_lines(handed_out) | long_lines(_text(folder / "checks.py"))
    programs = (path for path in _programs(folder) if path.name != "notebook.py")
    for text in (solved, *map(_text, programs)):
        own = sorted(long_lines(text) - shown, key=lambda line: (-len(line), line))
        if own:
            yield frozenset(hashed(line.encode()) for line in own[:_MOST_LINES])


def parted(notebook: str) -> tuple[str, str]:
    """The lines of a notebook's source that are solutions, and the others."""
    solved: list[str] = []
    others: list[str] = []
    inside = False
    for line in notebook.splitlines():
        inside = line.strip() == _BEGIN or (inside and line.strip() != _END)
        (solved if inside else others).append(line)
    return "\n".join(solved), "\n".join(others)


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""
