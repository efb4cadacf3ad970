"""The limits that are published are those that hold."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import dev_exercise
import psutil
import pytest
from corpus import forge, reach, take
from dev_exercise import SLUG, make

from autograder.engine import Notebook, claims, limits, observe
from autograder.engine.cells import Cell
from autograder.engine.timing import PATIENCE
from autograder.evidence.observations import MAX_BYTES, MAX_LEAVES, Outcome
from autograder.exercise import catalog
from autograder.exercise.suite import Suite
from autograder.models import VARIABLE

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_published_limits_are_those_of_the_code(page: str, tmp_path: Path) -> None:
    exercise = make(tmp_path)
    table = tomllib.loads((exercise.folder / "exercise.toml").read_text("utf-8"))
    assert "limits" not in table, f"{SLUG} is to have the limits that hold by default"
    expected = [
        [PATIENCE * exercise.submission_seconds],
        [exercise.cell_seconds, PATIENCE * exercise.cell_seconds],
        [exercise.check_seconds, PATIENCE * exercise.check_seconds],
        [exercise.submission_seconds + 1],
        [exercise.memory / 2**20],
        [limits.PROCESSES],
        [limits.OPEN_FILES],
        [limits.DISK_BYTES / 2**20],
        [claims.MAX_TEXT],
        [MAX_BYTES / 2**20, MAX_LEAVES],
    ]
    rows = published((ROOT / page).read_text("utf-8"))
    assert [[float(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", row)] for row in rows] == (
        expected
    )


def test_another_model_has_more_room_where_an_exercise_works_on_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bert, metrics = map(catalog.exercise, ("bert-classifier", "metrics"))
    for name, more in (("tiny", False), ("bert-base-uncased", True)):
        monkeypatch.setenv(VARIABLE, name)
        assert (bert.with_room().memory > bert.memory) is more
        assert (bert.with_room().check_seconds > bert.check_seconds) is more
        assert (limits.disk_bytes() > limits.DISK_BYTES) is more
        assert metrics.with_room() == metrics


def published(text: str) -> list[str]:
    """The right column of the table of limits."""
    section = re.split(r"^### .*(?:walls hold|沙箱挡得住)", text, flags=re.MULTILINE)[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [line.split("|")[2] for line in lines[2:12]]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_size_of_the_corpus_is_the_one_told(page: str) -> None:
    told = re.search(r"`tests/corpus/`\D*(\d+)", (ROOT / page).read_text("utf-8"))
    assert told is not None
    cases = [*reach.CASES, *take.CASES, *forge.CASES]
    assert int(told[1]) <= len(cases) < int(told[1]) + 10


def test_every_exercise_of_ours_keeps_to_the_memory_told() -> None:
    assert {found.memory for found in catalog.exercises()} == {2048 * 2**20}


SLOW = """
import time
calls = []
def average(values):
    calls.append(1)
    if len(calls) == 1:
        time.sleep({sleeps})
        until = time.process_time() + {computes}
        while time.process_time() < until:
            pass
    return sum(values) / len(values) if len(values) else 0.0
"""


@pytest.fixture
def quick(tmp_path: Path) -> catalog.Exercise:
    """An exercise whose checks may compute for a second."""
    return replace(dev_exercise.make(tmp_path), check_seconds=1.0)


def first_outcome(exercise: catalog.Exercise, source: str) -> Outcome:
    """What its first check comes to with `source`, in a fresh process."""
    notebook = Notebook(Path("x"), exercise.slug, "en", (Cell("average", source),))
    suite = Suite(exercise)
    observed = observe(notebook, exercise, course=exercise.folder.parent)
    return observed.outcomes[next(iter(suite.checks))]


@pytest.mark.slow
def test_what_waits_is_not_what_computes(quick: catalog.Exercise) -> None:
    """A second of processor time is no second by the clock, which ends what sleeps for ever."""
    assert first_outcome(quick, SLOW.format(sleeps=1.3, computes=0.05)).kind == "value"
    computes = first_outcome(quick, SLOW.format(sleeps=0, computes=30))
    assert (computes.kind, computes.error, computes.message) == ("timeout", "processor", "1")
    sleeps = first_outcome(quick, SLOW.format(sleeps=60, computes=0))
    assert (sleeps.kind, sleeps.error, sleeps.message) == ("timeout", "check", f"{PATIENCE:g}")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="Windows has no such limit")
def test_code_that_no_exception_reaches_is_ended_by_processor_time_too(
    quick: catalog.Exercise,
) -> None:
    started = time.monotonic()
    outcome = first_outcome(quick, "def average(values):\n    return 7 ** 10 ** 9\n")
    assert (outcome.kind, outcome.error) == ("timeout", "processor")
    assert time.monotonic() - started < 300


@pytest.mark.slow
def test_a_right_answer_passes_beside_busy_processes(quick: catalog.Exercise) -> None:
    """Six of them on two cores: what needs half a second gets it in two."""
    with contextlib.ExitStack() as stack:
        for _ in range(3 * (os.cpu_count() or 1)):
            hog = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
            stack.callback(hog.wait)
            stack.callback(hog.kill)
        assert first_outcome(quick, SLOW.format(sleeps=0, computes=0.5)).kind == "value"


FORKS = """
import os, time
for _ in range({many}):
    if os.fork() == 0:
        while True:
            {does}
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.parametrize(
    ("many", "does", "level"), [(12, "pass", 5), (12, "time.sleep(9)", 0), (2, "pass", 0)]
)
def test_many_that_compute_weigh_as_few_do(many: int, does: str, level: int) -> None:
    """A submission of sixty busy processes had left a neighbour a tenth of a processor."""
    code = FORKS.format(many=many, does=does)
    line = [sys.executable, "-c", code]
    with subprocess.Popen(line, stdout=subprocess.PIPE, start_new_session=True) as first:
        try:
            assert first.stdout
            assert first.stdout.readline() == b"ready\n"
            parent = psutil.Process(first.pid)
            family = [parent, *parent.children()]
            busy = many if does == "pass" else 0
            while sum(one.status() == psutil.STATUS_RUNNING for one in family) != busy:
                time.sleep(0.02)
            limits.share_processor(first.pid)
            # Whoever runs the tests at another priority has that one to begin with.
            own = os.getpriority(os.PRIO_PROCESS, 0)
            level = max(level, own) if level else own
            assert [one.nice() for one in family] == [level] * (many + 1)
        finally:
            os.killpg(first.pid, signal.SIGKILL)
