"""Relations between what was promised beside the numbers: errors, types, modes, names, parts.

They read the words in which `autograder.checks` and `autograder.probes` gather such evidence.
"""

from __future__ import annotations

from autograder.evidence.observations import Data
from autograder.exercise.criteria import Tolerance
from autograder.judging.comparing import equal
from autograder.judging.relations._declaring import relation
from autograder.judging.relations._finding import SURE
from autograder.judging.relations._parts import Part, as_array, telling


@relation(
    "It returns a result where an error is asked for.",
    zh="该报错的输入没有报错，而是返回了结果。",
    step={
        "en": "Check the arguments first and raise what the task names.",
        "zh": "先检查参数，抛出题目指定的异常。",
    },
)
def no_error(part: Part, close: Tolerance) -> float:
    return SURE if _says(part.right, "raised") and _says(part.seen, "returned") else 0.0


@relation(
    "It raises an error where a result is asked for.",
    zh="该返回结果的输入却报了错。",
    step={
        "en": "Try the edge that the claim names: an empty input, one element, a tie.",
        "zh": "试一试这一条说到的边界情形：空输入、单个元素、并列。",
    },
)
def error_for_result(part: Part, close: Tolerance) -> float:
    return SURE if _says(part.right, "returned") and _says(part.seen, "raised") else 0.0


@relation(
    "It raises another error than the one asked for.",
    zh="报的错不是题目指定的那一种。",
    step={
        "en": "Raise the class of exception that the task names.",
        "zh": "抛出题目指定的异常类型。",
    },
)
def another_error(part: Part, close: Tolerance) -> float:
    return SURE if part.place[-1:] == ("raised",) and isinstance(part.seen, str) else 0.0


@relation(
    "It changes what it was given.",
    zh="改动了传进来的参数。",
    step={
        "en": "Work on a copy: `x = x.clone()`, `list(x)`, or an operation without `_` at its end.",
        "zh": "在副本上操作：`x = x.clone()`、`list(x)`，或用不带下划线结尾的运算。",
    },
)
def changes_arguments(part: Part, close: Tolerance) -> float:
    return SURE if part.place[-1:] == ("changed",) and part.seen and not part.right else 0.0


@relation(
    "The model is left in another mode (training or evaluation) than it was in.",
    zh="模型的模式（训练或评估）没有恢复成原来的样子。",
    step={
        "en": "Remember `model.training`, and set it again at the end, also after an error.",
        "zh": "先记下 `model.training`，结束时恢复，出错时也要恢复。",
    },
)
def mode_not_restored(part: Part, close: Tolerance) -> float:
    return SURE if part.place[-1:] == ("modes after",) else 0.0


@relation(
    "The right values in another type of numbers.",
    zh="数值都对，但数据类型（dtype）不对。",
    step={
        "en": "Look at the `dtype` of what you return, and at what converted it.",
        "zh": "看看返回值的 `dtype`，以及是哪一步把它转换了。",
    },
)
def another_type(part: Part, close: Tolerance) -> float:
    named = any(word in ("dtype", "type", "types", "dtypes") for word in part.place)
    return SURE if named and isinstance(part.seen, str) and isinstance(part.right, str) else 0.0


@relation(
    "Nothing came out (None) where a value is asked for.",
    zh="该有值的地方什么也没返回（None）。",
    step={
        "en": "See that every way through the function ends in `return` and the value.",
        "zh": "检查函数的每条分支最后是否都 `return` 了结果。",
    },
)
def nothing(part: Part, close: Tolerance) -> float:
    return SURE if part.seen is None and part.right is not None else 0.0


@relation(
    "The result has other keys than those asked for.",
    zh="返回的字典的键和题目要求的不一致。",
    step={
        "en": "Compare the keys, letter by letter, with those in the task.",
        "zh": "把键名和题目逐字对照。",
    },
)
def other_keys(part: Part, close: Tolerance) -> float:
    seen, right = part.seen, part.right
    if not (isinstance(seen, dict) and isinstance(right, dict)):
        return 0.0
    ours = {"raised", "returned"}
    return 0.0 if ours & (seen.keys() | right.keys()) else SURE


@relation(
    "More is returned than is asked for: what is right is one part of it.",
    zh="返回的比要求的多：正确的结果只是其中一部分。",
    step={
        "en": "Return that part alone, and nothing around it.",
        "zh": "只返回那一部分，外面不要再套别的。",
    },
)
def more_than_asked(part: Part, close: Tolerance) -> float:
    return _one_of(part.seen, part.right, close)


@relation(
    "One part of the result alone, where several are asked for.",
    zh="只返回了其中一部分，而题目要的是几个值。",
    step={
        "en": "Return all the parts that the task names, in its order.",
        "zh": "题目要的几个值都要返回，并按题目的顺序。",
    },
)
def less_than_asked(part: Part, close: Tolerance) -> float:
    return _one_of(part.right, part.seen, close)


def _one_of(whole: Data, one: Data, close: Tolerance) -> float:
    """How much it tells that one of a few parts, which are no mere numbers, is this one."""
    if not (isinstance(whole, list) and 2 <= len(whole) <= 4) or as_array(whole) is not None:
        return 0.0
    numbers = as_array(one)
    if numbers is None or not any(equal(item, one, close) for item in whole):
        return 0.0
    return telling(numbers)


def _says(data: object, word: str) -> bool:
    return isinstance(data, dict) and data.keys() == {word}
