# %% read_curves · decides by the gap: overfitting where validation minus training loss at the best epoch is above tolerance
def read_curves(train, validation, reachable, tolerance):
    best = int(np.argmin(validation))
    gap = validation[best] - train[best]
    if gap > tolerance:
        diagnosis = "overfitting"
    elif validation[-1] - validation[best] > tolerance:
        diagnosis = "diverging"
    elif train[best] > reachable:
        diagnosis = "underfitting"
    else:
        diagnosis = "fine"
    return {"best_epoch": best, "gap": gap, "diagnosis": diagnosis}

# %% read_curves · takes the last of equally low validation losses as the best epoch (<= in the loop), not the earliest
def read_curves(train, validation, reachable, tolerance):
    best_epoch, best_loss = 0, float("inf")
    for epoch, loss in enumerate(validation):
        if loss <= best_loss:
            best_epoch, best_loss = epoch, loss
    gap = best_loss - train[best_epoch]
    if validation[-1] - best_loss > tolerance:
        diagnosis = "overfitting" if train[-1] < train[best_epoch] else "diverging"
    elif train[best_epoch] > reachable:
        diagnosis = "underfitting"
    else:
        diagnosis = "fine"
    return {"best_epoch": best_epoch, "gap": gap, "diagnosis": diagnosis}

# %% read_curves · asks for underfitting first, so a run that rises after a best epoch with a high training loss is called underfitting
def read_curves(train, validation, reachable, tolerance):
    best = int(np.argmin(validation))
    if train[best] > reachable:
        diagnosis = "underfitting"
    elif validation[-1] > validation[best] + tolerance:
        diagnosis = "overfitting" if train[-1] < train[best] else "diverging"
    else:
        diagnosis = "fine"
    return {"best_epoch": best, "gap": validation[best] - train[best], "diagnosis": diagnosis}

# %% read_curves · reports the gap of the last epoch instead of that of the best one
def read_curves(train, validation, reachable, tolerance):
    best = int(np.argmin(validation))
    gap = validation[-1] - train[-1]
    if validation[-1] - validation[best] > tolerance:
        diagnosis = "overfitting" if train[-1] < train[best] else "diverging"
    elif train[best] > reachable:
        diagnosis = "underfitting"
    else:
        diagnosis = "fine"
    return {"best_epoch": best, "gap": gap, "diagnosis": diagnosis}

# %% early_stopping · keeps model.state_dict() itself, whose tensors go on being trained, so restore brings back the last weights
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_epoch = None
        self.best_state = None
        self.epoch = 0
        self.counter = 0

    def step(self, loss, model):
        if not math.isnan(loss) and (self.best_loss is None or loss < self.best_loss - self.min_delta):
            self.best_loss = loss
            self.best_epoch = self.epoch
            self.best_state = model.state_dict()
            self.counter = 0
        else:
            self.counter += 1
        self.epoch += 1
        return self.counter >= self.patience

    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)

# %% early_stopping · compares with the loss of the epoch before instead of the best so far
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.previous = None
        self.best_epoch = None
        self.best_state = None
        self.epoch = 0
        self.counter = 0

    def step(self, loss, model):
        improved = not math.isnan(loss) and (
            self.previous is None or loss < self.previous - self.min_delta
        )
        if improved:
            self.best_epoch = self.epoch
            self.best_state = copy.deepcopy(model.state_dict())
            self.counter = 0
        else:
            self.counter += 1
        if not math.isnan(loss):
            self.previous = loss
        self.epoch += 1
        return self.counter >= self.patience

    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)

# %% early_stopping · stops one epoch too late: only when more than patience epochs have not improved
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_epoch = None
        self.best_state = None
        self.epoch = -1

    def step(self, loss, model):
        self.epoch += 1
        if not math.isnan(loss) and (self.best_loss is None or loss < self.best_loss - self.min_delta):
            self.best_loss = loss
            self.best_epoch = self.epoch
            self.best_state = copy.deepcopy(model.state_dict())
            return False
        since = self.epoch - (self.best_epoch if self.best_epoch is not None else -1)
        return since > self.patience

    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)

# %% early_stopping · saves and restores the parameters only, so batch normalisation keeps its later running statistics
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_epoch = None
        self.weights = None
        self.epoch = 0
        self.counter = 0

    def step(self, loss, model):
        if not math.isnan(loss) and (self.best_loss is None or loss < self.best_loss - self.min_delta):
            self.best_loss = loss
            self.best_epoch = self.epoch
            self.weights = [p.detach().clone() for p in model.parameters()]
            self.counter = 0
        else:
            self.counter += 1
        self.epoch += 1
        return self.counter >= self.patience

    def restore(self, model):
        if self.weights is not None:
            with torch.no_grad():
                for p, saved in zip(model.parameters(), self.weights):
                    p.copy_(saved)

# %% early_stopping · lowers the best loss also for a decrease within min_delta that counts as no improvement, so a slow fall never improves
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_epoch = None
        self.best_state = None
        self.epoch = 0
        self.counter = 0

    def step(self, loss, model):
        if not math.isnan(loss) and (self.best_loss is None or loss < self.best_loss - self.min_delta):
            self.best_epoch = self.epoch
            self.best_state = copy.deepcopy(model.state_dict())
            self.counter = 0
        else:
            self.counter += 1
        if not math.isnan(loss):
            self.best_loss = loss if self.best_loss is None else min(self.best_loss, loss)
        self.epoch += 1
        return self.counter >= self.patience

    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)

# %% cross_val_scores · fits the steps once on all rows before the split, so the test part leaks in
def cross_val_scores(steps, model, x, y, groups):
    for step in steps:
        x = clone(step).fit(x, y).transform(x)
    scores = []
    for group in np.unique(groups):
        test = groups == group
        fitted = clone(model).fit(x[~test], y[~test])
        scores.append((fitted.predict(x[test]) == y[test]).mean())
    return scores

# %% cross_val_scores · fits a second copy of each step on the test rows (fit_transform on both parts)
def cross_val_scores(steps, model, x, y, groups):
    scores = []
    for group in np.unique(groups):
        test = groups == group
        x_train, x_test = x[~test], x[test]
        y_train, y_test = y[~test], y[test]
        for step in steps:
            x_train = clone(step).fit(x_train, y_train).transform(x_train)
            x_test = clone(step).fit(x_test, y_test).transform(x_test)
        fitted = clone(model).fit(x_train, y_train)
        scores.append((fitted.predict(x_test) == y_test).mean())
    return scores

# %% cross_val_scores · fits the steps and the model that were passed in instead of clones, so they do not stay unfitted
def cross_val_scores(steps, model, x, y, groups):
    scores = []
    for group in np.unique(groups):
        train, test = groups != group, groups == group
        x_train, x_test = x[train], x[test]
        for step in steps:
            step.fit(x_train, y[train])
            x_train, x_test = step.transform(x_train), step.transform(x_test)
        model.fit(x_train, y[train])
        scores.append(np.mean(model.predict(x_test) == y[test]))
    return scores

# %% cross_val_scores · takes the groups in the order in which they first appear, not in ascending order
def cross_val_scores(steps, model, x, y, groups):
    scores = []
    for group in dict.fromkeys(groups.tolist()):
        test = groups == group
        x_train, x_test = x[~test], x[test]
        for step in steps:
            fitted = clone(step).fit(x_train, y[~test])
            x_train, x_test = fitted.transform(x_train), fitted.transform(x_test)
        classifier = clone(model).fit(x_train, y[~test])
        scores.append(float((classifier.predict(x_test) == y[test]).mean()))
    return scores

# %% adam_step · leaves out the bias correction by 1 − β^t
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    b1, b2 = betas
    g = grad if decoupled else grad + weight_decay * w
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    new_w = w - lr * m / (np.sqrt(v) + eps)
    if decoupled:
        new_w = new_w - lr * weight_decay * w
    return new_w, m, v

# %% adam_step · puts eps under the root
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    b1, b2 = betas
    g = grad if decoupled else grad + weight_decay * w
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    u = (m / (1 - b1**t)) / np.sqrt(v / (1 - b2**t) + eps)
    new_w = w - lr * u
    if decoupled:
        new_w = new_w - lr * weight_decay * w
    return new_w, m, v

# %% adam_step · the decoupled decay subtracts λ w without the factor lr
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    b1, b2 = betas
    g = grad if decoupled else grad + weight_decay * w
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    u = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    if decoupled:
        return w - lr * u - weight_decay * w, m, v
    return w - lr * u, m, v

# %% adam_step · works in place (*=, +=, -=), so the arrays that were passed in are changed
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    b1, b2 = betas
    g = grad if decoupled else grad + weight_decay * w
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g**2
    u = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    if decoupled:
        w *= 1 - lr * weight_decay
    w -= lr * u
    return w, m, v

# %% dropout · does not scale what survives
def dropout(x, p, generator, training=True):
    if not training:
        return x
    keep = torch.rand(x.shape, generator=generator) >= p
    return x * keep.to(x.dtype)

# %% dropout · for p = 1 divides 0 by 0 and returns nan
def dropout(x, p, generator, training=True):
    if not training:
        return x
    mask = (torch.rand(x.shape, generator=generator) >= p).to(x.dtype)
    return x * mask / (1 - p)

# %% dropout · draws from torch's global random state and ignores the generator
def dropout(x, p, generator, training=True):
    if not training or p == 0:
        return x
    if p == 1:
        return torch.zeros_like(x) * x
    mask = (torch.rand_like(x) > p).to(x.dtype)
    return x * mask / (1 - p)

# %% dropout · multiplies by a float32 mask, so a float16 tensor comes back as float32
def dropout(x, p, generator, training=True):
    if not training:
        return x
    if p == 1:
        return x * 0
    mask = (torch.rand(x.shape, generator=generator) >= p).float() / (1 - p)
    return x * mask

# %% dropout · drops whole rows: one toss for each row of a batch, as in spatial dropout, not one for each element
def dropout(x, p, generator, training=True):
    if not training:
        return x
    if p == 1:
        return x * 0
    shape = (x.shape[0],) + (1,) * (x.dim() - 1) if x.dim() > 1 else x.shape
    keep = torch.rand(shape, generator=generator) >= p
    return x * keep.to(x.dtype) / (1 - p)

# %% mixup · swaps the shares in the target: 1 − λ for the row's own class and λ for its partner's
def mixup(x, y, lam, order, num_classes):
    x = np.asarray(x, dtype=np.float64)
    onehot = np.eye(num_classes)[y]
    mixed_x = lam * x + (1 - lam) * x[order]
    mixed_y = (1 - lam) * onehot + lam * onehot[order]
    return mixed_x, mixed_y

# %% mixup · mixes the pictures but keeps the target of the row with the larger share as a hard one-hot
def mixup(x, y, lam, order, num_classes):
    mixed_x = lam * x.astype(np.float64) + (1 - lam) * x[order].astype(np.float64)
    labels = y if lam >= 0.5 else y[order]
    return mixed_x, np.eye(num_classes)[labels]

# %% mixup · writes the mixture into an array like x, so uint8 pixels are cut to whole numbers
def mixup(x, y, lam, order, num_classes):
    mixed_x = np.empty_like(x)
    mixed_y = np.zeros((len(y), num_classes))
    for i, j in enumerate(order):
        mixed_x[i] = lam * x[i] + (1 - lam) * x[j]
        mixed_y[i, y[i]] += lam
        mixed_y[i, y[j]] += 1 - lam
    return mixed_x, mixed_y

# %% mixup · makes as many columns as the batch has classes (y.max() + 1) and ignores num_classes
def mixup(x, y, lam, order, num_classes):
    x = np.asarray(x, dtype=float)
    onehot = np.zeros((len(y), y.max() + 1))
    onehot[np.arange(len(y)), y] = 1
    return lam * x + (1 - lam) * x[order], lam * onehot + (1 - lam) * onehot[order]

# %% label_smoothing_loss · shares ε among the K − 1 other classes only and leaves the true class 1 − ε
def label_smoothing_loss(logits, y, epsilon):
    logits = np.asarray(logits, dtype=np.float64)
    n, k = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    q = np.full((n, k), epsilon / (k - 1))
    q[np.arange(n), y] = 1 - epsilon
    return -(q * log_p).sum(axis=1).mean()

# %% label_smoothing_loss · takes the softmax first and clips the probabilities at 1e-12 before the logarithm, so large logits give a finite but wrong loss
def label_smoothing_loss(logits, y, epsilon):
    logits = np.asarray(logits, dtype=np.float64)
    n, k = logits.shape
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    q = (1 - epsilon) * np.eye(k)[y] + epsilon / k
    return -(q * np.log(np.clip(p, 1e-12, 1))).sum(axis=1).mean()

# %% label_smoothing_loss · averages over the N · K entries (np.mean of the whole table) instead of the N rows
def label_smoothing_loss(logits, y, epsilon):
    logits = np.asarray(logits, dtype=np.float64)
    k = logits.shape[1]
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    q = (1 - epsilon) * np.eye(k)[y] + epsilon / k
    return -np.mean(q * log_p)

# %% focal_loss · gives α to class 0 and 1 − α to class 1
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    z, t = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    signed = np.where(t == 1, z, -z)
    ce = np.logaddexp(0, -signed)
    rest = np.exp(-np.logaddexp(0, signed))
    loss = rest**gamma * ce
    if alpha is not None:
        loss = np.where(t == 1, 1 - alpha, alpha) * loss
    return loss.mean()

# %% focal_loss · divides the sum by the number of positives, as detectors do, instead of by N
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    z, t = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    signed = np.where(t == 1, z, -z)
    loss = np.exp(-np.logaddexp(0, signed)) ** gamma * np.logaddexp(0, -signed)
    if alpha is not None:
        loss = np.where(t == 1, alpha, 1 - alpha) * loss
    return loss.sum() / max(t.sum(), 1)

# %% focal_loss · treats alpha=None as α = 1, which gives the negatives 1 − α = 0 instead of weight 1
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    if alpha is None:
        alpha = 1.0
    z, t = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    signed = np.where(t == 1, z, -z)
    loss = np.exp(-np.logaddexp(0, signed)) ** gamma * np.logaddexp(0, -signed)
    return (np.where(t == 1, alpha, 1 - alpha) * loss).mean()

# %% focal_loss · takes 1 / (1 + e^−z) and then log(p_t + 1e-8), so a logit of −1000 for a positive costs 18.4 instead of 1000
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    z, t = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    with np.errstate(over="ignore"):
        p = 1 / (1 + np.exp(-z))
    p_t = np.where(t == 1, p, 1 - p)
    loss = -((1 - p_t) ** gamma) * np.log(p_t + 1e-8)
    if alpha is not None:
        loss = np.where(t == 1, alpha, 1 - alpha) * loss
    return loss.mean()

# %% ensemble_probabilities · averages the logits and takes one softmax afterwards
def ensemble_probabilities(logits):
    mean = np.asarray(logits, dtype=np.float64).mean(axis=0)
    powers = np.exp(mean - mean.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)

# %% ensemble_probabilities · counts votes: the share of members whose argmax is the class
def ensemble_probabilities(logits):
    logits = np.asarray(logits)
    votes = np.eye(logits.shape[-1])[logits.argmax(axis=-1)]
    return votes.mean(axis=0)

# %% ensemble_probabilities · exponentiates without subtracting the maximum: logits of 1000 give inf / inf = nan
def ensemble_probabilities(logits):
    powers = np.exp(np.asarray(logits, dtype=np.float64))
    return (powers / powers.sum(axis=-1, keepdims=True)).mean(axis=0)
