"""What a class hands in: the notebooks of each student, from a folder, a pattern or a ZIP.

How students are told from paths, the first that fits:

- an export of Gradescope: ``submission_N/``, with names from its ``submission_metadata.yml``;
- names that Moodle or Canvas gave to files and folders (`autograder.classroom.names`);
- ``NAME/…/x.ipynb``: the first folder, however deep the notebook; so nbgrader's
  ``NAME/ASSIGNMENT/x.ipynb`` and one folder a student are the same;
- ``NAME.ipynb``, ``NAME-metrics.ipynb``, ``metrics_NAME.ipynb``: the file's name without the
  exercise's; a bare ``metrics.ipynb`` belongs to whom the folder is named after.

Of an nbgrader course what is in ``submitted`` counts, nothing beside it. Whatever else was there
is listed with the reason, so that nobody vanishes. One folder around
everything is looked through if it has the name of the folder or archive that it is in (systems
pack and unpack so), or holds what a platform named. If that leaves one student with what may be
several people's, nothing is taken in until somebody says how it is laid out (see `layouts`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from autograder._files import without_links
from autograder.classroom import layouts
from autograder.classroom.doubts import Doubt, doubt_about
from autograder.classroom.entries import Entry, IntakeError
from autograder.classroom.layouts import Placed, Reading
from autograder.classroom.leftovers import left_over
from autograder.classroom.names import (
    Owner,
    are_canvas_names,
    canvas_owner,
    labels,
    moodle_owner,
    tidy,
)
from autograder.classroom.notebooks import MAX_NOTEBOOKS, at_most_enough, beside, nothing
from autograder.classroom.platforms import METADATA, submitters
from autograder.classroom.sources import listed
from autograder.classroom.telling import described, unclear
from autograder.engine.cells import UnreadableNotebook
from autograder.engine.files import Beside
from autograder.exercise import catalog
from autograder.language import Text

__all__ = ["MAX_NOTEBOOKS", "Intake", "IntakeError", "Submission", "find_submissions", "take_in"]

# A course of nbgrader's has these beside what was handed in.
_OF_NBGRADER = frozenset(("source", "release", "submitted", "autograded", "feedback"))
_NBGRADERS = frozenset(("gradebook.db", "nbgrader_config.py"))
# What browsers and systems add to a name that is taken already.
_AGAIN = re.compile(r"(?: ?\(\d+\)| copy(?: \d+)?| - Copy| 的副本| 副本)$", re.I)


@dataclass(frozen=True, slots=True)
class Submission:
    """One notebook that somebody handed in, or the reason why there is none.

    Attributes
    ----------
    student
        As the layout names them; nobody else has the same.
    name
        Where it was in the folder or archive, with forward slashes; never a path of this machine.
    identifier
        The platform's number for the student, where a name tells it (Canvas, Moodle).
    problem
        Why there is nothing to read, with what to do.
    """

    student: str
    name: str
    identifier: str = ""
    problem: Text | None = None
    _content: Callable[[], bytes] = field(default=bytes, repr=False, compare=False)
    _beside: Callable[[], list[Beside]] = field(default=list, repr=False, compare=False)

    def read(self) -> bytes:
        """The notebook's content, fetched now and not kept.

        Raises
        ------
        UnreadableNotebook
            If it has a problem, or turns out to have one.
        """
        if self.problem is not None:
            raise UnreadableNotebook(self.problem["en"], self.problem["zh"])
        return self._content()

    def beside(self) -> list[Beside]:
        """What lay beside the notebook, of the same student's.

        Raises
        ------
        UnreadableNotebook
            If it lay in an archive that cannot be opened any more.
        """
        return self._beside()


@dataclass(frozen=True, slots=True)
class Intake:
    """What a class handed in, and by which layout that was told.

    Attributes
    ----------
    submissions
        In the order of students, then of names.
    layout
        In words, such as "one folder each".
    aside
        What else was there and is graded for nobody, with the reason; by name.
    """

    submissions: list[Submission]
    layout: Text
    aside: tuple[tuple[str, Text], ...] = ()

    @property
    def students(self) -> int:
        """How many students there are."""
        return len({submission.student for submission in self.submissions})

    @property
    def notebooks(self) -> int:
        """How many notebooks there are, as far as can be seen without reading them."""
        return sum(submission.problem is None for submission in self.submissions)


def find_submissions(
    source: str | Path,
    *,
    course: Path = catalog.COURSE,
    apart: Path | None = None,
    layout: str = "",
) -> list[Submission]:
    """The submissions that `take_in` finds."""
    return take_in(source, course=course, apart=apart, layout=layout).submissions


def take_in(
    source: str | Path,
    *,
    course: Path = catalog.COURSE,
    apart: Path | None = None,
    layout: str = "",
) -> Intake:
    """Every student's notebooks in `source`.

    Parameters
    ----------
    source
        A folder, a ZIP, or a pattern such as ``hand-in/*.ipynb``. Nothing is unpacked onto the
        disk, no link is followed, and an archive of a student's is opened one level deep.
    apart
        A folder that is nobody's, such as the one that results go to.
    layout
        One of `layouts.LAYOUTS`; by default it is found out.

    Raises
    ------
    IntakeError
        If there is no such source, no notebook in it, or whose they are is not clear.
    """
    every, title = listed(source, apart and without_links(apart))
    entries = [entry for entry in every if entry.aside is None]
    slugs = sorted(path.parent.name for path in course.glob("*/exercise.toml"))
    read = _Read(str(source), _looked_through(entries, title, slugs), title, slugs)
    reading = read.as_told(layout) if layout else read.beyond_doubt()
    places = reading.places
    found = {o: at_most_enough(own, places[o]) for o, own in reading.notebooks.items()}
    owned = reading.owned
    if not any(found.values()) and all(e.problem is None for own in owned.values() for e in own):
        raise IntakeError(
            f"There is no notebook in {source}. Name the folder or ZIP with what was handed in.",
            f"{source} 里没有 notebook。请给出存放作业的文件夹或 ZIP。",
        )
    graded = {o: found[o] or [nothing(places[o], owned[o])] for o in owned}
    return Intake(
        _submissions(graded, owned),
        described(reading),
        left_over(every, reading, [entry for own in graded.values() for entry in own]),
    )


class _Read:
    """What lies in a source, read by one layout or another."""

    def __init__(self, source: str, placed: list[Placed], title: str, slugs: Sequence[str]) -> None:
        self._source = source
        self._placed = placed
        self._title = title
        self._slugs = slugs

    def as_told(self, layout: str) -> Reading:
        """The reading by `layout`, whatever comes of it."""
        if layout not in layouts.LAYOUTS:
            known = ", ".join(layouts.LAYOUTS)
            raise IntakeError(
                f"There is no layout {layout!r}. There are: {known}.",
                f"没有“{layout}”这种布局。可选：{known}。",
            )
        if layout == "gradescope":
            metadata = self._metadata()
            return layouts.read_gradescope(self._placed, submitters(metadata) if metadata else {})
        folders = layouts.read_folders(self._placed, self._title, self._slugs)
        if layout in ("canvas", "moodle"):
            whose = canvas_owner if layout == "canvas" else moodle_owner
            return layouts.read_platform(self._placed, layout, whose, folders)
        if layout == "folders":
            return folders
        read = layouts.read_sections if layout == "sections" else layouts.read_files
        return read(self._placed, self._title, self._slugs)

    def beyond_doubt(self) -> Reading:
        """The reading that suggests itself.

        Raises
        ------
        IntakeError
            If by it several people may be one student.
        """
        platform = layouts.platform_of(self._placed, self._slugs)
        first = self.as_told("gradescope" if self._metadata() else platform or "folders")
        doubt = self._doubt(first)
        if doubt is None:
            return first
        inner = self._placed if first.layout == "folders" and doubt.exercise else []
        while inner := _one_down(inner):
            # Several folders in a single one, with the same exercise: that one is no student.
            if any(len(parts) == 1 and layouts.is_work(entry) for entry, parts in inner):
                break
            second = layouts.read_folders(inner, self._title, self._slugs)
            if second.owned and self._doubt(second) is None:
                return second
        others = [self.as_told(name) for name in ("folders", "sections", "files")]
        raise unclear(self._source, first, doubt, [first, *others])

    def _doubt(self, reading: Reading) -> Doubt | None:
        return doubt_about(reading, self._slugs)

    def _metadata(self) -> Entry | None:
        found = (entry for entry, parts in self._placed if parts == (METADATA,))
        return next(found, None)


def _submissions(
    found: dict[Owner, list[Entry]], owned: Mapping[Owner, list[Entry]]
) -> list[Submission]:
    students = labels(found)
    # What a group handed in is that of each of its people, under a name of its own.
    times: dict[str, int] = {}
    for entry in (entry for entries in found.values() for entry in entries):
        times[entry.name] = times.get(entry.name, 0) + 1
    named = {
        (owner, entry.name): Owner(entry.name, students[owner] if times[entry.name] > 1 else "")
        for owner, entries in found.items()
        for entry in entries
    }
    names = labels(named.values())
    return sorted(
        (
            Submission(
                student=students[owner],
                name=names[named[owner, entry.name]],
                identifier=tidy(owner.identifier),
                problem=entry.problem,
                _content=entry.read,
                _beside=partial(beside, entry, owned[owner]),
            )
            for owner, entries in found.items()
            for entry in entries
        ),
        key=lambda submission: (submission.student, submission.name),
    )


def _looked_through(entries: Iterable[Entry], title: str, slugs: Sequence[str]) -> list[Placed]:
    """Each entry with its path from where the students are, as far as that is certain."""
    placed = [(entry, entry.parts) for entry in entries]
    while placed:
        folders = {parts[0] for entry, parts in placed if len(parts) > 1 or entry.folder}
        if any(parts == (METADATA,) for _, parts in placed):
            break
        if "submitted" in folders and _is_nbgraders(folders, placed):
            placed = _below("submitted", placed)
            continue
        inner = _one_down(placed)
        if not inner or not _is_wrapping(min(folders), inner, title, slugs):
            break
        placed = inner
    return placed


def _is_nbgraders(folders: set[str], placed: list[Placed]) -> bool:
    """Whether ``submitted`` is a course's, and no student's of that name."""
    top = [entry for entry, parts in placed if len(parts) == 1 and not entry.folder]
    if any(entry.parts[-1] in _NBGRADERS for entry in top):
        return True
    return folders <= _OF_NBGRADER and not any(map(layouts.is_work, top))


def _one_down(placed: list[Placed]) -> list[Placed]:
    """What is in the only folder, if nothing that may be somebody's work is beside it."""
    folders = {parts[0] for entry, parts in placed if len(parts) > 1 or entry.folder}
    beside = any(len(p) == 1 and (e.handed_in or e.problem is not None) for e, p in placed)
    return _below(min(folders), placed) if len(folders) == 1 and not beside else []


def _below(folder: str, placed: list[Placed]) -> list[Placed]:
    return [(entry, parts[1:]) for entry, parts in placed if parts[0] == folder and parts[1:]]


def _is_wrapping(folder: str, inner: list[Placed], title: str, slugs: Sequence[str]) -> bool:
    if moodle_owner(folder) is not None:
        return False
    inside = {parts[0] for _, parts in inner}
    files = [parts[0] for entry, parts in inner if len(parts) == 1 and entry.handed_in]
    return (
        _first_name(folder) == _first_name(title)
        or not inside.isdisjoint({METADATA, "submitted"})
        or any(map(moodle_owner, inside))
        or are_canvas_names(files, slugs)
    )


def _first_name(name: str) -> str:
    return _AGAIN.sub("", tidy(name))
