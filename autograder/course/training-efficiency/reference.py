"""The oracle for `training-efficiency`: autograd, torch.optim, torch.amp, transformers, gloo.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy
import math
import pickle
import random

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.checkpoint import checkpoint_sequential


def gradients(x, y, w1, b1, w2, b2):
    """Return the gradients of the mean cross entropy, by autograd."""
    names = ("w1", "b1", "w2", "b2")
    w = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (w1, b1, w2, b2)]
    hidden = torch.relu(torch.as_tensor(x, dtype=torch.float64) @ w[0] + w[1])
    loss = nn.functional.cross_entropy(hidden @ w[2] + w[3], torch.as_tensor(y).long())
    found = torch.autograd.grad(loss, w)
    return {name: grad.numpy() for name, grad in zip(names, found, strict=True)}


def _library_step(kind, w, grad, state, **settings):
    """One step of an optimizer of torch's, whose state lives on in `state`."""
    if "optimizer" not in state:
        state["parameter"] = nn.Parameter(w.clone())
        state["optimizer"] = kind([state["parameter"]], **settings)
    state["optimizer"].param_groups[0].update(settings)
    with torch.no_grad():
        state["parameter"].copy_(w)
    state["parameter"].grad = grad.clone()
    state["optimizer"].step()
    return state["parameter"].detach().clone()


def sgd_step(w, grad, state, lr, momentum=0.9):
    """Return the weights after a step of torch.optim.SGD."""
    return _library_step(torch.optim.SGD, w, grad, state, lr=lr, momentum=momentum)


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """Return the weights after a step of torch.optim.Adam."""
    settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    return _library_step(torch.optim.Adam, w, grad, state, **settings)


def adamw_step(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, *, adam_step=None
):
    """Return the weights after a step of torch.optim.AdamW."""
    if adam_step is not None:
        return adam_step(w * (1 - lr * weight_decay), grad, state, lr, betas, eps)
    settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    return _library_step(torch.optim.AdamW, w, grad, state, **settings)


def lr_factor(step, warmup_steps, total_steps):
    """Return what transformers' schedule multiplies the rate by."""
    from transformers import get_cosine_schedule_with_warmup

    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, warmup_steps, total_steps)
    return schedule.lr_lambdas[0](step)


def accumulate_gradients(model, micro_batches):
    """Leave the gradients of one large batch and return its loss."""
    twin = copy.deepcopy(model)
    twin.zero_grad()
    logits = torch.cat([twin(x).flatten(0, 1) for x, _ in micro_batches])
    loss = nn.functional.cross_entropy(logits, torch.cat([y.flatten() for _, y in micro_batches]))
    loss.backward()
    for x, _ in micro_batches:  # the model itself sees a piece at a time, for nothing
        model(x).sum().mul(0).backward()
    for p, whole in zip(model.parameters(), twin.parameters(), strict=True):
        p.grad = whole.grad
    return loss.item()


def clip_grad_norm(parameters, max_norm):
    """Clip as torch does; return the norm before."""
    return nn.utils.clip_grad_norm_(parameters, max_norm).item()


def scaled_step(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, *, clip_grad_norm=None
):
    """Take a step with torch's own GradScaler."""
    library = torch.amp.GradScaler("cpu", init_scale=1.0, growth_interval=growth_interval)
    held = library.state_dict() | {
        "scale": scaler["scale"], "_growth_tracker": scaler["good_steps"]
    }  # fmt: skip
    library.load_state_dict(held)
    optimizer.zero_grad()
    library.scale(loss).backward()
    library.unscale_(optimizer)
    if max_norm is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        (clip_grad_norm or nn.utils.clip_grad_norm_)(parameters, max_norm)
    library.step(optimizer)
    library.update()
    stepped = library.get_scale() >= scaler["scale"]
    scaler["scale"] = library.get_scale()
    scaler["good_steps"] = library.state_dict()["_growth_tracker"]
    return stepped


def model_state_bytes(parameters, world_size=1, stage=0):
    """Return the bytes on one card, tensor by tensor: size, and from which stage it is split."""
    tensors = {"weight": (2, 3), "gradient": (2, 2)}
    tensors |= dict.fromkeys(("master", "first moment", "second moment"), (4, 1))
    return sum(
        parameters * size / world_size if stage >= split else parameters * size
        for size, split in tensors.values()
    )


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    """Return the bytes of all layers, part by part."""
    values = batch * length * hidden
    scores = heads * length * length * batch
    parts = {
        "input of queries, keys, values": 2 * values, "queries and keys": 4 * values,
        "softmax": 2 * scores, "its dropout's mask": scores, "after dropout": 2 * scores,
        "values": 2 * values, "input of the projection": 2 * values, "dropout's mask": values,
        "input of the MLP": 2 * values, "before GELU": 8 * values, "after GELU": 8 * values,
        "the MLP's dropout's mask": values, "layer norms": 4 * values,
    }  # fmt: skip
    return layers * (2 * values if recompute else sum(parts.values()))


def average_gradients(parameters, examples):
    """Give every process all gradients and all counts, and add up in double precision."""
    own = [None if p.grad is None else p.grad.double() for p in parameters], examples
    everyone = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, own)
    total = math.fsum(count for _, count in everyone)
    for place, p in enumerate(parameters):
        parts = [count * g[place] for g, count in everyone if g[place] is not None]
        p.grad = (torch.stack(parts).sum(0) / total).to(p.dtype)


def saved_bytes(forward, parameters):
    """Return the bytes of distinct storages; each is told by itself, kept alive meanwhile."""
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor.detach()) or tensor, lambda tensor: tensor
    ):
        forward()
    storages = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in saved}
    for p in parameters:
        storages.pop(p.untyped_storage()._cdata, None)
    return sum(storages.values())


def run_checkpointed(blocks, x):
    """Run the blocks, each as a segment of its own."""
    # The last segment of the library's runs as usual: let that be a block that does nothing.
    blocks = [*blocks, nn.Identity()]
    return checkpoint_sequential(nn.Sequential(*blocks), len(blocks), x, use_reentrant=False)


def save_run(run, path):
    """Write the whole run, and every source of random numbers."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    with open(path, "wb") as file:
        pickle.dump((run.__dict__, states), file)


def load_run(run, path):
    """Become the run that was written."""
    with open(path, "rb") as file:
        held, states = pickle.load(file)
    run.__dict__.update(held)
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
