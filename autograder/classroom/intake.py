"""What a class hands in: the notebooks of each student, from a folder, a pattern or a ZIP.

How students are told from paths, the first that fits:

- an export of Gradescope: ``submission_N/``, with names from its ``submission_metadata.yml``;
- names that Moodle or Canvas gave to files and folders (`autograder.classroom.names`), or
  Blackboard and Brightspace to attempts (`autograder.classroom.attempts`);
- with a roster, whom of it the names of file and folders mean (`autograder.classroom.knowing`);
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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from autograder._files import without_links
from autograder.classroom.attempts import unfolded
from autograder.classroom.entries import Entry, IntakeError
from autograder.classroom.layouts import Reading
from autograder.classroom.leftovers import left_over
from autograder.classroom.names import Owner, labels, tidy
from autograder.classroom.notebooks import MAX_NOTEBOOKS, at_most_enough, beside, nothing
from autograder.classroom.readings import Read
from autograder.classroom.roster import Person, Roster
from autograder.classroom.sources import listed
from autograder.classroom.telling import described, known_people
from autograder.classroom.wrapping import looked_through
from autograder.engine.cells import UnreadableNotebook
from autograder.engine.files import Beside
from autograder.exercise import catalog
from autograder.judging.results import Expected
from autograder.language import Text

__all__ = ["MAX_NOTEBOOKS", "Intake", "IntakeError", "Submission", "find_submissions", "take_in"]


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
    at
        When it was handed in, as `Graded` has it.
    """

    student: str
    name: str
    identifier: str = ""
    problem: Text | None = None
    at: str = ""
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
    roster
        Everybody who was expected, by the names of `submissions`; without a roster, nobody.
    told
        What else a teacher should know before anything is graded.
    """

    submissions: list[Submission]
    layout: Text
    aside: tuple[tuple[str, Text], ...] = ()
    roster: tuple[Expected, ...] = ()
    told: tuple[Text, ...] = ()

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
    roster: Roster | None = None,
    only_latest: bool = False,
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
    roster
        Who is in the class.
    only_latest
        Whether of several attempts, where a platform names them, only the latest is looked at.

    Raises
    ------
    IntakeError
        If there is no such source, no notebook in it, or whose they are is not clear.
    """
    every, title = listed(source, apart and without_links(apart))
    every = unfolded(every)
    entries = [entry for entry in every if entry.aside is None]
    slugs = sorted(path.parent.name for path in course.glob("*/exercise.toml"))
    placed = looked_through(entries, title, slugs)
    read = Read(str(source), placed, title, slugs, roster, only_latest)
    reading = read.told_to(layout) if layout else read.beyond_doubt()
    places = reading.places
    found = {o: at_most_enough(own, places[o]) for o, own in reading.notebooks.items()}
    owned = reading.owned
    if not any(found.values()) and all(e.problem is None for own in owned.values() for e in own):
        raise IntakeError(
            f"There is no notebook in {source}. Name the folder or ZIP with what was handed in.",
            f"{source} 里没有 notebook。请给出存放作业的文件夹或 ZIP。",
        )
    found = {o: found[o] or [nothing(places[o], owned[o])] for o in owned}
    people = roster.people if roster else ()
    absent = set(people) - set(reading.known.values())
    students = labels([*found, *(person.owner for person in absent)])
    expected = _expected(people, reading, students)
    missing = [students[person.owner] for person in people if person in absent]
    graded = [entry for own in found.values() for entry in own]
    return Intake(
        _submissions(found, reading, students),
        described(reading),
        left_over(read.without_older(every), reading, graded),
        expected,
        tuple(known_people(reading, missing, read.older)),
    )


def _expected(
    people: Sequence[Person], reading: Reading, students: Mapping[Owner, str]
) -> tuple[Expected, ...]:
    owners = {person: owner for owner, person in reading.known.items()}
    found = []
    for person in people:
        owner = owners.get(person, person.owner)
        identifier = person.identifier or tidy(owner.identifier)
        found.append(Expected(students[owner], identifier, person.email, person.due))
    return tuple(found)


def _at(entry: Entry, reading: Reading) -> str:
    """When something was handed in: what is said of it, or of a folder that it is in."""
    steps = entry.parts
    above = ("/".join(steps[:depth]) for depth in range(len(steps), 0, -1))
    return next((reading.at[place] for place in above if place in reading.at), "")


def _submissions(
    found: dict[Owner, list[Entry]], reading: Reading, students: Mapping[Owner, str]
) -> list[Submission]:
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
                at=_at(entry, reading),
                _content=entry.read,
                _beside=partial(beside, entry, reading.owned[owner]),
            )
            for owner, entries in found.items()
            for entry in entries
        ),
        key=lambda submission: (submission.student, submission.name),
    )
