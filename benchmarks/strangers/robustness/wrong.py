# %% fgsm · steps by epsilon times the gradient scaled to a maximum of 1, not by its sign, so that most pixels move less than epsilon
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    x = images.detach().clone().requires_grad_()
    grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
    model.train(was)
    grad = grad / grad.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    return (images.detach() + epsilon * grad).clamp(low, high)
# %% fgsm · attacks the class that the model now says instead of the labels given
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits, logits.argmax(dim=1))
    grad = torch.autograd.grad(loss, x)[0]
    model.train(was)
    return (images.detach() + epsilon * grad.sign()).clamp(low, high)
# %% fgsm · calls zero_grad() and backward(), which wipes and then fills the .grad of the model's weights
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    x = images.clone().detach().requires_grad_(True)
    loss = F.cross_entropy(model(x), labels)
    model.zero_grad()
    loss.backward()
    model.train(was)
    return torch.clamp(x + epsilon * x.grad.sign(), low, high).detach()
# %% fgsm · asks the model in whatever mode it came, so that in training mode the gradient is another and the running statistics move
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    x = images.detach().clone().requires_grad_()
    grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
    return (x.detach() + epsilon * grad.sign()).clamp(low, high)
# %% pgd · projects each step into the ball around the previous place, so that the attack drifts away from the clean picture
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    was = model.training
    model.eval()
    images = images.detach()
    if start is None:
        start = images + torch.empty_like(images).uniform_(-epsilon, epsilon)
    x = images + (start.detach() - images).clamp(-epsilon, epsilon)
    x = x.clamp(low, high)
    for _ in range(steps):
        x.requires_grad_()
        grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
        x = x.detach()
        new = x + step * grad.sign()
        x = torch.max(torch.min(new, x + epsilon), x - epsilon).clamp(low, high)
    model.train(was)
    return x.detach()
# %% pgd · starts from images plus torch.rand times epsilon, between 0 and epsilon, not from -epsilon to epsilon
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    was = model.training
    model.eval()
    images = images.detach()
    near, far = (images - epsilon).clamp(min=low), (images + epsilon).clamp(max=high)
    x = images + torch.rand_like(images) * epsilon if start is None else start.detach()
    x = torch.clamp(x, near, far)
    for _ in range(steps):
        x.requires_grad_()
        grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
        x = torch.clamp(x.detach() + step * grad.sign(), near, far)
    model.train(was)
    return x.detach()
# %% pgd · takes a given start as it is and projects only after a step, so that steps=0 may return a place outside the ball
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    was = model.training
    model.eval()
    images = images.detach()
    near, far = (images - epsilon).clamp(min=low), (images + epsilon).clamp(max=high)
    if start is None:
        x = torch.clamp(images + epsilon * (2 * torch.rand_like(images) - 1), near, far)
    else:
        x = start.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
        x = torch.clamp(x.detach() + step * grad.sign(), near, far)
    model.train(was)
    return x.detach()
# %% pgd · computes the gradient once, at the beginning, and walks on in that direction
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    was = model.training
    model.eval()
    images = images.detach()
    near, far = (images - epsilon).clamp(min=low), (images + epsilon).clamp(max=high)
    x = images + epsilon * (2 * torch.rand_like(images) - 1) if start is None else start.detach()
    x = torch.clamp(x, near, far)
    place = x.clone().requires_grad_()
    direction = torch.autograd.grad(F.cross_entropy(model(place), labels), place)[0].sign()
    for _ in range(steps):
        x = torch.clamp(x + step * direction, near, far)
    model.train(was)
    return x.detach()
# %% robust_accuracy · returns the lowest of the attacks' accuracies, not the share of pictures that survive every one of them
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    values = []
    for x in [images] + [attack(model, images, labels) for attack in attacks]:
        if (x - images).abs().max() > epsilon + 1e-4 or x.min() < low - 1e-4 or x.max() > high + 1e-4:
            model.train(was)
            raise ValueError("outside the ball")
        with torch.no_grad():
            values.append((model(x).argmax(1) == labels).float().mean().item())
    model.train(was)
    return min(values)
# %% robust_accuracy · forgets the clean pictures: one that is misread when clean but read rightly after each attack counts as robust
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    alive = torch.ones(len(images), dtype=torch.bool)
    for attack in attacks or [lambda model, images, labels: images]:
        x = attack(model, images, labels)
        if (x - images).abs().max() > epsilon + 1e-4 or x.min() < low - 1e-4 or x.max() > high + 1e-4:
            model.train(was)
            raise ValueError("outside the ball")
        with torch.no_grad():
            alive &= model(x).argmax(1) == labels
    model.train(was)
    return alive.float().mean().item()
# %% robust_accuracy · clips what an attack returns into the ball and goes on, instead of raising ValueError
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    near, far = (images - epsilon).clamp(min=low), (images + epsilon).clamp(max=high)
    with torch.no_grad():
        alive = model(images).argmax(1) == labels
    for attack in attacks:
        x = torch.clamp(attack(model, images, labels), near, far)
        with torch.no_grad():
            alive &= model(x).argmax(1) == labels
    model.train(was)
    return alive.float().mean().item()
# %% robust_accuracy · checks only the distance from the clean picture and not that the pixels lie between low and high
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            alive = model(images).argmax(dim=1) == labels
        for attack in attacks:
            x = attack(model, images, labels)
            if (x - images).abs().max().item() > epsilon + 1e-4:
                raise ValueError("attack exceeds epsilon")
            with torch.no_grad():
                alive = alive & (model(x).argmax(dim=1) == labels)
        return alive.double().mean().item()
    finally:
        model.train(was)
# %% integrated_gradients · multiplies the mean gradient by the picture, not by the way from the baseline to the picture
def integrated_gradients(model, images, targets, baseline, steps=100):
    was = model.training
    model.eval()
    total = torch.zeros_like(images)
    for k in range(steps):
        x = (baseline + (k + 0.5) / steps * (images - baseline)).detach().requires_grad_()
        logit = model(x).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(logit, x)[0]
    model.train(was)
    return images.detach() * total / steps
# %% integrated_gradients · differentiates the probability (softmax) of the target, not its logit
def integrated_gradients(model, images, targets, baseline, steps=100):
    was = model.training
    model.eval()
    total = torch.zeros_like(images)
    for k in range(steps):
        x = (baseline + (k + 0.5) / steps * (images - baseline)).detach().requires_grad_()
        chance = model(x).softmax(dim=1).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(chance, x)[0]
    model.train(was)
    return (images - baseline).detach() * total / steps
# %% integrated_gradients · adds a batch axis to the baseline without looking, so that one baseline for each picture (N, C, H, W) raises an error or broadcasts to five axes
def integrated_gradients(model, images, targets, baseline, steps=100):
    was = model.training
    model.eval()
    baseline = baseline.unsqueeze(0).detach()
    alphas = (torch.arange(steps, dtype=images.dtype) + 0.5) / steps
    total = 0
    for a in alphas:
        x = (baseline + a * (images - baseline)).detach().requires_grad_()
        logits = model(x)[torch.arange(len(images)), targets]
        total = total + torch.autograd.grad(logits.sum(), x)[0]
    model.train(was)
    return (images.detach() - baseline) * total / steps
# %% integrated_gradients · sums the gradients at both ends and between (steps + 1 points, each in full) but divides by steps
def integrated_gradients(model, images, targets, baseline, steps=100):
    was = model.training
    model.eval()
    total = torch.zeros_like(images)
    for k in range(steps + 1):
        x = (baseline + k / steps * (images - baseline)).detach().requires_grad_()
        logit = model(x).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(logit, x)[0]
    model.train(was)
    return (images - baseline).detach() * total / steps
# %% grad_cam · divides each map by its maximum, so that it is scaled to 0 … 1
def grad_cam(model, layer, images, targets):
    was = model.training
    model.eval()
    kept = []
    handle = layer.register_forward_hook(lambda m, i, o: kept.append(o))
    logits = model(images.detach().clone().requires_grad_())
    handle.remove()
    model.train(was)
    grad = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept[0])[0]
    cam = (grad.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1).relu().detach()
    return cam / (cam.amax(dim=(1, 2), keepdim=True) + 1e-8)
# %% grad_cam · multiplies gradient and map place by place before summing, without the mean of the gradient (HiResCAM)
def grad_cam(model, layer, images, targets):
    was = model.training
    model.eval()
    kept = []
    handle = layer.register_forward_hook(lambda m, i, o: kept.append(o))
    logits = model(images.detach().clone().requires_grad_())
    handle.remove()
    model.train(was)
    grad = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept[0])[0]
    return (grad * kept[0]).sum(dim=1).clamp(min=0).detach()
# %% grad_cam · leaves its forward hook on the layer
def grad_cam(model, layer, images, targets):
    was = model.training
    model.eval()
    kept = {}

    def hook(module, inputs, output):
        kept["maps"] = output

    layer.register_forward_hook(hook)
    logits = model(images.detach().clone().requires_grad_())
    model.train(was)
    score = logits[torch.arange(len(images)), targets].sum()
    grad = torch.autograd.grad(score, kept["maps"])[0]
    weights = grad.mean(dim=(2, 3), keepdim=True)
    return (weights * kept["maps"]).sum(dim=1).relu().detach()
# %% grad_cam · weighs with the sum of the gradient over the places instead of the mean
def grad_cam(model, layer, images, targets):
    was = model.training
    model.eval()
    kept = []
    handle = layer.register_forward_hook(lambda m, i, o: kept.append(o))
    logits = model(images.detach().clone().requires_grad_())
    handle.remove()
    model.train(was)
    grad = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept[0])[0]
    alpha = grad.sum(dim=(2, 3))
    return torch.einsum("nk,nkhw->nhw", alpha, kept[0]).relu().detach()
# %% occlusion · compares raw logits, not log-probabilities
@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    was = model.training
    model.eval()
    rows = input_ids.repeat(len(input_ids), 1).fill_diagonal_(mask_id)
    rows = torch.cat([input_ids[None], rows])
    scores = model(input_ids=rows).logits[:, position, target]
    model.train(was)
    return scores[0] - scores[1:]
# %% occlusion · leaves each token hidden when it goes on to the next, so that ever more of the sentence is gone
@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    was = model.training
    model.eval()

    def score(ids):
        return model(input_ids=ids[None]).logits[0, position].log_softmax(-1)[target].item()

    whole, falls = score(input_ids), []
    hidden = input_ids.clone()
    for t in range(len(input_ids)):
        hidden[t] = mask_id
        falls.append(whole - score(hidden))
    model.train(was)
    return torch.tensor(falls)
# %% occlusion · passes over the first and the last place (as special tokens) and leaves 0 there
@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    was = model.training
    model.eval()

    def score(ids):
        return model(input_ids=ids[None]).logits[0, position].log_softmax(-1)[target]

    whole = score(input_ids)
    falls = torch.zeros(len(input_ids))
    for t in range(1, len(input_ids) - 1):
        hidden = input_ids.clone()
        hidden[t] = mask_id
        falls[t] = whole - score(hidden)
    model.train(was)
    return falls
# %% occlusion · returns the new score minus the old, the rise and not the fall
@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    was = model.training
    model.eval()
    changes = []
    for t in range(-1, len(input_ids)):
        ids = input_ids.clone()
        if t >= 0:
            ids[t] = mask_id
        log_p = torch.log_softmax(model(input_ids=ids.unsqueeze(0)).logits[0, position], dim=-1)
        changes.append(log_p[target])
    model.train(was)
    changes = torch.stack(changes)
    return changes[1:] - changes[0]
# %% deletion_curve · orders by the absolute value of the importance, so that strongly negative tokens are hidden first
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    importance = np.abs(np.asarray(importance))
    order = [int(t) for t in np.argsort(-importance) if int(t) not in keep]
    ids = input_ids.clone()
    scores = [float(score(ids[None])[0])]
    for t in order:
        ids[t] = mask_id
        scores.append(float(score(ids[None])[0]))
    return scores
# %% deletion_curve · hides each token by itself in a fresh copy, so that what was hidden before is back
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    order = np.argsort(-np.asarray(importance))
    scores = [score(input_ids[None])[0].item()]
    for t in order:
        if t in keep:
            continue
        ids = input_ids.clone()
        ids[t] = mask_id
        scores.append(score(ids[None])[0].item())
    return scores
# %% deletion_curve · begins with one token hidden: the score of the whole sentence is missing, M numbers in place of M + 1
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    order = torch.as_tensor(np.asarray(importance)).argsort(descending=True).tolist()
    order = [t for t in order if t not in keep]
    ids = input_ids.clone()
    scores = []
    for t in order:
        ids[t] = mask_id
        scores.append(float(score(ids[None])[0]))
    return scores
# %% deletion_curve · writes the mask into the input_ids that were handed in
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    importance = torch.as_tensor(np.asarray(importance))
    scores = [float(score(input_ids[None])[0])]
    for t in importance.argsort(descending=True).tolist():
        if t not in keep:
            input_ids[t] = mask_id
            scores.append(float(score(input_ids[None])[0]))
    return scores
# %% adversarial_training · attacks all pictures once before training, with the weights of the beginning, and trains on these
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    attacked = attack(model, images, labels).detach()
    losses = []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for i in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(model(attacked[i]), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(i)
        losses.append(total / len(images))
    model.eval()
    return losses
# %% adversarial_training · trains on half clean and half attacked loss, not on the attacked pictures alone
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for i in torch.randperm(len(images)).split(batch_size):
            x, y = images[i], labels[i]
            adv = attack(model, x, y)
            model.train()
            loss = 0.5 * F.cross_entropy(model(x), y) + 0.5 * F.cross_entropy(model(adv), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(i)
        losses.append(total / len(images))
    model.eval()
    return losses
# %% adversarial_training · averages the batches' mean losses, so that a smaller last batch counts as much as a whole one
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    history = []
    for _ in range(epochs):
        losses = []
        for i in torch.randperm(len(images)).split(batch_size):
            adv = attack(model, images[i], labels[i])
            model.train()
            loss = F.cross_entropy(model(adv), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    model.eval()
    return history
# %% adversarial_training · leaves the model in training mode at the end
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    history = []
    for _ in range(epochs):
        total = 0.0
        for i in torch.randperm(len(images)).split(batch_size):
            adv = attack(model, images[i], labels[i]).detach()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(adv), labels[i])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(i)
        history.append(total / len(images))
    return history
# %% calibration_under_shift · multiplies the logits by the temperature instead of dividing
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    was = model.training
    model.eval()
    out = {}
    for name, x in shifts.items():
        with torch.no_grad():
            sure, said = (model(x) * temperature).softmax(dim=1).max(dim=1)
        hit = (said == labels).double()
        sure = sure.double()
        box = ((sure * bins).ceil().long() - 1).clamp(0, bins - 1)
        ece = sum(
            (hit[box == b].mean() - sure[box == b].mean()).abs() * (box == b).double().mean()
            for b in range(bins) if (box == b).any()
        )
        out[name] = {"accuracy": hit.mean().item(), "confidence": sure.mean().item(), "ece": float(ece)}
    model.train(was)
    return out
# %% calibration_under_shift · takes the plain mean of the gaps over the bins that hold pictures, not weighted by their number
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    was = model.training
    model.eval()
    out = {}
    for name, x in shifts.items():
        with torch.no_grad():
            sure, said = (model(x) / temperature).softmax(dim=1).max(dim=1)
        hit = (said == labels).double()
        sure = sure.double()
        box = ((sure * bins).ceil().long() - 1).clamp(0, bins - 1)
        gaps = [(hit[box == b].mean() - sure[box == b].mean()).abs().item() for b in box.unique()]
        out[name] = {"accuracy": hit.mean().item(), "confidence": sure.mean().item(), "ece": np.mean(gaps)}
    model.train(was)
    return out
# %% calibration_under_shift · makes the intervals closed on the left and open on the right, by rounding down, so that a confidence on an edge falls one bin too high
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    was = model.training
    model.eval()
    out = {}
    for name, x in shifts.items():
        with torch.no_grad():
            sure, said = (model(x) / temperature).softmax(dim=1).max(dim=1)
        sure, hit = sure.double().numpy(), (said == labels).double().numpy()
        box = np.minimum((sure * bins).astype(int), bins - 1)
        ece = 0.0
        for b in range(bins):
            inside = box == b
            if inside.any():
                ece += inside.mean() * abs(hit[inside].mean() - sure[inside].mean())
        out[name] = {"accuracy": hit.mean(), "confidence": sure.mean(), "ece": ece}
    model.train(was)
    return out
# %% calibration_under_shift · puts the model into training mode at the end, although it came in evaluation mode
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    model.eval()
    out = {}
    for name, x in shifts.items():
        with torch.no_grad():
            p = torch.softmax(model(x) / temperature, dim=1)
        sure, said = p.max(dim=1)
        hit = (said == labels).float()
        ece = torch.zeros(())
        edges = torch.linspace(0, 1, bins + 1)
        for lo, hi in zip(edges[:-1], edges[1:]):
            m = (sure > lo) & (sure <= hi)
            if m.any():
                ece += m.float().mean() * (hit[m].mean() - sure[m].mean()).abs()
        out[name] = {"accuracy": hit.mean(), "confidence": sure.mean(), "ece": ece}
    model.train()
    return out
