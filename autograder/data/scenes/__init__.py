"""Scenes made of real handwritten digits: pictures whose boxes and masks are known exactly.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

__all__ = ["NAMES", "PARTS", "VOID", "Scene", "class_names", "make"]

PARTS = ("train", "validation", "test")
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOID = 255
"""What the mask holds where the ink is too faint to say: pixels that nobody is to count."""

INK, FAINT = 0.5, 0.125  # of the darkest ink: above INK is the digit, FAINT to INK is its rim
TRIES = 50  # to find room for one more digit


class Scene(NamedTuple):
    """One picture and all that is to be found on it. H and W are the size of the canvas.

    Attributes
    ----------
    image
        (H, W) uint8, as an image file holds it: 0 is paper, 255 the darkest ink.
    mask
        (H, W) uint8. 0 is background, k the k-th class, `VOID` (255) the rim of a digit. Where
        digits cross, a pixel belongs to the one whose ink is darker.
    boxes
        (n, 4) float32, ``x1, y1, x2, y2``: the tightest box around each digit with its rim. The
        right and lower edges lie *behind* the last pixel, so that ``x2 - x1`` is the width.
    labels
        (n,) int64, 1 to K. Class k is ``digits[k - 1]`` as given to `make`; 0 is background.
    masks
        (n, H, W) bool: the pixels of each digit with its rim. Where digits overlap, so do these.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_]


def class_names(digits: Sequence[int] = range(10)) -> tuple[str, ...]:
    """Names by class id, "background" first: those of ``make(…, digits=digits)``."""
    return ("background", *(NAMES[digit] for digit in digits))


def make(
    count: int,
    *,
    part: str = "train",
    seed: int = 0,
    size: int = 32,
    digits: Sequence[int] = range(10),
    digit_sizes: tuple[int, int] = (16, 16),
    numbers: tuple[int, int] = (1, 3),
    noise: float = 1 / 16,
    overlap: float = 0.2,
) -> list[Scene]:
    """Make scenes. The same arguments give the same scenes, and fewer are the first of more.

    Parameters
    ----------
    count
        How many.
    part
        Whose handwriting: ``"train"``, ``"validation"`` or ``"test"``. No digit is in two parts,
        and the tiny ResNet has been trained on those of ``"train"`` alone.
    seed
        0 or more. Parts of one seed are unlike one another too.
    size
        Height and width of the canvas, in pixels.
    digits
        Which digits occur, all equally often; the k-th of them is class k.
    digit_sizes
        Least and greatest side of a digit's square, blank margin included. The originals have 8
        pixels; greater ones are enlarged linearly.
    numbers
        Least and greatest number of digits. One that finds no room is left out, never the first.
    noise
        Standard deviation of Gaussian noise on every pixel, as a share of the darkest ink.
    overlap
        The greatest intersection over union of two boxes: 0 keeps digits apart, 1 allows all.

    Raises
    ------
    ValueError
        If there is no such part, or digits of that size do not fit, or a range is empty.
    """
    _refuse(part, size, digits, digit_sizes, numbers)
    rng = np.random.default_rng([seed, PARTS.index(part)])
    pictures = _pictures(part)
    scenes = []
    for _ in range(count):
        layers, labels, boxes = _placed(rng, pictures, size, digits, digit_sizes, numbers, overlap)
        ink = layers.max(axis=0)  # as with a pen: where two digits cross, the darker one shows
        owner = labels[layers.argmax(axis=0)]
        mask = np.where(ink > INK, owner, np.where(ink > FAINT, VOID, 0)).astype(np.uint8)
        noisy = np.clip(ink + noise * rng.normal(size=ink.shape), 0, 1)
        image = np.rint(255 * noisy).astype(np.uint8)
        scenes.append(Scene(image, mask, boxes, labels, layers > FAINT))
    return scenes


def _refuse(
    part: str, size: int, digits: Sequence[int], sizes: tuple[int, int], numbers: tuple[int, int]
) -> None:
    if part not in PARTS:
        raise ValueError(f"no part {part!r}: choose one of {', '.join(PARTS)}")
    if not digits or len(set(digits)) < len(digits) or not set(digits) <= set(range(10)):
        raise ValueError(f"digits are different ones of 0 to 9, not {list(digits)}")
    if not 8 <= sizes[0] <= sizes[1] <= size:
        raise ValueError(f"digits of {sizes} pixels: give 8 or more, and at most size={size}")
    if not 1 <= numbers[0] <= numbers[1]:
        raise ValueError(f"numbers={numbers}: give the least, 1 or more, and the greatest")


@functools.cache
def _pictures(part: str) -> dict[int, NDArray[np.float64]]:
    """Pictures (N, 8, 8) of each digit, 0 … 1, split as the tiny ResNet's ``network.split(0)``."""
    images, digits = load_digits(return_X_y=True)
    rest, test = train_test_split(
        range(len(digits)), test_size=0.2, random_state=0, stratify=digits
    )
    train, validation = train_test_split(
        rest, test_size=0.25, random_state=0, stratify=digits[rest]
    )
    rows: Any = dict(zip(PARTS, (train, validation, test), strict=True))[part]
    pixels = images[rows].reshape(-1, 8, 8) / 16
    return {digit: pixels[digits[rows] == digit] for digit in range(10)}


@functools.cache
def _stretch(size: int) -> NDArray[np.float64]:
    """The matrix (size, 8) that enlarges 8 pixels linearly, their centres aligned."""
    centres = (np.arange(size) + 0.5) * 8 / size - 0.5
    return np.stack([np.interp(centres, np.arange(8), unit) for unit in np.eye(8)], axis=1)


def _placed(
    rng: np.random.Generator,
    pictures: dict[int, NDArray[np.float64]],
    size: int,
    digits: Sequence[int],
    sizes: tuple[int, int],
    numbers: tuple[int, int],
    overlap: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float32]]:
    """Place digits one by one: ink of each (n, H, W), classes (n,) and boxes (n, 4)."""
    layers: list[NDArray[np.float64]] = []
    labels: list[int] = []
    boxes: list[tuple[int, int, int, int]] = []
    for _ in range(rng.integers(numbers[0], numbers[1], endpoint=True)):
        label = int(rng.integers(len(digits)))
        stretch = _stretch(int(rng.integers(sizes[0], sizes[1], endpoint=True)))
        digit = stretch @ rng.choice(pictures[digits[label]]) @ stretch.T  # (s, s)
        around = _box(digit > FAINT)
        for x, y in rng.integers(0, size - len(digit), (TRIES, 2), endpoint=True).tolist():
            box = (around[0] + x, around[1] + y, around[2] + x, around[3] + y)
            if all(_iou(box, other) <= overlap for other in boxes):
                layer = np.zeros((size, size))
                layer[y : y + len(digit), x : x + len(digit)] = digit
                layers.append(layer)
                labels.append(label + 1)
                boxes.append(box)
                break
    return np.stack(layers), np.array(labels, np.int64), np.array(boxes, np.float32)


def _box(ink: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    (ys,), (xs,) = np.nonzero(ink.any(axis=1)), np.nonzero(ink.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def _iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
