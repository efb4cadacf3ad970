"""The oracle for `inference`: transformers' caches, torch's fusion and attention, slow simulation.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy
import math
from types import FunctionType

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.fusion import fuse_conv_bn_weights
from transformers import AutoModel


def kv_cache_bytes(config, tokens, bytes_per_value=2):
    """Return what a model's own cache takes, measured on two tokens without any memory."""
    config = copy.deepcopy(config)
    for name in ("num_key_value_heads", "head_dim"):
        if getattr(config, name, 0) is None:  # as if it had not been given
            config = type(config)(**{k: v for k, v in config.to_dict().items() if v is not None})
    with torch.device("meta"):
        model = AutoModel.from_config(config)
        cache = model(torch.zeros(1, 2, dtype=torch.long), use_cache=True).past_key_values
    values = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    return values / 2 * tokens * bytes_per_value


def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    """Return the longer of reading and computing, by sorting them."""
    times = [
        (parameters * bytes_per_weight / bandwidth + cache_bytes / bandwidth, "memory"),
        (parameters / peak_flops * tokens * 2, "compute"),
    ]
    seconds, bound = sorted(times)[-1]
    return {"seconds": seconds, "bound": bound}


# torch's own, under another name: a probe watches whether learners call the library's.
_fold = FunctionType(
    fuse_conv_bn_weights.__code__.replace(co_name="fold"), fuse_conv_bn_weights.__globals__,
    "fold", fuse_conv_bn_weights.__defaults__,
)  # fmt: skip


def fuse_conv_bn(conv, bn):
    """Return torch's own fusion of the weights in a convolution of the same settings."""
    fused = torch.nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups, padding_mode=conv.padding_mode,
    )  # fmt: skip
    weights = (conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = _fold(*weights)
    return fused.eval()


def tiled_attention(query, tiles):
    """Return torch's attention of each tile, joined by torch's log-sum-exp, in double precision."""
    query, joined = query.double(), None
    for key, value in ((key.double(), value.double()) for key, value in tiles):
        here = scaled_dot_product_attention(query[None], key[None], value[None])[0]
        size = torch.logsumexp(query @ key.T / math.sqrt(query.shape[1]), dim=1)
        if joined is None:
            joined, total = here, size
        else:
            share = torch.sigmoid(size - total)[:, None]
            joined, total = joined + share * (here - joined), torch.logaddexp(total, size)
    return joined


def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    """Return the result of all ranks, hidden unit after hidden unit in double precision."""
    x, w, b, v, c = (t.detach().double() for t in (x, up.weight, up.bias, down.weight, down.bias))
    partial = torch.zeros(len(x), len(v), dtype=torch.double)
    for unit in range(len(w)):
        if unit * world_size // len(w) == rank:
            hidden = torch.nn.functional.gelu((x * w[unit]).sum(dim=1) + b[unit])
            partial += torch.outer(hidden, v[:, unit])
    return all_reduce(partial) + c


def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    """Return how many are accepted and from what to draw next, in exact arithmetic's order."""
    q, p = (np.asarray(rows, dtype=float) for rows in (draft_probabilities, target_probabilities))
    tokens, draws = np.asarray(drafted), np.asarray(uniforms, dtype=float)
    places = np.arange(len(tokens))
    accepted = draws < p[places, tokens] / q[places, tokens]
    count = int(np.logical_and.accumulate(accepted).sum())
    if count == len(tokens):
        return count, p[count]
    left = np.where(p[count] > q[count], p[count] - q[count], 0)
    return count, left / math.fsum(left)


_accept_drafts = accept_drafts


def speculative_generate(
    target, draft, ids, max_new_tokens, gamma, generator, *, accept_drafts=None
):
    """Return the text, written round by round; plain lists."""
    rule = accept_drafts or _accept_drafts
    text = ids.tolist()
    while len(text) < len(ids) + max_new_tokens:
        guesses, rows = [], []
        for _ in range(gamma):
            rows.append(draft(torch.tensor(text + guesses))[-1])
            guesses.append(int(torch.multinomial(rows[-1], 1, generator=generator)))
        p = target(torch.tensor(text + guesses))[-gamma - 1 :]
        uniforms = torch.rand(gamma, generator=generator)
        count, left = rule(torch.tensor(guesses), torch.stack(rows), p, uniforms)
        next_token = torch.multinomial(torch.as_tensor(left), 1, generator=generator)
        text += [*guesses[: int(count)], int(next_token)]
    return torch.tensor(text[: len(ids) + max_new_tokens])


def cache_waste(history, page_size):
    """Return the share of empty slots, counted slot by slot."""
    slots = empty = 0
    for step in history:
        for tokens in step.values():
            slot = 0
            while slot < tokens or slot % page_size:
                empty += slot >= tokens
                slot += 1
            slots += slot
    return empty / slots if slots else 0.0


class _Request:
    """One request and the very pages that it holds."""

    def __init__(self, number, arrival, prompt, new):
        self.number, self.arrival, self.tokens = number, arrival, prompt
        self.end, self.pages = prompt + new, set()

    def take(self, free, page_size, room):
        """Take pages one by one until `room` tokens fit; without enough of them, take none."""
        missing = sorted(free)
        taken = set()
        while (len(self.pages) + len(taken)) * page_size < room:
            if not missing:
                return False
            taken.add(missing.pop())
        free -= taken
        self.pages |= taken
        return True

    def give_back(self, free):
        free |= self.pages
        self.pages = set()


def continuous_batching(requests, num_pages, page_size):
    """Return the history, simulated with every page by name."""
    free, history = set(range(num_pages)), []
    everyone = [_Request(number, *request) for number, request in enumerate(requests)]
    while any(request.tokens < request.end for request in everyone):
        for request in everyone:
            if request.pages or request.tokens == request.end:
                continue
            if request.arrival > len(history) or not request.take(free, page_size, request.tokens):
                break
        for request in everyone:
            while request.pages and not request.take(free, page_size, request.tokens + 1):
                [other for other in everyone if other.pages][-1].give_back(free)
            request.tokens += bool(request.pages)
        history.append({request.number: request.tokens for request in everyone if request.pages})
        for request in everyone:
            if request.tokens == request.end:
                request.give_back(free)
    return history
