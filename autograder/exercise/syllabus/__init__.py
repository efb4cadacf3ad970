"""The course as a whole: where each question and each mistake has its home, and in which order.

Everything here is derived from the lessons, from ``exercise.toml`` and from the table of what is
to be covered; nothing is written by hand. No result depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus.lessons import Entry, Lesson, read
from autograder.exercise.syllabus.sources import Sources, sources
from autograder.language import LANGUAGES, Language, Text

__all__ = ["Chapter", "Home", "Syllabus", "Telling", "chapter", "index", "syllabus"]


@dataclass(frozen=True)
class Home:
    """Where something is answered: a lesson, and the tasks of its exercise that ask for it."""

    slug: str
    tasks: tuple[Task, ...]

    @property
    def points(self) -> float:
        """What these tasks can give together."""
        return sum(task.points for task in self.tasks)


@dataclass(frozen=True)
class Telling:
    """Where an erratum is told of.

    Attributes
    ----------
    merged_with
        Other errata that are the same mistake, and told of in one.
    tasks
        Those in which whoever makes it is caught.
    """

    slug: str
    title: Text
    merged_with: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """An exercise with its lesson in both languages."""

    exercise: Exercise
    lessons: Mapping[Language, Lesson]

    @property
    def minutes(self) -> int:
        """Time that reading the lesson takes, the exercise apart."""
        return max(lesson.minutes for lesson in self.lessons.values())

    @property
    def answers(self) -> tuple[str, ...]:
        """The questions that the lesson answers in both languages."""
        first, *others = (lesson.answers for lesson in self.lessons.values())
        return tuple(q for q in first if all(q in answers for answers in others))

    def entries(self, erratum: str) -> dict[Language, Entry]:
        """How the lesson tells of `erratum`, in the languages in which it does."""
        return {
            language: entry
            for language, lesson in self.lessons.items()
            for entry in lesson.entries
            if erratum in entry.ids
        }


@dataclass(frozen=True)
class Syllabus:
    """All chapters, each after those that it requires, and what they have to cover."""

    sources: Sources
    chapters: tuple[Chapter, ...]

    def homes(self, question: str) -> tuple[Home, ...]:
        """The lessons that answer `question` and have tasks in which one proves it."""
        return tuple(
            Home(chapter.exercise.slug, tasks)
            for chapter in self.chapters
            if question in chapter.answers
            and (tasks := _tasks(chapter, lambda task: question in task.questions))
        )

    def written(self, asked: str) -> tuple[Home, ...]:
        """The exercises in which the problem that is called `asked` is solved."""
        return tuple(
            Home(chapter.exercise.slug, tasks)
            for chapter in self.chapters
            if (tasks := _tasks(chapter, lambda task: asked in task.asked))
        )

    def told(self, erratum: str) -> tuple[Telling, ...]:
        """The lessons that tell of `erratum` in both languages."""
        return tuple(
            _telling(chapter, erratum, entries)
            for chapter in self.chapters
            if len(entries := chapter.entries(erratum)) == len(LANGUAGES)
        )

    @property
    def homeless(self) -> tuple[str, ...]:
        """Questions, problems and errata that nothing covers and no reason sets aside."""
        known = self.sources
        return (
            *(name for name in known.questions if not self.homes(name)),
            *(name for name in known.asked if not self.written(name)),
            *(e for e in known.errata if e not in known.set_aside and not self.told(e)),
        )


def chapter(exercise: Exercise) -> Chapter:
    """An exercise with what its lessons cover."""
    return Chapter(exercise, {language: read(exercise.lesson(language)) for language in LANGUAGES})


def syllabus(course: Path | None = None) -> Syllabus:
    """The whole course in the folder `course`, by default the one that is in use."""
    folder = course or catalog.COURSE
    chapters = tuple(chapter(exercise) for exercise in catalog.exercises(folder))
    return Syllabus(sources(catalog.root_of(folder)), chapters)


def index(root: Path, language: Language) -> Path:
    """Where the index of the course at `root` lies, which is generated from its syllabus."""
    name = "index.md" if language == LANGUAGES[0] else f"index.{language}.md"
    return root / "lessons" / name


def _tasks(chapter: Chapter, wanted: Callable[[Task], bool]) -> tuple[Task, ...]:
    return tuple(task for task in chapter.exercise.tasks if wanted(task))


def _telling(chapter: Chapter, erratum: str, entries: Mapping[Language, Entry]) -> Telling:
    names = {task.name for task in chapter.exercise.tasks}
    entry = entries[LANGUAGES[0]]
    return Telling(
        chapter.exercise.slug,
        {language: entry.title for language, entry in entries.items()},
        tuple(other for other in entry.ids if other != erratum),
        tuple(name for name in entry.catchers if name in names),
    )
