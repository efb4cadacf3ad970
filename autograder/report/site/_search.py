"""What is searched: every part of every lesson that has an address, as a script to load."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from autograder.language import Language
from autograder.report.site._lessons import LessonPage

Entry = tuple[str, str, str, str, str]


def index(lessons: Iterable[LessonPage], language: Language) -> bytes:
    """All entries of a language: kind, address, lesson, title, text.

    A script rather than JSON, for a page that was opened from a folder may load no other.
    """
    entries = [entry for lesson in lessons for entry in _entries(lesson)]
    shown = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return f"(window.touchstone ??= {{}}).{language} = {shown};\n".encode()


def _entries(page: LessonPage) -> Iterator[Entry]:
    exercise, language = page.chapter.exercise, page.language
    address, title = f"{exercise.slug}.html", page.chapter.lessons[language].title
    yield "section", address, "", title, exercise.slug
    for place in page.places:
        numbered = f"{place.id} · {place.title}" if place.kind == "question" else place.title
        yield place.kind, f"{address}#{place.id}", title, numbered, place.text
    for task in exercise.tasks:
        yield "task", f"{address}#task-{task.name}", title, task.title[language], task.name
