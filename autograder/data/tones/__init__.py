"""Telephone keys, synthesised: recordings whose every tone is known, with noise at any rate.

The card is in ``README.md`` next to this file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "KEYS", "PARTS", "ROWS", "WHISTLES", "Recording", "make"]

PARTS = ("train", "test")
KEYS = "123456789*0#"
"""The keys, row by row; the k-th of them (from 1) is class k, and 0 is left for the blank."""

ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477)
"""Hertz of each row and column: a key sounds one of either (ITU-T Recommendation Q.23)."""

WHISTLES = (6700, 7150)
"""Hertz, above all that 8 kHz can hold: folded down, they are 1,300 and 850, a key of their own."""

OFF, TWIST, LOUDEST = 0.015, 3.0, 0.25  # frequencies off; decibels between the tones; amplitude


class Recording(NamedTuple):
    """One recording.

    Attributes
    ----------
    samples
        (n,) float32 within -1 … 1, one channel.
    rate
        Samples per second.
    keys
        What was pressed, such as ``"110#"``.
    spans
        (len(keys), 2) float64: when each tone begins and ends, in seconds.
    """

    samples: NDArray[np.float32]
    rate: int
    keys: str
    spans: NDArray[np.float64]


def make(
    count: int,
    *,
    part: str = "train",
    seed: int = 0,
    rate: int = 8000,
    lengths: tuple[int, int] = (3, 8),
    tones: tuple[float, float] = (0.05, 0.12),
    gaps: tuple[float, float] = (0.03, 0.10),
    snr: tuple[float, float] = (0, 10),
    whistles: bool = False,
) -> list[Recording]:
    """Make recordings. The same arguments give the same ones, and fewer are the first of more.

    Parameters
    ----------
    count
        How many.
    part
        ``"train"`` or ``"test"``: recordings of one seed that have nothing in common.
    seed
        0 or more.
    rate
        Samples per second. What is pressed, and when, does not depend on it.
    lengths
        Least and greatest number of keys.
    tones, gaps
        Least and greatest seconds of a tone, and of the silence before, between and after.
    snr
        Least and greatest ratio of the tones to the noise, in decibels.
    whistles
        Whether something whistles at `WHISTLES` in the background, as loud as the keys.

    Raises
    ------
    ValueError
        If there is no such part, a range is empty or the rate cannot hold the highest tone.
    """
    if part not in PARTS:
        raise ValueError(f"no part {part!r}: choose one of {', '.join(PARTS)}")
    if not 1 <= lengths[0] <= lengths[1]:
        raise ValueError(f"lengths={lengths}: give the least, 1 or more, and the greatest")
    if rate <= 2 * (max(WHISTLES) if whistles else max(COLUMNS) * (1 + OFF)):
        raise ValueError(f"rate={rate} is too low for the highest tone: give more than twice that")
    return [
        _recording(np.random.default_rng([seed, PARTS.index(part), number]),
                   rate, lengths, tones, gaps, snr, whistles)
        for number in range(count)
    ]  # fmt: skip


def _recording(
    rng: np.random.Generator,
    rate: int,
    lengths: tuple[int, int],
    tones: tuple[float, float],
    gaps: tuple[float, float],
    snr: tuple[float, float],
    whistles: bool,
) -> Recording:
    count = int(rng.integers(lengths[0], lengths[1], endpoint=True))
    pressed = rng.integers(len(KEYS), size=count)
    sounds, silences = rng.uniform(*tones, count), rng.uniform(*gaps, count + 1)
    ends = np.cumsum(silences[:-1] + sounds)
    spans = np.stack([ends - sounds, ends], axis=1)
    off = rng.uniform(1 - OFF, 1 + OFF, (count, 2))
    twists = rng.uniform(-TWIST, TWIST, count)
    noise_level, gain = rng.uniform(*snr), rng.uniform(-20, 0)
    phases = rng.uniform(0, 2 * np.pi, (count + 1, 2))

    time = np.arange(int((ends[-1] + silences[-1]) * rate)) / rate
    clean = np.zeros_like(time)
    for key, span, factor, twist, phase in zip(pressed, spans, off, twists, phases, strict=False):
        hertz = np.array([ROWS[key // 3], COLUMNS[key % 3]]) * factor
        loud = 10 ** (np.array([twist, -twist]) / 40)
        first, last = np.ceil(span * rate).astype(int)
        waves = loud * np.sin(2 * np.pi * time[first:last, None] * hertz + phase)
        clean[first:last] += waves.sum(axis=1)
    if whistles:
        clean += np.sin(2 * np.pi * time[:, None] * WHISTLES + phases[-1]).sum(axis=1)
    # A tone's mean power is near 1. The noise is white up to half the rate, so that what a
    # telephone's 4 kHz hold of it is the same at any rate.
    deviation = np.sqrt(10 ** (-noise_level / 10) * rate / 8000)
    noisy = clean + deviation * rng.normal(size=len(time))
    samples = np.clip(LOUDEST * 10 ** (gain / 20) * noisy, -1, 1).astype(np.float32)
    return Recording(samples, rate, "".join(KEYS[key] for key in pressed), spans)
