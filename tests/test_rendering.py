"""Texts as CommonMark shows them: no mark of emphasis is left, no line breaks inside Chinese."""

from __future__ import annotations

import pytest
from dev_exercise import make
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from autograder.dev.percent import joined, read_cells
from autograder.dev.rules.rendering import rendered
from autograder.exercise import catalog

SLUGS = [exercise.slug for exercise in catalog.exercises()]


def found(path_text: str, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What is found in a lesson that holds only this text, and the last word of where."""
    exercise = make(tmp_path_factory.mktemp("root"))
    exercise.lesson("zh").write_text(path_text, "utf-8")
    return [(f.rule, f.where.rpartition(" ")[2]) for f in rendered(exercise, ())]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_text_of_the_course_is_shown_as_it_was_meant(slug: str) -> None:
    exercise = catalog.exercise(slug)
    assert [str(finding) for finding in rendered(exercise, read_cells(exercise))] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("有 *K** 个类别，得到 **K* 个。", [("emphasis", "1")]),
        ("这叫做**召回率（recall）**的数。", [("emphasis", "1")]),
        ("有_强调_字。", [("emphasis", "1")]),
        ("| 甲 |\n|---|\n| **乙。**丙 |", [("emphasis", "3")]),
        ("一行没完\n就断了。", [("break", "1")]),
        ("- 一项，\n  断在**标点**后。", [("break", "1")]),
        ("> 一句，\n> 又一句。", [("break", "1")]),
        ("先看\n`code`，再看\nNumPy 的。", []),
        ("$a_*$ 和 $$\nx_i * y_*\n$$ 是公式，`a_` 和 `*args` 是代码。", []),
        (r"θ\* 是最优值，2 * 3 是六，x_i 是下标，用 add_ 或 clip_grad_norm_ 裁剪。", []),
        ("## 标题\n正文。\n\n**粗体**和*斜体*都关上了。", []),
        ("```text\n一行\n两行 *\n```", []),
    ],
)  # fmt: skip
def test_what_is_found(
    text: str, wanted: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert found(text, tmp_path_factory) == wanted


LINES = st.lists(
    st.sampled_from(
        [
            "第一行，",
            "第二行",
            "  续行。",
            "- 一项",
            "",
            "# 标题",
            "| 表 |",
            "```",
            "text",
            "**粗**",
        ]
    ),
    max_size=12,
)


@given(LINES)
def test_joining_lines_changes_nothing_but_gaps(lines: list[str]) -> None:
    def shown(text: str) -> str:
        return "".join(MarkdownIt("commonmark").enable("table").render(text).split())

    text = "\n".join(lines)
    assert shown(joined(text)) == shown(text)
    assert joined(joined(text)) == joined(text)
