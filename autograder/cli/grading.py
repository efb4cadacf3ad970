"""Grading on the command line: once, or again at each save."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.learners import app
from autograder.cli.shared import LANGUAGE, Model, Names, Report, at_desk, say

if TYPE_CHECKING:
    from autograder.judging.results import SubmissionResult


@app.command(help=say("Grade notebooks; by default your workbook.", "评分；默认评你的练习册。"))
def grade(
    names: Names = None,
    json: Report = None,
    junit: Report = None,
    html: Report = None,
    model: Model = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help=say("Show every claim.", "显示每一条要求。"))
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help=say("Also what did not change.", "没有改动的也重新评。")),
    ] = False,
) -> None:
    from autograder.report.progress import NotebookBar

    # Before what grading needs is loaded, so that something is seen at once.
    with NotebookBar(LANGUAGE) as bar:
        from autograder import report
        from autograder.grading.grade import find_notebooks
        from autograder.learner import desk
        from autograder.learner.redoing import tasks_of
        from autograder.report import messages

        with at_desk() as (here, journal):
            wanted = here.named(names or ())
            chosen = find_notebooks(wanted)
            desk.choose_model(model, chosen)
            results, unchanged = desk.grade_all(
                chosen, journal, again=again, whole=html is not None, bar=bar
            )
    if unchanged:
        messages.say_unchanged(unchanged, here.language)
    shown = [
        desk.narrowed(result, wanted.get(path) or tasks_of(path))
        for path, result in zip(chosen, results, strict=True)
    ]
    report.print_results(shown, console=messages.out(), verbose=verbose, language=here.language)
    reports = (report.write_json, json), (report.write_junit, junit), (report.write_html, html)
    for write, file in reports:
        if file is not None:
            write(results, file)
            messages.say(say(f"Written: {file}", f"已写入：{file}"))
    raise typer.Exit(_code(results, shown))


def _code(results: Sequence[SubmissionResult], shown: Sequence[SubmissionResult]) -> int:
    """The exit code: whose fault it is by all results, what passed by those that are shown."""
    if any(result.at_fault for result in results):
        return 3
    if all(result.problem is not None and not result.exercise for result in results):
        return 2
    return 0 if all(result.passed for result in shown) else 1


@app.command(
    help=say(
        "Look at one task at a time, graded again at each save. Keys: h hint, l lesson, n next, q "
        "quit.",
        "一次看一道题，每次保存后自动重新评分。按键：h 提示，l 课文，n 下一题，q 退出。",
    )
)
def watch(
    names: Names = None,
    model: Model = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help=say("Print each result, one below the other.", "逐份打印评分结果。")
        ),
    ] = False,
) -> None:
    from autograder.grading.grade import find_notebooks
    from autograder.learner import desk, keys
    from autograder.learner.watching import all_there
    from autograder.report import messages

    with at_desk() as (here, journal):
        chosen = all_there(find_notebooks(here.named(names or ())))
        desk.choose_model(model, chosen)
        if plain or not keys.are_there():
            from autograder.learner.watchplain import watch_plain as watched

            if not plain and sys.stdout.isatty():
                messages.say(
                    say(
                        "This terminal gives no single keys, so each result is printed, as with "
                        "--plain. `touchstone hint` and `touchstone lesson` do what keys do "
                        "elsewhere.",
                        "这个终端读不到单个按键，因此逐份打印结果，和 --plain 一样。"
                        "提示和课文请用 `touchstone hint`、`touchstone lesson`。",
                    ),
                    "dim",
                )
        else:
            from autograder.learner.watchkeys import watch_with_keys as watched
        watched(chosen, here, journal)
