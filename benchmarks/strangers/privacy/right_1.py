# %% private_gradient · a loop over examples, Python floats for the factors
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    total = {name: torch.zeros_like(p).detach() for name, p in model.named_parameters()}
    for i in range(len(x)):
        inputs = {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}
        loss = cross_entropy(functional_call(model, inputs, (x[i : i + 1],)), y[i : i + 1])
        grads = torch.autograd.grad(loss, list(inputs.values()))
        squares = 0.0
        for g in grads:
            squares += float(g.double().pow(2).sum())
        norm = math.sqrt(squares)
        factor = 1.0 if norm <= max_norm else max_norm / norm
        for name, g in zip(inputs, grads):
            total[name] += g * factor
    result = {}
    for name, summed in total.items():
        noise = torch.randn(summed.shape, generator=generator, dtype=summed.dtype)
        result[name] = (summed + noise_multiplier * max_norm * noise) / expected_batch_size
    return result

# %% epsilon · math only, largest logarithm taken out
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return float("inf")
    q, best = sample_rate, float("inf")
    for alpha in range(2, 65):
        logs = []
        for j in range(alpha + 1):
            if q == 1 and j < alpha:
                continue
            value = math.log(math.comb(alpha, j)) + j * math.log(q)
            if j < alpha:
                value += (alpha - j) * math.log(1 - q)
            value += (j * j - j) / (2 * noise_multiplier**2)
            logs.append(value)
        top = max(logs)
        log_sum = top + math.log(sum(math.exp(v - top) for v in logs))
        rho = log_sum / (alpha - 1)
        cost = steps * rho + math.log((alpha - 1) / alpha)
        cost -= (math.log(delta) + math.log(alpha)) / (alpha - 1)
        best = min(best, cost)
    return best

# %% train_privately · a coin for each example in a list
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    n = len(x)
    for _ in range(steps):
        rows = []
        for i, coin in enumerate(torch.rand(n, generator=generator).tolist()):
            if coin < sample_rate:
                rows.append(i)
        rows = torch.tensor(rows, dtype=torch.int64)
        found = private_gradient(
            model, x[rows], y[rows], max_norm, noise_multiplier, sample_rate * n, generator
        )
        optimizer.zero_grad()
        for name, p in model.named_parameters():
            p.grad = found[name].to(p.dtype)
        optimizer.step()
    return model

# %% membership_attack · all pairs and all thresholds in loops, float64
def membership_attack(model, members, others, max_fpr=0.01):
    def losses(x, y):
        with torch.no_grad():
            logits = model(x).double()
        values = []
        for row, target in zip(logits, y.tolist()):
            values.append(float(torch.logsumexp(row, 0) - row[target]))
        return values

    mode = model.training
    model.eval()
    inside, outside = losses(*members), losses(*others)
    model.train(mode)
    lower = 0
    for a in inside:
        for b in outside:
            lower += a < b
    best = 0.0
    for t in inside + outside:
        accused = sum(b <= t for b in outside) / len(outside)
        if accused <= max_fpr:
            best = max(best, sum(a <= t for a in inside) / len(inside))
    return {"auc": lower / (len(inside) * len(outside)), "tpr": best}

# %% leak · search for the liveliest unit in a loop, NumPy image
def leak(gradients):
    w1, b1 = gradients[0], gradients[1]
    best = 0
    for i in range(len(b1)):
        if abs(float(b1[i])) > abs(float(b1[best])):
            best = i
    image = w1[best].detach().double().numpy() / float(b1[best])
    last = gradients[-1].tolist()
    return {"image": image, "label": last.index(min(last))}

# %% federated_average · loop over names and clients, float64 in between
def federated_average(states, sizes):
    n = sum(sizes)
    result = {}
    for name in states[0]:
        first = states[0][name]
        if not first.is_floating_point():
            result[name] = first.clone()
            continue
        total = torch.zeros(first.shape, dtype=torch.float64)
        for state, size in zip(states, sizes):
            total += state[name].double() * (size / n)
        result[name] = total.to(first.dtype)
    return result

# %% anonymous_counts · dictionaries and loops
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    counts, values = {}, {}
    for row in rows:
        key = tuple(row[column] for column in quasi)
        counts[key] = counts.get(key, 0) + 1
        if sensitive is not None:
            values.setdefault(key, set()).add(row[sensitive])
    result = {}
    for key, count in counts.items():
        if count < k:
            continue
        if sensitive is not None and len(values[key]) < l:
            continue
        result[key] = count
    return result
