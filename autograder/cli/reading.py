"""Commands to read the course in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.learners import app
from autograder.cli.shared import say


@app.command(
    help=say("Write the course as web pages for any host.", "把课程写成网页，可放到任何网站。")
)
def site(
    out: Annotated[
        Path, typer.Option(help=say("A new or empty folder.", "一个新的或空的文件夹。"))
    ],
) -> None:
    from autograder.exercise.syllabus import syllabus
    from autograder.report import messages
    from autograder.report.site import write_site

    count = write_site(syllabus(), out)
    messages.say(
        say(
            f"Written: {count} files in {out}. Any web host serves them as they are; "
            f"begin at {out / 'index.html'}.",
            f"已写入：{out} 下 {count} 个文件，可直接放到任何网站。从 {out / 'index.html'} 看起。",
        )
    )
