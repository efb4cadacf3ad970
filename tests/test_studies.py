"""What was said and remembered is kept as events: each once, in any order, in old journals too."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.journal import Journal
from autograder.grading.studies import Answer, Judgement, Review

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
REVIEWS = st.builds(Review, st.text("ab/é", max_size=3), TIMES, st.integers(1, 4), st.booleans())
ANSWERS = st.builds(
    Answer,
    st.sampled_from(["metrics", "gan"]),
    st.sampled_from(["S0-Q1", "S4-Q2"]),
    TIMES,
    st.floats(0, 1e4),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.booleans(), max_size=4).map(tuple),
)
JUDGEMENTS = st.builds(
    Judgement,
    st.sampled_from(["metrics", "gan"]),
    st.sampled_from(["E001", "E116"]),
    TIMES,
    st.booleans(),
    st.booleans(),
)
EVENTS = st.lists(REVIEWS | ANSWERS | JUDGEMENTS, max_size=8, unique_by=lambda event: event.id)


@given(first=EVENTS, second=EVENTS)
def test_events_come_back_as_they_were_and_merge_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[Review | Answer | Judgement],
    second: list[Review | Answer | Judgement],
) -> None:
    folder = tmp_path_factory.mktemp("journals")
    found = []
    for number, order in enumerate(((first, second), (second, first))):
        with Journal(folder / f"{number}.sqlite") as journal:
            for events in order:
                journal.studies.add(events)
            assert journal.studies.add([*order[0], *order[1]]) == 0
            kept = journal.studies
            found.append((kept.reviews(), kept.answers(), kept.judgements()))
    assert found[0][0] == found[1][0]
    own = {event.id for event in second}
    assert {*first} - {e for e in first if e.id in own} <= {*chain(*found[0])}


def test_a_review_that_was_taken_back_stays_so(tmp_path: Path) -> None:
    now = datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=8)))
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.studies.add([Review("a", now, 3)]) == 1
        assert journal.studies.add([Review("a", now, 3, undone=True)]) == 1
        assert journal.studies.add([Review("a", now, 3)]) == 0
        assert journal.studies.reviews() == [Review("a", now, 3, undone=True)]


@pytest.mark.parametrize(
    ("version", "lacks"),
    [(1, ["reviews", "answers", "plans", "judgements"]), (2, ["plans", "judgements"]),
     (3, ["judgements"])],
)  # fmt: skip
def test_a_journal_of_a_former_version_is_brought_up_to_date_with_all_that_is_in_it(
    tmp_path: Path, version: int, lacks: list[str]
) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        assert journal.open_hint("metrics", "recall") == 1
    with sqlite3.connect(path) as old:  # as that version made it
        for table in lacks:
            old.execute(f"DROP TABLE {table}")
        old.execute(f"PRAGMA user_version = {version}")
    old.close()
    with Journal(path) as journal:
        assert journal.hint_level("metrics", "recall") == 1
        assert journal.studies.reviews() == []
        assert journal.studies.answers() == []
        assert journal.studies.plans() == []
        assert journal.studies.judgements() == []
