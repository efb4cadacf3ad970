"""Results as one HTML page that asks nothing of the network and runs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.evidence.runs import CellRun
from autograder.judging.results import SubmissionResult
from autograder.language import Language
from autograder.report import clean
from autograder.report._templates import render
from autograder.report._write import write_text
from autograder.report.texts import text


@dataclass(frozen=True, slots=True)
class Shown:
    """One output of a cell, clean: text, or a picture as base64."""

    text: str
    png: str = ""
    is_error: bool = False


def write_html(
    results: Sequence[SubmissionResult], path: Path, *, language: Language | None = None
) -> None:
    """Write `results` to `path`, or raise `ReportError`.

    Parameters
    ----------
    language
        Language of the page around the submissions; by default that of the first.
    """
    write_text(path, page(results, language=language))


def page(
    results: Sequence[SubmissionResult],
    *,
    language: Language | None = None,
    heading: str = "",
    notice: str = "",
) -> str:
    """The page; each submission in its own language.

    Parameters
    ----------
    heading, notice
        What stands at its top, and a sentence below; by default its usual heading alone.
    """
    return render(
        "report.html.j2",
        results=results,
        language=language or (results[0].language if results else "en"),
        heading=heading,
        notice=notice,
        shown=shown,
        clean=clean,
    )


def shown(cell: CellRun, language: Language) -> list[Shown]:
    """What `cell` showed, and the error that stopped it."""
    more = text("page.cut", language)
    outputs = []
    for output in cell.outputs:
        png = _base64(output.png)
        # Beside a picture the text only names its type.
        words = "" if png else clean.block(output.text, more=more)
        outputs.append(Shown(words, png, output.kind == "error"))
    if cell.error and not any(output.is_error for output in outputs):
        message = f"{cell.error}: {cell.message}" if cell.message else cell.error
        outputs.append(Shown(clean.block(message, more=more), is_error=True))
    return [output for output in outputs if output.text or output.png]


def _base64(png: str) -> str:
    """`png` if it is nothing but base64, for it goes into an address."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    return png if not png.strip(alphabet) else ""
