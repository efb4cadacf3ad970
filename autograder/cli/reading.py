"""Commands to read the course: in the terminal, in the browser, as a site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.learners import app
from autograder.cli.shared import (
    ASKED,
    LANGUAGE,
    Interviewing,
    InterviewingModel,
    at_desk,
    completed,
    interviewer_at,
    say,
)

_Place = Annotated[
    str,
    typer.Argument(
        metavar=say("PLACE", "位置"),
        autocompletion=completed,
        help=say(
            "A lesson, or what it tells of: metrics, E116, S3-Q1, metrics/recall.",
            "课文，或其中一处：metrics、E116、S3-Q1、metrics/recall。",
        ),
    ),
]


@app.command(help=say("Read a lesson, or one part of it.", "阅读一课，或其中一处。"))
def lesson(
    place: _Place,
    path: Annotated[
        bool, typer.Option("--path", help=say("Only print where it is.", "只打印所在路径。"))
    ] = False,
) -> None:
    from autograder.exercise import catalog
    from autograder.learner.desk import Desk
    from autograder.learner.places import find_place, part
    from autograder.report import messages, reading

    found = find_place(place)
    language = Desk.here(ASKED, LANGUAGE).language
    file = catalog.exercise(found.slug).lesson(language)
    if path:
        messages.show_code(str(file))
        return
    shown = part(found, language)
    reading.show_lesson(file, shown)
    if shown and sys.stdout.isatty():
        messages.say(
            say(
                f"The whole lesson: `touchstone lesson {found.slug}`. In the browser: "
                f"`touchstone open {place}`.",
                f"整课：`touchstone lesson {found.slug}`。浏览器：`touchstone open {place}`。",
            ),
            "dim",
        )


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


@app.command(
    "open",
    help=say(
        "Read the course in your browser; stop with Ctrl-C.", "在浏览器里读课程；按 Ctrl-C 结束。"
    ),
)
def open_course(
    place: _Place = "",
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser",
            help=say("Open it, or only print the address.", "打开浏览器，或只打印地址。"),
        ),
    ] = True,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help=say("0: a free one.", "0：自动选。"))
    ] = 0,
    interviewer: Interviewing = None,
    model: InterviewingModel = None,
) -> None:
    from autograder.exercise.syllabus import syllabus
    from autograder.learner import serving
    from autograder.learner.interviewpage import Interviews
    from autograder.learner.places import find_place
    from autograder.learner.reviewing import Reviews
    from autograder.report import messages
    from autograder.report.site import site as site_of

    course, reader = syllabus(), interviewer_at(interviewer, model)
    page = find_place(place, lambda: course).page if place else "index.html"
    with at_desk() as (here, journal):
        rooms = [Reviews(journal).room, Interviews(journal, reader).room]  # what needs the journal
        files = site_of(course, [room.activity for room in rooms])
        server = serving.bind(files, rooms, port)
        address = server.address(f"{here.language}/{page}")

        def begun() -> None:
            messages.show_address(address)
            messages.say(say("Stop with Ctrl-C.", "按 Ctrl-C 结束。"), "dim")
            if browser and not serving.show(address):
                messages.say(
                    say(
                        "No browser was found; open the address above in one.",
                        "没有找到浏览器，请自己打开上面的地址。",
                    )
                )

        server.run(begun)
