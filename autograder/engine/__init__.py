"""From a notebook to observations. Knows neither the judge nor what is right."""

from autograder.engine.calling import Ask, Call, called
from autograder.engine.cells import Notebook, UnreadableNotebook, parse_notebook, read_notebook
from autograder.engine.keys import KeyRows, WorkerFailed, observe_key, observe_yours
from autograder.engine.process import Observed, ask, observe

__all__ = [
    "Ask",
    "Call",
    "KeyRows",
    "Notebook",
    "Observed",
    "UnreadableNotebook",
    "WorkerFailed",
    "ask",
    "called",
    "observe",
    "observe_key",
    "observe_yours",
    "parse_notebook",
    "read_notebook",
]
