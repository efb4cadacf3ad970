"""What the probes of `speech` draw: tones, recordings, paths, texts with planted errors."""

import numpy as np

from autograder.data import tones

RATES = ((16000, 8000), (44100, 16000), (11025, 8000), (8000, 16000))
WORDS = ("one", "two", "three", "four", "nine")


def seed(rng):
    return int(rng.integers(2**31))


def recording(rng, **options):
    return tones.make(1, seed=seed(rng), **options)[0]


def tone(rng, rates, span, height):
    """Hertz, height and phase of a tone that lies in a span of half the lower rate."""
    half = min(rates) / 2
    return half * rng.uniform(*span), rng.uniform(*height), rng.uniform(0, 6)


def parts(height, phase):
    """The cosine's and the sine's part of a tone."""
    return [height * np.cos(phase), height * np.sin(phase)]


def _resampled(resample, rates, *tones):
    """The middle of what becomes of tones, and its times in seconds."""
    rate, target = rates
    time = np.arange(rate // 4)[:, None] / rate
    hertz, heights, phases = np.transpose(tones)
    played = (heights * np.cos(2 * np.pi * hertz * time + phases)).sum(axis=1)
    result = np.asarray(resample(played.astype(np.float32), rate, target), float)
    middle = slice(len(result) // 4, 3 * len(result) // 4)
    return result[middle], np.arange(len(result))[middle] / target


def _height(samples):
    return float(np.sqrt(2 * np.mean(samples**2)))


def heard(resample, rates, *tones):
    """What became of the first of the tones played, in the middle of the result.

    Returns the parts of a cosine and of a sine, and the height of all else that is heard.
    """
    result, time = _resampled(resample, rates, *tones)
    turned = np.exp(2j * np.pi * tones[0][0] * time)
    window = np.hanning(len(result))
    value = 2 * np.sum(result * turned.conj() * window) / window.sum()
    return [value.real, value.imag, _height(result - (value * turned).real)]


def left_of(resample, rates, high, low):
    """The share of a tone's height by which it changes what becomes of another."""
    both, alone = (_resampled(resample, rates, low, *more)[0] for more in ((high,), ()))
    return _height(both - alone) / high[1]


def uneven(rng, rate, target):
    """A number of samples that the new rate makes no whole number of, and rounding makes fewer."""
    found = rng.integers(2000, 3000, 99).tolist()
    return next(
        n for n in found if n * target % rate and round(n * target / rate) * rate < n * target
    )


def path(rng, length, blank, labels):
    """Labels and blanks in runs, with repeats on both sides of a blank."""
    runs = [blank if rng.random() < 0.4 else int(rng.choice(labels)) for _ in range(length)]
    made = [label for label in runs for _ in range(int(rng.integers(1, 4)))]
    a = int(rng.choice(labels))
    return [*made, a, a, blank, a, blank, blank]


def log_probs(rng, frames, classes):
    logits = 2 * rng.normal(size=(frames, classes))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def mixed(rng, *words):
    """All of them, in an order of the seed's."""
    return [str(word) for word in rng.permutation(words)]


def clicks(rng, count=8):
    """Where in its frame of 256 samples each click stands, and the recording of them.

    Each frame by itself: the window at one sample, the bands' weights in all.
    """
    at = 40 + rng.permutation(177)[:count]
    samples = np.zeros((count, 256), np.float32)
    samples[np.arange(count), at] = 0.9
    return at.tolist(), samples.ravel()


def between(rng, words, marks):
    """Words and marks in turn, both in an order of the seed's."""
    pairs = zip(mixed(rng, *words), mixed(rng, *marks), strict=True)
    return "".join(word + mark for word, mark in pairs)


def corpus(rng, words, joiner, sentences=4, longest=9):
    """References, and hypotheses in which something is dropped, swapped and inserted."""
    references, hypotheses = [], []
    for _ in range(sentences):
        said = rng.choice(words, int(rng.integers(2, longest))).tolist()
        heard = []
        for word in said:
            fate = rng.random()
            heard += [] if fate < 0.2 else [str(rng.choice(words))] if fate < 0.3 else [word]
            heard += [str(rng.choice(words))] if rng.random() < 0.2 else []
        references.append(joiner.join(said))
        hypotheses.append(joiner.join(heard))
    return references, hypotheses
