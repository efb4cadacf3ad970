"""Holding a folder that a class is graded into, so that no second process does it too."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from autograder._errors import BilingualError

_LOCK = ".grading"


class LedgerError(BilingualError):
    """A folder that cannot take this class's results; what is in it stays."""


def held(folder: Path) -> sqlite3.Connection:
    """Hold `folder`, which is made if need be, until what is returned is closed.

    Or until this process ends in whatever way: SQLite's own locks do that.

    Raises
    ------
    LedgerError
        If another process holds it, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):  # SQLite would find out with the first result
            raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
        lock = sqlite3.connect(
            folder / _LOCK, timeout=0, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise _unwritable(folder, error) from None
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise LedgerError(
                f"Another process is grading into {folder}. Wait until it is done, or name "
                "another folder with --out.",
                f"另一个进程正在往 {folder} 里评分。请等它结束，或用 --out 换一个文件夹。",
            ) from None
        raise _unwritable(folder, error) from None
    return lock


def _unwritable(folder: Path, error: Exception) -> LedgerError:
    return LedgerError(
        f"{folder} cannot be written: {error}. Free the disk or its permissions, or name another "
        "folder with --out.",
        f"{folder} 无法写入：{error}。请检查磁盘空间和权限，或用 --out 换一个文件夹。",
    )
