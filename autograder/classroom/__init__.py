"""Grading a class: what was handed in, graded side by side, kept so that nothing is lost."""

from __future__ import annotations

from pathlib import Path

from autograder._errors import BilingualError
from autograder.classroom.adjusting import adjust, history
from autograder.classroom.belongings import Belongings, belongings
from autograder.classroom.graders import Graders, LocalGraders
from autograder.classroom.grading import Told, grade_class
from autograder.classroom.holding import LedgerError
from autograder.classroom.intake import Intake, Submission, find_submissions, take_in
from autograder.classroom.ledger import Ledger
from autograder.classroom.roster import Roster, due_time, read_roster
from autograder.grading.apart import make_ready
from autograder.judging.results import ClassResult

__all__ = [
    "Belongings", "Graders", "Intake", "Ledger", "LedgerError", "Roster", "Submission", "Told",
    "adjust", "belongings", "due_time", "find_submissions", "grade_class", "graders", "history",
    "load", "make_ready", "not_resumed", "read_roster", "read_secret", "take_in",
]  # fmt: skip

_MAX_SECRET = 4096


class SecretError(BilingualError):
    """A file that holds no secret."""


def graders(
    workers: int,
    dask: str | None = None,
    *,
    sandbox: bool = True,
    own: Belongings | None = None,
) -> Graders:
    """Graders on this machine, or on the Dask cluster whose scheduler is at `dask`."""
    if dask is None:
        return LocalGraders(workers, sandbox=sandbox, own=own or Belongings())
    from autograder.classroom.cluster import ClusterGraders

    return ClusterGraders(dask, sandbox=sandbox, own=own or Belongings())


def load(folder: Path) -> ClassResult:
    """What a class that was graded into `folder` came to so far."""
    with Ledger(folder) as ledger:
        return ledger.class_result()


def not_resumed(folder: Path, count: int) -> LedgerError:
    """The error for a folder that is not empty, when nobody said to go on there."""
    return LedgerError(
        f"{folder} holds {count} results already. Add --resume to go on there (what was graded "
        "counts, what is new or changed is graded), or name another folder with --out.",
        f"{folder} 里已有 {count} 份成绩。加 --resume 接着评（评过的算数，新交和改过的再评），"
        "或用 --out 换一个文件夹。",
    )


def read_secret(path: Path) -> str:
    """The secret in a text file, without white space around it.

    Raises
    ------
    SecretError
        If there is none, or far too much.
    """
    try:
        with path.open("rb") as file:
            # No more than is needed to see that it is too much: a device has no end.
            text = file.read(_MAX_SECRET * 8).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(
            f"The secret {path} cannot be read: {error}. Name a text file.",
            f"无法读取密钥文件 {path}：{error}。请给出一个文本文件。",
        ) from None
    if not 0 < len(text) <= _MAX_SECRET:
        raise SecretError(
            f"{path} should hold between 1 and {_MAX_SECRET:,} characters of secret; it holds "
            f"{len(text):,}. One line of random text will do.",
            f"{path} 应含 1 到 {_MAX_SECRET:,} 个字符的密钥，现有 {len(text):,} 个。"
            "写一行随机文本即可。",
        )
    return text
