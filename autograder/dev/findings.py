"""What building and verification find, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.exercise.catalog import CatalogError


class BuildError(CatalogError):
    """A solution that does not run or a figure that is not drawn; the message says where."""


@dataclass(frozen=True, slots=True)
class Change:
    """A generated file that was written or, when only checking, is not what it should be.

    Attributes
    ----------
    message
        What happened and, where something is left to do, what.
    """

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that an exercise does not keep.

    Attributes
    ----------
    rule
        Short name of the promise, such as ``stub`` or ``leak``.
    where
        File, and in it the check, answer, task or cell.
    message
        What is wrong and what to do.
    """

    rule: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.rule}]"
