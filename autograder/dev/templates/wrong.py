"""Known-wrong answers, one misconception each."""

import statistics

from autograder.checks import wrong


@wrong("average", "Returns the total instead of sharing it out.", zh="只求了总和，没有除以个数。",
       caught_by="shares_the_total", step="Divide by how many values there are.",
       step_zh="再除以数的个数。")  # fmt: skip
def takes_the_sum(values):
    return float(sum(values))


@wrong("average", "Takes the median for the mean.", zh="把中位数当成平均值。",
       caught_by="shares_the_total", step="Use every value, not only the middle one.",
       step_zh="要用上每一个数，而不只是中间那个。")  # fmt: skip
def takes_the_median(values):
    return float(statistics.median(values)) if len(values) else 0.0


@wrong("average", "Divides by zero when the list is empty.", zh="列表为空时除以了零。",
       caught_by="nothing_averages_to_zero", step="Return 0.0 for an empty list.",
       step_zh="空列表直接返回 0.0。")  # fmt: skip
def forgets_the_empty_list(values):
    return sum(values) / len(values)


@wrong("average", "Asks an array whether it is true.", zh="对数组直接做了真假判断。",
       caught_by="any_form_will_do", step="Ask for the length: `len(values) == 0`.",
       step_zh="改为判断长度：`len(values) == 0`。")  # fmt: skip
def takes_lists_only(values):
    return sum(values) / len(values) if values else 0.0


@wrong("average", "Empties the list while it adds up.", zh="一边求和，一边把列表清空了。",
       caught_by="values_stay", step="Go through the values without taking them out.",
       step_zh="遍历就好，不要把元素取出来。")  # fmt: skip
def takes_them_out(values):
    count, total = len(values), 0.0
    while hasattr(values, "pop") and values:
        total += values.pop()
    return (total if count and hasattr(values, "pop") else sum(values)) / max(count, 1)
