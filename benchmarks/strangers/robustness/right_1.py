# %% fgsm · picture by picture, clipped pixels in NumPy
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    result = []
    for image, label in zip(images.detach(), labels):
        x = image[None].clone().requires_grad_(True)
        loss = F.cross_entropy(model(x), label[None].long())
        (gradient,) = torch.autograd.grad(loss, x)
        moved = image.numpy() + epsilon * np.sign(gradient[0].numpy())
        result.append(np.clip(moved, low, high))
    for module, mode in modes:
        module.training = mode
    if not result:
        return images.detach().clone()
    return torch.from_numpy(np.stack(result)).to(images.dtype)


# %% pgd · picture by picture, plain loop
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    result = images.detach().clone()
    for n in range(len(images)):
        clean = images[n : n + 1].detach()

        def project(x):
            x = torch.minimum(torch.maximum(x, clean - epsilon), clean + epsilon)
            return torch.clamp(x, low, high)

        if start is None:
            x = clean + epsilon * (2 * torch.rand(clean.shape, dtype=clean.dtype) - 1)
        else:
            x = start[n : n + 1].detach().clone()
        x = project(x)
        for _ in range(steps):
            x = x.detach().requires_grad_(True)
            loss = F.cross_entropy(model(x), labels[n : n + 1].long())
            (gradient,) = torch.autograd.grad(loss, x)
            x = project(x.detach() + step * gradient.sign())
        result[n] = x[0].detach()
    for module, mode in modes:
        module.training = mode
    return result


# %% robust_accuracy · a list of True and False
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            said = model(images).argmax(dim=1).tolist()
        alive = [a == b for a, b in zip(said, labels.tolist())]
        for attack in attacks:
            attacked = attack(model, images.clone(), labels.clone()).detach()
            moved = np.abs(attacked.numpy().astype(np.float64) - images.numpy().astype(np.float64))
            if moved.max() > epsilon + 1e-4:
                raise ValueError("an attack left the ball")
            if attacked.min() < low - 1e-4 or attacked.max() > high + 1e-4:
                raise ValueError("an attack left the range of pixels")
            with torch.no_grad():
                said = model(attacked).argmax(dim=1).tolist()
            for n in range(len(alive)):
                alive[n] = alive[n] and said[n] == int(labels[n])
        return sum(alive) / len(alive)
    finally:
        for module, mode in modes:
            module.training = mode


# %% integrated_gradients · picture by picture, middles
def integrated_gradients(model, images, targets, baseline, steps=100):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    result = torch.zeros_like(images)
    for n in range(len(images)):
        x = images[n].detach()
        nothing = (baseline[n] if baseline.dim() == 4 else baseline).detach()
        total = np.zeros(tuple(x.shape))
        for k in range(steps):
            place = (nothing + (k + 0.5) / steps * (x - nothing))[None].requires_grad_(True)
            logit = model(place)[0, int(targets[n])]
            total += torch.autograd.grad(logit, place)[0][0].numpy()
        result[n] = (x - nothing) * torch.from_numpy(total / steps).to(x.dtype)
    for module, mode in modes:
        module.training = mode
    return result.detach()


# %% grad_cam · picture by picture, loop over the channels
def grad_cam(model, layer, images, targets):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    kept = {}

    def keep(module, inputs, output):
        kept["maps"] = output
        return output.clone()

    handle = layer.register_forward_hook(keep)
    result = []
    try:
        for image, target in zip(images, targets):
            x = image[None].detach().clone().requires_grad_(True)
            logit = model(x)[0, int(target)]
            maps = kept["maps"]
            (gradient,) = torch.autograd.grad(logit, maps)
            maps, gradient = maps[0].detach().numpy(), gradient[0].numpy()
            total = np.zeros(maps.shape[1:])
            for k in range(len(maps)):
                total += gradient[k].mean() * maps[k]
            result.append(np.maximum(total, 0))
    finally:
        handle.remove()
        for module, mode in modes:
            module.training = mode
    return torch.from_numpy(np.stack(result)).to(images.dtype)


# %% occlusion · one sentence at a time
def occlusion(model, input_ids, position, target, mask_id):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()

    def score(ids):
        with torch.no_grad():
            logits = model(input_ids=ids[None]).logits[0, position].double()
        return float(logits[target] - torch.logsumexp(logits, dim=0))

    whole = score(input_ids)
    falls = []
    for t in range(len(input_ids)):
        hidden = input_ids.clone()
        hidden[t] = mask_id
        falls.append(whole - score(hidden))
    for module, mode in modes:
        module.training = mode
    return torch.tensor(falls)


# %% deletion_curve · sorted(), one score after the other
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    kept = {int(place) for place in keep}
    values = [float(value) for value in importance]
    order = sorted((t for t in range(len(input_ids)) if t not in kept), key=lambda t: -values[t])
    ids = input_ids.clone()
    curve = [float(score(ids[None].clone())[0])]
    for t in order:
        ids[t] = mask_id
        curve.append(float(score(ids[None].clone())[0]))
    return curve


# %% adversarial_training · indices in a list
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    means = []
    for _ in range(epochs):
        order = np.random.permutation(len(images)).tolist()
        total = 0.0
        for begin in range(0, len(order), batch_size):
            batch = order[begin : begin + batch_size]
            x, y = images[batch], labels[batch]
            attacked = attack(model, x, y).detach()
            model.train()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(attacked), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        means.append(total / len(order))
    model.eval()
    return means


# %% calibration_under_shift · loop over pictures and bins, NumPy
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    result = {}
    truth = np.asarray(labels)
    for name, images in shifts.items():
        with torch.no_grad():
            logits = model(images).numpy().astype(np.float64) / float(temperature)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = weights / weights.sum(axis=1, keepdims=True)
        sure = chances.max(axis=1)
        right = chances.argmax(axis=1) == truth
        error = 0.0
        for k in range(bins):
            inside = (sure > k / bins) & (sure <= (k + 1) / bins)
            if inside.any():
                error += inside.sum() / len(sure) * abs(right[inside].mean() - sure[inside].mean())
        result[name] = {"accuracy": right.mean(), "confidence": sure.mean(), "ece": error}
    for module, mode in modes:
        module.training = mode
    return result
