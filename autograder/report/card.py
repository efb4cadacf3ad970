"""The card that a notebook shows for a task, and the one for a hint."""

from __future__ import annotations

import io

from autograder.exercise.catalog import Task
from autograder.judging.failing import to_replay
from autograder.judging.results import TaskResult
from autograder.language import Language
from autograder.report import clean, digest
from autograder.report._templates import render
from autograder.report.texts import text


def card_html(
    task: TaskResult,
    language: Language,
    *,
    hint_available: bool = True,
    replay: str = "",
    ahead: str = "",
) -> str:
    """The verdict on every claim of `task` as self-contained HTML.

    Parameters
    ----------
    hint_available
        Whether to offer a hint where the task is not passed.
    replay
        The line that makes a call again, offered where one failed.
    ahead
        How far one is and what is next, where it is passed.
    """
    return render(
        "card.html.j2",
        task=task,
        title=clean.line(task.title[language]),
        findings=digest.findings(task, language),
        language=language,
        offers=_offers(task, language, hint_available, replay) + [ahead] * bool(ahead),
    )


def card_text(
    task: TaskResult,
    language: Language,
    *,
    hint_available: bool = True,
    replay: str = "",
    ahead: str = "",
) -> str:
    """The same as plain text, 80 columns wide."""
    from rich.console import Console

    from autograder.report._lines import task_lines

    page = io.StringIO()
    console = Console(
        file=page,
        width=80,
        no_color=True,
        force_terminal=False,
        force_jupyter=False,
        color_system=None,
        _environ={},
    )
    for part in task_lines(task, language, verbose=True):
        console.print(part, highlight=False)
    offers = _offers(task, language, hint_available, replay) + [ahead] * bool(ahead)
    rows = [row.rstrip() for row in page.getvalue().splitlines()]
    return "\n".join(rows + offers)


def _offers(task: TaskResult, language: Language, hint: bool, replay: str) -> list[str]:
    """What may help: to make the call again that failed, and a hint."""
    again = replay and to_replay(task.verdicts) is not None
    offers = [
        text("card.replay", language, code=clean.line(replay)) if again else "",
        _hint(task, language) if hint else "",
    ]
    return [offer for offer in offers if offer]


def _hint(task: TaskResult, language: Language) -> str:
    """The offer of a hint, where one may help and no step says so already."""
    if task.status in ("pass", "internal", "tampered"):
        return ""
    offer = f'hint("{task.name}")'
    if any(offer in verdict.step[language] for verdict in task.verdicts):
        return ""
    return text("card.hint", language, name=clean.line(task.name))


def hint_html(task: Task, level: int, language: Language) -> str:
    """Hint `level` of `task`, counted from 1, as self-contained HTML.

    Raises
    ------
    ValueError
        If the task has no such hint.
    """
    label, hint, after = _hint_parts(task, level, language)
    return render("hint.html.j2", label=label, hint=hint, after=after, language=language)


def hint_text(task: Task, level: int, language: Language, *, again: str = "") -> str:
    """The same as plain text; `again` opens the next one, by default the notebook's call."""
    label, hint, after = _hint_parts(task, level, language, again)
    return f"{label}\n{hint}\n{after}"


def _hint_parts(
    task: Task, level: int, language: Language, again: str = ""
) -> tuple[str, str, str]:
    hints = task.hints[language]
    if not 1 <= level <= len(hints):
        raise ValueError(f"{task.name} has hints 1 to {len(hints)}, not {level}.")
    label = text("hint.level", language, level=level, levels=len(hints))
    label += " · " + clean.line(task.title[language])
    after = "hint.more" if level < len(hints) else "hint.last"
    return (
        label,
        clean.block(hints[level - 1]),
        text(after, language, hint=again or f'hint("{task.name}")'),
    )
