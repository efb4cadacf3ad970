"""A command that is printed works as printed, however the program was started."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import _called

BIN = Path(sys.executable).parent
SCRIPT = BIN / "touchstone"
ROOT = Path(__file__).resolve().parents[1]
SYSTEM = os.pathsep.join(
    folder for folder in os.environ["PATH"].split(os.pathsep) if folder != str(BIN)
)


def environment(path: str, **more: str) -> dict[str, str]:
    ours = ("UV", "VIRTUAL_ENV", "PYTHONPATH", "TOUCHSTONE", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PATH": path, "COLUMNS": "200", **more}


WAYS = {
    "on the path": ([str(SCRIPT)], environment(f"{BIN}{os.pathsep}{SYSTEM}")),
    "by its path": ([str(SCRIPT)], environment(SYSTEM)),
    "as a module": ([sys.executable, "-m", "autograder"], environment(SYSTEM)),
    "as a module on the path": (
        [sys.executable, "-m", "autograder"], environment(f"{BIN}{os.pathsep}{SYSTEM}"),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_is_printed_can_be_typed(way: str, tmp_path: Path) -> None:
    words, around = WAYS[way]
    mine = {**around, "XDG_DATA_HOME": str(tmp_path)}
    shown = subprocess.run(
        [*words, "hint", "metrics/recall"], cwd=tmp_path, env=mine, capture_output=True, text=True
    )
    assert "Hint 1" in shown.stdout, shown.stderr
    again = shown.stdout.rpartition("Run `")[2].partition("`")[0]
    typed = subprocess.run(
        again, shell=True, cwd=tmp_path, env=mine, capture_output=True, text=True
    )
    assert "Hint 2" in typed.stdout, (again, typed.stderr)


@pytest.mark.parametrize("program", [str(SCRIPT), str(ROOT / "autograder" / "__main__.py")])
def test_uv_is_named_where_it_alone_finds_us(program: str, tmp_path: Path) -> None:
    by_uv = {"UV": "/usr/bin/uv", "PATH": f"{BIN}{os.pathsep}{SYSTEM}"}
    words = "touchstone" if program == str(SCRIPT) else "python -m autograder"
    assert _called.called(program, by_uv, ROOT) == f"uv run {words}"
    assert _called.called(program, by_uv, ROOT / "tests") == f"uv run {words}"
    outside = _called.called(program, by_uv, tmp_path)
    assert shlex.split(outside) == ["uv", "run", "--project", str(ROOT), *words.split()]


def test_where_nobody_typed_anything_it_has_its_name() -> None:
    assert _called.called("ipykernel_launcher.py", {"PATH": ""}, Path()) == "touchstone"


def test_only_commands_are_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/nowhere/touchstone"])
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    said = "Run `touchstone start`; `touchstone` is at ~/touchstone-workbook, touchstone says."
    assert _called.spelled(said) == said.replace("`touchstone", "`/nowhere/touchstone")
