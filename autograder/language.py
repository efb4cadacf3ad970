"""The two languages of the course, and which of them to speak."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Text: TypeAlias = Mapping[Language, str]

VARIABLES = ("TOUCHSTONE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


class UnknownLanguage(ValueError):
    """A language that the course does not speak; the message names those that it does."""


def guess_language(environment: Mapping[str, str] = os.environ) -> Language:
    """The language of the environment: Chinese where a locale variable says so, else English."""
    for name in VARIABLES:
        value = environment.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def take_language(arguments: Sequence[str]) -> tuple[list[str], Language | None]:
    """Take ``--lang LANGUAGE`` out of command-line arguments, wherever it stands.

    Raises
    ------
    UnknownLanguage
        If the language is none of the course's, or missing.
    """
    rest: list[str] = []
    found: Language | None = None
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return [*rest, argument, *pending], found
        name, equals, value = argument.partition("=")
        if name != "--lang":
            rest.append(argument)
            continue
        value = value if equals else next(pending, "")
        known = next((language for language in LANGUAGES if language == value), None)
        if known is None:
            choices = " | ".join(LANGUAGES)
            raise UnknownLanguage(f"--lang takes one of: {choices}; not {value!r}.")
        found = known
    return rest, found
