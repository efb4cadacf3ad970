"""Oracles for `compression`: torch's own quantisers, pruning and distributions, or the slow way."""

import itertools
import math
import warnings

import numpy as np
import torch
from torch import nn
from torch.ao.quantization import MinMaxObserver
from torch.distributions import Categorical, kl_divergence
from torch.nn.functional import cross_entropy, linear
from torch.nn.utils import prune


def qparams(x, bits=8, symmetric=False):
    top = 2 ** (bits - 1)
    if not x.any():
        return 1.0, 0
    scheme = torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine
    # Of the symmetric codes, torch's observer is told that the lowest one is not in use.
    lowest = 1 - top if symmetric else -top
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao.quantization moves to torchao
        observer = MinMaxObserver(
            dtype=torch.qint8, qscheme=scheme, quant_min=lowest, quant_max=top - 1, eps=0.0
        )
        observer(x)
        scale, zero_point = observer.calculate_qparams()
    return scale.item(), zero_point.item()


def quantize(x, scale, zero_point, bits=8):
    ends = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = torch.fake_quantize_per_tensor_affine(x, float(scale), int(zero_point), *ends)
    return (values / scale + zero_point).round().to(torch.int8)


def quantize_per_channel(weight, axis=0, bits=8, *, quantize=None):
    top = 2 ** (bits - 1) - 1
    greatest = [channel.abs().max().item() for channel in weight.unbind(axis)]
    scales = torch.tensor([value / top if value else 1.0 for value in greatest])
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    given = weight.detach().float()
    values = torch.fake_quantize_per_channel_affine(given, scales, zeros, axis, -top - 1, top)
    shape = [-1 if i == axis else 1 for i in range(weight.dim())]
    if quantize is not None:
        # In the weight's own type, as most compute: who cuts turns a rounding error into a code.
        own = torch.tensor(greatest, dtype=weight.dtype) / top
        steps = torch.where(own > 0, own, 1.0).split(1)
        pairs = zip(weight.detach().unbind(axis), steps, strict=True)
        codes = [torch.as_tensor(quantize(channel, scale, 0, bits)) for channel, scale in pairs]
        return torch.stack(codes, axis), scales
    return (values / scales.reshape(shape)).round().to(torch.int8), scales


_oracle = quantize_per_channel


def int8_state(state, *, quantize_per_channel=None):
    quantize_per_channel = quantize_per_channel or _oracle
    stored = {}
    for name, tensor in state.items():
        if tensor.dtype.is_floating_point and len(tensor.shape) >= 2:
            codes, scales = quantize_per_channel(tensor, 0, 8)
            stored[name] = torch.as_tensor(codes)
            stored[name + ".scale"] = torch.as_tensor(scales, dtype=torch.float32).flatten()
        else:
            stored[name] = tensor
    return stored


def magnitude_masks(weights, sparsity):
    modules = {name: nn.Module() for name in weights}
    for name, module in modules.items():
        module.weight = nn.Parameter(weights[name].detach().clone())
    places = [(module, "weight") for module in modules.values()]
    amount = round(sparsity * sum(weight.numel() for weight in weights.values()))
    prune.global_unstructured(places, pruning_method=prune.L1Unstructured, amount=amount)
    return {name: module.weight_mask.bool() for name, module in modules.items()}


def mask_2_to_4(weight):
    rows, columns = weight.shape
    if columns % 4 != 0:
        raise ValueError("no groups of four")
    mask = torch.zeros(rows, columns, dtype=torch.bool)
    for row, start in itertools.product(range(rows), range(0, columns, 4)):
        by_size = sorted(range(start, start + 4), key=lambda c: -abs(weight[row, c].item()))
        mask[row, by_size[:2]] = True
    return mask


def retrain_pruned(model, masks, batches, lr=3e-3):
    places = [(*_owner(model, name), mask) for name, mask in masks.items()]
    order = list(dict(model.named_parameters()))
    for module, name, mask in places:
        prune.custom_from_mask(module, name, mask)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for x, y in batches:
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for module, name, _ in places:
        prune.remove(module, name)
    assert set(order) == set(dict(model.named_parameters()))
    return model.eval()


def _owner(model, name):
    path, _, last = name.rpartition(".")
    return model.get_submodule(path), last


def low_rank(weight, rank=None):
    w = weight.detach().double().numpy()
    m, n = w.shape
    if rank is None:
        rank = max(r for r in range(1, min(m, n) + 1) if m * r + r * n < m * n)
    # The nearest matrix of rank r: rows projected on the r strongest directions of the rows.
    directions = np.linalg.eigh(w.T @ w)[1][:, ::-1][:, :rank]
    return w @ directions, directions.T


class LoRALinear(nn.Module):
    """The update added to the weight at every pass, as the formula says."""

    def __init__(self, base, rank, alpha):
        super().__init__()
        for parameter in base.parameters():
            parameter.requires_grad = False
        self.base, self.rank, self.alpha = base, rank, alpha
        kind = {"dtype": base.weight.dtype}
        a = torch.randn(rank, base.in_features, **kind) / math.sqrt(base.in_features)
        self.lora_A = nn.Parameter(a)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, **kind))

    def weight(self):
        return self.base.weight + self.alpha / self.rank * self.lora_B @ self.lora_A

    def forward(self, x):
        return linear(x, self.weight(), self.base.bias)

    def merged(self):
        out, width = self.base.weight.shape
        with_bias = self.base.bias is not None
        plain = nn.Linear(width, out, bias=with_bias, dtype=self.base.weight.dtype)
        with torch.no_grad():
            plain.weight.copy_(self.weight())
            if with_bias:
                plain.bias.copy_(self.base.bias)
        return plain


def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    teacher = Categorical(logits=teacher_logits.detach().double() / temperature)
    student = Categorical(logits=student_logits.double() / temperature)
    soft = kl_divergence(teacher, student).mean()
    own = Categorical(logits=student_logits.double())
    hard = [-own.log_prob(y)[i] for i, y in enumerate(targets) if y != -100]
    mean = sum(hard) / len(hard) if hard else 0.0
    return weight * temperature**2 * soft + (1 - weight) * mean
