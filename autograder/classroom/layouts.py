"""How what a class handed in is laid out: readings of it, and which of them is beyond doubt.

A reading says of each file whose it is. One is taken without being told only if nobody has several
notebooks of one exercise by it, and nobody's folder holds what may be the folders of several
people. Who was named by a platform is that person, also with several attempts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from autograder.classroom.attempts import Attempt, platform_named
from autograder.classroom.entries import Entry
from autograder.classroom.names import (
    Owner,
    are_canvas_names,
    canvas_owner,
    is_late,
    moodle_owner,
    slug_in,
    tidy,
    without_slug,
)
from autograder.classroom.notebooks import notebooks_in
from autograder.classroom.roster import Person

LAYOUTS = (
    "folders", "sections", "files", "canvas", "moodle", "gradescope", "blackboard", "brightspace",
)  # fmt: skip
# At the top, where no folder says that it is a student's, these are taken for a hand-in of the
# wrong kind; a list of names or a read-me is not.
_INSTEAD = (
    ".py", ".pdf", ".html", ".htm", ".doc", ".docx", ".odt", ".rtf",
    ".7z", ".rar", ".tar", ".gz", ".tgz", ".xz", ".bz2",
)  # fmt: skip
# A browser saves a notebook so that it does not know.
_MISNAMED = re.compile(r"\.ipynb\.(?!ipynb$)\w+$", re.IGNORECASE)

Placed = tuple[Entry, tuple[str, ...]]
"""An entry, and its path from where the students are."""


@dataclass
class Reading:
    """Whose each entry is, by one layout.

    Attributes
    ----------
    within
        Folders around the students, for telling.
    certain
        Owners whom a platform named.
    inside
        What lies in archives and is no notebook to be graded; known with `notebooks`.
    known
        Who of the roster an owner is; without a roster, nobody.
    at
        By a place, when what lies there was handed in, as far as a platform tells: a time by the
        platform's clock, or only ``"late"``.
    """

    layout: str
    within: str = ""
    owned: dict[Owner, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    places: dict[Owner, str] = field(default_factory=dict)
    certain: set[Owner] = field(default_factory=set)
    inside: list[Entry] = field(default_factory=list)
    known: dict[Owner, Person] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)

    @cached_property
    def notebooks(self) -> dict[Owner, list[Entry]]:
        """Each owner's notebooks; what is in archives too."""
        return {owner: notebooks_in(own, self.inside) for owner, own in self.owned.items()}

    def add(self, owner: Owner, entry: Entry, place: str, *, certain: bool = False) -> None:
        """Note that an entry, at or below `place`, is somebody's."""
        self.owned[owner].append(entry)
        self.places.setdefault(owner, place)
        if certain:
            self.certain.add(owner)


def read_folders(placed: Sequence[Placed], title: str, slugs: Sequence[str]) -> Reading:
    """What lies in a folder at the top is one student's, and each file at the top is one's."""
    reading = Reading("folders", _within(placed))
    for entry, parts in placed:
        if len(parts) > 1 or entry.folder:
            reading.add(Owner(parts[0]), entry, _place(entry, parts, 1))
        elif is_work(entry):
            reading.add(_by_file(parts, title, slugs), entry, entry.name)
    if not any(len(parts) > 1 or entry.folder for entry, parts in placed):
        reading.layout = "files"
    return reading


def read_sections(placed: Sequence[Placed], title: str, slugs: Sequence[str]) -> Reading:
    """Folders at the top are sections; within each, as `read_folders`. Namesakes stay apart."""
    reading = Reading("sections", _within(placed))
    tops = {parts[0] for _, parts in placed if len(parts) > 1}
    if len(tops) == 1:
        reading.within = "/".join([*filter(None, [reading.within]), *tops])
    found: list[tuple[str, str, Entry, str]] = []
    for entry, parts in placed:
        if len(parts) > 2 or (len(parts) == 2 and entry.folder):
            found.append((parts[0], parts[1], entry, _place(entry, parts, 2)))
        elif len(parts) == 2 and is_work(entry):
            student = _by_file(parts[1:], parts[0], slugs).student
            found.append((parts[0], student, entry, entry.name))
        elif not entry.folder and is_work(entry):
            found.append(("", _by_file(parts, title, slugs).student, entry, entry.name))
    for owner, entry, place in _apart(found):
        reading.add(owner, entry, place)
    return reading


def read_files(placed: Sequence[Placed], title: str, slugs: Sequence[str]) -> Reading:
    """Each notebook or archive is the student's that it is named after, wherever it lies."""
    reading = Reading("files", _within(placed))
    found = []
    for entry, parts in placed:
        alone = len(parts) == 1 and not entry.folder and is_work(entry)
        if alone or entry.handed_in or entry.problem is not None:
            above = parts[-2] if len(parts) > 1 else title
            student = _by_file(parts[-1:], above, slugs).student
            # A folder for each exercise holds the same people once more.
            place = "" if slug_in(above, slugs) else "/".join(parts[:-1])
            found.append((place, student, entry, entry.name))
    for owner, entry, place in _apart(found):
        reading.add(owner, entry, place)
    return reading


def read_platform(
    placed: Sequence[Placed], layout: str, whose: Callable[[str], Owner | None], rest: Reading
) -> Reading:
    """Who was named by a platform, at the top; others as in the reading `rest`."""
    reading = Reading(layout, rest.within)
    others = {entry.name: owner for owner, entries in rest.owned.items() for entry in entries}
    for entry, parts in placed:
        owner = whose(parts[0])
        if owner is not None:
            reading.add(owner, entry, _place(entry, parts, 1), certain=True)
            if layout == "canvas" and is_late(parts[0]):
                reading.at[_place(entry, parts, 1)] = "late"
        elif (other := others.get(entry.name)) is not None:
            reading.add(other, entry, rest.places[other])
    return reading


def read_attempts(
    placed: Sequence[Placed], layout: str, found: Mapping[str, Attempt], rest: Reading
) -> Reading:
    """Attempts as Blackboard or Brightspace named them; others as in the reading `rest`."""
    owners = {top: attempt.owner for top, attempt in found.items()}
    reading = read_platform(placed, layout, owners.get, rest)
    for entry, parts in placed:
        attempt = found.get(parts[0])
        if attempt is not None and attempt.when is not None:
            reading.at[_place(entry, parts, 1)] = attempt.when.isoformat()
    return reading


def read_gradescope(
    placed: Sequence[Placed], people: Mapping[str, list[Owner]], times: Mapping[str, str]
) -> Reading:
    """Whose each folder is, the metadata says; a folder that it does not know keeps its name."""
    reading = Reading("gradescope", _within(placed))
    for entry, parts in placed:
        if len(parts) > 1 or entry.folder:
            if parts[0] in times:
                reading.at[_place(entry, parts, 1)] = times[parts[0]]
            for owner in people.get(parts[0]) or [Owner(parts[0])]:
                reading.add(owner, entry, _place(entry, parts, 1), certain=True)
    return reading


def platform_of(placed: Sequence[Placed], slugs: Sequence[str]) -> str:
    """The platform that named what is at the top, or ``""``."""
    tops = list(dict.fromkeys(parts[0] for entry, parts in placed))
    if any(moodle_owner(name) for name in tops):
        return "moodle"
    if attempts := next(filter(None, map(platform_named, tops)), ""):
        return attempts
    files = {parts[0]: None for entry, parts in placed if len(parts) == 1 and not entry.folder}
    named = [name for name in files if canvas_owner(name)]
    work = {parts[0] for entry, parts in placed if len(parts) == 1 and entry.handed_in}
    most = 2 * len(work & set(named)) >= len(work)
    return "canvas" if most and are_canvas_names(named, slugs) else ""


def is_work(entry: Entry) -> bool:
    """Whether a file that lies in nobody's folder is somebody's all the same."""
    misnamed = not entry.folder and bool(_MISNAMED.search(entry.name))
    return entry.handed_in or entry.problem is not None or entry.suffix in _INSTEAD or misnamed


def _apart(
    found: Iterable[tuple[str, str, Entry, str]],
) -> Iterable[tuple[Owner, Entry, str]]:
    """Owners by section and name; a name that is in several sections goes with its section."""
    listed = list(found)
    sections: defaultdict[str, set[str]] = defaultdict(set)
    for section, student, _, _ in listed:
        sections[student].add(section)
    for section, student, entry, place in listed:
        several = len(sections[student]) > 1 and section
        yield Owner(f"{student} ({section})" if several else student), entry, place


def _by_file(parts: Sequence[str], above: str, slugs: Sequence[str]) -> Owner:
    name = PurePath(_MISNAMED.sub(".ipynb", parts[0]))
    return Owner(without_slug(name.stem, slugs) or above)


def _place(entry: Entry, parts: tuple[str, ...], depth: int) -> str:
    return "/".join(entry.parts[: len(entry.parts) - len(parts) + depth])


def _within(placed: Sequence[Placed]) -> str:
    entry, parts = placed[0] if placed else (None, ())
    above = entry.parts[: len(entry.parts) - len(parts)] if entry else ()
    return tidy("/".join(above))
