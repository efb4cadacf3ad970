"""Other right answers for `gan`, in styles that must pass."""

import numpy as np
import scipy.linalg
import torch
from torch import nn
from torch.nn.functional import logsigmoid

from autograder.checks import right

BCE = nn.BCEWithLogitsLoss()


@right("discriminator_loss", "cross entropy with logits", zh="用带 logits 的交叉熵")
def by_cross_entropy(real_logits, fake_logits):
    real = BCE(real_logits, torch.ones_like(real_logits))
    return real + BCE(fake_logits, torch.zeros_like(fake_logits))


@right("discriminator_loss", "logsigmoid, in float64", zh="用 float64 的 logsigmoid")
def by_logsigmoid(real_logits, fake_logits):
    return -logsigmoid(real_logits.double()).mean() - logsigmoid(-fake_logits.double()).mean()


@right("generator_loss", "cross entropy with logits", zh="用带 logits 的交叉熵")
def towards_ones(fake_logits):
    return BCE(fake_logits, torch.ones(len(fake_logits)))


@right("generator_loss", "logaddexp", zh="用 logaddexp")
def by_logaddexp(fake_logits):
    return torch.logaddexp(torch.zeros_like(fake_logits), -fake_logits).sum() / len(fake_logits)


@right("discriminator_step", "no_grad, two backward passes", zh="no_grad，分两次反向传播")
def two_backwards(generator, discriminator, optimizer, real, z):
    discriminator.zero_grad(set_to_none=False)
    with torch.no_grad():
        fake = generator(z)
    losses = [-logsigmoid(discriminator(real)).mean(), -logsigmoid(-discriminator(fake)).mean()]
    for loss in losses:
        loss.backward()
    optimizer.step()
    return (losses[0] + losses[1]).detach()


@right("generator_step", "the discriminator frozen meanwhile", zh="期间冻结判别器")
def frozen_meanwhile(generator, discriminator, optimizer, z):
    optimizer.zero_grad()
    discriminator.requires_grad_(False)
    fake_logits = discriminator(generator(z))
    loss = BCE(fake_logits, torch.ones_like(fake_logits))
    loss.backward()
    discriminator.requires_grad_(True)
    optimizer.step()
    return float(loss)


@right("train_gan", "shuffled epochs and schedulers", zh="按轮次打乱，用调度器")
def by_epochs(
    generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None
):
    nets = {"d": discriminator.train(), "g": generator.train()}
    adams = {k: torch.optim.Adam(n.parameters(), lr, (0.5, 0.999)) for k, n in nets.items()}
    fall = [
        torch.optim.lr_scheduler.LambdaLR(a, lambda r: min(1.0, 2 * (1 - r / rounds)))
        for a in adams.values()
    ]
    rows, losses = [], []
    for r in range(1, rounds + 1):
        if len(rows) < batch_size:
            rows = torch.randperm(len(faces)).tolist()
        batch, rows = faces[rows[:batch_size]], rows[batch_size:]
        noise = [torch.randn((batch_size, generator.latent)) for _ in "dg"]
        one = two_backwards(generator, discriminator, adams["d"], batch, noise[0])
        losses.append(
            [float(one), frozen_meanwhile(generator, discriminator, adams["g"], noise[1])]
        )
        for schedule in fall:
            schedule.step()
        if after_round is not None:
            after_round(r)
    return np.array(losses)


@right("frechet_distance", "SciPy's matrix root", zh="用 SciPy 的矩阵平方根")
def by_sqrtm(real, fake):
    real, fake = np.array(real, dtype=np.float64), np.array(fake, dtype=np.float64)
    first, second = np.cov(real.T), np.cov(fake.T)
    root = scipy.linalg.sqrtm(first @ second)
    gap = np.linalg.norm(real.mean(0) - fake.mean(0)) ** 2
    return gap + np.trace(first) + np.trace(second) - 2 * np.trace(np.real(root))


@right("frechet_distance", "singular values of centred features", zh="用中心化特征的奇异值")
def by_singular_values(real, fake):
    real, fake = (torch.as_tensor(np.asarray(x), dtype=torch.float64) for x in (real, fake))
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (real, fake))
    fidelity = torch.linalg.svdvals(a @ b.T).sum()  # tr (Σ₁Σ₂)^½ is the nuclear norm of A Bᵀ
    return ((real.mean(0) - fake.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * fidelity


@right("to_bytes", "NumPy", zh="用 NumPy")
def with_numpy(images):
    values = np.moveaxis(images.detach().cpu().numpy().astype(np.float64), 1, -1)
    return np.clip(np.floor((values + 1) / 2 * 255 + 0.5), 0, 255).astype(np.uint8)


@right("to_bytes", "clip first, a tensor", zh="先截断，返回张量")
def clips_first(images):
    shares = images.detach().clamp(-1, 1).add(1).div(2)
    return shares.mul(255).add(0.5).byte().permute(0, 2, 3, 1).contiguous()


@right("mended_gan", "all in one function", zh="全写在一个函数里")
def all_in_one(generator, discriminator, batches, noise, z, lr=0.05):
    home = next(discriminator.parameters())
    like = {"device": home.device, "dtype": home.dtype}
    d_opt = torch.optim.SGD(discriminator.parameters(), lr)
    g_opt = torch.optim.SGD(generator.parameters(), lr)
    losses = []
    for i in range(len(batches)):
        generator.train()
        discriminator.train()
        fake = generator(noise[i].to(**like))
        d_opt.zero_grad()
        a, b = discriminator(batches[i].to(**like)), discriminator(fake.detach())
        d_loss = BCE(a, torch.ones(a.shape, **like)) + BCE(b, torch.zeros(b.shape, **like))
        d_loss.backward()
        d_opt.step()
        g_opt.zero_grad()
        g_loss = BCE(discriminator(fake), torch.ones(len(fake), **like))
        g_loss.backward()
        g_opt.step()
        losses.append([d_loss.item(), g_loss.item()])
    generator.eval()
    return {"losses": losses, "pictures": with_numpy(generator(z.to(**like)))}
