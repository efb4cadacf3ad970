"""What all tests share."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import budget
import pytest
from hypothesis import settings

# Tests run side by side, one process for each core; more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Examples are not timed: a busy machine is no defect. CI draws the same ones at every run, so that
# a change is judged by what it changes; a run by hand goes on looking for others.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@contextlib.contextmanager
def _company(cache: Path, alone: bool) -> Iterator[None]:
    """Whoever changes what all see on this machine has it alone; the others share it."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    cache.mkdir(exist_ok=True)
    with open(cache / "door", "w") as door, open(cache / "room", "w") as room:
        # Through the door one by one, so that who wants to be alone is not overtaken for ever.
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    cache = item.config.rootpath / ".pytest_cache"
    with _company(cache, alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", action="store_true", help="nbgrader with each exercise")
    parser.addoption("--budget", action="store_true", help="print processor seconds at the end")


def pytest_configure(config: pytest.Config) -> None:
    budget.register(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests first, in each process its share of them: none is to run alone at the end."""
    if not config.option.markexpr:
        covered = [item for item in items if item.get_closest_marker("covered")]
        # One that was asked for by its name is run.
        if len(covered) < len(items):
            config.hook.pytest_deselected(items=covered)
            items[:] = [item for item in items if item not in covered]
    items[:] = _in_pieces(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_collection_finish() -> None:
    """What collecting has loaded stays: no collection of garbage is to look through it again."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """At the end of the process libraries look for what was never freed."""
    gc.unfreeze()


def _is_first(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("slow") or item.get_closest_marker("together"))


def _in_pieces(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests in order: to begin with, the processes get equal pieces of the list.

    In each piece come first those that share what takes long to make, then the other slow ones.
    """
    # Before all, what makes the answer keys that others then find in the cache; these come last.
    places = {"test_exercise_contract.py": 0, "test_nbgrader.py": 2}
    first = [item for item in items if _is_first(item)]
    first.sort(key=lambda item: places.get(item.path.name, 1))
    together: dict[Path, list[pytest.Item]] = {}
    for item in first:
        if item.get_closest_marker("together"):
            together.setdefault(item.path, []).append(item)
    apart = [item for item in first if item.path not in together]
    pieces = [apart[n::processes] for n in range(processes)]
    for n, group in enumerate(together.values()):
        pieces[n % processes][:0] = group
    quick = iter([item for item in items if not _is_first(item)])
    for piece in pieces:
        piece += itertools.islice(quick, max(0, -(-len(items) // processes) - len(piece)))
    return [*itertools.chain.from_iterable(pieces), *quick]
