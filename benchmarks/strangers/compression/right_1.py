# %% qparams · plain Python, float64
def qparams(x, bits=8, symmetric=False):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = x.detach().double().flatten().tolist()
    if all(v == 0 for v in values):
        return 1.0, 0
    if symmetric:
        return max(abs(v) for v in values) / qmax, 0
    lo, hi = min(0.0, min(values)), max(0.0, max(values))
    scale = (hi - lo) / (qmax - qmin)
    return scale, round(qmin - lo / scale)

# %% quantize · a loop with Python's round, which sends halves to even
def quantize(x, scale, zero_point, bits=8):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = []
    for v in x.detach().double().flatten().tolist():
        steps = min(max(v / float(scale), -1e9), 1e9)  # round(inf) would raise
        q = round(steps) + int(zero_point)
        codes.append(min(max(q, qmin), qmax))
    return torch.tensor(codes, dtype=torch.int8).reshape(x.shape)

# %% quantize_per_channel · a loop over the channels
def quantize_per_channel(weight, axis=0, bits=8):
    qmax = 2 ** (bits - 1) - 1
    codes = torch.zeros(weight.shape, dtype=torch.int8)
    scales = []
    for c in range(weight.shape[axis]):
        channel = weight.detach().select(axis, c).double()
        top = float(channel.abs().max())
        scale = top / qmax if top > 0 else 1.0
        q = torch.round(channel / scale).clamp(-qmax - 1, qmax)
        codes.select(axis, c).copy_(q.to(torch.int8))
        scales.append(scale)
    return codes, torch.tensor(scales, dtype=torch.float64)

# %% int8_state · a loop with two cases
def int8_state(state):
    packed = {}
    for name in state:
        tensor = state[name]
        if tensor.is_floating_point() and tensor.dim() >= 2:
            codes, scales = quantize_per_channel(tensor, axis=0, bits=8)
            packed[name] = torch.as_tensor(codes)
            packed[name + ".scale"] = torch.as_tensor(scales).to(torch.float32)
        else:
            packed[name] = tensor
    return packed

# %% magnitude_masks · sorts (magnitude, place) pairs in Python, NumPy masks
def magnitude_masks(weights, sparsity):
    import numpy as np

    ranked = []
    for name, w in weights.items():
        for i, v in enumerate(w.detach().double().flatten().tolist()):
            ranked.append((abs(v), name, i))
    ranked.sort(key=lambda entry: entry[0])
    masks = {name: np.ones(w.numel(), dtype=bool) for name, w in weights.items()}
    for _, name, i in ranked[: round(sparsity * len(ranked))]:
        masks[name][i] = False
    return {name: masks[name].reshape(tuple(w.shape)) for name, w in weights.items()}

# %% mask_2_to_4 · loops over rows and groups
def mask_2_to_4(weight):
    out, width = weight.shape
    if width % 4 != 0:
        raise ValueError("the input size must be a multiple of four")
    mask = torch.zeros(out, width, dtype=torch.bool)
    for i in range(out):
        for start in range(0, width, 4):
            four = [abs(float(weight[i, start + j])) for j in range(4)]
            best = sorted(range(4), key=lambda j: four[j], reverse=True)[:2]
            for j in best:
                mask[i, start + j] = True
    return mask

# %% retrain_pruned · masks on before, and after each step
def retrain_pruned(model, masks, batches, lr=3e-3):
    parameters = dict(model.named_parameters())

    def put_masks_on():
        with torch.no_grad():
            for name, mask in masks.items():
                parameters[name][~torch.as_tensor(mask)] = 0.0

    put_masks_on()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        put_masks_on()
    model.eval()
    return model

# %% low_rank · NumPy's SVD in float64, rank by counting up
def low_rank(weight, rank=None):
    import numpy as np

    m, n = weight.shape
    if rank is None:
        rank = 0
        while (rank + 1) * (m + n) < m * n:
            rank += 1
    u, s, vh = np.linalg.svd(weight.detach().double().numpy(), full_matrices=False)
    a, b = np.zeros((m, rank)), np.zeros((rank, n))
    for i in range(min(rank, len(s))):
        a[:, i] = u[:, i] * s[i]
        b[i] = vh[i]
    return torch.from_numpy(a).to(weight.dtype), torch.from_numpy(b).to(weight.dtype)

# %% lora · matrix products written out
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad = False
        self.rank, self.alpha = rank, alpha
        out, width = base.weight.shape
        like = {"dtype": base.weight.dtype, "device": base.weight.device}
        self.lora_A = nn.Parameter(torch.randn(rank, width, **like) / math.sqrt(width))
        self.lora_B = nn.Parameter(torch.zeros(out, rank, **like))

    def forward(self, x):
        change = (x @ self.lora_A.T) @ self.lora_B.T
        return self.base(x) + (self.alpha / self.rank) * change

    def merged(self):
        out, width = self.base.weight.shape
        has_bias = self.base.bias is not None
        new = nn.Linear(width, out, bias=has_bias, dtype=self.base.weight.dtype)
        with torch.no_grad():
            new.weight.copy_(self.base.weight + self.alpha / self.rank * (self.lora_B @ self.lora_A))
            if has_bias:
                new.bias.copy_(self.base.bias)
        return new

# %% distillation_loss · row by row, float64
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    u, v = student_logits.double(), teacher_logits.detach().double()
    n = u.shape[0]
    soft = torch.zeros((), dtype=torch.float64)
    hard = torch.zeros((), dtype=torch.float64)
    labelled = 0
    for i in range(n):
        log_p = v[i] / temperature - torch.logsumexp(v[i] / temperature, 0)
        log_q = u[i] / temperature - torch.logsumexp(u[i] / temperature, 0)
        soft = soft + (log_p.exp() * (log_p - log_q)).sum()
        if int(targets[i]) != -100:
            hard = hard + torch.logsumexp(u[i], 0) - u[i, int(targets[i])]
            labelled += 1
    soft = soft / n
    if labelled:
        hard = hard / labelled
    return weight * temperature**2 * soft + (1 - weight) * hard
