"""The oracle for `metrics`: scikit-learn where it has the metric, else the slow obvious way.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import statistics

import numpy as np
from sklearn import metrics


def _ratio(part, whole):
    return part / whole if whole else 0.0


def confusion_counts(labels, predictions):
    """Return ``(tp, fp, fn, tn)``."""
    if len(labels) == 0:
        return 0, 0, 0, 0
    matrix = metrics.confusion_matrix(labels, predictions, labels=[0, 1])
    (tn, fp), (fn, tp) = matrix.tolist()
    return tp, fp, fn, tn


def accuracy(labels, predictions):
    """Return the share of samples whose prediction equals the label."""
    return metrics.accuracy_score(labels, predictions) if len(labels) else 0.0


def precision(labels, predictions, *, confusion_counts=None):
    """Return TP / (TP + FP)."""
    if confusion_counts is not None:
        tp, fp, _, _ = confusion_counts(labels, predictions)
        return _ratio(tp, tp + fp)
    return metrics.precision_score(labels, predictions, zero_division=0) if len(labels) else 0.0


def recall(labels, predictions, *, confusion_counts=None):
    """Return TP / (TP + FN)."""
    if confusion_counts is not None:
        tp, _, fn, _ = confusion_counts(labels, predictions)
        return _ratio(tp, tp + fn)
    return metrics.recall_score(labels, predictions, zero_division=0) if len(labels) else 0.0


def specificity(labels, predictions, *, confusion_counts=None):
    """Return TN / (TN + FP): the recall of the other class."""
    if confusion_counts is not None:
        _, fp, _, tn = confusion_counts(labels, predictions)
        return _ratio(tn, tn + fp)
    if len(labels) == 0:
        return 0.0
    return metrics.recall_score(labels, predictions, pos_label=0, zero_division=0)


_precision, _recall, _specificity = precision, recall, specificity


def f1(labels, predictions, *, precision=None, recall=None, confusion_counts=None):
    """Return the harmonic mean of precision and recall."""
    if precision is recall is confusion_counts is None:
        return metrics.f1_score(labels, predictions, zero_division=0) if len(labels) else 0.0
    counts = {"confusion_counts": confusion_counts}
    p = precision(labels, predictions) if precision else _precision(labels, predictions, **counts)
    r = recall(labels, predictions) if recall else _recall(labels, predictions, **counts)
    return _ratio(2 * p * r, p + r)


def averaged_f1(labels, predictions, average, *, f1=None):
    """Return the macro, micro or weighted average of the classes' F1."""
    if average not in ("macro", "micro", "weighted"):
        raise ValueError(f"average is {average!r}, not 'macro', 'micro' or 'weighted'")
    if f1 is None:
        return metrics.f1_score(labels, predictions, average=average, zero_division=0)
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes = np.union1d(labels, predictions)
    actual = [(labels == c).astype(int) for c in classes]
    called = [(predictions == c).astype(int) for c in classes]
    if average == "micro":
        return f1(np.concatenate(actual), np.concatenate(called))
    sizes = [one.sum() if average == "weighted" else 1 for one in actual]
    return np.average([f1(a, c) for a, c in zip(actual, called, strict=True)], weights=sizes)


def _need_both_classes(labels):
    if len(set(np.asarray(labels).tolist())) < 2:
        raise ValueError("the labels hold one class only")


def roc_curve(labels, scores):
    """Return ``(fpr, tpr)`` from (0, 0) to (1, 1)."""
    _need_both_classes(labels)
    fpr, tpr, _ = metrics.roc_curve(labels, scores)
    return fpr, tpr


def roc_auc(labels, scores, *, roc_curve=None):
    """Return the area under the ROC curve."""
    if roc_curve is not None:
        fpr, tpr = roc_curve(labels, scores)
        return np.trapezoid(tpr, fpr)
    _need_both_classes(labels)
    return metrics.roc_auc_score(labels, scores)


def average_precision(labels, scores):
    """Return the sum of precision times the step in recall."""
    return metrics.average_precision_score(labels, scores) if np.any(labels) else 0.0


def calibration_error(labels, probabilities, bins=10):
    """Return the expected calibration error over equal-width bins (low, high]."""
    error = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [
            (label, p)
            for label, p in zip(labels, probabilities, strict=True)
            if low < p <= high or (number == 0 and p == 0)
        ]
        if inside:
            share, confidence = np.mean(inside, axis=0)
            error += len(inside) / len(labels) * abs(share - confidence)
    return error


def perplexity(log_probs, mask):
    """Return the geometric mean of 1 / p over the tokens that `mask` keeps."""
    real = np.asarray(log_probs)[np.asarray(mask) == 1]
    if real.size == 0:
        raise ValueError("the mask keeps no token")
    return statistics.geometric_mean(np.exp(-real).tolist())


def audit_table(rows):
    """Return for each row every tp that fits, as ``(lowest, highest)``, or None."""
    return [_possible(*row) for row in rows]


def _possible(predicted_positive, predicted_negative, actual_positive, actual_negative):
    fitting = []
    for tp in range(max(predicted_positive, 0) + 1):
        fp, fn = predicted_positive - tp, actual_positive - tp
        tn = predicted_negative - fn
        if min(fp, fn, tn) >= 0 and fp + tn == actual_negative:
            fitting.append(tp)
    return (fitting[0], fitting[-1]) if fitting else None


def table_metrics(positive_row, negative_row):
    """Return five metrics of a table whose rows are the actual classes."""
    counts = [*positive_row, *negative_row]
    labels = np.repeat([1, 1, 0, 0], counts)
    predictions = np.repeat([1, 0, 1, 0], counts)
    measures = (accuracy, precision, recall, specificity, f1)
    return {measure.__name__: measure(labels, predictions) for measure in measures}


def screening_threshold(labels, scores, recall_at_least, *, recall=None, specificity=None):
    """Return the threshold of best specificity, then best recall, among those that reach it."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        raise ValueError("there is no positive")
    fpr, tpr, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    candidates = []
    for false, found, threshold in list(zip(fpr, tpr, thresholds, strict=True))[1:]:
        alarms = (scores >= threshold).astype(int)
        found = recall(labels, alarms) if recall else found
        spared = specificity(labels, alarms) if specificity else 1 - false
        if found >= recall_at_least:
            candidates.append((spared, found, threshold))
    return max(candidates)[2]
