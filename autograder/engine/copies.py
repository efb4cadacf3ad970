"""Copies of the course's answers, found by what is in them, wherever they lie.

The same search runs twice: outside, for what the room is to hide, and in a child of the pool,
behind its walls, for what a submission could read all the same. It walks through every folder that
there is. A file is looked into if it is

- a notebook, ``.ipynb``, whatever its name;
- a program, ``.py``, named like an answer's file or an exercise, or as long as one of ours.

It is an answer if it is one of ours byte for byte, or shares enough long lines with one: so it is
found renamed, executed, saved anew or of an older edition. Other programs are not opened, since an
environment holds tens of thousands. Folders of exercises with answers in them, the content of an
installed course and its archives are known by their names.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANSWERS = ("reference.py", "wrong.py", "right.py", "notebook.py")
_SHORTEST_LINE = 24
_FEWEST_LINES = 4
_SHARE = 0.3
_LARGEST = 2**25
# The kernel's own; and what Python compiled, which lies beside its source.
_KERNEL = ("/proc", "/sys", "/dev")
_COMPILED = "__pycache__"
_ARCHIVES = (".whl", ".zip", ".gz")
_LOOKED_INTO = (".ipynb", ".py", *_ARCHIVES)


@dataclass(frozen=True, slots=True)
class Marks:
    """What answers are known by; it tells nothing of what they are.

    Attributes
    ----------
    whole
        By length in bytes, hashes of whole files.
    lines
        For each file with answers, hashes of its longest lines that nobody is handed.
    names
        Of programs that are looked into whatever their length, such as ``reference.py``.
    """

    whole: dict[int, frozenset[str]]
    lines: tuple[frozenset[str], ...]
    names: frozenset[str]

    def packed(self) -> str:
        """As text, for another process."""
        whole = {size: sorted(hashes) for size, hashes in self.whole.items()}
        return json.dumps([whole, [sorted(one) for one in self.lines], sorted(self.names)])

    @classmethod
    def unpacked(cls, text: str) -> Marks:
        """What `packed` made text of."""
        whole, lines, names = json.loads(text)
        return cls(
            {int(size): frozenset(hashes) for size, hashes in whole.items()},
            tuple(map(frozenset, lines)),
            frozenset(names),
        )


def hashed(data: bytes) -> str:
    """A short hash: of a file, or of a line."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def long_lines(text: str) -> set[str]:
    """The lines of `text` that are long enough to tell it from others, without what is around."""
    stripped = (line.strip() for line in text.splitlines())
    return {line for line in stripped if len(line) >= _SHORTEST_LINE and line[0] != "#"}


def search(tops: Iterable[str], marks: Marks, apart: Iterable[str] = ()) -> Iterator[str]:
    """Files and folders with answers in `tops`, but for the folders `apart`; links not followed."""
    skipped = {*apart, *_KERNEL}
    waiting = [top for top in tops if top not in skipped]
    while waiting:
        folder = waiting.pop()
        try:
            inside = list(os.scandir(folder))
        except OSError:
            continue
        if _holds_answers(folder, inside):
            yield folder
            continue
        for item in inside:
            try:
                if item.is_dir(follow_symlinks=False):
                    if item.name != _COMPILED and item.path not in skipped:
                        waiting.append(item.path)
                elif item.name.endswith(_LOOKED_INTO) and _is_answer(item, marks):
                    yield item.path
            except OSError:
                continue


def _holds_answers(folder: str, inside: list[os.DirEntry[str]]) -> bool:
    """Whether a folder is known by its name and those of what is in it."""
    if folder.endswith("/autograder/_content"):
        return bool(inside)
    names = [item.name for item in inside]
    return "exercise.toml" in names and not {*ANSWERS, _COMPILED}.isdisjoint(names)


def _is_answer(item: os.DirEntry[str], marks: Marks) -> bool:
    name = item.name
    if name.endswith(_ARCHIVES):
        return name.replace("-", "_").startswith("touchstone_course_") and os.access(item, os.R_OK)
    size = item.stat().st_size
    wholes = marks.whole.get(size)
    by_lines = (name in marks.names or name.endswith(".ipynb")) and size <= _LARGEST
    if not (wholes or by_lines) or not item.is_file():
        return False
    content = Path(item.path).read_bytes()
    if wholes and hashed(content) in wholes:
        return True
    return by_lines and _shares_lines(content, marks)


def _shares_lines(content: bytes, marks: Marks) -> bool:
    lines = {hashed(line.encode("utf-8", "replace")) for line in long_lines(_code(content))}
    return any(
        len(lines & known) >= max(_FEWEST_LINES, _SHARE * len(known)) for known in marks.lines
    )


def _code(content: bytes) -> str:
    """What a program says, or the cells of a notebook, as text."""
    text = content.decode("utf-8", "replace")
    try:
        cells: list[Any] = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return text
