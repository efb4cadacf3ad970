"""Reading notebooks in processes that are thrown away, since what they hold is anybody's."""

from __future__ import annotations

import atexit
import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any

from autograder.engine import Notebook, UnreadableNotebook, parse_notebook
from autograder.engine.files import Beside, content_of
from autograder.engine.pool import Warm
from autograder.evidence.packing import pack
from autograder.grading.apart._children import MODULE, WAIT_SECONDS, Bench, Overrun
from autograder.grading.bench import MEMORY, SECONDS
from autograder.judging import wording


class Reader:
    """Reads notebooks, each in a process of its own."""

    def __init__(self) -> None:
        told = pack({"slug": "", "course": "", "secret": ""})
        self._bench = Bench(Warm(MODULE, told=told))

    def __enter__(self) -> Reader:
        self._bench.warm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.close()

    def read(self, content: bytes, name: str, beside: Iterable[Beside] = ()) -> Notebook:
        """As `engine.parse_notebook` does.

        Raises
        ------
        UnreadableNotebook
            As there; also if it takes more than a notebook may.
        """
        files = list(beside)

        def answer(said: dict[str, Any], _: socket.socket, connection: Connection) -> None:
            found, why = content_of(files[said["beside"]])
            connection.send_bytes(pack({"content": found, "why": why and dict(why)}))

        # As JSON, in which names that are no text can be written down too.
        names = json.dumps([[item.name, item.why and dict(item.why)] for item in files])
        asked = {
            "do": "read",
            "seconds": SECONDS,
            "content": content,
            "name": json.dumps(name),
            "beside": names,
        }
        try:
            done = self._bench.do(asked, answer, WAIT_SECONDS)
        except Overrun as error:
            text = wording.not_read(error.status, MEMORY, SECONDS)
            raise UnreadableNotebook(text["en"], text["zh"]) from None
        if "unreadable" in done:
            raise UnreadableNotebook(done["unreadable"]["en"], done["unreadable"]["zh"])
        return Notebook.parse(done["notebook"])


_shared: list[Reader] = []
_starting = threading.Lock()


def read_apart(content: bytes, name: str, beside: Iterable[Beside] = ()) -> Notebook:
    """As `Reader.read` does, by one that lasts as long as this process.

    Where the platform has no such processes it is read here.
    """
    if sys.platform != "linux":
        return parse_notebook(content, name, beside=beside)
    return _reader().read(content, name, beside)


def make_ready() -> None:
    """Start what `read_apart` reads with, aside: it takes as long as much else at the beginning."""

    def start() -> None:
        with contextlib.suppress(Exception):  # whoever reads is told
            _reader()

    if sys.platform == "linux":
        threading.Thread(target=start, daemon=True).start()


def _reader() -> Reader:
    with _starting:
        if not _shared:
            reader = Reader().__enter__()
            atexit.register(reader.__exit__)
            _shared.append(reader)
        return _shared[0]
