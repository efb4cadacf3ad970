"""A filter of system calls: what no exercise needs is refused before the kernel looks at it.

The namespaces already keep a submission apart. The filter closes what lies beside them: kernel
memory that no limit counts (shared memory without a file, queues), namespaces within namespaces,
keyrings, sockets to the machine's host, debugging, and interfaces with a history of holes.

It is libseccomp's, called the way `walls` calls the C library. References: seccomp(2),
seccomp_rule_add(3), capabilities(7); the lists of calls are in syscalls(2).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
from collections.abc import Iterator

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EQUAL, _GREATER, _MASKED_EQUAL, _NOT_EQUAL = 4, 6, 7, 1
_MAKES_NAMESPACES = (
    0x00020000,  # mounts
    0x02000000,  # control groups
    0x04000000,  # host name
    0x08000000,  # IPC
    0x10000000,  # users
    0x20000000,  # process ids
    0x40000000,  # network
)
_SHARED_UNNAMED = 0x01 | 0x20  # MAP_SHARED, MAP_ANONYMOUS
# F_SETPIPE_SZ: pages of pipes are counted by user, and a pipe may be a hundred times as large as it
# is. F_SETLEASE: whoever writes to a file of their own waits for who has a lease on it.
_UNFAIR = (1031, 1024)
_INPUT_TO_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
# A child reaches itself by these. AF_VSOCK, for one, would reach the host of a virtual machine.
_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink
_FAMILIES_END = 17

REFUSED = {
    "namespaces and mounts": (
        "unshare setns mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick "
        "move_mount open_tree open_tree_attr mount_setattr listmount statmount"
    ),
    "memory that belongs to no process": "shmget msgget semget memfd_create memfd_secret",
    "other processes' memory": (
        "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease "
        "pidfd_getfd kcmp"
    ),
    "keys": "add_key request_key keyctl",
    "programs in the kernel": (
        "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register "
        "fanotify_init modify_ldt"
    ),
    "what all of the machine's, or of a user's, processes have together": (
        "io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents inotify_init "
        "inotify_init1 inotify_add_watch mq_open sync syncfs "
        # The kernel may share processors out by session.
        "setsid"
    ),
    "the machine": (
        "personality open_by_handle_at name_to_handle_at quotactl quotactl_fd acct syslog "
        "kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff reboot "
        "settimeofday clock_settime clock_adjtime adjtimex iopl ioperm nfsservctl lookup_dcookie "
        "sethostname setdomainname vhangup lsm_set_self_attr"
    ),
}  # fmt: skip
"""System calls that end with "not permitted", by what they would give."""


class SeccompError(Exception):
    """The filter could not be made or loaded; the message says which step failed."""


class _Comparison(ctypes.Structure):
    """What a rule asks of one argument, as in ``struct scmp_arg_cmp``."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


_Rule = tuple[str, int, tuple[_Comparison, ...]]


@functools.cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_LIBRARY, use_errno=True)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def available() -> bool:
    """Whether libseccomp is installed."""
    return _library() is not None


def number(name: str) -> int:
    """The number of a system call on this machine; negative if it has none."""
    return int(_loaded().seccomp_syscall_resolve_name(name.encode()))


def refuse() -> None:
    """Refuse the calls in `REFUSED`, and some uses of others, to this process and its children.

    Raises
    ------
    SeccompError
        If the kernel or the library does not do it.
    """
    code = _loaded().seccomp_load(ctypes.c_void_p(made()))
    if code:
        raise SeccompError(f"seccomp_load: {os.strerror(-code)}")


@functools.cache
def made() -> int:
    """The filter: made once in the pool, for all its children; not yet in force."""
    library = _loaded()
    context = library.seccomp_init(ctypes.c_uint32(_ALLOW))
    if not context:
        raise SeccompError("seccomp_init")
    for name, error, comparisons in _rules():
        call = number(name)
        if call < 0:
            continue  # this architecture, or this version of the library, has no such call
        code = library.seccomp_rule_add_array(
            ctypes.c_void_p(context), ctypes.c_uint32(_ERRNO | error), call,
            len(comparisons), (_Comparison * len(comparisons))(*comparisons),
        )  # fmt: skip
        if code:
            raise SeccompError(f"seccomp_rule_add: {name}: {os.strerror(-code)}")
    return int(context)


def _loaded() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise SeccompError(f"{_LIBRARY} is not installed")
    return library


def _rules() -> Iterator[_Rule]:
    for names in REFUSED.values():
        for name in names.split():
            yield name, errno.EPERM, ()
    # Its flags lie in memory, where no filter can look; without it the C library uses `clone`.
    yield "clone3", errno.ENOSYS, ()
    for flag in _MAKES_NAMESPACES:
        yield "clone", errno.EPERM, (_Comparison(0, _MASKED_EQUAL, flag, flag),)
    for request in _INPUT_TO_TERMINAL:
        yield "ioctl", errno.EPERM, (_Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, request),)
    for command in _UNFAIR:
        yield "fcntl", errno.EPERM, (_Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, command),)
    for family in range(_FAMILIES_END):
        if family not in _FAMILIES:
            yield "socket", errno.EAFNOSUPPORT, (_Comparison(0, _EQUAL, family, 0),)
    yield "socket", errno.EAFNOSUPPORT, (_Comparison(0, _GREATER, _FAMILIES_END - 1, 0),)
    # Shared memory without a file: no longer seen in any process once it is let go of there.
    yield "mmap", errno.EPERM, (_Comparison(3, _MASKED_EQUAL, _SHARED_UNNAMED, _SHARED_UNNAMED),)
    netlink = _Comparison(0, _EQUAL, socket.AF_NETLINK, 0)
    yield "socket", errno.EPERM, (netlink, _Comparison(2, _NOT_EQUAL, 0, 0))
