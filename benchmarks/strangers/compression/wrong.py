# %% qparams · does not widen the range to hold 0, so for x of one sign zero has no code
def qparams(x, bits=8, symmetric=False):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if not bool((x != 0).any()):
        return 1.0, 0
    if symmetric:
        return x.abs().max().item() / qmax, 0
    lo, hi = x.min().item(), x.max().item()
    if hi == lo:
        return abs(hi) / qmax, 0
    scale = (hi - lo) / (qmax - qmin)
    return scale, round(qmin - lo / scale)

# %% qparams · divides the range by the number of codes, 2^b, instead of the number of steps between them, 2^b - 1
def qparams(x, bits=8, symmetric=False):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        top = x.abs().max().item()
        return (top / qmax if top > 0 else 1.0), 0
    lo, hi = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    if lo == hi:
        return 1.0, 0
    scale = (hi - lo) / 2**bits
    return scale, int(round(qmin - lo / scale))

# %% qparams · computes the zero point for unsigned codes 0 ... 2^b - 1
def qparams(x, bits=8, symmetric=False):
    qmax = 2 ** (bits - 1) - 1
    top = x.abs().max().item()
    if top == 0:
        return 1.0, 0
    if symmetric:
        return top / qmax, 0
    lo, hi = min(0.0, x.min().item()), max(0.0, x.max().item())
    scale = (hi - lo) / (2**bits - 1)
    return scale, round(-lo / scale)

# %% qparams · for values that are all 0 returns the tiny scale 1e-8 (a clamp against division by zero) instead of 1
def qparams(x, bits=8, symmetric=False):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        return max(x.abs().max().item() / qmax, 1e-8), 0
    lo, hi = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    scale = max((hi - lo) / (qmax - qmin), 1e-8)
    zero_point = int(min(max(round(qmin - lo / scale), qmin), qmax)) if hi > lo else 0
    return scale, zero_point

# %% quantize · casts to int8 without saturating, so values beyond the range wrap around
def quantize(x, scale, zero_point, bits=8):
    q = torch.round(x / scale) + zero_point
    return q.to(torch.int32).to(torch.int8)

# %% quantize · cuts the decimals off (cast to integer) instead of rounding to the nearest
def quantize(x, scale, zero_point, bits=8):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    q = (x / scale + zero_point).clamp(qmin, qmax)
    return q.to(torch.int8)

# %% quantize · saturates at -128 ... 127 whatever bits says
def quantize(x, scale, zero_point, bits=8):
    q = torch.round(x / scale) + zero_point
    return q.clamp(-128, 127).to(torch.int8)

# %% quantize_per_channel · takes the greatest magnitude along axis instead of over all other axes
def quantize_per_channel(weight, axis=0, bits=8):
    qmax = 2 ** (bits - 1) - 1
    top = weight.abs().amax(dim=axis, keepdim=True)
    scale = torch.where(top > 0, top / qmax, torch.ones_like(top))
    codes = torch.round(weight / scale).clamp(-qmax - 1, qmax).to(torch.int8)
    return codes, scale.flatten()

# %% quantize_per_channel · ignores axis and always takes axis 0 for the channels
def quantize_per_channel(weight, axis=0, bits=8):
    qmax = 2 ** (bits - 1) - 1
    top = weight.reshape(weight.shape[0], -1).abs().amax(dim=1)
    scales = torch.where(top > 0, top / qmax, torch.ones_like(top))
    shape = [-1] + [1] * (weight.dim() - 1)
    codes = torch.round(weight / scales.reshape(shape)).clamp(-qmax - 1, qmax)
    return codes.to(torch.int8), scales

# %% quantize_per_channel · the scale of a channel of zeros is 0/qmax = 0, and 0/0 makes its codes nan before the cast
def quantize_per_channel(weight, axis=0, bits=8):
    qmax = 2 ** (bits - 1) - 1
    others = [d for d in range(weight.dim()) if d != axis]
    scale = weight.abs().amax(dim=others, keepdim=True) / qmax
    codes = torch.round(weight / scale).clamp(-qmax - 1, qmax).to(torch.int8)
    return codes, scale.flatten()

# %% int8_state · stores rounded floats (fake quantisation) instead of int8 codes
def int8_state(state):
    packed = {}
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.dim() >= 2:
            codes, scales = quantize_per_channel(tensor)
            codes, scales = torch.as_tensor(codes), torch.as_tensor(scales).float()
            packed[name] = codes.to(tensor.dtype)
            packed[name + ".scale"] = scales
        else:
            packed[name] = tensor
    return packed

# %% int8_state · quantises vectors as well (biases, batch norm), each number with a scale of its own
def int8_state(state):
    packed = {}
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.dim() > 0:
            rows = tensor.reshape(tensor.shape[0], -1)
            top = rows.abs().amax(dim=1)
            scales = torch.where(top > 0, top / 127, torch.ones_like(top)).float()
            codes = torch.round(rows / scales[:, None]).clamp(-128, 127).to(torch.int8)
            packed[name], packed[f"{name}.scale"] = codes.reshape(tensor.shape), scales
        else:
            packed[name] = tensor
    return packed

# %% int8_state · looks at the dimensions only and so turns tables of whole numbers into codes, too
def int8_state(state):
    packed = {}
    for name, tensor in state.items():
        if tensor.dim() >= 2:
            codes, scales = quantize_per_channel(tensor.float())
            packed[name] = torch.as_tensor(codes)
            packed[f"{name}.scale"] = torch.as_tensor(scales).float()
        else:
            packed[name] = tensor
    return packed

# %% magnitude_masks · ranks the weights of each tensor by themselves, the same share of each, instead of all together
def magnitude_masks(weights, sparsity):
    masks = {}
    for name, w in weights.items():
        k = round(sparsity * w.numel())
        mask = torch.ones(w.numel(), dtype=torch.bool)
        mask[w.abs().flatten().argsort()[:k]] = False
        masks[name] = mask.reshape(w.shape)
    return masks

# %% magnitude_masks · compares with the k-th smallest magnitude, so with ties more than round(sparsity N) weights go
def magnitude_masks(weights, sparsity):
    flat = torch.cat([w.abs().flatten() for w in weights.values()])
    k = round(sparsity * flat.numel())
    if k == 0:
        return {name: torch.ones_like(w, dtype=torch.bool) for name, w in weights.items()}
    bound = flat.kthvalue(k).values
    return {name: w.abs() > bound for name, w in weights.items()}

# %% magnitude_masks · ranks by the signed value, so large negative weights go first
def magnitude_masks(weights, sparsity):
    flat = torch.cat([w.flatten() for w in weights.values()])
    k = round(sparsity * len(flat))
    keep = torch.ones(len(flat), dtype=torch.bool)
    keep[torch.argsort(flat)[:k]] = False
    pieces = keep.split([w.numel() for w in weights.values()])
    return {name: p.reshape(w.shape) for (name, w), p in zip(weights.items(), pieces)}

# %% magnitude_masks · rounds the number down, int(sparsity N), instead of to the nearest
def magnitude_masks(weights, sparsity):
    flat = torch.cat([w.abs().flatten() for w in weights.values()])
    k = int(sparsity * flat.numel())
    keep = torch.ones_like(flat, dtype=torch.bool)
    if k > 0:
        keep[flat.topk(k, largest=False).indices] = False
    out, start = {}, 0
    for name, w in weights.items():
        out[name] = keep[start : start + w.numel()].view(w.shape)
        start += w.numel()
    return out

# %% mask_2_to_4 · groups four neighbours along the output (down a column) instead of along the input
def mask_2_to_4(weight):
    if weight.shape[1] % 4:
        raise ValueError("the number of inputs must be a multiple of four")
    w = weight.abs().t()
    if w.shape[1] % 4:
        w = torch.cat([w, w.new_zeros(w.shape[0], 4 - w.shape[1] % 4)], dim=1)
    groups = w.reshape(w.shape[0], -1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    mask.scatter_(2, groups.topk(2, dim=2).indices, True)
    return mask.reshape(w.shape)[:, : weight.shape[0]].t()

# %% mask_2_to_4 · keeps what is at least as large as the second largest, so with ties three or four of a group stay
def mask_2_to_4(weight):
    rows, cols = weight.shape
    if cols % 4:
        raise ValueError("in must be a multiple of 4")
    groups = weight.abs().reshape(rows, cols // 4, 4)
    second = groups.sort(dim=-1, descending=True).values[..., 1:2]
    return (groups >= second).reshape(rows, cols)

# %% mask_2_to_4 · does not check in: reshapes the whole matrix to groups of four, which run over the ends of rows where in is no multiple of four
def mask_2_to_4(weight):
    groups = weight.abs().reshape(-1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    mask.scatter_(1, groups.topk(2, dim=1).indices, True)
    return mask.reshape(weight.shape)

# %% retrain_pruned · puts the mask on before training only; AdamW moves the zeros again
def retrain_pruned(model, masks, batches, lr=3e-3):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name in masks:
                p.mul_(masks[name])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model.eval()

# %% retrain_pruned · puts the mask on after each step but not before the first, so the first forward pass sees the pruned weights
def retrain_pruned(model, masks, batches, lr=3e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    parameters = dict(model.named_parameters())
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            for name, mask in masks.items():
                parameters[name].mul_(mask)
    return model.eval()

# %% retrain_pruned · makes a new AdamW for each batch, so its moments never build up
def retrain_pruned(model, masks, batches, lr=3e-3):
    def apply_masks():
        with torch.no_grad():
            for name, p in model.named_parameters():
                if name in masks:
                    p.mul_(masks[name])

    apply_masks()
    model.train()
    for x, y in batches:
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        apply_masks()
    model.eval()
    return model

# %% retrain_pruned · trains a copy and returns it; the model that was given is not trained in place
def retrain_pruned(model, masks, batches, lr=3e-3):
    student = copy.deepcopy(model)
    params = dict(student.named_parameters())
    optimizer = torch.optim.AdamW(student.parameters(), lr=lr)
    for name, mask in masks.items():
        params[name].data.mul_(mask)
    student.train()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(student(x), y).backward()
        optimizer.step()
        for name, mask in masks.items():
            params[name].data.mul_(mask)
    return student.eval()

# %% low_rank · with rank=None takes floor(mn / (m + n)), at which both together may hold exactly as many numbers as weight
def low_rank(weight, rank=None):
    m, n = weight.shape
    if rank is None:
        rank = (m * n) // (m + n)
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    return u[:, :rank] * s[:rank], vh[:rank]

# %% low_rank · with rank=None takes half the shorter side, which is right for square matrices at most
def low_rank(weight, rank=None):
    m, n = weight.shape
    if rank is None:
        rank = max(1, (min(m, n) - 1) // 2)
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * vh[:rank]

# %% low_rank · multiplies both factors by the singular values, so the product holds their squares
def low_rank(weight, rank=None):
    m, n = weight.shape
    if rank is None:
        rank = (m * n - 1) // (m + n)
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    a = u[:, :rank] @ torch.diag(s[:rank])
    b = torch.diag(s[:rank]) @ vh[:rank]
    return a, b

# %% lora · multiplies by alpha alone and forgets to divide by the rank
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        for p in base.parameters():
            p.requires_grad = False
        self.scaling = alpha
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features, dtype=base.weight.dtype) * 0.02)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, dtype=base.weight.dtype))

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.lora_A.T @ self.lora_B.T)

    def merged(self):
        new = copy.deepcopy(self.base)
        with torch.no_grad():
            new.weight += self.scaling * self.lora_B @ self.lora_A
        return new

# %% lora · freezes the base's weight and forgets its bias, which goes on training
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.base.weight.requires_grad_(False)
        dtype = base.weight.dtype
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features, dtype=dtype))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, dtype=dtype))

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scaling

    @torch.no_grad()
    def merged(self):
        out, width = self.base.weight.shape
        new = nn.Linear(width, out, bias=self.base.bias is not None, dtype=self.base.weight.dtype)
        new.weight.copy_(self.base.weight + self.scaling * self.lora_B @ self.lora_A)
        if self.base.bias is not None:
            new.bias.copy_(self.base.bias)
        return new

# %% lora · merged() adds the change to base itself and returns base, so the layer then counts it twice
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scaling = alpha / rank
        w = base.weight
        self.lora_A = nn.Parameter(torch.randn(rank, w.shape[1], dtype=w.dtype) / rank)
        self.lora_B = nn.Parameter(torch.zeros(w.shape[0], rank, dtype=w.dtype))

    def forward(self, x):
        return self.base(x) + self.scaling * F.linear(F.linear(x, self.lora_A), self.lora_B)

    def merged(self):
        self.base.weight.data += self.scaling * (self.lora_B @ self.lora_A).data
        return self.base

# %% lora · draws both matrices at random, so the layer does not begin as base
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base.requires_grad_(False), alpha / rank
        w = base.weight
        self.lora_A = nn.Parameter(torch.randn(rank, w.shape[1], dtype=w.dtype) * 0.01)
        self.lora_B = nn.Parameter(torch.randn(w.shape[0], rank, dtype=w.dtype) * 0.01)

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.lora_A.T) @ self.lora_B.T

    def merged(self):
        new = copy.deepcopy(self.base)
        new.weight.data = self.base.weight + self.scaling * (self.lora_B @ self.lora_A).detach()
        return new

# %% distillation_loss · forgets the factor T squared
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    T = temperature
    soft = F.kl_div(
        F.log_softmax(student_logits / T, dim=1),
        F.softmax(teacher_logits.detach() / T, dim=1),
        reduction="batchmean",
    )
    labelled = (targets != -100).sum()
    hard = F.cross_entropy(student_logits, targets, reduction="sum") / labelled.clamp(min=1)
    return weight * soft + (1 - weight) * hard

# %% distillation_loss · exchanges the two distributions: KL(student || teacher)
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    T = temperature
    log_q = F.log_softmax(student_logits / T, dim=1)
    log_p = F.log_softmax(teacher_logits.detach() / T, dim=1)
    soft = (log_q.exp() * (log_q - log_p)).sum(dim=1).mean()
    labelled = (targets != -100).sum()
    hard = F.cross_entropy(student_logits, targets, reduction="sum") / labelled.clamp(min=1)
    return weight * T**2 * soft + (1 - weight) * hard

# %% distillation_loss · leaves kl_div's default reduction, which divides by N times K instead of N
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    T = temperature
    soft = nn.KLDivLoss()(
        F.log_softmax(student_logits / T, dim=-1), F.softmax(teacher_logits.detach() / T, dim=-1)
    )
    if (targets != -100).any():
        hard = F.cross_entropy(student_logits, targets, ignore_index=-100)
    else:
        hard = torch.zeros((), dtype=student_logits.dtype)
    return weight * T * T * soft + (1 - weight) * hard

# %% distillation_loss · does not detach the teacher, so gradients reach its logits
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    T = temperature
    p = F.softmax(teacher_logits / T, dim=1)
    log_q = F.log_softmax(student_logits / T, dim=1)
    soft = F.kl_div(log_q, p, reduction="batchmean") * T**2
    labelled = targets != -100
    if labelled.any():
        hard = F.cross_entropy(student_logits[labelled], targets[labelled])
    else:
        hard = student_logits.sum() * 0
    return weight * soft + (1 - weight) * hard

# %% distillation_loss · gives nan where no row has a label, since the mean cross entropy is 0/0 there
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    T = temperature
    with torch.no_grad():
        p = (teacher_logits / T).softmax(dim=1)
    soft = F.kl_div((student_logits / T).log_softmax(dim=1), p, reduction="batchmean")
    hard = F.cross_entropy(student_logits, targets, ignore_index=-100)
    return weight * T**2 * soft + (1 - weight) * hard
