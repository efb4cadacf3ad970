"""What grading came to, as frozen data. Nothing here prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from autograder.evidence.runs import CellRun, Isolation
from autograder.language import Language, Text

Status: TypeAlias = Literal[
    "pass", "fail", "todo", "error", "timeout", "memory", "crashed", "tampered", "internal"
]
STATUSES: tuple[Status, ...] = (
    "pass", "fail", "todo", "error", "timeout", "memory", "crashed", "tampered", "internal",
)  # fmt: skip
_BOTH_EMPTY: Text = {"en": "", "zh": ""}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one claim, with its reason.

    Attributes
    ----------
    claim
        What was asked.
    came_out
        What the learner's answer yielded, short; empty where it yielded nothing.
    expected
        What the reference yielded, or the property in words; empty where it is not to be shown.
    message
        The reason, in one sentence.
    misconception
        Name of the recognised mistake, else empty; ``diagnosis`` says it in words.
    step
        One step to take next; empty for a pass.
    where, line
        Cell id and line of an error in the learner's code, and that line's source.
    call
        The call that failed, as source text; ``came_out`` and ``expected`` are of this one. Empty
        where it is not known, or not to be shown.
    calls
        How many there were, where it is not known which of them failed: ``call`` is the first, and
        ``came_out`` is of all of them. Otherwise 1.
    """

    name: str
    claim: Text
    status: Status
    message: Text = field(default_factory=lambda: _BOTH_EMPTY)
    misconception: str = ""
    diagnosis: Text = field(default_factory=lambda: _BOTH_EMPTY)
    came_out: str = ""
    expected: Text = field(default_factory=lambda: _BOTH_EMPTY)
    step: Text = field(default_factory=lambda: _BOTH_EMPTY)
    where: str = ""
    line: str = ""
    weight: float = 1.0
    seconds: float = 0.0
    call: str = ""
    calls: int = 1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The verdicts on one task and the points that they give.

    Attributes
    ----------
    granted, reason
        Where a teacher gave ``points`` by hand: what the grader gave, and why. Else ``None``.
    """

    name: str
    title: Text
    status: Status
    points: float
    max_points: float
    verdicts: tuple[Verdict, ...]
    granted: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of a submission: its own cells, the checks, and everything."""

    cells: float = 0.0
    checks: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The result for one notebook, or the reason why there is none.

    Attributes
    ----------
    problem
        Why it could not be graded, with what to do; empty where it was.
    notes
        What the points rest on beside the answers: a file that was not there, a cell below its
        check.
    """

    path: str
    exercise: str = ""
    language: Language = "en"
    points: float = 0.0
    max_points: float = 0.0
    seconds: Seconds = Seconds()
    isolation: Isolation = "process"
    tasks: tuple[TaskResult, ...] = ()
    cells: tuple[CellRun, ...] = ()
    problem: Text | None = None
    notes: tuple[Text, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every task passed."""
        return bool(self.tasks) and all(task.status == "pass" for task in self.tasks)

    @property
    def at_fault(self) -> bool:
        """Whether something of ours went wrong."""
        return any(
            "internal" in (task.status, *(verdict.status for verdict in task.verdicts))
            for task in self.tasks
        )


@dataclass(frozen=True, slots=True)
class Graded:
    """One notebook of a class, graded.

    Attributes
    ----------
    student
        The student's name as the class's folder or archive gives it.
    name
        Where the notebook was in it, with forward slashes; never a path of this machine.
    identifier
        The number that the learning platform knows the student by, where the name of the file
        told it (Canvas, Moodle); else empty.
    result
        Its ``path`` is `name`.
    at
        When it was handed in, as far as a platform's names tell: a time (ISO 8601, by that clock),
        ``"late"``, or empty.
    """

    student: str
    name: str
    result: SubmissionResult
    identifier: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points that a teacher gave by hand; ``None`` where the grader's are to count again.

    Attributes
    ----------
    made
        When, in ISO 8601.
    """

    student: str
    exercise: str
    task: str
    points: float | None
    reason: str
    made: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody on the roster: student as in `Graded`, number, address, a deadline of their own."""

    student: str
    identifier: str = ""
    email: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class ClassResult:
    """What grading a class came to, in the order of students' names, then of notebooks'.

    Attributes
    ----------
    hidden
        Whether a secret changed the seeds, so that the tests were others than the visible ones.
    layout
        By what students were told apart in what was handed in, in words.
    aside
        Names of what else was there and was graded for nobody, each with the reason.
    roster
        Everybody who was expected; empty where there was no roster.
    due
        The deadline (ISO 8601); empty where none was said.
    """

    graded: tuple[Graded, ...]
    hidden: bool = False
    layout: Text | None = None
    aside: tuple[tuple[str, Text], ...] = ()
    roster: tuple[Expected, ...] = ()
    due: str = ""

    @property
    def students(self) -> tuple[str, ...]:
        """Everybody who handed in, also without a notebook that could be graded."""
        return tuple(dict.fromkeys(item.student for item in self.graded))

    @property
    def missing(self) -> tuple[Expected, ...]:
        """Those of the roster who handed in nothing."""
        students = set(self.students)
        return tuple(one for one in self.roster if one.student not in students)

    @property
    def strangers(self) -> tuple[str, ...]:
        """Who handed in without being on the roster, if there is one."""
        expected = {one.student for one in self.roster}
        return tuple(one for one in self.students if expected and one not in expected)

    @property
    def late(self) -> frozenset[str]:
        """Names of what came after its deadline, as far as that is known."""
        own = {one.student: one.due for one in self.roster if one.due}
        found = set()
        for item in self.graded:
            due = own.get(item.student, self.due)
            # Both in ISO 8601; a platform may tell fractions of a second.
            if item.at == "late" or (item.at and due and item.at[:19] > due):
                found.add(item.name)
        return frozenset(found)
