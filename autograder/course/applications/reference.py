"""The oracle for `applications`: SciPy, scikit-learn and slow obvious loops."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import scipy.signal
from scipy import optimize, special
from sklearn import metrics


def time_split(times, cards, frauds, cutoff, delay):
    """Return indices for training and for the test."""
    rows = range(len(times))
    training = [i for i in rows if times[i] + delay <= cutoff]
    blocked = {int(cards[i]) for i in training if frauds[i] == 1}
    return training, [i for i in rows if times[i] >= cutoff and int(cards[i]) not in blocked]


def card_features(times, cards, amounts, window):
    """Return for each payment how many earlier ones there were, and their mean amount."""
    found = []
    for time, card in zip(times, cards, strict=True):
        seen = [
            float(amount)
            for other, owner, amount in zip(times, cards, amounts, strict=True)
            if owner == card and time - window <= other < time
        ]
        found.append([len(seen), math.fsum(seen) / len(seen) if seen else 0.0])
    return found


def cheapest_threshold(frauds, scores, amounts, review_cost):
    """Return the cheapest threshold, the highest of several, and its cost."""
    costs = {}
    for threshold in {math.inf, *map(float, scores)}:
        rows = zip(frauds, scores, amounts, strict=True)
        costs[threshold] = sum(
            review_cost if score >= threshold else float(amount) * (fraud == 1)
            for fraud, score, amount in rows
        )
    least = min(costs.values())
    return max(threshold for threshold, cost in costs.items() if cost == least), least


def ewma_scores(healthy, signal, weight):
    """Return |EWMA − mean| in its own standard deviations."""
    mean, deviation = np.mean(healthy), np.std(healthy, ddof=1)
    z = scipy.signal.lfilter([weight], [1, weight - 1], np.asarray(signal, dtype=float) - mean)
    t = np.arange(1, len(z) + 1)
    return abs(z) / (deviation * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t))))


def score_alarms(alarms, faults, lead, horizon):
    """Return how many faults were caught, late and missed, and how many alarms were false."""
    result = Counter(caught=0, late=0, missed=0, false_alarms=0)
    for fault in faults:
        ahead = [fault - alarm for alarm in alarms if 0 <= fault - alarm <= horizon]
        in_time = any(hours >= lead for hours in ahead)
        result["caught" if in_time else "late" if ahead else "missed"] += 1
    for alarm in alarms:
        result["false_alarms"] += not any(0 <= fault - alarm <= horizon for fault in faults)
    return dict(result)


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    """Return the ability of the highest posterior (or likelihood)."""
    asked = ~np.isnan(answers)
    y, b, a = (np.asarray(values)[asked] for values in (answers, difficulty, discrimination))
    if math.isinf(prior_std) and len(set(y.tolist())) == 1:
        return math.inf if y[0] == 1 else -math.inf

    def loss(theta):
        margin = a * (theta - b) * (2 * y - 1)
        return -special.log_expit(margin).sum() + 0.5 * (theta / prior_std) ** 2

    found = optimize.minimize_scalar(loss, bracket=(-1.0, 1.0), tol=1e-10)
    return float(found.x)


def fit_rasch(responses, prior_std=1.0):
    """Return the abilities and difficulties of the highest joint posterior."""
    students, _ = responses.shape
    asked = ~np.isnan(responses)
    sign = np.where(asked, 2 * np.nan_to_num(responses) - 1, 0)

    def loss(both):
        margin = (both[:students, None] - both[students:]) * sign
        likelihood = np.where(asked, special.log_expit(margin), 0).sum()
        pull = np.where(asked, special.expit(-margin), 0) * sign
        slope = np.concatenate([-pull.sum(axis=1), pull.sum(axis=0)]) + both / prior_std**2
        return -likelihood + (both**2).sum() / (2 * prior_std**2), slope

    start = np.zeros(sum(responses.shape))
    found = optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return found[:students], found[students:]


def bm25_scores(query, documents, k1=1.2, b=0.75):
    """Return Lucene's BM25 score of each document."""
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for token in query:
            holding = sum(token in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            often = Counter(document)[token]
            if often:
                score += idf * often / (often + k1 * (1 - b + b * len(document) / mean))
        scores.append(score)
    return scores


def ranking_metrics(scores, relevance, k):
    """Return mean recall, reciprocal rank and nDCG of the queries with a relevant document."""
    kept = [(s, r) for s, r in zip(scores, relevance, strict=True) if max(r) > 0]
    recall, first, places = [], [], []
    for s, r in kept:
        order = sorted(range(len(s)), key=lambda i: (-s[i], i))
        hits = [rank for rank, i in enumerate(order[:k], start=1) if r[i] > 0]
        recall.append(len(hits) / sum(grade > 0 for grade in r))
        first.append(1 / hits[0] if hits else 0.0)
        # Scores without ties, in that order: what scikit-learn makes of ties is not asked for.
        places.append([-float(order.index(i)) for i in range(len(s))])
    # As floats: scikit-learn reads a matrix of 0 and 1 as labels.
    grades = np.array([r for _, r in kept], dtype=float)
    ndcg = metrics.ndcg_score(grades, np.array(places), k=k)
    return {"recall": float(np.mean(recall)), "mrr": float(np.mean(first)), "ndcg": float(ndcg)}


def pipeline_latency(stages, plan, budget):
    """Return p50 and p99 by nearest rank, and the share of requests within the budget."""
    steps = [[step] if isinstance(step, str) else list(step) for step in plan]
    count = len(next(iter(stages.values())))
    total = sorted(
        sum(max(float(stages[name][i]) for name in step) for step in steps) for i in range(count)
    )
    at = [total[math.ceil(Fraction(percent, 100) * count) - 1] for percent in (50, 99)]
    return {"p50": at[0], "p99": at[1], "within": sum(t <= budget for t in total) / count}


def stopping_distance(latencies, speed, deceleration, sight):
    """Return the metres of reaction and of braking, and the top speed within sight, in km/h."""
    slowest = sorted(map(float, latencies))
    wait = slowest[math.ceil(Fraction(99, 100) * len(slowest)) - 1] / 1000

    def parts(kmh):
        v = kmh * 1000 / 3600
        return v * wait, v * v / deceleration / 2

    reaction, braking = parts(speed)
    top = optimize.brentq(lambda kmh: sum(parts(kmh)) - sight, 0.0, 1e4, xtol=1e-9)
    return {"reaction": reaction, "braking": braking, "top_speed": top}
