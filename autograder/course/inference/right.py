"""Other right answers for `inference`, in styles that must pass."""

import copy
from collections import deque

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder.checks import right

# --- kv_cache_bytes -----------------------------------------------------------------------


@right("kv_cache_bytes", "from the shape of the cache", zh="由缓存的形状得出")
def by_shape(config, tokens, bytes_per_value=2):
    sizes = config.to_dict()
    heads = sizes.get("num_key_value_heads") or config.num_attention_heads
    width = sizes.get("head_dim") or config.hidden_size / config.num_attention_heads
    shape = (config.num_hidden_layers, 2, heads, tokens, width)
    return np.prod(shape) * np.float64(bytes_per_value)


# --- step_time ----------------------------------------------------------------------------


@right("step_time", "by arithmetic intensity", zh="比较算术强度")
def by_intensity(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    moved = torch.tensor(parameters * bytes_per_weight + cache_bytes, dtype=torch.float64)
    done = 2 * parameters * tokens
    if done / moved < peak_flops / bandwidth:
        return {"seconds": moved / bandwidth, "bound": "memory"}
    return {"bound": "compute", "seconds": done / peak_flops}


# --- fuse_conv_bn -------------------------------------------------------------------------


@right("fuse_conv_bn", "a new convolution, asked what bn does", zh="新建卷积，让 bn 自己说出变换")
def by_asking_bn(conv, bn):
    with torch.no_grad():
        zero = torch.zeros(1, bn.num_features, 1, 1)
        shift = bn(zero).flatten()
        scale = (bn(zero + 1).double() - bn(zero).double()).flatten().float()
        fused = nn.Conv2d(
            conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
            conv.dilation, conv.groups, bias=True, padding_mode=conv.padding_mode,
        )  # fmt: skip
        fused.weight.copy_(torch.einsum("oikl,o->oikl", conv.weight, scale))
        bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
        fused.bias.copy_(scale * bias + shift)
    return fused


@right("fuse_conv_bn", "in double precision on a deep copy", zh="在深拷贝上用双精度计算")
def in_double(conv, bn):
    fused = copy.deepcopy(conv)
    gamma = 1 if bn.weight is None else bn.weight.detach().double()
    beta = 0 if bn.bias is None else bn.bias.detach().double()
    scale = gamma / torch.sqrt(bn.running_var.double() + bn.eps)
    bias = 0 if conv.bias is None else conv.bias.detach().double()
    weight = conv.weight.detach().double() * scale.view(-1, 1, 1, 1)
    fused.weight = nn.Parameter(weight.float())
    fused.bias = nn.Parameter((scale * (bias - bn.running_mean) + beta).float())
    return fused.eval()


# --- tiled_attention ----------------------------------------------------------------------


@right(
    "tiled_attention",
    "normalised after every tile, by log-sum-exp",
    zh="每块都归一化，用 log-sum-exp",
)
def by_log_sum_exp(query, tiles):
    result = lse = None
    for key, value in tiles:
        scores = query @ key.transpose(0, 1) * query.size(-1) ** -0.5
        here, mixed = torch.logsumexp(scores, dim=1), torch.softmax(scores, dim=1) @ value
        if result is None:
            lse, result = here, mixed
        else:
            both = torch.logaddexp(lse, here)
            result = (
                torch.exp(lse - both)[:, None] * result + torch.exp(here - both)[:, None] * mixed
            )
            lse = both
    return result


@right("tiled_attention", "NumPy, in double precision", zh="NumPy，双精度")
def in_numpy(query, tiles):
    q = query.double().numpy() / np.sqrt(query.shape[1])
    tiles, m, total, mixed = iter(tiles), np.full(len(q), -np.inf), 0.0, 0.0
    while True:
        try:
            k, v = (part.double().numpy() for part in next(tiles))
        except StopIteration:
            return (mixed / total[:, None]).astype(np.float32)
        s = q @ k.T
        new = np.maximum(m, s.max(axis=1))
        w, shrink = np.exp(s - new[:, None]), np.exp(m - new)
        total, mixed, m = total * shrink + w.sum(axis=1), mixed * shrink[:, None] + w @ v, new


# --- tensor_parallel_mlp ------------------------------------------------------------------


@right(
    "tensor_parallel_mlp",
    "chunks, and the bias on the first rank",
    zh="用 chunk，偏置由第一个 rank 加",
)
def bias_on_the_first(x, up, down, rank, world_size, all_reduce):
    rows, bias = up.weight.chunk(world_size)[rank], up.bias.chunk(world_size)[rank]
    part = functional.gelu(x @ rows.T + bias) @ down.weight.chunk(world_size, dim=1)[rank].T
    return all_reduce(part + down.bias if rank == 0 else part)


@right("tensor_parallel_mlp", "a share of the bias on every rank", zh="每个 rank 加一份偏置")
def shares_the_bias(x, up, down, rank, world_size, all_reduce):
    units = torch.arange(up.out_features).reshape(world_size, -1)[rank]
    hidden = nn.GELU()(x @ up.weight[units].T + up.bias[units])
    return all_reduce(hidden @ down.weight[:, units].T + down.bias / world_size).numpy()


# --- accept_drafts ------------------------------------------------------------------------


@right("accept_drafts", "all at once, with a cumulative product", zh="一次算完，用累乘")
def by_cumulative_product(drafted, draft_probabilities, target_probabilities, uniforms):
    places = torch.arange(len(drafted))
    p, q = target_probabilities[places, drafted], draft_probabilities[places, drafted]
    count = (uniforms < (p / q).clamp(max=1)).int().cumprod(0).sum()
    padded = torch.cat([draft_probabilities, torch.zeros_like(draft_probabilities[:1])])
    left = torch.relu(target_probabilities[count] - padded[count])
    return count, left / left.sum()


@right("accept_drafts", "NumPy, in double precision", zh="NumPy，双精度")
def accepted_in_numpy(drafted, draft_probabilities, target_probabilities, uniforms):
    q, p = draft_probabilities.double().numpy(), target_probabilities.double().numpy()
    for i, (token, u) in enumerate(zip(drafted.tolist(), uniforms.tolist(), strict=True)):
        if u >= p[i, token] / q[i, token]:
            left = p[i] - np.minimum(p[i], q[i])
            return np.int64(i), left / left.sum()
    return len(drafted), p[len(drafted)].tolist()


# --- speculative_generate -----------------------------------------------------------------


@right(
    "speculative_generate",
    "never drafts too many; draws by inverting",
    zh="不多打草稿，用逆变换抽样",
)
def drafts_what_is_needed(target, draft, ids, max_new_tokens, gamma, generator):
    def draw(p):
        u = torch.rand((), generator=generator, dtype=torch.float64)
        total = p.double().cumsum(0)
        return int((total <= u * total[-1]).sum().clamp(max=len(p) - 1))

    text, end = ids.tolist(), len(ids) + max_new_tokens
    while len(text) < end:
        start, q, refused = len(text), [], False
        for _ in range(min(gamma, end - start - 1)):
            q.append(draft(torch.tensor(text))[-1])
            text.append(draw(q[-1]))
        p = target(torch.tensor(text))[start - 1 :]
        for i, row in enumerate(q):
            token = text[start + i]
            if torch.rand((), generator=generator) >= p[i, token] / row[token]:
                left = (p[i] - row).clamp(min=0)
                text, refused = [*text[: start + i], draw(left)], True
                break
        if not refused:
            text.append(draw(p[len(q)]))
    return torch.tensor(text)


@right("speculative_generate", "a list of ids, cut at the end", zh="用列表，最后截断")
def with_a_list(target, draft, ids, max_new_tokens, gamma, generator):
    text = list(ids)
    while len(text) - len(ids) < max_new_tokens:
        base, rows = torch.stack(text), []
        for _ in range(gamma):
            rows.append(draft(torch.stack(text))[-1])
            text.append(torch.multinomial(rows[-1], 1, generator=generator)[0])
        p = target(torch.stack(text))[-(gamma + 1) :]
        drafts, uniforms = torch.stack(text[len(base) :]), torch.rand(gamma, generator=generator)
        count, left = by_cumulative_product(drafts, torch.stack(rows), p, uniforms)
        text = text[: len(base) + int(count)]
        text.append(torch.multinomial(left, 1, generator=generator)[0])
    return np.array([int(token) for token in text[: len(ids) + max_new_tokens]])


# --- cache_waste --------------------------------------------------------------------------


@right("cache_waste", "NumPy", zh="NumPy")
def waste_in_numpy(history, page_size):
    held = np.array([n for step in history for n in step.values()], dtype=float)
    slots = np.ceil(held / page_size) * page_size
    return np.float64(0) if not slots.sum() else (slots - held).sum() / slots.sum()


# --- continuous_batching ------------------------------------------------------------------


@right("continuous_batching", "with every page in a table", zh="给每个请求一张页表")
def with_page_tables(requests, num_pages, page_size):
    free, line = deque(range(num_pages)), deque(enumerate(requests))
    table, tokens, history = {}, {i: prompt for i, (_, prompt, _) in enumerate(requests)}, []

    def release(i):
        free.extend(table.pop(i))

    while line or table:
        while line and line[0][1][0] <= len(history):
            need = (tokens[line[0][0]] + page_size - 1) // page_size
            if need > len(free):
                break
            table[line.popleft()[0]] = [free.popleft() for _ in range(need)]
        for i in sorted(table):
            while i in table and tokens[i] == len(table[i]) * page_size:
                if free:
                    table[i].append(free.popleft())
                else:
                    last = max(table)
                    release(last)
                    line.appendleft((last, requests[last]))
            if i in table:
                tokens[i] += 1
        history.append({i: np.int64(tokens[i]) for i in sorted(table)})
        for i in [i for i in table if tokens[i] == requests[i][1] + requests[i][2]]:
            release(i)
    return history
