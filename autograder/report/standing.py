"""Where the learner stands: what `touchstone` alone shows."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.exercise.catalog import Exercise, Task


@dataclass(frozen=True)
class Standing:
    """The best that was reached in one exercise.

    Attributes
    ----------
    points
        Best points so far; ``None`` if it was never graded.
    passed
        Whether every task was passed.
    """

    exercise: Exercise
    points: float | None = None
    passed: bool = False


@dataclass(frozen=True)
class Next:
    """What to do next, and the command that does it, without the program's own name.

    Attributes
    ----------
    task
        The task to go on with; ``None`` where the exercise is still to be begun.
    """

    exercise: Exercise
    command: str
    task: Task | None = None
