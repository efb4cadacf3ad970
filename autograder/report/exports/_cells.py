"""Cells of spreadsheets: text that stays text, and numbers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from autograder.report import clean, texts

# OWASP, "CSV Injection": what a spreadsheet takes for the beginning of a formula, full-width
# forms included. Tabs and line breaks, which it names too, are blanks by then.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def words(raw: str, limit: int = 1000) -> str:
    """Text from a submission or a name, as a cell that no spreadsheet calculates."""
    shown = clean.line(raw, limit)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def number(value: float) -> str:
    """Points, with a full stop and to two places, as they are given."""
    return texts.number(value) if math.isfinite(value) else ""


def dumps(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Rows as CSV in the sense of RFC 4180."""
    page = io.StringIO()
    csv.writer(page, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return page.getvalue()
