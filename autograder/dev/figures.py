"""The figures of a lesson: ``figures/NAME.py`` draws one, ``NAME.en.svg`` is written beside it.

A script holds ``ALT``, what the figure shows for those who cannot see it, and ``draw(say)``, which
returns a matplotlib Figure; ``say(en, zh)`` is the label of the language that is being drawn.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import re
import traceback
from functools import cache
from pathlib import Path

from autograder import _files
from autograder.dev.findings import BuildError, Change
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Language, Text

LARGEST = 60_000
"""Bytes that a figure may have."""
_STAMP = re.compile(r"<!-- touchstone (\w+) -->")


def folder(exercise: Exercise) -> Path:
    """Where the figures of its lesson are."""
    return exercise.lesson("en").parent / "figures"


def scripts(exercise: Exercise) -> list[Path]:
    """What draws the figures of its lesson."""
    return sorted(folder(exercise).glob("*.py"))


def drawn(script: Path, language: Language) -> Path:
    """The file that a script's figure is written to."""
    return script.with_name(f"{script.stem}.{language}.svg")


def alt(script: Path) -> Text:
    """What the figure shows in words: the script's ``ALT``, read without running it.

    Raises
    ------
    ValueError
        If it is no Python, or `ALT` is not written out as a text for each language.
    """
    for node in ast.parse(script.read_text("utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="ALT")], value=value):
                texts = ast.literal_eval(value)
                if isinstance(texts, dict) and set(texts) == set(LANGUAGES):
                    return {language: str(texts[language]) for language in LANGUAGES}
    raise ValueError('it has no ALT = {"en": "...", "zh": "..."}')


def stamp(script: Path) -> str:
    """What a figure depends on, as far as that can be told without drawing it."""
    return hashlib.sha256(script.read_text("utf-8").encode() + _machinery()).hexdigest()[:32]


def build(exercise: Exercise) -> list[Change]:
    """Draw the figures of the lesson, in both languages, and write those that differ.

    Raises
    ------
    BuildError
        If a script fails; the message says where.
    """
    changes = []
    for script, language in itertools.product(scripts(exercise), LANGUAGES):
        path, wanted = drawn(script, language), _draw(script, language)
        if not path.is_file() or path.read_bytes() != wanted:
            _files.replace(path, wanted)
            changes.append(Change(path, f"drawn, {len(wanted) / 1000:.0f} KB"))
    return changes


def stale(exercise: Exercise, *, redraw: bool) -> list[Change]:
    """Figures that are missing, or not what would be drawn now.

    Parameters
    ----------
    redraw
        Whether to draw them, or only to look at what they say they were drawn from.
    """
    changes = []
    for script, language in itertools.product(scripts(exercise), LANGUAGES):
        path = drawn(script, language)
        try:
            if redraw:
                fresh = path.is_file() and path.read_bytes() == _draw(script, language)
            else:
                fresh = _is_fresh(script, path)
        except BuildError as error:
            changes.append(Change(script, str(error).removeprefix(f"{script}: ")))
            continue
        if not fresh:
            state = "is stale" if path.is_file() else "is missing"
            changes.append(Change(path, f"{state}. Run `touchstone dev build {exercise.slug}`."))
    return changes


def _draw(script: Path, language: Language) -> bytes:
    from autograder.dev import drawing

    try:
        return drawing.draw(script, language, alt(script)[language], stamp(script)).encode()
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(script)]
        line = f"line {lines[-1]}, " if lines else ""
        raise BuildError(f"{script}: {line}{type(error).__name__}: {error}") from error


def _is_fresh(script: Path, path: Path) -> bool:
    """Whether the figure says that it was drawn from this script by this machinery."""
    found = _STAMP.search(path.read_text("utf-8")) if path.is_file() else None
    return bool(found and found[1] == stamp(script))


@cache
def _machinery() -> bytes:
    return (Path(__file__).parent / "drawing.py").read_text("utf-8").encode()
