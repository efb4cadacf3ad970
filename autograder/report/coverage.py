"""What the course covers, and where: on the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.exercise.syllabus import Home, Syllabus
from autograder.exercise.syllabus.sources import ranges
from autograder.exercise.syllabus.tracks import Plan, Step, Track, tracks
from autograder.language import Language
from autograder.report import jsonfile
from autograder.report._lines import Prose, grid
from autograder.report._write import write_text
from autograder.report.terminal import show
from autograder.report.texts import number, text

VERSION = 1


def print_coverage(course: Syllabus, *, console: Console, language: Language, index: Path) -> None:
    """Print where each question is answered and where the errata are told of."""
    shown: list[RenderableType] = [
        *(Text(row, "bold") for row in _counts(course, language)),
        Text(),
        _questions(course, language),
        Text(),
        Text(text("course.errata", language), "bold"),
        _errata(course),
        Text(),
        Text(text("course.tracks", language), "bold"),
        *_tracks(course, language),
        Text(),
        Prose(hours_of(course, language)),
        Text(text("course.index", language, path=index)),
    ]
    if course.homeless:
        names = ", ".join(course.homeless)
        shown.append(Prose(text("course.homeless", language, names=names), "bold red"))
    show(console, shown)


def _counts(course: Syllabus, language: Language) -> Iterator[str]:
    missing, known = set(course.homeless), course.sources
    answered, told = len(known.questions.keys() - missing), len(set(known.errata) - missing)
    yield text("course.answered", language, answered=answered, questions=len(known.questions))
    row = text("course.told", language, told=told, errata=len(known.errata))
    if known.set_aside:
        row += " · " + text("course.set_aside", language, count=len(known.set_aside))
    yield row


def _questions(course: Syllabus, language: Language) -> Table:
    table = grid(("left", 6), ("left", None), ("left", None), ("right", None), ("right", None))
    headings = ("", "course.question", "course.lesson", "course.tasks", "course.points")
    table.add_row(*(Text(text(key, language) if key else "", "dim") for key in headings))
    for name, title in course.sources.questions.items():
        homes: list[Home | None] = list(course.homes(name)) or [None]
        for home in homes:
            first = home is homes[0]
            table.add_row(
                Text(name if first else "", "dim"),
                Prose(title[language] if first else ""),
                *_home(home, language),
            )
    return table


def _home(home: Home | None, language: Language) -> tuple[Text, Text, Text]:
    if home is None:
        return Text(text("course.nowhere", language), "bold red"), Text(), Text()
    return Text(home.slug, "cyan"), Text(str(len(home.tasks))), Text(number(home.points))


def _errata(course: Syllabus) -> Table:
    table = grid(("left", None), ("left", None), gap=2)
    for chapter in course.chapters:
        slug = chapter.exercise.slug
        told = (e for e in course.sources.errata if any(t.slug == slug for t in course.told(e)))
        table.add_row(Text(slug, "cyan"), Prose(" ".join(ranges(told))))
    return table


def _tracks(course: Syllabus, language: Language) -> Iterator[RenderableType]:
    for track in tracks(course):
        head = text(f"track.{track.name}", language) + text("separator", language)
        yield Text(head + time_of(track, language))
        for step, slugs in chosen(track.plan).items():
            what = text(f"track.{step}", language) + text("separator", language)
            yield Padding(Prose(what + ", ".join(slugs), "dim"), (0, 0, 0, 2))


def chosen(plan: Plan) -> dict[str, list[str]]:
    """The lessons of a plan by how far one goes with each: ``do``, ``read`` or ``say``."""
    found: dict[str, list[str]] = {}
    done = {step.slug for step in plan.steps if step.kind == "do"}
    for step in sorted(plan.steps, key=_depth):
        if step.kind != "read" or step.slug not in done:
            found.setdefault(step.kind, []).append(step.slug)
    return found


def _depth(step: Step) -> int:
    return ("do", "read", "say").index(step.kind)


def time_of(track: Track, language: Language) -> str:
    """How long a track takes, of how much time."""
    hours, budget = number(track.plan.minutes / 60, 1), number(track.budget / 60, 1)
    return text("track.time", language, hours=hours, budget=budget)


def hours_of(course: Syllabus, language: Language) -> str:
    """How long the whole course takes."""
    reading = sum(chapter.minutes for chapter in course.chapters)
    doing = sum(chapter.exercise.minutes for chapter in course.chapters)
    return text(
        "course.hours", language, hours=number((reading + doing) / 60, 0),
        reading=number(reading / 60, 0), doing=number(doing / 60, 0),
    )  # fmt: skip


def write_coverage(course: Syllabus, path: Path) -> None:
    """Write it to `path` as JSON, or raise `ReportError`."""
    write_text(path, jsonfile.as_text(coverage_json(course)))


def coverage_json(course: Syllabus) -> dict[str, Any]:
    """The same as plain maps and lists, with titles in both languages."""
    known = course.sources
    return {
        "version": VERSION,
        "homeless": list(course.homeless),
        "questions": [
            {"id": name, "title": dict(title), "homes": _homes(course.homes(name))}
            for name, title in known.questions.items()
        ],
        "asked": [
            {"id": name, "title": dict(item.title), "lists": item.lists,
             "documents": list(item.documents), "homes": _homes(course.written(name))}
            for name, item in known.asked.items()
        ],
        "errata": [
            {"id": name, "told": [
                {"lesson": t.slug, "title": dict(t.title), "merged_with": list(t.merged_with),
                 "tasks": list(t.tasks)} for t in course.told(name)
            ], "set_aside": dict(known.set_aside[name]) if name in known.set_aside else None}
            for name in known.errata
        ],
        "order": [
            {"lesson": c.exercise.slug, "requires": list(c.exercise.requires),
             "minutes_to_read": c.minutes, "minutes_to_do": c.exercise.minutes}
            for c in course.chapters
        ],
        "tracks": [
            {"name": track.name, "minutes": track.budget, "planned": track.plan.minutes,
             "steps": [{"lesson": s.slug, "step": s.kind, "minutes": s.minutes}
                       for s in track.plan.steps]}
            for track in tracks(course)
        ],
    }  # fmt: skip


def _homes(homes: Iterable[Home]) -> list[dict[str, Any]]:
    return [
        {"lesson": home.slug, "tasks": [task.name for task in home.tasks], "points": home.points}
        for home in homes
    ]
