"""Whose processes submissions are, on Linux: where it can be, each has a user of its own.

What the kernel counts by user, such as descriptors under way in sockets, is then no neighbour's.
Root has users to give. Whoever has subordinate ids (``/etc/subuid``) has them within a namespace in
which these are mapped and they themselves are root: a pool that is started there does as root's.

References: user_namespaces(7), subuid(5), newuidmap(1), unshare(1).
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

from autograder.exercise import catalog

_NOBODY = 65534
# Of no system's users, services or containers: see systemd's "Users, Groups, UIDs and GIDs".
_FIRST, _MANY = 0x70000000, 2**26
# Where there are no more than these, the upper half, in which few systems have anybody.
_FEW = 2**16 - 1
_TRY_SECONDS = 10.0

Source = Literal["root", "subordinate", "own"]
"""Where users for submissions come from: ``own`` if all have the one who runs the pool."""


@functools.cache
def source() -> Source:
    """Where the users of submissions come from for a pool that this process starts.

    What subordinate ids need is tried: the programs, the files, and a kernel that lets it be.
    """
    if os.getuid() == 0:
        return "root"
    if closed():
        return "own"
    line = [*entering("subordinate"), shutil.which("bwrap") or "bwrap", "--unshare-pid",
            "--ro-bind", "/", "/", "--proc", "/proc", "cat", "/proc/self/uid_map"]  # fmt: skip
    try:
        tried = subprocess.run(
            line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TRY_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return "own"
    return "subordinate" if tried.returncode == 0 and _holds(tried.stdout, 1, _FEW) else "own"


def entering(source: Source) -> list[str]:
    """What stands before a command that is to have users to give."""
    return ["unshare", "--user", "--map-auto", "--map-root-user"] if source == "subordinate" else []


def has_some() -> bool:
    """Whether this process may make others of those that it starts.

    So root may, of the machine or of a namespace with subordinate ids; not root of bubblewrap's
    own, who is the only user there.
    """
    return os.getuid() == 0 and _holds(_map(), _NOBODY, 1)


def somebody() -> int:
    """A user who has nothing else on this machine, so that what the kernel counts is theirs alone.

    Where a container has too few, nobody.
    """
    if _holds(_map(), _FIRST, _MANY):
        return _FIRST + secrets.randbelow(_MANY)
    if _holds(_map(), 1, _FEW):
        return _FEW // 2 + secrets.randbelow(_NOBODY - _FEW // 2)
    return _NOBODY


def _map() -> str:
    return Path("/proc/self/uid_map").read_text()


def _holds(uid_map: str, first: int, many: int) -> bool:
    """Whether all these users are in a namespace."""
    lines = (map(int, line.split()) for line in uid_map.splitlines())
    return any(begin <= first and first + many <= begin + size for begin, _, size in lines)


def closed() -> Path | None:
    """What Python runs from that no other user may read, as a strict umask leaves it, if any."""
    packages = (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    places = [Path(sys.executable), Path(os.__file__), catalog.PACKAGE, *packages]
    return next((p for p in places if p.exists() and not p.stat().st_mode & 0o004), None)
