"""What the probes of `inference` measure with: memory that is held, ranks, models as functions."""

import copy
import sys
import tracemalloc
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class Held(TorchDispatchMode):
    """Bytes of all tensors that are alive, and of what else Python allocates, at each note."""

    def __init__(self):
        super().__init__()
        self.alive, self.notes = WeakIdKeyDictionary(), []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.alive[leaf] = True
        return out

    def note(self):
        """Note what is held now; a storage counts once, however many tensors look at it."""
        storages = (tensor.untyped_storage() for tensor in list(self.alive))
        tensors = sum({s.data_ptr(): s.nbytes() for s in storages}.values())
        self.notes.append(tensors + tracemalloc.get_traced_memory()[0])

    def watching(self):
        """Watch tensors and Python's own memory in a with block."""
        stack = ExitStack()
        stack.enter_context(_traced())
        stack.enter_context(self)
        return stack


@contextmanager
def _traced():
    mine = not tracemalloc.is_tracing()
    if mine:
        tracemalloc.start()
    try:
        yield
    finally:
        if mine:
            tracemalloc.stop()


@contextmanager
def calls_of_torchs_fusion():
    """Yield a list that grows by one with each call."""
    calls = []

    def watch(frame, event, _):
        if event == "call" and frame.f_code is fuse_conv_bn_weights.__code__:
            calls.append(1)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def _owned(layer, axis, rank, world_size):
    """A copy of the layer in which everything but one rank's block is nan."""
    layer = copy.deepcopy(layer)
    parts = [layer.weight] if axis else [layer.weight, layer.bias]
    with torch.no_grad():
        for part in parts:
            share = part.shape[axis] // world_size
            for start in range(0, part.shape[axis], share):
                if start != rank * share:
                    part.narrow(axis, start, share).fill_(float("nan"))
    return layer


def on_all_ranks(program, x, up, down, world_size):
    """Run all ranks again and again, until every sum that they ask for is known.

    Returns what each rank returned, and the tensors that it handed in.
    """
    totals = []
    while True:
        handed, results = [[] for _ in range(world_size)], []
        for rank, mine in enumerate(handed):

            def all_reduce(t, mine=mine):
                mine.append(torch.as_tensor(t).detach().clone())
                return totals[len(mine) - 1].clone() if len(mine) <= len(totals) else mine[-1]

            layers = _owned(up, 0, rank, world_size), _owned(down, 1, rank, world_size)
            with torch.no_grad():
                results.append(program(x.clone(), *layers, rank, world_size, all_reduce))
        known = len(totals)
        if known >= min(map(len, handed)) or known > 3:
            return results, handed
        total = torch.stack([parts[known].double() for parts in handed]).sum(0)
        totals.append(total.to(handed[0][known].dtype))


class Table:
    """A bigram model: the distribution of the next token is a row of the table. Counts calls."""

    def __init__(self, rows):
        self.rows, self.calls = rows, 0

    def __call__(self, ids):
        self.calls += 1
        return self.rows[ids]


class Network:
    """A causal network as a function from ids (T,) to probabilities (T, V). Counts calls."""

    def __init__(self, network, temperature):
        self.network, self.temperature, self.calls = network, temperature, 0

    def __call__(self, ids):
        self.calls += 1
        with torch.no_grad():
            logits = self.network(ids[None]).logits[0]
        return torch.softmax(logits / self.temperature, dim=-1)


def first_layer_of(network):
    """A cheaper model of the same vocabulary: the network's own first layer with its own head."""
    draft = copy.deepcopy(network)
    draft.transformer.h = draft.transformer.h[:1]
    return draft


def llama(rng, **changes):
    """A grouped configuration; each of its numbers moves the result."""
    from transformers import LlamaConfig

    heads, groups, width = (int(rng.choice(of)) for of in ((2, 3, 4), (2, 3, 5), (8, 16)))
    sizes = {"hidden_size": heads * groups * width, "num_attention_heads": heads * groups,
             "num_key_value_heads": heads, "num_hidden_layers": int(rng.integers(5, 8)),
             "intermediate_size": 64, "vocab_size": 96}  # fmt: skip
    return LlamaConfig(**{**sizes, **changes})


def conv_and_bn(torch_rng, *sizes, affine=True, eps=1e-5, **settings):
    """A convolution, and a batch normalisation as after training; both in evaluation mode."""
    conv = torch.nn.Conv2d(*sizes, **settings)
    bn = torch.nn.BatchNorm2d(conv.out_channels, eps=eps, affine=affine)
    with torch.no_grad():
        for values in [*conv.parameters(), *bn.parameters(), bn.running_mean]:
            values.copy_(torch.randn(values.shape, generator=torch_rng))
        bn.running_var.copy_(0.2 + 3 * torch.rand(bn.running_var.shape, generator=torch_rng))
    return conv.eval(), bn.eval()


def fused(fuse, torch_rng, *sizes, **settings):
    """What the fused convolution's own weights make of pictures."""
    conv, bn = conv_and_bn(torch_rng, *sizes, **settings)
    x = torch.randn(2, conv.in_channels, 6, 6, generator=torch_rng)
    two = bn(conv(x)).detach()
    one = fuse(conv, bn)
    with torch.no_grad():
        y = one._conv_forward(x, one.weight, one.bias)
    alike = y.shape == two.shape and torch.allclose(y.float(), two, rtol=1e-3, atol=1e-3)
    return {"is a Conv2d": type(one) is torch.nn.Conv2d, "as the two": bool(alike), "y": y}


def query_and_tiles(torch_rng, sizes, d=6, d_v=5, rows=4, scale=1.0, dtype=None):
    """A query (rows, d), and tiles of these sizes."""
    shapes = [(rows, d), *(shape for n in sizes for shape in ((n, d), (n, d_v)))]
    query, *parts = (torch.randn(shape, generator=torch_rng, dtype=dtype) for shape in shapes)
    return scale * query, list(zip(parts[::2], parts[1::2], strict=True))


def x_and_layers(torch_rng, width, hidden):
    up, down = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)
    with torch.no_grad():
        for values in [*up.parameters(), *down.parameters()]:
            values.copy_(torch.randn(values.shape, generator=torch_rng))
    return torch.randn(3, width, generator=torch_rng), up, down


def chances(torch_rng, rows, size):
    return torch.softmax(torch.randn(rows, size, generator=torch_rng), dim=-1)


def drafts(torch_rng, count, refused=()):
    """Drafts that the target likes, except for those refused: tokens, q, p, uniforms."""
    q, p = chances(torch_rng, count, 6), chances(torch_rng, count + 1, 6)
    tokens, uniforms = (p[:count] / q).argmax(dim=1), torch.full((count,), 0.5)
    for place in refused:
        tokens[place], uniforms[place] = (p[place] / q[place]).argmin(), 0.999
    return tokens, q, p, uniforms


def seeded(seed):
    return torch.Generator().manual_seed(int(seed))


def random_history(rng, steps=6, most=40):
    """A history of a few requests; numbers are no places in a list."""
    return [
        {int(i): int(rng.integers(1, most)) for i in rng.choice(9, rng.integers(1, 5), False)}
        for _ in range(steps)
    ]


def random_requests(rng, count, every):
    """Requests that arrive every few steps."""
    arrivals = np.sort(rng.integers(0, max(1, count * every), count))
    return [(int(a), int(rng.integers(1, 12)), int(rng.integers(1, 14))) for a in arrivals]


def moved(given, before):
    """How many tensors are no longer what they were."""
    return sum(not a.equal(b) for a, b in zip(given, before, strict=True))
