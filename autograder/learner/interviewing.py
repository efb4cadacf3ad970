"""An interview with the learner: what is asked, held step by step, each answer kept at once."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from autograder._errors import BilingualError
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus import syllabus
from autograder.exercise.syllabus.material import FollowUp, Question, material
from autograder.exercise.syllabus.tracks import MINUTES_TO_SAY, tracks
from autograder.grading.journal import Journal
from autograder.language import LANGUAGES
from autograder.report.interviewing import Finished, Screen
from autograder.report.interviewtexts import said
from autograder.study import choosing
from autograder.study.interview import Interview, ticks

if TYPE_CHECKING:
    from autograder.study.interviewer import Interviewer, Reading

MINUTES = 20
_BELL_AFTER = 60.0
_MOST_TASKS = 2
_YES = ("y", "yes", "是", "好", "同意")
_TRUE, _FALSE = ("t", "true", "y", "对", "是"), ("f", "false", "n", "错", "否")


class NoQuestion(BilingualError):
    """What was asked for holds no question."""


def prepare(
    journal: Journal,
    now: datetime,
    *,
    minutes: int = MINUTES,
    track: str | None = None,
    slug: str | None = None,
    question: str | None = None,
) -> Interview:
    """The interview for this day and this journal, of as many questions as fit into `minutes`.

    Parameters
    ----------
    track, slug, question
        Only questions of this track, of this lesson, or of this number.

    Raises
    ------
    NoQuestion
        If none is left; the message says what there is.
    CatalogError
        If there is no such lesson.
    """
    exercises = [catalog.exercise(slug)] if slug else list(catalog.exercises())
    if track:
        wanted = _slugs_of(track)
        exercises = [exercise for exercise in exercises if exercise.slug in wanted]
    materials = [material(exercise) for exercise in exercises]
    known = [one for found in materials for one in found.questions]
    left = [one for one in known if question is None or one.id.lower() == question.lower()]
    if not left:
        raise _no_question(known, question, slug, track)
    day = choosing.Day(now, tuple(journal.studies.answers()))
    random = day.random
    order = choosing.order(left, day.answers, now, random)[: choosing.fitting(minutes)]
    missed = choosing.missed(journal.studies.judgements(), now)
    return Interview(choosing.rounds(order, materials, random, missed))


def _slugs_of(track: str) -> set[str]:
    known = {one.name: one for one in tracks(syllabus())}
    if track not in known:
        names = ", ".join(known)
        raise NoQuestion(
            f"There is no track {track!r}. There are: {names}.",
            f"没有名为 {track!r} 的路线。可选：{names}。",
        )
    return {step.slug for step in known[track].plan.steps}


def _no_question(
    known: list[Question], question: str | None, slug: str | None, track: str | None
) -> NoQuestion:
    ids = ", ".join(sorted({one.id for one in known}, key=lambda name: (name[:4], len(name), name)))
    if question and ids:
        return NoQuestion(
            f"There is no question {question!r} here. There are: {ids}.",
            f"这里没有编号为 {question!r} 的题。可选：{ids}。",
        )
    return NoQuestion(
        f"The lesson {slug!r} is not in the track {track!r}. Leave out --slug or --track.",
        f"课文 {slug!r} 不在路线 {track!r} 里。请去掉 --slug 或 --track。",
    )


@dataclass
class Talk:
    """An interview held on a terminal.

    Attributes
    ----------
    read
        Reads a line after a prompt; EOFError where there are no more.
    clock
        Seconds, from whenever.
    interviewer
        Reads the answers too, if there is one, the learner agreed to it, and it can be reached.
    """

    journal: Journal
    screen: Screen
    read: Callable[[str], str] = input
    clock: Callable[[], float] = time.monotonic
    interviewer: Interviewer | None = None

    def hold(self, interview: Interview) -> Interview:
        """Go through it to its end, or to where the learner stops, and sum it up."""
        count = len(interview.rounds)
        self.screen.begin(count, count * MINUTES_TO_SAY, kept=self.journal.keeps)
        steps = {"ask": self._ask, "mark": self._mark, "next": self._next, "claim": self._claim}
        try:
            self._agree(interview.round.question)
            while interview.stage != "over":
                interview = steps[interview.stage](interview)
        except (KeyboardInterrupt, EOFError):
            pass
        self.screen.summary(
            [*finished(interview, self.journal)],
            sum(one.right for one in interview.judged),
            len(interview.judged),
        )
        return interview

    def _ask(self, interview: Interview) -> Interview:
        if interview.place:
            self._line("go")
        self.screen.ask(interview.round.question, interview.place + 1, len(interview.rounds))
        began, lines = self.clock(), []
        with _bell(), contextlib.suppress(EOFError):
            while line := self.read("> ").strip():
                lines.append(line)
        answer, seconds = "\n".join(lines), self.clock() - began
        self.screen.reveal(interview.round.question, answer, seconds)
        return interview.answered(answer, seconds)

    def _mark(self, interview: Interview) -> Interview:
        question = interview.round.question
        reading = self._reading(question, interview.said)
        proposed = reading.hit if reading else (False,) * len(question.points)
        prompt = "tick.proposed" if reading else "tick"
        if reading:
            interview = asked_by(reading, interview)
        self.screen.points(question, proposed, reading.quotes if reading else ())
        if reading and reading.dropped:
            self.screen.note("dropped", count=reading.dropped)
        while (hit := ticks(self._line(prompt), proposed)) is None:
            self.screen.note("tick.again", count=len(question.points))
        interview = interview.ticked(hit, datetime.now().astimezone())
        self.journal.studies.add(interview.answers[-1:])
        self.screen.hits(hit)
        return interview

    def _next(self, interview: Interview) -> Interview:
        follow_up = interview.round.follow_ups[interview.follow_up]
        self.screen.follow_up(follow_up)
        self._line("open")
        self.screen.follow_up_answer(follow_up)
        return interview.opened().went_on()

    def _claim(self, interview: Interview) -> Interview:
        statement = interview.round.statement
        assert statement is not None
        erratum, language = statement.erratum, self.screen.language
        self.screen.claim(erratum, statement.text[language])
        while (word := self._line("claim.ask").strip().lower()) not in _TRUE + _FALSE:
            self.screen.note("claim.again")
        interview = interview.judge(word in _TRUE, datetime.now().astimezone())
        self.journal.studies.add(interview.judged[-1:])
        right = interview.judged[-1].right
        self.screen.truth(erratum, holds=statement.holds, right=right)
        return interview.went_on()

    def _agree(self, question: Question) -> None:
        """Show where answers would go and what with them; without a yes nothing goes."""
        server = self.interviewer
        if server is None:
            return
        language = self.screen.language
        answer = said("agree.answer", language)
        self.screen.sending(
            server.url, server.messages(question, answer, language), is_open=server.is_open,
            has_key=bool(server.key),
        )  # fmt: skip
        if self._line("agree").strip().lower() not in _YES:
            self.interviewer = None
            self.screen.note("agree.not")

    def _reading(self, question: Question, answer: str) -> Reading | None:
        """What the interviewer makes of a typed answer; trouble is told in a line."""
        if self.interviewer is None or not answer:
            return None
        from autograder.study.interviewer import InterviewerError

        self.screen.note("reads")
        try:
            return self.interviewer.read(question, answer, self.screen.language)
        except KeyboardInterrupt:
            self.screen.note("reads.not")
        except InterviewerError as error:
            self.screen.tell(error.text)
            if error.lasting:
                self.interviewer = None
        return None

    def _line(self, key: str) -> str:
        return self.read(said(key, self.screen.language))


def asked_by(reading: Reading, interview: Interview) -> Interview:
    """The interview with the question that the interviewer asks, if it does."""
    if not reading.follow_up:
        return interview
    both = dict.fromkeys(LANGUAGES, reading.follow_up)
    return interview.asked_too(FollowUp(both, dict.fromkeys(LANGUAGES, "")))


def finished(interview: Interview, journal: Journal) -> Iterator[Finished]:
    """The questions that were answered, each with a few tasks in which one proves it."""
    course = syllabus() if interview.answers else None
    for asked, answer in zip(interview.rounds, interview.answers, strict=False):
        homes = course.homes(answer.question) if course else ()
        tasks = [
            (catalog.exercise(home.slug), task)
            for home in sorted(homes, key=lambda home: home.slug != answer.slug)
            for task in home.tasks
        ]
        redo = tuple(_to_redo(tasks, journal))
        yield Finished(asked.question, answer.hit, answer.seconds, redo)


def _to_redo(tasks: list[tuple[Exercise, Task]], journal: Journal) -> list[tuple[Exercise, Task]]:
    """A few, those first that were never passed."""

    def passed(pair: tuple[Exercise, Task]) -> bool:
        return journal.passed(pair[0].slug, pair[1].name)

    return sorted(tasks, key=passed)[:_MOST_TASKS]


@contextlib.contextmanager
def _bell() -> Iterator[None]:
    """A soft bell when the minute is over, where somebody may hear it."""
    timer = threading.Timer(_BELL_AFTER, lambda: sys.stderr.write("\a") and sys.stderr.flush())
    timer.daemon = True
    if sys.stdin.isatty() and sys.stderr.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
