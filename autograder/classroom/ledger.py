"""The ledger of a class: who handed in what, and what it came to. One SQLite file in a folder.

A result is kept by what it depends on: code, exercise, language and environment. So a grader that
is killed and run again goes on where it was, a notebook that was handed in twice is graded once,
and one that was changed is graded anew.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import astuple, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder._errors import BilingualError
from autograder.classroom.adjusted import with_adjustments
from autograder.engine import Notebook
from autograder.grading import database
from autograder.grading.database import Form
from autograder.grading.serial import SerialError, result_from_dict, result_to_dict
from autograder.judging.results import Adjustment, ClassResult, Expected, Graded, SubmissionResult
from autograder.language import Text

FILE = "class.sqlite"
_LOCK = ".grading"
FORM = Form(
    name={"en": "class ledger", "zh": "班级成绩库"},
    application=0x54534C47,  # "TSLG"
    version=3,
    schema="""
CREATE TABLE editions (exercise TEXT PRIMARY KEY, environment TEXT NOT NULL);
CREATE TABLE traits (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE results (
    key TEXT PRIMARY KEY,
    at_fault INTEGER NOT NULL,
    result BLOB NOT NULL,
    code BLOB
);
CREATE TABLE handed_in (
    name TEXT PRIMARY KEY,
    student TEXT NOT NULL,
    identifier TEXT NOT NULL,
    key TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE adjustments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    student TEXT NOT NULL,
    exercise TEXT NOT NULL,
    task TEXT NOT NULL,
    points REAL,
    reason TEXT NOT NULL,
    made TEXT NOT NULL
);
""",
    upgrades={
        1: "ALTER TABLE results ADD COLUMN code BLOB",
        2: """
ALTER TABLE handed_in ADD COLUMN at TEXT NOT NULL DEFAULT '';
CREATE TABLE adjustments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    student TEXT NOT NULL,
    exercise TEXT NOT NULL,
    task TEXT NOT NULL,
    points REAL,
    reason TEXT NOT NULL,
    made TEXT NOT NULL
);
""",
    },
    remedy={
        "en": "Move it away, and grade the class again.",
        "zh": "请把它移走，然后重新评分。",
    },
)


class LedgerError(BilingualError):
    """A folder that cannot take this class's results; what is in it stays."""


def key_of(notebook: Notebook, environment: str) -> str:
    """What a notebook's result is kept by.

    Parameters
    ----------
    environment
        Fingerprint of the exercise, the secret and the versions in use.
    """
    parts = [notebook.digest, notebook.exercise, notebook.language, environment]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Ledger:
    """The ledger in `folder`, which is made if need be.

    Parameters
    ----------
    writing
        Whether to grade into it, which only one process may do at a time. It belongs to the
        thread that opened it.

    Raises
    ------
    LedgerError
        If another process grades into the folder, or, for reading, there is no ledger in it.
    JournalError
        If it is damaged, foreign, of a newer version, or cannot be written. It is left alone.
    """

    def __init__(self, folder: Path, *, writing: bool = False) -> None:
        self.path = folder / FILE
        if not writing and not self.path.is_file():
            raise LedgerError(
                f"{folder} holds no graded class. Grade one with `touchstone class grade "
                f"SOURCE --out {folder}`.",
                f"{folder} 里没有班级成绩。请先运行 `touchstone class grade 作业 --out {folder}`。",
            )
        self._lock = self._locked(folder) if writing else None
        self._copy = None if writing or os.access(folder, os.W_OK) else self._copied(folder)
        self._database = database.connect(
            Path(self._copy.name) / FILE if self._copy else self.path, FORM
        )

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()
        if self._lock is not None:
            self._lock.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _copied(self, folder: Path) -> tempfile.TemporaryDirectory[str]:
        """A copy to read: SQLite writes beside a database also when it only reads it."""
        copy = tempfile.TemporaryDirectory(prefix="touchstone-")
        try:
            for name in (FILE, f"{FILE}-wal"):
                if (folder / name).exists():
                    shutil.copyfile(folder / name, Path(copy.name) / name)
        except OSError as error:
            copy.cleanup()
            raise LedgerError(
                f"{self.path} cannot be read: {error.strerror or error}. Check who may read it.",
                f"无法读取 {self.path}：{error.strerror or error}。请检查读取权限。",
            ) from None
        return copy

    def _locked(self, folder: Path) -> sqlite3.Connection:
        """Hold the folder, until this process ends in whatever way: SQLite's own locks do that."""
        path = folder / _LOCK
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):  # SQLite would find out with the first result
                raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
            lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
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

    def __len__(self) -> int:
        return int(self._rows("SELECT count(*) FROM handed_in")[0][0])

    def open_for(self, exercise: str, environment: str) -> None:
        """Say in which environment an exercise is graded here; it stays the same one.

        Raises
        ------
        LedgerError
            If results of another environment are here already.
        """
        query = "SELECT environment FROM editions WHERE exercise = ?"
        rows = self._rows(query, exercise)
        if rows and rows[0][0] != environment:
            raise LedgerError(
                f"{self.path.parent} holds results of `{exercise}` from another edition of the "
                "course, other versions of the libraries, or another secret. They were left as "
                "they are. Grade with the same ones, or name another folder with --out.",
                f"{self.path.parent} 里已有 `{exercise}` 的成绩，但课程版本、依赖库版本或密钥不同，"
                "原有成绩未作改动。请使用相同的版本和密钥，或用 --out 换一个文件夹。",
            )
        if not rows:
            self._write("INSERT INTO editions VALUES (?, ?)", exercise, environment)

    def hide(self) -> None:
        """Remember that a secret changed the seeds; it stays so, for results of that are here."""
        self._write("INSERT OR REPLACE INTO traits VALUES ('hidden', '1')")

    def note_layout(self, layout: Text) -> None:
        """Remember by what students were told apart."""
        self._write("INSERT OR REPLACE INTO traits VALUES ('layout', ?)", json.dumps(dict(layout)))

    def note_aside(self, aside: Iterable[tuple[str, Text]]) -> None:
        """Remember what was there and is graded for nobody."""
        text = json.dumps([[name, dict(why)] for name, why in aside])
        self._write("INSERT OR REPLACE INTO traits VALUES ('aside', ?)", text)

    def note_roster(self, roster: Sequence[Expected]) -> None:
        """Remember who was expected, instead of who was before."""
        people = json.dumps([astuple(one) for one in roster])
        self._write("INSERT OR REPLACE INTO traits VALUES ('roster', ?)", people)

    def note_due(self, due: str) -> None:
        """Remember the deadline, in ISO 8601; empty for none."""
        self._write("INSERT OR REPLACE INTO traits VALUES ('due', ?)", json.dumps(due))

    def has(self, key: str) -> bool:
        """Whether a result is here that need not be sought again: one not marred by our fault."""
        return bool(self._rows("SELECT 1 FROM results WHERE key = ? AND at_fault = 0", key))

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What the body records and enters is on the disk when it ends, or nothing of it is."""
        with database.guarded(self.path, FORM), database.transaction(self._database):
            yield

    def code(self, key: str) -> bytes | None:
        """The code whose result is kept under a key; ``None`` if there is none."""
        rows = self._rows("SELECT code FROM results WHERE key = ?", key)
        try:
            return zlib.decompress(rows[0][0]) if rows and rows[0][0] is not None else None
        except zlib.error as error:
            raise database.damaged(self.path, FORM, f"a submission's code: {error}") from None

    def record(self, key: str, result: SubmissionResult, code: bytes | None = None) -> None:
        """Keep a result, and the code that it is of; by itself, it is on the disk on return."""
        fault = result.at_fault or (result.problem is not None and bool(result.exercise))
        text = json.dumps(result_to_dict(result), allow_nan=False, sort_keys=True)
        # The claims are the same in every result, and long.
        content = zlib.compress(text.encode())
        statement = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)"
        self._write(statement, key, int(fault), content, code and zlib.compress(code))

    def enter(self, student: str, name: str, identifier: str, key: str, at: str = "") -> None:
        """Note that a student handed in, as `name`, what has its result under `key`."""
        statement = "INSERT OR REPLACE INTO handed_in VALUES (?, ?, ?, ?, ?)"
        self._write(statement, name, student, identifier, key, at)

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget who handed in anything else than `names`; results stay."""
        known = {row[0] for row in self._rows("SELECT name FROM handed_in")}
        with self.at_once():
            for name in sorted(known - set(names)):
                self._write("DELETE FROM handed_in WHERE name = ?", name)

    def class_result(self, *, cells: bool = True) -> ClassResult:
        """Everything that was graded so far, by students' names.

        Without `cells` there are only those that stopped, and what they held and showed is left
        out: of a class of ten thousand it fills the memory.
        """
        query = (
            "SELECT student, name, identifier, at, result FROM handed_in JOIN results USING (key)"
            " ORDER BY student, name"
        )
        hidden = self._rows("SELECT value FROM traits WHERE name = 'hidden'") == [("1",)]
        try:
            graded = tuple(
                Graded(student, name, replace(_result(content, cells), path=name), identifier, at)
                for student, name, identifier, at, content in self._rows(query)
            )
        except (SerialError, ValueError, AttributeError, zlib.error) as error:
            raise database.damaged(self.path, FORM, f"a result: {error}") from None
        layout, aside = self._trait("layout"), self._trait("aside") or []
        people, due = self._trait("roster") or [], self._trait("due") or ""
        try:
            told = layout and _both(layout)
            left = tuple((str(name), _both(why)) for name, why in aside)
            roster = tuple(Expected(*map(str, one)) for one in people)
        except (ValueError, KeyError, TypeError) as error:
            raise database.damaged(self.path, FORM, f"the layout: {error}") from None
        result = ClassResult(graded, hidden, told, left, roster, str(due))
        given = {(one.student, one.exercise, one.task): one for one in self.adjustments()}
        return with_adjustments(result, given)

    def adjust(self, step: Adjustment) -> None:
        """Keep a step of points by hand; the latest for a student's task counts."""
        columns = "student, exercise, task, points, reason, made"
        statement = f"INSERT INTO adjustments ({columns}) VALUES (?, ?, ?, ?, ?, ?)"
        self._write(statement, *astuple(step))

    def adjustments(self) -> list[Adjustment]:
        """Every such step, in the order in which they were taken."""
        columns = "student, exercise, task, points, reason, made"
        rows = self._rows(f"SELECT {columns} FROM adjustments ORDER BY id")
        return [Adjustment(*row) for row in rows]

    def _trait(self, name: str) -> Any:
        rows = self._rows("SELECT value FROM traits WHERE name = ?", name)
        try:
            return json.loads(rows[0][0]) if rows else None
        except ValueError as error:
            raise database.damaged(self.path, FORM, f"{name}: {error}") from None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with database.guarded(self.path, FORM), closing(self._database.cursor()) as cursor:
            return cursor.execute(query, values).fetchall()

    def _write(self, statement: str, *values: object) -> None:
        with nullcontext() if self._database.in_transaction else self.at_once():
            self._database.execute(statement, values)


def _both(table: Any) -> Text:
    return {"en": str(table["en"]), "zh": str(table["zh"])}


def _result(content: bytes, cells: bool) -> SubmissionResult:
    data = json.loads(zlib.decompress(content))
    if not cells:
        stopped = [cell for cell in data["cells"] if cell["error"]]
        data["cells"] = [{**cell, "source": "", "outputs": []} for cell in stopped]
    return result_from_dict(data)


def _unwritable(folder: Path, error: Exception) -> LedgerError:
    return LedgerError(
        f"{folder} cannot be written: {error}. Free the disk or its permissions, or name another "
        "folder with --out.",
        f"{folder} 无法写入：{error}。请检查磁盘空间和权限，或用 --out 换一个文件夹。",
    )
