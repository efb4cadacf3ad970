"""Where we keep things on a machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

_NAME = "touchstone"
# What nobody can make, not even root, for a user without a home: there, nothing is kept.
_NOWHERE = Path(os.devnull) / _NAME


def cache() -> Path:
    """What can be made again. It may be missing, and impossible to make."""
    return _found(lambda: platformdirs.user_cache_path(_NAME))


def data() -> Path:
    """What cannot, such as the journal; as little certain to be there."""
    return _found(lambda: platformdirs.user_data_path(_NAME, appauthor=False))


def others_cache() -> Path:
    """The folder in which other programs have their caches, such as that of a model hub."""
    return _found(lambda: Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")))


def _found(look: Callable[[], Path]) -> Path:
    """What `look` finds, unless that rests on the home of somebody who has none."""
    try:
        path = look()
    except RuntimeError:
        return _NOWHERE
    return path if path.is_absolute() else _NOWHERE
