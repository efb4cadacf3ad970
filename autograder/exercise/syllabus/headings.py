"""The headings of a lesson, and the address that each has on pages and in a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"(#{2,6}) +(.+)")
_ANSWERS = re.compile(r"<!-- answers: (\S+) -->")


@dataclass(frozen=True)
class Heading:
    """One heading below the title.

    Attributes
    ----------
    line
        Number of its line, from 0.
    level
        2 for the parts of a lesson, 3 for what they hold.
    answers
        The question that is answered below it, if one is.
    """

    line: int
    level: int
    title: str
    answers: str = ""


def headings(text: str) -> list[Heading]:
    """The headings of a lesson in their order; lines of code that look like one are none."""
    found, fenced = [], False
    lines = text.splitlines()
    for number, line in enumerate(lines):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (head := _HEADING.fullmatch(line.rstrip())):
            asked = _ANSWERS.match("".join(lines[number + 1 : number + 2]))
            found.append(Heading(number, len(head[1]), head[2], asked[1] if asked else ""))
    return found


def anchors(english: str) -> list[str]:
    """An address for each heading of the English lesson: the question's number, else its words.

    The Chinese ones have the same, so that a link leads to its place in either language.
    """
    found: list[str] = []
    for head in headings(english):
        own = head.answers or re.sub(r"[^a-z0-9]+", "-", head.title.lower()).strip("-") or "part"
        taken = sum(re.fullmatch(rf"{re.escape(own)}(-\d+)?", other) is not None
                    for other in found)  # fmt: skip
        found.append(f"{own}-{taken + 1}" if taken else own)
    return found


def anchored(text: str, english: str) -> str:
    """A lesson with the address of each heading in it, for whoever shows Markdown as it stands.

    Without any where the two languages have not the same headings.
    """
    lines, own, names = text.splitlines(keepends=True), headings(text), anchors(english)
    if len(own) == len(names):
        for head, name in zip(own, names, strict=True):
            mark, _, words = lines[head.line].partition(" ")
            lines[head.line] = f'{mark} <a id="{name}"></a>{words.lstrip()}'
    return "".join(lines)


def parts(text: str, section: int) -> Iterator[tuple[Heading, str]]:
    """What stands under the `section`-th heading of the second level, by its own headings."""
    lines, known = text.splitlines(keepends=True), headings(text)
    ends = [head.line for head in known[1:]] + [len(lines)]
    above = 0
    for head, end in zip(known, ends, strict=True):
        above += head.level == 2
        if head.level == 3 and above == section:
            yield head, "".join(lines[head.line + 1 : end]).strip()
