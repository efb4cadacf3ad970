"""One submission sets neither the memory nor the time of the grader."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attempts import code_cell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.engine import Notebook, UnreadableNotebook, parse_notebook
from autograder.engine.cells import Cell
from autograder.engine.claims import outcome_from
from autograder.engine.files import Beside
from autograder.engine.pool import Pool
from autograder.engine.protocol import MAX_FRAME, BrokenChannel, frame_from
from autograder.evidence.packing import pack
from autograder.exercise.catalog import Exercise, exercise
from autograder.exercise.criteria import Tolerance
from autograder.grading.apart import Judge, Reader, _children, _judge, _reader
from autograder.grading.bench import MOST_USES, SECONDS, _Grader
from autograder.grading.grade import grade
from autograder.judging.comparing import comparable, equal, numbers, show
from autograder.judging.results import SubmissionResult
from autograder.report.clean import block, plain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a pool")

# Predicates that trust what they see: each is what an author might write, but for the last three.
CHECKS = """
import os
import numpy as np
from autograder.checks import check, that

@check("It doubles.", zh="翻倍。", close=1e-9)
def doubles(double, rng):
    return double(int(rng.integers(1, 99)))

@that("as many as there are", zh="个数相符")
def as_many(seen):
    return np.ones(seen).sum() == seen

@check("It counts.", zh="计数。", expect=as_many)
def counts(double):
    return double(4)

@that("odd", zh="奇")
def odd(seen):
    if seen == 666:
        return bool([bytes(2**20) for _ in range(4096)])
    while seen == 777:
        pass
    if seen == 888:
        os.kill(os.getpid(), 9)
    return True

@check("It is odd.", zh="奇。", expect=odd)
def is_odd(other):
    return other(1)
"""
TOML = """
title = {{en = "Toy", zh = "玩具"}}
{tasks}
"""
TASK = """[[tasks]]
name = "{name}"
title = {{en = "{name}", zh = "{name}"}}
points = 1
difficulty = 1
minutes = 1
hints = {{en = ["a"], zh = ["a"]}}
"""
RIGHT = "def double(n):\n    return 2 * n\ndef other(n):\n    return n\n"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("root") / "autograder" / "course" / "toy-apart"
    folder.mkdir(parents=True)
    tasks = "\n".join(TASK.format(name=name) for name in ("double", "other"))
    files = {"exercise.toml": TOML.format(tasks=tasks), "checks.py": CHECKS, "wrong.py": "",
             "right.py": "", "reference.py": RIGHT}  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return exercise("toy-apart", folder.parent)


@pytest.fixture(scope="module")
def pool(toy: Exercise) -> Iterator[Pool]:
    with Pool([toy], walled=False) as pool:
        yield pool


@pytest.fixture(scope="module")
def judge(toy: Exercise, pool: Pool) -> Iterator[Judging]:
    with Judge(toy) as judge:
        yield partial(judge.grade, pool=pool)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


Judging = Callable[[Notebook], SubmissionResult]


def content(*sources: str, slug: str = "metrics") -> bytes:
    cells = [code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
    metadata = {"touchstone": {"exercise": slug, "language": "en"}}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    ).encode()  # fmt: skip


def written(toy: Exercise, *sources: str) -> Notebook:
    return parse_notebook(content(*sources, slug=toy.slug), "x.ipynb", course=toy.folder.parent)


def written_as(toy: Exercise, source: str) -> Notebook:
    """A notebook that was not read, so that nothing has looked at its source yet."""
    return Notebook(Path("x.ipynb"), toy.slug, "en", (Cell("c0", source),))


def told(result: SubmissionResult) -> dict[str, str]:
    assert result.problem is None, result.problem
    return {verdict.name: verdict.status for task in result.tasks for verdict in task.verdicts}


def test_it_comes_to_the_same_as_here(toy: Exercise, judge: Judging, pool: Pool) -> None:
    for answer in (RIGHT, "def double(n):\n    return n\n", "", "print(1)\n1 / 0"):
        notebook = written(toy, answer)
        here, there = grade(notebook, toy, pool=pool), judge(notebook)
        assert there.tasks == here.tasks or told(there) == told(here)
        assert (there.points, there.isolation, there.path) == (
            here.points, here.isolation, here.path,
        )  # fmt: skip


def test_an_allocation_that_a_predicate_makes_for_it_costs_that_check_alone(
    toy: Exercise, judge: Judging
) -> None:
    right, large, many = "def other(n):\n    return n\n", "2**28 if n == 4 else 2 * n", "666"
    answer = f"def double(n):\n    return {large}\n{right}"
    expected = {"doubles": "pass", "counts": "fail", "is_odd": "pass"}
    assert told(judge(written(toy, answer))) == expected
    answer = f"def double(n):\n    return 2 * n\ndef other(n):\n    return {many}\n"
    expected = {"doubles": "pass", "counts": "pass", "is_odd": "fail"}
    assert told(judge(written(toy, answer))) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("def other(n):\n    return 777", "timeout"),
        ("def other(n):\n    return 888", "crashed"),
        ("x = " + "lambda: " * 2000 + "1", "crashed"),
        ("x = f'" + "{a}" * 60_000 + "'", "timeout"),
    ],
    ids=["time", "killed", "nested lambdas", "a long f-string"],
)
def test_what_it_does_to_the_judge_is_its_own_verdict_and_the_next_is_judged(
    answer: str, status: str, toy: Exercise, judge: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_judge, "SECONDS", 2.0)
    before = _memory()
    result = judge(written(toy, answer))
    assert set(told(result).values()) == {status}
    assert (result.points, result.at_fault) == (0, False)
    assert all(v.message["en"] and v.message["zh"] for t in result.tasks for v in t.verdicts)
    assert _memory() - before < 64 * 2**20
    assert set(told(judge(written(toy, RIGHT))).values()) == {"pass"}


def _memory() -> int:
    """Bytes that this process holds, and not those that it started."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def test_one_that_was_used_is_not_believed_when_it_ends(
    toy: Exercise, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody before left there may have had a part in it."""
    uses: list[int] = []
    done = _children._Child.do

    def ending_if_used(child: Any, *arguments: Any) -> Any:
        uses.append(child.used)
        return None if child.used else done(child, *arguments)

    monkeypatch.setattr(_children._Child, "do", ending_if_used)
    with Judge(toy) as judge:
        for _ in range(2):
            assert set(told(judge.grade(written(toy, RIGHT), pool)).values()) == {"pass"}
    assert uses == [0, 1, 0]


def test_none_serves_without_end(toy: Exercise, pool: Pool) -> None:
    with Judge(toy) as judge:
        for _ in range(MOST_USES + 1):
            judge.grade(written(toy, ""), pool)
            assert all(child.used < MOST_USES for child in judge._bench._idle)
        assert judge._bench._idle[0].used == 1


def test_a_reader_tells_what_reading_here_tells(reader: Reader) -> None:
    files = {"a.py": b"x = 1", "b.csv": b"1,2", "unnamed.txt": b"?"}
    beside = [Beside(name, lambda c=c: c) for name, c in files.items()]  # type: ignore[misc]
    why = {"en": "it is a link", "zh": "它是链接"}
    beside.append(Beside("c.csv", bytes, why))
    body = content("import a", "open('b.csv')", "open('c.csv')")
    assert reader.read(body, "A/x.ipynb", beside) == parse_notebook(
        body, "A/x.ipynb", beside=beside
    )
    for bad in (b"", b"{", b"[]", b"\xff"):
        with pytest.raises(UnreadableNotebook) as there:
            reader.read(bad, "x.ipynb")
        with pytest.raises(UnreadableNotebook) as here:
            parse_notebook(bad, "x.ipynb")
        assert there.value.text == here.value.text


@pytest.mark.slow
def test_what_a_file_does_to_its_reader_is_said_of_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each name stands in the code a thousand times, and never as a word.
    names = ["b" * n + "/" + "b" * (n % 97 + 1) for n in range(1, 199)]
    beside = [Beside(f"{name}/{n}", bytes) for name in names for n in range(20)]
    monkeypatch.setattr(_reader, "SECONDS", 1.0)
    with pytest.raises(UnreadableNotebook, match="Reading it took more than 1 s"):
        reader.read(content(("x" + "b" * 200) * 1300), "x.ipynb", beside)
    monkeypatch.setattr(_children, "MEMORY", 2**25)
    many = b'{"cells": [' + b"{}," * 1_900_000 + b"{}]}"
    with pytest.raises(UnreadableNotebook, match=r"memory|process"):
        reader.read(many, "x.ipynb")
    monkeypatch.undo()
    assert reader.read(content("x = 1"), "x.ipynb").cells[0].source == "x = 1"


PIECES = st.sampled_from(
    ["lambda: ", "f'", "{", "}", "'", "(", ")", "[", "]", "\\", "\n", "    ", "if x:\n", "EXERCISE",
     "=", "1", "x", ".y", "-", "not ", "await ", "\0", "\ud800", "é", "#", '"""', "@", "*", ":="]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(PIECES, st.integers(1, 3000)), max_size=8))
def test_any_source_is_read_and_judged_or_named(
    toy: Exercise, reader: Reader, judge: Judging, parts: list[tuple[str, int]]
) -> None:
    source = "".join(piece * times for piece, times in parts)[:20_000]
    source = source.encode("utf-8", "replace").decode()
    started = time.monotonic()
    with contextlib.suppress(UnreadableNotebook):
        assert len(reader.read(content(source), "x.ipynb").cells) == 1
    assert judge(written_as(toy, source)).at_fault is False
    assert time.monotonic() - started < SECONDS + 30


NUMBERS = st.one_of(
    st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), st.floats(), st.just(2**28),
)  # fmt: skip
LEAVES = st.one_of(st.none(), NUMBERS, st.text(max_size=20), st.just("x" * 100_000))
DATA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
        st.lists(NUMBERS, min_size=1, max_size=50).map(lambda row: _array(row)),
    ),
    max_leaves=30,
)


def _array(row: list[Any]) -> Any:
    return np.asarray(row, dtype=np.float64)


@settings(max_examples=200, deadline=None)
@given(DATA, DATA)
def test_any_two_observations_are_compared_in_bounded_memory_and_time(one: Any, two: Any) -> None:
    size = len(pack(one)) + len(pack(two))
    tracemalloc.start()
    started = time.process_time()
    equal(one, two, Tolerance(1e-9, 1e-9))
    comparable(one, two)
    numbers(one)
    show(one)
    spent, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20 + 64 * size
    assert spent < 5
    assert comparable(one, one)


def test_a_long_text_among_short_ones_is_no_array() -> None:
    seen = ["x" * 900_000, *[""] * 60_000]
    tracemalloc.start()
    assert numbers(seen) is None
    assert not equal(seen, np.arange(3.0), Tolerance())
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("seen", "reference", "fits"),
    [(2.5, 3, True), (True, 1, True), ("a", 1, False), ([1], np.arange(9.0), True), ([1], 1, False),
     ({"a": 1}, {"a": 2.0}, True), ({"a": "x"}, {"a": 2.0}, False), (None, 1, False),
     (None, None, True), ([0] * 2000, [0, 1], False), ("x" * 2000, "xy", False),
     (np.zeros(10**5), np.zeros(10**4), True)],
)  # fmt: skip
def test_a_predicate_sees_what_has_the_references_kind_and_size(
    seen: Any, reference: Any, fits: bool
) -> None:
    assert comparable(seen, reference) == fits


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["raw", "map", "lists", "long"]))
def test_any_bytes_in_a_frame_take_no_more_than_their_size(body: bytes, form: str) -> None:
    if form == "map":
        body = b"\x82\xa4type\xa5check\xa7outcome" + body
    if form == "lists":
        body = b"\xdd\x00\x0f\xff\xff" + b"\x91" * 1000 + body
    if form == "long":
        body = b"\xc6\x7f\xff\xff\xff" + body
    tracemalloc.start()
    try:
        table = frame_from(body)
        outcome_from(table and table.get("outcome"))
    except BrokenChannel:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20 + 300 * len(body) < MAX_FRAME


ODD = st.sampled_from(["\x9d", "\x1b", "\x9b", "[", "]", "0", ";", " ", "a", "\r", "\t", "\0",
                       "\u0301", "\ud800", "\u202e", "\n", "\x07", "\\"])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ODD, min_size=1, max_size=3).map("".join))
def test_whatever_was_printed_is_cleaned_in_time_that_grows_with_its_length(piece: str) -> None:
    started = time.process_time()
    plain(piece * (20_000 // len(piece)), lines=True)
    block(piece * (20_000 // len(piece)))
    assert time.process_time() - started < 1


@pytest.mark.slow
def test_whoever_asks_in_a_judge_gets_the_answer_to_that() -> None:
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as here, Connection(theirs.detach()) as there:
        judge = _Grader(there)

        def echo() -> None:
            with contextlib.suppress(EOFError):
                while True:
                    here.send_bytes(here.recv_bytes())

        def alone(name: str) -> bool:
            return all(judge.ask(**{name: n}) == {name: n} for n in range(300))

        with ThreadPoolExecutor(3) as threads:
            threads.submit(echo)
            try:
                assert all(threads.map(alone, ["key", "worker"]))
            finally:
                there.close()
                judge._socket.shutdown(socket.SHUT_RDWR)
