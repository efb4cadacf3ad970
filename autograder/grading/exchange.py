"""A journal's content as data to take along, and its merging into another journal.

Merging is a union in which each entry has one meaning: what is there twice comes to the same in
whichever order it came. Of attempts the better one counts, of hints the highest, of surrenders
the first; an answer that was taken back anywhere is taken back.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

from autograder._errors import BilingualError
from autograder.grading import database
from autograder.grading.serial import SerialError, result_from_dict
from autograder.grading.studies import Answer, Judgement, Plan, Review, Studies

FORMAT = "touchstone-progress"
VERSION = 1
_MOST = 1_000_000
_TABLES = {
    "attempts": "SELECT submission, environment, last_seen, recorded, result FROM attempts"
    " WHERE exercise != '' ORDER BY key",
    "hints": "SELECT exercise, task, level FROM hints ORDER BY 1, 2",
    "surrenders": "SELECT exercise, task, at FROM surrenders ORDER BY 1, 2",
    "reviews": "SELECT card, at, rating, undone FROM reviews ORDER BY at, id",
    "answers": "SELECT slug, question, at, seconds, said, hit FROM answers ORDER BY at, id",
    "judgements": "SELECT slug, erratum, at, holds, said FROM judgements ORDER BY at, id",
    "plans": "SELECT at, until, slugs, new FROM plans ORDER BY at, id",
}
_AS_JSON = ("result", "hit", "slugs")
_AS_BOOL = {"reviews": ("undone",), "judgements": ("holds", "said")}


class ExchangeError(BilingualError):
    """Data that is no progress of ours, or of a newer version; nothing was changed."""


class _Unfit(Exception):
    """A value that does not belong there."""


class Exchange:
    """The whole content of an open journal."""

    def __init__(
        self, connection: sqlite3.Connection, guard: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._database = connection
        self._guard = guard

    def dump(self) -> dict[str, Any]:
        """All of it, as data for `json`."""
        with self._guard():
            content = {name: self._table(name, query) for name, query in _TABLES.items()}
        return {"format": FORMAT, "version": VERSION, **content}

    def merge(self, data: object) -> dict[str, int]:
        """Add what `dump` gave elsewhere; how many entries of each kind were new or are better.

        All of it or nothing.

        Raises
        ------
        ExchangeError
            If `data` is anything else; the message says where.
        """
        entries = _read(data)
        changed = dict.fromkeys(_TABLES, 0)
        with self._guard(), database.transaction(self._database):
            for kind, entry in entries:
                before = self._database.total_changes
                self._merge(kind, entry)
                changed[kind] += self._database.total_changes > before
        return changed

    def _table(self, kind: str, query: str) -> list[dict[str, Any]]:
        cursor = self._database.execute(query)
        names = [column[0] for column in cursor.description]
        return [
            {
                name: json.loads(value) if name in _AS_JSON else
                bool(value) if name in _AS_BOOL.get(kind, ()) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in cursor
        ]  # fmt: skip

    def _merge(self, kind: str, entry: Any) -> None:
        if kind in ("reviews", "answers", "judgements", "plans"):
            Studies(self._database, self._guard).add([entry])
        elif kind == "attempts":
            self._merge_attempt(entry)
        elif kind == "hints":
            self._database.execute(
                "INSERT INTO hints VALUES (?, ?, ?) ON CONFLICT (exercise, task)"
                " DO UPDATE SET level = excluded.level WHERE excluded.level > level",
                entry,
            )
        else:
            self._database.execute(
                "INSERT INTO surrenders VALUES (?, ?, ?) ON CONFLICT (exercise, task)"
                " DO UPDATE SET at = excluded.at WHERE excluded.at < at",
                entry,
            )

    def _merge_attempt(self, row: tuple[Any, ...]) -> None:
        key, (recorded, points, _, fault, result) = row[0], row[5:]
        self._database.execute(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key)"
            " DO UPDATE SET last_seen = excluded.last_seen WHERE excluded.last_seen > last_seen",
            row,
        )
        # The better result; of equals the earlier one, which is when it was first reached.
        self._database.execute(
            "UPDATE attempts"
            " SET recorded = ?, points = ?, max_points = ?, at_fault = ?, result = ?"
            " WHERE key = ? AND ((-at_fault, points) < (?, ?) OR"
            " ((-at_fault, points) = (?, ?) AND (recorded > ? OR (recorded = ? AND result < ?))))",
            (*row[5:], key, -fault, points, -fault, points, recorded, recorded, result),
        )


def attempt_key(submission: str, exercise: str, environment: str) -> str:
    """What an attempt is known by."""
    parts = json.dumps([submission, exercise, environment])
    return hashlib.sha256(parts.encode()).hexdigest()


def _read(data: object) -> list[tuple[str, Any]]:
    """The entries of `data`, each of a form that the journal takes."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise ExchangeError(
            "This is no progress of Touchstone. Nothing was changed. Make such a file with "
            "`touchstone progress export FILE.json`.",
            "这不是 Touchstone 的进度文件，现有记录没有改动。"
            "请用 `touchstone progress export FILE.json` 导出。",
        )
    version = data.get("version")
    if type(version) is int and version > VERSION:
        raise ExchangeError(
            "This progress was written by a newer version of Touchstone. Nothing was changed. "
            "Upgrade: `pip install --upgrade touchstone-course`.",
            "这份进度由更新版本的 Touchstone 写入，现有记录没有改动。"
            "请升级：`pip install --upgrade touchstone-course`。",
        )
    found: list[tuple[str, Any]] = []
    place = "version"
    try:
        _check(version == VERSION)
        for kind, reader in _READERS.items():
            place = kind
            rows = data.get(kind, [])
            _check(isinstance(rows, list))
            for number, row in enumerate(rows):
                place = f"{kind}[{number}]"
                found.append((kind, reader(row)))
    except (_Unfit, SerialError, KeyError, TypeError, ValueError, OverflowError, AttributeError):
        raise ExchangeError(
            f"This progress is damaged at {place}. Nothing was changed. Export it once more.",
            f"这份进度在 {place} 处已损坏，现有记录没有改动。请重新导出一份。",
        ) from None
    return found


def _attempt(row: Any) -> tuple[Any, ...]:
    result = result_from_dict(row["result"])
    submission, environment = _text(row["submission"]), _text(row["environment"])
    content = json.dumps(row["result"], allow_nan=False)
    _check(_text(result.exercise) != "")
    return (
        attempt_key(submission, result.exercise, environment), result.exercise, submission,
        environment, _stamp(row["last_seen"]), _stamp(row["recorded"]), result.points,
        result.max_points, int(result.at_fault), content,
    )  # fmt: skip


def _hint(row: Any) -> tuple[Any, ...]:
    return _text(row["exercise"]), _text(row["task"]), _whole(row["level"], 1, 3)


def _surrender(row: Any) -> tuple[Any, ...]:
    return _text(row["exercise"]), _text(row["task"]), _stamp(row["at"])


def _review(row: Any) -> Review:
    _check(type(row["undone"]) is bool)
    return Review(_text(row["card"]), _at(row["at"]), _whole(row["rating"], 1, 4), row["undone"])


def _answer(row: Any) -> Answer:
    seconds, hit = row["seconds"], row["hit"]
    _check(type(seconds) in (int, float) and 0 <= seconds < float("inf"))
    _check(isinstance(hit, list) and all(type(point) is bool for point in hit))
    where = _text(row["slug"]), _text(row["question"]), _at(row["at"])
    return Answer(*where, float(seconds), _text(row["said"]), tuple(hit))


def _judgement(row: Any) -> Judgement:
    _check(type(row["holds"]) is bool and type(row["said"]) is bool)
    where = _text(row["slug"]), _text(row["erratum"]), _at(row["at"])
    return Judgement(*where, row["holds"], row["said"])


def _plan(row: Any) -> Plan:
    until, slugs = _text(row["until"]), row["slugs"]
    _check(isinstance(slugs, list))
    day = date.fromisoformat(until) if until else None
    return Plan(_at(row["at"]), day, tuple(map(_text, slugs)), _whole(row["new"], 0, _MOST))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "attempts": _attempt,
    "hints": _hint,
    "surrenders": _surrender,
    "reviews": _review,
    "answers": _answer,
    "judgements": _judgement,
    "plans": _plan,
}


def _check(fits: bool) -> None:
    if not fits:
        raise _Unfit


def _text(value: Any) -> str:
    _check(isinstance(value, str))
    value.encode()  # half of a surrogate pair is no text
    return str(value)


def _whole(value: Any, least: int, most: int) -> int:
    _check(type(value) is int and least <= value <= most)
    return int(value)


def _at(value: Any) -> datetime:
    at = datetime.fromisoformat(_text(value))
    _check(at.tzinfo is not None)
    return at.astimezone(UTC)


def _stamp(value: Any) -> str:
    return _at(value).isoformat(timespec="microseconds")
