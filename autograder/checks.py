"""What an exercise is written in: the door through which content comes in.

A *check* is a claim with a probe: a function whose arguments are fixtures and names that the
learner defines, and which returns an observation (plain data) and asserts nothing. The judge
compares observations; nothing here knows what is right. `autograder.probes` has what exercises
share beyond that.
"""

from autograder.exercise.criteria import (
    Property,
    Tolerance,
    at_least,
    at_most,
    relative,
    sums_to,
    that,
)
from autograder.exercise.declaring import check, fixture, outcome_of, right, wrong

__all__ = [
    "Property",
    "Tolerance",
    "at_least",
    "at_most",
    "check",
    "fixture",
    "outcome_of",
    "relative",
    "right",
    "sums_to",
    "that",
    "wrong",
]
