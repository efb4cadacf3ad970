"""Processes that hold our answers: warm while somebody keeps them, and as right as fresh ones."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dev_exercise
import psutil
import pytest

from autograder.engine import KeyRows, WorkerFailed, observe_key, ours
from autograder.engine.pool import PoolError
from autograder.engine.protocol import Limits
from autograder.exercise.catalog import Exercise

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not psutil.LINUX, reason="only Linux has warm processes"),
]


@pytest.fixture
def toy(tmp_path: Path) -> Exercise:
    return dev_exercise.make(tmp_path)


def key(exercise: Exercise) -> KeyRows:
    return observe_key(exercise, course=exercise.folder.parent)


def values(rows: KeyRows) -> list[object]:
    return [(label, outcome.check, outcome.value) for label, outcome in rows.outcomes]


def warm_for(exercise: Exercise) -> list[int]:
    """The warm processes for `exercise` that this process has started, without their children."""
    found = []
    for process in psutil.Process().children():
        words = process.cmdline()
        if str(exercise.folder.parent) in words and "autograder.engine.zygote" in words:
            found.append(process.pid)
    return found


def test_one_process_serves_whoever_keeps_it_and_ends_with_the_last(toy: Exercise) -> None:
    fresh = values(key(toy))
    with ours.kept():
        assert warm_for(toy) == []  # none before one is needed
        with ours.kept():
            assert values(key(toy)) == fresh
            (first,) = warm_for(toy)
        assert values(key(toy)) == fresh
        assert warm_for(toy) == [first]
    assert warm_for(toy) == []


def test_it_may_linger_and_whoever_comes_again_has_it(toy: Exercise) -> None:
    with ours.kept(linger=600):
        key(toy)
    (first,) = warm_for(toy)
    with ours.kept(linger=0.1):
        key(toy)
        assert warm_for(toy) == [first]
    over = time.monotonic() + 60
    while warm_for(toy):
        assert time.monotonic() < over
        time.sleep(0.05)


def test_who_wants_one_aside_has_it_begun(toy: Exercise) -> None:
    with ours.kept():
        ours.begin([toy])
        over = time.monotonic() + 60
        while not warm_for(toy):
            assert time.monotonic() < over
            time.sleep(0.05)
        key(toy)
        assert len(warm_for(toy)) == 1


@pytest.mark.parametrize("warm", [False, True])
def test_why_an_answer_does_not_run_is_told(toy: Exercise, warm: bool) -> None:
    dev_exercise.append("reference.py", "\nno_such_thing\n")(toy.folder.parents[2])
    keeping = ours.kept() if warm else contextlib.nullcontext()
    with keeping, pytest.raises(WorkerFailed, match=r"does not run: NameError: .*no_such_thing"):
        key(toy)


def test_without_one_that_is_kept_there_is_none_to_lend(toy: Exercise) -> None:
    with pytest.raises(PoolError):
        ours.lease(toy, Limits(1.0, 2**28))


def test_who_is_killed_from_outside_is_asked_again(toy: Exercise) -> None:
    """Its child, or all of it, while it is at work; what comes out is the same."""
    slower = "import statistics, time\n\ntime.sleep(2)"
    dev_exercise.edit("reference.py", "import statistics", slower)(toy.folder.parents[2])
    expected = values(key(toy))
    with ours.kept(), ThreadPoolExecutor(1) as aside:
        for whom in ("child", "all"):
            key(toy)
            (warm,) = warm_for(toy)
            asked = aside.submit(key, toy)
            time.sleep(0.5)
            children = psutil.Process(warm).children()
            for process in children if whom == "child" else [psutil.Process(warm)]:
                process.kill()
            assert values(asked.result(60)) == expected
