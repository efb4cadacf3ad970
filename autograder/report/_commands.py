"""What a result says to do, as commands of the terminal: its steps are written for a notebook."""

from __future__ import annotations

import re
from dataclasses import replace

from autograder.judging.results import SubmissionResult, TaskResult, Verdict
from autograder.language import LANGUAGES, Language

_HINT = re.compile(r'\bhint\("(\w+)"\)')
# As `judging.wording` names the errata of a lesson.
_LESSON: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"Lesson: (E\d+(?:, E\d+)*)"),
    "zh": re.compile(r"参见课文 (E\d+(?:、E\d+)*)"),
}


def commanded(result: SubmissionResult) -> SubmissionResult:
    """`result` with steps that can be taken in a terminal."""
    return replace(result, tasks=tuple(_task(task, result.exercise) for task in result.tasks))


def hint_command(slug: str, task: str) -> str:
    """What opens a hint for a task of the exercise `slug`, as messages write commands."""
    return f"`touchstone hint {slug}/{task}`"


def _task(task: TaskResult, slug: str) -> TaskResult:
    return replace(task, verdicts=tuple(_verdict(verdict, slug) for verdict in task.verdicts))


def _verdict(verdict: Verdict, slug: str) -> Verdict:
    step = {language: _step(verdict.step[language], slug, language) for language in LANGUAGES}
    return replace(verdict, step=step)


def _step(step: str, slug: str, language: Language) -> str:
    step = _HINT.sub(lambda found: hint_command(slug, found[1]), step)
    lesson = f"`touchstone lesson {slug}`"
    place = rf"Lesson: \1 in {lesson}" if language == "en" else rf"参见 {lesson} 的 \1"
    return _LESSON[language].sub(place, step)
