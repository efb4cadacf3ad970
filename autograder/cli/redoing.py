"""A passed task again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.learners import app
from autograder.cli.shared import at_desk, completed, say


@app.command(
    help=say(
        "Do a passed task again, from a blank cell in a notebook of its own; by default the one "
        "that you passed longest ago.",
        "重做一道通过的题：单独一份 notebook，答案留空。默认选最久以前通过的那道。",
    )
)
def redo(
    name: Annotated[
        str,
        typer.Argument(
            metavar=say("NAME", "名称"),
            help=say("A task, or an exercise.", "任务名或练习名。"),
            autocompletion=completed,
        ),
    ] = "",
) -> None:
    from autograder._called import quoted
    from autograder.learner.redoing import redo
    from autograder.report import messages

    with at_desk() as (here, journal):
        path = quoted(Path(os.path.relpath(redo(name, here, journal))))
        messages.say(
            say(
                f"To do again: {path}. Open it with `touchstone lab {path}`, then "
                f"`touchstone grade {path}`.",
                f"重做：{path}。用 `touchstone lab {path}` 打开，做完用 `touchstone grade {path}` "
                "评分。",
            )
        )
