"""A worker is believed in turn and in time, whatever it says."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest

from autograder.engine.claims import checked_png, outcome_to
from autograder.engine.dialogue import Dialogue, Ending
from autograder.engine.protocol import Request
from autograder.evidence.observations import Outcome

REQUEST = Request(
    "notebook", "toy", "/", cells=(("a", "1"), ("b", "2")), skip=("cell:1",), total_seconds=7.0
)
READY = {"type": "ready"}


def start(step: str) -> dict[str, Any]:
    return {"type": "start", "step": step}


def cell(step: str) -> dict[str, Any]:
    said = {"id": "", "outputs": [], "error": "", "message": "", "seconds": 0.0,
            "number": 0, "line": ""}  # fmt: skip
    return {"type": "cell", "step": step, **said}


class Speaker:
    """A worker that says what it is given, and then is lost."""

    def __init__(self, frames: Iterator[dict[str, Any]]) -> None:
        self.frames = frames

    def next(self, seconds: float) -> dict[str, Any] | None:
        return next(self.frames, None)

    def ending(self) -> tuple[str, str]:
        return "lost", ""

    def last_words(self) -> str:
        return ""


def held(*frames: dict[str, Any], seconds: float = 60.0) -> tuple[Ending, Dialogue]:
    dialogue = Dialogue(Speaker(iter(frames)), REQUEST, ["c"], time.monotonic() + seconds)
    return dialogue.hold(), dialogue


def test_what_is_in_turn_is_kept() -> None:
    ending, dialogue = held(READY, start("cell:0"), cell("cell:0"), {"type": "end"})
    assert (ending.kind, list(dialogue.cells), dialogue.cells[0].id) == ("value", [0], "a")


@pytest.mark.parametrize(
    "frames",
    [
        [{"type": "end"}],
        [start("cell:0")],
        [READY, READY],
        [READY, start("cell:0"), cell("cell:0"), READY],
        [READY, start("cell:0"), cell("cell:0"), start("cell:0")],
        [READY, start("cell:00")],
        [READY, start("cell:1")],
        [READY, start("check:other")],
        [READY, start("cell:0"), start("check:c")],
        [READY, start("cell:0"), {"type": "end"}],
        [READY, start("check:c"), cell("check:c")],
        [READY, start("cell:0"), {**cell("cell:0"), "type": "check"}],
        [READY, {"type": "start", "step": ["cell:0"]}],
        [READY, {}],
    ],
    ids=str,
)
def test_what_is_out_of_turn_ends_it(frames: list[dict[str, Any]]) -> None:
    assert held(*frames)[0].kind == "tampered"


def test_its_time_is_over_although_it_has_more_to_say() -> None:
    def slowly() -> Iterator[dict[str, Any]]:
        yield READY
        time.sleep(0.2)
        yield start("cell:0")
        yield cell("cell:0")

    dialogue = Dialogue(Speaker(slowly()), REQUEST, ["c"], time.monotonic() + 0.1)
    assert dialogue.hold() == Ending("timeout", "submission", "28")


def test_time_that_a_submission_used_up_before_is_its_own() -> None:
    """Its first worker was ended by what it did; the next one has no time left to be ready."""
    over = time.monotonic() - 1
    ended = {again: Dialogue(Speaker(iter([])), REQUEST, ["c"], over, again=again).hold().kind
             for again in (False, True)}  # fmt: skip
    assert ended == {False: "internal", True: "timeout"}


def test_silence_before_it_is_ready_is_ours() -> None:
    assert held(seconds=0.0)[0].kind == "internal"


def test_cells_show_as_much_as_there_is_room_for() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(2**20)).decode()
    output = {"kind": "display", "text": "x" * 100, "png": png}
    showing = {**cell("cell:0"), "outputs": [output] * 4}
    _, dialogue = held(READY, start("cell:0"), showing, {"type": "end"})
    shown = dialogue.cells[0].outputs
    assert [bool(one.png) for one in shown] == [True, True, False, False]
    assert [one.text for one in shown] == [output["text"]] * 4


@pytest.mark.parametrize(
    ("width", "height", "shown"), [(4000, 8000, True), (60_000, 60_000, False)]
)
def test_a_picture_is_as_large_as_a_page_can_unpack(width: int, height: int, shown: bool) -> None:
    """Whatever it takes packed: 60,000 white rows take 400 KB, and a browser 14 GB."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size
    assert bool(checked_png(base64.b64encode(head + bytes(100)).decode())) == shown


def test_what_a_worker_calls_our_fault_is_an_error_of_its_own() -> None:
    said = {"type": "check", "step": "check:c", "outcome": outcome_to(Outcome("c", "internal"))}
    _, dialogue = held(READY, start("check:c"), said, {"type": "end"})
    assert dialogue.outcomes["c"].kind == "raised"


def test_all_observations_together_have_a_limit() -> None:
    names = [f"c{n}" for n in range(8)]
    frames: list[dict[str, Any]] = [READY]
    for name in names:
        outcome = outcome_to(Outcome(name, "value", "x" * (3 * 2**18)))
        step = f"check:{name}"
        frames += [start(step), {"type": "check", "step": step, "outcome": outcome}]
    dialogue = Dialogue(Speaker(iter(frames)), REQUEST, names, time.monotonic() + 60)
    dialogue.hold()
    kinds = [dialogue.outcomes[name].kind for name in names]
    assert kinds == ["value"] * 5 + ["unfit"] * 3
