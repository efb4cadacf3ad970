"""Proving an exercise: each promise of the course is kept, or a finding says where it is not."""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import re
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autograder._parsing import parse
from autograder.dev.findings import Finding
from autograder.dev.percent import Cell, SourceError, read_cells
from autograder.dev.proofs import Proofs
from autograder.dev.rules import answers as answering
from autograder.dev.rules import figures, rendering, texts, views
from autograder.dev.rules.answers import Content
from autograder.dev.rules.homes import homes
from autograder.dev.rules.pointers import pointers
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.exercise.declaring import Answer
from autograder.exercise.suite import Suite, answers, load, references
from autograder.judging.results import SubmissionResult, Verdict
from autograder.language import LANGUAGES, Language

if TYPE_CHECKING:
    from autograder.engine.pool import Pool
    from autograder.engine.process import Launch
    from autograder.judging.key import AnswerKey

__all__ = ["Finding", "verify"]


def verify(exercise: Exercise, *, afresh: bool = False, pool: Pool | None = None) -> list[Finding]:
    """Check every promise of `exercise` and return those that it does not keep.

    The untouched notebook scores nothing, all ``todo``; the solution scores full marks in both
    languages; other right answers pass; wrong ones fail where they say and are recognised;
    every check is failed by one; no solution leaks; both languages are complete; the generated
    notebooks and figures are fresh, and the lessons show the figures; every task answers what is
    asked, no text points at nothing, and none shows a stray mark or a gap.
    Promises that rest on a broken one are left out.

    What was proven before, of the very same content, is not proven again unless `afresh` is asked.
    Whoever proves many has a `pool` that is warm for all of them, behind walls where they stand.
    """
    # Its notes on what it loads would hide the findings.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # These rest on other exercises too, and are found in no time.
    findings = [*homes(exercise), *pointers(exercise)]
    proofs = Proofs(exercise, afresh=afresh)
    everything = proofs.of_everything()
    if proofs.hold(everything):
        return findings
    findings += _proven_anew(exercise, proofs, pool)
    if not findings:
        proofs.keep(everything)
    return findings


def _proven_anew(exercise: Exercise, proofs: Proofs, pool: Pool | None) -> Iterator[Finding]:
    yield from texts.metadata(exercise)
    yield from texts.lessons(exercise)
    yield from figures.figures(exercise)
    try:
        cells = read_cells(exercise)
    except SourceError as error:
        yield Finding("source", error.where, error.what)
        return
    yield from texts.prose(exercise, cells)
    yield from rendering.rendered(exercise, cells)
    for rule in (views.fresh, views.valid, views.alike):
        yield from rule(exercise)
    yield from views.sealed(exercise, cells)
    yield from _content(exercise, cells, proofs, pool)


def _content(
    exercise: Exercise, cells: tuple[Cell, ...], proofs: Proofs, pool: Pool | None
) -> Iterator[Finding]:
    """Everything that runs the checks."""
    broken = list(_unloadable(exercise))
    if broken:
        yield from broken
        return
    suite = Suite(exercise)
    wrong, right = answers(exercise, "wrong"), answers(exercise, "right")
    yield from texts.claims(exercise, list(suite.checks.values()))
    yield from texts.misconceptions(exercise, wrong)
    yield from rendering.told(exercise, list(suite.checks.values()), wrong)
    unfit = [
        *answering.belonging(exercise, suite),
        *answering.naming(exercise, suite, wrong, right),
    ]
    if unfit:
        yield from unfit
        return
    yield from answering.order(exercise, suite, cells)
    yield from answering.parameters(exercise, cells)
    yield from _answered(exercise, cells, proofs, suite, (wrong, right), pool)


def _answered(
    exercise: Exercise,
    cells: tuple[Cell, ...],
    proofs: Proofs,
    suite: Suite,
    known: tuple[list[Answer], list[Answer]],
    pool: Pool | None,
) -> Iterator[Finding]:
    """What the reference, the known answers and the notebooks come to, task by task."""
    from autograder.engine import WorkerFailed
    from autograder.grading.oracle import answer_key, reference_key
    from autograder.judging.key import AnswerKey

    keys = {task.name: proofs.of_task(suite, task.name) for task in exercise.tasks}
    unproven = [name for name, key in keys.items() if not proofs.hold(key)]
    try:
        found = answer_key(exercise, tasks=unproven)
        # After it, since it holds what the reference yields for the same tasks.
        reference = reference_key(exercise)
    except WorkerFailed as error:
        yield Finding("reference", f"{exercise.slug}/reference.py", f"{error}. Mend it.")
        return
    key = AnswerKey({**reference.outcomes, **found.outcomes}, found.misconceptions)
    whole = Content(exercise, suite, references(exercise), *known, key)
    unanswered = list(answering.oracle(whole))
    if unanswered:
        yield from unanswered
        return
    for name in unproven:
        yield from _kept(proofs, keys[name], list(answering.known_answers(whole.of_task(name))))
    graded = proofs.of_grading()
    if not proofs.hold(graded):
        yield from _kept(proofs, graded, list(_graded(exercise, cells, reference, pool)))


def _kept(proofs: Proofs, key: str, findings: list[Finding]) -> list[Finding]:
    """The findings; if there are none, what `key` stands for is remembered."""
    if not findings:
        proofs.keep(key)
    return findings


def _unloadable(exercise: Exercise) -> Iterator[Finding]:
    """The parts that cannot be imported, and the names that the reference lacks."""
    parts: tuple[Literal["checks", "reference", "wrong", "right"], ...]
    parts = ("checks", "reference", "wrong", "right")
    for part in parts:
        path = exercise.folder / f"{part}.py"
        where = f"{exercise.slug}/{part}.py"
        if not path.is_file():
            yield Finding("loads", where, "The file is missing. Write it.")
            continue
        try:
            module = load(exercise, part)
        except Exception as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                     if f.filename == str(path)]  # fmt: skip
            line = f", line {lines[-1]}" if lines else ""
            yield Finding("loads", where + line, f"{type(error).__name__}: {error}. Mend it.")
            continue
        if part == "reference":
            for name in exercise.task_of:
                if not hasattr(module, name):
                    yield Finding("loads", where, f"It lacks {name!r}. Write the oracle for it.")


def _graded(
    exercise: Exercise, cells: tuple[Cell, ...], key: AnswerKey, warm: Pool | None
) -> Iterator[Finding]:
    """The untouched notebook is all ``todo``; the solved one passes whole, behind walls too."""
    from autograder.engine import walls
    from autograder.engine.fresh import fresh_worker
    from autograder.engine.pool import pool_of

    kinds = list(itertools.product(LANGUAGES, (False, True)))
    if _share_their_code(cells):
        # What is graded is then the same: only that it is handed out whole is another question.
        kinds.remove((LANGUAGES[1], True))
    # Behind walls no other course can be read than the one that is in use.
    walled = walls.available() and exercise.folder.parent == catalog.COURSE
    own = contextlib.nullcontext(warm) if warm else pool_of([exercise], walled=walled)
    with own as pool, ThreadPoolExecutor(2) as threads:
        if walled and pool is None:
            yield Finding("walls", exercise.slug, "They do not stand. Run `touchstone doctor`.")
        launch = pool.worker if pool else fresh_worker
        results = threads.map(lambda kind: _grade(exercise, cells, key, launch, *kind), kinds)
        for (language, solved), result in zip(kinds, results, strict=True):
            where = f"{exercise.slug}/notebook.py ({language})"
            yield from _judged(result, where, solved)


_NAMES = re.compile(r"^EXERCISE, LANGUAGE = .*$", re.MULTILINE)


def _share_their_code(cells: tuple[Cell, ...]) -> bool:
    """Whether all that answers and probes rest on is the same code in each language."""
    return all(
        len({ast.dump(parse(_NAMES.sub("", text))) for text in cell.source.values()}) == 1
        for cell in cells
        if cell.role in ("setup", "solution")
    )


def _judged(result: SubmissionResult, where: str, solved: bool) -> Iterator[Finding]:
    wanted, rule = ("pass", "solution") if solved else ("todo", "stub")
    if result.problem:
        yield Finding(rule, where, f"It is not graded. {result.problem['en']}")
    for task in result.tasks:
        for verdict in task.verdicts:
            if verdict.status != wanted:
                place = f"{where}, task {task.name!r}, check {verdict.name!r}"
                yield Finding(rule, place, _not_wanted(rule, verdict))
    for cell in result.cells if solved else ():
        if cell.error:
            place = f"{where}, cell {cell.id!r}"
            yield Finding(rule, place, f"It raises {cell.error}: {cell.message}. Mend it.")


def _not_wanted(rule: str, verdict: Verdict) -> str:
    if rule == "stub":
        return (
            f"The untouched notebook gets {verdict.status!r}, not 'todo'. Put what answers it "
            "between solution markers, and let the probe call the learner's function."
        )
    looks = f" It is taken for {verdict.misconception!r}." if verdict.misconception else ""
    return (
        f"The solution gets {verdict.status!r}: it yields {verdict.came_out or 'nothing'}, not "
        f"{verdict.expected['en'] or 'an observation'}. {verdict.message['en']}{looks} "
        "Mend the solution or the reference."
    )


def _grade(
    exercise: Exercise,
    cells: tuple[Cell, ...],
    key: AnswerKey,
    launch: Launch,
    language: Language,
    solved: bool,
) -> SubmissionResult:
    """Grade a notebook as `build` would make it, by the way that every submission goes."""
    from autograder.dev.views import exercise_view, solution_view, to_text
    from autograder.engine import observe, read_notebook
    from autograder.grading.grade import judged

    view = (solution_view if solved else exercise_view)(exercise, cells, language)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        path = Path(folder) / f"{exercise.slug}.ipynb"
        path.write_text(to_text(view), "utf-8")
        notebook = read_notebook(path, course=exercise.folder.parent)
    # Whole: for a grade, an untouched notebook is not run at all, and this is what it rests on.
    # What only shows something is the same code in each language, and takes the longest.
    whole = not solved or language == LANGUAGES[0]
    observed = observe(
        notebook, exercise, course=exercise.folder.parent, launch=launch, whole=whole
    )
    return judged(notebook, exercise, observed, key, started=started)
