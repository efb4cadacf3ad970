"""Layouts of a class: nobody is merged with anybody, and what was found is told."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from attempts import RECALL, notebook
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_intake import as_folder, as_zip, zipped

from autograder.classroom.intake import Intake, IntakeError, take_in
from autograder.classroom.layouts import LAYOUTS
from autograder.classroom.names import are_canvas_names
from autograder.cli.graded import Form
from autograder.cli.teachers import Layout
from autograder.engine import UnreadableNotebook, parse_notebook
from autograder.report.exports import FORMS


def work(exercise: str = "metrics", mine: str = "") -> bytes:
    setup = f'from autograder import check, hint\n\nEXERCISE, LANGUAGE = "{exercise}", "en"\n'
    return json.dumps(notebook(f"mine = {mine!r}", RECALL, setup=setup)).encode()


def whose(found: Intake) -> dict[str, list[str]]:
    people: dict[str, list[str]] = {}
    for one in found.submissions:
        people.setdefault(one.student, []).append(one.name)
    return people


def taken(source: Path, layout: str = "", *, because: str = "") -> Intake | None:
    """What is found; ``None`` if nothing is taken in, for a reason that names `because`."""
    refused: IntakeError | None = None
    try:
        return take_in(source, layout=layout)
    except IntakeError as error:
        refused = error
    assert all(because in text for text in refused.text.values())
    return None


WORK = work()
GRADESCOPE = """\
---
submission_11:
  :submitters:
  - :name: Ann Lee
    :sid: '501'
    :email: ann@example.org
  :created_at: 2026-11-01 10:00:00.000000000 Z
  :score: 3.0
  :history: !ruby/array:Submissions
  - 1
submission_12:
  :submitters:
  - :name: 王小明
    :sid: '502'
  - :name: Bo Chi
    :sid:
submission_13:
  :submitters:
  - :name: Ann Lee
    :sid: '503'
"""


@pytest.mark.parametrize("name", ["class (1)", "class", "class copy", "another"])
def test_a_folder_around_the_students_is_looked_through(tmp_path: Path, name: str) -> None:
    files = {f"class/{who}/metrics.ipynb": WORK for who in ("ann", "bo", "chi")}
    for source in (
        as_zip(files, tmp_path / f"{name}.zip"),
        as_folder(files | {"names.csv": b"", "read-me.pdf": b""}, tmp_path / name),
    ):
        found = take_in(source)
        assert list(whose(found)) == ["ann", "bo", "chi"]
        assert (found.students, found.notebooks) == (3, 3)
        assert found.layout["en"] == "one folder each, in class/"
        assert found.layout["zh"] == "每人一个文件夹（位于 class/）"


MERGED = {
    "a notebook beside the folder": (
        {"week/ann/metrics.ipynb": WORK, "week/bo/metrics.ipynb": WORK, "sample.ipynb": WORK},
        {"sections": ["ann", "bo", "sample"]},
    ),
    "sections": (
        {f"{s}/{who}/metrics.ipynb": WORK
         for s, people in (("one", ("ann", "bo")), ("two", ("ann", "chi"))) for who in people},
        {"sections": ["ann (one)", "ann (two)", "bo", "chi"]},
    ),
    "sections that did different exercises": (
        {"one/ann/metrics.ipynb": WORK, "one/bo/own.ipynb": work("resnet-eval"),
         "two/chi/metrics.ipynb": WORK},
        {"sections": ["ann", "bo", "chi"], "folders": ["one", "two"]},
    ),
    "files in a folder": (
        {"week/ann.ipynb": WORK, "week/bo.ipynb": WORK},
        {"files": ["ann", "bo"], "sections": ["ann", "bo"], "folders": ["week"]},
    ),
    "a folder for each exercise": (
        {f"{e}/{who}.ipynb": work(e) for e in ("metrics", "resnet-eval") for who in ("ann", "bo")},
        {"files": ["ann", "bo"]},
    ),
    "names like Canvas's": (
        {f"lab_3_{n}_{who}.ipynb": WORK for n, who in enumerate(("ann", "bo", "chi"), 1)},
        {"files": ["lab_3_1_ann", "lab_3_2_bo", "lab_3_3_chi"], "canvas": ["lab"]},
    ),
    "a class in an archive in it": (
        {"all.zip": zipped({"ann/metrics.ipynb": WORK, "bo/metrics.ipynb": WORK})},
        {"folders": ["all"]},
    ),
    "downloaded one after the other": (
        {"metrics.ipynb": WORK, "metrics (1).ipynb": WORK},
        {"folders": ["class"]},
    ),
    "two of one student": (
        {"ann/metrics.ipynb": WORK, "ann/final.ipynb": WORK, "bo/metrics.ipynb": WORK},
        {"folders": ["ann", "bo"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MERGED)
def test_where_one_may_be_several_it_is_asked(case: str, tmp_path: Path) -> None:
    files, layouts = MERGED[case]
    folder, archive = as_folder(files, tmp_path / "class"), as_zip(files, tmp_path / "class.zip")
    for source in (folder, archive):
        with pytest.raises(IntakeError) as asked:
            take_in(source)
        for text in asked.value.text.values():
            assert "--layout" in text
            assert str(source) in text
        assert "nothing was graded" in asked.value.text["en"]
        assert "没有评分" in asked.value.text["zh"]
        for layout, people in layouts.items():
            found = take_in(source, layout=layout)
            assert list(whose(found)) == people
            assert sum(map(len, whose(found).values())) >= len(files)


def test_numbers_in_names_are_not_canvass(tmp_path: Path) -> None:
    for number, files in enumerate((
        {f"metrics_2026_10_{who}.ipynb": WORK for who in ("ann", "bo")},
        {f"group_1_0{n}_{who}/metrics.ipynb": WORK for n, who in ((1, "ann"), (2, "bo"))},
        {f"lab_3_10_{who}.ipynb": WORK for who in ("ann", "bo")},
    )):  # fmt: skip
        found = take_in(as_zip(files, tmp_path / f"{number}.zip"))
        assert found.students == 2
        assert all(who.endswith(("ann", "bo")) for who in whose(found))


def test_attempts_that_a_platform_marks_are_one_students(tmp_path: Path) -> None:
    canvas = {
        "annlee_1201_4501_metrics.ipynb": WORK, "annlee_1201_4502_metrics-1.ipynb": WORK,
        "bochi_LATE_1202_4503_metrics.ipynb": WORK, "bochi_1202_4504_second.ipynb": WORK,
        "chi_1203_4505_work.ipynb": WORK, "dan_1204_4506_work.ipynb": WORK,
    }  # fmt: skip
    found = take_in(as_zip(canvas, tmp_path / "submissions.zip"))
    assert {who: len(names) for who, names in whose(found).items()} == {
        "annlee": 2, "bochi": 2, "chi": 1, "dan": 1,
    }  # fmt: skip
    assert found.layout["en"] == "named by Canvas"
    moodle = {f"Ann_7_assignsubmission_file/{n}.ipynb": WORK for n in ("a", "b")}
    assert take_in(as_zip(moodle, tmp_path / "moodle.zip")).students == 1


def test_folders_of_a_course_of_ones_own_are_assignments_and_no_people(tmp_path: Path) -> None:
    files = {
        f"submitted/{who}/{task}/work.ipynb": work(exercise)
        for who in ("ann", "bo", "chi")
        for task, exercise in (("ps1", "metrics"), ("ps2", "resnet-eval"))
    }
    assert list(whose(take_in(as_zip(files, tmp_path / "x.zip")))) == ["ann", "bo", "chi"]


@pytest.mark.parametrize("around", ["", "assignment_9_export/"])
def test_an_export_of_gradescope_has_names(tmp_path: Path, around: str) -> None:
    files = {f"{around}submission_{n}/metrics.ipynb": work(mine=str(n)) for n in (11, 12, 13, 14)}
    files[f"{around}submission_metadata.yml"] = GRADESCOPE.encode()
    found = take_in(as_zip(files, tmp_path / "download.zip"))
    assert {one.student: one.identifier for one in found.submissions} == {
        "Ann Lee (501)": "501", "Ann Lee (503)": "503", "王小明": "502", "Bo Chi": "",
        "submission_14": "",
    }  # fmt: skip
    assert len({one.name for one in found.submissions}) == 5
    assert found.layout["en"].startswith("an export of Gradescope")
    files[f"{around}submission_metadata.yml"] = b"- [nonsense"
    with pytest.raises(IntakeError, match="Gradescope") as error:
        take_in(as_zip(files, tmp_path / "broken.zip"))
    assert "Gradescope" in error.value.text["zh"]


def test_a_layout_that_there_is_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="no layout"):
        take_in(as_zip({"ann.ipynb": WORK}, tmp_path / "x.zip"), layout="heap")


def test_what_canvas_would_not_write() -> None:
    assert are_canvas_names(["a_1_2_x.ipynb", "a_1_3_y.ipynb", "b_2_4_x.ipynb"], [])
    for names in (
        [], ["x.ipynb"], ["a_1_02_x.ipynb"], ["a_01_2_x.ipynb"], ["metrics_1_2_x.ipynb"],
        ["a_1_2_x.ipynb", "b_2_2_x.ipynb"], ["a_1_2_x.ipynb", "b_1_3_x.ipynb"],
    ):  # fmt: skip
        assert not are_canvas_names(names, ["metrics"])


# --- Whatever the tree --------------------------------------------------------------------------

people = st.sets(st.sampled_from(["ann", "bo", "chi", "dan", "eve", "fay"]), min_size=2, max_size=5)
SHAPES = {
    "folders": "{who}/{slug}.ipynb", "deeper": "{who}/homework/{slug}/x.ipynb",
    "files": "{who}.ipynb", "exercise first": "{slug}_{who}.ipynb",
    "numbers": "lab_{n}_{m}_{who}.ipynb", "same numbers": "lab_3_{m}_{who}.ipynb",
    "dates": "{slug}_2026_10_{who}.ipynb", "numbered folders": "group_{n}_0{m}_{who}/{slug}.ipynb",
    "sections": "section-{n}/{who}/{slug}.ipynb", "file in section": "section-{n}/{who}.ipynb",
    "exercises": "{slug}/{who}.ipynb", "canvas": "{who}_{n}77_{m}99_{slug}.ipynb",
    "moodle": "{who}_{m}_assignsubmission_file/{slug}.ipynb",
}  # fmt: skip
AROUND = ["", "class/", "week 3/", "handed-in/deep/", "submitted/"]
BESIDE = ["", "names.csv", "notes.pdf", "sample.ipynb"]
one_each = st.fixed_dictionaries(
    {
        "shape": st.sampled_from(sorted(SHAPES)),
        "around": st.sampled_from(AROUND),
        "beside": st.sampled_from(BESIDE),
        "who": people,
        "sections": st.lists(st.integers(1, 2), min_size=5, max_size=5),
        "slugs": st.lists(st.sampled_from(["metrics", "resnet-eval"]), min_size=5, max_size=5),
    }
)


def tree(plan: dict) -> dict[str, bytes]:  # type: ignore[type-arg]
    files = {}
    for m, who in enumerate(sorted(plan["who"])):
        slug, n = plan["slugs"][m], plan["sections"][m]
        name = plan["around"] + SHAPES[plan["shape"]].format(who=who, slug=slug, n=n, m=m + 1)
        files[name] = work(slug, who)
    if plan["beside"]:
        files[plan["beside"]] = work("metrics", "nobody") if "ipynb" in plan["beside"] else b""
    return files


@settings(max_examples=200, deadline=None)
@given(plan=one_each)
@example(
    plan={
        "shape": "folders",
        "around": "week 3/",
        "beside": "",
        "who": {"ann", "bo"},
        "sections": [1] * 5,
        "slugs": ["metrics", "resnet-eval", *["metrics"] * 3],
    }
)
def test_no_two_students_are_merged_and_no_notebook_is_lost(plan: dict) -> None:  # type: ignore[type-arg]
    files = tree(plan)
    with tempfile.TemporaryDirectory() as folder:
        found = taken(as_zip(files, Path(folder) / "class.zip"), because="--layout")
        if found is None:
            return
        counted = {name: data for name, data in files.items() if name.endswith(".ipynb")}
        if plan["around"] == "submitted/":
            counted.pop("sample.ipynb", None)
        assert Counter(one.name for one in found.submissions if not one.problem) == Counter(
            list(counted)
        )
        students = {one.name: one.student for one in found.submissions}
        assert len({students[name] for name in counted}) == len(counted)


STEPS = ["a", "b", "metrics", "ann", "lab_3_1_x", "submitted"]
a_path = st.lists(st.sampled_from(STEPS), min_size=1, max_size=4).map("/".join)
anything = st.dictionaries(
    a_path.map("{}.ipynb".format),
    st.sampled_from([WORK, work("resnet-eval"), b"{", b'{"cells": []}']),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(files=anything, layout=st.sampled_from(["", "folders", "sections", "files", "canvas"]))
def test_each_notebook_is_a_result_or_has_its_reason(files: dict[str, bytes], layout: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = taken(as_zip(files, Path(folder) / "class.zip"), layout)
        if found is None:
            return
    names = {one.name for one in found.submissions}
    if not any("submitted" in name.split("/")[:-1] for name in files):
        assert names == set(files)
    seen: set[tuple[str, str]] = set()
    for one in found.submissions:
        try:
            key = (one.student, parse_notebook(one.read(), one.name).exercise)
        except UnreadableNotebook:
            continue
        assert layout or key not in seen or "lab_3_1" in one.name
        seen.add(key)


def test_the_command_offers_what_there_is() -> None:
    assert {one.value for one in Layout} == set(LAYOUTS)
    assert {one.value for one in Form} == set(FORMS)
