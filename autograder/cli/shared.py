"""What the commands share: the language, and how an error is told."""

from __future__ import annotations

import contextlib
import errno
import glob
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.language import Language, UnknownLanguage, guess_language, take_language

if TYPE_CHECKING:
    from autograder.study.interviewer import Interviewer

try:
    ARGUMENTS, ASKED = take_language(sys.argv[1:])
    WRONG_LANGUAGE = ""
except UnknownLanguage as error:
    ARGUMENTS, ASKED, WRONG_LANGUAGE = [], None, str(error)
LANGUAGE: Language = ASKED or guess_language()


def say(en: str, zh: str) -> str:
    """The sentence of the language in use."""
    return zh if LANGUAGE == "zh" else en


def blame(error: Exception) -> int:
    """Whose fault an exception is: 2 for what the user can put right, 3 for ours."""
    from autograder._errors import BilingualError
    from autograder.exercise.catalog import CatalogError
    from autograder.grading.grade import NothingToGrade
    from autograder.report import ReportError

    known = (BilingualError, CatalogError, NothingToGrade, ReportError)
    return 2 if isinstance(error, known) or _is_machines(error) else 3


def _is_machines(error: Exception) -> bool:
    """Whether the machine lacks what every program needs."""
    return isinstance(error, OSError) and error.errno in (
        errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENFILE, errno.EMFILE,
        errno.ENOMEM,
    )  # fmt: skip


def explain(error: Exception) -> str:
    """What to tell the user of an exception, in their language."""
    text = getattr(error, "text", None)
    if isinstance(text, dict):
        return str(text[LANGUAGE])
    if _is_machines(error):
        return say(
            f"The system refuses: {error}. Make room for it, then run the same command again.",
            f"系统拒绝了操作：{error}。请腾出空间或资源，再运行同样的命令。",
        )
    if blame(error) == 2:
        return str(error)
    what = f"{type(error).__name__}: {error}"
    return say(
        f"Our fault, not yours: {what}. Run `touchstone doctor`; with TOUCHSTONE_DEBUG=1 you see "
        "where. Please report it.",
        f"是我们的错，不怪你：{what}。请运行 `touchstone doctor`；设置 TOUCHSTONE_DEBUG=1 "
        "可看到出处。请反馈给我们。",
    )


def fail(message: str, code: int = 2) -> None:
    """Say what is wrong and end."""
    from autograder.report import messages

    messages.complain(message)
    raise SystemExit(code)


@contextlib.contextmanager
def at_desk() -> Iterator[tuple]:  # type: ignore[type-arg]
    """The learner's desk, and its journal while the body runs."""
    from autograder.grading.journal import Journal, JournalUnwritable
    from autograder.learner.desk import Desk
    from autograder.report import messages

    here = Desk.here(ASKED, LANGUAGE)
    try:
        journal = Journal(here.journal)
    except JournalUnwritable:
        messages.complain(
            say(
                f"{here.journal} cannot be written, so nothing of this is remembered.",
                f"{here.journal} 无法写入，这次的结果不会记下来。",
            )
        )
        journal = Journal.forgetful(here.journal)
    with journal:
        yield here, journal


Report = Annotated[
    Path | None, typer.Option(help=say("Also write a report here.", "另写一份报告。"))
]


Model = Annotated[
    str | None,
    typer.Option(
        help=say(
            "Run on this model (a folder, or a name in the hub cache) instead of the tiny one.",
            "换用这个模型（文件夹，或 hub 缓存里的名字），不用自带的小模型。",
        )
    ),
]


Interviewing = Annotated[
    str | None,
    typer.Option(
        "--interviewer",
        help=say(
            "Address of an OpenAI-compatible server that reads what you type; you are asked "
            "before anything is sent. A key is read from OPENAI_API_KEY.",
            "OpenAI 兼容服务的地址，由它评阅你打的回答；发送前会先征得同意。"
            "密钥取自 OPENAI_API_KEY。",
        ),
    ),
]
InterviewingModel = Annotated[
    str | None,
    typer.Option("--model", help=say("The interviewer's model.", "面试官用哪个模型。")),
]


def interviewer_at(url: str | None, model: str | None) -> Interviewer | None:
    """The interviewer at `url`, if one is wanted."""
    if url is None:
        return None
    from autograder.study.interviewer import Interviewer

    return Interviewer(url, model)


def completed(incomplete: str) -> list[str]:
    """Names of exercises and tasks for a shell to go on with."""
    from autograder.learner.naming import beginning

    return list(beginning(incomplete))


def completed_paths(incomplete: str) -> list[str]:
    """The same, and what is here: notebooks and folders."""
    head, _, start = incomplete.rpartition("/")
    here = Path(f"{head}/" if head or incomplete.startswith("/") else ".")
    inside = sorted(here.glob(f"{glob.escape(start)}*")) if here.is_dir() else []
    return [
        *(f"{path}/" if path.is_dir() else str(path) for path in inside
          if (path.is_dir() or path.suffix == ".ipynb") and not path.name.startswith(".")),
        *completed(incomplete),
    ]  # fmt: skip


Name = Annotated[
    str,
    typer.Argument(
        metavar=say("NAME", "名称"),
        help=say("An exercise or a task of it.", "练习名或任务名。"),
        autocompletion=completed,
    ),
]


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar=say("NAMES", "名称"),
        help=say(
            "Notebooks, folders, exercises or tasks, such as metrics or metrics/recall.",
            "notebook、文件夹、练习或任务，例如 metrics、metrics/recall。",
        ),
        autocompletion=completed_paths,
    ),
]
