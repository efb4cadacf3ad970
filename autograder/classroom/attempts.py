"""Attempts as Blackboard and Brightspace name them: whose each is, and when it was handed in.

Blackboard gives ``ASSIGNMENT_USER_attempt_2026-01-31-10-20-30_FILE``, and beside it a text of the
same name without a file that says ``Name: Ann Lee (USER)``. Brightspace gives a folder, or a file,
``NUMBER-NUMBER - Ann Lee - Jan 31, 2026 1020 AM``, and an ``index.html`` above them.

References: kwurst, *bb-file-cleanup* (names of files); Blackboard, "Assignment File Download";
D2L, "Download submissions". Both keep every attempt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from autograder.classroom.entries import Entry, IntakeError, both
from autograder.classroom.names import Owner
from autograder.engine.cells import UnreadableNotebook

INDEX = "index.html"
"""What Brightspace lays beside the attempts."""

OLDER = both(
    "It is of an older attempt: of each student the latest counts, as asked.",
    "它属于较早的提交；按要求，每名学生以最新一次为准。",
)

# The shortest that fits: what follows is the student's own, and may look like another's.
_BLACKBOARD = re.compile(
    r"(?P<who>.+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<about>\.txt))?", re.S
)
_BRIGHTSPACE = re.compile(
    r"(?P<identifier>\d+)-\d+ ?- (?P<student>.+?) - (?P<when>[^-]*?\b(?:19|20)\d\d\b[^-]*?)"
    r"(?: - (?P<file>.+))?",
    re.S,
)
_TIMES = (
    "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%d %B, %Y %H%M", "%d %b, %Y %H%M",
    "%b %d, %Y %H%M", "%B %d, %Y %H%M", "%d %B %Y %H%M", "%d %b %Y %H%M",
)  # fmt: skip
# Whatever the language: "Name: Ann Lee (alee)".
_ABOUT = re.compile(r"[^:：\n]{1,40}[:：]\s*(?P<name>[^\n]+?)\s*\((?P<user>[^()\n]+)\)\s*(?:\n|$)")


class Attempt(NamedTuple):
    """Whose an attempt is, at what, and when it was handed in, if the name tells."""

    owner: Owner
    assignment: str
    when: datetime | None


def is_attempt(name: str) -> bool:
    """Whether Blackboard or Brightspace named a file or folder."""
    return platform_named(name) != ""


def platform_named(name: str) -> str:
    """``"blackboard"`` or ``"brightspace"`` if it named a file or folder, else ``""``."""
    if _BLACKBOARD.fullmatch(name):
        return "blackboard"
    return "brightspace" if _BRIGHTSPACE.fullmatch(name) else ""


def unfolded(entries: Iterable[Entry]) -> list[Entry]:
    """Files that carry their attempt in their names, as files in a folder of that attempt.

    So each has the name that it was handed in by, and lies beside the others of its attempt.
    """
    return [replace(entry, name=_in_a_folder(entry)) for entry in entries]


def _in_a_folder(entry: Entry) -> str:
    *above, name = entry.name.split("/")
    match = None if entry.folder else _BLACKBOARD.fullmatch(name) or _BRIGHTSPACE.fullmatch(name)
    if match is None:
        return entry.name
    if match["file"]:
        attempt = name[: -len(match["file"])].rstrip("_- ")
        return "/".join([*above, attempt, match["file"]])
    if match.groupdict().get("about"):
        return "/".join([*above, name.removesuffix(".txt"), name])
    return entry.name


def attempts(tops: Iterable[str], about: Mapping[str, bytes]) -> dict[str, Attempt]:
    """The attempts among the folders `tops`.

    Parameters
    ----------
    about
        What Blackboard says of attempts, by the folder's name.
    """
    found: dict[str, Attempt] = {}
    blackboard = {}
    for top in tops:
        if match := _BLACKBOARD.fullmatch(top):
            blackboard[top] = match
        elif match := _BRIGHTSPACE.fullmatch(top):
            owner = Owner(match["student"], match["identifier"])
            found[top] = Attempt(owner, "", _time(match["when"].strip()))
    people = _users({top: match["who"] for top, match in blackboard.items()}, about)
    for top, match in blackboard.items():
        owner, assignment = people[match["who"]]
        found[top] = Attempt(owner, assignment, _time(match["when"]))
    return found


def _users(whos: Mapping[str, str], about: Mapping[str, bytes]) -> dict[str, tuple[Owner, str]]:
    """Who is meant by each ``ASSIGNMENT_USER``, either of which may have underscores.

    What Blackboard says beside it settles it; else what all begin with is the assignment. That
    may take one for two, where several assignments lie together, but never two for one.
    """
    told: dict[str, tuple[Owner, str]] = {}
    for top, who in whos.items():
        match = _ABOUT.match(about.get(top, b"")[:2000].decode("utf-8-sig", "replace"))
        if match and who.endswith(f"_{match['user']}"):
            told[who] = (Owner(match["name"], match["user"]), who[: -len(match["user"])])
    known = sorted({assignment for _, assignment in told.values()}, key=len, reverse=True)
    names = sorted(set(whos.values())) or [""]
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    common = "".join(char for char, _ in alike).rpartition("_")[0]
    common += "_" if common else ""
    for who in names:
        assignment = next((one for one in known if who.startswith(one)), common)
        user = who[len(assignment) :] or who
        told.setdefault(who, (Owner(user, user), assignment))
    return told


def latest(found: Mapping[str, Attempt]) -> set[str]:
    """The folders of the latest attempts, of each student at each assignment.

    Raises
    ------
    IntakeError
        If a name does not tell when an attempt was, of several.
    """
    by: dict[tuple[Owner, str], list[str]] = {}
    for top, attempt in found.items():
        by.setdefault((attempt.owner, attempt.assignment), []).append(top)
    kept = set()
    for tops in by.values():
        times = {top: found[top].when for top in tops}
        unknown = [top for top, when in times.items() if when is None]
        if unknown and len(tops) > 1:
            raise IntakeError(
                f"Which attempt is the latest cannot be told from the name {unknown[0]!r}. Leave "
                "--attempts out, and the best one counts, or move the older ones away.",
                f"从名称“{unknown[0]}”看不出哪次提交最新。去掉 --attempts 则取最高分，"
                "或者移走较早的提交。",
            )
        kept.add(max(tops, key=lambda top: (times[top] or datetime.min, top)))
    return kept


def texts(placed: Sequence[tuple[Entry, tuple[str, ...]]]) -> dict[str, bytes]:
    """What Blackboard says of each attempt, by the attempt's folder."""
    found = {}
    for entry, parts in placed:
        if len(parts) == 2 and parts[1] == f"{parts[0]}.txt" and entry.problem is None:
            with suppress(UnreadableNotebook):
                found[parts[0]] = entry.read()
    return found


def _time(text: str) -> datetime | None:
    text = re.sub(r"\b(?=\d{3}\b)", "0", text)  # 115 PM, which would be read as 11:05
    for form in ("%Y-%m-%d-%H-%M-%S", *_TIMES):
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None
