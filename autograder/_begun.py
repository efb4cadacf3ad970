"""How this process began, for whoever has to see it as it was then."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beginning:
    """The working folder and the environment, before any learner's code ran."""

    folder: str
    environment: dict[str, str]


_beginning: Beginning | None = None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # somebody deleted it
        return os.path.expanduser("~")


def begin() -> None:
    """Remember how it is now."""
    global _beginning
    _beginning = Beginning(_here(), dict(os.environ))


def begun() -> Beginning:
    """How it was at `begin`; as it is now if nobody said that it begins."""
    if _beginning is None:
        return Beginning(_here(), dict(os.environ))
    return _beginning
