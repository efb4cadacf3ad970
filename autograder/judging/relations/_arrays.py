"""Relations between arrays, lists and their elements: order, shape, length, place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from autograder.evidence.observations import Data
from autograder.exercise.criteria import Tolerance
from autograder.judging.comparing import equal
from autograder.judging.relations._declaring import alike, relation, whole_array
from autograder.judging.relations._parts import Array, Part, as_array, telling
from autograder.language import Text

_ORDER: Text = {
    "en": "Look at the order that the task asks for, and at what sorts or indexes.",
    "zh": "看看题目要求的顺序，以及排序或下标是怎么写的。",
}
_SHAPE: Text = {
    "en": "Print the `shape` of the result and compare it with the one that the task asks for.",
    "zh": "打印结果的 `shape`，和题目要求的形状对照。",
}
_ENDS: Text = {
    "en": "Look at where the range or the slice begins and ends.",
    "zh": "看看 range 或切片从哪里开始、到哪里结束。",
}


@whole_array(
    "The right numbers, transposed: rows are columns, or two other axes are exchanged.",
    zh="数都对，但转置了：行列互换，或另外两个轴互换。",
    step=_SHAPE,
)
def transposed(right: Array) -> Iterator[Array]:
    if right.ndim > 4:
        return
    for order in itertools.permutations(range(right.ndim)):
        turned = right.transpose(order)
        if turned.shape != right.shape or not np.array_equal(turned, right, equal_nan=True):
            yield turned


@whole_array("The right numbers in reversed order.", zh="数都对，但顺序反了。", step=_ORDER)
def reversed_order(right: Array) -> Iterator[Array]:
    for axis in range(min(right.ndim, 5)):
        yield np.flip(right, axis)


@whole_array(
    "The right numbers, sorted: the order in which they belong is lost.",
    zh="数都对，但被排了序：原来的顺序丢了。",
    step=_ORDER,
)
def sorted_order(right: Array) -> Iterator[Array]:
    if right.ndim:
        for axis in (0, -1):
            yield np.sort(right, axis)
            yield np.flip(np.sort(right, axis), axis)


@relation(
    "The right elements, the first or the last left out.",
    zh="元素都对，但少了第一个或最后一个。",
    step=_ENDS,
)
def too_few_at_an_end(part: Part, close: Tolerance) -> float:
    return _ends(part.seen, part.right, close)


@relation(
    "The right elements, and one too many at the beginning or at the end.",
    zh="元素都对，但开头或末尾多了一个。",
    step=_ENDS,
)
def too_many_at_an_end(part: Part, close: Tolerance) -> float:
    return _ends(part.right, part.seen, close)


def _ends(shorter: Data, longer: Data, close: Tolerance) -> float:
    """What is left of `longer` without the elements at one end says, if it is `shorter`."""
    if isinstance(shorter, str) and isinstance(longer, str):
        return 2.0 if len(shorter) > 2 and shorter in (longer[1:], longer[:-1]) else 0.0
    one, other = as_array(shorter), as_array(longer)
    if one is None or other is None or one.ndim != other.ndim or not one.size:
        return _ends_of_lists(shorter, longer, close)
    axes = [axis for axis in range(one.ndim) if one.shape[axis] == other.shape[axis] - 1]
    cut = [np.delete(other, end, axis) for axis in axes for end in (0, -1)]
    return telling(one) if any(alike(one, candidate, close) for candidate in cut) else 0.0


def _ends_of_lists(shorter: Data, longer: Data, close: Tolerance) -> float:
    if not (isinstance(shorter, list) and isinstance(longer, list) and len(shorter) > 1):
        return 0.0
    cut = (longer[1:], longer[:-1])
    return 2.0 if any(equal(shorter, candidate, close) for candidate in cut) else 0.0


@relation(
    "The right numbers, shifted by one place: each stands where its neighbour belongs.",
    zh="数都对，但错了一位：每个数都站在相邻的位置上。",
    step={
        "en": "Look at which position belongs to which: what stands at t, and what at t + 1.",
        "zh": "看看位置的对应关系：哪个在 t，哪个在 t + 1。",
    },
)
def shifted_by_one(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape:
        return 0.0
    for axis in (axis for axis in range(right.ndim) if right.shape[axis] > 2):
        one, other = np.moveaxis(seen, axis, 0), np.moveaxis(right, axis, 0)
        for moved, still in ((one[1:], other[:-1]), (one[:-1], other[1:])):
            moves = np.mean(other[1:] != other[:-1]) > 0.5
            if moves and alike(moved, still, close):
                return telling(still) - 0.5
    return 0.0


@relation(
    "The right numbers in another shape.",
    zh="数都对，但形状不对。",
    step=_SHAPE,
)
def another_shape(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape == right.shape:
        return 0.0
    return max(1.6, telling(right)) if alike(seen.ravel(), right.ravel(), close) else 0.0


@relation(
    "The right values, the parts of the result in another order.",
    zh="各部分都对，但返回的先后次序不对。",
    step={
        "en": "Compare what is returned, one by one, with the order that the task names.",
        "zh": "把返回的几个值和题目里的顺序逐个对照。",
    },
)
def parts_exchanged(part: Part, close: Tolerance) -> float:
    seen, right = part.seen, part.right
    if not (isinstance(seen, list) and isinstance(right, list) and 2 <= len(right) <= 4):
        return 0.0
    if len(seen) != len(right):
        return 0.0
    orders = itertools.permutations(right)
    next(orders)
    if not any(equal(seen, list(order), close) for order in orders):
        return 0.0
    numbers = as_array(right)
    return 2.0 if numbers is None else telling(numbers)


@relation(
    "The right numbers in another order.",
    zh="数都对，但顺序不对。",
    step=_ORDER,
)
def another_order(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape or right.size < 2:
        return _order_of_text(part)
    together = alike(np.sort(seen.ravel()), np.sort(right.ravel()), close)
    return telling(right) - 0.5 if together else 0.0


def _order_of_text(part: Part) -> float:
    seen, right = part.seen, part.right
    if not (isinstance(seen, list) and isinstance(right, list)) or len(right) < 2:
        return 0.0
    if not all(isinstance(item, str) for item in (*seen, *right)):
        return 0.0
    return len(right) / 2 if sorted(seen) == sorted(right) else 0.0


@relation(
    "Zero came out where something belongs: masked, skipped, cut off, or too small for the type.",
    zh="该有值的地方得到了 0：被掩掉、跳过、截断，或小到该类型表示不了。",
    step={
        "en": "Look at the condition that sets, masks or skips, and at its edge.",
        "zh": "看看置零、掩码或跳过的条件，尤其是边界。",
    },
)
def zero_for_number(part: Part, close: Tolerance) -> float:
    seen, right, wrong = _wrong(part, close)
    if not wrong.any() or wrong.all() or np.any(seen[wrong]):
        return 0.0
    return telling(right[wrong])


@relation(
    "Something came out where zero belongs: less is masked, cut or skipped than should be.",
    zh="该是 0 的地方有了值：掩掉、截断或跳过的比应有的少。",
    step={
        "en": "Look at the condition that sets, masks or skips, and at its edge.",
        "zh": "看看置零、掩码或跳过的条件，尤其是边界。",
    },
)
def number_for_zero(part: Part, close: Tolerance) -> float:
    seen, right, wrong = _wrong(part, close)
    if not wrong.any() or wrong.all() or np.any(right[wrong]):
        return 0.0
    return telling(seen[wrong])


@relation(
    "Numbers beyond a bound came out as that bound: they are clipped.",
    zh="超出某个界限的数都变成了这个界限：被截断（clip）了。",
    step={
        "en": "Look for `clip`, `clamp`, `min` or `max`, and whether the task asks for it.",
        "zh": "看看 `clip`、`clamp`、`min`、`max` 用在了哪里，题目要不要求。",
    },
)
def clipped(part: Part, close: Tolerance) -> float:
    seen, right, wrong = _wrong(part, close)
    bounds = np.unique(seen[wrong])
    if not 3 * bounds.size <= wrong.sum() < wrong.size or not np.isfinite(bounds).all():
        return 0.0
    inside = np.clip(right, seen.min(), seen.max())
    some_are_left = telling(right[~wrong]) >= 2
    return telling(right[wrong]) if some_are_left and alike(seen, inside, close) else 0.0


def _wrong(part: Part, close: Tolerance) -> tuple[Array, Array, Array]:
    """Both arrays and where they differ; three empty ones where they do not correspond."""
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape:
        return np.zeros(0), np.zeros(0), np.zeros(0, bool)
    allowed = close.absolute + max(close.relative, 1e-6) * np.abs(right)
    with np.errstate(invalid="ignore"):
        return seen, right, ~(np.abs(seen - right) <= allowed)
