"""The ``touchstone`` command. Thin: each command hands over and prints.

Exit codes: 0 everything passed, 1 something did not, 2 wrong use, 3 our fault.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from autograder.catalog import Language
from autograder.language import UnknownLanguage, guess_language, take_language

try:
    _ARGUMENTS, _ASKED = take_language(sys.argv[1:])
    _WRONG_LANGUAGE = ""
except UnknownLanguage as error:
    _ARGUMENTS, _ASKED, _WRONG_LANGUAGE = [], None, str(error)
_LANGUAGE: Language = _ASKED or guess_language()


def _say(en: str, zh: str) -> str:
    return zh if _LANGUAGE == "zh" else en


app = typer.Typer(
    help=_say(
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
dev = typer.Typer(
    help=_say("For authors: make, build and verify exercises.", "写给作者：新建、生成、验证练习。"),
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(dev, name="dev")


def main() -> None:
    """Run the command; no traceback of ours reaches a user."""
    if _WRONG_LANGUAGE:
        _fail(_WRONG_LANGUAGE)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        app(_ARGUMENTS, prog_name="touchstone")
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        _fail(_explain(error), code=_blame(error))


def _blame(error: Exception) -> int:
    """Whose fault an exception is: 2 for what the user can put right, 3 for ours."""
    from autograder._errors import BilingualError
    from autograder.catalog import CatalogError
    from autograder.grading import NothingToGrade
    from autograder.report import ReportError

    known = (BilingualError, CatalogError, NothingToGrade, ReportError)
    return 2 if isinstance(error, known) else 3


def _explain(error: Exception) -> str:
    text = getattr(error, "text", None)
    if isinstance(text, dict):
        return str(text[_LANGUAGE])
    if _blame(error) == 2:
        return str(error)
    what = f"{type(error).__name__}: {error}"
    return _say(
        f"Our fault, not yours: {what}. Run `touchstone doctor`; with TOUCHSTONE_DEBUG=1 you see "
        "where. Please report it.",
        f"是我们的错，不怪你：{what}。请运行 `touchstone doctor`；设置 TOUCHSTONE_DEBUG=1 "
        "可看到出处。请反馈给我们。",
    )


def _fail(message: str, code: int = 2) -> None:
    from autograder.report import messages

    messages.complain(message)
    raise SystemExit(code)


@contextlib.contextmanager
def _desk() -> Iterator[tuple]:  # type: ignore[type-arg]
    from autograder.journal import Journal
    from autograder.learner import Desk

    desk = Desk.here(_ASKED, _LANGUAGE)
    with Journal(desk.journal) as journal:
        yield desk, journal


@app.callback(invoke_without_command=True)
def standing(context: typer.Context) -> None:
    """Show where you stand and what is next."""
    if context.invoked_subcommand is not None:
        return
    from autograder import learner
    from autograder.report import messages, print_standing

    with _desk() as (desk, journal):
        if desk.book is None:
            messages.say(
                _say(
                    "Welcome to Touchstone. See what grading looks like with `touchstone demo`, "
                    "then make a workbook with `touchstone start`.",
                    "欢迎来到试金石。先用 `touchstone demo` 看看评分是什么样，"
                    "再用 `touchstone start` 建一个练习册。",
                )
            )
            return
        found, following = learner.standings(desk.book, journal)
        print_standing(found, following, console=messages.out(), language=desk.language)


@app.command(help=_say("Make a workbook, or bring yours up to date.", "新建练习册，或更新已有的。"))
def start(
    folder: Annotated[Path, typer.Argument(help=_say("Where to.", "放在哪里。"))] = Path(
        "touchstone-workbook"
    ),
) -> None:
    from autograder import workbook
    from autograder.report import messages

    here = workbook.find(Path.cwd())
    if here is not None and folder == Path("touchstone-workbook"):
        folder = here.folder
    existing = workbook.find(folder) if folder.is_dir() else None
    language = _ASKED or (existing.language if existing else _LANGUAGE)
    messages.show_placed(folder, workbook.start(folder, language), language)


@app.command(help=_say("Read the lesson of an exercise.", "阅读一个练习的课文。"))
def lesson(
    slug: str,
    path: Annotated[
        bool, typer.Option("--path", help=_say("Only print where it is.", "只打印所在路径。"))
    ] = False,
) -> None:
    from autograder import catalog
    from autograder.learner import Desk
    from autograder.report import messages

    file = catalog.exercise(slug).lesson(Desk.here(_ASKED, _LANGUAGE).language)
    if not file.is_file():
        raise catalog.CatalogError(f"{file} is missing. Install Touchstone again.")
    if path:
        messages.show_code(str(file))
    else:
        messages.show_markdown(file.read_text("utf-8"))


@app.command(
    help=_say(
        "Open the workbook in JupyterLab; further options go to it, such as --no-browser.",
        "在 JupyterLab 中打开练习册；其余选项原样转交，例如 --no-browser。",
    ),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context) -> None:
    import importlib.util
    import subprocess

    from autograder.learner import Desk, NotYet

    desk = Desk.here(_ASKED, _LANGUAGE)
    desk.notebooks()
    if importlib.util.find_spec("jupyterlab") is None:
        raise NotYet(
            "JupyterLab is not installed. Run: python -m pip install jupyterlab",
            "尚未安装 JupyterLab。请运行：python -m pip install jupyterlab",
        )
    assert desk.book is not None
    done = subprocess.run([sys.executable, "-m", "jupyterlab", *context.args], cwd=desk.book.folder)
    raise typer.Exit(done.returncode and 1)


Report = Annotated[
    Path | None, typer.Option(help=_say("Also write a report here.", "另写一份报告。"))
]


Model = Annotated[
    str | None,
    typer.Option(
        help=_say(
            "Run on this model (a folder, or a name in the hub cache) instead of the tiny one.",
            "换用这个模型（文件夹，或 hub 缓存里的名字），不用自带的小模型。",
        )
    ),
]


@app.command(help=_say("Grade notebooks; by default your workbook.", "评分；默认评你的练习册。"))
def grade(
    paths: Annotated[list[Path] | None, typer.Argument()] = None,
    json: Report = None,
    junit: Report = None,
    html: Report = None,
    model: Model = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help=_say("Show every claim.", "显示每一条要求。"))
    ] = False,
) -> None:
    from autograder import learner, report
    from autograder.grading import find_notebooks, warm_pool
    from autograder.report import messages

    with _desk() as (desk, journal):
        chosen = find_notebooks(paths) if paths else desk.notebooks()
        learner.choose_model(model, chosen)
        with warm_pool(chosen) if len(chosen) > 1 else contextlib.nullcontext() as pool:
            results = [
                learner.grade_and_record(path, journal, pool=pool, pictures=html is not None)
                for path in chosen
            ]
        report.print_results(
            results, console=messages.out(), verbose=verbose, language=desk.language
        )
    for write, file in (
        (report.write_json, json),
        (report.write_junit, junit),
        (report.write_html, html),
    ):
        if file is not None:
            write(results, file)
            messages.say(_say(f"Written: {file}", f"已写入：{file}"))
    if any(result.at_fault for result in results):
        raise typer.Exit(3)
    if all(result.problem is not None and not result.exercise for result in results):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


@app.command(help=_say("Grade again at each save.", "每次保存后自动重新评分。"))
def watch(
    paths: Annotated[list[Path] | None, typer.Argument()] = None, model: Model = None
) -> None:
    from autograder import learner, report
    from autograder.grading import find_notebooks, warm_pool
    from autograder.report import messages
    from autograder.watching import saves

    with _desk() as (desk, journal):
        chosen = find_notebooks(paths or desk.notebooks())
        learner.choose_model(model, chosen)
        messages.say(_say("Watching; stop with Ctrl-C.", "正在监视；按 Ctrl-C 结束。"))
        with warm_pool(chosen) as pool:
            for path in saves(chosen):
                result = learner.grade_and_record(path, journal, remembered=True, pool=pool)
                report.print_results([result], console=messages.out(), language=desk.language)


@app.command(help=_say("Open the next hint for a task.", "看某题的下一条提示。"))
def hint(task: str) -> None:
    from autograder import learner, report
    from autograder.report import messages

    with _desk() as (desk, journal):
        exercise, found = learner.find_task(task)
        level = journal.open_hint(exercise.slug, found.name)
        messages.show_text(report.hint_text(found, level, desk.language))


@app.command(help=_say("Show a solution, once it was earned.", "查看答案（通过之后）。"))
def solution(
    name: str,
    give_up: Annotated[
        bool, typer.Option("--give-up", help=_say("Show it all the same.", "没通过也要看。"))
    ] = False,
) -> None:
    from autograder import learner
    from autograder.report import messages

    with _desk() as (desk, journal):
        messages.show_code(learner.solution_of(name, desk, journal, give_up=give_up))


@app.command(help=_say("Restore a notebook or task; keeps a dated copy.", "恢复原样；先留备份。"))
def reset(
    name: Annotated[str, typer.Argument(help=_say("Exercise or path.", "练习名或路径。"))],
    task: Annotated[
        list[str] | None, typer.Option(help=_say("Only these tasks.", "只恢复这些题。"))
    ] = None,
) -> None:
    from autograder import learner, workbook
    from autograder.report import messages

    path = learner.notebook_named(name, learner.Desk.here(_ASKED, _LANGUAGE))
    kept = workbook.reset(path, tasks=task)
    messages.say(
        _say(
            f"{path.name} is as it was at first. Your work is kept in {kept.name}.",
            f"{path.name} 已恢复原样，你的作答保存在 {kept.name}。",
        )
    )


@app.command(help=_say("Look at what this machine offers.", "检查本机环境。"))
def doctor() -> None:
    from autograder.doctor import examine
    from autograder.report import messages

    raise typer.Exit(0 if messages.show_findings(examine(), _LANGUAGE) else 1)


@app.command(help=_say("Grade a half-finished attempt: a first look.", "评一份半成品，先睹为快。"))
def demo(html: Report = None) -> None:
    from autograder import learner, report
    from autograder.report import messages

    result = learner.demo(_LANGUAGE, pictures=html is not None)
    report.print_results([result], console=messages.out(), language=_LANGUAGE)
    if html is not None:
        report.write_html([result], html)
    messages.say(
        _say(
            "That was a half-finished attempt of somebody's. Make your own workbook: "
            "`touchstone start`",
            "以上是一份做了一半的作答。来建你自己的练习册：`touchstone start`",
        )
    )
    raise typer.Exit(3 if result.at_fault or result.problem else 0)


@dev.command("new", help=_say("Scaffold an exercise.", "新建练习的骨架。"))
def dev_new(slug: str) -> None:
    from autograder import catalog
    from autograder.dev.new import new
    from autograder.report import messages

    for path in new(slug, catalog.content_root()):
        messages.say(str(path))


@dev.command("build", help=_say("Generate the notebooks.", "生成 notebook。"))
def dev_build(
    slugs: Annotated[list[str] | None, typer.Argument()] = None,
    check: Annotated[
        bool, typer.Option("--check", help=_say("Only say what is stale.", "只检查是否过期。"))
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help=_say("Execute everything again.", "全部重新执行。"))
    ] = False,
) -> None:
    from autograder.dev.build import build
    from autograder.report import messages

    changes = [c for e in _chosen(slugs) for c in build(e, check=check, force=force)]
    for change in changes:
        messages.say(str(change), "yellow" if check else "")
    raise typer.Exit(1 if check and changes else 0)


@dev.command("verify", help=_say("Prove exercises.", "验证练习。"))
def dev_verify(slugs: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    from autograder.dev.verify import verify
    from autograder.report import messages

    well = True
    for exercise in _chosen(slugs):
        started = time.perf_counter()
        found = verify(exercise)
        well &= messages.show_promises(exercise.slug, found, time.perf_counter() - started)
    raise typer.Exit(0 if well else 1)


def _chosen(slugs: list[str] | None) -> list:  # type: ignore[type-arg]
    from autograder import catalog

    return [catalog.exercise(slug) for slug in slugs] if slugs else list(catalog.exercises())


if __name__ == "__main__":
    main()
