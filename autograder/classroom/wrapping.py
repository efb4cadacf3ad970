"""Where in a source the students are: folders around all of them are looked through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from autograder.classroom.attempts import INDEX, is_attempt
from autograder.classroom.entries import Entry
from autograder.classroom.layouts import Placed, is_work
from autograder.classroom.names import are_canvas_names, moodle_owner, tidy
from autograder.classroom.platforms import METADATA

# A course of nbgrader's has these beside what was handed in.
_OF_NBGRADER = frozenset(("source", "release", "submitted", "autograded", "feedback"))
_NBGRADERS = frozenset(("gradebook.db", "nbgrader_config.py"))
# What browsers and systems add to a name that is taken already.
_AGAIN = re.compile(r"(?: ?\(\d+\)| copy(?: \d+)?| - Copy| 的副本| 副本)$", re.I)


def looked_through(entries: Iterable[Entry], title: str, slugs: Sequence[str]) -> list[Placed]:
    """Each entry with its path from where the students are, as far as that is certain."""
    placed = [(entry, entry.parts) for entry in entries]
    while placed:
        folders = {parts[0] for entry, parts in placed if len(parts) > 1 or entry.folder}
        if any(parts == (METADATA,) for _, parts in placed):
            break
        if "submitted" in folders and _is_nbgraders(folders, placed):
            placed = _below("submitted", placed)
            continue
        inner = one_down(placed)
        if not inner or not _is_wrapping(min(folders), inner, title, slugs):
            break
        placed = inner
    if any(map(is_attempt, {parts[0] for _, parts in placed})):
        placed = [(entry, parts) for entry, parts in placed if parts != (INDEX,)]
    return placed


def _is_nbgraders(folders: set[str], placed: list[Placed]) -> bool:
    """Whether ``submitted`` is a course's, and no student's of that name."""
    top = [entry for entry, parts in placed if len(parts) == 1 and not entry.folder]
    if any(entry.parts[-1] in _NBGRADERS for entry in top):
        return True
    return folders <= _OF_NBGRADER and not any(map(is_work, top))


def one_down(placed: list[Placed]) -> list[Placed]:
    """What is in the only folder, if nothing that may be somebody's work is beside it."""
    folders = {parts[0] for entry, parts in placed if len(parts) > 1 or entry.folder}
    beside = any(len(p) == 1 and (e.handed_in or e.problem is not None) for e, p in placed)
    return _below(min(folders), placed) if len(folders) == 1 and not beside else []


def _below(folder: str, placed: list[Placed]) -> list[Placed]:
    return [(entry, parts[1:]) for entry, parts in placed if parts[0] == folder and parts[1:]]


def _is_wrapping(folder: str, inner: list[Placed], title: str, slugs: Sequence[str]) -> bool:
    if moodle_owner(folder) is not None or is_attempt(folder):
        return False
    inside = {parts[0] for _, parts in inner}
    files = [parts[0] for entry, parts in inner if len(parts) == 1 and entry.handed_in]
    return (
        _first_name(folder) == _first_name(title)
        or not inside.isdisjoint({METADATA, "submitted"})
        or any(moodle_owner(name) or is_attempt(name) for name in inside)
        or are_canvas_names(files, slugs)
    )


def _first_name(name: str) -> str:
    return _AGAIN.sub("", tidy(name))
