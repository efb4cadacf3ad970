"""What concerns the course as a whole: its index, and that nothing is missing."""

from __future__ import annotations

from pathlib import Path

from autograder._files import replace
from autograder.dev.findings import Change, Finding
from autograder.dev.rules.homes import nothing_missing
from autograder.exercise import catalog
from autograder.exercise.syllabus import index, syllabus
from autograder.language import LANGUAGES
from autograder.report.indexpage import index_page


def build_index(course: Path | None = None, *, check: bool = False) -> list[Change]:
    """Write the index of a course in both languages; with `check`, only say what is stale."""
    folder = course or catalog.COURSE
    whole, changes = syllabus(folder), []
    for language in LANGUAGES:
        path, wanted = index(catalog.root_of(folder), language), index_page(whole, language)
        if path.is_file() and path.read_bytes() == wanted.encode():
            continue
        if check:
            state = "is stale" if path.is_file() else "is missing"
            changes.append(Change(path, f"{state}. Run `touchstone dev build`."))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, wanted.encode())
            changes.append(Change(path, "written"))
    return changes


def verify_course(course: Path | None = None) -> list[Finding]:
    """What the course as a whole lacks: a home for each question, problem and erratum, an index."""
    root = catalog.root_of(course or catalog.COURSE)
    stale = build_index(course, check=True)
    return [
        *nothing_missing(syllabus(course)),
        *(Finding("stale", c.path.relative_to(root).as_posix(), c.message) for c in stale),
    ]
