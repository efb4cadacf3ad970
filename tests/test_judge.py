"""The judge compares; it never passes what it has not compared."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograder.checks import Property, Tolerance, at_least, sums_to
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import Task
from autograder.exercise.declaring import Check
from autograder.judging.comparing import equal, same, show
from autograder.judging.judge import judge_exercise, judge_task
from autograder.judging.key import AnswerKey, Misconception

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


def make_check(name: str = "claim", **keywords: object) -> Check:
    keywords = {"close": Tolerance(1e-6), "learner": ("recall",), **keywords}
    return Check(name, {"en": "It holds.", "zh": "成立。"}, lambda recall: None, **keywords)


def make_task(name: str = "recall") -> Task:
    both = {"en": name, "zh": name}
    return Task(name, both, (name,), 2.0, 1, 5, {"en": ("a",) * 3, "zh": ("一",) * 3})


def key_of(outcomes: dict, *names: str, stands_for: str = "recall") -> AnswerKey:
    both = {"en": "It looks wrong.", "zh": "看起来不对。"}
    known = {n: Misconception(n, stands_for, both, both, "claim") for n in names}
    return AnswerKey(outcomes, known)


def value(content: object, check: str = "claim") -> Outcome:
    return Outcome(check, "value", content)


@given(numbers, st.floats(1e-9, 1e-3))
def test_within_the_tolerance_is_equal_and_beyond_it_is_not(number: float, close: float) -> None:
    assume(abs(number) < 1e3)
    assert equal(number + close * 0.9, number, Tolerance(close))
    assert not equal(number + close * 2 + 1e-12, number, Tolerance(close))


@given(st.lists(numbers, max_size=6))
def test_lists_and_arrays_of_the_same_numbers_are_equal(row: list[float]) -> None:
    assert equal(row, np.array(row), Tolerance())
    assert equal(np.array(row), row, Tolerance())
    assert not equal([*row, 1.0], np.array(row), Tolerance(1e9))


@pytest.mark.parametrize(
    ("observed", "reference"),
    [
        (math.nan, 0.5), (0.5, math.nan), (math.inf, 1e300), (None, 0.0), ("0.5", 0.5),
        ([0.5], 0.5), (np.array([0.5]), 0.5), ({"a": 1}, {"b": 1}), ({"a": 1}, [1]), ([], None),
        (np.zeros((2, 3)), np.zeros((3, 2))), ([1, [2, 3]], np.array([1, 2])), ("", []),
    ],
)  # fmt: skip
def test_unlike_things_are_not_equal_however_wide_the_tolerance(
    observed: object, reference: object
) -> None:
    assert not equal(observed, reference, Tolerance(1e12, 1e12))


def test_nan_where_nan_is_right() -> None:
    assert equal(math.nan, math.nan, Tolerance())
    assert equal([1.0, math.nan], np.array([1.0, math.nan]), Tolerance())


@pytest.mark.parametrize(
    "kind",
    [
        "raised",
        "todo",
        "unfit",
        "forbidden",
        "timeout",
        "memory",
        "crashed",
        "tampered",
        "internal",
    ],
)
def test_only_a_value_can_pass(kind: str) -> None:
    seen = Outcome("claim", kind, value=0.5, error="X")
    key = key_of({"claim": {(): value(0.5)}})
    result = judge_task(make_task(), [make_check()], {"claim": seen}, key, {})
    assert result.points == 0
    assert result.status != "pass"
    assert result.verdicts[0].message["en"]
    assert result.verdicts[0].message["zh"]


@pytest.mark.parametrize(
    ("outcomes", "key"),
    [
        ({}, key_of({"claim": {(): value(0.5)}})),
        ({"claim": value(0.5)}, key_of({})),
        ({"claim": value(0.5)}, key_of({"claim": {(): Outcome("claim", "raised", error="X")}})),
    ],
    ids=["no report", "no reference", "reference fails"],
)
def test_what_is_missing_on_our_side_is_internal_and_never_a_pass(
    outcomes: dict, key: AnswerKey
) -> None:
    result = judge_task(make_task(), [make_check()], outcomes, key, {})
    assert (result.status, result.points) == ("internal", 0)


def test_a_task_without_checks_is_not_passed() -> None:
    assert judge_task(make_task(), [], {}, key_of({}), {}).status == "internal"


def test_partial_points_go_by_weight() -> None:
    checks = [make_check("a", weight=3.0), make_check("b")]
    key = key_of({"a": {(): value(1, "a")}, "b": {(): value(1, "b")}})
    seen = {"a": value(1, "a"), "b": value(0, "b")}
    result = judge_task(make_task(), checks, seen, key, {})
    assert (result.status, result.points) == ("fail", 1.5)


def test_a_known_mistake_is_named_and_the_likelier_one_first() -> None:
    """Both yield what was seen here; only one also explains the check that passed."""
    checks = [make_check("a"), make_check("b")]
    key = key_of(
        {
            "a": {(): value(1, "a"), ("likely",): value(1, "a"), ("unlikely",): value(7, "a")},
            "b": {(): value(1, "b"), ("unlikely",): value(0, "b"), ("likely",): value(0, "b")},
        },
        "unlikely",
        "likely",
    )
    result = judge_task(make_task(), checks, {"a": value(1, "a"), "b": value(0, "b")}, key, {})
    assert [v.misconception for v in result.verdicts] == ["", "likely"]
    assert result.verdicts[1].diagnosis["zh"] == "看起来不对。"


@pytest.mark.parametrize(("seen", "named"), [((0, 5, 6), ["meant", "", ""]),
                                             ((5, 0, 6), ["", "", ""]),
                                             ((5, 0, 7), ["", "meant", "meant"]),
                                             ((1, 0, 7), ["", "", ""])])  # fmt: skip
def test_a_mistake_that_explains_little_is_named_only_where_it_is_to_be_caught(
    seen: tuple[int, ...], named: list[str]
) -> None:
    names = ("claim", "b", "c")
    checks = [make_check(name) for name in names]
    yields = dict(zip(names, (0, 0, 7), strict=True))
    outcomes = {n: {(): value(1, n), ("meant",): value(yields[n], n)} for n in names}
    found = {n: value(v, n) for n, v in zip(names, seen, strict=True)}
    result = judge_task(make_task(), checks, found, key_of(outcomes, "meant"), {})
    assert [verdict.misconception for verdict in result.verdicts] == named


@pytest.mark.parametrize(("seen", "named"), [((0, 1, 1, 1), ["made", "", "", ""]),
                                             ((0, 5, 1, 6), ["", "", "", ""])])  # fmt: skip
def test_a_mistake_has_to_explain_what_failed_and_not_what_passed(
    seen: tuple[int, ...], named: list[str]
) -> None:
    names = ("a", "b", "c", "d")
    checks = [make_check(name) for name in names]
    yields = dict(zip(names, (0, 1, 1, 1), strict=True))
    outcomes = {n: {(): value(1, n), ("made",): value(yields[n], n)} for n in names}
    both = {"en": "It has no effect.", "zh": "不起作用。"}
    known = {"made": Misconception("made", "recall", both, both, "")}
    found = {n: value(v, n) for n, v in zip(names, seen, strict=True)}
    result = judge_task(make_task(), checks, found, AnswerKey(outcomes, known), {})
    assert [verdict.misconception for verdict in result.verdicts] == named


def test_a_mistake_that_raises_is_known_by_its_exception() -> None:
    error = Outcome("claim", "raised", error="ZeroDivisionError")
    key = key_of({"claim": {(): value(0.0), ("divides",): error}}, "divides")
    result = judge_task(make_task(), [make_check()], {"claim": error}, key, {})
    assert result.verdicts[0].misconception == "divides"


def test_right_given_a_diagnosed_mistake_is_not_counted_twice() -> None:
    recall, f1 = make_task("recall"), make_task("f1")
    rests = make_check("f1_claim", learner=("f1",), rests_on=("recall",))
    key = key_of(
        {
            "claim": {(): value(0.5), ("specificity",): value(0.9)},
            "f1_claim": {(): value(0.4, "f1_claim"), ("specificity",): value(0.6, "f1_claim")},
        },
        "specificity",
    )
    tasks = [(recall, [make_check()]), (f1, [rests])]
    seen = {"claim": value(0.9), "f1_claim": value(0.6, "f1_claim")}
    first, second = judge_exercise(tasks, seen, key)
    assert (first.points, second.points) == (0, 2)
    assert "recall" in second.verdicts[0].message["en"]
    undiagnosed = {"claim": value(0.8), "f1_claim": value(0.6, "f1_claim")}
    assert judge_exercise(tasks, undiagnosed, key)[1].points == 0


@pytest.mark.parametrize(
    ("built", "shape", "trains", "uses", "points"),
    [
        (0.2, 3, True, ("recall",), 2.0),  # our own answer does not get there either
        (0.95, 3, True, ("recall",), 1.0),  # it does: the mistake is no excuse
        (0.2, 4, True, ("recall",), 0.0),  # something else is wrong as well
        (0.2, 3, False, ("recall",), 1.0),  # what does not train is judged by what came out
        (0.2, 3, True, (), 1.0),  # it does without what is mistaken
    ],
)
def test_what_a_mistake_elsewhere_puts_out_of_reach_costs_nothing(
    built: float, shape: int, trains: bool, uses: tuple[str, ...], points: float
) -> None:
    cheap = make_check("shape", learner=("train",))
    reads = make_check(
        "reads", learner=("train",), rests_on=("recall",), expect=at_least(0.9), costly=trains
    )
    key = key_of(
        {
            "claim": {(): value(0.5), ("specificity",): value(0.9)},
            "shape": {(): value(3, "shape")},
            "reads": {(): value(0.97, "reads"), ("specificity",): value(built, "reads")},
        },
        "specificity",
    )
    tasks = [(make_task("recall"), [make_check()]), (make_task("train"), [cheap, reads])]
    seen = {"claim": value(0.9), "shape": value(shape, "shape"), "reads": value(0.1, "reads")}
    seen["reads"] = replace(seen["reads"], uses=uses)
    _, second = judge_exercise(tasks, seen, key)
    assert second.points == points
    assert ("All else here is right" in second.verdicts[1].message["en"]) == (points == 2.0)
    alone = judge_exercise([(make_task("train"), [reads])], seen, key)[0]
    assert alone.points == 0


def test_what_equals_the_reference_but_lacks_the_property_is_judged_by_the_property() -> None:
    check = make_check(expect=at_least(0.9), rests_on=("precision",))
    key = key_of({"claim": {(): value(0.5)}})
    result = judge_task(make_task(), [check], {"claim": value(0.5)}, key, {})
    assert (result.status, result.points) == ("fail", 0)


@pytest.mark.parametrize("seen", [0.5, None, "1", True, [1.0], math.nan, {}])
def test_a_property_is_not_held_by_things_of_another_form(seen: object) -> None:
    assert not at_least(0.9)(seen, None)
    assert not sums_to(1, close=1e-6)(0.5, None)
    assert at_least(0.9)(0.9, None)
    assert sums_to(1, close=1e-6)([0.5, 0.5], None)


def test_a_property_that_breaks_counts_as_no() -> None:
    assert not Property(lambda seen, _: seen["no"], {"en": "", "zh": ""})(1, None)


@given(st.recursive(numbers | st.text(), lambda inner: st.lists(inner), max_leaves=40))
def test_whatever_came_out_is_shown_short(content: object) -> None:
    assert len(show(content)) <= 160


@pytest.mark.parametrize(
    ("seen", "other", "alike"),
    [
        ("division by zero", "float division by zero", True),
        ("division by zero", "integer division or modulo by zero", True),
        ("Expected size 3 but got size 7", "Expected size 2 but got size 4", True),
        ("'NoneType' object has no attribute 'backward'",
         "'BertConfig' object has no attribute 'id2labels'", False),
        ("'labels'", "'attention_mask'", False),
        ("too many values to unpack", "Target 2 is out of bounds.", False),
        ("", "", True),
    ],
)  # fmt: skip
def test_exceptions_are_alike_if_they_say_the_same(seen: str, other: str, alike: bool) -> None:
    one, two = (Outcome("c", "raised", error="E", message=text) for text in (seen, other))
    assert same(one, two, Tolerance()) is alike
    assert not same(one, Outcome("c", "raised", error="F", message=seen), Tolerance())


def test_how_long_a_list_is_does_not_set_the_time_of_the_judge() -> None:
    """It was held against each of the relations that may be between it and a few numbers."""
    names = [f"claim_{n}" for n in range(8)]
    checks = [make_check(name) for name in names]
    known = {name: {(): value([0.5, n / 7], name)} for n, name in enumerate(names)}
    seen = {name: value(list(range(199_000)), name) for name in names}
    started = time.process_time()
    result = judge_task(make_task(), checks, seen, key_of(known), {})
    assert {verdict.status for verdict in result.verdicts} == {"fail"}
    assert time.process_time() - started < 5
