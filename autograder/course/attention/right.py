"""Other right answers for `attention`, in styles that must pass."""

import math

import numpy as np
import torch
from torch import nn

from autograder.checks import right

# --- softmax ------------------------------------------------------------------------------


@right("softmax", "by the logarithm of the sum", zh="用 logsumexp")
def by_logsumexp(scores, dim=-1):
    total = scores.logsumexp(dim, keepdim=True)
    return torch.where(total == -torch.inf, 0, (scores - total).exp()).to(scores.dtype)


@right("softmax", "nan replaced at the end, half precision raised", zh="最后替换 nan，半精度先升高")
def nan_replaced(scores, dim=-1):
    exact = scores.double()
    powers = torch.exp(exact - torch.max(exact, dim, keepdim=True).values)
    return (powers / powers.sum(dim, keepdim=True)).nan_to_num(nan=0.0).to(scores.dtype)


@right("softmax", "in NumPy", zh="用 NumPy")
def in_numpy(scores, dim=-1):
    exact = scores.double().numpy()
    highest = exact.max(axis=dim, keepdims=True)
    powers = np.exp(exact - np.where(np.isneginf(highest), 0, highest))
    total = powers.sum(axis=dim, keepdims=True)
    return torch.from_numpy(powers / np.where(total == 0, 1, total)).to(scores.dtype)


# --- scaled_dot_product_attention ---------------------------------------------------------


@right("scaled_dot_product_attention", "einsum and an added mask", zh="einsum，加性掩码")
def by_einsum(query, key, value, mask=None):
    scores = torch.einsum("...ld,...sd->...ls", query / math.sqrt(query.size(-1)), key)
    if mask is not None:
        added = torch.zeros(mask.shape, dtype=scores.dtype).masked_fill_(~mask, float("-inf"))
        scores = scores + added
    weights = by_logsumexp(scores)
    return torch.einsum("...ls,...sv->...lv", weights, value), weights


@right("scaled_dot_product_attention", "a large negative number, mended afterwards",
       zh="先填很大的负数，再补救")  # fmt: skip
def mended_afterwards(query, key, value, mask=None):
    scores = torch.matmul(query, key.mT) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    weights = (scores - scores.max(-1, keepdim=True).values).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


# --- masks --------------------------------------------------------------------------------


@right("causal_mask", "lower triangle of ones", zh="全 1 的下三角")
def by_tril(num_queries, num_keys, window=None):
    ones = torch.ones(num_queries, num_keys, dtype=torch.bool)
    seen = ones.tril(num_keys - num_queries)
    return seen if window is None else seen.triu(num_keys - num_queries - window + 1)


@right("causal_mask", "the last rows of the square mask", zh="取方阵掩码的最后几行")
def last_rows(num_queries, num_keys, window=None):
    i, j = np.indices((num_keys, num_keys))
    seen = (j <= i) & (i - j < (window or num_keys))
    return torch.tensor(seen[-num_queries:])


@right("padding_mask", "flipped for the left", zh="左侧填充时翻转")
def by_flipping(lengths, size, side="right"):
    seen = torch.stack([torch.arange(size) < int(length) for length in lengths])
    return (seen.flip(-1) if side == "left" else seen).view(-1, 1, 1, size)


# --- MultiHeadAttention -------------------------------------------------------------------


@right("MultiHeadAttention", "head by head", zh="一个头一个头地算")
class HeadByHead(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model % num_heads != 0")
        self.d, self.h = d_model // num_heads, num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(d_model, d_model, bias=True) for _ in range(4)
        )

    def forward(self, x, memory=None, mask=None):
        memory = memory if memory is not None else x
        q, k, v = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        if mask is not None:
            mask = mask.expand(len(x), self.h, x.shape[1], memory.shape[1])
        heads = []
        for h in range(self.h):
            part = slice(h * self.d, (h + 1) * self.d)
            seen = None if mask is None else mask[:, h]
            heads.append(by_einsum(q[..., part], k[..., part], v[..., part], seen)[0])
        return self.out_proj(torch.cat(heads, dim=-1))


# --- positions ----------------------------------------------------------------------------


@right("sinusoidal_positions", "filled column by column", zh="逐列填写")
def by_columns(length, d_model, base=10000.0):
    table = torch.zeros(length, d_model)
    place = torch.arange(length, dtype=torch.float)[:, None]
    rates = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(base) / d_model))
    table[:, 0::2] = torch.sin(place * rates)
    table[:, 1::2] = torch.cos(place * rates)
    return table


@right("apply_rotary", "complex numbers", zh="用复数")
def by_complex(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, dtype=torch.double) / half)
    turns = torch.polar(torch.ones(len(positions), half).double(), positions[:, None] * rates)
    points = torch.complex(x[..., :half].double(), x[..., half:].double()) * turns
    return torch.cat([points.real, points.imag], -1).to(x.dtype)


@right("apply_rotary", "rotate half, as in transformers", zh="rotate_half，和 transformers 一样")
def by_rotate_half(x, positions, base=10000.0):
    d = x.shape[-1]
    inverse = 1.0 / base ** (torch.arange(0, d, 2).float() / d)
    angles = torch.outer(positions.float(), inverse)
    angles = torch.cat([angles, angles], dim=-1)
    turned = torch.cat([-x[..., d // 2 :], x[..., : d // 2]], dim=-1)
    return (x * angles.cos() + turned * angles.sin()).type_as(x)


# --- grouped queries, and counting --------------------------------------------------------


@right("grouped_query_attention", "an axis for the groups", zh="给分组单开一个轴")
def axis_of_groups(query, key, value, mask=None):
    batch, heads, length, d = query.shape
    groups = key.shape[1]
    if heads % groups:
        raise ValueError(heads, groups)
    grouped = query.reshape(batch, groups, heads // groups, length, d)
    if mask is not None:
        mask = mask.expand(batch, heads, length, key.shape[2])
        mask = mask.reshape(batch, groups, heads // groups, length, -1)
    output, _ = by_einsum(grouped, key[:, :, None], value[:, :, None], mask)
    return output.reshape(batch, heads, length, -1)


@right("cache_bytes", "layer by layer", zh="逐层累加")
def layer_by_layer(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    d = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    one = torch.zeros(batch_size, heads, tokens, d, dtype=torch.int8).numel()
    return np.int64(sum(2 * one * bytes_per_value for _ in range(config["num_hidden_layers"])))


def _linear(a, b):
    return a * b + b


@right("bert_parameters", "part by part", zh="逐部分相加")
def bert_part_by_part(config):
    d, f = config["hidden_size"], config["intermediate_size"]
    total = (config["vocab_size"] + config["max_position_embeddings"]) * d
    total += config["type_vocab_size"] * d + 2 * d
    for _ in range(config["num_hidden_layers"]):
        total += 4 * _linear(d, d) + 2 * d + _linear(d, f) + _linear(f, d) + 2 * d
    return total + _linear(d, d)


@right("gpt2_parameters", "by the known formula", zh="套用公式")
def gpt2_by_formula(config):
    d, layers = config["n_embd"], config["n_layer"]
    f = config["n_inner"] if config["n_inner"] is not None else 4 * d
    layer = 4 * d**2 + 2 * d * f + 9 * d + f
    return torch.tensor(d * (config["vocab_size"] + config["n_positions"] + 2) + layers * layer)
