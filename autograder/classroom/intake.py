"""What a class hands in: the notebooks of each student, from a folder, a pattern or a ZIP.

How a student is told from a path, the first that fits:

- a folder ``submitted``, of an nbgrader course: what is in it counts, nothing beside it;
- a name that Moodle or Canvas gave to a file or folder (`autograder.classroom.names`);
- ``NAME/…/x.ipynb``: the first folder, however deep the notebook; so nbgrader's
  ``NAME/ASSIGNMENT/x.ipynb`` and one folder a student are the same;
- ``NAME.ipynb``, ``NAME-metrics.ipynb``, ``metrics_NAME.ipynb``: the file's name without the
  exercise's; a bare ``metrics.ipynb`` belongs to whom the folder is named after.

One folder around everything is looked through if it has the name of the folder or archive that it
is in (systems pack and unpack so), or holds what a platform named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from autograder.classroom.archives import opened
from autograder.classroom.entries import Entry, IntakeError, both
from autograder.classroom.names import Owner, labels, platform_owner, tidy, without_slug
from autograder.classroom.sources import listed
from autograder.engine.cells import UnreadableNotebook
from autograder.exercise import catalog
from autograder.language import Text

__all__ = ["IntakeError", "Submission", "find_submissions"]

MAX_NOTEBOOKS = 50
"""Of one student: more than any course has, and fewer than would keep a grader busy for long."""
# At the top, where no folder says that it is a student's, these are taken for a hand-in of the
# wrong kind; a list of names or a read-me is not.
_INSTEAD = (
    ".py", ".pdf", ".html", ".htm", ".doc", ".docx", ".odt", ".rtf",
    ".7z", ".rar", ".tar", ".gz", ".tgz", ".xz", ".bz2",
)  # fmt: skip


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


def find_submissions(
    source: str | Path, *, course: Path = catalog.COURSE, apart: Path | None = None
) -> list[Submission]:
    """Every student's notebooks in `source`, in the order of students, then of names.

    Parameters
    ----------
    source
        A folder, a ZIP, or a pattern such as ``hand-in/*.ipynb``. Nothing is unpacked onto the
        disk, no link is followed, and an archive of a student's is opened one level deep.
    apart
        A folder that is nobody's, such as the one that results go to.

    Raises
    ------
    IntakeError
        If there is no such source, or no notebook in it.
    """
    entries, title = listed(source, apart and apart.resolve())
    slugs = sorted(path.parent.name for path in course.glob("*/exercise.toml"))
    owned: defaultdict[Owner, list[Entry]] = defaultdict(list)
    places: dict[Owner, str] = {}
    for entry, parts in _looked_through(entries, title):
        owner = _owner(entry, parts, title, slugs)
        if owner is not None:
            owned[owner].append(entry)
            above = len(entry.parts) - len(parts)
            places.setdefault(owner, "/".join(entry.parts[: above + 1]))
    found = {
        owner: _at_most_enough(_notebooks(entries), places[owner])
        for owner, entries in owned.items()
    }
    if not any(found.values()) and all(e.problem is None for own in owned.values() for e in own):
        raise IntakeError(
            f"There is no notebook in {source}. Name the folder or ZIP with what was handed in.",
            f"{source} 里没有 notebook。请给出存放作业的文件夹或 ZIP。",
        )
    return _submissions(
        {owner: found[owner] or [_nothing(places[owner], owned[owner])] for owner in owned}
    )


def _submissions(found: dict[Owner, list[Entry]]) -> list[Submission]:
    students = labels(found)
    names = labels(Owner(entry.name) for entries in found.values() for entry in entries)
    return sorted(
        (
            Submission(
                student=students[owner],
                name=names[Owner(entry.name)],
                identifier=tidy(owner.identifier),
                problem=entry.problem,
                _content=entry.read,
            )
            for owner, entries in found.items()
            for entry in entries
        ),
        key=lambda submission: (submission.student, submission.name),
    )


_Placed = tuple[Entry, tuple[str, ...]]


def _looked_through(entries: Iterable[Entry], title: str) -> list[_Placed]:
    """Each entry with its path from where the students are."""
    placed = [(entry, entry.parts) for entry in entries]
    while placed:
        tops = {parts[0] for _, parts in placed}
        folders = {parts[0] for entry, parts in placed if len(parts) > 1}
        if "submitted" in folders:
            inner = "submitted"
        elif len(tops) == 1 and tops == folders and _is_wrapping(min(tops), placed, title):
            inner = min(tops)
        else:
            break
        placed = [(entry, parts[1:]) for entry, parts in placed if parts[0] == inner and parts[1:]]
    return placed


def _is_wrapping(folder: str, placed: list[_Placed], title: str) -> bool:
    inside = {parts[1] for _, parts in placed if len(parts) > 1}
    if platform_owner(folder) is not None:
        return False
    return tidy(folder) == tidy(title) or any(map(platform_owner, inside))


def _owner(entry: Entry, parts: tuple[str, ...], title: str, slugs: list[str]) -> Owner | None:
    """Whose an entry is; ``None`` if it is nobody's, such as a list of names at the top."""
    named = platform_owner(parts[0])
    if named is not None:
        return named
    if len(parts) > 1 or entry.folder:
        return Owner(parts[0])
    if entry.handed_in or entry.problem is not None or entry.suffix in _INSTEAD:
        return Owner(without_slug(PurePath(parts[0]).stem, slugs) or title)
    return None


def _notebooks(entries: list[Entry]) -> list[Entry]:
    """What one student handed in as a notebook, whether or not it can be read."""
    found = [entry for entry in entries if entry.handed_in and not _can_open(entry)]
    for entry in filter(_can_open, entries):
        try:
            inside = opened(entry)
        except UnreadableNotebook as error:
            found.append(Entry(entry.name, entry.read, problem=error.text))
            continue
        found += _inside(entry, inside, alone=not found)
    return found


def _at_most_enough(notebooks: list[Entry], place: str) -> list[Entry]:
    """A student's notebooks; if there are far too many, what says so instead."""
    if len(notebooks) <= MAX_NOTEBOOKS:
        return notebooks
    problem = both(
        f"There are {len(notebooks):,} notebooks; of one student at most {MAX_NOTEBOOKS} are "
        "graded. Ask which of them count.",
        f"共有 {len(notebooks):,} 个 notebook，每名学生最多评 {MAX_NOTEBOOKS} 个。"
        "请问清以哪些为准。",
    )
    return [Entry(place, bytes, problem=problem)]


def _can_open(entry: Entry) -> bool:
    return entry.suffix == ".zip" and entry.problem is None


def _inside(archive: Entry, inside: list[Entry], *, alone: bool) -> list[Entry]:
    """The notebooks in a student's archive, or why there are none."""
    parts = [entry.parts[len(archive.parts) :] for entry in inside]
    if any(platform_owner(step) for steps in parts for step in steps[:1]):
        problem = both(
            "This looks like the download of a whole class. Name it as the source itself.",
            "这像是整个班级的下载包。请直接把它作为要评的来源。",
        )
        return [Entry(archive.name, archive.read, problem=problem)]
    found = [entry for entry in inside if entry.handed_in and not _can_open(entry)]
    if not found and alone and any(map(_can_open, inside)):
        problem = both(
            "It is an archive in an archive. Unpack it and put the notebook there.",
            "压缩包里还有压缩包。请先解压，再放入 notebook。",
        )
        return [Entry(archive.name, archive.read, problem=problem)]
    return found


def _nothing(place: str, entries: list[Entry]) -> Entry:
    """What stands for a student without a notebook, whose `entries` lie at `place`."""
    for entry in entries:
        if entry.problem is not None:
            return entry
    files = [tidy(entry.parts[-1])[:60] for entry in entries if not entry.folder]
    shown = ", ".join(files[:3]) + (", …" if len(files) > 3 else "")
    only = (f", only {shown}", f"，只有 {shown}") if files else ("", "")
    problem = both(
        f"There is no notebook{only[0]}. Ask for the .ipynb file.",
        f"没有 notebook{only[1]}。请让学生提交 .ipynb 文件。",
    )
    return Entry(place, bytes, problem=problem)
