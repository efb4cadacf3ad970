"""Mistakes that are the same in every exercise are named by how they relate to what is right."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.checks import Tolerance
from autograder.judging import relations
from autograder.judging.comparing import equal
from autograder.judging.relations import Differing, Relation, found_in
from autograder.judging.relations._all import RELATIONS

CLOSE = Tolerance(1e-6, 1e-4)
# Of many digits and far apart, as measurements are.
measured = arrays.arrays(
    np.float64,
    st.tuples(st.integers(3, 5), st.integers(3, 5)),
    elements=st.integers(10**4, 10**6).map(lambda number: number / 1_000_003),
    unique=True,
)


def named(seen: Any, right: Any, *more: tuple[Any, Any]) -> set[str]:
    pairs = [(seen, right), *more]
    found = found_in({f"check {n}": Differing(*pair, CLOSE) for n, pair in enumerate(pairs)})
    return {item.relation.name.removeprefix("relation.") for item in found}


CHANGES: dict[str, Callable[[np.ndarray], Any]] = {
    "per_cent": lambda x: 100 * x,
    "share_of_per_cent": lambda x: x / 100,
    "one_minus": lambda x: 1 - x,
    "negative": lambda x: -x,
    "absolute": np.abs,
    "inverse": lambda x: 1 / x,
    "logarithm": np.log,
    "exponential": np.exp,
    "square": np.square,
    "square_root": np.sqrt,
    "twice": lambda x: 2 * x,
    "half": lambda x: x / 2,
    "another_base": lambda x: x / np.log(2),
    "one_factor": lambda x: 0.37 * x,
    "one_offset": lambda x: x + 0.37,
    "rounded": lambda x: x.round(2),
    "transposed": lambda x: x.T,
    "reversed_order": lambda x: x[::-1],
    "sorted_order": lambda x: np.sort(x, axis=-1),
    "too_few_at_an_end": lambda x: x[1:],
    "too_many_at_an_end": lambda x: np.concatenate([x, x[:1] + 0.37]),
    "shifted_by_one": lambda x: np.roll(x, 1, axis=0),
    "another_shape": lambda x: x.ravel(),
    "carried_on": lambda x: np.cumsum(x, axis=0),
    "each_for_mean": lambda x: x,
    "one_of_them": lambda x: x[0],
    "nan_for_number": lambda x: np.where(x == x.max(), np.nan, x),
    "infinity_for_number": lambda x: np.where(x == x.max(), np.inf, x),
    "last_digits": lambda x: x * (1 + 1e-5),
}


@given(measured, st.sampled_from(sorted(CHANGES)))
def test_each_relation_is_recognised(right: np.ndarray, name: str) -> None:
    seen = CHANGES[name](right)
    if name == "each_for_mean":
        right = right.mean(axis=-1)
    if name == "absolute":
        right[0] *= -1
    # Of numbers that become the same few, rounding is one explanation of many.
    assume(name != "rounded" or np.unique(seen).size > 4)
    close = Tolerance(1e-9, 1e-9) if name == "last_digits" else CLOSE
    assume(not equal(seen, right, close))
    found = found_in({"check": Differing(seen, right, close)})
    assert f"relation.{name}" in {item.relation.name for item in found}


@pytest.mark.slow
@given(measured, st.integers(2, 9), st.integers(2, 9))
def test_what_varies_from_call_to_call_is_a_number_of_elements(
    right: np.ndarray, one: int, other: int
) -> None:
    assume(one != other)
    here, there = right[0], right[1]
    assert "sum_for_mean" in named(one * here, here, (other * there, there))
    assert "mean_for_sum" in named(here / one, here, (there / other, there))
    assert "sum_for_mean" not in named(3 * here, here, (3 * there, there))
    counts = np.array([one, 1, other, *[2] * len(right[0])])[: len(here)]
    assert "sum_for_mean" in named(counts * here, here)  # the second had one element
    assert "sum_for_mean" not in named(here * [one, *[1] * (len(here) - 1)], here)


@given(measured)
def test_what_each_batch_came_to_is_not_what_each_epoch_did(right: np.ndarray) -> None:
    epochs = right.mean(axis=1)
    running = np.cumsum(right) / np.arange(1, right.size + 1)
    assert "each_for_mean" in named(right.ravel(), epochs)
    assert "carried_on" in named(running[right.shape[1] - 1 :: right.shape[1]], epochs)


def test_places_that_divide_one_another_are_no_sums() -> None:
    assert "mean_for_sum" not in named([2, 1, 2, 12], [4, 3, 8, 36], ([5, 40], [25, 80]))
    assert "sum_for_mean" not in named([4, 3, 8, 36], [2, 1, 2, 12], ([25, 80], [5, 40]))


def test_shares_of_a_few_are_no_sums_of_each_other() -> None:
    assert "sum_for_mean" not in named([1.0, 1.0, 0.75], [0.5, 0.25, 0.375])


@given(st.lists(st.integers(0, 50), min_size=3, unique=True))
def test_places_counted_from_one(places: list[int]) -> None:
    assert "one_too_large" in named([place + 1 for place in places], places)
    assert "one_too_small" in named(places, [place + 1 for place in places])
    assert not named([1, 1, 2], [0, 0, 1])


@given(measured, st.integers(0, 2**32 - 1))
def test_what_has_nothing_to_do_with_it_is_not_related(right: np.ndarray, seed: int) -> None:
    assert not named(np.random.default_rng(seed).random(right.shape), right)


@given(measured, st.sampled_from(RELATIONS))
def test_nothing_is_said_of_what_is_right(right: np.ndarray, relation: Any) -> None:
    assert not found_in({"check": Differing(right + 1e-9, right, CLOSE)}, (relation,))


@pytest.mark.parametrize(
    ("name", "seen", "right"),
    [
        ("no_error", {"returned": 0.0}, {"raised": "ValueError"}),
        ("error_for_result", {"raised": "ZeroDivisionError"}, {"returned": 0.0}),
        ("another_error", {"raised": "KeyError"}, {"raised": "ValueError"}),
        ("changes_arguments", {"returned": 1, "changed": ["0"]}, {"returned": 1, "changed": []}),
        ("mode_not_restored", [{"modes after": [False]}], [{"modes after": [True]}]),
        ("another_type", {"dtype": "float64", "value": 1}, {"dtype": "float32", "value": 1}),
        ("nothing", [None, 0.5], [0.25, 0.5]),
        ("other_keys", {"preds": [0.5]}, {"predictions": [0.5]}),
        ("text_for_number", ["0.85"], [0.853]),
    ],
)
def test_promises_beside_the_numbers(name: str, seen: Any, right: Any) -> None:
    assert name in named(seen, right)


@given(measured)
def test_parts_of_a_result_in_another_order_too_many_or_too_few(right: np.ndarray) -> None:
    pair = [right, right[1:]]
    assert named(pair[::-1], pair) == {"parts_exchanged"}
    assert named(pair, right) == {"more_than_asked"}
    assert named(right, pair) == {"less_than_asked"}
    assert not named([right, right + 1], pair) & {"parts_exchanged", "more_than_asked"}


def test_one_small_number_proves_nothing() -> None:
    assert not named(4, 2)
    assert not named(1.0, 0.0)
    assert not named([1, 0], [0, 1])


def test_the_same_whatever_goes_in() -> None:
    assert named(0.5, 0.25, (0.5, 0.75), ([0.5, 0.5], [0.1, 0.2])) == {"constant"}
    assert "constant" not in named(0.5, 0.25, (0.75, 0.5), (0.5, 0.1))


def test_tiny_numbers_are_not_near_for_being_tiny() -> None:
    assert "last_digits" not in named([5e-7, 2e-7, 0.0], [1e-8, 3e-8, 4e-8])


def test_nothing_returned_is_not_called_constant() -> None:
    assert named(None, 0.25, (None, 0.75), (None, 0.5)) == {"nothing"}


def test_right_in_one_form_and_not_in_another() -> None:
    right = {"list": [0.25, 0.5], "array": [0.25, 0.5]}
    assert "some_forms" in named({**right, "list": [0.0, 0.0]}, right)
    assert "some_forms" not in named({"list": 0.0, "array": 0.0}, right)


def test_the_same_number_in_four_forms_is_one_number() -> None:
    right = dict.fromkeys(("list", "array", "float32", "tensor"), 0.853)
    assert "one_factor" not in named(dict.fromkeys(right, 0.37 * 0.853), right)


def test_every_relation_speaks_both_languages() -> None:
    for relation in RELATIONS:
        assert relation.text["en"].endswith(".")
        assert relation.text["zh"].endswith("。")
        assert relation.step["en"].endswith(".")
        assert relation.step["zh"].endswith("。")
    assert len({relation.name for relation in RELATIONS}) == len(RELATIONS)


def test_each_module_of_relations_is_asked() -> None:
    """Their order is written down, since the particular come before the general."""
    modules = [info.name for info in pkgutil.iter_modules(relations.__path__)]
    names = {
        value.name
        for module in modules
        for name, value in vars(importlib.import_module(f"{relations.__name__}.{module}")).items()
        if isinstance(value, Relation) and name[0] != "_"
    }
    assert names == {relation.name for relation in RELATIONS}
