"""The wheel is the whole course: it works from any folder, with no checkout beside it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from autograder.exercise.syllabus import syllabus

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_it_holds_every_room_of_every_exercise(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for toml in ROOT.glob("autograder/course/*/exercise.toml"):
        slug = toml.parent.name
        for part in ("exercise.toml", "checks.py", "reference.py", "wrong.py", "right.py"):
            assert f"autograder/course/{slug}/{part}" in names
        for language in ("en", "zh"):
            assert f"autograder/_content/lessons/{slug}/{language}.md" in names
            assert f"autograder/_content/exercises/{language}/{slug}.ipynb" in names
            assert f"autograder/_content/solutions/{language}/{slug}.ipynb" in names
    for figure in ROOT.glob("lessons/*/figures/*.svg"):
        assert f"autograder/_content/{figure.relative_to(ROOT).as_posix()}" in names
    for page in ("questions.toml", "index.md", "index.zh.md"):
        assert f"autograder/_content/lessons/{page}" in names
    assert not [name for name in names if "__pycache__" in name]


def test_an_editable_install_holds_no_second_copy_of_the_content() -> None:
    """It would lie among the libraries, which every submission can read."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    for version, rooms in (("editable", 0), ("standard", 3)):
        data: dict[str, dict[str, str]] = {"force_include": {}}
        hook.ContentHook.initialize(None, version, data)
        assert len(data["force_include"]) == rooms
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "force-include" not in settings["tool"]["hatch"]["build"]["targets"]["wheel"]


@pytest.mark.slow
def test_it_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # First on the path, so that the installed copy is what runs, not this checkout.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "LC_ALL": "C.UTF-8"}
    for arguments, status in (
        (("start", "book"), 0),
        (("lesson", "metrics", "--path"), 0),
        # That nothing is missing is another test's affair.
        (("coverage",), 1 if syllabus().homeless else 0),
        (("demo",), 0),
        (("grade", "book/metrics.ipynb"), 1),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "autograder", *arguments],
            cwd=elsewhere, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
    assert (elsewhere / "book" / "metrics.ipynb").is_file()
