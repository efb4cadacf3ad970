"""The gradebook that Canvas exports, as a table in which to find a student's row.

Its form is that which Canvas itself reads, in ``lib/gradebook_importer.rb``: headings Student (or
LastName, FirstName), ID, perhaps SIS User ID, SIS Login ID, Integration ID and Root Account,
Section, then assignments with their ids in brackets; a row of points possible; commas or
semicolons between.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from autograder.judging.results import Graded
from autograder.report._write import ReportError

_MAX_BYTES = 32 * 2**20
POINTS_POSSIBLE = "Points Possible"
_ABOUT_STUDENTS = re.compile(
    r"Student|LastName|FirstName|ID|SIS User ID|SIS Login ID|Integration ID|Root Account|Section"
)
_WITH_ID = re.compile(r"\s*\(\d+\)\s*$")


@dataclass
class Roster:
    """Rows as the teacher's file has them, the headings first.

    Attributes
    ----------
    possible
        Place of the row of points possible; ``None`` where there is none.
    """

    rows: list[list[str]]
    delimiter: str
    possible: int | None
    _by_id: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _by_login: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _by_name: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def places(self, item: Graded) -> set[int]:
        """Rows that may be those of `item`'s student: by id, else by login, else by name.

        An id that belongs to one student while the name is another's gives both rows.
        """
        named = self._by_name.get(_squashed(item.student), set())
        numbered = self._by_id.get(item.identifier, set()) if item.identifier else set()
        if numbered:
            is_same = not named or bool(named & numbered)
            return numbered if is_same else numbered | named
        for key in (item.identifier, item.student):
            found = self._by_login.get(key.strip().casefold(), set()) if key.strip() else set()
            if found:
                return found
        return named

    def columns(self, names: set[str]) -> list[int]:
        """Places of the assignments with one of these names that may be written to."""
        wanted = {name.casefold() for name in names}
        found = []
        for place, heading in enumerate(self.rows[0]):
            title = _WITH_ID.sub("", heading).strip().casefold()
            if title in wanted and "read only" not in self.points_possible(place):
                found.append(place)
        return found

    def points_possible(self, place: int) -> str:
        """What the row of points possible says of a column."""
        row = [] if self.possible is None else self.rows[self.possible]
        return row[place].strip() if place < len(row) else ""


def read_roster(path: Path) -> Roster:
    """Read a gradebook that was exported from Canvas, or raise `ReportError`."""
    try:
        with path.open("rb") as file:
            # A device has no end, and no gradebook is that long.
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            most = _MAX_BYTES // 2**20
            raise _not_a_gradebook(path, f"it is larger than {most} MB", f"大小超过 {most} MB")
        text = content.decode("utf-8-sig")
        delimiter = _delimiter(text)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _not_a_gradebook(path, why, why) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows or not _is_header(rows[0]):
        raise _not_a_gradebook(
            path,
            "it does not begin with the headings Student, ID and Section",
            "开头没有 Student、ID、Section 这些列名",
        )
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    possible = next((n for n, row in enumerate(rows) if POINTS_POSSIBLE in row[0]), None)
    roster = Roster(rows, delimiter, possible)
    _index(roster)
    return roster


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return ";" if head.count(";") > head.count(",") else ","


def _is_header(row: list[str]) -> bool:
    about = [cell for cell in row if _ABOUT_STUDENTS.fullmatch(cell.strip())]
    return about[:1] in (["Student"], ["LastName"]) and "ID" in about and "Section" in about


def _index(roster: Roster) -> None:
    head = [cell.strip() for cell in roster.rows[0]]
    place = {name: head.index(name) for name in head if _ABOUT_STUDENTS.fullmatch(name)}
    for number, row in enumerate(roster.rows[1:], start=1):
        about = {name: row[where].strip() for name, where in place.items()}
        # What is above or is the row of points possible, and rows without any id, are nobody's.
        if number == roster.possible or not any(about.get(key) for key in _IDS):
            continue
        roster._by_id[about["ID"]].add(number)
        for key in ("SIS User ID", "SIS Login ID"):
            if about.get(key):
                roster._by_login[about[key].casefold()].add(number)
        for name in _names(about):
            roster._by_name[name].add(number)


_IDS = ("ID", "SIS User ID", "SIS Login ID")


def _names(about: dict[str, str]) -> set[str]:
    """The ways in which Canvas and people write a name: first or last name first."""
    if "LastName" in about:
        last, first = about["LastName"], about.get("FirstName", "")
    else:
        last, _, first = about["Student"].partition(",")
    return {_squashed(last + first), _squashed(first + last)} - {""}


def _squashed(name: str) -> str:
    """Letters and digits alone, as in the names of files that Canvas lets one download."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in plain if character.isalnum())


def _not_a_gradebook(path: Path, en: str, zh: str) -> ReportError:
    return ReportError(
        f"{path} is no gradebook as Canvas exports it: {en}. In Canvas, choose Grades, Export, "
        "Export Entire Gradebook, and name that file.",
        f"{path} 不是 Canvas 导出的成绩册：{zh}。请在 Canvas 的 Grades 页选择 Export → "
        "Export Entire Gradebook，再给出那个文件。",
    )
