"""The gradebook for Canvas, read by the rules of Canvas's own importer."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from classroom import graded
from samples import sample_results

from autograder.judging.results import ClassResult, Graded
from autograder.language import LANGUAGES, Language
from autograder.report import ReportError, write_export
from autograder.report.overview import title_of

TITLE = title_of("metrics")
HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,Warm-up (11),How good is this model? (12)"
ROSTER = (
    f"{HEAD},Assignments Current Score\r\n"
    ",,,,,,Manual Posting,\r\n"
    "    Points Possible,,,,,5,20,(read only)\r\n"
    '"Lin, Wei",101,s-1,wlin,Section A,4,,80\r\n'
    '"O\'Neil, Zoë",102,s-2,zoe@example.edu,"Section A, Section B",5,7,90\r\n'
    '"李, 雷",103,s-3,lilei,Section A,,3,\r\n'
    '"Student, Test",104,,abc,Section A,,,\r\n'
)


def scored(student: str, points: float, identifier: str = "", slug: str = "metrics") -> Graded:
    result = replace(sample_results()[0], points=points, exercise=slug)
    return graded(student, result, identifier=identifier)


def canvas(text: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Cells by student's id or else name, and points possible, as Canvas's importer finds them."""
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    lines = [line for line in text.splitlines(keepends=True) if not re.fullmatch("[;, ]+", line)]
    rows = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))
    header = rows[0]
    assert len(header) > 3
    assert "Student" in header[0]
    assert "ID" in header[1]
    columns = 3
    if re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        columns = 5
    assert "Section" in header[columns - 1], "Canvas: invalid header row"
    students, possible = {}, {}
    for row in rows[1:]:
        cells = dict(zip(header[columns:], row[columns:], strict=True))
        if "Points Possible" in row[0]:
            possible = cells
        elif not all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", c, re.I) for c in row if c):
            students[row[1] or row[0]] = cells
    return students, possible


def filled(
    tmp_path: Path, *items: Graded, roster: str = ROSTER, language: Language = "en"
) -> tuple[str, list[str]]:
    source, target = tmp_path / "roster.csv", tmp_path / "out.csv"
    source.write_text(roster, "utf-8", newline="")
    done = write_export(ClassResult(items), "canvas", target, roster=source, language=language)
    return target.read_bytes().decode("utf-8"), [text[language] for text in done.warnings]


@pytest.mark.parametrize("language", LANGUAGES)
def test_points_go_into_the_column_of_the_exercise(tmp_path: Path, language: Language) -> None:
    text, said = filled(
        tmp_path,
        scored("linwei", 8.3, "101"),  # by the id in the name of the file
        scored("zoe@example.edu", 20.0),  # by the login
        scored("李雷", 12.5),  # by the name
        language=language,
    )
    students, possible = canvas(text)
    column = "How good is this model? (12)"
    assert {key: cells[column] for key, cells in students.items()} == {
        "101": "8.3", "102": "20", "103": "12.5", "104": "",
    }  # fmt: skip
    assert possible[column] == "20"
    assert said == []


def test_everything_else_stays_as_it_was(tmp_path: Path) -> None:
    text, _ = filled(tmp_path, scored("x", 8.3, "101"))
    before, after = (list(csv.reader(io.StringIO(t, newline=""))) for t in (ROSTER, text))
    changed = [
        (row, column, new)
        for row, (old_row, new_row) in enumerate(zip(before, after, strict=True))
        for column, (old, new) in enumerate(zip(old_row, new_row, strict=True))
        if old != new
    ]
    assert changed == [(3, 6, "8.3")]


def test_an_exercise_without_a_column_gets_one(tmp_path: Path) -> None:
    text, said = filled(tmp_path, scored("x", 4.0, "103", "bert-classifier"), language="zh")
    students, possible = canvas(text)
    column = title_of("bert-classifier")["zh"]
    assert students["103"][column] == "4"
    assert students["101"][column] == ""
    assert possible[column] == "20"
    assert said == []


def test_whoever_is_not_in_the_roster_is_told_of(tmp_path: Path) -> None:
    text, said = filled(tmp_path, scored("Nobody", 5.0), scored("w", 6.0, "101"))
    assert "Nobody" in said[0]
    assert "1" in said[0]
    assert canvas(text)[0]["101"]["How good is this model? (12)"] == "6"


def test_whoever_has_no_grade_is_told_of_and_keeps_the_old_one(tmp_path: Path) -> None:
    text, said = filled(tmp_path, graded("lilei", sample_results()[3]), scored("w", 6.0, "101"))
    assert canvas(text)[0]["103"]["How good is this model? (12)"] == "3"
    assert "lilei" in said[0]


def test_other_points_possible_are_told_of(tmp_path: Path) -> None:
    _, said = filled(tmp_path, scored("w", 6.0, "101"), roster=ROSTER.replace(",5,20,", ",5,100,"))
    assert "100" in said[0]
    assert "20" in said[0]


@pytest.mark.parametrize(
    ("items", "roster"),
    [
        ([scored("Lin Wei", 1.0)], ROSTER + '"Wei, Lin",105,s-5,other,Section B,,,\r\n'),
        ([scored("Lin Wei", 1.0), scored("wlin", 2.0)], ROSTER),
        # An id of one student, the name of another: of another course, or another platform.
        ([scored("Lin Wei", 1.0, "103")], ROSTER),
    ],
    ids=["two rows of one name", "two students for one row", "id and name disagree"],
)
def test_what_is_not_clear_is_refused(tmp_path: Path, items: list[Graded], roster: str) -> None:
    with pytest.raises(ReportError, match="not clear which row") as raised:
        filled(tmp_path, *items, roster=roster)
    assert "Lin Wei" in raised.value.text["zh"]
    assert not (tmp_path / "out.csv").exists()


def test_two_columns_for_one_exercise_are_refused(tmp_path: Path) -> None:
    roster = ROSTER.replace("Warm-up (11)", "metrics (11)")
    with pytest.raises(ReportError, match=r"metrics \(11\)"):
        filled(tmp_path, scored("w", 6.0, "101"), roster=roster)


@pytest.mark.parametrize(
    "roster", ["", "a,b\r\n1,2\r\n", "\x00\x01", "ID,Student,Section\r\n1,Ann,A\r\n"]
)
def test_what_is_no_gradebook_is_refused(tmp_path: Path, roster: str) -> None:
    with pytest.raises(ReportError, match="no gradebook as Canvas exports it"):
        filled(tmp_path, scored("w", 6.0), roster=roster)


def test_a_roster_that_is_not_there_no_text_or_without_end(tmp_path: Path) -> None:
    """Whoever stands beyond what is read would be left out without a word."""
    endless = b"Student,ID,Section\n" + b"Ann,7,A\n" * 2**22
    for content in (None, b"\xff\xfe\x00S\xd8", endless):
        source = tmp_path / "roster.csv"
        if content is not None:
            source.write_bytes(content)
        with pytest.raises(ReportError, match=r"roster\.csv"):
            write_export(ClassResult(()), "canvas", tmp_path / "out", roster=source)


def test_semicolons_and_a_byte_order_mark_stay_readable(tmp_path: Path) -> None:
    roster = "\ufeffStudent;ID;SIS User ID;SIS Login ID;Section;metrics (9)\r\n" + (
        "    Points Possible;;;;;20,0\r\nAnn, Lee;7;;ann;A;\r\n"
    )
    text, said = filled(tmp_path, scored("ann lee", 8.3), roster=roster)
    assert canvas(text)[0]["7"]["metrics (9)"] == "8.3"
    assert said == []


def test_names_in_two_columns(tmp_path: Path) -> None:
    roster = "LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,metrics (9)\r\n" + (
        "Points Possible,,,,,,20\r\nLee,Ann,7,,al,A,\r\n"
    )
    text, _ = filled(tmp_path, scored("ann_lee", 8.0), roster=roster)
    assert text.endswith("Lee,Ann,7,,al,A,8\r\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_roster_what_is_known_is_written(tmp_path: Path, language: Language) -> None:
    path = tmp_path / "out.csv"
    items = (scored("Lin, Wei", 8.3, "101"), graded("Zed", sample_results()[3]))
    done = write_export(ClassResult(items), "canvas", path, language=language)
    students, possible = canvas(path.read_text("utf-8"))
    assert students == {"101": {TITLE[language]: "8.3"}, "Zed": {TITLE[language]: ""}}
    assert possible == {TITLE[language]: "20"}
    assert "Zed" in done.warnings[0][language]
