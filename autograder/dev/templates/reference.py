"""The oracle: a well-kept library, or the slow obvious way; never the notebook's algorithm."""

import statistics


def average(values):
    return statistics.fmean(values) if len(values) else 0.0
