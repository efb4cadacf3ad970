"""Review in the browser: what its page asks for, answered from the journal at each call.

Nothing is kept between two calls but which answers were given here, for undoing: so a second
window, or a terminal, may answer cards at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autograder.grading.journal import Journal
from autograder.grading.studies import Review
from autograder.language import LANGUAGES, Language
from autograder.learner import studying
from autograder.learner.serving import Room
from autograder.learner.studying import StudyError
from autograder.report.site import Activity
from autograder.report.site.cards import RATINGS, page, side
from autograder.report.studying import interval
from autograder.report.studytexts import TEXTS, said
from autograder.study.session import Asked, Session


class Reviews:
    """What the page asks for, from an open journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._given: list[Review] = []

    @property
    def room(self) -> Room:
        """For the server."""
        calls = {"next": self.next, "answer": self.answer, "undo": self.undo}
        return Room(Activity("review", TEXTS["page.title"], page, kept=self._journal.keeps), calls)

    def next(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The card to be answered now."""
        return self._told(self._sitting(), _language(given))

    def answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an answer, and give the card after it."""
        session, language = self._sitting(), _language(given)
        name, rating = given.get("card"), given.get("rating")
        if rating not in RATINGS or type(rating) is not int or not session.turn_to(str(name)):
            raise StudyError(
                "This card or answer is not known any more. Reload the page.",
                "这张卡片或这个回答已经失效，请刷新页面。",
            )
        asked = session.ask()
        assert asked is not None
        self._given.append(session.answer(asked.card, rating))
        return self._told(session, language)

    def undo(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take back the last answer that was given here, and ask its card again."""
        if not self._given:
            raise StudyError("There is nothing to take back.", "没有可撤销的作答。")
        review = self._given.pop()
        self._journal.studies.add([replace(review, undone=True)])
        session = self._sitting()
        session.turn_to(review.card)
        return self._told(session, _language(given))

    def _sitting(self) -> Session:
        return studying.sitting(self._journal, studying.assignment(self._journal))

    def _told(self, session: Session, language: Language) -> dict[str, Any]:
        asked = session.ask()
        todo = session.waiting
        left = said("left", language, again=todo.learning, due=todo.due, new=todo.new)
        return {
            "card": None if asked is None else _card(asked, language),
            "left": left,
            "given": len(self._given),
            "end": said("page.end" if self._journal.keeps else "page.end.unkept", language),
        }


def _card(asked: Asked, language: Language) -> dict[str, Any]:
    card = asked.card
    return {
        "id": card.id,
        "about": card.about[language],
        "place": f"{card.slug}.html" + (f"#{card.place}" if card.place else ""),
        "front": side(card.front[language], card.slug),
        "back": side(card.back[language], card.slug),
        "after": [interval(gap, language) for gap in asked.intervals],
    }


def _language(given: Mapping[str, Any]) -> Language:
    return next((language for language in LANGUAGES if language == given.get("language")), "en")
