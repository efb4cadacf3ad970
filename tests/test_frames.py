"""Frames over a socket: the same maps come out, however the bytes arrive, and nothing else."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.engine.frames import SocketFrames
from autograder.engine.protocol import MAX_FRAME, BrokenChannel, frame_of
from autograder.evidence.packing import pack

TABLES = st.lists(st.dictionaries(st.text(max_size=5), st.binary(max_size=300) | st.integers(0, 9)))


@pytest.fixture
def ends() -> Iterator[tuple[SocketFrames, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SocketFrames(ours), theirs


@given(tables=TABLES, cuts=st.lists(st.integers(1, 400), min_size=1))
def test_frames_do_not_depend_on_how_their_bytes_are_cut(
    tables: list[dict[str, Any]], cuts: list[int]
) -> None:
    sent = b"".join(frame_of(pack(table)) for table in tables)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=send_in_pieces, args=(theirs, sent, cuts))
        sender.start()
        frames = SocketFrames(ours)
        assert [frames.next(5) for _ in tables] == tables
        assert frames.next(5) is None
        sender.join()


def send_in_pieces(connection: socket.socket, content: bytes, cuts: list[int]) -> None:
    at = 0
    while at < len(content):
        for size in cuts:
            connection.sendall(content[at : at + size])
            at += size
    connection.shutdown(socket.SHUT_WR)


def test_what_is_cut_short_is_the_end(ends: tuple[SocketFrames, socket.socket]) -> None:
    frames, theirs = ends
    theirs.sendall(frame_of(pack({"a": 1}))[:-1])
    theirs.close()
    assert frames.next(5) is None


def test_what_will_be_too_long_is_not_waited_for(ends: tuple[SocketFrames, socket.socket]) -> None:
    frames, theirs = ends
    theirs.sendall((MAX_FRAME + 1).to_bytes(4, "little"))
    with pytest.raises(BrokenChannel, match="too long"):
        frames.next(5)


@pytest.mark.parametrize("body", [b"\xc1", pack([1]), b"\x01\x02"])
def test_what_is_no_map_is_refused(ends: tuple[SocketFrames, socket.socket], body: bytes) -> None:
    frames, theirs = ends
    theirs.sendall(frame_of(body))
    with pytest.raises(BrokenChannel):
        frames.next(5)


def test_waiting_ends_also_while_bytes_trickle_in(
    ends: tuple[SocketFrames, socket.socket],
) -> None:
    frames, theirs = ends
    content, over = frame_of(bytes(10_000)), threading.Event()

    def trickle() -> None:
        for number in range(len(content)):
            theirs.sendall(content[number : number + 1])
            if over.wait(0.01):
                return

    sender = threading.Thread(target=trickle)
    sender.start()
    started = time.monotonic()
    with pytest.raises(queue.Empty):
        frames.next(0.3)
    assert time.monotonic() - started < 5
    over.set()
    sender.join()
