"""The pieces of a page on the terminal, for Rich to lay out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder import _called
from autograder.judging.results import Status, TaskResult
from autograder.language import Language
from autograder.report import clean, digest
from autograder.report.texts import SYMBOLS, number, status_word, text

_STYLES: dict[Status, str] = {
    "pass": "bold green",
    "fail": "bold red",
    "todo": "dim",
    "error": "bold red",
    "timeout": "bold yellow",
    "memory": "bold yellow",
    "crashed": "bold red",
    "tampered": "bold magenta",
    "internal": "bold magenta",
}
_LABELS = ("call", "came_out", "expected", "why", "note", "place", "looks_like", "next")
# Chinese may break between any two characters, but not before a closing mark or after an opening
# one; Rich breaks at blanks alone. A command stays whole, to be copied.
_PIECE = re.compile(
    r" +|[（「『《“]*(?:`[^`]+`|[\u3040-\u9fff\uac00-\ud7af]"
    r"|[^ \u3040-\u9fff\uac00-\ud7af（「『《“]+)[，。：；！？）」』》”、.;,:!?)]*|[^ ]"
)


class Prose:
    """A sentence that breaks where its language allows; commands in it are as one types them."""

    def __init__(self, sentence: str, style: str = "") -> None:
        self.sentence = _called.spelled(sentence)
        self.style = style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = max((cell_len(piece) for piece in pieces(self.sentence)), default=0)
        return Measurement(widest, cell_len(self.sentence)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for row in wrap(self.sentence, options.max_width):
            yield Text(row, self.style)


def pieces(sentence: str) -> list[str]:
    """The parts of `sentence` that do not break; together they are the sentence."""
    return _PIECE.findall(sentence)


def wrap(sentence: str, width: int) -> list[str]:
    """`sentence` in rows of at most `width` columns."""
    rows = [""]
    for piece in pieces(sentence):
        if cell_len(rows[-1] + piece.rstrip()) <= width:
            rows[-1] += piece
            continue
        if rows[-1].strip():
            rows[-1] = rows[-1].rstrip()
            rows.append("")
        rows[-1:] = chop_cells(piece.lstrip(), width) or [""]
    return rows


def symbol(status: Status) -> Text:
    """The mark of a status."""
    return Text(SYMBOLS[status], style(status))


def style(status: Status) -> str:
    """The colour of a status."""
    return _STYLES[status]


def grid(*columns: tuple[str, int | None], gap: int = 1) -> Table:
    """A table without lines; each column is ``"left"`` or ``"right"`` and has a width or not."""
    table = Table.grid(padding=(0, gap))
    for justify, width in columns:
        right = justify == "right"
        table.add_column(
            justify="right" if right else "left", width=width, no_wrap=right, overflow="fold"
        )
    return table


def row(mark: Text, body: RenderableType, gap: int = 1) -> Table:
    """A mark, and beside it a body that wraps to its own left edge."""
    table = grid(("left", mark.cell_len), ("left", None), gap=gap)
    table.add_row(mark, body)
    return table


def task_lines(
    task: TaskResult, language: Language, *, verbose: bool = False
) -> list[RenderableType]:
    """One task: a line for it, and under it what did not hold."""
    is_passed = task.status == "pass"
    title = Text(clean.line(task.title[language]), "" if is_passed else "bold")
    if not is_passed:
        title.append(f"  {status_word(task.status, language)}", style(task.status))
    score = f"{number(task.points)} / {number(task.max_points)}"
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(width=1)
    head.add_column(ratio=1)
    head.add_column(justify="right", no_wrap=True)
    head.add_row(symbol(task.status), title, Text(score, "dim" if is_passed else ""))
    shown: list[RenderableType] = [head]
    if digest.all_todo(task) and not verbose:
        return shown
    for found in digest.findings(task, language):
        if found.status != "pass" or verbose or found.why:
            shown.append(Padding(_finding(found, language), (0, 0, 0, 2)))
    return shown


def _finding(found: digest.Finding, language: Language) -> RenderableType:
    """The diagnosis, the claims with what was seen, then what holds for all of them."""
    shown: list[RenderableType] = []
    diagnosis = _pairs([("looks_like", found.looks_like, "bold yellow")], language)
    if diagnosis is not None:
        shown.append(diagnosis)
    for claim in found.claims:
        shown.append(row(symbol(claim.status), Prose(claim.asked)))
        seen = [
            ("call", f"{claim.call} {claim.among}".rstrip(), "cyan"),
            ("came_out", claim.came_out, "red"),
            ("expected", claim.expected, "green"),
        ]
        observed = _pairs(seen, language)
        if observed is not None:
            shown.append(Padding(observed, (0, 0, 0, 2)))
    reason = _pairs(
        [
            ("note" if found.status == "pass" else "why", found.why, ""),
            ("place", found.place, ""),
            ("", found.source, "cyan"),
            ("next", found.step, ""),
        ],
        language,
    )
    if reason is not None:
        # A reason that several claims share stands below them, not under the last.
        shown.append(Padding(reason, (0, 0, 0, 2 if len(found.claims) == 1 else 0)))
    if found.alike:
        colon = text("separator", language)
        asked = (" " if language == "en" else "").join(claim.asked for claim in found.alike)
        shown.append(row(symbol(found.status), Prose(found.more + colon + asked, "dim")))
    return Group(*shown)


def _pairs(rows: Iterable[tuple[str, str, str]], language: Language) -> Table | None:
    """Labels in a column of one width for all, and what belongs to them."""
    width = max(cell_len(text(key, language)) for key in _LABELS)
    table = grid(("left", width), ("left", None))
    for key, value, colour in rows:
        if value:
            table.add_row(Text(text(key, language) if key else "", "dim"), Prose(value, colour))
    return table if table.row_count else None
