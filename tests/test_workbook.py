"""A workbook is brought up to date without losing a line that the learner wrote."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.dev.views import digest
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Language
from autograder.learner.workbook import Placed, WorkbookError, carrying, find, nbfile, reset, start

Cell = dict[str, Any]
KERNEL = {"name": "python3", "display_name": "Python 3"}
TOML = """
title = {{ en = "Metrics", zh = "指标" }}
requires = []
[[tasks]]
name = "{0}"
points = 2
difficulty = 1
minutes = 5
title = {{ en = "T", zh = "题" }}
hints = {{ en = ["a", "b", "c"], zh = ["甲", "乙", "丙"] }}
"""


def prose(name: str, text: str) -> Cell:
    return _cell("markdown", name, text, {"nbgrader": _nbgrader(name, grade=False)})


def playground(name: str, text: str) -> Cell:
    return _cell("code", name, text, {})


def task(name: str, stub: str = "raise NotImplementedError") -> list[Cell]:
    source = f"def {name}(labels):\n    {stub}"
    answer = {"nbgrader": _nbgrader(name, solution=True), "touchstone": {"stub": digest(source)}}
    asked = {"nbgrader": _nbgrader(f"{name}-check", grade=True)}
    return [
        _cell("code", name, source, answer),
        _cell("code", f"{name}-check", f'check("{name}")', asked),
    ]


def _nbgrader(name: str, *, grade: bool = False, solution: bool = False) -> Cell:
    base = {"schema_version": 3, "task": False, "locked": not solution, "grade_id": name}
    points = {"points": 2, "cell_type": "code"} if grade else {}
    return {**base, "grade": grade, "solution": solution, **points}


def _cell(kind: str, name: str, text: str, metadata: Cell) -> Cell:
    cell: Cell = {"cell_type": kind, "id": name, "source": text, "metadata": metadata}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


SETUP = 'from autograder import check\nEXERCISE, LANGUAGE = "metrics", "{}"'
FIRST = [
    prose("intro", "# Metrics"),
    playground("setup", SETUP.format("en")),
    *task("recall"),
    playground("curve", "plot(recall)"),
    *task("precision"),
    prose("f1-text", "Now F1."),
    *task("f1"),
    *task("retired"),
]
# Reworded, reordered, one task less, one task more.
SECOND = [
    prose("intro", "# Metrics, reworded"),
    playground("setup", SETUP.format("en") + "\nimport numpy as np"),
    *task("precision"),
    *task("recall", stub="raise NotImplementedError  # YOUR CODE HERE"),
    playground("curve", "plot(recall, 'red')"),
    *task("accuracy"),
    prose("f1-text", "Now F1."),
    *task("f1"),
]
CHINESE = [
    prose("intro", "# 指标"),
    playground("setup", SETUP.format("zh")),
    *task("recall", stub="raise NotImplementedError  # 在这里写代码"),
    playground("curve", "plot(recall)"),
]


@dataclass
class Course:
    """A course with one exercise, of which editions come out one after the other."""

    root: Path
    slug: str = "metrics"

    def publish(self, cells: Sequence[Cell], language: Language = "en") -> Exercise:
        """Bring out an edition and return its exercise."""
        edition = digest(json.dumps(cells))
        origin = {"exercise": self.slug, "language": language, "edition": edition}
        notebook = {
            "cells": list(cells),
            "metadata": {"touchstone": origin, "kernelspec": KERNEL},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        folder = self.root / "autograder" / "course" / self.slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "exercise.toml").write_text(TOML.format("recall"), "utf-8")
        exercise = catalog.exercise(self.slug, folder.parent)
        path = exercise.notebook(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, notebook)
        return exercise


def write(path: Path, notebook: Cell) -> None:
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True) + "\n", "utf-8")


def read(path: Path) -> Cell:
    notebook: Cell = json.loads(path.read_bytes())
    return notebook


def sources(path: Path) -> dict[str, str]:
    return {cell["id"]: "".join(cell["source"]) for cell in read(path)["cells"]}


def texts(cells: Sequence[Cell]) -> set[str]:
    """Every text but blank ones, as the learner sees it."""
    joined = ("".join(cell["source"]).replace("\r\n", "\n").strip() for cell in cells)
    return {text for text in joined if text}


def edit(path: Path, **answers: str) -> None:
    """Save the notebook with other text in some cells (``_`` stands for ``-`` in an id)."""
    notebook = read(path)
    for cell in notebook["cells"]:
        name = cell.get("id", "").replace("-", "_")
        cell["source"] = answers.pop(name, cell["source"])
    assert not answers
    write(path, notebook)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path / "course")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my work"


def place(folder: Path, exercise: Exercise, language: Language = "en") -> Placed:
    (placed,) = start(folder, language, exercises=[exercise])
    return placed


ANSWER = "def recall(labels):\n    return 1.0"


def test_start_makes_a_workbook_with_the_courses_notebook(course: Course, folder: Path) -> None:
    exercise = course.publish(FIRST)
    assert place(folder, exercise) == Placed(folder / "metrics.ipynb", "created")
    assert (folder / "metrics.ipynb").read_bytes() == exercise.notebook("en").read_bytes()


def test_a_workbook_is_found_from_within(course: Course, folder: Path) -> None:
    place(folder, course.publish(CHINESE, "zh"), "zh")
    inner = folder / "notes" / "deep"
    inner.mkdir(parents=True)
    book = find(inner)
    assert book is not None
    assert (book.folder, book.language) == (folder.resolve(), "zh")
    assert book.journal.parent.is_dir()
    assert find(course.root) is None


def test_the_notebooks_of_a_workbook_are_those_of_the_course(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = (course.publish(FIRST), Course(course.root, "bert").publish(FIRST))
    monkeypatch.setattr(catalog, "exercises", lambda: chosen)
    start(folder, "en")
    for name in ("scratch", "metrics.former-2026-01-01"):
        (folder / f"{name}.ipynb").touch()
    book = find(folder)
    assert book is not None
    assert [path.stem for path in book.notebooks] == ["metrics", "bert"]


@pytest.mark.parametrize("state", [None, "", "[]", '{"language": "fr"}', '{"language": ["en"]}'])
def test_a_damaged_state_is_named_and_start_mends_it(
    course: Course, folder: Path, state: str | None
) -> None:
    exercise = course.publish(FIRST)
    place(folder, exercise)
    path = folder / ".touchstone" / "workbook.json"
    path.unlink() if state is None else path.write_text(state)
    with pytest.raises(WorkbookError, match="touchstone start") as caught:
        find(folder)
    assert str(path) in caught.value.text["zh"]
    place(folder, exercise)
    assert find(folder) is not None


def test_work_on_the_present_edition_is_kept_byte_for_byte(course: Course, folder: Path) -> None:
    exercise = course.publish(FIRST)
    path = place(folder, exercise).path
    edit(path, recall=ANSWER, intro="# mine", recall_check="")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = snapshot(folder)
    assert place(folder, exercise) == Placed(path, "kept")
    assert snapshot(folder) == before


def test_a_new_edition_takes_over_the_answers_alone(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, curve="plot(mine)")
    placed = place(folder, course.publish(SECOND))
    assert placed == Placed(path, "updated", ("recall", "curve"), former=placed.former)
    expected = {cell["id"]: cell["source"] for cell in SECOND}
    assert sources(path) == {**expected, "recall": ANSWER, "curve": "plot(mine)"}
    assert list(sources(path)) == list(expected)


def test_where_everything_fits_nothing_is_put_beside(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER)
    newer = [prose("intro", "# Reworded"), *FIRST[1:]]
    placed = place(folder, course.publish(newer))
    assert (placed.carried, placed.left_over, placed.former) == (("recall",), None, None)
    assert set(snapshot(folder)) == {"metrics.ipynb"}


def test_what_does_not_fit_is_kept_beside(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, retired="def retired(x): return 5", intro="# My own words", f1=ANSWER)
    before = path.read_bytes()
    placed = place(folder, course.publish(SECOND))
    assert placed.left_over is not None
    assert placed.former is not None
    assert placed.former.read_bytes() == before
    kept = texts(read(placed.left_over)["cells"])
    assert {"def retired(x): return 5", "# My own words"} <= kept
    assert ANSWER not in kept
    assert "retired" not in sources(path)
    assert sources(path)["intro"] == "# Metrics, reworded"
    nbformat.validate(read(placed.left_over))


def test_another_language_keeps_the_answers_and_its_own_setup(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, setup=SETUP.format("en") + "\nimport math")
    place(folder, course.publish(CHINESE, "zh"), "zh")
    found = sources(path)
    assert found["recall"] == ANSWER
    assert found["setup"] == SETUP.format("zh")
    assert list(found).index("setup-added") == list(found).index("setup") + 1
    assert found["setup-added"] == "import math"
    book = find(folder)
    assert book is not None
    assert book.language == "zh"


def test_added_cells_stay_after_their_neighbour(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    notebook = read(path)
    top, helper = playground("mine-0", "top = 1"), playground("mine-1", "def helper(): ...")
    note = _cell("markdown", "mine-2", "remember", {})
    note["metadata"]["tags"] = ["todo"]
    at = [cell["id"] for cell in notebook["cells"]].index("f1")
    cells = notebook["cells"]
    notebook["cells"] = [top, *cells[: at + 1], helper, note, *cells[at + 1 :]]
    write(path, notebook)
    place(folder, course.publish(SECOND))
    ids = list(sources(path))
    assert ids[0] == "mine-0"
    at = ids.index("f1")
    assert ids[at : at + 4] == ["f1", "mine-1", "mine-2", "f1-check"]
    assert note in read(path)["cells"]


@pytest.mark.parametrize("lost", [("id",), ("id", "metadata"), ("metadata",)])
def test_answers_are_found_when_a_tool_lost_their_names(
    course: Course, folder: Path, lost: Sequence[str]
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, precision="%matplotlib inline\ndef precision(x):\n    return (")
    notebook = read(path)
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        for key in lost:
            cell[key] = {} if key == "metadata" else "x"
            cell.pop("id") if key == "id" else None
    write(path, notebook)
    placed = place(folder, course.publish(SECOND))
    assert placed.carried == ("precision", "recall")
    assert placed.former is not None, "something was guessed"
    assert sources(path)["recall"] == ANSWER
    assert set(sources(path)) == {cell["id"] for cell in SECOND}


def test_an_answer_without_id_or_definition_is_found_by_nbgraders_name(
    course: Course, folder: Path
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall="recall = max")
    notebook = read(path)
    for cell in notebook["cells"]:
        del cell["id"]
    write(path, notebook)
    placed = place(folder, course.publish([prose("intro", "# Reworded"), *FIRST[1:]]))
    assert placed.carried == ("recall",)
    assert placed.former is not None, "something was guessed"
    assert sources(path)["recall"] == "recall = max"


def test_an_added_answer_stays_after_a_stub_that_moved(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    notebook = read(path)
    at = [cell["id"] for cell in notebook["cells"]].index("precision-check")
    notebook["cells"].insert(at, playground("mine", ANSWER))
    write(path, notebook)
    place(folder, course.publish(SECOND))
    ids = list(sources(path))
    assert ids[ids.index("recall") + 1] == "mine"


def test_an_order_of_the_learners_own_is_kept_in_the_copy(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    notebook = read(path)
    notebook["cells"].reverse()
    write(path, notebook)
    newer = [prose("intro", "# Reworded"), *FIRST[1:]]
    placed = place(folder, course.publish(newer))
    assert placed.former is not None
    assert read(placed.former) == notebook


def test_a_save_in_the_midst_of_an_update_is_not_overwritten(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER)
    newer, carry = course.publish(SECOND), carrying.carry

    def carry_while_saving(*notebooks: Any) -> carrying.Carried:
        edit(path, recall="saved by JupyterLab")
        return carry(*notebooks)

    monkeypatch.setattr(carrying, "carry", carry_while_saving)
    with pytest.raises(WorkbookError, match="another program"):
        place(folder, newer)
    assert sources(path)["recall"] == "saved by JupyterLab"


def test_a_copied_answer_claims_no_points_of_its_own(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER)
    notebook = read(path)
    index = [cell["id"] for cell in notebook["cells"]].index("recall")
    notebook["cells"].insert(index + 1, copy.deepcopy(notebook["cells"][index]))
    notebook["metadata"]["kernelspec"] = {"name": "mine", "display_name": "Mine"}
    write(path, notebook)
    place(folder, course.publish(SECOND))
    updated = read(path)
    first, second = [cell for cell in updated["cells"] if cell["source"] == ANSWER]
    assert first["metadata"]["nbgrader"]["grade_id"] == "recall"
    assert second["metadata"] == {}
    assert updated["metadata"]["kernelspec"] == {"name": "mine", "display_name": "Mine"}


def test_left_over_cells_are_no_submission(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, intro="# My own words")
    placed = place(folder, course.publish(SECOND))
    assert placed.left_over is not None
    assert "touchstone" not in read(placed.left_over)["metadata"]


def test_where_there_are_no_hard_links_nothing_is_overwritten_either(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, "no links here", target)

    monkeypatch.setattr(os, "link", refuse)
    exercise = course.publish(FIRST)
    path = place(folder, exercise).path
    edit(path, recall=ANSWER)
    assert place(folder, exercise).action == "kept"
    assert reset(path) != reset(path)
    assert len(snapshot(folder)) == 3


def test_a_cell_that_answers_two_tasks_is_not_undone_by_a_stub(
    course: Course, folder: Path
) -> None:
    path = place(folder, course.publish(FIRST)).path
    notebook = read(path)
    both = ANSWER + "\n\ndef precision(labels):\n    return 2.0"
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] != "precision"]
    write(path, notebook)
    edit(path, recall=both)
    newer = [prose("intro", "# Reworded"), *FIRST[1:]]
    placed = place(folder, course.publish(newer))
    assert placed.former is not None
    assert sources(path)["recall"] == both
    assert "precision" not in sources(path)
    assert "precision-check" in sources(path)


def test_without_the_store_nothing_is_lost_and_untouched_stubs_are_replaced(
    course: Course, folder: Path
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, precision=ANSWER.replace("recall", "precision"), f1_text="My F1.")
    for file in (folder / ".touchstone" / "editions").iterdir():
        file.unlink()
    placed = place(folder, course.publish(SECOND))
    assert placed.carried == ("precision", "curve")
    assert sources(path)["recall"] == SECOND[4]["source"]
    assert placed.left_over is not None
    assert "My F1." in texts(read(placed.left_over)["cells"])


@pytest.mark.parametrize("broken", [False, True])
def test_a_notebook_of_no_known_edition_is_reset_to_the_present_one(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    exercise = course.publish(FIRST)
    monkeypatch.setattr(catalog, "exercise", {"metrics": exercise}.__getitem__)
    path = place(folder, exercise).path
    notebook = read(path)
    outside = {**notebook["metadata"]["touchstone"], "edition": "x/../../../x"}
    notebook["metadata"]["touchstone"] = outside
    write(path, notebook)
    write(folder / "x.ipynb", notebook | {"cells": []})  # which no edition may lead to
    if broken:
        path.write_text("{broken")
    reset(path)
    assert read(path) == read(exercise.notebook("en"))


UNREADABLE = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b'{"nbformat": 3, "worksheets": []}',
    b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
    b'{"nbformat": 4, "cells": {}}',
    b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}',
    json.dumps(
        {"nbformat": 4, "metadata": {"touchstone": {"exercise": "bert"}}, "cells": FIRST}
    ).encode(),
]


@pytest.mark.parametrize("content", UNREADABLE, ids=[c[:20].decode("latin1") for c in UNREADABLE])
def test_a_file_that_is_not_ours_is_left_alone_and_reported(
    course: Course, folder: Path, content: bytes
) -> None:
    folder.mkdir()
    path = folder / "metrics.ipynb"
    path.write_bytes(content)
    placed = place(folder, course.publish(FIRST))
    assert (placed.path, placed.action) == (path, "kept")
    assert placed.problem is not None
    assert all("metrics.ipynb" in placed.problem[language] for language in LANGUAGES)
    assert snapshot(folder) == {"metrics.ipynb": content}


def test_links_are_followed_and_stay_links(course: Course, folder: Path, tmp_path: Path) -> None:
    exercise = course.publish(FIRST)
    folder.mkdir()
    path, elsewhere = folder / "metrics.ipynb", tmp_path / "synced" / "notebook.ipynb"
    path.symlink_to(elsewhere)
    assert place(folder, exercise).problem is not None
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(exercise.notebook("en").read_bytes())
    edit(path, recall=ANSWER)
    elsewhere.chmod(0o640)
    assert place(folder, course.publish(SECOND)).action == "updated"
    assert path.is_symlink()
    assert sources(elsewhere)["recall"] == ANSWER
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_leaves_everything_as_it_was(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, intro="# mine")
    newer = course.publish(SECOND)
    before = snapshot(folder)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for act in (lambda: place(folder, newer), lambda: reset(path)):
        with pytest.raises(WorkbookError, match="No space left") as caught:
            act()
        assert "丢失" in caught.value.text["zh"]
        assert snapshot(folder) == before


def test_a_failing_last_step_leaves_the_notebook_and_a_second_run_succeeds(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, intro="# mine")
    before, newer = path.read_bytes(), course.publish(SECOND)

    def refuse(source: str, target: str) -> None:
        if Path(target).name == "metrics.ipynb":
            raise PermissionError(errno.EACCES, "refused", target)
        os.rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse)
        with pytest.raises(WorkbookError, match="refused"):
            place(folder, newer)
    assert path.read_bytes() == before
    assert not [name for name in snapshot(folder) if name.endswith(".tmp")]
    assert place(folder, newer).action == "updated"
    assert sources(path)["recall"] == ANSWER


def test_a_course_that_is_incomplete_is_our_fault_and_touches_nothing(
    course: Course, folder: Path
) -> None:
    exercise = course.publish(FIRST)
    exercise.notebook("en").unlink()
    with pytest.raises(WorkbookError, match="touchstone dev build metrics"):
        place(folder, exercise)
    assert not folder.exists()


def test_a_folder_that_is_a_file_is_named(course: Course, folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(WorkbookError, match="my work"):
        place(folder, course.publish(FIRST))
    assert folder.read_text() == "a file"


def test_an_unknown_language_is_refused(course: Course, folder: Path) -> None:
    with pytest.raises(WorkbookError, match="'fr'"):
        place(folder, course.publish(FIRST), "fr")  # type: ignore[arg-type]


def test_reset_restores_the_edition_that_the_learner_has(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    original = path.read_bytes()
    course.publish(SECOND)
    copies = []
    for answer in ("one", "two", "three"):
        edit(path, recall=answer)
        worked = path.read_bytes()
        copies.append(reset(path))
        assert copies[-1].read_bytes() == worked
        assert path.read_bytes() == original
    assert len(set(copies)) == 3
    assert {copy.parent for copy in copies} == {folder}


def test_reset_of_a_task_leaves_the_other_cells(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    edit(path, recall=ANSWER, recall_check="", precision="def precision(x): ...", curve="mine")
    before = read(path)
    reset(path, tasks=["recall"])
    found, first = sources(path), {cell["id"]: cell["source"] for cell in FIRST}
    assert found["recall"] == first["recall"]
    assert found["recall-check"] == first["recall-check"]
    others = [cell for cell in before["cells"] if not cell["id"].startswith("recall")]
    assert [c for c in read(path)["cells"] if not c["id"].startswith("recall")] == others


def test_reset_of_a_task_brings_back_a_deleted_cell(course: Course, folder: Path) -> None:
    path = place(folder, course.publish(FIRST)).path
    notebook = read(path)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] not in ("recall", "intro")]
    notebook["cells"].append(_cell("raw", "recall", "turned off", {}))
    write(path, notebook)
    reset(path, tasks=["recall"])
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert ids[:3] == ["setup", "recall", "recall-check"]
    assert len(set(ids)) == len(ids)
    assert "turned off" in sources(path).values()


@pytest.mark.parametrize("tasks", [["recal"], ["recall", "recal"], []])
def test_reset_of_an_unknown_task_touches_nothing(
    course: Course, folder: Path, tasks: list[str]
) -> None:
    path = place(folder, course.publish(FIRST)).path
    before = snapshot(folder)
    with pytest.raises(WorkbookError, match="recall, precision, f1, retired"):
        reset(path, tasks=tasks)
    assert snapshot(folder) == before


def test_reset_of_nothing_says_how_to_get_it(folder: Path) -> None:
    with pytest.raises(WorkbookError, match="touchstone start"):
        reset(folder / "metrics.ipynb")


def test_reset_of_a_notebook_of_no_exercise_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "diary.ipynb"
    path.write_text("dear diary")
    with pytest.raises(WorkbookError, match="no exercise"):
        reset(path)
    assert snapshot(tmp_path) == {"diary.ipynb": b"dear diary"}


def test_reset_of_tasks_in_an_unreadable_notebook_points_to_the_whole(
    course: Course, folder: Path
) -> None:
    exercise = course.publish(FIRST)
    path = place(folder, exercise).path
    path.write_text("{broken")
    with pytest.raises(WorkbookError):
        reset(path, tasks=["recall"])
    assert path.read_text() == "{broken"


BUILT = sorted(catalog.content_root().glob("exercises/*/*.ipynb"))


@pytest.mark.parametrize("path", BUILT, ids=["-".join(p.parts[-2:]) for p in BUILT])
def test_the_stubs_that_the_build_makes_are_known_as_such(path: Path) -> None:
    cells = nbfile.parse(path.read_bytes()).cells
    stubs = [cell for cell in cells if nbfile.is_solution(cell)]
    assert stubs
    assert all(nbfile.is_own_stub(cell) for cell in stubs)
    assert not any(nbfile.is_own_stub({**cell, "source": "other"}) for cell in stubs)


# Whatever a learner, or a learner's tools, may do to a notebook.

NAMES = ["recall", "precision", "f1", "retired", "accuracy", "helper"]
SOURCES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f"def {name}(labels):\n    return 'mine'"),
    st.tuples(st.sampled_from(NAMES), st.integers(0, 9)).map(
        lambda p: f"%time\ndef {p[0]}(x): {p[1]}"
    ),
    st.sampled_from([cell["source"] for cell in (*FIRST, *SECOND)]),
    st.sampled_from(["", " \n", "x = 1\r\ny = 2", "\ud800", "import math", "# 笔记"]),
    st.text(max_size=8),
)
PLACES = st.integers(0, 30)
ACTIONS = st.one_of(
    st.tuples(st.just("edit"), PLACES, SOURCES),
    st.tuples(st.just("add"), PLACES, SOURCES),
    st.tuples(st.just("note"), PLACES, SOURCES),
    st.tuples(st.just("delete"), PLACES, st.none()),
    st.tuples(st.just("move"), PLACES, PLACES),
    st.tuples(st.just("copy"), PLACES, PLACES),
    st.tuples(st.just("lose id"), PLACES, st.none()),
    st.tuples(st.just("lose metadata"), PLACES, st.none()),
    st.tuples(st.just("turn off"), PLACES, st.none()),
    st.tuples(st.just("as lines"), PLACES, st.none()),
    st.tuples(st.just("lose all ids"), PLACES, st.none()),
    st.tuples(st.just("renumber"), PLACES, st.none()),
)


def act(cells: list[Cell], action: str, place: int, extra: Any) -> None:
    """Do one thing to a notebook's cells."""
    at = place % (len(cells) or 1)
    if action in ("add", "note"):
        made = playground(f"new-{len(cells)}", extra)
        note = _cell("markdown", f"new-{len(cells)}", extra, {})
        cells.insert(at, made if action == "add" else note)
    elif action in ("lose all ids", "renumber"):
        for number, cell in enumerate(cells):
            cell.pop("id", None)
            cell.update({"id": str(number)} if action == "renumber" else {})
    elif cells:
        _act_on_cell(cells, action, at, extra)


def _act_on_cell(cells: list[Cell], action: str, at: int, extra: Any) -> None:
    cell = cells[at]
    match action:
        case "edit":
            cell["source"] = extra
        case "delete":
            del cells[at]
        case "move":
            cells.insert(extra % len(cells), cells.pop(at))
        case "copy":
            cells.insert(extra % len(cells), copy.deepcopy(cell))
        case "lose id":
            cell.pop("id", None)
        case "lose metadata":
            cell["metadata"] = {}
        case "turn off":
            kept = {key: cell[key] for key in ("id", "source", "metadata") if key in cell}
            cells[at] = kept | {"cell_type": "raw"}
        case "as lines":
            cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    actions=st.lists(ACTIONS, max_size=8),
    store=st.booleans(),
    stripped=st.booleans(),
    language=st.sampled_from(["en", "zh"]),
)
def test_whatever_was_done_no_line_is_lost(
    actions: list[tuple[str, int, Any]], store: bool, stripped: bool, language: Language
) -> None:
    with tempfile.TemporaryDirectory() as name:
        course, folder = Course(Path(name) / "course"), Path(name) / "mine"
        path = place(folder, course.publish(FIRST)).path
        notebook = read(path)
        for action in actions:
            act(notebook["cells"], *action)
        if stripped:
            notebook["metadata"] = {}
        write(path, notebook)
        if not store:
            for file in (folder / ".touchstone" / "editions").iterdir():
                file.unlink()
        written = texts(notebook["cells"]) - texts(FIRST)

        newer = course.publish(SECOND if language == "en" else CHINESE, language)
        placed = place(folder, newer, language)
        found = texts(read(path)["cells"])
        if placed.left_over:
            found |= texts(read(placed.left_over)["cells"])
        assert written <= found
        if placed.former:
            assert read(placed.former) == notebook
        if placed.problem is None:
            nbformat.validate(read(path))
            ids = [cell["id"] for cell in read(path)["cells"]]
            assert len(set(ids)) == len(ids)

        before = snapshot(folder)
        again = place(folder, newer, language)
        assert (again.action, again.carried, again.problem) == ("kept", (), placed.problem)
        assert snapshot(folder) == before


@settings(max_examples=60, deadline=None)
@given(
    answers=st.dictionaries(st.sampled_from(["recall", "precision", "f1"]), st.text(max_size=9)),
    added=st.lists(st.tuples(PLACES, st.sampled_from(NAMES)), unique_by=lambda a: a[1]),
)
def test_an_answer_that_held_still_holds(
    answers: dict[str, str], added: list[tuple[int, str]]
) -> None:
    """Whether in its own cell or in an added one, the learner's definition is the last."""
    with tempfile.TemporaryDirectory() as name:
        course, folder = Course(Path(name) / "course"), Path(name) / "mine"
        path = place(folder, course.publish(FIRST)).path
        notebook = read(path)
        for cell in notebook["cells"]:
            if cell["id"] in answers:
                cell["source"] = f"def {cell['id']}(x): return {answers[cell['id']]!r}"
        for number, (at, defined) in enumerate(added):
            made = playground(f"new-{number}", f"def {defined}(x): return 'added'")
            notebook["cells"].insert(at % len(notebook["cells"]), made)
        write(path, notebook)
        held = _last_definitions(notebook["cells"])
        twice = answers.keys() & {defined for _, defined in added}  # an edition may reorder them
        place(folder, course.publish(SECOND))
        holds = _last_definitions(read(path)["cells"])
        for defined, source in held.items():
            if "return" in source and defined not in twice:
                assert holds[defined] == source


def _last_definitions(cells: Sequence[Cell]) -> dict[str, str]:
    """The text of the cell that defines each name last."""
    return {name: "".join(cell["source"]) for cell in cells for name in nbfile.defined_names(cell)}


def test_lessons_lie_beside_and_one_that_was_written_in_stays(tmp_path: Path) -> None:
    chosen = [catalog.exercise("metrics"), catalog.exercise("speech")]
    start(tmp_path, "zh", exercises=chosen)
    lesson, other = (tmp_path / "lessons" / slug / "zh.md" for slug in ("metrics", "speech"))
    text = lesson.read_text("utf-8")
    assert text.startswith("# ")
    for target in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (lesson.parent / target).is_file(), target
    source = json.loads((tmp_path / "metrics.ipynb").read_text("utf-8"))
    links = re.findall(r"\]\((lessons/[^)]+)\)", str(source["cells"]))
    assert links
    for path, _, anchor in (link.partition("#") for link in links):
        assert f'<a id="{anchor}"></a>' in (tmp_path / path).read_text("utf-8")

    lesson.write_text(text + "\nmine", "utf-8")
    other.write_text("old", "utf-8")
    record = tmp_path / ".touchstone" / "lessons.json"
    known = json.loads(record.read_text("utf-8"))
    known["speech/zh.md"] = hashlib.sha256(b"old").hexdigest()  # as a former edition left it
    record.write_text(json.dumps(known), "utf-8")
    start(tmp_path, "zh", exercises=chosen)
    assert lesson.read_text("utf-8") == text + "\nmine"
    assert other.read_text("utf-8").startswith("# ")
