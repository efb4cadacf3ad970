"""The ``touchstone`` command. Thin: each command hands over and prints.

Exit codes: 0 everything passed, 1 something did not, 2 wrong use, 3 our fault.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys

import typer

from autograder import _called
from autograder.cli import (  # some only put their commands on another's app
    authors,
    graded,  # noqa: F401
    grading,  # noqa: F401
    interviewing,  # noqa: F401
    learners,
    reading,  # noqa: F401
    redoing,  # noqa: F401
    reviewing,
    teachers,
)
from autograder.cli.shared import ARGUMENTS, LANGUAGE, WRONG_LANGUAGE, blame, explain, fail
from autograder.cli.usage import is_wrong_use, wrong_use

app = learners.app
app.add_typer(reviewing.review, name="review")
app.add_typer(reviewing.progress, name="progress")
app.add_typer(teachers.app, name="class")
app.add_typer(authors.app, name="dev")


_COMPLETE = "_TOUCHSTONE_COMPLETE"


class _Ended(BaseException):
    """Somebody asked this process to end: it tidies up first, as after Ctrl-C."""


def _end(number: int, frame: object) -> None:
    raise _Ended


def _program() -> str:
    """What usage lines call us; a shell completes what is called by its plain name only."""
    completing = _COMPLETE in os.environ or any("-completion" in word for word in ARGUMENTS)
    return _called.NAME if completing else _called.command()


def _shell_is_named() -> bool:
    """Whether a shell stands behind an option for completion, as in `--show-completion zsh`."""
    return any(
        option in ("--show-completion", "--install-completion") and not shell.startswith("-")
        for option, shell in itertools.pairwise(ARGUMENTS)
    )


def main() -> None:
    """Run the command; no traceback of ours reaches a user."""
    if WRONG_LANGUAGE:
        fail(WRONG_LANGUAGE)
    signal.signal(signal.SIGTERM, _end)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    if _shell_is_named():
        # Typer would not look at it, but at what shell it was started from.
        os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    try:
        code = app(ARGUMENTS, prog_name=_program(), complete_var=_COMPLETE, standalone_mode=False)
        raise SystemExit(code if isinstance(code, int) else 0)
    except typer.Abort:
        raise SystemExit(1) from None
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)
    except _Ended:
        os._exit(128 + signal.SIGTERM)
    except Exception as error:
        if is_wrong_use(error):
            sys.stderr.write(wrong_use(error, LANGUAGE) + "\n")
            raise SystemExit(2) from None
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        fail(explain(error), code=blame(error))
