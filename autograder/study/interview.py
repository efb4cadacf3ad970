"""A mock interview as a state that only moves on: whoever shows it, asks it what comes now.

    ask → mark → next → (next again) → claim → ask → … → over

Each step returns a new interview; one that does not fit the stage is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from autograder.exercise.syllabus.material import Erratum, FollowUp, Question, sentence
from autograder.grading.studies import Answer, Judgement
from autograder.language import Text

Stage: TypeAlias = Literal["ask", "mark", "next", "claim", "over"]

_ALL = {"a", "all", "全", "全部"}
_NONE = {"0", "n", "none", "无"}


class WrongStage(ValueError):
    """A step was taken that the interview is not ready for, say by a page that is out of date."""


@dataclass(frozen=True)
class Statement:
    """Something to judge: what the documents claim, which is false, or what is true."""

    erratum: Erratum
    holds: bool

    @property
    def text(self) -> Text:
        """What is stated."""
        stated = self.erratum.right if self.holds else self.erratum.claim
        return {language: sentence(text) for language, text in stated.items()}


@dataclass(frozen=True)
class Round:
    """One question and what comes after it."""

    question: Question
    follow_ups: tuple[FollowUp, ...] = ()
    statement: Statement | None = None


@dataclass(frozen=True)
class Interview:
    """Where an interview stands.

    Attributes
    ----------
    rounds
        All that is asked, in order.
    place
        Number of the round that is going on.
    stage
        ``ask``: the question is put. ``mark``: the model answer is shown, the points are to be
        ticked. ``next``: a follow-up is put; ``claim``: a statement is. Where `open` is true, what
        is right is shown too.
    said, seconds
        The answer of this round, and how long it took.
    answers, judged
        What was answered and which statements were judged, to be kept at once.
    """

    rounds: tuple[Round, ...]
    place: int = 0
    stage: Stage = "ask"
    follow_up: int = 0
    open: bool = False
    said: str = ""
    seconds: float = 0.0
    answers: tuple[Answer, ...] = ()
    judged: tuple[Judgement, ...] = ()

    def __post_init__(self) -> None:
        if not self.rounds:
            object.__setattr__(self, "stage", "over")

    @property
    def round(self) -> Round:
        """What is asked now."""
        return self.rounds[self.place]

    def answered(self, said: str, seconds: float) -> Interview:
        """The answer is given; next its points are ticked."""
        self._at("ask")
        text = said.strip().encode("utf-8", "replace").decode()  # halves of characters are lost
        return replace(self, stage="mark", said=text, seconds=max(seconds, 0.0))

    def ticked(self, hit: Iterable[bool], at: datetime) -> Interview:
        """The learner says for each key point whether it was there: the answer is finished."""
        self._at("mark")
        question, marks = self.round.question, tuple(hit)
        if len(marks) != len(question.points):
            raise WrongStage(f"{question.id} has {len(question.points)} points, not {len(marks)}.")
        answer = Answer(question.slug, question.id, at, self.seconds, self.said, marks)
        return replace(self, answers=(*self.answers, answer))._after(-1)

    def asked_too(self, follow_up: FollowUp) -> Interview:
        """A follow-up that builds on what was said comes first of all."""
        self._at("ask", "mark")
        now = replace(self.round, follow_ups=(follow_up, *self.round.follow_ups[:1]))
        return replace(self, rounds=_with(self.rounds, self.place, now))

    def opened(self) -> Interview:
        """Show the answer of the follow-up."""
        self._at("next")
        return replace(self, open=True)

    def judge(self, holds: bool, at: datetime) -> Interview:
        """The learner says whether the statement holds."""
        self._at("claim")
        statement = self.round.statement
        assert statement is not None
        known = statement.erratum
        judged = Judgement(known.slug, min(known.ids), at, statement.holds, holds)
        return replace(self, open=True, judged=(*self.judged, judged))

    def went_on(self) -> Interview:
        """To whatever comes after what is open."""
        if not self.open:
            raise WrongStage("What is right was not shown yet.")
        return self._after(self.follow_up if self.stage == "next" else len(self.round.follow_ups))

    def ended(self) -> Interview:
        """The learner stops here; what is not finished is left out."""
        return replace(self, stage="over", open=False)

    def _at(self, *stages: Stage) -> None:
        if self.stage not in stages or self.open:
            raise WrongStage(f"The interview is at {self.stage!r}, not at {' or '.join(stages)}.")

    def _after(self, follow_up: int) -> Interview:
        """After the follow-up of that number; -1 is before the first."""
        there = replace(self, open=False, follow_up=follow_up + 1)
        if there.follow_up < len(self.round.follow_ups):
            return replace(there, stage="next")
        if self.round.statement is not None and self.stage != "claim":
            return replace(there, stage="claim")
        is_last = self.place + 1 == len(self.rounds)
        return replace(
            self, open=False, follow_up=0, said="", seconds=0.0,
            place=self.place + (not is_last), stage="over" if is_last else "ask",
        )  # fmt: skip


def ticks(text: str, proposed: tuple[bool, ...]) -> tuple[bool, ...] | None:
    """The points that `text` names: ``1 3 4``, ``2-5``, ``a`` for all, ``0`` for none.

    Nothing at all leaves it at what is `proposed`. None if it names what is not there.
    """
    words = [word for word in re.split(r"[\s,，、;；.。]+", text.strip().lower()) if word]
    if not words:
        return proposed
    if len(words) == 1 and words[0] in _ALL | _NONE:
        return (words[0] in _ALL,) * len(proposed)
    named: set[int] = set()
    for word in words:
        span = re.fullmatch(r"(\d{1,3})(?:[-–~～到至](\d{1,3}))?", word)
        if span is None:
            return None
        named |= {*range(int(span[1]), int(span[2] or span[1]) + 1)} or {0}
    if not named <= {*range(1, len(proposed) + 1)}:
        return None
    return tuple(number in named for number in range(1, len(proposed) + 1))


def _with(rounds: tuple[Round, ...], place: int, now: Round) -> tuple[Round, ...]:
    return (*rounds[:place], now, *rounds[place + 1 :])
