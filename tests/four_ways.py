"""The same notebooks graded in four ways: by `grade`, as a class, in a kernel and by nbgrader."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbgrader.api import Gradebook

from autograder.classroom import Ledger, grade_class, graders, take_in
from autograder.engine.pool import pool_of
from autograder.exercise.catalog import Exercise
from autograder.grading.grade import grade_path
from autograder.judging.results import SubmissionResult

Points = dict[str, float]
_SCORE = re.compile(r"^.*?(\d[\d.]*) / [\d.]+$", re.M)


@dataclass(frozen=True)
class Attempt:
    """A notebook that somebody hands in, and what lies beside it."""

    notebook: dict[str, Any]
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def save(self, folder: Path, name: str) -> Path:
        """Put it into `folder`, with what lies beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in self.beside.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        path = folder / name
        path.write_text(json.dumps(self.notebook), "utf-8")
        return path


def by_task(result: SubmissionResult) -> Points:
    assert result.problem is None, result.problem
    return {task.name: task.points for task in result.tasks}


def graded(
    exercise: Exercise, attempts: Mapping[str, Attempt], folder: Path
) -> dict[str, SubmissionResult]:
    """What `touchstone grade` gives."""
    with pool_of([exercise]) as pool:
        return {
            name: grade_path(attempt.save(folder / name, f"{exercise.slug}.ipynb"), pool=pool)
            for name, attempt in attempts.items()
        }


def as_a_class(
    exercise: Exercise, attempts: Mapping[str, Attempt], folder: Path, *, zipped: bool = False
) -> dict[str, SubmissionResult]:
    """What `touchstone class grade` gives, each attempt being a student's."""
    source: Path = folder / "in"
    for name, attempt in attempts.items():
        attempt.save(source / name, f"{exercise.slug}.ipynb")
    if zipped:
        source = Path(shutil.make_archive(str(folder / "class"), "zip", source))
    with Ledger(folder / "out", writing=True) as ledger, graders(2) as mine:
        grade_class(take_in(source).submissions, ledger, mine)
        return {item.student: item.result for item in ledger.class_result().graded}


class Kernels:
    """Runs notebooks from top to bottom, each in a kernel of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def shown(self, notebook: dict[str, Any], folder: Path) -> dict[str, str]:
        """What each cell showed, as plain text, by its id."""
        env = {**os.environ, **self._environment, "IPYTHONDIR": str(folder / ".ipython")}
        kept = {
            k: v for k, v in env.items() if k not in ("NBGRADER_EXECUTION", "PYTEST_CURRENT_TEST")
        }
        manager = KernelManager(kernel_name="python3")
        manager.kernel_spec_manager.kernel_dirs = [f"{self._environment['JUPYTER_PATH']}/kernels"]
        manager.start_kernel(env=kept, cwd=str(folder))
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=120)
            code = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
            return {cell["id"]: _shown(client, "".join(cell["source"])) for cell in code}
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    @staticmethod
    def points(exercise: Exercise, shown: Mapping[str, str]) -> Points:
        """The points on the cards."""
        scores = {task.name: _SCORE.search(shown[f"{task.name}-check"]) for task in exercise.tasks}
        return {name: float(score[1]) if score else 0.0 for name, score in scores.items()}


def _shown(client: Any, source: str) -> str:
    """What a cell shows when `client` runs it: what it displays, returns and is stopped by."""
    texts: list[str] = []

    def take(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] in ("display_data", "execute_result"):
            texts.append(content["data"].get("text/plain", ""))
        elif message["msg_type"] == "error":
            texts.append(f"{content['ename']}: {content['evalue']}")

    client.execute_interactive(source, timeout=120, output_hook=take)
    return "\n".join(texts)


def nbgrader(folder: Path, *arguments: str, **environment: str) -> str:
    """Run one of nbgrader's commands in `folder` and return all that it says."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder, env={**kept, **own, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def autograded(
    exercise: Exercise,
    attempts: Mapping[str, Attempt],
    folder: Path,
    environment: Mapping[str, str],
) -> dict[str, Points]:
    """What `nbgrader autograde` gives, each attempt being a student's."""
    name, file = exercise.slug, f"{exercise.slug}.ipynb"
    source = folder / "source" / name / file
    source.parent.mkdir(parents=True)
    shutil.copy(exercise.notebook("en", solved=True), source)
    nbgrader(folder, "generate_assignment", name)
    for student, attempt in attempts.items():
        attempt.save(folder / "submitted" / student / name, file)
    nbgrader(folder, "autograde", name, **environment)
    points = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for student in attempts:
            found = gradebook.find_submission_notebook(name, name, student)
            points[student] = {
                g.name.removesuffix("-check"): g.auto_score or 0.0 for g in found.grades
            }
    return points
