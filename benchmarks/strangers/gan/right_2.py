# %% discriminator_loss · softplus
def discriminator_loss(real_logits, fake_logits):
    softplus = nn.functional.softplus
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()

# %% generator_loss · softplus
def generator_loss(fake_logits):
    return nn.functional.softplus(-fake_logits).mean()

# %% discriminator_step · detach
def discriminator_step(generator, discriminator, optimizer, real, z):
    fake = generator(z).detach()
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% generator_step · plain
def generator_step(generator, discriminator, optimizer, z):
    loss = generator_loss(discriminator(generator(z)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% train_gan · param_groups, randint
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    nets = discriminator.train(), generator.train()
    adams = [torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999)) for net in nets]
    losses = []
    for r in range(1, rounds + 1):
        for adam in adams:
            adam.param_groups[0]["lr"] = lr * min(1, 2 * (1 - (r - 1) / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        first, second = torch.randn(2, batch_size, generator.latent)
        losses.append((
            discriminator_step(generator, discriminator, adams[0], real, first),
            generator_step(generator, discriminator, adams[1], second),
        ))
        if after_round:
            after_round(r)
    return losses

# %% frechet_distance · torch, root of the symmetric form by eigh
def frechet_distance(real, fake):
    one, other = (torch.as_tensor(rows, dtype=torch.float64).detach() for rows in (real, fake))
    gap = one.mean(0) - other.mean(0)
    first, second = torch.cov(one.T), torch.cov(other.T)
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    roots = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt()
    return gap @ gap + first.trace() + second.trace() - 2 * roots.sum()

# %% to_bytes · torch, clamp first
def to_bytes(images):
    scaled = (images.detach().double().clamp(-1, 1) + 1) * 127.5
    return scaled.round().to(torch.uint8).permute(0, 2, 3, 1)

# %% mended_gan · the two steps from above
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    place = next(generator.parameters())
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train(), discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        d_loss = discriminator_step(generator, discriminator, improve_d, real, latent)
        losses.append((d_loss, generator_step(generator, discriminator, improve_g, latent)))
    with torch.no_grad():
        pictures = to_bytes(generator.eval()(z.to(place)))
    return {"losses": losses, "pictures": pictures}
