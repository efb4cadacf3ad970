"""A call that failed, made again where its learner can look into it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from autograder.engine.keeping import variables_kept
from autograder.engine.probing import one_line, run_probe
from autograder.evidence.calls import Calls
from autograder.evidence.reprs import call_text, short
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.judging.failing import to_replay
from autograder.judging.results import TaskResult
from autograder.language import Language
from autograder.learner.leaving import on_model
from autograder.report.replayed import note, outcome

NAME = "failed"
"""What a replay is called in the notebook."""


class Replay:
    """A call that failed in a check, as it was, and what came out of it.

    Attributes
    ----------
    args, kwargs
        Its arguments, as they were before the call.
    result, error
        What it returned, or the exception that it raised.
    told
        That in words, with what was expected.
    """

    def __init__(
        self,
        name: str,
        names: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.args, self.kwargs = args, kwargs
        self.result: Any = None
        self.error: BaseException | None = None
        self._name, self._names = name, names
        self.told = ""

    def run(self) -> Any:
        """Call the function again, as the notebook has it now; what it prints and raises shows."""
        args, kwargs = _copied((self.args, self.kwargs))
        return self._names[self._name](*args, **kwargs)

    def __repr__(self) -> str:
        return self.told


class _Enough(BaseException):
    """The call that was looked for has been made."""


class _Kept(Calls):
    """Waits for a call of which only the text is known, and keeps what it was given."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        super().__init__()
        self._text, self._names = text, names
        self.found: Replay | None = None

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        if call_text(name, arguments, keywords) != self._text:
            return function(*arguments, **keywords)
        found = Replay(name, self._names, *_copied((arguments, keywords)))
        self.found = found
        try:
            found.result = function(*arguments, **keywords)
        except BaseException as error:
            found.error = error
            if not isinstance(error, Exception):
                raise
        raise _Enough


def _copied(values: tuple[Any, ...]) -> Any:
    """Copies that the function may change; what cannot be copied, as it is."""
    try:
        return copy.deepcopy(values)
    except Exception:
        return values


def _said(error: BaseException) -> str:
    what = one_line(error)
    return f"{type(error).__name__}: {what}" if what else type(error).__name__


def replay(
    exercise: Exercise, result: TaskResult, names: dict[str, Any], language: Language
) -> Replay | str:
    """Make the call again that `result` shows as failed, and put it into the notebook as `NAME`.

    A sentence instead where there is no such call.
    """
    verdict = to_replay(result.verdicts)
    if verdict is None:
        return note("nothing", result.name, language)
    exercise = exercise.with_room()
    suite = Suite(exercise)
    kept = _Kept(verdict.call, names)
    with variables_kept(names), on_model(names.get("MODEL") if exercise.model else None):
        ended = run_probe(
            suite, suite.checks[verdict.name], names, seconds=exercise.check_seconds, calls=kept
        )
    if ended.error == "KeyboardInterrupt":
        raise KeyboardInterrupt
    found = kept.found
    if found is None:
        return note("gone", result.name, language)
    free = NAME not in names or isinstance(names[NAME], Replay)
    if free:
        names[NAME] = found
    found.told = outcome(
        verdict.call,
        short(found.result, 160) if found.error is None else _said(found.error),
        verdict.expected[language] if verdict.calls == 1 else "",
        language, name=NAME, free=free, task=result.name,
    )  # fmt: skip
    return found
