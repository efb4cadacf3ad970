"""Files written whole or not at all, and which of them are nobody's hand-in."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path, PurePath

# What `create_dated` makes, such as ``x.before-reset-2026-01-31.ipynb``.
_DATED_COPY = re.compile(
    r"\.(?:before-reset|left-over|former)-\d{4}-\d{2}-\d{2}(?:-\d+)?(?=\.ipynb$)"
)


def is_set_aside(path: PurePath) -> bool:
    """Whether `path`, relative to a folder that is searched, is hidden or a dated copy of ours."""
    return bool(copy_of(path.name)) or any(
        part.startswith(".") or part == "__MACOSX" for part in path.parts
    )


def decoded(data: bytes) -> str:
    """A text file's `data` as text: UTF-8, or UTF-16 where it begins so, as PowerShell writes it.

    Raises
    ------
    UnicodeDecodeError
        If it is neither.
    """
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig")


def copy_of(name: str) -> str:
    """What a dated copy of ours is a copy of, or ``""`` if `name` is not like one."""
    original = _DATED_COPY.sub("", name)
    return original if original != name else ""


def read(path: Path) -> bytes:
    """The content of the file at `path`; a pipe would never answer, and a device never end.

    Raises
    ------
    OSError
        If it cannot be read, or is no ordinary file.
    """
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
        return file.read()


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def is_standard_output(path: str | Path) -> bool:
    """Whether what is at `path` is what this process prints to, as ``/dev/stdout`` is."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(1))
    except (OSError, ValueError):
        return False


def without_links(path: Path) -> Path:
    """Where `path` really is; where links go round in a circle, as far as they can be followed."""
    return Path(os.path.realpath(path))


def replace(path: Path, data: bytes) -> None:
    """Write `data` over the file at `path`, which keeps its mode, or leave it as it was.

    A symbolic link stays a link: the file that it names is the one replaced. A pipe or a device
    such as ``/dev/stdout`` is written to, never replaced.

    Raises
    ------
    OSError
        If that is not possible; the former content is then intact.
    """
    # Asked before the link is followed: a pipe's own name, as that of /dev/stdout, is no path.
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    target = path.resolve()
    with _temporary(target, data) as temporary:
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)


def create(path: Path, data: bytes) -> None:
    """Write `data` to a new file at `path`, whole or not at all.

    Raises
    ------
    FileExistsError
        If something is there already, be it a link that leads nowhere.
    OSError
        If it cannot be written.
    """
    with _temporary(path, data) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(path):
                raise FileExistsError(path) from None
            os.replace(temporary, path)


def create_dated(path: Path, label: str, data: bytes) -> Path:
    """Write `data` beside `path` as ``<stem>.<label>-<YYYY-MM-DD>[-n]<suffix>``, a new file."""
    stem = f"{path.stem}.{label}-{date.today().isoformat()}"
    for number in count(1):
        beside = path.with_name(f"{stem}{'' if number == 1 else f'-{number}'}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            create(beside, data)
            return beside
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _temporary(target: Path, data: bytes) -> Iterator[Path]:
    """A file in the folder of `target` that holds `data` safely; it is gone afterwards."""
    path = target.with_name(f".touchstone-{secrets.token_hex(8)}.tmp")
    try:
        # Not by `tempfile`, which would make it unreadable to everybody else.
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
