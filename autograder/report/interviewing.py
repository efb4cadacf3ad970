"""An interview on the terminal: what is asked, what is right, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autograder import language as languages
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.syllabus.material import Erratum, FollowUp, Question
from autograder.language import Language
from autograder.report import clean
from autograder.report._lines import Prose, grid
from autograder.report._spoken import flat, paragraphs
from autograder.report.interviewtexts import said
from autograder.report.terminal import show

SIDE_BY_SIDE = 100
_LONG = 90.0
_BAR = 10


@dataclass(frozen=True)
class Finished:
    """A question that was answered, and the tasks in which one proves the answer."""

    question: Question
    hit: tuple[bool, ...]
    seconds: float
    redo: tuple[tuple[Exercise, Task], ...] = ()


def to_redo(finished: Iterable[Finished]) -> list[tuple[Exercise, Task]]:
    """The tasks that prove what was not all said, each once."""
    weak = (pair for one in finished if not all(one.hit) for pair in one.redo)
    return list({(exercise.slug, task.name): (exercise, task) for exercise, task in weak}.values())


@dataclass(frozen=True)
class Screen:
    """A terminal and the language that is spoken on it."""

    console: Console
    language: Language

    def begin(self, count: int, minutes: int, *, kept: bool = True) -> None:
        """Say how many questions come, and whether answers are kept."""
        key, word = "begin.one" if count == 1 else "begin", "kept" if kept else "unkept"
        sentence = said(key, self.language, count=count, minutes=minutes, kept=self._say(word))
        self._show(Prose(sentence, "dim"))

    def ask(self, question: Question, place: int, count: int) -> None:
        """Put a question."""
        about = f" {place} / {count} · {question.id} · {question.slug} "
        self._show(
            Text(),
            Rule(Text(about, "cyan"), style="dim", align="left"),
            Text(),
            Prose(flat(question.title[self.language]), "bold"),
            Prose(said("how", self.language), "dim"),
            Text(),
        )

    def reveal(self, question: Question, answer: str, seconds: float) -> None:
        """Show the model answer beside the learner's own, or below it where there is no room."""
        key = "long" if seconds > _LONG else "took"
        own = clean.block(answer).split("\n") if answer else [said("aloud", self.language)]
        yours = _titled(said("yours", self.language), own, "" if answer else "dim")
        model = _titled(
            said("model", self.language), paragraphs(question.minute[self.language]), gap=True
        )
        took = Text(said(key, self.language, time=clock(seconds)), "dim")
        if self.console.width < SIDE_BY_SIDE:
            # What was typed stands just above already.
            self._show(Text(), took, Text(), model)
            return
        table = Table.grid(padding=(0, 4, 0, 0), expand=True)
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(yours, model)
        self._show(Text(), took, Text(), table)

    def points(self, question: Question, hit: Sequence[bool], quotes: Sequence[str] = ()) -> None:
        """List the key points with a tick where one was hit, and the words that hit it."""
        table = grid(("right", 2), ("left", 1), ("left", None))
        for number, point in enumerate(question.points, 1):
            is_hit = hit[number - 1]
            mark = Text("✓" if is_hit else "○", "bold green" if is_hit else "dim")
            quote = quotes[number - 1] if quotes else ""
            body: RenderableType = Prose(flat(point[self.language]))
            if quote:
                body = Group(body, Prose(f"“{clean.line(quote)}”", "cyan"))
            table.add_row(Text(str(number), "cyan"), mark, body)
        self._show(Text(), Text(said("points", self.language), "bold"), table, Text())

    def hits(self, hit: Sequence[bool]) -> None:
        """Say how many points were hit."""
        self._show(Text(said("hit", self.language, hit=sum(hit), count=len(hit)), "bold"))

    def follow_up(self, follow_up: FollowUp) -> None:
        """Put what is asked next."""
        label = Text(said("next", self.language), "bold")
        words = clean.line(flat(follow_up.question[self.language]), 800)
        question = Prose(words, "bold")
        self._show(Text(), label, Padding(question, (0, 0, 0, 2)))

    def follow_up_answer(self, follow_up: FollowUp) -> None:
        """Show a short answer to it, if there is one."""
        if not follow_up.answer[self.language]:
            self._show(Padding(Prose(said("next.own", self.language), "dim"), (0, 0, 0, 2)))
            return
        self._show(Padding(Prose(flat(follow_up.answer[self.language])), (0, 0, 0, 2)))

    def claim(self, erratum: Erratum, statement: str) -> None:
        """Put a statement to judge."""
        about = said("claim.about", self.language, title=flat(erratum.title[self.language]))
        self._show(
            Text(),
            Text(said("claim", self.language), "bold"),
            Padding(Prose(about, "dim"), (0, 0, 0, 2)),
            Padding(Prose(flat(statement)), (0, 0, 0, 2)),
        )

    def truth(self, erratum: Erratum, *, holds: bool, right: bool) -> None:
        """Say what is true, why, and under which number the lesson has it."""
        truth = said("true" if holds else "false", self.language)
        verdict = said("claim.right" if right else "claim.wrong", self.language, truth=truth)
        table = grid(("left", None), ("left", None), gap=2)
        parts = [("wrong", erratum.wrong), ("right", erratum.right)]
        for key, words in [("documents", erratum.claim), *parts] if holds else parts:
            table.add_row(Text(said(key, self.language), "dim"), Prose(flat(words[self.language])))
        number = Text(f"{', '.join(erratum.ids)} · {erratum.slug}", "dim")
        self._show(
            Text(verdict, "bold green" if right else "bold yellow"),
            Padding(Group(table, number), (0, 0, 0, 2)),
        )

    def note(self, key: str, **fields: object) -> None:
        """Say one of the short sentences."""
        self._show(Prose(said(key, self.language, **fields), "yellow"))

    def tell(self, message: languages.Text) -> None:
        """Say what went wrong."""
        self._show(Prose(clean.line(message[self.language]), "yellow"))

    def sending(
        self, url: str, messages: Iterable[Mapping[str, str]], *, is_open: bool, has_key: bool
    ) -> None:
        """Show all that an interviewer would be sent, and where to."""
        self._show(Text(), Prose(said("agree.what", self.language, url=clean.line(url)), "bold"))
        for message in messages:
            for line in clean.block(message["content"]).split("\n"):
                self._show(Padding(Prose(line, "dim"), (0, 0, 0, 2)))
        keys = [("agree.key", has_key), ("agree.open", is_open)]
        self._show(*(Prose(said(key, self.language), "yellow") for key, told in keys if told))

    def summary(self, finished: Sequence[Finished], right: int, judged: int) -> None:
        """Points by question, what to read and which task to redo."""
        if not finished:
            self._show(Text(), Prose(said("nothing", self.language)))
            return
        title = Rule(Text(f" {said('summary', self.language)} ", "bold"), style="dim", align="left")
        shown: list[RenderableType] = [Text(), title, Text(), self._table(finished)]
        if judged:
            sentence = said("statements", self.language, right=right, count=judged)
            shown += [Text(), Text(sentence)]
        weak = [one for one in finished if not all(one.hit)]
        self._show(*shown, Text(), *(self._advice(weak) if weak else [Prose(self._say("all"))]))

    def _table(self, finished: Iterable[Finished]) -> Table:
        table = grid(("left", None), ("left", None), ("left", _BAR), ("right", None), gap=2)
        for one in finished:
            hit, count = sum(one.hit), len(one.hit)
            filled = _BAR * hit // max(count, 1)
            bar = Text.assemble(("█" * filled, "green"), ("░" * (_BAR - filled), "dim"))
            table.add_row(
                Text(one.question.id, "cyan"),
                Prose(flat(one.question.title[self.language])),
                bar,
                Text(f"{hit} / {count}  {clock(one.seconds):>5}"),
            )
        return table

    def _advice(self, weak: Iterable[Finished]) -> list[RenderableType]:
        weak = list(weak)
        lessons = dict.fromkeys(f"touchstone lesson {one.question.slug}" for one in weak)
        tasks = {
            f"touchstone hint {exercise.slug}/{task.name}": task.title[self.language]
            for exercise, task in to_redo(weak)
        }
        table = grid(("left", None), ("left", None), ("left", None), gap=2)
        for key, commands in (("read", dict.fromkeys(lessons, "")), ("do", tasks)):
            for number, (command, title) in enumerate(commands.items()):
                label = "" if number else self._say(key)
                table.add_row(
                    Text(label, "bold"),
                    Text(command, "cyan", no_wrap=True),
                    Prose(clean.line(title), "dim"),
                )
        return [table]

    def _say(self, key: str) -> str:
        return said(key, self.language)

    def _show(self, *shown: RenderableType) -> None:
        show(self.console, shown)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _titled(
    title: str, paragraphs: Iterable[str], style: str = "", *, gap: bool = False
) -> RenderableType:
    shown: list[RenderableType] = [Text(title, "bold")]
    for number, paragraph in enumerate(paragraphs):
        if gap and number:
            shown.append(Text())
        shown.append(Prose(paragraph, style))
    return Group(*shown)
