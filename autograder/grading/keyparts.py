"""The parts of answer keys, task by task: from the cache, or made now, and by whom.

Each is made by a process of its own, that of `engine.keys`, unless somebody else was asked to.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Sequence

from autograder.engine import KeyRows, observe_key
from autograder.engine.keys import Mode
from autograder.engine.protocol import BUILT
from autograder.exercise.catalog import Exercise
from autograder.exercise.edition import task_edition, task_editions
from autograder.exercise.suite import Suite
from autograder.grading.keycache import path_of, read, remember, write

_MODES = re.compile(rf"reference|key|variants|{BUILT}[A-Za-z_][A-Za-z0-9_]*")
# Several submissions are judged side by side, and all of them would begin with the same key.
_ONE_AT_A_TIME = threading.Lock()
Make = Callable[[Exercise, Mode, str, Sequence[str]], "dict[str, KeyRows | None]"]
"""Makes the parts of a key for tasks of an exercise, under a secret."""


def have_made(make: Make) -> None:
    """From now on, have keys that were never made on this machine made by somebody else.

    For a process that has limits, which are not those of a key, and is thrown away.
    """
    _makers.append(make)


_makers: list[Make] = []


def parts(exercise: Exercise, mode: Mode, secret: str, tasks: Sequence[str]) -> dict[str, KeyRows]:
    """The parts of a key for `tasks`, from the cache or computed now."""
    if not _MODES.fullmatch(mode):  # a file is named after it
        raise ValueError(f"no key is of the mode {mode!r}")
    with _ONE_AT_A_TIME:
        found = cached(exercise, mode, secret, tasks)
        missing = [name for name, part in found.items() if part is None]
        if missing:
            found |= (_makers[-1] if _makers else _computed)(exercise, mode, secret, missing)
    return {name: part for name, part in found.items() if part is not None}


def _computed(
    exercise: Exercise,
    mode: Mode,
    secret: str,
    tasks: Sequence[str],
) -> dict[str, KeyRows | None]:
    """Run the reference, and for a key the misconceptions, for the checks of `tasks`."""
    suite = Suite(exercise)
    checks = {check.name: name for name in tasks for check in suite.of_task(name)}
    rows = observe_key(
        exercise, secret=secret, course=exercise.folder.parent, checks=tuple(checks),
        mode=mode,
    )  # fmt: skip
    found: dict[str, KeyRows | None] = {}
    for name in tasks:
        mine = [row for row in rows.outcomes if checks[row[1].check] == name]
        names = suite.names_of(name)
        known = [row for row in rows.misconceptions if row["stands_for"] in names]
        found[name] = KeyRows(mine, known)
        write(path_of(exercise, f"{mode}-{name}", task_edition(suite, name, secret)), found[name])
    return found


def cached(
    exercise: Exercise, mode: Mode, secret: str = "", tasks: Collection[str] | None = None
) -> dict[str, KeyRows | None]:
    """The cached part of a key for each of `tasks`, in the exercise's order."""
    wanted = [t.name for t in exercise.tasks if tasks is None or t.name in tasks]

    def part(name: str, version: str) -> KeyRows | None:
        path = path_of(exercise, f"{mode}-{name}", version)
        found = read(path)
        if found is None and mode == "reference":
            whole = read(path_of(exercise, f"key-{name}", version))
            if whole is not None:
                found = KeyRows([row for row in whole.outcomes if not row[0]], [])
                remember(path, found)
        return found

    editions = task_editions(Suite(exercise), wanted, secret)
    return {name: part(name, version) for name, version in editions.items()}
