"""What a submission may take: the limits that the platform keeps, and how much memory it holds.

References: getrlimit(2), proc_pid_statm(5), proc_pid_status(5), proc_pid_smaps(5), sched(7).
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from autograder.models import is_other

DISK_BYTES = 64 * 2**20
_MORE_DISK = 10  # for another model than the tiny one, which a notebook may save
OPEN_FILES = 256
FILES = 16_384
"""Of a pool itself. Each child closes them one by one where it has no better way."""
PROCESSES = 64
SIGNALS = 64
"""Signals and timers that wait in the kernel, which counts those of a user together."""
BUSY = 4
"""Threads of a submission that compute at a time and have as much of a processor as any other."""
_WEIGHT = 1.25  # how much less each step of priority weighs than the one before: sched(7)
ADDRESSES = 4
"""Address space for each byte of memory: much of what is reserved is never used."""
_OWN_MEMORY = re.compile(r"^(?:RssAnon|RssShmem|HugetlbPages):\s+(\d+) kB", re.MULTILINE)
_OWN_SHARE = re.compile(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)


def limit(*, seconds: float, memory: int, mapped: int | None = None, alone: bool = True) -> None:
    """Limit what this process and each of its children may take, where the platform can.

    Parameters
    ----------
    seconds
        Of processor time.
    memory
        Bytes beyond what is mapped. Whoever watches from outside is more exact; this holds what
        is faster than they look.
    mapped
        What `mapped_bytes` told before, for a process that can no longer see it.
    alone
        Whether this user runs nothing else; only then can the number of processes be limited.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    mapped = mapped_bytes() if mapped is None else mapped
    for what, most in _limits(seconds, memory, mapped, alone):
        with contextlib.suppress(ValueError, OSError):
            # Not above what is there already: a pool within limits keeps them.
            _, hard = resource.getrlimit(what)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            # At the hard limit of processor time the kernel kills without a word of why.
            last = most + 1 if what == resource.RLIMIT_CPU and most < hard % 2**63 else most
            resource.setrlimit(what, (most, last))


def end_step(seconds: float | None) -> None:
    """Have this process ended once it has computed for so many seconds more; ``None`` for no end.

    By the kernel, so that it holds for code that no exception reaches, and half a second or more
    after `deadline`. A submission can put it off, up to the limit of `limit`.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = hard if seconds is None else math.ceil(_computed() + seconds + 0.5)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard - 1) if soft != resource.RLIM_INFINITY else hard - 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def all_files() -> None:
    """Let this process, and those that it starts, open as many files as they may, up to `FILES`.

    The kernel counts descriptors that are under way in sockets by user, and compares with the limit
    of who sends one: what submissions may have at most then does not keep the pool from sending.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def lower_addresses(memory: int) -> None:
    """Let this process have only so many bytes of address space more: an allocation then fails.

    Unlike what `limit` sets, it can be lifted again (`lift_addresses`).
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        mapped = mapped_bytes()
        if mapped:
            resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, hard))


def lift_addresses() -> None:
    """Undo `lower_addresses`, which a process inherits from the one that started it."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _computed() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _limits(seconds: float, memory: int, mapped: int, alone: bool) -> Iterator[tuple[int, int]]:
    import resource

    yield resource.RLIMIT_CPU, int(_computed() + seconds) + 1
    yield resource.RLIMIT_FSIZE, disk_bytes()
    yield resource.RLIMIT_NOFILE, OPEN_FILES
    yield resource.RLIMIT_CORE, 0
    # Only Linux has these.
    for name, most in (("RLIMIT_SIGPENDING", SIGNALS), ("RLIMIT_MSGQUEUE", 0)):
        if hasattr(resource, name):
            yield getattr(resource, name), most
    if alone:
        yield resource.RLIMIT_NPROC, PROCESSES
    if mapped:
        yield resource.RLIMIT_AS, mapped + ADDRESSES * memory


def disk_bytes() -> int:
    """Bytes that a submission may have in a file, and behind walls in all its files."""
    return DISK_BYTES * (_MORE_DISK if is_other() else 1)


def mapped_bytes() -> int:
    """Bytes of address space that this process has; 0 where the platform does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def held(process: int) -> int:
    """Bytes that a process and those that it started hold in memory.

    Pages that several of them share count once where the platform tells (Linux), so that a
    submission may fork without being charged for what it was given.
    """
    try:
        first = psutil.Process(process)
        others = first.children(recursive=True)
        if not others:
            return int(first.memory_info().rss)
    except psutil.Error:
        return 0
    return sum(map(_share, [first, *others]))


def _share(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", memory.rss))


def own_memory(process: int, enough: int = 0) -> int:
    """Bytes that a process and those that it started hold in memory of their own.

    Pages of libraries' files do not count: they are everybody's, and come in as code first runs.
    Pages that were shared by `fork` count for each of its sides, which is quick to find out; if
    that comes to more than `enough`, once.
    """
    family = list(_family(process))
    held = [_told(threads, "status", _OWN_MEMORY) for threads in family]
    if len(family) > 1 and sum(held) > enough:
        try:
            return sum(_told(threads, "smaps_rollup", _OWN_SHARE) for threads in family)
        except PermissionError:
            pass
    return sum(held)


def share_processor(process: int) -> None:
    """Have a process and those that it started weigh no more than `BUSY` that are alone.

    The more of their threads compute, the lower each one's priority; it is not raised again.
    """
    threads = [int(thread.name) for one in _family(process) for thread in one]
    if len(threads) <= BUSY:
        return
    busy = sum(map(_computes, threads))
    if busy <= BUSY:
        return
    level = min(19, math.ceil(math.log(busy / BUSY, _WEIGHT)))
    for thread in threads:
        with contextlib.suppress(OSError):  # it has ended
            if os.getpriority(os.PRIO_PROCESS, thread) < level:
                os.setpriority(os.PRIO_PROCESS, thread, level)


def _computes(thread: int) -> bool:
    """Whether it has a processor, or waits for one."""
    try:
        return "\nState:\tR" in Path(f"/proc/{thread}/status").read_text()
    except OSError:
        return False


def _family(process: int) -> Iterator[list[Path]]:
    """The folders of the threads of a process, and of each one that it started."""
    pending = [process]
    while pending:
        threads: list[Path] = []
        with contextlib.suppress(OSError, ValueError):
            threads += Path(f"/proc/{pending.pop()}/task").iterdir()
        for thread in threads:
            with contextlib.suppress(OSError, ValueError):
                pending += map(int, (thread / "children").read_text().split())
        yield threads


def _told(threads: list[Path], file: str, sizes: re.Pattern[str]) -> int:
    """Bytes in `file` of a process, from a thread that lives: the first may have ended.

    Raises
    ------
    PermissionError
        If it may not be read.
    """
    for thread in threads:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found = sizes.findall((thread / file).read_text())
            if found:
                return 1024 * sum(map(int, found))
    return 0
