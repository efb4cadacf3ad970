"""Readings of a class with its roster at hand: who of it each student is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePath

from autograder.classroom.entries import Entry
from autograder.classroom.layouts import Placed, Reading, is_work
from autograder.classroom.names import Owner, without_slug
from autograder.classroom.roster import Person, Roster
from autograder.classroom.telling import not_one, one_of_several


def settled(reading: Reading, roster: Roster) -> Reading:
    """A reading whose students have the roster's names; others keep theirs.

    Raises
    ------
    IntakeError
        If one may be several people of the roster, or several would be one by no more than a name.
    """
    found = _Known(reading)
    means: defaultdict[Person, list[Owner]] = defaultdict(list)
    for owner in reading.owned:
        people = roster.meant(filter(None, owner))
        if len(people) > 1:
            raise not_one(reading.places[owner], [_told(person) for person in people])
        for person in people:
            means[person].append(owner)
    for person, owners in means.items():
        if len(owners) > 1 and not all(roster.is_sure(filter(None, one)) for one in owners):
            raise one_of_several(_told(person), [reading.places[one] for one in owners])
    of = {owner: person for person, owners in means.items() for owner in owners}
    for owner, entries in reading.owned.items():
        for entry in entries:
            found.add(owner, of.get(owner), entry, reading.places[owner])
        if owner in reading.certain or owner in of:
            found.certain(owner, of.get(owner))
    found.reading.at = reading.at
    return found.reading


def by_names(
    placed: Sequence[Placed],
    roster: Roster,
    rest: Callable[[str], Reading],
    slugs: Sequence[str],
) -> Reading:
    """Each file is that of whom its name, or its folders', mean; others by `rest` of a layout.

    Raises
    ------
    IntakeError
        If somebody's work may be that of several people of the roster.
    """
    folders, sections = rest("folders"), rest("sections")
    found = _Known(Reading("roster", folders.within))
    unsure: defaultdict[Person, int] = defaultdict(int)
    nobodys: list[Placed] = []
    # Folders in which people of the roster are: such a one is no student.
    around: set[str] = set()
    for entry, parts in placed:
        names = [*parts[:-1], _stem(parts[-1], entry, slugs)]
        people = roster.meant(names)
        if not people:
            nobodys.append((entry, parts))
            continue
        if len(people) > 1 and is_work(entry):
            raise not_one(entry.name, [_told(person) for person in people])
        # What is nobody's work, such as a module, is that of whose folder it lies in.
        first = next(n for n, name in enumerate(names) if roster.meant([name]))
        around.update(parts[:1] if first else ())
        place = "/".join(entry.parts[: len(entry.parts) - len(parts) + first + 1])
        of = people if len(people) == 1 else roster.meant([names[first]])
        for person in of if len(of) == 1 else ():
            found.add(person.owner, person, entry, place)
            unsure[person] += entry.handed_in and not roster.meant(names[-1:])
    whose = {False: _owners(folders), True: _owners(sections)}
    for entry, parts in nobodys:
        owner = whose[parts[0] in around].get(entry.name)
        is_bare = entry.folder and entry.problem is None and len(parts) == 1 and bool(around)
        if owner is not None and not is_bare:
            places = (sections if parts[0] in around else folders).places
            found.add(owner, None, entry, places[owner])
    for person, count in unsure.items():
        if not count:
            found.certain(person.owner, person)
    return found.reading


def _owners(reading: Reading) -> dict[str, Owner]:
    return {entry.name: owner for owner, entries in reading.owned.items() for entry in entries}


class _Known:
    """A reading in the making, in which one person is one owner."""

    def __init__(self, like: Reading) -> None:
        self.reading = Reading(like.layout, like.within)
        self._owners: dict[Person, Owner] = {}

    def _owner(self, owner: Owner, person: Person | None) -> Owner:
        if person is None:
            return owner
        # The platform's number, where it gave one, is what it wants back.
        identifier = owner.identifier or person.owner.identifier
        return self._owners.setdefault(person, Owner(person.owner.student, identifier))

    def add(self, owner: Owner, person: Person | None, entry: Entry, place: str) -> None:
        own = self._owner(owner, person)
        self.reading.add(own, entry, place)
        if person is not None:
            self.reading.known[own] = person

    def certain(self, owner: Owner, person: Person | None) -> None:
        self.reading.certain.add(self._owner(owner, person))


def _stem(name: str, entry: Entry, slugs: Sequence[str]) -> str:
    return name if entry.folder else without_slug(PurePath(name).stem, slugs)


def _told(person: Person) -> str:
    owner = person.owner
    return f"{owner.student} ({owner.identifier})" if owner.identifier else owner.student
