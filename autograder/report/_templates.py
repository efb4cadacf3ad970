"""The Jinja environment of the HTML reports: escaping on, nothing undefined."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.report import digest
from autograder.report.texts import SYMBOLS, isolation_word, number, status_word, text


def render(template: str, **values: Any) -> str:
    """Fill in the template called `template`; every value is escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    environment.filters["number"] = number
    environment.globals.update(
        text=text,
        symbols=SYMBOLS,
        status_word=status_word,
        isolation_word=isolation_word,
        digest=digest,
    )
    return environment


def code(shown: str) -> Markup:
    """Escape `shown`, and set what stands between backticks as code."""
    parts = shown.split("`")
    if len(parts) % 2 == 0:
        return escape(shown)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
