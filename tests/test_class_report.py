"""The report of a class: pages that are safe, whole and findable, for any names, at any size."""

from __future__ import annotations

import io
import os
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from classroom import AWKWARD, classroom, graded
from hostile import hostile
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from samples import sample_results
from test_browser import CHROMIUM, browser

from autograder.judging.results import ClassResult
from autograder.language import LANGUAGES, Language
from autograder.report import ReportError, print_class_summary, write_class_report
from autograder.report._filenames import filenames
from autograder.report.overview import overview

__all__ = ["browser"]  # a fixture
each_language = pytest.mark.parametrize("language", LANGUAGES)


class Page(HTMLParser):
    """Addresses, elements and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.elements: set[str] = set()
        self.text = ""
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@each_language
def test_every_student_has_a_page_that_the_class_page_leads_to(
    tmp_path: Path, language: Language
) -> None:
    result = classroom(names=AWKWARD, language=language)
    written = write_class_report(result, tmp_path, language)
    assert sorted(written) == sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert len(written) == 1 + len(AWKWARD)
    index = Page(tmp_path / "index.html")
    led_to = [tmp_path / unquote(a) for a in index.addresses if not a.startswith("#")]
    assert list(dict.fromkeys(led_to)) == written[1:]
    for path in written:
        page = Page(path)
        assert ("script" in page.elements) == (path == written[0])
        outside = ("http:", "https:", "//", "file:", "javascript:")
        assert not [a for a in page.addresses if a.lower().startswith(outside)]


def test_the_class_page_tells_what_happened(tmp_path: Path) -> None:
    result = classroom(40)
    seen = overview(result)
    index = Page(write_class_report(result, tmp_path, "en")[0])
    words = " ".join(index.text.split())
    for item in seen.exercises:
        assert item.title["en"] in words
        for found in item.misconceptions:
            assert f"{found.students} {found.text['en']} {found.task['en']}" in words
        for task in item.tasks:
            assert f"{task.passed} of {task.count}" in words
    for item in seen.ungraded:
        assert f"{item.student} {item.name}" in words
        assert item.result.problem
        assert re.sub(r"[\s`]", "", item.result.problem["en"]) in re.sub(r"\s", "", words)


def test_numbers_of_a_class() -> None:
    one, best, untouched, broken = sample_results()
    result = ClassResult((
        graded("ann", untouched), graded("ann", replace(one, points=8.0)), graded("ann", broken),
        graded("bob", replace(one, points=20.0)), graded("cid", broken),
        graded("dan", replace(best, points=2.0, max_points=20.0)),
    ))  # fmt: skip
    seen = overview(result)
    assert seen.students == ("ann", "bob", "cid", "dan")
    assert (seen.graded, len(seen.ungraded)) == (4, 2)
    (item,) = seen.exercises
    assert item.points == (2.0, 8.0, 20.0)
    assert (item.mean, item.median) == (10.0, 8.0)
    assert item.bins == (0, 1, 0, 0, 1, 0, 0, 0, 0, 1)
    assert [task.share for task in item.tasks] == sorted(task.share for task in item.tasks)
    recall = next(task for task in item.tasks if task.name == "recall")
    assert (recall.passed, recall.count) == (0, 2)
    # Two verdicts of one student with one misconception are one student who has it.
    assert {(m.name, m.students) for m in item.misconceptions} == {
        ("specificity", 2), ("counts_ties_as_wins", 2),
    }  # fmt: skip


names = st.lists(st.one_of(st.sampled_from(AWKWARD), hostile, st.text()), unique=True)


@given(names)
def test_file_names_are_safe_and_no_two_alike(students: list[str]) -> None:
    found = filenames(students)
    assert list(found) == students
    assert len({name.casefold() for name in found.values()}) == len(students)
    for name in found.values():
        assert re.fullmatch(r"[\w.-]+", name)
        assert len(name.encode()) <= 120
        assert not name.startswith((".", "-"))
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.I)


def test_a_file_name_stays_when_others_join() -> None:
    few = filenames(["../x", "Anna K.", "李雷"])
    many = filenames(["a", *few, "x", "-x", "anna k"])
    assert {name: many[name] for name in few} == few
    assert few["李雷"] == "李雷"


def test_an_impostor_of_a_marked_name_gets_another() -> None:
    marked = filenames(["../x"])["../x"]
    assert len(set(filenames(["../x", marked]).values())) == 2


@given(hostile)
@settings(max_examples=25)
def test_nothing_can_be_injected_by_a_name(text: str) -> None:
    from autograder.report.classpage import class_page, student_page

    broken = graded(text, sample_results()[3])
    result = ClassResult((broken, graded(text, sample_results()[1])))
    pages = [class_page(result, "en", {text: "x.html"}), student_page(text, [], "en", hidden=True)]
    for page, own in zip(pages, (1, 0), strict=True):
        assert "<img" not in page
        assert page.count("<script") == own
        assert "\x1b" not in page
        assert "\u202e" not in page


def test_a_class_without_anybody_has_a_page(tmp_path: Path) -> None:
    (index,) = write_class_report(ClassResult(()), tmp_path, "zh")
    assert "没有任何可判分的提交" in index.read_text("utf-8")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReportError, match="Could not write"):
        write_class_report(classroom(1), tmp_path / "out", "en")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "students").write_text("mine")
    with pytest.raises(ReportError) as raised:
        write_class_report(classroom(1), tmp_path, "en")
    assert "students" in raised.value.text["zh"]
    assert (tmp_path / "students").read_text() == "mine"


@pytest.mark.slow
def test_ten_times_the_class_takes_about_ten_times_as_long() -> None:
    from autograder.report.classpage import class_page

    def seconds(count: int) -> float:
        result = classroom(count)
        links = dict.fromkeys(result.students, "x.html")
        best = []
        for _ in range(3):
            started = time.process_time()
            class_page(result, "en", links)
            best.append(time.process_time() - started)
        return min(best)

    # Quadratic work would take a hundred times as long.
    assert seconds(1000) < 40 * seconds(100)


@each_language
def test_the_summary_fits_eighty_columns(language: Language) -> None:
    page = io.StringIO()
    print_class_summary(classroom(64, language=language), Console(file=page, width=80), language)
    rows = page.getvalue().splitlines()
    assert max(map(cell_len, rows)) <= 80
    assert len(rows) < 50
    assert "64" in rows[0]
    words = re.sub(r"\s+", "", page.getvalue())
    for item in overview(classroom(64, language=language)).exercises:
        for found in item.misconceptions[:3]:
            assert re.sub(r"\s+", "", found.text[language]) in words


@given(hostile)
@settings(max_examples=25)
def test_the_summary_is_safe_for_any_terminal(text: str) -> None:
    page = io.StringIO()
    broken = graded(text, sample_results()[3])
    print_class_summary(ClassResult((broken,)), Console(file=page, width=80), "en")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page.getvalue())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[Language, list[Path]]:
    folder = tmp_path_factory.mktemp("report")
    return {
        language: write_class_report(
            classroom(names=AWKWARD, language=language), folder / language, language
        )
        for language in LANGUAGES
    }


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@each_language
@pytest.mark.parametrize("width", [390, 1200])
def test_the_report_in_a_browser(
    browser: Any, report: dict[Language, list[Path]], language: Language, width: int
) -> None:
    index = report[language][0]
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(index.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("table.people:not(.grid) tbody tr").count() == len(AWKWARD)
    # Every student's page is reached by a click, whatever the name; once is enough.
    for place in range(len(AWKWARD) if (language, width) == ("en", 390) else 1):
        page.goto(index.as_uri())
        page.locator("table.people:not(.grid) tbody tr").nth(place).locator("a").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("article").count() >= 1
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
    page.close()


@each_language
def test_cells_that_stopped_are_told_by_number_of_students(
    tmp_path: Path, language: Language
) -> None:
    result = ClassResult(tuple(graded(name, sample_results()[0]) for name in ("ann", "bob")))
    ((told, students),) = overview(result).stopped
    assert students == 2
    write_class_report(result, tmp_path, language)
    page = Page(tmp_path / "index.html").text
    assert "pandas_profiling" in told[language]
    assert page.index("pandas_profiling") < page.index("8.3")
    shown = io.StringIO()
    print_class_summary(result, console=Console(file=shown, width=200), language=language)
    assert "pandas_profiling" in shown.getvalue()
    hidden = overview(ClassResult(result.graded, hidden=True)).stopped
    assert "No module named" not in str(hidden)
