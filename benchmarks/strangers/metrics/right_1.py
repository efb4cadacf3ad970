# %% confusion_counts · plain loop
def confusion_counts(labels, predictions):
    tp = fp = fn = tn = 0
    for y, p in zip(labels, predictions):
        if y == 1 and p == 1:
            tp += 1
        elif y == 0 and p == 1:
            fp += 1
        elif y == 1 and p == 0:
            fn += 1
        else:
            tn += 1
    return tp, fp, fn, tn

# %% accuracy · plain loop
def accuracy(labels, predictions):
    right = 0
    n = 0
    for y, p in zip(labels, predictions):
        n += 1
        if y == p:
            right += 1
    if n == 0:
        return 0.0
    return right / n

# %% precision · plain loop
def precision(labels, predictions):
    tp = called = 0
    for y, p in zip(labels, predictions):
        if p == 1:
            called += 1
            if y == 1:
                tp += 1
    if called == 0:
        return 0.0
    return tp / called

# %% recall · plain loop
def recall(labels, predictions):
    tp = ill = 0
    for y, p in zip(labels, predictions):
        if y == 1:
            ill += 1
            if p == 1:
                tp += 1
    if ill == 0:
        return 0.0
    return tp / ill

# %% specificity · plain loop
def specificity(labels, predictions):
    tn = healthy = 0
    for y, p in zip(labels, predictions):
        if y == 0:
            healthy += 1
            if p == 0:
                tn += 1
    if healthy == 0:
        return 0.0
    return tn / healthy

# %% f1 · from precision and recall, computed on the spot
def f1(labels, predictions):
    tp = fp = fn = 0
    for y, p in zip(labels, predictions):
        if y == 1 and p == 1:
            tp += 1
        elif y == 0 and p == 1:
            fp += 1
        elif y == 1 and p == 0:
            fn += 1
    P = tp / (tp + fp) if tp + fp > 0 else 0.0
    R = tp / (tp + fn) if tp + fn > 0 else 0.0
    if P + R == 0:
        return 0.0
    return 2 * P * R / (P + R)

# %% averaged_f1 · dictionaries and loops
def averaged_f1(labels, predictions, average):
    if average not in ("macro", "micro", "weighted"):
        raise ValueError(f"unknown average: {average!r}")
    labels, predictions = list(labels), list(predictions)
    classes = []
    for c in labels + predictions:
        if c not in classes:
            classes.append(c)
    sum_tp = sum_fp = sum_fn = 0
    scores, support = [], []
    for c in classes:
        tp = fp = fn = 0
        for y, p in zip(labels, predictions):
            if y == c and p == c:
                tp += 1
            elif p == c:
                fp += 1
            elif y == c:
                fn += 1
        sum_tp, sum_fp, sum_fn = sum_tp + tp, sum_fp + fp, sum_fn + fn
        scores.append(2 * tp / (2 * tp + fp + fn))
        support.append(tp + fn)
    if average == "macro":
        return sum(scores) / len(scores)
    if average == "weighted":
        total = 0.0
        for score, n in zip(scores, support):
            total += score * n
        return total / len(labels)
    return 2 * sum_tp / (2 * sum_tp + sum_fp + sum_fn)

# %% roc_curve · each distinct score counted anew
def roc_curve(labels, scores):
    labels, scores = list(labels), list(scores)
    positives = sum(1 for y in labels if y == 1)
    negatives = sum(1 for y in labels if y == 0)
    if positives == 0 or negatives == 0:
        raise ValueError("both classes must occur")
    fpr, tpr = [0.0], [0.0]
    for t in sorted(set(scores), reverse=True):
        tp = fp = 0
        for y, s in zip(labels, scores):
            if s >= t:
                if y == 1:
                    tp += 1
                else:
                    fp += 1
        fpr.append(fp / negatives)
        tpr.append(tp / positives)
    return fpr, tpr

# %% roc_auc · all pairs
def roc_auc(labels, scores):
    high = [s for y, s in zip(labels, scores) if y == 1]
    low = [s for y, s in zip(labels, scores) if y == 0]
    if not high or not low:
        raise ValueError("both classes must occur")
    won = 0.0
    for a in high:
        for b in low:
            if a > b:
                won += 1
            elif a == b:
                won += 0.5
    return won / (len(high) * len(low))

# %% average_precision · each distinct score counted anew
def average_precision(labels, scores):
    labels, scores = list(labels), list(scores)
    positives = sum(1 for y in labels if y == 1)
    if positives == 0:
        return 0.0
    total = 0.0
    before = 0.0
    for t in sorted(set(scores), reverse=True):
        tp = called = 0
        for y, s in zip(labels, scores):
            if s >= t:
                called += 1
                if y == 1:
                    tp += 1
        total += (tp / positives - before) * (tp / called)
        before = tp / positives
    return total

# %% calibration_error · loop over bins and samples
def calibration_error(labels, probabilities, bins=10):
    pairs = [(float(y), float(p)) for y, p in zip(labels, probabilities)]
    if not pairs:
        return 0.0
    error = 0.0
    for b in range(1, bins + 1):
        low, high = (b - 1) / bins, b / bins
        inside = [(y, p) for y, p in pairs if low < p <= high or (b == 1 and p == 0)]
        if not inside:
            continue
        n = len(inside)
        y_mean = sum(y for y, _ in inside) / n
        p_mean = sum(p for _, p in inside) / n
        error += n / len(pairs) * abs(y_mean - p_mean)
    return error

# %% perplexity · two loops
def perplexity(log_probs, mask):
    total, count = 0.0, 0
    for b in range(log_probs.shape[0]):
        for t in range(log_probs.shape[1]):
            if mask[b, t] == 1:
                total += float(log_probs[b, t])
                count += 1
    if count == 0:
        raise ValueError("no real token")
    return float(np.exp(-total / count))

# %% audit_table · tries every TP
def audit_table(rows):
    result = []
    for pp, pn, ap, an in rows:
        fitting = []
        if pp + pn == ap + an:
            for tp in range(int(pp) + 1):
                if tp >= 0 and pp - tp >= 0 and ap - tp >= 0 and pn - (ap - tp) >= 0:
                    fitting.append(tp)
        result.append((min(fitting), max(fitting)) if fitting else None)
    return result


def table_metrics(positive_row, negative_row):
    tp, fn = positive_row
    fp, tn = negative_row
    out = {"accuracy": 0.0, "precision": 0.0, "recall": 0.0, "specificity": 0.0, "f1": 0.0}
    if tp + fn + fp + tn > 0:
        out["accuracy"] = (tp + tn) / (tp + fn + fp + tn)
    if tp + fp > 0:
        out["precision"] = tp / (tp + fp)
    if tp + fn > 0:
        out["recall"] = tp / (tp + fn)
    if tn + fp > 0:
        out["specificity"] = tn / (tn + fp)
    if out["precision"] + out["recall"] > 0:
        out["f1"] = 2 * out["precision"] * out["recall"] / (out["precision"] + out["recall"])
    return out

# %% screening_threshold · tries every score
def screening_threshold(labels, scores, recall_at_least):
    labels, scores = list(labels), list(scores)
    positives = sum(1 for y in labels if y == 1)
    negatives = len(labels) - positives
    if positives == 0:
        raise ValueError("no positives")
    best, best_key = None, None
    for t in scores:
        tp = sum(1 for y, s in zip(labels, scores) if y == 1 and s >= t)
        tn = sum(1 for y, s in zip(labels, scores) if y == 0 and s < t)
        r = tp / positives
        spec = tn / negatives if negatives else 0.0
        if r >= recall_at_least and (best_key is None or (spec, r) > best_key):
            best, best_key = t, (spec, r)
    return best
