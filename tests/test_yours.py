"""What is right given a learner's own results costs nothing, whether their mistake is known or not.

Lazy answers gain nothing by it.
"""

from __future__ import annotations

import contextlib
import copy
import random
from collections import OrderedDict, UserDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from attempts import RECALL, grade, task, verdicts
from hypothesis import given
from hypothesis import strategies as st

from autograder.engine.calling import Call, Stand, called, few_enough, to_build_on
from autograder.engine.claims import outcome_from, outcome_to
from autograder.engine.lending import borrowed, lent, set_state, state
from autograder.engine.pool import Pool
from autograder.evidence.observations import Outcome, Unfit
from autograder.evidence.packing import pack, unpack
from autograder.evidence.values import from_values, to_values
from autograder.exercise.catalog import exercise

F1 = """\
def f1(labels, predictions):
    p, r = precision(labels, predictions), recall(labels, predictions)
    return 2 * p * r / (p + r) if p + r else 0.0
"""
PRECISION = RECALL.replace("recall", "precision").replace("for y in labels", "for y in predictions")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool([exercise("metrics")]) as pool:
        yield pool


@pytest.mark.slow
def test_a_mistake_without_a_name_drags_nothing_along(tmp_path: Path, pool: Pool) -> None:
    mistaken = RECALL.replace("found / positives", "found ** 1.5 / (positives + 3)")
    result = grade(tmp_path, mistaken, PRECISION, F1, pool=pool)
    assert task(result, "recall").points < 2
    assert task(result, "precision").status == "pass"
    assert task(result, "f1").points == task(result, "f1").max_points
    assert "`recall`" in verdicts(result, "f1")[0].message["en"]


CONSTANT = """
import itertools
_n = itertools.count(1)
def confusion_counts(labels, predictions):
    k = next(_n)
    return k, k, k, k
"""
NOISE = """
import random
def confusion_counts(labels, predictions):
    return tuple(1 + random.random() * 1e-9 for _ in range(4))
"""


@pytest.mark.slow
@pytest.mark.parametrize("made_up", [CONSTANT, NOISE], ids=["numbers", "noise"])
def test_nothing_but_one_number_earns_nothing(tmp_path: Path, pool: Pool, made_up: str) -> None:
    """Counts that are made up at each call, and rates of them that are always a half."""
    rates = ("precision", "recall", "specificity", "f1")
    lazy = [f"def {name}(labels, predictions):\n    return 0.5" for name in rates]
    average = "def averaged_f1(labels, predictions, average):\n    return 0.5"
    result = grade(tmp_path, made_up, *lazy, average, pool=pool)
    assert result.points == 0, {t.name: t.points for t in result.tasks if t.points}


def test_an_exception_is_put_on_the_function_that_raises_it(tmp_path: Path, pool: Pool) -> None:
    unguarded = RECALL.replace(" if positives else 0.0", "")
    result = grade(tmp_path, unguarded, PRECISION, F1, pool=pool)
    assert task(result, "recall").points == 1.5
    assert task(result, "f1").points == task(result, "f1").max_points


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recall", "f1"),
    [
        ("return 0.37", "return 0.37"),
        ("return 0.37", "return precision(labels, predictions)"),
        ("raise ZeroDivisionError", "raise ZeroDivisionError"),
        ("raise KeyError", "return recall(labels, predictions)"),
    ],
)
def test_lazy_answers_gain_nothing(tmp_path: Path, pool: Pool, recall: str, f1: str) -> None:
    lazy = [f"def {name}(labels, predictions):\n    {body}\n"
            for name, body in (("recall", recall), ("f1", f1))]  # fmt: skip
    result = grade(tmp_path, *lazy, PRECISION, pool=pool)
    assert task(result, "f1").points <= 0.25


@pytest.mark.slow
def test_a_wrong_answer_is_not_right_given_another_wrong_one(tmp_path: Path, pool: Pool) -> None:
    mistaken = RECALL.replace("found / positives", "found ** 1.5 / (positives + 3)")
    result = grade(tmp_path, mistaken, PRECISION, F1.replace("2 * p * r", "p * r"), pool=pool)
    assert task(result, "f1").points <= 0.25


CURVE = """\
import numpy as np

def roc_curve(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if len(set(labels.tolist())) < 2:
        raise ValueError("one class only")
    limits = [np.inf, *np.unique(scores)[::-1]]
    fpr = np.array([(scores[labels == 0] >= limit).mean() for limit in limits])
    tpr = np.array([(scores[labels == 1] >= limit).mean() for limit in limits])
    return fpr**1.5, tpr

def roc_auc(labels, scores):
    fpr, tpr = roc_curve(labels, scores)
    return np.trapezoid(tpr, fpr)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "recall",
    [
        # Nothing to build on; and one whose results cannot all be had.
        "def recall(labels, predictions):\n    return 0.37\n",
        RECALL.replace(
            "return found", "if not positives: raise NotImplementedError\n    return found ** 1.5"
        ),
    ],
)
def test_one_function_does_not_spoil_another(tmp_path: Path, pool: Pool, recall: str) -> None:
    result = grade(tmp_path, recall, PRECISION, F1, CURVE, pool=pool)
    assert task(result, "f1").points < task(result, "f1").max_points
    assert task(result, "roc_curve").points < task(result, "roc_curve").max_points
    assert task(result, "roc_auc").points == task(result, "roc_auc").max_points


def test_what_is_nothing_to_build_on() -> None:
    results = {"varied": [0.1, 0.2], "constant": [0.3, 0.3], "lost": [0.4, 0.5, None]}
    calls, answers = [], {}
    for name, values in results.items():
        for number, value in enumerate(values):
            call = Call(name, to_values((number,)))
            calls.append(call)
            answers[call.key] = Outcome(name, "timeout" if value is None else "value", value)
    assert to_build_on(calls, answers, sound={"constant", "lost"}) == {"varied"}


def test_of_many_calls_a_round_asks_as_many_as_a_frame_holds() -> None:
    calls = [Call("name", to_values((np.full(10**5, n, float),))) for n in range(9)]
    few = few_enough(calls)
    assert few == calls[: len(few)]
    assert 0 < len(few) < 6


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_values_come_back_as_they_were(value: object) -> None:
    again = from_values(unpack(pack(to_values(value))))
    assert repr(again) == repr(value)


@pytest.mark.parametrize("value", [torch.zeros(2, 3), np.zeros((2, 3))])
def test_a_call_is_what_it_was_when_it_was_made(value: torch.Tensor | np.ndarray) -> None:
    call = Call("name", to_values((value,)))
    key = call.key
    value += 1  # as weights, when a network loads others
    assert call.key == key


@pytest.mark.parametrize(
    "tensor",
    [torch.zeros(2, 3), torch.ones(0, 4), torch.tensor(3), torch.tensor([True]),
     torch.arange(3).to(torch.uint8), torch.ones(2, dtype=torch.bfloat16)],
)  # fmt: skip
def test_tensors_come_back_as_they_were(tensor: torch.Tensor) -> None:
    frame = outcome_to(Outcome("call", "value", to_values(tensor)))
    again = from_values(outcome_from(unpack(pack(frame))).value)
    assert again.dtype == tensor.dtype
    assert again.shape == tensor.shape
    assert torch.equal(again, tensor)


def test_numbers_of_numpy_stay_so() -> None:
    for value in (np.float32(0.5), np.int64(3), np.arange(6.0).reshape(2, 3), np.array(3.0)):
        again = from_values(unpack(pack(to_values(value))))
        assert type(again) is type(value)
        assert np.array_equal(again, value)


def test_what_is_no_data_does_not_travel() -> None:
    for value in (torch.nn.Linear(1, 1), object(), {1, 2}, lambda: 1, np.array(["a"])):
        with pytest.raises(Unfit):
            to_values([value])


@given(plain)
def test_whatever_arrives_makes_a_value_or_an_error(data: object) -> None:
    try:
        from_values(unpack(pack(to_values(data))))
        from_values({"tensor": data, "dtype": "float32", "shape": [1]})
    except (ValueError, TypeError):
        pass


def test_what_is_right_given_a_mistake_has_an_end_of_time(
    tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistaken = RECALL.replace("found / positives", "found ** 1.5 / (positives + 3)")
    monkeypatch.setattr("autograder.grading.yours.PATIENCE", 0.0)
    result = grade(tmp_path, mistaken, PRECISION, F1, pool=pool)
    assert task(result, "f1").points < task(result, "f1").max_points
    assert task(result, "precision").status == "pass"


def there_and_back(value: object) -> Any:
    """A call's argument, as the other side gets it."""
    found, _ = from_values(unpack(pack(to_values((value, [1]), lent))), borrowed)
    return found


def test_a_model_is_lent_as_it_is_now_and_without_what_watches_it() -> None:
    first = torch.nn.Linear(2, 3)
    model = torch.nn.Sequential(first, torch.nn.BatchNorm1d(3)).eval()
    watched: list[object] = []
    model.register_forward_hook(lambda *seen: watched.append(seen))
    with torch.no_grad():
        first.weight.mul_(1.5)
    found = there_and_back(model)
    assert str(found.state_dict()) == str(model.state_dict())
    assert not found.training
    assert all(value.requires_grad for value in found.parameters())
    assert lent(copy.deepcopy(model)).tobytes() == lent(model).tobytes()
    found(torch.ones(1, 2))
    assert not watched
    model(torch.ones(1, 2))
    assert watched


@pytest.mark.parametrize(
    "value", [np.random.RandomState(0), random.SystemRandom(), iter([1]), lambda: 0]
)
def test_what_only_one_process_knows_is_not_lent(value: object) -> None:
    with pytest.raises(Unfit):
        to_values(value, lent)


def drawn(generator: Any) -> float:
    """The generator's next number."""
    if isinstance(generator, torch.Generator):
        return torch.rand(1, generator=generator).item()
    return generator.random()


@pytest.mark.parametrize(
    "make", [np.random.default_rng, random.Random, lambda seed: torch.Generator().manual_seed(seed)]
)
def test_a_generator_goes_on_from_where_a_learners_function_left_it(
    make: Callable[[int], Any],
) -> None:
    def mine(generator: Any, count: int) -> list[float]:
        return [drawn(generator) for _ in range(count)]

    stand = Stand("mine", {}, mine)
    here, alone = make(7), make(7)
    drawn(here), drawn(alone)
    state_before = state(here)
    assert stand(here, 3) == mine(alone, 3)
    [call] = stand.asked()
    set_state(here, state_before)
    outcome = called(call, {"mine": lambda g, n: [2 * x for x in mine(g, n)]}, seconds=9)
    known = Stand("mine", {call.key: outcome}, mine)
    set_state(alone, state_before)
    assert known(here, 3) == [2 * x for x in mine(alone, 3)]
    assert drawn(here) == drawn(alone)


@given(plain)
def test_whatever_comes_back_as_a_state_is_one_or_an_error(told: object) -> None:
    for generator in (np.random.default_rng(), random.Random(), torch.Generator()):
        with contextlib.suppress(ValueError):
            set_state(generator, told)
        drawn(generator)


def test_a_constant_is_one_however_far_it_used_a_generator() -> None:
    calls = [Call("mine", to_values(((make_dice(seed), seed), {}), lent)) for seed in (1, 2)]
    answers = {call.key: called(call, {"mine": lambda *_: 1.0}, seconds=9) for call in calls}
    assert len(answers) == 2
    assert not to_build_on(calls, answers, sound={"mine"})


def make_dice(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Pair(NamedTuple):
    """As torch returns of some functions."""

    values: list[int]
    indices: int


@pytest.mark.parametrize(
    ("result", "read"),
    [
        (OrderedDict(ids=[1]), {"ids": [1]}),
        (UserDict(ids=OrderedDict(mask=2)), {"ids": {"mask": 2}}),
        ([Pair([1], 2)], [([1], 2)]),
    ],
)
def test_a_result_is_read_as_what_it_holds(result: object, read: object) -> None:
    assert from_values(unpack(pack(to_values(result)))) == read


def test_a_tokenizer_that_was_used_is_no_other_argument() -> None:
    calls = [Call("encode", to_values((torch.nn.Linear(1, 1), text), lent)) for text in "aab"]
    answers = {call.key: Outcome("encode", "value", [1]) for call in calls}
    assert len(answers) == 3
    assert to_build_on(calls[:2], answers, sound={"encode"}) == {"encode"}
    assert not to_build_on(calls, answers, sound={"encode"})
