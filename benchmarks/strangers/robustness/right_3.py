# %% fgsm · a context manager for the mode, nll_loss
class Asked:
    def __init__(self, model):
        self.model = model

    def __enter__(self):
        self.modes = [(module, module.training) for module in self.model.modules()]
        return self.model.eval()

    def __exit__(self, *_):
        for module, mode in self.modes:
            module.training = mode


def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    x = images.detach().clone()
    x.requires_grad = True
    with Asked(model) as asked:
        loss = F.nll_loss(asked(x).log_softmax(dim=-1), labels, reduction="sum")
        slope = torch.autograd.grad(loss, [x])[0]
    return torch.clip(images.detach() + epsilon * torch.sign(slope), low, high)


# %% pgd · the change is kept, not the place
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    clean = images.detach()

    def project(change):
        change = change.clamp(-epsilon, epsilon)
        return (clean + change).clamp(low, high) - clean

    if start is None:
        change = torch.empty_like(clean).uniform_(-epsilon, epsilon)
    else:
        change = start.detach() - clean
    change = project(change)
    for _ in range(steps):
        change = change.detach().requires_grad_()
        loss = nn.CrossEntropyLoss(reduction="sum")(model(clean + change), labels)
        change = project(change.detach() + step * torch.autograd.grad(loss, change)[0].sign())
    for module, mode in modes:
        module.training = mode
    return (clean + change).detach().clamp(low, high)


# %% robust_accuracy · NumPy, all attacks first
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        candidates = [images]
        for attack in attacks:
            attacked = attack(model, images, labels).detach()
            inside = (attacked >= low - 1e-4) & (attacked <= high + 1e-4)
            inside &= (attacked - images).abs() <= epsilon + 1e-4
            if not bool(inside.all()):
                raise ValueError(f"{attack} does not stay within {epsilon}")
            candidates.append(attacked)
        model.eval()
        with torch.inference_mode():
            right = np.stack([(model(x).argmax(1) == labels).numpy() for x in candidates])
        return np.mean(right.all(axis=0))
    finally:
        for module, mode in modes:
            module.training = mode


# %% integrated_gradients · all points of all pictures, in slices
def integrated_gradients(model, images, targets, baseline, steps=100):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    baseline = baseline.detach().expand_as(images)
    way = images.detach() - baseline
    slopes = []
    for t in (torch.arange(steps, dtype=torch.float64) + 0.5).div(steps).to(images.dtype).split(16):
        x = baseline[None] + t.view(-1, 1, 1, 1, 1) * way[None]
        x = x.flatten(0, 1).requires_grad_()
        logits = model(x)[torch.arange(len(x)), targets.long().repeat(len(t))]
        (slope,) = torch.autograd.grad(logits.sum(), x)
        slopes.append(slope.view(len(t), *images.shape))
    for module, mode in modes:
        module.training = mode
    return torch.cat(slopes).mean(dim=0) * way


# %% grad_cam · the layer's output made a leaf
def grad_cam(model, layer, images, targets):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    leaves = []

    def cut(module, inputs, output):
        leaf = output.detach().clone().requires_grad_()
        leaves.append(leaf)
        return leaf + 0

    handle = layer.register_forward_hook(cut)
    logits = model(images)
    handle.remove()
    for module, mode in modes:
        module.training = mode
    chosen = (logits * F.one_hot(targets.long(), logits.shape[1])).sum()
    (slope,) = torch.autograd.grad(chosen, leaves)
    alpha = F.adaptive_avg_pool2d(slope, 1)
    return (alpha * leaves[0].detach()).sum(dim=1).clamp(min=0)


# %% occlusion · NumPy out, cross entropy
def occlusion(model, input_ids, position, target, mask_id):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    count = len(input_ids)
    rows = torch.where(torch.eye(count, dtype=torch.bool), mask_id, input_ids.expand(count, count))
    losses = []
    with torch.inference_mode():
        for batch in torch.vstack([input_ids, rows]).split(8):
            logits = model(input_ids=batch).logits[:, position, :]
            aim = torch.full((len(batch),), int(target))
            losses.append(F.cross_entropy(logits, aim, reduction="none").numpy())
    for module, mode in modes:
        module.training = mode
    losses = np.concatenate(losses)
    return losses[1:] - losses[0]


# %% deletion_curve · ranks in NumPy, under no_grad
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    worth = np.array([float(v) for v in importance])
    places = np.setdiff1d(np.arange(len(worth)), np.array(list(keep), dtype=int))
    order = places[np.argsort(-worth[places])]
    rows = np.tile(np.asarray(input_ids), (len(order) + 1, 1))
    for number in range(1, len(rows)):
        rows[number, order[:number]] = mask_id
    with torch.no_grad():
        return [float(score(torch.from_numpy(row)[None])[0]) for row in rows]


# %% adversarial_training · DataLoader and weights
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(images, labels), batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate)
    criterion = nn.CrossEntropyLoss()
    history = []
    for _ in range(epochs):
        losses, sizes = [], []
        for x, y in loader:
            x = attack(model, x, y).detach()
            model.train()
            model.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
            sizes.append(len(y))
        history.append(np.average(losses, weights=sizes))
    model.eval()
    return history


# %% calibration_under_shift · a function for the error, np.digitize
def _ece(sure, right, bins):
    place = np.digitize(sure, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=right, minlength=bins) - np.bincount(place, weights=sure, minlength=bins)
    full = count > 0
    return float((count[full] / len(sure) * np.abs(gap[full] / count[full])).sum())


def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    rows = {}
    for name in shifts:
        with torch.inference_mode():
            chances = F.softmax(model(shifts[name]).double() / temperature, dim=-1).numpy()
        sure, right = chances.max(axis=-1), chances.argmax(axis=-1) == labels.numpy()
        rows[name] = dict(accuracy=float(right.mean()), confidence=float(sure.mean()), ece=_ece(sure, right, bins))
    for module, mode in modes:
        module.training = mode
    return rows
