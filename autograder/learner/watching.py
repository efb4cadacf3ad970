"""Waiting for notebooks to be saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path


def saves(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield each of `paths` once now, and again whenever it was saved, until interrupted.

    Editors save by writing a new file and renaming it, so the folders are watched, not the
    files. Saves that come while the caller is busy are not lost.
    """
    from watchfiles import watch

    yield from paths
    wanted = {path.resolve(): path for path in paths}
    folders = {path.parent for path in wanted}
    for changes in watch(*folders, recursive=False, debounce=200, step=50):
        changed = {Path(name).resolve() for _, name in changes}
        for resolved, path in wanted.items():
            if resolved in changed and path.is_file():
                yield path
