"""What passes between the grader and a worker: a request in, a strict sequence of frames out.

A frame is four bytes of length and a msgpack map. The worker announces each step (a cell or a
check) before it runs it, so that the grader knows what hung or died, and reports it after. It
cannot send anything that is not plain data, and whatever is out of turn is ``tampered``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO

from autograder.evidence.observations import MAX_LEAVES
from autograder.evidence.packing import pack, unpack

MAX_FRAME = 6 * 2**20
MAX_REQUEST = 2**28
_LENGTH = struct.Struct("<I")


class BrokenChannel(Exception):
    """What came is not a frame of this protocol."""


BUILT = "built:"
"""Begins the mode that names a misconception to build the reference on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked to do.

    Attributes
    ----------
    mode
        ``notebook`` runs cells, then checks and calls, for a submission; ``reference`` runs the
        checks for the reference; ``key`` for the misconceptions too; ``variants`` for mistakes that
        are made of the reference; ``built:name`` runs those that are costly for the reference built
        on that misconception; ``yours`` runs them for the reference built on what a learner's
        functions answered.
    checks
        Names of the checks to run, for all but ``notebook``; none means all.
    calls
        Calls of the learner's functions, as pairs of a name and values.
    answers
        What such calls came to, for ``yours``: triples of a name, values and an outcome.
    salt
        What `exercise.suite.salted` makes of a teacher's secret, for this exercise alone.
    skip
        Steps not to run, because an earlier worker did not survive them: ``"cell:3"``,
        ``"check:name"``.
    places
        For a task, the cell after which its checks are run; those of other tasks come last.
    handed_out
        For a locked cell that was changed, what it was.
    files
        Names and contents of the files that lie beside the notebook.
    cell_seconds, check_seconds
        Processor time after which a worker interrupts a step by itself; by the clock, `PATIENCE`
        times as many seconds.
    total_seconds, memory
        Processor time and bytes of memory after which a child of a pool is ended.
    pictures
        Whether to draw the figures that cells show: it takes longer than all the rest.
    """

    mode: str
    slug: str
    course: str
    salt: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    skip: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    calls: tuple[tuple[str, Any], ...] = ()
    answers: tuple[tuple[str, Any, dict[str, Any]], ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    handed_out: Mapping[int, str] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()
    cell_seconds: float = 30.0
    check_seconds: float = 60.0
    total_seconds: float = 600.0
    memory: int = 2 * 2**30
    pictures: bool = False

    def packed(self) -> bytes:
        """Serialise for a worker's standard input."""
        table = {item.name: getattr(self, item.name) for item in fields(self)}
        table["cells"] = [list(cell) for cell in self.cells]
        table["skip"] = list(self.skip)
        table["checks"] = list(self.checks)
        table["calls"] = [list(call) for call in self.calls]
        table["answers"] = [list(answer) for answer in self.answers]
        table["places"], table["handed_out"] = dict(self.places), dict(self.handed_out)
        table["files"] = [list(file) for file in self.files]
        return pack(table)

    @property
    def limits(self) -> Limits:
        """What a child of a pool may take for it."""
        return Limits(self.total_seconds, self.memory)

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """Read what `packed` wrote."""
        table = unpack(body)
        table["cells"] = tuple(tuple(cell) for cell in table["cells"])
        table["skip"] = tuple(table["skip"])
        table["checks"] = tuple(table["checks"])
        table["calls"] = tuple(tuple(call) for call in table["calls"])
        table["answers"] = tuple(tuple(answer) for answer in table["answers"])
        table["files"] = tuple(tuple(file) for file in table["files"])
        return cls(**table)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child of a pool may take: processor time in seconds, and memory in bytes."""

    seconds: float
    memory: int

    def packed(self) -> bytes:
        """Serialise for the warm process."""
        return pack({"seconds": self.seconds, "memory": self.memory})

    @classmethod
    def parse(cls, body: bytes) -> Limits:
        """Read what `packed` wrote."""
        return cls(**unpack(body))


def frame_of(body: bytes) -> bytes:
    """A frame with `body`: its length before it."""
    return _LENGTH.pack(len(body)) + body


def read_body(channel: BinaryIO, most: int = MAX_FRAME) -> bytes:
    """The body of the next frame, from a stream without a buffer too; ``b""`` at the end.

    Parameters
    ----------
    most
        Bytes that it may have; what comes from us, and not from a submission, may have more.

    Raises
    ------
    BrokenChannel
        If it is cut short or too long.
    """
    head = _exactly(channel, _LENGTH.size)
    if not head:
        return b""
    length = _length(head, most)
    body = _exactly(channel, length)
    if len(body) < length:
        raise BrokenChannel("a frame is cut short")
    return body


def first_body(received: bytearray) -> bytes | None:
    """Take the body of the first frame out of what was received; ``None`` until it is all there.

    Raises
    ------
    BrokenChannel
        If it is going to be too long.
    """
    if len(received) < _LENGTH.size:
        return None
    end = _LENGTH.size + _length(received)
    if len(received) < end:
        return None
    body = bytes(received[_LENGTH.size : end])
    del received[:end]
    return body


def _length(head: bytes | bytearray, most: int = MAX_FRAME) -> int:
    (length,) = _LENGTH.unpack_from(head)
    if length > most:
        raise BrokenChannel("a frame is too long")
    return int(length)


def _exactly(channel: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := channel.read(size)):
        parts.append(part)
        size -= len(part)
    if parts and size:
        raise BrokenChannel("a frame is cut short")
    return b"".join(parts)


def write_frame(channel: BinaryIO, table: dict[str, Any], *, at_once: bool = True) -> None:
    """Send one frame; if not `at_once`, with the next that is."""
    channel.write(frame_of(pack(table)))
    if at_once:
        channel.flush()


def read_frame(channel: BinaryIO) -> dict[str, Any] | None:
    """Receive one frame; ``None`` at the end of the stream.

    Raises
    ------
    BrokenChannel
        If what came is cut short, too long, or not a map of plain data.
    """
    return frame_from(read_body(channel))


def frame_from(body: bytes) -> dict[str, Any] | None:
    """The map in the body of a frame; ``None`` if it is empty, as it is at the end of a stream.

    Raises
    ------
    BrokenChannel
        If it holds anything else.
    """
    if not body:
        return None
    try:
        table = unpack(body, most=MAX_LEAVES)
    except ValueError as error:
        raise BrokenChannel(str(error)) from None
    if not isinstance(table, dict):
        raise BrokenChannel("a frame is no map")
    return table


def call_step(number: int) -> str:
    """The name under which a worker reports a call, in the place of a check's."""
    return f"call {number}"
