"""Building: what the notebooks hold, and when they are written."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from dev_exercise import SLUG, append, at, copied, edit, find, make
from hypothesis import given
from hypothesis import strategies as st

from autograder.dev.build import BuildError, build, orphans
from autograder.dev.percent import SourceError, in_language, read_cells
from autograder.dev.views import exercise_view, to_text
from autograder.engine import read_notebook
from autograder.language import LANGUAGES, Language

EN, ZH = f"exercises/en/{SLUG}.ipynb", f"exercises/zh/{SLUG}.ipynb"
SOLVED = f"solutions/en/{SLUG}.ipynb"
PICTURE = '\n\n# %% id="picture"\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    build(make(root))
    return root


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    return copied(built, tmp_path / "root")


def cells(path: Path) -> dict[str, Any]:
    return {cell["id"]: cell for cell in json.loads(path.read_text("utf-8"))["cells"]}


def snapshot(root: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in root.rglob("*.ipynb")}


@pytest.mark.slow
def test_makes_four_notebooks_that_nbformat_accepts(built: Path) -> None:
    paths = sorted(built.rglob("*.ipynb"))
    assert [p.relative_to(built).as_posix() for p in paths] == [
        EN, ZH, SOLVED, f"solutions/zh/{SLUG}.ipynb",
    ]  # fmt: skip
    for path in paths:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_the_learner_gets_a_stub_in_the_own_language_and_a_hash_of_it(built: Path) -> None:
    for path, comment, place in (
        (EN, "# Mind the empty list.", "# YOUR CODE HERE"),
        (ZH, "# 注意空列表。", "# 在这里写代码"),
    ):
        cell = cells(built / path)["average"]
        source = "".join(cell["source"])
        assert source == (
            f"def average(values):\n    {comment}\n    {place}\n    raise NotImplementedError"
        )
        recorded = cell["metadata"]["touchstone"]["stub"]
        assert hashlib.sha256(source.encode()).hexdigest().startswith(recorded)


def test_the_notebook_says_which_exercise_and_language_it_is(built: Path) -> None:
    for language in LANGUAGES:
        for room in ("exercises", "solutions"):
            path = built / room / language / f"{SLUG}.ipynb"
            assert f'EXERCISE, LANGUAGE = "{SLUG}", "{language}"' in "".join(
                cells(path)["setup"]["source"]
            )
            notebook = read_notebook(path, course=built / "autograder" / "course")
            assert (notebook.exercise, notebook.language) == (SLUG, language)


def test_nbgrader_knows_what_to_grade_and_what_to_keep(built: Path) -> None:
    found = cells(built / EN)
    marks = {id: cell["metadata"].get("nbgrader") for id, cell in found.items()}
    assert {id for id, mark in marks.items() if mark["grade"]} == {"average-check"}
    assert marks["average-check"]["points"] == 2
    assert {id for id, mark in marks.items() if mark["solution"]} == {"average"}
    assert {id for id, mark in marks.items() if not mark["locked"]} == {"average"}


def test_nbgrader_makes_the_same_stubs_from_the_solution(built: Path) -> None:
    """A teacher may take ``solutions/`` as the source of an nbgrader assignment."""
    from nbgrader.preprocessors import ClearOutput, ClearSolutions

    notebook = nbformat.read(built / SOLVED, as_version=4)
    stub = "# YOUR CODE HERE\nraise NotImplementedError"
    notebook, _ = ClearSolutions(code_stub={"python": stub}).preprocess(notebook, {})
    notebook, _ = ClearOutput().preprocess(notebook, {})
    ours = nbformat.read(built / EN, as_version=4)
    assert [c.source for c in notebook.cells] == [c.source for c in ours.cells]


def test_a_playground_stays_the_learners_own(root: Path) -> None:
    append("notebook.py", PICTURE + "print(average([1.0]))\n")(root)
    view = exercise_view(at(root), read_cells(at(root)), "en")
    assert view.cells[-1].id == "picture"
    assert dict(view.cells[-1].metadata) == {}


def test_the_solution_shows_the_verdict_and_nothing_of_this_machine(built: Path) -> None:
    text = (built / SOLVED).read_text("utf-8")
    assert "2 / 2" in text
    assert str(Path.home()) + "/" not in text
    assert "/tmp" not in text


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    other = make(tmp_path)
    for language in LANGUAGES:
        text = to_text(exercise_view(other, read_cells(other), language))
        assert text.encode() == (built / "exercises" / language / f"{SLUG}.ipynb").read_bytes()
        assert text.endswith("}\n")


def test_a_second_build_writes_nothing(root: Path) -> None:
    before = snapshot(root)
    assert build(at(root)) == []
    assert snapshot(root) == before


@pytest.mark.slow
def test_checking_runs_the_solutions_and_writes_nothing(root: Path) -> None:
    before = snapshot(root)
    assert build(at(root), check=True) == []
    assert snapshot(root) == before


def test_what_a_comment_changes_in_one_language_is_rebuilt_in_that_one(root: Path) -> None:
    edit("notebook.py", "# en: Mind the empty list.", "# en: Mind an empty list.")(root)
    stale = build(at(root), check=True, execute=False)
    assert {change.path for change in stale} == {root / EN, root / SOLVED}
    assert all(f"touchstone dev build {SLUG}" in change.message for change in stale)
    assert {change.path for change in build(at(root))} == {root / EN, root / SOLVED}
    assert build(at(root), check=True, execute=False) == []


def test_where_only_prose_changes_nothing_runs_and_outputs_stay(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {id: cell.get("outputs") for id, cell in cells(root / SOLVED).items()}
    edit("notebook.py", "Say why one wants", "Say why you want")(root)

    def refused(*_: object) -> None:
        pytest.fail("a solution ran")

    monkeypatch.setattr("autograder.dev.build.run", refused)
    assert {change.path for change in build(at(root))} == {root / EN, root / SOLVED}
    assert {id: cell.get("outputs") for id, cell in cells(root / SOLVED).items()} == before
    assert build(at(root), check=True, execute=False) == []


def test_chinese_lines_are_joined_for_the_reader(root: Path) -> None:
    edit("notebook.py", "说说为什么值得动手，", "说说为什么\n# 值得动手，\n# ")(root)
    source = exercise_view(at(root), read_cells(at(root)), "zh").cells[0].source
    assert "说说为什么值得动手，用真实数据和一张图来引入。" in source


def test_the_edition_changes_with_what_the_learner_sees_only(root: Path) -> None:
    def edition(language: Language) -> str:
        notebook = exercise_view(at(root), read_cells(at(root)), language)
        return str(notebook.metadata.touchstone.edition)

    before = edition("en")
    edit("notebook.py", "total += value", "total = total + value")(root)
    assert edition("en") == before
    edit("notebook.py", "as a float.", "as a number.")(root)
    assert edition("en") != before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1 / 0", "raises ZeroDivisionError: division by zero"),
        ("import sys; print(sys.prefix + '/lib')", "differs between machines"),
        ("print(object())", "differs between machines"),
        ("import warnings; warnings.warn('careful')", "writes to stderr"),
    ],
)
def test_a_solution_that_cannot_be_committed_fails_the_build(
    root: Path, code: str, told: str
) -> None:
    before = (root / SOLVED).read_bytes()
    append("notebook.py", f"{PICTURE}{code}\n")(root)
    with pytest.raises(BuildError) as caught:
        build(at(root))
    assert f"{SOLVED}: cell 'picture'" in str(caught.value)
    assert told in str(caught.value)
    assert (root / SOLVED).read_bytes() == before


@pytest.mark.slow
def test_damaged_outputs_are_made_afresh(root: Path) -> None:
    path = root / SOLVED
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    changes = build(at(root), check=True, execute=False)
    assert [(c.path, "never run" in c.message) for c in changes] == [(path, True)]
    assert [change.path for change in build(at(root))] == [path]


def test_notebooks_without_an_exercise_are_told(root: Path) -> None:
    assert orphans(root) == []
    find(root, "exercise.toml").unlink()
    assert len(orphans(root)) == 4


def test_without_jupytext_the_author_is_told_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    with pytest.raises(SourceError, match="pip install jupytext"):
        build(at(root))


LINES = st.lists(
    st.tuples(st.sampled_from(["", "en", "zh"]), st.text("abc xyz#:=", max_size=12)), max_size=12
)


@given(LINES)
def test_each_language_keeps_the_shared_lines_and_its_own_in_order(
    lines: list[tuple[str, str]],
) -> None:
    source = "\n".join(f"# {lang}: {text}" if lang else f"x = {text}" for lang, text in lines)
    for language in LANGUAGES:
        wanted = [
            f"# {text}".rstrip() if lang else f"x = {text}"
            for lang, text in lines
            if lang in ("", language)
        ]
        assert in_language(source, language) == "\n".join(wanted)
