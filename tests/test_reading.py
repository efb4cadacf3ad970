"""A lesson on a terminal: formulas that can be read, nothing cut off, one part of it by name."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autograder.exercise.catalog import exercise, exercises
from autograder.exercise.syllabus.lessons import ENTRY
from autograder.exercise.syllabus.sources import numbers
from autograder.language import LANGUAGES, Language
from autograder.report.maths import line
from autograder.report.reading import excerpt, lesson_view


def shown(source: str, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(lesson_view(source, Path("/lessons")))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"\frac{a+b}{2}", "(a + b)/2"),
        (r"\frac{1}{2\sigma^2}", "1/(2σ²)"),
        (r"-\frac1N \sum_{i=1}^{N} \log p_i", "−1/N ∑ᵢ₌₁ᴺ log pᵢ"),
        (r"x_{t-1} + e^{-x/T}", "xₜ₋₁ + e^(−x/T)"),
        (r"\sqrt{d} \cdot \hat y", "√d · ŷ"),
        (r"\mathrm{softmax}(q^\top k)", "softmax(q^⊤k)"),
        (r"\binom{n}{k}", "(n choose k)"),
        (r"2 \log 2", "2 log 2"),
        (r"a \le -1", "a ≤ −1"),
    ],
)
def test_a_formula_becomes_a_line(latex: str, said: str) -> None:
    assert line(latex) == said


_ATOMS = st.sampled_from([r"\sigma", "x", "2", r"\frac{a}{b}", r"\sqrt{x}", "x_i", r"\sum_i x_i"])
_JOINTS = st.sampled_from([" + ", r" \cdot ", "^", "_", r" \le ", " - "])


@given(st.lists(st.tuples(_ATOMS, _JOINTS), min_size=1, max_size=5), _ATOMS)
def test_no_tex_is_left_and_brackets_close(parts: list[tuple[str, str]], last: str) -> None:
    latex = "".join(f"{{{atom}}}{joint}" for atom, joint in parts) + f"{{{last}}}"
    try:
        said = line(latex)
    except Exception as error:  # such as x^2^3, which is no formula
        assert "Script" in type(error).__name__ or "Double" in type(error).__name__  # noqa: PT017
        return
    assert not set("\\{}") & set(said)
    assert said.count("(") == said.count(")")
    assert "\n" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_tex_is_left_in_a_lesson(language: Language) -> None:
    source = exercise("privacy").lesson(language).read_text("utf-8")
    text = shown(source)
    assert not re.search(r"\\[a-z]{3,}|\$", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    assert "☐" in text
    assert "[ ]" not in text


@given(
    st.lists(
        st.text("召回率是正例里有多少被找出来了，。？", min_size=1, max_size=40),
        min_size=3,
        max_size=3,
    ),
    st.integers(40, 80),
)
def test_no_cell_of_a_table_is_cut(cells: list[str], width: int) -> None:
    text = shown(f"| 一 | 二 | 三 |\n|---|---|---|\n| {' | '.join(cells)} |\n", width)
    assert "…" not in text
    for letter in set("".join(cells)):
        assert text.count(letter) >= "".join(cells).count(letter)


def test_every_erratum_and_every_question_is_found_by_its_number() -> None:
    for one in exercises():
        for language in LANGUAGES:
            source = one.lesson(language).read_text("utf-8")
            for match in ENTRY.finditer(source):
                for name in numbers(match[1]):
                    assert excerpt(source, name).count("\n") >= 6
            for name in re.findall(r"<!-- answers: (\S+) -->", source):
                assert excerpt(source, name).startswith("### ")
                assert "\n## " not in excerpt(source, name)


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder", "lesson", *arguments], cwd=cwd, text=True,
        encoding="utf-8", capture_output=True, env=os.environ | environment,
    )  # fmt: skip


def test_an_erratum_is_shown_by_its_number(tmp_path: Path) -> None:
    told = run("E116", cwd=tmp_path, TOUCHSTONE_LANG="zh").stdout
    assert told.startswith("- **E116")
    assert "E115" not in told


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal to write to")
def test_a_pager_is_told_to_show_colours(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {
        "PAGER": "echo LESS=$LESS > pager; cat >> pager", "TERM": "xterm", "LESS": "-M",
    }  # fmt: skip
    try:
        subprocess.run(
            [sys.executable, "-m", "autograder", "lesson", "metrics"], cwd=tmp_path,
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, check=True,
        )  # fmt: skip
    finally:
        os.close(theirs)
        os.close(ours)
    first, _, rest = (tmp_path / "pager").read_text("utf-8").partition("\n")
    assert first == "LESS=-M -R"
    assert "\x1b[" in rest
