"""Names of files and people, as file systems, archives and learning platforms write them.

References
----------
APPNOTE.TXT, the ZIP file format specification, 4.4.4 and appendix D (names); canvas-lms,
``lib/content_zipper.rb`` (names in a download of submissions); moodle,
``mod/assign/classes/downloader.php`` (the same); Microsoft, "Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from itertools import chain, count
from typing import NamedTuple

# sortablename[_LATE]_user_attachment_file: lower case, without spaces, commas and hyphens.
_CANVAS_END = r"_(?:(?P<file>\d+)_(?P<rest>.+)|(?:text|link)\.html)"
_CANVAS = re.compile(rf"(?P<student>.+?)_(?P<late>LATE_)?(?P<identifier>\d+){_CANVAS_END}", re.S)
_CANVAS_ANONYMOUS = re.compile(
    rf"(?P<late>LATE_)?(?P<student>anon_(?P<identifier>[0-9A-Za-z]+)){_CANVAS_END}", re.S
)
# A folder each, or all in one: Full Name_participant_assignsubmission_file[_file]. Older editions
# end the folder's name with an underscore; groups that have no name have no number either.
_MOODLE = re.compile(
    r"(?P<student>.+?)(?:_(?P<identifier>\d+))?_assignsubmission_[a-z]+(?:_.*)?", re.S
)
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)( *\..*)?", re.I | re.S)
LONGEST = 1_000
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Owner(NamedTuple):
    """A student as a layout names them, and the platform's number for them, if it tells."""

    student: str
    identifier: str = ""


def platform_owner(name: str) -> Owner | None:
    """Whose a file or folder is, if Canvas or Moodle may have named it, else ``None``."""
    return moodle_owner(name) or canvas_owner(name)


def moodle_owner(name: str) -> Owner | None:
    """Whose a file or folder is, if Moodle named it, else ``None``."""
    match = _MOODLE.fullmatch(name)
    return Owner(match["student"], match["identifier"] or "") if match else None


def canvas_owner(name: str) -> Owner | None:
    """Whose a file is, if Canvas may have named it, else ``None``; see `are_canvas_names`."""
    match = _canvas(name)
    return Owner(match["student"], match["identifier"]) if match else None


def is_late(name: str) -> bool:
    """Whether Canvas marked a file as handed in late."""
    match = _canvas(name)
    return match is not None and bool(match["late"])


def are_canvas_names(names: Collection[str], slugs: Collection[str]) -> bool:
    """Whether Canvas can have given all of `names`, each of which may be one of its names.

    It numbers each file of a download differently, and each student alike; and it writes no
    number with a zero before it. ``metrics_2026_10_ann.ipynb`` of a class of one's own does not
    keep to that, nor does ``lab_3_1_ann.ipynb``, if somebody else handed in: it gives a "student"
    whose files are named after several people.
    """
    matches = [match for name in names if (match := _canvas(name))]
    files = [match["file"] for match in matches if match["file"]]
    people = {(match["student"], match["identifier"]) for match in matches}
    numbers = [*files, *(i for _, i in people if i.isdecimal())]
    return (
        bool(matches)
        and len(matches) == len(names)
        and len(set(files)) == len(files)
        and len({identifier for _, identifier in people}) == len(people)
        and not any(number.startswith("0") for number in numbers)
        and not any(student in slugs for student, _ in people)
    )


def are_large_numbers(names: Iterable[str]) -> bool:
    """Whether all numbers in names of Canvas are as large as those of one that is in use."""
    matches = [match for name in names if (match := _canvas(name))]
    numbers = [match[part] or "" for match in matches for part in ("identifier", "file")]
    return all(len(number) > 3 for number in numbers if number.isdecimal())


def attempt_of(name: str) -> str:
    """What a file was called when it was handed to Canvas, without the number of the attempt."""
    match = _canvas(name)
    rest = (match["rest"] or "") if match else name
    return re.sub(r"-\d+(?=\.[^.]*$)", "", rest)


def _canvas(name: str) -> re.Match[str] | None:
    return _CANVAS_ANONYMOUS.fullmatch(name) or _CANVAS.fullmatch(name)


def slug_in(name: str, slugs: Iterable[str]) -> str:
    """The exercise that a file or folder is named after, wherever in the name, or ``""``."""
    found = [slug for slug in slugs if slug in name.casefold()]
    return max(found, key=len, default="")


def without_slug(stem: str, slugs: Collection[str]) -> str:
    """What is left of a file's `stem` without an exercise's slug at either end, or ``""``.

    ``lin-metrics``, ``metrics_lin`` and ``lin.metrics (1)`` are all Lin's.
    """
    slug = f"(?:{'|'.join(map(re.escape, slugs))})" if slugs else r"(?!)"
    last = re.fullmatch(rf"(?:(?P<rest>.+?)[-_. ])?{slug}(?: ?\(\d+\))?", stem, re.S)
    match = last or re.fullmatch(rf"{slug}[-_. ](?P<rest>.+)", stem, re.S)
    return (match["rest"] or "") if match else stem


def decoder(names: Iterable[bytes]) -> Callable[[bytes], str]:
    """How to read the `names` of one archive or folder that do not say how they are written.

    Each is UTF-8 if it can be. Of the others, all are taken for GB 18030, which Chinese editions
    of Windows write, if that makes mostly everyday characters of them; if not, for code page 437,
    which the specification of ZIP names and which never fails.
    """
    chinese = [text for name in names if (text := _decoded(name, "gb18030")) is not None
               and _decoded(name, "utf-8") is None]  # fmt: skip
    wide = [char for char in "".join(chinese) if ord(char) > 127]
    everyday = sum(_is_everyday(char) for char in wide)
    legacy = "gb18030" if wide and 2 * everyday >= len(wide) else "cp437"

    def decode(name: bytes) -> str:
        attempts = (_decoded(name, encoding) for encoding in ("utf-8", legacy, "cp437"))
        return next(text for text in attempts if text is not None)

    return decode


def _decoded(name: bytes, encoding: str) -> str | None:
    with contextlib.suppress(UnicodeDecodeError):
        return name.decode(encoding)
    return None


def _is_everyday(char: str) -> bool:
    """Whether `char` is in GB 2312, the everyday part of GB 18030."""
    with contextlib.suppress(UnicodeEncodeError):
        return bool(char.encode("gb2312"))
    return False


def tidy(name: str) -> str:
    """`name` in Unicode's composed form (NFC), as Linux has it and macOS may not.

    What would garble a terminal or cannot be written at all becomes a replacement character, and
    what no file system takes is cut off.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(char) in ("Cc", "Cs") or char in _BIDIRECTIONAL
        else char
        for char in unicodedata.normalize("NFC", name)[:LONGEST]
    )


def labels(owners: Iterable[Owner]) -> dict[Owner, str]:
    """A tidy label for each of `owners`; those that would share one are told apart.

    By the platform's number where there is one, else by counting in the order of their names.
    """
    wanted = {owner: tidy(owner.student) for owner in sorted(set(owners))}
    shared = {label for label, times in Counter(wanted.values()).items() if times > 1}
    taken = set(wanted.values()) - shared
    for owner, label in wanted.items():
        if label in shared:
            plain = f"{label} ({owner.identifier})" if owner.identifier else label
            others = (f"{plain} ({number})" for number in count(2))
            wanted[owner] = next(one for one in chain([plain], others) if one not in taken)
            taken.add(wanted[owner])
    return wanted


def parts_of(name: str) -> tuple[str, ...]:
    """The steps of a path, without those that lead nowhere, up, or to a drive."""
    steps = re.split(r"[\\/]", re.sub(r"^[A-Za-z]:", "", name))
    return tuple(step for step in steps if step not in ("", ".", ".."))


def is_unsafe(name: str) -> bool:
    """Whether a path leads elsewhere, or would on some system: up, a root, a drive, a device."""
    steps = name.split("/")
    return (
        "\\" in name
        or "\0" in name
        or name.startswith("/")
        or bool(re.match(r"[A-Za-z]:", name))
        or ".." in steps
        or len(name) > LONGEST
        or any(_DEVICE.fullmatch(step.rstrip(" .")) for step in steps)
    )
