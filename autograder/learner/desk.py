"""The learner's day: what the commands do, apart from printing."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder._errors import BilingualError
from autograder.engine import Notebook, UnreadableNotebook, ours, read_notebook
from autograder.engine.needed import handout
from autograder.engine.pool import Pool, pool_of
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.edition import edition
from autograder.grading.grade import Told, exercises_of, grade, grade_path
from autograder.grading.journal import Journal, default_path
from autograder.judging.results import SubmissionResult
from autograder.language import LANGUAGES, Language, Text
from autograder.learner import workbook
from autograder.learner.naming import at, named
from autograder.learner.workbook import Workbook
from autograder.report.standing import Next, Standing

if TYPE_CHECKING:
    from autograder.report.progress import NotebookBar


class NotYet(BilingualError):
    """Something that the learner has to do first."""


@dataclass(frozen=True)
class Desk:
    """Where the learner works: the workbook around the present folder, if any, and a journal."""

    language: Language
    book: Workbook | None

    @classmethod
    def here(cls, language: Language | None, fallback: Language) -> Desk:
        """The desk for the present folder; `language`, if given, wins over the workbook's."""
        book = workbook.find(Path.cwd())
        return cls(language or (book.language if book else fallback), book)

    @property
    def journal(self) -> Path:
        """Where attempts are written down."""
        return self.book.journal if self.book else default_path()

    def notebooks(self) -> list[Path]:
        """The workbook's notebooks.

        Raises
        ------
        NotYet
            If there is no workbook here.
        """
        if self.book is None or not self.book.notebooks:
            raise NotYet(
                "There is no workbook here. Name a notebook, or make a workbook with "
                "`touchstone start`.",
                "这里没有练习册。请给出 notebook 的路径，或先用 `touchstone start` 建一个。",
            )
        return list(self.book.notebooks)

    def notebook(self, exercise: Exercise) -> Path:
        """The workbook's notebook of an exercise, there or not; `NotYet` without a workbook."""
        self.notebooks()
        assert self.book is not None
        return self.book.folder / f"{exercise.slug}.ipynb"

    def named(self, names: Iterable[str]) -> dict[Path, set[str]]:
        """The notebooks that `names` stand for, by default all, with the tasks named in each."""
        return at(names, self.notebook) or {path: set() for path in self.notebooks()}


def graded_before(path: Path, journal: Journal) -> SubmissionResult | None:
    """The result in the journal, if the very same code was graded before with all as it is now."""
    try:
        notebook = read_notebook(path)
    except UnreadableNotebook:
        return None
    exercise = catalog.exercise(notebook.exercise)
    return journal.attempt(notebook.digest, exercise.slug, edition(exercise))


def grade_and_record(
    path: Path,
    journal: Journal,
    *,
    pool: Pool | None = None,
    whole: bool = False,
    told: Told | None = None,
) -> SubmissionResult:
    """Grade a notebook and write the attempt down.

    Parameters
    ----------
    pool
        Where to run it; by default in a fresh process.
    whole
        Run every cell and draw its figures, for a report that shows them.
    told
        Called with each step as it begins.
    """
    try:
        notebook = read_notebook(path)
    except UnreadableNotebook:
        return grade_path(path)
    exercise = catalog.exercise(notebook.exercise)
    result = grade(notebook, exercise, pool=pool, whole=whole, told=told)
    if _is_the_solution(notebook, exercise):
        return replace(result, notes=(_NOT_YOURS, *result.notes))
    from autograder.learner.redoing import tasks_of

    if again := tasks_of(path):
        # The others are there for this one to rest on: nobody did them just now.
        result = replace(narrowed(result, again), max_points=exercise.points)
    if result.tasks and not result.at_fault:
        journal.record(result, notebook.digest, edition(exercise))
    return result


def grade_all(
    paths: Sequence[Path], journal: Journal, *, again: bool, whole: bool, bar: NotebookBar
) -> tuple[list[SubmissionResult], list[Path]]:
    """Grade notebooks and write the attempts down; which did not change since they were graded.

    Parameters
    ----------
    again
        Also those that did not change.
    whole
        Run every cell, and so all of them, for a report that shows them.
    bar
        Told what is done.
    """
    remember = not again and not whole
    before = {path: graded_before(path, journal) for path in paths} if remember else {}
    unchanged = [path for path in paths if before.get(path) is not None]
    left = [path for path in paths if path not in unchanged]
    # One process serves all that is to be run; for a single one it would start no sooner.
    warm = exercises_of(left, begun=not whole) if len(left) > 1 else []
    results = []
    with pool_of(warm) as pool, ours.kept():
        for path in paths:
            bar.begin(path.name)
            results.append(
                before.get(path)
                or grade_and_record(path, journal, pool=pool, whole=whole, told=bar.step)
            )
    return results, unchanged


def _is_the_solution(notebook: Notebook, exercise: Exercise) -> bool:
    """Whether it is the course's own, in whichever language and folder."""
    ours = (handout(exercise.notebook(n, solved=True), exercise.folder.parent) for n in LANGUAGES)
    return any(solution is not None and solution.cells == notebook.cells for solution in ours)


_NOT_YOURS: Text = {
    "en": "This is the course's own solution: it is not remembered as yours.",
    "zh": "这是课程自带的答案，不会记作你的作答。",
}


def narrowed(result: SubmissionResult, tasks: Collection[str]) -> SubmissionResult:
    """`result` with these of its tasks only, as if the exercise had no other; whole for none."""
    if not tasks or result.problem is not None:
        return result
    kept = tuple(task for task in result.tasks if task.name in tasks)
    points = round(sum(task.points for task in kept), 2)
    most = sum(task.max_points for task in kept)
    return replace(result, tasks=kept, points=points, max_points=most)


def choose_model(name: str | None, notebooks: Sequence[Path]) -> None:
    """Run the notebooks' exercises on the model `name` from now on, if one is given.

    Raises
    ------
    ModelNotFound
        If an exercise among them works on a model and `name` is nowhere on this machine.
    """
    if name is None:
        return
    from autograder.models import locate

    if Path(name).is_dir():
        name = str(Path(name).resolve())
    for path in notebooks:
        with contextlib.suppress(UnreadableNotebook):
            kind = catalog.exercise(read_notebook(path).exercise).model
            if kind:
                locate(kind, name)
    os.environ["TOUCHSTONE_MODEL"] = name


def standings(book: Workbook, journal: Journal) -> tuple[list[Standing], Next | None]:
    """Where every exercise of a workbook stands, and what to do next."""
    found: list[Standing] = []
    begun: Next | None = None
    fresh: Next | None = None
    for exercise in catalog.exercises():
        path = book.folder / f"{exercise.slug}.ipynb"
        result = None
        if path.is_file():
            result = graded_before(path, journal) or grade_and_record(path, journal)
        started = result is not None and any(task.status != "todo" for task in result.tasks)
        points = result.points if result is not None and started else None
        done = result is not None and result.passed
        found.append(Standing(exercise, points, done))
        if done:
            continue
        if started and begun is None and result is not None:
            name = next(task.name for task in result.tasks if task.status != "pass")
            begun = Next(exercise, f"hint {exercise.slug}/{name}", exercise.task(name))
        elif fresh is None:
            fresh = Next(exercise, f"lesson {exercise.slug}")
    return found, begun or fresh


def solution_of(
    name: str, desk: Desk, journal: Journal, *, give_up: bool, passed: bool = False
) -> str:
    """The code of a task's solution, or of a whole exercise's, once it was earned.

    Parameters
    ----------
    passed
        It was passed just now, where nothing is written down.

    Raises
    ------
    NotYet
        If it was neither passed nor given up.
    """
    found = named(name)
    exercise, tasks = found.exercise, (found.task,) if found.task else found.exercise.tasks
    for task in tasks:
        if give_up:
            journal.give_up(exercise.slug, task.name)
        elif (
            not passed
            and not journal.passed(exercise.slug, task.name)
            and not journal.gave_up(exercise.slug, task.name)
        ):
            raise NotYet(
                f"{exercise.slug}/{task.name} is not passed yet. Grade it first, open a hint with "
                f"`touchstone hint {exercise.slug}/{task.name}`, or give up with --give-up.",
                f"{exercise.slug}/{task.name} 还没有通过。请先评分，或用 "
                f"`touchstone hint {exercise.slug}/{task.name}` 看提示；想放弃就加 --give-up。",
            )
    return _solution_cells(exercise, tasks, desk.language)


def _solution_cells(exercise: Exercise, tasks: Sequence[Task], language: Language) -> str:
    """Source of the solution's cells that define the tasks' names, without the build's marks."""
    from autograder.engine.sources import defined_names

    path = exercise.notebook(language, solved=True)
    content = json.loads(path.read_text("utf-8"))
    wanted = {name for task in tasks for name in task.defines}
    sources = ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "code"]
    shown = [source for source in sources if wanted & defined_names(source)]
    lines = "\n\n\n".join(source.strip() for source in shown).splitlines()
    return "\n".join(line for line in lines if line.strip()[:4] != "### ")


def task_to_do(name: str, journal: Journal) -> tuple[Exercise, Task]:
    """The task of this name; of an exercise the first that was never passed, else its first."""
    found = named(name)
    exercise = found.exercise
    left = (task for task in exercise.tasks if not journal.passed(exercise.slug, task.name))
    return exercise, found.task or next(left, exercise.tasks[0])


def demo(language: Language, *, whole: bool = False, told: Told | None = None) -> SubmissionResult:
    """Grade a half-finished attempt at ``metrics``: something right, wrong, and untouched."""
    from autograder.learner.demo import half_finished

    exercise = catalog.exercise("metrics")
    attempt = half_finished(exercise, language)
    with tempfile.TemporaryDirectory(prefix="touchstone-demo-") as folder:
        path = Path(folder) / "metrics.ipynb"
        path.write_text(json.dumps(attempt, ensure_ascii=False), "utf-8")
        result = grade(read_notebook(path), exercise, whole=whole, told=told)
    return _renamed(result, os.path.join("demo", "metrics.ipynb"))


def _renamed(result: SubmissionResult, path: str) -> SubmissionResult:
    return replace(result, path=path)
