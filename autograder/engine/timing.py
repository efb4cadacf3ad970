"""The end of a step that takes too long: by its own processor time, and far later by the clock.

A slow or busy machine is no mistake, so what counts is how long the step itself computed; the clock
ends what sleeps or waits.

References: setitimer(2), getrlimit(2).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

PATIENCE = 4.0
"""How many times as long a step may take by the clock as it may compute."""


class Overtime(BaseException):
    """Raised in the midst of a learner's code when its time is over.

    Attributes
    ----------
    computed
        Whether it is over by processor time, and not by the clock.
    seconds
        How much it had.
    """

    def __init__(self, computed: bool, seconds: float) -> None:
        super().__init__()
        self.computed = computed
        self.seconds = seconds


@contextlib.contextmanager
def deadline(seconds: float, clock: float | None = None) -> Iterator[None]:
    """Raise `Overtime` in the body after a time, where the platform can (Unix, main thread).

    Parameters
    ----------
    seconds
        Of processor time of this process.
    clock
        Seconds by the clock; by default `PATIENCE` times as many.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    clock = PATIENCE * seconds if clock is None else clock

    def ring(number: int, frame: object) -> None:
        computed = number == signal.SIGPROF
        raise Overtime(computed, seconds if computed else clock)

    timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    before = {number: signal.signal(number, ring) for number in timers}
    # The interval makes it ring again for code that swallows the first exception.
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
    signal.setitimer(signal.ITIMER_REAL, clock, 0.1)
    try:
        yield
    finally:
        for timer in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
