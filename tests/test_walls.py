"""Hostile submissions in a walled pool: none earns a point, harms a neighbour or leaves a mark."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from attempts import RECALL, notebook, save, statuses, task

from autograder import catalog
from autograder.engine import read_notebook, walls
from autograder.engine.pool import Pool
from autograder.grading import grade
from autograder.results import SubmissionResult

pytestmark = pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")

METRICS = replace(
    catalog.exercise("metrics"),
    cell_seconds=2.0,
    check_seconds=2.0,
    submission_seconds=20.0,
    memory=2**27,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool([METRICS]) as warm:
        yield warm


@pytest.fixture
def hand_in(pool: Pool, tmp_path: Path):  # type: ignore[no-untyped-def]
    def hand_in(*sources: str) -> SubmissionResult:
        return grade(read_notebook(save(tmp_path, notebook(*sources))), METRICS, pool=pool)

    return hand_in


def answering(expression: str, before: str = "") -> str:
    """A `recall` that is right if the expression, tried in the worker, is true."""
    body = RECALL.replace("def recall", "def _right")
    return f"{body}\n{before}\ndef recall(a, b):\n    return _right(a, b) if {expression} else -1.0"


def test_an_honest_answer_passes_behind_the_walls(hand_in) -> None:  # type: ignore[no-untyped-def]
    result = hand_in(RECALL)
    assert (task(result).status, result.isolation) == ("pass", "sandbox")


READ = """\
def _reads(path):
    try:
        with open(path, 'rb') as file:
            return len(file.read()) > 0
    except OSError:
        return False
def _lists(path):
    import os
    try:
        return len(os.listdir(path)) > 0
    except OSError:
        return False
"""


@pytest.mark.parametrize("name", ["reference.py", "wrong.py", "right.py", "notebook.py"])
def test_answers_cannot_be_read(hand_in, name: str) -> None:  # type: ignore[no-untyped-def]
    path = METRICS.folder / name
    assert path.stat().st_size > 0
    assert task(hand_in(answering(f"not _reads({str(path)!r})", READ))).status == "pass"


@pytest.mark.parametrize(
    "path",
    [METRICS.root / "solutions", METRICS.root / "exercises", METRICS.root / "tests",
     METRICS.root / ".git", Path.home(), Path("/proc"), Path("/run"), Path("/root")],
    ids=str,
)  # fmt: skip
def test_other_places_are_empty_or_not_there(hand_in, path: Path) -> None:  # type: ignore[no-untyped-def]
    inside = [p for p in (catalog.PACKAGE,) if p.is_relative_to(path)]
    if inside or path in (Path("/root"), Path.home()):
        # The interpreter may live there; what is not the interpreter's must not be.
        canary = path / ".touchstone-canary"
        if not os.access(path, os.W_OK):
            pytest.skip("cannot leave a canary there")
        canary.write_text("secret")
        try:
            source = answering(f"not _reads({str(canary)!r})", READ)
            assert task(hand_in(source)).status == "pass"
        finally:
            canary.unlink()
    else:
        assert task(hand_in(answering(f"not _lists({str(path)!r})", READ))).status == "pass"


def test_the_environment_holds_no_secret(hand_in, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert task(hand_in(answering("'secret' not in str(os.environ)", "import os"))).status == "pass"


def test_nothing_can_be_written_but_in_private_places(hand_in) -> None:  # type: ignore[no-untyped-def]
    targets = [
        str(METRICS.folder / "checks.py"),
        "/etc/canary",
        "/usr/canary",
        "/dev/canary",
        "/var/canary",
        "/canary",
    ]
    before = "def _writes(path):\n    try:\n        open(path, 'a').close()\n        return True\n"
    before += "    except OSError:\n        return False\n"
    source = answering(
        f"not any(map(_writes, {targets!r})) and _writes('{walls.PRIVATE}/mine')", before
    )
    assert task(hand_in(source)).status == "pass"
    assert not (walls.PRIVATE / "mine").exists()


def test_submissions_do_not_see_each_other(hand_in) -> None:  # type: ignore[no-untyped-def]
    hand_in(f"open('{walls.PRIVATE}/left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')")
    seen = f"not _reads('{walls.PRIVATE}/left') and not _reads('/dev/shm/left')"
    assert task(hand_in(answering(seen, READ))).status == "pass"


def test_there_is_no_network_but_a_loopback_of_ones_own(hand_in) -> None:  # type: ignore[no-untyped-def]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = f"""\
import socket
def _connects(address):
    try:
        socket.create_connection(address, 0.2).close()
        return True
    except OSError:
        return False
own = socket.create_server(('127.0.0.1', 0))
closed = not _connects(('127.0.0.1', {port})) and not _connects(('1.1.1.1', 53))
"""
        source = answering("closed and _connects(own.getsockname())", before)
        assert task(hand_in(source)).status == "pass"


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("    while True:\n        pass", "timeout"),
        ("    import time\n    time.sleep(600)", "timeout"),
        ("    sum(iter(int, 1))", "timeout"),
        ("    while True:\n        try:\n            while True:\n                pass\n"
         "        except BaseException:\n            pass", "timeout"),
        ("    import signal\n    for n in range(1, 64):\n        try:\n"
         "            signal.signal(n, signal.SIG_IGN)\n        except (OSError, ValueError):\n"
         "            pass\n    while True:\n        pass", "timeout"),
        ("    import re\n    re.match('(a+)+$', 'a' * 64 + 'b')", "timeout"),
        ("    import os\n    os._exit(0)", "crashed"),
        ("    import os\n    os.abort()", "crashed"),
        ("    import ctypes\n    ctypes.string_at(0)", "crashed"),
        ("    raise SystemExit(0)", "error"),
        ("    raise KeyboardInterrupt", "error"),
        ("    import sys\n    sys.setrecursionlimit(10**9)\n    return recall(a, b)", None),
        ("    import numpy\n    big = []\n    while True:\n"
         "        big.append(numpy.ones(2**24))", "memory"),
        ("    big = bytearray()\n    while True:\n        big += bytes(2**26)", "memory"),
        ("    while True:\n        open('left', 'ab').write(bytes(2**20))", "error"),
        ("    kept = []\n    while True:\n        kept.append(open('/dev/null'))", "error"),
        ("    import os\n    while True:\n        os.fork()", None),
        ("    import threading, time\n    while True:\n"
         "        threading.Thread(target=time.sleep, args=(600,)).start()", None),
        ("    while True:\n        print('x' * 10**6)", "timeout"),
        ("    return [0.5] * 10**8", None),
        ("    return 'x' * 10**7", "fail"),
        ("    import os\n    for pid in (0, -1, os.getppid()):\n        try:\n"
         "            os.kill(pid, 9)\n        except OSError:\n            pass\n    return -1",
         None),
        ("    import os\n    os.killpg(0, 9)", None),
        ("    import os\n    for n in range(3, 300):\n        try:\n"
         "            os.write(n, b'junk' * 100)\n        except OSError:\n            pass\n"
         "    return -1.0", "tampered"),
        ("    import os\n    for n in range(300):\n        try:\n            os.close(n)\n"
         "        except OSError:\n            pass\n    return -1.0", None),
        ("    import gc\n    found = [o for o in gc.get_objects()\n"
         "             if type(o).__name__ == 'Answer']\n"
         "    return -1.0 if not found else 0.0", "fail"),
        ("    import sys\n    return [f for f in sys._current_frames().values()]", "fail"),
        ("    import builtins\n    builtins.abs = lambda x: 0\n    return -1.0", "fail"),
        ("    import numpy\n    numpy.allclose = lambda *a, **k: True\n    return -1.0", "fail"),
        ("    import autograder.probing as p, autograder.observations as o\n"
         "    p.to_data = o.to_data = lambda value: 1.0\n    return -1.0", None),
        ("    from autograder import checks\n    checks.Suite.seed = lambda *a: 0\n"
         "    return -1.0", "fail"),
        ("    import autograder.course.metrics.reference", "error"),
        ("    import pickle\n    class Evil:\n        def __reduce__(self):\n"
         "            return (exit, ())\n    return Evil()", "fail"),
    ],
)  # fmt: skip
def test_hostile_code_earns_nothing_and_ends_in_time(
    hand_in, source: str, verdict: str | None
) -> None:  # type: ignore[no-untyped-def]
    started = time.monotonic()
    result = hand_in(f"def recall(a, b):\n{source}")
    assert result.points == 0
    found = statuses(result)
    assert "pass" not in found
    if verdict == "memory":
        # On a busy machine the time may be over before the memory is.
        assert verdict in found
        assert found <= {verdict, "timeout"}
    else:
        assert verdict is None or found == {verdict}, found
    assert time.monotonic() - started < METRICS.submission_seconds + 10
    assert task(hand_in(RECALL)).status == "pass"


def test_what_is_left_running_is_ended(hand_in) -> None:  # type: ignore[no-untyped-def]
    mark = f"touchstone-left-{os.getpid()}"
    source = "import subprocess\nsubprocess.Popen(['sleep', '612'], start_new_session=True, "
    source += f"env={{'MARK': {mark!r}}})\n"
    hand_in(source, RECALL)
    time.sleep(0.3)
    left = subprocess.run(["pgrep", "-f", "sleep 612"], capture_output=True, text=True).stdout
    assert left == ""


def test_the_pool_survives_a_child_that_hangs_its_frames(hand_in) -> None:  # type: ignore[no-untyped-def]
    """Half a frame, and then nothing: the grader waits no longer than the limit."""
    source = "import os, struct, time\ndef recall(a, b):\n"
    source += "    for n in range(3, 40):\n        try:\n"
    source += "            os.write(n, struct.pack('<I', 1000) + b'x')\n"
    source += "        except OSError:\n            pass\n    time.sleep(600)"
    assert hand_in(source).points == 0
    assert task(hand_in(RECALL)).status == "pass"
