"""Showing a card where the learner is: in a notebook, else on the terminal."""

from __future__ import annotations

import sys
from typing import Any


def show(html: str, text: str) -> None:
    """Show `html` where the front end can, else `text`, in the running cell."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            bundle: dict[str, Any] = {"text/plain": text, "text/html": html}
            display(bundle, raw=True)  # type: ignore[no-untyped-call]
            return
    print(text)
