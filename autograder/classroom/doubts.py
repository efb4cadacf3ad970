"""Why a reading of what a class handed in may take several people for one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from autograder.classroom.entries import Entry
from autograder.classroom.layouts import Reading
from autograder.classroom.names import (
    Owner,
    are_large_numbers,
    attempt_of,
    slug_in,
    without_slug,
)
from autograder.classroom.notebooks import MAX_NOTEBOOKS
from autograder.grading.apart import read_apart

_DEEPEST = 6
# What a file is called besides its exercise without being anybody's name.
_VERSION = re.compile(
    r"(?:[-_. ()]|v?\d++|final|draft|copy|new|old|my|version|attempt|solution|submission|homework"
    r"|hw|work|answers?|notebook|done|作业|最终版?|副本|答案|第?[一二三四]次?)*",
    re.I,
)


@dataclass(frozen=True)
class Doubt:
    """Why a reading may be wrong: one student with several notebooks, or folders, of whoever."""

    student: str
    names: tuple[str, ...]
    exercise: str = ""
    others: int = 0


def doubt_about(reading: Reading, slugs: Sequence[str]) -> Doubt | None:
    """Why a reading may take several people for one, if it may."""
    doubts = []
    notebooks = reading.notebooks
    shared = _shared_folders(reading)
    for owner in reading.owned:
        if owner in reading.certain:
            continue
        mine = notebooks[owner]
        doubt = _of_one_exercise(owner, mine, slugs)
        doubt = doubt or _of_folders(owner, mine, reading.places[owner], slugs, shared)
        doubt = doubt or _of_files(owner, mine, slugs)
        if doubt:
            doubts.append(doubt)
    if not doubts and reading.layout == "canvas":
        doubts = _of_canvas(reading, slugs)
    if not doubts:
        return None
    first = doubts[0]
    return Doubt(first.student, first.names, first.exercise, len(doubts) - 1)


def _of_canvas(reading: Reading, slugs: Sequence[str]) -> list[Doubt]:
    """Names such as ``lab_3_1_ann`` and ``lab_3_2_bo`` may look like Canvas's by chance.

    Canvas gives one student several files that are no attempts of one another, but seldom; and its
    numbers are large wherever it has been in use.
    """
    doubts = []
    files: list[str] = []
    for owner, entries in reading.notebooks.items():
        depth = len(PurePath(reading.places[owner]).parts) - 1
        own = [entry.parts[depth] for entry in entries]
        files += own
        names = sorted(set(map(attempt_of, own)))
        named = [slug_in(name, slugs) for name in names]
        if len(names) > 1 and not (all(named) and len(set(named)) == len(named)):
            doubts.append(Doubt(owner.student, tuple(entry.name for entry in entries)))
    if are_large_numbers(files) and 2 * len(doubts) <= len(reading.owned):
        return []
    return doubts


def _of_files(owner: Owner, entries: list[Entry], slugs: Sequence[str]) -> Doubt | None:
    """Notebooks named after more than their exercise, each differently, may be several people's."""
    rests = {without_slug(PurePath(entry.parts[-1]).stem, slugs): entry for entry in entries}
    people = [
        entry.name
        for rest, entry in sorted(rests.items())
        if not _VERSION.fullmatch(rest) and owner.student.casefold() not in rest.casefold()
    ]
    if len(people) > 1:
        people = [
            entry.name for entry in rests.values() if entry.name in people and _exercise(entry)
        ]
    return Doubt(owner.student, tuple(people)) if len(people) > 1 else None


def _of_folders(
    owner: Owner, entries: list[Entry], place: str, slugs: Sequence[str], shared: set[str]
) -> Doubt | None:
    """Several folders with notebooks that are named after no exercise may be people."""
    above = len(PurePath(place).parts)
    beside: defaultdict[tuple[str, ...], defaultdict[str, list[Entry]]]
    beside = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        for depth in range(above, min(len(entry.parts) - 1, above + _DEEPEST)):
            name = entry.parts[depth]
            if not slug_in(name, slugs) and name not in shared:
                beside[entry.parts[:depth]][name].append(entry)
    for inside in beside.values():
        if len(inside) > 1:
            people = [name for name, own in sorted(inside.items()) if any(map(_exercise, own))]
            if len(people) > 1:
                return Doubt(owner.student, tuple(people))
    return None


def _shared_folders(reading: Reading) -> set[str]:
    """Names of folders that at least half of several students have: assignments, not people."""
    times: Counter[str] = Counter()
    for owner, entries in reading.notebooks.items():
        above = len(PurePath(reading.places[owner]).parts)
        times.update({entry.parts[above] for entry in entries if len(entry.parts) > above + 1})
    half = len(reading.notebooks) / 2
    return {name for name, count in times.items() if count > 1 and count >= half}


def _of_one_exercise(owner: Owner, entries: list[Entry], slugs: Sequence[str]) -> Doubt | None:
    """Several notebooks of one exercise may be those of several people."""
    readable = [entry for entry in entries if entry.problem is None]
    if len(readable) < 2:
        return None
    if len(readable) > MAX_NOTEBOOKS:
        return Doubt(owner.student, tuple(entry.name for entry in readable))
    named = [slug_in(entry.parts[-1], slugs) for entry in readable]
    if all(named) and len(set(named)) == len(named):
        return None
    of: defaultdict[str, list[str]] = defaultdict(list)
    for entry, slug in zip(readable, named, strict=True):
        of[_exercise(entry) or slug].append(entry.name)
    several = {slug: names for slug, names in of.items() if slug and len(names) > 1}
    if not several:
        return None
    slug, names = min(several.items())
    return Doubt(owner.student, tuple(names), slug)


def _exercise(entry: Entry) -> str:
    """The exercise that a notebook says it is of, or ``""``; what is wrong is told later."""
    try:
        return read_apart(entry.read(), entry.name).exercise
    except Exception:
        return ""
