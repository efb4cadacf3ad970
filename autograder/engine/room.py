"""The outer wall, on Linux: the room in which a pool lives, with the libraries and no answers.

Bubblewrap builds it: a file system that holds what the interpreter and its libraries need, to be
read and not written. The walls between a pool and its children are in `walls`.

Reference: bwrap(1).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.engine import users
from autograder.engine.fresh import matplotlib_cache
from autograder.engine.view import CONTENT, View, exercises, is_link_into, probed_with, shows
from autograder.exercise import catalog

_NEEDED = (catalog.PACKAGE, sys.prefix, sys.base_prefix)
_IN_TMP = any(Path(path).is_relative_to("/tmp") for path in _NEEDED)
# Each child mounts a folder of its own there, which must not hide what it runs.
PRIVATE = Path("/private" if _IN_TMP else "/tmp")
FONTS = PRIVATE / "matplotlib"
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


def furnished(command: list[str], environment: dict[str, str], view: View) -> list[str]:
    """The command line that runs `command` where only the libraries can be read.

    Parameters
    ----------
    environment
        The whole environment that the command gets; nothing of ours is inherited.
    view
        What shows in there.
    """
    line = [*users.entering(users.source()), shutil.which("bwrap") or "bwrap", *_unshared()]
    line += ["--die-with-parent", "--new-session", "--clearenv"]
    line += ["--hostname", "touchstone", "--dev", "/dev", "--proc", "/proc"]
    line += ["--tmpfs", str(PRIVATE), "--tmpfs", "/run", "--tmpfs", "/var"]
    line += _laid_out(view)
    for path in _fonts():
        line += ["--ro-bind", str(path), str(FONTS / path.name)]
    # Their folder stays closed to children: the rest of /sys is no submission's business.
    for path in _LARGE_PAGES:
        line += ["--ro-bind-try", str(path), str(path)]
    # What is mapped from it is memory that no process need hold on to.
    line += ["--dev-bind", os.devnull, "/dev/zero"]
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
    if users.source() != "own":
        # The kernel limits the processes of everybody but root, so root's children have to become
        # somebody else, and only a pool that keeps root's rights can make them so.
        kinds = ("pid", "ipc", "net", "uts")
        return [*(f"--unshare-{kind}" for kind in kinds), "--cap-add", "ALL"]
    # As root of its own namespace, which gives it no more; bubblewrap would otherwise put it into a
    # second one, from which it may not change namespaces for processes. Saying of a child that it
    # is that root, outside, takes a right of its own.
    rights = ("--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP")
    return ["--unshare-all", "--uid", "0", "--gid", "0", *rights]


def _laid_out(view: View) -> list[str]:
    """What makes the room look as `view` says, from the outermost path to the innermost."""
    line: list[str] = []
    empty: list[str] = []
    made: set[Path] = set()
    for path in sorted(view, key=lambda path: (len(path.parts), path)):
        around = shows(view, path.parent)
        if view[path] == around or not (around or os.path.lexists(path)):
            continue
        if around and not path.is_dir():
            # A file that cannot be opened; of one that is not there, nothing is to be hidden.
            line += ["--ro-bind", os.devnull, str(path)] if path.exists() else []
        elif around:
            line += ["--perms", "0755", "--tmpfs", str(path)]
            empty.append(str(path))
        elif is_link_into(path, view):
            # Bound by itself it would show what is hidden where it leads.
            line += [*_folders(path, view, made), "--symlink", os.readlink(path), str(path)]
        else:
            line += [*_folders(path, view, made), "--ro-bind", str(path), str(path)]
    for folder in empty:
        line += ["--remount-ro", folder]
    return line


def _folders(path: Path, view: View, made: set[Path]) -> list[str]:
    """Folders on the way to `path`: left to itself, bubblewrap makes them for their owner alone."""
    line = []
    for folder in reversed(path.parents[:-1]):
        if folder not in made and not shows(view, folder):
            made.add(folder)
            line += ["--perms", "0755", "--dir", str(folder)]
    return line


def _fonts() -> Iterator[Path]:
    """Matplotlib's list of fonts, which it would otherwise make anew in each pool."""
    return matplotlib_cache().glob("fontlist-*.json")


def answers() -> Iterator[Path]:
    """Files and folders with answers in them, of the course itself, and what else may have some."""
    for folder in exercises():
        shown = set(probed_with(folder))
        yield from (path for path in sorted(folder.iterdir()) if path not in shown)
    if CONTENT.is_dir():
        yield CONTENT
