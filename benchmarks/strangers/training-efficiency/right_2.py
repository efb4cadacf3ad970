# %% gradients · vectorised NumPy, float32
def gradients(x, y, w1, b1, w2, b2):
    x, w1, b1, w2, b2 = (np.asarray(a, dtype=np.float32) for a in (x, w1, b1, w2, b2))
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    dz = (d @ w2.T) * (z > 0)
    return {"w1": x.T @ dz, "b1": dz.sum(axis=0), "w2": h.T @ d, "b2": d.sum(axis=0)}

# %% optimizer_steps · torch, tensors in the state
@torch.no_grad()
def sgd_step(w, grad, state, lr, momentum=0.9):
    state["v"] = momentum * state.get("v", torch.zeros_like(w)) + grad
    return w - lr * state["v"]


@torch.no_grad()
def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = betas[0] * state.get("m", torch.zeros_like(w)) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", torch.zeros_like(w)) + (1 - betas[1]) * g.square()
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (v_hat.sqrt() + eps)


@torch.no_grad()
def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam_step(w - lr * weight_decay * w, grad, state, lr, betas, eps)

# %% lr_factor · torch numbers
def lr_factor(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return torch.tensor(step / warmup_steps)
    done = torch.tensor((step - warmup_steps) / (total_steps - warmup_steps))
    return (1 + torch.cos(torch.pi * done)) / 2

# %% accumulate_gradients · sum-reduced cross entropy over one common count
def accumulate_gradients(model, micro_batches):
    model.zero_grad(set_to_none=True)
    count = sum((y != -100).sum() for _, y in micro_batches)
    total = torch.zeros(())
    for x, y in micro_batches:
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.detach()
    return total

# %% clip_grad_norm · norm of the norms
def clip_grad_norm(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([g.norm() for g in grads]).norm()
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / (norm + 1e-6))
    return norm

# %% scaled_step · vectorised checks
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad(set_to_none=True)
    (scaler["scale"] * loss).backward()
    params = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    for p in params:
        p.grad.div_(scaler["scale"])
    if not all(p.grad.isfinite().all() for p in params):
        scaler.update(scale=scaler["scale"] / 2, good_steps=0)
        return False
    if max_norm is not None:
        clip_grad_norm(params, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] >= growth_interval:
        scaler.update(scale=scaler["scale"] * 2, good_steps=0)
    return True

# %% training_memory · conditional denominators
def model_state_bytes(parameters, world_size=1, stage=0):
    share = [world_size if stage >= first else 1 for first in (1, 2, 3)]
    return parameters * (12 / share[0] + 2 / share[1] + 2 / share[2])


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    sbh = length * batch * hidden
    per_layer = 2 * sbh if recompute else 34 * sbh + 5 * heads * length**2 * batch
    return layers * per_layer

# %% average_gradients · all_reduce of weighted gradients and of the count
def average_gradients(parameters, examples):
    total = torch.tensor(float(examples))
    dist.all_reduce(total)
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
        p.grad.mul_(examples)
        dist.all_reduce(p.grad)
        p.grad.div_(total)

# %% checkpointing · dictionary of storages; checkpoint_sequential is not needed
def saved_bytes(forward, parameters):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        forward()
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}
    return sum(size for place, size in storages.items() if place not in known)


def run_checkpointed(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=True)
    return x

# %% resume · state dicts by name
def save_run(run, path):
    state = {k: getattr(run, k).state_dict() for k in ("model", "optimizer", "scheduler")}
    state |= {k: getattr(run, k) for k in ("order", "position", "losses")}
    state["rng"] = (
        run.generator.get_state(), random.getstate(), np.random.get_state(), torch.get_rng_state()
    )  # fmt: skip
    torch.save(state, path)


def load_run(run, path):
    state = torch.load(path, weights_only=False)
    for k in ("model", "optimizer", "scheduler"):
        getattr(run, k).load_state_dict(state[k])
    for k in ("order", "position", "losses"):
        setattr(run, k, state[k])
    own, python, numpy_, torch_ = state["rng"]
    run.generator.set_state(own)
    random.setstate(python)
    np.random.set_state(numpy_)
    torch.set_rng_state(torch_)
