"""A real pseudo-terminal with a program in it, and what its screen shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_MODES = re.compile(r"\x1b\[[0-9;?]*[A-GI-Za-z]")


class Terminal:
    """A program on a terminal of `rows` and `columns`."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = process
        self.written = ""

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, seconds: float = 0.1) -> str:
        """All that was written so far."""
        while select.select([self._master], [], [], seconds)[0]:
            try:
                self.written += os.read(self._master, 2**16).decode("utf-8", "replace")
            except OSError:  # Linux says so when the program has ended
                break
        return self.written

    def screen(self) -> str:
        """What is seen: the last that was drawn on a cleared screen, without colours."""
        drawn = self.read().rpartition("\x1b[H\x1b[2J")[2]
        return _MODES.sub("", drawn).replace("\r", "")

    def wait_for(self, *texts: str, seconds: float = 120) -> str:
        """The screen once all `texts` are on it."""
        self._wait(self.screen, texts, seconds)
        return self.screen()

    def wait_for_written(self, *texts: str, seconds: float = 120) -> None:
        """Go on once all `texts` were written, be they seen still or not."""
        self._wait(self.read, texts, seconds)

    def _wait(self, look: Callable[[], str], texts: Sequence[str], seconds: float) -> None:
        over = time.monotonic() + seconds
        while not all(text in look() for text in texts):
            assert time.monotonic() < over, self.written
            assert self.process.poll() is None, self.written


@contextlib.contextmanager
def terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, rows: int = 30,
    columns: int = 80,
) -> Iterator[Terminal]:  # fmt: skip
    """`command` on a terminal of its own, which is gone afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, env={**environment, "TERM": "xterm-256color"},
        preexec_fn=lambda: os.login_tty(slave),  # so that Ctrl-C reaches it
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(master)
