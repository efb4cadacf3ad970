"""A class on a small exercise of its own, and the command that grades it, as a user runs it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import dev_exercise
from attempts import notebook

from autograder.classroom.ledger import FILE

SETUP = f'from autograder import check, hint\n\nEXERCISE, LANGUAGE = "{dev_exercise.SLUG}", "en"\n'
RIGHT = "def average(values):\n    return sum(values) / len(values) if len(values) else 0.0\n"
ANSWERS = {
    "right": RIGHT,
    "no-empty": "def average(values):\n    return sum(values) / len(values)\n",
    "zero": "def average(values):\n    return 0.0\n",
    "stub": "def average(values):\n    raise NotImplementedError\n",
    "hangs": "def average(values):\n    while True:\n        pass\n",
    "dies": "import os\ndef average(values):\n    os._exit(3)\n",
    "prints": "def average(values):\n    print(values)\n    return 'x' * 100\n",
}


def course(folder: Path) -> dict[str, str]:
    """Make the exercise under `folder`; the environment that has it as its only course."""
    exercise = dev_exercise.make(folder)
    dev_exercise.edit("exercise.toml", "imports = [", "limits.check_seconds = 1\nimports = [")(
        folder
    )
    return {
        **os.environ,
        "TOUCHSTONE_COURSE": str(exercise.folder.parent),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "OMP_NUM_THREADS": "1",
    }


def hand_in(folder: Path, name: str, answer: str, *more: str) -> Path:
    """Put a student's notebook into `folder`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*more, answer, setup=SETUP)), "utf-8")
    return path


def command(env: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `touchstone` with `arguments` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "autograder", *map(str, arguments)],
        env=env, capture_output=True, text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip


def graded(env: dict[str, str], out: Path) -> dict[str, Any]:
    """What the class came to, as its JSON export tells it, but for times."""
    file = out / "compared.json"
    done = command(env, "class", "export", out, "--to", "json", "--target", file)
    assert done.returncode == 0, done.stderr
    return without_times(json.loads(file.read_text("utf-8")))


def kept(out: Path) -> dict[str, bytes]:
    """The results that the ledger in `out` need not seek again, as it has them, by their keys."""
    if not (out / FILE).is_file():
        return {}
    with closing(sqlite3.connect(f"file:{out / FILE}?mode=ro", uri=True)) as database:
        try:
            rows = database.execute("SELECT key, result FROM results WHERE at_fault = 0")
        except sqlite3.OperationalError:  # it was not made to its end
            return {}
        return dict(rows)


def timeless(out: Path) -> dict[str, str]:
    """Everything that the ledger in `out` holds of each result, but for times."""
    return {
        key: json.dumps(without_times(json.loads(zlib.decompress(content))), sort_keys=True)
        for key, content in kept(out).items()
    }


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        # On a busy machine the clock may end what computes without end, which is told otherwise.
        times = {"seconds", "message"} if value.get("status") == "timeout" else {"seconds"}
        return {k: without_times(v) for k, v in value.items() if k not in times}
    return [without_times(item) for item in value] if isinstance(value, list) else value
