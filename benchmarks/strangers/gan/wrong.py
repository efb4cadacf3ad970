# %% discriminator_loss · halves the sum of the two means
def discriminator_loss(real_logits, fake_logits):
    bce = nn.functional.binary_cross_entropy_with_logits
    real_loss = bce(real_logits, torch.ones_like(real_logits))
    fake_loss = bce(fake_logits, torch.zeros_like(fake_logits))
    return (real_loss + fake_loss) / 2

# %% discriminator_loss · one mean over all N + M logits together instead of a mean for each kind
def discriminator_loss(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    labels = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return nn.functional.binary_cross_entropy_with_logits(logits, labels)

# %% discriminator_loss · sigmoid first, then nn.BCELoss, which cuts the logarithm off at −100: a logit of −200 for a real picture costs 100
def discriminator_loss(real_logits, fake_logits):
    criterion = nn.BCELoss()
    real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return criterion(real, torch.ones_like(real)) + criterion(fake, torch.zeros_like(fake))

# %% discriminator_loss · labels the wrong way round: real pictures 0, forged ones 1
def discriminator_loss(real_logits, fake_logits):
    bce = nn.functional.binary_cross_entropy_with_logits
    return bce(real_logits, torch.zeros_like(real_logits)) + bce(fake_logits, torch.ones_like(fake_logits))

# %% generator_loss · the game's saturating loss, the mean of log(1 − D)
def generator_loss(fake_logits):
    return -nn.functional.softplus(fake_logits).mean()

# %% generator_loss · label 0 for the generator's pictures: the mean of −log(1 − D)
def generator_loss(fake_logits):
    return nn.functional.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))

# %% generator_loss · −log(sigmoid + 1e-8): at a logit of −200 the loss is 18.4 instead of 200 and the gradient is gone
def generator_loss(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits) + 1e-8).mean()

# %% generator_loss · Wasserstein's loss, minus the mean of the logits
def generator_loss(fake_logits):
    return -fake_logits.mean()

# %% discriminator_step · does not detach the forged pictures, so gradients are left in the generator
def discriminator_step(generator, discriminator, optimizer, real, z):
    fake = generator(z)
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% discriminator_step · sends real and forged pictures through the discriminator in one batch, so batch normalisation mixes them
def discriminator_step(generator, discriminator, optimizer, real, z):
    with torch.no_grad():
        fake = generator(z)
    logits = discriminator(torch.cat([real, fake]))
    loss = discriminator_loss(logits[: len(real)], logits[len(real) :])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% discriminator_step · never clears the gradients, so those left over are added
def discriminator_step(generator, discriminator, optimizer, real, z):
    fake = generator(z).detach()
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    loss.backward()
    optimizer.step()
    return loss.item()

# %% discriminator_step · takes two steps, one on the real pictures and one on the forged ones
def discriminator_step(generator, discriminator, optimizer, real, z):
    bce = nn.functional.binary_cross_entropy_with_logits
    optimizer.zero_grad()
    real_logits = discriminator(real)
    real_loss = bce(real_logits, torch.ones_like(real_logits))
    real_loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    fake_logits = discriminator(generator(z).detach())
    fake_loss = bce(fake_logits, torch.zeros_like(fake_logits))
    fake_loss.backward()
    optimizer.step()
    return real_loss.item() + fake_loss.item()

# %% discriminator_step · puts the generator into evaluation mode for the forged pictures and leaves it in training mode, whatever it was in
def discriminator_step(generator, discriminator, optimizer, real, z):
    generator.eval()
    with torch.no_grad():
        fake = generator(z)
    generator.train()
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% generator_step · detaches the forged pictures here too, so no gradient reaches the generator and nothing moves
def generator_step(generator, discriminator, optimizer, z):
    fake = generator(z).detach()
    loss = generator_loss(discriminator(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

# %% generator_step · switches requires_grad off in the discriminator and does not switch it on again, so it can no longer be trained
def generator_step(generator, discriminator, optimizer, z):
    for p in discriminator.parameters():
        p.requires_grad = False
    optimizer.zero_grad()
    loss = generator_loss(discriminator(generator(z)))
    loss.backward()
    optimizer.step()
    return loss.item()

# %% generator_step · sets the discriminator to evaluation mode for its step and to training mode afterwards, instead of leaving the mode alone
def generator_step(generator, discriminator, optimizer, z):
    discriminator.eval()
    optimizer.zero_grad()
    loss = generator_loss(discriminator(generator(z)))
    loss.backward()
    optimizer.step()
    discriminator.train()
    return loss.item()

# %% generator_step · clears the discriminator's gradients instead of the generator's, so those left over in the generator count
def generator_step(generator, discriminator, optimizer, z):
    discriminator.zero_grad()
    loss = generator_loss(discriminator(generator(z)))
    loss.backward()
    optimizer.step()
    return loss.item()

# %% train_gan · Adam with its default betas (0.9, 0.999)
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr)
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr)
    losses = []
    for r in range(1, rounds + 1):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - (r - 1) / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        d = discriminator_step(generator, discriminator, opt_d, real, torch.randn(batch_size, generator.latent))
        g = generator_step(generator, discriminator, opt_g, torch.randn(batch_size, generator.latent))
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% train_gan · draws noise once a round and gives both steps the same, not fresh noise to each
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(1, rounds + 1):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - (r - 1) / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        z = torch.randn(batch_size, generator.latent)
        d = discriminator_step(generator, discriminator, opt_d, real, z)
        g = generator_step(generator, discriminator, opt_g, z)
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% train_gan · the learning rate falls linearly from the first round on instead of being held for the first half
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(1, rounds + 1):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * (1 - (r - 1) / rounds)
        real = faces[torch.randint(len(faces), (batch_size,))]
        d = discriminator_step(generator, discriminator, opt_d, real, torch.randn(batch_size, generator.latent))
        g = generator_step(generator, discriminator, opt_g, torch.randn(batch_size, generator.latent))
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% train_gan · does not put the networks into training mode, so they train in whatever mode they come in
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(1, rounds + 1):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - (r - 1) / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        d = discriminator_step(generator, discriminator, opt_d, real, torch.randn(batch_size, generator.latent))
        g = generator_step(generator, discriminator, opt_g, torch.randn(batch_size, generator.latent))
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% train_gan · draws noise of 16 numbers, as the example's generator has, instead of generator.latent
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(1, rounds + 1):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - (r - 1) / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        d = discriminator_step(generator, discriminator, opt_d, real, torch.randn(batch_size, 16))
        g = generator_step(generator, discriminator, opt_g, torch.randn(batch_size, 16))
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% train_gan · counts rounds from 0 for after_round, so it is called with 0 … R − 1
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    generator.train()
    discriminator.train()
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    losses = []
    for r in range(rounds):
        for opt in (opt_d, opt_g):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - r / rounds))
        real = faces[torch.randint(len(faces), (batch_size,))]
        d = discriminator_step(generator, discriminator, opt_d, real, torch.randn(batch_size, generator.latent))
        g = generator_step(generator, discriminator, opt_g, torch.randn(batch_size, generator.latent))
        losses.append((float(d), float(g)))
        if after_round is not None:
            after_round(r)
    return losses

# %% frechet_distance · takes the root of each entry of Σ1 Σ2 (np.sqrt) instead of the matrix root
def frechet_distance(real, fake):
    real, fake = np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.sqrt(np.maximum(s1 @ s2, 0))
    return gap @ gap + np.trace(s1 + s2 - 2 * root)

# %% frechet_distance · returns d, the root, instead of d²
def frechet_distance(real, fake):
    real, fake = np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2).real.clip(min=0)).sum()
    return np.sqrt(max(gap @ gap + np.trace(s1 + s2) - 2 * roots, 0))

# %% frechet_distance · covariances divided by N and M instead of N − 1 and M − 1
def frechet_distance(real, fake):
    real, fake = np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    s1 = (real - real.mean(axis=0)).T @ (real - real.mean(axis=0)) / len(real)
    s2 = (fake - fake.mean(axis=0)).T @ (fake - fake.mean(axis=0)) / len(fake)
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2).real.clip(min=0)).sum()
    return gap @ gap + np.trace(s1 + s2) - 2 * roots

# %% frechet_distance · calls .mean(axis=0) on what comes in, so lists raise AttributeError
def frechet_distance(real, fake):
    gap = real.mean(axis=0) - fake.mean(axis=0)
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2).real.clip(min=0)).sum()
    return float(gap @ gap + np.trace(s1 + s2) - 2 * roots)

# %% frechet_distance · takes the roots of the eigenvalues as they come, so slightly negative or complex ones make the result nan or complex
def frechet_distance(real, fake):
    real, fake = np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2)).sum()
    return gap @ gap + np.trace(s1 + s2) - 2 * roots

# %% to_bytes · cuts the fraction off (a cast without rounding)
def to_bytes(images):
    scaled = (images.detach().clamp(-1, 1) + 1) * 127.5
    return scaled.permute(0, 2, 3, 1).to(torch.uint8)

# %% to_bytes · reshapes (N, C, H, W) to (N, H, W, C) instead of permuting, so pixels of several channels are scrambled
def to_bytes(images):
    n, c, h, w = images.shape
    scaled = ((images.detach().clamp(-1, 1) + 1) * 127.5).round()
    return scaled.to(torch.uint8).reshape(n, h, w, c)

# %% to_bytes · scales and clips in place, which changes the images that were passed in
def to_bytes(images):
    data = images.detach()
    data.add_(1).mul_(127.5).round_().clamp_(0, 255)
    return data.permute(0, 2, 3, 1).to(torch.uint8)

# %% to_bytes · calls .numpy() without detach, which raises RuntimeError where the images carry a gradient
def to_bytes(images):
    array = (images.numpy() + 1) / 2 * 255
    return np.clip(np.rint(array), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)

# %% mended_gan · moves everything to the parameters' device but not to their dtype, so networks in float64 refuse the float32 noise
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    device = next(generator.parameters()).device
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train()
    discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(device), latent.to(device)
        d_loss = discriminator_step(generator, discriminator, improve_d, real, latent)
        g_loss = generator_step(generator, discriminator, improve_g, latent)
        losses.append((float(d_loss), float(g_loss)))
    generator.eval()
    with torch.no_grad():
        pictures = to_bytes(generator(z.to(device)))
    return {"losses": losses, "pictures": pictures}

# %% mended_gan · draws the pictures in training mode, so batch normalisation uses the statistics of z's own batch
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    place = next(generator.parameters())
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train()
    discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        d_loss = discriminator_step(generator, discriminator, improve_d, real, latent)
        g_loss = generator_step(generator, discriminator, improve_g, latent)
        losses.append((float(d_loss), float(g_loss)))
    with torch.no_grad():
        pictures = to_bytes(generator(z.to(place)))
    return {"losses": losses, "pictures": pictures}

# %% mended_gan · mends the rest but still puts a sigmoid in front of BCEWithLogitsLoss
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    place = next(generator.parameters())
    criterion = nn.BCEWithLogitsLoss()
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train()
    discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        ones, zeros = torch.ones(len(real)).to(place), torch.zeros(len(latent)).to(place)
        fake = generator(latent)
        improve_d.zero_grad()
        d_loss = criterion(torch.sigmoid(discriminator(real)), ones)
        d_loss = d_loss + criterion(torch.sigmoid(discriminator(fake.detach())), zeros)
        d_loss.backward()
        improve_d.step()
        improve_g.zero_grad()
        g_loss = criterion(torch.sigmoid(discriminator(fake)), torch.ones(len(latent)).to(place))
        g_loss.backward()
        improve_g.step()
        losses.append((d_loss.item(), g_loss.item()))
    generator.eval()
    with torch.no_grad():
        pictures = to_bytes(generator(z.to(place)))
    return {"losses": losses, "pictures": pictures}

# %% mended_gan · gives the generator's step fresh noise instead of the batch's own
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    place = next(generator.parameters())
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    generator.train()
    discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        d_loss = discriminator_step(generator, discriminator, improve_d, real, latent)
        fresh = torch.randn_like(latent)
        g_loss = generator_step(generator, discriminator, improve_g, fresh)
        losses.append((float(d_loss), float(g_loss)))
    generator.eval()
    with torch.no_grad():
        pictures = to_bytes(generator(z.to(place)))
    return {"losses": losses, "pictures": pictures}
