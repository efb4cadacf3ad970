"""Schematic faces: their range, their reproducibility, and what the card says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.data import faces

CARD = Path(faces.__file__).with_name("README.md").read_text("utf-8")


def same(one: faces.Faces, other: faces.Faces) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("part", faces.PARTS)
@pytest.mark.parametrize("count", [0, 1, 50])
def test_faces_are_what_they_are_said_to_be(part: str, count: int) -> None:
    made = faces.make(count, part=part)
    assert made.images.shape == (count, 1, 16, 16)
    assert made.smiles.shape == (count,)
    assert made.images.dtype == made.smiles.dtype == np.float32
    assert (np.abs(made.images) <= 1).all()
    assert (np.abs(made.smiles) <= 1).all()


def test_seeds_and_parts_differ_and_fewer_are_the_first_of_more() -> None:
    ten, hundred = faces.make(10), faces.make(100)
    assert same(ten, faces.Faces(hundred.images[:10], hundred.smiles[:10]))
    assert not same(ten, faces.make(10, seed=1))
    assert not same(ten, faces.make(10, part="test"))
    assert len(np.unique(hundred.smiles)) == 100


def test_paper_around_ink_within() -> None:
    images = faces.make(200).images[:, 0]
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners < -0.99).all()
    middle = images[:, 6:10, 6:10].mean(axis=(1, 2))
    assert (middle > -0.6).all()
    assert (images.max(axis=(1, 2)) > 0.3).all()  # eyes and mouth are darker than any skin


def test_the_mouth_turns_as_it_is_said() -> None:
    """Where a mouth is glad its ends are high: the lower half then looks like a bowl."""
    made = faces.make(600)
    mouth = made.images[:, 0, 8:13] + 1  # (N, rows, columns)
    depth = (mouth * np.arange(5)[:, None]).sum(axis=1) / mouth.sum(axis=1)  # (N, columns)
    bowl = depth[:, 7:9].mean(axis=1) - depth[:, [5, 10]].mean(axis=1)
    assert np.corrcoef(bowl, made.smiles)[0, 1] > 0.8


def test_what_makes_no_face_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of train, test"):
        faces.make(1, part="validation")


def test_the_card_gives_the_true_numbers() -> None:
    rows = dict(re.findall(r"^\| (train|test) \| (.*) \|$", CARD, re.M))
    for part in faces.PARTS:
        made = faces.make(2000, part=part)
        told = (made.images.mean(), made.images.std(), (made.smiles > 0).mean())
        assert rows[part] == " | ".join(f"{number:.3f}".replace("-", "−") for number in told)


def test_the_card_s_ranges_are_those_drawn_from() -> None:
    lines = re.findall(r"^\| [^|]+ \| (−?\d\.\d+) \| (−?\d\.\d+) \|$", CARD, re.M)
    told = np.array([[float(number.replace("−", "-")) for number in line] for line in lines])
    assert np.array_equal(told.T, np.stack([faces.LOW, faces.HIGH]))


def test_the_card_s_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", CARD, re.S)
    room: dict[str, Any] = {}
    exec(block, room)
    assert room["made"].images.shape == (3, 1, 16, 16)
