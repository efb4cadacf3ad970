"""Every submission of the hostile corpus, with an honest one beside it."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from attempts import RECALL, notebook, save, statuses, task
from corpus import Case, forge, reach, take

from autograder.engine import read_notebook, seccomp, walls
from autograder.engine.pool import Pool
from autograder.engine.timing import PATIENCE
from autograder.exercise import catalog
from autograder.grading.grade import grade
from autograder.judging.results import SubmissionResult

pytestmark = pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")

ORDINARY = catalog.exercise("metrics")
CALLS = (
    "clone name_to_handle_at add_key keyctl io_uring_setup bpf userfaultfd perf_event_open "
    "io_setup mq_open timer_create sync"
)
EVERY = [*reach.CASES, *take.CASES, *forge.CASES]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool([ORDINARY]) as warm:
        yield warm


@pytest.fixture(scope="module")
def resting(pool: Pool) -> set[int]:
    """The pool's own processes: beside them, one child waits when there is nothing to do."""
    (inner,) = psutil.Process(pool._process.pid).children()
    (warm,) = inner.children()
    return {inner.pid, warm.pid}


@pytest.fixture(scope="module")
def open_pool() -> Iterator[Pool]:
    """One without walls, in which attacks have to succeed."""
    with Pool([ORDINARY], walled=False) as warm:
        yield warm


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Places to reach for, with something in each, and things that listen."""
    folder = tmp_path_factory.mktemp("grader")
    mark = f"touchstone-canary-{os.getpid()}"
    home, shm = Path.home() / f".{mark}", Path("/dev/shm") / mark
    cache = ORDINARY.folder / "__pycache__" / f"{mark}.pyc"
    cache.parent.mkdir(exist_ok=True)
    planted = [folder / "secret", folder / "journal.sqlite", folder / "keys", home, shm, cache]
    for path in planted:
        path.write_text("secret")
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        named, abstract = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        named.bind(str(folder / "socket"))
        abstract.bind("\0" + mark)
        named.listen(64)
        abstract.listen(64)
        yield {
            "course": str(ORDINARY.folder), "package": str(catalog.PACKAGE),
            "root": str(ORDINARY.root), "tests": str(Path(__file__).parent),
            "solution": str(ORDINARY.notebook("en", solved=True)), "folder": str(folder),
            "secret": str(folder / "secret"), "journal": str(folder / "journal.sqlite"),
            "keys": str(folder / "keys"),
            "neighbour": str(save(folder, notebook(RECALL), "n.ipynb")),
            "home": str(home), "shm": str(shm), "outside": str(folder / "outside"),
            "grader": os.getpid(), "port": tcp.getsockname()[1], "abstract": mark,
            "socket": str(folder / "socket"),
            "calls": {name: seccomp.number(name) for name in CALLS.split()},
        }  # fmt: skip
    for path in (home, shm, cache):
        path.unlink()


Attack = Callable[[Case, Pool], SubmissionResult]


@pytest.fixture
def attack(tmp_path: Path, facts: dict[str, Any]) -> Attack:
    def attack(case: Case, pool: Pool) -> SubmissionResult:
        cells = notebook(f"FACTS = {facts!r}", *case.cells)
        return grade(read_notebook(save(tmp_path, cells)), case.exercise, pool=pool)

    return attack


@pytest.fixture
def honest(tmp_path: Path) -> Callable[[Pool], str]:
    read = read_notebook(save(tmp_path, notebook(RECALL), "honest.ipynb"))

    def honest(pool: Pool) -> str:
        return str(task(grade(read, ORDINARY, pool=pool)).status)

    return honest


def processes(pool: Pool) -> set[int]:
    return {child.pid for child in psutil.Process(pool._process.pid).children(recursive=True)}


def settled(pool: Pool, resting: set[int]) -> bool:
    """Whether the pool comes to rest soon, with its own processes and the child that waits."""
    for _ in range(100):
        there = processes(pool)
        if there > resting and len(there) == len(resting) + 1:
            return True
        time.sleep(0.05)
    return False


def said(result: SubmissionResult) -> str:
    return "\n".join(output.text for cell in result.cells for output in cell.outputs)


def test_the_corpus_is_large_and_its_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in EVERY}) == len(EVERY) >= 150


@pytest.mark.slow
@pytest.mark.parametrize("case", EVERY, ids=str)
def test_it_earns_nothing_harms_nobody_and_leaves_no_mark(
    case: Case,
    pool: Pool,
    resting: set[int],
    attack: Attack,
    honest: Callable[[Pool], str],
    facts: dict[str, Any],
) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(1) as aside:
        neighbour = aside.submit(honest, pool)
        result = attack(case, pool)
        assert neighbour.result() == "pass"
    assert statuses(result) <= case.verdicts, (statuses(result), said(result))
    assert result.points == (task(result).max_points if case.verdicts == {"pass"} else 0)
    assert "BREACH" not in said(result)
    assert not case.reaches or "held" in said(result)
    assert time.monotonic() - started < PATIENCE * case.exercise.submission_seconds + 30
    assert not Path(facts["outside"]).exists()
    assert settled(pool, resting)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in reach.CASES if c.succeeds], ids=str)
def test_without_walls_it_succeeds(
    case: Case, open_pool: Pool, attack: Attack, facts: dict[str, Any]
) -> None:
    if case.succeeds == "root" and os.getuid() != 0:
        pytest.skip("only root could do it")
    result = attack(case, open_pool)
    Path(facts["outside"]).unlink(missing_ok=True)
    if case.succeeds == "kernel" and "BREACH" not in said(result):
        pytest.skip(f"not possible on Linux {platform.release()} as it is set up")
    assert "BREACH" in said(result), [said(result), *(c.message for c in result.cells)]
    assert statuses(result) == {"fail"}
