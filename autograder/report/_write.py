"""Report files, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from autograder import _files
from autograder._errors import BilingualError
from autograder.report.texts import text

SQLITE = b"SQLite format 3\0"


class ReportError(BilingualError):
    """A report that could not be written; the message says why and what to do."""


def write_text(path: Path, content: str) -> None:
    """Write `content` to the file at `path` as UTF-8, making its folder where there is none.

    Raises
    ------
    ReportError
        If that is not possible; a former file is then intact.
    """
    write_bytes(path, content.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """The same of bytes."""
    try:
        if path.is_dir():
            raise _error("file.folder", path)
        if is_somebodys(path):
            raise _error("file.somebodys", path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.replace(path, data)
    except OSError as error:
        raise _error("file.failed", path, why=error.strerror or str(error)) from error


def is_somebodys(path: Path) -> bool:
    """Whether a file is work or a record, such as a notebook or a ledger, and is to stay."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix == ".ipynb" or file.read(len(SQLITE)) == SQLITE


def _error(key: str, path: Path, **fields: str) -> ReportError:
    return ReportError(text(key, "en", path=path, **fields), text(key, "zh", path=path, **fields))
