"""The course as a site: pages of both languages that need no script to be read and no other host.

A site is a mapping from addresses to what makes the file there: a server makes what it is asked
for, `write_site` makes all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from markupsafe import Markup

from autograder.exercise.syllabus import Chapter, Syllabus
from autograder.language import LANGUAGES, Language, Text
from autograder.report._templates import render
from autograder.report.site import _home, _search
from autograder.report.site._lessons import LessonPage
from autograder.report.site._words import word
from autograder.report.site._writing import write_files

__all__ = ["Activity", "Site", "site", "targets", "write_site"]

Site = Mapping[str, Callable[[], bytes]]
_ASSETS = Path(__file__).parent / "assets"
_COMMON = ("icon.svg", "site.css", "site.js")


@dataclass(frozen=True)
class Activity:
    """Something to do in the browser, where a server answers.

    Attributes
    ----------
    name
        Of its page, ``<language>/<name>.html``, and of its script ``assets/<name>.js``, if it
        has one.
    body
        What the page holds, as HTML.
    kept
        Whether what is done there is kept; if not, the page says so.
    """

    name: str
    title: Text
    body: Callable[[Language], str]
    kept: bool = True

    @property
    def script(self) -> str:
        """The file among the assets that its page loads, or nothing."""
        name = f"{self.name}.js"
        return name if (_ASSETS / name).is_file() else ""


def site(course: Syllabus, activities: Sequence[Activity] = ()) -> Site:
    """The files of the site, each with what makes it."""
    made: dict[str, Callable[[], bytes]] = {"index.html": _entrance}
    scripts = [activity.script for activity in activities if activity.script]
    for name in (*_COMMON, *scripts):
        made[f"assets/{name}"] = (_ASSETS / name).read_bytes
    for chapter in course.chapters:
        slug, lesson = chapter.exercise.slug, chapter.exercise.lesson(LANGUAGES[0])
        for path in sorted(lesson.parent.glob("figures/*.svg")):
            made[f"figures/{slug}/{path.name}"] = path.read_bytes
    for language in LANGUAGES:
        pages = _Pages(course, language, tuple(activities))
        made[f"{language}/index.html"] = pages.home
        made[f"assets/search.{language}.js"] = pages.index
        for place, chapter in enumerate(course.chapters):
            made[f"{language}/{chapter.exercise.slug}.html"] = partial(pages.lesson, place)
        for activity in activities:
            made[f"{language}/{activity.name}.html"] = partial(pages.activity, activity)
    return made


def write_site(course: Syllabus, folder: Path) -> int:
    """Write the whole site into `folder`, a new one or one that `write_site` made before.

    Returns
    -------
    int
        How many files it has.

    Raises
    ------
    ReportError
        If the folder holds something else, or cannot be written.
    """
    return write_files(folder, {path: make() for path, make in site(course).items()})


def targets(course: Syllabus) -> dict[str, str]:
    """Where each question and each erratum is told, as an address within its language."""
    found: dict[str, str] = {}
    for chapter in course.chapters:
        slug = chapter.exercise.slug
        entries = chapter.lessons[LANGUAGES[0]].entries
        for name in (*chapter.answers, *(e for entry in entries for e in entry.ids)):
            found.setdefault(name, f"{slug}.html#{name}")
    return found


@dataclass(frozen=True)
class _Pages:
    """What makes the pages of one language."""

    course: Syllabus
    language: Language
    activities: tuple[Activity, ...]

    def home(self) -> bytes:
        return self._page(
            "home.html.j2", "index.html", word("name", self.language),
            home=_home.home(self.course, self.language),
        )  # fmt: skip

    def lesson(self, place: int) -> bytes:
        chapters = self.course.chapters
        chapter = chapters[place]
        return self._page(
            "lesson.html.j2",
            f"{chapter.exercise.slug}.html",
            chapter.lessons[self.language].title,
            chapter=chapter,
            lesson=self._lesson(chapter),
            place=place + 1,
            count=len(chapters),
            before=chapters[place - 1] if place else None,
            after=chapters[place + 1] if place + 1 < len(chapters) else None,
        )

    def activity(self, activity: Activity) -> bytes:
        return self._page(
            "activity.html.j2", f"{activity.name}.html", activity.title[self.language],
            script=activity.script, kept=activity.kept, body=Markup(activity.body(self.language)),
        )  # fmt: skip

    def index(self) -> bytes:
        lessons = [self._lesson(chapter) for chapter in self.course.chapters]
        return _search.index(lessons, self.language)

    def _lesson(self, chapter: Chapter) -> LessonPage:
        return LessonPage(chapter, self.language, targets(self.course))

    def _page(self, template: str, path: str, title: str, **values: object) -> bytes:
        return _rendered(
            template, language=self.language, path=path, title=title,
            activities=self.activities, **values,
        )  # fmt: skip


@cache
def _entrance() -> bytes:
    return _rendered("entrance.html.j2", languages=LANGUAGES)


def _rendered(template: str, **values: object) -> bytes:
    return render(f"site/{template}", word=word, **values).encode("utf-8")
