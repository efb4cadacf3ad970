"""Machines where nothing can be kept, and notebooks that came by strange ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attempts import RECALL, grade, notebook, save, task

from autograder.engine import UnreadableNotebook, read_notebook
from autograder.engine.sources import setup_variables
from autograder.exercise import catalog
from autograder.grading.journal import Journal, JournalError, JournalUnwritable
from autograder.learner import desk
from autograder.learner.workbook import nbfile

ROOT = Path(__file__).resolve().parents[1]
HOMELESS = """
import pwd, runpy
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
runpy.run_module("autograder", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", [["grade", "mine.ipynb"], ["hint", "recall"]])
def test_a_user_whom_the_system_does_not_know_is_served(command: list[str], tmp_path: Path) -> None:
    """As in a container that runs with a number for a user, and no HOME."""
    save(tmp_path, notebook(RECALL), "mine.ipynb")
    homes = ("HOME", "XDG_", "LANG", "LC_")
    around = {name: value for name, value in os.environ.items() if not name.startswith(homes)}
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS, *command], cwd=tmp_path, capture_output=True, text=True,
        env={**around, "PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == (1 if command[0] == "grade" else 0), done.stderr
    assert ("2 / 20" in done.stdout) or ("Hint 1" in done.stdout)
    assert "nothing of this is remembered" in " ".join(done.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.ipynb"]


def test_a_journal_that_cannot_be_written_is_read_and_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.open_hint("metrics", "recall")
        # What is not yet moved into the file itself counts too.
        with Journal.forgetful(path) as beside:
            assert beside.hint_level("metrics", "recall") == 1
    before = path.read_bytes()
    with Journal.forgetful(path) as journal:
        assert journal.hint_level("metrics", "recall") == 1
        assert journal.open_hint("metrics", "recall") == 2
    assert path.read_bytes() == before
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database of anybody's" * 100)
    with pytest.raises(JournalError, match="damaged"):
        Journal.forgetful(damaged)
    with pytest.raises(JournalUnwritable):
        Journal(Path(os.devnull) / "journal.sqlite")
    with Journal.forgetful(Path(os.devnull) / "journal.sqlite") as journal:
        assert journal.hint_level("metrics", "recall") == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_powershell_writes_is_a_notebook(encoding: str, tmp_path: Path) -> None:
    plain = save(tmp_path, notebook(RECALL))
    wide = tmp_path / "wide.ipynb"
    wide.write_bytes(plain.read_text("utf-8").encode(encoding))
    assert read_notebook(wide).cells == read_notebook(plain).cells
    assert nbfile.parse(wide.read_bytes()) == nbfile.parse(plain.read_bytes())
    wide.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableNotebook):
        read_notebook(wide)


@pytest.mark.parametrize(
    "source",
    [
        'EXERCISE, LANGUAGE = "metrics", "zh"',
        '%matplotlib inline\nimport numpy as np\nEXERCISE, LANGUAGE = "metrics", "zh"\n',
        '!pip install x\nEXERCISE = "metrics"\nLANGUAGE = "zh"  # mine',
        "(EXERCISE, LANGUAGE) = ('metrics', 'zh')",
    ],
)
def test_a_setup_cell_says_which_exercise_it_is(source: str) -> None:
    assert setup_variables(source) == ("metrics", "zh")


def test_other_lines_are_no_setup() -> None:
    assert setup_variables("EXERCISE, LANGUAGE = pick()\n# EXERCISE = 'x'") is None


@pytest.mark.slow
def test_an_answer_that_a_stub_below_takes_the_place_of_is_told(tmp_path: Path) -> None:
    stub = "def recall(labels, predictions):\n    raise NotImplementedError\n"
    result = grade(tmp_path, RECALL, stub)
    (note,) = result.notes
    assert "`cell-1`" in note["en"]
    assert "`cell-2` below" in note["en"]
    assert task(result).status == "todo"


@pytest.mark.slow
def test_the_courses_own_solution_is_nobodys_attempt(tmp_path: Path) -> None:
    exercise = catalog.exercise("metrics")
    copied = tmp_path / "metrics.ipynb"
    content = json.loads(exercise.notebook("zh", solved=True).read_text("utf-8"))
    copied.write_text(json.dumps(content), "utf-8")
    with Journal(tmp_path / "journal.sqlite") as journal:
        result = desk.grade_and_record(copied, journal)
        assert result.passed
        assert "not remembered" in result.notes[0]["en"]
        assert not journal.passed("metrics", "recall")
        assert not journal.standing()
