"""The learner's work, carried from one edition of a notebook into another. Touches no file."""

from __future__ import annotations

import copy
import difflib
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from autograder.learner.workbook.nbfile import (
    Cell,
    Notebook,
    cell_id,
    defined_names,
    grade_id,
    is_locked,
    is_own_stub,
    is_python,
    is_solution,
    source,
    text,
)

SETUP = "setup"
_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOP = -1


@dataclass(frozen=True)
class Carried:
    """A new edition that holds the learner's work.

    Attributes
    ----------
    ids
        Cells of the new edition that now hold the learner's text.
    left_over
        The learner's cells that have no place in it.
    matched
        How many cells of the former notebook were recognised.
    pure
        Whether everything went to its own place by id, so that nothing had to be guessed.
    """

    notebook: Notebook
    ids: tuple[str, ...]
    left_over: tuple[Cell, ...]
    matched: int
    pure: bool


@dataclass
class _Sorted:
    """Where each cell that the learner wrote is to go; keys are positions in the new edition."""

    filled: dict[int, Cell] = field(default_factory=dict)
    added: defaultdict[int, list[Cell]] = field(default_factory=lambda: defaultdict(list))
    left_over: list[Cell] = field(default_factory=list)


def carry(mine: Notebook, new: Notebook, editions: Sequence[Notebook]) -> Carried:
    """Put the learner's work into a new edition.

    Parameters
    ----------
    mine
        The notebook as the learner left it.
    new
        The new edition, untouched.
    editions
        Former editions, untouched, as far as they are known: what stands in one of them is the
        course's text and not the learner's.
    """
    by_id = _pair(mine.cells, new.cells, {}, _ids)
    pairs = match(mine.cells, new.cells)
    work = _sort(mine, new, editions, pairs)
    omitted = _defined_elsewhere(new, set(pairs.values()), work)
    positions = list(pairs.values())
    return Carried(
        notebook=_assemble(mine, new, work, omitted),
        ids=tuple(cell_id(new.cells[position]) for position in sorted(work.filled)),
        left_over=tuple(work.left_over),
        matched=len(pairs),
        pure=not work.left_over
        and not omitted
        and by_id == pairs
        and positions == sorted(positions),
    )


def match(mine: Sequence[Cell], new: Sequence[Cell]) -> dict[int, int]:
    """Find the cells of `mine` in `new`: by id, nbgrader's name, text, names defined.

    Returns positions in `mine` with those in `new`, in the order of `mine`. No cell is used
    twice, and only cells of the same type are the same.
    """
    pairs: dict[int, int] = {}
    for keys in (_ids, _grade_ids, _texts, defined_names):
        pairs = _pair(mine, new, pairs, keys)
    return dict(sorted(pairs.items()))


def unique_id(cell: Cell, taken: Set[str]) -> str:
    """The id of `cell`, or one made from its text where it has none that is valid and free."""
    wanted, number = cell_id(cell), 0
    while wanted in taken or not _VALID_ID.fullmatch(wanted):
        seed = f"{number} {source(cell)}".encode("utf-8", "surrogatepass")
        wanted, number = hashlib.sha256(seed).hexdigest()[:12], number + 1
    return wanted


def fill(slot: Cell, cell: Cell) -> Cell:
    """The cell `slot` with the text and the outputs of `cell`."""
    kept = ("source", "outputs", "execution_count", "attachments")
    return {**copy.deepcopy(slot), **{key: cell[key] for key in kept if key in cell}}


def adopt(cells: Iterable[Cell], taken: set[str]) -> list[Cell]:
    """Cells made fit for a notebook that has the ids `taken`: own ids, no claim to be graded."""
    adopted = []
    for cell in cells:
        kept = copy.deepcopy(cell)
        meta = kept.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        ours = ("nbgrader", "touchstone")
        kept["metadata"] = {key: value for key, value in meta.items() if key not in ours}
        kept["id"] = unique_id(cell, taken)
        if kept["cell_type"] == "code":
            kept.setdefault("outputs", [])
            kept.setdefault("execution_count", None)
        taken.add(kept["id"])
        adopted.append(kept)
    return adopted


def _ids(cell: Cell) -> Set[str]:
    return {cell_id(cell)} - {""}


def _grade_ids(cell: Cell) -> Set[str]:
    return {grade_id(cell)} - {""}


def _texts(cell: Cell) -> Set[str]:
    return {text(cell)} - {""}


def _pair(
    mine: Sequence[Cell],
    new: Sequence[Cell],
    pairs: dict[int, int],
    keys: Callable[[Cell], Set[str]],
) -> dict[int, int]:
    """`pairs` and those that sharing one of `keys` adds."""
    taken = set(pairs.values())
    free: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for position, cell in enumerate(new):
        if position not in taken:
            for key in keys(cell):
                free[cell["cell_type"], key].append(position)
    found = dict(pairs)
    for position, cell in enumerate(mine):
        if position in pairs:
            continue
        places = [p for key in keys(cell) for p in free[cell["cell_type"], key] if p not in taken]
        if places:
            found[position] = min(places)
            taken.add(min(places))
    return found


def _sort(
    mine: Notebook, new: Notebook, editions: Sequence[Notebook], pairs: dict[int, int]
) -> _Sorted:
    """Say for each cell that the learner wrote whether it fills, is added or is left over."""
    editions = [edition for edition in editions if edition.origin != new.origin]
    course = {text(cell) for notebook in editions for cell in notebook.cells} | {""}
    former = {cell_id(cell) for notebook in editions for cell in notebook.cells}
    current = {cell_id(cell) for cell in new.cells}
    work, anchor = _Sorted(), _TOP
    for number, cell in enumerate(mine.cells):
        position = pairs.get(number)
        anchor = anchor if position is None else position
        present = position is not None and text(new.cells[position]) == text(cell)
        if present or text(cell) in course or is_own_stub(cell):
            continue
        if position is None:
            names = _ids(cell) | _grade_ids(cell)
            known = bool(names & former) if editions else bool(_grade_ids(cell))
            gone = known and not names & current
            place = max(anchor, _overruled(cell, mine.cells[:number], pairs))
            (work.left_over if gone else work.added[place]).append(cell)
        elif cell_id(new.cells[position]) == SETUP:
            _sort_setup(cell, position, new, _edition_of(mine, editions), work)
        elif is_locked(new.cells[position]):
            work.left_over.append(cell)
        else:
            work.filled[position] = cell
    return work


def _overruled(cell: Cell, before: Sequence[Cell], pairs: dict[int, int]) -> int:
    """The last answer cell whose names an added `cell` defines anew: it must stay after that."""
    names = defined_names(cell)
    places = [pairs.get(n, _TOP) for n, c in enumerate(before) if names & defined_names(c)]
    return max(places, default=_TOP)


def _sort_setup(
    cell: Cell, position: int, new: Notebook, base: Notebook | None, work: _Sorted
) -> None:
    """Keep an edited set-up cell if the course's is unchanged, else only the lines added to it.

    The former one as a whole would undo what the new edition sets up, its language above all.
    """
    stood = [source(c) for c in base.cells if cell_id(c) == SETUP] if base else []
    if stood and stood[0].strip() == text(new.cells[position]):
        work.filled[position] = cell
        return
    work.left_over.append(cell)
    if not stood:
        return
    diff = difflib.ndiff(stood[0].splitlines(), source(cell).splitlines())
    lines = "\n".join(line[2:] for line in diff if line.startswith("+ "))
    if lines.strip() and is_python(lines):
        own: Cell = {"cell_type": "code", "id": f"{SETUP}-added", "source": lines}
        work.added[position].append(own)


def _edition_of(mine: Notebook, editions: Sequence[Notebook]) -> Notebook | None:
    """The edition that the learner's notebook began as, if it is known."""
    return next((e for e in editions if e.origin == mine.origin), None)


def _defined_elsewhere(new: Notebook, paired: Set[int], work: _Sorted) -> set[int]:
    """Answer cells that the learner removed, having defined their names in another cell.

    Put back after that cell, the stub would undo the answer.
    """
    kept = [*work.filled.values(), *(cell for cells in work.added.values() for cell in cells)]
    defined = frozenset[str]().union(*(defined_names(cell) for cell in kept))
    return {
        position
        for position, cell in enumerate(new.cells)
        if position not in paired and is_solution(cell)
        if defined_names(cell) and defined_names(cell) <= defined
    }


def _assemble(mine: Notebook, new: Notebook, work: _Sorted, omitted: Set[int]) -> Notebook:
    taken = {cell_id(cell) for cell in new.cells}
    cells = adopt(work.added[_TOP], taken)
    for position, slot in enumerate(new.cells):
        if position not in omitted:
            answer = work.filled.get(position)
            cells.append(slot if answer is None else fill(slot, answer))
        cells += adopt(work.added[position], taken)
    about: dict[str, Any] = {**new.metadata, **mine.metadata}
    about["touchstone"] = dict(new.origin)
    return Notebook(tuple(cells), {**new.rest, "metadata": about})
