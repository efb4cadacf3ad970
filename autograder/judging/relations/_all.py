"""All relations: the particular ones before the general ones that would explain the same."""

from __future__ import annotations

from autograder.judging.relations import _arrays, _factors, _numbers, _promises, _together
from autograder.judging.relations._finding import Relation

RELATIONS: tuple[Relation, ...] = tuple(
    value
    for module in (_promises, _numbers, _factors, _together, _arrays)
    for value in vars(module).values()
    if isinstance(value, Relation)
)
