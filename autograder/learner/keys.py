"""Single keys from a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator

ReadKey = Callable[[float], str]
"""Waits so many seconds for a key; empty when none came."""


def are_there() -> bool:
    """Whether somebody can press keys and see what comes of them."""
    try:
        import termios  # noqa: F401
    except ImportError:  # Windows
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextlib.contextmanager
def keys() -> Iterator[ReadKey]:
    """Single keys from standard input while the body runs, not shown and without Enter.

    Ctrl-C stays what it is.
    """
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda seconds: _key(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _key(descriptor: int, seconds: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], seconds)
    if not ready:
        return ""
    typed = os.read(descriptor, 64).decode("utf-8", "replace")
    # Nobody is at the other end any more; or an arrow, which is no key of ours.
    return "q" if not typed else "" if typed.startswith("\x1b") else typed[0]
