"""The SQLite file behind the journal: made, recognised, and left alone where it is not fit."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from autograder._errors import BilingualError

VERSION = 1
_APPLICATION = 0x54534A4C  # "TSJL" in the file's header marks it as ours
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
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_AUTH,
}
_SCHEMA = """
CREATE TABLE attempts (
    key TEXT PRIMARY KEY,
    exercise TEXT NOT NULL,
    submission TEXT NOT NULL,
    environment TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    recorded TEXT NOT NULL,
    points REAL NOT NULL,
    max_points REAL NOT NULL,
    at_fault INTEGER NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX attempts_by_exercise ON attempts (exercise, points);
CREATE TABLE hints (
    exercise TEXT NOT NULL, task TEXT NOT NULL, level INTEGER NOT NULL,
    PRIMARY KEY (exercise, task)
);
CREATE TABLE surrenders (
    exercise TEXT NOT NULL, task TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (exercise, task)
);
"""


class JournalError(BilingualError):
    """A journal that cannot be used; the file is left as it was."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal at `path`, or make it. Nothing is written to a file that is not fit.

    Raises
    ------
    JournalError
        If the file is damaged, foreign or of a newer version, or cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, str(error)) from error
    with guarded(path):
        database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
        return database


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a `JournalError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES:
            raise _unusable(path, str(error)) from error
        raise damaged(path, str(error)) from error


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


def damaged(path: Path, reason: str) -> JournalError:
    """The error for a journal that cannot be understood."""
    return JournalError(
        f"The journal {path} is damaged ({reason}) and was left as it is. Move it away and run "
        "the command again; grading your notebooks anew brings the points back.",
        f"学习记录 {path} 已损坏（{reason}），文件未作改动。请把它移走后重新运行本命令；"
        "重新评分即可恢复各题得分。",
    )


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    if _is_new(database):
        with transaction(database):
            if _is_new(database):  # no other process was quicker
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {VERSION}")
    if _pragma(database, "application_id") != _APPLICATION:
        raise JournalError(
            f"{path} is no journal of Touchstone and was left as it is. Move it away.",
            f"{path} 不是 Touchstone 的学习记录，文件未作改动。请把它移走。",
        )
    if _pragma(database, "user_version") > VERSION:
        raise JournalError(
            f"The journal {path} was written by a newer version of Touchstone and was left as it "
            "is. Upgrade Touchstone: `pip install --upgrade touchstone-course`.",
            f"学习记录 {path} 由更新版本的 Touchstone 写入，文件未作改动。"
            "请升级：`pip install --upgrade touchstone-course`。",
        )
    # Others may have the file open at this moment: then it is the next one who switches it.
    with contextlib.suppress(sqlite3.OperationalError):
        database.execute("PRAGMA journal_mode = WAL").fetchone()


def _is_new(database: sqlite3.Connection) -> bool:
    empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    return empty and not _pragma(database, "application_id")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _unusable(path: Path, reason: str) -> JournalError:
    return JournalError(
        f"The journal {path} cannot be used now: {reason}. Nothing in it is lost. See whether "
        "another program holds it, the disk is full or it may not be written; then try again.",
        f"学习记录 {path} 暂时无法使用：{reason}。已有内容没有丢失。"
        "请检查是否被其他程序占用、磁盘是否已满、有无写入权限，然后重试。",
    )
