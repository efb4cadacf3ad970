"""Relations between one number and the other."""

from __future__ import annotations

import math

import numpy as np

from autograder.exercise.criteria import Tolerance
from autograder.judging.relations._declaring import each_number, relation
from autograder.judging.relations._finding import SURE
from autograder.judging.relations._parts import Array, Part, as_array, telling
from autograder.language import Text

_SCALE: Text = {
    "en": "Look at what the task says about the scale of the result.",
    "zh": "看看题目对结果的量纲是怎么说的。",
}
_LAST_LINE: Text = {
    "en": "Look at the last operation before the result is returned.",
    "zh": "看看返回之前的最后一步运算。",
}


@each_number(
    "Each number is a hundred times as large: per cent, where a share is asked for.",
    zh="每个数都大了一百倍：要的是比例，给的是百分数。",
    step=_SCALE,
)
def per_cent(right: Array) -> Array:
    return 100 * right


@each_number(
    "Each number is a hundredth: a share, where per cent is asked for, or 100 divided by twice.",
    zh="每个数都只有百分之一：要的是百分数，给的是比例，或多除了一次 100。",
    step=_SCALE,
)
def share_of_per_cent(right: Array) -> Array:
    return right / 100


@each_number(
    "Each number is one minus what it should be: the share of the other cases, the opposite.",
    zh="每个数都是 1 减去正确值：算成了相反的那一部分。",
    step={"en": "Look at which cases are counted.", "zh": "看看数的是哪一部分样本。"},
)
def one_minus(right: Array) -> Array:
    return 1 - right


@each_number(
    "Each number has the opposite sign.",
    zh="每个数的正负号都反了。",
    step={
        "en": "Look for a minus missing or one too many, or a difference the wrong way round.",
        "zh": "看看是不是少了或多了一个负号，或者减法写反了。",
    },
)
def negative(right: Array) -> Array:
    return -right


@each_number(
    "The numbers have lost their signs: only how large they are has come out.",
    zh="数的正负号丢了：只剩下绝对值。",
    step={
        "en": "Look for `abs`, a norm or a square, and whether the task asks for it.",
        "zh": "看看是不是用了 `abs`、范数或平方，题目要不要求。",
    },
)
def absolute(right: Array) -> Array:
    return np.abs(right)


@each_number(
    "Each number is the inverse, 1 / x, of what it should be.",
    zh="每个数都是正确值的倒数 1 / x。",
    step={"en": "Look at which number is divided by which.", "zh": "看看分子和分母是不是写反了。"},
)
def inverse(right: Array) -> Array:
    return 1 / right


@each_number(
    "Each number is the logarithm of what it should be.",
    zh="每个数都是正确值的对数。",
    step=_LAST_LINE,
)
def logarithm(right: Array) -> Array:
    return np.log(right)


@each_number(
    "Each number is the exponential of what it should be.",
    zh="每个数都是正确值的指数 e^x。",
    step=_LAST_LINE,
)
def exponential(right: Array) -> Array:
    return np.exp(right)


@each_number(
    "Each number is the square of what it should be.",
    zh="每个数都是正确值的平方。",
    step={"en": "Look for a root that is missing.", "zh": "看看是不是少开了一次根号。"},
)
def square(right: Array) -> Array:
    return right**2


@each_number(
    "Each number is the square root of what it should be.",
    zh="每个数都是正确值的平方根。",
    step={
        "en": "Look for a root too many, or a square that is missing.",
        "zh": "看看是不是多开了一次根号，或少了一次平方。",
    },
)
def square_root(right: Array) -> Array:
    return np.sqrt(right)


@each_number(
    "Each number is twice what it should be.",
    zh="每个数都是正确值的两倍。",
    step={
        "en": "Look for something that is counted twice, or a half that is missing.",
        "zh": "看看是不是有东西数了两遍，或少乘了 1/2。",
    },
)
def twice(right: Array) -> Array:
    return 2 * right


@each_number(
    "Each number is half of what it should be.",
    zh="每个数都只有正确值的一半。",
    step={
        "en": "Look for a factor 2 that is missing, or something that is left out.",
        "zh": "看看是不是少乘了 2，或漏了一半。",
    },
)
def half(right: Array) -> Array:
    return right / 2


@relation(
    "Right but for the last digits: computed in fewer bits, such as float32, or with a small "
    "number added.",
    zh="只差最后几位：用了较低的精度（例如 float32），或多加了一个很小的数。",
    step={
        "en": "Compute in float64, or leave the small number out.",
        "zh": "改用 float64 计算，或去掉那个很小的数。",
    },
    near=True,
)
def last_digits(part: Part, close: Tolerance) -> float:
    return SURE


@relation(
    "The numbers are rounded, or cut to whole ones.",
    zh="数被四舍五入了，或被截成了整数。",
    step={
        "en": "Return them as they come, without `round`, `int` or `//`, and in floating point.",
        "zh": "原样返回浮点数，不要用 `round`、`int` 或 `//`。",
    },
)
def rounded(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape:
        return 0.0
    ways = [np.round(right, digits) for digits in range(7)] + [np.trunc(right), np.floor(right)]
    fits = any(np.allclose(seen, way, rtol=0, atol=1e-9, equal_nan=True) for way in ways)
    # Zeros and ones come of much else.
    return telling(seen) if fits else 0.0


@relation(
    "The numbers came out as text.",
    zh="返回的是文本，不是数。",
    step={
        "en": "Return numbers, without `str`, formatting or `print`.",
        "zh": "返回数本身，不要用 `str`、格式化或 `print`。",
    },
)
def text_for_number(part: Part, close: Tolerance) -> float:
    if not isinstance(part.seen, str) or as_array(part.right) is None:
        return 0.0
    try:
        value = float(part.seen.strip().rstrip("%"))
    except ValueError:
        return 0.0
    return SURE if np.ndim(part.right) == 0 and math.isfinite(value) else 0.0


@relation(
    "NaN came out where a number belongs: 0/0, inf − inf, 0 times NaN, or a logarithm below 0.",
    zh="该出现数的地方得到了 NaN：0/0、inf − inf、0 乘 NaN，或对负数取了对数。",
    step={
        "en": "Look at what is divided by zero, or at rows in which everything is masked.",
        "zh": "看看哪里除以了零，或者哪一行全被掩掉了。",
    },
)
def nan_for_number(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape:
        return 0.0
    wrong = ~np.isclose(seen, right, rtol=max(close.relative, 1e-5), atol=1e-6, equal_nan=True)
    return SURE if wrong.any() and np.isnan(seen[wrong]).all() else 0.0


@relation(
    "∞ or −∞ came out where a number belongs: too much is masked, zero is divided by or has its "
    "logarithm taken, or an exponential is beyond what the type holds.",
    zh="该出现数的地方得到了 ∞ 或 −∞：掩掉的太多，除以了零，对零取了对数，或指数溢出。",
    step={
        "en": "Find the first place with an infinity, and what made it.",
        "zh": "找出第一个出现无穷大的位置，看看是哪一步造成的。",
    },
)
def infinity_for_number(part: Part, close: Tolerance) -> float:
    seen, right = as_array(part.seen), as_array(part.right)
    if seen is None or right is None or seen.shape != right.shape:
        return 0.0
    wrong = ~np.isclose(seen, right, rtol=max(close.relative, 1e-5), atol=1e-6, equal_nan=True)
    return SURE if wrong.any() and np.isinf(seen[wrong]).all() else 0.0
