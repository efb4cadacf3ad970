"""The journal: every attempt, and how far the learner has come. One SQLite file."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder import _places
from autograder.grading import database
from autograder.grading.database import Form
from autograder.grading.database import JournalError as JournalError
from autograder.grading.database import JournalUnwritable as JournalUnwritable
from autograder.grading.exchange import Exchange, attempt_key
from autograder.grading.serial import SerialError, result_from_dict, result_to_dict
from autograder.grading.studies import JUDGEMENTS, PLANS, Studies
from autograder.grading.studies import SCHEMA as STUDIES
from autograder.judging.results import SubmissionResult

HINT_LEVELS = 3
FORM = Form(
    name={"en": "journal", "zh": "学习记录"},
    application=0x54534A4C,  # "TSJL"
    version=4,
    schema=f"""
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
{STUDIES}
{PLANS}
{JUDGEMENTS}
""",
    upgrades={1: STUDIES, 2: PLANS, 3: JUDGEMENTS},
    remedy={
        "en": "Move it away and run the command again; grading your notebooks anew brings the "
        "points back.",
        "zh": "请把它移走后重新运行本命令；重新评分即可恢复各题得分。",
    },
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an exercise has come: its best attempt and when that was first reached.

    Attributes
    ----------
    when
        Time of the best attempt, in UTC.
    attempts
        How many different attempts there were.
    """

    exercise: str
    points: float
    max_points: float
    when: datetime
    attempts: int


def default_path() -> Path:
    """Where the journal is for work outside any workbook."""
    return _places.data() / "journal.sqlite"


class Journal:
    """Attempts and progress in the SQLite file at `path`, which is made if need be.

    Several processes may use one file at the same time. A journal belongs to the thread that
    opened it.

    Attributes
    ----------
    keeps
        Whether what is put in is there the next time.

    Raises
    ------
    JournalError
        If the file is damaged, of a newer version or not a journal, or cannot be written. It is
        then left alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keeps = True
        self._database = database.connect(path, FORM)
        try:
            with database.guarded(path, FORM):
                database.try_writing(self._database)
        except BaseException:
            self.close()
            raise

    @classmethod
    def forgetful(cls, path: Path) -> Journal:
        """One that knows what the file at `path` holds, if it can be read, and keeps nothing."""
        journal = cls.__new__(cls)
        journal.path = path
        journal.keeps = False
        try:
            journal._database = database.connect_copy(path, FORM)
        except OSError:
            journal._database = database.connect_nowhere(path, FORM)
        return journal

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @property
    def studies(self) -> Studies:
        """What was said and remembered: interviews and reviews."""
        return Studies(self._database, lambda: database.guarded(self.path, FORM))

    @property
    def exchange(self) -> Exchange:
        """All that is in the journal, to take along and to merge."""
        return Exchange(self._database, lambda: database.guarded(self.path, FORM))

    def record(self, result: SubmissionResult, submission_sha: str, environment: str) -> None:
        """Keep an attempt: one row for each submission, exercise and environment.

        If there is one already, it is seen again, and its result gives way to one that is not
        marred by a fault of ours, or that has more points.
        """
        key = attempt_key(submission_sha, result.exercise, environment)
        now = _now()
        fault = int(result.at_fault)
        content = json.dumps(result_to_dict(result), allow_nan=False)
        marks = (now, result.points, result.max_points, fault, content)
        with database.guarded(self.path, FORM), database.transaction(self._database):
            self._database.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET last_seen = excluded.last_seen",
                (key, result.exercise, submission_sha, environment, now, *marks),
            )
            self._database.execute(
                "UPDATE attempts"
                " SET recorded = ?, points = ?, max_points = ?, at_fault = ?, result = ?"
                " WHERE key = ? AND (-at_fault, points) < (?, ?)",
                (*marks, key, -fault, result.points),
            )

    def attempt(
        self, submission_sha: str, exercise: str, environment: str
    ) -> SubmissionResult | None:
        """The result kept for a submission, or None."""
        query = "SELECT result FROM attempts WHERE key = ?"
        rows = self._rows(query, attempt_key(submission_sha, exercise, environment))
        try:
            return result_from_dict(json.loads(rows[0][0])) if rows else None
        except (SerialError, ValueError, AttributeError) as error:
            raise database.damaged(self.path, FORM, f"an attempt: {error}") from None

    def best(self, slug: str) -> dict[str, float]:
        """Most points that each task of an exercise ever got."""
        query = (
            "SELECT json_extract(task.value, '$.name'),"
            " max(CAST(json_extract(task.value, '$.points') AS REAL))"
            " FROM attempts, json_each(attempts.result, '$.tasks') AS task"
            " WHERE exercise = ? GROUP BY 1"
        )
        return dict(self._rows(query, slug))

    def standing(self) -> dict[str, Progress]:
        """The progress in each exercise that was ever attempted, by slug."""
        query = (
            "SELECT exercise, points, max_points, recorded,"
            " count(*) OVER (PARTITION BY exercise),"
            " row_number() OVER (PARTITION BY exercise ORDER BY points DESC, recorded)"
            " FROM attempts WHERE exercise != '' ORDER BY exercise"
        )
        return {
            slug: Progress(slug, points, most, datetime.fromisoformat(when), attempts)
            for slug, points, most, when, attempts, rank in self._rows(query)
            if rank == 1
        }

    def passed(self, slug: str, task: str) -> bool:
        """Whether a task was ever passed."""
        query = (
            "SELECT 1 FROM attempts, json_each(attempts.result, '$.tasks') AS task"
            " WHERE exercise = ? AND json_extract(task.value, '$.name') = ?"
            " AND json_extract(task.value, '$.status') = 'pass' LIMIT 1"
        )
        return bool(self._rows(query, slug, task))

    def passes(self) -> dict[tuple[str, str], datetime]:
        """When each task that was ever passed was so last, by exercise and name; oldest first."""
        query = (
            "SELECT exercise, json_extract(task.value, '$.name') AS name, max(last_seen) AS latest"
            " FROM attempts, json_each(attempts.result, '$.tasks') AS task"
            " WHERE json_extract(task.value, '$.status') = 'pass'"
            " GROUP BY exercise, name ORDER BY latest, exercise, attempts.rowid, task.key"
        )
        return {(s, task): datetime.fromisoformat(when) for s, task, when in self._rows(query)}

    def open_hint(self, slug: str, task: str) -> int:
        """Open the next hint for a task and return its level: 1, 2, and from then on 3."""
        with database.guarded(self.path, FORM), database.transaction(self._database):
            self._database.execute(
                "INSERT INTO hints VALUES (?, ?, 1) ON CONFLICT (exercise, task)"
                " DO UPDATE SET level = min(level + 1, ?)",
                (slug, task, HINT_LEVELS),
            )
            return self.hint_level(slug, task)

    def hint_level(self, slug: str, task: str) -> int:
        """The highest hint opened for a task; 0 if none was."""
        query = "SELECT level FROM hints WHERE exercise = ? AND task = ?"
        rows = self._rows(query, slug, task)
        return int(rows[0][0]) if rows else 0

    def give_up(self, slug: str, task: str) -> None:
        """Remember that the learner gave a task up, for the solution to open."""
        query = "INSERT INTO surrenders VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._rows(query, slug, task, _now())

    def gave_up(self, slug: str, task: str) -> bool:
        """Whether the learner ever gave a task up."""
        query = "SELECT 1 FROM surrenders WHERE exercise = ? AND task = ?"
        return bool(self._rows(query, slug, task))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with database.guarded(self.path, FORM), closing(self._database.cursor()) as cursor:
            return cursor.execute(query, values).fetchall()


def _now() -> str:
    """The time in a form whose order as text is that of time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
