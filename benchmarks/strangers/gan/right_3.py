# %% discriminator_loss · binary_cross_entropy_with_logits
def discriminator_loss(real_logits, fake_logits):
    bce = nn.functional.binary_cross_entropy_with_logits
    forged = bce(fake_logits, torch.zeros_like(fake_logits))
    return forged.add(bce(real_logits, torch.ones_like(real_logits)))

# %% generator_loss · logaddexp
def generator_loss(fake_logits):
    return torch.logaddexp(torch.zeros_like(fake_logits), -fake_logits).mean()

# %% discriminator_step · forged pictures first, two backward passes, one step
def discriminator_step(generator, discriminator, optimizer, real, z):
    optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        forged = generator(z)
    criterion = nn.BCEWithLogitsLoss()
    losses = []
    for pictures, label in ((forged, 0.0), (real, 1.0)):
        logits = discriminator(pictures)
        loss = criterion(logits, torch.full_like(logits, label))
        loss.backward()
        losses.append(loss.detach())
    optimizer.step()
    return sum(losses)

# %% generator_step · autograd.grad, so that nothing is left in the discriminator
def generator_step(generator, discriminator, optimizer, z):
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    loss = generator_loss(discriminator(generator(z)))
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return np.float64(loss.detach())

# %% train_gan · LambdaLR and NumPy's random choice
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    def factor(done):
        return min(1.0, 2.0 * (1.0 - done / max(rounds, 1)))

    optimizers, schedules = [], []
    for network in (discriminator, generator):
        network.train()
        optimizers.append(torch.optim.Adam(network.parameters(), lr, (0.5, 0.999)))
        schedules.append(torch.optim.lr_scheduler.LambdaLR(optimizers[-1], factor))
    chance = np.random.default_rng(int(torch.randint(2**31, ())))
    history = []
    for done in range(rounds):
        batch = faces[torch.from_numpy(chance.integers(0, len(faces), batch_size))]
        noise = torch.randn((batch_size, generator.latent))
        d = discriminator_step(generator, discriminator, optimizers[0], batch, noise)
        g = generator_step(
            generator, discriminator, optimizers[1], torch.randn((batch_size, generator.latent))
        )
        history.append([float(d), float(g)])
        for schedule in schedules:
            schedule.step()
        if after_round is not None:
            after_round(done + 1)
    return history

# %% frechet_distance · SciPy's eigh and the nuclear norm of a product of roots
def frechet_distance(real, fake):
    import scipy.linalg

    def statistics(rows):
        rows = torch.as_tensor(rows, dtype=torch.float64).detach().cpu().numpy()
        return np.mean(rows, axis=0), np.cov(rows, rowvar=False)

    def root(matrix):
        values, vectors = scipy.linalg.eigh(matrix)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    (m1, s1), (m2, s2) = statistics(real), statistics(fake)
    cross = scipy.linalg.svdvals(root(s1) @ root(s2)).sum()
    return np.square(m1 - m2).sum() + np.trace(s1 + s2) - 2.0 * cross

# %% to_bytes · addition of a half and floor, NumPy out
def to_bytes(images):
    with torch.no_grad():
        channels_last = images.to(torch.float64).movedim(1, -1)
        whole = torch.floor(channels_last.mul(255 / 2).add(255 / 2).add(0.5))
        return whole.clamp(0, 255).byte().contiguous().cpu().numpy()

# %% mended_gan · a small class, softplus, gradients switched off and on
class Players:
    def __init__(self, generator, discriminator, lr):
        self.g, self.d = generator, discriminator
        weight = next(discriminator.parameters())
        self.where = {"device": weight.device, "dtype": weight.dtype}
        self.sgd = {net: torch.optim.SGD(net.parameters(), lr=lr) for net in (self.g, self.d)}

    def improve(self, net, loss):
        self.sgd[net].zero_grad()
        loss.backward()
        self.sgd[net].step()
        return float(loss.detach())

    def round(self, real, latent):
        softplus = nn.functional.softplus
        real, latent = real.to(**self.where), latent.to(**self.where)
        fake = self.g(latent)
        believed = softplus(-self.d(real)).mean() + softplus(self.d(fake.detach())).mean()
        d_loss = self.improve(self.d, believed)
        self.d.requires_grad_(False)
        g_loss = self.improve(self.g, softplus(-self.d(fake)).mean())
        self.d.requires_grad_(True)
        return d_loss, g_loss


def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    players = Players(generator.train(), discriminator.train(), lr)
    losses = [players.round(real, latent) for real, latent in zip(batches, noise)]
    generator.eval()
    with torch.inference_mode():
        drawn = generator(z.to(**players.where))
        return {"losses": losses, "pictures": to_bytes(drawn)}
