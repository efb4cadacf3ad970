"""An interview in the browser: the same steps as on the terminal, asked for by a page.

The interview that is going on is held here, so a page may be loaded again, in the other language
too; each answer is kept as soon as its points are ticked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from autograder.grading.journal import Journal
from autograder.language import LANGUAGES, Language
from autograder.learner import studying
from autograder.learner.interviewing import finished, prepare
from autograder.learner.serving import Room
from autograder.learner.studying import StudyError
from autograder.report.interviewing import to_redo
from autograder.report.interviewtexts import TEXTS
from autograder.report.site import Activity
from autograder.report.site.interviews import page, stage
from autograder.study.interview import Interview, WrongStage

_DO = {"ask": "answered", "mark": "ticked", "next": "opened", "claim": "judged"}


class Interviews:
    """What the page asks for, from an open journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._interview: Interview | None = None
        self._step = 0
        self._began = 0.0

    @property
    def room(self) -> Room:
        """For the server."""
        activity = Activity("interview", TEXTS["page.title"], page)
        return Room(activity, {"now": self.now, "step": self.step})

    def now(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Where the interview stands."""
        language: Language = "zh" if given.get("language") == LANGUAGES[1] else "en"
        return {"html": stage(language, **self._shown(language)), "step": self._step}

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
            return prepare(self._journal, studying.now(), minutes=int(given["minutes"]))
        if now is None:
            raise WrongStage("No interview has begun.")
        if do == "answered":
            return now.answered(str(given["said"]), time.monotonic() - self._began)
        if do == "ticked":
            count = len(now.round.question.points)
            now = now.ticked([n in given["hit"] for n in range(1, count + 1)], studying.now())
            self._journal.studies.add(now.answers[-1:])
            return now
        if do == "judged":
            return now.judge(given["holds"] == "true")
        return now.opened() if do == "opened" else now.went_on()

    def _shown(self, language: Language) -> dict[str, Any]:
        """What the template is filled with."""
        now = self._interview
        if now is None:
            return {"stage": "none", "do": "begin"}
        if now.stage == "over":
            done = list(finished(now, self._journal))
            return {"stage": "over", "do": "begin", "done": done, "redo": to_redo(done),
                    "judged": now.judged}  # fmt: skip
        return _going_on(now, language)


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
