"""What the probes of `gan` measure with: tiny networks, a training that is noted, faces."""

import copy
from functools import partial

import numpy as np

from autograder.probes import watch


def small_net(layers, generator):
    """The layers in a row, with weights and running statistics drawn anew."""
    import torch
    from torch import nn

    net = nn.Sequential(*layers)
    with torch.no_grad():
        for value in net.parameters():
            value.normal_(0, 0.8, generator=generator)
        for part in net:
            if isinstance(part, nn.BatchNorm1d):
                part.running_mean.normal_(0, 0.3, generator=generator)
                part.running_var.uniform_(0.5, 2, generator=generator)
    return net


def small_generator(torch_rng, momentum=0.1):
    """Noise (N, 3) to pictures (N, 2, 3, 2), which leave -1 … 1: there is no tanh at the end."""
    from torch import nn

    norm = nn.BatchNorm1d(6, momentum=momentum)
    layers = [nn.Linear(3, 6), norm, nn.Tanh(), nn.Linear(6, 12), nn.Unflatten(1, (2, 3, 2))]
    net = small_net(layers, torch_rng)
    net.latent = 3
    return net


def small_discriminator(torch_rng, momentum=0.1):
    """Pictures (N, 2, 3, 2) to logits (N,), mostly below 0: forged pictures have much to learn."""
    import torch
    from torch import nn

    norm = nn.BatchNorm1d(5, momentum=momentum)
    layers = [nn.Flatten(), nn.Linear(12, 5), norm, nn.LeakyReLU(0.2), nn.Linear(5, 1)]
    net = small_net([*layers, nn.Flatten(0)], torch_rng)
    with torch.no_grad():
        net[-2].bias.fill_(-1.5)
        net[-2].weight.copy_(net[-2].weight.sign() * (0.4 + net[-2].weight.abs()))
    return net


def randn(generator, *shape):
    import torch

    return torch.randn(*shape, generator=generator)


def sgd(network, lr=0.3):
    import torch

    return torch.optim.SGD(network.parameters(), lr=lr)


def weights_of(network):
    import torch

    return torch.cat([value.detach().flatten() for value in network.parameters()])


def leave_gradients(network):
    """Gradients that somebody forgot: all ones."""
    import torch

    for value in network.parameters():
        value.grad = torch.ones_like(value)


MODES = ((True, True), (False, True), (True, False))  # of the generator, of the discriminator


def put_in_modes(pair, modes):
    return [copy.deepcopy(net).train(mode) for net, mode in zip(pair, modes, strict=True)]


def modes_of(*networks):
    return [sorted({part.training for part in network.modules()}) for network in networks]


def ladder(count):
    """Pictures (count, 2, 3, 2) that can be told apart: all pixels of the k-th are about k."""
    import torch

    level = torch.linspace(-1, 1, count).reshape(-1, 1, 1, 1)
    return level.expand(-1, 2, 3, 2).contiguous()


class ComeBack:
    """Notes the gradients that come back to some parameters, from step to step."""

    def __init__(self, values):
        self.sums = {}
        self.hooks = [value.register_hook(partial(self.add, value)) for value in values]

    def add(self, value, gradient):
        self.sums[value] = self.sums.get(value, 0) + gradient.detach().flatten()

    def is_all_of(self, value):
        """Whether ``value.grad`` is what came back since this was last asked, and begin anew."""
        from torch import cosine_similarity

        own, self.sums = self.sums.get(value), {}
        if own is None or value.grad is None:
            return own is None
        return bool(cosine_similarity(own, value.grad.flatten(), dim=0) > 0.999)


def noted(train_gan, pair, faces, **how):
    """Train, and note each step of an optimizer and what goes into the networks."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    generator, discriminator = pair
    whose = {id(value): "G" for value in generator.parameters()}
    whose |= {id(value): "D" for value in discriminator.parameters()}
    steps, rounds, real, noise = [], [], [torch.zeros(0)], []
    back = ComeBack([next(network.parameters()) for network in pair])

    def step(optimizer, _, __):
        group = optimizer.param_groups[0]
        who = "".join(sorted({whose.get(id(value), "?") for value in group["params"]}))
        betas = [float(beta) for beta in group.get("betas", ())]
        kind = type(optimizer).__name__
        first = group["params"][0]
        state = optimizer.state.get(first, {})
        told = {"who": who, "kind": kind, "betas": betas, "before": int(state.get("step", 0))}
        steps.append({**told, "lr": float(group["lr"]), "alone": back.is_all_of(first)})

    def see(_, arguments):
        levels = arguments[0].detach().flatten(1)
        if bool((levels.amax(1) - levels.amin(1) < 1e-6).all()):  # no generator's
            real.append(levels[:, 0].clone())

    hooks = [
        *back.hooks,
        register_optimizer_step_pre_hook(step),
        discriminator.register_forward_pre_hook(see),
        generator.register_forward_pre_hook(lambda _, given: noise.append(given[0].clone())),
    ]
    modes = watch(generator), watch(discriminator)
    try:
        losses = train_gan(generator, discriminator, faces, after_round=rounds.append, **how)
    finally:
        for hook in hooks:
            hook.remove()
    told = {"steps": steps, "rounds": rounds, "losses": losses}
    return {**told, "real": torch.cat(real), "noise": noise, "modes": modes}


def networks():
    """A small DCGAN for faces of 16 × 16."""
    from torch import nn

    made = [
        nn.Unflatten(1, (16, 1, 1)),
        nn.ConvTranspose2d(16, 32, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
    ]  # fmt: skip
    seen = [
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2),
        nn.Conv2d(32, 1, 4), nn.Flatten(0),
    ]  # fmt: skip
    for part in (*made, *seen):
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0, 0.02)
    generator = nn.Sequential(*made)
    generator.latent = 16
    return generator, nn.Sequential(*seen)


def some_faces(count, part, seed):
    import torch

    from autograder.data import faces

    return torch.from_numpy(faces.make(count, part=part, seed=seed).images)


def features_of(images):
    from torch.nn.functional import avg_pool2d

    return avg_pool2d((images + 1) / 2, 2).flatten(1).double().numpy()


def distance(one, other):
    """The squared Fréchet distance of two sets of faces, over 64 means of 2 × 2 pixels."""
    one, other = features_of(one), features_of(other)
    first, second = np.cov(one.T), np.cov(other.T)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(min=0))
    apart = one.mean(axis=0) - other.mean(axis=0)
    return float(apart @ apart + np.trace(first + second) - 2 * roots.sum())


def cloud(rng, count, width, shift=0.0):
    """Correlated features of unequal spread."""
    return rng.normal(size=(count, width)) @ rng.normal(size=(width, width)) + shift


def seen_in(pictures):
    pictures = np.asarray(pictures)
    return {"type": str(pictures.dtype), "shape": list(pictures.shape), "pixels": pictures}


def near_bytes(rng, shape):
    """Values whose nearest byte is beyond doubt: up to 0.35 away from a whole number."""
    import torch

    nearest = rng.integers(0, 256, shape) + rng.uniform(-0.35, 0.35, shape)
    return torch.from_numpy(np.clip(nearest, 0, 255) / 127.5 - 1)


def losses_of(report):
    return np.asarray([[float(loss) for loss in pair] for pair in report["losses"]])
