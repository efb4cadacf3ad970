# %% read_curves · min with a key, first rule that applies from a list
def read_curves(train, validation, reachable, tolerance):
    best = min(range(len(validation)), key=lambda epoch: validation[epoch])
    risen = validation[len(validation) - 1] > validation[best] + tolerance
    learning = train[len(train) - 1] < train[best]
    rules = (
        ("overfitting", risen and learning),
        ("diverging", risen),
        ("underfitting", train[best] > reachable),
        ("fine", True),
    )
    return dict(
        best_epoch=np.int64(best),
        gap=np.float64(validation[best]) - np.float64(train[best]),
        diagnosis=next(name for name, applies in rules if applies),
    )

# %% early_stopping · keeps a history of losses, clones the state dict
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.history = []
        self.best_epoch = None
        self._state = None

    def _improves(self, loss):
        if np.isnan(loss):
            return False
        if self.best_epoch is None:
            return True
        return self.history[self.best_epoch] - loss > self.min_delta

    def step(self, loss, model):
        better = self._improves(loss)
        self.history.append(loss)
        if better:
            self.best_epoch = len(self.history) - 1
            self._state = {k: t.detach().clone() for k, t in model.state_dict().items()}
        last = -1 if self.best_epoch is None else self.best_epoch
        return len(self.history) - 1 - last >= self.patience

    def restore(self, model):
        if self._state:
            model.load_state_dict(self._state, strict=True)

# %% cross_val_scores · LeaveOneGroupOut, a pipeline and accuracy_score
def cross_val_scores(steps, model, x, y, groups):
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import LeaveOneGroupOut
    from sklearn.pipeline import make_pipeline

    scores = []
    for train, test in LeaveOneGroupOut().split(x, y, groups):
        pipeline = clone(make_pipeline(*steps, model))
        pipeline.fit(x[train], y[train])
        scores.append(accuracy_score(y[test], pipeline.predict(x[test])))
    return scores

# %% adam_step · decay first as torch does, step size and denominator as in torch
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    w, grad, m, v = (np.array(a, dtype=np.float64) for a in (w, grad, m, v))
    b1, b2 = betas
    if decoupled:
        decayed = w * (1.0 - lr * weight_decay)
    else:
        decayed = w
        grad = grad + weight_decay * w
    m = m + (grad - m) * (1.0 - b1)
    v = v * b2 + (1.0 - b2) * np.square(grad)
    denominator = np.sqrt(v) / math.sqrt(1.0 - b2**t) + eps
    return decayed - lr / (1.0 - b1**t) * m / denominator, m, v

# %% dropout · bernoulli mask
def dropout(x, p, generator, training=True):
    if not training or p == 0:
        return x
    mask = torch.empty(x.shape, dtype=torch.float32).bernoulli_(1 - p, generator=generator)
    scaled = x / (1 - p) if p < 1 else x
    return scaled.masked_fill(mask == 0, 0)

# %% mixup · one function for both parts, np.eye
def mixup(x, y, lam, order, num_classes):
    def mix(a):
        return lam * a + (1.0 - lam) * a[order]

    return mix(np.asarray(x, dtype=np.float64)), mix(np.eye(num_classes)[y])

# %% label_smoothing_loss · (1 − ε) times the hard loss plus ε times the mean over classes
def label_smoothing_loss(logits, y, epsilon):
    z = np.asarray(logits).astype(float)
    log_total = np.logaddexp.reduce(z, axis=1)
    hard = log_total - np.take_along_axis(z, np.asarray(y)[:, None], axis=1)[:, 0]
    uniform = log_total - z.mean(axis=1)
    return float(np.mean((1 - epsilon) * hard + epsilon * uniform))

# %% focal_loss · a class with a stable softplus
class Focal:
    def __init__(self, gamma, alpha):
        self.gamma, self.alpha = gamma, alpha

    @staticmethod
    def softplus(a):
        return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))

    def __call__(self, z, t):
        log_p, log_not_p = -self.softplus(-z), -self.softplus(z)
        log_pt = t * log_p + (1 - t) * log_not_p
        log_rest = t * log_not_p + (1 - t) * log_p
        weight = 1.0 if self.alpha is None else t * self.alpha + (1 - t) * (1 - self.alpha)
        return np.average(-weight * np.exp(self.gamma * log_rest) * log_pt)


def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    return Focal(gamma, alpha)(np.asarray(logits, float), np.asarray(targets, float))

# %% ensemble_probabilities · SciPy's softmax, averaged, as nested lists
def ensemble_probabilities(logits):
    from scipy.special import softmax

    return np.mean([softmax(np.asarray(z, dtype=float), axis=1) for z in logits], axis=0).tolist()
