"""The report of a class: a page for each student, and one about all of them for the teacher."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from autograder.judging.results import ClassResult, SubmissionResult
from autograder.language import Language
from autograder.report import clean, digest, html
from autograder.report._filenames import filenames
from autograder.report._templates import render
from autograder.report._write import write_text
from autograder.report.classgrid import grids, script
from autograder.report.discretion import discreet
from autograder.report.equalcode import equal_code
from autograder.report.overview import ClassOverview, ExerciseOverview, overview, title_of
from autograder.report.texts import number, text

_COMMONEST = 8
_MOST_ALIKE = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a distribution, in the units of its drawing, with what it says."""

    x: float
    y: float
    height: float
    count: int
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A student's line: name, page, points in each exercise, all points, what went wrong."""

    name: str
    page: str
    points: tuple[str, ...]
    total: str
    problems: int


def write_class_report(result: ClassResult, folder: Path, language: Language) -> list[Path]:
    """Write ``index.html``, for the teacher, and ``students/<name>.html``, into `folder`.

    A student's page holds no hidden input and no expected value. Other files that are there
    stay.

    Returns
    -------
    list of Path
        What was written, ``index.html`` first.

    Raises
    ------
    ReportError
        If something could not be written; what was written before stays.
    """
    handed_in: dict[str, list[SubmissionResult]] = defaultdict(list)
    for item in result.graded:
        handed_in[item.student].append(item.result)
    names = filenames(handed_in)
    written = []
    for student, results in handed_in.items():
        path = folder / "students" / f"{names[student]}.html"
        write_text(path, student_page(student, results, language, hidden=result.hidden))
        written.append(path)
    links = {student: f"students/{quote(name)}.html" for student, name in names.items()}
    write_text(folder / "index.html", class_page(result, language, links))
    return [folder / "index.html", *written]


def student_page(
    student: str, results: list[SubmissionResult], language: Language, *, hidden: bool
) -> str:
    """The page that a student may see."""
    return html.page(
        [discreet(result, hidden=hidden) for result in results],
        language=language,
        heading=clean.line(student) or "–",
        notice=text("class.withheld", language) if hidden else "",
    )


def class_page(result: ClassResult, language: Language, links: dict[str, str]) -> str:
    """The page about the class; `links` leads to each student's."""
    seen = overview(result)
    late = result.late
    return render(
        "class.html.j2",
        language=language,
        seen=seen,
        hidden=result.hidden,
        layout=result.layout,
        aside=result.aside,
        bars={item.slug: _bars(item, language) for item in seen.exercises},
        rows=_rows(seen, links),
        grids=grids(result, seen, links, language),
        links=links,
        late=sorted({item.student for item in result.graded if item.name in late}),
        missing=[one.student for one in result.missing],
        strangers=result.strangers,
        by_hand=_by_hand(seen, language),
        alike=equal_code(result)[:_MOST_ALIKE],
        title_of=title_of,
        script=Markup(script()[0]),
        policy=script()[1],
        commonest=_COMMONEST,
        clean=clean,
    )


def _by_hand(seen: ClassOverview, language: Language) -> list[tuple[str, str, str]]:
    """Who has points by hand, in which task, and what is told of it."""
    return [
        (item.student, task.title[language], digest.by_hand(task, language))
        for item in seen.best.values()
        for task in item.result.tasks
        if task.granted is not None
    ]


def _bars(item: ExerciseOverview, language: Language) -> list[Bar]:
    """Bars on a drawing 100 wide and 40 high, the highest 30 high."""
    most, width = max(item.bins), 100 / len(item.bins)
    step = item.max_points / len(item.bins)
    bars = []
    for place, count in enumerate(item.bins):
        # One student among a thousand is still to be seen.
        height = max(30 * count / most, 0.6) if count else 0.0
        label = text(
            "class.bin", language, low=number(place * step), high=number((place + 1) * step),
            count=count,
        )  # fmt: skip
        bars.append(Bar(place * width, 38 - height, height, count, label))
    return bars


def _rows(seen: ClassOverview, links: dict[str, str]) -> list[Row]:
    problems: dict[str, int] = defaultdict(int)
    for item in seen.ungraded:
        problems[item.student] += 1
    rows = []
    for student in seen.students:
        reached = [seen.best.get((student, item.slug)) for item in seen.exercises]
        points = tuple("–" if one is None else number(one.result.points) for one in reached)
        total = sum(one.result.points for one in reached if one is not None)
        name = clean.line(student, 120) or "–"
        rows.append(Row(name, links[student], points, number(total), problems[student]))
    return rows
