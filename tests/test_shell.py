"""The worker's shell: a cell that holds nothing but Python is not looked through for more."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from autograder.engine.shell import LearnerShell

PLAIN = (
    "x = 1", "def f(a):", "    return a", "# a word", "'''text", "'''", "2]", "\\", "return 1",
    "é = '字'", "a \x0c b", "b\r", "y = f(x); z = 2", "",
)  # fmt: skip
MORE = (
    "  ", "\t", "    indented", "%time x", "!ls", "x?", "?x", "a % b", "a != b", ">>> x = 1",
    "... x", "In [3]: y = 2", "   ...: z", "[1,", "(3,", "; f 1", ", f 1", "/f 1", "%%bash",
    "y = %env", "y = !ls", "[nav] In [2]: x", "cd data", "run helper.py", "ls",
)  # fmt: skip
SHELL = LearnerShell.make()


@given(
    st.lists(st.sampled_from(PLAIN) | st.sampled_from(MORE), max_size=6),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_a_cell_becomes_what_ipython_makes_of_it(lines: list[str], end: str) -> None:
    assert_alike("\n".join(lines) + end)


@pytest.mark.parametrize("around", ["{}", "{}\nx = 1", "x = 1\n{}", "def f():\n    {}", "\n{}"])
@pytest.mark.parametrize("line", [*PLAIN, *MORE])
def test_so_does_each_line_by_itself(line: str, around: str) -> None:
    assert_alike(around.format(line))


def test_a_cell_of_many_blank_lines_takes_no_time_of_its_own() -> None:
    """Looked at from each of them anew, 100,000 took a minute and a half."""
    few, many = ("x = 1" + "\n" * size + "y = 2" for size in (1_000, 100_000))
    assert_alike(few)
    assert SHELL.transform_cell(many) == many + "\n"


def assert_alike(cell: str) -> None:
    made = []
    for transform in (partial(InteractiveShell.transform_cell, SHELL), SHELL.transform_cell):
        try:
            made.append(transform(cell))
        except SyntaxError as error:
            made.append(type(error).__name__)
    assert made[0] == made[1]
