"""Commands for teachers: grade a class, here or where another system does."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.shared import LANGUAGE, say

if TYPE_CHECKING:
    from autograder.classroom import Intake
    from autograder.judging.results import ClassResult

app = typer.Typer(
    help=say("For teachers: grade a class.", "写给老师：给全班评分。"),
    rich_markup_mode=None,
    no_args_is_help=True,
)
Out = Annotated[
    Path, typer.Option("--out", help=say("Folder for the results.", "存放成绩的文件夹。"))
]
Secret = Annotated[
    Path | None,
    typer.Option(
        help=say(
            "A file whose text changes every seed: hidden tests that nobody had to write.",
            "一个文本文件，其内容改变所有随机种子，等于无需另写的隐藏测试。",
        )
    ),
]


class Layout(StrEnum):
    """How what a class handed in is laid out."""

    folders = "folders"
    sections = "sections"
    files = "files"
    canvas = "canvas"
    moodle = "moodle"
    gradescope = "gradescope"
    blackboard = "blackboard"
    brightspace = "brightspace"


class Attempts(StrEnum):
    """Which of several attempts counts."""

    best = "best"
    latest = "latest"


Workers = Annotated[int, typer.Option(min=1, help=say("Notebooks at a time.", "同时评几份。"))]
Resume = Annotated[
    bool, typer.Option("--resume", help=say("Go on where it stopped.", "从中断处继续。"))
]
LaidOut = Annotated[
    Layout | None,
    typer.Option(
        help=say(
            "Whose a notebook is: the folder's at the top (folders), the one below (sections), "
            "the file's name (files), or as a platform names it. Found out unless in doubt.",
            "作业归谁：顶层文件夹（folders）、下一层文件夹（sections）、文件名（files），"
            "或按平台命名。通常自动识别，有疑问时才需指明。",
        )
    ),
]
Roster = Annotated[
    Path | None,
    typer.Option(
        help=say(
            "A CSV with columns id, name, email, login (one will do): names students, says "
            "whose a file is, and who handed in nothing.",
            "名单 CSV，列名：学号、姓名、邮箱、用户名（有其一即可）：用于对应姓名、"
            "判断文件归属、列出未交的人。",
        )
    ),
]
Counting = Annotated[
    Attempts,
    typer.Option(
        help=say(
            "Which of a student's attempts counts, where Blackboard or Brightspace names them.",
            "Blackboard、Brightspace 保留多次提交时，以哪一次为准。",
        )
    ),
]
Due = Annotated[
    str | None,
    typer.Option(
        help=say(
            "Deadline, such as '2026-01-31 23:59', by the platform's clock: what came later is "
            "marked, where the platform's names say when it came.",
            "截止时间，如“2026-01-31 23:59”（按平台时间）：平台的文件名带有时间时，迟交会标出。",
        )
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(help=say("Address of a Dask scheduler to grade on.", "Dask 调度器地址。")),
]
NoSandbox = Annotated[
    bool,
    typer.Option(
        "--no-sandbox",
        help=say("Do without walls: trusted work only.", "不用沙箱，仅限可信作业。"),
    ),
]


@app.command(
    help=say(
        "Grade what a class handed in: a folder, a ZIP, or a pattern in quotes. Exit code 1 says "
        "that some of it could not be graded.",
        "给全班作业评分：文件夹、ZIP，或加引号的通配符。退出码 1 表示有作业无法评分。",
    )
)
def grade(
    source: str,
    out: Out,
    workers: Workers = os.cpu_count() or 1,
    secret: Secret = None,
    resume: Resume = False,
    layout: LaidOut = None,
    roster: Roster = None,
    attempts: Counting = Attempts.best,
    due: Due = None,
    dask: Dask = None,
    no_sandbox: NoSandbox = False,
) -> None:
    from autograder import classroom
    from autograder.report import messages, print_class_summary
    from autograder.report.progress import class_progress

    classroom.make_ready()
    people = classroom.read_roster(roster) if roster else None
    deadline = classroom.due_time(due).isoformat() if due else ""
    intake = classroom.take_in(
        source, apart=out, layout=layout or "", roster=people,
        only_latest=attempts == Attempts.latest,
    )  # fmt: skip
    hidden = classroom.read_secret(secret) if secret else ""
    with classroom.Ledger(out, writing=True) as ledger:
        if len(ledger) and not resume:
            raise classroom.not_resumed(out, len(ledger))
        _tell_first(intake)
        ledger.note(intake.layout, intake.aside, intake.roster, deadline)
        own = classroom.belongings(
            source, out, intake.submissions, secret=secret, text=hidden, roster=roster
        )
        with (
            classroom.graders(workers, dask, sandbox=not no_sandbox, own=own) as graders,
            class_progress(len(intake.submissions), LANGUAGE) as told,
        ):
            classroom.grade_class(intake.submissions, ledger, graders, secret=hidden, told=told)
        result = ledger.class_result(cells=False)
    print_class_summary(result, console=messages.out(), language=LANGUAGE)
    messages.say(
        say(
            f"Next: `touchstone class report {out}`, or `touchstone class export {out} --to csv`",
            f"下一步：`touchstone class report {out}`，或 `touchstone class export {out} --to csv`",
        )
    )
    raise typer.Exit(_code(result))


def _tell_first(intake: Intake) -> None:
    """Say what was found, before anything is graded."""
    from autograder.report import messages

    messages.say(
        say(
            f"Found: {intake.students} student(s), {intake.notebooks} notebook(s); "
            f"{intake.layout['en']}",
            f"共 {intake.students} 名学生、{intake.notebooks} 份 notebook；{intake.layout['zh']}",
        )
    )
    for told in intake.told:
        messages.say(told[LANGUAGE], "yellow")


def _code(result: ClassResult) -> int:
    problems = [item.result for item in result.graded if item.result.problem is not None]
    if any(item.result.at_fault for item in result.graded) or any(p.exercise for p in problems):
        return 3
    return 1 if problems else 0


bundle = typer.Typer(
    help=say("Make what another system grades with.", "生成供其他系统评分用的包。"),
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(bundle, name="bundle")


@bundle.command(
    help=say(
        "The ZIP that Gradescope takes as an autograder. It holds the answers: keep it private.",
        "Gradescope 的自动评分包（ZIP）。其中含有答案，请勿外传。",
    )
)
def gradescope(
    slugs: Annotated[list[str], typer.Argument(help=say("Exercises.", "练习名。"))],
    out: Annotated[
        Path, typer.Option("--out", help=say("File or folder to write.", "写到哪里。"))
    ] = Path(),
    secret: Secret = None,
) -> None:
    from autograder import classroom
    from autograder.classroom.bundle import write_gradescope_bundle
    from autograder.report import messages

    hidden = classroom.read_secret(secret) if secret else ""
    written = write_gradescope_bundle(slugs, out, secret=hidden)
    messages.say(
        say(
            f"Written: {written}. Upload it as the autograder; raise its memory to 2 GB or more "
            "for exercises with torch.",
            f"已写入：{written}。请作为 autograder 上传；用到 torch 的练习，内存请调到 2 GB 以上。",
        )
    )
