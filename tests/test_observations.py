"""Observations are plain data: exact types in, the same data out, everything else refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.evidence.observations import MAX_DEPTH, MAX_INTEGER, MAX_LEAVES, Unfit, to_data
from autograder.evidence.packing import pack, unpack

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=15,
)
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
)


@given(data)
def test_plain_data_crosses_unchanged(value: object) -> None:
    assert unpack(pack(to_data(value))) == value


@given(arrays)
def test_arrays_keep_their_type_shape_and_numbers(value: np.ndarray) -> None:
    back = unpack(pack(to_data(value)))
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    np.testing.assert_array_equal(back, value)


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_a_clear_refusal(frame: bytes) -> None:
    try:
        unpack(frame)
    except ValueError:
        return


class Money(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Rows(list):
    pass


def endless() -> list:
    rows: list = []
    rows.append(rows)
    return rows


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (Money(0.5), "type", "Money(float)"),
        (Anything(), "type", "Anything"),
        (Rows([1]), "type", "Rows(list)"),
        ((n for n in "ab"), "type", "generator"),
        (1 + 2j, "type", "complex"),
        (b"bytes", "type", "bytes"),
        ({(1, 2): 3}, "key", "tuple"),
        (np.array([1j]), "dtype", "complex128"),
        (endless(), "depth", str(MAX_DEPTH)),
        ([0] * (MAX_LEAVES + 1), "leaves", f"{MAX_LEAVES:,}"),
        (np.zeros(MAX_LEAVES + 1), "leaves", f"{MAX_LEAVES:,}"),
        ("x" * 2**21, "bytes", "4 MB"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused_by_name(value: object, reason: str, detail: str) -> None:
    with pytest.raises(Unfit) as refusal:
        to_data(value)
    assert (refusal.value.reason, refusal.value.detail) == (reason, detail)


def test_numpy_scalars_and_tuples_are_taken_as_python_has_them() -> None:
    value = to_data((np.float64(0.5), np.int32(3), np.bool_(True), np.array(2.5)))
    assert value == [0.5, 3, True, 2.5]
    assert [type(item) for item in value] == [float, int, bool, float]


def test_tensors_are_arrays_and_their_subclasses_are_not() -> None:
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(to_data(torch.arange(3)), [0, 1, 2])

    class Fake(torch.Tensor):
        pass

    with pytest.raises(Unfit, match="Fake"):
        to_data(torch.arange(3).as_subclass(Fake))


def test_numbers_beyond_64_bits_still_compare() -> None:
    assert to_data(10**30) == pytest.approx(1e30)
    assert to_data(-(10**400)) == -math.inf


def test_an_object_is_never_packed() -> None:
    with pytest.raises(TypeError):
        pack(Money(1.0))
