"""What a notebook's points rest on beside its answers, where that is not as its author may think.

Told from the notebook's code and from how its cells ran, in one sentence each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from autograder._parsing import parse
from autograder.engine import Notebook, Observed
from autograder.engine.needed import uses_of
from autograder.engine.places import changed_setup, check_places
from autograder.exercise.catalog import Exercise
from autograder.judging.results import TaskResult
from autograder.language import Text

_MOST = 5
_MODULE = re.compile(r"No module named '([\w.]{1,80})'")
_FILE = re.compile(r"No such file or directory: '([^']{1,120})'")


def notes(
    notebook: Notebook, exercise: Exercise, observed: Observed, results: tuple[TaskResult, ...]
) -> tuple[Text, ...]:
    """Everything of that kind, the most important first."""
    found = [
        *_setup(notebook, exercise, observed),
        *_missing(notebook, observed),
        *_left(notebook),
        *_below(notebook, exercise, results),
        *_covered(notebook, exercise, results),
    ]
    return tuple(found[:_MOST])


def _setup(notebook: Notebook, exercise: Exercise, observed: Observed) -> Iterator[Text]:
    """That a locked cell was run as handed out, and what that means under nbgrader."""
    for number, handed_out in changed_setup(notebook, exercise).items():
        cell = notebook.cells[number]
        if any(run.id == cell.id and run.error for run in observed.cells):
            yield {
                "en": f"The cell `{cell.id}` is part of the exercise: it was run as it was handed "
                "out as well, so what stopped it costs no points here.",
                "zh": f"单元 `{cell.id}` 是练习自带的：原样内容也运行了一遍，所以这处报错不扣分。",
            }
        elsewhere = [uses_of(c.source).reads for n, c in enumerate(notebook.cells) if n != number]
        mine = uses_of(cell.source).binds - uses_of(handed_out).binds
        names = sorted(mine & frozenset().union(*elsewhere))
        if names:
            listed = ", ".join(f"`{name}`" for name in names[:3])
            yield {
                "en": f"nbgrader would put the locked cell `{cell.id}` back and lose {listed}: "
                "move such lines into a cell of your own.",
                "zh": f"nbgrader 会把锁定的单元 `{cell.id}` 恢复原样，{listed} 会丢失："
                "请把这些行移到自己的单元里。",
            }


def _missing(notebook: Notebook, observed: Observed) -> Iterator[Text]:
    """Modules and files that the code asked for and that were not there."""
    code = "\n".join(cell.source for cell in notebook.cells)
    messages = [run.message for run in observed.cells]
    messages += [outcome.message for outcome in observed.outcomes.values()]
    told = dict.fromkeys(known for text in messages for known in _asked_for(text))
    for name, is_module in told:
        # Only what stands in the notebook itself: a message may hold anything.
        if name not in code or any(name == left for left, _ in notebook.beside.left):
            continue
        if is_module:
            yield {
                "en": f"The module `{name}` is not installed here, and no file of that name lay "
                "beside the notebook.",
                "zh": f"模块 `{name}` 在这里没有安装，notebook 旁边也没有同名文件。",
            }
        else:
            yield {
                "en": f"The file `{name}` did not lie beside the notebook: hand it in with it.",
                "zh": f"notebook 旁边没有文件 `{name}`：请与 notebook 一起提交。",
            }


def _asked_for(message: str) -> Iterator[tuple[str, bool]]:
    for name in _MODULE.findall(message):
        yield name, True
    for name in _FILE.findall(message):
        yield name, False


def _left(notebook: Notebook) -> Iterator[Text]:
    """Files beside the notebook that its code names and that did not go along."""
    for name, why in notebook.beside.left:
        yield {
            "en": f"`{name}`, beside the notebook, did not go along: {why['en']}",
            "zh": f"notebook 旁边的 `{name}` 没有一并带上：{why['zh']}",
        }


def _below(
    notebook: Notebook, exercise: Exercise, results: tuple[TaskResult, ...]
) -> Iterator[Text]:
    """Answers that stand below their check, where no run from the top would find them."""
    places = check_places(notebook, exercise)
    failed = {task.name for task in results if task.status != "pass"}
    for task in exercise.tasks:
        place = places.get(task.name) if task.name in failed else None
        if place is None:
            continue
        for cell in notebook.cells[place + 1 :]:
            name = next((name for name in task.defines if name in _functions(cell.source)), None)
            if name is not None:
                yield {
                    "en": f"`{name}` is defined below its check, in the cell `{cell.id}`. As when "
                    "the notebook is run from the top, what stands above the check counts: move "
                    "it up.",
                    "zh": f"`{name}` 定义在检查单元的下方（单元 `{cell.id}`）。"
                    "与从头运行 notebook 一样，只有检查单元上方的内容算数：请移到上面。",
                }
                break


def _covered(
    notebook: Notebook, exercise: Exercise, results: tuple[TaskResult, ...]
) -> Iterator[Text]:
    """Answers whose stub stands below them and takes their place."""
    to_do = {task.name for task in results if task.status == "todo"}
    for task in exercise.tasks:
        found = _stub_below(notebook, task.defines) if task.name in to_do else None
        if found is not None:
            name, answer, stub = found
            yield {
                "en": f"`{name}` is answered in the cell `{answer}`, but `{stub}` below it "
                "defines it again, without an answer, and that counts: delete one of them.",
                "zh": f"单元 `{answer}` 里已经写了 `{name}`，但下方的单元 `{stub}` 又定义了一遍、"
                "里面没有作答，算数的是后者：请删掉其中一个。",
            }


def _stub_below(notebook: Notebook, names: tuple[str, ...]) -> tuple[str, str, str] | None:
    """One of `names`, the cell that answers it, and the stub below that takes its place."""
    answers: dict[str, str] = {}
    for cell in notebook.cells:
        for name in sorted(_functions(cell.source) & set(names)):
            if "raise NotImplementedError" not in cell.source:
                answers[name] = cell.id
            elif name in answers:
                return name, answers[name], cell.id
    return None


def _functions(source: str) -> frozenset[str]:
    """Names that a cell defines as functions or classes at its top level."""
    try:
        body = parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in body if isinstance(node, kinds))
