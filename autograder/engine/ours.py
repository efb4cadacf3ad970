"""Who runs our own answers: processes that hold the reference, in which no submission runs.

By itself, each request has a fresh process, which loads the libraries. While somebody keeps them
(`kept`), one process stays warm for each exercise from when it is first needed, and a child of it
serves each request; a process that has limits is lent children of one that has none (`lent_by`).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.engine.frames import Worker
from autograder.engine.fresh import fresh_worker
from autograder.engine.process import Launch
from autograder.engine.protocol import Limits, Request
from autograder.exercise.catalog import Exercise, exercise

if TYPE_CHECKING:
    from autograder.engine.pool import Pool


class _Kept:
    """Warm processes by exercise, there for as long as somebody wants them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._pools: dict[tuple[str, str], Pool | None] = {}
        self._open = contextlib.ExitStack()
        self._leaving: threading.Timer | None = None

    @contextlib.contextmanager
    def wanted(self, linger: float) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._leaving is not None:
                self._leaving.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._leaving = threading.Timer(linger, self._close)
                self._leaving.daemon = True
            if linger and self._pools:
                self._leaving.start()
            else:
                self._close()

    def _close(self) -> None:
        with self._lock:
            if not self._users:
                self._pools.clear()
                self._open.close()

    def pool(self, slug: str, course: str, *, start: bool = True) -> Pool | None:
        """That of an exercise; ``None`` where nobody wants one, or the platform has none."""
        from autograder.engine.pool import pool_of

        with self._lock:
            key = slug, course
            if self._users and start and key not in self._pools:
                found = exercise(slug, Path(course))
                self._pools[key] = self._open.enter_context(pool_of([found], walled=False))
            return self._pools.get(key)


_kept = _Kept()
_lenders: list[Launch] = []


def kept(*, linger: float = 0.0) -> AbstractContextManager[None]:
    """Keep a process warm for each exercise that needs one, while this or another body runs.

    They may `linger` for some seconds, for whoever comes again.
    """
    return _kept.wanted(linger)


def begin(exercises: Iterable[Exercise]) -> None:
    """Start those of `exercises` aside, where somebody keeps them, for whoever needs one first."""

    def start() -> None:
        for found in (one for one in exercises if not one.on_other_model):
            with contextlib.suppress(Exception):  # whoever needs it is told
                _kept.pool(found.slug, str(found.folder.parent))

    threading.Thread(target=start, daemon=True).start()


def launch(request: Request) -> AbstractContextManager[Worker]:
    """A process that serves `request`, warm where there is one; it is ended afterwards."""
    if _lenders:
        return _lenders[-1](request)
    # The reference alone is asked for once on a machine, while a submission runs.
    pool = _kept.pool(request.slug, request.course, start=request.mode != "reference")
    return pool.worker(request) if pool else fresh_worker(request)


def lease(
    found: Exercise, allowed: Limits
) -> AbstractContextManager[tuple[socket.socket, socket.socket]]:
    """A child for a process that `lend`s it on, as `Pool.lease` gives it.

    Raises
    ------
    PoolError
        If none is kept here.
    """
    from autograder.engine.pool import PoolError

    pool = _kept.pool(found.slug, str(found.folder.parent))
    if pool is None:
        raise PoolError("no process of ours is kept")
    return pool.lease(allowed)


@contextlib.contextmanager
def lent_by(lender: Launch) -> Iterator[None]:
    """In the body, have `lender` give the processes."""
    _lenders.append(lender)
    try:
        yield
    finally:
        _lenders.remove(lender)


@contextlib.contextmanager
def warm(exercises: Sequence[Exercise]) -> Iterator[None]:
    """In the body, children of one process that is warm for all `exercises` serve them.

    For whoever asks for those of many; where the platform has no such processes, nothing changes.
    """
    from autograder.engine.pool import pool_of

    with pool_of(exercises, walled=False) as pool, contextlib.ExitStack() as lending:
        if pool:
            lending.enter_context(lent_by(pool.worker))
        yield
