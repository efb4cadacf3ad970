# %% confusion_counts · Counter of pairs
from collections import Counter


def confusion_counts(labels, predictions):
    seen = Counter((int(y), int(p)) for y, p in zip(labels, predictions, strict=True))
    return [seen[1, 1], seen[0, 1], seen[1, 0], seen[0, 0]]

# %% accuracy · map and operator
import operator


def accuracy(labels, predictions):
    hits = list(map(operator.eq, labels, predictions))
    return sum(hits) / (len(hits) or 1)

# %% precision · by the counts of task 1
def precision(labels, predictions):
    tp, fp, _, _ = confusion_counts(labels, predictions)
    return np.divide(tp, tp + fp) if tp + fp else np.float64(0)

# %% recall · by the counts of task 1
def recall(labels, predictions):
    tp, _, fn, _ = confusion_counts(labels, predictions)
    try:
        return tp / (tp + fn)
    except ZeroDivisionError:
        return 0.0

# %% specificity · recall of the other class
def specificity(labels, predictions):
    return recall([1 - y for y in labels], [1 - p for p in predictions])

# %% f1 · statistics.harmonic_mean
from statistics import harmonic_mean


def f1(labels, predictions):
    return float(harmonic_mean([float(precision(labels, predictions)), float(recall(labels, predictions))]))

# %% averaged_f1 · table of functions
def averaged_f1(labels, predictions, average):
    y, p = list(labels), list(predictions)
    classes = set(y).union(p)

    def counts(c):
        return np.array([
            sum(a == c and b == c for a, b in zip(y, p)),
            sum(a != c and b == c for a, b in zip(y, p)),
            sum(a == c and b != c for a, b in zip(y, p)),
        ])

    def score(tp, fp, fn):
        return tp / (tp + (fp + fn) / 2)

    table = [counts(c) for c in classes]
    kinds = {
        "macro": lambda: np.mean([score(*row) for row in table]),
        "micro": lambda: score(*np.sum(table, axis=0)),
        "weighted": lambda: np.average([score(*row) for row in table], weights=[row[0] + row[2] for row in table]),
    }
    if average not in kinds:
        raise ValueError(f"{average!r} is none of {sorted(kinds)}")
    return kinds[average]()

# %% roc_curve · groupby over equal scores
from itertools import groupby


def roc_curve(labels, scores):
    pairs = sorted(zip(scores, labels), key=lambda pair: pair[0], reverse=True)
    positives = sum(int(y) for _, y in pairs)
    negatives = len(pairs) - positives
    if not positives * negatives:
        raise ValueError("ROC needs both classes")
    points, tp, fp = [(0.0, 0.0)], 0, 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        for _, y in group:
            tp, fp = tp + int(y), fp + 1 - int(y)
        points.append((fp / negatives, tp / positives))
    return tuple(zip(*points))

# %% roc_auc · Mann-Whitney by mean ranks
from scipy.stats import rankdata


def roc_auc(labels, scores):
    y = np.asarray(labels) == 1
    p, n = y.sum(), (~y).sum()
    if p == 0 or n == 0:
        raise ValueError("AUC needs both classes")
    return (rankdata(scores)[y].sum() - p * (p + 1) / 2) / (p * n)

# %% average_precision · groupby over equal scores, integers until the end
from itertools import groupby


def average_precision(labels, scores):
    pairs = sorted(zip(scores, labels), key=lambda pair: pair[0], reverse=True)
    positives = sum(int(y) for _, y in pairs)
    total, tp, seen = 0.0, 0, 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        group = [int(y) for _, y in group]
        tp, seen = tp + sum(group), seen + len(group)
        total += sum(group) * tp / seen
    return total / positives if positives else 0.0

# %% calibration_error · digitize and a dict of bins
from collections import defaultdict


def calibration_error(labels, probabilities, bins=10):
    if len(labels) == 0:
        return 0.0
    edges = np.arange(bins + 1) / bins
    found = defaultdict(list)
    for y, p, b in zip(labels, probabilities, np.digitize(probabilities, edges, right=True)):
        found[max(int(b), 1)].append((y, p))
    n = sum(map(len, found.values()))
    return sum(len(v) / n * abs(np.subtract(*np.mean(v, axis=0))) for v in found.values())

# %% perplexity · np.mean with where
def perplexity(log_probs, mask):
    real = np.asarray(mask).astype(bool)
    if not real.any():
        raise ValueError("perplexity of nothing")
    return np.exp(-np.mean(log_probs, where=real, dtype=np.float64))

# %% audit_table · a small class
from dataclasses import dataclass


@dataclass
class Margins:
    pp: int
    pn: int
    ap: int
    an: int

    def possible(self):
        return self.pp + self.pn == self.ap + self.an and min(self.pp, self.pn, self.ap, self.an) >= 0

    def range(self):
        return max(0, self.ap - self.pn), min(self.pp, self.ap)


def audit_table(rows):
    return [m.range() if m.possible() else None for m in (Margins(*row) for row in rows)]


def table_metrics(positive_row, negative_row):
    table = np.array([positive_row, negative_row], dtype=float)

    def share(part, whole):
        return float(part / whole) if whole else 0.0

    p, r = share(table[0, 0], table[:, 0].sum()), share(table[0, 0], table[0].sum())
    return dict(
        accuracy=share(np.trace(table), table.sum()),
        precision=p,
        recall=r,
        specificity=share(table[1, 1], table[1].sum()),
        f1=share(2 * p * r, p + r),
    )

# %% screening_threshold · highest threshold that reaches the recall, then down as long as no negative is added
def screening_threshold(labels, scores, recall_at_least):
    if not any(y == 1 for y in labels):
        raise ValueError("nobody to find")

    def quality(t):
        called = [int(s >= t) for s in scores]
        return specificity(labels, called), recall(labels, called)

    reaching = [t for t in set(scores) if quality(t)[1] >= recall_at_least]
    return max(reaching, key=quality)
