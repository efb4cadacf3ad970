"""Schematic faces drawn from a seed: small grey pictures to train a generator on.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTS", "SIZE", "Faces", "make"]

PARTS = ("train", "test")
SIZE = 16
"""Height and width of a face in pixels."""

SOFT = 0.35  # pixels over which an edge fades, so that a face has no jagged rim
LOW, HIGH = np.array(
    [
        # centre x, y; half width, half height; grey; eyes apart, up; mouth down, curvature
        (7.0, 8.0), (7.2, 7.8), (4.4, 5.4), (5.4, 6.6), (0.25, 0.55),
        (1.6, 2.4), (1.2, 2.2), (2.0, 3.0), (-1.0, 1.0),
    ]
).T  # fmt: skip


class Faces(NamedTuple):
    """Faces and what their mouths say. N is how many, S is `SIZE`.

    Attributes
    ----------
    images
        (N, 1, S, S) float32 from -1 (paper) to 1 (the darkest ink), as a generator that ends in
        tanh makes them.
    smiles
        (N,) float32, the curvature of the mouth from -1 (sad) to 1 (glad).
    """

    images: NDArray[np.float32]
    smiles: NDArray[np.float32]


def make(count: int, *, part: str = "train", seed: int = 0) -> Faces:
    """Draw faces. The same arguments give the same faces, and fewer are the first of more.

    Parameters
    ----------
    count
        How many, 0 or more.
    part
        ``"train"`` or ``"test"``: other faces of the same kind.
    seed
        0 or more. Parts of one seed are unlike one another too.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"no part {part!r}: choose one of {', '.join(PARTS)}")
    rng = np.random.default_rng([seed, PARTS.index(part)])
    chosen = LOW + (HIGH - LOW) * rng.random((count, len(LOW)))  # one row a face
    ink = _drawn(*chosen.T[:, :, None, None])
    return Faces((2 * ink - 1)[:, None].astype(np.float32), chosen[:, -1].astype(np.float32))


def _drawn(
    x: NDArray[np.float64], y: NDArray[np.float64], wide: NDArray[np.float64],
    high: NDArray[np.float64], grey: NDArray[np.float64], apart: NDArray[np.float64],
    up: NDArray[np.float64], down: NDArray[np.float64], curve: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Ink from 0 to 1 (N, S, S); every argument is (N, 1, 1), in pixels but for grey and curve."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    right, below = columns - x, rows - y
    face = (1 - np.hypot(right / wide, below / high)) * np.minimum(wide, high)
    eyes = 1.0 - np.hypot(np.abs(right) - apart, below + up)
    # A smile hangs lowest in the middle; the mouth is 2.6 pixels wide to either side.
    bow = below - down - curve * (1 - (right / 2.6) ** 2)
    mouth = np.minimum(0.6 - np.abs(bow), 2.6 - np.abs(right))
    ink = grey * _edge(face)
    return np.asarray(ink + (1 - ink) * np.maximum(_edge(eyes), _edge(mouth)))


def _edge(inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 within, 0 without and one half on the edge, `inside` being the distance to it."""
    return np.asarray(1 / (1 + np.exp(-inside / SOFT)))
