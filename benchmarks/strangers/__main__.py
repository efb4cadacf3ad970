"""How the grader fares with answers by readers who saw an exercise and its lesson, nothing else.

    uv run python benchmarks/strangers [--costly] [SLUG ...]

Each folder here holds, for one exercise, wrong answers (``wrong.py``) and whole sets of right ones
(``right_1.py`` and so on), a block ``# %% TASK · what is wrong, or the style`` for each. They were
written from the notebook's text and the lesson alone, by somebody who had not seen the checks or
the list of known mistakes, and are never used to write that list. Prints how many wrong answers
were accepted, named, and took points in other tasks, and every right answer that was refused.
With ``--costly`` other tasks' costly checks are run for each answer too: half an hour.

Whether a name is the right one is for a person to say: ``judged.toml`` holds, by the block's title,
what the grader said and whether that is ``right``; what is not judged yet is printed, to be filled
in. Exit code 1 if a wrong answer was accepted or a right one refused.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autograder.dev.trying import in_a_child, solved_names
from autograder.engine import Call, called
from autograder.engine.probing import run_probe
from autograder.evidence.observations import Outcome
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading.oracle import answer_key, judged_by_need, reference_key
from autograder.judging.results import TaskResult, Verdict

HERE = Path(__file__).parent
SECONDS = 240.0


@dataclass(frozen=True)
class Block:
    """One answer: the task, the sentence in its title, and the cell."""

    task: str
    title: str
    source: str


@dataclass(frozen=True)
class Tried:
    """What the grader made of one wrong answer.

    Attributes
    ----------
    names
        The mistakes that it named in the block's task, those that explain most checks first.
    stopped
        Without a name, but with an error at each check that it fails.
    dragged
        Other tasks that lost points.
    """

    block: Block
    passed: bool
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    told: str = ""
    stopped: bool = False
    dragged: tuple[str, ...] = ()


def blocks(path: Path) -> list[Block]:
    """The blocks of a file, in order."""
    found = []
    for part in path.read_text("utf-8").split("# %% ")[1:]:
        title, _, source = part.partition("\n")
        task, _, sentence = title.partition(" · ")
        found.append(Block(task.strip(), sentence.strip(), source))
    return found


class Exam:
    """One exercise, solved, in which blocks take the place of answers."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.suite = Suite(exercise)
        answer_key(exercise)
        self.suite.prepare()
        self.names = solved_names(exercise, self.suite)
        self._begun: dict[str, TaskResult] = {}

    def tasks(self, given: list[Block], *, alone: bool) -> tuple[TaskResult, ...] | None:
        """The results with the blocks in place; `alone` leaves costly checks of others out."""
        return in_a_child(partial(self._judged, given, alone), SECONDS)

    def _judged(self, given: list[Block], alone: bool) -> tuple[TaskResult, ...]:
        own = {block.task for block in given}
        for block in given:
            try:
                exec(compile(block.source, block.task, "exec"), self.names)
            except Exception as error:
                print(f"{block.task} · {block.title}: {error!r}", file=sys.__stderr__)
        tasks = [
            (task, [c for c in self.suite.of_task(task.name)
                    if not (alone and c.costly and task.name not in own)])
            for task in self.exercise.tasks
        ]  # fmt: skip
        outcomes = {
            check.name: run_probe(
                self.suite, check, self.names, seconds=self.exercise.check_seconds
            )
            for _, checks in tasks for check in checks
        }  # fmt: skip
        judged_tasks = [(task, checks) for task, checks in tasks if checks]
        reference = reference_key(self.exercise)
        return judged_by_need(self.exercise, judged_tasks, outcomes, reference, ask=self._ask)

    def _ask(self, calls: Sequence[Call]) -> list[Outcome]:
        return [called(c, self.names, seconds=self.exercise.check_seconds) for c in calls]


def tried(exam: Exam, block: Block, *, alone: bool) -> Tried:
    """What the grader makes of a wrong answer."""
    results = exam.tasks([block], alone=alone)
    if results is None:
        return Tried(block, passed=False, told="it took too long, or died")
    own = next(result for result in results if result.name == block.task)
    bad = [verdict for verdict in own.verdicts if verdict.status != "pass"]
    named = [verdict for verdict in bad if verdict.misconception]
    counts: dict[str, int] = {}
    for verdict in named:
        counts[verdict.misconception] = counts.get(verdict.misconception, 0) + 1
    names = tuple(sorted(counts, key=lambda name: -counts[name]))
    texts = tuple(
        next(v.diagnosis["en"] for v in named if v.misconception == name) for name in names
    )
    dragged = tuple(
        f"{r.name} {r.points:g}/{r.max_points:g}" for r in results
        if r.name != block.task and r.points < r.max_points
    )  # fmt: skip
    stopped = bool(bad) and not names and all(verdict.status == "error" for verdict in bad)
    return Tried(block, not bad, names, texts, _told(bad), stopped, dragged)


def _told(bad: list[Verdict]) -> str:
    return "; ".join(f"[{v.status}] {v.claim['en']} ({v.message['en']})" for v in bad)


def judged(folder: Path) -> dict[str, dict[str, Any]]:
    """By a block's title: what was ``said`` of it, and whether that is ``right``."""
    path = folder / "judged.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def report(slug: str, *, alone: bool) -> Iterator[str]:
    """Lines on one exercise; a line that begins with an exclamation mark is a fault."""
    folder, exam = HERE / slug, Exam(catalog.exercise(slug))
    verdicts = judged(folder)
    found = [tried(exam, block, alone=alone) for block in blocks(folder / "wrong.py")]
    rightly = wrongly = open_ = 0
    for item in found:
        title = f"{item.block.task} · {item.block.title}"
        said = ", ".join(item.names)
        verdict = verdicts.get(title, {})
        if item.passed:
            yield f"! accepted: {title}"
        elif item.dragged:
            yield f"! dragged {', '.join(item.dragged)}: {title}"
        if item.names and verdict.get("said") == said:
            rightly += verdict["right"]
            wrongly += not verdict["right"]
        elif item.names:
            open_ += 1
            yield f"? {title}\n    said = {said!r}: {' | '.join(item.texts)}"
        elif not item.passed:
            yield f"- without a name: {title}\n    {item.told[:300]}"
    refused = list(_refused(exam, folder))
    yield from refused
    share = 100 / max(len(found), 1)
    named = sum(bool(item.names) for item in found)
    yield (
        f"{slug}: {len(found)} wrong answers, {sum(i.passed for i in found)} accepted, {named} "
        f"named ({named * share:.0f} %), of those {rightly} rightly, {wrongly} wrongly, {open_} "
        f"not judged; {sum(i.stopped for i in found)} more stop with an error, which is shown; "
        f"{sum(bool(i.dragged) for i in found)} dragged others along; "
        f"{len(list(folder.glob('right_*.py')))} right sets, {len(refused)} tasks refused"
    )


def _refused(exam: Exam, folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("right_*.py")):
        results = exam.tasks(blocks(path), alone=False)
        if results is None:
            yield f"! {path.name} took too long, or died"
        for result in results or ():
            bad = [verdict for verdict in result.verdicts if verdict.status != "pass"]
            if bad:
                yield f"! refused: {result.name} of {path.name}: {_told(bad)[:600]}"


def main() -> int:
    asked = sys.argv[1:]
    alone = "--costly" not in asked
    slugs = [name for name in asked if name != "--costly"] or sorted(
        path.parent.name for path in HERE.glob("*/wrong.py")
    )
    faults = 0
    for slug in slugs:
        for line in report(slug, alone=alone):
            faults += line.startswith(("! accepted", "! refused"))
            print(line, flush=True)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
