"""Stubs put back for some tasks of a notebook. Touches no file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from autograder._errors import WorkbookError
from autograder.learner.workbook import carrying
from autograder.learner.workbook.nbfile import Cell, Notebook, cell_id, is_check, is_solution


def restore(mine: Notebook, release: Notebook, tasks: Collection[str]) -> Notebook:
    """The notebook `mine` with the answer and check cells of `tasks` as released.

    Raises
    ------
    WorkbookError
        If the release has no such task, or none is named.
    """
    cells_of = _by_task(release.cells)
    unknown = sorted(set(tasks) - set(cells_of))
    if unknown or not tasks:
        named, names, slug = ", ".join(unknown), ", ".join(cells_of), release.origin["exercise"]
        raise WorkbookError(
            f"{slug} has no task {named!r}. Its tasks: {names}.",
            f"{slug} 里没有任务 {named!r}。可选的任务：{names}。",
        )
    wanted = {position for task in tasks for position in cells_of[task]}
    place_of = {new: old for old, new in carrying.match(mine.cells, release.cells).items()}
    cells = list(mine.cells)
    missing: defaultdict[int, list[Cell]] = defaultdict(list)
    anchor = -1
    for position, slot in enumerate(release.cells):
        anchor = place_of.get(position, anchor)
        if position in wanted and position in place_of:
            cells[anchor] = slot
        elif position in wanted:
            missing[anchor].append(slot)
    return replace(mine, cells=tuple(_woven(cells, missing)))


def _by_task(cells: Sequence[Cell]) -> dict[str, list[int]]:
    """Positions of each task's check cell and of the answer cells since the check before it."""
    tasks: dict[str, list[int]] = {}
    pending: list[int] = []
    for position, cell in enumerate(cells):
        if is_solution(cell):
            pending.append(position)
        elif is_check(cell):
            tasks[cell_id(cell).removesuffix("-check")] = [*pending, position]
            pending = []
    return tasks


def _woven(cells: Sequence[Cell], missing: defaultdict[int, list[Cell]]) -> Iterator[Cell]:
    """`cells` with the `missing` ones after their positions; no id is there twice."""
    taken = {cell_id(slot) for slots in missing.values() for slot in slots}
    yield from missing[-1]
    for position, cell in enumerate(cells):
        yield {**cell, "id": carrying.unique_id(cell, taken)} if cell_id(cell) in taken else cell
        yield from missing[position]
