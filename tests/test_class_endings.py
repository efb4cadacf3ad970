"""Whatever ends the grading of a class or is in its way: nothing is lost, nobody graded twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_class import class_of
from toy_class import RIGHT, command, course, graded, hand_in, kept

from autograder.engine import walls

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap"),
]
KILLS = 40
KINDS = {"grader", "pool", "judge", "worker"}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return course(tmp_path / "course")


def test_killing_at_random_moments_loses_nothing(env: dict[str, str], tmp_path: Path) -> None:
    """Grader, pool, judge, worker: the result is that of an uninterrupted run."""
    # One that hangs would be killed again and again, until nobody doubts that it was its own doing.
    source = class_of(tmp_path / "in", 28, pause=0.1, but="hangs")
    temporary, calm = tmp_path / "tmp", tmp_path / "calm"
    temporary.mkdir()
    env["TMPDIR"] = str(temporary)
    assert command(env, "class", "grade", source, "--out", calm).returncode == 0
    expected = graded(env, calm)
    draw, done, rounds = random.Random(4), 0, 0
    hit: set[str] = set()
    while done < KILLS or hit != KINDS:
        rounds += 1
        out = tmp_path / f"round-{rounds}"
        before: dict[str, bytes] = {}
        while True:
            kills, code, words = grade_under_fire(env, source, out, draw, max(KILLS - done, 4), hit)
            done += kills
            # A notebook that was graded again would at least have taken another time.
            after = kept(out)
            assert before.items() <= after.items()
            before = after
            if code == 0:
                break
            # A pool that is killed whenever it starts is told as our fault, and not kept.
            assert code in (-signal.SIGKILL, 3), words
        assert graded(env, out) == expected
    assert list(temporary.iterdir()) == []


def grade_under_fire(
    env: dict[str, str], source: Path, out: Path, draw: random.Random, most: int, hit: set[str]
) -> tuple[int, int, str]:
    """Grade, and kill something now and then; how often, how the grader ended, and its words."""
    words = source.parent / "words"
    with words.open("wb") as stderr:
        grader = subprocess.Popen(
            [sys.executable, "-m", "autograder", "class", "grade", str(source), "--out", str(out),
             "--resume", "--workers", "2"],
            env=env, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    kills = 0
    while grader.poll() is None:
        time.sleep(draw.expovariate(5))
        # What takes a second to start again is killed more seldom, or it would never be up.
        target = draw.choices(("grader", "pool", "judge", "worker"), (1, 1, 2, 12))[0]
        victims = processes(grader.pid)[target]
        if kills < most and victims:
            victim = draw.choice(victims)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills += 1
            hit.add(target)
            if victim == grader.pid:
                grader.wait()
    return kills, grader.wait(), words.read_text("utf-8")


def processes(grader: int) -> dict[str, list[int]]:
    """Who is at work: the grader once it has begun, its warm processes, and their children."""
    found: dict[str, list[int]] = {"grader": [], "pool": [], "judge": [], "worker": []}
    try:
        below = psutil.Process(grader).children(recursive=True)
        warm = {p.pid: p.ppid() for p in below if "autograder.engine.zygote" in p.cmdline()}
        found["judge"] += [p.pid for p in below if "autograder.grading.bench" in p.cmdline()]
    except psutil.Error:
        return found
    python = {pid: parent for pid, parent in warm.items() if parent in warm}
    for pid, parent in warm.items():
        # bubblewrap's own two processes have the command in their arguments as well.
        depth = sum(1 for _ in ancestors(pid, python)) if parent in warm else 0
        found["worker" if depth >= 3 else "pool"].append(pid)
    if warm:
        found["grader"].append(grader)
    return found


def ancestors(pid: int, parents: dict[int, int]) -> list[int]:
    line = []
    while pid in parents:
        pid = parents[pid]
        line.append(pid)
    return line


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_class_ends_at_once_and_goes_on_later(
    env: dict[str, str], tmp_path: Path, number: int, code: int
) -> None:
    """Ctrl-C, or a system that goes down, in the midst of notebooks that take half a minute."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env["TMPDIR"] = str(temporary)
    source, out = class_of(tmp_path / "in", 4), tmp_path / "out"
    for n in range(2):
        hand_in(source, f"zz-slow-{n}.ipynb", RIGHT, f"import time; time.sleep(25 + {n})")
    words = tmp_path / "words"
    with words.open("wb") as stderr:
        grader = subprocess.Popen(
            [sys.executable, "-m", "autograder", "class", "grade", str(source), "--out", str(out)],
            env=env, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            # A shell has what it starts in the background ignore Ctrl-C, the tests perhaps.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
    while len(kept(out)) < 4:
        assert grader.poll() is None, words.read_text("utf-8")
        time.sleep(0.1)
    below = psutil.Process(grader.pid).children(recursive=True)
    since = time.monotonic()
    os.killpg(grader.pid, number)
    assert grader.wait(30) == code
    assert time.monotonic() - since < 15
    assert "Traceback" not in words.read_text("utf-8")
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    assert list(temporary.iterdir()) == []
    before = kept(out)
    for n in range(2):
        (source / f"zz-slow-{n}.ipynb").unlink()
    assert command(env, "class", "grade", source, "--out", out, "--resume").returncode == 0
    assert kept(out) == before


def test_a_second_grader_says_that_one_is_at_work(env: dict[str, str], tmp_path: Path) -> None:
    source, out = class_of(tmp_path / "in", 12, pause=0.3), tmp_path / "out"
    first = subprocess.Popen(
        [sys.executable, "-m", "autograder", "class", "grade", str(source), "--out", str(out)],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (out / "class.sqlite").exists():
        time.sleep(0.02)
    second = command(env, "class", "grade", source, "--out", out, "--resume", "--lang", "en")
    assert (second.returncode, first.poll()) == (2, None), second.stderr
    assert "Another process is grading into" in " ".join(second.stderr.split())
    assert first.wait() == 0
    assert len(graded(env, out)["submissions"]) == 12


@pytest.mark.parametrize("place", ["a-file/out", "/proc/nothing"])
def test_a_folder_that_cannot_be_written(env: dict[str, str], tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").write_text("")
    hand_in(tmp_path / "in", "ana.ipynb", RIGHT)
    done = command(env, "class", "grade", tmp_path / "in", "--out", tmp_path / place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--out" in done.stderr


def test_a_full_disk_stops_it_and_what_was_graded_stays(
    env: dict[str, str], tmp_path: Path
) -> None:
    """On a disk of half a megabyte, and then on one with room."""
    source, out = class_of(tmp_path / "in", 14), tmp_path / "out"
    out.mkdir()
    # Outputs that take room in the ledger.
    for number in range(30):
        hand_in(source, f"big-{number:02}.ipynb", RIGHT, f"print({number}, 'x' * 15000)")
    script = (
        'mount -t tmpfs -o size=300k none "$OUT" || exit 77; '
        '"$PYTHON" -m autograder --lang en class grade "$IN" --out "$OUT"; code=$?; '
        'cp -a "$OUT"/. "$KEPT"; exit $code'
    )
    kept = tmp_path / "kept"
    kept.mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env={**env, "OUT": str(out), "IN": str(source), "KEPT": str(kept),
             "PYTHON": sys.executable},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode in (1, 77) and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("may not mount a small disk here")
    assert done.returncode == 2, done.stderr
    assert "disk" in done.stderr
    some = graded(env, kept)["submissions"]
    assert 0 < len(some) < 44
    assert command(env, "class", "grade", source, "--out", kept, "--resume").returncode == 0
    whole = graded(env, kept)["submissions"]
    assert len(whole) == 44
    assert all(item in whole for item in some)


def test_a_folder_that_became_read_only_keeps_what_it_has(
    env: dict[str, str], tmp_path: Path
) -> None:
    """The results can be read there; grading into it says what is wrong."""
    source, out = class_of(tmp_path / "in", 2), tmp_path / "out"
    assert command(env, "class", "grade", source, "--out", out).returncode == 0
    before = kept(out)
    hand_in(source, "late.ipynb", RIGHT, "late = True")
    script = (
        'mount --bind "$OUT" "$OUT" && mount -o remount,bind,ro "$OUT" || exit 77; '
        '"$PYTHON" -m autograder class export "$OUT" --to json --target "$ELSEWHERE" || exit 3; '
        '"$PYTHON" -m autograder --lang en class grade "$IN" --out "$OUT" --resume'
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env={**env, "OUT": str(out), "IN": str(source), "PYTHON": sys.executable,
             "ELSEWHERE": str(tmp_path / "results.json")},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode in (1, 77) and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("may not mount here")
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert (tmp_path / "results.json").is_file()
    assert kept(out) == before
