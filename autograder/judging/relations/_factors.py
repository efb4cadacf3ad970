"""Relations by a factor or an amount that is the same for all numbers, or a number of elements."""

from __future__ import annotations

import math

import numpy as np

from autograder.exercise.criteria import Tolerance
from autograder.judging.relations._declaring import relation
from autograder.judging.relations._parts import Array, Part, as_array, telling


def _right(part: Part) -> Array:
    right = as_array(part.right)
    return np.zeros(0) if right is None else right


def _ratio(part: Part) -> float | None:
    """The one factor between all numbers; ``None`` if there is none, or it is 0 or 1."""
    ratios = _ratios(part)
    if not ratios:
        return None
    middle = float(np.median(ratios))
    spread = max(abs(ratio - middle) for ratio in ratios)
    if spread > 1e-4 * abs(middle) or abs(middle - 1) < 1e-4:
        return None
    return middle


def _ratios(part: Part) -> list[float]:
    """The factors between the numbers; none where there is one of 0, or no number to divide by."""
    seen, right = as_array(part.seen), _right(part)
    if seen is None or seen.shape != right.shape or not right.size:
        return []
    if not (np.isfinite(seen).all() and np.isfinite(right).all()):
        return []
    some = np.abs(right) > 1e-12
    if np.abs(seen[~some]).max(initial=0.0) > 1e-9:
        return []
    ratios: list[float] = (seen[some] / right[some]).tolist()
    return [] if 0.0 in ratios else ratios


def _is_neighbours(ratio: float) -> bool:
    """Whether a factor is n / (n - 1) or its inverse, for an n that chance does not come near."""
    if ratio <= 0 or not 1e-3 < abs(ratio - 1) < 1.01:
        return False
    n = 1 / abs(1 - (ratio if ratio < 1 else 1 / ratio))
    return 2 <= round(n) <= 200 and abs(n - round(n)) < 1e-4 * n


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5)


def _is_whole(ratio: float) -> bool:
    """Whether a factor is a whole number, and not so large that any would be near."""
    return 0.5 < ratio < 5000 and abs(ratio - round(ratio)) < 2e-5 * ratio


def _is_simple(values: Array) -> bool:
    """Whether all numbers are fractions of small whole ones: of two such, much is a factor."""
    shares = np.abs(values.ravel()[:64, None] * np.arange(1, 101))
    return bool((np.abs(shares - np.round(shares)).min(axis=1) < 1e-4).all())


def _is_counted(part: Part) -> bool:
    """Whether all numbers are whole on both sides, such as places: of those, many divide others."""
    sides = as_array(part.seen), as_array(part.right)
    return all(side is not None and bool((side == np.round(side)).all()) for side in sides)


def _are_shares(part: Part) -> bool:
    """Whether both sides are shares of a few: of those, too, many divide others, and 1 all."""
    seen = as_array(part.seen)
    return seen is not None and bool((seen <= 1).all()) and _is_simple(_right(part))


def _times(part: Part) -> float:
    return telling(_right(part))


def _factor(part: Part) -> list[float]:
    return [_ratio(part) or math.nan]


def _added(part: Part) -> list[float]:
    return [_offset(part)]


def _offset(part: Part) -> float:
    """What is added to all numbers; NaN if that is not the same for all."""
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape or not right.size:
        return math.nan
    if not (np.isfinite(seen).all() and np.isfinite(right).all()):
        return math.nan
    offsets = (seen - right).ravel()
    middle = float(np.median(offsets))
    return middle if np.ptp(offsets) <= 1e-4 * abs(middle) else math.nan


@relation(
    "The logarithms are of another base: all numbers are off by the factor that turns one base "
    "into the other.",
    zh="对数的底不对：所有数都差一个换底的倍数。",
    step={
        "en": "See which base the task asks for: `log` is natural, in NumPy as in torch.",
        "zh": "看看题目要的是哪个底：NumPy 和 torch 的 `log` 都是自然对数。",
    },
)
def another_base(part: Part, close: Tolerance) -> float:
    ratio = _ratio(part)
    bases = (math.log(2), math.log(10), math.log2(10))
    if ratio is None or not any(_near(ratio, f) for b in bases for f in (b, 1 / b)):
        return 0.0
    return telling(_right(part))


def _multiples(part: Part) -> list[float]:
    """The factors but for 1, as of a single element; none unless all of them are whole."""
    ratios = [] if _is_counted(part) or _are_shares(part) else _ratios(part)
    return [ratio for ratio in ratios if ratio > 1.5] if all(map(_is_whole, ratios)) else []


def _divisors(part: Part) -> list[float]:
    ratios = [] if _is_counted(part) else [1 / ratio for ratio in _ratios(part)]
    return [ratio for ratio in ratios if ratio > 1.5] if all(map(_is_whole, ratios)) else []


@relation(
    "The result is a whole number of times too large, each time another: as a sum is where a mean "
    "is asked for, or where a division by a number of elements is left out.",
    zh="结果大了整数倍，倍数随输入而变：像是该取平均却求了和，或少除了一次元素个数。",
    step={"en": "Look at what is divided by, and by how many.", "zh": "看看该除以几，除了没有。"},
    marks=_multiples,
    varies=True,
)
def sum_for_mean(part: Part, close: Tolerance) -> float:
    return _times(part) if _multiples(part) else 0.0


@relation(
    "The result is a whole number of times too small, each time another: as a mean is where a sum "
    "is asked for, or where a number of elements is divided by twice.",
    zh="结果小了整数倍，倍数随输入而变：像是该求和却取了平均，或多除了一次元素个数。",
    step={"en": "Look at what is divided by, and how often.", "zh": "看看除以了几，除了几次。"},
    marks=_divisors,
    varies=True,
)
def mean_for_sum(part: Part, close: Tolerance) -> float:
    return _times(part) if _divisors(part) else 0.0


@relation(
    "The result is off by the factor n / (n − 1) or its inverse: one more or one less is divided "
    "by than should be.",
    zh="结果差了 n / (n − 1) 这样的倍数（或其倒数）：除数多了 1 或少了 1。",
    step={
        "en": "See whether the task divides by n or by n − 1 (`ddof`, `unbiased`, `correction`).",
        "zh": "看看题目要除以 n 还是 n − 1（`ddof`、`unbiased`、`correction`）。",
    },
)
def n_minus_one(part: Part, close: Tolerance) -> float:
    ratios = _ratios(part)
    if not ratios or _is_simple(_right(part)) or not all(map(_is_neighbours, ratios)):
        return 0.0
    return _times(part)


@relation(
    "All numbers are off by one and the same factor.",
    zh="所有数都差同一个倍数。",
    step={
        "en": "Look for a factor that is missing, or one too many: a scale, a rate, a number of "
        "elements.",
        "zh": "看看是不是少乘或多乘了一个系数：缩放、学习率、元素个数之类。",
    },
    marks=_factor,
)
def one_factor(part: Part, close: Tolerance) -> float:
    return _times(part) if _ratio(part) is not None else 0.0


@relation(
    "Each whole number is one too large: as if counted from 1, not from 0, or one beyond.",
    zh="每个整数都大了 1：像是从 1 数起，而不是从 0，或多走了一步。",
    step={
        "en": "See where the task begins to count, and where a range ends.",
        "zh": "看看题目从几开始数，范围到哪里为止。",
    },
)
def one_too_large(part: Part, close: Tolerance) -> float:
    return _one_apart(part, 1.0)


@relation(
    "Each whole number is one too small: as if counted from 0, not from 1, or one short.",
    zh="每个整数都小了 1：像是从 0 数起，而不是从 1，或少走了一步。",
    step={
        "en": "See where the task begins to count, and where a range ends.",
        "zh": "看看题目从几开始数，范围到哪里为止。",
    },
)
def one_too_small(part: Part, close: Tolerance) -> float:
    return _one_apart(part, -1.0)


def _one_apart(part: Part, offset: float) -> float:
    """What whole numbers of at least three kinds say that are all off by one in the same way."""
    if not _is_counted(part) or _offset(part) != offset:
        return 0.0
    return 0.65 * len(np.unique(_right(part)))


@relation(
    "All numbers are off by one and the same amount.",
    zh="所有数都差同一个常数。",
    step={
        "en": "Look for a term that is missing, or one too many: a bias, a constant, an index.",
        "zh": "看看是不是少加或多加了一项：偏置、常数或下标。",
    },
    marks=_added,
)
def one_offset(part: Part, close: Tolerance) -> float:
    offset = _offset(part)
    return _times(part) if math.isfinite(offset) and offset else 0.0
