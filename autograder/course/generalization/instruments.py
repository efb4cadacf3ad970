"""What the probes of `generalization` read: made-up losses of which one diagnosis is true."""

import numpy as np


def _falling(rng, epochs, floor):
    """A loss that falls in every epoch, from about two towards `floor`."""
    return floor + (2 - floor) * np.exp(-np.cumsum(rng.uniform(0.2, 1.0, epochs)) / 2)


def curves_of(rng, kind):
    """Arguments of `read_curves` of which `kind` is true, by a wide margin."""
    tolerance, reachable = rng.uniform(0.05, 0.1), rng.uniform(0.3, 0.4)
    epochs, best = int(rng.integers(12, 20)), int(rng.integers(5, 9))
    train = _falling(rng, epochs, rng.uniform(1.0, 1.2) if kind == "underfitting" else 0.02)
    validation = train + rng.uniform(0.2, 0.6)
    away = np.maximum(np.arange(epochs) - best, 0)
    if kind in ("overfitting", "diverging"):
        validation[best:] = validation[best] + 0.1 * away[best:]
    else:  # as low as it gets, but for what means nothing
        train[best:] = train[best] - 0.01 * away[best:] / epochs
        validation[best:] = validation[best]
        validation[best + 1 :] += rng.uniform(0.1, 0.8, epochs - best - 1) * tolerance
    if kind == "diverging":
        train[best:] = train[best] + 0.08 * away[best:]
    if kind == "fine":
        train, reachable = train - train[best] + 0.1, reachable + 0.2
        validation += 0.5 - validation[best]
    return train, validation, reachable, tolerance
