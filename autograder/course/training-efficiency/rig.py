"""What the probes of `training-efficiency` run: steps, and models that tell what they do."""

import contextlib
import os
import random
import signal
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from .processes import LOOPBACK, failure, fork, heard, raise_here, team


def warm_up():
    """Make what imports or looks up much when it is first made; children inherit that."""
    w = nn.Parameter(torch.ones(2))
    checkpoint(nn.ReLU(), w, use_reentrant=False).sum().backward()
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
        kind([w]).step()
    # Gloo reads once which network cards there are, from where a walled child may not look.
    with contextlib.suppress(RuntimeError):
        dist.ProcessGroupGloo.create_device(interface=LOOPBACK)
    return True


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head, self.events = nn.Embedding(11, 5), nn.Linear(5, 11), []

    def forward(self, x):
        logits = self.head(self.embed(x).tanh())
        self.events.append("forward")
        if logits.requires_grad:
            logits.register_hook(lambda _: self.events.append("backward"))
        return logits


def speaker(torch_rng):
    """A tiny language model that writes down when it goes forward and when backward."""
    model = Speaker()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(generator=torch_rng)
    return model


def pieces(torch_rng, rng, shapes, counted):
    """Pairs of ids, of which so many positions count in each piece."""
    pieces = []
    for shape, count in zip(shapes, counted, strict=True):
        x, y = (torch.randint(11, shape, generator=torch_rng) for _ in range(2))
        y.view(-1)[torch.from_numpy(rng.permutation(y.numel())[count:].copy())] = -100
        pieces.append((x, y))
    return pieces


class Block(nn.Module):
    def __init__(self, place, order, drop):
        super().__init__()
        self.place, self.order, self.drop = place, order, nn.Dropout(drop)
        self.up, self.down = nn.Linear(6, 24), nn.Linear(24, 6)

    def forward(self, x):
        self.order.append(self.place)
        return self.drop(self.down(self.drop(self.up(x).tanh()))) + x


def blocks(torch_rng, drop):
    """Three blocks that note in which order they run, what goes in, and the note."""
    order = []
    blocks = [Block(place, order, drop) for place in range(3)]
    with torch.no_grad():
        for p in (p for b in blocks for p in b.parameters()):
            p.normal_(std=0.5, generator=torch_rng)
    return blocks, torch.randn(8, 6, generator=torch_rng), order


class Run:
    """The notebook's run on made-up data; it notes besides which rows it has seen."""

    def __init__(self, seed):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 3))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.05)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 30)
        self.generator = torch.Generator().manual_seed(seed)
        self.order, self.position, self.losses, self.seen = [], 0, [], []

    def step(self):
        if self.position >= len(self.order):
            self.order = torch.randperm(20, generator=self.generator).tolist()
            self.position = 0
        rows = self.order[self.position : self.position + 4]
        self.position += len(rows)
        self.seen += rows
        made = np.cos(np.outer(np.array(rows) + 1, np.arange(8) + 1)) + np.random.normal(0, 0.1, 8)
        x = torch.from_numpy(made).float() * (1 if random.random() < 0.5 else -1)
        loss = cross_entropy(self.model(x), torch.tensor(rows) % 3)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.losses.append(loss.item())


def never_stopped(seed, steps):
    """A run after so many steps; the random states of this process are its own."""
    run = Run(seed)
    for _ in range(steps):
        run.step()
    return run


def doomed(seed, steps, save_run, path, answer):
    """Some steps, a file, one more step; then the process is killed."""
    try:
        run = never_stopped(seed, steps)
        save_run(run, path)
        run.step()
    except Exception as error:
        answer.send(failure(error, str(error)))
    else:
        answer.send({"weights": weights(run)})
    os.kill(os.getpid(), signal.SIGKILL)


def weights(run):
    return [p.detach().tolist() for p in run.model.parameters()]


def plain(value):
    """A tensor's values without its graph; anything else as it is."""
    return value.detach().clone() if hasattr(value, "detach") else value


def changed(before, after):
    """The places of arrays or tensors that are no longer as they were."""
    pairs = enumerate(zip(before, after, strict=True))
    return [place for place, (a, b) in pairs if not bool((a == b).all())]


def walk(step, torch_rng, lr, steps=5, size=1.0, cooling=1.0, w=None, **settings):
    """The weights after each of some steps over random gradients, at rates that may cool down."""
    start = torch.randn(3, 2, generator=torch_rng, dtype=torch.float64)
    w, state, path = start if w is None else w, {}, []
    for _ in range(steps):
        grad = size * torch.randn(w.shape, generator=torch_rng, dtype=torch.float64)
        w = step(w, grad, state, lr=lr, **settings)
        lr *= cooling
        path.append(plain(w))
    return path


def with_grads(torch_rng, norm, shapes=((3, 2), (4,), (1,))):
    """Parameters whose gradients have this norm together; one more has none."""
    params = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    grads = [torch.randn(shape, generator=torch_rng) for shape in shapes]
    whole = torch.cat([g.flatten() for g in grads]).norm()
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad * norm / whole
    return params


def half_training(scaled_step, torch_rng, sizes, scale, good=0, momentum=0.9, **settings):
    """Steps with losses of such sizes over weights that the network sees in half precision."""
    params = [torch.nn.Parameter(torch.randn(3, 2, generator=torch_rng)) for _ in range(2)]
    unused = torch.nn.Parameter(torch.ones(1))
    groups = [{"params": params[:1]}, {"params": [unused, params[1]]}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=momentum)
    scaler, found = {"scale": float(scale), "good_steps": good}, []
    for size in sizes:
        x = torch.rand(4, 3, generator=torch_rng).half() + 0.5
        outputs = [(x @ p.half()).float() for p in params]
        # The first parameter's gradient is of this size in one column, and everything else small.
        columns = outputs[0].sum(dim=0)
        loss = size * (columns[0] + 0.01 * columns[1]) + 1e-3 * outputs[1].sum()
        stepped = scaled_step(loss, optimizer, scaler, **settings)
        state = [float(scaler["scale"]), int(scaler["good_steps"]), bool(stepped)]
        found.append({"state": state, "weights": [plain(p) for p in params]})
    return found


def shards(average_gradients, torch_rng, sizes):
    """What each process has after averaging, and how far that is from one with all examples."""
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(generator=torch_rng)
    x = torch.randn(sum(sizes), 6, generator=torch_rng)
    y = torch.randint(3, (sum(sizes),), generator=torch_rng)
    start = [p.detach().clone() for p in net.parameters()]

    def work(rank):
        first, size = sum(sizes[:rank]), sizes[rank]
        if size:
            cross_entropy(net(x[first : first + size]), y[first : first + size]).backward()
        average_gradients(list(net.parameters()), size)
        grads = [None if p.grad is None else p.grad.tolist() for p in net.parameters()]
        return {"grads": grads, "changed": changed(start, net.parameters())}

    found = team(len(sizes), work)
    if isinstance(found, str):
        return found
    cross_entropy(net(x), y).backward()
    whole = torch.cat([p.grad.flatten() for p in net.parameters()])
    for one in found:
        if None not in one["grads"]:
            flat = torch.cat([torch.tensor(g).flatten() for g in one["grads"]])
            one["off"] = (flat - whole).abs().max().item()
    return found


def run_blocks(run_checkpointed, torch_rng, drop):
    parts, x, order = blocks(torch_rng, drop)
    saved = {}

    def pack(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    known = {p.untyped_storage().data_ptr() for b in parts for p in b.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = run_checkpointed(parts, x)
    sizes = [t.untyped_storage().nbytes() for place, t in saved.items() if place not in known]
    torch.rand(5)  # other code draws between forward and backward
    out.square().sum().backward()
    grads = [plain(p.grad) for b in parts for p in b.parameters()]
    large = sum(size > x.untyped_storage().nbytes() for size in sizes)
    return {"out": plain(out), "grads": grads, "blocks run": order, "more than inputs": large}


def drawn():
    n = 3
    own = [random.random() for _ in range(n)]
    return {"python": own, "numpy": np.random.rand(n), "torch": torch.rand(n)}


def resumed(save_run, load_run, rng, steps):
    """A run that was loaded from the file of a process that is dead, and one never stopped."""
    seed = int(rng.integers(1000))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.saved"
        process, receiver = fork(doomed, seed, steps, save_run, path)
        try:
            told = heard(receiver)
        finally:
            process.kill()
            process.join()
        if "raised" in told:
            raise_here(told)
        fresh = Run(seed + 1)
        load_run(fresh, path)
    return fresh, seed, told["weights"]


def accumulated(accumulate_gradients, model, pieces):
    loss = accumulate_gradients(model, pieces)
    return {"loss": plain(loss), "grads": [plain(p.grad) for p in model.parameters()]}


def clipped(clip_grad_norm, params, most):
    norm = clip_grad_norm(params, most)
    return {"norm": plain(norm), "grads": [plain(p.grad) for p in params if p.grad is not None]}
