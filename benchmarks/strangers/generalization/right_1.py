# %% read_curves · a plain loop, ifs
def read_curves(train, validation, reachable, tolerance):
    best = 0
    for epoch in range(len(validation)):
        if validation[epoch] < validation[best]:
            best = epoch
    gap = float(validation[best]) - float(train[best])
    if validation[-1] - validation[best] > tolerance:
        if train[-1] < train[best]:
            diagnosis = "overfitting"
        else:
            diagnosis = "diverging"
    elif train[best] > reachable:
        diagnosis = "underfitting"
    else:
        diagnosis = "fine"
    return {"best_epoch": best, "gap": gap, "diagnosis": diagnosis}

# %% early_stopping · copies every parameter and buffer by name
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_epoch = None
        self.epoch = 0
        self.bad = 0
        self.saved = None

    def step(self, loss, model):
        loss = float(loss)
        if math.isnan(loss):
            improved = False
        elif self.best_loss is None:
            improved = True
        else:
            improved = loss < self.best_loss - self.min_delta
        if improved:
            self.best_loss = loss
            self.best_epoch = self.epoch
            self.bad = 0
            self.saved = {}
            for name, value in list(model.named_parameters()) + list(model.named_buffers()):
                self.saved[name] = value.detach().clone()
        else:
            self.bad += 1
        self.epoch += 1
        return self.bad >= self.patience

    def restore(self, model):
        if self.saved is None:
            return
        with torch.no_grad():
            for name, value in list(model.named_parameters()) + list(model.named_buffers()):
                value.copy_(self.saved[name])

# %% cross_val_scores · loops, counts the hits one by one
def cross_val_scores(steps, model, x, y, groups):
    scores = []
    for group in sorted(set(groups.tolist())):
        test = [i for i in range(len(groups)) if groups[i] == group]
        train = [i for i in range(len(groups)) if groups[i] != group]
        x_train, x_test = x[train], x[test]
        for step in steps:
            fresh = clone(step)
            fresh.fit(x_train, y[train])
            x_train = fresh.transform(x_train)
            x_test = fresh.transform(x_test)
        classifier = clone(model)
        classifier.fit(x_train, y[train])
        guesses = classifier.predict(x_test)
        hits = 0
        for guess, truth in zip(guesses, y[test]):
            hits += int(guess == truth)
        scores.append(hits / len(test))
    return scores

# %% adam_step · element by element in float64
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    shape = np.shape(w)
    flat = [np.asarray(a, dtype=np.float64).ravel() for a in (w, grad, m, v)]
    new_w, new_m, new_v = [], [], []
    for wi, gi, mi, vi in zip(*flat):
        g = gi if decoupled else gi + weight_decay * wi
        mi = betas[0] * mi + (1 - betas[0]) * g
        vi = betas[1] * vi + (1 - betas[1]) * g * g
        u = (mi / (1 - betas[0] ** t)) / (math.sqrt(vi / (1 - betas[1] ** t)) + eps)
        step = lr * u
        if decoupled:
            step += lr * weight_decay * wi
        new_w.append(wi - step)
        new_m.append(mi)
        new_v.append(vi)
    return tuple(np.array(a).reshape(shape) for a in (new_w, new_m, new_v))

# %% dropout · a Python list of coin tosses
def dropout(x, p, generator, training=True):
    if not training:
        return x
    tosses = torch.rand(x.numel(), generator=generator).tolist()
    scale = 0.0 if p == 1 else 1 / (1 - p)
    factors = [0.0 if toss < p else scale for toss in tosses]
    factors = torch.tensor(factors, dtype=x.dtype).reshape(x.shape)
    return torch.where(factors == 0, torch.zeros_like(x), x * factors)

# %% mixup · row by row
def mixup(x, y, lam, order, num_classes):
    n = len(x)
    mixed_x = np.zeros(x.shape, dtype=np.float64)
    mixed_y = np.zeros((n, num_classes))
    for i in range(n):
        j = int(order[i])
        mixed_x[i] = lam * x[i].astype(np.float64) + (1 - lam) * x[j].astype(np.float64)
        mixed_y[i, int(y[i])] += lam
        mixed_y[i, int(y[j])] += 1 - lam
    return mixed_x, mixed_y

# %% label_smoothing_loss · double loop with math
def label_smoothing_loss(logits, y, epsilon):
    total = 0.0
    n, k = len(logits), len(logits[0])
    for i in range(n):
        row = [float(z) for z in logits[i]]
        top = max(row)
        log_sum = top + math.log(sum(math.exp(z - top) for z in row))
        for c in range(k):
            q = epsilon / k
            if c == int(y[i]):
                q += 1 - epsilon
            total -= q * (row[c] - log_sum)
    return total / n

# %% focal_loss · one logit after the other, math.log1p
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    total = 0.0
    for z, target in zip(logits, targets):
        s = float(z) if target == 1 else -float(z)
        if s >= 0:
            log_pt = -math.log1p(math.exp(-s))
            other = math.exp(-s) / (1 + math.exp(-s))
        else:
            log_pt = s - math.log1p(math.exp(s))
            other = 1 / (1 + math.exp(s))
        weight = 1.0
        if alpha is not None:
            weight = alpha if target == 1 else 1 - alpha
        total += -weight * other**gamma * log_pt
    return total / len(logits)

# %% ensemble_probabilities · three loops
def ensemble_probabilities(logits):
    M, N, K = logits.shape
    result = np.zeros((N, K))
    for m in range(M):
        for n in range(N):
            row = logits[m, n].astype(np.float64)
            powers = np.exp(row - row.max())
            result[n] += powers / powers.sum() / M
    return result
