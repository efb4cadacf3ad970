"""What lies in a folder or a ZIP, listed without following a link and without unpacking."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from autograder._errors import BilingualError
from autograder._files import is_set_aside
from autograder.catalog import Text
from autograder.classroom.names import decoder, is_unsafe, parts_of
from autograder.engine.cells import MAX_BYTES, UnreadableNotebook, too_large

MAX_INNER_FILES = 5_000
_HAS_PASSWORD, _IN_UTF_8 = 0x1, 0x800
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, EOFError, OSError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


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
    """

    name: str
    read: Callable[[], bytes]
    folder: bool = False
    problem: Text | None = None

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
_NO_FILE = both(
    "It is neither a file nor a folder. Put the notebook itself there.",
    "它既不是文件也不是文件夹。请放入 notebook 文件本身。",
)
_UNSAFE = both(
    "Its name leads out of the folder, or is not allowed on every system. Rename it or pack it "
    "anew.",
    "它的名称指向文件夹之外，或在某些系统上不允许使用。请改名或重新打包。",
)
_ENCRYPTED = both(
    "It is encrypted. Ask for it without a password.", "文件已加密。请让学生提交不带密码的版本。"
)
_UNUSUAL = both(
    "It is compressed by an unusual method. Pack it anew as an ordinary ZIP (Deflate).",
    "它使用了不常见的压缩方式。请重新打包为普通 ZIP（Deflate）。",
)


def in_folder(folder: Path, below: str = "") -> list[Entry]:
    """Everything in `folder`, in the order of names, each called as seen from `below` it.

    Links are listed and not followed; hidden files and our dated copies are left out.
    """
    found = list(_walk(folder, os.fsencode(below)))
    decode = decoder(name for name, _, _, _ in found)
    return _kept(
        _checked(Entry(decode(name), read, is_folder, problem))
        for name, read, is_folder, problem in found
    )


def _kept(entries: Iterable[Entry]) -> list[Entry]:
    """Those that may be somebody's, in the order of names."""
    kept = [
        entry
        for entry in entries
        if not is_set_aside(PurePosixPath(*entry.parts))
        and (parts_of(entry.name) or not entry.folder)
    ]
    return sorted(kept, key=lambda entry: entry.name)


_Listed = tuple[bytes, Callable[[], bytes], bool, Text | None]


def _walk(folder: Path, below: bytes) -> Iterator[_Listed]:
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
            if is_set_aside(PurePosixPath(*parts_of(item.name))):
                continue
            read = partial(read_file, path)
            if item.is_symlink():
                yield name, read, False, SYMLINK
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
        return Entry(entry.name, entry.read, problem=_UNSAFE)
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
                return _limited(file)
        except OSError as error:
            problem = _unreadable(error)
    raise UnreadableNotebook(problem["en"], problem["zh"])


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _limited(file: IO[bytes]) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_large(len(content))
    return content


def in_archive(archive: zipfile.ZipFile) -> list[Entry]:
    """Everything in `archive`, in the order of names; hidden files and dated copies left out."""
    raw = [(info, _raw_name(info)) for info in archive.infolist()]
    decode = decoder(name for info, name in raw if not info.flag_bits & _IN_UTF_8)
    found: dict[str, Entry] = {}
    times: Counter[str] = Counter()
    for info, as_bytes in raw:
        in_utf_8 = info.flag_bits & _IN_UTF_8
        name = _plain(info.orig_filename if in_utf_8 else decode(as_bytes))
        entry = _archived(archive, info, name)
        times[entry.name] += not entry.folder
        found[entry.name] = entry
    for name, number in times.items():
        if number > 1:
            found[name] = Entry(name, bytes, problem=_ambiguous(number))
    # Archives need not list their folders, and one that holds hidden files only is somebody's too.
    for name in list(found):
        for end in (place for place, char in enumerate(name) if char == "/"):
            found.setdefault(name[:end], Entry(name[:end], bytes, folder=True))
    return _kept(found.values())


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _IN_UTF_8 else "cp437")


def _plain(name: str) -> str:
    """`name` without the steps that change nothing, so that the same file has one name."""
    if is_unsafe(name):
        return name
    return "/".join(parts_of(name)) + ("/" if name.endswith("/") else "")


def _archived(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Entry:
    if name.endswith("/"):
        return Entry(name.rstrip("/"), bytes, folder=True)
    return Entry(name, partial(_unpacked, archive, info), problem=_problem_inside(info, name))


def _problem_inside(info: zipfile.ZipInfo, name: str) -> Text | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return SYMLINK
    if is_unsafe(name):
        return _UNSAFE
    if info.flag_bits & _HAS_PASSWORD:
        return _ENCRYPTED
    # Of the methods that Python knows, only these are unpacked piece by piece, within a limit.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _UNUSUAL
    return too_large(info.file_size).text if info.file_size > MAX_BYTES else None


def _ambiguous(number: int) -> Text:
    return both(
        f"The archive holds {number} files of this name. Pack it anew with one of them.",
        f"压缩包里有 {number} 个同名文件。请只保留一个，重新打包。",
    )


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as file:
            return _limited(file)
    except _DAMAGED as error:
        raise UnreadableNotebook(
            f"It is damaged inside the archive ({error}). Download or pack it anew.",
            f"它在压缩包里已损坏（{error}）。请重新下载或打包。",
        ) from None


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open the ZIP at `path`; it closes when the last of its entries is forgotten.

    Raises
    ------
    IntakeError
        If it is none, or damaged.
    """
    try:
        return zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise IntakeError(
            f"{path} is no ZIP archive, or a damaged one ({error}). Name a folder, a ZIP, or a "
            'pattern in quotes such as "hand-in/*.ipynb".',
            f"{path} 不是 ZIP 压缩包，或已损坏（{error}）。请给出文件夹、ZIP，"
            '或带引号的通配模式，如 "hand-in/*.ipynb"。',
        ) from None


def opened(entry: Entry) -> list[Entry]:
    """What is in an archive that somebody handed in, one level deep.

    Raises
    ------
    UnreadableNotebook
        If it cannot be opened safely; the text says so.
    """
    content = entry.read()
    # Each file takes at least this mark, and the list of files is held in memory.
    if content.count(zipfile.stringCentralDir) > MAX_INNER_FILES:  # type: ignore[attr-defined]
        raise UnreadableNotebook(
            f"The archive holds more than {MAX_INNER_FILES:,} files. Ask for the notebook alone.",
            f"压缩包里的文件超过 {MAX_INNER_FILES:,} 个。请让学生只提交 notebook。",
        )
    with _inner(content) as archive:
        return [
            Entry(
                f"{entry.name}/{inside.name}",
                partial(_read_inside, entry, inside.name),
                inside.folder,
                inside.problem,
            )
            for inside in in_archive(archive)
        ]


def _inner(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(content))
    except _DAMAGED as error:
        raise UnreadableNotebook(
            f"It is no ZIP archive, or a damaged one ({error}). Ask for the .ipynb file itself.",
            f"它不是 ZIP 压缩包，或已损坏（{error}）。请让学生提交 .ipynb 文件本身。",
        ) from None


def _read_inside(entry: Entry, name: str) -> bytes:
    with _inner(entry.read()) as archive:
        return next(inside for inside in in_archive(archive) if inside.name == name).read()
