"""``prepare ROOT`` when the image is built, ``grade ROOT`` for each submission."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from autograder import _files
from autograder.classroom.gradescope import (
    SETTINGS,
    Settings,
    grade,
    results,
    unfinished,
    worker_user,
)
from autograder.engine import read_notebook, room
from autograder.engine.fresh import worker_environment
from autograder.exercise import catalog
from autograder.grading.oracle import answer_key
from autograder.report import messages


def run(root: Path) -> None:
    """Grade ``ROOT/submission`` and write ``ROOT/results/results.json``, whatever happens."""
    try:
        table = results(root / "submission", Settings.read(root / "source" / SETTINGS))
    except Exception as error:
        # The teacher sees this output; the student sees that it is our fault.
        messages.complain(f"{type(error).__name__}: {error}")
        table = unfinished()
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, indent=2)
    _files.replace(root / "results" / "results.json", text.encode("utf-8", "replace"))


def prepare(root: Path) -> None:
    """Compute what is the same for every submission, hide the answers, and try it out."""
    settings = Settings.read(root / "source" / SETTINGS)
    exercises = [catalog.exercise(slug) for slug in settings.exercises]
    for exercise in exercises:
        answer_key(exercise, secret=settings.secret)
    _share_fonts()
    _hide_answers()
    for exercise in exercises:
        result = grade(read_notebook(exercise.notebook("en", solved=True)), settings)
        if not result.passed:
            problem = result.problem or {"en": f"{result.points:g} of {result.max_points:g}"}
            sys.exit(f"The solution of {exercise.slug} does not get full points: {problem['en']}")
        messages.say(f"{exercise.slug}: ready, {result.seconds.total:.1f} s for the solution")


def _share_fonts() -> None:
    """Have matplotlib list its fonts once, where workers look for the list."""
    folder = Path(worker_environment(Path("/"))["MPLCONFIGDIR"])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MPLCONFIGDIR"] = str(folder)
    import matplotlib.font_manager  # noqa: F401

    if worker_user():
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, worker_user())


def _hide_answers() -> None:
    """Leave the answers, and the keys computed from them, to the one whose files they are."""
    keys = Path(worker_environment(Path("/"))["MPLCONFIGDIR"]).parent / "keys"
    for path in (keys, *room.answers()):
        path.chmod(0o700 if path.is_dir() else 0o600)


if __name__ == "__main__":
    {"grade": run, "prepare": prepare}[sys.argv[1]](Path(sys.argv[2]))
