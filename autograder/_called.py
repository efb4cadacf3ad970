"""How this program was called, so that a command that is printed works as it is printed."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = "touchstone"
_WRITTEN = re.compile(rf"(?<=`){NAME}(?=[ `])")


def command(folder: Path | None = None) -> str:
    """The words that start this program again, from `folder`, by default the present one."""
    return called(sys.argv[0], os.environ, folder or Path.cwd())


def spelled(text: str, folder: Path | None = None) -> str:
    """`text` with every command in it, such as `` `touchstone start` ``, as one has to type it."""
    return _WRITTEN.sub(lambda _: command(folder), text) if NAME in text else text


def called(program: str, environment: Mapping[str, str], folder: Path) -> str:
    """The words that start what was started as `program` in `environment` again, from `folder`.

    The short name where a shell finds it, else by uv where uv has started us, else the whole path.
    """
    script = Path(program)
    is_module = script.name == "__main__.py"
    if not is_module and script.stem != NAME:
        return NAME  # a kernel or a test: nobody has typed anything
    by_uv = "UV_RUN_RECURSION_DEPTH" in environment or "UV" in environment
    path = _without_ours(environment.get("PATH", ""), once=by_uv)
    if is_module:
        for name in ("python", "python3"):
            if _is_python(shutil.which(name, path=path)):
                return f"{name} -m autograder"
    elif _is_script(shutil.which(NAME, path=path), script):
        return NAME
    words = "python -m autograder" if is_module else NAME
    project = _project() if by_uv else None
    if project is not None:
        inside = _nearest_project(folder) == project
        return f"uv run {words}" if inside else f"uv run --project {quoted(project)} {words}"
    if is_module:
        return f"{quoted(Path(sys.executable))} -m autograder"
    return quoted(script.absolute())


def _without_ours(path: str, *, once: bool) -> str:
    """`path` as a shell has it: uv puts the environment's programs before all others."""
    folders = path.split(os.pathsep)
    ours = str(Path(sys.executable).parent)
    if once and ours in folders:
        folders.remove(ours)
    return os.pathsep.join(folders)


def _is_python(found: str | None) -> bool:
    # Not the file itself: those of all environments are links to one and the same.
    return found is not None and Path(found).parent == Path(sys.executable).parent


def _is_script(found: str | None, script: Path) -> bool:
    if found is None:
        return False
    with contextlib.suppress(OSError):
        return Path(found).samefile(script if script.is_file() else script.with_suffix(".exe"))
    return False


def _project() -> Path | None:
    """The folder of the project whose environment this is, as uv sees it."""
    package = Path(__file__).resolve().parents[1]
    near = (Path(sys.prefix).parent, package)
    return next((folder for folder in near if (folder / "pyproject.toml").is_file()), None)


def _nearest_project(folder: Path) -> Path | None:
    here = folder.resolve()
    return next((at for at in (here, *here.parents) if (at / "pyproject.toml").is_file()), None)


def quoted(path: Path) -> str:
    """`path` as one types it in a shell."""
    return f'"{path}"' if os.name == "nt" and " " in str(path) else shlex.quote(str(path))
