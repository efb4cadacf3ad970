# %% read_curves · NumPy argmin
def read_curves(train, validation, reachable, tolerance):
    train, validation = np.asarray(train), np.asarray(validation)
    best = int(validation.argmin())
    if validation[-1] - validation[best] > tolerance:
        diagnosis = "overfitting" if train[-1] < train[best] else "diverging"
    else:
        diagnosis = "underfitting" if train[best] > reachable else "fine"
    return {"best_epoch": best, "gap": validation[best] - train[best], "diagnosis": diagnosis}

# %% early_stopping · deepcopy of the state dict
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.best_epoch, self.state = None, None, None
        self.epoch = -1
        self.waited = 0

    def step(self, loss, model):
        self.epoch += 1
        first = self.best is None and loss == loss
        if first or (self.best is not None and loss < self.best - self.min_delta):
            self.best, self.best_epoch, self.waited = loss, self.epoch, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, model):
        if self.state is not None:
            model.load_state_dict(self.state)

# %% cross_val_scores · boolean masks, np.unique
def cross_val_scores(steps, model, x, y, groups):
    scores = []
    for group in np.unique(groups):
        test = groups == group
        train_x, test_x = x[~test], x[test]
        for step in steps:
            step = clone(step).fit(train_x, y[~test])
            train_x, test_x = step.transform(train_x), step.transform(test_x)
        fitted = clone(model).fit(train_x, y[~test])
        scores.append(np.mean(fitted.predict(test_x) == y[test]))
    return np.array(scores)

# %% adam_step · vectorised, in the dtype that comes
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    beta1, beta2 = betas
    g = grad if decoupled else grad + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    u = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    new_w = w - lr * u
    if decoupled:
        new_w = new_w - lr * weight_decay * w
    return new_w, m, v

# %% dropout · torch.rand and where
def dropout(x, p, generator, training=True):
    if not training:
        return x
    keep = torch.rand(x.shape, generator=generator) >= p
    return torch.where(keep, x / max(1 - p, 1e-12), torch.zeros_like(x))

# %% mixup · torch inside, tensors out
def mixup(x, y, lam, order, num_classes):
    pictures = torch.from_numpy(np.array(x)).float()
    targets = torch.nn.functional.one_hot(torch.from_numpy(np.array(y)).long(), num_classes).float()
    order = torch.from_numpy(np.array(order)).long()
    return (
        lam * pictures + (1 - lam) * pictures[order],
        lam * targets + (1 - lam) * targets[order],
    )

# %% label_smoothing_loss · log softmax and an array of targets
def label_smoothing_loss(logits, y, epsilon):
    logits = np.asarray(logits, dtype=np.float64)
    n, k = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    q = np.full((n, k), epsilon / k)
    q[np.arange(n), y] += 1 - epsilon
    return -(q * log_p).sum() / n

# %% focal_loss · logaddexp
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    signed = np.where(np.asarray(targets) == 1, logits, -np.asarray(logits)).astype(np.float64)
    loss = np.logaddexp(0, -signed) * np.exp(-gamma * np.logaddexp(0, signed))
    if alpha is not None:
        loss = loss * np.where(np.asarray(targets) == 1, alpha, 1 - alpha)
    return loss.mean()

# %% ensemble_probabilities · torch softmax and mean
def ensemble_probabilities(logits):
    return torch.softmax(torch.from_numpy(np.array(logits)), dim=-1).mean(dim=0)
