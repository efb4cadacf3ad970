# %% gradients · forgets to divide by the number of examples: gradients of the sum of the losses, not of the mean
def gradients(x, y, w1, b1, w2, b2):
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    dz = (p @ w2.T) * (z > 0)
    return {"w1": x.T @ dz, "b1": dz.sum(axis=0), "w2": h.T @ p, "b2": p.sum(axis=0)}

# %% gradients · softmax without subtracting the greatest logit, so logits in the thousands give nan
def gradients(x, y, w1, b1, w2, b2):
    n = x.shape[0]
    z = x @ w1 + b1
    h = np.maximum(0, z)
    e = np.exp(h @ w2 + b2)
    p = e / e.sum(axis=1, keepdims=True)
    d = p.copy()
    d[range(n), y] -= 1
    d /= n
    dh = d @ w2.T
    dh[z <= 0] = 0
    return {"w1": x.T @ dh, "b1": dh.sum(0), "w2": h.T @ d, "b2": d.sum(0)}

# %% gradients · lets the gradient through where z is exactly 0 (z >= 0)
def gradients(x, y, w1, b1, w2, b2):
    n = len(x)
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    logits = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    d = (p - np.eye(w2.shape[1])[y]) / n
    dz = (d @ w2.T) * (z >= 0)
    return {"w1": x.T @ dz, "b1": dz.sum(axis=0), "w2": h.T @ d, "b2": d.sum(axis=0)}

# %% gradients · averages the bias gradients over the batch once more (mean instead of sum of rows that are already divided by N)
def gradients(x, y, w1, b1, w2, b2):
    n = len(x)
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    e = np.exp(logits - logits.max(1, keepdims=True))
    d = e / e.sum(1, keepdims=True)
    d[np.arange(n), y] -= 1
    d /= n
    dz = d @ w2.T * (z > 0)
    return {"w1": x.T @ dz, "b1": dz.mean(axis=0), "w2": h.T @ d, "b2": d.mean(axis=0)}

# %% optimizer_steps · Adam and AdamW without bias correction
def sgd_step(w, grad, state, lr, momentum=0.9):
    v = momentum * state.get("v", torch.zeros_like(w)) + grad
    state["v"] = v
    return w - lr * v


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    m = betas[0] * state.get("m", torch.zeros_like(w)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", torch.zeros_like(w)) + (1 - betas[1]) * g**2
    state["m"], state["v"] = m, v
    return w - lr * m / (v.sqrt() + eps)


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam_step(w - lr * weight_decay * w, grad, state, lr, betas, eps, 0.0)

# %% optimizer_steps · AdamW puts the decay into the gradient, as Adam does (L2)
def sgd_step(w, grad, state, lr, momentum=0.9):
    state["v"] = momentum * state.get("v", 0) + grad
    return w - lr * state["v"]


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    b1, b2 = betas
    g = grad + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * g * g
    m_hat = state["m"] / (1 - b1**t)
    v_hat = state["v"] / (1 - b2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps)


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam_step(w, grad, state, lr, betas, eps, weight_decay)

# %% optimizer_steps · momentum as a running mean, v = mu v + (1 - mu) g, so that SGD's steps are ten times too short at first
def sgd_step(w, grad, state, lr, momentum=0.9):
    v = state.get("v", torch.zeros_like(w))
    v = momentum * v + (1 - momentum) * grad
    state["v"] = v
    return w - lr * v


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    b1, b2 = betas
    g = grad + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * g * g
    return w - lr * (state["m"] / (1 - b1**t)) / ((state["v"] / (1 - b2**t)).sqrt() + eps)


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam_step(w * (1 - lr * weight_decay), grad, state, lr, betas, eps)

# %% optimizer_steps · changes w in place and returns it, as torch.optim does
def sgd_step(w, grad, state, lr, momentum=0.9):
    if "v" not in state:
        state["v"] = torch.zeros_like(w)
    state["v"].mul_(momentum).add_(grad)
    return w.sub_(lr * state["v"])


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if not state:
        state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
    state["t"] += 1
    g = grad + weight_decay * w
    state["m"].mul_(betas[0]).add_(g, alpha=1 - betas[0])
    state["v"].mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    m_hat = state["m"] / (1 - betas[0] ** state["t"])
    v_hat = state["v"] / (1 - betas[1] ** state["t"])
    return w.sub_(lr * m_hat / (v_hat.sqrt() + eps))


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    w.mul_(1 - lr * weight_decay)
    return adam_step(w, grad, state, lr, betas, eps, 0.0)

# %% lr_factor · the cosine runs over step/total_steps and not over the part after warm-up, so the factor jumps at the end of warm-up
def lr_factor(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return 0.5 * (1 + math.cos(math.pi * step / total_steps))

# %% lr_factor · warm-up starts at 1/warmup_steps (step + 1) instead of 0
def lr_factor(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * progress))

# %% lr_factor · divides by warmup_steps also where it is 0, and so raises ZeroDivisionError without warm-up
def lr_factor(step, warmup_steps, total_steps):
    warm = step / warmup_steps
    if warm < 1:
        return warm
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return (1 + math.cos(math.pi * progress)) / 2

# %% lr_factor · falls in a straight line after warm-up instead of along half a cosine
def lr_factor(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return (total_steps - step) / (total_steps - warmup_steps)

# %% accumulate_gradients · divides each piece's mean loss by the number of pieces: the mean of the means
def accumulate_gradients(model, micro_batches):
    model.zero_grad()
    total = 0.0
    for x, y in micro_batches:
        if (y != -100).sum() == 0:
            continue
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten()) / len(micro_batches)
        loss.backward()
        total += loss.item()
    return total

# %% accumulate_gradients · does not clear the old gradients first, so they enter the sum
def accumulate_gradients(model, micro_batches):
    count = sum((y != -100).sum().item() for _, y in micro_batches)
    total = 0.0
    for x, y in micro_batches:
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total

# %% accumulate_gradients · goes forward with all pieces and backward once at the end, so all graphs are alive together
def accumulate_gradients(model, micro_batches):
    model.zero_grad()
    count = sum(int((y != -100).sum()) for _, y in micro_batches)
    loss = sum(
        cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") for x, y in micro_batches
    ) / count
    loss.backward()
    return loss.item()

# %% accumulate_gradients · divides by all positions, those marked -100 included
def accumulate_gradients(model, micro_batches):
    model.zero_grad()
    count = sum(y.numel() for _, y in micro_batches)
    total = 0.0
    for x, y in micro_batches:
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total

# %% clip_grad_norm · clips each parameter's gradient by its own norm instead of all by the common one
def clip_grad_norm(parameters, max_norm):
    total = 0.0
    for p in parameters:
        if p.grad is None:
            continue
        norm = p.grad.norm()
        total += norm.item() ** 2
        if norm > max_norm:
            p.grad.mul_(max_norm / norm)
    return total**0.5

# %% clip_grad_norm · always multiplies by max_norm / G, so that small gradients are stretched to the norm
def clip_grad_norm(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = torch.sqrt(sum((g**2).sum() for g in grads))
    for g in grads:
        g.mul_(max_norm / (norm + 1e-6))
    return norm.item()

# %% clip_grad_norm · limits each single number to [-max_norm, max_norm], which turns the direction
def clip_grad_norm(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = torch.cat([g.flatten() for g in grads]).norm()
    for g in grads:
        g.clamp_(-max_norm, max_norm)
    return norm

# %% clip_grad_norm · returns the norm after clipping
def clip_grad_norm(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in grads]))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return torch.linalg.vector_norm(torch.stack([g.norm() for g in grads]))

# %% scaled_step · clips before it divides by the scale, so max_norm meets gradients that are still multiplied by it
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    (loss * scaler["scale"]).backward()
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if max_norm is not None:
        clip_grad_norm(parameters, max_norm)
    for p in parameters:
        p.grad /= scaler["scale"]
    if not all(torch.isfinite(p.grad).all() for p in parameters):
        scaler["scale"] /= 2
        scaler["good_steps"] = 0
        return False
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] == growth_interval:
        scaler["scale"] *= 2
        scaler["good_steps"] = 0
    return True

# %% scaled_step · forgets to divide the gradients by the scale before the step
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    (loss * scaler["scale"]).backward()
    params = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    if any(not torch.isfinite(p.grad).all() for p in params):
        scaler["scale"] *= 0.5
        scaler["good_steps"] = 0
        return False
    if max_norm is not None:
        clip_grad_norm(params, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] >= growth_interval:
        scaler["scale"] *= 2
        scaler["good_steps"] = 0
    return True

# %% scaled_step · tests for nan only, so an infinite gradient goes into the step
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    (loss * scaler["scale"]).backward()
    params = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    bad = False
    for p in params:
        p.grad.div_(scaler["scale"])
        bad = bad or bool(torch.isnan(p.grad).any())
    if bad:
        scaler["scale"] /= 2
        scaler["good_steps"] = 0
        return False
    if max_norm is not None:
        clip_grad_norm(params, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] == growth_interval:
        scaler["scale"] *= 2
        scaler["good_steps"] = 0
    return True

# %% scaled_step · leaves good_steps as it is when a step is skipped, so good steps need not be in a row
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    (loss * scaler["scale"]).backward()
    params = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    for p in params:
        p.grad.mul_(1 / scaler["scale"])
    if not all(bool(p.grad.isfinite().all()) for p in params):
        scaler["scale"] /= 2
        return False
    if max_norm is not None:
        clip_grad_norm(params, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] == growth_interval:
        scaler["scale"] *= 2
        scaler["good_steps"] = 0
    return True

# %% training_memory · counts two moments only and forgets the master copy: 8 bytes of optimizer states instead of 12
def model_state_bytes(parameters, world_size=1, stage=0):
    optim = 8 * parameters / (world_size if stage >= 1 else 1)
    grads = 2 * parameters / (world_size if stage >= 2 else 1)
    weights = 2 * parameters / (world_size if stage >= 3 else 1)
    return weights + grads + optim


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    if recompute:
        return 2 * layers * batch * length * hidden
    return layers * (34 * length * batch * hidden + 5 * heads * length**2 * batch)

# %% training_memory · exchanges stages 1 and 2: gradients are split first and the optimizer states only from stage 2 on
def model_state_bytes(parameters, world_size=1, stage=0):
    weights, grads, optim = 2 * parameters, 2 * parameters, 12 * parameters
    if stage >= 1:
        grads /= world_size
    if stage >= 2:
        optim /= world_size
    if stage >= 3:
        weights /= world_size
    return weights + grads + optim


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    s, b, h, a = length, batch, hidden, heads
    if recompute:
        return layers * 2 * s * b * h
    return layers * (11 * s * b * h + 5 * a * s * s * b + 19 * s * b * h + 4 * s * b * h)

# %% training_memory · with recompute counts one number of the input as one byte (sbh per layer instead of 2sbh)
def model_state_bytes(parameters, world_size=1, stage=0):
    total = 0
    for size, first in ((12, 1), (2, 2), (2, 3)):
        total += size * parameters / (world_size if stage >= first else 1)
    return total


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    sbh = length * batch * hidden
    if recompute:
        return layers * sbh
    return layers * (34 * sbh + 5 * heads * length**2 * batch)

# %% average_gradients · divides the sum of the processes' gradients by their number, as DistributedDataParallel does, whatever the shards' sizes
def average_gradients(parameters, examples):
    world = dist.get_world_size()
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
        dist.all_reduce(p.grad, op=dist.ReduceOp.SUM)
        p.grad /= world

# %% average_gradients · leaves out parameters without a gradient, so a process with an empty shard does not take part and the others wait in vain
def average_gradients(parameters, examples):
    total = torch.tensor(float(examples))
    dist.all_reduce(total)
    for p in parameters:
        if p.grad is None:
            continue
        p.grad.mul_(examples)
        dist.all_reduce(p.grad)
        p.grad.div_(total)

# %% average_gradients · reduces to process 0 only; the other processes keep their own gradients
def average_gradients(parameters, examples):
    total = torch.tensor([float(examples)])
    dist.all_reduce(total)
    for p in parameters:
        grad = p.grad if p.grad is not None else torch.zeros_like(p)
        mixed = grad * examples
        dist.reduce(mixed, dst=0)
        p.grad = mixed / total if dist.get_rank() == 0 else grad

# %% checkpointing · counts each saved tensor by its own size, so what shares a storage is counted again
def saved_bytes(forward, parameters):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    total = 0

    def pack(t):
        nonlocal total
        if t.untyped_storage().data_ptr() not in known:
            total += t.numel() * t.element_size()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        forward()
    return total


def run_checkpointed(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False)
    return x

# %% checkpointing · checkpoints without keeping the random state, so dropout drops other units in the backward pass
def saved_bytes(forward, parameters):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        forward()
    skip = {p.untyped_storage().data_ptr() for p in parameters}
    sizes = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}
    return sum(n for place, n in sizes.items() if place not in skip)


def run_checkpointed(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
    return x

# %% checkpointing · uses the reentrant variant, which gives the first block no gradients, since x needs none
def saved_bytes(forward, parameters):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    sizes, alive = {}, []

    def pack(t):
        alive.append(t)
        storage = t.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        forward()
    return sum(size for place, size in sizes.items() if place not in known)


def run_checkpointed(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=True)
    return x

# %% resume · saves weights, optimizer, scheduler, generator and place in the data, but none of the global random states (random, NumPy, torch)
def save_run(run, path):
    torch.save(
        {
            "model": run.model.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "scheduler": run.scheduler.state_dict(),
            "generator": run.generator.get_state(),
            "order": run.order,
            "position": run.position,
            "losses": run.losses,
        },
        path,
    )


def load_run(run, path):
    saved = torch.load(path, weights_only=False)
    run.model.load_state_dict(saved["model"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.scheduler.load_state_dict(saved["scheduler"])
    run.generator.set_state(saved["generator"])
    run.order, run.position, run.losses = saved["order"], saved["position"], saved["losses"]

# %% resume · forgets the scheduler, so the learning rate starts its cosine again at step 0
def save_run(run, path):
    torch.save(
        {
            "model": run.model.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "generator": run.generator.get_state(),
            "place": (run.order, run.position, run.losses),
            "rng": (random.getstate(), np.random.get_state(), torch.get_rng_state()),
        },
        path,
    )


def load_run(run, path):
    saved = torch.load(path, weights_only=False)
    run.model.load_state_dict(saved["model"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.generator.set_state(saved["generator"])
    run.order, run.position, run.losses = saved["place"]
    random.setstate(saved["rng"][0])
    np.random.set_state(saved["rng"][1])
    torch.set_rng_state(saved["rng"][2])

# %% resume · saves neither order nor position, so the resumed run begins a new epoch with a new permutation
def save_run(run, path):
    state = {k: getattr(run, k).state_dict() for k in ("model", "optimizer", "scheduler")}
    state["generator"] = run.generator.get_state()
    state["python"] = random.getstate()
    state["numpy"] = np.random.get_state()
    state["torch"] = torch.get_rng_state()
    state["losses"] = list(run.losses)
    torch.save(state, path)


def load_run(run, path):
    state = torch.load(path, weights_only=False)
    for k in ("model", "optimizer", "scheduler"):
        getattr(run, k).load_state_dict(state[k])
    run.generator.set_state(state["generator"])
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    run.losses = state["losses"]
