"""What lies beside a notebook goes along: what its code names, within limits, and nothing else."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from attempts import SETUP, notebook, save
from hypothesis import given
from hypothesis import strategies as st

from autograder.classroom.intake import find_submissions
from autograder.engine import Notebook, parse_notebook, read_notebook
from autograder.engine.files import MOST_BYTES, MOST_FILES, Beside, lay_out, take

NAMES = ("counting.py", "tools/half.py", "tools/deep/one.txt", "data.csv", "my-data/a b.csv", "x")


def named(code: str, **contents: bytes) -> set[str]:
    """The names of those of `NAMES` that go along with `code`."""
    beside = [Beside(name, lambda name=name: contents.get(name, b"")) for name in NAMES]  # type: ignore[misc]
    return {name for name, _ in take(code, beside).files}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("", set()),
        ("import numpy as np\ncount = data = half = None", set()),
        ("from counting import how_many", {"counting.py"}),
        ("%run counting.py", {"counting.py"}),
        ("import tools.half", {"tools/half.py", "tools/deep/one.txt"}),
        ("open('./data.csv')", {"data.csv"}),
        ("open('olddata.csv')", set()),
        ("open('data.csv.gz')", {"data.csv"}),
        ("Path('my-data').iterdir()", {"my-data/a b.csv"}),
        ("glob('*.csv')", {"data.csv", "my-data/a b.csv"}),
    ],
)
def test_what_the_code_names_goes_along(code: str, names: set[str]) -> None:
    assert named(code) == names


def test_what_a_module_names_goes_along_with_it() -> None:
    beside = [
        Beside("first.py", lambda: b"from second import x"),
        Beside("second.py", lambda: b"x = open('third.txt').read()"),
        Beside("third.txt", lambda: b"3"),
        Beside("fourth.txt", lambda: b"4"),
    ]
    assert [name for name, _ in take("import first", beside).files] == [
        "first.py", "second.py", "third.txt",
    ]  # fmt: skip


@given(st.lists(st.integers(0, 2 * MOST_BYTES), max_size=2 * MOST_FILES))
def test_the_limits_hold_and_who_stays_behind_is_told(sizes: list[int]) -> None:
    content = memoryview(bytes(2 * MOST_BYTES))
    beside = [
        Beside(f"data/{n}", lambda size=size: content[:size])  # type: ignore[misc, return-value]
        for n, size in enumerate(sizes)
    ]
    taken = take("data", beside)
    assert len(taken.files) <= MOST_FILES
    assert sum(len(data) for _, data in taken.files) <= MOST_BYTES
    assert {name for name, _ in (*taken.files, *taken.left)} == {item.name for item in beside}
    assert all(why["en"] and why["zh"] for _, why in taken.left)


def test_no_link_is_followed_and_nothing_outside_is_seen(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside")
    folder = tmp_path / "work"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "secret.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path)
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "plain.txt").write_text("plain")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.txt")
    code = "inner linked secret.txt .hidden.txt plain.txt pipe.txt ../secret.txt other.ipynb"
    save(folder, notebook(), "other.ipynb")
    read = read_notebook(save(folder, notebook(f"# {code}")))
    assert read.beside.files == (("plain.txt", b"plain"),)
    assert {name for name, _ in read.beside.left} == {"inner/secret.txt", "linked"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_nothing_is_laid_out_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="no file beside"):
        lay_out([(name, b"")])


def test_a_result_is_kept_by_what_went_along(tmp_path: Path) -> None:
    path = save(tmp_path, notebook("import counting"))
    (tmp_path / "counting.py").write_text("x = 1")
    first = read_notebook(path)
    (tmp_path / "letter.txt").write_text("of no matter")
    assert read_notebook(path).digest == first.digest
    (tmp_path / "counting.py").write_text("x = 2")
    assert read_notebook(path).digest != first.digest
    assert Notebook.parse(first.packed()) == first


@pytest.mark.parametrize("packed", ["folders", "zip of folders", "zip each"])
def test_in_a_class_everybody_has_their_own(tmp_path: Path, packed: str) -> None:
    source, text = tmp_path / "in", json.dumps(notebook("import counting", setup=SETUP))
    for student in ("ann", "bob", "eve"):
        (source / student).mkdir(parents=True)
        (source / student / "metrics.ipynb").write_text(text)
        if student != "eve":
            (source / student / "counting.py").write_text(f"whose = {student!r}")
    if packed == "zip of folders":
        source = zipped(source, tmp_path / "in.zip")
    elif packed == "zip each":
        for folder in sorted(source.iterdir()):
            zipped(folder, tmp_path / "each" / folder.name / "work.zip")
        source = tmp_path / "each"
    found = {
        one.student: parse_notebook(one.read(), one.name, beside=one.beside()).beside.files
        for one in find_submissions(source)
    }
    assert found == {
        "ann": (("counting.py", b"whose = 'ann'"),),
        "bob": (("counting.py", b"whose = 'bob'"),),
        "eve": (),
    }


def zipped(folder: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target
