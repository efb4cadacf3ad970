"""Grading on a real Dask scheduler and workers gives what grading here gives."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from distributed import Client
from test_class import class_of
from toy_class import command, course, graded, kept, timeless

from autograder.engine import walls

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap"),
]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {**course(tmp_path / "course"), "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}


@contextmanager
def started(
    env: dict[str, str], folder: Path, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """One of Dask's own commands; it ends with all that it started."""
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        for child in [*below, process]:
            try:
                child.send_signal(signal.SIGKILL)
            except (psutil.Error, ProcessLookupError):
                continue
        process.wait()


@pytest.fixture
def address(env: dict[str, str], tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    here = f"tcp://127.0.0.1:{port}"
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    workers = ("worker", here, "--nworkers", "2", "--nthreads", "1", "--no-dashboard")
    with started(env, tmp_path, *scheduler), started(env, tmp_path, *workers):
        yield here


def test_a_worker_that_is_killed_is_replaced_and_its_work_done_again(
    env: dict[str, str], tmp_path: Path, address: str
) -> None:
    source = class_of(tmp_path / "in", 28, pause=0.15)
    calm = tmp_path / "calm"
    assert command(env, "class", "grade", source, "--out", calm).returncode == 0
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        first = client.run(os.getpid)
        out = tmp_path / "out"
        grader = subprocess.Popen(
            [sys.executable, "-m", "autograder", "class", "grade", str(source), "--out", str(out),
             "--dask", address],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        busy = next(iter(first))
        while not client.processing().get(busy):
            assert grader.poll() is None, grader.stderr and grader.stderr.read()
            time.sleep(0.05)
        os.kill(first[busy], signal.SIGKILL)
        _, said = grader.communicate(timeout=180)
        assert grader.returncode == 0, said
        client.wait_for_workers(2, timeout=60)
        assert set(client.run(os.getpid).values()) != set(first.values())
    assert graded(env, out) == graded(env, calm)
    assert timeless(out) == timeless(calm)
    before = kept(out)
    again = command(env, "class", "grade", source, "--out", out, "--resume", "--dask", address)
    assert again.returncode == 0, again.stderr
    assert kept(out) == before


def test_a_cluster_that_is_not_there_is_told(env: dict[str, str], tmp_path: Path) -> None:
    source = class_of(tmp_path / "in", 1)
    for place in ("tcp://127.0.0.1:9", "nonsense://x"):
        arguments = ("class", "grade", source, "--out", tmp_path / "out", "--dask", place)
        done = command(env, *arguments, "--lang", "en")
        assert done.returncode == 2, done.stderr
        assert re.search(r"No Dask\s+scheduler", done.stderr), done.stderr
        assert "Traceback" not in done.stderr
