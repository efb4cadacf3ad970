"""Weighing what speaks for a relation, over all observations of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autograder.evidence.observations import leaves
from autograder.exercise.criteria import Tolerance
from autograder.judging.comparing import equal
from autograder.judging.relations._parts import Part, fingerprint, is_nearly, parts
from autograder.language import Text

# What must speak for a relation, in numbers hit that chance does not hit: more of them if they
# are all in one observation.
_ENOUGH, _ENOUGH_IN_ONE = 1.5, 1.9
SURE = _ENOUGH_IN_ONE
_LITTLE = 1e-6

Weighs = Callable[[Part, Tolerance], float]
"""How much a part that differs speaks for a relation; 0 if it does not explain it."""
Marks = Callable[[Part], list[float]]
"""The numbers that a relation leaves open, such as factors, one or more for a part."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A way in which what came out may relate to what is right, in one sentence.

    Attributes
    ----------
    marks
        Where the relation leaves a number open: what it is at a part.
    near
        Whether it is about numbers that are right but for their last digits. These are as near to
        being shifted, sorted and so on, of which then nothing is said.
    varies
        Whether that number has to be another from part to part, or the same in all of them; one
        that is the same everywhere is what a first number is needed to find.
    """

    name: str
    text: Text
    step: Text
    weighs: Weighs
    marks: Marks | None = None
    varies: bool = False
    near: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A relation that explains all that differs in some observations of a task."""

    relation: Relation
    checks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Differing:
    """What came out of one check, what is right, and how far they may lie apart."""

    seen: object
    right: object
    close: Tolerance


def found_in(
    differing: Mapping[str, Differing], relations: tuple[Relation, ...] | None = None
) -> list[Found]:
    """Relations that explain observations of one task, those that explain most of them first.

    Parameters
    ----------
    differing
        By check: observations that are neither right nor those of a known mistake.
    """
    if relations is None:
        from autograder.judging.relations._all import RELATIONS

        relations = RELATIONS
    unequal = {name: _unequal_parts(pair) for name, pair in differing.items()}
    found = [Found(_CONSTANT, frozenset(differing))] if _is_constant(differing) else []
    forms = frozenset(name for name, pair in differing.items() if _is_right_in_some_form(pair))
    found += [Found(_SOME_FORMS, forms)] if forms else []
    for relation in relations:
        told: set[tuple[float, ...]] = set()
        weights = {
            name: _weight(relation, unequal[name], differing[name].close, told)
            for name in differing
        }
        explained = frozenset(name for name, weight in weights.items() if weight > 0)
        enough = _ENOUGH if len(explained) > 1 else _ENOUGH_IN_ONE
        spent = 1.0 if relation.marks and not relation.varies else 0.0
        agreed = _agree(relation, [part for name in explained for part in unequal[name]])
        if explained and agreed and sum(weights.values()) - spent >= enough:
            found.append(Found(relation, explained))
    return sorted(found, key=lambda item: -len(item.checks))


_CONSTANT = Relation(
    "relation.constant",
    {
        "en": "Always the same comes out, whatever goes in.",
        "zh": "不管输入什么，结果都一样。",
    },
    {
        "en": "See that the arguments are used, and not a name or a number from outside.",
        "zh": "确认用到的是传进来的参数，而不是外面的变量或写死的数。",
    },
    lambda part, close: 0.0,
)


_FORMS = {"list", "array", "float32", "tensor", "tensor32"}
_SOME_FORMS = Relation(
    "relation.some_forms",
    {
        "en": "Right in one form of the same numbers (list, array, tensor, float32), and not in "
        "another.",
        "zh": "同样的数，换一种形式（列表、数组、张量、float32）传进来，结果就不对了。",
    },
    {
        "en": "Turn the arguments into one form first, as with `np.asarray` or `torch.as_tensor`.",
        "zh": "先把参数统一成一种形式，例如用 `np.asarray` 或 `torch.as_tensor`。",
    },
    lambda part, close: 0.0,
)


def _is_right_in_some_form(pair: Differing) -> bool:
    """Whether what came out is right in some of the forms of `probes.in_forms`, and not in all."""
    seen, right = pair.seen, pair.right
    if not (isinstance(seen, dict) and isinstance(right, dict) and set(right) <= _FORMS):
        return False
    fits = [form in seen and equal(seen[form], right[form], pair.close) for form in right]
    return any(fits) and not all(fits)


def _is_constant(differing: Mapping[str, Differing]) -> bool:
    """Whether one and the same value came out of several checks that ask for several."""
    seen = {leaf for pair in differing.values() for leaf in leaves(pair.seen)}
    right = {leaf for pair in differing.values() for leaf in leaves(pair.right)}
    return len(differing) > 1 and len(seen) == 1 and None not in seen and len(right) > 2


def _agree(relation: Relation, explained: list[Part]) -> bool:
    """Whether the number that a relation leaves open is as it should be over all parts."""
    if relation.marks is None:
        return True
    marks = [mark for part in explained for mark in relation.marks(part)]
    spread = max(marks, default=0.0) - min(marks, default=0.0)
    is_one = spread <= 1e-4 * max(map(abs, marks), default=0.0)
    return is_one != relation.varies


def _unequal_parts(pair: Differing) -> list[Part]:
    return [
        part for part in parts(pair.seen, pair.right)
        if not equal(part.seen, part.right, pair.close)
    ]  # fmt: skip


def _weight(
    relation: Relation, unequal: list[Part], close: Tolerance, told: set[tuple[float, ...]]
) -> float:
    """What an observation says for a relation: nothing unless it explains all that differs.

    The same numbers again, such as for a list and for an array, say nothing new: they are `told`.
    """
    total = 0.0
    for part in unequal:
        if is_nearly(part) != relation.near:
            return 0.0
        weight = relation.weighs(part, close)
        if weight <= 0:
            return 0.0
        again = fingerprint(part.right)
        total += _LITTLE if again in told else weight
        told.add(again)
    return total
