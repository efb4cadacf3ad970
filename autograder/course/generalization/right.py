"""Other right answers for `generalization`, in styles that must pass."""

import copy

import numpy as np
import torch
from scipy.special import expit, log_softmax, softmax
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import Pipeline

from autograder.checks import right


@right("read_curves", "one pass in plain Python", zh="纯 Python，一遍扫完")
def read_by_scanning(train, validation, reachable, tolerance):
    best, lowest = 0, float("inf")
    for epoch, loss in enumerate(validation):
        if loss < lowest:
            best, lowest = epoch, loss
    train = torch.as_tensor(np.asarray(train, dtype=float))
    kind = "fine" if train[best] <= reachable else "underfitting"
    if validation[len(validation) - 1] > lowest + tolerance:
        kind = "diverging" if train[-1] >= train[best] else "overfitting"
    return {"diagnosis": kind, "best_epoch": np.int64(best), "gap": lowest - train[best]}


@right("EarlyStopping", "compares epochs, keeps cloned tensors", zh="比较 epoch 编号，逐个克隆张量")
class StopsByEpochs:
    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best_epoch, self.kept, self.epochs = None, {}, 0

    def step(self, loss, model):
        if loss == loss and (self.best_epoch is None or self.best - loss > self.min_delta):
            self.best, self.best_epoch = float(loss), self.epochs
            self.kept = {name: value.clone() for name, value in model.state_dict().items()}
        self.epochs += 1
        last = -1 if self.best_epoch is None else self.best_epoch
        return self.epochs - 1 - last >= self.patience

    def restore(self, model):
        for name, value in model.state_dict().items():
            if name in self.kept:
                value.copy_(self.kept[name])


@right("EarlyStopping", "keeps a copy of the whole model", zh="保存整个模型的副本")
class KeepsTheModel:
    best_epoch = best_model = None

    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.count, self.epoch = torch.tensor(torch.inf, dtype=torch.double), 0, -1

    def step(self, loss, model):
        self.epoch, self.count = self.epoch + 1, self.count + 1
        if self.best - loss > self.min_delta:
            self.best, self.best_epoch, self.count = torch.tensor(loss).double(), self.epoch, 0
            self.best_model = copy.deepcopy(model)
        return np.bool_(self.count >= self.patience)

    def restore(self, model):
        if self.best_model:
            model.load_state_dict(self.best_model.state_dict())


@right("cross_val_scores", "a Pipeline in each fold", zh="每一折用一个 Pipeline")
def by_pipeline(steps, model, x, y, groups):
    scores = []
    for train, test in LeaveOneGroupOut().split(x, y, groups):
        named = [(str(place), clone(step)) for place, step in enumerate([*steps, model])]
        scores.append(Pipeline(named).fit(x[train], y[train]).score(x[test], y[test]))
    return np.array(scores)


@right(
    "cross_val_scores", "deep copies, fit_transform, row numbers", zh="深拷贝、fit_transform、行号"
)
def by_deep_copies(steps, model, x, y, groups):
    scores = {}
    for group in sorted(set(groups.tolist())):
        train = [i for i, name in enumerate(groups) if name != group]
        test = [i for i, name in enumerate(groups) if name == group]
        inputs, rest = x[train], x[test]
        for step in copy.deepcopy(steps):
            inputs = step.fit_transform(inputs, y[train])
            rest = step.transform(rest)
        predicted = copy.deepcopy(model).fit(inputs, y[train]).predict(rest)
        scores[group] = sum(a == b for a, b in zip(predicted, y[test], strict=True)) / len(test)
    return list(scores.values())


@right("adam_step", "the paper's other form, decay first", zh="论文的另一种写法，先衰减")
def decays_first(
    w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, decoupled=True
):
    beta1, beta2 = betas
    w = np.copy(w)
    if decoupled:
        w *= 1 - lr * weight_decay
    else:
        grad = grad + weight_decay * w
    m = m + (1 - beta1) * (grad - m)
    v = np.multiply(beta2, v) + (1 - beta2) * np.square(grad)
    size = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return [w - size * m / (np.sqrt(v) + eps * np.sqrt(1 - beta2**t)), m, v]


@right("dropout", "bernoulli, in float", zh="用 bernoulli")
def by_bernoulli(x, p, generator, training=True):
    if not training:
        return x.clone()
    if p == 1:
        return torch.zeros_like(x) * x
    return x * torch.bernoulli(torch.full_like(x.detach(), 1 - p), generator=generator) / (1 - p)


@right("dropout", "masked_fill", zh="用 masked_fill")
def by_masked_fill(x, p, generator, training=True):
    if not training:
        return x
    dropped = torch.empty_like(x.detach()).uniform_(generator=generator) < p
    return x.masked_fill(dropped, 0.0) * (1 / (1 - p) if p < 1 else 0.0)


@right("mixup", "torch, row by row", zh="用 torch，逐行混合")
def by_rows(x, y, lam, order, num_classes):
    x = torch.as_tensor(x).to(torch.float32)
    hot = torch.nn.functional.one_hot(torch.as_tensor(y), num_classes)
    pairs = list(enumerate(np.asarray(order).tolist()))
    rows = torch.stack([lam * x[i] + (1 - lam) * x[j] for i, j in pairs])
    return [rows, torch.stack([hot[i] * lam + hot[j] * (1 - lam) for i, j in pairs])]


@right("label_smoothing_loss", "the whole target distribution", zh="写出完整的目标分布")
def by_distribution(logits, y, epsilon):
    classes = logits.shape[1]
    target = np.full(logits.shape, epsilon / classes)
    target[np.arange(len(y)), y] += 1 - epsilon
    return -(target * log_softmax(logits.astype(float), axis=1)).sum(axis=1).mean()


@right("focal_loss", "with p_t as in the paper", zh="照论文用 p_t")
def by_p_t(logits, targets, gamma=2.0, alpha=0.25):
    sign = 2 * np.asarray(targets) - 1
    z = sign * logits.astype(float)
    losses = (1 - expit(z)) ** gamma * np.logaddexp(0, -z)
    if alpha is None:
        return float(losses.mean())
    return float((losses * (alpha * targets + (1 - alpha) * (1 - targets))).mean())


@right("ensemble_probabilities", "one member at a time", zh="逐个成员累加")
def by_members(logits):
    total = 0
    for member in logits:
        total = total + softmax(member, axis=1)
    return total / len(logits)
