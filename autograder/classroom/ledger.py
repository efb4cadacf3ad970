"""The ledger of a class: who handed in what, and what it came to. One SQLite file in a folder.

A result is kept by what it depends on: code, exercise, language and environment. So a grader that
is killed and run again goes on where it was, a notebook that was handed in twice is graded once,
and one that was changed is graded anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import astuple, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.classroom.adjusted import with_adjustments
from autograder.classroom.holding import LedgerError, held
from autograder.engine import Notebook
from autograder.grading import database
from autograder.grading.database import Form
from autograder.grading.serial import SerialError, result_from_dict, result_to_dict
from autograder.judging.results import Adjustment, ClassResult, Expected, Graded, SubmissionResult
from autograder.language import Text

FILE = "class.sqlite"
_ADJUSTMENTS = """
CREATE TABLE adjustments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    student TEXT NOT NULL,
    exercise TEXT NOT NULL,
    task TEXT NOT NULL,
    points REAL,
    reason TEXT NOT NULL,
    made TEXT NOT NULL
);
"""
FORM = Form(
    name={"en": "class ledger", "zh": "班级成绩库"},
    application=0x54534C47,  # "TSLG"
    version=3,
    schema=f"""
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
{_ADJUSTMENTS}""",
    upgrades={
        1: "ALTER TABLE results ADD COLUMN code BLOB",
        2: f"ALTER TABLE handed_in ADD COLUMN at TEXT NOT NULL DEFAULT ''; {_ADJUSTMENTS}",
    },
    remedy={
        "en": "Move it away, and grade the class again.",
        "zh": "请把它移走，然后重新评分。",
    },
)


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
        self._lock = held(folder) if writing else None
        try:
            can_write = writing or os.access(folder, os.W_OK)
            connect = database.connect if can_write else database.connect_copy
            self._database = connect(self.path, FORM)
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be read: {error.strerror or error}. Check who may read it.",
                f"无法读取 {self.path}：{error.strerror or error}。请检查读取权限。",
            ) from None

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

    def note(
        self,
        layout: Text,
        aside: Iterable[tuple[str, Text]] = (),
        roster: Iterable[Expected] = (),
        due: str = "",
    ) -> None:
        """Remember, instead of what was before, what `ClassResult` tells of the class itself."""
        noted: dict[str, Any] = {
            "layout": dict(layout),
            "aside": [[name, dict(why)] for name, why in aside],
            "roster": [astuple(one) for one in roster],
            "due": due,
        }
        with self.at_once():
            statement = "INSERT OR REPLACE INTO traits VALUES (?, ?)"
            for name, value in noted.items():
                self._write(statement, name, json.dumps(value))

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
        try:
            graded = tuple(
                Graded(student, name, replace(_result(content, cells), path=name), identifier, at)
                for student, name, identifier, at, content in self._rows(query)
            )
        except (SerialError, ValueError, AttributeError, zlib.error) as error:
            raise database.damaged(self.path, FORM, f"a result: {error}") from None
        result = ClassResult(graded, **self._noted())
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

    def _noted(self) -> dict[str, Any]:
        """What `hide` and `note` noted, by the names that `ClassResult` has for it."""
        rows = self._rows("SELECT name, value FROM traits")
        try:
            noted = {name: json.loads(value) for name, value in rows}
            layout = noted.get("layout")
            return {
                "hidden": noted.get("hidden") == 1,
                "layout": layout and _both(layout),
                "aside": tuple((str(name), _both(why)) for name, why in noted.get("aside", ())),
                "roster": tuple(Expected(*map(str, one)) for one in noted.get("roster", ())),
                "due": str(noted.get("due", "")),
            }
        except (ValueError, KeyError, TypeError) as error:
            raise database.damaged(self.path, FORM, f"what is told of it: {error}") from None

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
