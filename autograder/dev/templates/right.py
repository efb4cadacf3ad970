"""Other valid styles, which must pass every check."""

import numpy as np

from autograder.checks import right


@right("average", "With NumPy.", zh="用 NumPy。")
def with_numpy(values):
    return np.mean(values) if len(values) else 0.0


@right("average", "With built-in functions.", zh="用内置函数。")
def with_builtins(values):
    return sum(values) / max(len(values), 1)
