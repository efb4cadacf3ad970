"""The oracle for `gan`: torch's cross entropy on logits, SciPy's matrix root, torchvision's files.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import inspect
import io

import numpy as np
import scipy.linalg
import torch
from PIL import Image
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.utils import save_image


def discriminator_loss(real_logits, fake_logits):
    """Return the mean cross entropy of real pictures plus that of forged ones."""
    ones, zeros = torch.ones_like(real_logits), torch.zeros_like(fake_logits)
    return binary_cross_entropy_with_logits(real_logits, ones) + binary_cross_entropy_with_logits(
        fake_logits, zeros
    )


def generator_loss(fake_logits):
    """Return the mean cross entropy of forged pictures, had they been real."""
    return binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def _of_values(loss, *logits):
    """Return a loss of which only values can be had, sloped as their differences tell."""
    if inspect.isfunction(loss):
        return loss(*logits)
    flat, sizes = torch.cat(logits).detach().double(), [len(part) for part in logits]
    steps = 1e-4 * torch.eye(len(flat), dtype=torch.double)
    rises = [
        float(loss(*(flat + step).split(sizes))) - float(loss(*(flat - step).split(sizes)))
        for step in steps
    ]
    slope = torch.tensor(rises, dtype=torch.double) / 2e-4
    value = torch.cat(logits).double() @ slope
    return value + (float(loss(*flat.split(sizes))) - value.detach())


def _step(loss, optimizer, network):
    """Step on gradients that are computed for this network alone."""
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.item()


_discriminator_loss, _generator_loss = discriminator_loss, generator_loss


def discriminator_step(generator, discriminator, optimizer, real, z, *, discriminator_loss=None):
    """Step the discriminator; return its loss."""
    with torch.no_grad():
        fake = generator(z)
    logits = discriminator(real), discriminator(fake)
    loss = _of_values(discriminator_loss or _discriminator_loss, *logits)
    return _step(loss, optimizer, discriminator)


def generator_step(generator, discriminator, optimizer, z, *, generator_loss=None):
    """Step the generator; return its loss."""
    loss = _of_values(generator_loss or _generator_loss, discriminator(generator(z)))
    return _step(loss, optimizer, generator)


_discriminator_step, _generator_step = discriminator_step, generator_step


def train_gan(
    generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None,
    *, discriminator_step=None, generator_step=None,
):  # fmt: skip
    """Train both in turns; return the pairs of losses."""
    discriminate = discriminator_step or _discriminator_step
    generate = generator_step or _generator_step
    both = (discriminator.train(), generator.train())
    adams = [torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999)) for net in both]
    falling = [
        torch.optim.lr_scheduler.LambdaLR(adam, lambda done: min(1, 2 * (1 - done / rounds)))
        for adam in adams
    ]
    losses = []
    for number in range(1, rounds + 1):
        real = faces[torch.randint(len(faces), (batch_size,))]
        one, other = (torch.randn(batch_size, generator.latent) for _ in both)
        losses.append(
            (
                discriminate(generator, discriminator, adams[0], real, one),
                generate(generator, discriminator, adams[1], other),
            )
        )
        for schedule in falling:
            schedule.step()
        if after_round:
            after_round(number)
    return losses


def frechet_distance(real, fake):
    """Return the squared Fréchet distance, the root taken of a symmetric matrix."""
    real, fake = (np.asarray(features, dtype=float) for features in (real, fake))
    first, second = (np.cov(features, rowvar=False) for features in (real, fake))
    values, vectors = scipy.linalg.eigh(first)
    root = vectors @ np.diag(np.sqrt(values.clip(min=0))) @ vectors.T
    # root · second · root is similar to first · second and symmetric: its root is real.
    middle = scipy.linalg.sqrtm(root @ second @ root).real
    apart = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    return float(apart + np.trace(first + second - 2 * middle))


def to_bytes(images):
    """Return the pixels (N, H, W, C) of the PNG files that torchvision writes."""
    pixels = []
    for image in images.detach().double():
        file = io.BytesIO()
        save_image(image, file, format="png", normalize=True, value_range=(-1, 1))
        pixels.append(np.asarray(Image.open(file))[..., : len(image)])
    return np.stack(pixels)


_to_bytes = to_bytes


def mended_gan(
    generator, discriminator, batches, noise, z, lr=0.05,
    *, discriminator_step=None, generator_step=None, to_bytes=None,
):  # fmt: skip
    """Train both in turns by SGD, then draw pictures."""
    discriminate = discriminator_step or _discriminator_step
    generate = generator_step or _generator_step
    place = next(generator.parameters())
    both = (discriminator.train(), generator.train())
    descents = [torch.optim.SGD(network.parameters(), lr=lr) for network in both]
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        first = discriminate(generator, discriminator, descents[0], real, latent)
        losses.append((first, generate(generator, discriminator, descents[1], latent)))
    with torch.no_grad():
        images = generator.eval()(z.to(place))
    return {"losses": losses, "pictures": (to_bytes or _to_bytes)(images)}
