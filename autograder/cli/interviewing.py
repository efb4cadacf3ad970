"""The mock interview."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from autograder.cli.learners import app
from autograder.cli.shared import (
    Interviewing,
    InterviewingModel,
    at_desk,
    interviewer_at,
    say,
)


@app.command(
    help=say(
        "A mock interview: say it, compare, tick what you said.",
        "模拟面试：先讲，再对照要点。",
    )
)
def interview(
    minutes: Annotated[
        int, typer.Option(min=1, help=say("How long you have.", "有多少分钟。"))
    ] = 20,
    track: Annotated[
        str | None, typer.Option(help=say("Only this track: week …", "只问这条路线：week 等。"))
    ] = None,
    slug: Annotated[str | None, typer.Option(help=say("Only this lesson.", "只问这一课。"))] = None,
    question: Annotated[
        str | None, typer.Option(help=say("Only this question.", "只问这一题，如 S4-Q1。"))
    ] = None,
    interviewer: Interviewing = None,
    model: InterviewingModel = None,
) -> None:
    from autograder.learner.interviewing import Talk, prepare
    from autograder.report import messages
    from autograder.report.interviewing import Screen

    reader = interviewer_at(interviewer, model)
    now = datetime.now().astimezone()
    with at_desk() as (here, journal):
        prepared = prepare(journal, now, minutes=minutes, track=track, slug=slug, question=question)
        screen = Screen(messages.out(), here.language)
        Talk(journal, screen, interviewer=reader).hold(prepared)
