"""What was in a source and is graded for nobody: listed with the reason, so nobody vanishes."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.classroom.entries import Entry, both
from autograder.classroom.layouts import Reading
from autograder.classroom.names import Owner, labels
from autograder.language import Text

_NOBODYS = both(
    "It is no notebook that counts, or nobody's by this layout.",
    "它不是计分的 notebook，或按此布局不属于任何人。",
)


def left_over(
    entries: Iterable[Entry], reading: Reading, graded: Iterable[Entry]
) -> tuple[tuple[str, Text], ...]:
    """Files that are neither `graded` nor lie beside what is, by name.

    Of a student who has no notebook at all, the result says so for everything.
    """
    settled = {entry.name for entry in graded}
    # An archive is settled with what was found in it.
    opened = {name[:at] for name in settled for at, char in enumerate(name) if char == "/"}
    beside: set[str] = set()
    for owner, own in reading.owned.items():
        none = not reading.notebooks[owner]
        beside |= {entry.name for entry in own if none or not entry.handed_in}
    known = settled | beside
    left: dict[str, Text] = {
        entry.name: entry.aside or entry.problem or _NOBODYS
        for entry in (*entries, *reading.inside)
        if not entry.folder
        and entry.name not in known
        and not (entry.suffix == ".zip" and entry.name in opened)
    }
    shown = labels(Owner(name) for name in left)
    return tuple((shown[Owner(name)], left[name]) for name in sorted(left))
