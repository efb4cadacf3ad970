"""`touchstone review` as its users run it: on a terminal, through a pipe, and stopped midway."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from rich.cells import cell_len

from autograder.grading.journal import Journal
from autograder.language import LANGUAGES, Language

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TOUCH"))}
    data = str(tmp_path / "data")
    return {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "XDG_DATA_HOME": data}


def run(
    environment: dict[str, str], *arguments: str, keys: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=environment["XDG_DATA_HOME"].removesuffix("/data"),
        env=environment, input=keys, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def journal(environment: dict[str, str]) -> Journal:
    return Journal(Path(environment["XDG_DATA_HOME"]) / "touchstone" / "journal.sqlite")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sitting_through_a_pipe(environment: dict[str, str], language: Language) -> None:
    keys = "\n3\n\n1\nu\n\n4\n\nx\n2\nq\n"
    done = run(environment, "review", "--slug", "attention", "--lang", language, keys=keys)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert max(map(cell_len, done.stdout.splitlines())) <= 80
    assert "12 · 12 · 768" in done.stdout  # a formula as one can read it
    assert "1 min" in done.stdout or "1 分钟" in done.stdout
    with journal(environment) as kept:
        found = kept.studies.reviews()
    assert [(r.rating, r.undone) for r in found] == [(3, False), (1, True), (4, False), (2, False)]
    assert found[1].card == found[2].card
    assert found[0].card == "points/S4-Q1/attention"


def test_what_was_answered_is_kept_when_it_is_stopped(environment: dict[str, str]) -> None:
    main, side = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "autograder", "review", "--slug", "metrics"],
        stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    seen = ""

    def until(*wanted: str) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while not all(word in seen for word in wanted):
            ready, _, _ = select.select([main], [], [], max(end - time.monotonic(), 0))
            assert ready, seen
            seen += os.read(main, 4096).decode("utf-8", "replace")

    def press(key: bytes) -> None:
        # What is typed before a terminal is asked for a single key is thrown away.
        while termios.tcgetattr(main)[3] & termios.ICANON:
            time.sleep(0.01)
        os.write(main, key)

    until("Enter shows")
    press(b"\r")
    until("3 good", "u undo")
    seen = ""
    press(b"3")
    until("Enter shows")
    child.send_signal(signal.SIGINT)
    until("remembered: 1")
    assert child.wait(60) == 130
    os.close(main)
    with journal(environment) as kept:
        assert [review.rating for review in kept.studies.reviews()] == [3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--track", "month"), ("month", "weekend")),
        (("--slug", "month"), ("month", "metrics")),
        (("--slug", "gan", "--track", "week"), ("--slug", "--track")),
        (("--minutes", "-1"), ("--minutes",)),
        (("--until", "soon"), ("soon", "2026-12-31")),
        (("--until", "2020-01-01"), ("2020-01-01", "tomorrow")),
        (("export", "deck.zip"), ("deck.zip", ".apkg")),
    ],
)
def test_wrong_use_is_one_clear_line(
    environment: dict[str, str], arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = run(environment, "review", *arguments)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words)
    assert "Traceback" not in done.stderr
