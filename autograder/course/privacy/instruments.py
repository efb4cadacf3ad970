"""What the probes of `privacy` measure with: small networks, their noise, and who took part."""

import itertools

import numpy as np


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


def touched(train_privately, rng, steps, rate, people=300):
    """How far each of the people moved the model: to each belongs a column of its own."""
    import torch

    model = torch.nn.Linear(people, 2, bias=False)
    torch.nn.init.zeros_(model.weight)
    x, y = torch.eye(people), torch.zeros(people, dtype=torch.long)
    train_privately(model, x, y, sgd(model, 1.0), steps, rate, 0.5, 0.0, seeded(rng))
    return model.weight.detach().norm(dim=0).numpy()


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
