"""What a person or another program sees of a result: the only code that prints.

Importing this package loads none of its tools; each name below brings its module on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.report._write import ReportError
    from autograder.report.card import card_html, card_text, hint_html, hint_text
    from autograder.report.classpage import write_class_report
    from autograder.report.classsummary import print_class_summary
    from autograder.report.coverage import print_coverage, write_coverage
    from autograder.report.discretion import discreet
    from autograder.report.exports import Exported, write_export
    from autograder.report.exports.gradescope import gradescope_results
    from autograder.report.html import write_html
    from autograder.report.jsonfile import to_json, write_json
    from autograder.report.junit import write_junit
    from autograder.report.standing import Next, Standing
    from autograder.report.terminal import print_results, print_standing
    from autograder.report.texts import text

_HOME = {
    "Exported": "exports",
    "write_export": "exports",
    "gradescope_results": "exports.gradescope",
    "ReportError": "_write",
    "write_class_report": "classpage",
    "print_class_summary": "classsummary",
    "print_coverage": "coverage",
    "write_coverage": "coverage",
    "discreet": "discretion",
    "card_html": "card",
    "card_text": "card",
    "hint_html": "card",
    "hint_text": "card",
    "write_html": "html",
    "to_json": "jsonfile",
    "write_json": "jsonfile",
    "write_junit": "junit",
    "Next": "standing",
    "Standing": "standing",
    "print_results": "terminal",
    "print_standing": "terminal",
    "text": "texts",
}
__all__ = [
    "Exported", "Next", "ReportError", "Standing", "card_html", "card_text", "discreet",
    "gradescope_results", "hint_html", "hint_text", "print_class_summary", "print_coverage",
    "print_results", "print_standing", "text", "to_json", "write_class_report", "write_coverage",
    "write_export", "write_html", "write_json", "write_junit",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
