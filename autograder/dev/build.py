"""Making the notebooks and figures of an exercise, or telling that they are stale."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from autograder._files import replace
from autograder._parsing import parse
from autograder.dev import figures
from autograder.dev.findings import BuildError, Change
from autograder.dev.percent import read_cells
from autograder.dev.views import exercise_view, read, solution_view, to_text, without_outputs
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}|Wall time: |CPU times: ")
_KERNEL_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def build(
    exercise: Exercise, *, check: bool = False, force: bool = False, execute: bool = True
) -> list[Change]:
    """Write the notebooks and figures of `exercise`, in both languages, that are not up to date.

    Solutions run afresh in a kernel of their own, but only where their code changed or the
    outputs on disk are not sound; where only prose or comments changed, outputs are kept. A
    rebuild without changes writes nothing.

    Parameters
    ----------
    check
        Write nothing. Sources are compared byte for byte (solutions without their outputs),
        figures are drawn and compared, and every solution runs and must hold no error.
    force
        Run every solution again.
    execute
        With `check`, whether to run the solutions and to draw; else a figure is compared by what
        it says it was drawn from.

    Returns
    -------
    list of Change
        What was written; with `check`, what is stale or fails.

    Raises
    ------
    SourceError
        If ``notebook.py`` breaks a rule of its format.
    BuildError
        If a solution or a figure fails and `check` is false.
    """
    cells = read_cells(exercise)
    changes = figures.stale(exercise, redraw=execute) if check else figures.build(exercise)
    for language in LANGUAGES:
        path = exercise.notebook(language)
        changes += _exercise(path, to_text(exercise_view(exercise, cells, language)), check)
    for language in LANGUAGES:
        path = exercise.notebook(language, solved=True)
        wanted = solution_view(exercise, cells, language)
        if check:
            changes += _stale_solution(exercise, path, wanted, execute)
        elif force or _runs_otherwise(path, wanted) or problem_in(path):
            _write(path, to_text(run(exercise, wanted, path)))
            changes.append(Change(path, "written, its outputs made afresh"))
        elif _differs(path, wanted):
            _write(path, to_text(_with_outputs(wanted, path)))
            changes.append(Change(path, "written, its outputs kept"))
    return changes


def run(exercise: Exercise, notebook: NotebookNode, path: Path) -> NotebookNode:
    """Run a copy of `notebook` from top to bottom and return it with its outputs.

    Raises
    ------
    BuildError
        If a cell fails, or its output holds something that differs between machines; the
        message calls the notebook by `path`.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    ran = without_outputs(notebook)
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        client = NotebookClient(
            ran,
            timeout=max(60, int(10 * exercise.cell_seconds)),
            kernel_name="python3",
            allow_errors=True,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        settings = {**_KERNEL_SETTINGS, "IPYTHONDIR": folder}
        settings["TOUCHSTONE_COURSE"] = str(exercise.folder.parent)
        try:
            # The kernel's own log is not ours to show; what cells write comes as outputs.
            client.execute(env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
        except (CellTimeoutError, DeadKernelError, CellExecutionError) as error:
            raise BuildError(f"{path}: {str(error).strip()}") from None
    ran.metadata = without_outputs(notebook).metadata
    for cell in ran.cells:
        cell.metadata.pop("execution", None)
    problem = next(_problems(ran), "")
    if problem:
        raise BuildError(f"{path}: {problem}. Mend notebook.py or the reference, then build again.")
    return ran


def orphans(root: Path) -> list[Path]:
    """Generated notebooks under `root` whose exercise is gone."""
    course = root / "autograder" / "course"
    return [
        path
        for room in ("exercises", "solutions")
        for path in sorted((root / room).glob("*/*.ipynb"))
        if not (course / path.stem / "exercise.toml").is_file()
    ]


def problem_in(path: Path) -> str:
    """What is wrong with the outputs of the solution notebook at `path`; empty if nothing."""
    notebook = read(path)
    if notebook is None:
        return "is not a notebook"
    unrun = [c.id for c in notebook.cells if c.cell_type == "code" and not c.execution_count]
    return f"cell {unrun[0]!r} was never run" if unrun else next(_problems(notebook), "")


def _exercise(path: Path, wanted: str, check: bool) -> list[Change]:
    if path.is_file() and path.read_bytes() == wanted.encode():
        return []
    if check:
        return [_stale(path, path.stem)]
    _write(path, wanted)
    return [Change(path, "written")]


def _stale_solution(
    exercise: Exercise, path: Path, wanted: NotebookNode, execute: bool
) -> list[Change]:
    if _differs(path, wanted):
        return [_stale(path, exercise.slug)]
    problem = problem_in(path)
    if problem:
        return [Change(path, f"{problem}. Run `touchstone dev build {exercise.slug}`.")]
    if execute:
        try:
            run(exercise, wanted, path)
        except BuildError as error:
            return [Change(path, str(error).removeprefix(f"{path}: "))]
    return []


def _stale(path: Path, slug: str) -> Change:
    state = "is stale" if path.is_file() else "is missing"
    return Change(path, f"{state}. Run `touchstone dev build {slug}`.")


def _differs(path: Path, wanted: NotebookNode) -> bool:
    """Whether the file, without its outputs, is not `wanted` byte for byte."""
    notebook = read(path)
    if notebook is None or to_text(notebook).encode() != path.read_bytes():
        return True
    return to_text(without_outputs(notebook)) != to_text(wanted)


def _runs_otherwise(path: Path, wanted: NotebookNode) -> bool:
    """Whether the code of the notebook at `path`, but for comments, is not that of `wanted`."""
    notebook = read(path)
    return notebook is None or _code(notebook) != _code(wanted)


def _code(notebook: NotebookNode) -> list[tuple[str, str]]:
    cells = [cell for cell in notebook.cells if "outputs" in cell]
    try:
        return [(cell.get("id", ""), ast.dump(parse(cell.source))) for cell in cells]
    except SyntaxError:
        return [(cell.get("id", ""), cell.source) for cell in cells]


def _with_outputs(wanted: NotebookNode, path: Path) -> NotebookNode:
    """A copy of `wanted` with the outputs that the same code has at `path`."""
    notebook = without_outputs(wanted)
    ran = {cell.id: cell for cell in (read(path) or wanted).cells}
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = ran[cell.id].outputs
            cell.execution_count = ran[cell.id].execution_count
    return notebook


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, text.encode())


def _problems(notebook: NotebookNode) -> Iterator[str]:
    """What makes outputs unfit to be committed: errors, warnings, traces of this machine."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                yield f"cell {cell.id!r} raises {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"cell {cell.id!r} writes to stderr: {output.text.strip()[:200]!r}"
            else:
                for found in _traces(output):
                    yield f"cell {cell.id!r} shows {found!r}, which differs between machines"


def _traces(output: NotebookNode) -> Iterator[str]:
    data = {"text/plain": output.text} if output.output_type == "stream" else output.data
    text = "\n".join(str(value) for kind, value in data.items() if kind.startswith("text/"))
    if match := _ADDRESS.search(text):
        yield match.group()
    places = {str(Path.home()), sys.prefix, tempfile.gettempdir(), str(Path(__file__).parents[2])}
    yield from (place for place in sorted(places) if len(place) > 1 and f"{place}{os.sep}" in text)
