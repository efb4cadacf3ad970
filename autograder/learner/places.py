"""What a learner may name to read: a lesson, a question, an erratum, a task."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError
from autograder.exercise.syllabus import Syllabus, syllabus
from autograder.exercise.syllabus.lessons import source
from autograder.exercise.syllabus.sections import section
from autograder.language import Language
from autograder.learner.naming import named
from autograder.report.reading import excerpt
from autograder.report.site import targets

_TASK = "task-"
_ID = re.compile(r"E\d{3}|S\d-[QP]\d+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Place:
    """A lesson, and where in it; the anchor is empty for its beginning."""

    slug: str
    anchor: str = ""

    @property
    def page(self) -> str:
        """Its address within a language of the site."""
        return f"{self.slug}.html{'#' if self.anchor else ''}{self.anchor}"


def find_place(name: str, course: Callable[[], Syllabus] = syllabus) -> Place:
    """Where `name` leads: ``metrics``, ``metrics#E116``, ``E116``, ``S3-Q1``, ``metrics/recall``.

    A `course` is only asked for where a number is named: one lesson that is broken leaves the
    others to be read.

    Raises
    ------
    CatalogError
        If it leads nowhere; the message says what there is.
    """
    slug, _, anchor = name.partition("#")
    if _ID.fullmatch(slug):
        return _numbered(slug.upper(), course())
    found = named(slug)
    if _ID.fullmatch(anchor):
        _numbered(anchor.upper(), course())  # one that does not exist is told
    task = f"{_TASK}{found.task.name}" if found.task else ""
    return Place(found.exercise.slug, anchor or task)


def part(place: Place, language: Language) -> str:
    """The part of the lesson that a place is about, as Markdown: of a task, what it rests on.

    Empty for the beginning, and for an address that only pages have.
    """
    exercise = catalog.exercise(place.slug)
    if not place.anchor.startswith(_TASK):
        return excerpt(source(exercise.lesson(language)), place.anchor)
    found = section(exercise, exercise.task(place.anchor.removeprefix(_TASK)))
    return f"### {found.title[language]}\n\n{found.text[language]}\n"


def _numbered(name: str, course: Syllabus) -> Place:
    page = targets(course).get(name)
    if page is not None:
        slug, _, anchor = page.partition(".html#")
        return Place(slug, anchor)
    if reason := course.sources.set_aside.get(name):
        raise CatalogError(
            f"No lesson tells of {name}: {reason['en']}", f"没有课文讲 {name}：{reason['zh']}"
        )
    known = list(course.sources.errata if name.startswith("E") else course.sources.questions)
    raise CatalogError(
        f"There is no {name}. The numbers go from {known[0]} to {known[-1]}.",
        f"没有 {name}。编号从 {known[0]} 到 {known[-1]}。",
    )
