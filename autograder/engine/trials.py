"""Attempts to break the walls, run where a submission runs, to see whether they stand.

Each trial is one cell of a made-up submission. It says ``through`` if it got where it must not;
those of time and memory must not come to their end at all.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from autograder.engine.answers import marks
from autograder.engine.cells import Cell, Notebook
from autograder.engine.copies import NOTHING, Marks
from autograder.engine.process import Launch, observe
from autograder.engine.view import exercises
from autograder.evidence.runs import CellRun
from autograder.exercise.catalog import Exercise

MEMORY = 2**28
SECONDS = 2.0

_BEGIN = """\
import contextlib, ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def tried(*attempts):
    for attempt in attempts:
        with contextlib.suppress(Exception):
            if attempt():
                return "through"
    return "held"
def reads(path):
    with open(path, "rb") as file:
        return len(file.read(9)) > 0
def writes(path):
    with open(path, "a") as file:
        return file.write("x") > 0
def connects(family, kind, address):
    with socket.socket(family, kind) as one:
        one.settimeout(1)
        one.connect(address)
        return one.send(b"x") == 1
"""
_TRIALS = {
    "answers": "tried(lambda: reads({reference!r}), lambda: reads({solution!r}))",
    "files": "tried(lambda: writes({canary!r}), lambda: reads({canary!r}),\n"
    "      lambda: writes('/etc/canary'), lambda: writes({package!r} + '/canary'))",
    "network": "tried(\n"
    "      lambda: connects(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {port})),\n"
    "      lambda: connects(socket.AF_INET, socket.SOCK_DGRAM, ('192.0.2.1', 9)),\n"
    "      lambda: connects(socket.AF_UNIX, socket.SOCK_STREAM, '\\0' + {mark!r}))",
    "processes": "tried(lambda: os.kill({grader}, 0) is None,\n"
    "      lambda: reads('/proc/{grader}/stat'),\n"
    "      lambda: any(name.isdigit() for name in os.listdir('/proc')))",
    "privileges": "tried(lambda: os.setuid(0) is None, lambda: libc.unshare(0x10000000) == 0,\n"
    "      lambda: libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0,\n"
    "      lambda: libc.prctl(39, 0, 0, 0, 0) != 1)",
    "system calls": "tried(lambda: os.memfd_create('x') > 0,\n"
    "      lambda: libc.ptrace(0, 0, 0, 0) == 0, lambda: libc.shmget(0, 4096, 0o1600) >= 0)",
    "left behind": "import subprocess\n"
    "subprocess.Popen(['sleep', {seconds!r}], process_group=0).pid and 'started'",
    "memory": "kept = [b'x' * 2**25 for _ in range({pieces})]\n'through'",
    "time": "while True:\n    try:\n        while True:\n            pass\n"
    "    except BaseException:\n        pass",
}
_LIMITS = ("memory", "time")
SEARCH_SECONDS = 120.0
_SEARCH = """\
from autograder.engine.copies import Marks, search
print("looked", *search(["/"], Marks.unpacked({marks!r})), sep="\\n")
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """How one attempt went.

    Attributes
    ----------
    name
        What it tried to reach: ``answers``, ``files``, ``network`` …
    stands
        Whether the wall held.
    said
        What came out, for somebody who wants to know why.
    """

    name: str
    stands: bool
    said: str


def trials(exercise: Exercise, launch: Launch, *, only: tuple[str, ...] = ()) -> list[Trial]:
    """Try to break every wall (or `only` those named) around a submission to `exercise`."""
    names = only or tuple(_TRIALS)
    quick = replace(
        exercise, memory=MEMORY, cell_seconds=SECONDS, check_seconds=SECONDS,
        submission_seconds=30 * SECONDS,
    )  # fmt: skip
    # How long it sleeps tells our process from everybody else's.
    seconds = f"1{os.getpid()}.{os.urandom(3).hex().translate(str.maketrans('abcdef', '123456'))}"
    mark = f"touchstone-{seconds}"
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as abstract:
        canary = Path(folder) / "canary"
        canary.write_text("canary")
        if os.name == "posix":
            abstract.bind("\0" + mark)
            abstract.listen()
        with socket.create_server(("127.0.0.1", 0)) as server:
            facts = {
                "reference": str(exercise.folder / "reference.py"),
                "solution": str(exercise.notebook("en", solved=True)),
                "package": str(exercise.folder), "canary": str(canary), "mark": mark,
                "port": server.getsockname()[1], "grader": os.getpid(), "seconds": seconds,
                "pieces": 8 * MEMORY // 2**25,
            }  # fmt: skip
            cells = (Cell("begin", _BEGIN), *(Cell(n, _TRIALS[n].format(**facts)) for n in names))
            notebook = Notebook(Path("trials"), exercise.slug, "en", cells)
            ran = observe(notebook, quick, course=exercise.folder.parent, launch=launch).cells
    return [_searched(trial, exercise, launch) for trial in _judged(ran, names, seconds)]


def _searched(trial: Trial, exercise: Exercise, launch: Launch) -> Trial:
    """The trial for answers also looks for copies of them in every other place."""
    if trial.name != "answers" or not trial.stands:
        return trial
    found = answers_in_reach(exercise, launch)
    said = "the search did not end" if found is None else ", ".join(found)
    return Trial(trial.name, found == (), said or trial.said)


def answers_in_reach(
    exercise: Exercise, launch: Launch, besides: Marks = NOTHING
) -> tuple[str, ...] | None:
    """Where a submission to `exercise` can read answers, whatever their names and places.

    It looks through everything that it can reach, as `copies` tells; about a second where an
    environment is as large as they usually are. ``None`` if it did not come to an end, which is
    not to say that there are none.

    Parameters
    ----------
    besides
        What else it must not find, such as what belongs to a class.
    """
    patient = replace(exercise, cell_seconds=SEARCH_SECONDS, submission_seconds=SEARCH_SECONDS)
    known = (marks(exercises()) | besides).packed()
    notebook = Notebook(
        Path("trials"), exercise.slug, "en", (Cell("search", _SEARCH.format(marks=known)),)
    )
    ran = observe(notebook, patient, course=exercise.folder.parent, launch=launch).cells
    said = "".join(output.text for cell in ran for output in cell.outputs).splitlines()
    return tuple(said[1:]) if said[:1] == ["looked"] and not ran[0].error else None


def _judged(ran: tuple[CellRun, ...], names: tuple[str, ...], seconds: str) -> Iterator[Trial]:
    cells = {cell.id: cell for cell in ran}
    for name in names:
        cell = cells.get(name)
        said = "" if cell is None else " ".join([o.text for o in cell.outputs] + [cell.error])
        if name in _LIMITS:
            stands = cell is not None and (cell.error == "Timeout") == (name == "time")
        elif name == "left behind":
            stands = "started" in said and not _runs(seconds)
        else:
            stands = "held" in said
        yield Trial(name, stands and "through" not in said, said.strip() or "nothing")


def _runs(seconds: str) -> bool:
    """Whether the process that sleeps is still there two seconds later; it is ended then."""
    left: list[psutil.Process] = []
    for _ in range(20):
        left = [
            process
            for process in psutil.process_iter(["cmdline"])
            if seconds in (process.info["cmdline"] or ())
        ]
        if not left:
            return False
        time.sleep(0.1)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return True
