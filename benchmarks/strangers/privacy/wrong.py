# %% private_gradient · clips the gradient of the whole batch once instead of each example's gradient
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    names, params = zip(*model.named_parameters())
    if len(x):
        grads = torch.autograd.grad(cross_entropy(model(x), y, reduction="sum"), params)
    else:
        grads = [torch.zeros_like(p) for p in params]
    norm = torch.sqrt(sum((g**2).sum() for g in grads))
    factor = min(1.0, max_norm / (norm.item() + 1e-12))
    out = {}
    for name, g in zip(names, grads):
        noise = torch.randn(g.shape, generator=generator) * noise_multiplier * max_norm
        out[name] = (g * factor + noise) / expected_batch_size
    return out

# %% private_gradient · clips every parameter's gradient by its own norm, not by the norm over all parameters together
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for xi, yi in zip(x, y):
        loss = cross_entropy(model(xi[None]), yi[None])
        grads = torch.autograd.grad(loss, list(model.parameters()))
        for name, g in zip(total, grads):
            total[name] += g * torch.clamp(max_norm / (g.norm() + 1e-12), max=1.0)
    return {
        name: (t + noise_multiplier * max_norm * torch.randn(t.shape, generator=generator))
        / expected_batch_size
        for name, t in total.items()
    }

# %% private_gradient · divides by the number of examples that are there instead of the expected batch size
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    n = max(len(x), 1)
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for i in range(len(x)):
        grads = torch.autograd.grad(
            cross_entropy(model(x[i : i + 1]), y[i : i + 1]), list(model.parameters())
        )
        norm = torch.cat([g.flatten() for g in grads]).norm()
        for name, g in zip(total, grads):
            total[name] += g * min(1.0, float(max_norm / norm.clamp(min=1e-12)))
    return {
        name: (t + noise_multiplier * max_norm * torch.randn(t.shape, generator=generator)) / n
        for name, t in total.items()
    }

# %% private_gradient · noise of standard deviation sigma instead of sigma times C
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    parameters = {k: v.detach() for k, v in model.named_parameters()}

    def loss(p, xi, yi):
        return cross_entropy(functional_call(model, p, (xi[None],)), yi[None])

    total = {k: torch.zeros_like(v) for k, v in parameters.items()}
    for xi, yi in zip(x, y):
        g = grad(loss)(parameters, xi, yi)
        norm = torch.sqrt(sum(v.pow(2).sum() for v in g.values()))
        for k in total:
            total[k] += g[k] * (max_norm / (norm + 1e-12)).clamp(max=1)
    for k in total:
        noise = torch.normal(0.0, float(noise_multiplier), total[k].shape, generator=generator)
        total[k] = (total[k] + noise) / expected_batch_size
    return total

# %% private_gradient · adds noise to each example's clipped gradient, so the sum holds it N times (and an empty batch none)
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for xi, yi in zip(x, y):
        grads = torch.autograd.grad(
            cross_entropy(model(xi[None]), yi[None]), list(model.parameters())
        )
        norm = torch.sqrt(sum(g.pow(2).sum() for g in grads))
        scale = min(1.0, max_norm / (norm.item() + 1e-12))
        for name, g in zip(total, grads):
            noise = torch.randn(g.shape, generator=generator) * noise_multiplier * max_norm
            total[name] += g * scale + noise
    return {name: t / expected_batch_size for name, t in total.items()}

# %% private_gradient · draws the noise from torch's global state and leaves the generator unused
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for xi, yi in zip(x, y):
        grads = torch.autograd.grad(
            cross_entropy(model(xi[None]), yi[None]), list(model.parameters())
        )
        norm = torch.sqrt(sum(g.pow(2).sum() for g in grads))
        scale = (max_norm / (norm + 1e-12)).clamp(max=1.0)
        for name, g in zip(total, grads):
            total[name] += g * scale
    std = noise_multiplier * max_norm
    return {k: (t + std * torch.randn_like(t)) / expected_batch_size for k, t in total.items()}

# %% private_gradient · returns zeros without noise for an empty batch
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    parameters = {k: v.detach() for k, v in model.named_parameters()}
    if x.shape[0] == 0:
        return {k: torch.zeros_like(v) for k, v in parameters.items()}

    def loss(p, xi, yi):
        return cross_entropy(functional_call(model, p, (xi.unsqueeze(0),)), yi.unsqueeze(0))

    g = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    norms = torch.cat([v.flatten(1) for v in g.values()], dim=1).norm(dim=1)
    factor = (max_norm / norms.clamp(min=1e-12)).clamp(max=1.0)
    out = {}
    for k, v in g.items():
        summed = torch.einsum("n,n...->...", factor, v)
        noise = noise_multiplier * max_norm * torch.randn(summed.shape, generator=generator)
        out[k] = (summed + noise) / expected_batch_size
    return out

# %% epsilon · adds up the epsilon of single steps (steps times the cost of one) instead of their Renyi divergences
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return float("inf")
    q, best = sample_rate, float("inf")
    for a in range(2, 65):
        log_sum = -np.inf
        for j in range(a + 1):
            if q == 1 and j < a:
                continue
            term = math.log(math.comb(a, j)) + j * math.log(q) + (j * j - j) / (2 * noise_multiplier**2)
            if j < a:
                term += (a - j) * math.log(1 - q)
            log_sum = np.logaddexp(log_sum, term)
        one = log_sum / (a - 1) + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
        best = min(best, one)
    return steps * best

# %% epsilon · leaves the coins out: takes alpha / (2 sigma^2) for each step, as if everybody were drawn
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return math.inf
    candidates = []
    for alpha in range(2, 65):
        rho = alpha / (2 * noise_multiplier**2)
        candidates.append(
            steps * rho
            + math.log((alpha - 1) / alpha)
            - (math.log(delta) + math.log(alpha)) / (alpha - 1)
        )
    return min(candidates)

# %% epsilon · adds the terms themselves with math.exp, which overflows (OverflowError) for small sigma and high orders
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return math.inf
    q, values = sample_rate, []
    for a in range(2, 65):
        total = 0.0
        for j in range(a + 1):
            total += (
                math.comb(a, j) * (1 - q) ** (a - j) * q**j
                * math.exp((j * j - j) / (2 * noise_multiplier**2))
            )  # fmt: skip
        rho = math.log(total) / (a - 1)
        values.append(
            steps * rho + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
        )
    return min(values)

# %% epsilon · the older translation of Mironov (2017), T rho + ln(1/delta)/(alpha - 1), which is larger
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return math.inf
    q, values = sample_rate, []
    for a in range(2, 65):
        logs = []
        for j in range(a + 1):
            if q == 1 and j < a:
                continue
            log_term = math.lgamma(a + 1) - math.lgamma(j + 1) - math.lgamma(a - j + 1)
            log_term += j * math.log(q) + (j**2 - j) / (2 * noise_multiplier**2)
            if a > j:
                log_term += (a - j) * math.log1p(-q)
            logs.append(log_term)
        rho = np.logaddexp.reduce(logs) / (a - 1)
        values.append(steps * rho + math.log(1 / delta) / (a - 1))
    return min(values)

# %% epsilon · range(2, 64): leaves out order 64, the best one where there is much noise
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return float("inf")
    best = float("inf")
    for a in range(2, 64):
        j = torch.arange(a + 1, dtype=torch.float64)
        a_ = torch.tensor(float(a), dtype=torch.float64)
        log_binom = torch.lgamma(a_ + 1) - torch.lgamma(j + 1) - torch.lgamma(a_ - j + 1)
        terms = log_binom + torch.xlogy(a_ - j, torch.tensor(1 - sample_rate, dtype=torch.float64))
        terms = terms + j * math.log(sample_rate) + (j * j - j) / (2 * noise_multiplier**2)
        rho = torch.logsumexp(terms, 0).item() / (a - 1)
        eps = steps * rho + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
        best = min(best, eps)
    return best

# %% epsilon · divides by sigma squared also where sigma is 0 and so raises ZeroDivisionError instead of returning inf
def epsilon(noise_multiplier, sample_rate, steps, delta):
    c = 1 / (2 * noise_multiplier**2)
    q, best = sample_rate, math.inf
    for a in range(2, 65):
        log_sum = a * math.log(q) + (a * a - a) * c
        if q < 1:
            for j in range(a):
                log_sum = np.logaddexp(
                    log_sum,
                    math.log(math.comb(a, j))
                    + (a - j) * math.log(1 - q)
                    + j * math.log(q)
                    + (j * j - j) * c,
                )
        rho = log_sum / (a - 1)
        best = min(
            best, steps * rho + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
        )
    return float(best)

# %% train_privately · draws batches of a fixed size round(q N) by randperm instead of a coin for each example
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    size = round(sample_rate * len(x))
    for _ in range(steps):
        rows = torch.randperm(len(x), generator=generator)[:size]
        found = private_gradient(
            model, x[rows], y[rows], max_norm, noise_multiplier, sample_rate * len(x), generator
        )
        for name, p in model.named_parameters():
            p.grad = found[name]
        optimizer.step()
    return model

# %% train_privately · leaves out the step where nobody is drawn
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    expected = sample_rate * len(x)
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < sample_rate
        if not drawn.any():
            continue
        found = private_gradient(
            model, x[drawn], y[drawn], max_norm, noise_multiplier, expected, generator
        )
        optimizer.zero_grad()
        for name, p in model.named_parameters():
            p.grad = found[name]
        optimizer.step()
    return model

# %% train_privately · gives the number of examples that were drawn as the expected batch size
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < sample_rate
        batch_size = max(int(drawn.sum()), 1)
        found = private_gradient(
            model, x[drawn], y[drawn], max_norm, noise_multiplier, batch_size, generator
        )
        for name, p in model.named_parameters():
            p.grad = found[name].clone()
        optimizer.step()
    return model

# %% train_privately · tosses the coins once before the loop, so all steps use the same examples
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    n = x.shape[0]
    drawn = torch.bernoulli(torch.full((n,), float(sample_rate)), generator=generator).bool()
    xs, ys = x[drawn], y[drawn]
    for _ in range(steps):
        found = private_gradient(
            model, xs, ys, max_norm, noise_multiplier, sample_rate * n, generator
        )
        for name, p in model.named_parameters():
            p.grad = found[name]
        optimizer.step()
    return model

# %% train_privately · adds each step's gradient to what is still in .grad and never clears it
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < sample_rate
        found = private_gradient(
            model, x[drawn], y[drawn], max_norm, noise_multiplier, sample_rate * len(x), generator
        )
        for name, p in model.named_parameters():
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            p.grad += found[name]
        optimizer.step()
    return model

# %% membership_attack · uses the loss itself as the score of a member, so AUC is one minus the right one
def membership_attack(model, members, others, max_fpr=0.01):
    was = model.training
    model.eval()
    with torch.no_grad():
        inside, outside = (cross_entropy(model(x), y, reduction="none") for x, y in (members, others))
    model.train(was)
    labels = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
    auc = roc_auc_score(labels, torch.cat([inside, outside]).numpy())
    allowed = int((torch.arange(1, len(outside) + 1) / len(outside) <= max_fpr).sum())
    bound = outside.sort().values[allowed] if allowed < len(outside) else math.inf
    return {"auc": auc, "tpr": (inside < bound).float().mean().item()}

# %% membership_attack · takes np.quantile of the others' losses as the threshold, which interpolates and can accuse more than max_fpr
def membership_attack(model, members, others, max_fpr=0.01):
    was = model.training
    model.eval()
    with torch.no_grad():
        inside, outside = (
            cross_entropy(model(x), y, reduction="none").numpy() for x, y in (members, others)
        )
    model.train(was)
    auc = (inside[:, None] < outside[None]).mean()
    threshold = np.quantile(outside, max_fpr)
    return {"auc": auc, "tpr": (inside <= threshold).mean()}

# %% membership_attack · allows no threshold but the loss of the last other that may be accused, so members between it and the next other are missed (0 where nobody may be accused)
def membership_attack(model, members, others, max_fpr=0.01):
    was = model.training
    model.eval()
    with torch.no_grad():
        inside, outside = (cross_entropy(model(x), y, reduction="none") for x, y in (members, others))
    model.train(was)
    auc = (inside[:, None] < outside[None, :]).double().mean().item()
    allowed = int(max_fpr * len(outside) + 1e-9)
    if allowed == 0:
        return {"auc": auc, "tpr": 0.0}
    t = outside.sort().values[allowed - 1]
    return {"auc": auc, "tpr": (inside <= t).double().mean().item()}

# %% membership_attack · takes -log of the softmax probability plus 1e-10, so improbable targets all cost the same
def membership_attack(model, members, others, max_fpr=0.01):
    def losses(part):
        x, y = part
        with torch.no_grad():
            p = model(x).softmax(dim=1)[torch.arange(len(y)), y]
        return -torch.log(p + 1e-10)

    was = model.training
    model.eval()
    inside, outside = losses(members), losses(others)
    model.train(was)
    auc = (inside[:, None] < outside[None, :]).double().mean().item()
    allowed = int((torch.arange(1, len(outside) + 1) / len(outside) <= max_fpr).sum())
    bound = outside.sort().values[allowed] if allowed < len(outside) else math.inf
    return {"auc": auc, "tpr": (inside < bound).double().mean().item()}

# %% membership_attack · asks the model in the mode in which it is (dropout on), without evaluation mode
def membership_attack(model, members, others, max_fpr=0.01):
    with torch.no_grad():
        inside = cross_entropy(model(members[0]), members[1], reduction="none")
        outside = cross_entropy(model(others[0]), others[1], reduction="none")
    is_member = torch.cat([torch.ones(len(inside)), torch.zeros(len(outside))]).numpy()
    scores = -torch.cat([inside, outside]).numpy()
    fpr, tpr, _ = roc_curve(is_member, scores, drop_intermediate=False)
    return {"auc": roc_auc_score(is_member, scores), "tpr": tpr[fpr <= max_fpr].max()}

# %% membership_attack · leaves the model in evaluation mode
def membership_attack(model, members, others, max_fpr=0.01):
    model.eval()
    with torch.no_grad():
        inside = cross_entropy(model(members[0]), members[1], reduction="none").numpy()
        outside = cross_entropy(model(others[0]), others[1], reduction="none").numpy()
    is_member = np.repeat([1, 0], [len(inside), len(outside)])
    scores = -np.concatenate([inside, outside])
    fpr, tpr, _ = roc_curve(is_member, scores, drop_intermediate=False)
    return {"auc": roc_auc_score(is_member, scores), "tpr": tpr[fpr <= max_fpr].max()}

# %% leak · always divides by unit 0, which may be dead: 0/0
def leak(gradients):
    w1, b1 = gradients[0], gradients[1]
    return {"image": w1[0] / b1[0], "label": int(gradients[-1].argmin())}

# %% leak · takes the greatest number of the last bias gradient for the label instead of the negative one
def leak(gradients):
    w1, b1 = gradients[0], gradients[1]
    unit = b1.abs().argmax()
    return {"image": w1[unit] / b1[unit], "label": int(gradients[-1].argmax())}

# %% leak · takes gradients[3] for the last bias, which is right for exactly two layers
def leak(gradients):
    w1, b1, b2 = gradients[0], gradients[1], gradients[3]
    unit = int(torch.argmax(b1.abs()))
    return {"image": w1[unit] / b1[unit], "label": int(torch.argmin(b2))}

# %% leak · averages row / (bias + 1e-8) over all units, so that dead units count as black pictures and darken the image
def leak(gradients):
    w1, b1 = gradients[0], gradients[1]
    images = w1 / (b1 + 1e-8).unsqueeze(1)
    label = (gradients[-1] < 0).nonzero()[0].item()
    return {"image": images.mean(dim=0), "label": label}

# %% federated_average · plain mean of the clients, whatever their sizes
def federated_average(states, sizes):
    out = {}
    for name, first in states[0].items():
        if first.is_floating_point():
            out[name] = torch.stack([s[name] for s in states]).mean(dim=0)
        else:
            out[name] = first.clone()
    return out

# %% federated_average · averages the counters of whole numbers too and cuts the result off
def federated_average(states, sizes):
    n = sum(sizes)
    out = {}
    for name, first in states[0].items():
        total = sum(s[name].double() * (size / n) for s, size in zip(states, sizes))
        out[name] = total.to(first.dtype)
    return out

# %% federated_average · adds into the first client's tensors in place, so that client changes
def federated_average(states, sizes):
    n = sum(sizes)
    result = dict(states[0])
    for name in result:
        if not result[name].is_floating_point():
            continue
        result[name].mul_(sizes[0] / n)
        for state, size in zip(states[1:], sizes[1:]):
            result[name].add_(state[name] * (size / n))
    return result

# %% federated_average · returns everything that is floating point as float32, also half and double precision
def federated_average(states, sizes):
    shares = torch.tensor([float(s) for s in sizes])
    shares = shares / shares.sum()
    out = {}
    for name, first in states[0].items():
        if torch.is_floating_point(first):
            stacked = torch.stack([state[name].float() for state in states])
            out[name] = torch.tensordot(shares, stacked, dims=1)
        else:
            out[name] = first.clone()
    return out

# %% anonymous_counts · asks for more than k people instead of at least k
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[c] for c in quasi), []).append(row)
    return {
        key: len(people)
        for key, people in groups.items()
        if len(people) > k
        and (sensitive is None or len({person[sensitive] for person in people}) >= l)
    }

# %% anonymous_counts · counts the values of the sensitive column with repetitions instead of the different ones
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[c] for c in quasi), []).append(row)
    result = {}
    for key, people in groups.items():
        if len(people) < k:
            continue
        if sensitive is not None and len([p[sensitive] for p in people]) < l:
            continue
        result[key] = len(people)
    return result

# %% anonymous_counts · builds the key in alphabetical order of the columns instead of the order of quasi
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    from collections import defaultdict

    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[c] for c in sorted(quasi))].append(row.get(sensitive))
    return {
        key: len(values)
        for key, values in groups.items()
        if len(values) >= k and (sensitive is None or len(set(values)) >= l)
    }

# %% anonymous_counts · tests each column by itself: a person counts if each value of its own is shared by k people, however few share all of them
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    from collections import Counter

    single = {c: Counter(row[c] for row in rows) for c in quasi}
    groups = {}
    for row in rows:
        if all(single[c][row[c]] >= k for c in quasi):
            groups.setdefault(tuple(row[c] for c in quasi), []).append(row)
    return {
        key: len(people)
        for key, people in groups.items()
        if sensitive is None or len({p[sensitive] for p in people}) >= l
    }
