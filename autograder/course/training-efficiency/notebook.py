# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # What a training step costs
#
# "How do you make training efficient?" Our source documents answer with pruning and with "use
# GPUs", and they say that backpropagation updates the weights. It does not: it computes
# gradients; the optimizer updates.
#
# Here you build the parts of a training run one by one and hold each against the real thing:
# gradients by hand, SGD, Adam and AdamW, the learning rate over time, small batches that add up
# to a large one, clipping, loss scaling, the memory that all this needs, **two real processes**
# that average their gradients, recomputed activations, and a run that is killed and goes on as if
# nothing had happened.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("average_gradients")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 一步训练要付出什么
#
# 「怎么提高训练效率？」原始资料答的是剪枝和「用 GPU」，还说反向传播会更新权重。
# 其实反向传播只算梯度，更新权重的是优化器。
#
# 这里把一次训练的各个零件逐个搭起来，每个都和真家伙对照：手写梯度，SGD、Adam 和 AdamW，
# 学习率随时间的变化，小批次攒成大批次，梯度裁剪，loss scaling，这一切要占多少显存，**两个真实的进程**之间平均梯度，激活重算，以及一个被杀掉、却能若无其事接着跑的训练。
#
# 在标明的单元里作答，再运行下面的检查。
# 卡住了就运行 `hint("average_gradients")`，先给一点提醒，再问还有两级。

# %% id="setup"
import math
import multiprocessing
import os
import random
import signal
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from autograder import check, hint, lesson, solution, status

EXERCISE, LANGUAGE = "training-efficiency", "en"

digits = load_digits()
X = torch.from_numpy(digits.data / 16).float()  # (1797, 64)
Y = torch.from_numpy(digits.target)  # (1797,)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Arguments keep their values unless the task says that something
# is changed. Numbers may come back as Python's, NumPy's or torch's, and whether you compute in
# single or double precision is up to you. Library functions are allowed unless a task excludes
# them.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 除非题目说要改动，否则不改动传入的参数。
# 返回 Python、NumPy 或 torch 的数值都可以，用单精度还是双精度计算也随你。
# 除非题目排除，库函数都可以用。

# %% [markdown] id="gradients-task" lang="en"
# ## 1. Backward, by hand
#
# A network of two layers, $N$ examples with $D$ features, $H$ hidden units, $K$ classes:
#
# $$z = x W_1 + b_1,\qquad h = \max(z, 0),\qquad \text{logits} = h W_2 + b_2$$
#
# and as loss the **mean** over the examples of the cross entropy between `softmax(logits)` and the
# right classes `y`. Return its gradients, `{"w1": …, "b1": …, "w2": …, "b2": …}`, each of the shape
# of what it belongs to. Logits may be in the thousands. Where $z$ is exactly 0, nothing
# flows back. Everything is a NumPy array; do it without torch. And compute only: **nothing is
# updated here**.

# %% [markdown] id="gradients-task" lang="zh"
# ## 1. 手写反向传播
#
# 两层网络，$N$ 个样本，$D$ 个特征，$H$ 个隐藏单元，$K$ 个类别：
#
# $$z = x W_1 + b_1,\qquad h = \max(z, 0),\qquad \text{logits} = h W_2 + b_2$$
#
# 损失是 `softmax(logits)` 与正确类别 `y` 的交叉熵，对样本取**平均**。
# 返回它的梯度 `{"w1": …, "b1": …, "w2": …, "b2": …}`，形状与各自的参数相同。
# logits 可能大到几千。$z$ 恰好为 0 的地方不回传梯度。
# 输入输出都是 NumPy 数组，不要用 torch。这里只计算，**什么都不更新**。

# %% id="gradients"
def gradients(x, y, w1, b1, w2, b2):
    # en: x: (N, D); y: (N,) whole numbers; w1: (D, H); b1: (H,); w2: (H, K); b2: (K,) → dict
    # zh: x：(N, D)；y：(N,) 整数；w1：(D, H)；b1：(H,)；w2：(H, K)；b2：(K,) → 字典
    ### BEGIN SOLUTION
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    d_logits = powers / powers.sum(axis=1, keepdims=True)
    d_logits[np.arange(len(y)), y] -= 1
    d_logits /= len(y)
    d_z = (d_logits @ w2.T) * (z > 0)
    return {"w1": x.T @ d_z, "b1": d_z.sum(0), "w2": h.T @ d_logits, "b2": d_logits.sum(0)}
    ### END SOLUTION

# %% id="gradients-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
draw = np.random.default_rng(0)
first = [draw.normal(0, 0.1, (64, 32)), np.zeros(32), draw.normal(0, 0.1, (32, 10)), np.zeros(10)]
with suppress(NotImplementedError):
    weights = [w.copy() for w in first]
    for _ in range(200):
        found = gradients(X.numpy(), Y.numpy(), *weights)
        weights = [
            w - 0.5 * found[k] for w, k in zip(weights, ("w1", "b1", "w2", "b2"), strict=True)
        ]
    hidden = np.maximum(X.numpy() @ weights[0] + weights[1], 0)
    right = ((hidden @ weights[2] + weights[3]).argmax(1) == Y.numpy()).mean()
    print(f"200 steps by hand on the real digits: {right:.3f}")

# %% id="gradients-check"
check("gradients")

# %% [markdown] id="optimizer_steps-task" lang="en"
# ## 2. Three optimizers
#
# Each function makes **one step** for one tensor and **returns the new weights**. `w` and `grad`
# stay as they are. `state` is a dictionary, empty before the first step, given back to you at the
# next; keep in it what you like. Formulas are those of `torch.optim`; $g$ is the gradient, $\eta$
# the rate, $t = 1, 2, \dots$ the step, and everything in `state` starts at 0.
#
# - `sgd_step`: $v \leftarrow \mu v + g$, then $w \leftarrow w - \eta v$.
# - `adam_step`: first $g \leftarrow g + \lambda w$ (decay as part of the gradient: **L2**), then
#   $m \leftarrow \beta_1 m + (1 - \beta_1) g$, $\;v \leftarrow \beta_2 v + (1 - \beta_2) g^2$,
#   $\;\hat m = m / (1 - \beta_1^t)$, $\;\hat v = v / (1 - \beta_2^t)$,
#   $\;w \leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$.
# - `adamw_step`: $\lambda$ stays out of the gradient; instead the weights decay by themselves:
#   $w \leftarrow w - \eta \lambda w$, and from there the step of Adam with the bare $g$.
#
# Tensors are torch's, of any shape, in single or double precision.

# %% [markdown] id="optimizer_steps-task" lang="zh"
# ## 2. 三个优化器
#
# 每个函数为一个张量走**一步**，**返回新的权重**；`w` 和 `grad` 保持不变。
# `state` 是字典，第一步之前是空的，下一步会原样传回来，想存什么都可以。
# 公式与 `torch.optim` 一致；$g$ 是梯度，$\eta$ 是学习率，$t = 1, 2, \dots$ 是步数，
# `state` 里的量都从 0 开始。
#
# - `sgd_step`：$v \leftarrow \mu v + g$，然后 $w \leftarrow w - \eta v$。
# - `adam_step`：先 $g \leftarrow g + \lambda w$（衰减并入梯度，即 **L2**），再
#   $m \leftarrow \beta_1 m + (1 - \beta_1) g$，$v \leftarrow \beta_2 v + (1 - \beta_2) g^2$，
#   $\hat m = m / (1 - \beta_1^t)$，$\hat v = v / (1 - \beta_2^t)$，
#   $w \leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$。
# - `adamw_step`：$\lambda$ 不进梯度，权重自己衰减：
#   $w \leftarrow w - \eta \lambda w$，然后用原来的 $g$ 走一步 Adam。
#
# 张量是 torch 的，形状任意，单精度或双精度。

# %% id="optimizer_steps"
def sgd_step(w, grad, state, lr, momentum=0.9):
    # en: w, grad: tensors of one shape; state: dict → new weights
    # zh: w、grad：形状相同的张量；state：字典 → 新的权重
    ### BEGIN SOLUTION
    state["v"] = momentum * state.get("v", 0) + grad
    return w - lr * state["v"]
    ### END SOLUTION


def adam_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    ### BEGIN SOLUTION
    grad = grad + weight_decay * w
    state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * grad
    state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * grad**2
    m = state["m"] / (1 - betas[0] ** state["t"])
    v = state["v"] / (1 - betas[1] ** state["t"])
    return w - lr * m / (v.sqrt() + eps)
    ### END SOLUTION


def adamw_step(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    ### BEGIN SOLUTION
    return adam_step(w * (1 - lr * weight_decay), grad, state, lr, betas, eps)
    ### END SOLUTION

# %% id="optimizer_steps-plot"
# en: One valley, steep one way and flat the other: 60 steps of each.
# zh: 一条山谷，一个方向陡、另一个方向平：各走 60 步。
with suppress(NotImplementedError):
    figure, axes = plt.subplots(figsize=(6, 3))
    slope = torch.tensor([0.5, 8.0])
    for step, lr in ((sgd_step, 0.02), (adam_step, 0.2), (adamw_step, 0.2)):
        w, state, path = torch.tensor([-4.0, 1.5]), {}, []
        for _ in range(60):
            path.append(w.tolist())
            w = step(w, slope * w, state, lr)
        axes.plot(*zip(*path, strict=True), ".-", label=f"{step.__name__}, lr {lr}", alpha=0.7)
    axes.plot(0, 0, "k*")
    axes.legend(fontsize=8)
    plt.show()

# %% id="optimizer_steps-check"
check("optimizer_steps")

# %% [markdown] id="lr_factor-task" lang="en"
# ## 3. Warm-up, then cosine
#
# Return the factor by which the highest learning rate is multiplied at `step`, for
# `0 ≤ step ≤ total_steps`: it rises linearly from 0 at step 0 to 1 at step `warmup_steps`, then
# falls along half a cosine to 0 at step `total_steps`. Without warm-up (`warmup_steps = 0`) step 0
# has factor 1. `warmup_steps` is less than `total_steps`.

# %% [markdown] id="lr_factor-task" lang="zh"
# ## 3. 先预热，再余弦
#
# 返回第 `step` 步时最高学习率要乘的系数，`0 ≤ step ≤ total_steps`：
# 从第 0 步的 0 线性升到第 `warmup_steps` 步的 1，再沿半个余弦降到第 `total_steps` 步的 0。
# 不预热（`warmup_steps = 0`）时，第 0 步的系数就是 1。`warmup_steps` 小于 `total_steps`。

# %% id="lr_factor"
def lr_factor(step, warmup_steps, total_steps):
    ### BEGIN SOLUTION
    if step < warmup_steps:
        return step / warmup_steps
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION

# %% id="lr_factor-plot"
with suppress(NotImplementedError):
    plt.figure(figsize=(6, 2))
    for warmup in (0, 20, 50):
        rates = [3e-4 * lr_factor(step, warmup, 200) for step in range(201)]
        plt.plot(rates, label=f"warmup_steps={warmup}")
    plt.xlabel("step")
    plt.ylabel("lr")
    plt.legend(fontsize=8)
    plt.show()

# %% id="lr_factor-check"
check("lr_factor")

# %% [markdown] id="accumulate_gradients-task" lang="en"
# ## 4. Many small batches, one large one
#
# The batch that you want does not fit, so it comes in pieces. `micro_batches` is a list of pairs
# `(x, y)`: token ids `(n, T)` and the ids that should be predicted, `(n, T)`, where **−100 marks a
# position that does not count**. Pieces differ in size and in how many positions count; one may
# have none at all. `model(x)` gives logits `(n, T, V)`.
#
# Leave in each parameter's `.grad` the gradient of the loss of the **whole** batch: the mean cross
# entropy over **all positions that count in all pieces together** (at least one does). Return that
# loss as a number. Old gradients do not enter. Each piece goes forward once (one in which nothing
# counts may be left out), and **backward before the next goes forward**: this is what saves the
# memory. No step is taken, the mode of the model stays. Every parameter has a part in the loss.

# %% [markdown] id="accumulate_gradients-task" lang="zh"
# ## 4. 小批次攒成大批次
#
# 想要的批次放不下，只好分几份来。`micro_batches` 是 `(x, y)` 的列表：
# 词元编号 `(n, T)` 和应当预测的编号 `(n, T)`，其中 **−100 表示这个位置不计入**。
# 各份大小不同，计入的位置数也不同，有的一份里可能一个都没有。`model(x)` 给出 logits `(n, T, V)`。
#
# 让每个参数的 `.grad` 等于**整个**批次的损失的梯度：
# 损失是**所有份里全部计入位置合在一起**的平均交叉熵（至少有一个位置计入）。
# 把这个损失作为一个数返回。旧梯度不得混入。
# 每一份只前向一次（一个位置都不计入的那份可以跳过），并且**先反向，下一份才前向**：省显存就省在这里。
# 不要更新参数，模型的模式保持不变。每个参数都参与损失的计算。

# %% id="accumulate_gradients"
def accumulate_gradients(model, micro_batches):
    # en: micro_batches: list of (x, y), each (n, T) → the loss of the whole batch
    # zh: micro_batches：(x, y) 的列表，形状都是 (n, T) → 整个批次的损失
    ### BEGIN SOLUTION
    count = sum((y != -100).sum().item() for _, y in micro_batches)
    model.zero_grad()
    total = 0.0
    for x, y in micro_batches:
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION

# %% id="accumulate_gradients-try"
torch.manual_seed(0)
speaker = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20))
pieces = [(torch.randint(20, (2, 12)), torch.randint(20, (2, 12))) for _ in range(2)]
pieces[1][1][:, 2:] = -100  # 24 positions count in the first piece, 4 in the second
with suppress(NotImplementedError):
    right_loss = accumulate_gradients(speaker, pieces)
    means = [cross_entropy(speaker(x).flatten(0, 1), y.flatten()).item() for x, y in pieces]
    print(f"whole batch {right_loss:.4f}; mean of the means {sum(means) / 2:.4f}")

# %% id="accumulate_gradients-check"
check("accumulate_gradients")

# %% [markdown] id="clip_grad_norm-task" lang="en"
# ## 5. Clip the norm
#
# Take the gradients of all `parameters` as **one** long vector with the Euclidean norm $G$. If $G$
# is greater than `max_norm`, multiply every gradient by `max_norm` / $G$, so that the direction
# stays; otherwise leave them alone. Gradients change in place (`p.grad`). Return $G$ as it was
# **before**. Some parameters may have no gradient (`None`); at least one has one. Gradients are
# finite, and `max_norm` is above 0. A tiny number such as 1e-6 added to $G$ in the division does no
# harm.

# %% [markdown] id="clip_grad_norm-task" lang="zh"
# ## 5. 按范数裁剪
#
# 把全部 `parameters` 的梯度看成**一个**长向量，其欧氏范数为 $G$。
# 若 $G$ 大于 `max_norm`，每个梯度都乘以 `max_norm` / $G$，方向不变；否则一律不动。
# 梯度就地改动（`p.grad`）。返回裁剪**之前**的 $G$。
# 有的参数可能没有梯度（`None`），至少有一个有。梯度都是有限的，`max_norm` 大于 0。除法里给 $G$ 加一个 1e-6 之类的极小数没有关系。

# %% id="clip_grad_norm"
def clip_grad_norm(parameters, max_norm):
    # en: parameters: a list of parameters → the norm before
    # zh: parameters：参数的列表 → 裁剪之前的范数
    ### BEGIN SOLUTION
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(grad.double().square().sum().item() for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad.mul_(max_norm / norm)
    return norm
    ### END SOLUTION

# %% id="clip_grad_norm-try"
with suppress(NotImplementedError):
    three, four = (nn.Parameter(torch.zeros(1)) for _ in range(2))
    three.grad, four.grad = torch.tensor([3.0]), torch.tensor([4.0])
    print(float(clip_grad_norm([three, four], 1.0)), three.grad.tolist(), four.grad.tolist())

# %% id="clip_grad_norm-check"
check("clip_grad_norm")

# %% [markdown] id="scaled_step-task" lang="en"
# ## 6. Scale the loss
#
# The smallest number of half precision (fp16) is about 6e-8; smaller gradients become 0 on their
# way back. So the loss is multiplied first, and the gradients divided afterwards. `scaler` is a
# dictionary `{"scale": …, "good_steps": …}` that you **update in place**. One step is:
#
# 1. clear old gradients (to `None` or to zeros), and go backward from `loss` times the scale;
# 2. divide the gradients by the scale;
# 3. if any number in any gradient is infinite or nan: **no step**; the scale halves, `good_steps`
#    becomes 0; return `False`;
# 4. otherwise clip to `max_norm`, if one is given (use your `clip_grad_norm`), let `optimizer` step
#    and count one good step more; when there are `growth_interval` of them in a row, the scale
#    doubles and the count starts at 0 again; return `True`.
#
# `optimizer` is any of `torch.optim`; its parameters, their gradients and `loss` are single
# precision, only the network computes in halves. What is left in the gradients after a step that
# was skipped does not matter. Do it without `torch.amp`.

# %% [markdown] id="scaled_step-task" lang="zh"
# ## 6. 放大损失
#
# 半精度（fp16）最小的数约为 6e-8，比它小的梯度在回传途中就变成 0。
# 所以先把损失放大，之后再把梯度除回来。
# `scaler` 是字典 `{"scale": …, "good_steps": …}`，由你**就地更新**。一步如下：
#
# 1. 清掉旧梯度（设为 `None` 或零都行），从 `loss` 乘以 scale 反向传播；
# 2. 梯度除以 scale；
# 3. 任一梯度里出现无穷或 nan：**不更新参数**，scale 减半，`good_steps` 归 0，返回 `False`；
# 4. 否则，若给了 `max_norm` 就裁剪（用你的 `clip_grad_norm`），让 `optimizer` 走一步，
#    `good_steps` 加一；连续满 `growth_interval` 次时，scale 翻倍，计数重新从 0 开始；返回 `True`。
#
# `optimizer` 是 `torch.optim` 里的任意一个，参数、梯度和 `loss` 都是单精度，只有网络内部用半精度计算。
# 跳过更新之后梯度里剩下什么无所谓。不要用 `torch.amp`。

# %% id="scaled_step"
def scaled_step(loss, optimizer, scaler, max_norm=None, growth_interval=2000):
    # en: loss: a number with a graph; scaler: {"scale": float, "good_steps": int} → stepped or not
    # zh: loss：带计算图的标量；scaler：{"scale": 浮点数, "good_steps": 整数} → 是否更新了参数
    ### BEGIN SOLUTION
    held = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    (loss * scaler["scale"]).backward()
    grads = [p.grad for p in held if p.grad is not None]
    for grad in grads:
        grad.div_(scaler["scale"])
    if not all(grad.isfinite().all() for grad in grads):
        scaler["scale"], scaler["good_steps"] = scaler["scale"] / 2, 0
        return False
    if max_norm is not None:
        clip_grad_norm(held, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] == growth_interval:
        scaler["scale"], scaler["good_steps"] = scaler["scale"] * 2, 0
    return True
    ### END SOLUTION

# %% id="scaled_step-plot"
# en: Which gradients get through fp16 within one per cent, and which at all?
# zh: fp16 能在 1% 以内保住哪些梯度？哪些好歹不为零？
sizes = torch.logspace(-13, 6, 4000, dtype=torch.float64)
plt.figure(figsize=(6, 1.8))
for scale in (1.0, 2.0**10, 2.0**16):
    kept = (sizes * scale).half().double() / scale
    alive = sizes[(kept > 0) & kept.isfinite()]
    exact = alive[((kept / sizes - 1).abs() < 0.01)[(kept > 0) & kept.isfinite()]]
    for some, alpha in ((alive, 0.3), (exact[exact > 64 * alive[0]], 1.0)):
        plt.barh(f"scale {scale:g}", some[-1] - some[0], left=some[0], color="C0", alpha=alpha)
plt.xscale("log")
plt.xlim(1e-13, 1e6)
plt.xlabel("|gradient|")
plt.show()

# %% id="scaled_step-check"
check("scaled_step")

# %% [markdown] id="training_memory-task" lang="en"
# ## 7. What fits on a card
#
# Mixed precision with Adam keeps for each parameter the weight (2 bytes) and its gradient (2), both
# in half precision. Besides, it keeps the **optimizer states** in single precision: master copy of
# the weight, first moment, second moment (4 bytes each). ZeRO splits this among `world_size` cards,
# each of which then holds only its $1/N$: stage 1 splits the optimizer states, stage 2 the
# gradients as well, stage 3 the weights as well. Stage 0 splits nothing.
#
# `model_state_bytes(parameters, world_size, stage)`: bytes on **one** card, for `parameters`
# parameters. Shares need not be whole numbers.
#
# Activations come on top. In Korthikanti et al. (arXiv:2205.05198), a transformer layer with hidden
# size $h$, $a$ heads, length $s$ and $b$ sequences saves in half precision: $11sbh + 5as^2b$
# bytes in its attention block, $19sbh$ in its MLP, $4sbh$ in its two layer norms together.
#
# `activation_bytes(layers, hidden, heads, batch, length, recompute)`: bytes of all layers; with
# `recompute`, each layer keeps only its input, in half precision, and the rest is computed again
# when needed (what is alive within the one layer being recomputed does not count here).

# %% [markdown] id="training_memory-task" lang="zh"
# ## 7. 一张卡放得下什么
#
# 混合精度加 Adam，每个参数要存：半精度的权重（2 字节）和梯度（2 字节），
# 以及单精度的**优化器状态**：权重的主副本、一阶矩、二阶矩（各 4 字节）。
# ZeRO 把这些分摊到 `world_size` 张卡上，每张只存自己的 $1/N$：
# 第 1 阶段切分优化器状态，第 2 阶段再切分梯度，第 3 阶段连权重也切分。第 0 阶段什么都不切。
#
# `model_state_bytes(parameters, world_size, stage)`：有 `parameters` 个参数时，**一张**卡上的字节数。分到的份额不必取整。
#
# 激活另算。按 Korthikanti 等人（arXiv:2205.05198），
# 一个 Transformer 层，隐藏维度 $h$、$a$ 个头、长度 $s$、$b$ 条序列，半精度下要保存：
# 注意力部分 $11sbh + 5as^2b$ 字节，MLP 部分 $19sbh$，两个 layer norm 共 $4sbh$。
#
# `activation_bytes(layers, hidden, heads, batch, length, recompute)`：所有层合计的字节数；
# `recompute` 为真时，每层只留半精度的输入，其余要用时重算
# （正在重算的那一层内部临时占用的不计）。

# %% id="training_memory"
def model_state_bytes(parameters, world_size=1, stage=0):
    # en: stage: 0, 1, 2 or 3 → bytes on one card
    # zh: stage：0、1、2 或 3 → 一张卡上的字节数
    ### BEGIN SOLUTION
    optimizer = 12 / (world_size if stage >= 1 else 1)
    gradient = 2 / (world_size if stage >= 2 else 1)
    weight = 2 / (world_size if stage >= 3 else 1)
    return parameters * (weight + gradient + optimizer)
    ### END SOLUTION


def activation_bytes(layers, hidden, heads, batch, length, recompute=False):
    ### BEGIN SOLUTION
    tokens = batch * length
    per_layer = 2 * tokens * hidden if recompute else tokens * (34 * hidden + 5 * heads * length)
    return layers * per_layer
    ### END SOLUTION

# %% id="training_memory-plot"
# en: A published model, its parameters counted on the "meta" device, which needs no memory.
# en: Change the numbers: cards, length, batch, or the config itself (Qwen2Config, MistralConfig …).
# zh: 一个公开的模型；在 "meta" 设备上数参数，不占内存。
# zh: 数字可以随意改：卡数、长度、批次，或者换一个配置（Qwen2Config、MistralConfig……）。
CARDS, LENGTH, BATCH = 64, 4096, 1
with suppress(NotImplementedError):
    model_state_bytes(1), activation_bytes(1, 1, 1, 1, 1)
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig()  # the sizes of LLaMA-7B
    with torch.device("meta"):
        count = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    print(f"{count:,} parameters; 7.5B on 64 cards, as in the ZeRO paper:")
    print([round(model_state_bytes(7.5e9, 64, stage) / 1e9, 1) for stage in range(4)], "GB")
    shape = config.num_hidden_layers, config.hidden_size, config.num_attention_heads
    bars = {}
    for recompute in (False, True):
        more = activation_bytes(*shape, BATCH, LENGTH, recompute) / 1e9
        for stage in range(4):
            name = f"stage {stage}" + (" + recompute" if recompute else "")
            bars[name] = model_state_bytes(count, CARDS, stage) / 1e9, more
    plt.figure(figsize=(7, 2.6))
    states, extra = zip(*bars.values(), strict=True)
    plt.barh(list(bars), states, label="model states")
    plt.barh(list(bars), extra, left=states, label="activations")
    plt.axvline(80, color="grey", ls="--", label="80 GB")
    plt.gca().invert_yaxis()
    plt.xlabel(f"GB on each of {CARDS} cards")
    plt.legend(fontsize=8)
    plt.show()

# %% id="training_memory-check"
check("training_memory")

# %% [markdown] id="average_gradients-task" lang="en"
# ## 8. Two processes, one gradient
#
# `on_processes(2, work)` below starts two real processes, which `torch.distributed` connects (with
# its CPU backend, gloo), runs `work(rank)` in each and gathers what they return. It is what
# `torchrun` does for you, on one machine.
#
# Every process has the same weights, but its own shard of the batch, and has gone backward from the
# **mean** loss over its shard. In `average_gradients(parameters, examples)`, called by all
# processes, `examples` is the size of this process's shard. Afterwards each parameter's `.grad`
# must be, in **every** process, what one process with the whole batch would have: the gradient of
# the mean over all examples. Shards differ in size. A shard may be empty: `examples` is 0 and
# `.grad` is `None`, yet this process must take part, for a collective operation waits for all of
# them. The number of processes is `dist.get_world_size()`, not always 2. At least one process has
# examples, and `parameters` stand in the same order in all. Weights stay as they are.

# %% [markdown] id="average_gradients-task" lang="zh"
# ## 8. 两个进程，一个梯度
#
# 下面的 `on_processes(2, work)` 启动两个真实的进程，用 `torch.distributed` 连起来
# （CPU 后端 gloo），在每个进程里运行 `work(rank)`，再收回返回值。
# 这就是 `torchrun` 在一台机器上替你做的事。
#
# 每个进程的权重相同，各拿批次的一份，并且已经对自己这份的**平均**损失做过反向传播。
# `average_gradients(parameters, examples)` 由所有进程调用，`examples` 是本进程这份的样本数。
# 调用之后，**每个**进程里参数的 `.grad` 都必须等于一个进程拿着整个批次时的梯度，
# 也就是全部样本的平均损失的梯度。各份大小不等。
# 某一份可能是空的：`examples` 为 0，`.grad` 为 `None`，但这个进程也必须参加，
# 因为集合通信要等齐所有进程。进程数是 `dist.get_world_size()`，不一定是 2。
# 至少有一个进程有样本；`parameters` 的顺序在各进程里相同。权重保持不变。

# %% id="average_gradients-given"
def join(rank, count, store, work, answer):
    # en: What runs in each process: find the others, do the work, send the result.
    # zh: 每个进程里运行的内容：找到其他进程，干活，送回结果。
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=count,
        timeout=timedelta(seconds=5),
    )
    try:
        answer.send((work(rank), None))
    except Exception as error:
        answer.send((None, error))
    dist.destroy_process_group()


def on_processes(count, work):
    fork = multiprocessing.get_context("fork")  # Linux, macOS
    with tempfile.TemporaryDirectory() as folder:
        ends = [fork.Pipe(duplex=False) for _ in range(count)]
        team = [
            fork.Process(target=join, args=(rank, count, f"{folder}/store", work, ends[rank][1]))
            for rank in range(count)
        ]
        for process, (_, sender) in zip(team, ends, strict=True):
            process.start()
            sender.close()
        try:
            answers = [receiver.recv() for receiver, _ in ends]
        finally:
            for process in team:
                process.join(1)
                process.kill()
    for _, error in answers:
        if error is not None:
            raise error
    return [value for value, _ in answers]

# %% id="average_gradients"
def average_gradients(parameters, examples):
    # en: parameters: a list of parameters; examples: the size of this process's shard
    # zh: parameters：参数的列表；examples：本进程这一份的样本数
    ### BEGIN SOLUTION
    flat = torch.cat([
        (torch.zeros_like(p) if p.grad is None else p.grad * examples).flatten()
        for p in parameters
    ] + [torch.tensor([float(examples)])])  # one message instead of one for each tensor
    dist.all_reduce(flat)
    sizes = [p.numel() for p in parameters]
    for p, part in zip(parameters, flat[:-1].split(sizes), strict=True):
        p.grad = (part / flat[-1]).view_as(p)
    ### END SOLUTION

# %% id="average_gradients-try"
def shard_work(rank):
    # en: Process 0 gets 24 of the digits, process 1 the other 8.
    # zh: 进程 0 拿 24 张数字图，进程 1 拿另外 8 张。
    torch.manual_seed(0)
    net = nn.Linear(64, 10)
    rows = slice(0, 24) if rank == 0 else slice(24, 32)
    cross_entropy(net(X[rows]), Y[rows]).backward()
    average_gradients(list(net.parameters()), len(Y[rows]))
    return os.getpid(), net.weight.grad.tolist()


with suppress(NotImplementedError):
    answers = on_processes(2, shard_work)
    torch.manual_seed(0)
    net = nn.Linear(64, 10)
    cross_entropy(net(X[:32]), Y[:32]).backward()
    for rank, (pid, grad) in enumerate(answers):
        far = (torch.tensor(grad) - net.weight.grad).abs().max()
        print(f"rank {rank} of its own process ({pid != os.getpid()}): off by {far:.0e}")

# %% id="average_gradients-check"
check("average_gradients")

# %% [markdown] id="checkpointing-task" lang="en"
# ## 9. Forget, and compute again
#
# Autograd keeps tensors for the backward pass, and these, not the weights, fill the memory at long
# sequences. PyTorch lets you watch: `torch.autograd.graph.saved_tensors_hooks(pack, unpack)` calls
# `pack` with each tensor that is saved.
#
# `saved_bytes(forward, parameters)`: call `forward()` once and return how many bytes are saved on
# the way. Tensors often share their storage (a view, or one tensor saved twice): count each
# **storage** once, with all of its bytes (`t.untyped_storage()`), and leave out those of
# `parameters`, which are in memory anyway. (A place in memory may be used again once its tensor is
# gone: keep hold of what was saved until you have counted.)
#
# `run_checkpointed(blocks, x)`: the same output as running the `blocks` one after the other, the
# same gradients, dropout included; but each block **saves only its input**, and is computed once
# more during the backward pass. `torch.utils.checkpoint` is welcome, imported above as
# `checkpoint`; mind that `x` itself needs no gradient.

# %% [markdown] id="checkpointing-task" lang="zh"
# ## 9. 先忘掉，再重算
#
# autograd 为反向传播保存张量；序列一长，占满显存的是它们，而不是权重。
# PyTorch 允许旁观：`torch.autograd.graph.saved_tensors_hooks(pack, unpack)`
# 对每个被保存的张量调用一次 `pack`。
#
# `saved_bytes(forward, parameters)`：调用一次 `forward()`，返回途中保存了多少字节。
# 张量常常共用存储（视图，或同一个张量存了两次）：每块**存储**只计一次，按它的全部字节计
# （`t.untyped_storage()`）；`parameters` 的存储本来就在内存里，不计。
# （张量释放之后，同一个地址可能再次分配：数完之前，要拿住存下的东西。）
#
# `run_checkpointed(blocks, x)`：输出与依次运行各个 `blocks` 相同，梯度也相同，包括 dropout；
# 但每个块**只保存自己的输入**，在反向传播时再算一遍。可以用 `torch.utils.checkpoint`，
# 上面已导入为 `checkpoint`；注意 `x` 本身不需要梯度。

# %% id="checkpointing"
def saved_bytes(forward, parameters):
    # en: forward: a function without arguments → a whole number
    # zh: forward：没有参数的函数 → 整数
    ### BEGIN SOLUTION
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = {}  # the storages themselves, lest a place in memory be used twice

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = forward()
    del result
    return sum(storage.nbytes() for place, storage in kept.items() if place not in known)
    ### END SOLUTION


def run_checkpointed(blocks, x):
    # en: blocks: a list of modules → what the last one returns
    # zh: blocks：模块的列表 → 最后一个模块的输出
    ### BEGIN SOLUTION
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False)
    return x
    ### END SOLUTION

# %% id="checkpointing-plot"
def block(width):
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


with suppress(NotImplementedError):
    depths, plain, lean = range(1, 13), [], []
    for depth in depths:
        stack = nn.Sequential(*(block(32) for _ in range(depth)))
        some = torch.randn(64, 32)
        weights = list(stack.parameters())
        plain.append(saved_bytes(lambda: stack(some), weights) / 1e3)
        lean.append(saved_bytes(lambda: run_checkpointed(list(stack), some), weights) / 1e3)
    plt.figure(figsize=(6, 2.2))
    plt.plot(depths, plain, "o-", label="plain")
    plt.plot(depths, lean, "o-", label="run_checkpointed")
    plt.xlabel("blocks")
    plt.ylabel("saved, kB")
    plt.legend(fontsize=8)
    plt.show()

# %% id="checkpointing-check"
check("checkpointing")

# %% [markdown] id="resume-task" lang="en"
# ## 10. Killed, and none the wiser
#
# `Run` below is a small training run. It has a model with dropout, an optimizer, a scheduler, a
# `generator` which shuffles at each new epoch, the `order` of this epoch and the `position` in it,
# and the list of its `losses`; and it augments with Python's `random` and NumPy's global random
# numbers, while dropout uses torch's.
#
# `save_run(run, path)` writes a file from which `load_run(run, path)`, given a fresh `Run` in
# **another process**, brings everything back, the list of losses included: from there on the run
# goes **bit for bit** as it would have gone on without the crash. Saving changes nothing in the run
# which is being saved. The file `path` is all that survives. You write and read it yourself, so
# `torch.load` may be told `weights_only=False`.

# %% [markdown] id="resume-task" lang="zh"
# ## 10. 被杀掉，却毫无痕迹
#
# 下面的 `Run` 是一次缩小了的训练：有带 dropout 的模型、优化器、调度器，
# 每个新 epoch 用来打乱顺序的 `generator`，本 epoch 的顺序 `order`、进行到的位置 `position`，以及损失的列表 `losses`；
# 数据增强用 Python 的 `random` 和 NumPy 的全局随机数，dropout 用 torch 的。
#
# `save_run(run, path)` 写一个文件；`load_run(run, path)` 在**另一个进程**里拿到一个新建的 `Run`，
# 从这个文件恢复一切，包括损失列表：此后的训练与没有中断时**逐比特**相同。
# 保存时不得改变正在保存的训练。留下来的只有 `path` 这个文件。
# 文件由你自己写、自己读，所以 `torch.load` 可以用 `weights_only=False`。

# %% id="resume-given"
class Run:
    def __init__(self, seed=0):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.model = nn.Sequential(
            nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 10)
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.02)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 60)
        self.generator = torch.Generator().manual_seed(seed)
        self.order, self.position = [], 0  # the rows of this epoch; how many are done
        self.losses = []

    def step(self):
        if self.position >= len(self.order):
            self.order = torch.randperm(128, generator=self.generator).tolist()
            self.position = 0
        rows = self.order[self.position : self.position + 16]
        self.position += len(rows)
        x = X[rows] + torch.from_numpy(np.random.normal(0, 0.1, (len(rows), 64))).float()
        if random.random() < 0.5:
            x = x.roll(1, dims=1)
        loss = cross_entropy(self.model(x), Y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.losses.append(loss.item())

# %% id="resume"
def save_run(run, path):
    # en: run: a Run; path: a pathlib.Path, where to write
    # zh: run：一个 Run；path：pathlib.Path，写到哪里
    ### BEGIN SOLUTION
    saved = {
        part: getattr(run, part).state_dict() for part in ("model", "optimizer", "scheduler")
    }
    saved |= {"generator": run.generator.get_state(), "losses": run.losses}
    saved |= {"order": run.order, "position": run.position}
    saved |= {"random": random.getstate(), "numpy": np.random.get_state()}
    torch.save(saved | {"torch": torch.get_rng_state()}, path)
    ### END SOLUTION


def load_run(run, path):
    # en: run: a fresh Run, which is changed
    # zh: run：新建的 Run，就地恢复
    ### BEGIN SOLUTION
    saved = torch.load(path, weights_only=False)
    for part in ("model", "optimizer", "scheduler"):
        getattr(run, part).load_state_dict(saved[part])
    run.generator.set_state(saved["generator"])
    run.order, run.position, run.losses = saved["order"], saved["position"], saved["losses"]
    random.setstate(saved["random"])
    np.random.set_state(saved["numpy"])
    torch.set_rng_state(saved["torch"])
    ### END SOLUTION

# %% id="resume-plot"
def doomed(path):
    # en: 20 steps, a file, 5 more steps, and the process is killed by force.
    # zh: 走 20 步，存盘，再走 5 步，进程被强行杀掉。
    run = Run()
    for step in range(25):
        if step == 20:
            save_run(run, path)
        run.step()
    os.kill(os.getpid(), signal.SIGKILL)


with suppress(NotImplementedError), tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "run.pt"
    save_run(Run(), path)
    path.unlink()
    process = multiprocessing.get_context("fork").Process(target=doomed, args=(path,))
    process.start()
    process.join()
    whole = Run()
    for _ in range(40):
        whole.step()
    resumed = Run(seed=9)
    load_run(resumed, path)
    for _ in range(20):
        resumed.step()
    plt.figure(figsize=(6, 2))
    plt.plot(whole.losses, lw=4, alpha=0.4, label="never stopped")
    plt.plot(range(20, 40), resumed.losses[-20:], "k.-", label="killed, resumed")
    plt.xlabel("step")
    plt.ylabel("loss")
    plt.legend(fontsize=8)
    plt.show()

# %% id="resume-check"
check("resume")
