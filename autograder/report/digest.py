"""What every report says of a result, whatever it is written in.

Checks that failed for one and the same reason are told of together, the reason once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from autograder.evidence.runs import CellRun
from autograder.exercise.catalog import CatalogError, exercise
from autograder.judging.failing import plainest
from autograder.judging.results import STATUSES, Status, SubmissionResult, TaskResult, Verdict
from autograder.language import Language, Text
from autograder.report import clean
from autograder.report.texts import number, status_word, text

_MOST_STOPS = 3
_SLIPS = ("SyntaxError", "IndentationError", "TabError")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: what was asked, and, where it did not hold, of what what came out.

    Attributes
    ----------
    call, among
        The call that failed, and, where there were several and it may be another, a remark on that.
    """

    status: Status
    asked: str
    call: str = ""
    among: str = ""
    came_out: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Claims with the reason that they share. All strings are clean; empty ones do not apply.

    Attributes
    ----------
    why
        The reason in a sentence, where the observations alone do not tell it.
    place, source
        Where in the learner's code it stopped, and that line.
    looks_like
        The recognised misconception.
    step
        What to do next.
    alike
        Further claims that fail the same way; ``claims`` holds only the first of them then.
    more
        How many they are, in words.
    """

    status: Status
    claims: tuple[Claim, ...]
    why: str = ""
    place: str = ""
    source: str = ""
    looks_like: str = ""
    step: str = ""
    alike: tuple[Claim, ...] = ()
    more: str = ""


def findings(task: TaskResult, language: Language) -> list[Finding]:
    """The claims of `task`: recognised mistakes first, then the others in order.

    Those with the same reason are together, and the one whose call is the plainest is told in full.
    Where no reason is known, only neighbours are together, and each is told in full.
    """
    groups: list[tuple[Finding, list[Verdict]]] = []
    for verdict in task.verdicts:
        cause = _cause(verdict, language)
        known = groups if _is_reason(cause) else groups[-1:]
        verdicts = next((verdicts for found, verdicts in known if found == cause), None)
        if verdicts is None:
            verdicts = []
            groups.append((cause, verdicts))
        verdicts.append(verdict)
    # What has a name stands on top, where it is read first.
    groups.sort(key=lambda group: not group[0].looks_like)
    return [_finding(cause, verdicts, language) for cause, verdicts in groups]


def _is_reason(cause: Finding) -> bool:
    return cause.status != "pass" and bool(cause.looks_like or cause.why)


def _finding(cause: Finding, verdicts: Sequence[Verdict], language: Language) -> Finding:
    if not _is_reason(cause) or len(verdicts) == 1:
        return replace(cause, claims=tuple(_claim(verdict, language) for verdict in verdicts))
    told = plainest(verdicts)
    alike = tuple(_claim(verdict, language) for verdict in verdicts if verdict is not told)
    more = text("alike.one" if len(alike) == 1 else "alike.more", language, count=len(alike))
    return replace(cause, claims=(_claim(told, language),), alike=alike, more=more)


def _claim(verdict: Verdict, language: Language) -> Claim:
    asked = clean.line(verdict.claim[language], 400)
    if verdict.status == "pass":
        return Claim("pass", asked)
    among = text("call.first", language, count=verdict.calls) if verdict.calls > 1 else ""
    return Claim(
        verdict.status, asked, clean.line(verdict.call), among if verdict.call else "",
        clean.line(verdict.came_out), clean.line(verdict.expected[language]),
    )  # fmt: skip


def _cause(verdict: Verdict, language: Language) -> Finding:
    status = verdict.status
    looks_like = clean.line(verdict.diagnosis[language])
    claim = _claim(verdict, language)
    # Where a diagnosis or the observations tell the reason, the general sentence adds nothing.
    is_told = status == "todo" or (
        status == "fail" and bool(looks_like or (claim.came_out and claim.expected))
    )
    place = "" if status == "todo" else _place(verdict.where, language)
    step = clean.line(verdict.step[language], 400)
    if place and place in step and not looks_like:
        step = ""  # to look there
    return Finding(
        status,
        (),
        why="" if is_told else clean.line(verdict.message[language], 600),
        place=place,
        source="" if status == "todo" else clean.line(verdict.line, 200),
        looks_like=looks_like,
        step=step,
    )


def _place(where: str, language: Language) -> str:
    cell, colon, number = clean.line(where, 120).rpartition(":")
    if colon and number.isdecimal():
        return text("place.line", language, cell=cell, line=number)
    return clean.line(where, 120)


def foremost(result: SubmissionResult, language: Language) -> list[str]:
    """What every report tells first: which cells stopped, where and why, and what is to be known.

    A cell that meets a task not yet begun stops too, and that is told with the task.
    """
    stopped = [run for run in result.cells if run.error and run.error != "NotImplementedError"]
    told = [stop_line(run, language) for run in stopped[:_MOST_STOPS]]
    if len(stopped) > _MOST_STOPS:
        told.append(text("stopped.more", language, count=len(stopped) - _MOST_STOPS))
    return told + [clean.line(note[language], 600) for note in result.notes]


def stop_line(run: CellRun, language: Language) -> str:
    """Which line stopped a cell, and by what error."""
    what = f"{run.error}: {run.message}" if run.message else run.error
    fields = {"cell": clean.line(run.id, 80) or "?", "what": clean.line(what, 300)}
    line = clean.line(run.line, 120)
    if run.number and line:
        return text("stopped.line", language, number=run.number, line=line, **fields)
    return text("stopped.cell", language, **fields)


def sentence(verdict: Verdict, language: Language) -> str:
    """The reason of a verdict in one line, for formats that have room for no more."""
    parts = [clean.line(verdict.message[language], 600)]
    diagnosis = clean.line(verdict.diagnosis[language])
    if diagnosis:
        label = text("looks_like", language).capitalize()
        parts.append(label + text("separator", language) + diagnosis)
    return (" " if language == "en" else "").join(part for part in parts if part)


def all_todo(task: TaskResult) -> bool:
    """Whether nothing of it has been started."""
    return {verdict.status for verdict in task.verdicts} == {"todo"}


def overall(result: SubmissionResult) -> Status:
    """One status for a whole submission: one that could not be graded is an error."""
    if result.problem is not None:
        return "error"
    if result.tasks and all(all_todo(task) for task in result.tasks):
        return "todo"
    return "pass" if result.passed else "internal" if result.at_fault else "fail"


def counts(results: Iterable[SubmissionResult]) -> dict[Status, int]:
    """How many checks came to each verdict, in the order of the statuses; none are left out."""
    tally = Counter(
        verdict.status for result in results for task in result.tasks for verdict in task.verdicts
    )
    return {status: tally[status] for status in STATUSES if tally[status]}


def counts_line(result: SubmissionResult, language: Language) -> str:
    """Those counts in words."""
    comma = ", " if language == "en" else "，"
    return comma.join(
        f"{count} {status_word(status, language)}" if language == "en"
        else f"{status_word(status, language)} {count}"
        for status, count in counts([result]).items()
    )  # fmt: skip


def points_line(points: float, max_points: float, language: Language) -> str:
    """Points reached of points possible, in words."""
    key = "point" if max_points == 1 else "points"
    return text(key, language, points=number(points), max_points=number(max_points))


def percent(result: SubmissionResult) -> float:
    """Points reached in percent of those possible, between 0 and 100."""
    share = result.points / result.max_points if result.max_points > 0 else 0.0
    return round(min(max(share, 0.0), 1.0) * 100, 1)


def next_thing(result: SubmissionResult, language: Language, *, hint: str = "") -> str:
    """The one thing to do after this result.

    `hint` is what gives one, with the name of the task to be filled in; by default that of the
    notebook.
    """
    if result.at_fault:
        return text("next.internal", language)
    if told := slip(result, language):
        return told
    first = next((task for task in result.tasks if task.status != "pass"), None)
    if first is None:
        return text("next.done", language)
    title, name = clean.line(first.title[language]), clean.line(first.name)
    if all_todo(first):
        return text("next.todo", language, title=title, name=name)
    # As in `findings`, what has a name comes first.
    ranked = sorted(first.verdicts, key=lambda verdict: not verdict.diagnosis[language])
    step = next((verdict.step[language] for verdict in ranked if verdict.step["en"]), "")
    if step:
        return text("next.step", language, title=title, step=clean.line(step, 400))
    hint = hint or text("hint.in_notebook", language)
    return text("next.hint", language, title=title, hint=hint.format(name=name))


def slip(result: SubmissionResult, language: Language) -> str:
    """What to do about a cell that is no Python, which comes before all else; empty if none is."""
    run = next((run for run in result.cells if run.error in _SLIPS and run.number), None)
    if run is None:
        return ""
    return text("next.slip", language, cell=clean.line(run.id, 80) or "?", number=run.number)


def in_short(task: TaskResult, language: Language) -> tuple[str, str]:
    """Why a task is not passed, in a line, and what to do next."""
    found = next((found for found in findings(task, language) if found.status != "pass"), None)
    if found is None:
        return "", ""
    claim = found.claims[0]
    seen = [
        text(key, language) + text("separator", language) + value
        for key, value in (("came_out", claim.came_out), ("expected", claim.expected))
        if value
    ]
    observed = text("semicolon", language).join(clean.cut(part, 60) for part in seen)
    return found.looks_like or found.why or observed or claim.asked, found.step


@cache
def _title(slug: str) -> Text | None:
    try:
        return exercise(slug).title
    except CatalogError:
        return None


def exercise_title(result: SubmissionResult) -> str:
    """Title of the exercise, or its slug where the catalogue has no such exercise."""
    title = _title(result.exercise) if result.exercise else None
    return clean.line(title[result.language] if title else result.exercise)


def cells_of(task: TaskResult, result: SubmissionResult) -> list[CellRun]:
    """Cells that belong to `task`: those whose id is its name or begins with it."""
    names = sorted((item.name for item in result.tasks), key=len, reverse=True)
    return [cell for cell in result.cells if _owner(cell.id, names) == task.name]


def _owner(cell: str, names: Sequence[str]) -> str:
    """The longest name that `cell` is or begins with; the next character ends a word."""
    for name in names:
        if cell == name or (cell.startswith(name) and cell[len(name)] in "-_."):
            return name
    return ""


def other_errors(result: SubmissionResult) -> list[CellRun]:
    """Cells that belong to no task and were stopped by an error."""
    names = sorted((task.name for task in result.tasks), key=len, reverse=True)
    return [cell for cell in result.cells if cell.error and not _owner(cell.id, names)]


def by_hand(task: TaskResult, language: Language) -> str:
    """What a teacher gave, beside what the grader gave and why; empty if nothing."""
    if task.granted is None:
        return ""
    return text(
        "by_hand", language, points=number(task.points), granted=number(task.granted),
        reason=clean.line(task.reason, 400),
    )  # fmt: skip
