"""Files that lie beside a notebook: which of them go along, and how they get into a worker.

A file goes along if the code names it: its name, the name of a module that it is, or of a folder
that it is in. So a grade depends on what the notebook asks for and on nothing else that happens to
lie there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from autograder._files import is_set_aside
from autograder.language import Text

MOST_FILES = 50
MOST_BYTES = 4 * 2**20
_MOST_SEEN = 2_000
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Beside:
    """One file beside a notebook.

    Attributes
    ----------
    name
        Its path from the notebook's folder, with forward slashes.
    read
        Gives its content, or raises an exception that says why it cannot be had.
    why
        Why it may not be read, in both languages; ``None`` if it may.
    """

    name: str
    read: Callable[[], bytes]
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What goes along, and what the code names that does not, with the reason."""

    files: tuple[tuple[str, bytes], ...] = ()
    left: tuple[tuple[str, Text], ...] = ()


NOTHING = Taken()

_LINK: Text = {"en": "it is a link", "zh": "它是链接"}
_TOO_MANY: Text = {
    "en": f"more than {MOST_FILES} files, or {MOST_BYTES // 2**20} MB in all",
    "zh": f"超过 {MOST_FILES} 个文件，或总共超过 {MOST_BYTES // 2**20} MB",
}


def take(code: str, beside: Iterable[Beside]) -> Taken:
    """Those of `beside` that `code` names, or that modules among them name, within the limits."""
    waiting = {item.name: item for item in beside}
    files: dict[str, bytes] = {}
    left: dict[str, Text] = {}
    texts, room = [code], MOST_BYTES
    while texts:
        text = texts.pop()
        words = frozenset(re.findall(r"\w+", text))
        for name in sorted(waiting):
            if not _names(text, words, name):
                continue
            item = waiting.pop(name)
            content, why = content_of(item)
            if why is None and (len(files) >= MOST_FILES or len(content) > room):
                why = _TOO_MANY
            if why is not None:
                left[name] = why
                continue
            files[name], room = content, room - len(content)
            if name.endswith(".py"):
                texts.append(content.decode("utf-8", "replace"))
    return Taken(tuple(sorted(files.items())), tuple(sorted(left.items())))


def content_of(item: Beside) -> tuple[bytes, Text | None]:
    """What a file holds, or why that cannot be had."""
    if item.why is not None:
        return b"", item.why
    try:
        return item.read(), None
    except Exception as error:
        # Of a kind that says it in both languages, where somebody's archive is damaged.
        text: Text | None = getattr(error, "text", None)
        return b"", text or {"en": str(error), "zh": str(error)}


def _names(text: str, words: frozenset[str], name: str) -> bool:
    """Whether `text` names a file: by its name, as a module, by its folder, or by its ending."""
    path = PurePosixPath(name)
    if any(_mentions(text, part) for part in path.parts):
        return True
    if len(path.parts) == 1 and path.suffix == ".py" and path.stem in words:
        return True
    return path.suffix != "" and f"*{path.suffix}" in text


def _mentions(text: str, part: str) -> bool:
    return part in text and bool(re.search(rf"(?<![\w.]){re.escape(part)}(?!\w)", text))


def in_folder_of(path: Path) -> list[Beside]:
    """What lies beside the notebook at `path` and below, but for notebooks and hidden files.

    No link is followed, so nothing is from outside the folder.
    """
    found: list[Beside] = []
    waiting, seen = [(path.parent, "")], 0
    while waiting:
        folder, prefix = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            name = prefix + entry.name
            if seen > _MOST_SEEN or is_set_aside(PurePosixPath(entry.name)):
                continue
            if entry.is_symlink():
                found.append(Beside(name, bytes, _LINK))
            elif entry.is_dir():
                if name.count("/") < _DEEPEST:
                    waiting.append((Path(entry.path), f"{name}/"))
            elif entry.is_file() and not name.endswith(".ipynb"):
                found.append(Beside(name, partial(_read, Path(entry.path))))
    return found


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(MOST_BYTES + 1)


def lay_out(files: Sequence[tuple[str, bytes]]) -> None:
    """Put files where the notebook will look for them: in the folder in which it runs.

    Raises
    ------
    ValueError
        If one would be anywhere else.
    """
    for name, content in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} is no file beside a notebook")
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    # As in a kernel, which looks in its own folder first.
    if "" not in sys.path:
        sys.path.insert(0, "")
