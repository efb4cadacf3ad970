# %% private_gradient · vmap(grad) over functional_call
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(values, image, target):
        return cross_entropy(functional_call(model, values, (image[None],)), target[None])

    if len(x):
        each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    else:
        each = {name: p.new_zeros(0, *p.shape) for name, p in parameters.items()}
    norms = torch.cat([g.flatten(1) for g in each.values()], dim=1).norm(dim=1)
    factors = (max_norm / norms).clamp(max=1)
    result = {}
    for name, g in each.items():
        total = torch.tensordot(factors, g, dims=1)
        noise = torch.randn(total.shape, generator=generator, dtype=total.dtype)
        result[name] = (total + noise_multiplier * max_norm * noise) / expected_batch_size
    return result

# %% epsilon · torch.logsumexp in float64
def epsilon(noise_multiplier, sample_rate, steps, delta):
    if noise_multiplier == 0:
        return torch.tensor(torch.inf)
    q, costs = torch.tensor(sample_rate, dtype=torch.float64), []
    for alpha in range(2, 65):
        j = torch.arange(alpha + 1, dtype=torch.float64)
        n = torch.tensor(alpha, dtype=torch.float64)
        binomial = torch.lgamma(n + 1) - torch.lgamma(j + 1) - torch.lgamma(n - j + 1)
        logs = binomial + torch.xlogy(n - j, 1 - q) + torch.xlogy(j, q)
        logs = logs + (j * j - j) / (2 * noise_multiplier**2)
        rho = torch.logsumexp(logs, dim=0) / (alpha - 1)
        costs.append(
            steps * rho + math.log1p(-1 / alpha) - math.log(delta * alpha) / (alpha - 1)
        )
    return torch.stack(costs).min()

# %% train_privately · boolean mask by torch.rand
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    expected = sample_rate * len(x)
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < sample_rate
        found = private_gradient(
            model, x[drawn], y[drawn], max_norm, noise_multiplier, expected, generator
        )
        for name, p in model.named_parameters():
            p.grad = found[name]
        optimizer.step()
    return model

# %% membership_attack · sorted losses, broadcast comparison
@torch.no_grad()
def membership_attack(model, members, others, max_fpr=0.01):
    mode = model.training
    model.eval()
    inside, outside = (cross_entropy(model(x), y, reduction="none") for x, y in (members, others))
    model.train(mode)
    auc = (inside[:, None] < outside).float().mean()
    shares = torch.arange(1, len(outside) + 1, dtype=torch.float64) / len(outside)
    allowed = int((shares <= max_fpr).sum())
    bound = outside.sort().values[allowed] if allowed < len(outside) else torch.tensor(torch.inf)
    return {"auc": auc, "tpr": (inside < bound).float().mean()}

# %% leak · argmax and argmin
def leak(gradients):
    w1, b1 = gradients[:2]
    unit = b1.abs().argmax()
    return {"image": w1[unit] / b1[unit], "label": gradients[-1].argmin()}

# %% federated_average · stack and tensordot
def federated_average(states, sizes):
    shares = torch.tensor([float(s) for s in sizes], dtype=torch.float64)
    shares = shares / shares.sum()
    result = {}
    for name, first in states[0].items():
        if first.is_floating_point():
            stacked = torch.stack([state[name] for state in states]).double()
            result[name] = torch.tensordot(shares, stacked, dims=1).to(first.dtype)
        else:
            result[name] = first.clone()
    return result

# %% anonymous_counts · defaultdict of lists and a comprehension
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    from collections import defaultdict

    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in quasi)].append(row)
    return {
        key: len(people)
        for key, people in groups.items()
        if len(people) >= k
        and (sensitive is None or len({person[sensitive] for person in people}) >= l)
    }
