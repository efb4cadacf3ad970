"""Frames as they come from a worker, with a limit on how long to wait for each."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from typing import Any, BinaryIO, Protocol

from autograder.engine.protocol import BrokenChannel, first_body, frame_from, read_frame

_WAITING = 4
_AT_ONCE = 2**16


class Worker(Protocol):
    """A process that serves one request, seen from the grader."""

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next frame; ``None`` at the end; `queue.Empty` when none came in time."""

    def ending(self) -> tuple[str, str]:
        """How it ended: ``("signal", "SIGSEGV")``, ``("exit", "3")`` or ``("memory", "")``.

        ``("channel", "closed")`` says that it lives and has nothing left to speak by.
        """

    def last_words(self) -> str:
        """The last line of its standard error, where that is kept."""


class SocketFrames:
    """Frames that come over a socket; what nobody asks for yet waits at the sender's."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next frame; ``None`` at the end; `queue.Empty` when none came in time."""
        over = time.monotonic() + seconds
        while (body := first_body(self._received)) is None:
            more = self._receive(over - time.monotonic())
            if not more:
                # In the midst of a frame too: a worker that was killed is no forger.
                return None
            self._received += more
        frame = frame_from(body)
        if frame is None:
            raise BrokenChannel("a frame is empty")
        return frame

    def _receive(self, seconds: float) -> bytes:
        if seconds <= 0:
            raise queue.Empty
        try:
            self._connection.settimeout(seconds)
            return self._connection.recv(_AT_ONCE)
        except TimeoutError:
            raise queue.Empty from None
        except OSError:
            return b""


class Frames:
    """Frames of a pipe, read by a thread so that waiting for them has a limit on any platform."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        # Only a few wait: one who sends without end fills his own channel and not our memory.
        self._queue: queue.Queue[dict[str, Any] | BrokenChannel | None] = queue.Queue(_WAITING)
        self._closed = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._closed:
                frame = read_frame(self._stream)
                self._queue.put(frame)
                if frame is None:
                    return
        except BrokenChannel as error:
            self._queue.put(error)
        except (OSError, ValueError):
            self._queue.put(None)

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next frame; ``None`` at the end; `queue.Empty` when none came in time."""
        frame = self._queue.get(timeout=seconds)
        if isinstance(frame, BrokenChannel):
            raise frame
        return frame

    def close(self) -> None:
        """Close the stream, unless something that escaped still holds its other end."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            self._queue.get_nowait()
        self._thread.join(0.5)
        if not self._thread.is_alive():
            self._stream.close()
