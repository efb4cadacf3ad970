"""Promises about what an exercise is for: its tasks answer something, its lesson says what."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.dev.findings import Finding
from autograder.dev.rules.texts import bilingual
from autograder.exercise.catalog import CatalogError, Exercise, Task
from autograder.exercise.syllabus import Chapter, Syllabus, chapter
from autograder.exercise.syllabus.sources import TABLE, Sources, sources
from autograder.language import LANGUAGES

_TABLE = f"lessons/{TABLE}"


def homes(exercise: Exercise) -> Iterator[Finding]:
    """Every task answers a question or a problem that is asked; every answer has its task."""
    try:
        known, one = sources(exercise.root), chapter(exercise)
    except CatalogError as error:
        yield Finding("lesson", f"lessons/{exercise.slug}", str(error))
        return
    for task in exercise.tasks:
        yield from _task(task, one, known, f"{exercise.slug}/exercise.toml, task {task.name!r}")
    proven = {question for task in exercise.tasks for question in task.questions}
    for language, lesson in one.lessons.items():
        where = f"lessons/{exercise.slug}/{language}.md"
        for question in lesson.answers:
            if question in known.questions and question not in proven:
                yield Finding(
                    "home", where,
                    f"It answers {question}, and no task does. Name it in `questions` of one.",
                )  # fmt: skip
        for entry in lesson.entries:
            if not entry.title:
                yield Finding(
                    "home", where,
                    f"{entry.ids[0]} has no title. Write `- **{entry.ids[0]} · In short.**`.",
                )  # fmt: skip
    yield from _alike(one)


def _task(task: Task, one: Chapter, known: Sources, where: str) -> Iterator[Finding]:
    if not (task.questions or task.asked):
        yield Finding(
            "home", where,
            "It answers no question and no problem that is asked. Name one in `questions` or "
            f"`asked`; {_TABLE} has them.",
        )  # fmt: skip
    for name in (*task.questions, *task.asked):
        if name not in (known.questions if name in task.questions else known.asked):
            yield Finding("home", where, f"{_TABLE} has no {name!r}. Correct it, or add it there.")
        elif name in task.questions and name not in one.answers:
            yield Finding(
                "home", where,
                f"The lesson does not answer {name} in both languages. Answer it under its mark, "
                "or take it out of `questions`.",
            )  # fmt: skip


def _alike(one: Chapter) -> Iterator[Finding]:
    """Both languages tell of the same errata, merged in the same way and caught by the same."""
    told = [
        {(entry.ids, entry.catchers) for entry in one.lessons[language].entries}
        for language in LANGUAGES
    ]
    odd = sorted(told[0] ^ told[1])
    if odd:
        slug = one.exercise.slug
        yield Finding(
            "home", f"lessons/{slug}/{LANGUAGES[1]}.md",
            f"The languages tell of {', '.join(odd[0][0])} in different ways. Give them the same "
            "numbers and the same tasks.",
        )  # fmt: skip


def nothing_missing(course: Syllabus) -> Iterator[Finding]:
    """Everything that is to be covered is, or is set aside for a reason."""
    known = course.sources
    for name in course.homeless:
        if name in known.errata:
            yield Finding("home", name, "No lesson tells of it in both languages. Tell of it, or "
                          f"set it aside in {_TABLE} with the reason.")  # fmt: skip
        elif name in known.questions:
            yield Finding("home", name, "No lesson answers it in both languages with a task that "
                          "names it. Write them.")  # fmt: skip
        else:
            yield Finding("home", f"{_TABLE}, {name!r}", "No task has it. Name it in `asked` of "
                          "one, or take it out.")  # fmt: skip
    for name, reason in known.set_aside.items():
        where = f"{_TABLE}, {name!r}"
        if name not in known.errata:
            yield Finding("home", where, "There is no such erratum. Correct it.")
        elif course.told(name):
            slug = course.told(name)[0].slug
            yield Finding(
                "home", where, f"It is set aside, and {slug!r} tells of it. Take out one."
            )
        yield from bilingual(reason, where)
    for name, text in (*known.questions.items(), *((n, a.title) for n, a in known.asked.items())):
        yield from bilingual(text, f"{_TABLE}, {name!r}")
