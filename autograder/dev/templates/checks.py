"""What must hold, as probes: each returns an observation and asserts nothing."""

from autograder.checks import check
from autograder.probes import arguments_kept, in_forms


@check("The average of several numbers is their sum over their count.",
       zh="若干个数的平均值等于总和除以个数。", close=1e-9)  # fmt: skip
def shares_the_total(average, rng):
    return [average(rng.normal(3.0, 2.0, size).tolist()) for size in (1, 2, 7, 100)]


@check("The average of nothing is zero.", zh="空列表的平均值为零。", close=0.0)
def nothing_averages_to_zero(average):
    return average([])


@check("Lists, arrays and float32 have the same average.", zh="列表、数组、float32 的平均值都一样。",
       close=1e-6)  # fmt: skip
def any_form_will_do(average, rng):
    return in_forms(average, rng.normal(3.0, 2.0, 9), forms=("list", "array", "float32"))


@check("The values are left as they were.", zh="传入的数不会被改动。", close=1e-9)
def values_stay(average, rng):
    return arguments_kept(average, rng.normal(3.0, 2.0, 5).tolist())
