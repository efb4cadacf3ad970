"""Touchstone (试金石): interview preparation on large models where every answer is executable.

A notebook imports `check`, `hint` and `replay` from here, and may import `lesson`, `status` and
`solution`; everything else is behind the ``touchstone`` command. Importing this package loads
nothing heavy.
"""

from autograder.notebook import check, hint, lesson, replay, solution, status

__all__ = ["__version__", "check", "hint", "lesson", "replay", "solution", "status"]

__version__ = "0.1.0"
