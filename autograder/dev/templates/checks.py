"""What must hold, as probes: each returns an observation and asserts nothing."""

from autograder.checks import check


@check("The average of several numbers is their sum over their count.",
       zh="若干个数的平均值等于总和除以个数。", close=1e-9)  # fmt: skip
def shares_the_total(average, rng):
    return [average(rng.normal(3.0, 2.0, size).tolist()) for size in (1, 2, 7, 100)]


@check("The average of nothing is zero.", zh="空列表的平均值为零。", close=0.0)
def nothing_averages_to_zero(average):
    return average([])
