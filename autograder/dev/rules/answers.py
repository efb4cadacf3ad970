"""Promises about checks and answers: right ones pass, wrong ones are caught and named."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder._parsing import parse
from autograder.dev.findings import Finding
from autograder.dev.percent import Cell
from autograder.engine.probing import run_probe
from autograder.engine.sources import defined_names
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Exercise
from autograder.exercise.criteria import Tolerance
from autograder.exercise.declaring import Answer, Check
from autograder.exercise.suite import Suite, references
from autograder.judging.comparing import equal
from autograder.judging.judge import judge_exercise
from autograder.judging.key import AnswerKey
from autograder.judging.results import Verdict


@dataclass(frozen=True)
class Content:
    """The loaded parts of an exercise and what its probes yield."""

    exercise: Exercise
    suite: Suite
    references: Mapping[str, Any]
    wrong: list[Answer]
    right: list[Answer]
    key: AnswerKey
    task: str = ""

    @property
    def checks(self) -> list[Check]:
        """Those of the one task that is looked at, or all."""
        return self.suite.of_task(self.task) if self.task else list(self.suite.checks.values())

    def of_task(self, task: str) -> Content:
        """The checks of one task, and the answers that these are asked of."""
        names = {name for check in self.suite.of_task(task) for name in check.learner}
        wrong = [answer for answer in self.wrong if answer.stands_for in names]
        right = [answer for answer in self.right if answer.stands_for in names]
        return replace(self, task=task, wrong=wrong, right=right)

    def verdicts(self, outcomes: Mapping[str, Outcome]) -> dict[str, Verdict]:
        """Judge the tasks that an answer has part in; its other checks get the reference's."""
        seen = {name: self.key.outcomes[name][()] for name in self.suite.checks}
        tasks = [(task, self.suite.of_task(task.name)) for task in self.exercise.tasks]
        touched = [item for item in tasks if any(check.name in outcomes for check in item[1])]
        results = judge_exercise(touched, {**seen, **outcomes}, self.key)
        return {verdict.name: verdict for result in results for verdict in result.verdicts}


def belonging(exercise: Exercise, suite: Suite) -> Iterator[Finding]:
    """Every check belongs to a task, and every task has one."""
    for check in suite.checks.values():
        where = f"{exercise.slug}/checks.py, check {check.name!r}"
        if not check.learner:
            yield Finding("check", where, "It asks for no learner's name. Take one as an argument.")
        for name in (*check.learner, *check.rests_on):
            if name not in exercise.task_of:
                yield Finding(
                    "check", where,
                    f"{name!r} is no fixture, and no task defines it. Correct the argument, "
                    "write the fixture, or add it to `defines` in exercise.toml.",
                )  # fmt: skip
    checked = {exercise.task_of[c.learner[0]].name for c in suite.checks.values()
               if c.learner and c.learner[0] in exercise.task_of}  # fmt: skip
    for task in exercise.tasks:
        if task.name not in checked:
            where = f"{exercise.slug}/checks.py, task {task.name!r}"
            yield Finding("check", where, "Nothing checks it. Write a check of what it defines.")


def order(exercise: Exercise, suite: Suite, cells: Sequence[Cell]) -> Iterator[Finding]:
    """What a check needs is there when its cell runs: nbgrader runs the cells from the top."""
    place = {cell.task: number for number, cell in enumerate(cells) if cell.role == "check"}
    defined_at: dict[str, int] = {}
    for number, cell in enumerate(cells):
        if cell.role == "solution":
            for name in defined_names(cell.source["en"]):
                defined_at.setdefault(name, number)
    for check in suite.checks.values():
        task = exercise.task_of[check.learner[0]].name
        for name in (*check.learner, *check.rests_on):
            if defined_at.get(name, 0) > place[task]:
                yield Finding(
                    "order", f"{exercise.slug}/checks.py, check {check.name!r}",
                    f"{name!r} is defined only after the cell that checks {task!r}, so nbgrader "
                    "would find it missing. Take the later name as the first argument, or move "
                    "the cell.",
                )  # fmt: skip


def parameters(exercise: Exercise, cells: Sequence[Cell]) -> Iterator[Finding]:
    """The reference takes what the notebook's answers take, by the same names.

    A learner is told of an argument by its name; and what the reference takes of other answers it
    takes by keyword only, or nothing is built on them.
    """
    asked: dict[str, list[str]] = {}
    for cell in (cell for cell in cells if cell.role == "solution"):
        for node in parse(cell.source["en"]).body:
            if isinstance(node, ast.FunctionDef):
                asked[node.name] = [argument.arg for argument in node.args.args]
    for name, function in references(exercise).items():
        if name not in asked or not inspect.isfunction(function):
            continue
        known = inspect.signature(function).parameters.values()
        taken = [p.name for p in known if p.kind is p.POSITIONAL_OR_KEYWORD]
        if taken != asked[name]:
            yield Finding(
                "parameters", f"{exercise.slug}/reference.py, {name!r}",
                f"It takes {', '.join(taken)}; the notebook's takes {', '.join(asked[name])}. Use "
                "the same names in the same order, and whatever else by keyword only.",
            )  # fmt: skip


def naming(
    exercise: Exercise, suite: Suite, wrong: list[Answer], right: list[Answer]
) -> Iterator[Finding]:
    """Answers stand for names that exist, and are caught by checks that use these names."""
    counts = Counter(answer.name for answer in wrong)
    for part, known in (("wrong", wrong), ("right", right)):
        for answer in known:
            where, name = f"{exercise.slug}/{part}.py, {answer.name!r}", answer.stands_for
            if name not in exercise.task_of:
                yield Finding("answer", where, f"No task defines {name!r}. Correct it.")
            if part == "wrong" and counts[answer.name] > 1:
                yield Finding("answer", where, "There are two of that name. Rename one.")
            check = suite.checks.get(answer.caught_by)
            if part == "wrong" and (check is None or name not in check.learner):
                yield Finding(
                    "answer", where,
                    f"It is to be caught by {answer.caught_by!r}, which is no check of {name!r}. "
                    "Name one that is.",
                )  # fmt: skip


def oracle(content: Content) -> Iterator[Finding]:
    """The reference answers every check, and has the property that the check asks for."""
    for check in content.suite.checks.values():
        where = f"{content.exercise.slug}/reference.py, check {check.name!r}"
        outcome = content.key.outcomes[check.name][()]
        if outcome.kind != "value":
            came_to = f"{outcome.kind} {outcome.error} {outcome.message}".strip()
            yield Finding("reference", where, f"The reference yields no observation: {came_to}. "
                          "Mend it or the probe.")  # fmt: skip
        elif outcome.value is None:
            yield Finding("reference", where, "The probe returns nothing. Return an observation.")
        elif check.expect is not None and not check.expect(outcome.value, outcome.value):
            yield Finding("reference", where, "The reference is not what the check expects: "
                          f"{check.expect.text['en']}. Mend one of them.")  # fmt: skip


def known_answers(content: Content) -> Iterator[Finding]:
    """What known answers come to: none that does nothing, each wrong one caught, no right one."""
    for rule in (attention, misconceptions, alternatives):
        yield from rule(content)


def attention(content: Content) -> Iterator[Finding]:
    """No check is passed by an answer whose results are nothing: the probe must look at them."""
    for check in content.checks:
        names = {**content.references, **dict.fromkeys(check.learner, _do_nothing)}
        outcome = run_probe(content.suite, check, names, seconds=content.exercise.check_seconds)
        if content.verdicts({check.name: outcome})[check.name].status == "pass":
            yield Finding(
                "vacuous", f"{content.exercise.slug}/checks.py, check {check.name!r}",
                "An answer that does nothing passes it. Return what the learner's function gives.",
            )  # fmt: skip


def _do_nothing(*_: Any, **__: Any) -> object:
    return object()


def misconceptions(content: Content) -> Iterator[Finding]:
    """Each is caught by the check that it names, by its own name; every check catches one."""
    catching: set[str] = set()
    checks = [check.name for check in content.checks]
    for answer in content.wrong:
        seen = {name: known[(answer.name,)] for name, known in content.key.outcomes.items()
                if (answer.name,) in known}  # fmt: skip
        verdicts = content.verdicts(seen)
        catching |= {name for name, v in verdicts.items() if v.status not in ("pass", "todo")}
        if answer.caught_by in checks:
            yield from _caught(content, answer, verdicts[answer.caught_by], seen[answer.caught_by])
    for name in checks:
        if name not in catching:
            yield Finding(
                "vacuous", f"{content.exercise.slug}/checks.py, check {name!r}",
                "No wrong answer fails it. Write one that does in wrong.py, or delete the check.",
            )  # fmt: skip


def _caught(content: Content, answer: Answer, verdict: Verdict, seen: Outcome) -> Iterator[Finding]:
    where = f"{content.exercise.slug}/wrong.py, {answer.name!r}"
    check = content.suite.checks[answer.caught_by]
    if verdict.status in ("pass", "todo", "internal"):
        yield Finding("caught", where, f"The check {check.name!r} says {verdict.status!r} of it. "
                      "Sharpen that check, or name another in `caught_by`.")  # fmt: skip
        return
    if verdict.misconception != answer.name:
        other = verdict.misconception
        taken = f"taken for {other!r}" if other else "not recognised"
        yield Finding("diagnosis", where, f"In {check.name!r} it is {taken}. Make the probe tell "
                      "them apart, or give `looks_like=`.")  # fmt: skip
    reference = content.key.outcomes[check.name][()]
    if check.expect is None and seen.kind == reference.kind == "value":
        if equal(seen.value, reference.value, _doubled(check.close)):
            yield Finding("tolerance", f"{content.exercise.slug}/checks.py, check {check.name!r}",
                          "An observation can be `close` to the reference and to "
                          f"{answer.name!r} at once. Tighten `close`.")  # fmt: skip


def _doubled(close: Tolerance) -> Tolerance:
    return Tolerance(2 * close.absolute, 2 * close.relative)


def alternatives(content: Content) -> Iterator[Finding]:
    """Every other right answer passes every check of its name."""
    for answer in content.right:
        names = {**content.references, answer.stands_for: answer.value}
        seen = {
            check.name: run_probe(
                content.suite, check, names, seconds=content.exercise.check_seconds
            )
            for check in content.checks
            if answer.stands_for in check.learner
        }
        verdicts = content.verdicts(seen)
        for name, outcome in seen.items():
            verdict = verdicts[name]
            if verdict.status != "pass":
                yield Finding(
                    "right", f"{content.exercise.slug}/right.py, {answer.name!r}",
                    f"The check {name!r} says {verdict.status!r}: {_came_to(outcome, verdict)}. "
                    "Mend the answer, or let the check accept it.",
                )  # fmt: skip


def _came_to(outcome: Outcome, verdict: Verdict) -> str:
    if outcome.kind == "value":
        return f"it yields {verdict.came_out}, not {verdict.expected['en']}"
    return f"{outcome.error} {outcome.message}".strip()
