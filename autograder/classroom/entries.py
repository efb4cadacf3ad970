"""What lies in a source, whatever it is, and in a folder, listed without following a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from autograder._errors import BilingualError
from autograder._files import copy_of, without_links
from autograder.classroom.names import decoder, is_unsafe, parts_of
from autograder.engine.cells import MAX_BYTES, UnreadableNotebook, too_large
from autograder.language import Text


class IntakeError(BilingualError):
    """Nothing can be taken in from a source; ``text`` says why and what to name instead."""


def both(en: str, zh: str) -> Text:
    """A text in both languages."""
    return {"en": en, "zh": zh}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link in a source.

    Attributes
    ----------
    name
        Its path in the source with forward slashes, as it is written there.
    problem
        Why it cannot be read; `read` is then not to be called.
    aside
        Why it is nobody's work, whoever's folder it lies in.
    """

    name: str
    read: Callable[[], bytes]
    folder: bool = False
    problem: Text | None = None
    aside: Text | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        return parts_of(self.name) or ("?",)

    @property
    def suffix(self) -> str:
        """Its ending in lower case; a folder has none."""
        return "" if self.folder else PurePosixPath(self.parts[-1]).suffix.lower()

    @property
    def handed_in(self) -> bool:
        """Whether it may hold an answer: a notebook, an archive, a folder that cannot be read."""
        return self.suffix in (".ipynb", ".zip") or (self.folder and self.problem is not None)


SYMLINK = both(
    "It is a symbolic link, which is not followed. Put the file itself there.",
    "它是符号链接，不会跟随。请放入文件本身。",
)
HIDDEN = both(
    "Its name, or that of a folder around it, begins with a full stop, as those of programs' own "
    "files do. If it is somebody's work, rename it.",
    "它或其所在文件夹的名称以点开头，通常是程序自己的文件。如果是学生的作业，请改名。",
)
_MADE_BY_PROGRAMS = both(
    "Programs make such files beside people's work.", "这是程序在作业旁自动生成的文件。"
)
_COPY = both(
    "It is a copy that `touchstone` kept of the notebook beside it.",
    "这是 `touchstone` 为旁边的 notebook 保留的副本。",
)
_FOLDERS_OF_PROGRAMS = frozenset(
    (".cache", ".config", ".git", ".idea", ".ipynb_checkpoints", ".ipython", ".jupyter", ".local",
     ".venv", ".virtual_documents", ".vscode", "__MACOSX")
)  # fmt: skip
_NO_FILE = both(
    "It is neither a file nor a folder. Put the notebook itself there.",
    "它既不是文件也不是文件夹。请放入 notebook 文件本身。",
)
UNSAFE = both(
    "Its name leads out of the folder, or is not allowed on every system. Rename it or pack it "
    "anew.",
    "它的名称指向文件夹之外，或在某些系统上不允许使用。请改名或重新打包。",
)


def in_folder(folder: Path, below: str = "", *, apart: Path | None = None) -> list[Entry]:
    """Everything in `folder`, in the order of names, each called as seen from `below` it.

    Links are listed and not followed; what is in the folder `apart` (its path without links) is
    left out.
    """
    found = list(_walk(folder, os.fsencode(below), apart))
    decode = decoder(name for name, _, _, _ in found)
    return kept(
        _checked(Entry(decode(name), read, is_folder, problem))
        for name, read, is_folder, problem in found
    )


def kept(entries: Iterable[Entry]) -> list[Entry]:
    """What may be somebody's, in the order of names; what is nobody's work says why.

    Of hidden files only those count that would be work under another name.
    """
    found = list(entries)
    names = {entry.name for entry in found}
    settled = (
        _settled(entry, names) for entry in found if parts_of(entry.name) or not entry.folder
    )
    return sorted(filter(None, settled), key=lambda entry: entry.name)


def _settled(entry: Entry, names: set[str]) -> Entry | None:
    parts = entry.parts
    concealed = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    if not concealed:
        original = copy_of(parts[-1])
        beside = entry.name[: len(entry.name) - len(parts[-1])] + original
        return replace(entry, aside=_COPY) if original and beside in names else entry
    if not entry.handed_in:
        return None
    if parts[-1].startswith("._") or not _FOLDERS_OF_PROGRAMS.isdisjoint(parts[:-1]):
        return replace(entry, aside=_MADE_BY_PROGRAMS)
    return replace(entry, problem=entry.problem or HIDDEN)


_Listed = tuple[bytes, Callable[[], bytes], bool, Text | None]


def _walk(folder: Path, below: bytes, apart: Path | None) -> Iterator[_Listed]:
    waiting = [(folder, below)]
    while waiting:
        here, prefix = waiting.pop()
        try:
            inside = list(os.scandir(here))
        except OSError as error:
            yield prefix.rstrip(b"/"), bytes, True, _unreadable(error)
            continue
        for item in inside:
            path, name = Path(item.path), prefix + os.fsencode(item.name)
            read = partial(read_file, path)
            if item.is_symlink():
                yield name, read, False, SYMLINK
            elif item.is_dir() and apart is not None and without_links(path) == apart:
                continue
            elif item.is_dir():
                yield name, read, True, None
                waiting.append((path, name + b"/"))
            else:
                yield name, read, False, problem_of_file(path)


def problem_of_file(path: Path) -> Text | None:
    """Why the file at `path` cannot be read, as far as can be seen from outside."""
    try:
        about = path.lstat()
    except OSError as error:
        return _unreadable(error)
    if stat.S_ISLNK(about.st_mode):
        return SYMLINK
    if not stat.S_ISREG(about.st_mode):
        return _NO_FILE
    return too_large(about.st_size).text if about.st_size > MAX_BYTES else None


def _checked(entry: Entry) -> Entry:
    if entry.problem is None and not entry.folder and is_unsafe(entry.name):
        return Entry(entry.name, entry.read, problem=UNSAFE)
    return entry


def _unreadable(error: OSError) -> Text:
    reason = error.strerror or type(error).__name__
    return both(
        f"It cannot be read: {reason}. Check what it is and who may read it.",
        f"无法读取：{reason}。请检查文件及其权限。",
    )


def read_file(path: Path) -> bytes:
    """The content of the file at `path`, which must be no link and not too large.

    Raises
    ------
    UnreadableNotebook
        If it cannot be had.
    """
    problem = problem_of_file(path)
    if problem is None:
        try:
            with open(path, "rb", opener=_without_following) as file:
                return limited(file)
        except OSError as error:
            problem = _unreadable(error)
    raise UnreadableNotebook(problem["en"], problem["zh"])


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def limited(file: IO[bytes]) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_large(len(content))
    return content
