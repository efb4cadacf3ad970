"""A passed task again, from a blank cell in a notebook of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from pathlib import Path

from autograder import _files
from autograder._errors import WorkbookError
from autograder.engine.needed import uses_of
from autograder.exercise.catalog import Exercise, Task
from autograder.exercise.suite import Suite
from autograder.grading.journal import Journal
from autograder.language import Text
from autograder.learner.desk import Desk, NotYet
from autograder.learner.naming import named
from autograder.learner.workbook import Workbook, nbfile, shipped
from autograder.learner.workbook.nbfile import (
    Cell,
    Notebook,
    cell_id,
    is_check,
    is_own_stub,
    is_solution,
    source,
)

FOLDER = "redo"
_TITLE: Text = {
    "en": "# Again: {title}\n\nYou passed this on {day}. Write it once more without looking; what "
    "it rests on is yours from then. It is graded like any other task.",
    "zh": "# 重做：{title}\n\n这道题你在 {day} 通过了。不看旧答案，再写一遍；它依赖的函数用的是你"
    "当时的作答。评分方式与平时相同。",
}


def redo(name: str, desk: Desk, journal: Journal) -> Path:
    """Make a notebook for a task that was passed; by default the one passed longest ago.

    Parameters
    ----------
    name
        A task, or an exercise for one of its own; empty for any.

    Raises
    ------
    NotYet
        If there is no workbook, or nothing of the kind was passed.
    WorkbookError
        If it cannot be written.
    """
    desk.notebooks()
    assert desk.book is not None
    exercise, task, day = _chosen(name, journal)
    release = shipped.present(exercise, desk.language)
    solved = nbfile.parse(exercise.notebook(desk.language, solved=True).read_bytes())
    answers = _answers(desk.notebook(exercise), solved, exercise, journal)
    cells = again(release.notebook, solved, answers, Suite(exercise), task)
    head: Cell = {
        "cell_type": "markdown", "id": "again", "metadata": {},
        "source": _TITLE[desk.language].format(title=task.title[desk.language], day=day),
    }  # fmt: skip
    made = Notebook((head, *map(_moved, cells)), release.notebook.rest)
    return _written(desk.book, f"{exercise.slug}-{task.name}", nbfile.dump(made))


def tasks_of(path: Path) -> frozenset[str]:
    """The tasks that a notebook made by `redo` asks for again; none of any other notebook."""
    if path.parent.name != FOLDER or not (path.parent.parent / ".touchstone").is_dir():
        return frozenset()
    with contextlib.suppress(OSError, nbfile.Unreadable):
        cells = nbfile.parse(path.read_bytes()).cells
        return frozenset(cell_id(c).removesuffix("-check") for c in cells if is_check(c))
    return frozenset()


def again(
    release: Notebook, solved: Notebook, answers: Mapping[str, Cell], suite: Suite, task: Task
) -> list[Cell]:
    """The cells of a notebook for `task` alone: its own, blank, and those that it rests on.

    Parameters
    ----------
    solved
        The solution, for the names that an answer may want.
    answers
        Cells for the tasks below, by the ids of those that they stand for.
    """
    own = _section(release.cells, task.name)
    lines = [source(cell) for cell in own if cell["cell_type"] == "code"]
    lines += [source(cell) for cell in solved.cells if cell_id(cell) in set(map(cell_id, own))]
    wanted = set(suite.names_of(task.name)).union(*(uses_of(text).reads for text in lines))
    kept = {cell_id(cell): cell for cell in own}
    for cell in reversed(release.cells):  # what a cell rests on stands above it
        held = answers.get(cell_id(cell)) if is_solution(cell) else cell
        if cell_id(cell) in kept or held is None or is_check(cell):
            continue
        uses = uses_of(source(held)) if cell["cell_type"] == "code" else None
        if uses is not None and (cell_id(cell) == "setup" or uses.binds & wanted):
            kept[cell_id(cell)] = held
            wanted |= uses.reads
    return list(_with_prose(release.cells, kept))


def _moved(cell: Cell) -> Cell:
    """The same a folder deeper: links to the lessons lead there from here too."""
    if cell["cell_type"] == "code":
        return cell
    return {**cell, "source": source(cell).replace("](lessons/", "](../lessons/")}


def _section(cells: Sequence[Cell], task: str) -> list[Cell]:
    """The cells of a task: from its text, or the check before it, to its own check."""
    section: list[Cell] = []
    for cell in cells:
        if cell_id(cell) == f"{task}-task":
            section = []
        section.append(cell)
        if is_check(cell):
            if cell_id(cell) == f"{task}-check":
                break
            section = []
    return [cell for cell in section if cell_id(cell) != "setup"]


def _with_prose(cells: Sequence[Cell], kept: Mapping[str, Cell]) -> Iterator[Cell]:
    """The cells `kept` in their order, and what is said right above one, or before all tasks."""
    pending: list[Cell] = []
    begun = False
    for number, cell in enumerate(cells):
        begun = begun or is_solution(cell)
        if cell["cell_type"] != "code" and cell_id(cell) not in kept:
            is_task = cell_id(cell).endswith("-task")
            pending = [*pending, cell] if number and not begun and not is_task else [cell]
            continue
        if cell_id(cell) in kept:
            # A text of another task would ask for what is answered here already.
            yield from (c for c in pending if not cell_id(c).endswith("-task"))
            yield kept[cell_id(cell)]
        pending = []


def _chosen(name: str, journal: Journal) -> tuple[Exercise, Task, date]:
    """The task meant by `name`, and the day on which it was passed last."""
    found = named(name) if name else None
    for (slug, task), when in journal.passes().items():
        with contextlib.suppress(Exception):  # of an exercise that is no more
            one = named(f"{slug}/{task}")
            if one.task and (found is None or found in (one, type(one)(one.exercise))):
                return one.exercise, one.task, when.astimezone().date()
    if found is None or found.task is None:
        raise NotYet(
            f"No task {'of ' + name + ' ' if name else ''}is passed yet, so there is none to do "
            "again. `touchstone` says what comes next.",
            f"{name and name + ' 里'}还没有通过的题，没有可重做的。运行 `touchstone` 看下一步。",
        )
    raise NotYet(
        f"{name} is not passed yet. It stands in {found.exercise.slug}.ipynb; do it there first.",
        f"{name} 还没有通过。请先在 {found.exercise.slug}.ipynb 里完成。",
    )


def _answers(path: Path, solved: Notebook, exercise: Exercise, journal: Journal) -> dict[str, Cell]:
    """The learner's answers by the ids of their cells; the solution's where they are lost."""
    found: dict[str, Cell] = {}
    for cell in solved.cells:
        names = uses_of(source(cell)).binds if is_solution(cell) else frozenset()
        owners = {exercise.task_of[name].name for name in names if name in exercise.task_of}
        if owners and all(journal.passed(exercise.slug, task) for task in owners):
            text = "\n".join(line for line in source(cell).split("\n") if "### " not in line)
            found[cell_id(cell)] = _bare(cell, text)
    with contextlib.suppress(OSError, nbfile.Unreadable):
        for cell in nbfile.parse(path.read_bytes()).cells:
            if is_solution(cell) and not is_own_stub(cell):
                found[cell_id(cell)] = _bare(cell, source(cell))
    return found


def _bare(cell: Cell, text: str) -> Cell:
    return {**cell, "source": text, "outputs": [], "execution_count": None}


def _written(book: Workbook, stem: str, data: bytes) -> Path:
    folder = book.folder / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        for name in _names(f"{stem}-{date.today().isoformat()}"):
            with contextlib.suppress(FileExistsError):
                _files.create(folder / name, data)
                return folder / name
    except OSError as error:
        raise WorkbookError(
            f"{folder} cannot be written: {error.strerror or error}. Free space or mend the "
            "rights, then run the command again.",
            f"无法写入 {folder}：{error.strerror or error}。请检查磁盘空间和写入权限后重试。",
        ) from error
    raise AssertionError("unreachable")


def _names(stem: str) -> Iterable[str]:
    return (f"{stem}{'' if number == 1 else f'-{number}'}.ipynb" for number in count(1))
