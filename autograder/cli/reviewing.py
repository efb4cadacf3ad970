"""Coming back: the command that asks cards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.shared import at_desk, say

if TYPE_CHECKING:
    from autograder.language import Language
    from autograder.study.session import Asked, Session

review = typer.Typer(
    invoke_without_command=True,
    help=say(
        "Ask the cards that are due, then new ones. Answers are kept as they are given.",
        "复习到期的卡片，再学新卡；每次作答即时保存。",
    ),
)

Slug = Annotated[str | None, typer.Option(help=say("Only this exercise.", "只复习这个练习。"))]
Track = Annotated[
    str | None,
    typer.Option(help=say("Only this track: week, weekend or evening.",
                          "只复习这条路线：week、weekend 或 evening。")),
]  # fmt: skip

_Minutes = Annotated[
    float | None,
    typer.Option(min=1, help=say("Minutes; with --until, a day.",
                                 "复习几分钟；配合 --until 时指每天。")),
]  # fmt: skip
_New = Annotated[
    int | None, typer.Option(min=0, help=say("New cards a day (20).", "每天学几张新卡（20）。"))
]
_Until = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help=say(
            "Plan all cards until this day, such as 2026-12-31; `none` ends the plan.",
            "把全部卡片排到这一天之前，如 2026-12-31；none 取消计划。",
        ),
    ),
]


@review.callback()
def sit(
    context: typer.Context,
    minutes: _Minutes = None,
    slug: Slug = None,
    track: Track = None,
    new: _New = None,
    until: _Until = None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    if until is not None:
        _plan(until, slug, track, minutes)
        return
    from autograder.learner import studying
    from autograder.report import messages
    from autograder.report.studying import show_plan, show_summary

    with at_desk() as (here, journal):
        today = studying.assignment(journal, slug, track, new)
        session = studying.sitting(journal, today, minutes=minutes)
        if today.plan is not None:
            show_plan(today.plan.until, today.new, today.behind, here.language)
        stopped = False
        try:
            _ask_all(session, here.language)
        except (KeyboardInterrupt, EOFError):
            stopped = True
        console = messages.out()
        if stopped:
            console.print()
        show_summary(
            [given.rating for _, given in session.given], session.seconds,
            session.waiting.total, studying.following(session),
            console=console, language=here.language,
        )  # fmt: skip
        raise typer.Exit(130 if stopped and sys.stdin.isatty() else 0)


def _plan(until: str, slug: str | None, track: str | None, minutes: float | None) -> None:
    """Make a plan and say what it takes, or end the one that there is."""
    from autograder.learner import studying
    from autograder.report import messages
    from autograder.report.studying import show_forecast
    from autograder.report.studytexts import said

    with at_desk() as (here, journal):
        if until == "none":
            studying.end_plan(journal)
            messages.say(said("plan.none", here.language))
            return
        day = studying.date_of(until)
        found, budget = studying.make_plan(journal, day, slug=slug, track=track, minutes=minutes)
        show_forecast(found, day, budget, console=messages.out(), language=here.language)


def _ask_all(session: Session, language: Language) -> None:
    """Ask card after card until there is none or the learner ends it."""
    from autograder.report import messages
    from autograder.report.studytexts import said

    while (asked := session.ask()) is not None:
        key = _answer(session, asked, language)
        if key == "q":
            return
        if key == "u":
            taken = session.undo()
            messages.say(said("undone" if taken else "nothing.undo", language), "yellow")
        else:
            session.answer(asked.card, int(key))


def _answer(session: Session, asked: Asked, language: Language) -> str:
    """Show a card, its back after a key, and return one of 1, 2, 3, 4, u and q."""
    from autograder.exercise import catalog
    from autograder.report import messages, studying
    from autograder.report.studytexts import said

    card, left, console = asked.card, asked.waiting, messages.out()
    folder = catalog.exercise(card.slug).lesson(language).parent
    studying.show_front(
        card.about[language], card.front[language], (left.learning, left.due, left.new),
        folder=folder, console=console, language=language,
    )  # fmt: skip
    key = _key(studying.keys(None, language))
    if key in ("u", "q"):
        return key
    studying.show_back(card.back[language], folder=folder, console=console)
    # What each answer gives is told as of now, however long one thought.
    again = session.ask() or asked
    while True:
        key = _key(studying.keys(again.intervals, language))
        if key in ("1", "2", "3", "4", "u", "q"):
            return key
        messages.say(said("unknown", language), "yellow")


def _key(prompt: str) -> str:
    """One key on a terminal, else the first character of a line; Enter is a blank.

    Raises
    ------
    EOFError
        At the end of what there is to read.
    """
    from autograder.report import messages

    messages.show_text(prompt)
    if sys.stdin.isatty():
        import click

        pressed = click.getchar()
        if pressed == "\x04":
            raise EOFError
        return "" if pressed in "\r\n " else pressed.lower()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()[:1].lower()


progress = typer.Typer(
    invoke_without_command=True,
    help=say(
        "Show what you are ready for; take your progress along, or merge it in.",
        "查看准备情况；把学习进度导出带走，或合并进来。",
    ),
)


@progress.callback()
def ready(context: typer.Context, slug: Slug = None, track: Track = None) -> None:
    if context.invoked_subcommand is not None:
        return
    from autograder.learner import studying
    from autograder.report import messages
    from autograder.report.readiness import print_readiness

    with at_desk() as (here, journal):
        found = studying.readiness(journal, studying.chosen(slug, track))
        print_readiness(found, console=messages.out(), language=here.language)


@progress.command(
    name="export",
    help=say(
        "Write all that is in your journal to a JSON file: attempts, hints, reviews, answers.",
        "把学习记录全部写入一个 JSON 文件：作答、提示、复习、口答。",
    ),
)
def export_progress(file: Path) -> None:
    from autograder.learner import exchanging
    from autograder.report import messages

    with at_desk() as (_, journal):
        exchanging.export(journal, file)
    messages.say(say(f"Written: {file}", f"已写入：{file}"))


@progress.command(
    name="import",
    help=say(
        "Merge such a file into your journal. Nothing is lost, and twice is as good as once.",
        "把这样的文件合并进学习记录：不丢任何内容，重复导入也没关系。",
    ),
)
def import_progress(file: Path) -> None:
    from autograder.learner import exchanging
    from autograder.report import messages
    from autograder.report.studytexts import said

    with at_desk() as (here, journal):
        changed = exchanging.take(journal, file)
    parts = [
        said(f"merged.{kind}", here.language, count=count)
        for kind, count in changed.items() if count
    ]  # fmt: skip
    what = said("comma", here.language).join(parts)
    messages.say(said("merged" if parts else "nothing.merged", here.language, what=what))


@review.command(
    name="export",
    help=say(
        "Write the cards as a deck for Anki. Import it again after an upgrade: cards are brought "
        "up to date and keep their history.",
        "把卡片导出为 Anki 牌组。升级后重新导入，卡片内容会更新，复习历史不变。",
    ),
)
def export_deck(
    file: Annotated[Path, typer.Argument(help=say("Ends in .apkg.", "以 .apkg 结尾。"))],
    slug: Slug = None,
    track: Track = None,
    both: Annotated[
        bool, typer.Option("--both", help=say("In both languages.", "中英文都要。"))
    ] = False,
) -> None:
    from autograder.language import LANGUAGES
    from autograder.learner import studying
    from autograder.report import messages
    from autograder.report.exports.anki import write_anki

    with at_desk() as (here, journal):
        known = studying.chosen(slug, track)
        folders = {exercise.slug: exercise.lesson(here.language).parent for exercise in known}
        cards = [(card, folders[card.slug]) for card in studying.deck(journal, known)]
        others = [language for language in LANGUAGES if language != here.language]
        count = write_anki(cards, file, [here.language, *(others if both else ())])
    messages.say(say(f"Written: {file}, {count} cards", f"已写入：{file}，共 {count} 张卡片"))
