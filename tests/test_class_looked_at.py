"""A class looked at: the grid, who is behind what, points by hand, feedback, equal code."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from classroom import classroom, graded
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from samples import sample_results
from test_browser import CHROMIUM, browser

from autograder.classroom import Ledger, LedgerError, adjust, history, load
from autograder.evidence.runs import CellRun
from autograder.exercise import catalog
from autograder.judging.results import ClassResult, Expected, Graded
from autograder.language import LANGUAGES, Language
from autograder.report import (
    ReportError,
    print_class_summary,
    write_class_report,
    write_export,
)
from autograder.report.equalcode import equal_code
from autograder.report.exports.csvfile import content
from autograder.report.overview import overview
from autograder.report.texts import text

__all__ = ["browser"]  # a fixture
SAMPLE = sample_results()[0]


def kept(folder: Path, *items: Graded) -> Path:
    with Ledger(folder, writing=True) as ledger:
        for place, item in enumerate(items):
            ledger.record(str(place), item.result)
            ledger.enter(item.student, item.name, item.identifier, str(place), item.at)
    return folder


def points(folder: Path, task: str = "recall") -> tuple[float, float, float | None]:
    (item,) = load(folder).graded
    (found,) = [one for one in item.result.tasks if one.name == task]
    return item.result.points, found.points, found.granted


def test_points_by_hand_stand_beside_the_graders_and_are_taken_back(tmp_path: Path) -> None:
    folder = kept(tmp_path / "class", graded("ann", SAMPLE, identifier="501"))
    total, mine, _ = points(folder)
    adjust(folder, "501", "metrics", "recall", 1.5, "Right idea")
    assert points(folder) == (pytest.approx(total - mine + 1.5), 1.5, mine)
    adjust(folder, "ann", "metrics", "recall", 2.0, "Looked again")
    assert points(folder) == (pytest.approx(total - mine + 2), 2.0, mine)
    adjust(folder, "ann", "metrics", "recall", None, "")
    assert points(folder) == (total, mine, None)
    assert [step.points for step in history(folder)] == [1.5, 2.0, None]


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        (("bob", "metrics", "recall", 1.0, "x"), "bob"),
        (("ann", "gan", "recall", 1.0, "x"), "gan"),
        (("ann", "metrics", "nosuch", 1.0, "x"), "nosuch"),
        (("ann", "metrics", "recall", 2.5, "x"), "2.5"),
        (("ann", "metrics", "recall", -1.0, "x"), "-1"),
        (("ann", "metrics", "recall", float("nan"), "x"), "nan"),
        (("ann", "metrics", "recall", 1.0, "  "), "--reason"),
        (("ann", "metrics", "recall", None, ""), "recall"),
    ],
)
def test_points_by_hand_that_cannot_be_are_refused(
    tmp_path: Path, wanted: tuple[str, str, str, float | None, str], because: str
) -> None:
    folder = kept(tmp_path / "class", graded("ann", SAMPLE))
    before = points(folder)
    with pytest.raises(LedgerError) as caught:
        adjust(folder, *wanted)
    assert all(because in text for text in caught.value.text.values())
    assert points(folder) == before
    assert history(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_export_and_report_shows_points_by_hand(tmp_path: Path, language: Language) -> None:
    folder = kept(tmp_path / "class", graded("ann", SAMPLE))
    adjust(folder, "ann", "metrics", "recall", 1.75, "SAID BY HAND")
    result = load(folder)
    for path in write_class_report(result, tmp_path / "report", language):
        assert "SAID BY HAND" in path.read_text("utf-8")
    for form in ("csv", "gradescope", "junit", "json", "canvas", "nbgrader"):
        target = tmp_path / ("g" if form == "gradescope" else f"out.{form}")
        done = write_export(result, form, target, language=language)
        files = list(target.rglob("*.json")) if target.is_dir() else [target]
        told = "".join(p.read_text("utf-8") for p in files) if form != "nbgrader" else ""
        assert "SAID BY HAND" in told + "".join(w[language] for w in done.warnings), form


def test_a_ledger_of_the_version_before_is_read_and_adjusted(tmp_path: Path) -> None:
    folder = kept(tmp_path / "class", graded("ann", SAMPLE))
    with sqlite3.connect(folder / "class.sqlite") as database:
        database.execute("DROP TABLE adjustments")
        database.execute("ALTER TABLE handed_in DROP COLUMN at")
        database.execute("PRAGMA user_version = 2")
    database.close()
    adjust(folder, "ann", "metrics", "recall", 1.0, "why")
    assert points(folder)[1] == 1.0


def test_the_roster_and_the_deadline_are_kept(tmp_path: Path) -> None:
    folder = kept(tmp_path / "class", graded("ann", SAMPLE, at="2026-02-01T10:00:00"))
    with Ledger(folder, writing=True) as ledger:
        ledger.note(
            {"en": "folders", "zh": "文件夹"},
            roster=[Expected("ann", "1"), Expected("bo", "2", "bo@x.org")],
            due="2026-01-31T23:59:00",
        )
    result = load(folder)
    assert adjust(folder, "1", "metrics", "recall", 1.0, "by the roster's number").student == "ann"
    assert [one.student for one in result.missing] == ["bo"]
    assert result.late == {result.graded[0].name}
    rows = list(csv.DictReader(io.StringIO(content(result, "en"))))
    assert [(row["student"], row["status"] == "missing", row["late"]) for row in rows] == [
        ("ann", False, "yes"), ("bo", True, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terminal_tells_who_is_missing_late_or_strange(language: Language) -> None:
    result = ClassResult(
        (graded("ann", SAMPLE, at="late"), graded("zoe", SAMPLE)),
        roster=(Expected("ann"), Expected("bo")),
    )
    console = Console(file=io.StringIO(), width=80)
    print_class_summary(result, console, language)
    written = console.file.getvalue()  # type: ignore[attr-defined]
    for key, name in (("missing", "bo"), ("late", "ann"), ("strangers", "zoe")):
        line = text(f"class.{key}", language) + " (1)"
        assert re.search(re.escape(line) + r"\W+" + name, written)


def test_who_is_behind_a_misconception_is_named() -> None:
    result = classroom(30)
    for item in overview(result).exercises:
        for found in item.misconceptions:
            having = {
                one.student
                for (_, slug), one in overview(result).best.items()
                if slug == item.slug
                and any(v.misconception == found.name for t in one.result.tasks for v in t.verdicts)
            }
            assert set(found.who) == having


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_the_grid_sorts_and_fits(browser: Any, tmp_path: Path, width: int) -> None:
    result = replace(classroom(12), roster=(Expected("Hal <b>Missing"),))
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(write_class_report(result, tmp_path, "en")[0].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    grid = page.locator("table.grid").last
    shown = [float(v or 0) for v in grid.locator("tbody .sum-of").evaluate_all(
        "cells => cells.map(cell => cell.dataset.v)")]  # fmt: skip
    for order in (sorted(shown), sorted(shown, reverse=True)):
        grid.locator("thead button").nth(1).click()
        values = "cells => cells.map(cell => Number(cell.dataset.v))"
        assert grid.locator("tbody .sum-of").evaluate_all(values) == order
    assert "Hal <b>Missing" in grid.inner_text()
    assert said == []
    page.close()


def named(name: str, student: str) -> Graded:
    return replace(graded(student, SAMPLE), name=name)


@pytest.mark.parametrize(
    ("platform", "name", "goes_to"),
    [
        ("moodle", "Ann Lee_12_assignsubmission_file/a/metrics.ipynb",
         "Ann Lee_12_assignsubmission_file/feedback.html"),
        ("moodle", "week/Ann Lee_12_assignsubmission_file_/metrics.ipynb",
         "Ann Lee_12_assignsubmission_file_/feedback.html"),
        ("moodle", "Ann Lee_12_assignsubmission_file_metrics.ipynb",
         "Ann Lee_12_assignsubmission_file_feedback.html"),
        ("canvas", "leeann_12_345_metrics.ipynb", "leeann_12_345_metrics.html"),
        ("canvas", "leeann_LATE_12_345_my_work.zip/metrics.ipynb",
         "leeann_LATE_12_345_my_work.html"),
    ],
)  # fmt: skip
def test_feedback_goes_back_by_the_platforms_own_names(
    tmp_path: Path, platform: str, name: str, goes_to: str
) -> None:
    result = ClassResult((named(name, "Ann Lee"), named("bo/metrics.ipynb", "bo")), hidden=True)
    target = tmp_path / "back.zip"
    done = write_export(result, f"{platform}-feedback", target)  # type: ignore[arg-type]
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [goes_to]
        page = archive.read(goes_to).decode()
    # The page is the one that the student may see, word for word.
    write_class_report(result, tmp_path / "report", "en")
    assert page in {p.read_text("utf-8") for p in (tmp_path / "report/students").iterdir()}
    assert "bo" in done.warnings[0]["zh"]
    # What each of them does with the name when it comes back.
    step = goes_to.split("/")[0]
    if platform == "moodle":
        assert step.split("_", 4)[1:4] == ["12", "assignsubmission", "file"]
    else:
        assert [part for part in step.split("_") if part.isdigit()][:2] == ["12", "345"]


def test_feedback_needs_names_of_the_platform(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="Moodle"):
        write_export(ClassResult((graded("ann", SAMPLE),)), "moodle-feedback", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


LONG = "def f1(a, b):\n" + "".join(f"    x{n} = a + {n}\n" for n in range(7)) + "    return x1\n"
LIKEWISE = LONG.replace("    x3", "\n    # mine\n    x3").replace(":\n", ':\n    """Mine."""\n', 1)


def having(source: str, student: str) -> Graded:
    return graded(student, replace(SAMPLE, cells=(CellRun("f1", source),)))


def test_equal_code_is_found_whatever_its_comments() -> None:
    result = ClassResult((
        having(LONG, "ann"), having(LIKEWISE, "bo"), having(LONG.replace("+", "-"), "chi"),
    ))  # fmt: skip
    (found,) = equal_code(result)
    assert (found.students, found.cells) == (("ann", "bo"), ("f1",))


def test_equal_code_is_no_stub_no_solution_and_nothing_short() -> None:
    solved = json.loads(catalog.exercise("metrics").notebook("en", solved=True).read_text("utf-8"))
    given = ["".join(cell["source"]) for cell in solved["cells"] if cell["cell_type"] == "code"]
    for source in (*given, "def f1(a):\n    return a\n", "def f1(:\n" * 9, "'" * 9):
        assert equal_code(ClassResult((having(source, "ann"), having(source, "bo")))) == ()


@given(st.text(alphabet="()[]{}'\"\\ \n\tdef:#=1a\0é\f\ud800", max_size=80))
def test_whatever_is_in_a_cell_is_compared(source: str) -> None:
    same = [having(source * times, who) for who in ("ann", "bo") for times in (1, 40)]
    for found in equal_code(ClassResult(tuple(same))):
        assert found.students == ("ann", "bo")
