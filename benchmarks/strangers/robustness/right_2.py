# %% fgsm · autograd.grad on the whole batch
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    x = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    for module, mode in modes.items():
        module.training = mode
    return (images.detach() + epsilon * gradient.sign()).clamp(low, high)


# %% pgd · one clamp between two pictures
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    images = images.detach()
    near, far = (images - epsilon).clamp(low, high), (images + epsilon).clamp(low, high)
    if start is None:
        start = images + epsilon * (2 * torch.rand_like(images) - 1)
    place = torch.clamp(start.detach(), near, far)
    for _ in range(steps):
        place.requires_grad_()
        loss = F.cross_entropy(model(place), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, place)
        place = torch.clamp(place.detach() + step * gradient.sign(), near, far)
    for module, mode in modes.items():
        module.training = mode
    return place.detach()


# %% robust_accuracy · a boolean tensor
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    modes = {module: module.training for module in model.modules()}

    def recognised(x):
        model.eval()
        with torch.no_grad():
            return model(x).argmax(dim=1) == labels

    try:
        alive = recognised(images)
        for attack in attacks:
            attacked = attack(model, images, labels)
            far = (attacked - images).abs().max() > epsilon + 1e-4
            if far or attacked.min() < low - 1e-4 or attacked.max() > high + 1e-4:
                raise ValueError("the attack is larger than it says")
            alive = alive & recognised(attacked)
    finally:
        for module, mode in modes.items():
            module.training = mode
    return alive.float().mean().item()


# %% integrated_gradients · trapezoidal rule over the batch
def integrated_gradients(model, images, targets, baseline, steps=100):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    way = images.detach() - baseline.detach()
    total = torch.zeros_like(images)
    for number in range(steps + 1):
        x = (baseline.detach() + number / steps * way).requires_grad_()
        logits = model(x).gather(1, targets[:, None].long()).sum()
        weight = 0.5 if number in (0, steps) else 1.0
        total += weight * torch.autograd.grad(logits, x)[0]
    for module, mode in modes.items():
        module.training = mode
    return way * total / steps


# %% grad_cam · forward hook, einsum
def grad_cam(model, layer, images, targets):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    seen = []

    def hook(module, inputs, output):
        seen.append(output)
        return output * 1

    handle = layer.register_forward_hook(hook)
    try:
        logits = model(images.detach().clone().requires_grad_())
        picked = logits.gather(1, targets[:, None].long()).sum()
        (gradient,) = torch.autograd.grad(picked, seen[0])
    finally:
        handle.remove()
        for module, mode in modes.items():
            module.training = mode
    weights = gradient.mean(dim=(2, 3))
    return torch.einsum("nk,nkhw->nhw", weights, seen[0].detach()).relu()


# %% occlusion · one batch of T + 1 sentences
@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    hidden = input_ids.repeat(len(input_ids), 1).fill_diagonal_(mask_id)
    logits = model(input_ids=torch.cat([input_ids[None], hidden])).logits[:, position]
    scores = logits.log_softmax(dim=1)[:, target]
    for module, mode in modes.items():
        module.training = mode
    return scores[0] - scores[1:]


# %% deletion_curve · all rows at once
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    order = torch.as_tensor(np.asarray(importance)).argsort(descending=True).tolist()
    order = [t for t in order if t not in set(keep)]
    rows = input_ids.repeat(len(order) + 1, 1)
    for number, t in enumerate(order, start=1):
        rows[number:, t] = mask_id
    return score(rows).detach()


# %% adversarial_training · randperm and split
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        model.train()
        for index in torch.randperm(len(images)).split(batch_size):
            attacked = attack(model, images[index], labels[index])
            model.train()
            loss = F.cross_entropy(model(attacked), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        losses.append(total / len(images))
    model.eval()
    return losses


# %% calibration_under_shift · bucketize and index_add
@torch.no_grad()
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    table = {}
    for name, images in shifts.items():
        sure, said = (model(images) / temperature).softmax(dim=1).max(dim=1)
        hits = (said == labels).double()
        sure = sure.double()
        edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
        box = (torch.bucketize(sure, edges) - 1).clamp(0, bins - 1)
        gaps = torch.zeros(bins, dtype=torch.float64).index_add_(0, box, hits - sure)
        table[name] = {
            "accuracy": hits.mean(),
            "confidence": sure.mean(),
            "ece": gaps.abs().sum() / len(labels),
        }
    for module, mode in modes.items():
        module.training = mode
    return table
