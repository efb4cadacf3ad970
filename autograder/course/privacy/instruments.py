"""What the probes of `privacy` measure with: small networks, their noise, and who took part."""

import copy
import itertools

import numpy as np

# Where a statement is true or not: beyond so many spreads a right answer comes once in 2e7 times.
SPREADS = 5.5


def is_far(value, spread):
    return bool(abs(value) > SPREADS * spread)


def as_many(came, chance):
    """Whether so many came as do where each has this chance."""
    came = np.asarray(came)
    return not is_far(came.mean() - chance, (chance * (1 - chance) / came.size) ** 0.5)


def network(torch_rng, *widths, act="Tanh"):
    """A fully connected network with random weights, of the spread that torch gives them."""
    import torch
    from torch import nn

    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), getattr(nn, act)()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for name, value in model.named_parameters():
            bound = model[int(name.split(".")[0])].in_features ** -0.5
            value.uniform_(-bound, bound, generator=torch_rng)
    return model


def convolutions(torch_rng):
    """Pictures (N, 1, 8, 8) to logits (N, 10), in float64."""
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10)
    ).double()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.3, generator=torch_rng)
        model[1].bias.abs_()  # some units are alive
    return model


def seeded(rng):
    import torch

    return torch.Generator().manual_seed(int(rng.integers(2**31)))


def flat(gradient):
    import torch

    return torch.cat([torch.as_tensor(value).detach().flatten() for value in gradient.values()])


def sgd(model, lr, **how):
    import torch

    return torch.optim.SGD(model.parameters(), lr=lr, **how)


def noise_in(private_gradient, model, clip, multiplier, expected, generator, rows=3):
    """Noise in the sum, in units of clip · multiplier: should be standard normal."""
    import torch

    width = model[0].in_features
    x, y = torch.linspace(-1, 1, rows * width).reshape(rows, width), torch.arange(rows)
    noisy, clean = (
        flat(private_gradient(model, x, y, clip, m, expected, generator)) for m in (multiplier, 0)
    )
    return (noisy - clean).double().numpy() * expected / (clip * multiplier)


def faults_of(noise, model):
    """Where noise in two square layers and more differs from independent normal numbers."""

    def alike(one, other):
        return is_far(np.corrcoef(one, other)[0, 1], len(one) ** -0.5)

    size, width = len(noise), model[0].in_features
    half, layer = width // 2, width * (width + 1)
    rows = noise[: width * width].reshape(width, width)
    kurtosis = ((noise - noise.mean()) ** 4).mean() / noise.var() ** 2 - 3
    ends = np.cumsum([value.numel() for value in model.parameters()])[:-1]
    spreads = [part.std() for part in np.split(noise, ends)]
    return {
        "numbers": size,
        "a parameter without": bool(min(spreads) < 0.5),
        "off centre": is_far(noise.mean(), size**-0.5),
        "layers alike": alike(noise[:layer], noise[layer : 2 * layer]),
        "rows alike": alike(rows[:half].ravel(), rows[-half:].ravel()),
        "columns alike": alike(rows[:, :half].ravel(), rows[:, -half:].ravel()),
        "not normal": is_far(kurtosis, (24 / size) ** 0.5),
    }


def touched(train_privately, rng, steps, rate, people=300):
    """How far each of the people moved the model: to each belongs a column of its own."""
    import torch

    model = torch.nn.Linear(people, 2, bias=False)
    torch.nn.init.zeros_(model.weight)
    x, y = torch.eye(people), torch.zeros(people, dtype=torch.long)
    train_privately(model, x, y, sgd(model, 1.0), steps, rate, 0.5, 0.0, seeded(rng))
    return model.weight.detach().norm(dim=0).numpy()


def noise_of_steps(train_privately, model, steps, scale, rng):
    """The sum of the noise of all steps, in numbers that should be normal."""
    import torch

    x, y = torch.zeros(2, model[0].in_features), torch.zeros(2, dtype=torch.long)
    trained = copy.deepcopy(model)
    # Hardly ever is anybody drawn: who adds no noise then moves nothing, whatever coins fall.
    given = sgd(trained, 1.0), steps, 1e-4, 1e-3, 1e3 * scale, seeded(rng)
    train_privately(trained, x, y, *given)
    # With an expected batch of 2e-4.
    return ((flat(trained.state_dict()) - flat(model.state_dict())) * 2e-4).numpy()


def parties_of(x, truth, rng):
    """Members (400) and others, three labels of ten wrong; and the true labels of the others."""
    import torch

    order = torch.from_numpy(rng.permutation(1797))
    x, truth = x[order], truth[order]
    shift = torch.from_numpy(rng.integers(1, 10, 1797) * (rng.random(1797) < 0.3))
    y = (truth + shift) % 10
    return (x[:400], y[:400]), (x[400:], y[400:]), truth[400:]


def attacked(model, members, others):
    """AUC of the attack that takes a low loss for the sign of a member."""
    import torch
    from sklearn.metrics import roc_auc_score
    from torch.nn.functional import cross_entropy

    with torch.no_grad():
        losses = [cross_entropy(model(x), y, reduction="none") for x, y in (members, others)]
    is_member = np.repeat([1, 0], [len(part) for part in losses])
    return float(roc_auc_score(is_member, -torch.cat(losses).numpy()))


def fit(model, optimizer, steps, x, y):
    """Train plainly."""
    from torch.nn.functional import cross_entropy

    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def one_by_one(model, number, torch_rng):
    """Members and so many others, of whom each has a loss between those of two members."""
    import torch
    from torch.nn.functional import cross_entropy

    x = torch.randn(2 * number, model[0].in_features, generator=torch_rng).double()
    y = torch.zeros(2 * number, dtype=torch.long)
    order = cross_entropy(model(x), y, reduction="none").argsort()
    return [(x[rows], y[rows]) for rows in (order[::2], order[1::2])]


def backwards_in_training(model):
    """It reads pictures backwards where dropout would draw: so that it shows, alike each time."""
    from torch import nn

    class Backwards(nn.Module):
        def forward(self, x):
            return x.flip(1) if self.training else x

    return nn.Sequential(Backwards(), model)


def one_alive(torch_rng, unit):
    """A network of 12 units of which one is alive."""
    import torch

    model = network(torch_rng, 64, 12, 10, act="ReLU")
    with torch.no_grad():
        model[0].bias -= 50
        model[0].bias[unit] += 50.5
        model[0].weight[unit].abs_()
    return model


def gradients_of(model, x, y):
    import torch
    from torch.nn.functional import cross_entropy

    model, x = model.double(), x.double()
    loss = cross_entropy(model(x[None]), y[None])
    return list(torch.autograd.grad(loss, list(model.parameters())))


def listed(counts):
    """Each group's values and number; a key that is no tuple stays as it is."""
    pairs = [[list(key) if isinstance(key, tuple) else key, n] for key, n in counts.items()]
    return sorted(pairs, key=str)


def state_of_client(rng):
    """A state dict of two dtypes, with counters."""
    import torch

    return {
        "layer.weight": torch.from_numpy(rng.normal(size=(3, 4))),
        "layer.bias": torch.from_numpy(rng.normal(size=3)).float(),
        "norm.num_batches_tracked": torch.tensor(int(rng.integers(10, 99))),
        "seen": torch.from_numpy(rng.integers(10, 99, 4)).int(),
    }


def people_of(rng):
    """Rows of 160 at random, and of groups of exactly 4, 5 and 6."""
    columns = (rng.integers(2, 5, 160), rng.choice([1000, 2000, 3000], 160, p=[0.6, 0.3, 0.1]),
               rng.choice(["f", "m"], 160), rng.choice(3, 160, p=[0.7, 0.2, 0.1]))  # fmt: skip
    rows = [
        {"age": f"{10 * a}s", "postcode": int(p), "sex": s, "illness": f"illness {i}"}
        for a, p, s, i in zip(*columns, strict=True)
    ]
    for size, postcode in ((4, 1000), (5, 5), (6, 6)):  # common values, a rare combination
        rows += [{"age": "90s", "postcode": postcode, "sex": "f", "illness": f"illness {i // 3}"}
                 for i in range(size)]  # fmt: skip
    return [rows[i] for i in rng.permutation(len(rows))]
