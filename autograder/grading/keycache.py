"""Answer keys on disk, by the content that they rest on, and the last of them in memory too."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from autograder import _places
from autograder.engine import KeyRows
from autograder.engine.claims import outcome_from, outcome_to
from autograder.engine.protocol import BrokenChannel
from autograder.evidence.packing import pack, unpack
from autograder.exercise.catalog import Exercise

_MOST_REMEMBERED = 128
_remembered: dict[Path, KeyRows] = {}


def path_of(exercise: Exercise, part: str, version: str) -> Path:
    return _cache_folder() / f"{exercise.slug}-{part}-{version[:32]}.key"


def _cache_folder() -> Path:
    return _places.cache() / "keys"


def read(path: Path) -> KeyRows | None:
    """A cached key; ``None`` if there is none, or what is there is damaged."""
    if path in _remembered:
        return _remembered[path]
    try:
        key = parsed(path.read_bytes())
    except (OSError, ValueError, TypeError, KeyError, BrokenChannel):
        return None
    remember(path, key)
    return key


def packed(rows: KeyRows) -> bytes:
    """A key as bytes."""
    outcomes = [[list(label), outcome_to(outcome)] for label, outcome in rows.outcomes]
    return pack({"outcomes": outcomes, "misconceptions": rows.misconceptions})


def parsed(body: bytes) -> KeyRows:
    """What `packed` wrote."""
    table = unpack(body)
    rows = [(tuple(label), outcome_from(row)) for label, row in table["outcomes"]]
    return KeyRows(rows, table["misconceptions"])


def remember(path: Path, key: KeyRows) -> None:
    """Keep a key in memory too; its path names all that it depends on."""
    while len(_remembered) >= _MOST_REMEMBERED:
        _remembered.pop(next(iter(_remembered)), None)
    _remembered[path] = key


def write(path: Path, rows: KeyRows | None) -> None:
    """Cache a key; without a place to write, grading goes on and is only slower."""
    if rows is None:
        return
    remember(path, rows)
    body = packed(rows)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(body)
                file.flush()
            except OSError:
                os.unlink(file.name)
                raise
        os.replace(file.name, path)
