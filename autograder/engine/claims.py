"""What a worker claims of checks, calls and cells: taken field by field, each of its type and size.

A submission may have the worker say anything. What is only shown is cut short; what is anything
else than it has to be is refused.
"""

from __future__ import annotations

import base64
from dataclasses import fields
from typing import Any

from autograder.engine.protocol import BrokenChannel
from autograder.evidence.calls import MOST
from autograder.evidence.observations import Outcome, to_data
from autograder.evidence.reprs import LIMIT
from autograder.evidence.runs import CellOutput, CellRun

MAX_SHOWN = 4 * 2**20
"""Characters of text and of pictures, in base64, that the cells of a submission show in all."""
MAX_PNG = 2 * 2**20
MAX_PIXELS = 2**25
"""Of a picture, however little it takes packed: whoever opens a report unpacks it."""
MAX_TEXT = 20_000
MAX_OUTPUTS = 50
MAX_WORDS = 2_000
MAX_CALLED, MAX_CALL = 10**9, 2 * LIMIT + 80
MAX_NAMES = 100
MAX_SECONDS = 10**6
MAX_LINES = 10**6
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

_OUTCOME_FIELDS = {item.name for item in fields(Outcome)}
_OUTCOME_TYPES = {"check": str, "kind": str, "error": str, "message": str, "where": str,
                  "line": str, "seconds": float, "calls": list, "called": int,
                  "uses": list}  # fmt: skip


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
               "seconds": _seconds(table["seconds"]), **_calls(table["calls"], table["called"]),
               "uses": _names(table["uses"])}
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


def _names(names: list[Any]) -> tuple[str, ...]:
    if len(names) > MAX_NAMES:
        raise ValueError("names")
    return tuple(map(_words, names))


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """The fields of an outcome, ready for a frame."""
    table = {item.name: getattr(outcome, item.name) for item in fields(Outcome)}
    return {**table, "calls": list(outcome.calls), "uses": list(outcome.uses)}


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
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bearable = data.startswith(_PNG_MAGIC) and width * height <= MAX_PIXELS
    return base64.b64encode(data).decode("ascii") if bearable else ""
