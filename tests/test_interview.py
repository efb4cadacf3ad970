"""A mock interview: what is asked and when, step by step, on a terminal, and kept."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.exercise.syllabus.material import FollowUp, Material, Question, materials
from autograder.grading.journal import Journal
from autograder.grading.studies import Answer, Judgement
from autograder.language import LANGUAGES
from autograder.study import choosing
from autograder.study.interview import Interview, WrongStage, ticks

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[1]


def toy_question(number: int, points: int = 4) -> Question:
    def text(word: str) -> dict[str, str]:
        return {language: f"{word} {number} {language}" for language in LANGUAGES}

    return Question(
        f"S0-Q{number}", "toy", text("question"), text("minute"),
        tuple(text(f"point {n}") for n in range(points)),
        tuple(FollowUp(text(f"next {n}"), text(f"answer {n}")) for n in range(3)),
    )  # fmt: skip


QUESTIONS = [toy_question(number) for number in range(9)]


def answer(question: Question, days_ago: float, share: float) -> Answer:
    count = len(question.points)
    hit = tuple(n < round(share * count) for n in range(count))
    return Answer(question.slug, question.id, NOW - timedelta(days=days_ago), 60, "said", hit)


HISTORY = st.lists(
    st.builds(
        answer,
        st.sampled_from(QUESTIONS),
        st.floats(-3, 60),
        st.sampled_from([0, 0.25, 0.5, 0.75, 1]),
    ),
    max_size=20,
    unique_by=lambda one: one.id,
)


@given(history=HISTORY, seed=st.integers())
def test_an_order_holds_every_question_once_and_is_the_same_for_the_same_day(
    history: list[Answer], seed: int
) -> None:
    found = choosing.order(QUESTIONS, history, NOW, Random(seed))
    assert sorted(question.id for question in found) == [question.id for question in QUESTIONS]
    again = choosing.order(reversed(QUESTIONS), reversed(history), NOW, Random(seed))
    assert [q.id for q in again] == [q.id for q in found]


@given(history=HISTORY, seed=st.integers())
def test_what_is_due_comes_before_what_was_weak_and_new_ones_are_not_kept_waiting(
    history: list[Answer], seed: int
) -> None:
    last = {one.question: one for one in sorted(history, key=lambda one: (one.at, one.id))}
    found = [q.id for q in choosing.order(QUESTIONS, history, NOW, Random(seed))]

    def rank(name: str) -> int:
        due = choosing.overdue(last[name], NOW) >= 1
        return 0 if due else 1 if last[name].share < choosing.WEAK else 2

    ranks = [rank(name) for name in found if name in last]
    assert ranks == sorted(ranks)
    late = [choosing.overdue(last[n], NOW) for n in found if n in last and rank(n) == 0]
    assert late == sorted(late, reverse=True)
    # Of any three in a row one is new, for as long as any is.
    new = [place for place, name in enumerate(found) if name not in last]
    assert all(later - earlier <= 3 for earlier, later in zip([-1, *new], new, strict=False))


@given(shares=st.lists(st.sampled_from([0, 0.5, 1]), min_size=40, max_size=40))
def test_every_question_comes_up_in_daily_interviews_however_they_go(shares: list[float]) -> None:
    history: list[Answer] = []
    outcome = iter(shares)
    for day in range(10):
        now = NOW + timedelta(days=day)
        random = choosing.Day(now, tuple(history)).random
        for question in choosing.order(QUESTIONS, history, now, random)[:3]:
            history.append(dataclasses.replace(answer(question, 0, next(outcome)), at=now))
    assert {one.question for one in history} == {question.id for question in QUESTIONS}


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_statements_are_true_as_often_as_false_and_none_comes_twice(seed: int) -> None:
    course = materials()
    questions = [question for material in course for question in material.questions]
    found = choosing.rounds(questions, course, Random(seed))
    assert all(one.follow_ups for one in found)
    stated = [one.statement for one in found if one.statement is not None]
    ids = [name for s in stated for name in s.erratum.ids]
    assert len(set(ids)) == len(ids)
    assert abs(sum(1 if s.holds else -1 for s in stated)) <= 1
    for one in found:
        if one.statement:
            assert one.statement.erratum.slug == one.question.slug


@given(seed=st.integers(), picked=st.sets(st.integers(0, 203), max_size=4), data=st.data())
def test_statements_that_were_judged_wrongly_come_first(
    seed: int, picked: set[int], data: st.DataObject
) -> None:
    course = materials()
    errata = [erratum for material in course for erratum in material.errata]
    wrong = {min(errata[n % len(errata)].ids) for n in picked}
    history = [
        Judgement("any", number, NOW - timedelta(days=days), holds=True, said=said)
        for number, was_right in ((number, number not in wrong) for number in {*wrong, "E001"})
        # Right before; the last time; and under a clock that ran ahead.
        for days, said in ((1, True), (0, was_right), (-1, not was_right))
    ]
    shuffled = data.draw(st.permutations(history))
    missed = choosing.missed(shuffled, NOW)
    assert missed == wrong
    questions = [question for material in course for question in material.questions][
        : 2 + len(picked)
    ]
    found = choosing.rounds(questions, course, Random(seed), missed)
    stated = [one.statement for one in found if one.statement is not None]
    again = [bool({*s.erratum.ids} & wrong) for s in stated]
    ids = [name for s in stated for name in s.erratum.ids]
    assert len(set(ids)) == len(ids)
    assert abs(sum(1 if s.holds else -1 for s in stated)) <= 1
    if wrong:
        assert again[0]
    for s in stated[:1]:
        ours = [one for one in errata if {*one.ids} & wrong and one.slug == questions[0].slug]
        assert not ours or s.erratum.slug == questions[0].slug


@given(
    seed=st.integers(),
    words=st.lists(st.booleans(), min_size=40, max_size=40),
    questions=st.lists(st.sampled_from(QUESTIONS), max_size=5, unique_by=lambda q: q.id),
)
def test_an_interview_goes_through_all_of_it_and_keeps_each_answer_once(
    seed: int, words: list[bool], questions: list[Question]
) -> None:
    real = next(m for m in materials() if m.slug == "metrics")
    errata = tuple(dataclasses.replace(e, slug="toy") for e in real.errata)
    rounds = choosing.rounds(questions, [Material("toy", (), errata)], Random(seed))
    interview, word, seen = Interview(rounds), iter(words), []
    while interview.stage != "over":
        seen.append(interview.stage)
        before = interview
        match interview.stage:
            case "ask":
                interview = interview.answered(" said ", 5)
            case "mark":
                marks = [next(word) for _ in interview.round.question.points]
                interview = interview.ticked(marks, NOW)
                assert interview.answers[-1].hit == tuple(marks)
            case "next":
                interview = interview.opened().went_on()
            case "claim":
                interview = interview.judge(True, NOW)
                assert interview.open
                interview = interview.went_on()
        assert interview != before
    assert [a.question for a in interview.answers] == [q.id for q in questions]
    assert seen.count("next") == sum(len(one.follow_ups) for one in rounds)
    assert len(interview.judged) == sum(one.statement is not None for one in rounds)
    assert all(one.said and one.right == one.holds for one in interview.judged)


def test_a_step_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    interview = Interview(choosing.rounds(QUESTIONS[:1], [], Random(0)))
    with pytest.raises(WrongStage):
        interview.ticked([True] * 4, NOW)
    with pytest.raises(WrongStage):
        interview.went_on()
    marking = interview.answered("", 1)
    with pytest.raises(WrongStage):
        marking.answered("again", 1)
    with pytest.raises(WrongStage, match="4 points"):
        marking.ticked([True], NOW)


@given(marks=st.lists(st.booleans(), min_size=1, max_size=12), separator=st.sampled_from(" ,，、"))
def test_ticks_are_read_as_they_are_written(marks: list[bool], separator: str) -> None:
    written = separator.join(str(n) for n, mark in enumerate(marks, 1) if mark) or "0"
    assert ticks(written, (False,) * len(marks)) == tuple(marks)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", (True, False, False)),
        ("a", (True, True, True)),
        ("全部", (True, True, True)),
        ("0", (False, False, False)),
        ("2-3", (False, True, True)),
        ("１ ３", (True, False, True)),
        ("4", None),
        ("0 1", None),
        ("3-1", None),
        ("yes", None),
        ("-1", None),
    ],
)
def test_ticks_in_words_ranges_and_nonsense(
    written: str, expected: tuple[bool, ...] | None
) -> None:
    assert ticks(written, (True, False, False)) == expected


def interview(
    lines: Sequence[str] | bytes, *arguments: str, home: Path, width: int = 80
) -> subprocess.CompletedProcess[str]:
    typed = lines if isinstance(lines, bytes) else "".join(f"{x}\n" for x in lines).encode()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TOUCH"))}
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "interview", *arguments],
        input=typed,
        cwd=home,
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": str(width),
             "XDG_DATA_HOME": str(home / "data")},
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def kept(home: Path) -> list[Answer]:
    with Journal(home / "data" / "touchstone" / "journal.sqlite") as journal:
        return journal.studies.answers()


def test_one_question_is_asked_answered_ticked_and_kept(tmp_path: Path) -> None:
    lines = ["Query times key,", "then softmax.", "", "9 9", "1 3", "", "", "t"]
    shown = interview(lines, "--question", "s4-q1", home=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "S4-Q1" in shown.stdout
    assert "numbered 1 to" in shown.stdout
    assert "2 of" in shown.stdout
    assert shown.stdout.index("Said in a minute") > shown.stdout.index("S4-Q1")
    assert "touchstone lesson " in shown.stdout
    assert "touchstone hint " in shown.stdout
    assert all(len(line) <= 80 for line in shown.stdout.splitlines() if "Enter" not in line)
    (answer,) = kept(tmp_path)
    assert answer.question == "S4-Q1"
    assert answer.said == "Query times key,\nthen softmax."
    assert [n for n, hit in enumerate(answer.hit, 1) if hit] == [1, 3]


def test_said_aloud_in_chinese_side_by_side_where_there_is_room(tmp_path: Path) -> None:
    lines = ["", "a", "", "", "对"]
    shown = interview(lines, "--question", "S4-Q1", "--lang", "zh", home=tmp_path, width=120)
    assert shown.returncode == 0, shown.stderr
    (heads,) = [line for line in shown.stdout.splitlines() if "一分钟回答" in line]
    assert heads.startswith("你的回答")
    assert "（口头作答）" in shown.stdout
    assert "要点全部讲到" in shown.stdout
    (answer,) = kept(tmp_path)
    assert answer.said == ""
    assert all(answer.hit)


@pytest.mark.slow
def test_the_end_of_input_keeps_what_is_done_and_invents_nothing(tmp_path: Path) -> None:
    lines = ["first", "", "1", *["", "t"] * 4, "second", "", "2"]
    shown = interview(lines[:3], home=tmp_path)
    assert shown.returncode == 0
    assert len(kept(tmp_path)) == 1
    # The second answer has no ticks: it is no answer of which nothing was right.
    shown = interview(["not finished"], home=tmp_path)
    assert shown.returncode == 0
    assert "nothing was kept" in shown.stdout
    assert len(kept(tmp_path)) == 1


def test_bytes_that_are_no_text_end_nothing(tmp_path: Path) -> None:
    shown = interview(b"caf\xe9 \xff\x00\n\n1\n", "--question", "S4-Q1", home=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert kept(tmp_path)[0].said.startswith("caf")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--question", "S9-Q9"], "There are: "),
        (["--track", "month"], "week, weekend, evening"),
        (["--slug", "nothing"], "nothing"),
        (["--minutes", "0"], "--minutes"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    shown = interview([], *arguments, home=tmp_path)
    assert shown.returncode == 2
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr
