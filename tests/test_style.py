"""The style is checked by the one test command, so that nobody has to remember another."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "autograder"


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", ".")


def test_everything_is_formatted() -> None:
    run("ruff", "format", "--check", ".")


@pytest.mark.slow
def test_types_hold() -> None:
    run("mypy")


def imported(path: Path) -> set[str]:
    """Modules of ours that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder"):
            parts = (node.module or "").split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return names


def test_arrows_between_the_floors_point_down() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_content_knows_the_doors_only() -> None:
    doors = {"checks", "probes", "plots", "models", "data"}
    doors |= {"check", "hint", "lesson", "solution", "status"}
    for path in sorted((PACKAGE / "course").rglob("*.py")):
        if path.parts[-2:] != ("gpt-generation", "notebook.py"):
            assert imported(path) <= doors, path


def test_only_reports_print() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] in ("report", "course", "models") or "templates" in parts:
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path


def test_the_command_and_the_package_load_nothing_heavy() -> None:
    heavy = {"torch", "sklearn", "IPython", "transformers", "numpy", "rich", "matplotlib"}
    for statement in ("import autograder", "import autograder.cli"):
        code = f"import sys; {statement}; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert not heavy & set(done.stdout.split()), heavy & set(done.stdout.split())
