"""What a notebook shows beside its checks: the lesson, where one stands, the solution."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus.sections import section
from autograder.grading.journal import Journal, JournalError
from autograder.judging.results import TaskResult
from autograder.language import Language, Text
from autograder.learner.desk import Desk, NotYet, solution_of
from autograder.report.texts import SYMBOLS, number

_FIGURE = re.compile(r"!\[([^\]]*)\]\((figures/[\w.-]+\.svg)\)")
_LINK = re.compile(r"\[([^\]]+)\]\(\.\./([a-z0-9-]+)/\w+\.md[^)]*\)")

_WHOLE: Text = {
    "en": "The whole lesson: `touchstone lesson {slug}`",
    "zh": "完整课文：`touchstone lesson {slug}`",
}
_ERRATA: Text = {"en": "The documents go wrong here: {ids}.", "zh": "原文在这里的错误：{ids}。"}
_NEXT: Text = {
    "en": 'Next: {title}. `check("{name}")`, `hint("{name}")`, `lesson("{name}")`',
    "zh": '下一题：{title}。`check("{name}")`、`hint("{name}")`、`lesson("{name}")`',
}
_DONE: Text = {"en": "All passed.", "zh": "全部通过。"}
_TOTAL: Text = {"en": "{points} of {most} points", "zh": "{points} / {most} 分"}

Checked = Mapping[tuple[str, str], TaskResult]


def lesson(exercise: Exercise, task: Task, language: Language) -> str:
    """The part of the lesson that a task is about, as Markdown that stands by itself."""
    found = section(exercise, task)
    folder = exercise.lesson(language).parent
    text = _FIGURE.sub(lambda m: _embedded(m[1], folder / m[2]), found.text[language])
    text = _LINK.sub(r"\1 (`touchstone lesson \2`)", text)
    below = [_WHOLE[language].format(slug=exercise.slug)]
    if found.errata:
        below.insert(0, _ERRATA[language].format(ids=", ".join(found.errata)))
    return "\n\n".join([f"### {found.title[language]}", text, *below])


def status(exercise: Exercise, checked: Checked, language: Language) -> str:
    """Each task with the points that it has, in this kernel or ever graded, as Markdown."""
    with (
        contextlib.suppress(JournalError, OSError),
        Journal(Desk.here(None, language).journal) as j,
    ):
        best = j.best(exercise.slug)
        return _status(exercise, checked, best, language)
    return _status(exercise, checked, {}, language)


def solution(
    exercise: Exercise, task: Task, checked: Checked, language: Language, *, give_up: bool
) -> str:
    """The solution's code, by the rule of ``touchstone solution``; a pass in this kernel counts.

    Raises
    ------
    NotYet
        If the task was neither passed nor given up.
    """
    here = Desk.here(language, language)
    result = checked.get((exercise.slug, task.name))
    name = task.name
    with Journal(here.journal) as journal, _as_here(name):
        return solution_of(
            f"{exercise.slug}/{task.name}", here, journal, give_up=give_up,
            passed=result is not None and result.status == "pass",
        )  # fmt: skip


@contextlib.contextmanager
def _as_here(name: str) -> Iterator[None]:
    """What the command says, in words of the notebook."""
    try:
        yield
    except NotYet:
        raise NotYet(
            f'{name} is not passed yet. Run check("{name}") first, open a hint with '
            f'hint("{name}"), or give up with solution("{name}", give_up=True).',
            f'{name} 还没有通过。先运行 check("{name}")，或用 hint("{name}") 看提示；'
            f'想放弃就用 solution("{name}", give_up=True)。',
        ) from None


def _status(
    exercise: Exercise, checked: Checked, best: Mapping[str, float], language: Language
) -> str:
    rows, left, points = [], [], 0.0
    for task in exercise.tasks:
        result = checked.get((exercise.slug, task.name))
        reached = max(best.get(task.name, 0.0), result.points if result else 0.0)
        passed = reached >= task.points
        mark = SYMBOLS["pass" if passed else result.status if result else "todo"]
        rows.append(
            f"| {mark} | {task.title[language]} | `{task.name}` | "
            f"{number(reached)} / {number(task.points)} |"
        )
        points += reached
        left += [] if passed else [task]
    following = _DONE[language]
    if left:
        following = _NEXT[language].format(title=left[0].title[language], name=left[0].name)
    total = _TOTAL[language].format(points=number(points), most=number(exercise.points))
    head = f"| | {exercise.title[language]} | | {total} |\n|---|---|---|---:|"
    return "\n".join([head, *rows, "", following])


def _embedded(words: str, figure: Path) -> str:
    """A figure that needs no file beside the notebook."""
    if not figure.is_file():
        return f"*{words}*"
    data = base64.b64encode(figure.read_bytes()).decode("ascii")
    return f"![{words}](data:image/svg+xml;base64,{data})"
