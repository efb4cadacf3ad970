"""Progress that goes along from one machine to another, as a file of the learner's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.grading.exchange import FORMAT, ExchangeError
from autograder.grading.journal import Journal
from autograder.report.jsonfile import write_table


def export(journal: Journal, path: Path) -> None:
    """Write all that is in the journal to the file at `path`.

    Raises
    ------
    ExchangeError
        If a file is there that holds something else.
    ReportError
        If it cannot be written.
    """
    if path.is_file() and path.stat().st_size and not _is_ours(path):
        raise ExchangeError(
            f"{path} holds something else and was left as it is. Name another file.",
            f"{path} 里是别的内容，没有改动。请换一个文件名。",
        )
    write_table(journal.exchange.dump(), path)


def take(journal: Journal, path: Path) -> dict[str, int]:
    """Merge the progress in the file at `path`; how many entries of each kind are new or better.

    Raises
    ------
    ExchangeError
        If the file cannot be read or is no progress of ours. Nothing was changed then.
    """
    try:
        return journal.exchange.merge(_content(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExchangeError(
            f"{path} cannot be read: {reason}. Nothing was changed. Look at the path.",
            f"无法读取 {path}：{reason}。现有记录没有改动，请检查路径。",
        ) from None
    except (ValueError, RecursionError):
        raise ExchangeError(
            f"{path} is not valid JSON. Nothing was changed. Make it once more with "
            "`touchstone progress export FILE.json`.",
            f"{path} 不是有效的 JSON，现有记录没有改动。"
            "请用 `touchstone progress export FILE.json` 重新导出。",
        ) from None


def _is_ours(path: Path) -> bool:
    try:
        content = _content(path)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def _content(path: Path) -> Any:
    return json.loads(path.read_bytes())
