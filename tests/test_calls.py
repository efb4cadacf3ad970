"""The call that failed: noted while a probe runs, told with the verdict."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checks import outcome_of
from autograder.engine.claims import outcome_from, outcome_to
from autograder.engine.probing import run_probe
from autograder.engine.protocol import BrokenChannel
from autograder.evidence.calls import MOST, Calls, Shell
from autograder.evidence.contents import content
from autograder.evidence.observations import Outcome, to_data
from autograder.evidence.reprs import LIMIT, call_text, short
from autograder.exercise.catalog import exercise
from autograder.exercise.suite import Suite, answers, references
from autograder.judging.judge import judge_task
from autograder.judging.key import AnswerKey
from autograder.judging.results import Verdict

SUITE = Suite(exercise("metrics"))


def halved(value: float, by: float = 2, *, minus: float = 0) -> float:
    """Half of it."""
    if value < 0:
        raise ValueError("negative")
    return value / by - minus


class Hostile:
    """Raises, or worse, whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __repr__(self) -> str:
        raise SystemExit

    __len__ = __iter__ = __repr__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 0, 1], "[1, 0, 1]"),
        ((1,), "(1,)"),
        ({"a": [True, None]}, "{'a': [True, None]}"),
        (np.array([1, 0]), "np.array([1, 0])"),
        (np.array([0.1], np.float32), "np.array([0.1], dtype=np.float32)"),
        (np.float32(0.1), "0.1"),
        (torch.tensor([[1.0, 0.1]]), "torch.tensor([[1.0, 0.1]])"),
        (torch.tensor([2], dtype=torch.int32), "torch.tensor([2], dtype=torch.int32)"),
        (torch.ones(1, requires_grad=True), "torch.tensor([1.0])"),
        (np.zeros((3, 64)), "<float64 array (3, 64)>"),
        (torch.zeros(3, 64), "<float32 tensor (3, 64)>"),
        ([7] * 300, "[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, … 285 more]"),
        ("ab" * 100, "'" + "ab" * 28 + "a…'"),
        (1 / 3 * 1e6, "333333.3333333333"),
        ([1 / 3 * 1e6] * 9, "[333333.3…, 333333.3…, 333333.3…, 333333.3…, … 5 more]"),
        (halved, "halved"),
        (torch.nn.Linear(2, 2), "<Linear>"),
        ({3, 1, 2}, "{1, 2, 3}"),
    ],
    ids=lambda part: part if isinstance(part, str) and len(part) < 40 else "",
)
def test_values_are_written_as_one_would_type_them(value: object, text: str) -> None:
    assert short(value) == text


def test_what_cannot_be_written_is_named() -> None:
    assert short(10**5000) == "<int of 16610 bits>"
    assert short([Hostile(), 1]) == "[<Hostile>, 1]"


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.binary(),
    st.builds(Hostile), st.integers(0, 400).map(np.arange), st.integers(0, 99).map(torch.arange),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)


@given(st.lists(VALUES, max_size=6))
def test_a_call_is_never_long_and_never_fails(arguments: list[Any]) -> None:
    assert len(call_text("recall", arguments, {})) <= 2 * LIMIT + len("recall()")
    for value in arguments:
        content(value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats() | st.text("abc'\\", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_is_written_whole_is_the_value(value: object) -> None:
    text = short(value, 200)
    if "…" not in text:
        same = eval(text, {"nan": float("nan"), "inf": float("inf")})
        assert repr(same) == repr(value)
    assert content(to_data(value)) == content(value)


@pytest.mark.parametrize("form", [np.array, torch.tensor])
def test_what_came_out_is_known_again_in_any_form(form: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(9, 11)).tolist()
    value = form(rows)
    assert content(value) == content(to_data(value)) == content(value.tolist())
    assert content(form(rows[1:])) != content(value)


def test_the_shell_is_the_function_in_all_but_its_calls() -> None:
    calls = Calls()
    shell: Any = calls.watched("halved", halved)
    assert type(shell) is Shell
    assert inspect.isfunction(shell)
    assert inspect.signature(shell) == inspect.signature(halved)
    assert (shell.__name__, shell.__doc__, shell.__code__) == ("halved", "Half of it.",
                                                               halved.__code__)  # fmt: skip
    assert pickle.loads(pickle.dumps(shell)) is halved
    assert copy.deepcopy(shell) is halved
    assert shell == halved
    assert len({shell, halved}) == 1
    assert type("Number", (float,), {"half": shell})(3.0).half() == 1.5
    for other in (print, Hostile, 3, None, torch.nn.Linear(1, 1)):
        assert calls.watched("other", other) is other


def test_it_is_sent_to_another_process_by_its_name() -> None:
    shell = Calls().watched("halved", halved)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(shell, [3.0]) == [1.5]


def test_an_error_is_the_functions_own_only_if_it_was_reached() -> None:
    shell = Calls().watched("halved", halved)
    assert outcome_of(shell, -1) == {"raised": "ValueError"}
    with pytest.raises(TypeError, match="halved"):
        outcome_of(shell)


def _told(probe: Any, kind: Any = "value") -> Outcome:
    """What is told of the calls that `probe` makes, and of what it comes to."""
    calls = Calls()
    try:
        value = to_data(probe(calls.watched("halved", halved)))
    except Exception:
        return calls.told(Outcome("check", "raised"))
    return calls.told(Outcome("check", kind, value))


@pytest.mark.parametrize(
    ("probe", "calls", "called"),
    [
        (lambda f: f(3), ("halved(3)",), 1),
        (lambda f: f(3, minus=1), ("halved(3, minus=1)",), 1),
        (lambda f: [f(3), f(5)], ("halved(3)", "halved(5)"), 2),
        (lambda f: {"a": f(3), "b": f(5)}, ("halved(3)", "halved(5)"), 2),
        (lambda f: np.array([f(3), f(5)]), ("halved(3)", "halved(5)"), 2),
        (lambda f: [outcome_of(f, n) for n in (3, -1)], ("halved(3)", "halved(-1)"), 2),
        # What an entry is made of cannot be known: all that is, is that there was a first call.
        (lambda f: [f(3) + 1, f(5)], ("halved(3)",), 2),
        (lambda f: f(3) - f(5), ("halved(3)",), 2),
        (lambda f: [f(n) for n in range(MOST + 1)], ("halved(0)",), MOST + 1),
        (lambda f: [f(n) for n in (3, 1, -2, 4)], ("halved(-2)",), 1),
        (lambda f: [f(n) for n in range(MOST, -2, -1)], ("halved(-1)",), 1),
        (lambda f: f(3)["half"], ("halved(3)",), 1),
        (lambda f: 3, (), 0),
    ],
)
def test_which_calls_are_told(probe: Any, calls: tuple[str, ...], called: int) -> None:
    told = _told(probe)
    assert (told.calls, told.called) == (calls, called)


def test_arguments_are_written_before_they_are_changed() -> None:
    def emptied(values: list[int]) -> int:
        values.clear()
        return 0

    calls = Calls()
    calls.watched("emptied", emptied)([1, 2])
    assert calls.told(Outcome("check", "value", 0)).calls == ("emptied([1, 2])",)


@given(st.lists(st.text(max_size=400)), st.integers())
@settings(max_examples=50)
def test_a_frame_holds_few_short_calls(calls: list[str], called: int) -> None:
    table = {**outcome_to(Outcome("check", "value", 1.0)), "calls": calls, "called": called}
    if len(calls) <= called <= 10**9 and len(calls) <= MOST:
        told = outcome_from(table)
        assert all(len(text) <= 3 * LIMIT for text in told.calls)
        assert outcome_from(outcome_to(told)) == told
    else:
        with pytest.raises(BrokenChannel):
            outcome_from(table)


@pytest.mark.parametrize("forged", [[1], [b"x"], "call", None, [["x"]]])
def test_a_forged_call_is_refused(forged: Any) -> None:
    table = {**outcome_to(Outcome("check", "value", 1.0)), "calls": forged, "called": 1}
    with pytest.raises(BrokenChannel):
        outcome_from(table)


def _verdicts(wrong: Any) -> dict[str, Verdict]:
    """The verdicts on a wrong `recall`, judged with the reference alone."""
    right = references(SUITE.exercise)
    task = SUITE.exercise.task("recall")
    seen, known = {}, {}
    for check in SUITE.of_task("recall"):
        names = {**right, "recall": wrong}
        seen[check.name] = run_probe(SUITE, check, names, seconds=9, calls=Calls())
        known[check.name] = {(): run_probe(SUITE, check, right, seconds=9)}
    result = judge_task(task, SUITE.of_task("recall"), seen, AnswerKey(known, {}), {})
    return {verdict.name: verdict for verdict in result.verdicts}


def test_the_entry_that_differs_names_its_call() -> None:
    right: Any = references(SUITE.exercise)["recall"]

    def nothing_is_one(labels: Any, predictions: Any) -> float:
        return right(labels, predictions) if max(labels, default=0) else 1.0

    verdict = _verdicts(nothing_is_one)["no_actual_positive"]
    assert verdict.status == "fail"
    assert verdict.calls == 1
    assert verdict.call.startswith("recall(")
    assert (verdict.came_out, verdict.expected["en"]) == ("1.0", "0.0")
    names = {"recall": nothing_is_one, "np": np}
    assert eval(verdict.call, names) == 1.0  # it can be typed as it stands


def test_what_passes_and_what_is_to_do_tells_no_call() -> None:
    def unwritten(labels: Any, predictions: Any) -> float:
        raise NotImplementedError

    for recall in (references(SUITE.exercise)["recall"], unwritten):
        assert not any(verdict.call for verdict in _verdicts(recall).values())


def test_noting_changes_no_observation() -> None:
    for answer in answers(SUITE.exercise, "wrong")[:20]:
        names = {**references(SUITE.exercise), answer.stands_for: answer.value}
        check = SUITE.checks[answer.caught_by]
        plain = run_probe(SUITE, check, names, seconds=9)
        noted = run_probe(SUITE, check, names, seconds=9, calls=Calls())
        assert (plain.kind, plain.error, plain.message) == (noted.kind, noted.error, noted.message)
        assert content(plain.value) == content(noted.value)
