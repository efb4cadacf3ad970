"""What shows which part of an answer to `applications` is off; no claim is judged here."""

import math

import numpy as np

from autograder.probes import arguments_kept


def plain(indices):
    """Indices as a list, in whatever form they came."""
    return np.asarray(indices).tolist()


def kept(form, call, *given, **keywords):
    """What `form` makes of the answer, and which arguments the call changed."""
    found = arguments_kept(call, *given, **keywords)
    return {**found, "returned": form(found["returned"])}


def parts_of(time_split, times, cards, frauds, cutoff, delay):
    """The two parts, and how often they look where they must not."""
    train, test = map(plain, time_split(times, cards, frauds, cutoff, delay))
    blocked = cards[(times + delay <= cutoff) & (frauds == 1)]
    left_out = (times >= cutoff) & ~np.isin(cards, blocked)
    left_out[test] = False
    begins = times[test].min(initial=np.inf)
    return {
        "train": train,
        "test": test,
        "trained on the future": int((times[train] > cutoff).sum()) if train else 0,
        "trained on the unknown": int((times[train] + delay > cutoff).sum()) if train else 0,
        "tested on the past": int((times[test] < cutoff).sum()) if test else 0,
        "tested on blocked cards": int(np.isin(cards[test], blocked).sum()) if test else 0,
        "open, before the test": int((left_out & (times < begins)).sum()),
        "open, not tested": int((left_out & (times >= begins)).sum()),
    }


def whose(count, mean, roles):
    """The roles whose amounts, powers of 5 in their order, have this mean."""
    total = round(count * mean)
    digits = [total // 5**i % 5 for i in range(len(roles))]
    found = [role for role, digit in zip(roles, digits, strict=True) if digit]
    is_mean = sum(digits) == len(found) == count and abs(count * mean - total) < 0.05
    return found if is_mean else ["nobody's"]


def priced(cheapest_threshold, cases, review):
    """Threshold and cost, how far the cost is from that of the threshold, whether it occurs."""
    frauds, scores, amounts = cases
    threshold, cost = map(float, cheapest_threshold(*cases, review))
    alarm = scores >= np.asarray(threshold, scores.dtype) * (1 - 1e-6 * np.sign(threshold))
    told = review * alarm.sum() + amounts[~alarm & (frauds == 1)].sum()
    occurs = math.isinf(threshold) or bool(np.isclose(scores, threshold).any())
    return {"pair": [threshold, cost], "off by": cost - told, "is a score": occurs}


def sharp_one_wrong(estimate_ability):
    """How far above two questions of difficulty 1.5: the blunt one was right, the sharp wrong."""
    y, b, a = np.array([1.0, 0]), np.full(2, 1.5), np.array([1.0, 3])
    return float(estimate_ability(y, b, a, prior_std=math.inf)) - 1.5


def ratios(bm25_scores):
    """How scores relate where count, length or rarity alone differs; what a common token gains."""
    alike = [["x", "p", "p", "p"], ["x", "x", "x", "p"], ["x", "y", "p", "p"], ["p"] * 4]
    x, y, p = (np.asarray(bm25_scores([token], alike)) for token in "xyp")
    long = np.asarray(bm25_scores(["x"], [["x"], ["x", "p", "p", "p", "p"]]))
    with np.errstate(all="ignore"):
        found = {"by count": x[1] / x[0], "by length": long[0] / long[1], "by rarity": y[2] / x[2]}
    return {**found, "everywhere": p}
