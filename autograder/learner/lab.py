"""JupyterLab over the learner's workbook."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder._errors import BilingualError
from autograder.learner.desk import Desk


class NoLab(BilingualError):
    """JupyterLab is not there."""


def open_lab(desk: Desk, name: str, options: Sequence[str]) -> int:
    """Run JupyterLab until it is stopped, and return its exit code.

    Parameters
    ----------
    name
        A notebook that is to be opened, or the exercise or task of one; empty for none.
    options
        What else it is called with.

    Raises
    ------
    NotYet
        If there is no workbook.
    NoLab
        If it is not installed.
    """
    desk.notebooks()
    assert desk.book is not None
    if importlib.util.find_spec("jupyterlab") is None:
        raise NoLab(
            f"JupyterLab is not installed. Run: {sys.executable} -m pip install jupyterlab",
            f"尚未安装 JupyterLab。请运行：{sys.executable} -m pip install jupyterlab",
        )
    folder = desk.book.folder
    paths = desk.named([name]) if name else {}
    opened = [os.path.relpath(path, folder) for path in paths]
    command = [sys.executable, "-m", "jupyterlab", *opened, *options]
    return subprocess.run(command, cwd=folder, env=_environment()).returncode


def _environment() -> dict[str, str]:
    """Ours, with what switches nbgrader's buttons off: for teachers, and they tell wrong points.

    The user's own configuration comes before it.
    """
    paths = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(Path(__file__).parent / "jupyter")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}
