"""Errors for the learner, which speak both languages."""

from __future__ import annotations

from autograder.language import Text


class BilingualError(Exception):
    """What happened, where, and what to do next; ``text`` says it in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text: Text = {"en": en, "zh": zh}


class WorkbookError(BilingualError):
    """Trouble with the learner's folder; no work is lost."""
