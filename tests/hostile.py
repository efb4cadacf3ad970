"""What a hostile submission may hold, in every place that a report shows."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from rich.console import Console
from samples import both

from autograder.evidence.runs import CellOutput, CellRun
from autograder.judging.results import STATUSES, SubmissionResult, TaskResult, Verdict
from autograder.language import LANGUAGES, Language
from autograder.report import clean, terminal, texts

REPORT = Path(texts.__file__).parent
each_language = pytest.mark.parametrize("language", LANGUAGES)
# Text that a submission may hold: any code point, and the very things that could do harm.
hostile = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    [
        "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\u202egnp.exe", "\ud800",
        "<script>alert(1)</script>", '"><img src=x onerror=y>', "</pre></details>", "]]>", "&amp;",
        "[bold]x[/bold]", "[/nonsense]", "{{ 7 * 7 }}", "`<b>`", "\x00\x08\ufffe\uffff", "{0}",
    ]
)  # fmt: skip


def without_markup(text: str) -> str:
    """`text` as it is shown, but with nothing in it that HTML could take for markup."""
    return re.sub("[<>&\"']", "x", clean.plain(text, lines=True))


def printed(results: list[SubmissionResult], **options: Any) -> str:
    """What `print_results` prints to a pipe of 80 columns."""
    page = io.StringIO()
    terminal.print_results(results, console=Console(file=page, width=80), **options)
    return page.getvalue()


def poisoned(text: str, language: Language = "en") -> SubmissionResult:
    """A submission with `text` in every place that a learner's code reaches."""
    verdicts = tuple(
        Verdict(
            text, both(text, text), status, both(text, text), text, both(text, text), text,
            both(text, text), both(text, text), text, text,
        )
        for status in STATUSES
    )  # fmt: skip
    outputs = tuple(CellOutput(kind, text) for kind in ("stream", "display", "result", "error"))
    return SubmissionResult(
        text, "metrics", language, 1.0, 2.0,
        tasks=(TaskResult("recall", both(text, text), "fail", 1.0, 2.0, verdicts),),
        cells=(
            CellRun("recall", text, outputs, "Error" + text, text),
            CellRun(text, text, (), "Error" + text, text),
        ),
    )  # fmt: skip
