# %% qparams · torch, float32 all through
def qparams(x, bits=8, symmetric=False):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if not x.any():
        return torch.tensor(1.0), torch.tensor(0)
    if symmetric:
        return x.abs().max() / qmax, torch.tensor(0)
    lo, hi = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (hi - lo) / (qmax - qmin)
    return scale, torch.round(qmin - lo / scale).to(torch.int64)

# %% quantize · torch.round, clamp, cast
def quantize(x, scale, zero_point, bits=8):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return (torch.round(x / scale) + zero_point).clamp(qmin, qmax).to(torch.int8)

# %% quantize_per_channel · movedim and amax
def quantize_per_channel(weight, axis=0, bits=8):
    qmax = 2 ** (bits - 1) - 1
    weight = weight.detach()
    rows = weight.movedim(axis, 0)
    top = rows.reshape(rows.shape[0], -1).abs().amax(dim=1)
    scales = torch.where(top > 0, top / qmax, 1.0)
    shape = [1] * weight.dim()
    shape[axis] = -1
    codes = torch.round(weight / scales.reshape(shape)).clamp(-qmax, qmax).to(torch.int8)
    return codes, scales

# %% int8_state · builds on quantize_per_channel
def int8_state(state):
    packed = {}
    for name, tensor in state.items():
        packed[name] = tensor
        if tensor.is_floating_point() and tensor.dim() > 1:
            codes, scales = quantize_per_channel(tensor)
            packed[name] = codes.contiguous()
            packed[f"{name}.scale"] = scales.float()
    return packed

# %% magnitude_masks · one argsort over all, split again
def magnitude_masks(weights, sparsity):
    flat = torch.cat([w.detach().abs().flatten() for w in weights.values()])
    keep = torch.ones(flat.numel(), dtype=torch.bool)
    keep[flat.argsort()[: round(sparsity * flat.numel())]] = False
    parts = keep.split([w.numel() for w in weights.values()])
    return {name: part.view(w.shape) for (name, w), part in zip(weights.items(), parts, strict=True)}

# %% mask_2_to_4 · topk and scatter
def mask_2_to_4(weight):
    if weight.shape[1] % 4:
        raise ValueError(f"{weight.shape[1]} columns are no multiple of four")
    groups = weight.abs().reshape(-1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    return mask.scatter(1, groups.topk(2, dim=1).indices, True).reshape(weight.shape)

# %% retrain_pruned · mul_ with the mask under no_grad
def retrain_pruned(model, masks, batches, lr=3e-3):
    pruned = [(model.get_parameter(name), torch.as_tensor(mask)) for name, mask in masks.items()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    with torch.no_grad():
        for p, mask in pruned:
            p.mul_(mask)
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            for p, mask in pruned:
                p.mul_(mask)
    return model.eval()

# %% low_rank · torch's SVD, singular values in a
def low_rank(weight, rank=None):
    m, n = weight.shape
    r = (m * n - 1) // (m + n) if rank is None else rank
    u, s, vh = torch.linalg.svd(weight.detach(), full_matrices=False)
    a, b = u[:, :r] * s[:r], vh[:r]
    missing = r - a.shape[1]
    return F.pad(a, (0, missing)), F.pad(b, (0, 0, 0, missing))

# %% lora · F.linear twice, deep copy for the merge
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scaling = alpha / rank
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + self.scaling * F.linear(F.linear(x, self.lora_A), self.lora_B)

    @torch.no_grad()
    def merged(self):
        new = copy.deepcopy(self.base)
        new.weight += self.scaling * self.lora_B @ self.lora_A
        return new

# %% distillation_loss · kl_div with batchmean
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    soft = F.kl_div(log_q, p, reduction="batchmean") * temperature**2
    labelled = (targets != -100).sum().clamp(min=1)
    hard = F.cross_entropy(student_logits, targets, ignore_index=-100, reduction="sum") / labelled
    return weight * soft + (1 - weight) * hard
