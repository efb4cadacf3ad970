"""Probes for `training-efficiency`: tiny networks, real digits, and real processes.

`team` runs a function in processes that are forked from this one, so that nothing is imported
again, and which torch.distributed connects over the loopback. It works behind the grader's walls,
in a process of its own and in a notebook's kernel, and ends whatever the learner's code does.
"""

import builtins
import multiprocessing
import os
import random
import signal
import socket
import tempfile
import traceback
from datetime import timedelta

import numpy as np

from autograder.checks import Tolerance, check, fixture

CLOSE = Tolerance(absolute=2e-5, relative=2e-4)  # weights, gradients and losses in float32
TINY = Tolerance(absolute=1e-9, relative=1e-3)  # gradients far smaller than 1
BYTES = Tolerance(absolute=1.0, relative=1e-6)
RANDOM_STATES = 3  # numbers drawn of each source to see where it stands
GLOO_SECONDS, TEAM_SECONDS = 5, 20


@fixture
def ready():
    """The first optimizer of a process imports much: once, before children are forked."""
    import torch
    from torch.utils.checkpoint import checkpoint

    w = torch.nn.Parameter(torch.ones(2))
    checkpoint(torch.nn.ReLU(), w, use_reentrant=False).sum().backward()
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
        kind([w]).step()
    return True


def _plain(value):
    """A tensor's values without its graph; anything else as it is."""
    return value.detach().clone() if hasattr(value, "detach") else value


def _same(before, after):
    return [bool((a == b).all()) for a, b in zip(before, after, strict=True)]


# --- processes ----------------------------------------------------------------------------


def _member(rank, count, folder, work, answer):
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    loops = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
    os.environ["GLOO_SOCKET_IFNAME"] = (loops or ["lo"])[0]
    try:
        dist.init_process_group(
            "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=count,
            timeout=timedelta(seconds=GLOO_SECONDS),
        )  # fmt: skip
        told = {"returned": work(rank)}
    except Exception as error:
        line = (traceback.extract_tb(error.__traceback__)[-1].line or "").strip()
        told = {"raised": type(error).__name__, "message": f"process {rank}: {error} [{line}]"}
    answer.send(told)
    answer.close()
    os._exit(0)  # nothing of the parent's is to be tidied up here


def _fork(target, *arguments):
    """Start a function in a forked process; return the process and the end it answers at."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=target, args=(*arguments, sender), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _heard(receiver):
    if not receiver.poll(TEAM_SECONDS):
        raise TimeoutError(f"a process has not answered within {TEAM_SECONDS} s")
    try:
        return receiver.recv()
    except EOFError:
        return {"raised": "RuntimeError", "message": "gloo: ended without an answer"}


def team(count, work):
    """What `work(rank)` returns in each of `count` processes, or that they got out of step."""
    with tempfile.TemporaryDirectory() as folder:
        members = [_fork(_member, rank, count, folder, work) for rank in range(count)]
        try:
            told = [_heard(receiver) for _, receiver in members]
        finally:
            for process, _ in members:
                process.kill()
                process.join()
    failed = [one for one in told if "raised" in one]
    for one in failed:
        if not any(word in one["message"] for word in ("gloo", "Timed out", "onnection")):
            _raise(one)
    return "processes waited for each other in vain" if failed else [o["returned"] for o in told]


def _raise(told):
    """Raise in this process what was raised in another one."""
    kind = getattr(builtins, told["raised"], RuntimeError)
    try:
        error = kind(told["message"])
    except Exception:
        error = RuntimeError(told["message"])
    raise error


# --- gradients ----------------------------------------------------------------------------


def _network(rng, n=7, d=5, h=6, k=4, loud=1.0):
    x, y = rng.normal(size=(n, d)), rng.integers(0, k, n)
    y[: min(n, k)] = np.arange(min(n, k))
    w1, b1 = rng.normal(size=(d, h)), rng.normal(size=h)
    return x, y, w1, b1, rng.normal(size=(h, k)) * loud, rng.normal(size=k)


def _grads(found, *names):
    return {name: found[name] for name in names}


@check(
    "The second layer's gradients are those of the mean cross entropy.",
    zh="第二层的梯度，就是平均交叉熵的梯度。",
    close=CLOSE,
)
def second_layer(gradients, rng):
    sizes = ((7, 5, 6, 4), (1, 3, 2, 5))
    return [_grads(gradients(*_network(rng, *size)), "w2", "b2") for size in sizes]


@check(
    "The first layer's gradients come back through the weights of the second and the ReLU.",
    zh="第一层的梯度穿过第二层的权重和 ReLU 回传而来。",
    close=CLOSE,
)
def first_layer(gradients, rng):
    sizes = ((7, 5, 6, 4), (9, 2, 2, 2))
    return [_grads(gradients(*_network(rng, *size)), "w1", "b1") for size in sizes]


@check(
    "Logits in the thousands give finite, right gradients.",
    zh="logits 大到几千时，梯度依然有限而且正确。",
    close=Tolerance(absolute=1e-2, relative=1e-3),
)
def loud_logits(gradients, rng):
    found = gradients(*_network(rng, loud=1500.0))
    return _grads(found, "b1", "b2", "w2")


@check(
    "Where a hidden unit's input is exactly 0, nothing flows back.",
    zh="隐藏单元的输入恰好为 0 时，不回传梯度。",
    close=CLOSE,
)
def nothing_through_zero(gradients, rng):
    x, y, w1, b1, w2, b2 = _network(rng)
    x[::2], b1[::2] = 0.0, 0.0  # every other example has an input of 0 to every other unit
    return _grads(gradients(x, y, w1, b1, w2, b2), "w1", "b1")


@check(
    "Gradients are computed and nothing is updated: weights and data stay as they are.",
    zh="只计算梯度，什么都不更新：权重和数据保持原样。",
    close=CLOSE,
)
def nothing_is_updated(gradients, rng):
    given = _network(rng)
    before = [a.copy() for a in given]
    found = gradients(*given)
    return {"same": _same(before, given), "b2": found["b2"]}


# --- optimizer_steps ----------------------------------------------------------------------


def _walk(step, torch_rng, steps=5, size=1.0, w=None, **settings):
    """The weights after each of some steps over random gradients, with what is remembered."""
    import torch

    start = torch.randn(3, 2, generator=torch_rng, dtype=torch.float64)
    w, state, path = start if w is None else w, {}, []
    for _ in range(steps):
        grad = size * torch.randn(w.shape, generator=torch_rng, dtype=torch.float64)
        w = step(w, grad, state, **settings)
        path.append(_plain(w))
    return path


@check(
    "SGD goes along its velocity, which gathers the gradients.",
    zh="SGD 沿速度方向走，速度是梯度的累积。",
    close=CLOSE,
)
def velocity_gathers(sgd_step, torch_rng, ready):
    settings = ({"lr": 0.1}, {"lr": 0.3, "momentum": 0.5}, {"lr": 0.1, "momentum": 0.0})
    return [_walk(sgd_step, torch_rng, **setting) for setting in settings]


@check(
    "Adam's first step is as long as the rate, whatever the gradient's size.",
    zh="Adam 的第一步长度就是学习率，与梯度大小无关。",
    close=CLOSE,
)
def first_step_of_adam(adam_step, torch_rng, ready):
    return [_walk(adam_step, torch_rng, steps=1, size=s, lr=0.1) for s in (0.01, 1.0, 100.0)]


@check(
    "Adam follows torch.optim.Adam, step by step.",
    zh="Adam 每一步都与 torch.optim.Adam 一致。",
    close=CLOSE,
)
def adam_step_by_step(adam_step, torch_rng, ready):
    settings = ({"lr": 0.1}, {"lr": 0.05, "betas": (0.8, 0.95)})
    return [_walk(adam_step, torch_rng, steps=12, **setting) for setting in settings]


@check(
    "ε is added to the root of the corrected second moment.",
    zh="ε 加在校正后的二阶矩的平方根上。",
    close=CLOSE,
)
def epsilon_beside_the_root(adam_step, torch_rng, ready):
    tiny = _walk(adam_step, torch_rng, steps=3, size=1e-8, lr=0.1)
    return tiny + _walk(adam_step, torch_rng, steps=3, size=0.1, lr=0.1, eps=0.5)


@check(
    "In Adam decay is a part of the gradient (L2), and so is divided by its root.",
    zh="Adam 里的衰减是梯度的一部分（L2），因此也会被那个平方根除。",
    close=CLOSE,
)
def decay_inside_the_gradient(adam_step, torch_rng, ready):
    return _walk(adam_step, torch_rng, lr=0.1, weight_decay=0.5)


@check(
    "In AdamW weights decay in proportion to themselves, whatever the gradient.",
    zh="AdamW 里权重按自身的比例衰减，与梯度无关。",
    close=CLOSE,
    rests_on=("adam_step",),
)
def decay_beside_the_gradient(adamw_step, torch_rng, ready):
    settings = ({"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.5})
    return [_walk(adamw_step, torch_rng, steps=4, **setting) for setting in settings]


@check(
    "Without any gradient AdamW still shrinks the weights, each by the same share.",
    zh="梯度为零时，AdamW 仍把每个权重缩小同样的比例。",
    close=CLOSE,
    rests_on=("adam_step",),
)
def decay_without_gradient(adamw_step, torch_rng, ready):
    import torch

    w = torch.tensor([100.0, -1.0, 0.01], dtype=torch.float64)
    return _walk(adamw_step, torch_rng, steps=3, size=0.0, w=w, lr=0.1, weight_decay=1.0)


@check(
    "Two tensors with a state each do not get into each other's way.",
    zh="两个张量各有各的状态，互不干扰。",
    close=CLOSE,
)
def states_are_apart(sgd_step, adam_step, torch_rng, ready):
    import torch

    found = []
    for step in (sgd_step, adam_step):
        weights, states = [torch.ones(2), torch.ones(4)], [{}, {}]
        for _ in range(3):
            for i in range(2):
                grad = torch.randn(weights[i].shape, generator=torch_rng)
                weights[i] = _plain(step(weights[i], grad, states[i], 0.1))
        found += weights
    return found


@check(
    "The weights and the gradient that are handed in stay as they are.",
    zh="传入的权重和梯度保持不变。",
    close=CLOSE,
)
def arguments_stay(sgd_step, adam_step, adamw_step, torch_rng, ready):
    import torch

    found = []
    for step in (sgd_step, adam_step, adamw_step):
        given = [torch.randn(3, generator=torch_rng) for _ in range(2)]
        before, state = [t.clone() for t in given], {}
        for _ in range(2):
            step(*given, state, 0.1)
        found.append(_same(before, given))
    return found


# --- lr_factor ----------------------------------------------------------------------------


def _plan(rng):
    warmup = int(rng.integers(5, 30))
    return warmup, warmup + int(rng.integers(40, 200))


@check("The warm-up is a straight line from 0 to 1.", zh="预热是从 0 到 1 的直线。", close=1e-5)
def straight_up(lr_factor, rng):
    warmup, total = _plan(rng)
    return [float(lr_factor(step, warmup, total)) for step in range(warmup + 1)]


@check("Then half a cosine leads down to 0.", zh="之后沿半个余弦降到 0。", close=1e-5)
def half_a_cosine_down(lr_factor, rng):
    warmup, total = _plan(rng)
    return [float(lr_factor(step, warmup, total)) for step in range(warmup, total + 1, 7)] + [
        float(lr_factor(total, warmup, total))
    ]


@check("Without warm-up the first factor is 1.", zh="不预热时，第一个系数就是 1。", close=1e-5)
def without_warm_up(lr_factor, rng):
    total = int(rng.integers(10, 90))
    return [float(lr_factor(step, 0, total)) for step in (0, 1, total // 2, total)]


# --- accumulate_gradients -----------------------------------------------------------------


def _speaker(torch_rng):
    """A tiny language model that writes down when it goes forward and when backward."""
    import torch
    from torch import nn

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

    model = Speaker()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(generator=torch_rng)
    return model


def _pieces(torch_rng, rng, shapes, counted):
    """Pairs of ids, of which so many positions count in each piece."""
    import torch

    pieces = []
    for shape, count in zip(shapes, counted, strict=True):
        x, y = (torch.randint(11, shape, generator=torch_rng) for _ in range(2))
        y.view(-1)[torch.from_numpy(rng.permutation(y.numel())[count:].copy())] = -100
        pieces.append((x, y))
    return pieces


def _accumulated(accumulate_gradients, model, pieces):
    loss = accumulate_gradients(model, pieces)
    return {"loss": _plain(loss), "grads": [_plain(p.grad) for p in model.parameters()]}


@check(
    "Equal pieces add up to the gradient of the large batch.",
    zh="大小相同的几份，合起来等于大批次的梯度。",
    close=CLOSE,
)
def equal_pieces(accumulate_gradients, torch_rng, rng):
    pieces = _pieces(torch_rng, rng, [(2, 4)] * 3, [8, 8, 8])
    return _accumulated(accumulate_gradients, _speaker(torch_rng), pieces)


@check(
    "Every position that counts weighs the same, in whichever piece it stands.",
    zh="每个计入的位置权重相同，不管它在哪一份里。",
    close=CLOSE,
    weight=2,
)
def positions_weigh_the_same(accumulate_gradients, torch_rng, rng):
    pieces = _pieces(torch_rng, rng, [(2, 6), (1, 9), (3, 2)], [12, 2, 3])
    return _accumulated(accumulate_gradients, _speaker(torch_rng), pieces)


@check(
    "A piece in which nothing counts changes nothing.",
    zh="一个位置都不计入的那一份，不影响结果。",
    close=CLOSE,
)
def an_empty_piece(accumulate_gradients, torch_rng, rng):
    pieces = _pieces(torch_rng, rng, [(2, 4)] * 3, [5, 0, 8])
    return _accumulated(accumulate_gradients, _speaker(torch_rng), pieces)


@check(
    "Each piece goes backward before the next goes forward.",
    zh="每一份先反向，下一份才前向。",
    close=CLOSE,
)
def one_graph_at_a_time(accumulate_gradients, torch_rng, rng):
    model = _speaker(torch_rng)
    loss = accumulate_gradients(model, _pieces(torch_rng, rng, [(2, 4)] * 3, [8, 6, 3]))
    return {"events": model.events, "loss": _plain(loss)}


@check(
    "Old gradients do not enter, weights do not move, and the mode stays.",
    zh="旧梯度不混入，权重不动，模式不变。",
    close=CLOSE,
)
def nothing_old_enters(accumulate_gradients, torch_rng, rng):
    import torch

    found = []
    for mode in (True, False):
        model = _speaker(torch_rng).train(mode)
        before = [p.detach().clone() for p in model.parameters()]
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        pieces = _pieces(torch_rng, rng, [(1, 4), (1, 4)], [4, 4])
        seen = _accumulated(accumulate_gradients, model, pieces)
        same = _same(before, model.parameters())
        found.append({"same": same, "mode": model.training, **seen})
    return found


# --- clip_grad_norm -----------------------------------------------------------------------


def _with_grads(torch_rng, norm, shapes=((3, 2), (4,), (1,))):
    """Parameters whose gradients have this norm together; one more has none."""
    import torch

    params = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    grads = [torch.randn(shape, generator=torch_rng) for shape in shapes]
    whole = torch.cat([g.flatten() for g in grads]).norm()
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad * norm / whole
    return params


def _clipped(clip_grad_norm, params, most):
    norm = clip_grad_norm(params, most)
    return {"norm": _plain(norm), "grads": [_plain(p.grad) for p in params if p.grad is not None]}


@check(
    "Too long a gradient gets the length max_norm and keeps its direction.",
    zh="过长的梯度被缩到 max_norm，方向不变。",
    close=CLOSE,
)
def long_ones_are_shortened(clip_grad_norm, torch_rng):
    pairs = ((5.0, 1.0), (0.8, 0.2), (900.0, 3.0))
    return [_clipped(clip_grad_norm, _with_grads(torch_rng, a), b) for a, b in pairs]


@check(
    "A gradient within max_norm stays as it is.", zh="不超过 max_norm 的梯度不变。", close=CLOSE
)
def short_ones_stay(clip_grad_norm, torch_rng):
    pairs = ((0.5, 1.0), (0.002, 10.0), (0.0, 1.0))
    return [_clipped(clip_grad_norm, _with_grads(torch_rng, a), b) for a, b in pairs]


@check(
    "Parameters without a gradient are passed over.", zh="没有梯度的参数跳过。", close=CLOSE
)
def none_is_passed_over(clip_grad_norm, torch_rng):
    import torch

    params = _with_grads(torch_rng, 4.0)
    params.insert(1, torch.nn.Parameter(torch.ones(2)))
    return {"none": params[1].grad is None, **_clipped(clip_grad_norm, params, 2.0)}


# --- scaled_step --------------------------------------------------------------------------


def _half_training(scaled_step, torch_rng, sizes, scale, good=0, momentum=0.9, **settings):
    """Steps with losses of such sizes over weights that the network sees in half precision."""
    import torch

    params = [torch.nn.Parameter(torch.randn(3, 2, generator=torch_rng)) for _ in range(2)]
    optimizer = torch.optim.SGD(params, lr=0.1, momentum=momentum)
    scaler, found = {"scale": float(scale), "good_steps": good}, []
    for size in sizes:
        x = torch.rand(4, 3, generator=torch_rng).half() + 0.5
        outputs = [(x @ p.half()).float() for p in params]
        # The first parameter's gradient is of this size, the second's always small.
        loss = size * outputs[0].sum() + 1e-3 * outputs[1].sum()
        stepped = scaled_step(loss, optimizer, scaler, **settings)
        state = [float(scaler["scale"]), int(scaler["good_steps"]), bool(stepped)]
        found.append({"state": state, "weights": [_plain(p) for p in params]})
    return found


@check(
    "Gradients below what fp16 can hold reach the weights.",
    zh="小到 fp16 装不下的梯度也能传到权重。",
    close=TINY,
)
def tiny_gradients_arrive(scaled_step, torch_rng, ready):
    import torch

    p = torch.nn.Parameter(torch.randn(3, 2, generator=torch_rng))
    x = torch.rand(4, 3, generator=torch_rng).half() + 0.5
    start = p.detach().clone()
    optimizer = torch.optim.SGD([p], lr=1e5)
    loss = 1e-9 * (x @ p.half()).float().sum()
    scaled_step(loss, optimizer, {"scale": 2.0**16, "good_steps": 0})
    return 1e3 * (p.detach() - start)


@check(
    "Where nothing is too small or too large, the step is that of the plain loss.",
    zh="数值不大不小时，这一步与不放大时相同。",
    close=CLOSE,
)
def an_ordinary_step(scaled_step, torch_rng, ready):
    return _half_training(scaled_step, torch_rng, [1.0, 0.5, 0.2], scale=64)


@check(
    "An overflow anywhere: no step, not even by momentum; the scale halves.",
    zh="任何一处溢出：不更新，连动量也不走；scale 减半。",
    close=CLOSE,
)
def overflow_is_skipped(scaled_step, torch_rng, ready):
    return _half_training(scaled_step, torch_rng, [1.0, 400.0, 1.0], scale=2.0**9)


@check(
    "After growth_interval good steps in a row the scale doubles.",
    zh="连续 growth_interval 次成功后，scale 翻倍。",
    close=CLOSE,
)
def scale_grows(scaled_step, torch_rng, ready):
    return _half_training(scaled_step, torch_rng, [0.1] * 7, scale=4, growth_interval=3)


@check(
    "An overflow starts the count again.", zh="一旦溢出，计数重新开始。", close=CLOSE
)
def overflow_restarts_the_count(scaled_step, torch_rng, ready):
    sizes = [0.1, 0.1, 4000.0, 0.1, 0.1, 0.1]
    return _half_training(scaled_step, torch_rng, sizes, scale=64, growth_interval=3)


@check(
    "Clipping looks at the gradients after they have been divided by the scale.",
    zh="先把梯度除回来，再按真实的梯度裁剪。",
    close=CLOSE,
    rests_on=("clip_grad_norm",),
)
def clipped_at_true_size(scaled_step, torch_rng, ready):
    sizes = [1.0, 0.01, 1.0]
    return _half_training(scaled_step, torch_rng, sizes, scale=128, max_norm=1.5)


# --- training_memory ----------------------------------------------------------------------


@check(
    "Alone, a card holds 16 bytes for each parameter.", zh="不切分时每个参数占 16 字节。", close=BYTES
)
def sixteen_bytes(model_state_bytes, rng):
    count = int(rng.integers(10**8, 10**11))
    return [float(model_state_bytes(count)), float(model_state_bytes(count, 8, 0))]


@check(
    "7.5 billion parameters on 64 cards need what ZeRO's paper says.",
    zh="75 亿参数、64 张卡，与 ZeRO 论文的数字一致。",
    close=Tolerance(relative=1e-3),
)
def as_in_the_paper(model_state_bytes):
    return [float(model_state_bytes(7.5e9, 64, stage)) / 1e9 for stage in range(4)]


@check(
    "Each stage splits one thing more, and what it splits shrinks with the cards.",
    zh="每升一个阶段多切一样；被切的部分随卡数变小。",
    close=BYTES,
)
def each_stage_splits_more(model_state_bytes, rng):
    count, cards = int(rng.integers(10**8, 10**11)), int(rng.integers(3, 999))
    return [float(model_state_bytes(count, n, s)) for n in (1, cards) for s in range(4)]


def _shape(rng):
    heads = int(rng.integers(4, 40))
    return [int(rng.integers(4, 99)), 64 * heads, heads, int(rng.integers(2, 9))]


@check(
    "A layer's activations grow with the tokens, the scores with the square of the length.",
    zh="激活随词元数增长，注意力分数随长度的平方增长。",
    close=BYTES,
)
def activations_of_a_layer(activation_bytes, rng):
    return [float(activation_bytes(*_shape(rng), length)) for length in (128, 4096)]


@check(
    "With recomputation a layer keeps its input alone.", zh="重算时每层只留输入。", close=BYTES
)
def inputs_alone(activation_bytes, rng):
    return [float(activation_bytes(*_shape(rng), n, recompute=True)) for n in (128, 4096)]


# --- average_gradients --------------------------------------------------------------------


def _shards(average_gradients, torch_rng, sizes):
    """What each process has after averaging, and how far that is from one with all examples."""
    import torch
    from torch.nn.functional import cross_entropy

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
        return {"grads": grads, "weights stay": all(_same(start, net.parameters()))}

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


@check(
    "With equal shards both processes have the gradient of the whole batch.",
    zh="两份一样大时，两个进程都得到整个批次的梯度。",
    close=CLOSE,
)
def equal_shards(average_gradients, torch_rng, ready):
    return _shards(average_gradients, torch_rng, [4, 4])


@check(
    "With shards of different sizes each example weighs the same.",
    zh="两份大小不等时，每个样本的权重相同。",
    close=CLOSE,
    weight=2,
)
def unequal_shards(average_gradients, torch_rng, ready):
    return _shards(average_gradients, torch_rng, [2, 9])


@check(
    "A process without examples takes part, and gets the gradients as well.",
    zh="没有样本的进程也要参加，并且同样拿到梯度。",
    close=CLOSE,
)
def an_empty_shard(average_gradients, torch_rng, ready):
    return _shards(average_gradients, torch_rng, [5, 0])


@check("It holds for three processes.", zh="三个进程时同样成立。", close=CLOSE)
def three_processes(average_gradients, torch_rng, ready):
    return _shards(average_gradients, torch_rng, [3, 1, 4])


# --- checkpointing ------------------------------------------------------------------------


@check(
    "Storages are counted once, however often and through whatever view they are saved.",
    zh="同一块存储只计一次，不管存了几次、从哪个视图存的。",
    close=0,
)
def storages_count_once(saved_bytes, torch_rng):
    import torch

    n = 8 + int(torch.randint(9, (1,), generator=torch_rng))
    x = torch.randn(n, n, generator=torch_rng, requires_grad=True)
    y = torch.randn(n, n, generator=torch_rng, requires_grad=True)
    twice, view, other = (lambda: x * x), (lambda: x @ x.t()), (lambda: (x * y).exp())
    return [int(saved_bytes(forward, [])) for forward in (twice, view, other)]


@check(
    "Bytes, not numbers: of the whole storage, in any precision, freed meanwhile or not.",
    zh="数的是字节：整块存储、任何精度，中途是否释放都一样。",
    close=0,
)
def bytes_of_any_precision(saved_bytes, torch_rng):
    import torch

    n = 8 + int(torch.randint(9, (1,), generator=torch_rng))
    found = []
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        x = torch.ones(n, dtype=dtype, requires_grad=True)
        found.append(int(saved_bytes(lambda x=x: x.exp().sin().tanh(), [])))
        found.append(int(saved_bytes(lambda x=x: [(x + i).square().sum() for i in range(9)], [])))
        wide = torch.ones(5, n, dtype=dtype)
        found.append(int(saved_bytes(lambda x=x, wide=wide: x * wide[2], [x])))
    return found


@check(
    "Parameters are left out, also where a transposed view of them is saved.",
    zh="参数不计，哪怕保存的是参数的转置视图。",
    close=0,
)
def parameters_are_left_out(saved_bytes, torch_rng):
    import torch

    layers = [torch.nn.Linear(6, 9), torch.nn.Sigmoid(), torch.nn.Linear(9, 4)]
    net, x = torch.nn.Sequential(*layers), torch.randn(7, 6, generator=torch_rng)
    return [int(saved_bytes(lambda: net(x), p)) for p in (list(net.parameters()), [])]


def _blocks(torch_rng, drop):
    """Three blocks that count how often they run."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.runs, self.drop = 0, nn.Dropout(drop)
            self.up, self.down = nn.Linear(6, 24), nn.Linear(24, 6)

        def forward(self, x):
            self.runs += 1
            return self.drop(self.down(self.drop(self.up(x).tanh()))) + x

    blocks = [Block() for _ in range(3)]
    with torch.no_grad():
        for p in (p for b in blocks for p in b.parameters()):
            p.normal_(std=0.5, generator=torch_rng)
    return blocks, torch.randn(8, 6, generator=torch_rng)


def _run_blocks(run_checkpointed, torch_rng, drop):
    import torch

    blocks, x = _blocks(torch_rng, drop)
    saved = {}

    def pack(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    known = {p.untyped_storage().data_ptr() for b in blocks for p in b.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = run_checkpointed(blocks, x)
    sizes = [t.untyped_storage().nbytes() for place, t in saved.items() if place not in known]
    runs = [[b.runs for b in blocks]]
    torch.rand(5)  # other code draws between forward and backward
    out.square().sum().backward()
    runs.append([b.runs for b in blocks])
    grads = [_plain(p.grad) for b in blocks for p in b.parameters()]
    large = [size for size in sizes if size > 6 * 8 * 4]
    inputs = sum(size == 6 * 8 * 4 for size in sizes)
    return {"out": _plain(out), "grads": grads, "runs": runs, "inputs": inputs, "large": large}


@check(
    "Output and gradients are those of the blocks in a row, though x needs no gradient.",
    zh="输出和梯度与依次运行各块相同，尽管 x 不需要梯度。",
    close=CLOSE,
)
def same_as_in_a_row(run_checkpointed, torch_rng, ready):
    seen = _run_blocks(run_checkpointed, torch_rng, 0.0)
    return {key: seen[key] for key in ("out", "grads")}


@check(
    "Each block saves its input and no more, and runs once more on the way back.",
    zh="每个块只保存自己的输入，反向时再算一遍。",
    close=CLOSE,
)
def inputs_are_saved(run_checkpointed, torch_rng, ready):
    seen = _run_blocks(run_checkpointed, torch_rng, 0.0)
    return {key: seen[key] for key in ("runs", "inputs", "large", "out")}


@check(
    "Dropout drops the same units when it is computed again.",
    zh="重算时 dropout 丢掉的是同一批单元。",
    close=CLOSE,
)
def same_units_are_dropped(run_checkpointed, torch_rng, ready):
    seen = _run_blocks(run_checkpointed, torch_rng, 0.4)
    return {key: seen[key] for key in ("out", "grads")}


# --- resume -------------------------------------------------------------------------------


class Run:
    """The notebook's run on made-up data, without its record of losses' use."""

    def __init__(self, seed):
        import torch
        from torch import nn

        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 3))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.05)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)
        self.generator = torch.Generator().manual_seed(seed)
        self.order, self.position, self.losses, self.seen = [], 0, [], []

    def step(self):
        import torch
        from torch.nn.functional import cross_entropy

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


def _drawn():
    import torch

    n = RANDOM_STATES
    own = [random.random() for _ in range(n)]
    return {"python": own, "numpy": np.random.rand(n), "torch": torch.rand(n)}


def _doomed(seed, steps, save_run, path, answer):
    """Some steps, a file, one more step; then the process is killed."""
    try:
        run = Run(seed)
        for _ in range(steps):
            run.step()
        save_run(run, path)
        run.step()
    except Exception as error:
        line = (traceback.extract_tb(error.__traceback__)[-1].line or "").strip()
        answer.send({"raised": type(error).__name__, "message": f"{error} [{line}]"})
    else:
        answer.send({"weights": _weights(run)})
    os.kill(os.getpid(), signal.SIGKILL)


def _weights(run):
    return [p.detach().tolist() for p in run.model.parameters()]


def _resumed(save_run, load_run, rng, steps):
    """A run that was loaded from the file of a process that is dead, and one never stopped."""
    seed, path = int(rng.integers(1000)), "run.saved"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, path)
        process, receiver = _fork(_doomed, seed, steps, save_run, path)
        try:
            told = _heard(receiver)
        finally:
            process.kill()
            process.join()
        if "raised" in told:
            _raise(told)
        fresh = Run(seed + 1)
        load_run(fresh, path)
    return fresh, seed, told["weights"]


@check(
    "From the file on, weights are bit for bit those of a run that was never stopped.",
    zh="从存盘处往后，权重与从未中断的训练逐比特相同。",
    close=1e-7,
    weight=2,
)
def bit_for_bit(save_run, load_run, rng, ready):
    found = []
    for steps in (5, 8):  # at the end of an epoch, and in the midst of one
        run, seed, _ = _resumed(save_run, load_run, rng, steps)
        for _ in range(6):
            run.step()
        whole = Run(seed)
        for _ in range(steps + 6):
            whole.step()
        found.append({"same bits": _weights(run) == _weights(whole), "weights": _weights(run)})
    return found


@check(
    "The epoch goes on where it stopped, and the next is shuffled as it would have been.",
    zh="epoch 从中断处继续，下一个 epoch 的打乱方式也不变。",
    close=0,
)
def no_example_twice(save_run, load_run, rng, ready):
    run, _, _ = _resumed(save_run, load_run, rng, 7)
    run.seen = []
    for _ in range(6):
        run.step()
    return run.seen


@check(
    "The learning rate and its schedule go on.", zh="学习率和调度接着走。", close=1e-7
)
def schedule_goes_on(save_run, load_run, rng, ready):
    run, _, _ = _resumed(save_run, load_run, rng, 3)
    rates = [run.optimizer.param_groups[0]["lr"]]
    for _ in range(2):
        run.step()
        rates.append(run.optimizer.param_groups[0]["lr"])
    moments = [s["exp_avg"].abs().sum().item() for s in run.optimizer.state_dict()["state"].values()]
    return {"rates": rates, "tensors with moments": len(moments)}


@check(
    "All three sources of random numbers stand where they stood.",
    zh="三个随机数来源都回到存盘时的状态。",
    close=1e-7,
)
def dice_fall_alike(save_run, load_run, rng, ready):
    _resumed(save_run, load_run, rng, 2)
    return _drawn()


@check(
    "Saving changes nothing in the run that is saved.", zh="保存不影响正在保存的训练。", close=1e-7
)
def saving_disturbs_nothing(save_run, load_run, rng, ready):
    _, seed, after = _resumed(save_run, load_run, rng, 4)
    whole = Run(seed)
    for _ in range(5):
        whole.step()
    return {"goes on as if not saved": after == _weights(whole), "weights": after}
