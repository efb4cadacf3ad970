"""The notebooks of one student, or what stands for somebody who has none."""

from __future__ import annotations

from autograder.classroom.archives import opened
from autograder.classroom.attempts import is_attempt
from autograder.classroom.entries import Entry, both
from autograder.classroom.names import platform_owner, tidy
from autograder.engine.cells import UnreadableNotebook
from autograder.engine.files import Beside

MAX_NOTEBOOKS = 50
"""Of one student: more than any course has, and fewer than would keep a grader busy for long."""


def notebooks_in(entries: list[Entry], left: list[Entry] | None = None) -> list[Entry]:
    """What one student handed in as a notebook, whether or not it can be read.

    What is like one and lies in an archive beside others, and is none, is added to `left`.
    """
    left = [] if left is None else left
    found = [entry for entry in entries if entry.handed_in and not _can_open(entry)]
    for entry in filter(_can_open, entries):
        try:
            inside = opened(entry)
        except UnreadableNotebook as error:
            found.append(Entry(entry.name, entry.read, problem=error.text))
            continue
        within = _inside(entry, inside, alone=not found)
        found += within
        left += [one for one in inside if one.handed_in and not one.folder and one not in within]
    return found


def beside(notebook: Entry, owned: list[Entry]) -> list[Beside]:
    """What lies beside a notebook and below, of what its student `owned`: no other notebooks."""
    archives = (entry for entry in owned if _can_open(entry))
    around = next((one for one in archives if notebook.name.startswith(f"{one.name}/")), None)
    folder = notebook.parts[:-1]
    return [
        Beside("/".join(entry.parts[len(folder) :]), entry.read, entry.problem)
        for entry in (opened(around) if around else owned)
        if not entry.folder
        and entry.parts[: len(folder)] == folder
        and entry.suffix not in (".ipynb", ".zip")
    ]


def at_most_enough(notebooks: list[Entry], place: str) -> list[Entry]:
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
    if any(platform_owner(step) or is_attempt(step) for steps in parts for step in steps[:1]):
        problem = both(
            "This looks like the download of a whole class. Name it as the source itself.",
            "这像是整个班级的下载包。请直接把它作为要评的来源。",
        )
        return [Entry(archive.name, archive.read, problem=problem)]
    found = [
        entry for entry in inside if entry.handed_in and not entry.aside and not _can_open(entry)
    ]
    if not found and alone and any(map(_can_open, inside)):
        problem = both(
            "It is an archive in an archive. Unpack it and put the notebook there.",
            "压缩包里还有压缩包。请先解压，再放入 notebook。",
        )
        return [Entry(archive.name, archive.read, problem=problem)]
    return found


def nothing(place: str, entries: list[Entry]) -> Entry:
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
