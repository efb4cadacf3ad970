"""The roster of a class: who is in it, by a table of the teacher's, and whom a name means.

A table has a row of headings, in English or Chinese, and a row for each student. A name means a
student if it holds the student's number, login or address, or is the student's name, in either
order of its words. What could mean several people means nobody.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autograder.classroom.entries import IntakeError
from autograder.classroom.names import Owner, tidy

_MAX_BYTES = 8 * 2**20
_HEADINGS: dict[str, tuple[str, ...]] = {
    "identifier": (
        "id", "student id", "studentid", "sid", "student number", "student no", "number", "no",
        "sis user id", "org defined id", "orgdefinedid", "matriculation number", "id number",
        "学号", "编号", "学生编号", "学生学号", "工号",
    ),
    "name": ("name", "student", "student name", "full name", "fullname",
             "姓名", "学生", "学生姓名", "名字"),
    "last": ("last name", "lastname", "surname", "family name", "姓"),
    "first": ("first name", "firstname", "given name", "名"),
    "email": ("email", "e mail", "email address", "mail", "邮箱", "电子邮箱", "电子邮件", "邮件"),
    "login": ("login", "username", "user name", "user", "login id", "sis login id", "netid",
              "用户名", "账号", "登录名", "帐号"),
    "due": ("due", "due date", "deadline", "截止", "截止时间", "截止日期"),
}  # fmt: skip
_HAN = "\u3400-\u9fff"
_WORD = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_SHORTEST = 3  # of a number that counts within a longer name
# What a name may have beside a person's without being another person's.
_BESIDE = re.compile(r"(?:\d+|v\d+|final|draft|copy|new|late|lab|hw|homework|assignment|week|work"
                     r"|notebook|submission|solution|attempt|ipynb)*")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A student of the roster; what it does not tell is empty."""

    identifier: str = ""
    name: str = ""
    email: str = ""
    login: str = ""
    due: str = ""

    @property
    def owner(self) -> Owner:
        """The student, as submissions are listed by."""
        identifier = self.identifier or self.login
        return Owner(self.name or identifier or self.email, identifier)


class Roster:
    """Who is in a class, in the order of the table."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = tuple(people)
        self._whole: defaultdict[str, set[Person]] = defaultdict(set)
        self._sure: defaultdict[_Words, set[Person]] = defaultdict(set)
        self._names: defaultdict[_Words, set[Person]] = defaultdict(set)
        self._together: defaultdict[str, set[Person]] = defaultdict(set)
        for person in people:
            for key in filter(None, map(_words, (person.identifier, person.login, person.email))):
                self._whole["".join(key)].add(person)
                if len("".join(key)) >= _SHORTEST:
                    self._sure[key].add(person)
            for name in _rotations(_words(person.name)):
                self._names[name].add(person)
                self._together["".join(name)].add(person)
        self._longest = max(map(len, [(), *self._sure, *self._names]))

    def meant(self, names: Iterable[str]) -> set[Person]:
        """Whom `names` mean together, such as those of folders and a file.

        Nobody if none means anybody; several people if it is not clear who of them, or if one
        name means somebody else than another does.
        """
        every = [people for name in names for people in self._by(name) if people]
        if not every:
            return set()
        return set.intersection(*every) or set.union(*every)

    def is_sure(self, names: Iterable[str]) -> bool:
        """Whether one of `names` holds a number, login or address of the roster."""
        return any(self._by(name)[0] for name in names)

    def _by(self, name: str) -> tuple[set[Person], set[Person]]:
        """Whom a name means by number, login or address; and whom by a person's name."""
        words = _words(name)
        whole = "".join(words)
        sure = set(self._whole.get(whole, ()))
        likely = set(self._together.get(whole, ()))
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + self._longest) + 1):
                some, rest = words[start:end], "".join(words[:start] + words[end:])
                sure |= self._sure.get(some, set())
                # Ann Lee is not meant by "ann_lee_park"; 王小明 is by "实验一_王小明".
                if all(map(_is_han, some)) or _BESIDE.fullmatch(rest):
                    likely |= self._names.get(some, set())
        return sure, likely


def read_roster(path: Path) -> Roster:
    """The roster in a table of comma-, semicolon- or tab-separated values.

    Raises
    ------
    IntakeError
        If it cannot be read, has no column of numbers, logins, addresses or names, or has two
        students alike.
    """
    rows = [row for row in _rows(path) if any(cell.strip() for cell in row)]
    columns = _columns(rows[0]) if rows else {}
    if not columns.keys() & {"identifier", "name", "last", "email", "login"}:
        raise IntakeError(
            f"The roster {path} has no heading that is known. Name the columns in its first row: "
            "id, name, email, login (one of them will do).",
            f"名单 {path} 的首行没有可识别的列名。请在第一行写上：学号、姓名、邮箱、用户名"
            "（有其一即可）。",
        )
    people = [_person(row, columns) for row in rows[1:]]
    people = [person for person in people if any(person.owner)]
    if not people:
        raise IntakeError(
            f"The roster {path} names nobody. Write a row for each student below its headings.",
            f"名单 {path} 里没有学生。请在列名下面每人写一行。",
        )
    _refuse_doubles(path, people)
    return Roster(people)


def due_time(text: str) -> datetime:
    """A date and time such as ``2026-01-31 23:59``, by this machine's clock; a date ends it.

    Raises
    ------
    IntakeError
        If it is none.
    """
    plain = text.strip().replace("/", "-")
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        with suppress(ValueError):
            return datetime.strptime(plain, form)
    with suppress(ValueError):
        return datetime.strptime(plain, "%Y-%m-%d").replace(hour=23, minute=59, second=59)
    raise IntakeError(
        f"{text!r} is no date and time. Write it as 2026-01-31 23:59.",
        f"“{text}”不是日期时间。请写成 2026-01-31 23:59。",
    )


_Words = tuple[str, ...]


def _words(text: str) -> _Words:
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _rotations(words: _Words) -> set[_Words]:
    """A name's words with the last name first, and last: ``ann lee``, ``lee ann``."""
    return {words[n:] + words[:n] for n in range(len(words))}


def _is_han(word: str) -> bool:
    return bool(re.fullmatch(f"[{_HAN}]+", word))


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise IntakeError(
            f"The roster {path} cannot be read: {error.strerror or error}. Name a CSV file.",
            f"无法读取名单 {path}：{error.strerror or error}。请给出一个 CSV 文件。",
        ) from None
    if len(content) > _MAX_BYTES or (b"\0" in content and not _is_wide(content)):
        raise IntakeError(
            f"The roster {path} is no CSV file. In Excel, save it as “CSV UTF-8”.",
            f"名单 {path} 不是 CSV 文件。请在 Excel 中另存为“CSV UTF-8”。",
        )
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error as error:
        raise IntakeError(
            f"The roster {path} cannot be read as a table: {error}. Look for a quotation mark that "
            "is not closed.",
            f"名单 {path} 无法按表格读取：{error}。请检查是否有引号没有成对。",
        ) from None


def _is_wide(content: bytes) -> bool:
    """Whether it is UTF-16, as Excel writes "Unicode text"."""
    return content[:2] in (b"\xff\xfe", b"\xfe\xff")


def _decoded(content: bytes) -> str:
    if _is_wide(content):
        return content.decode("utf-16", "replace")
    with suppress(UnicodeDecodeError):
        return content.decode("utf-8-sig")
    return content.decode("gb18030", "replace")  # as a Chinese Excel writes CSV


def _columns(headings: Sequence[str]) -> dict[str, int]:
    known = {heading: kind for kind, names in _HEADINGS.items() for heading in names}
    found: dict[str, int] = {}
    for place, heading in enumerate(headings):
        plain = unicodedata.normalize("NFKC", heading).casefold()
        kind = known.get(" ".join(re.findall(r"[^\W_]+", plain)))
        if kind:
            found.setdefault(kind, place)
    return found


def _person(row: Sequence[str], columns: Mapping[str, int]) -> Person:
    def cell(kind: str) -> str:
        place = columns.get(kind, len(row))
        return tidy(row[place].strip()) if place < len(row) else ""

    # As spreadsheets keep a number from being calculated with: ="0123", '0123.
    identifier = re.sub(r"""^(?:="(.*)"|'(.*))$""", r"\1\2", cell("identifier"))
    first, last = cell("first"), cell("last")
    together = f"{last}{first}" if _is_han(last + first) else f"{first} {last}".strip()
    due = cell("due")
    return Person(
        identifier, cell("name") or together, cell("email"), cell("login"),
        due and due_time(due).isoformat(),
    )  # fmt: skip


def _refuse_doubles(path: Path, people: Sequence[Person]) -> None:
    for kind in ("identifier", "login", "email"):
        seen: dict[_Words, Person] = {}
        for person in people:
            key = _words(getattr(person, kind))
            if key and key in seen:
                raise IntakeError(
                    f"The roster {path} has {getattr(person, kind)!r} twice: "
                    f"{seen[key].owner.student} and {person.owner.student}. Each student needs "
                    "their own.",
                    f"名单 {path} 中“{getattr(person, kind)}”出现两次：{seen[key].owner.student} "
                    f"和 {person.owner.student}。每名学生应各不相同。",
                )
            seen[key] = person
    unnamed: dict[Owner, Person] = {}
    for person in people:
        if person.owner in unnamed and not (person.login or person.email):
            raise IntakeError(
                f"The roster {path} has {person.owner.student!r} twice and nothing that tells the "
                "two apart. Add a column id.",
                f"名单 {path} 中“{person.owner.student}”出现两次，无从区分。请加上学号列。",
            )
        unnamed[person.owner] = person
