"""What probes share tells what it is to tell, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from autograder import probes


def test_each_form_holds_the_same_numbers() -> None:
    labels, scores = np.array([0, 1, 1]), np.array([0.25, 0.5, 0.125])
    kinds = probes.in_forms(lambda a, b: [type(a).__name__, str(getattr(b, "dtype", ""))],
                            labels, scores, forms=(*probes.FORMS, "tensor32"))  # fmt: skip
    assert kinds == {
        "list": ["list", ""],
        "array": ["ndarray", "float64"],
        "float32": ["ndarray", "float32"],
        "tensor": ["Tensor", "torch.float64"],
        "tensor32": ["Tensor", "torch.float32"],
    }
    sums = probes.in_forms(lambda a, b: float(sum(b)) + float(sum(a)), labels, scores)
    assert set(sums.values()) == {2.875}


def test_a_call_that_writes_into_one_form_does_not_spoil_the_next() -> None:
    def greedy(values):
        values[0] = 9
        return [float(value) for value in values]

    results = probes.in_forms(greedy, np.array([1.0, 2.0]))
    assert list(results.values()) == [[9.0, 2.0]] * 4


@pytest.mark.parametrize(
    ("call", "changed"),
    [
        (lambda a, b, c: 1, []),
        (lambda a, b, c: a.append(1), ["0"]),
        (lambda a, b, c: b.add_(1), ["1"]),
        (lambda a, b, c: c.update(x=np.zeros(2)), ["c"]),
        (lambda a, b, c: c["x"].__setitem__(0, 5), ["c"]),
        (lambda a, b, c: a[0].sort(), ["0"]),
    ],
)
def test_what_a_call_changed_is_told_by_its_place(call, changed) -> None:
    c = {"x": np.array([1.0, np.nan])}
    found = probes.arguments_kept(call, [[3, 2]], torch.tensor([1.0, float("nan")]), c=c)
    assert found["changed"] == changed


@given(st.lists(st.one_of(st.floats(), st.integers(), st.text(), st.none())))
def test_a_call_that_changes_nothing_is_never_blamed(values: list[object]) -> None:
    assert probes.arguments_kept(lambda given: list(given), values)["changed"] == []


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))


def test_running_statistics_count_as_moving() -> None:
    model = network()
    before = probes.state_of(model)
    model.eval()(torch.randn(4, 2))
    assert probes.moved(model, before) == []
    model.train()(torch.randn(4, 2))
    assert "1.running_mean" in probes.moved(model, before)


def test_every_forward_pass_is_noted() -> None:
    model = network()
    calls = probes.watch(model)
    model.eval()
    with torch.no_grad():
        model(torch.randn(3, 2))
    model.train()(torch.randn(4, 2))
    assert calls == [
        {"rows": 3, "training": False, "grad": False},
        {"rows": 4, "training": True, "grad": True},
    ]


def test_modes_are_those_of_every_part() -> None:
    model = network()
    careless = probes.in_modes(model, lambda: bool(model.eval()))
    assert [found["modes after"] for found in careless] == [[False], [False]]
    half = probes.in_modes(model, lambda: bool(model[2].train()))
    assert [found["modes after"] for found in half] == [[True], [False, True]]


def test_without_dropout_training_mode_is_exact() -> None:
    dropout = probes.without_dropout(nn.Sequential(nn.Dropout(0.5))).train()
    assert torch.equal(dropout(torch.ones(99)), torch.ones(99))


@pytest.mark.parametrize(
    ("values", "whole"),
    [([1, 2], True), ([1.0], False), (torch.tensor([1]), True), (np.array([True]), False)],
)
def test_whole_numbers_are_told_from_others(values: object, whole: bool) -> None:
    assert probes.are_whole(values) is whole


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_each_case_has_its_turn_three_times(seed: int, count: int) -> None:
    drawn = [probes.in_turn(np.random.default_rng(seed), *range(count)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert sorted(drawn[0]) == sorted([*range(count)] * 3)


def test_cases_have_another_order_with_another_seed() -> None:
    orders = {tuple(probes.in_turn(np.random.default_rng(seed), 0, 1, 2)) for seed in range(9)}
    assert len(orders) > 1


def test_repetitions_are_told_by_the_first_that_is_alike() -> None:
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    values = [[a, "x"], [b, "x"], [a.clone(), "x"], [a, "y"], [b.clone(), "x"]]
    assert probes.first_alike(values) == [0, 1, 0, 3, 1]
    near = probes.first_alike([1.0, 2.0, 1.01, np.nan], lambda one, other: abs(one - other) < 0.1)
    assert near == [0, 1, 0, 3]
