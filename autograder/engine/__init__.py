"""From a notebook to observations. Knows neither the judge nor what is right."""

from autograder.engine.cells import Notebook, UnreadableNotebook, parse_notebook, read_notebook
from autograder.engine.process import KeyRows, Observed, WorkerFailed, observe, observe_key

__all__ = [
    "KeyRows",
    "Notebook",
    "Observed",
    "UnreadableNotebook",
    "WorkerFailed",
    "observe",
    "observe_key",
    "parse_notebook",
    "read_notebook",
]
