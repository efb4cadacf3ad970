# %% [markdown] id="opening" lang="en"
# # My exercise
#
# Say why one wants to solve this, with real data and a picture.

# %% [markdown] id="opening" lang="zh"
# # 我的练习
#
# 说说为什么值得动手，用真实数据和一张图来引入。

# %% id="setup"
from autograder import check, hint, lesson, solution, status

EXERCISE, LANGUAGE = "my-exercise", "en"

# %% [markdown] id="average-question" lang="en"
# ## The arithmetic mean
#
# Write `average(values)`: the sum of `values` divided by how many they are, as a float.
# `values` is a list or an array of numbers, which stays as it was; the average of none is `0.0`.

# %% [markdown] id="average-question" lang="zh"
# ## 算术平均
#
# 编写 `average(values)`：`values` 的总和除以个数，返回浮点数。
# `values` 是数的列表或数组，不要改动它；没有数时，平均值规定为 `0.0`。


# %% id="average"
def average(values):
    # en: Mind the empty list.
    # zh: 注意空列表。
    ### BEGIN SOLUTION
    if len(values) == 0:
        return 0.0
    total = 0.0
    for value in values:
        total += value
    return total / len(values)
    ### END SOLUTION


# %% id="average-check"
check("average")
