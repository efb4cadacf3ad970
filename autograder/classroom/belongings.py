"""What belongs to a class: where it lies, and what it is known by should it lie elsewhere too.

None of it shows to a submission. Its paths are covered, and the folders around them; and before
anybody is graded, a scout looks for it by content, everywhere that a submission could reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import has_magic
from itertools import islice
from pathlib import Path

from autograder.classroom.intake import Submission
from autograder.classroom.ledger import FORM
from autograder.engine.cells import UnreadableNotebook
from autograder.engine.copies import NOTHING, Marks, of_files
from autograder.engine.view import around
from autograder.exercise import catalog

# What is shorter is also in files of others, such as the name of a program.
_SHORTEST_SECRET = 8
_SHORTEST_WORK = 200
# Enough to notice that a class can be read, and little to carry to another machine.
_MOST_WORK = 1_000
_MOST_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to a class.

    Attributes
    ----------
    paths
        Files and folders, absolute.
    marks
        What their content is known by.
    """

    paths: tuple[Path, ...] = ()
    marks: Marks = NOTHING

    def packed(self) -> tuple[tuple[str, ...], str]:
        """As plain data, for another machine."""
        return tuple(map(str, self.paths)), self.marks.packed()

    @classmethod
    def unpacked(cls, data: tuple[tuple[str, ...], str]) -> Belongings:
        """What `packed` made data of."""
        return cls(tuple(map(Path, data[0])), Marks.unpacked(data[1]))


def belongings(
    source: str | Path,
    out: Path,
    submissions: Iterable[Submission],
    *,
    secret: Path | None = None,
    text: str = "",
    roster: Path | None = None,
) -> Belongings:
    """What belongs to the class that is graded from `source` into `out`.

    Parameters
    ----------
    secret, text
        The file of the class's secret, and what it said: a pipe says it once.
    roster
        The file of its roster.
    """
    own = [_fixed(Path(source).expanduser()), out, *filter(None, [secret, roster])]
    paths = [path.absolute() for path in own]
    contents = [*_forms(text.encode()), *_work(submissions)]
    known = of_files(contents) | Marks(applications=frozenset({FORM.application}))
    return Belongings((*paths, *around(paths)), known)


def _fixed(source: Path) -> Path:
    """The folder that a pattern looks in, or the source itself."""
    steps = [step for step in (source, *source.parents) if not has_magic(str(step))]
    return source if source.exists() else steps[0]


def _forms(text: bytes) -> Iterator[bytes]:
    """The secret as a file may hold it: with and without an end of line."""
    if len(text) >= _SHORTEST_SECRET:
        yield from (text, text + b"\n", text + b"\r\n")


def _work(submissions: Iterable[Submission]) -> Iterator[bytes]:
    """What was handed in, but for what everybody was handed out."""
    public = {path.read_bytes() for path in catalog.content_root().glob("exercises/*/*.ipynb")}
    left = _MOST_BYTES
    for submission in islice(submissions, _MOST_WORK):
        try:
            content = submission.read()
        except UnreadableNotebook:
            continue
        left -= len(content)
        if left < 0:
            return
        if len(content) >= _SHORTEST_WORK and content not in public:
            yield content
