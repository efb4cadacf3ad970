"""Other right answers for `training-efficiency`, in styles that must pass."""

import math
import random

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint_sequential

from autograder.checks import right


@right("gradients", "example by example, in lists", zh="逐样本计算，返回列表")
def example_by_example(x, y, w1, b1, w2, b2):
    total = {"w1": 0.0, "b1": 0.0, "w2": 0.0, "b2": 0.0}
    for row, label in zip(x, y, strict=True):
        h = np.maximum(row @ w1 + b1, 0)
        logits = h @ w2 + b2
        error = np.exp(logits - logits.max())
        error = error / error.sum() - np.eye(len(b2))[label]
        back = w2 @ error * (h > 0)
        grads = {"w1": np.outer(row, back), "b1": back, "w2": np.outer(h, error), "b2": error}
        total = {name: total[name] + grads[name] / len(y) for name in total}
    return {name: grad.tolist() for name, grad in total.items()}


@right("gradients", "in single precision", zh="用单精度")
def in_single_precision(x, y, w1, b1, w2, b2):
    x, w1, b1, w2, b2 = (a.astype(np.float32) for a in (x, w1, b1, w2, b2))
    h = np.clip(x @ w1 + b1, 0, None)
    logits = h @ w2 + b2
    logits -= logits.max(axis=1, keepdims=True)
    d = np.exp(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    d = (d - np.eye(len(b2), dtype=np.float32)[y]) / np.float32(len(y))
    back = np.where(h > 0, d @ w2.T, 0)
    return {"w1": x.T @ back, "b1": back.sum(0), "w2": h.T @ d, "b2": d.sum(0)}


@right("sgd_step", "torch.optim.SGD, kept in the state", zh="把 torch.optim.SGD 放进 state")
def by_the_library(w, grad, state, lr, momentum=0.9):
    p = state.setdefault("p", nn.Parameter(torch.empty_like(w)))
    optimizer = state.setdefault("o", torch.optim.SGD([p], lr=lr, momentum=momentum))
    optimizer.param_groups[0]["lr"] = lr
    p.data, p.grad = w.clone(), grad.clone()
    optimizer.step()
    return p.detach().clone()


@right("adam_step", "lerp, addcmul and one corrected rate", zh="lerp、addcmul 加校正后的学习率")
def with_a_corrected_rate(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    grad = torch.add(grad, w, alpha=weight_decay)
    if not state:
        state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
    state["t"] += 1
    state["m"].lerp_(grad, 1 - betas[0])
    state["v"].mul_(betas[1]).addcmul_(grad, grad, value=1 - betas[1])
    root = math.sqrt(1 - betas[1] ** state["t"])
    rate = lr * root / (1 - betas[0] ** state["t"])
    return torch.addcdiv(w, state["m"], state["v"].sqrt().add(eps * root), value=-rate)


@right("adamw_step", "the decay taken off at the end", zh="最后再减去衰减")
def decay_at_the_end(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, adam_step=None
):  # fmt: skip
    return with_a_corrected_rate(w, grad, state, lr, betas, eps) - lr * weight_decay * w


@right("lr_factor", "a squared cosine of half the angle, by NumPy", zh="用 NumPy 的半角余弦平方")
def by_half_the_angle(step, warmup_steps, total_steps):
    down = np.cos(np.pi / 2 * (step - warmup_steps) / (total_steps - warmup_steps)) ** 2
    return np.where(step < warmup_steps, step / max(1, warmup_steps), down)


@right("accumulate_gradients", "means weighed by their positions", zh="均值按位置数加权")
def weighed_means(model, micro_batches):
    total = sum(int((y >= 0).sum()) for _, y in micro_batches)
    for p in model.parameters():
        p.grad = None
    value = torch.zeros(())
    for x, y in micro_batches:
        share = int((y >= 0).sum()) / total
        if share:
            loss = cross_entropy(model(x).transpose(1, 2), y) * share
            loss.backward()
            value += loss.detach()
    return value


@right("accumulate_gradients", "sums first, divided afterwards", zh="先求和，最后再除")
def divided_afterwards(model, micro_batches):
    params, total, count = list(model.parameters()), 0.0, 0
    sums = [torch.zeros_like(p) for p in params]
    for x, y in micro_batches:
        loss = cross_entropy(model(x).reshape(-1, 11), y.reshape(-1), reduction="sum")
        for held, grad in zip(sums, torch.autograd.grad(loss, params), strict=True):
            held += grad
        total, count = total + loss.item(), count + (y != -100).sum()
    for p, held in zip(params, sums, strict=True):
        p.grad = held / count
    return total / count


@right("clip_grad_norm", "torch's own", zh="用 torch 自带的")
def by_torch(parameters, max_norm):
    return nn.utils.clip_grad_norm_(parameters, max_norm)


@right("clip_grad_norm", "a norm of norms", zh="范数的范数")
def norm_of_norms(parameters, max_norm):
    with_grad = [p for p in parameters if p.grad is not None]
    norm = torch.stack([p.grad.norm() for p in with_grad]).norm()
    for p in with_grad:
        p.grad = p.grad * torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    return norm


@right("scaled_step", "a found_inf flag and NumPy numbers", zh="用 found_inf 标记和 NumPy 数值")
def with_a_flag(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    optimizer.zero_grad(set_to_none=True)
    loss.mul(scaler["scale"]).backward()
    params = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    found_inf = False
    for p in params:
        p.grad = p.grad.float() / scaler["scale"]
        found_inf |= bool(torch.isinf(p.grad).any() or torch.isnan(p.grad).any())
    good = 0 if found_inf else scaler["good_steps"] + 1
    if not found_inf:
        if max_norm:
            (clip_grad_norm or nn.utils.clip_grad_norm_)(params, max_norm)
        optimizer.step()
    factor = 0.5 if found_inf else 2.0 if good % growth_interval == 0 else 1.0
    scaler.update(scale=np.float64(scaler["scale"] * factor), good_steps=good % growth_interval)
    return np.bool_(not found_inf)


@right("model_state_bytes", "by a table of stages, in whole bytes", zh="按阶段查表，取整字节")
def by_a_table(parameters, world_size=1, stage=0):
    whole, split = ((16, 0), (4, 12), (2, 14), (0, 16))[stage]
    return round(whole * parameters + split * parameters / world_size)


@right("activation_bytes", "by the paper's factored formula", zh="按论文的因式写法")
def by_the_papers_formula(layers, hidden, heads, batch, length, recompute=False):
    sbh = length * batch * hidden
    return layers * sbh * (2 if recompute else 34 + 5 * heads * length / hidden)


@right("average_gradients", "gather everything, then add", zh="全部收集后再相加")
def by_gathering(parameters, examples):
    counts = [None] * dist.get_world_size()
    dist.all_gather_object(counts, examples)
    for p in parameters:
        mine = torch.zeros_like(p) if p.grad is None else p.grad
        parts = [torch.empty_like(mine) for _ in counts]
        dist.all_gather(parts, mine)
        p.grad = sum(n * part for n, part in zip(counts, parts, strict=True)) / sum(counts)


@right("average_gradients", "one message for each tensor", zh="每个张量发一次")
def one_by_one(parameters, examples):
    total = torch.tensor(examples, dtype=torch.float64)
    dist.all_reduce(total)
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
        p.grad.mul_(examples / total.item())
        dist.all_reduce(p.grad, op=dist.ReduceOp.SUM)


@right("saved_bytes", "a list of storages, compared one by one", zh="存储列表逐一比较")
def compared_one_by_one(forward, parameters):
    own, found = [p.untyped_storage() for p in parameters], []

    class Kept:
        def __init__(self, tensor):
            self.tensor = tensor
            storage = tensor.untyped_storage()
            if all(storage.data_ptr() != s.data_ptr() for s in own + found):
                found.append(storage)

    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        forward()
    return np.int64(sum(s.nbytes() for s in found))


@right("run_checkpointed", "an autograd function of one's own", zh="自己写的 autograd 函数")
def by_a_function_of_ones_own(blocks, x):
    class Again(torch.autograd.Function):
        @staticmethod
        def forward(ctx, block, x, *params):
            ctx.block, ctx.state = block, torch.get_rng_state()
            ctx.save_for_backward(x)
            return block(x)

        @staticmethod
        def backward(ctx, grad):
            x = ctx.saved_tensors[0].detach().requires_grad_()
            now = torch.get_rng_state()
            torch.set_rng_state(ctx.state)
            with torch.enable_grad():
                out = ctx.block(x)
            torch.set_rng_state(now)
            return None, *torch.autograd.grad(out, (x, *ctx.block.parameters()), grad)

    for block in blocks:
        x = Again.apply(block, x, *block.parameters())
    return x


@right("run_checkpointed", "checkpoint_sequential", zh="用 checkpoint_sequential")
def by_checkpoint_sequential(blocks, x):
    parts = nn.Sequential(*blocks, nn.Identity())
    return checkpoint_sequential(parts, len(parts), x, use_reentrant=False)


@right("load_run", "one part after the other", zh="逐项恢复")
def part_by_part(run, path):
    held, states = np.load(path, allow_pickle=True)
    run.model.load_state_dict(held["model"].state_dict())
    run.optimizer.load_state_dict(held["optimizer"].state_dict())
    run.scheduler.load_state_dict(held["scheduler"].state_dict())
    run.generator = held["generator"]
    run.order, run.position = list(held["order"]), held["position"]
    run.losses[:] = held["losses"]
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.random.set_rng_state(states[2])
