"""SQLite files of ours: made, recognised, and left alone where they are not fit."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder._errors import BilingualError
from autograder.language import Text

_BUSY_SECONDS = 20.0
# What may pass or can be mended from outside; anything else that SQLite says is damage.
_CIRCUMSTANCES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_AUTH,
}

_READ_ONLY = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class JournalError(BilingualError):
    """A journal that cannot be used; the file is left as it was."""


class JournalUnwritable(JournalError):
    """A journal where nothing can be written, because of rights or of what the disk is."""


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file.

    Attributes
    ----------
    name
        What the file is called in messages.
    application
        Number in the file's header that marks it as ours.
    remedy
        What to do about one that is damaged.
    upgrades
        What makes a file of the version before one of this version, by that version.
    """

    name: Text
    application: int
    version: int
    schema: str
    remedy: Text
    upgrades: Mapping[int, str] = field(default_factory=dict)


def connect(path: Path, form: Form) -> sqlite3.Connection:
    """Open the file at `path`, or make it. Nothing is written to a file that is not fit.

    Raises
    ------
    JournalError
        If the file is damaged, foreign or of a newer version, or cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, form, str(error), JournalUnwritable) from error
    with guarded(path, form):
        database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(database, path, form)
        except BaseException:
            database.close()
            raise
        return database


def connect_copy(path: Path, form: Form) -> sqlite3.Connection:
    """What the file at `path` holds, in memory only.

    Raises
    ------
    OSError
        If it cannot be read.
    JournalError
        If what it holds is damaged, foreign or of a newer version.
    """
    # SQLite writes beside a database also when it only reads it, so a copy is read, with what a
    # program that was killed left beside it.
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        copy = shutil.copyfile(path, Path(folder) / "copy")
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        with guarded(path, form), contextlib.closing(sqlite3.connect(copy)) as file:
            return connect_nowhere(path, form, file.backup)


def connect_nowhere(
    path: Path, form: Form, fill: Callable[[sqlite3.Connection], None] = lambda memory: None
) -> sqlite3.Connection:
    """A new file's content, or what `fill` brings, in memory only; errors are of `path`."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with guarded(path, form):
            fill(memory)
            _prepare(memory, path, form)
    except BaseException:
        memory.close()
        raise
    return memory


def try_writing(database: sqlite3.Connection) -> None:
    """Begin to write, and do not: an error of SQLite's if that is not possible."""
    database.execute("BEGIN IMMEDIATE")
    database.execute("ROLLBACK")


@contextlib.contextmanager
def guarded(path: Path, form: Form) -> Iterator[None]:
    """Turn what SQLite raises into a `JournalError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _CIRCUMSTANCES:
            kind = JournalUnwritable if code in _READ_ONLY else JournalError
            raise _unusable(path, form, str(error), kind) from error
        raise damaged(path, form, str(error)) from error


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: all of it or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:  # SQLite may have rolled it back itself
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def damaged(path: Path, form: Form, reason: str) -> JournalError:
    """The error for a file that cannot be understood."""
    return JournalError(
        f"The {form.name['en']} {path} is damaged ({reason}) and was left as it is. "
        f"{form.remedy['en']}",
        f"{form.name['zh']} {path} 已损坏（{reason}），文件未作改动。{form.remedy['zh']}",
    )


def _prepare(database: sqlite3.Connection, path: Path, form: Form) -> None:
    if _is_new(database):
        with transaction(database):
            if _is_new(database):  # no other process was quicker
                _run(database, form.schema)
                database.execute(f"PRAGMA application_id = {form.application}")
                database.execute(f"PRAGMA user_version = {form.version}")
    if _pragma(database, "application_id") != form.application:
        raise JournalError(
            f"{path} is no {form.name['en']} of Touchstone and was left as it is. Move it away.",
            f"{path} 不是 Touchstone 的{form.name['zh']}，文件未作改动。请把它移走。",
        )
    if _pragma(database, "user_version") > form.version:
        raise JournalError(
            f"The {form.name['en']} {path} was written by a newer version of Touchstone and was "
            "left as it is. Upgrade Touchstone: `pip install --upgrade touchstone-course`.",
            f"{form.name['zh']} {path} 由更新版本的 Touchstone 写入，文件未作改动。"
            "请升级：`pip install --upgrade touchstone-course`。",
        )
    _upgrade(database, form)
    # Others may have the file open at this moment: then it is the next one who switches it.
    with contextlib.suppress(sqlite3.OperationalError):
        database.execute("PRAGMA journal_mode = WAL").fetchone()


def _upgrade(database: sqlite3.Connection, form: Form) -> None:
    if _pragma(database, "user_version") == form.version:
        return
    with transaction(database):
        for version in range(_pragma(database, "user_version"), form.version):
            _run(database, form.upgrades[version])
        database.execute(f"PRAGMA user_version = {form.version}")


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):
        database.execute(statement)


def _is_new(database: sqlite3.Connection) -> bool:
    empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    return empty and not _pragma(database, "application_id")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _unusable(
    path: Path, form: Form, reason: str, kind: type[JournalError] = JournalError
) -> JournalError:
    return kind(
        f"The {form.name['en']} {path} cannot be used now: {reason}. Nothing in it is lost. See "
        "whether another program holds it, the disk is full or it may not be written; then try "
        "again.",
        f"{form.name['zh']} {path} 暂时无法使用：{reason}。已有内容没有丢失。"
        "请检查是否被其他程序占用、磁盘是否已满、有无写入权限，然后重试。",
    )
