# %% private_gradient · one flat vector for each example, noise drawn at once and split
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    named = dict(model.named_parameters())
    flat0 = torch.cat([p.detach().reshape(-1) for p in named.values()])
    sizes = [p.numel() for p in named.values()]

    def unflatten(vector):
        return {
            name: part.view(p.shape)
            for (name, p), part in zip(named.items(), vector.split(sizes), strict=True)
        }

    def loss(vector, image, target):
        logits = functional_call(model, unflatten(vector), (image.unsqueeze(0),))
        return cross_entropy(logits, target.unsqueeze(0))

    def clipped(image, target):
        g = grad(loss)(flat0, image, target)
        return g / torch.clamp(torch.linalg.vector_norm(g) / max_norm, min=1.0)

    total = torch.zeros_like(flat0)
    for image, target in zip(x, y, strict=True):
        total = total + clipped(image, target)
    noise = torch.empty_like(total).normal_(0.0, 1.0, generator=generator)
    total = total.add(noise, alpha=noise_multiplier * max_norm).div(expected_batch_size)
    return {name: part.clone() for name, part in unflatten(total).items()}

# %% epsilon · SciPy's gammaln, xlogy and logsumexp on a whole table of orders
def epsilon(noise_multiplier, sample_rate, steps, delta):
    from scipy.special import gammaln, logsumexp, xlog1py, xlogy

    if not noise_multiplier:
        return np.inf
    alpha = np.arange(2, 65, dtype=float)[:, None]
    j = np.arange(65, dtype=float)[None]
    inside = j <= alpha
    rest = np.where(inside, alpha - j, 0.0)
    logs = gammaln(alpha + 1) - gammaln(j + 1) - gammaln(rest + 1)
    logs = logs + xlog1py(rest, -sample_rate) + xlogy(j, sample_rate)
    logs = logs + j * (j - 1) / (2 * noise_multiplier**2)
    rho = logsumexp(np.where(inside, logs, -np.inf), axis=1) / (alpha[:, 0] - 1)
    a = alpha[:, 0]
    return np.min(steps * rho + np.log1p(-1 / a) - (np.log(delta) + np.log(a)) / (a - 1))

# %% train_privately · Bernoulli coins and index rows
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    odds = torch.full((x.shape[0],), float(sample_rate), dtype=torch.float64)
    step = 0
    while step < steps:
        rows = torch.bernoulli(odds, generator=generator).nonzero().squeeze(1)
        gradient = private_gradient(
            model,
            x.index_select(0, rows),
            y.index_select(0, rows),
            max_norm=max_norm,
            noise_multiplier=noise_multiplier,
            expected_batch_size=float(odds.sum()),
            generator=generator,
        )
        model.zero_grad(set_to_none=True)
        for name, value in gradient.items():
            model.get_parameter(name).grad = value
        optimizer.step()
        step += 1
    return model

# %% membership_attack · scikit-learn's ROC
def membership_attack(model, members, others, max_fpr=0.01):
    mode = model.training
    try:
        model.eval()
        with torch.inference_mode():
            scores = [
                nn.functional.log_softmax(model(x).double(), dim=1)
                .gather(1, y.unsqueeze(1))
                .squeeze(1)
                .numpy()
                for x, y in (members, others)
            ]
    finally:
        model.train(mode)
    truth = np.repeat([True, False], [len(s) for s in scores])
    scores = np.concatenate(scores)
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    return {"auc": roc_auc_score(truth, scores), "tpr": tpr[fpr <= max_fpr].max()}

# %% leak · least squares over all units, label by its sign
def leak(gradients):
    w1, b1 = (np.asarray(g.detach(), dtype=np.float64) for g in gradients[:2])
    b1, w1 = b1 / np.abs(b1).max(), w1 / np.abs(b1).max()
    last = np.asarray(gradients[-1].detach(), dtype=np.float64)
    return {"image": b1 @ w1 / (b1 @ b1), "label": np.flatnonzero(last < 0)[0]}

# %% federated_average · running weighted mean on copies
def federated_average(states, sizes):
    average = copy.deepcopy(dict(states[0]))
    seen = sizes[0]
    moving = {k: v.double() for k, v in average.items() if v.is_floating_point()}
    for state, size in zip(states[1:], sizes[1:], strict=True):
        seen += size
        for k in moving:
            if seen:
                moving[k] = moving[k] + (state[k].double() - moving[k]) * (size / seen)
    for k, v in moving.items():
        average[k] = v.to(states[0][k].dtype)
    return average

# %% anonymous_counts · Counter and filters
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    from collections import Counter

    def key(row):
        return tuple(map(row.__getitem__, quasi))

    counts = Counter(map(key, rows))
    if sensitive is not None:
        variety = Counter(group for group, _ in {(key(row), row[sensitive]) for row in rows})
    else:
        variety = None
    return dict(
        (group, n)
        for group, n in counts.items()
        if n >= k and (variety is None or variety[group] >= l)
    )
