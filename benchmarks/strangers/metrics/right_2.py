# %% confusion_counts · torch.bincount of a pair code
import torch


def confusion_counts(labels, predictions):
    y = torch.as_tensor(np.asarray(labels)).long()
    p = torch.as_tensor(np.asarray(predictions)).long()
    tn, fp, fn, tp = torch.bincount(2 * y + p, minlength=4).tolist()
    return tp, fp, fn, tn

# %% accuracy · vectorised comparison
def accuracy(labels, predictions):
    hits = np.asarray(labels) == np.asarray(predictions)
    return hits.mean() if hits.size else 0.0

# %% precision · boolean tensors
import torch


def precision(labels, predictions):
    y = torch.as_tensor(np.asarray(labels)) == 1
    p = torch.as_tensor(np.asarray(predictions)) == 1
    return ((y & p).sum() / p.sum().clamp(min=1)).item()

# %% recall · boolean tensors
import torch


def recall(labels, predictions):
    y = torch.as_tensor(np.asarray(labels)) == 1
    p = torch.as_tensor(np.asarray(predictions)) == 1
    return ((y & p).sum() / y.sum().clamp(min=1)).item()

# %% specificity · boolean tensors, negated
import torch


def specificity(labels, predictions):
    y = torch.as_tensor(np.asarray(labels)) == 0
    p = torch.as_tensor(np.asarray(predictions)) == 0
    return ((y & p).sum() / y.sum().clamp(min=1)).item()

# %% f1 · 2TP / (positives + alarms)
import torch


def f1(labels, predictions):
    y = torch.as_tensor(np.asarray(labels)) == 1
    p = torch.as_tensor(np.asarray(predictions)) == 1
    return (2 * (y & p).sum() / (y.sum() + p.sum()).clamp(min=1)).item()

# %% averaged_f1 · confusion matrix by scatter
import torch


def averaged_f1(labels, predictions, average):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    names, codes = np.unique(np.concatenate([labels, predictions]), return_inverse=True)
    y, p = torch.as_tensor(codes.reshape(-1)).chunk(2)
    k = len(names)
    table = torch.bincount(y * k + p, minlength=k * k).view(k, k).double()
    tp, said, true = table.diagonal(), table.sum(0), table.sum(1)
    per_class = 2 * tp / (said + true)
    match average:
        case "macro":
            return per_class.mean().item()
        case "weighted":
            return (per_class @ (true / true.sum())).item()
        case "micro":
            return (2 * tp.sum() / (said.sum() + true.sum())).item()
        case _:
            raise ValueError(f"average must be macro, micro or weighted, not {average!r}")

# %% roc_curve · sort, cumulate, keep the last of each tie
def roc_curve(labels, scores):
    y, s = np.asarray(labels) == 1, np.asarray(scores)
    if y.all() or not y.any():
        raise ValueError("only one class")
    order = np.argsort(-s, kind="stable")
    y, s = y[order], s[order]
    last = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    tps, fps = np.cumsum(y)[last], np.cumsum(~y)[last]
    return np.append(0, fps) / fps[-1], np.append(0, tps) / tps[-1]

# %% roc_auc · broadcast comparison in torch
import torch


def roc_auc(labels, scores):
    y = torch.as_tensor(np.asarray(labels))
    s = torch.as_tensor(np.asarray(scores))
    high, low = s[y == 1], s[y == 0]
    if not len(high) or not len(low):
        raise ValueError("only one class")
    return ((high[:, None] > low).double() + 0.5 * (high[:, None] == low)).mean().item()

# %% average_precision · sort, cumulate, keep the last of each tie
def average_precision(labels, scores):
    y, s = np.asarray(labels) == 1, np.asarray(scores)
    if not y.any():
        return 0.0
    order = np.argsort(-s, kind="stable")
    y, s = y[order], s[order]
    last = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    tp = np.cumsum(y)[last]
    return float(np.sum(np.diff(tp, prepend=0) / tp[-1] * tp / (last + 1)))

# %% calibration_error · torch.bucketize and weighted bincounts
import torch


def calibration_error(labels, probabilities, bins=10):
    y = torch.as_tensor(np.asarray(labels)).double()
    p = torch.as_tensor(np.asarray(probabilities)).double()
    if y.numel() == 0:
        return 0.0
    inner = torch.arange(1, bins, dtype=torch.float64) / bins
    b = torch.bucketize(p, inner)  # right=False: edge below
    gap = torch.bincount(b, weights=y - p, minlength=bins)
    return (gap.abs().sum() / len(y)).item()

# %% perplexity · boolean indexing, cross entropy style
import torch


def perplexity(log_probs, mask):
    real = torch.from_numpy(np.ascontiguousarray(log_probs))[torch.from_numpy(np.asarray(mask) != 0)]
    if real.numel() == 0:
        raise ValueError("no real token")
    return real.double().mean().neg().exp().item()

# %% audit_table · closed formula and dict comprehension
def audit_table(rows):
    return [
        (max(0, pp + ap - pp - pn), min(pp, ap))
        if pp + pn == ap + an and min(pp, pn, ap, an) >= 0
        else None
        for pp, pn, ap, an in rows
    ]


def table_metrics(positive_row, negative_row):
    (tp, fn), (fp, tn) = positive_row, negative_row
    fractions = {
        "accuracy": (tp + tn, tp + tn + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }
    return {name: a / b if b else 0.0 for name, (a, b) in fractions.items()}

# %% screening_threshold · matrix of decisions, lexicographic best
def screening_threshold(labels, scores, recall_at_least):
    y, s = np.asarray(labels) == 1, np.asarray(scores)
    if not y.any():
        raise ValueError("no positives")
    t = np.unique(s)
    called = s[None, :] >= t[:, None]
    rec = (called & y).sum(1) / y.sum()
    spec = (~called & ~y).sum(1) / max((~y).sum(), 1)
    good = np.flatnonzero(rec >= recall_at_least)
    return t[good[np.lexsort((rec[good], spec[good]))[-1]]]
