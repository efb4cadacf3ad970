"""Which question of an interview comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from autograder.exercise.syllabus.material import Erratum, Material, Question
from autograder.exercise.syllabus.tracks import MINUTES_TO_SAY
from autograder.grading.studies import Answer, Judgement
from autograder.study.interview import Round, Statement

WEAK = 0.7
_MOST_FOLLOW_UPS = 2


def order(
    questions: Iterable[Question], answers: Iterable[Answer], now: datetime, random: Random
) -> list[Question]:
    """The questions in the order in which they are asked.

    First what is due: an answer that hit no key point is good for one day, one that hit all for
    sixteen, and between them for ``16 ** share`` days; the longer that is past, in relation to it,
    the sooner. Then what was weak the last time, under 70 per cent, the weakest first; then what
    was never asked; then the rest. But every third question is a new one while there are any, so
    that the same few, answered badly day after day, do not keep the others from their turn. Chance
    decides among equals only.
    """
    in_time = sorted(answers, key=lambda answer: (answer.at, answer.id))
    last = {(answer.slug, answer.question): answer for answer in in_time}
    mixed = sorted(questions, key=lambda question: (question.slug, question.id))
    random.shuffle(mixed)
    new = [question for question in mixed if (question.slug, question.id) not in last]
    known = [(q, last[q.slug, q.id]) for q in mixed if (q.slug, q.id) in last]
    known.sort(key=lambda pair: -overdue(pair[1], now))
    due = [question for question, answer in known if overdue(answer, now) >= 1]
    fresh = [(question, answer) for question, answer in known if overdue(answer, now) < 1]
    weak = sorted((pair for pair in fresh if pair[1].share < WEAK), key=lambda p: p[1].share)
    rest = [question for question, answer in fresh if answer.share >= WEAK]
    return [*_mixed([*due, *(question for question, _ in weak)], new), *rest]


def overdue(answer: Answer, now: datetime) -> float:
    """For how long an answer was good, as a multiple of how long it could be; due from 1 on."""
    passed = max(now - answer.at, timedelta())  # a clock may have been set back
    return passed / timedelta(days=1) / float(16**answer.share)


def fitting(minutes: int) -> int:
    """How many questions fit into so many minutes, at least one."""
    return max(minutes // MINUTES_TO_SAY, 1)


def missed(judgements: Iterable[Judgement], now: datetime) -> frozenset[str]:
    """The errata whose statement was judged wrongly the last time."""
    in_time = sorted(judgements, key=lambda one: (one.at, one.id))
    last = {one.erratum: one for one in in_time if one.at <= now}  # a clock may have run ahead
    return frozenset(number for number, one in last.items() if not one.right)


def rounds(
    questions: Sequence[Question],
    materials: Iterable[Material],
    random: Random,
    missed: Collection[str] = (),
) -> tuple[Round, ...]:
    """What is asked around each question: one or two follow-ups, now and then a statement.

    Statements on errata that were `missed` come first, one with each question, those of its lesson
    before others. As many statements are true as are false, but for one, and none comes twice.
    """
    errata = {material.slug: list(material.errata) for material in materials}
    for known in errata.values():
        random.shuffle(known)
    again = [e for known in errata.values() for e in known if {*e.ids} & {*missed}]
    # In pairs, one of each: neither answer is the safe one.
    holds: list[bool] = []
    told: set[str] = set()
    found = []
    for question in questions:
        count = random.randint(1, _MOST_FOLLOW_UPS)
        nexts = question.follow_ups
        after = [nexts[n] for n in sorted(random.sample(range(len(nexts)), min(count, len(nexts))))]
        fresh = errata.get(question.slug, []) if random.random() < 0.5 else []
        first = sorted(again, key=lambda e: e.slug != question.slug)
        left = [e for e in (*first, *fresh) if told.isdisjoint(e.ids)]
        if left:
            holds = holds or random.sample([True, False], 2)
        statement = _statement(left, holds)
        told |= {*statement.erratum.ids} if statement else set()
        found.append(Round(question, tuple(after), statement))
    return tuple(found)


@dataclass(frozen=True)
class Day:
    """What chance rests on: the same day and the same journal give the same interview."""

    now: datetime
    answers: tuple[Answer, ...]

    @property
    def random(self) -> Random:
        """A generator of its own."""
        last = self.answers[-1].id if self.answers else ""
        return Random(f"{self.now:%Y-%m-%d} {len(self.answers)} {last}")


def _mixed(known: list[Question], new: list[Question]) -> list[Question]:
    """Two of the former, one of the latter, and so on; then what is left of either."""
    found: list[Question] = []
    for start in range(0, len(known), 2):
        found += [*known[start : start + 2], *new[:1]]
        new = new[1:]
    return found + new


def _statement(errata: Iterable[Erratum], holds: list[bool]) -> Statement | None:
    """One on the first erratum that serves: its correction only where that stands by itself."""
    for erratum in errata:
        for wanted in reversed(holds):
            if not wanted or _stands_alone(erratum):
                holds.remove(wanted)
                return Statement(erratum, wanted)
    return None


def _stands_alone(erratum: Erratum) -> bool:
    """Whether what is right is said in a sentence and not as a word of code or a pointer."""
    right = erratum.right["en"]
    return len(right.split()) >= 7 and not right.startswith("`") and " above" not in right
