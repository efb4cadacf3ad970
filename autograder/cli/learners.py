"""Commands for learners: the workbook, grading, hints and solutions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.shared import (
    ASKED,
    LANGUAGE,
    Name,
    Report,
    at_desk,
    completed,
    completed_paths,
    say,
)

app = typer.Typer(
    help=say(
        "Touchstone: interview preparation on large models where every answer is executable. "
        "Alone, it shows where you stand and what is next. --lang en|zh works with each command.",
        "试金石：大模型面试准备，每个答案都能运行。不带命令时显示当前进度和下一步。"
        "每个命令都可加 --lang en|zh。",
    ),
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        import platform
        from importlib.metadata import version

        from autograder.report import messages

        python = f"Python {platform.python_version()}"
        messages.say(f"touchstone-course {version('touchstone-course')} ({python})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def standing(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help=say("Say which version this is.", "显示版本。"),
        ),
    ] = False,
) -> None:
    """Show where you stand and what is next."""
    if context.invoked_subcommand is not None:
        return
    from autograder.learner import desk
    from autograder.learner.studying import chosen, readiness
    from autograder.report import messages, print_standing
    from autograder.report.readiness import print_readiness

    with at_desk() as (here, journal):
        if here.book is None:
            messages.say(
                say(
                    "Welcome to Touchstone. See what grading looks like with `touchstone demo`, "
                    "then make a workbook with `touchstone start`.",
                    "欢迎来到试金石。先用 `touchstone demo` 看看评分是什么样，"
                    "再用 `touchstone start` 建一个练习册。",
                )
            )
            return
        found, following = desk.standings(here.book, journal)
        print_standing(found, following, console=messages.out(), language=here.language)
        ready = readiness(journal, chosen())
        print_readiness(ready, console=messages.out(), language=here.language, brief=True)


@app.command(help=say("Make a workbook, or bring yours up to date.", "新建练习册，或更新已有的。"))
def start(
    folder: Annotated[
        Path,
        typer.Argument(
            help=say("Where to; an exercise's name stands for the usual place.",
                     "放在哪里；给练习名则放在默认位置。"),
            autocompletion=completed,
        ),
    ] = Path("touchstone-workbook"),
) -> None:  # fmt: skip
    from autograder.exercise import catalog
    from autograder.learner import workbook
    from autograder.report import messages

    here = workbook.find(Path.cwd())
    exercise = str(folder) if str(folder) in {e.slug for e in catalog.exercises()} else ""
    if exercise and not folder.is_dir():
        folder = Path("touchstone-workbook")
    if here is not None and folder == Path("touchstone-workbook"):
        folder = here.folder
    existing = workbook.find(folder) if folder.is_dir() else None
    language = ASKED or (existing.language if existing else LANGUAGE)
    placed = workbook.start(folder, language)
    messages.show_placed(folder, placed, language, inside=here is not None, exercise=exercise)


@app.command(
    help=say(
        "Open the workbook in JupyterLab, or one exercise of it; further options go to it, such as "
        "--no-browser.",
        "在 JupyterLab 中打开练习册，或其中一个练习；其余选项原样转交，例如 --no-browser。",
    ),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar=say("NAME", "名称"),
            help=say("An exercise or a task of it.", "练习名或任务名。"),
            autocompletion=completed,
        ),
    ] = "",
) -> None:
    from autograder.learner.desk import Desk
    from autograder.learner.lab import open_lab

    options = [*([name] if name.startswith("-") else []), *context.args]
    chosen = name if not name.startswith("-") else ""
    raise typer.Exit(open_lab(Desk.here(ASKED, LANGUAGE), chosen, options) and 1)


@app.command(help=say("Open the next hint for a task.", "看某题的下一条提示。"))
def hint(name: Name) -> None:
    from autograder import report
    from autograder.learner import desk
    from autograder.report import messages

    with at_desk() as (here, journal):
        exercise, task = desk.task_to_do(name, journal)
        level = journal.open_hint(exercise.slug, task.name)
        again = f"`touchstone hint {exercise.slug}/{task.name}`"
        messages.show_text(report.hint_text(task, level, here.language, again=again))


@app.command(help=say("Show a solution, once it was earned.", "查看答案（通过之后）。"))
def solution(
    name: Name,
    give_up: Annotated[
        bool, typer.Option("--give-up", help=say("Show it all the same.", "没通过也要看。"))
    ] = False,
) -> None:
    from autograder.learner import desk
    from autograder.report import messages

    with at_desk() as (here, journal):
        messages.show_code(desk.solution_of(name, here, journal, give_up=give_up))


@app.command(help=say("Restore a notebook or task; keeps a dated copy.", "恢复原样；先留备份。"))
def reset(
    name: Annotated[
        str,
        typer.Argument(
            metavar=say("NAME", "名称"),
            help=say("A notebook, an exercise or a task of it.", "notebook、练习名或任务名。"),
            autocompletion=completed_paths,
        ),
    ],
    task: Annotated[
        list[str] | None, typer.Option(help=say("Only these tasks.", "只恢复这些题。"))
    ] = None,
) -> None:
    from autograder.learner import workbook
    from autograder.learner.desk import Desk
    from autograder.report import messages

    ((path, named),) = Desk.here(ASKED, LANGUAGE).named([name]).items()
    tasks = sorted({*named, *(task or ())})
    kept = workbook.reset(path, tasks=tasks or None)
    which = say(", ".join(tasks), "、".join(tasks))
    messages.say(
        say(
            f"{path.name}: {which} as at first, the rest as you left it. All of it as it was is "
            f"kept in {kept.name}.",
            f"{path.name}：已恢复 {which}，其余不变。恢复前的整份文件保存在 {kept.name}。",
        )
        if tasks
        else say(
            f"{path.name} is as it was at first. Your work is kept in {kept.name}.",
            f"{path.name} 已恢复原样，你的作答保存在 {kept.name}。",
        )
    )


@app.command(help=say("Show where each question is answered.", "每道题在哪里解答。"))
def coverage(json: Report = None) -> None:
    from autograder import report
    from autograder.exercise import catalog
    from autograder.exercise.syllabus import index, syllabus
    from autograder.report import messages

    course, language = syllabus(), LANGUAGE
    where = index(catalog.root_of(catalog.COURSE), language)
    report.print_coverage(course, console=messages.out(), language=language, index=where)
    if json is not None:
        report.write_coverage(course, json)
        messages.say(say(f"Written: {json}", f"已写入：{json}"))
    raise typer.Exit(1 if course.homeless else 0)


@app.command(help=say("Look at what this machine offers.", "检查本机环境。"))
def doctor() -> None:
    from autograder.learner.doctor import examine
    from autograder.report import messages

    raise typer.Exit(0 if messages.show_findings(examine(), LANGUAGE) else 1)


@app.command(help=say("Grade a half-finished attempt: a first look.", "评一份半成品，先睹为快。"))
def demo(html: Report = None) -> None:
    from autograder.report.progress import NotebookBar

    with NotebookBar(LANGUAGE) as bar:
        from autograder import report
        from autograder.learner import desk
        from autograder.report import messages

        bar.begin("metrics.ipynb")
        result = desk.demo(LANGUAGE, whole=html is not None, told=bar.step)
    report.print_results([result], console=messages.out(), language=LANGUAGE)
    if html is not None:
        report.write_html([result], html)
    messages.say(
        say(
            "That was a half-finished attempt of somebody's. Make your own workbook: "
            "`touchstone start`",
            "以上是一份做了一半的作答。来建你自己的练习册：`touchstone start`",
        )
    )
    raise typer.Exit(3 if result.at_fault or result.problem else 0)
