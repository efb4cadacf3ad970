"""Cards to remember by, made from the lessons and from passed tasks.

A card's id outlives edits of its text. Points are known by their question, an erratum by its
number, a task by its name. A follow-up and a formula have no number, so they are known by what
they say, in English: known by its place, one that is put in before would take over the history.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus.material import (
    Erratum,
    FollowUp,
    Formula,
    Question,
    material,
    sentence,
)
from autograder.language import LANGUAGES, Language, Text

Kind: TypeAlias = Literal["points", "next", "erratum", "formula", "redo"]

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Card:
    """One thing to remember.

    Attributes
    ----------
    about
        What the card is about, in a few words: shown above it.
    front, back
        What is asked and what is right, as Markdown. Paths are relative to the lesson of `slug`.
    """

    id: str
    kind: Kind
    slug: str
    about: Text
    front: Text
    back: Text

    @property
    def place(self) -> str:
        """The question or erratum that it is of, where the lesson has an address for it."""
        parts = self.id.split("/")
        return {"points": parts[1], "erratum": parts[1], "next": parts[-2]}.get(self.kind, "")


def cards(exercise: Exercise, passed: Collection[tuple[str, str]]) -> tuple[Card, ...]:
    """The cards of one exercise in the order of its lesson, those of its passed tasks last.

    Parameters
    ----------
    passed
        Exercise and name of each task that was ever passed.
    """
    found = material(exercise)
    return (
        *(card for question in found.questions for card in _of_question(question)),
        *(_of_formula(formula) for formula in found.formulas),
        *(_of_erratum(erratum) for erratum in found.errata),
        *(_of_task(exercise, t) for t in exercise.tasks if (exercise.slug, t.name) in passed),
    )


def _of_question(question: Question) -> Iterator[Card]:
    yield Card(
        f"points/{question.id}/{question.slug}",
        "points",
        question.slug,
        _each(lambda n: f"{question.id} · {question.slug}"),
        _each(lambda n: f"**{question.title[n]}**\n\n{_HOW_MANY[n].format(len(question.points))}"),
        _each(lambda n: "\n".join(f"- {point[n]}" for point in question.points)),
    )
    known: set[str] = set()
    for follow_up in question.follow_ups:
        card = _of_follow_up(question, follow_up)
        if card.id not in known:
            known.add(card.id)
            yield card


def _of_follow_up(question: Question, follow_up: FollowUp) -> Card:
    return Card(
        f"next/{question.slug}/{question.id}/{_fingerprint(follow_up.question['en'])}",
        "next",
        question.slug,
        _each(lambda n: f"{question.id} · {question.title[n]}"),
        follow_up.question,
        follow_up.answer,
    )


def _of_formula(formula: Formula) -> Card:
    return Card(
        f"formula/{formula.slug}/{_digest(''.join(formula.tex['en'].split()))}",
        "formula",
        formula.slug,
        _each(lambda n: f"{formula.slug} · {formula.heading[n]}"),
        _each(lambda n: _paragraphs(formula.lead[n], f"**{_FORMULA[n]}**")),
        _each(lambda n: _paragraphs(formula.tex[n], formula.worked[n], formula.figure[n])),
    )


def _of_erratum(erratum: Erratum) -> Card:
    number = min(erratum.ids)
    told = erratum.wrong, erratum.right, erratum.proof
    return Card(
        f"erratum/{number}/{erratum.slug}",
        "erratum",
        erratum.slug,
        _each(lambda n: f"{number} · {erratum.title[n]}"),
        _each(lambda n: f"{_CLAIM[n]}\n\n> {_quoted(sentence(erratum.claim[n]))}"),
        _each(lambda n: _paragraphs(*(
            label + line[n] for label, line in zip(_TRUTH[n], told, strict=True)
        ))),
    )  # fmt: skip


def _of_task(exercise: Exercise, task: Task) -> Card:
    name = f"{exercise.slug}/{task.name}"
    return Card(
        f"redo/{name}",
        "redo",
        exercise.slug,
        _each(lambda n: exercise.title[n]),
        _each(lambda n: f"**{task.title[n]}**\n\n{_REDO[n].format(name)}"),
        _each(lambda n: _REDONE[n].format(name)),
    )


_HOW_MANY: Text = {
    "en": "What does a good answer hold? {} points.",
    "zh": "好的回答要讲到哪几点？共 {} 点。",
}
_FORMULA: Text = {
    "en": "Write the formula, and a number that it gives.",
    "zh": "写出公式，并用它算出一个具体的数。",
}
_CLAIM: Text = {
    "en": "What is wrong with this, and what is right?",
    "zh": "这句话错在哪里？正确的说法是什么？",
}
_TRUTH: dict[Language, tuple[str, str, str]] = {
    "en": ("**Wrong because** ", "**Right:** ", "**Proof:** "),
    "zh": ("**错因**：", "**正确**：", "**依据**："),
}
_REDO: Text = {
    "en": "You passed it once. Write it again from a blank cell: `touchstone redo {}`",
    "zh": "这道题你通过过。从空白单元再写一遍：`touchstone redo {}`",
}
_REDONE: Text = {
    "en": "Did it pass? The solution is one command away: `touchstone solution {}`",
    "zh": "通过了吗？想对照答案：`touchstone solution {}`",
}


def _each(said: Callable[[Language], str]) -> Text:
    return {language: said(language) for language in LANGUAGES}


def _quoted(text: str) -> str:
    """All lines of `text` as a quotation."""
    return text.replace("\n", "\n> ")


def _fingerprint(words: str) -> str:
    """The same for the same words, whatever marks stand between them."""
    return _digest(" ".join(_WORDS.findall(words.casefold())))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))
