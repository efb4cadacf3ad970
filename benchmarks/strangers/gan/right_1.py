# %% discriminator_loss · logsigmoid, two sums
def discriminator_loss(real_logits, fake_logits):
    real = -nn.functional.logsigmoid(real_logits.double()).sum() / real_logits.numel()
    fake = -nn.functional.logsigmoid(-fake_logits.double()).sum() / fake_logits.numel()
    return real + fake

# %% generator_loss · logsigmoid
def generator_loss(fake_logits):
    total = 0
    for logit in fake_logits.double():
        total = total - nn.functional.logsigmoid(logit)
    return total / len(fake_logits)

# %% discriminator_step · no_grad around the generator
def discriminator_step(generator, discriminator, optimizer, real, z):
    with torch.no_grad():
        fake = generator(z)
    optimizer.zero_grad()
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    loss.backward()
    optimizer.step()
    return loss.item()

# %% generator_step · as in the lesson
def generator_step(generator, discriminator, optimizer, z):
    optimizer.zero_grad()
    fake = generator(z)
    loss = generator_loss(discriminator(fake))
    loss.backward()
    optimizer.step()
    return loss.item()

# %% train_gan · a plain loop, pictures picked one by one
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    d_adam = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(1, rounds + 1):
        rate = lr * min(1, 2 * (1 - (r - 1) / rounds))
        for adam in (d_adam, g_adam):
            for group in adam.param_groups:
                group["lr"] = rate
        chosen = [int(torch.randint(len(faces), ())) for _ in range(batch_size)]
        real = torch.stack([faces[i] for i in chosen])
        z = torch.randn(batch_size, generator.latent)
        d_loss = discriminator_step(generator, discriminator, d_adam, real, z)
        z = torch.randn(batch_size, generator.latent)
        g_loss = generator_step(generator, discriminator, g_adam, z)
        losses.append((float(d_loss), float(g_loss)))
        if after_round is not None:
            after_round(r)
    return losses

# %% frechet_distance · covariances row by row, eigenvalues of the product
def frechet_distance(real, fake):
    def moments(rows):
        rows = torch.as_tensor(rows, dtype=torch.float64).detach().cpu().numpy()
        mean = rows.sum(axis=0) / len(rows)
        covariance = np.zeros((rows.shape[1], rows.shape[1]))
        for row in rows:
            covariance += np.outer(row - mean, row - mean)
        return mean, covariance / (len(rows) - 1)

    mean1, cov1 = moments(real)
    mean2, cov2 = moments(fake)
    distance = sum((a - b) ** 2 for a, b in zip(mean1, mean2))
    distance += np.trace(cov1) + np.trace(cov2)
    for value in np.linalg.eigvals(cov1 @ cov2):
        distance -= 2 * max(value.real, 0) ** 0.5
    return float(distance)

# %% to_bytes · NumPy in float64
def to_bytes(images):
    array = images.detach().double().cpu().numpy()
    array = (array + 1) / 2 * 255
    array = np.rint(array)
    array = np.clip(array, 0, 255)
    return array.transpose(0, 2, 3, 1).astype(np.uint8)

# %% mended_gan · everything written out anew
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    first = next(generator.parameters())
    device, dtype = first.device, first.dtype
    criterion = nn.BCEWithLogitsLoss()
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train()
    discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real = real.to(device=device, dtype=dtype)
        latent = latent.to(device=device, dtype=dtype)
        fake = generator(latent)
        real_logits = discriminator(real)
        fake_logits = discriminator(fake.detach())
        d_loss = criterion(real_logits, torch.ones_like(real_logits))
        d_loss = d_loss + criterion(fake_logits, torch.zeros_like(fake_logits))
        improve_d.zero_grad()
        d_loss.backward()
        improve_d.step()
        logits = discriminator(fake)
        g_loss = criterion(logits, torch.ones_like(logits))
        improve_g.zero_grad()
        g_loss.backward()
        improve_g.step()
        losses.append((d_loss.item(), g_loss.item()))
    generator.eval()
    with torch.no_grad():
        pictures = generator(z.to(device=device, dtype=dtype))
    pictures = (pictures.double().cpu().numpy() + 1) / 2 * 255
    pictures = np.clip(np.rint(pictures), 0, 255).transpose(0, 2, 3, 1).astype(np.uint8)
    return {"losses": losses, "pictures": pictures}
