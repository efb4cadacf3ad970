"""File names from people's names, which may be anything."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# File systems allow 255 bytes, some encrypted ones 143; room is left for a suffix and a mark.
_MAX_BYTES = 100
_UNSAFE = re.compile(r"[^\w.-]+")
_MARKED = re.compile(r"-[0-9a-f]{10}$")
# Names that Windows keeps for devices, whatever follows the first dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)(\.|$)", re.I)


def filenames(names: Iterable[str]) -> dict[str, str]:
    """A file name, without a suffix, for each of `names`: safe on every system, no two alike.

    Two names that differ only in case are alike where file systems take them so. A name that is
    not its own file name is marked with a hash of itself, not with a count: its file stays the
    same when others join the class.
    """
    all_names = list(dict.fromkeys(names))
    safe = {name: _safe(name) for name in all_names}
    taken = Counter(_folded(shown) for shown in safe.values())
    return {
        name: shown if _is_fit(name, shown) and taken[_folded(shown)] == 1
        else f"{shown}-{_mark(name)}"
        for name, shown in safe.items()
    }  # fmt: skip


def _is_fit(name: str, shown: str) -> bool:
    """Whether a name can be its own file name; one that looks marked might be another's."""
    return name == shown and not _MARKED.search(_folded(name))


def _safe(name: str) -> str:
    shown = _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip("-. ")
    shown = shown.encode("utf-8", "ignore")[:_MAX_BYTES].decode("utf-8", "ignore").strip("-. ")
    return f"_{shown}" if not shown or _DEVICES.match(_folded(shown)) else shown


def _folded(shown: str) -> str:
    return unicodedata.normalize("NFKC", shown).casefold()


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
