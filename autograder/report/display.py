"""Showing a card where the learner is: in a notebook, else on the terminal."""

from __future__ import annotations

import sys
from typing import Any


def show(html: str, text: str) -> None:
    """Show `html` where the front end can, else `text`, in the running cell."""
    show_as("text/html", html, text)


def show_as(kind: str, rich: str, text: str) -> None:
    """Show `rich`, which is of the MIME type `kind`, where the front end can, else `text`."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            bundle: dict[str, Any] = {"text/plain": text, kind: rich}
            display(bundle, raw=True)  # type: ignore[no-untyped-call]
            return
    print(text)


def show_markdown(markdown: str, text: str = "") -> None:
    """Show Markdown where the front end can, with its formulas; else `text`, or it as it is."""
    show_as("text/markdown", markdown, text or markdown)
