"""What a lesson says that it covers: the questions that it answers, the errata that it tells of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.exercise.catalog import CatalogError
from autograder.exercise.syllabus.sources import numbers

_ANSWERS = re.compile(r"^<!-- answers: (\S+) -->$", re.MULTILINE)
# A first line with its numbers, and the indented lines below it.
ENTRY = re.compile(r"^- (\*\*E\d{3}\b.*)\n((?:  .*\n?)*)", re.MULTILINE)
_ASIDE = re.compile(r"\s*[(（][^()（）]*E\d{3}[^()（）]*[)）]")
_TITLE = re.compile(r"\*\*[^*·]*·\s*(.+?)[.。]?\s*\*\*")


@dataclass(frozen=True)
class Entry:
    """One mistake as a lesson tells of it.

    Attributes
    ----------
    ids
        Its number, and those of the same mistake elsewhere, which are merged with it.
    catchers
        What its last line names in code: tasks, where some catch it.
    """

    ids: tuple[str, ...]
    title: str
    catchers: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """One lesson in one language; one that is missing covers nothing.

    Attributes
    ----------
    minutes
        Time that reading takes.
    answers
        The questions that are answered in the text, each under its mark.
    """

    title: str = ""
    minutes: int = 0
    answers: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()


def source(path: Path) -> str:
    """The Markdown of the lesson at `path`.

    Raises
    ------
    CatalogError
        If it is not there, or no text.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{path} cannot be read ({error}). Install Touchstone again.",
            f"无法读取 {path}（{error}）。请重新安装试金石。",
        ) from None


def body(text: str) -> str:
    """A lesson's text without what stands before it for programs."""
    parts = text.split("---\n", 2)
    return parts[2] if text.startswith("---\n") and len(parts) == 3 else text


def read(path: Path) -> Lesson:
    """The lesson at `path`.

    Raises
    ------
    CatalogError
        If it does not begin with a title and the minutes that it takes.
    """
    import yaml

    if not path.is_file():
        return Lesson()
    text = source(path)
    try:
        front = yaml.safe_load(text.split("---\n", 2)[1])
        title, minutes = str(front["title"]), int(front["minutes"])
    except (IndexError, KeyError, TypeError, ValueError, yaml.YAMLError):
        raise CatalogError(
            f"{path} does not begin with a title and its minutes. Write them between two lines "
            "of three hyphens, as the other lessons have them, or install Touchstone again.",
            f"{path} 的开头没有标题和阅读分钟数。请照其他课文，写在两行 --- 之间；"
            "或者重新安装试金石。",
        ) from None
    entries = tuple(_entry(head, body) for head, body in ENTRY.findall(text))
    return Lesson(title, minutes, tuple(_ANSWERS.findall(text)), entries)


def title_of(head: str) -> str:
    """The title in the first line of an entry, without numbers and emphasis."""
    said = _TITLE.search(_ASIDE.sub("", head))
    return said[1] if said else ""


def _entry(head: str, body: str) -> Entry:
    last = (body.rstrip().splitlines() or [head])[-1]
    catchers = tuple(re.findall(r"`(\w+)`", last))
    return Entry(numbers(head), title_of(head), catchers)
