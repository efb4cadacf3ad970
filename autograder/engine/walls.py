"""The inner walls, on Linux: what each child of a pool closes behind itself.

The pool lives in bubblewrap's room already. Each child gets namespaces of its own (user, process
ids, mounts, IPC, network, host name), so that it sees neither the pool nor its neighbours, gives up
every privilege in them, and may no longer make the system calls that `seccomp` lists.

References: namespaces(7), user_namespaces(7), capabilities(7), prctl(2), credentials(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import shutil
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.engine import seccomp, users
from autograder.engine.limits import disk_bytes
from autograder.engine.room import PRIVATE

_INSIDE = 1000
_ENTER_SECONDS = 10.0
_FILES = 4096
_CLONE = {
    "mounts": 0x00020000,
    "host name": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "process ids": 0x20000000,
    "network": 0x40000000,
}
_MS_REC_PRIVATE = 0x4000 | 0x40000
_MS_NOSUID_NODEV = 2 | 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class WallError(Exception):
    """A wall that could not be built; the message names it."""


def available() -> bool:
    """Whether everything is there that the walls are built with."""
    return not missing()


def missing() -> str:
    """What the walls are built with and is not there, such as ``"bubblewrap"``, or ``""``.

    It is ``"libraries"`` if root's submissions, as users of their own, could not read them.
    """
    if sys.platform != "linux":
        return "Linux"
    if not shutil.which("bwrap"):
        return "bubblewrap"
    if not seccomp.available():
        return "libseccomp"
    return "libraries" if users.source() == "root" and users.closed() else ""


@contextlib.contextmanager
def new_process_ids() -> Iterator[None]:
    """Have processes that are started in the body be the first of a namespace for process ids.

    It is made out here, and not by the child, so that one `fork` is enough: copying the tables of
    a process that holds all libraries is most of what a child costs.

    Raises
    ------
    WallError
        If the kernel refuses.
    """
    flag = _CLONE["process ids"]
    with open("/proc/self/ns/pid") as own:
        _call("unshare", flag)
        try:
            yield
        finally:
            # Without this the process could start neither a thread nor another namespace.
            _call("setns", own.fileno(), flag)


def enter(outside: socket.socket) -> None:
    """Put this process into namespaces of its own, with the help of `let_in` on the other side.

    Inside, it is an ordinary user; outside it is a user of its own, or, where there are none to
    give (`users`), whoever runs the pool.

    Raises
    ------
    WallError
        If the kernel refuses.
    """
    if users.has_some():
        os.setgroups([])
    flags = 0
    for name, flag in _CLONE.items():
        flags |= flag if name != "process ids" else 0
    _call("unshare", flags)
    outside.send(b"x")
    if outside.recv(1) != b"x":
        raise WallError("uid_map: not written")
    os.setresgid(_INSIDE, _INSIDE, _INSIDE)
    os.setresuid(_INSIDE, _INSIDE, _INSIDE)


def let_in(process: int, inside: socket.socket) -> None:
    """Say who a process in `enter` is; only its parent, outside, may say it of another user.

    Raises
    ------
    WallError
        If that may not be said.
    """
    inside.settimeout(_ENTER_SECONDS)
    try:
        word = inside.recv(4096)
        if word == b"x":
            user, group = os.getuid(), os.getgid()
            if users.has_some():
                user = group = users.somebody()
            folder = Path("/proc") / str(process)
            (folder / "setgroups").write_text("deny")
            (folder / "uid_map").write_text(f"{_INSIDE} {user} 1")
            (folder / "gid_map").write_text(f"{_INSIDE} {group} 1")
            inside.send(b"x")
    except (FileNotFoundError, ProcessLookupError, BrokenPipeError, ConnectionResetError):
        return  # it died, and its ending tells how
    except OSError as error:
        raise WallError(f"uid_map: {error}") from None
    if word not in (b"x", b""):
        raise WallError(word.decode("utf-8", "replace"))


def close_in() -> None:
    """In the first process of the new namespaces: private folders, loopback, no privileges.

    Raises
    ------
    WallError
        If a wall cannot be built; nothing of a learner's may run then.
    """
    # Signals to "my group" would reach the pool, which may count as the same user.
    os.setsid()
    # Memory that no process holds, such as that of sockets, cannot be counted; if the machine runs
    # short of it, the kernel ends this process first. (Who changed users must ask to be let at its
    # own settings.)
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
    Path("/proc/self/oom_score_adj").write_text("1000")
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
    options = f"size={disk_bytes()},nr_inodes={_FILES},mode=1777".encode()
    for folder in (PRIVATE, Path("/dev/shm")):
        _call("mount", b"tmpfs", bytes(folder), b"tmpfs", _MS_NOSUID_NODEV, options)
    # Bubblewrap's /proc shows the pool, and the kernel lets nobody mount a better one over its
    # read-only parts; and through its terminals a child could leave something for the next.
    for folder in (Path("/proc"), Path("/dev/pts")):
        _call("mount", b"tmpfs", bytes(folder), b"tmpfs", _MS_NOSUID_NODEV | 1, b"size=4k")
    _loopback_up()
    home = PRIVATE / "home"
    home.mkdir()
    os.chdir(home)
    os.environ["HOME"] = str(home)
    _drop_privileges()


def keep_only(channel: int) -> None:
    """Close every descriptor but `channel` and standard input, output and error."""
    os.closerange(3, channel)
    os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))


def _loopback_up() -> None:
    """The private network has a loopback, for exercises with a server of their own."""
    import fcntl  # which the platforms without walls need not have

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH14s", answer)[1] | _IFF_UP
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags, b""))


def _drop_privileges() -> None:
    for capability in range(64):
        with contextlib.suppress(WallError):
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    _call("capset", header, bytes(24))
    try:
        seccomp.refuse()
    except seccomp.SeccompError as error:
        raise WallError(str(error)) from None


def end_with_parent() -> None:
    """Have this process killed when the one that started it ends, however that comes about."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; an error becomes `WallError` with its name."""
    if getattr(_libc(), name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise WallError(f"{name}: {os.strerror(code)}")
