"""The scout: before a pool serves anybody, a child of it looks for answers from where it stands.

It stands behind the walls that submissions will, and searches while the libraries load. Copies of
answers that it finds are hidden in the next room, which is searched anew; what belongs to a class
is for the class to refuse.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
from dataclasses import dataclass, field
from pathlib import Path

from autograder.engine.answers import marks
from autograder.engine.copies import NOTHING, Marks, search
from autograder.engine.frames import SocketFrames
from autograder.engine.protocol import (
    MAX_REQUEST,
    BrokenChannel,
    Limits,
    frame_of,
    read_body,
    write_frame,
)
from autograder.engine.view import View, exercises

SECONDS = 120.0
MEMORY = 2**30
MOST_ROUNDS = 4


@dataclass
class Looking:
    """What scouts have found so far of what shows in the rooms of this process.

    Attributes
    ----------
    hidden
        Copies of answers, which the next room does not show.
    done
        Whether a scout came to its end and found no more of them.
    """

    hidden: set[Path] = field(default_factory=set)
    done: bool = False

    def hides(self, found: tuple[str, ...] | None) -> bool:
        """Have the answers among what a scout `found` hidden; whether there were any."""
        answers = _answers_among(found or ())
        self.hidden |= answers
        self.done = found is not None and not answers
        return bool(answers)


_LOOKED: dict[tuple[tuple[Path, bool], ...], Looking] = {}


def looking(view: View) -> Looking:
    """What scouts have found of what shows in `view`."""
    return _LOOKED.setdefault(tuple(sorted(view.items())), Looking())


def _answers_among(found: tuple[str, ...]) -> set[Path]:
    """Of the places that a scout found, those that hold answers of the course."""
    return {Path(path) for path in search(found, marks(exercises()))}


class Scout:
    """A child that searches, seen from the grader.

    Parameters
    ----------
    control
        Of a warm process that was told to begin with a scout.
    besides
        What else it is to look for, such as what belongs to a class.
    """

    def __init__(self, control: socket.socket, besides: Marks = NOTHING) -> None:
        self._channel, theirs = socket.socketpair()
        self._leash, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(SECONDS)
        known = (marks(exercises()) | besides).packed().encode()
        # If it is dead, that it says nothing tells so.
        with theirs, end, contextlib.suppress(OSError):
            allowed = Limits(SECONDS, MEMORY).packed()
            socket.send_fds(control, [allowed], [theirs.fileno(), end.fileno()])
        with contextlib.suppress(OSError):
            self._channel.sendall(frame_of(known))

    def found(self) -> tuple[str, ...] | None:
        """Where it can read what it looks for; ``None`` if it did not come to its end."""
        frames = SocketFrames(self._channel)
        found: list[str] = []
        with self._channel, self._leash, contextlib.suppress(queue.Empty, BrokenChannel):
            while frame := frames.next(SECONDS):
                if frame.get("ended"):
                    return tuple(found)
                found.append(os.fsdecode(frame["found"]))
        return None


def serve(channel: int) -> None:
    """In the child: look for what is asked on `channel` everywhere, and say where it is."""
    with os.fdopen(os.dup(channel), "rb", buffering=0) as stream:
        known = Marks.unpacked(read_body(stream, MAX_REQUEST).decode())
    with os.fdopen(channel, "wb") as stream:
        for path in search(["/"], known):
            write_frame(stream, {"found": os.fsencode(path)})
        write_frame(stream, {"ended": True})
