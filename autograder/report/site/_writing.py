"""A folder of files, written only where nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder import _files
from autograder.report._write import ReportError

# Says that a folder is ours to write again.
MARK = ".touchstone-site"


def write_files(folder: Path, files: Mapping[str, bytes]) -> int:
    """Write `files` into `folder`; those that were ours and are no more are removed.

    Raises
    ------
    ReportError
        If the folder holds anything that is not ours, or cannot be written.
    """
    try:
        former = _former(folder)
        folder.mkdir(parents=True, exist_ok=True)
        listed = "".join(f"{path}\n" for path in sorted({*files, *former}))
        _files.replace(folder / MARK, listed.encode())
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _files.replace(folder / path, content)
        for path in former - files.keys():
            (folder / path).unlink(missing_ok=True)
        _files.replace(folder / MARK, "".join(f"{path}\n" for path in sorted(files)).encode())
    except OSError as error:
        why = error.strerror or str(error)
        raise ReportError(
            f"The site could not be written to {folder}: {why}. Name another folder with --out.",
            f"网站没能写入 {folder}：{why}。请用 --out 换一个文件夹。",
        ) from error
    return len(files)


def _former(folder: Path) -> set[str]:
    """The files in `folder`, all of which are ours."""
    if folder.is_symlink() or not folder.is_dir():
        if folder.is_symlink() or folder.exists():
            raise _occupied(folder, folder.name)
        return set()
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    names = {path.relative_to(folder).as_posix() for path in found} - {MARK}
    mark = folder / MARK
    ours = set(mark.read_text("utf-8").splitlines()) if mark.is_file() else set()
    foreign = sorted(names - ours) + sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink()
    )
    if foreign:
        raise _occupied(folder, foreign[0])
    return names


def _occupied(folder: Path, name: str) -> ReportError:
    return ReportError(
        f"{folder} holds something that is not of the site, such as {name}. Nothing was written. "
        "Name a new or empty folder with --out.",
        f"{folder} 里有不属于本站的内容，例如 {name}，因此什么都没有写。"
        "请用 --out 指定一个新的或空的文件夹。",
    )
