# %% gradients · SciPy's softmax, one-hot by np.eye, einsum
def gradients(x, y, w1, b1, w2, b2):
    from scipy.special import softmax

    z = np.einsum("nd,dh->nh", x, w1) + b1
    alive = (z > 0).astype(z.dtype)
    h = z * alive
    p = softmax(np.einsum("nh,hk->nk", h, w2) + b2, axis=1)
    d = (p - np.eye(p.shape[1])[y]) / x.shape[0]
    dz = np.einsum("nk,hk->nh", d, w2) * alive
    return dict(
        b2=np.sum(d, axis=0),
        w2=np.einsum("nh,nk->hk", h, d),
        b1=np.sum(dz, axis=0),
        w1=np.einsum("nd,nh->dh", x, dz),
    )

# %% optimizer_steps · torch.optim behind the function, kept in the state
def _library_step(kind, w, grad, state, **settings):
    if "optimizer" not in state:
        state["parameter"] = nn.Parameter(w.detach().clone())
        state["optimizer"] = kind([state["parameter"]], **settings)
    optimizer, parameter = state["optimizer"], state["parameter"]
    for group in optimizer.param_groups:
        group.update(settings)
    with torch.no_grad():
        parameter.copy_(w)
    parameter.grad = grad.detach().clone()
    optimizer.step()
    return parameter.detach().clone()


def sgd_step(w, grad, state, lr, momentum=0.9):
    return _library_step(torch.optim.SGD, w, grad, state, lr=lr, momentum=momentum)


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return _library_step(
        torch.optim.Adam, w, grad, state, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay
    )


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return _library_step(
        torch.optim.AdamW, w, grad, state, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay
    )

# %% lr_factor · cosine squared of the half angle, NumPy scalar
def lr_factor(step, warmup_steps, total_steps):
    rise = step / warmup_steps if warmup_steps else 1.0
    fall = np.cos(np.pi / 2 * max(0, step - warmup_steps) / (total_steps - warmup_steps)) ** 2
    return np.minimum(rise, 1.0) if step < warmup_steps else fall

# %% accumulate_gradients · gradients of sums first, divided at the end
def accumulate_gradients(model, micro_batches):
    criterion = nn.CrossEntropyLoss(ignore_index=-100, reduction="sum")
    model.zero_grad()
    count, total = 0, 0.0
    for x, y in micro_batches:
        loss = criterion(model(x).transpose(1, 2), y)
        loss.backward()
        count += torch.count_nonzero(y != -100).item()
        total += loss.item()
    for p in model.parameters():
        if p.grad is not None:
            p.grad /= count
    return np.float64(total / count)

# %% clip_grad_norm · torch.nn.utils
def clip_grad_norm(parameters, max_norm):
    return nn.utils.clip_grad_norm_(parameters, max_norm).item()

# %% scaled_step · gradients by torch.autograd.grad, written to .grad
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    optimizer.zero_grad()
    params = [
        p for group in optimizer.param_groups for p in group["params"] if p.requires_grad
    ]
    found = torch.autograd.grad(loss * scaler["scale"], params, allow_unused=True)
    for p, g in zip(params, found, strict=True):
        p.grad = None if g is None else g / scaler["scale"]
    with_grad = [p for p in params if p.grad is not None]
    good = all(bool(((p.grad * 0) == 0).all()) for p in with_grad)  # inf * 0 and nan * 0 are nan
    if good:
        if max_norm is not None:
            clip_grad_norm(with_grad, max_norm)
        optimizer.step()
        scaler["good_steps"] += 1
        if scaler["good_steps"] >= growth_interval:
            scaler["scale"], scaler["good_steps"] = scaler["scale"] * 2.0, 0
    else:
        scaler["scale"], scaler["good_steps"] = scaler["scale"] / 2.0, 0
    return good

# %% training_memory · table of kinds, NumPy
def model_state_bytes(parameters, world_size=1, stage=0):
    size = np.array([12.0, 2.0, 2.0])
    split = np.arange(1, 4) <= stage
    return float(parameters) * np.where(split, size / world_size, size).sum()


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    tokens = float(batch) * length
    if recompute:
        return layers * tokens * hidden * np.dtype(np.float16).itemsize
    return layers * tokens * hidden * (34 + 5 * heads * length / hidden)

# %% average_gradients · one flat buffer with the count at its end
def average_gradients(parameters, examples):
    pieces = []
    for p in parameters:
        empty = examples == 0 or p.grad is None
        pieces.append((torch.zeros_like(p) if empty else p.grad * examples).detach().flatten().double())
    buffer = torch.cat([*pieces, torch.tensor([examples], dtype=torch.float64)])
    dist.all_reduce(buffer, op=dist.ReduceOp.SUM)
    mean = buffer[:-1] / buffer[-1]
    for p, part in zip(parameters, mean.split([p.numel() for p in parameters]), strict=True):
        p.grad = part.view_as(p).to(p.dtype)

# %% checkpointing · a context-manager class, and an autograd function that recomputes
class _Watch(torch.autograd.graph.saved_tensors_hooks):
    def __init__(self):
        self.storages = {}
        super().__init__(self._pack, lambda t: t)

    def _pack(self, tensor):
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage  # keeps it alive, so no address is used twice
        return tensor


def saved_bytes(forward, parameters):
    watch = _Watch()
    with watch:
        forward()
    parameters = {p.untyped_storage().data_ptr() for p in parameters}
    return sum(s.nbytes() for place, s in watch.storages.items() if place not in parameters)


class _Recompute(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *weights):
        ctx.block, ctx.weights = block, weights
        ctx.state = torch.get_rng_state()
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        again = x.detach().requires_grad_(ctx.needs_input_grad[1])
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.set_rng_state(ctx.state)
            out = ctx.block(again)
        wanted = ([again] if again.requires_grad else []) + list(ctx.weights)
        found = list(torch.autograd.grad(out, wanted, gradient, allow_unused=True))
        first = found.pop(0) if again.requires_grad else None
        return None, first, *found


def run_checkpointed(blocks, x):
    for block in blocks:
        x = _Recompute.apply(block, x, *(p for p in block.parameters() if p.requires_grad))
    return x

# %% resume · pickle, NumPy arrays of the states
def save_run(run, path):
    import copy
    import pickle

    content = copy.deepcopy(
        {
            "dicts": [part.state_dict() for part in (run.model, run.optimizer, run.scheduler)],
            "data": (list(run.order), run.position, list(run.losses)),
            "bytes": [run.generator.get_state().numpy(), torch.get_rng_state().numpy()],
            "globals": [random.getstate(), np.random.get_state(legacy=False)],
        }
    )
    Path(path).write_bytes(pickle.dumps(content))


def load_run(run, path):
    import pickle

    content = pickle.loads(Path(path).read_bytes())
    for part, state in zip((run.model, run.optimizer, run.scheduler), content["dicts"], strict=True):
        part.load_state_dict(state)
    run.order, run.position, run.losses = content["data"]
    run.generator.set_state(torch.from_numpy(content["bytes"][0]))
    random.setstate(content["globals"][0])
    np.random.set_state(content["globals"][1])
    torch.set_rng_state(torch.from_numpy(content["bytes"][1]))
