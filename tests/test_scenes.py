"""Scenes of digits: exact boxes and masks, no digit in two parts, and what the card says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.data import scenes
from autograder.models.tiny_resnet import network

CARD = Path(scenes.__file__).with_name("README.md").read_text("utf-8")
USES: list[dict[str, Any]] = [
    {"digits": (0, 1, 4, 7)},
    {"size": 40, "digit_sizes": (8, 14)},
    {"size": 40, "digit_sizes": (8, 8), "numbers": (1, 6), "digits": (0, 1, 4, 7)},
    {"size": 48, "digit_sizes": (8, 8), "numbers": (1, 10), "overlap": 1},
]


def same(one: scenes.Scene, other: scenes.Scene) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def iou(a: Any, b: Any) -> float:
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("part", scenes.PARTS)
def test_a_scene_is_what_it_is_said_to_be(use: dict[str, Any], part: str) -> None:
    size, classes = use.get("size", 32), len(use.get("digits", range(10)))
    least, most = use.get("numbers", (1, 3))
    for scene in scenes.make(40, part=part, seed=3, **use):
        n = len(scene.labels)
        assert least <= n <= most
        assert scene.image.shape == scene.mask.shape == (size, size)
        assert (scene.image.dtype, scene.mask.dtype) == (np.uint8, np.uint8)
        assert (scene.boxes.shape, scene.boxes.dtype) == ((n, 4), np.float32)
        assert (scene.masks.shape, scene.masks.dtype) == ((n, size, size), np.bool_)
        assert scene.labels.dtype == np.int64
        assert set(scene.labels.tolist()) <= set(range(1, classes + 1))
        assert set(np.unique(scene.mask).tolist()) <= {0, *scene.labels.tolist(), scenes.VOID}


@pytest.mark.parametrize("use", USES)
def test_boxes_are_the_tightest_around_the_masks(use: dict[str, Any]) -> None:
    for scene in scenes.make(40, **use):
        for box, mask in zip(scene.boxes, scene.masks, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


@pytest.mark.parametrize("use", USES)
def test_without_noise_the_ink_tells_the_mask(use: dict[str, Any]) -> None:
    for scene in scenes.make(40, noise=0, **use):
        ink = scene.image / 255
        known = np.abs(ink[..., None] - [0.5, 0.125]).min(axis=-1) > 0.5 / 255  # but for rounding
        kind = np.where(scene.mask == scenes.VOID, 1, np.where(scene.mask > 0, 2, 0))
        assert np.array_equal(kind[known], np.digitize(ink, [0.125, 0.5])[known])
        assert np.array_equal(scene.masks.any(axis=0), scene.mask > 0)
        for label in set(scene.labels.tolist()):
            here = scene.masks[scene.labels == label].any(axis=0)
            assert here[scene.mask == label].all()


def test_noise_changes_the_image_and_nothing_else() -> None:
    loud, quiet = (scenes.make(1, noise=noise, seed=5)[0] for noise in (0.2, 0))
    assert same(loud._replace(image=quiet.image), quiet)
    difference = loud.image / 255.0 - quiet.image / 255.0
    inside = (quiet.image > 0.4 * 255) & (quiet.image < 0.6 * 255)
    assert np.std(difference[inside]) == pytest.approx(0.2, rel=0.3)


def test_the_darker_ink_owns_the_pixel() -> None:
    crossed = [s for s in scenes.make(60, overlap=1, noise=0) if (s.masks.sum(axis=0) > 1).any()]
    assert len(crossed) > 20
    owners = [set(s.mask[s.masks.all(axis=0)].tolist()) - {255} for s in crossed]
    assert any(len(owner) > 1 for owner in owners)


def test_seeds_and_parts_differ_and_fewer_are_the_first_of_more() -> None:
    ten, hundred = scenes.make(10), scenes.make(100)
    assert all(same(*pair) for pair in zip(ten, hundred[:10], strict=True))
    assert not any(same(*pair) for pair in zip(ten, scenes.make(10, seed=1), strict=True))
    boxes = [[s.boxes.tolist() for s in scenes.make(10, part=part)] for part in scenes.PARTS]
    assert boxes[0] != boxes[1] != boxes[2] != boxes[0]


def test_parts_are_those_of_the_tiny_resnet() -> None:
    for part, digits in zip(scenes.PARTS, network.split(), strict=True):
        known = {picture.tobytes() for picture in digits.images.numpy().astype(np.uint8)}
        for scene in scenes.make(60, part=part, size=8, digit_sizes=(8, 8), noise=0):
            assert np.rint(scene.image / 255 * 16).astype(np.uint8).tobytes() in known


@pytest.mark.parametrize("overlap", [0, 0.1, 0.5])
def test_boxes_overlap_as_far_as_allowed(overlap: float) -> None:
    found = [
        iou(one, other)
        for scene in scenes.make(150, size=40, numbers=(2, 3), overlap=overlap)
        for i, one in enumerate(scene.boxes)
        for other in scene.boxes[:i]
    ]
    assert len(found) >= 150
    assert overlap * 0.8 <= max(found) <= overlap + 1e-6


def test_classes_are_the_digits_in_the_order_given() -> None:
    assert scenes.class_names((7, 1)) == ("background", "seven", "one")
    assert len(scenes.class_names()) == 11
    labels = np.concatenate([s.labels for s in scenes.make(200, digits=(7, 1))])
    assert 0.4 < np.mean(labels == 1) < 0.6
    # A one is narrow, a seven is wide.
    both = scenes.make(200, digits=(7, 1), numbers=(1, 1))
    width = {k: np.mean([s.masks.sum() for s in both if s.labels[0] == k]) for k in (1, 2)}
    alone = [s.masks.sum() for s in scenes.make(200, digits=(1,), numbers=(1, 1))]
    assert abs(width[2] - np.mean(alone)) < abs(width[1] - np.mean(alone))


def test_sizes_and_numbers_reach_both_ends() -> None:
    some = scenes.make(200, size=40, digit_sizes=(8, 14), numbers=(1, 4), overlap=1)
    assert {len(s.labels) for s in some} == {1, 2, 3, 4}
    heights = np.concatenate([s.boxes[:, 3] - s.boxes[:, 1] for s in some])
    assert heights.max() == 14
    assert heights.min() <= 8


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"part": "dev"}, "choose one of train, validation, test"),
        ({"digits": ()}, "different ones"),
        ({"digits": (1, 1)}, "different ones"),
        ({"digits": (10,)}, "different ones"),
        ({"digit_sizes": (16, 40)}, "at most size=32"),
        ({"digit_sizes": (4, 8)}, "8 or more"),
        ({"digit_sizes": (12, 10)}, "8 or more"),
        ({"numbers": (0, 2)}, "1 or more"),
        ({"numbers": (3, 2)}, "the greatest"),
    ],
)
def test_what_makes_no_scene_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scenes.make(1, **wrong)


def measured(use: dict[str, Any]) -> list[str]:
    made = scenes.make(400, **use)
    image, mask = (np.stack(x) for x in zip(*(s[:2] for s in made), strict=True))
    rim, background = (mask == scenes.VOID).mean(), (mask == 0).mean()
    crossing = sum(bool((s.masks.sum(axis=0) > 1).any()) for s in made)
    shares = [background, 1 - rim - background, rim, (image / 255).mean(), (image / 255).std()]
    return [str(sum(len(s.labels) for s in made)), str(crossing), *(f"{x:.3f}" for x in shares)]


def test_the_card_gives_the_true_counts() -> None:
    rows = re.findall(r"^\| (?:seg|det)[^|]*\| `(.*)` \|(.*)\|$", CARD, re.M)
    assert len(rows) == 4
    for arguments, said in rows:
        use = eval(f"dict({arguments})")
        assert [cell.strip() for cell in said.split("|")] == measured(use), arguments


def test_the_card_s_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", CARD, re.S)
    room: dict[str, Any] = {}
    exec(block, room)
    assert room["names"] == ("background", "zero", "one", "four", "seven")
