"""Promises about what texts point at: lessons, errata and questions that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from autograder.dev import figures as drawing
from autograder.dev.findings import Finding
from autograder.exercise.catalog import Exercise
from autograder.exercise.syllabus.sections import addresses
from autograder.exercise.syllabus.sources import sources
from autograder.language import LANGUAGES, Language

_LABEL = re.compile(r"\bE\d{3}\b|\bS\d-[QP]\d+\b", re.ASCII)
_LINTED = re.compile(r"#\s*noqa\b.*")
# A lesson by its name, in words of either language or in a command.
_NAMED = re.compile(
    r"\b(?:lessons?|exercises?)(?: on)? `([^`\s]+)`"
    r"|`([^`\s]+)`\s*那?[一两]课"
    r"|\btouchstone (?:start|lesson|reset) ([a-z][a-z0-9-]*)"
)
# A lesson in words alone, which nobody can follow and no rule can check.
_VAGUE = re.compile(r"\blessons? on (?![\[`])|(?<![)`])(?<![)`]\s)那[一两三几]课", re.IGNORECASE)


def pointers(exercise: Exercise) -> Iterator[Finding]:
    """No text of an exercise points at a lesson, an erratum or a question that does not exist."""
    known = sources(exercise.root)
    labels = {*known.errata, *known.questions}
    slugs = {path.parent.name for path in exercise.folder.parent.glob("*/exercise.toml")}
    for path, where in _texts(exercise):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            place = f"{where}, line {number}"
            for label in _LABEL.findall(_LINTED.sub("", line)):
                if label not in labels:
                    yield Finding("pointer", place, f"There is no {label}. Correct it.")
            for names in _NAMED.findall(line):
                name = "".join(names)
                if name not in slugs:
                    yield Finding("pointer", place, f"There is no lesson {name!r}. Correct it.")
    for language in LANGUAGES:
        yield from _lesson(exercise, language)
    yield from _sections(exercise)


def _sections(exercise: Exercise) -> Iterator[Finding]:
    """What a task names of its lesson is a part of the idea."""
    names = addresses(exercise)
    for task in exercise.tasks:
        if task.section and task.section not in names:
            yield Finding(
                "pointer", f"{exercise.slug}/exercise.toml, task {task.name!r}",
                f"The lesson's idea has no part {task.section!r}. Name one of: {', '.join(names)}.",
            )  # fmt: skip


def _texts(exercise: Exercise) -> Iterator[tuple[Path, str]]:
    """Whatever of an exercise is written by hand, and what findings call it."""
    for path in sorted(exercise.folder.iterdir()):
        if path.suffix in (".py", ".toml"):
            yield path, f"{exercise.slug}/{path.name}"
    lessons = [exercise.lesson(language) for language in LANGUAGES]
    for path in (*lessons, *drawing.scripts(exercise)):
        if path.is_file():
            yield path, path.relative_to(exercise.root).as_posix()


def _lesson(exercise: Exercise, language: Language) -> Iterator[Finding]:
    """What a lesson links to is there, in its own language; other lessons are linked to."""
    path = exercise.lesson(language)
    where = f"lessons/{exercise.slug}/{language}.md"
    for number, target in _links(path):
        place = f"{where}, line {number}"
        aim = (path.parent / target.partition("#")[0]).resolve()
        if not aim.is_file():
            yield Finding("pointer", place, f"There is no file {target!r}. Correct the link.")
        elif aim.name in {f"{other}.md" for other in LANGUAGES if other != language}:
            yield Finding("pointer", place, f"{target!r} is in the other language. Link to "
                          f"{target.replace(aim.name, f'{language}.md')!r}.")  # fmt: skip
    for number, line in enumerate(_lines(path), 1):
        if _VAGUE.search(line):
            yield Finding(
                "pointer", f"{where}, line {number}",
                f"It points at a lesson in words. Link to it: [words](../SLUG/{language}.md).",
            )  # fmt: skip


def _links(path: Path) -> Iterator[tuple[int, str]]:
    """Line and target of every link of a Markdown file to another file."""
    from markdown_it import MarkdownIt

    for block in MarkdownIt("commonmark").enable("table").parse("\n".join(_lines(path))):
        for token in block.children or ():
            target = str(token.attrs.get("href", "")) if token.type == "link_open" else ""
            if target and not re.match(r"[a-z]+:|#", target):
                yield (block.map[0] + 1 if block.map else 1), target


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []
