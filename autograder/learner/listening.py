"""The interviewer of an interview in the browser: agreed to, then read with while the page waits.

It reads on a thread of its own, so the page shows the model answer at once, and a learner who does
not want to wait goes on. What it says counts only where the page still stands where it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from autograder.exercise.syllabus.material import Question
from autograder.language import Language, Text
from autograder.report.interviewtexts import TEXTS, said

if TYPE_CHECKING:
    from autograder.study.interviewer import Interviewer, Reading


class Listener:
    """An interviewer, or none, throughout one interview.

    Attributes
    ----------
    asks
        Whether the learner is yet to say if answers may be sent.
    reading
        What was made of the answer that is being marked.
    note
        What there is to tell beside it.
    """

    def __init__(self, server: Interviewer | None) -> None:
        self._server = server
        self.asks = server is not None
        self.reading: Reading | None = None
        self.note: Text | None = None
        self._going: Future[Reading] | None = None

    def agree(self, agreed: bool) -> None:
        """From now on answers go to the server, or never do."""
        self.asks = False
        if not agreed:
            self._server, self.note = None, TEXTS["agree.not"]

    def sending(self, question: Question, language: Language) -> dict[str, Any]:
        """What would be sent, all of it, and where to."""
        server = self._server
        assert server is not None
        messages = server.messages(question, said("agree.answer", language), language)
        return {
            "url": server.url, "messages": [one["content"] for one in messages],
            "has_key": bool(server.key), "is_open": server.is_open,
        }  # fmt: skip

    def hear(self, question: Question, answer: str, language: Language) -> None:
        """Have an answer read, if it was typed and may be sent."""
        server = self._server
        if server is None or self.asks or not answer:
            return
        found: Future[Reading] = Future()

        def read() -> None:
            try:
                found.set_result(server.read(question, answer, language))
            except BaseException as error:
                found.set_exception(error)

        self._going = found
        threading.Thread(target=read, daemon=True).start()

    def forget(self) -> None:
        """What was heard is no longer asked for."""
        self.reading = self.note = self._going = None

    @property
    def reads(self) -> bool:
        """Whether it is still reading."""
        return self._going is not None

    async def wait(self) -> None:
        """Until it has read."""
        if self._going is not None:
            with contextlib.suppress(Exception):  # told when it is taken
                await asyncio.wrap_future(self._going)

    def take(self) -> Reading | None:
        """What it has made of the answer, once."""
        from autograder.study.interviewer import InterviewerError

        going = self._going
        if going is None or not going.done():
            return None
        self._going = None
        try:
            self.reading = going.result()
        except InterviewerError as error:
            self.note = error.text
            if error.lasting:
                self._server = None
        return self.reading
