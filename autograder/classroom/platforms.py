"""What a platform says of who handed in: the metadata of a Gradescope export.

Reference: Gradescope, "Exporting submissions": ``assignment_N_export/`` holds a folder
``submission_M/`` for each submission, and ``submission_metadata.yml`` with its submitters.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from autograder.classroom.entries import Entry, IntakeError
from autograder.classroom.names import Owner
from autograder.engine.cells import UnreadableNotebook

METADATA = "submission_metadata.yml"
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)(?:\.\d*)?"
    r"(?P<zone> ?(?:Z|[+-]\d\d:\d\d))?"
)


class Submitted(NamedTuple):
    """Who handed in a submission, several people of a group; and when, by this machine's clock."""

    owners: list[Owner]
    at: str


def submitters(metadata: Entry) -> dict[str, Submitted]:
    """By the name of its folder, who handed in a submission and when.

    Raises
    ------
    IntakeError
        If the metadata cannot be read.
    """
    import yaml  # which few classes need

    class Plain(yaml.SafeLoader):  # type: ignore[misc]
        """Reads what Ruby wrote, but makes no object of it."""

    Plain.add_multi_constructor("", lambda loader, tag, node: None)
    Plain.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: str(node.value))
    try:
        if metadata.problem is not None:
            raise UnreadableNotebook(metadata.problem["en"], metadata.problem["zh"])
        table = yaml.load(metadata.read().decode("utf-8", "replace"), Plain)
        return {
            str(folder): Submitted(_owners(about), _time(_of(about, "created_at")))
            for folder, about in table.items()
        }
    except (yaml.YAMLError, UnreadableNotebook, AttributeError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IntakeError(
            f"{metadata.name} is to say who handed in, and cannot be read ({reason}). Export the "
            "submissions from Gradescope again, or move that file away and say --layout folders.",
            f"{metadata.name} 应说明每份作业是谁交的，但无法读取（{reason}）。请从 Gradescope "
            "重新导出，或移走该文件并加上 --layout folders。",
        ) from None


def _owners(about: Any) -> list[Owner]:
    found = []
    for person in _of(about, "submitters") or []:
        name, identifier = (_of(person, key) for key in ("name", "sid"))
        if name or identifier:
            found.append(Owner(str(name or identifier), str(identifier or "")))
    return found


def _time(text: Any) -> str:
    """A moment as Ruby writes it, such as ``2026-11-01 10:00:00.000000000 Z``."""
    match = _MOMENT.fullmatch(str(text).strip())
    if match is None:
        return ""
    zone = (match["zone"] or "Z").replace("Z", "+00:00").strip()
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(f"{match['date']}T{match['time']}{zone}")
        return moment.astimezone().replace(tzinfo=None).isoformat()
    return ""


def _of(table: Any, key: str) -> Any:
    """The value of `key`, which Ruby writes with a colon before it."""
    return table.get(f":{key}", table.get(key)) if isinstance(table, dict) else None
