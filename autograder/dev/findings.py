"""What verification finds, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass


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
