"""The page that all begins with: what to read in which order, and where each answer is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autograder.exercise.syllabus import Chapter, Home, Syllabus
from autograder.exercise.syllabus.lessons import Entry
from autograder.exercise.syllabus.sources import Asked
from autograder.exercise.syllabus.tracks import MINUTES_TO_SAY, Track, tracks
from autograder.language import Language, Text
from autograder.report.coverage import hours_of, time_of
from autograder.report.texts import text


@dataclass(frozen=True)
class Stage:
    """One lesson on a track: the day on which it begins, and minutes by what one does."""

    day: int
    slug: str
    minutes: dict[str, int]


@dataclass(frozen=True)
class Way:
    """A track as it is shown."""

    name: str
    title: str
    time: str
    is_said: bool
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class HomeView:
    """What the page shows, in one language."""

    course: Syllabus
    language: Language
    hours: str
    ways: tuple[Way, ...]
    minutes_to_say: int = MINUTES_TO_SAY

    @property
    def titles(self) -> dict[str, str]:
        """The title of each lesson."""
        return {c.exercise.slug: c.lessons[self.language].title for c in self.course.chapters}

    @property
    def questions(self) -> list[tuple[str, Text, tuple[Home, ...]]]:
        known = self.course.sources.questions
        return [(name, title, self.course.homes(name)) for name, title in known.items()]

    @property
    def asked(self) -> list[tuple[Asked, tuple[Home, ...]]]:
        known = self.course.sources.asked
        return [(item, homes) for name, item in known.items()
                if (homes := self.course.written(name))]  # fmt: skip

    @property
    def errata(self) -> list[tuple[Chapter, tuple[Entry, ...]]]:
        """The errata that each lesson tells of."""
        return [(chapter, entries) for chapter in self.course.chapters
                if (entries := chapter.lessons[self.language].entries)]  # fmt: skip


def home(course: Syllabus, language: Language) -> HomeView:
    """The page in `language`."""
    ways = tuple(_way(track, language) for track in tracks(course))
    return HomeView(course, language, hours_of(course, language), ways)


def _way(track: Track, language: Language) -> Way:
    title, said = text(f"track.{track.name}", language), track.kinds == ("say",)
    return Way(track.name, title, time_of(track, language), said, tuple(_stages(track)))


def _stages(track: Track) -> Iterator[Stage]:
    spent = 0
    for slug in dict.fromkeys(step.slug for step in track.plan.steps):
        minutes: dict[str, int] = {
            step.kind: step.minutes for step in track.plan.steps if step.slug == slug
        }
        yield Stage(spent // track.minutes_a_day + 1, slug, minutes)
        spent += sum(minutes.values())
