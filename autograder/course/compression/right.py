"""Other valid answers for `compression`, in styles that a learner may well choose."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, linear
from torch.nn.utils import parametrize

from autograder.checks import right

# --- qparams ------------------------------------------------------------------------------


@right("qparams", "in tensors, float32", zh="全程用 float32 张量")
def qparams_in_tensors(x, bits=8, symmetric=False):
    q_min, q_max = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    zero = torch.zeros(())
    if not torch.any(x):
        return torch.ones(()), torch.tensor(0)
    if symmetric:
        return x.abs().max() / q_max, torch.tensor(0)
    low, high = torch.minimum(x.min(), zero), torch.maximum(x.max(), zero)
    scale = (high - low) / (q_max - q_min)
    return scale, (q_min - torch.round(low / scale)).clamp(q_min, q_max).int()


@right("qparams", "in NumPy, float64", zh="用 NumPy 的 float64")
def qparams_in_numpy(x, bits=8, symmetric=False):
    values = np.append(np.asarray(x, dtype=np.float64), 0.0)
    low, high = values.min(), values.max()
    if low == high:
        return [np.float64(1), np.int64(0)]
    if symmetric:
        return [np.abs(values).max() / (2 ** (bits - 1) - 1), np.int64(0)]
    scale = (high - low) / (2**bits - 1)
    return [scale, np.rint(-(2 ** (bits - 1)) - low / scale)]


# --- quantize -----------------------------------------------------------------------------


@right("quantize", "in NumPy", zh="用 NumPy")
def quantize_in_numpy(x, scale, zero_point, bits=8):
    steps = np.rint(np.asarray(x, dtype=np.float64) / scale) + zero_point
    return np.clip(steps, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int8)


@right("quantize", "the zero point added before rounding", zh="先加零点再舍入")
def quantize_zero_point_first(x, scale, zero_point, bits=8):
    top = 2 ** (bits - 1)
    return (x * (1 / scale) + zero_point).round().clamp(-top, top - 1).char()


# --- quantize_per_channel -----------------------------------------------------------------


@right("quantize_per_channel", "one channel after the other", zh="逐个通道处理")
def channel_after_channel(weight, axis=0, bits=8):
    codes, scales = [], []
    for channel in weight.unbind(axis):
        scale = float(channel.abs().max()) / (2 ** (bits - 1) - 1) or 1.0
        codes.append(torch.round(channel.double() / scale).to(torch.int8))
        scales.append(scale)
    return torch.stack(codes, axis), scales


@right("quantize_per_channel", "scales that keep their dimensions", zh="缩放系数保留维度")
def scales_keep_dimensions(weight, axis=0, bits=8):
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scales = weight.abs().amax(dim=others, keepdim=True) / (2 ** (bits - 1) - 1)
    scales[scales == 0] = 1
    return (weight / scales).round().to(torch.int8), scales


# --- int8_state ---------------------------------------------------------------------------


@right("int8_state", "all by itself, in another order", zh="自成一体，换个顺序")
def state_by_itself(state):
    scales = {
        f"{name}.scale": (t.flatten(1).abs().amax(1) / 127).float().clamp(min=1e-12)
        for name, t in state.items()
        if t.ndim >= 2 and t.dtype.is_floating_point
    }
    stored = {}
    for name, tensor in state.items():
        stored[name] = tensor.clone()
        if f"{name}.scale" in scales:
            shape = (-1,) + (1,) * (tensor.ndim - 1)
            steps = tensor / scales[f"{name}.scale"].reshape(shape)
            stored[name] = steps.round().clamp(-128, 127).char()
    return {**scales, **stored}


# --- magnitude_masks ----------------------------------------------------------------------


@right("magnitude_masks", "a list, sorted", zh="用列表排序")
def masks_by_sorting(weights, sparsity):
    where = [
        (abs(value), name, place)
        for name, weight in weights.items()
        for place, value in enumerate(weight.detach().flatten().tolist())
    ]
    masks = {name: np.ones(weight.numel(), dtype=bool) for name, weight in weights.items()}
    for _, name, place in sorted(where)[: round(sparsity * len(where))]:
        masks[name][place] = False
    return {name: masks[name].reshape(tuple(weights[name].shape)) for name in reversed(masks)}


@right("magnitude_masks", "topk of what stays", zh="对保留的部分用 topk")
def masks_by_topk(weights, sparsity):
    flat = torch.cat([weight.detach().abs().reshape(-1) for weight in weights.values()])
    stay = len(flat) - round(sparsity * len(flat))
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[flat.topk(stay).indices] = True
    masks, start = {}, 0
    for name, weight in weights.items():
        masks[name] = mask[start : start + weight.numel()].view_as(weight)
        start += weight.numel()
    return masks


# --- mask_2_to_4 --------------------------------------------------------------------------


@right("mask_2_to_4", "ranks within the group", zh="看组内名次")
def by_rank(weight):
    if weight.shape[-1] % 4 != 0:
        raise ValueError("in must be a multiple of 4")
    groups = weight.abs().unflatten(1, (-1, 4))
    return (groups.argsort(dim=-1, descending=True).argsort(dim=-1) < 2).flatten(1)


@right("mask_2_to_4", "in NumPy, two smallest out", zh="用 NumPy 去掉最小的两个")
def two_smallest_out(weight):
    w = np.abs(np.asarray(weight))
    groups = w.reshape(w.shape[0], w.shape[1] // 4, 4)  # ValueError by itself
    mask = np.ones_like(groups, dtype=bool)
    np.put_along_axis(mask, np.argpartition(groups, 1, axis=-1)[..., :2], False, axis=-1)
    return mask.reshape(w.shape)


# --- retrain_pruned -----------------------------------------------------------------------


@right("retrain_pruned", "gradients masked instead of weights", zh="屏蔽梯度而不是权重")
def gradients_masked(model, masks, batches, lr=3e-3):
    for name, mask in masks.items():
        weight = model.get_parameter(name)
        weight.data[~mask] = 0
        weight.register_hook(lambda grad, mask=mask: grad * mask)
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    model.train()
    for x, y in batches:
        loss = nn.CrossEntropyLoss()(model(x), y)
        model.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return model


class _Masked(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, weight):
        return weight * self.mask


@right("retrain_pruned", "a parametrization", zh="用 parametrize")
def by_parametrization(model, masks, batches, lr=3e-3):
    owners = [(model.get_submodule(n.rpartition(".")[0]), n.rpartition(".")[2]) for n in masks]
    for (owner, last), mask in zip(owners, masks.values(), strict=True):
        parametrize.register_parametrization(owner, last, _Masked(mask))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
    for owner, last in owners:
        parametrize.remove_parametrizations(owner, last)
    return model.eval()


# --- low_rank -----------------------------------------------------------------------------


@right("low_rank", "roots of the singular values on either side", zh="两边各乘奇异值的平方根")
def roots_on_either_side(weight, rank=None):
    m, n = weight.shape
    rank = math.ceil(m * n / (m + n)) - 1 if rank is None else rank
    u, s, v = torch.svd(weight.double())
    root = s[:rank].sqrt()
    return (u[:, :rank] * root).float(), (v[:, :rank] * root).T.float()


@right("low_rank", "in NumPy, all singular values on the right", zh="用 NumPy，奇异值全放右边")
def numpy_on_the_right(weight, rank=None):
    m, n = weight.shape
    if rank is None:
        rank = 1
        while (rank + 1) * (m + n) < m * n:
            rank += 1
    u, s, vh = np.linalg.svd(np.asarray(weight))
    return u[:, :rank], np.diag(s[:rank]) @ vh[:rank]


# --- LoRALinear ---------------------------------------------------------------------------


@right("LoRALinear", "the weight of the base as a buffer", zh="把 base 的权重当 buffer")
class AsBuffers(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        base.weight.requires_grad = False
        if base.bias is not None:
            base.bias.requires_grad = False
        self.register_buffer("weight", base.weight.data)
        self.register_buffer("bias", None if base.bias is None else base.bias.data)
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features, dtype=base.weight.dtype))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank).to(base.weight))
        with torch.no_grad():
            self.lora_A *= 0.1
        self.alpha = alpha

    def forward(self, x):
        low = linear(x, self.lora_A)
        update = linear(low, self.lora_B) * self.alpha / self.lora_A.shape[0]
        return linear(x, self.weight, self.bias) + update

    def merged(self):
        out, width = self.weight.shape
        plain = nn.Linear(width, out, bias=self.bias is not None).to(self.weight)
        update = self.lora_B @ self.lora_A * self.alpha / self.lora_A.shape[0]
        plain.weight.data = (self.weight + update).detach()
        if self.bias is not None:
            plain.bias.data = self.bias.clone()
        return plain


# --- distillation_loss --------------------------------------------------------------------


@right("distillation_loss", "written out, row by row", zh="逐行写出来")
def row_by_row(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    with torch.no_grad():
        log_p = torch.log_softmax(teacher_logits / temperature, -1)
    log_q = torch.log_softmax(student_logits / temperature, -1)
    soft = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    log_own = torch.log_softmax(student_logits, -1)
    hard = [-log_own[i, y] for i, y in enumerate(targets.tolist()) if y >= 0]
    mean = torch.stack(hard).mean() if hard else student_logits.new_zeros(())
    return weight * temperature**2 * soft + (1 - weight) * mean


@right("distillation_loss", "KLDivLoss, in float64", zh="用 KLDivLoss，float64")
def with_kl_div_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    z, t = student_logits.double(), teacher_logits.detach().double()
    kl = nn.KLDivLoss(reduction="batchmean")
    soft = kl((z / temperature).log_softmax(1), (t / temperature).softmax(1))
    known = targets != -100
    hard = cross_entropy(z[known], targets[known]) if known.any() else 0
    return weight * soft * temperature**2 + (1 - weight) * hard
