"""Short messages of the commands: what was done, what is wrong, what this machine offers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from rich.console import Console
from rich.text import Text

from autograder import _called
from autograder import language as languages
from autograder.language import Language
from autograder.report import clean
from autograder.report._lines import Prose

# What is shown here is made on the floors above, so this one only says what it needs of it.


class Finding(Protocol):
    """One thing that the doctor looked at."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> Literal["good", "note", "bad"]: ...
    @property
    def text(self) -> languages.Text: ...


class Placed(Protocol):
    """What `start` did for one notebook."""

    @property
    def path(self) -> Path: ...
    @property
    def action(self) -> str: ...
    @property
    def problem(self) -> languages.Text | None: ...
    @property
    def left_over(self) -> Path | None: ...
    @property
    def former(self) -> Path | None: ...


def out() -> Console:
    """Where results go."""
    return Console(highlight=False, soft_wrap=False)


def complain(message: str) -> None:
    """Say on standard error what went wrong, in one paragraph."""
    Console(stderr=True, highlight=False).print(Prose(clean.plain(message), "red"))


def say(message: str, style: str = "", *, aside: bool = False) -> None:
    """Say one thing; `aside`, on standard error, where standard output is for something else."""
    console = Console(stderr=True, highlight=False) if aside else out()
    console.print(Prose(clean.plain(message), style))


def show_address(address: str) -> None:
    """Show an address on one line, however narrow the terminal is, so that it can be opened."""
    out().print(Text(address), soft_wrap=True)


def show_text(text: str) -> None:
    """Show text of several lines that is our own."""
    out().print(*map(Prose, text.split("\n")), sep="\n")


def show_code(source: str) -> None:
    """Show Python code; plain where nobody looks, so that it can be piped into a file."""
    if sys.stdout.isatty():
        from rich.syntax import Syntax

        out().print(Syntax(source, "python", background_color="default"))
    else:
        print(source)


_ACTIONS = {
    "created": {"en": "new", "zh": "新建"},
    "kept": {"en": "kept as it is", "zh": "保持不变"},
    "updated": {"en": "brought up to date, your answers carried over", "zh": "已更新，作答已带入"},
}
_BESIDE = {"en": "kept beside it", "zh": "另存于旁"}


def show_placed(
    folder: Path, placed: Iterable[Placed], language: Language, *, inside: bool = False,
    exercise: str = "",
) -> None:  # fmt: skip
    """Say what `start` did for each notebook, and how to go on.

    Parameters
    ----------
    inside
        Whether we are in the folder already.
    exercise
        The one that was asked for, if any.
    """
    console = out()
    for item in placed:
        line = Text.assemble(("  " + item.path.name, "bold"), "  ", _ACTIONS[item.action][language])
        console.print(line)
        if item.problem is not None:
            problem = _called.spelled(clean.line(item.problem[language]))
            console.print(Text("    " + problem, "yellow"))
        for beside in filter(None, (item.left_over, item.former)):
            console.print(Text(f"    {_BESIDE[language]}: {beside.name}", "yellow"))
    where = clean.line(str(folder))
    lab = f"`touchstone lab{exercise and ' ' + exercise}`"
    cd = "" if inside else f"`cd {_called.quoted(folder)}`"
    if language == "zh":
        step = f"先 {cd}，再运行 {lab}" if cd else f"运行 {lab}"
        said = f"练习册在 {where}。下一步：{step}。"
    else:
        said = f"Your workbook is {where}. Next: {cd and cd + ', then '}{lab}."
    console.print(Prose(_called.spelled(said, folder)))


def say_unchanged(paths: Sequence[Path], language: Language) -> None:
    """Say which notebooks are as they were when they were graded last."""
    names = clean.line(", ".join(path.name for path in paths))
    en = f"Unchanged since the last grading: {names} (`--again` grades it all the same)."
    zh = f"上次评分后没有改动：{names}（加上 `--again` 可以重新评）。"
    say(zh if language == "zh" else en, "dim")


_MARKS = {"good": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}


def show_findings(findings: Iterable[Finding], language: Language) -> bool:
    """Print what the doctor found, line by line as it is found; return whether all is well."""
    console, well = out(), True
    for finding in findings:
        mark, style = _MARKS[finding.state]
        well = well and finding.state != "bad"
        console.print(
            Text.assemble(
                (f"{mark} ", style),
                (f"{finding.name:14}", "bold"),
                _called.spelled(finding.text[language]),
            )
        )
    return well


def show_promises(slug: str, promises: Iterable[object], seconds: float) -> bool:
    """Print what verification found for one exercise; return whether it keeps every promise."""
    console, found = out(), list(promises)
    for promise in found:
        console.print(Text(f"✗ {promise}", "red"))
    if not found:
        console.print(Text(f"✓ {slug} keeps every promise ({seconds:.1f} s)", "green"))
    return not found
