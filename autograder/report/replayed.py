"""What a notebook shows of a call that was made again."""

from __future__ import annotations

from typing import Literal

from autograder.language import Language
from autograder.report import clean
from autograder.report.texts import text

_NOTES = {
    "unchecked": "replay.unchecked", "nothing": "replay.nothing", "gone": "replay.gone",
}  # fmt: skip


def note(why: Literal["unchecked", "nothing", "gone"], task: str, language: Language) -> str:
    """Why no call of `task` is made again, and what to do."""
    return text(_NOTES[why], language, task=task)


def outcome(
    call: str, came_out: str, expected: str, language: Language, *, name: str, free: bool, task: str
) -> str:
    """What the call came to, in lines, and how to get at it.

    Parameters
    ----------
    name, free
        What it is called in the notebook, if that name was not the learner's own.
    """
    from rich.cells import cell_len

    rows = {"call": call, "came_out": came_out, "expected": expected}
    labels = {key: text(key, language) for key in rows}
    width = max(map(cell_len, labels.values()))
    told = [
        labels[key] + " " * (width - cell_len(labels[key]) + 2) + clean.line(shown)
        for key, shown in rows.items()
        if shown
    ]
    after = text("replay.named" if free else "replay.taken", language, name=name, task=task)
    return "\n".join([*told, after])
