"""Commands on a class that is graded: report on it, export its points, give some by hand."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.shared import LANGUAGE, say
from autograder.cli.teachers import app

if TYPE_CHECKING:
    from autograder.judging.results import Adjustment

Graded = Annotated[
    Path, typer.Argument(help=say("A folder that `class grade` filled.", "已评分的文件夹。"))
]


@app.command(
    help=say(
        "Write pages: one for the class, one for each student without hidden inputs or answers.",
        "生成网页：全班一页，每人一页（不含隐藏输入和答案）。",
    )
)
def report(
    folder: Graded,
    to: Annotated[
        Path | None, typer.Option("--to", help=say("Where to; by default here.", "写到哪里。"))
    ] = None,
) -> None:
    from autograder import classroom
    from autograder.report import messages, print_class_summary, write_class_report

    result = classroom.load(folder)
    pages = write_class_report(result, to or folder / "report", LANGUAGE)
    print_class_summary(result, console=messages.out(), language=LANGUAGE)
    messages.say(say(f"Written: {pages[0]}", f"已写入：{pages[0]}"))


class Form(StrEnum):
    """What the points can be exported to."""

    csv = "csv"
    canvas = "canvas"
    gradescope = "gradescope"
    nbgrader = "nbgrader"
    junit = "junit"
    json = "json"
    moodle_feedback = "moodle-feedback"
    canvas_feedback = "canvas-feedback"


_TARGETS = {
    Form.csv: "class.csv", Form.canvas: "canvas.csv", Form.gradescope: "gradescope",
    Form.nbgrader: "gradebook.db", Form.junit: "class.xml", Form.json: "class.json",
    Form.moodle_feedback: "moodle-feedback.zip", Form.canvas_feedback: "canvas-feedback.zip",
}  # fmt: skip


@app.command(help=say("Export the points to another system.", "把成绩导出到其他系统。"))
def export(
    folder: Graded,
    to: Annotated[Form, typer.Option("--to", help=say("Which one.", "导出格式。"))],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help=say(
                "File or folder to write; for nbgrader also a database's address.",
                "写到哪个文件或文件夹；nbgrader 也可给数据库地址。",
            ),
        ),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(help=say("Canvas: your exported gradebook.", "Canvas：你导出的成绩册。")),
    ] = None,
) -> None:
    from autograder import _files, classroom
    from autograder.report import messages, write_export

    place = target if target is not None else str(folder / _TARGETS[to])
    done = write_export(classroom.load(folder), to.value, place, roster=roster, language=LANGUAGE)
    aside = _files.is_standard_output(place)
    for warning in done.warnings:
        messages.say(warning[LANGUAGE], "yellow", aside=aside)
    messages.say(say(f"Written: {done.target}", f"已写入：{done.target}"), aside=aside)


@app.command(
    help=say(
        "Give points by hand, with a reason; the grader's stay beside them. Without a student: "
        "what was given so far.",
        "手工给分并写明理由，自动判的分数一并保留。不写学生则列出已给的分。",
    )
)
def adjust(
    folder: Graded,
    student: Annotated[
        str | None, typer.Argument(help=say("Name or number.", "姓名或学号。"))
    ] = None,
    exercise: Annotated[str, typer.Argument(help=say("Exercise.", "练习名。"))] = "",
    task: Annotated[str, typer.Argument(help=say("Task.", "任务名。"))] = "",
    points: Annotated[
        float | None, typer.Option(help=say("Points for the task.", "该任务的分数。"))
    ] = None,
    reason: Annotated[
        str, typer.Option(help=say("Why; the student reads it.", "理由，学生能看到。"))
    ] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help=say("The grader's points count again.", "恢复自动判分。"))
    ] = False,
) -> None:
    from autograder import classroom
    from autograder.report import messages

    if student is None:
        for step in classroom.history(folder):
            messages.say(_told(step))
        return
    if (points is None) == (not undo):
        raise typer.BadParameter(
            say("Say either --points or --undo.", "请在 --points 和 --undo 中选一个。")
        )
    messages.say(_told(classroom.adjust(folder, student, exercise, task, points, reason)))


def _told(step: Adjustment) -> str:
    given = say("taken back", "已撤销") if step.points is None else f"{step.points:g}"
    reason = f" ({step.reason})" if step.reason else ""
    return f"{step.made}  {step.student}  {step.exercise}/{step.task}: {given}{reason}"
