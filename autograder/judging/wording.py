"""Reasons and next steps, in both languages: the sentences of a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.evidence.observations import Data, Outcome
from autograder.language import Text

NOTHING: Text = {"en": "", "zh": ""}


def _both(en: str, zh: str) -> Text:
    return {"en": en, "zh": zh}


def _is_nothing(value: Data) -> bool:
    """Whether a function without ``return`` was seen, once or each time that it was called."""
    if isinstance(value, list):
        return bool(value) and all(item is None for item in value)
    return value is None


def reason(seen: Outcome, name: str) -> Text:
    """Why a check did not pass, from what its probe came to."""
    detail = seen.message
    match seen.kind:
        case "value" if _is_nothing(seen.value):
            return _both("It returned nothing (None).", "没有返回值（得到 None）。")
        case "value":
            return _both("What came out differs.", "结果与应有的不符。")
        case "unfit":
            return _unfit(seen, name)
        case "forbidden":
            return _both(
                f"`{name}` uses `{seen.error}`, which this task asks you to do without.",
                f"`{name}` 用到了 `{seen.error}`，本题要求不用它。",
            )
        case "raised":
            error = f"{seen.error}: {detail}" if detail else seen.error
            return _both(f"It stopped with {error}", f"运行出错：{error}")
        case "todo":
            return _both("Not started yet.", "尚未作答。")
        case "timeout" if seen.error == "submission":
            return _both(
                f"The notebook as a whole took more than {detail} s; this was not reached.",
                f"整份 notebook 运行超过 {detail} 秒，没能轮到这一项。",
            )
        case "timeout" if seen.error == "processor":
            return _both(
                f"It used more than {detail} s of processor time.",
                f"占用的处理器时间超过 {detail} 秒。",
            )
        case "timeout":
            return _both(f"Still running after {detail} s.", f"{detail} 秒后仍未结束。")
        case "memory":
            return _both("It used more memory than allowed.", "占用内存超出限制。")
        case "crashed":
            return _both(
                f"It brought its process down ({seen.error} {detail}).",
                f"它让所在进程意外退出（{seen.error} {detail}）。",
            )
        case "tampered":
            return _both(
                "The report of this check was disturbed, so it counts for nothing.",
                "该检查的结果在传回途中被干扰，不予采信。",
            )
        case _:
            what = f"{seen.error} {detail}".strip()
            return _both(
                f"Our fault, not yours ({what}). Please report it.",
                f"是我们的错，不怪你（{what}）。请反馈给我们。",
            )


def not_judged(status: str, memory: int, seconds: float) -> Text:
    """Why what a notebook yielded was not judged: it took more than one may."""
    en, zh = _taken(status, memory, seconds)
    return _both(
        f"Judging this notebook {en}, so nothing of it counts. Look for a cell that is far longer "
        "or deeper than the task asks, or an answer that is far larger.",
        f"评判这份 notebook 时{zh}，因此全部不计分。请检查是否有过长、嵌套过深的代码，"
        "或过大的返回值。",
    )


def not_read(status: str, memory: int, seconds: float) -> Text:
    """Why a file was not read: it took more than one may."""
    en, zh = _taken(status, memory, seconds)
    return _both(
        f"Reading it {en}. Clear its outputs, keep the code to what the tasks ask, and save it "
        "again.",
        f"读取时{zh}。请清除输出，代码只保留题目所需部分，再重新保存。",
    )


def _taken(status: str, memory: int, seconds: float) -> tuple[str, str]:
    if status == "memory":
        return f"took more than {memory / 2**30:g} GB of memory", f"内存超过 {memory / 2**30:g} GB"
    if status == "timeout":
        return f"took more than {seconds:g} s", f"超过 {seconds:g} 秒"
    return "brought a process down", "所在进程意外退出"


def _unfit(seen: Outcome, name: str) -> Text:
    """Why what was returned is no observation."""
    detail = seen.message
    match seen.error:
        case "callable":
            return _both(
                f"`{name}` is of type {detail}, not a function.",
                f"`{name}` 是 {detail} 类型，不是函数。",
            )
        case "overwritten":
            lost, kind, cell = detail.split(" ", 2)
            return _both(
                f"`{lost}` is no function any more: the cell {cell} gave it a value of type "
                f"{kind}.",
                f"`{lost}` 已经不是函数：单元 {cell} 给它赋了一个 {kind} 类型的值。",
            )
        case "depth":
            return _both(
                f"`{name}` returned something nested more than {detail} levels deep.",
                f"`{name}` 的返回值嵌套超过 {detail} 层。",
            )
        case "leaves" | "bytes":
            return _both(
                f"`{name}` returned too much: more than {detail}.",
                f"`{name}` 返回的内容过多：超过 {detail}。",
            )
        case "all":
            return _both(
                f"Together, the answers to all checks are too large: more than {detail}.",
                f"这份 notebook 各项检查的返回值合计过多：超过 {detail}。",
            )
        case "key":
            return _both(
                f"`{name}` returned a dict with a key of type {detail}; keys have to be text or "
                "whole numbers below 2**63.",
                f"`{name}` 返回的字典有 {detail} 类型的键；键只能是字符串或小于 2**63 的整数。",
            )
        case _:
            return _both(
                f"`{name}` returned {detail}, which is not plain data (a number, text, a list, "
                "a dict or an array).",
                f"`{name}` 返回的是 {detail}，不是普通数据（数、文本、列表、字典或数组）。",
            )


def next_step(task: str, name: str, seen: Outcome) -> Text:
    """One step to take after a check that no known misconception explains."""
    match seen.kind:
        case "value" if _is_nothing(seen.value):
            return _both(
                f"End `{name}` with `return` and the result.",
                f"在 `{name}` 末尾用 `return` 返回结果。",
            )
        case "unfit" if seen.error == "overwritten":
            lost, _, cell = seen.message.split(" ", 2)
            return _both(
                f"In the cell {cell} use another name than `{lost}`; then run the cells again "
                "from the top.",
                f"在单元 {cell} 里换一个不同于 `{lost}` 的变量名，再从头运行各单元。",
            )
        case "unfit" if seen.error == "callable":
            return _both(f"Define it with `def {name}(...)`.", f"用 `def {name}(...)` 来定义它。")
        case "unfit":
            return _both(
                f"Return plain numbers, lists or arrays from `{name}`.",
                f"让 `{name}` 返回普通的数、列表或数组。",
            )
        case "forbidden":
            return _both(
                f"Write `{name}` with Python or NumPy alone.", f"只用 Python 或 NumPy 写 `{name}`。"
            )
        case "raised" if seen.where:
            return _both(
                f"Look at {seen.where.replace(':', ', line ')} of your notebook.",
                f"看看 notebook 中 {seen.where.replace(':', ' 第 ')} 行。"
                if ":" in seen.where
                else f"看看 notebook 中的单元 {seen.where}。",
            )
        case "raised":
            return _both(
                f"Call `{name}` the way the task shows and read the error.",
                f"按题目示例调用 `{name}`，读一读报错。",
            )
        case "timeout":
            return _both(
                f"Try `{name}` on three values; look for a loop that does not end.",
                f"先用三个数试 `{name}`，找一找不会结束的循环。",
            )
        case "internal" | "tampered":
            return NOTHING
        case _:
            return next_hint(task)


def next_hint(task: str) -> Text:
    """The general next step: open a hint."""
    return _both(f'Open a hint: hint("{task}").', f'看一条提示：hint("{task}")。')


def read_on(step: Text, errata: Sequence[str]) -> Text:
    """A step, and the command that shows what the lesson tells of the mistake, if it does."""
    if not errata:
        return step
    commands = [f"`touchstone lesson {erratum}`" for erratum in errata]
    return _both(
        f"{step['en']} Read on: {', '.join(commands)}.", f"{step['zh']}详见 {'、'.join(commands)}。"
    )


def right_given(names: Sequence[str]) -> Text:
    """For an answer that is right but built on wrong ones."""
    en, zh = " and ".join(f"`{n}`" for n in names), "、".join(f"`{n}`" for n in names)
    return _both(
        f"Right, given your {en}: mend that, and this stands.",
        f"在你的 {zh} 基础上是对的：改好 {zh}，这里就成立。",
    )


def out_of_reach(name: str) -> Text:
    """For a property that a right answer does not have either when built on a wrong one."""
    return _both(
        f"All else here is right, and with your `{name}` our own answer does not get there either: "
        "mend that, and run this again.",
        f"这里其余部分都对；用上你的 `{name}`，我们自己的答案也达不到：改好 `{name}` 再运行一次。",
    )


def reference_failed(why: str) -> Text:
    """For a check whose own reference does not run."""
    return _both(
        f"Our reference did not run ({why}); this is our fault, not yours. Please report it.",
        f"我们的参考答案没有跑通（{why}）；是我们的错，不怪你。请反馈给我们。",
    )
