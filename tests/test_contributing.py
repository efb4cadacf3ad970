"""CONTRIBUTING.md is followed to the letter, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SLUG = "my-topic"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COPIED = ("autograder", "lessons", "exercises", "solutions", "tests", "pyproject.toml")
# Setting up and testing everything is what runs this very test.
_NOT_HERE = ("uv sync", "uv run ruff")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.sqlite*")
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command of the page on the copied package, not on the installed one."""
    words = shlex.split(command.removeprefix("uv run "))
    if words[0] == "touchstone":
        words[:1] = ["-c", "from autograder.cli import main; main()"]
    elif words[0] == "pytest":
        words[:1] = ["-m", "pytest", "-p", "no:cacheprovider", "-n", "0"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_page_fits_the_repository() -> None:
    for name in re.findall(r"`(tests/\w+\.py)`", PAGE):
        assert (ROOT / name).is_file(), name


@pytest.mark.slow
def test_following_the_page_adds_an_exercise(copy: Path) -> None:
    followed = []
    for language, text in BLOCK.findall(PAGE):
        if language == "python":
            place, _, code = text.partition("\n")
            path = copy / place.removeprefix("# ")
            path.write_text(f"{path.read_text('utf-8')}\n\n{code}", "utf-8")
            followed.append(path.name)
            continue
        for command in text.strip().splitlines():
            if command.startswith(_NOT_HERE):
                continue
            done = run(command, copy)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            followed.append(command)
    assert followed[:3] == [f"touchstone dev {verb} {SLUG}" for verb in ("new", "build", "verify")]
    assert {"checks.py", "wrong.py"} <= set(followed)
    assert "1 passed" in done.stdout
    assert (copy / "exercises" / "zh" / f"{SLUG}.ipynb").is_file()


@pytest.mark.slow
def test_what_the_page_shows_is_needed(copy: Path) -> None:
    """The wrong answer without the claim that catches it is refused."""
    assert run(f"touchstone dev new {SLUG}", copy).returncode == 0
    code = next(text for _, text in BLOCK.findall(PAGE) if "wrong.py" in text)
    path = copy / "autograder" / "course" / SLUG / "wrong.py"
    path.write_text(f"{path.read_text('utf-8')}\n\n{code}", "utf-8")
    done = run(f"touchstone dev verify {SLUG}", copy)
    assert done.returncode == 1
    assert "wrong.py, 'squares_first'" in " ".join((done.stdout + done.stderr).split())
