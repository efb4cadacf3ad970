"""What lies in a source, read by the layout that is said or suggests itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.classroom import layouts
from autograder.classroom.attempts import OLDER, attempts, latest, texts
from autograder.classroom.doubts import Doubt, doubt_about
from autograder.classroom.entries import Entry, IntakeError
from autograder.classroom.knowing import by_names, settled
from autograder.classroom.layouts import Placed, Reading
from autograder.classroom.names import canvas_owner, moodle_owner
from autograder.classroom.platforms import METADATA, submitters
from autograder.classroom.roster import Roster
from autograder.classroom.telling import unclear
from autograder.classroom.wrapping import one_down


class Read:
    """What lies in a source, read by one layout or another."""

    def __init__(
        self,
        source: str,
        placed: list[Placed],
        title: str,
        slugs: Sequence[str],
        roster: Roster | None,
        only_latest: bool,
    ) -> None:
        self._source = source
        self._placed = placed
        self._title = title
        self._slugs = slugs
        self._roster = roster
        self._attempts = attempts((parts[0] for _, parts in placed), texts(placed))
        self.older = 0
        self._dropped: set[str] = set()
        if only_latest:
            kept = latest(self._attempts)
            self.older = len(self._attempts) - len(kept)
            dropped = self._attempts.keys() - kept
            self._placed = [one for one in placed if one[1][0] not in dropped]
            self._dropped = {entry.name for entry, parts in placed if parts[0] in dropped}

    def without_older(self, entries: list[Entry]) -> list[Entry]:
        """`entries`, in which older attempts that do not count say so."""
        return [
            replace(entry, aside=OLDER) if entry.name in self._dropped else entry
            for entry in entries
        ]

    def told_to(self, layout: str) -> Reading:
        """The reading by `layout`, with the roster's names."""
        reading = self.as_told(layout)
        return settled(reading, self._roster) if self._roster else reading

    def as_told(self, layout: str) -> Reading:
        """The reading by `layout`, whatever comes of it."""
        if layout not in layouts.LAYOUTS:
            known = ", ".join(layouts.LAYOUTS)
            raise IntakeError(
                f"There is no layout {layout!r}. There are: {known}.",
                f"没有“{layout}”这种布局。可选：{known}。",
            )
        if layout == "gradescope":
            metadata = self._metadata()
            table = submitters(metadata) if metadata else {}
            people = {folder: one.owners for folder, one in table.items()}
            times = {folder: one.at for folder, one in table.items() if one.at}
            return layouts.read_gradescope(self._placed, people, times)
        folders = layouts.read_folders(self._placed, self._title, self._slugs)
        if layout in ("canvas", "moodle"):
            whose = canvas_owner if layout == "canvas" else moodle_owner
            return layouts.read_platform(self._placed, layout, whose, folders)
        if layout in ("blackboard", "brightspace"):
            return layouts.read_attempts(self._placed, layout, self._attempts, folders)
        if layout == "folders":
            return folders
        read = layouts.read_sections if layout == "sections" else layouts.read_files
        return read(self._placed, self._title, self._slugs)

    def beyond_doubt(self) -> Reading:
        """The reading that suggests itself.

        Raises
        ------
        IntakeError
            If by it several people may be one student.
        """
        platform = layouts.platform_of(self._placed, self._slugs)
        platform = "gradescope" if self._metadata() else platform
        first = self.as_told(platform or "folders")
        if self._roster is not None:
            if platform and self._doubt(first) is None:
                return settled(first, self._roster)
            first = by_names(self._placed, self._roster, self.as_told, self._slugs)
        doubt = self._doubt(first)
        if doubt is None:
            return first
        inner = self._placed if first.layout == "folders" and doubt.exercise else []
        while inner := one_down(inner):
            # Several folders in a single one, with the same exercise: that one is no student.
            if any(len(parts) == 1 and layouts.is_work(entry) for entry, parts in inner):
                break
            second = layouts.read_folders(inner, self._title, self._slugs)
            if second.owned and self._doubt(second) is None:
                return second
        others = [self.as_told(name) for name in ("folders", "sections", "files")]
        raise unclear(self._source, first, doubt, [first, *others])

    def _doubt(self, reading: Reading) -> Doubt | None:
        return doubt_about(reading, self._slugs)

    def _metadata(self) -> Entry | None:
        found = (entry for entry, parts in self._placed if parts == (METADATA,))
        return next(found, None)
