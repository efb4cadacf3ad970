"""The hostile corpus: submissions that set out to cheat, to harm, or to be noticed.

Each case is the code that a learner would hand in, the verdicts that it may get, and its canary:

- a `reaching` case tries something that the walls must not let it do, and says ``BREACH`` if it
  succeeded; where that is safe, the same code is also run without walls, where it must succeed,
  so that a case which tests nothing is noticed;
- a `taking` case takes time, memory, disk, processes or the process itself; its canaries are its
  verdict, the time it took, and an honest neighbour who is graded at the same time;
- a `forging` case lies about what it computed; its canary is its points.

After every case the pool must have the processes that it had before, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from autograder.exercise.catalog import Exercise, exercise

TRY = """
def _tried():
    try:
        return "BREACH" if harm() else "held"
    except Exception as error:
        return f"held: {type(error).__name__}"
print(_tried())
"""


@dataclass(frozen=True)
class Case:
    """One hostile submission.

    Attributes
    ----------
    cells
        Its code, after the setup cell. They may use ``FACTS``, which the test fills in.
    verdicts
        What the checks of ``recall`` may come to.
    succeeds
        Where the same code must report a breach if there are no walls: always (``yes``), for
        ``root``, or if the machine's ``kernel`` has and allows it; ``""`` where it is not tried,
        because it would do harm or cannot be had here.
    """

    name: str
    cells: tuple[str, ...]
    verdicts: frozenset[str]
    succeeds: Literal["", "yes", "root", "kernel"] = ""

    @property
    def exercise(self) -> Exercise:
        """`metrics` with short limits where they are what is tried."""
        slow = "timeout" in self.verdicts
        in_cell = self.verdicts == {"pass"} and not self.reaches
        return replace(
            exercise("metrics"), cell_seconds=1.0 if slow or in_cell else 10.0,
            check_seconds=0.3 if slow else 5.0, submission_seconds=1.0 if slow else 20.0,
            memory=2**27 if "memory" in self.verdicts else 2**30,
        )  # fmt: skip

    @property
    def reaches(self) -> bool:
        """Whether it says what it reached."""
        return TRY in "".join(self.cells)

    def __str__(self) -> str:
        return self.name


RIGHT = """
def _right(labels, predictions):
    found = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 1)
    positives = sum(1 for y in labels if y == 1)
    return found / positives if positives else 0.0
"""


def reaching(name: str, body: str, *, open: Literal["", "yes", "root", "kernel"] = "") -> Case:
    """A case whose ``harm()`` is true if it succeeded, in a cell and within the function too.

    Its answer is right as long as nothing was reached, so it must pass.
    """
    attack = f"def harm():\n{indented(body)}\n{TRY}"
    answer = "def recall(labels, predictions):\n"
    answer += "    return -1.0 if _tried() == 'BREACH' else _right(labels, predictions)"
    return Case(name, (HELP, attack, RIGHT + answer), frozenset({"pass"}), open)


def taking(name: str, body: str, *verdicts: str) -> Case:
    """A case with `body` in its function."""
    return Case(name, (f"def recall(labels, predictions):\n{indented(body)}",), frozenset(verdicts))


def in_a_cell(name: str, source: str, *verdicts: str) -> Case:
    """A case with `source` at the top of a cell, before an answer that is right."""
    answer = RIGHT + "\nrecall = _right"
    return Case(name, (source, answer), frozenset(verdicts or {"pass"}))


def forging(name: str, source: str, *verdicts: str) -> Case:
    """A case with `source` in a cell and no right answer anywhere."""
    wrong = "" if "def recall" in source or "recall =" in source else WRONG
    allowed = frozenset(verdicts or {"fail", "error", "tampered", "crashed", "todo"})
    return Case(name, (wrong, source), allowed)


def indented(body: str) -> str:
    """`body` moved to the right by one level."""
    return "\n".join("    " + line for line in body.strip("\n").splitlines())


WRONG = "def recall(labels, predictions):\n    return -1.0\n"
HELP = '''
import contextlib, ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def reads(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return len(file.read(100)) > 0
def lists(path):
    with contextlib.suppress(OSError):
        return len(os.listdir(path)) > 0
def writes(path):
    with contextlib.suppress(OSError), open(path, "a"):
        return True
def connects(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as one:
        one.settimeout(0.3)
        with contextlib.suppress(OSError):
            one.connect(address)
            return True
def call(name, *arguments):
    """Whether a system call succeeds, by its name."""
    return FACTS["calls"][name] >= 0 and libc.syscall(FACTS["calls"][name], *arguments) >= 0
def in_a_child(function):
    """Whether `function` is true in a forked process."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(0 if function() else 1)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
'''
