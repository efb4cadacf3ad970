"""The oracle for `generalization`: scikit-learn, torch, torchvision; else each step recounted."""

import copy
import math

import numpy as np
import torch
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss


def read_curves(train, validation, reachable, tolerance):
    """Return the best epoch, the gap there and the diagnosis."""
    train, validation = [float(x) for x in train], [float(x) for x in validation]
    lowest = min(validation)
    best = validation.index(lowest)
    risen = validation[-1] > lowest + tolerance
    if risen and train[-1] < train[best]:
        diagnosis = "overfitting"
    elif risen:
        diagnosis = "diverging"
    elif train[best] > reachable:
        diagnosis = "underfitting"
    else:
        diagnosis = "fine"
    return {"best_epoch": best, "gap": lowest - train[best], "diagnosis": diagnosis}


class EarlyStopping:
    """Keeps everything it has seen, and looks for the improvements anew at every question."""

    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.losses, self.models = [], []

    @property
    def best_epoch(self):
        """The epoch of the last improvement."""
        best, level = None, math.inf
        for epoch, loss in enumerate(self.losses):
            if not math.isnan(loss) and level - loss > self.min_delta:
                best, level = epoch, loss
        return best

    def step(self, loss, model):
        """Note the epoch; say whether to stop."""
        self.losses.append(loss)
        self.models.append(copy.deepcopy(model))
        best = -1 if self.best_epoch is None else self.best_epoch
        return len(self.losses) - 1 - best >= self.patience

    def restore(self, model):
        """Give the model the weights and buffers of the best epoch."""
        if self.best_epoch is not None:
            model.load_state_dict(self.models[self.best_epoch].state_dict())


def cross_val_scores(steps, model, x, y, groups):
    """Return one accuracy for each group, left out in turn."""
    pipeline = make_pipeline(*steps, model)
    scores = cross_val_score(
        pipeline, x, y, groups=groups, cv=LeaveOneGroupOut(), scoring="accuracy",
        error_score="raise",
    )  # fmt: skip
    return scores.tolist()


def adam_step(
    w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, decoupled=True
):
    """Return weights and moments after one step of torch's Adam or AdamW."""
    parameter = torch.nn.Parameter(torch.tensor(w))
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = kind([parameter], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    optimizer.state[parameter] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": torch.tensor(m),
        "exp_avg_sq": torch.tensor(v),
    }
    parameter.grad = torch.tensor(grad)
    optimizer.step()
    state = optimizer.state[parameter]
    return parameter.detach(), state["exp_avg"], state["exp_avg_sq"]


def dropout(x, p, generator, training=True):
    """Return what torch's dropout makes of `x`, its random numbers drawn from the generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return functional.dropout(x, p, training=training)


def mixup(x, y, lam, order, num_classes):
    """Return inputs and targets, each row mixed with its partner, one by one."""
    y = [int(k) for k in y]
    rows = [lam * a.astype(float) + (1 - lam) * x[j].astype(float)
            for a, j in zip(x, order, strict=True)]  # fmt: skip
    targets = np.zeros((len(y), num_classes))
    for i, j in enumerate(order):
        targets[i, y[i]] += lam
        targets[i, y[j]] += 1 - lam
    return np.stack(rows), targets


def label_smoothing_loss(logits, y, epsilon):
    """Return torch's smoothed cross entropy."""
    logits, y = torch.tensor(logits).double(), torch.tensor(y)
    return functional.cross_entropy(logits, y, label_smoothing=epsilon).item()


def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    """Return torchvision's focal loss."""
    logits, targets = torch.tensor(logits).double(), torch.tensor(targets).double()
    alpha = -1 if alpha is None else alpha
    return sigmoid_focal_loss(logits, targets, alpha, gamma, reduction="mean").item()


def ensemble_probabilities(logits):
    """Return the members' mean probability."""
    return torch.tensor(logits).double().softmax(dim=-1).mean(dim=0)
