"""Telephone keys: what is heard is what is said, at every rate, and the card is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.data import tones

CARD = Path(tones.__file__).with_name("README.md").read_text("utf-8")


def same(one: tones.Recording, other: tones.Recording) -> bool:
    pairs: Any = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def loudest(samples: Any, rate: int, candidates: tuple[int, ...]) -> int:
    """The candidate near which, within 2 %, the spectrum is highest."""
    size = 1 << 15
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    hertz = np.arange(len(power)) * rate / size
    return max(candidates, key=lambda f: power[abs(hertz / f - 1) < 0.02].max())


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_each_key_sounds_its_row_and_its_column(rate: int) -> None:
    for recording in tones.make(20, rate=rate, snr=(20, 20)):
        assert recording.rate == rate
        assert recording.samples.dtype == np.float32
        assert np.abs(recording.samples).max() <= 1
        assert 3 <= len(recording.keys) == len(recording.spans) <= 8
        for key, (begin, end) in zip(recording.keys, recording.spans, strict=True):
            heard = recording.samples[int(begin * rate) + 1 : int(end * rate)]
            row = tones.ROWS.index(loudest(heard, rate, tones.ROWS))
            column = tones.COLUMNS.index(loudest(heard, rate, tones.COLUMNS))
            assert tones.KEYS[3 * row + column] == key


def test_tones_and_gaps_are_as_long_as_asked() -> None:
    for recording in tones.make(30, tones=(0.06, 0.07), gaps=(0.04, 0.05)):
        lengths = np.diff(recording.spans, axis=1)
        whole = len(recording.samples) / recording.rate
        silences = [*recording.spans[:, 0], whole] - np.array([0, *recording.spans[:, 1]])
        assert 0.0599 < lengths.min() <= lengths.max() < 0.0701
        assert 0.0398 < silences.min() <= silences.max() < 0.0501  # the last one lacks a sample


def test_noise_is_as_loud_as_asked() -> None:
    for ratio in (0, 10):
        found = []
        for recording in tones.make(40, snr=(ratio, ratio)):
            begin, end = (recording.spans[0] * 8000).astype(int)
            noise = recording.samples[: begin - 1].var()
            found.append(10 * np.log10(recording.samples[begin + 1 : end].var() / noise - 1))
        assert np.mean(found) == pytest.approx(ratio, abs=1)


def test_what_is_pressed_does_not_depend_on_the_rate() -> None:
    low, high = (tones.make(10, rate=rate) for rate in (8000, 16000))
    for one, other in zip(low, high, strict=True):
        assert one.keys == other.keys
        assert np.array_equal(one.spans, other.spans)
        assert len(other.samples) == pytest.approx(2 * len(one.samples), abs=2)


def test_every_second_sample_folds_the_whistles_down_to_a_key() -> None:
    folded = [abs(16000 / 2 - hertz) for hertz in tones.WHISTLES]
    assert folded == [1300, 850]
    recording = tones.make(1, rate=16000, whistles=True, gaps=(0.3, 0.3), snr=(20, 20))[0]
    silence = recording.samples[:4800]
    assert loudest(silence, 16000, (*tones.ROWS, *tones.COLUMNS, *tones.WHISTLES)) in tones.WHISTLES
    assert loudest(silence[::2], 8000, (*tones.ROWS, *tones.COLUMNS)) in (852, 1336)


def test_seeds_and_parts_differ_and_fewer_are_the_first_of_more() -> None:
    ten, hundred = tones.make(10), tones.make(100)
    assert all(same(*pair) for pair in zip(ten, hundred[:10], strict=True))
    assert not any(same(*pair) for pair in zip(ten, tones.make(10, seed=1), strict=True))
    assert not any(same(*pair) for pair in zip(ten, tones.make(10, part="test"), strict=True))


def test_all_keys_and_lengths_occur() -> None:
    made = tones.make(200)
    assert {len(recording.keys) for recording in made} == {3, 4, 5, 6, 7, 8}
    counts = [sum(recording.keys.count(key) for recording in made) for key in tones.KEYS]
    assert min(counts) > 0.6 * max(counts)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"part": "dev"}, "choose one of train, test"),
        ({"lengths": (0, 2)}, "1 or more"),
        ({"lengths": (3, 2)}, "the greatest"),
        ({"rate": 2900}, "too low"),
        ({"rate": 8000, "whistles": True}, "too low"),
    ],
)
def test_what_makes_no_recording_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tones.make(1, **wrong)


def test_the_card_gives_the_true_counts() -> None:
    rows = re.findall(r"^\| (train|test) \| (\d+) \|(.*)\|$", CARD, re.M)
    assert len(rows) == 2
    for part, count, said in rows:
        made = tones.make(int(count), part=part)
        seconds = [len(recording.samples) / recording.rate for recording in made]
        keys = sum(len(recording.keys) for recording in made)
        true = [str(keys), f"{sum(seconds):.0f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}"]
        assert [cell.strip() for cell in said.split("|")] == true


def test_the_card_gives_the_true_tones() -> None:
    columns = re.search(r"^\| \| (.*) \|$", CARD, re.M)
    rows = re.findall(r"^\| \*\*(\d+) Hz\*\* \| (.) \| (.) \| (.) \|$", CARD, re.M)
    assert columns
    assert tuple(int(f.removesuffix(" Hz")) for f in columns[1].split(" | ")) == tones.COLUMNS
    assert tuple(int(row[0]) for row in rows) == tones.ROWS
    assert "".join("".join(row[1:]) for row in rows) == tones.KEYS


def test_the_card_s_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", CARD, re.S)
    room: dict[str, Any] = {}
    exec(block, room)
    assert room["seconds"] > 0.3
    assert set(room["classes"]) <= set(range(1, 13))
