"""Touchstone (试金石): interview preparation on large models where every answer is executable.

A notebook imports `check`, `hint` and `replay` from here; everything else is behind the
``touchstone`` command. Importing this package loads nothing heavy.
"""

from autograder.notebook import check, hint, replay

__all__ = ["__version__", "check", "hint", "replay"]

__version__ = "0.1.0"
