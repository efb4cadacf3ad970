# %% confusion_counts · returns scikit-learn's order (tn, fp, fn, tp) instead of (tp, fp, fn, tn)
def confusion_counts(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tp = int(((labels == 1) & (predictions == 1)).sum())
    fp = int(((labels == 0) & (predictions == 1)).sum())
    fn = int(((labels == 1) & (predictions == 0)).sum())
    tn = int(((labels == 0) & (predictions == 0)).sum())
    return tn, fp, fn, tp

# %% confusion_counts · mixes up the two errors: a miss is counted as false alarm and the other way round
def confusion_counts(labels, predictions):
    tp = fp = fn = tn = 0
    for label, prediction in zip(labels, predictions):
        if label == 1 and prediction == 1:
            tp += 1
        elif label == 1 and prediction == 0:
            fp += 1
        elif label == 0 and prediction == 1:
            fn += 1
        else:
            tn += 1
    return tp, fp, fn, tn

# %% confusion_counts · takes the counts from np.unique, which leaves out pairs that do not occur, so it raises when a count is 0
def confusion_counts(labels, predictions):
    code = 2 * np.asarray(labels) + np.asarray(predictions)
    _, counts = np.unique(code, return_counts=True)
    tn, fp, fn, tp = counts
    return int(tp), int(fp), int(fn), int(tn)

# %% confusion_counts · compares without np.asarray, so that for plain lists every count is 0
def confusion_counts(labels, predictions):
    tp = np.sum((labels == 1) & (predictions == 1))
    fp = np.sum((labels == 0) & (predictions == 1))
    fn = np.sum((labels == 1) & (predictions == 0))
    tn = np.sum((labels == 0) & (predictions == 0))
    return int(tp), int(fp), int(fn), int(tn)

# %% accuracy · counts TP and TN of classes 1 and 0 only, so every hit of another class is lost
def accuracy(labels, predictions):
    if len(labels) == 0:
        return 0.0
    tp = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 1)
    tn = sum(1 for y, p in zip(labels, predictions) if y == 0 and p == 0)
    return (tp + tn) / len(labels)

# %% accuracy · gives per cent, from 0 to 100
def accuracy(labels, predictions):
    if len(labels) == 0:
        return 0.0
    hits = sum(y == p for y, p in zip(labels, predictions))
    return 100.0 * hits / len(labels)

# %% accuracy · one minus the mean absolute difference, which works for 0 and 1 only (words raise)
def accuracy(labels, predictions):
    if len(labels) == 0:
        return 0.0
    return 1 - np.abs(np.asarray(labels) - np.asarray(predictions)).mean()

# %% precision · divides by the actual positives, as recall does
def precision(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tp = ((labels == 1) & (predictions == 1)).sum()
    fn = ((labels == 1) & (predictions == 0)).sum()
    return float(tp / (tp + fn)) if tp + fn else 0.0

# %% precision · returns the accuracy, (TP + TN) / N
def precision(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if len(labels) == 0:
        return 0.0
    tp = ((labels == 1) & (predictions == 1)).sum()
    tn = ((labels == 0) & (predictions == 0)).sum()
    return float((tp + tn) / len(labels))

# %% precision · returns 1.0 when nothing is predicted positive ("no alarm was wrong")
def precision(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    called = (predictions == 1).sum()
    if called == 0:
        return 1.0
    return float(((labels == 1) & (predictions == 1)).sum() / called)

# %% precision · averages the precisions of both classes (macro) instead of that of class 1
def precision(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    values = []
    for c in (0, 1):
        called = (predictions == c).sum()
        hit = ((labels == c) & (predictions == c)).sum()
        values.append(hit / called if called else 0.0)
    return float(np.mean(values))

# %% recall · the share of negatives that are recognised: specificity, as the source document has it
def recall(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tn = ((labels == 0) & (predictions == 0)).sum()
    fp = ((labels == 0) & (predictions == 1)).sum()
    return float(tn / (tn + fp)) if tn + fp else 0.0

# %% recall · divides TP by all samples instead of by the actual positives
def recall(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if not (labels == 1).any():
        return 0.0
    return float(((labels == 1) & (predictions == 1)).sum() / len(labels))

# %% recall · no guard for the denominator: ZeroDivisionError if there is no actual positive
def recall(labels, predictions):
    tp = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 1)
    fn = sum(1 for y, p in zip(labels, predictions) if y == 1 and p == 0)
    return tp / (tp + fn)

# %% specificity · returns the false positive rate, FP / (TN + FP), and not one minus it
def specificity(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    fp = ((labels == 0) & (predictions == 1)).sum()
    negatives = (labels == 0).sum()
    return float(fp / negatives) if negatives else 0.0

# %% specificity · divides TN by the predicted negatives (TN + FN), the negative predictive value
def specificity(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tn = ((labels == 0) & (predictions == 0)).sum()
    fn = ((labels == 1) & (predictions == 0)).sum()
    return float(tn / (tn + fn)) if tn + fn else 0.0

# %% specificity · one minus a false positive rate that is 0 without negatives: 1.0 where 0.0 is asked
def specificity(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    fp = ((labels == 0) & (predictions == 1)).sum()
    negatives = (labels == 0).sum()
    fpr = fp / negatives if negatives > 0 else 0.0
    return float(1 - fpr)

# %% f1 · arithmetic mean of precision and recall
def f1(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tp = ((labels == 1) & (predictions == 1)).sum()
    p = tp / (predictions == 1).sum() if (predictions == 1).any() else 0.0
    r = tp / (labels == 1).sum() if (labels == 1).any() else 0.0
    return float((p + r) / 2)

# %% f1 · harmonic mean of accuracy and recall
def f1(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if len(labels) == 0:
        return 0.0
    a = (labels == predictions).mean()
    r = predictions[labels == 1].mean() if (labels == 1).any() else 0.0
    return float(2 * a * r / (a + r)) if a + r else 0.0

# %% f1 · the factor 2 is forgotten: PR / (P + R)
def f1(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    tp = ((labels == 1) & (predictions == 1)).sum()
    if tp == 0:
        return 0.0
    p, r = tp / (predictions == 1).sum(), tp / (labels == 1).sum()
    return float(p * r / (p + r))

# %% averaged_f1 · macro is the F1 of mean precision and mean recall, not the mean of the F1s
def averaged_f1(labels, predictions, average):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes = np.unique(np.concatenate([labels, predictions]))
    tp = np.array([((labels == c) & (predictions == c)).sum() for c in classes])
    fp = np.array([((labels != c) & (predictions == c)).sum() for c in classes])
    fn = np.array([((labels == c) & (predictions != c)).sum() for c in classes])
    if average == "micro":
        return float(2 * tp.sum() / (2 * tp.sum() + fp.sum() + fn.sum()))
    if average == "weighted":
        return float(np.average(2 * tp / (2 * tp + fp + fn), weights=tp + fn))
    if average == "macro":
        p = (tp / np.maximum(tp + fp, 1)).mean()
        r = (tp / np.maximum(tp + fn, 1)).mean()
        return float(2 * p * r / (p + r)) if p + r else 0.0
    raise ValueError(average)

# %% averaged_f1 · takes the classes from the labels only, so a class that is only predicted does not count in macro (nor its FP in micro)
def averaged_f1(labels, predictions, average):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes, support = np.unique(labels, return_counts=True)
    tp = np.array([((labels == c) & (predictions == c)).sum() for c in classes])
    fp = np.array([((labels != c) & (predictions == c)).sum() for c in classes])
    fn = support - tp
    scores = 2 * tp / (2 * tp + fp + fn)
    if average == "macro":
        return float(scores.mean())
    if average == "weighted":
        return float((scores * support).sum() / support.sum())
    if average == "micro":
        return float(2 * tp.sum() / (2 * tp.sum() + fp.sum() + fn.sum()))
    raise ValueError(f"unknown average {average!r}")

# %% averaged_f1 · weights by how often each class is predicted, not by how often it occurs among the labels
def averaged_f1(labels, predictions, average):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes = np.unique(np.concatenate([labels, predictions]))
    tp = np.array([((labels == c) & (predictions == c)).sum() for c in classes])
    n_label = np.array([(labels == c).sum() for c in classes])
    n_said = np.array([(predictions == c).sum() for c in classes])
    scores = 2 * tp / (n_label + n_said)
    if average == "macro":
        return float(scores.mean())
    if average == "weighted":
        return float(np.average(scores, weights=n_said))
    if average == "micro":
        return float(tp.sum() / len(labels))
    raise ValueError(average)

# %% averaged_f1 · whatever is neither "macro" nor "micro" is taken as weighted: no ValueError
def averaged_f1(labels, predictions, average):
    labels, predictions = list(labels), list(predictions)
    classes = set(labels) | set(predictions)
    scores, weights, TP, FP, FN = [], [], 0, 0, 0
    for c in classes:
        tp = sum(y == c and p == c for y, p in zip(labels, predictions))
        fp = sum(y != c and p == c for y, p in zip(labels, predictions))
        fn = sum(y == c and p != c for y, p in zip(labels, predictions))
        scores.append(2 * tp / (2 * tp + fp + fn))
        weights.append(tp + fn)
        TP, FP, FN = TP + tp, FP + fp, FN + fn
    if average == "macro":
        return sum(scores) / len(scores)
    if average == "micro":
        return 2 * TP / (2 * TP + FP + FN)
    return sum(s * w for s, w in zip(scores, weights)) / sum(weights)

# %% averaged_f1 · a class without a single hit has precision 0/0 or F1 0/0 = nan and is left out by nanmean instead of counting 0
def averaged_f1(labels, predictions, average):
    if average not in ("macro", "micro", "weighted"):
        raise ValueError(average)
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if average == "micro":
        return float((labels == predictions).mean())
    classes = np.unique(np.concatenate([labels, predictions]))
    scores, weights = [], []
    with np.errstate(all="ignore"):
        for c in classes:
            tp = np.sum((labels == c) & (predictions == c))
            p = tp / np.sum(predictions == c)
            r = tp / np.sum(labels == c)
            scores.append(2 * p * r / (p + r))
            weights.append(np.sum(labels == c))
    scores, weights = np.array(scores), np.array(weights)
    if average == "macro":
        return float(np.nanmean(scores)) if np.isfinite(scores).any() else 0.0
    return float(np.nansum(scores * weights) / weights.sum())

# %% roc_curve · one point for each sample, so equal scores make several steps instead of one
def roc_curve(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives, negatives = (labels == 1).sum(), (labels == 0).sum()
    if positives == 0 or negatives == 0:
        raise ValueError("both classes are needed")
    ordered = labels[np.argsort(-scores, kind="stable")]
    tpr = np.concatenate([[0], np.cumsum(ordered == 1) / positives])
    fpr = np.concatenate([[0], np.cumsum(ordered == 0) / negatives])
    return fpr, tpr

# %% roc_curve · thresholds are the scores that occur and nothing above, so the point (0, 0) is missing
def roc_curve(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if len(set(labels.tolist())) < 2:
        raise ValueError("both classes are needed")
    fpr, tpr = [], []
    for t in sorted(set(scores.tolist()), reverse=True):
        called = scores >= t
        tpr.append(called[labels == 1].mean())
        fpr.append(called[labels == 0].mean())
    return fpr, tpr

# %% roc_curve · tries the thresholds 0, 0.01 … 1 instead of the scores that occur, wrong for scores beyond 0 and 1 and for close ones
def roc_curve(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not (labels == 1).any() or not (labels == 0).any():
        raise ValueError("both classes are needed")
    fpr, tpr = [0.0], [0.0]
    for t in np.linspace(1, 0, 101):
        called = scores >= t
        fpr.append(called[labels == 0].mean())
        tpr.append(called[labels == 1].mean())
    return np.array(fpr), np.array(tpr)

# %% roc_curve · goes up the thresholds, so the curve runs from (1, 1) to (0, 0)
def roc_curve(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if len(np.unique(labels)) != 2:
        raise ValueError("both classes are needed")
    thresholds = np.append(np.unique(scores), np.inf)
    fpr = [(scores[labels == 0] >= t).mean() for t in thresholds]
    tpr = [(scores[labels == 1] >= t).mean() for t in thresholds]
    return fpr, tpr

# %% roc_auc · a tie counts nothing instead of one half
def roc_auc(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    high, low = scores[labels == 1], scores[labels == 0]
    if len(high) == 0 or len(low) == 0:
        raise ValueError("both classes are needed")
    return float((high[:, None] > low[None, :]).mean())

# %% roc_auc · rank sum with ranks from argsort, which orders equal scores by place instead of giving them their mean rank
def roc_auc(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    p, n = int((labels == 1).sum()), int((labels == 0).sum())
    if p == 0 or n == 0:
        raise ValueError("both classes are needed")
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return float((ranks[labels == 1].sum() - p * (p + 1) / 2) / (p * n))

# %% roc_auc · turns an area below one half over: returns max(auc, 1 - auc)
def roc_auc(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    high, low = scores[labels == 1], scores[labels == 0]
    if len(high) == 0 or len(low) == 0:
        raise ValueError("both classes are needed")
    won = (high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean()
    return float(max(won, 1 - won))

# %% roc_auc · an absent class gives 0.5 instead of a ValueError
def roc_auc(labels, scores):
    high = [s for y, s in zip(labels, scores) if y == 1]
    low = [s for y, s in zip(labels, scores) if y == 0]
    if not high or not low:
        return 0.5
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low)
    return wins / (len(high) * len(low))

# %% average_precision · area by trapezoids under the precision-recall curve, from (0, 1) on
def average_precision(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives = (labels == 1).sum()
    if positives == 0:
        return 0.0
    recalls, precisions = [0.0], [1.0]
    for t in np.unique(scores)[::-1]:
        called = scores >= t
        tp = (called & (labels == 1)).sum()
        recalls.append(tp / positives)
        precisions.append(tp / called.sum())
    return float(np.trapezoid(precisions, recalls))

# %% average_precision · mean of the precision at the rank of each positive, so that samples of equal score make one step each
def average_precision(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if (labels == 1).sum() == 0:
        return 0.0
    ordered = labels[np.argsort(-scores, kind="stable")]
    at_rank = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return float(at_rank[ordered == 1].mean())

# %% average_precision · interpolates: each precision is replaced by the highest at this or a greater recall (Pascal VOC)
def average_precision(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives = (labels == 1).sum()
    if positives == 0:
        return 0.0
    recalls, precisions = [0.0], []
    for t in np.unique(scores)[::-1]:
        called = scores >= t
        tp = (called & (labels == 1)).sum()
        recalls.append(tp / positives)
        precisions.append(tp / called.sum())
    precisions = np.maximum.accumulate(np.array(precisions)[::-1])[::-1]
    return float((np.diff(recalls) * precisions).sum())

# %% average_precision · divides by the number of positives without a guard: nan when there are none
def average_precision(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives = (labels == 1).sum()
    total, before = 0.0, 0.0
    with np.errstate(all="ignore"):
        for t in np.unique(scores)[::-1]:
            called = scores >= t
            tp = (called & (labels == 1)).sum()
            total += (tp / positives - before) * tp / called.sum()
            before = tp / positives
    return float(total)

# %% calibration_error · bins closed on the left, by floor(p * bins): an edge goes to the bin above it
def calibration_error(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    if len(labels) == 0:
        return 0.0
    number = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for b in range(bins):
        inside = number == b
        if inside.any():
            total += inside.mean() * abs(labels[inside].mean() - probabilities[inside].mean())
    return float(total)

# %% calibration_error · the usual ECE of the top class: confidence max(p, 1 - p) against accuracy, instead of probability against share of positives
def calibration_error(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    if len(labels) == 0:
        return 0.0
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities >= 0.5) == (labels == 1)
    number = np.clip(np.ceil(confidence * bins), 1, bins)
    return float(sum((number == b).mean() * abs(right[number == b].mean() - confidence[number == b].mean())
                     for b in np.unique(number)))

# %% calibration_error · tests lower < p <= upper for all bins, so a probability of 0 falls into none
def calibration_error(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    if len(labels) == 0:
        return 0.0
    edges = np.arange(bins + 1) / bins
    ece = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (probabilities > low) & (probabilities <= high)
        if inside.any():
            ece += inside.mean() * abs(labels[inside].mean() - probabilities[inside].mean())
    return float(ece)

# %% calibration_error · compares the share of positives with the middle of the bin, not with the mean probability in it
def calibration_error(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    if len(labels) == 0:
        return 0.0
    number = np.clip(np.ceil(probabilities * bins).astype(int), 1, bins)
    return float(sum((number == b).mean() * abs(labels[number == b].mean() - (b - 0.5) / bins)
                     for b in np.unique(number)))

# %% perplexity · multiplies by the mask instead of selecting, so -inf or nan under the padding makes the result nan
def perplexity(log_probs, mask):
    if mask.sum() == 0:
        raise ValueError("no real token")
    return float(np.exp(-(log_probs * mask).sum() / mask.sum()))

# %% perplexity · mean of the perplexities of the sequences, not one mean over all real tokens
def perplexity(log_probs, mask):
    mask = mask.astype(bool)
    if not mask.any():
        raise ValueError("no real token")
    rows = [np.exp(-row[m].mean()) for row, m in zip(log_probs, mask) if m.any()]
    return float(np.mean(rows))

# %% perplexity · divides by B * T, padding included, as if padding were predicted perfectly
def perplexity(log_probs, mask):
    if not mask.any():
        raise ValueError("no real token")
    return float(np.exp(-np.where(mask == 1, log_probs, 0.0).mean()))

# %% perplexity · raises 2, not e, to the mean surprise, although the logarithms are natural
def perplexity(log_probs, mask):
    real = log_probs[mask == 1]
    if real.size == 0:
        raise ValueError("no real token")
    return float(2 ** -real.mean())

# %% perplexity · without a real token the mean of nothing gives nan with a warning, no ValueError
def perplexity(log_probs, mask):
    return float(np.exp(-np.mean(log_probs[mask.astype(bool)])))

# %% audit_table · the least TP is always taken as 0
def audit_table(rows):
    result = []
    for pp, pn, ap, an in rows:
        if pp + pn != ap + an or min(pp, pn, ap, an) < 0:
            result.append(None)
        else:
            result.append((0, min(pp, ap)))
    return result

def table_metrics(positive_row, negative_row):
    tp, fn = positive_row
    fp, tn = negative_row
    ratio = lambda a, b: a / b if b else 0.0
    return {"accuracy": ratio(tp + tn, tp + fn + fp + tn), "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn), "specificity": ratio(tn, tn + fp),
            "f1": ratio(2 * tp, 2 * tp + fp + fn)}

# %% audit_table · does not ask whether both pairs of totals have the same sum, so impossible rows get a range
def audit_table(rows):
    result = []
    for pp, pn, ap, an in rows:
        low, high = max(0, pp + ap - (pp + pn)), min(pp, ap)
        result.append((low, high) if low <= high else None)
    return result

def table_metrics(positive_row, negative_row):
    tp, fn = positive_row
    fp, tn = negative_row
    ratio = lambda a, b: a / b if b else 0.0
    return {"accuracy": ratio(tp + tn, tp + fn + fp + tn), "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn), "specificity": ratio(tn, tn + fp),
            "f1": ratio(2 * tp, 2 * tp + fp + fn)}

# %% audit_table · table_metrics reads each row as a predicted class, so precision and recall change places
def audit_table(rows):
    result = []
    for pp, pn, ap, an in rows:
        if pp + pn != ap + an or min(pp, pn, ap, an) < 0:
            result.append(None)
        else:
            result.append((max(0, pp - an), min(pp, ap)))
    return result

def table_metrics(positive_row, negative_row):
    tp, fp = positive_row
    fn, tn = negative_row
    ratio = lambda a, b: a / b if b else 0.0
    return {"accuracy": ratio(tp + tn, tp + fn + fp + tn), "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn), "specificity": ratio(tn, tn + fp),
            "f1": ratio(2 * tp, 2 * tp + fp + fn)}

# %% screening_threshold · takes the first threshold from above that reaches the recall, so of equally specific ones it returns the one with the lower recall
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives = (labels == 1).sum()
    if positives == 0:
        raise ValueError("no positives")
    for t in np.unique(scores)[::-1]:
        if ((scores >= t) & (labels == 1)).sum() / positives >= recall_at_least:
            return t

# %% screening_threshold · demands a recall above recall_at_least, not at least it, and falls back to the lowest score
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not (labels == 1).any():
        raise ValueError("no positives")
    best = None
    for t in np.unique(scores):
        called = scores >= t
        r = called[labels == 1].mean()
        s = (~called[labels == 0]).mean() if (labels == 0).any() else 0.0
        if r > recall_at_least and (best is None or (s, r) > best[:2]):
            best = (s, r, t)
    return scores.min() if best is None else best[2]

# %% screening_threshold · among the candidates maximises precision instead of specificity
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    positives = (labels == 1).sum()
    if positives == 0:
        raise ValueError("no positives")
    best, answer = (-1, -1), None
    for t in np.unique(scores):
        called = scores >= t
        tp = (called & (labels == 1)).sum()
        if tp / positives >= recall_at_least and (tp / called.sum(), tp) > best:
            best, answer = (tp / called.sum(), tp), t
    return answer

# %% screening_threshold · returns the index of the threshold among the sorted scores, not the score
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if (labels == 1).sum() == 0:
        raise ValueError("no positives")
    thresholds = np.unique(scores)
    keys = []
    for t in thresholds:
        called = scores >= t
        recall_ = called[labels == 1].mean()
        spec = 1 - called[labels == 0].mean() if (labels == 0).any() else 0.0
        keys.append((spec, recall_) if recall_ >= recall_at_least else (-1, -1))
    return max(range(len(keys)), key=lambda i: keys[i])

# %% screening_threshold · without positives the recall counts as 0 and nothing qualifies: returns None instead of raising ValueError
def screening_threshold(labels, scores, recall_at_least):
    pairs = list(zip(labels, scores))
    positives = sum(y == 1 for y, _ in pairs)
    negatives = len(pairs) - positives
    best, answer = None, None
    for t in set(scores):
        r = sum(y == 1 and s >= t for y, s in pairs) / positives if positives else 0.0
        q = sum(y == 0 and s < t for y, s in pairs) / negatives if negatives else 0.0
        if r >= recall_at_least and (best is None or (q, r) > best):
            best, answer = (q, r), t
    return answer
