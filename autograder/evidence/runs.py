"""Cells as they ran, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Isolation: TypeAlias = Literal["sandbox", "process", "kernel"]


@dataclass(frozen=True, slots=True)
class CellOutput:
    """One output of a cell: a stream, a displayed value or an error.

    ``text`` is plain text from the submission, never to be trusted as markup; ``png`` holds
    base64 of an image, already checked to be a PNG.
    """

    kind: Literal["stream", "display", "result", "error"]
    text: str = ""
    png: str = ""


@dataclass(frozen=True, slots=True)
class CellRun:
    """One code cell as it ran: its id, source, outputs and what stopped it, if anything did.

    Attributes
    ----------
    number, line
        Of the line that stopped it, where that is known: counted from 1, and its text.
    """

    id: str
    source: str
    outputs: tuple[CellOutput, ...] = ()
    error: str = ""
    message: str = ""
    seconds: float = 0.0
    number: int = 0
    line: str = ""
