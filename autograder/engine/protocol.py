"""What passes between the grader and a worker: a request in, a strict sequence of frames out.

A frame is four bytes of length and a msgpack map. The worker announces each step (a cell or a
check) before it runs it, so that the grader knows what hung or died, and reports it after. It
cannot send anything that is not plain data, and whatever is out of turn is ``tampered``.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO

from autograder.evidence.calls import MOST
from autograder.evidence.observations import MAX_LEAVES, Outcome, to_data
from autograder.evidence.packing import pack, unpack
from autograder.evidence.reprs import LIMIT
from autograder.evidence.runs import CellOutput, CellRun

MAX_FRAME = 6 * 2**20
MAX_SHOWN = 4 * 2**20
"""Characters of text and of pictures, in base64, that the cells of a submission show in all."""
MAX_PNG = 2 * 2**20
MAX_TEXT = 20_000
MAX_OUTPUTS = 50
MAX_WORDS = 2_000
MAX_CALLED, MAX_CALL = 10**9, 2 * LIMIT + 80
MAX_SECONDS = 10**6
MAX_LINES = 10**6
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_LENGTH = struct.Struct("<I")


class BrokenChannel(Exception):
    """What came is not a frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked to do.

    Attributes
    ----------
    mode
        ``notebook`` runs cells, then checks and calls, for a submission; ``reference`` runs the
        checks for the reference; ``key`` for the misconceptions too; ``variants`` for mistakes that
        are made of the reference; ``yours`` for the reference, built on what a learner's functions
        answered.
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


def read_body(channel: BinaryIO) -> bytes:
    """The body of the next frame, from a stream without a buffer too; ``b""`` at the end.

    Raises
    ------
    BrokenChannel
        If it is cut short or too long.
    """
    head = _exactly(channel, _LENGTH.size)
    if not head:
        return b""
    length = _length(head)
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


def _length(head: bytes | bytearray) -> int:
    (length,) = _LENGTH.unpack_from(head)
    if length > MAX_FRAME:
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


def write_frame(channel: BinaryIO, table: dict[str, Any]) -> None:
    """Send one frame."""
    channel.write(frame_of(pack(table)))
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


_OUTCOME_FIELDS = {item.name for item in fields(Outcome)}
_OUTCOME_TYPES = {"check": str, "kind": str, "error": str, "message": str, "where": str,
                  "line": str, "seconds": float, "calls": list, "called": int}  # fmt: skip


def outcome_from(table: object) -> Outcome:
    """Rebuild an outcome from a frame, refusing any field that is not of its type."""
    try:
        typed = _OUTCOME_TYPES.items()
        if type(table) is not dict or set(table) != _OUTCOME_FIELDS:
            raise ValueError("no map with its fields")
        if any(type(table[name]) is not kind for name, kind in typed):
            raise ValueError("fields")
        if table["kind"] not in OUTCOME_KINDS:
            raise ValueError("kind")
        words = {name: table[name][:MAX_WORDS] for name, kind in typed if kind is str}
        return Outcome(
            **{**table, **words, "value": to_data(table["value"]),
               "seconds": _seconds(table["seconds"]), **_calls(table["calls"], table["called"])}
        )  # fmt: skip
    except ValueError as error:
        raise BrokenChannel(f"not an outcome: {error}") from None


OUTCOME_KINDS = frozenset(
    ["value", "raised", "todo", "unfit", "forbidden", "timeout", "memory", "internal"]
)
"""What a worker may say of itself; that it crashed or lied, only the grader can say."""


def _calls(calls: list[Any], called: int) -> dict[str, Any]:
    """The calls that a worker tells of; they are only shown, but they have to be text."""
    if len(calls) > MOST or not len(calls) <= called <= MAX_CALLED:
        raise ValueError("calls")
    return {"calls": tuple(_words(call)[:MAX_CALL] for call in calls), "called": called}


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """The fields of an outcome, ready for a frame."""
    table = {item.name: getattr(outcome, item.name) for item in fields(Outcome)}
    return {**table, "calls": list(outcome.calls)}


def call_step(number: int) -> str:
    """The name under which a worker reports a call, in the place of a check's."""
    return f"call {number}"


def cell_from(table: dict[str, Any], source: str) -> CellRun:
    """Rebuild how a cell ran from a frame."""
    try:
        if type(table["outputs"]) is not list:
            raise ValueError("outputs")
        outputs = tuple(_output_from(item) for item in table["outputs"][:MAX_OUTPUTS])
        words = ("id", "error", "message", "line")
        id, error, message, line = (_words(table[name]) for name in words)
        number = table["number"]
        if type(number) is not int or not 0 <= number <= MAX_LINES:
            raise ValueError("number")
        seconds = _seconds(table["seconds"])
        return CellRun(id, source, outputs, error, message, seconds, number, line)
    except (KeyError, ValueError) as error:
        raise BrokenChannel(f"not a cell: {error}") from None


def _output_from(table: object) -> CellOutput:
    if type(table) is not dict or type(table["kind"]) is not str or type(table["text"]) is not str:
        raise ValueError("output")
    if table["kind"] not in ("stream", "display", "result"):
        raise ValueError("kind")
    return CellOutput(table["kind"], table["text"][:MAX_TEXT], checked_png(table["png"]))  # type: ignore[arg-type]


def _words(claimed: object) -> str:
    if type(claimed) is not str:
        raise ValueError("words")
    return claimed[:MAX_WORDS]


def _seconds(claimed: object) -> float:
    """A time that a worker claims; it is only shown, but it has to be one."""
    if type(claimed) is not float or not 0 <= claimed < MAX_SECONDS:
        raise ValueError("seconds")
    return claimed


def checked_png(text: object) -> str:
    """Base64 of a PNG, if `text` is that and of bearable size; else ``""``."""
    if not isinstance(text, str) or len(text) > MAX_PNG:
        return ""
    try:
        data = base64.b64decode(text)
    except ValueError:
        return ""
    return base64.b64encode(data).decode("ascii") if data.startswith(_PNG_MAGIC) else ""
