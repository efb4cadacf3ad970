"""Results as a student of a class may see them: no hidden input, no expected value.

What a learner's code returned, raised or printed while it was probed may hold the inputs that
only the teacher is to know: a function can return its argument, raise it as a message, as the
name of a new exception, or as the file name of code that it compiles. So nothing of it is taken
over and then cleaned. A verdict is told anew from what could be known without the probe: the
exercise's own texts, and words that stand in the learner's own source.

What cannot be kept in is which claims hold and how a claim failed; that is the result. Under a
secret nothing else is told that a submission could choose: neither the line on which an error was
raised, which of two hundred tells eight bits of a seed, nor the error's name, nor that of a type,
nor which cells stopped.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import dropwhile

from autograder.evidence.observations import MAX_BYTES, MAX_DEPTH, MAX_LEAVES, Outcome
from autograder.evidence.runs import CellRun
from autograder.exercise.catalog import CatalogError, Task, exercise
from autograder.judging import wording
from autograder.judging.results import Seconds, SubmissionResult, TaskResult, Verdict
from autograder.language import Text

_WORD = re.compile(r"[^\W\d]\w*")
_TYPES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))
# What a cell ends with that did not end by itself, and types that are not data but often returned.
_KNOWN = _TYPES | {"Timeout", "Crashed", "generator", "function", "builtin_function_or_method"}
_MOST_WORDS = 24
_OVERWRITTEN = re.compile(
    r"`(\w+)` is no function any more: the cell (\S+) gave it a value of type (\w+)\."
)
_LIMITS = {
    "depth": str(MAX_DEPTH), "leaves": f"{MAX_LEAVES:,}", "bytes": f"{MAX_BYTES // 2**20} MB",
}  # fmt: skip
_GENERIC: dict[str, Text] = {
    "fail": {"en": "It does not hold.", "zh": "未能满足。"},
    "error": {"en": "It stopped with an error.", "zh": "运行出错。"},
    "timeout": {"en": "It took too long.", "zh": "运行超时。"},
    "crashed": {"en": "It brought its process down.", "zh": "它让所在进程意外退出。"},
    "internal": {
        "en": "Our fault, not yours. Your teacher's own report says more.",
        "zh": "是我们的错，不怪你。老师那份报告里有详情。",
    },
}
_UNGRADED: Text = {
    "en": "It could not be graded, and that is not your fault. Your teacher sees the reason.",
    "zh": "未能判分，这不怪你。原因见老师那份报告。",
}


@dataclass(frozen=True, slots=True)
class _Own:
    """What is known of a submission without having probed it: its source, cell by cell."""

    lines: dict[str, list[str]]
    words: frozenset[str]

    def line(self, where: str) -> str:
        """The source line that ``cell:line`` names; empty if there is none."""
        cell, _, number = where.rpartition(":")
        lines = self.lines.get(cell, [])
        is_there = number.isascii() and number.isdecimal() and 1 <= int(number) <= len(lines)
        return lines[int(number) - 1].strip()[:200] if is_there else ""


def discreet(result: SubmissionResult, *, hidden: bool = True) -> SubmissionResult:
    """What of `result` its student may see.

    Parameters
    ----------
    hidden
        Whether a secret changed the seeds. A cell runs in the process that holds the seeds and
        may go looking for them, so what cells showed and where they stopped is left out then; a
        student has it in the notebook anyway.
    """
    own = _Own(
        {cell.id: _numbered(cell.source) for cell in result.cells},
        _KNOWN.union(*(_WORD.findall(cell.source) for cell in result.cells)),
    )
    is_ours = result.problem is not None and result.exercise != ""
    return replace(
        result,
        # By the grader's clock, and coarse: a learner's code can take its time in a meaning way.
        seconds=Seconds(total=round(result.seconds.total, 1)),
        problem=_UNGRADED if is_ours else result.problem,
        tasks=tuple(_task(task, result.exercise, own, hidden) for task in result.tasks),
        cells=tuple(CellRun(c.id, c.source) if hidden else c for c in result.cells),
    )


def _numbered(source: str) -> list[str]:
    """Lines as IPython numbers them, from the first that is not blank."""
    return list(dropwhile(lambda line: not line.strip(), source.split("\n")))


def _task(task: TaskResult, slug: str, own: _Own, hidden: bool) -> TaskResult:
    try:
        known: Task | None = exercise(slug).task(task.name)
    except CatalogError:
        known = None
    told = tuple(_verdict(v, task.name, known, own, hidden) for v in task.verdicts)
    return replace(task, verdicts=told)


def _verdict(verdict: Verdict, task: str, known: Task | None, own: _Own, hidden: bool) -> Verdict:
    line = "" if hidden else own.line(verdict.where)
    where = verdict.where if line or (verdict.where in own.lines and not hidden) else ""
    bare = replace(
        verdict,
        came_out="",
        # A property is worded in each language; a value is written alike in both.
        expected=verdict.expected if _is_worded(verdict.expected) else wording.NOTHING,
        where=where,
        line=line,
        seconds=0.0,
        call="",
        calls=1,
    )
    if verdict.status in ("pass", "todo", "memory", "tampered"):
        return bare  # whose texts are the exercise's or our own throughout
    names = known.defines if known is not None else (task,)
    for name in names:
        for outcome in _tellable(verdict, known, own, hidden):
            reason = wording.reason(outcome, name)
            if _tells(verdict.message["en"], reason["en"]):
                step = wording.next_step(task, name, replace(outcome, where=where))
                return replace(bare, message=reason, step=bare.step if _is_known(bare) else step)
    step = wording.NOTHING if verdict.status == "internal" else wording.next_hint(task)
    generic = _GENERIC[verdict.status]
    return replace(bare, message=generic, step=bare.step if _is_known(bare) else step)


def _is_worded(text: Text) -> bool:
    return text["en"] != text["zh"]


def _is_known(verdict: Verdict) -> bool:
    """Whether a misconception was recognised; the step is then the exercise's."""
    return bool(verdict.misconception)


def _tells(message: str, reason: str) -> bool:
    """Whether `reason` is what `message` says, but for the text of an exception."""
    return message == reason or message.startswith(reason + ": ")


def _tellable(verdict: Verdict, known: Task | None, own: _Own, hidden: bool) -> Iterator[Outcome]:
    """Outcomes that hold nothing from the probe, of those that may have led to `verdict`."""
    said = dict.fromkeys(_WORD.findall(verdict.message["en"][:1000]))
    words = [] if hidden else [word for word in said if word in own.words][:_MOST_WORDS]
    match verdict.status:
        case "fail":
            yield Outcome("", "value", None)
            yield Outcome("", "value", 0)
            for module in known.forbidden if known else ():
                yield Outcome("", "forbidden", error=module)
            for reason, limit in _LIMITS.items():
                yield Outcome("", "unfit", error=reason, message=limit)
            for word in words:
                yield Outcome("", "unfit", error="callable", message=word)
                yield Outcome("", "unfit", error="type", message=word)
            lost = None if hidden else _OVERWRITTEN.match(verdict.message["en"])
            if lost and {lost[1], lost[3]} <= own.words and lost[2] in own.lines:
                message = f"{lost[1]} {lost[3]} {lost[2]}"
                yield Outcome("", "unfit", error="overwritten", message=message)
        case "error":
            for word in words:
                yield Outcome("", "raised", error=word)
        case _:
            return
