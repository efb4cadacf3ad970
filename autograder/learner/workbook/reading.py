"""The lessons beside the learner's notebooks, laid out as in the course, so that links lead on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder import _files
from autograder.exercise.catalog import Exercise
from autograder.exercise.syllabus.headings import anchored
from autograder.exercise.syllabus.lessons import body, source
from autograder.language import LANGUAGES, Language

FOLDER = "lessons"


def place(
    folder: Path, record: Path, language: Language, exercises: Sequence[Exercise]
) -> list[Path]:
    """Put lessons and figures into `folder`, or bring them up to date; return what was left alone.

    A file that is not as it was put there is somebody's own, and stays.

    Parameters
    ----------
    record
        File that says what was put there.

    Raises
    ------
    OSError
        If something cannot be written.
    """
    known = _read(record)
    left: list[Path] = []
    for exercise in exercises:
        for name, data in _files_of(exercise, language):
            path = folder / FOLDER / name
            there = path.read_bytes() if path.is_file() else None
            if there is not None and there != data and _digest(there) != known.get(name):
                left.append(path)
                continue
            known[name] = _digest(data)
            if there is None:
                path.parent.mkdir(parents=True, exist_ok=True)
            if there != data:
                _files.replace(path, data)
    _files.replace(record, json.dumps(known, indent=1, sort_keys=True).encode() + b"\n")
    return left


def _files_of(exercise: Exercise, language: Language) -> Iterator[tuple[str, bytes]]:
    """Names, as below ``lessons``, and contents: the lesson, and its figures."""
    lesson = exercise.lesson(language)
    if not lesson.is_file():
        return
    text = anchored(body(source(lesson)).lstrip("\n"), source(exercise.lesson(LANGUAGES[0])))
    yield f"{exercise.slug}/{lesson.name}", text.encode()
    for figure in sorted((lesson.parent / "figures").glob(f"*.{language}.svg")):
        yield f"{exercise.slug}/figures/{figure.name}", figure.read_bytes()


def _read(record: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(record.read_text("utf-8"))
        if isinstance(content, dict):
            return {str(name): str(digest) for name, digest in content.items()}
    return {}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
