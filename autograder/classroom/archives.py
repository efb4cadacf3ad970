"""What lies in a ZIP, listed and read in memory, without unpacking it onto the disk."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections import Counter
from functools import partial
from io import BytesIO
from pathlib import Path

from autograder.classroom.entries import SYMLINK, UNSAFE, Entry, IntakeError, both, kept, limited
from autograder.classroom.names import decoder, is_unsafe, parts_of
from autograder.engine.cells import MAX_BYTES, UnreadableNotebook, too_large
from autograder.language import Text

MAX_INNER_FILES = 5_000
_DEEPEST_STUDENT = 4  # folders down, in any layout; a hostile path may have thousands
_HAS_PASSWORD, _IN_UTF_8 = 0x1, 0x800
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, EOFError, OSError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
_ENCRYPTED = both(
    "It is encrypted. Ask for it without a password.", "文件已加密。请让学生提交不带密码的版本。"
)
_UNUSUAL = both(
    "It is compressed by an unusual method. Pack it anew as an ordinary ZIP (Deflate).",
    "它使用了不常见的压缩方式。请重新打包为普通 ZIP（Deflate）。",
)


def in_archive(archive: zipfile.ZipFile) -> list[Entry]:
    """Everything in `archive`, in the order of names; what is nobody's work says so."""
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
        steps = name.split("/")
        for depth in range(1, min(len(steps), _DEEPEST_STUDENT + 1)):
            above = "/".join(steps[:depth])
            found.setdefault(above, Entry(above, bytes, folder=True))
    return kept(found.values())


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
        return UNSAFE
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
            return limited(file)
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
                inside.aside,
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
