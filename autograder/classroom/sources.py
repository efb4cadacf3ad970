"""What a teacher names to be graded: a folder, a ZIP, a notebook or a pattern."""

from __future__ import annotations

import glob
import os
from functools import partial
from pathlib import Path

from autograder._files import without_links
from autograder.classroom.archives import in_archive, open_archive
from autograder.classroom.entries import (
    SYMLINK,
    Entry,
    IntakeError,
    in_folder,
    kept,
    problem_of_file,
    read_file,
)


def listed(source: str | Path, apart: Path | None) -> tuple[list[Entry], str]:
    """What is in `source` but for the folder `apart`, and its own name without an ending.

    Raises
    ------
    IntakeError
        If there is no such source, or it is `apart` itself.
    """
    path = Path(source).expanduser()
    if str(source) and os.path.isdir(path):
        if without_links(path) == apart:
            raise IntakeError(
                f"{source} is what was handed in; results need a folder of their own. "
                "Name another one after --out.",
                f"{source} 存放的是作业，成绩需要单独的文件夹。请在 --out 后另选一个。",
            )
        if not os.access(path, os.R_OK | os.X_OK):
            raise IntakeError(
                f"The folder {source} may not be read. Ask its owner for access.",
                f"没有权限读取文件夹 {source}。请向其所有者申请权限。",
            )
        return in_folder(path, apart=apart), without_links(path).name
    if os.path.isfile(path) and path.suffix.lower() == ".ipynb":
        return [_file(path, path.name)], path.stem
    if os.path.isfile(path):
        return in_archive(open_archive(path)), path.stem
    if glob.has_magic(str(path)):
        return _matching(path, apart)
    raise IntakeError(
        f"There is nothing at {str(source)!r}. Name a folder, a ZIP, or a pattern in quotes such "
        'as "hand-in/*.ipynb".',
        f'“{source}” 不存在。请给出文件夹、ZIP，或带引号的通配模式，如 "hand-in/*.ipynb"。',
    )


def _matching(pattern: Path, apart: Path | None) -> tuple[list[Entry], str]:
    """What a pattern matches, named as seen from the last folder before its first wildcard."""
    fixed = 0
    while not glob.has_magic(pattern.parts[fixed]):
        fixed += 1
    base = Path(*pattern.parts[:fixed])
    found: dict[str, Entry] = {}
    for path in _matches(base, str(Path(*pattern.parts[fixed:]))):
        relative = path.relative_to(base)
        if without_links(path) == apart:
            continue
        name = "" if relative == Path() else relative.as_posix()
        steps = [base.joinpath(*relative.parts[: n + 1]) for n in range(len(relative.parts))]
        if any(step.is_symlink() for step in steps):
            entries = [Entry(name, partial(read_file, path), problem=SYMLINK)]
        elif os.path.isdir(path):
            inside = in_folder(path, f"{name}/" if name else "", apart=apart)
            entries = [Entry(name, bytes, folder=True), *inside] if name else inside
        else:
            entries = [_file(path, name)]
        found.update({entry.name: entry for entry in entries})
    return kept(found.values()), without_links(base).name


def _matches(base: Path, pattern: str) -> list[Path]:
    """What matches `pattern` in `base`; unlike `glob.glob`, ``**`` goes through no link."""
    try:
        return sorted(base.glob(pattern))
    except OSError as error:
        raise IntakeError(
            f"{base} cannot be looked through: {error.strerror or error}. Name a shorter path, or "
            "a folder that may be read.",
            f"无法查找 {base}：{error.strerror or error}。请给出更短的路径，或可读取的文件夹。",
        ) from None
    except ValueError as error:
        raise IntakeError(
            f'{pattern} is no pattern: {error}. An example is "hand-in/**/*.ipynb".',
            f'{pattern} 不是合法的通配模式：{error}。示例："hand-in/**/*.ipynb"。',
        ) from None


def _file(path: Path, name: str) -> Entry:
    return Entry(name, partial(read_file, path), problem=problem_of_file(path))
