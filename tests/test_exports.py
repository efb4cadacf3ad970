"""Exports of a class, read back as the systems read them that they are for."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from classroom import AWKWARD, classroom, graded
from hostile import hostile
from hypothesis import given, settings
from samples import both, sample_results

from autograder.judging.results import ClassResult, SubmissionResult
from autograder.language import LANGUAGES, Language
from autograder.report import ReportError, gradescope_results, write_export
from autograder.report.exports import FORMS, _cells
from autograder.report.overview import best_of

each_language = pytest.mark.parametrize("language", LANGUAGES)
FILES = ("csv", "canvas", "junit", "json")


def read(path: Path, encoding: str = "utf-8-sig", **options: Any) -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, strict=True, **options))


# CSV


@each_language
def test_csv_has_a_row_for_every_notebook(tmp_path: Path, language: Language) -> None:
    result = classroom(names=AWKWARD, language=language)
    path = tmp_path / "points.csv"
    write_export(result, "csv", path, language=language)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "else Excel takes it for another encoding"
    head, *rows = read(path)
    assert len(rows) == len(result.graded)
    assert {len(row) for row in rows} == {len(head)}
    counting = {id(item) for item in best_of(result.graded).values()}
    for item, row in zip(result.graded, rows, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert cells["counts"] == ("yes" if id(item) in counting else "no")
        if item.result.problem is not None:
            assert (cells["status"], cells["points"]) == ("not_graded", "")
            assert cells["problem"] == item.result.problem[language]
            continue
        assert float(cells["points"]) == item.result.points
        for task in item.result.tasks:
            assert float(cells[f"{item.result.exercise}/{task.name}"]) == task.points


@given(hostile)
@settings(max_examples=60)
def test_no_cell_is_a_formula(text: str) -> None:
    for raw in (text, "=" + text, "\t@" + text, " +" + text, "－" + text, "\r=" + text):
        assert not _cells.words(raw).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－"))


def test_names_that_are_formulas_are_text(tmp_path: Path) -> None:
    result = classroom(names=("=cmd|'/c calc'!A1", "@SUM(A1)", "-2+3", "Ann"))
    for form in ("csv", "canvas"):
        write_export(result, form, tmp_path / form)
        cells = {cell for row in read(tmp_path / form)[1:] for cell in row}
        assert "Ann" in cells
        assert "'=cmd|'/c calc'!A1" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]


# Gradescope: "Autograder Specifications", output format

VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
TOP = {
    "score": float, "execution_time": float, "output": str, "output_format": FORMATS,
    "test_output_format": FORMATS, "test_name_format": FORMATS, "visibility": VISIBILITY,
    "stdout_visibility": VISIBILITY, "extra_data": dict, "tests": list, "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": float, "max_score": float, "status": {"passed", "failed"}, "name": str,
    "name_format": FORMATS, "number": str, "output": str, "output_format": FORMATS,
    "tags": list, "visibility": VISIBILITY, "extra_data": dict,
}  # fmt: skip


def assert_fits(table: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in table.items():
        assert name in fields, f"Gradescope knows no {name}"
        kind = fields[name]
        assert value in kind if isinstance(kind, set) else type(value) is kind, (name, value)


@each_language
@pytest.mark.parametrize("result", sample_results(), ids=lambda result: result.path)
def test_gradescope_reads_our_results(result: SubmissionResult, language: Language) -> None:
    table = json.loads(json.dumps(gradescope_results(result, language), allow_nan=False))
    assert_fits(table, TOP)
    for test in table["tests"]:
        assert_fits(test, TEST)
        assert 0 <= test["score"] <= test["max_score"]
    assert "score" in table or all("score" in test for test in table["tests"])
    assert table["score"] == result.points
    assert [t["score"] for t in table["tests"]] == [t.points for t in result.tasks]
    assert sum(t["max_score"] for t in table["tests"]) == sum(t.max_points for t in result.tasks)
    if result.problem is not None:
        assert re.sub(r"\s", "", result.problem[language]) in re.sub(r"\s", "", table["output"])


def test_gradescope_gets_a_file_for_each_notebook(tmp_path: Path) -> None:
    result = classroom(names=AWKWARD)
    write_export(result, "gradescope", tmp_path / "out")
    tables = [json.loads(p.read_text("utf-8")) for p in (tmp_path / "out").iterdir()]
    assert sorted(t["score"] for t in tables) == sorted(g.result.points for g in result.graded)


# JUnit: the attributes and elements of the XSDs that Jenkins and Surefire publish

SUITES = {"name", "tests", "failures", "errors", "time", "disabled"}
SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id"}
COUNTS = {"tests", "failures", "errors", "skipped"}


@each_language
def test_junit_keeps_to_the_common_schema(tmp_path: Path, language: Language) -> None:
    result = classroom(names=AWKWARD, language=language)
    write_export(result, "junit", tmp_path / "class.xml", language=language)
    root = ET.parse(tmp_path / "class.xml").getroot()
    assert root.tag == "testsuites"
    assert set(root.attrib) <= SUITES
    assert len(root) == len(result.graded)
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests"} <= set(suite.attrib) <= SUITE
        assert all(suite.attrib[name].isdecimal() for name in COUNTS & set(suite.attrib))
        assert int(suite.attrib["tests"]) == len(suite)
        for case in suite:
            assert case.tag == "testcase"
            assert set(case.attrib) == {"name", "classname", "time"}
            assert float(case.attrib["time"]) >= 0
            assert len(case) <= 1
            for outcome in case:
                assert outcome.tag in {"failure", "error", "skipped"}
                assert set(outcome.attrib) <= {"message", "type"}
    for name, tag in (("failures", "failure"), ("errors", "error")):
        assert int(root.attrib[name]) == len(root.findall(f".//{tag}"))


# JSON


def test_json_is_version_1_with_students(tmp_path: Path) -> None:
    result = classroom(names=AWKWARD)
    write_export(result, "json", tmp_path / "class.json")
    table = json.loads((tmp_path / "class.json").read_text("utf-8"))
    assert (table["version"], table["hidden"]) == (1, True)
    assert [s["student"] for s in table["submissions"]] == [g.student for g in result.graded]
    for item, entry in zip(result.graded, table["submissions"], strict=True):
        assert entry["path"] == item.name
        assert entry["points"] == item.result.points
        assert ("problem" in entry) == (item.result.problem is not None)
        assert [t["points"] for t in entry["tasks"]] == [t.points for t in item.result.tasks]


# All of them


@pytest.mark.parametrize("form", FILES)
def test_a_file_is_replaced_whole(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "out"
    path.write_text("of before" * 100_000)
    write_export(classroom(3), form, path)
    assert "of before" not in path.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_written_is_said(tmp_path: Path, form: Any) -> None:
    (tmp_path / "file").write_text("mine")
    target = tmp_path / "file" / "below"
    named = {
        "moodle-feedback": "A_1_assignsubmission_file/x.ipynb",
        "canvas-feedback": "a_1_2_x.ipynb",
    }
    result = classroom(2)
    if form in named:
        result = replace(result, graded=(replace(result.graded[0], name=named[form]),))
    with pytest.raises(ReportError) as raised:
        write_export(result, form, target)
    assert str(tmp_path) in raised.value.text["en"]
    assert raised.value.text["zh"] != raised.value.text["en"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("form", FILES)
def test_a_full_disk_is_said(form: Any) -> None:
    with pytest.raises(ReportError, match="No space left"):
        write_export(classroom(2), form, Path("/dev/full"))


def test_a_class_without_anybody_can_be_exported(tmp_path: Path) -> None:
    for form in FILES:
        write_export(ClassResult(()), form, tmp_path / form)
    write_export(ClassResult((graded("a", sample_results()[3]),)), "gradescope", tmp_path / "g")
    assert len(read(tmp_path / "csv")) == 1


def test_of_two_notebooks_the_better_counts(tmp_path: Path) -> None:
    one, best, *_ = sample_results()
    low, high = replace(one, points=3.0), replace(one, points=9.0)
    ungraded = replace(best, problem=both("no", "否"), points=0.0)
    result = ClassResult(tuple(graded("ann", item) for item in (low, high, ungraded)))
    write_export(result, "csv", tmp_path / "a.csv")
    head, *rows = read(tmp_path / "a.csv")
    assert [row[head.index("counts")] for row in rows] == ["no", "yes", "no"]
