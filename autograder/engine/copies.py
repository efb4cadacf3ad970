"""Copies of the course's answers, and of what belongs to a class, found by what is in them.

The search runs where a submission does, behind its walls (`scouting`, `trials`), so it finds what
one could read. It walks through every folder that there is, and finds

- each file that is one of those sought byte for byte, whatever its name;
- notebooks, programs named like an answer's file or an exercise, and texts, if they share enough
  long lines with an answer: renamed, executed, saved anew or of an older edition;
- the same inside archives, and answers that Python compiled;
- ledgers and journals, by the mark that each of them bears.

Other programs are not read for their lines, since an environment holds tens of thousands. Folders
of exercises with answers in them and the content of an installed course are known by their names.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

ANSWERS = ("reference.py", "wrong.py", "right.py", "notebook.py")
NOTES = "mutants.toml"
"""An author's, on changes of a solution that are no mistakes: they quote its lines."""
_SHORTEST_LINE = 24
_FEWEST_LINES = 4
_SHARE = 0.3
_LARGEST = 2**25
# The kernel's own; and what Python compiled, which lies beside its source.
_KERNEL = ("/proc", "/sys", "/dev")
_COMPILED = "__pycache__"
_ARCHIVES = (".whl", ".zip", ".egg", ".pyz", ".tar", ".tgz", ".gz", ".bz2", ".xz")
_ALONE: dict[str, Callable[[str], io.BufferedIOBase]] = {
    "gz": gzip.GzipFile, "bz2": bz2.BZ2File, "xz": lzma.LZMAFile
}  # fmt: skip
_TAPE = re.compile(r"\.tar\.[a-z0-9]+$")
# What compilers read and write: tens of thousands, and nobody's copy.
_NOT_LOOKED_AT = (".h", ".hpp", ".cuh", ".pyi", ".so", ".a")
_TEXTS = (".ipynb", ".txt", ".md", ".bak", ".orig", ".old", ".save", ".copy", "~")
_LARGEST_TEXT = 2**20
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError,
    RuntimeError, OSError,
)  # fmt: skip
_PAGE = 512
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Marks:
    """What answers are known by; it tells nothing of what they are.

    Attributes
    ----------
    whole
        By length in bytes, hashes of whole files.
    lines
        For each file with answers, hashes of its longest lines that nobody is handed.
    names
        Of programs that are looked into whatever their length, such as ``reference.py``.
    applications
        Numbers that SQLite keeps in a database's first page: whose it is.
    """

    whole: dict[int, frozenset[str]] = field(default_factory=dict)
    lines: tuple[frozenset[str], ...] = ()
    names: frozenset[str] = frozenset()
    applications: frozenset[int] = frozenset()

    def __or__(self, other: Marks) -> Marks:
        """What is known by one or the other."""
        sizes = self.whole.keys() | other.whole.keys()
        nothing: frozenset[str] = frozenset()
        return Marks(
            {n: self.whole.get(n, nothing) | other.whole.get(n, nothing) for n in sizes},
            self.lines + other.lines,
            self.names | other.names,
            self.applications | other.applications,
        )

    def packed(self) -> str:
        """As text, for another process."""
        whole = {size: sorted(hashes) for size, hashes in self.whole.items()}
        lines = [sorted(one) for one in self.lines]
        return json.dumps([whole, lines, sorted(self.names), sorted(self.applications)])

    @classmethod
    def unpacked(cls, text: str) -> Marks:
        """What `packed` made text of."""
        whole, lines, names, applications = json.loads(text)
        return cls(
            {int(size): frozenset(hashes) for size, hashes in whole.items()},
            tuple(map(frozenset, lines)),
            frozenset(names),
            frozenset(applications),
        )


NOTHING = Marks()


def of_files(contents: Iterable[bytes]) -> Marks:
    """Marks of whole files."""
    whole: dict[int, frozenset[str]] = {}
    for content in contents:
        whole[len(content)] = whole.get(len(content), frozenset()) | {hashed(content)}
    return Marks(whole)


def hashed(data: bytes) -> str:
    """A short hash: of a file, or of a line."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def long_lines(text: str) -> set[str]:
    """The lines of `text` that are long enough to tell it from others, without what is around."""
    stripped = (line.strip() for line in text.splitlines())
    return {line for line in stripped if len(line) >= _SHORTEST_LINE and line[0] != "#"}


def search(tops: Iterable[str], marks: Marks, apart: Iterable[str] = ()) -> Iterator[str]:
    """Files and folders with answers in `tops`, but for what is `apart`; links not followed."""
    skipped = {*apart, *_KERNEL}
    waiting = [top for top in tops if top not in skipped]
    while waiting:
        here = waiting.pop()
        try:
            inside = list(os.scandir(here))
        except NotADirectoryError:
            with contextlib.suppress(OSError):
                if _is_sought(here, os.stat(here).st_size, marks):
                    yield here
            continue
        except OSError:
            continue
        if _holds_answers(here, inside):
            yield here
            continue
        for item in inside:
            try:
                if item.is_dir(follow_symlinks=False):
                    if item.path not in skipped:
                        waiting.append(item.path)
                elif _may_be_sought(item, marks) and item.path not in skipped:
                    if _is_sought(item.path, item.stat(follow_symlinks=False).st_size, marks):
                        yield item.path
            except OSError:
                continue


def _holds_answers(folder: str, inside: list[os.DirEntry[str]]) -> bool:
    """Whether a folder is known by its name and those of what is in it."""
    if folder.endswith("/autograder/_content"):
        return bool(inside)
    names = [item.name for item in inside]
    return "exercise.toml" in names and not {*ANSWERS, _COMPILED}.isdisjoint(names)


def _may_be_sought(item: os.DirEntry[str], marks: Marks) -> bool:
    """By its name alone, for to look at more of each file takes longer."""
    if item.name.endswith(".pyc"):
        return _source_of(item.name) in marks.names
    return not item.name.endswith(_NOT_LOOKED_AT) and item.is_file(follow_symlinks=False)


def _source_of(compiled: str) -> str:
    return compiled.partition(".")[0] + ".py"


def _is_sought(path: str, size: int, marks: Marks) -> bool:
    name = path.rpartition("/")[2]
    if name.endswith(".pyc"):
        return _source_of(name) in marks.names and _compiled_from(path, marks)
    if name.endswith(_ARCHIVES) and _archives_one(path, marks):
        return True
    whole = size in marks.whole
    base = bool(marks.applications) and size % _PAGE == 0 and size > 0
    by_lines = size <= _most(name, marks)
    if not (whole or base or by_lines):
        return False
    with open(path, "rb") as file:
        start = file.read(100)
        if base and start[:16] == _SQLITE:
            return int.from_bytes(start[68:72], "big") in marks.applications
        return (whole or by_lines) and _is_answer(name, start + file.read(), marks)


def _is_answer(name: str, content: bytes, marks: Marks) -> bool:
    if hashed(content) in marks.whole.get(len(content), ()):
        return True
    return len(content) <= _most(name, marks) and _shares_lines(content, marks)


def _most(name: str, marks: Marks) -> int:
    """Up to how many bytes a file of this name is read for its lines."""
    if name in marks.names or name.endswith(".ipynb"):
        return _LARGEST
    return _LARGEST_TEXT if name.endswith(_TEXTS) else -1


def _compiled_from(path: str, marks: Marks) -> bool:
    """Whether Python compiled this from a file as long as an answer's."""
    with open(path, "rb") as file:
        return int.from_bytes(file.read(16)[12:], "little") in marks.whole


def _archives_one(path: str, marks: Marks) -> bool:
    """Whether an archive holds an answer, or is ours by its name, however damaged."""
    if path.rpartition("/")[2].replace("-", "_").startswith("touchstone_course_"):
        return os.access(path, os.R_OK)
    try:
        return any(_is_answer(name, content, marks) for name, content in _members(path, marks))
    except _DAMAGED:
        return False


def _may_hold(size: int, name: str, marks: Marks) -> bool:
    return size in marks.whole or size <= _most(name, marks)


def _unpacked_size(path: str) -> int:
    """What gzip wrote at the end, so that data sets, which are many, need not be unpacked."""
    with open(path, "rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(), "little")


def _members(path: str, marks: Marks) -> Iterator[tuple[str, bytes]]:
    """Of what is in an archive, each file that may be an answer."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for one in packed.infolist():
                name = one.filename.rpartition("/")[2]
                if _may_hold(one.file_size, name, marks):
                    yield name, packed.read(one)
    elif (unpack := _ALONE.get(path.rpartition(".")[2])) and not _TAPE.search(path):
        name = path.rpartition("/")[2].rpartition(".")[0]
        if path.endswith(".gz") and not _may_hold(_unpacked_size(path), name, marks):
            return
        with unpack(path) as unpacked:
            content = unpacked.read(_LARGEST + 1)
        if _may_hold(len(content), name, marks):
            yield name, content
    else:
        with tarfile.open(path) as tape:
            for about in tape:
                name = about.name.rpartition("/")[2]
                if _may_hold(about.size, name, marks):
                    inner = tape.extractfile(about) if about.isreg() else None
                    if inner is not None:
                        yield name, inner.read()


def _shares_lines(content: bytes, marks: Marks) -> bool:
    if b"def " not in content and b"class " not in content:
        return False
    lines = {hashed(line.encode("utf-8", "replace")) for line in long_lines(_code(content))}
    return any(
        len(lines & known) >= max(_FEWEST_LINES, _SHARE * len(known)) for known in marks.lines
    )


def _code(content: bytes) -> str:
    """What a program says, or the cells of a notebook, as text."""
    text = content.decode("utf-8", "replace")
    try:
        cells: list[Any] = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return text
