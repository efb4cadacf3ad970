"""Hostile submissions in a walled pool: none earns a point, harms a neighbour or leaves a mark."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest
from attempts import RECALL, notebook, save, statuses, task
from hostile import printed

from autograder.engine import limits, read_notebook, room, walls
from autograder.engine.pool import Pool
from autograder.engine.trials import trials
from autograder.exercise import catalog
from autograder.exercise.suite import salted
from autograder.grading.grade import grade, grade_path
from autograder.judging.results import SubmissionResult
from autograder.learner import doctor
from autograder.report import write_html

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


def test_what_looks_at_the_processor_works_without_proc(hand_in) -> None:  # type: ignore[no-untyped-def]
    result = hand_in(
        "from sklearn.cluster import KMeans\nfrom sklearn.neighbors import NearestCentroid\n"
        "rows = [[0.0], [1.0], [5.0], [6.0]]\n"
        "found = NearestCentroid().fit(rows, [0, 0, 1, 1]).predict([[5.5]])\n"
        "KMeans(2, n_init=1).fit(rows)\n"
        "def recall(labels, predictions):\n    return found"
    )
    assert [cell.error for cell in result.cells] == [""] * len(result.cells)


def test_a_secret_is_not_to_be_found(tmp_path: Path, pool: Pool) -> None:
    """In what runs the submission; what is made of it is there, and tells nothing else."""
    look = """
import sys
def _finds(text):
    frame, seen = sys._getframe().f_back, []
    while frame is not None:
        seen.append(repr(frame.f_locals))
        frame = frame.f_back
    return text in ''.join(seen)
"""
    secret, other = "a secret of this class", "salt of another"
    for asked, expected in (
        (secret, False),
        (salted(secret, "metrics"), True),
        (other[::-1], False),
    ):
        source = answering(f"_finds({asked[::-1]!r}[::-1]) is {expected}", look)
        read = read_notebook(save(tmp_path, notebook(source)))
        result = grade(read, METRICS, secret=secret, pool=pool)
        assert task(result).status == "pass", asked


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
    mine = room.PRIVATE / f"touchstone-canary-{os.getpid()}"
    source = answering(f"not any(map(_writes, {targets!r})) and _writes({str(mine)!r})", before)
    assert task(hand_in(source)).status == "pass"
    assert not mine.exists()


def test_submissions_do_not_see_each_other(hand_in) -> None:  # type: ignore[no-untyped-def]
    hand_in(f"open('{room.PRIVATE}/left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')")
    seen = f"not _reads('{room.PRIVATE}/left') and not _reads('/dev/shm/left')"
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


@pytest.mark.slow
def test_every_wall_stands_when_it_is_tried(pool: Pool) -> None:
    tried = trials(METRICS, pool.worker)
    assert len(tried) == 9
    assert [trial for trial in tried if not trial.stands] == []
    assert {finding.state for finding in doctor.tried(tried)} == {"good"}


@pytest.mark.slow
def test_a_wall_that_does_not_stand_is_noticed() -> None:
    with Pool([METRICS], walled=False) as pool:
        tried = trials(METRICS, pool.worker)
    standing = {trial.name for trial in tried if trial.stands}
    # A pool without walls limits memory and time all the same.
    assert standing <= {"memory", "time"}
    found = [finding for finding in doctor.tried(tried) if finding.state == "bad"]
    assert len(found) == 9 - len(standing)
    assert all("Grade only work that you trust" in finding.text["en"] for finding in found)
    assert all("请只评可信的作业" in finding.text["zh"] for finding in found)


@pytest.mark.slow
def test_without_a_part_of_the_walls_the_doctor_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert walls.missing() == "bubblewrap"
    assert not walls.available()
    (found,) = [finding for finding in doctor.examine() if finding.name == "sandbox"]
    assert found.state == "note"
    assert "apt install bubblewrap" in found.text["en"]
    assert "apt install bubblewrap" in found.text["zh"]


@pytest.mark.parametrize("own", [
    "kept = []\n    while True:\n        kept.append(b'x' * 2**24)",
    "return len(bytearray(2**50))",
    "import subprocess, sys\n    code = 'import time; kept = b\"x\" * 2**28; time.sleep(60)'\n"
    "    return subprocess.run([sys.executable, '-c', code])",
])  # fmt: skip
@pytest.mark.slow
def test_a_fresh_process_has_a_limit_on_memory_too(tmp_path: Path, own: str) -> None:
    source = f"def recall(labels, predictions):\n    {own}"
    quick = replace(METRICS, check_seconds=5.0, submission_seconds=8.0)
    result = grade(read_notebook(save(tmp_path, notebook(source))), quick)
    # The limit on the notebook as a whole may end what comes after.
    assert "memory" in statuses(result)
    assert statuses(result) <= {"memory", "timeout"}


def test_what_one_submission_changed_is_not_there_for_the_next(hand_in) -> None:  # type: ignore[no-untyped-def]
    hand_in("import builtins, numpy, sys\nbuiltins.left = numpy.left = 1\nsys.modules['left'] = 1")
    seen = "hasattr(builtins, 'left') or hasattr(numpy, 'left') or 'left' in sys.modules"
    source = answering(f"not ({seen})", "import builtins, numpy, sys")
    assert task(hand_in(source)).status == "pass"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "socket"])
def test_a_submission_that_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "attempt.ipynb"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        if kind == "socket":
            one.bind(str(path))
        problem = grade_path(path).problem
    assert problem is not None
    assert "no ordinary file" in problem["en"]
    assert "不是普通文件" in problem["zh"]


@pytest.mark.parametrize(
    "slug", ["../../etc", "metrics/../../x", "/etc/passwd", "metrics\\0", ".", ""]
)
def test_no_exercise_is_looked_for_outside_the_course(tmp_path: Path, slug: str) -> None:
    path = save(tmp_path, notebook(setup=f"EXERCISE, LANGUAGE = {slug!r}, 'en'"))
    problem = grade_path(path).problem
    assert problem is not None
    assert "no exercise" in problem["en"]


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that is not below the one that each submission has for its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["folder", "name", "nothing"])
def test_a_real_model_can_be_read_if_it_is_asked_for_and_no_token_beside_it(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    for path in ("mine/weights", "hf/hub/weights", "hf/token"):
        (elsewhere / path).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / path).write_text("x")
    monkeypatch.setenv("HF_HOME", str(elsewhere / "hf"))
    if asked != "nothing":
        value = str(elsewhere / "mine") if asked == "folder" else "gpt2"
        monkeypatch.setenv("TOUCHSTONE_MODEL", value)
    sees = {"mine/weights": asked == "folder", "hf/hub/weights": asked == "name", "hf/token": False}
    seen = " and ".join(f"_reads({str(elsewhere / p)!r}) is {sight}" for p, sight in sees.items())
    with Pool([METRICS], walled=True) as pool:
        read = read_notebook(save(tmp_path, notebook(answering(seen, READ))))
        assert task(grade(read, METRICS, pool=pool)).status == "pass"


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root may make others of its children")
def test_each_submission_is_a_user_of_its_own(hand_in, pool: Pool) -> None:  # type: ignore[no-untyped-def]
    """What the kernel counts by user, such as descriptors under way, no neighbour can use up."""
    users: set[int] = set()
    for _ in range(3):
        assert task(hand_in(RECALL)).status == "pass"
        time.sleep(0.5)  # until the next one stands behind its walls
        below = psutil.Process(pool._process.pid).children(recursive=True)
        users |= {process.uids().real for process in below}
    assert len(users - {0}) >= 3
    assert os.getuid() not in users - {0}


def test_the_pool_may_have_more_descriptors_under_way_than_submissions(pool: Pool) -> None:
    """The kernel compares what a user has under way with the limit of who sends one more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (inner,) = psutil.Process(pool._process.pid).children()
    (warm,) = inner.children()
    soft, _ = resource.prlimit(warm.pid, resource.RLIMIT_NOFILE)
    assert soft >= min(hard, limits.FILES) > limits.OPEN_FILES


NASTY = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</pre></details><h1>pass",
    "\x1b[2J\x1b]0;pass\x07", "\u202etxt.exe", "]]>", "{{ 7 * 7 }}", "javascript:alert(1)",
    "=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(1)", "\tx", "\r\n=1",
]  # fmt: skip


def test_what_a_submission_says_is_shown_as_text_and_nothing_else(hand_in, tmp_path) -> None:  # type: ignore[no-untyped-def]
    cells = [f"print({text!r})\n{text!r}" for text in NASTY]
    cells += [f"raise type({text!r}, (Exception,), {{}})({text!r})" for text in NASTY[:7]]
    result = hand_in(*cells, f"def recall(a, b):\n    raise ValueError({NASTY[0] + NASTY[3]!r})")
    page = tmp_path / "report.html"
    write_html([result], page)
    tags = Tags()
    tags.feed(page.read_text("utf-8"))
    assert "alert(1)" in page.read_text("utf-8")
    assert tags.bad == []
    shown = printed([result])
    assert "\x1b[2J" not in shown
    assert "\x1b]0" not in shown


class Tags(HTMLParser):
    """Notes what runs, or leads elsewhere, in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        runs = tag in ("iframe", "object", "embed", "h7") or any(
            name.startswith("on") or (value or "").startswith("javascript:")
            for name, value in attrs
        )
        if runs or (tag == "img" and not (dict(attrs).get("src") or "").startswith("data:")):
            self.bad.append(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "alert(1)" in data:
            self.bad.append(data)


def test_what_is_left_running_is_ended(hand_in) -> None:  # type: ignore[no-untyped-def]
    mark = f"touchstone-left-{os.getpid()}"
    source = "import subprocess\nsubprocess.Popen(['sleep', '612'], process_group=0, "
    source += f"env={{'MARK': {mark!r}}})\n"
    hand_in(source, RECALL)
    time.sleep(0.3)
    left = subprocess.run(["pgrep", "-f", "sleep 612"], capture_output=True, text=True).stdout
    assert left == ""


def test_the_child_that_waits_is_another_each_time_and_may_be_killed(hand_in, pool: Pool) -> None:  # type: ignore[no-untyped-def]
    """It stands behind its walls before there is a submission; nobody is graded without it."""
    hand_in(RECALL)
    first = waiting(pool)
    assert task(hand_in(RECALL)).status == "pass"
    second = waiting(pool)
    assert first != second
    os.kill(second, signal.SIGKILL)
    assert task(hand_in(RECALL)).status == "pass"


@pytest.fixture(scope="module")
def open_pool() -> Iterator[Pool]:
    with Pool([METRICS], walled=False) as warm:
        yield warm


def test_without_walls_a_signal_without_a_name_ends_its_own_submission(
    open_pool: Pool, tmp_path: Path
) -> None:
    deadly = RECALL + "\nimport os\ndef recall(a, b):\n    os.kill(os.getpid(), 40)"
    result = grade(read_notebook(save(tmp_path, notebook(deadly))), METRICS, pool=open_pool)
    assert task(result).status == "crashed"
    process = open_pool._process.pid
    again = grade(read_notebook(save(tmp_path, notebook(RECALL))), METRICS, pool=open_pool)
    assert (task(again).status, open_pool._process.pid) == ("pass", process)


def test_without_walls_nobodys_processes_are_counted_against_a_submission(
    open_pool: Pool, tmp_path: Path
) -> None:
    """The kernel counts all that its user runs, such as a desktop."""
    own = resource.getrlimit(resource.RLIMIT_NPROC)
    source = answering(f"resource.getrlimit(resource.RLIMIT_NPROC) == {own}", "import resource")
    result = grade(read_notebook(save(tmp_path, notebook(source))), METRICS, pool=open_pool)
    assert task(result).status == "pass"


@pytest.mark.slow
def test_where_walls_cannot_be_built_the_pool_says_which(tmp_path: Path) -> None:
    """Bubblewrap may work where namespaces within its own do not."""
    script = (
        "from autograder.engine import pool\n"
        "from autograder.exercise import catalog\n"
        "try:\n"
        "    pool.Pool([catalog.exercise('metrics')], walled=True).__enter__()\n"
        "except pool.PoolError as error:\n"
        "    print('refused:', error)\n"
    )
    limited = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--fork", "sh", "-c", limited, sys.executable,
         script],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if "refused" not in done.stdout and "max_user_namespaces" in done.stderr:
        pytest.skip("may not limit namespaces here")
    assert "the warm process did not start" in done.stdout
    assert "unshare: No space left" in done.stdout  # the kernel's word for more than it may


def waiting(pool: Pool) -> int:
    """The child of a pool that has nothing else to do."""
    for _ in range(100):
        (inner,) = psutil.Process(pool._process.pid).children()
        (warm,) = inner.children()
        children = warm.children()
        if len(children) == 1:
            return int(children[0].pid)
        time.sleep(0.05)
    raise AssertionError(f"not one child, but {children}")
