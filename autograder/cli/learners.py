"""Commands for learners: the workbook, grading, hints and solutions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.shared import ASKED, LANGUAGE, Model, Report, at_desk, say

app = typer.Typer(
    help=say(
        "Touchstone: interview preparation on large models where every answer is executable. "
        "Alone, it shows where you stand and what is next. --lang en|zh works with each command.",
        "试金石：大模型面试准备，每个答案都能运行。不带命令时显示当前进度和下一步。"
        "每个命令都可加 --lang en|zh。",
    ),
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def standing(context: typer.Context) -> None:
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
    folder: Annotated[Path, typer.Argument(help=say("Where to.", "放在哪里。"))] = Path(
        "touchstone-workbook"
    ),
) -> None:
    from autograder.learner import workbook
    from autograder.report import messages

    here = workbook.find(Path.cwd())
    if here is not None and folder == Path("touchstone-workbook"):
        folder = here.folder
    existing = workbook.find(folder) if folder.is_dir() else None
    language = ASKED or (existing.language if existing else LANGUAGE)
    messages.show_placed(folder, workbook.start(folder, language), language)


@app.command(help=say("Read the lesson of an exercise.", "阅读一个练习的课文。"))
def lesson(
    slug: str,
    path: Annotated[
        bool, typer.Option("--path", help=say("Only print where it is.", "只打印所在路径。"))
    ] = False,
) -> None:
    from autograder.exercise import catalog
    from autograder.learner.desk import Desk
    from autograder.report import messages

    file = catalog.exercise(slug).lesson(Desk.here(ASKED, LANGUAGE).language)
    if not file.is_file():
        raise catalog.CatalogError(f"{file} is missing. Install Touchstone again.")
    if path:
        messages.show_code(str(file))
    else:
        messages.show_lesson(file)


@app.command(
    help=say(
        "Open the workbook in JupyterLab; further options go to it, such as --no-browser.",
        "在 JupyterLab 中打开练习册；其余选项原样转交，例如 --no-browser。",
    ),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context) -> None:
    import importlib.util
    import subprocess

    from autograder.learner.desk import Desk, NotYet

    here = Desk.here(ASKED, LANGUAGE)
    here.notebooks()
    if importlib.util.find_spec("jupyterlab") is None:
        raise NotYet(
            "JupyterLab is not installed. Run: python -m pip install jupyterlab",
            "尚未安装 JupyterLab。请运行：python -m pip install jupyterlab",
        )
    assert here.book is not None
    done = subprocess.run([sys.executable, "-m", "jupyterlab", *context.args], cwd=here.book.folder)
    raise typer.Exit(done.returncode and 1)


@app.command(help=say("Grade notebooks; by default your workbook.", "评分；默认评你的练习册。"))
def grade(
    paths: Annotated[list[Path] | None, typer.Argument()] = None,
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
        from autograder.grading.grade import exercises_of, find_notebooks, pool_of
        from autograder.learner import desk
        from autograder.report import messages

        with at_desk() as (here, journal):
            chosen = find_notebooks(paths) if paths else here.notebooks()
            desk.choose_model(model, chosen)
            remember = not again and html is None
            before = {p: desk.graded_before(p, journal) for p in chosen} if remember else {}
            unchanged = [path for path in chosen if before.get(path) is not None]
            left = [path for path in chosen if path not in unchanged]
            # One process serves all that is to be run; for a single one it would start no sooner.
            warm = exercises_of(left, begun=html is None) if len(left) > 1 else []
            results = []
            with pool_of(warm) as pool:
                for path in chosen:
                    bar.begin(path.name)
                    results.append(
                        before.get(path)
                        or desk.grade_and_record(
                            path, journal, pool=pool, whole=html is not None, told=bar.step
                        )
                    )
    if unchanged:
        messages.say_unchanged(unchanged, here.language)
    report.print_results(results, console=messages.out(), verbose=verbose, language=here.language)
    for write, file in (
        (report.write_json, json),
        (report.write_junit, junit),
        (report.write_html, html),
    ):
        if file is not None:
            write(results, file)
            messages.say(say(f"Written: {file}", f"已写入：{file}"))
    if any(result.at_fault for result in results):
        raise typer.Exit(3)
    if all(result.problem is not None and not result.exercise for result in results):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


@app.command(help=say("Grade again at each save.", "每次保存后自动重新评分。"))
def watch(
    paths: Annotated[list[Path] | None, typer.Argument()] = None, model: Model = None
) -> None:
    from autograder import report
    from autograder.grading.grade import exercises_of, find_notebooks, warm_pool
    from autograder.grading.oracle import load_ahead, make_ahead
    from autograder.learner import desk
    from autograder.learner.watching import saves
    from autograder.report import messages

    with at_desk() as (here, journal):
        chosen = find_notebooks(paths or here.notebooks())
        desk.choose_model(model, chosen)
        messages.say(say("Watching; stop with Ctrl-C.", "正在监视；按 Ctrl-C 结束。"))
        exercises = exercises_of(chosen)
        make_ahead(exercises)
        load_ahead(exercises)
        with warm_pool(chosen) as pool:
            for path in saves(chosen):
                result = desk.graded_before(path, journal)
                result = result or desk.grade_and_record(path, journal, pool=pool)
                report.print_results([result], console=messages.out(), language=here.language)


@app.command(help=say("Open the next hint for a task.", "看某题的下一条提示。"))
def hint(task: str) -> None:
    from autograder import report
    from autograder.learner import desk
    from autograder.report import messages

    with at_desk() as (here, journal):
        exercise, found = desk.find_task(task)
        level = journal.open_hint(exercise.slug, found.name)
        messages.show_text(report.hint_text(found, level, here.language))


@app.command(help=say("Show a solution, once it was earned.", "查看答案（通过之后）。"))
def solution(
    name: str,
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
    name: Annotated[str, typer.Argument(help=say("Exercise or path.", "练习名或路径。"))],
    task: Annotated[
        list[str] | None, typer.Option(help=say("Only these tasks.", "只恢复这些题。"))
    ] = None,
) -> None:
    from autograder.learner import desk, workbook
    from autograder.report import messages

    path = desk.notebook_named(name, desk.Desk.here(ASKED, LANGUAGE))
    kept = workbook.reset(path, tasks=task)
    messages.say(
        say(
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
    from autograder import report
    from autograder.learner import desk
    from autograder.report import messages

    result = desk.demo(LANGUAGE, whole=html is not None)
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
