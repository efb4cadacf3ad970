"""Progress goes from machine to machine: merged without loss, in any order, or not at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import sample_results

from autograder.grading.exchange import ExchangeError
from autograder.grading.journal import Journal
from autograder.grading.serial import result_to_dict
from autograder.grading.studies import Answer, Judgement, Plan, Review
from autograder.learner import exchanging

NAMES = st.sampled_from(["metrics", "gan"])
STAMPS = st.sampled_from([f"2026-05-0{n}T10:00:00.000000+00:00" for n in range(1, 4)])
RESULT = next(result for result in sample_results() if result.tasks)
RESULTS = st.builds(
    lambda slug, points: json.loads(
        json.dumps(result_to_dict(replace(RESULT, exercise=slug, points=points)))
    ),
    NAMES,
    st.sampled_from([0.0, 1.0, 2.5]),
)


def rows(*keys: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Entries of one kind; no two with the same `keys`, which one journal cannot hold."""
    return st.lists(
        st.fixed_dictionaries(fields), max_size=3, unique_by=lambda row: tuple(map(row.get, keys))
    )


PROGRESS = st.fixed_dictionaries(
    {
        "format": st.just("touchstone-progress"),
        "version": st.just(1),
        "attempts": st.lists(
            st.fixed_dictionaries(
                {
                    "submission": st.sampled_from("pq"),
                    "environment": st.just("e"),
                    "last_seen": STAMPS,
                    "recorded": STAMPS,
                    "result": RESULTS,
                }
            ),
            max_size=3,
        ),
        "hints": rows("exercise", "task", exercise=NAMES, task=NAMES, level=st.integers(1, 3)),
        "surrenders": rows("exercise", "task", exercise=NAMES, task=NAMES, at=STAMPS),
        "reviews": rows(
            "card", "at", "rating",
            card=NAMES, at=STAMPS, rating=st.integers(1, 4), undone=st.booleans(),
        ),
        "answers": rows(
            "slug", "at",
            slug=NAMES, question=st.just("S4-Q1"), at=STAMPS, seconds=st.floats(0, 9),
            said=st.text("ab", max_size=2), hit=st.lists(st.booleans(), max_size=2),
        ),
        "judgements": rows(
            "slug", "erratum", "at", "holds", "said",
            slug=NAMES, erratum=st.just("E116"), at=STAMPS, holds=st.booleans(),
            said=st.booleans(),
        ),
        "plans": rows(
            "at", "until",
            at=STAMPS, until=st.sampled_from(["", "2026-06-01"]), slugs=st.just(["gan"]),
            new=st.just(5),
        ),
    }
)  # fmt: skip


@settings(max_examples=25)
@given(first=PROGRESS, second=PROGRESS)
def test_merging_is_commutative_and_idempotent_and_loses_nothing(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    dumps = []
    for order in ((first, second), (second, first)):
        with Journal(Path(":memory:")) as journal:
            for data in order:
                journal.exchange.merge(data)
            dumps.append(journal.exchange.dump())
            for data in (*order, dumps[-1]):
                assert set(journal.exchange.merge(data).values()) == {0}
            assert journal.exchange.dump() == dumps[-1]
    assert dumps[0] == dumps[1]
    for kind in ("hints", "surrenders"):
        known = {(row["exercise"], row["task"]) for row in dumps[0][kind]}
        assert known == {(r["exercise"], r["task"]) for r in (*first[kind], *second[kind])}
    for kind, keys in (
        ("reviews", ("card", "at", "rating")),
        ("answers", ("slug", "at")),
        ("judgements", ("slug", "at", "holds", "said")),
    ):
        known = {tuple(row[key] for key in keys) for row in dumps[0][kind]}
        given_rows = (*first[kind], *second[kind])
        assert known == {tuple(row[key] for key in keys) for row in given_rows}
    attempts = (*first["attempts"], *second["attempts"])
    for name in {row["submission"] for row in attempts}:
        points = [
            max(r["result"]["points"] for r in some if r["submission"] == name)
            for some in (attempts, dumps[0]["attempts"])
        ]
        assert points[0] == points[1]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(replace(RESULT, exercise="metrics"), "sha", "edition")
    journal.open_hint("metrics", "recall")
    journal.give_up("metrics", "f1")
    journal.studies.add(
        [
            Review("points/S4-Q1/attention", now, 3),
            Answer("metrics", "S3-Q1", now, 61.5, "召回率 …", (True, False)),
            Judgement("metrics", "E116", now, False, True),
            Plan(now, date(2026, 6, 1), ("metrics",), 12),
        ]
    )
    return journal


def test_everything_arrives(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    exchanging.export(journal, file)
    with Journal(tmp_path / "other.sqlite") as other:
        changed = exchanging.take(other, file)
        assert changed == dict.fromkeys(changed, 1)
        assert other.exchange.dump() == journal.exchange.dump()
        assert other.standing()["metrics"].points == RESULT.points
        assert other.hint_level("metrics", "recall") == 1
        assert other.gave_up("metrics", "f1")
        assert other.studies.plans() == journal.studies.plans()
        assert other.studies.answers() == journal.studies.answers()
        assert other.studies.judgements() == journal.studies.judgements()
    exchanging.export(journal, file)  # over one of ours
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    with pytest.raises(ExchangeError, match="something else"):
        exchanging.export(journal, tmp_path / "notes.json")
    assert (tmp_path / "notes.json").read_text() == '{"mine": 1}'


def _newer(data: dict[str, Any]) -> None:
    data["version"] = 2


def _foreign(data: dict[str, Any]) -> None:
    data["format"] = "anki"


def _no_rating(data: dict[str, Any]) -> None:
    data["reviews"][0]["rating"] = 5


def _no_time(data: dict[str, Any]) -> None:
    data["answers"][0]["at"] = "yesterday"


def _no_zone(data: dict[str, Any]) -> None:
    data["plans"][0]["at"] = "2026-05-01T10:00:00"


def _no_verdict(data: dict[str, Any]) -> None:
    data["judgements"][0]["said"] = "no"


def _no_result(data: dict[str, Any]) -> None:
    data["attempts"][0]["result"]["tasks"] = 3


def _no_list(data: dict[str, Any]) -> None:
    data["hints"] = {"recall": 3}


def _no_text(data: dict[str, Any]) -> None:
    data["answers"][0]["said"] = "\ud800"


def _no_exercise(data: dict[str, Any]) -> None:
    data["attempts"][0]["result"]["exercise"] = "\ud800"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_newer, "newer version"),
        (_foreign, "no progress of Touchstone"),
        (_no_rating, r"reviews\[0\]"),
        (_no_time, r"answers\[0\]"),
        (_no_zone, r"plans\[0\]"),
        (_no_verdict, r"judgements\[0\]"),
        (_no_result, r"attempts\[0\]"),
        (_no_list, "hints"),
        (_no_text, r"answers\[0\]"),
        (_no_exercise, r"attempts\[0\]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_fit_changes_nothing(
    journal: Journal, tmp_path: Path, damage: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = copy.deepcopy(journal.exchange.dump())
    damage(data)
    with Journal(tmp_path / "other.sqlite") as other:
        with pytest.raises(ExchangeError, match=words):
            other.exchange.merge(data)
        assert not any(rows for rows in other.exchange.dump().values() if isinstance(rows, list))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"NaN"])
def test_a_file_that_is_none_of_ours_is_one_clear_line(
    journal: Journal, tmp_path: Path, content: bytes
) -> None:
    before = journal.exchange.dump()
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(ExchangeError, match="Nothing was changed"):
        exchanging.take(journal, file)
    with pytest.raises(ExchangeError, match="cannot be read"):
        exchanging.take(journal, tmp_path / "nothing.json")
    assert journal.exchange.dump() == before
