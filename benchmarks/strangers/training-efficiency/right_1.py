# %% gradients · NumPy, one example after the other, float64
def gradients(x, y, w1, b1, w2, b2):
    n = len(x)
    d_w1, d_b1 = np.zeros(w1.shape), np.zeros(b1.shape)
    d_w2, d_b2 = np.zeros(w2.shape), np.zeros(b2.shape)
    for i in range(n):
        row = np.asarray(x[i], dtype=np.float64)
        z = row @ w1 + b1
        h = np.where(z > 0, z, 0.0)
        logits = h @ w2 + b2
        e = np.exp(logits - logits.max())
        d = e / e.sum()
        d[int(y[i])] -= 1.0
        d /= n
        d_w2 += np.outer(h, d)
        d_b2 += d
        dh = w2 @ d
        dz = np.where(z > 0, dh, 0.0)
        d_w1 += np.outer(row, dz)
        d_b1 += dz
    return {"w1": d_w1, "b1": d_b1, "w2": d_w2, "b2": d_b2}

# %% optimizer_steps · plain Python, one number after the other
def _numbers(tensor):
    return tensor.detach().double().flatten().tolist()


def _tensor(numbers, like):
    return torch.tensor(numbers, dtype=torch.float64).reshape(like.shape).to(like.dtype)


def sgd_step(w, grad, state, lr, momentum=0.9):
    ws, gs = _numbers(w), _numbers(grad)
    vs = state.get("v", [0.0] * len(ws))
    vs = [momentum * v + g for v, g in zip(vs, gs)]
    state["v"] = vs
    return _tensor([a - lr * v for a, v in zip(ws, vs)], w)


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    ws, gs = _numbers(w), _numbers(grad)
    if "t" not in state:
        state["t"], state["m"], state["v"] = 0, [0.0] * len(ws), [0.0] * len(ws)
    state["t"] += 1
    t, new = state["t"], []
    for i in range(len(ws)):
        g = gs[i] + weight_decay * ws[i]
        state["m"][i] = betas[0] * state["m"][i] + (1 - betas[0]) * g
        state["v"][i] = betas[1] * state["v"][i] + (1 - betas[1]) * g * g
        m_hat = state["m"][i] / (1 - betas[0] ** t)
        v_hat = state["v"][i] / (1 - betas[1] ** t)
        new.append(ws[i] - lr * m_hat / (math.sqrt(v_hat) + eps))
    return _tensor(new, w)


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    shrunk = w.detach().double() * (1 - lr * weight_decay)
    return adam_step(shrunk, grad, state, lr, betas, eps, 0.0).to(w.dtype)

# %% lr_factor · if and else
def lr_factor(step, warmup_steps, total_steps):
    if warmup_steps > 0 and step < warmup_steps:
        return step / warmup_steps
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))

# %% accumulate_gradients · count first, cross entropy of each position by logsumexp
def accumulate_gradients(model, micro_batches):
    count = 0
    for _, y in micro_batches:
        count += int((y != -100).sum())
    for p in model.parameters():
        p.grad = None
    total = 0.0
    for x, y in micro_batches:
        logits = model(x)
        keep = y != -100
        z, target = logits[keep], y[keep]
        loss = (z.logsumexp(-1) - z.gather(-1, target[:, None])[:, 0]).sum() / count
        loss.backward()
        total += loss.item()
    return total

# %% clip_grad_norm · sum of squares in Python
def clip_grad_norm(parameters, max_norm):
    squares = 0.0
    for p in parameters:
        if p.grad is not None:
            squares += float((p.grad.double() ** 2).sum())
    norm = math.sqrt(squares)
    if norm > max_norm:
        for p in parameters:
            if p.grad is not None:
                p.grad *= max_norm / norm
    return norm

# %% scaled_step · step by step
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    (loss * scaler["scale"]).backward()
    parameters = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                parameters.append(p)
    finite = True
    for p in parameters:
        p.grad /= scaler["scale"]
        if not bool(torch.isfinite(p.grad).all()):
            finite = False
    if not finite:
        scaler["scale"] /= 2
        scaler["good_steps"] = 0
        return False
    if max_norm is not None:
        clip_grad_norm(parameters, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] == growth_interval:
        scaler["scale"] *= 2
        scaler["good_steps"] = 0
    return True

# %% training_memory · plain arithmetic
def model_state_bytes(parameters, world_size=1, stage=0):
    weight, gradient, optimizer = 2 * parameters, 2 * parameters, 12 * parameters
    if stage >= 1:
        optimizer = optimizer / world_size
    if stage >= 2:
        gradient = gradient / world_size
    if stage >= 3:
        weight = weight / world_size
    return weight + gradient + optimizer


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    s, b, h, a = length, batch, hidden, heads
    if recompute:
        return layers * 2 * s * b * h
    attention = 11 * s * b * h + 5 * a * s**2 * b
    mlp = 19 * s * b * h
    norms = 4 * s * b * h
    return layers * (attention + mlp + norms)

# %% average_gradients · gather everything everywhere, add in a loop
def average_gradients(parameters, examples):
    world = dist.get_world_size()
    counts = [torch.zeros(1, dtype=torch.float64) for _ in range(world)]
    dist.all_gather(counts, torch.tensor([float(examples)], dtype=torch.float64))
    total = sum(float(c) for c in counts)
    for p in parameters:
        mine = torch.zeros_like(p) if p.grad is None else p.grad.detach().clone()
        everyone = [torch.zeros_like(mine) for _ in range(world)]
        dist.all_gather(everyone, mine.contiguous())
        result = torch.zeros_like(mine)
        for count, grad in zip(counts, everyone):
            if float(count) > 0:
                result += grad * (float(count) / total)
        p.grad = result

# %% checkpointing · a list of what is saved, and a loop over blocks
def saved_bytes(forward, parameters):
    saved = []

    def pack(tensor):
        saved.append(tensor)
        return tensor

    def unpack(tensor):
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        forward()
    seen = [p.untyped_storage().data_ptr() for p in parameters]
    total = 0
    for tensor in saved:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.append(storage.data_ptr())
            total += storage.nbytes()
    return total


def run_checkpointed(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False)
    return x

# %% resume · one dictionary, torch.save
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
            "random": random.getstate(),
            "numpy": np.random.get_state(),
            "torch": torch.get_rng_state(),
        },
        path,
    )


def load_run(run, path):
    saved = torch.load(path, weights_only=False)
    run.model.load_state_dict(saved["model"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.scheduler.load_state_dict(saved["scheduler"])
    run.generator.set_state(saved["generator"])
    run.order = saved["order"]
    run.position = saved["position"]
    run.losses = saved["losses"]
    random.setstate(saved["random"])
    np.random.set_state(saved["numpy"])
    torch.set_rng_state(saved["torch"])
