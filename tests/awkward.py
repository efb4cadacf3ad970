"""Notebooks of `metrics` that are right, or nearly, and awkward to grade."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from four_ways import Attempt

from autograder.exercise.catalog import Exercise, exercise

METRICS: Exercise = exercise("metrics")
COUNTS = """\
def confusion_counts(labels, predictions):
    kinds = [(1, 1), (0, 1), (1, 0), (0, 0)]
    return tuple(how_many(labels, predictions, y, p) for y, p in kinds)
"""
HOW_MANY = """\
def how_many(labels, predictions, y, p):
    return sum(1 for a, b in zip(labels, predictions) if a == y and b == p)
"""
ACCURACY = """\
def accuracy(labels, predictions):
    hits = [a == b for a, b in zip(labels, predictions)]
    return sum(hits) / len(hits) if hits else 0.0
"""


def solved() -> dict[str, Any]:
    """The handed-out notebook with every answer of the solution, without what only shows."""
    attempt, solution = (
        json.loads(METRICS.notebook("en", solved=solved).read_text("utf-8"))
        for solved in (False, True)
    )
    answers = {cell["id"]: cell["source"] for cell in solution["cells"]}
    kept = [c for c in attempt["cells"] if c["cell_type"] == "code" and "nbgrader" in c["metadata"]]
    for cell in kept:
        cell["source"] = "".join(answers[cell["id"]])
    return {**attempt, "cells": kept}


def attempt(
    *,
    before: str = "",
    answers: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> Attempt:
    """The solved notebook with lines `before` its setup, other `answers`, and cells of one's own.

    `after` puts a cell after the one of each id.
    """
    notebook = solved()
    cells = []
    for cell in notebook["cells"]:
        if cell["id"] == "setup":
            cell["source"] = before + cell["source"]
        cell["source"] = (answers or {}).get(cell["id"], cell["source"])
        cells.append(cell)
        if cell["id"] in (after or {}):
            cells.append({
                "cell_type": "code", "id": f"own-{cell['id']}", "metadata": {}, "outputs": [],
                "execution_count": None, "source": (after or {})[cell["id"]],
            })  # fmt: skip
    return Attempt({**notebook, "cells": cells}, beside or {})


def own(source: str, **answers: str) -> Attempt:
    """The solved notebook with a cell after its setup."""
    return attempt(after={"setup": source}, answers=answers)


SETTINGS = """\
import asyncio, decimal, locale, os, random, sys, tempfile, warnings
import matplotlib, torch
np.seterr(all="raise")
decimal.getcontext().prec = 3
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_num_threads(2)
torch.use_deterministic_algorithms(True)
torch.set_grad_enabled(False)
torch.autograd.set_detect_anomaly(True)
warnings.simplefilter("error")
random.seed(1); np.random.seed(1)
locale.setlocale(locale.LC_ALL, "C.UTF-8")
sys.setrecursionlimit(150)
plt.style.use("dark_background")
matplotlib.use("svg")
os.environ.clear()
os.environ["TZ"] = "Asia/Shanghai"
os.chdir(tempfile.mkdtemp())
"""
MAGICS = """\
%matplotlib inline
%config InlineBackend.figure_format = 'retina'
%timeit -n1 1
"""
LOOP = """\
import asyncio


async def _share(labels, predictions):
    hits = [bool(a == b) for a, b in zip(labels, predictions)]
    return sum(hits) / max(len(hits), 1)


def accuracy(labels, predictions):
    return asyncio.run(_share(labels, predictions))
"""
DATA = f"""\
kinds = [tuple(map(int, line.split(","))) for line in open("data/kinds.csv")]


{HOW_MANY}

def confusion_counts(labels, predictions):
    return tuple(how_many(labels, predictions, y, p) for y, p in kinds)
"""
HALF = "def accuracy(labels, predictions):\n    return 0.5\n"
OWN_VALUES = """\
recall = recall([1, 1, 0], [1, 0, 0])
precision = precision([1, 1, 0], [1, 0, 0])
print(precision, recall)
"""


def awkward() -> dict[str, tuple[Attempt, frozenset[str]]]:
    """Each with the tasks that it does not pass, wherever it is graded.

    One of them is awkward in two ways where these touch different tasks: a run costs seconds.
    """
    everything = frozenset(task.name for task in METRICS.tasks)
    on_counts = {"confusion_counts", "precision", "recall", "specificity", "f1", "averaged_f1"}
    found: dict[str, tuple[Attempt, set[str]]] = {
        # Its setup has lines for another machine; then it is run as it was handed out.
        "colab": (attempt(before="from google.colab import drive\ndrive.mount('/x')\n"), set()),
        "widget": (attempt(before="%matplotlib widget\n"), set()),
        # A name means what it means where the check stands.
        "reused": (attempt(after={"recall-check": OWN_VALUES}), {"f1", "averaged_f1"}),
        "reused-before": (
            attempt(after={"recall": "recall = recall([1, 1, 0], [1, 0, 0])"}),
            {"recall", "f1", "averaged_f1"},
        ),
        "mended-below": (
            attempt(answers={"accuracy": HALF}, after={"specificity-check": ACCURACY}),
            {"accuracy"},
        ),
        "stops-before": (
            attempt(answers={"accuracy": f"import nothing_like_it\n\n{ACCURACY}"}),
            {"accuracy"},
        ),
        "stops-after": (
            attempt(answers={"accuracy": f"{ACCURACY}\naccuracy([1, 0], [1, 0]).shape\n"}),
            set(),
        ),
        # What lies beside it goes along; and a kernel has an event loop that runs.
        "module-loop": (
            attempt(
                answers={
                    "confusion_counts": f"from tools.counting import how_many\n\n\n{COUNTS}",
                    "accuracy": LOOP,
                },
                beside={"tools/__init__.py": b"", "tools/counting.py": HOW_MANY.encode()},
            ),
            set(),
        ),
        "data-spoilt-below": (
            attempt(
                answers={"confusion_counts": DATA},
                after={"f1-check": HALF},
                beside={"data/kinds.csv": b"1,1\n0,1\n1,0\n0,0\n"},
            ),
            set(),
        ),
        "missing": (
            attempt(answers={"confusion_counts": f"from counting import how_many\n\n\n{COUNTS}"}),
            on_counts,
        ),
        "loop-in-cell": (
            attempt(
                answers={
                    "accuracy": "import asyncio\nscale = await asyncio.sleep(0, 1.0)\n\n\n"
                    + ACCURACY.replace("return", "return scale *"),
                    "specificity": "asyncio.run(asyncio.sleep(0))\n\n\n"
                    "def specificity(labels, predictions):\n    return 0.0\n",
                }
            ),
            {"specificity"},
        ),
        # Settings of the whole process are ours while a probe runs.
        "settings": (own(MAGICS + SETTINGS), set()),
    }
    assert all(failed <= everything for _, failed in found.values())
    return {name: (made, frozenset(failed)) for name, (made, failed) in found.items()}
