"""Other valid answers for `metrics`: loops, NumPy, counting by key, ranks, running totals."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from autograder.checks import right


@right("confusion_counts", "Counter of pairs", zh="用 Counter 统计配对")
def counts_by_counter(labels, predictions):
    pairs = Counter(zip(map(int, labels), map(int, predictions), strict=True))
    return [pairs[1, 1], pairs[0, 1], pairs[1, 0], pairs[0, 0]]


@right("confusion_counts", "bincount of a two-bit code", zh="把两位编码后用 bincount")
def counts_by_bincount(labels, predictions):
    code = 2 * np.asarray(labels) + np.asarray(predictions)
    return np.bincount(code.astype(int), minlength=4)[[3, 1, 2, 0]]


@right("accuracy", "plain loop", zh="普通循环")
def accuracy_by_loop(labels, predictions):
    right_ones = sum(1 for y, p in zip(labels, predictions, strict=True) if y == p)
    return right_ones / max(len(labels), 1)


@right("accuracy", "exact fraction", zh="精确分数")
def accuracy_by_fraction(labels, predictions):
    pairs = list(zip(labels, predictions, strict=True))
    return float(Fraction(sum(bool(y == p) for y, p in pairs), len(pairs) or 1))


@right("precision", "mean of the labels under alarm", zh="对报警样本的标签取平均")
def precision_by_mean(labels, predictions):
    called = np.asarray(labels)[np.asarray(predictions) == 1]
    return called.mean() if called.size else 0


@right("precision", "plain loop", zh="普通循环")
def precision_by_loop(labels, predictions):
    called = [y for y, p in zip(labels, predictions, strict=True) if p == 1]
    return sum(called) / len(called) if called else 0.0


@right("recall", "mean of the predictions of positives", zh="对正例的预测取平均")
def recall_by_mean(labels, predictions):
    found = np.asarray(predictions)[np.asarray(labels) == 1]
    return np.mean(found) if len(found) else np.float64(0)


@right("recall", "dot product", zh="点积")
def recall_by_dot(labels, predictions):
    return np.dot(labels, predictions) / max(np.sum(labels), 1)


@right("specificity", "mean of the negatives' predictions", zh="对负例的预测取平均")
def specificity_by_mean(labels, predictions):
    negatives = np.asarray(predictions)[np.asarray(labels) == 0]
    return 1 - negatives.mean() if negatives.size else 0.0


@right("specificity", "plain loop", zh="普通循环")
def specificity_by_loop(labels, predictions):
    spared = [p == 0 for y, p in zip(labels, predictions, strict=True) if y == 0]
    return sum(spared) / len(spared) if spared else 0.0


@right("f1", "counts only", zh="只用计数")
def f1_by_counts(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    both = labels.sum() + predictions.sum()  # 2TP + FP + FN
    return 2 * np.sum(labels * predictions) / both if both else 0.0


@right("f1", "reciprocals", zh="倒数的平均的倒数")
def f1_by_reciprocals(labels, predictions):
    tp = sum(y == p == 1 for y, p in zip(labels, predictions, strict=True))
    if tp == 0:
        return 0.0
    return 2 / (sum(predictions) / tp + sum(labels) / tp)


@right("averaged_f1", "confusion matrix", zh="先建混淆矩阵")
def averaged_by_matrix(labels, predictions, average):
    classes, codes = np.unique([*labels, *predictions], return_inverse=True)
    matrix = np.zeros((len(classes), len(classes)))
    np.add.at(matrix, (codes[: len(labels)], codes[len(labels) :]), 1)
    f1 = 2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))
    match average:
        case "macro":
            return f1.mean()
        case "micro":
            return matrix.trace() / matrix.sum()
        case "weighted":
            return f1 @ matrix.sum(1) / matrix.sum()
    raise ValueError("average must be macro, micro or weighted")


@right("averaged_f1", "counters", zh="用 Counter")
def averaged_by_counters(labels, predictions, average):
    labels, predictions = list(labels), list(predictions)
    actual, called = Counter(labels), Counter(predictions)
    both = Counter(y for y, p in zip(labels, predictions, strict=True) if y == p)
    of_class = {c: 2 * both[c] / (actual[c] + called[c]) for c in actual | called}
    averages = {
        "macro": sum(of_class.values()) / len(of_class),
        "micro": 2 * both.total() / (actual.total() + called.total()),
        "weighted": sum(f * actual[c] for c, f in of_class.items()) / len(labels),
    }
    if average not in averages:
        raise ValueError(average)
    return averages[average]


def _need_both(labels):
    if len(set(np.asarray(labels).tolist())) != 2:
        raise ValueError("both classes are needed")


@right("roc_curve", "one threshold at a time, in lists", zh="逐个阈值，用列表")
def curve_by_thresholds(labels, scores):
    _need_both(labels)
    pairs = list(zip(labels, scores, strict=True))
    positives = sum(y == 1 for y in labels)
    fpr, tpr = [0.0], [0.0]
    for threshold in sorted(set(np.asarray(scores).tolist()), reverse=True):
        called = [y for y, s in pairs if s >= threshold]
        tpr.append(sum(called) / positives)
        fpr.append((len(called) - sum(called)) / (len(pairs) - positives))
    return fpr, tpr


@right("roc_curve", "counting with searchsorted, corners only", zh="用 searchsorted，只留拐点")
def curve_by_searchsorted(labels, scores):
    _need_both(labels)
    labels, scores = np.asarray(labels), np.asarray(scores)
    thresholds = np.append(np.unique(scores)[::-1], -np.inf)
    rates = []
    for kind in (0, 1):
        ordered = np.sort(scores[labels == kind])
        rates.append(1 - np.searchsorted(ordered, thresholds, side="left") / len(ordered))
    fpr, tpr = np.insert(rates, 0, 0.0, axis=1)
    slopes = np.diff(fpr, 2).astype(bool) | np.diff(tpr, 2).astype(bool)
    kept = np.concatenate([[True], slopes, [True]])
    return np.array([fpr[kept], tpr[kept]])


@right("roc_auc", "every pair compared", zh="逐对比较")
def auc_by_pairs(labels, scores):
    _need_both(labels)
    pairs = list(zip(labels, scores, strict=True))
    wins = [
        (a > b) + (a == b) / 2
        for a, b in itertools.product([s for y, s in pairs if y], [s for y, s in pairs if not y])
    ]
    return sum(wins) / len(wins)


@right("roc_auc", "rank sum (Mann–Whitney)", zh="秩和（Mann–Whitney）")
def auc_by_ranks(labels, scores):
    from scipy.stats import rankdata

    labels = np.asarray(labels)
    m, n = np.sum(labels == 1), np.sum(labels == 0)
    if m == 0 or n == 0:
        raise ValueError("AUC is undefined for one class")
    return (rankdata(scores)[labels == 1].sum() - m * (m + 1) / 2) / (m * n)


@right("average_precision", "running totals of sorted scores", zh="排序后累计")
def ap_by_running_totals(labels, scores):
    order = np.argsort(scores)[::-1]
    labels, scores = np.asarray(labels)[order], np.asarray(scores)[order]
    if labels.sum() == 0:
        return 0.0
    last = np.append(np.diff(scores) != 0, True)  # the last sample of each tie
    tp = np.cumsum(labels)[last]
    precision, recall = tp / (np.flatnonzero(last) + 1), tp / tp[-1]
    return np.sum(np.diff(np.append(0, recall)) * precision)


@right("average_precision", "mean precision at the positives", zh="对每个正例处的精确率取平均")
def ap_by_positives(labels, scores):
    pairs = list(zip(scores, labels, strict=True))
    at_positives = []
    for score, label in pairs:
        if label == 1:
            called = [y for s, y in pairs if s >= score]
            at_positives.append(sum(called) / len(called))
    return math.fsum(at_positives) / len(at_positives) if at_positives else 0.0


@right("calibration_error", "a dict of bins", zh="用字典分箱")
def calibration_by_dict(labels, probabilities, bins=10):
    inside = {}
    for y, p in zip(labels, probabilities, strict=True):
        inside.setdefault(max(math.ceil(p * bins), 1), []).append((y, p))
    gaps = [abs(sum(y for y, _ in b) - sum(p for _, p in b)) for b in inside.values()]
    return sum(gaps) / max(len(labels), 1)


@right("calibration_error", "digitize and a loop of masks", zh="digitize 加掩码循环")
def calibration_by_digitize(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    number = np.digitize(probabilities, np.arange(1, bins) / bins, right=True)
    error = 0.0
    for b in range(bins):
        inside = number == b
        if inside.any():
            gap = labels[inside].mean() - probabilities[inside].mean()
            error += inside.mean() * abs(gap)
    return error


@right("perplexity", "np.where and sums", zh="np.where 后求和")
def perplexity_by_where(log_probs, mask):
    count = mask.sum()
    if not count:
        raise ValueError("no tokens")
    return np.exp(-np.where(mask.astype(bool), log_probs, 0).sum() / count)


@right("perplexity", "plain loops", zh="普通循环")
def perplexity_by_loops(log_probs, mask):
    total = count = 0
    for row, kept in zip(log_probs, mask, strict=True):
        for log_prob, real in zip(row, kept, strict=True):
            if real:
                total, count = total - log_prob, count + 1
    if count == 0:
        raise ValueError("the batch holds no token")
    return math.exp(total / count)


@right("audit_table", "all four cells at both ends", zh="检查两端的四个格子")
def audit_by_cells(rows):
    entries = []
    for called, rest, ill, well in rows:
        low, high = max(called + ill - (called + rest), 0), min(called, ill)
        ends = [(tp, called - tp, ill - tp, rest - ill + tp) for tp in (low, high)]
        sums = all(fp + tn == well for _, fp, _, tn in ends)
        entries.append([low, high] if sums and min(map(min, ends)) >= 0 else None)
    return tuple(entries)


@right("audit_table", "trying every tp", zh="逐个尝试 tp")
def audit_by_trying(rows):
    def possible(called, rest, ill, well):
        for tp in range(max(called, ill, 0) + 1):
            fp, fn = called - tp, ill - tp
            if fp >= 0 and fn >= 0 and rest - fn >= 0 and well - fp == rest - fn:
                yield tp

    tried = [list(possible(*row)) for row in rows]
    return [(min(found), max(found)) if found else None for found in tried]


@right("table_metrics", "NumPy array", zh="NumPy 数组")
def table_by_array(positive_row, negative_row):
    table = np.array([positive_row, negative_row], dtype=float)  # actual × predicted

    def ratio(part, whole):
        return part / whole if whole else 0.0

    precision = ratio(table[0, 0], table[:, 0].sum())
    recall = ratio(table[0, 0], table[0].sum())
    return {
        "f1": ratio(2 * precision * recall, precision + recall),
        "precision": precision,
        "recall": recall,
        "specificity": ratio(table[1, 1], table[1].sum()),
        "accuracy": ratio(np.trace(table), table.sum()),
    }


@right("table_metrics", "max(denominator, 1)", zh="分母取 max(·, 1)")
def table_by_max(positive_row, negative_row):
    tp, fn, fp, tn = *positive_row, *negative_row
    return {
        "accuracy": (tp + tn) / max(tp + fn + fp + tn, 1),
        "precision": tp / max(tp + fp, 1),
        "recall": tp / max(tp + fn, 1),
        "specificity": tn / max(tn + fp, 1),
        "f1": tp / max(tp + (fp + fn) / 2, 0.5),
    }


@right("screening_threshold", "matrix of all thresholds", zh="一次比较全部阈值")
def screening_by_matrix(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.sum() == 0:
        raise ValueError("no positives")
    thresholds = np.unique(scores)[::-1]
    called = scores >= thresholds[:, None]  # (thresholds, N)
    tp, fp = called @ labels, called @ (1 - labels)
    enough = tp / labels.sum() >= recall_at_least
    fewest = fp[enough].min()
    return thresholds[enough & (fp == fewest)][-1]


@right(
    "screening_threshold", "from the top, then on while it is free", zh="自上而下，不增误报就继续"
)
def screening_by_walk(labels, scores, recall_at_least):
    groups = {}
    for y, s in zip(labels, scores, strict=True):
        groups.setdefault(float(s), []).append(int(y))
    positives = sum(map(sum, groups.values()))
    if positives == 0:
        raise ValueError("no positives")
    found, chosen = 0, None
    for score in sorted(groups, reverse=True):
        if chosen is not None and 0 in groups[score]:
            break
        found += sum(groups[score])
        if found / positives >= recall_at_least:
            chosen = score
    return chosen
