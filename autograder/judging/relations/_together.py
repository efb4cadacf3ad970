"""Relations between many numbers and what they come to together: sums, means, one of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.evidence.observations import Data
from autograder.exercise.criteria import Tolerance
from autograder.judging.relations._declaring import alike, relation, whole_array
from autograder.judging.relations._parts import Array, Part, as_array, telling


@whole_array(
    "Each number holds those before it as well: a sum or a mean that is not begun anew.",
    zh="每个数都把前面的也算了进去：累加或平均没有重新开始。",
    step={
        "en": "Set the sum, and the count, back to 0 where the next round begins.",
        "zh": "每一轮开始时，把累加的和与个数清零。",
    },
)
def carried_on(right: Array) -> Iterator[Array]:
    if right.ndim and len(right) > 1:
        sums = np.cumsum(right, axis=0)
        yield sums
        yield sums / np.arange(1, len(right) + 1).reshape(-1, *[1] * (right.ndim - 1))


@relation(
    "A number for each element, row, class or batch, where their mean is asked for.",
    zh="每个元素（行、类别、批次）各给了一个数，而题目要的是它们的平均。",
    step={"en": "Take the mean before you return.", "zh": "返回之前先取平均。"},
)
def each_for_mean(part: Part, close: Tolerance) -> float:
    return _reduced(np.mean, part.seen, part.right, close, rows=True)


@relation(
    "A number for each element, row, class or batch, where their sum is asked for.",
    zh="每个元素（行、类别、批次）各给了一个数，而题目要的是它们的和。",
    step={"en": "Take the sum before you return.", "zh": "返回之前先求和。"},
)
def each_for_sum(part: Part, close: Tolerance) -> float:
    return _reduced(np.sum, part.seen, part.right, close, rows=True)


@relation(
    "The mean of all, where a number is asked for each element, row or class.",
    zh="给的是总的平均，而题目要的是每个元素（行、类别）各一个数。",
    step={
        "en": "See along which axis the task wants the mean, if any.",
        "zh": "看看题目要不要取平均、沿哪个轴。",
    },
)
def mean_for_each(part: Part, close: Tolerance) -> float:
    return _reduced(np.mean, part.right, part.seen, close)


@relation(
    "The sum of all, where a number is asked for each element, row or class.",
    zh="给的是总和，而题目要的是每个元素（行、类别）各一个数。",
    step={
        "en": "See along which axis the task wants the sum, if any.",
        "zh": "看看题目要不要求和、沿哪个轴。",
    },
)
def sum_for_each(part: Part, close: Tolerance) -> float:
    return _reduced(np.sum, part.right, part.seen, close)


def _reduced(how: object, many: Data, one: Data, close: Tolerance, *, rows: bool = False) -> float:
    """What it says that `one` is `many`, reduced along some axis or along all.

    With `rows`, `many` may also be the rows one after another, as of each batch of each epoch.
    """
    larger, smaller = as_array(many), as_array(one)
    if larger is None or smaller is None or larger.size < 2 or larger.size <= smaller.size:
        return 0.0
    if rows and larger.ndim == smaller.ndim == 1 and larger.size % smaller.size == 0:
        larger = larger.reshape(smaller.size, -1)
    for axis in (None, *range(min(larger.ndim, 5))):
        reduced = np.asarray(how(larger, axis=axis))  # type: ignore[operator]
        if alike(smaller.ravel(), reduced.ravel(), close):
            return telling(smaller) if smaller.size > 1 else max(1.0, telling(smaller))
    return 0.0


@relation(
    "The first or the last of the numbers alone, where all of them are asked for.",
    zh="只给了第一个或最后一个数，而题目要的是全部。",
    step={
        "en": "See whether the loop returns in its first round, or an index is left at the end.",
        "zh": "看看是不是循环第一轮就 return 了，或末尾多了一个下标。",
    },
)
def one_of_them(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or right.ndim == 0 or right.shape[0] < 2:
        return 0.0
    fits = any(alike(seen.ravel(), right[end].ravel(), close) for end in (0, -1))
    return telling(seen) if fits and seen.size < right.size else 0.0
