"""The outer wall, on Linux: the room in which a pool lives, with the libraries and no answers.

Bubblewrap builds it: a file system that holds what the interpreter and its libraries need, to be
read and not written. The walls between a pool and its children are in `walls`.

Reference: bwrap(1).
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autograder.engine.answers import marks
from autograder.engine.copies import ANSWERS, search
from autograder.engine.fresh import matplotlib_cache
from autograder.exercise import catalog

_IN_TMP = any(str(path).startswith("/tmp/") for path in (catalog.PACKAGE, sys.prefix))
# Each child mounts a folder of its own there, which must not hide what it runs.
PRIVATE = Path("/private" if _IN_TMP else "/tmp")
FONTS = PRIVATE / "matplotlib"
_ANSWERS = (*ANSWERS, "__pycache__")
_CONTENT = catalog.PACKAGE / "_content"
_SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")))
# Of the machine's settings only these: others may hold passwords, as those of mail, pip or npm do.
_SETTINGS = (
    "alternatives", "fonts", "gai.conf", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "locale.alias", "localtime", "mime.types", "nsswitch.conf", "os-release",
    "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
# Where the C library sees whether it may use large pages, which are quicker to fork.
_PAGES = Path("/sys/kernel/mm/transparent_hugepage")
_LARGE_PAGES = (_PAGES / "enabled", _PAGES / "hpage_pmd_size")


def told(environment: Mapping[str, str]) -> dict[str, str]:
    """What the environment says in there instead of what the machine has elsewhere."""
    own = {"MPLCONFIGDIR": str(FONTS), "TMPDIR": str(PRIVATE)}
    own["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.defpath])
    if not environment.get("TOUCHSTONE_MODEL"):
        own |= {"HF_HOME": str(PRIVATE / "huggingface"), "TORCH_HOME": str(PRIVATE / "torch")}
    return own


def furnished(command: list[str], environment: dict[str, str]) -> list[str]:
    """The command line that runs `command` where only the libraries can be read.

    Parameters
    ----------
    environment
        The whole environment that the command gets; nothing of ours is inherited.
    """
    line = [shutil.which("bwrap") or "bwrap", *_unshared()]
    line += ["--die-with-parent", "--new-session", "--clearenv"]
    line += ["--hostname", "touchstone", "--dev", "/dev", "--proc", "/proc"]
    line += ["--tmpfs", str(PRIVATE), "--tmpfs", "/run", "--tmpfs", "/var"]
    readable = _readable(environment)
    # Left to itself, bubblewrap makes folders on the way for their owner alone.
    for folder in sorted({parent for path in readable for parent in path.parents}):
        line += ["--perms", "0755", "--dir", str(folder)] if folder != Path("/") else []
    for path in readable:
        line += ["--ro-bind", str(path), str(path)]
    line += _links(readable)
    line += _without_checkout(readable)
    for path in _fonts():
        line += ["--ro-bind", str(path), str(FONTS / path.name)]
    # Their folder stays closed to children: the rest of /sys is no submission's business.
    for path in _LARGE_PAGES:
        line += ["--ro-bind-try", str(path), str(path)]
    # What is mapped from it is memory that no process need hold on to.
    line += ["--dev-bind", os.devnull, "/dev/zero"]
    for folder in exercises():
        line += _without_answers(folder)
    if _CONTENT.is_dir():
        line += _empty(_CONTENT)
    for path in copies(tuple(readable)):
        line += _empty(path)
    # Nobody's name can be looked up in there, so it is told.
    for name, value in {"USER": "learner", "LOGNAME": "learner", **environment}.items():
        line += ["--setenv", name, value]
    # The pool needs to make namespaces for its children, and gives the right up in each of them.
    # What it could write, each of its children could, and leave there for the next.
    for top in ("/dev", "/run", "/var", "/"):
        line += ["--remount-ro", top]
    return [*line, "--chdir", str(PRIVATE), "--", *command]


def _unshared() -> list[str]:
    """What the pool does not share with the machine, and the rights that it needs in there."""
    if os.getuid() == 0:
        # The kernel limits the processes of everybody but root, so root's children have to become
        # somebody else, and only a pool that keeps root's rights can make them so.
        kinds = ("pid", "ipc", "net", "uts")
        return [*(f"--unshare-{kind}" for kind in kinds), "--cap-add", "ALL"]
    # As root of its own namespace, which gives it no more; bubblewrap would otherwise put it into a
    # second one, from which it may not change namespaces for processes. Saying of a child that it
    # is that root, outside, takes a right of its own.
    rights = ("--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP")
    return ["--unshare-all", "--uid", "0", "--gid", "0", *rights]


def _readable(environment: Mapping[str, str]) -> list[Path]:
    """What the interpreter and its libraries need, outermost first, nothing twice."""
    system = [path for path in _SYSTEM if not _is_link_into(path, _SYSTEM)]
    system += [Path("/etc") / name for name in _SETTINGS]
    entries = [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    found: list[Path] = []
    for path in [*system, *_own(), *entries, *_models(environment)]:
        wanted = path.exists() and path != catalog.PACKAGE.parent
        if wanted and not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def _own() -> list[Path]:
    """Python, the environment and the course."""
    return [Path(sys.base_prefix), Path(sys.prefix), catalog.PACKAGE, catalog.COURSE]


def _is_link_into(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path such as ``/lib`` is a link to one of `folders`, or into it."""
    return path.is_symlink() and any(path.resolve().is_relative_to(top) for top in folders)


def _links(readable: list[Path]) -> list[str]:
    """``/lib`` and the like stay links: bound by themselves, they would show what is hidden."""
    line = []
    for path in _SYSTEM:
        if path not in readable and _is_link_into(path, readable):
            line += ["--symlink", str(path.readlink()), str(path)]
    return line


def _without_checkout(readable: Iterable[Path]) -> list[str]:
    """Of a checkout within what can be read: the package and the environment only.

    Its history and its tests hold answers too, in forms that no search knows.
    """
    line = []
    for checkout in _checkouts(readable):
        line += ["--perms", "0755", "--tmpfs", str(checkout)]
        for path in _own():
            if path.is_relative_to(checkout):
                line += ["--ro-bind", str(path), str(path)]
        line += ["--remount-ro", str(checkout)]
    return line


def _checkouts(readable: Iterable[Path]) -> list[Path]:
    """Where our checkout shows, if it lies within what can be read, as pip's ``-e git+…`` does."""
    checkout = catalog.PACKAGE.parent
    if not (checkout / "pyproject.toml").is_file():
        return []
    tops = [(top, top.resolve()) for top in readable]
    shown = (top / checkout.relative_to(at) for top, at in tops if checkout.is_relative_to(at))
    return list(dict.fromkeys(shown))


@functools.cache
def copies(readable: tuple[Path, ...]) -> tuple[Path, ...]:
    """Answers among what can be read that are not in the course itself: copies of all kinds.

    They are looked for once in a process; what comes later, `trials` finds.
    """
    checkouts = _checkouts(readable)
    tops = [*readable, *(path for path in _own() for top in checkouts if path.is_relative_to(top))]
    apart = [str(path) for path in (*exercises(), _CONTENT, *checkouts)]
    return tuple(map(Path, search(map(str, tops), marks(exercises()), apart)))


def _empty(path: Path) -> list[str]:
    """An empty folder, or a file that cannot be opened, in place of what is at `path`."""
    if path.is_dir():
        return ["--perms", "0755", "--tmpfs", str(path), "--remount-ro", str(path)]
    return ["--ro-bind", os.devnull, str(path)]


def _models(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where a real model lies, if one is asked for; not what lies beside it, such as tokens."""
    asked = environment.get("TOUCHSTONE_MODEL", "")
    if asked and Path(asked).is_absolute():
        yield Path(asked)
    elif asked:
        yield Path(environment.get("HF_HOME", "/nowhere")) / "hub"
        yield Path(environment.get("TORCH_HOME", "/nowhere")) / "hub" / "checkpoints"


def _fonts() -> Iterator[Path]:
    """Matplotlib's list of fonts, which it would otherwise make anew in each pool."""
    return matplotlib_cache().glob("fontlist-*.json")


def answers() -> Iterator[Path]:
    """Files and folders with answers in them, under what is otherwise readable."""
    for folder in exercises():
        for name in _ANSWERS:
            if (folder / name).exists():
                yield folder / name
    if _CONTENT.is_dir():
        yield _CONTENT


def exercises() -> Iterator[Path]:
    """Folders of exercises: those of the course in use, and those that come with this package."""
    for course in dict.fromkeys((catalog.COURSE, catalog.PACKAGE / "course")):
        for path in sorted(course.glob("*/exercise.toml")):
            yield path.parent


def _without_answers(folder: Path) -> list[str]:
    """What shows of an exercise's folder: the files that are there now and hold no answer.

    Whatever comes later, such as a compiled reference, is not there either.
    """
    line = ["--perms", "0755", "--tmpfs", str(folder)]
    for path in sorted(folder.iterdir()):
        if path.name not in _ANSWERS:
            line += ["--ro-bind", str(path), str(path)]
    return [*line, "--remount-ro", str(folder)]
