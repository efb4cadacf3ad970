"""An interview in the browser: the same steps as on the terminal, asked for by a page.

The interview that is going on is held here, so a page may be loaded again, in the other language
too; each answer is kept as soon as its points are ticked or its statement is judged. Nothing goes
to an interviewer that reads before the learner has seen what is sent and agreed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autograder.grading.journal import Journal
from autograder.language import LANGUAGES, Language
from autograder.learner import studying
from autograder.learner.interviewing import asked_by, finished, prepare
from autograder.learner.listening import Listener
from autograder.learner.serving import Room
from autograder.learner.studying import StudyError
from autograder.report.interviewing import to_redo
from autograder.report.interviewtexts import TEXTS
from autograder.report.site import Activity
from autograder.report.site.interviews import page, stage
from autograder.study.interview import Interview, WrongStage

if TYPE_CHECKING:
    from autograder.study.interviewer import Interviewer

_DO = {"ask": "answered", "mark": "ticked", "next": "opened", "claim": "judged"}


class Interviews:
    """What the page asks for, from an open journal."""

    def __init__(self, journal: Journal, interviewer: Interviewer | None = None) -> None:
        self._journal = journal
        self._server = interviewer
        self._listener = Listener(None)
        self._interview: Interview | None = None
        self._step = 0
        self._began = 0.0

    @property
    def room(self) -> Room:
        """For the server."""
        activity = Activity("interview", TEXTS["page.title"], page, kept=self._journal.keeps)
        return Room(activity, {"now": self.now, "step": self.step, "read": self.read})

    def now(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Where the interview stands, and whether an interviewer is still reading."""
        reading = self._listener.take()
        if reading and self._interview:
            self._interview = asked_by(reading, self._interview)
        html = stage(_language(given), **self._shown(_language(given)))
        return {"html": html, "step": self._step, "reads": self._listener.reads}

    async def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The same, once the interviewer has read."""
        await self._listener.wait()
        return self.now(given)

    def step(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take a step, and give what comes after it."""
        try:
            if given.get("step") != self._step:
                raise WrongStage("A step that was taken already.")
            self._interview = self._after(str(given.get("do")), given)
        except (WrongStage, KeyError, TypeError, ValueError):
            raise StudyError(
                "The interview has moved on in another window. Reload the page.",
                "面试已在别的窗口继续，请刷新页面。",
            ) from None
        self._step += 1
        self._began = time.monotonic()
        return self.now(given)

    def _after(self, do: str, given: Mapping[str, Any]) -> Interview:
        now = self._interview
        if do == "begin" and (now is None or now.stage == "over"):
            begun = prepare(self._journal, studying.now(), minutes=int(given["minutes"]))
            self._listener = Listener(self._server)
            return begun
        if now is None or self._listener.asks != (do == "agreed"):
            raise WrongStage("No interview has begun.")
        self._listener.forget()
        if do == "agreed":
            self._listener.agree(given["yes"] == "true")
            return now
        if do == "answered":
            now = now.answered(str(given["said"]), time.monotonic() - self._began)
            self._listener.hear(now.round.question, now.said, _language(given))
            return now
        if do == "ticked":
            count = len(now.round.question.points)
            now = now.ticked([n in given["hit"] for n in range(1, count + 1)], studying.now())
            self._journal.studies.add(now.answers[-1:])
            return now
        if do == "ended":
            return now.ended()
        if do == "judged":
            now = now.judge(given["holds"] == "true", studying.now())
            self._journal.studies.add(now.judged[-1:])
            return now
        return now.opened() if do == "opened" else now.went_on()

    def _shown(self, language: Language) -> dict[str, Any]:
        """What the template is filled with."""
        now, listener = self._interview, self._listener
        if now is None:
            return {"stage": "none", "do": "begin", "kept": self._journal.keeps}
        if now.stage == "over":
            done = list(finished(now, self._journal))
            return {"stage": "over", "do": "begin", "done": done, "redo": to_redo(done),
                    "judged": now.judged}  # fmt: skip
        if listener.asks:
            sending = listener.sending(now.round.question, language)
            return {"stage": "agree", "do": "agreed", **sending}
        note = listener.note[language] if listener.note else ""
        return {
            **_going_on(now, language), "note": note, "reads": listener.reads,
            "reading": listener.reading,
        }  # fmt: skip


def _language(given: Mapping[str, Any]) -> Language:
    return "zh" if given.get("language") == LANGUAGES[1] else "en"


def _going_on(interview: Interview, language: Language) -> dict[str, Any]:
    name, going, statement = interview.stage, interview.round, interview.round.statement
    do = "went_on" if interview.open else _DO[name]
    shown: dict[str, Any] = {
        "stage": name, "do": do, "open": interview.open, "question": going.question,
        "place": interview.place + 1, "count": len(interview.rounds),
        "answer": interview.said, "seconds": interview.seconds,
    }  # fmt: skip
    if name == "next":
        shown["follow_up"] = going.follow_ups[interview.follow_up]
    if name == "claim" and statement is not None:
        right = interview.open and interview.judged[-1].right
        shown |= {"erratum": statement.erratum, "statement": statement.text[language],
                  "holds": statement.holds, "right": right}  # fmt: skip
    return shown
