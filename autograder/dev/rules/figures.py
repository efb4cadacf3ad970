"""Promises about figures: said in words, small, and shown by the lesson of their own language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from autograder.dev import figures as drawing
from autograder.dev.findings import Finding
from autograder.dev.rules.texts import bilingual
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Language

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHOWN = re.compile(r"figures/([^/]+)\.(en|zh)\.svg")


def figures(exercise: Exercise) -> Iterator[Finding]:
    """Every figure is complete, and both lessons show it, each in its own language."""
    names = set()
    for script in drawing.scripts(exercise):
        names.add(script.stem)
        yield from _script(exercise, script)
    shown: dict[Language, set[str]] = {}
    for language in LANGUAGES:
        shown[language] = set()
        yield from _lesson(exercise, language, names, shown[language])
    yield from _unshown(exercise, names, shown)
    for path in sorted(drawing.folder(exercise).glob("*.svg")):
        if path.name.split(".")[0] not in names:
            yield Finding("figure", _place(exercise, path), "No script draws it. Remove it.")


def _script(exercise: Exercise, script: Path) -> Iterator[Finding]:
    where = _place(exercise, script)
    if not _NAME.fullmatch(script.stem):
        yield Finding(
            "figure", where, "Its name is not lower-case words joined by hyphens. Rename it."
        )
    try:
        yield from bilingual(drawing.alt(script), f"{where}, ALT")
    except ValueError as error:
        yield Finding("figure", where, f"What it shows is not said: {error}. Write it.")
    except SyntaxError as error:
        yield Finding("figure", f"{where}, line {error.lineno}", f"{error.msg}. Mend it.")
    for language in LANGUAGES:
        path = drawing.drawn(script, language)
        if path.is_file() and path.stat().st_size > drawing.LARGEST:
            yield Finding(
                "figure", _place(exercise, path),
                f"It has {path.stat().st_size / 1000:.0f} KB, and {drawing.LARGEST / 1000:.0f} are "
                "the most. Draw fewer points.",
            )  # fmt: skip


def _lesson(
    exercise: Exercise, language: Language, names: set[str], shown: set[str]
) -> Iterator[Finding]:
    """What the lesson shows is there, in its language and with words; `shown` gets the names."""
    path = exercise.lesson(language)
    where = _place(exercise, path)
    for line, target, words in _images(path):
        place = f"{where}, line {line}"
        match = _SHOWN.fullmatch(target)
        if not match or match[1] not in names:
            known = ", ".join(sorted(names)) or "none"
            yield Finding(
                "figure", place,
                f"There is no figure {target!r}. Show figures/NAME.{language}.svg of: {known}.",
            )  # fmt: skip
            continue
        shown.add(match[1])
        if match[2] != language:
            right = f"figures/{match[1]}.{language}.svg"
            yield Finding("figure", place, f"{target!r} has other labels. Show {right!r}.")
        if not words.strip():
            yield Finding(
                "figure", place, f"{target!r} has no alt text. Say what it shows: ![…]({target})."
            )


def _unshown(
    exercise: Exercise, names: set[str], shown: dict[Language, set[str]]
) -> Iterator[Finding]:
    for name in sorted(names):
        missing = [language for language in LANGUAGES if name not in shown[language]]
        if len(missing) == len(LANGUAGES):
            script = _place(exercise, drawing.folder(exercise) / f"{name}.py")
            yield Finding("figure", script, "No lesson shows it. Show it, or remove it.")
            continue
        for language in missing:
            yield Finding(
                "figure", _place(exercise, exercise.lesson(language)),
                f"The other language shows the figure {name!r}. "
                f"Show figures/{name}.{language}.svg, or neither.",
            )  # fmt: skip


def _images(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, target and alt text of every image in a Markdown file."""
    from markdown_it import MarkdownIt

    text = path.read_text("utf-8") if path.is_file() else ""
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        for token in block.children or ():
            if token.type == "image":
                line = block.map[0] + 1 if block.map else 1
                yield line, str(token.attrs["src"]), token.content


def _place(exercise: Exercise, path: Path) -> str:
    return path.relative_to(exercise.root).as_posix()
