"""Each file that was handed in is in a result, or in the list of what was not graded."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from attempts import RECALL, notebook
from hypothesis import example, given, settings
from hypothesis import strategies as st
from toy_class import command

from autograder.classroom.intake import Intake, IntakeError, take_in
from autograder.classroom.layouts import LAYOUTS

NOTEBOOK = json.dumps(notebook(RECALL)).encode()
OTHER = NOTEBOOK.replace(b"metrics", b"resnet-eval")
Files = dict[str, bytes]


def zipped(files: Files, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def in_memory(files: Files) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return zipped(files, Path(folder) / "x.zip").read_bytes()


def unpacked(files: Files, folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def unaccounted(files: Files, intake: Intake) -> set[str]:
    """What is in no result and not in the list: by its name, by what is in it, or by its folder."""
    results = {one.name for one in intake.submissions}
    listed = {name for name, _ in intake.aside}
    whole = {one.name for one in intake.submissions if one.problem is not None}
    return {
        name
        for name in files
        if name not in results | listed
        and not any(result.startswith(f"{name}/") for result in results)
        and not any(name.startswith(f"{place}/") for place in whole)
    }


STEPS = ["ann", "bo", "submitted", "source", ".bob", ".ipynb_checkpoints", "__MACOSX", "a.b",
         "Kim_12_assignsubmission_file"]  # fmt: skip
LEAVES = ["metrics.ipynb", "ann.ipynb", ".bob.ipynb", "bob.metrics-2026-01-31.ipynb", "._x.ipynb",
          "metrics.before-reset-2026-01-31.ipynb", "work.zip", "notes.pdf", "names.csv",
          "gradebook.db"]  # fmt: skip
CONTENT = [
    NOTEBOOK,
    OTHER,
    b"{",
    b"",
    in_memory({"m.ipynb": NOTEBOOK}),
    in_memory({"x.py": b""}),
    in_memory({"m.ipynb": NOTEBOOK, "inner.zip": b"", ".ipynb_checkpoints/m.ipynb": b""}),
]
trees = st.dictionaries(
    st.tuples(st.lists(st.sampled_from(STEPS), max_size=3), st.sampled_from(LEAVES)).map(
        lambda two: "/".join([*two[0], two[1]])
    ),
    st.sampled_from(CONTENT), min_size=1, max_size=7,
)  # fmt: skip


def is_counted(name: str) -> bool:
    """Whether a file is work, or lies where no folder says whose it is: beside work it is its."""
    concealed = any(part.startswith((".", "__")) for part in name.split("/"))
    return name.endswith((".ipynb", ".zip")) or ("/" not in name and not concealed)


@settings(max_examples=150, deadline=None)
@given(files=trees, layout=st.sampled_from(["", *LAYOUTS]))
@example(files={"submitted/metrics.ipynb": NOTEBOOK, "ann/metrics.ipynb": OTHER}, layout="")
@example(files={"submitted/ann/m.ipynb": NOTEBOOK, "bo.ipynb": OTHER}, layout="")
@example(files={"bob.metrics-2026-01-31.ipynb": NOTEBOOK, "ann.ipynb": NOTEBOOK}, layout="files")
@example(files={".bob/metrics.ipynb": NOTEBOOK, "ann/metrics.ipynb": NOTEBOOK}, layout="")
def test_whatever_the_tree_each_file_is_somewhere(files: Files, layout: str) -> None:
    counted = {name: content for name, content in files.items() if is_counted(name)}
    with tempfile.TemporaryDirectory() as name:
        for source in (
            unpacked(files, Path(name) / "class"), zipped(files, Path(name) / "class.zip"),
        ):  # fmt: skip
            try:
                intake = take_in(source, layout=layout)
            except IntakeError:
                continue  # it is told, and nothing is graded
            assert unaccounted(counted, intake) == set()
            assert all(why["en"] != why["zh"] for _, why in intake.aside)


def test_a_student_called_submitted_hides_nobody(tmp_path: Path) -> None:
    files = {f"{who}/metrics.ipynb": NOTEBOOK for who in ("ann", "bo", "submitted")}
    found = take_in(unpacked(files, tmp_path / "class"))
    assert [one.student for one in found.submissions] == ["ann", "bo", "submitted"]
    assert found.aside == ()


@pytest.mark.parametrize("mark", ["gradebook.db", "source/metrics/metrics.ipynb"])
def test_of_an_nbgrader_course_what_is_beside_is_listed(tmp_path: Path, mark: str) -> None:
    files = {"submitted/lin/metrics/metrics.ipynb": NOTEBOOK, mark: NOTEBOOK}
    found = take_in(unpacked(files, tmp_path / "class"))
    assert [one.student for one in found.submissions] == ["lin"]
    assert [name for name, _ in found.aside] == [mark]


def test_a_name_like_a_dated_copy_is_a_students(tmp_path: Path) -> None:
    """Only what lies beside what it is a copy of is one of ours."""
    files = {"bob.metrics-2026-01-31.ipynb": NOTEBOOK, "kim.former-2026-01-31.ipynb": NOTEBOOK,
             "lin.ipynb": NOTEBOOK, "lin.former-2026-01-31.ipynb": OTHER}  # fmt: skip
    found = take_in(unpacked(files, tmp_path / "class"))
    assert [one.name for one in found.submissions] == [*sorted(files)[:2], "lin.ipynb"]
    assert [name for name, _ in found.aside] == ["lin.former-2026-01-31.ipynb"]


@pytest.mark.parametrize("ending", [".txt", ".json", ".JSON", ".download"])
def test_what_a_browser_renamed_is_its_students(tmp_path: Path, ending: str) -> None:
    """It was set aside, and the student was in no list of people."""
    for name in ("ann.ipynb", f"ben.ipynb{ending}"):
        (tmp_path / name).write_text("{}")
    found = take_in(tmp_path)
    assert [one.student for one in found.submissions] == ["ann", "ben"]
    assert f"ben.ipynb{ending}" in (found.submissions[1].problem or {})["en"]


def test_who_begins_with_a_full_stop_is_told_and_there(tmp_path: Path) -> None:
    files = {".bob.ipynb": NOTEBOOK, ".kim/metrics.ipynb": NOTEBOOK, "ann.ipynb": NOTEBOOK}
    found = take_in(unpacked(files, tmp_path / "class"))
    problems = {one.name: one.problem["en"] for one in found.submissions if one.problem}
    assert set(problems) == {".bob.ipynb", ".kim/metrics.ipynb"}
    assert all("full stop" in why for why in problems.values())


@pytest.fixture
def looped(tmp_path: Path) -> Path:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    return tmp_path


LONG = "x" * 300


@pytest.mark.parametrize(
    "source", ["one", "*", "one/*.ipynb", LONG, f"{LONG}/*.ipynb", "a/" * 3000]
)
def test_loops_and_long_names_are_told_and_never_our_fault(looped: Path, source: str) -> None:
    (looped / "ann.ipynb").write_bytes(NOTEBOOK)
    if source != "*":
        with pytest.raises(IntakeError) as told:
            take_in(str(looped / source), apart=looped / "one")
        assert told.value.text["en"] != told.value.text["zh"]
        return
    found = take_in(str(looped / source), apart=looped / "out")
    assert {one.name for one in found.submissions} == {"ann.ipynb", "one", "two"}


@pytest.mark.slow
@pytest.mark.parametrize("at", ["one", LONG])
def test_the_command_says_so_too(looped: Path, at: str) -> None:
    (looped / "ann.ipynb").write_bytes(NOTEBOOK)
    for source, out in ((at, "out"), ("ann.ipynb", at)):
        done = command(
            {**os.environ}, "class", "grade", looped / source, "--out", looped / out, "--no-sandbox"
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    done = command({**os.environ}, "grade", looped / f"{at}.ipynb")
    assert done.returncode in (1, 2), done.stdout + done.stderr
