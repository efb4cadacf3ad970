"""One student's notebook is that student's matter: whatever is in it, the others are graded."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from attempts import notebook
from hypothesis import given
from hypothesis import strategies as st
from toy_class import RIGHT, SETUP, command, course, graded, hand_in, kept

from autograder.classroom.entries import IntakeError
from autograder.classroom.graders import Job, LocalGraders, Pools
from autograder.classroom.intake import MAX_NOTEBOOKS, find_submissions
from autograder.engine import Notebook, UnreadableNotebook, read_notebook, walls
from autograder.engine.cells import MAX_PARTS, MAX_SOURCE, parse_notebook
from autograder.engine.claims import cell_from, outcome_from, outcome_to
from autograder.engine.protocol import BrokenChannel, frame_from
from autograder.evidence.observations import Outcome
from autograder.exercise import catalog

needs_walls = pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")

# Takes the channel from the grader's own frames, and says on it what no worker says.
pytestmark = pytest.mark.slow

SAYS = """
import sys, msgpack, numpy
import autograder.engine.worker as worker
frame = sys._getframe()
while 'channel' not in frame.f_locals:
    frame = frame.f_back
channel = frame.f_locals['channel']
cell = {'type': 'cell', 'step': 'cell:1', 'id': '', 'outputs': [], 'error': '', 'message': '',
        'seconds': 0.0}
deep = []
for _ in range(400):
    deep = [deep]
structure = msgpack.packb(['f8,(', [1]]) + bytes(8)
"""
FRAMES = {
    "a type that is an array": "{**cell, 'type': numpy.arange(3.0)}",
    "a step that is an array": "{**cell, 'step': numpy.arange(3.0)}",
    "outputs that are an array": "{**cell, 'outputs': numpy.arange(3.0)}",
    "an output that is an array": "{**cell, 'outputs': [numpy.zeros(2)]}",
    "an output that is a list": "{**cell, 'outputs': [['kind']]}",
    "an id without a bottom": "{**cell, 'id': deep}",
    "seconds that are an array": "{**cell, 'seconds': numpy.zeros(1)}",
    "empty maps without number": "{**cell, 'outputs': [{}] * 5_000_000}",
}
PICTURES = """
from IPython.display import display
png = b'\\x89PNG\\r\\n\\x1a\\n' + bytes(10**6)
for n in range(7):
    display({'image/png': png, 'text/plain': 'x' * 10_000}, raw=True)
"""
NOTEBOOKS: dict[str, list[str]] = {
    **{name: [SAYS + f"worker.write_frame(channel, {frame})"] for name, frame in FRAMES.items()},
    "an array of a structure": [
        SAYS + "body = msgpack.packb({**cell, 'outputs': msgpack.ExtType(1, structure)})\n"
        "channel.write(len(body).to_bytes(4, 'little') + body)\nchannel.flush()"
    ],
    "another use of EXERCISE": ["EXERCISE = 5", RIGHT],
    "EXERCISE that is nothing": ["EXERCISES_DONE = None", RIGHT],
    "EXERCISE that cannot be": ["EXERCISE = {[]: 1}", RIGHT],
    "pictures in every cell": [*([PICTURES] * 40), RIGHT],
    "functions in functions in functions": ["x = " + "lambda: " * 1500 + "1", RIGHT],
    "odd characters in a row": [*["print(chr(0x9d) * 20_000)"] * 10, RIGHT],
    "half a character": ["print('\\ud800')", RIGHT],
}
HONEST = {"another use of EXERCISE", "EXERCISE that is nothing", "EXERCISE that cannot be",
          "pictures in every cell", "half a character", "odd characters in a row"}  # fmt: skip


@needs_walls
def test_whatever_is_in_one_notebook_the_others_are_graded(tmp_path: Path) -> None:
    env = course(tmp_path / "course")
    for name, cells in NOTEBOOKS.items():
        path = hand_in(tmp_path / "in", f"{name}.ipynb", cells[-1], *cells[:-1])
        content = json.loads(path.read_text("utf-8"))
        if "EXERCISE" in cells[0]:  # before the setup cell, so that it is looked at
            content["cells"].insert(0, content["cells"].pop(1))
        path.write_text(json.dumps(content), "utf-8")
    hand_in(tmp_path / "in", "zoe.ipynb", RIGHT)
    out = tmp_path / "out"
    done = command(env, "class", "grade", tmp_path / "in", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {item["path"].removesuffix(".ipynb"): item for item in graded(env, out)["submissions"]}
    assert set(found) == {*NOTEBOOKS, "zoe"}
    passed = {name for name, item in found.items() if item["points"] == item["max_points"]}
    assert passed == HONEST | {"zoe"}
    assert {item["points"] for name, item in found.items() if name not in passed} == {0.0}
    statuses = {task["status"] for item in found.values() for task in item["tasks"]}
    assert "internal" not in statuses
    assert (out / "class.sqlite").stat().st_size < 20 * 2**20
    before = kept(out)
    done = command(env, "class", "grade", tmp_path / "in", "--out", out, "--resume")
    assert done.returncode == 0
    assert kept(out) == before
    started = time.monotonic()
    assert command(env, "class", "report", out).returncode == 0
    assert time.monotonic() - started < 60


def test_an_error_that_nobody_foresaw_is_one_notebooks_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = notebook(RIGHT, setup='EXERCISE, LANGUAGE = "metrics", "en"')
    read = parse_notebook(json.dumps(cells).encode(), "x")
    monkeypatch.setattr(Pools, "grade", lambda self, notebook, secret: 1 / 0)
    with LocalGraders(1, sandbox=False) as graders:
        ((_, result),) = graders.results([Job("key", read, "here")])
    assert result.points == 0
    assert result.problem is not None
    assert result.problem["en"].startswith("Our fault, not yours: ZeroDivisionError")


def test_answers_are_hidden_of_the_course_in_use_and_of_ours(tmp_path: Path) -> None:
    if not walls.available():
        pytest.skip("needs Linux and bubblewrap")
    env = course(tmp_path / "course")
    folders = [catalog.PACKAGE / "course" / "metrics", *Path(env["TOUCHSTONE_COURSE"]).iterdir()]
    files = [str(folder / name) for folder in folders for name in ("reference.py", "wrong.py")]
    assert all(Path(file).exists() for file in files)
    readable = f"[f for f in {files!r} if __import__('os').path.exists(f)]"
    hand_in(tmp_path / "in", "ann.ipynb", f"{RIGHT}\nif {readable}:\n    average = None\n")
    done = command(env, "class", "grade", tmp_path / "in", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (item,) = graded(env, tmp_path / "out")["submissions"]
    assert item["points"] == item["max_points"] > 0


BOMBS: dict[str, Callable[[], bytes]] = {
    "lists": lambda: b'{"cells": [' + b"[]," * MAX_PARTS + b"0]}",
    "maps": lambda: b'{"cells": [' + b"{}," * MAX_PARTS + b"0]}",
    "numbers": lambda: b'{"cells": [' + b"1.5," * MAX_PARTS + b"0]}",
    "code": lambda: json.dumps(notebook("a;" * MAX_SOURCE, setup=SETUP)).encode(),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_take_much_memory_is_not_read(bomb: str) -> None:
    with pytest.raises(UnreadableNotebook):
        parse_notebook(BOMBS[bomb](), "bomb.ipynb")


# What stands in a frame or a notebook where something else is expected.
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
anything = st.recursive(
    scalars
    | st.binary(max_size=20)
    | st.builds(
        lambda dtype, shape, body: msgpack.ExtType(1, msgpack.packb([dtype, shape]) + body),
        st.sampled_from(["<f8", "|b1", "<f16", "f8,(", "(2,)f8", "O", "<U1", "", "f0", "a b"])
        | st.text(max_size=5),
        scalars | st.lists(st.integers(-1, 2**62), max_size=3),
        st.binary(max_size=16),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "text", "png", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
CELL = {"id": "", "outputs": [], "error": "", "message": "", "seconds": 0.0}
OUTCOME = outcome_to(Outcome("check", "value", 1.0))


@given(st.sampled_from(list(CELL)), anything, st.sampled_from(list(OUTCOME)), anything)
def test_a_frame_is_believed_or_breaks_the_channel_and_nothing_else(
    field: str, said: object, about: str, value: object
) -> None:
    for read, table in (
        (lambda frame: cell_from(frame, "source"), {**CELL, field: said}),
        (lambda frame: outcome_from(frame["outcome"]), {"outcome": {**OUTCOME, about: value}}),
        (lambda frame: outcome_from(frame["outcome"]), {"outcome": value}),
    ):
        with contextlib.suppress(BrokenChannel):
            frame = frame_from(msgpack.packb(table))
            assert frame is not None
            read(frame)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["code", "metrics", "EXERCISE = 5", "EXERCISE, LANGUAGE = 1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["cells", "cell_type", "source", "metadata", "id", "nbgrader", "grade_id", "nbformat",
             "worksheets", "touchstone", "exercise", "language", "input"]
        ),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_values, st.sampled_from([1, 2, 3, 4]), json_values)
def test_any_json_is_a_notebook_or_a_clear_refusal(
    value: object, version: int, cell: object
) -> None:
    whole = {"nbformat": version, "nbformat_minor": 0, "metadata": {}}
    for content in (
        value,
        {**whole, "cells": [cell]},
        {**whole, "worksheets": [{"cells": [cell]}]},
    ):
        with contextlib.suppress(UnreadableNotebook):
            read = parse_notebook(json.dumps(content).encode(), "metrics.ipynb")
            assert Notebook.parse(read.packed()) == read


def test_an_old_notebook_is_the_same_each_time_it_is_read(tmp_path: Path) -> None:
    """Or it would be graded anew whenever a class goes on."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "language": "python",
        "outputs": [],
        "metadata": {},
    }
    cells = [{**cell, "input": 'EXERCISE, LANGUAGE = "metrics", "en"'}, {**cell, "input": RIGHT}]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old), "utf-8")
    assert read_notebook(path).digest == read_notebook(path).digest


def test_of_one_student_at_most_enough_notebooks_count(tmp_path: Path) -> None:
    for number in range(MAX_NOTEBOOKS + 1):
        hand_in(tmp_path, f"ann/{number}.ipynb", RIGHT)
    hand_in(tmp_path, "ben/metrics.ipynb", RIGHT)
    with zipfile.ZipFile(tmp_path / "cem.zip", "w") as archive:
        for number in range(MAX_NOTEBOOKS):
            archive.writestr(f"{number}.ipynb", "{}")
    found = find_submissions(tmp_path, layout="folders")
    assert [one.student for one in found] == ["ann", "ben", *["cem"] * MAX_NOTEBOOKS]
    problem = found[0].problem
    assert problem is not None
    assert f"at most {MAX_NOTEBOOKS}" in problem["en"]


def test_results_are_nobodys_hand_in(tmp_path: Path) -> None:
    hand_in(tmp_path, "ann/metrics.ipynb", RIGHT)
    results = tmp_path / "results"
    results.mkdir()
    (results / "class.sqlite").touch()
    for source in (str(tmp_path), f"{tmp_path}/*"):
        assert {one.student for one in find_submissions(source)} == {"ann", "results"}
        assert {one.student for one in find_submissions(source, apart=results)} == {"ann"}
    with pytest.raises(IntakeError, match="folder of their own"):
        find_submissions(tmp_path, apart=tmp_path)


def test_a_pattern_goes_through_no_link(tmp_path: Path) -> None:
    """Two links to the folder that they are in would double what there is at each level."""
    hand_in(tmp_path, "ann/metrics.ipynb", RIGHT)
    for name in ("one", "two", "three"):
        (tmp_path / "ann" / name).symlink_to(tmp_path / "ann", target_is_directory=True)
    found = subprocess.run(
        [sys.executable, "-c",
         "from autograder.classroom import find_submissions\n"
         f"print(len(find_submissions({str(tmp_path / '**/*.ipynb')!r})))"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "1"


def test_no_module_of_a_students_is_loaded_by_the_grader(tmp_path: Path) -> None:
    """A class is often graded from its own folder, and what lies there has any name."""
    env = course(tmp_path / "course")
    source, canary = tmp_path / "in", tmp_path / "canary"
    hand_in(source, "ann/toy.ipynb", RIGHT)
    for name in ("json", "numpy", "torch", "msgpack", "sitecustomize", "autograder"):
        (source / "ann" / f"{name}.py").write_text(f"open({str(canary)!r}, 'w').write('BREACH')")
    touchstone = Path(sys.executable).parent / "touchstone"
    done = subprocess.run(
        [touchstone, "class", "grade", "..", "--out", tmp_path / "out", "--no-sandbox"],
        env=env, cwd=source / "ann", capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (item,) = graded(env, tmp_path / "out")["submissions"]
    assert item["points"] == item["max_points"]
    assert not canary.exists()
    # The canary does sing where Python is started like that.
    subprocess.run([sys.executable, "-c", "import msgpack"], cwd=source / "ann", check=False)
    assert canary.exists()


@pytest.mark.parametrize("piece", ["1", "v1", "homework", "第一次", "最终版", "(1)", "-_"])
def test_a_name_is_looked_at_in_no_time(piece: str, tmp_path: Path) -> None:
    """Of how many versions it may be made up doubles with each character."""
    for number in range(2):
        hand_in(tmp_path, f"ann/{(piece * 80)[:80]}x{number}.ipynb", RIGHT)
    hand_in(tmp_path, "ben/metrics.ipynb", RIGHT)
    started = time.process_time()
    with contextlib.suppress(IntakeError):
        find_submissions(tmp_path)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("source", ["", "x**y/[/*.ipynb"])
def test_what_is_no_source_is_told(source: str) -> None:
    with pytest.raises(IntakeError):
        find_submissions(source)
