# %% qparams · NumPy scalars
def qparams(x, bits=8, symmetric=False):
    import numpy as np

    x = np.asarray(x.detach(), dtype=np.float64)
    top = 2 ** (bits - 1) - 1
    if np.abs(x).max() == 0:
        return np.float64(1.0), np.int64(0)
    if symmetric:
        return np.abs(x).max() / top, np.int64(0)
    lo, hi = np.minimum(x.min(), 0), np.maximum(x.max(), 0)
    scale = (hi - lo) / (2**bits - 1)
    return scale, np.rint(-top - 1 - lo / scale).astype(int)

# %% quantize · NumPy's rint and clip, an array comes back
def quantize(x, scale, zero_point, bits=8):
    import numpy as np

    top = 2 ** (bits - 1)
    q = np.rint(np.asarray(x.detach()) / float(scale)) + float(zero_point)
    return np.clip(q, -top, top - 1).astype(np.int8)

# %% quantize_per_channel · the two earlier tasks for each channel, stacked; a list of scales
def quantize_per_channel(weight, axis=0, bits=8):
    codes, scales = [], []
    for channel in weight.detach().unbind(dim=axis):
        scale, zero = qparams(channel, bits, symmetric=True)
        codes.append(torch.as_tensor(quantize(channel, scale, zero, bits)))
        scales.append(float(scale))
    return torch.stack(codes, dim=axis), scales

# %% int8_state · dict comprehensions over two kinds of entries
def int8_state(state):
    wanted = {n: t for n, t in state.items() if torch.is_floating_point(t) and t.ndim >= 2}
    scales = {
        n: t.detach().abs().float().flatten(1).amax(1).div(127) for n, t in wanted.items()
    }
    scales = {n: s.masked_fill(s == 0, 1.0) for n, s in scales.items()}
    codes = {
        n: t.detach().float().div(scales[n].view(-1, *(1,) * (t.ndim - 1))).round().clamp(-127, 127)
        for n, t in wanted.items()
    }
    return {
        **{n: t for n, t in state.items() if n not in wanted},
        **{n: c.to(torch.int8).contiguous() for n, c in codes.items()},
        **{f"{n}.scale": s for n, s in scales.items()},
    }

# %% magnitude_masks · NumPy's argpartition
def magnitude_masks(weights, sparsity):
    import numpy as np

    sizes = [w.numel() for w in weights.values()]
    flat = np.concatenate([w.detach().abs().reshape(-1).numpy() for w in weights.values()])
    remove = round(sparsity * flat.size)
    order = np.argsort(flat, kind="stable")
    keep = np.zeros(flat.size, dtype=bool)
    keep[order[remove:]] = True
    parts = np.split(keep, np.cumsum(sizes)[:-1])
    return {n: torch.from_numpy(p.reshape(tuple(w.shape))) for (n, w), p in zip(weights.items(), parts)}

# %% mask_2_to_4 · rank within the group by two argsorts
def mask_2_to_4(weight):
    out, width = weight.shape
    groups, rest = divmod(width, 4)
    if rest:
        raise ValueError("2:4 needs whole groups of four inputs")
    blocks = weight.detach().abs().unflatten(1, (groups, 4))
    rank = blocks.argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
    return (rank >= 2).flatten(1)

# %% retrain_pruned · hooks that mask the gradients: what begins at 0 stays there under AdamW
def retrain_pruned(model, masks, batches, lr=3e-3):
    handles = []
    for name, mask in masks.items():
        parameter = model.get_parameter(name)
        keep = torch.as_tensor(mask)
        parameter.data.masked_fill_(~keep, 0.0)
        handles.append(parameter.register_hook(lambda g, keep=keep: g * keep))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for inputs, labels in batches:
        model.zero_grad(set_to_none=True)
        criterion(model(inputs), labels).backward()
        optimizer.step()
    for handle in handles:
        handle.remove()
    return model.eval()

# %% low_rank · square roots of the singular values to both sides
def low_rank(weight, rank=None):
    m, n = weight.shape
    if rank is None:
        rank = math.ceil(m * n / (m + n)) - 1
    u, s, v = torch.svd(weight.detach())
    k = min(rank, len(s))
    a, b = weight.new_zeros(m, rank), weight.new_zeros(rank, n)
    root = s[:k].sqrt()
    a[:, :k] = u[:, :k] * root
    b[:k] = (v[:, :k] * root).T
    return [a, b]

# %% lora · addmm-free einsum, merged layer built on the meta device
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        self.base.requires_grad_(False)
        self.register_buffer("scale", torch.tensor(alpha / rank, dtype=base.weight.dtype), False)
        bound = 1 / math.sqrt(base.in_features)
        a = torch.empty(rank, base.in_features, dtype=base.weight.dtype).uniform_(-bound, bound)
        self.lora_A = nn.Parameter(a)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, dtype=base.weight.dtype))

    def delta(self):
        return self.scale * torch.einsum("or,ri->oi", self.lora_B, self.lora_A)

    def forward(self, x):
        low = torch.einsum("...i,ri->...r", x, self.lora_A)
        return torch.einsum("...r,or->...o", low, self.lora_B).mul(self.scale) + self.base(x)

    def merged(self):
        layer = nn.Linear(
            self.base.in_features, self.base.out_features,
            bias=self.base.bias is not None, device="meta",
        )  # fmt: skip
        layer.weight = nn.Parameter((self.base.weight + self.delta()).detach())
        if self.base.bias is not None:
            layer.bias = nn.Parameter(self.base.bias.detach().clone())
        return layer

# %% distillation_loss · cross entropies with soft targets minus the teacher's entropy
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    with torch.no_grad():
        teacher = torch.distributions.Categorical(logits=teacher_logits / temperature)
        p, entropy = teacher.probs, teacher.entropy().mean()
    soft = F.cross_entropy(student_logits / temperature, p) - entropy
    known = targets.ne(-100)
    loss = weight * temperature**2 * soft
    if known.any():
        loss = loss + (1 - weight) * F.cross_entropy(student_logits[known], targets[known])
    return loss
