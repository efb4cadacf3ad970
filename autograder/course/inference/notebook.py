# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Fast inference, byte by byte
#
# "How do you make a large model answer faster?" The usual list (quantise, prune, fuse, cache, more
# GPUs) names no reason, and half of it is fast only under a condition. The reason is bytes: for
# each new token the chip reads every weight and the whole cache once, and computes next to nothing
# with them. Whatever moves fewer bytes per token, or serves more tokens per byte, is faster.
#
# Here you write what serving engines are made of: the size of the cache and the time of a step,
# two kinds of fusion, a layer split over several chips, speculative decoding that changes nothing
# in what the model says, and a scheduler that keeps a batch full on a paged cache.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("tiled_attention")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 推理加速，一个字节一个字节地算
#
# 「怎样让大模型答得更快？」常见的清单（量化、剪枝、融合、缓存、加 GPU）没说原因，而且一半的条目要满足条件才快。
# 原因在字节：每生成一个词元，芯片都要把全部权重和整个缓存读一遍，而用它们做的计算少得可怜。
# 让每个词元少搬字节，或者搬一次字节多服务几个词元，才会更快。
#
# 这里你将亲手写出推理引擎的组成部分：缓存有多大、一步要多久，两种融合，把一层拆到几张卡上，
# 不改变模型输出分布的投机解码，以及在分页缓存上让批次一直满着的调度器。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("tiled_attention")`，先给一点提醒，再问还有两级。

# %% id="setup"
import copy
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, LlamaConfig, logging

from autograder import check, hint, lesson, solution, status
from autograder.models import locate

EXERCISE, LANGUAGE = "inference", "en"
# en: "tiny" is shipped; "gpt2", or a folder, works as well. Grading takes the tiny one.
# zh: "tiny" 随课程附带；也可以换成 "gpt2" 或某个文件夹。评分用的是 tiny。
MODEL = "tiny"

logging.disable_progress_bar()
logging.set_verbosity_error()
torch.set_grad_enabled(False)
model = AutoModelForCausalLM.from_pretrained(locate("gpt", MODEL)).eval()
tokenizer = AutoTokenizer.from_pretrained(locate("gpt", MODEL))

# en: Published sizes, and one GPU's published figures (H100 SXM, dense BF16).
# zh: 公开的模型尺寸，和一款 GPU 的公开指标（H100 SXM，稠密 BF16）。
CONFIGS = {
    "Llama 2 7B": LlamaConfig(),
    "Llama 3.1 8B": LlamaConfig(num_key_value_heads=8, intermediate_size=14336, vocab_size=128256),
    "GPT-2": GPT2Config(),
}
LLAMA_3 = 8.03e9
BANDWIDTH, PEAK_FLOPS = 3.35e12, 989e12

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Arrays that come in are torch tensors; what you return may be
# tensors or arrays, and numbers may be Python's, NumPy's or torch's. What comes in stays as it is.
# 1 GB is $10^9$ bytes.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 传入的数组都是 torch 张量；返回张量或数组都行，数值可以是 Python、NumPy 或 torch 的。
# 传入的东西不得改动。1 GB 指 $10^9$ 字节。

# %% [markdown] id="kv_cache_bytes-task" lang="en"
# ## 1. How large is the cache?
#
# For every token that it has seen, a decoder keeps a key and a value: in every layer, for every
# key-value head, `head_dim` numbers each. Return the bytes that `tokens` tokens take, of however many
# requests they are, at `bytes_per_value` bytes for each number (2 in half precision, 1 in 8 bits,
# 0.5 in 4 bits).
#
# `config` is a configuration of transformers, with `num_hidden_layers`, `num_attention_heads` and
# `hidden_size`. Two more it may lack, or hold as `None`: without `num_key_value_heads` every
# attention head has keys and values of its own; without `head_dim` a head has
# `hidden_size / num_attention_heads` numbers. Where they are given, they count.

# %% [markdown] id="kv_cache_bytes-task" lang="zh"
# ## 1. 缓存有多大？
#
# 解码器为见过的每个词元都保留一个键和一个值：每一层、每个键值头，各 `head_dim` 个数。
# 返回 `tokens` 个词元（所有请求加在一起）占多少字节，每个数占 `bytes_per_value` 字节
# （半精度 2，8 位 1，4 位 0.5）。
#
# `config` 是 transformers 的配置，有 `num_hidden_layers`、`num_attention_heads` 和 `hidden_size`。
# 另外两项可能没有，也可能是 `None`：没有 `num_key_value_heads` 时，每个注意力头都有自己的键和值；
# 没有 `head_dim` 时，每个头有 `hidden_size / num_attention_heads` 个数。给了就以给的为准。

# %% id="kv_cache_bytes"
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    # en: → bytes of all keys and values
    # zh: → 全部键和值的字节数
    ### BEGIN SOLUTION
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * tokens * bytes_per_value
    ### END SOLUTION

# %% id="kv_cache_bytes-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    for name, config in CONFIGS.items():
        one, many = kv_cache_bytes(config, 1), kv_cache_bytes(config, 32 * 8192)
        print(f"{name:>12}: {one:>7,} bytes a token, {many / 1e9:6.2f} GB for 32 times 8,192 tokens")

# %% id="kv_cache_bytes-check"
check("kv_cache_bytes")

# %% [markdown] id="step_time-task" lang="en"
# ## 2. How long is a step?
#
# One step of the model takes in `tokens` tokens: one of each request when it decodes, a whole
# prompt when it prefills. Estimate it by a roofline:
#
# - **bytes**: each of the `parameters` weights is read once, `bytes_per_weight` bytes each, however
#   many tokens there are; and `cache_bytes` of cache, which is already the sum of all requests;
# - **arithmetic**: 2 floating point operations for each parameter and token (a multiplication and
#   an addition). That of attention is left out, and weights stored in fewer bits are still
#   multiplied at the same `peak_flops`;
# - reading (at `bandwidth` bytes a second) and computing (at `peak_flops` operations a second)
#   **overlap**: the step takes as long as the longer of the two.
#
# Return a dict: `"seconds"`, and `"bound"`, which is `"memory"` or `"compute"`: the longer one, and
# either where both are equal.

# %% [markdown] id="step_time-task" lang="zh"
# ## 2. 一步要多久？
#
# 模型一步处理 `tokens` 个词元：解码时每个请求一个，预填充时是整段提示。用屋顶线模型估算：
#
# - **字节**：`parameters` 个权重各读一次，每个 `bytes_per_weight` 字节，与词元多少无关；
#   再加上 `cache_bytes` 字节的缓存（已是所有请求之和）；
# - **计算**：每个参数、每个词元 2 次浮点运算（一乘一加）。注意力自身的运算不计；
#   权重存成更少的位数，相乘时仍按同样的 `peak_flops`；
# - 读取（每秒 `bandwidth` 字节）和计算（每秒 `peak_flops` 次）**同时进行**：这一步的时间取两者中较长的。
#
# 返回字典：`"seconds"`，以及 `"bound"`，取 `"memory"` 或 `"compute"`，即较长的那一个（相等时取哪个都行）。

# %% id="step_time"
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    # → {"seconds": …, "bound": "memory" | "compute"}
    ### BEGIN SOLUTION
    reading = (parameters * bytes_per_weight + cache_bytes) / bandwidth
    computing = 2 * parameters * tokens / peak_flops
    bound = "memory" if reading > computing else "compute"
    return {"seconds": max(reading, computing), "bound": bound}
    ### END SOLUTION

# %% id="step_time-try"
# en: Llama 3.1 8B on one H100. More requests in a batch are nearly free, until they are not.
# zh: Llama 3.1 8B 在一张 H100 上。批次里多几个请求几乎不要钱，直到某一点为止。
with suppress(NotImplementedError):
    sizes = [2**n for n in range(11)]
    figure, axes = plt.subplots(figsize=(6, 3))
    for bytes_per_weight in (2, 1, 0.5):
        steps = [step_time(LLAMA_3, n, 0, BANDWIDTH, PEAK_FLOPS, bytes_per_weight) for n in sizes]
        rates = [n / step["seconds"] for n, step in zip(sizes, steps)]
        axes.loglog(sizes, rates, marker="o", label=f"{bytes_per_weight} bytes per weight")
        print(f"{bytes_per_weight} bytes per weight: {1e3 * steps[0]['seconds']:.2f} ms for one token")
    axes.set(xlabel="requests in the batch", ylabel="tokens per second, at most")
    axes.legend(frameon=False)
    plt.show()

# %% id="step_time-check"
check("step_time")

# %% [markdown] id="fuse_conv_bn-task" lang="en"
# ## 3. A layer that need not be there
#
# In evaluation mode batch normalisation is the same affine map for every picture,
#
# $$y_c = \gamma_c \, \frac{x_c - \mu_c}{\sqrt{\sigma^2_c + \epsilon}} + \beta_c$$
#
# and so can be folded into the convolution before it. Return a **new** `nn.Conv2d` with bias (a deep
# copy with other weights is one) that does what `bn(conv(x))` does. `conv` and `bn` are in evaluation mode; the convolution may have any stride,
# padding, padding mode, dilation and groups, and a bias or none; `bn` has its running statistics, and may have
# been made with `affine=False`, when $\gamma = 1$ and $\beta = 0$. Do without torch's own
# `torch.nn.utils.fusion`.

# %% [markdown] id="fuse_conv_bn-task" lang="zh"
# ## 3. 可以省掉的一层
#
# 评估模式下，批归一化对每张图都是同一个仿射变换，
#
# $$y_c = \gamma_c \, \frac{x_c - \mu_c}{\sqrt{\sigma^2_c + \epsilon}} + \beta_c$$
#
# 所以可以并入前面的卷积。返回一个**新的**、带偏置的 `nn.Conv2d`（深拷贝之后换权重也算新的），效果与 `bn(conv(x))` 相同。
# `conv` 和 `bn` 都处于评估模式；卷积的步幅、填充及其方式、空洞、分组都不限，可以有偏置也可以没有；
# `bn` 有滑动统计量，可能是用 `affine=False` 建的，此时 $\gamma = 1$、$\beta = 0$。
# 不用 torch 自带的 `torch.nn.utils.fusion`。

# %% id="fuse_conv_bn"
def fuse_conv_bn(conv, bn):
    # en: nn.Conv2d, nn.BatchNorm2d → a new nn.Conv2d
    # zh: nn.Conv2d、nn.BatchNorm2d → 新的 nn.Conv2d
    ### BEGIN SOLUTION
    scale = (bn.running_var + bn.eps).rsqrt()
    if bn.weight is not None:
        scale = scale * bn.weight
    bias = -bn.running_mean if conv.bias is None else conv.bias - bn.running_mean
    bias = bias * scale
    if bn.bias is not None:
        bias = bias + bn.bias
    fused = copy.deepcopy(conv)
    fused.weight = nn.Parameter((conv.weight * scale[:, None, None, None]).detach())
    fused.bias = nn.Parameter(bias.detach())
    return fused
    ### END SOLUTION

# %% id="fuse_conv_bn-try"
with suppress(NotImplementedError):
    conv, bn = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
    for _ in range(20):
        bn(conv(torch.randn(16, 3, 8, 8)))
    x, conv, bn = torch.randn(4, 3, 8, 8), conv.eval(), bn.eval()
    apart = (fuse_conv_bn(conv, bn)(x) - bn(conv(x))).abs().max().item()
    print(f"largest difference {apart:.1e}; {2 * bn(conv(x)).numel():,} values read and written less")

# %% id="fuse_conv_bn-check"
check("fuse_conv_bn")

# %% [markdown] id="tiled_attention-task" lang="en"
# ## 4. Attention that never sees its whole row
#
# `query` is $(M, d)$. The keys and values come in **tiles**: `tiles` yields pairs of a key $(n, d)$
# and a value $(n, d_v)$, can be gone through once only, and its tiles may differ in size. Return
#
# $$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt d}\right) V \qquad (M, d_v)$$
#
# over the keys of all tiles, as if they had come in one piece. All are `float32` or all `float64`. Two
# promises:
#
# - **memory does not grow with the number of tiles**: what you hold when the next tile is asked for
#   may depend on the size of a tile (the last one and its scores may still be there), not on how many
#   there were. No list of tiles, of scores or of partial results;
# - **nothing overflows**, however large the scores are and in whichever tile the largest stands.
#
# There is at least one tile, and none is empty.

# %% [markdown] id="tiled_attention-task" lang="zh"
# ## 4. 从不见到整行的注意力
#
# `query` 是 $(M, d)$。键和值**一块一块**地来：`tiles` 依次产出一对键 $(n, d)$ 和值 $(n, d_v)$，
# 只能遍历一次，各块大小可以不同。返回
#
# $$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt d}\right) V \qquad (M, d_v)$$
#
# 针对所有块的键，结果和一整块给出时相同。全部是 `float32` 或全部是 `float64`。两个要求：
#
# - **内存不随块数增长**：每次索取下一块时，手里占用多少可以取决于块的大小（上一块和它的分数可以还在），
#   但与已经来过多少块无关。不能攒下各块、各块的分数或各块的部分结果；
# - **不溢出**：无论分数多大，也无论最大值在哪一块。
#
# 至少有一块，每一块都不空。

# %% id="tiled_attention"
def tiled_attention(query, tiles):
    # en: query: (M, d); tiles: pairs of (n, d) and (n, d_v) → (M, d_v)
    # zh: query：(M, d)；tiles：一对对的 (n, d) 和 (n, d_v) → (M, d_v)
    ### BEGIN SOLUTION
    largest = query.new_full((len(query), 1), -math.inf)
    total, mixed = 0, 0
    for key, value in tiles:
        scores = query @ key.T / math.sqrt(query.shape[1])  # (M, n)
        now = torch.maximum(largest, scores.amax(dim=1, keepdim=True))
        weights, shrink = torch.exp(scores - now), torch.exp(largest - now)
        total = total * shrink + weights.sum(dim=1, keepdim=True)
        mixed = mixed * shrink + weights @ value
        largest = now
    return mixed / total
    ### END SOLUTION

# %% id="tiled_attention-try"
with suppress(NotImplementedError):
    query, key, value = torch.randn(4, 64), torch.randn(4096, 64), torch.randn(4096, 64)
    whole = F.scaled_dot_product_attention(query[None], key[None], value[None])[0]
    for size in (1, 64, 4096):
        tiles = zip(key.split(size), value.split(size))
        apart = (tiled_attention(query, tiles) - whole).abs().max().item()
        print(f"tiles of {size:>4}: largest difference {apart:.1e}, scores held {4 * size:>6,}")

# %% id="tiled_attention-check"
check("tiled_attention")

# %% [markdown] id="tensor_parallel_mlp-task" lang="en"
# ## 5. One layer on several chips
#
# The feed-forward part `down(gelu(up(x)))` is split over `world_size` ranks, as Megatron-LM does.
# `up` is an `nn.Linear(D, H)`, `down` an `nn.Linear(H, D)`, gelu is `F.gelu` as it stands. Rank $r$
# owns the hidden units from $rH/w$ up to, not including, $(r+1)H/w$ ($w$ = `world_size`, which
# divides $H$): their rows of `up.weight`, their entries of `up.bias`, their columns of
# `down.weight`. **What the others own is not there: you will find `nan` in its place.** `x` $(N, D)$
# and `down.bias` are on every rank.
#
# Write what one rank does. Every rank returns the **whole** result $(N, D)$, and they talk **once**:
# `all_reduce(t)` returns the sum of what all ranks hand in, in the shape of `t`. It is called
# exactly once, with a tensor of the shape of the result.

# %% [markdown] id="tensor_parallel_mlp-task" lang="zh"
# ## 5. 一层拆到几张卡上
#
# 前馈部分 `down(gelu(up(x)))` 按 Megatron-LM 的做法拆到 `world_size` 个 rank 上。
# `up` 是 `nn.Linear(D, H)`，`down` 是 `nn.Linear(H, D)`，gelu 就用默认的 `F.gelu`。
# 第 $r$ 个 rank 拥有从 $rH/w$ 到 $(r+1)H/w$（不含）的隐藏单元（$w$ = `world_size`，整除 $H$）：
# `up.weight` 中对应的行、`up.bias` 中对应的项、`down.weight` 中对应的列。**别的 rank 拥有的部分不在这里，那些位置上是 `nan`。** `x` $(N, D)$ 和 `down.bias` 每个 rank 都有。
#
# 写出一个 rank 做的事。每个 rank 都返回**完整的**结果 $(N, D)$，并且只通信**一次**：
# `all_reduce(t)` 返回所有 rank 交来的张量之和，形状与 `t` 相同。它恰好调用一次，交出的张量与结果同形状。

# %% id="tensor_parallel_mlp"
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    # en: x: (N, D) → (N, D), the same on every rank
    # zh: x：(N, D) → (N, D)，各 rank 相同
    ### BEGIN SOLUTION
    share = up.out_features // world_size
    mine = slice(rank * share, (rank + 1) * share)
    hidden = F.gelu(F.linear(x, up.weight[mine], up.bias[mine]))  # (N, H / w)
    return all_reduce(F.linear(hidden, down.weight[:, mine])) + down.bias
    ### END SOLUTION

# %% id="tensor_parallel_mlp-try"
# en: One after the other here: first each rank hands in its part, then each gets the sum.
# zh: 这里依次运行：先由每个 rank 交出自己的部分，再让每个 rank 拿到总和。
def on_all_ranks(x, up, down, world_size):
    parts = []
    for rank in range(world_size):
        tensor_parallel_mlp(x, up, down, rank, world_size, lambda t: parts.append(t.clone()) or t)
    total = sum(parts)
    return [
        tensor_parallel_mlp(x, up, down, rank, world_size, lambda t: total.clone())
        for rank in range(world_size)
    ]


with suppress(NotImplementedError):
    x, up, down = torch.randn(5, 16), nn.Linear(16, 64), nn.Linear(64, 16)
    for world_size in (1, 2, 4):
        apart = max((y - down(F.gelu(up(x)))).abs().max() for y in on_all_ranks(x, up, down, world_size))
        print(f"{world_size} ranks of {64 // world_size} hidden units: largest difference {apart:.1e}")

# %% id="tensor_parallel_mlp-check"
check("tensor_parallel_mlp")

# %% [markdown] id="accept_drafts-task" lang="en"
# ## 6. Accept, or draw again
#
# A small model has **drawn** $\gamma \ge 1$ tokens, `drafted` $(\gamma,)$, each from its own
# distribution $q_i$: `draft_probabilities` $(\gamma, V)$. The large model has looked at all of them
# in one step: `target_probabilities` $(\gamma + 1, V)$, where $p_i$ is its distribution for the
# place of draft $i$ and the last row that for the place after all of them. `uniforms` $(\gamma,)$
# are random numbers from 0 up to, not including, 1.
#
# Going from the first draft on, draft $x_i$ is accepted if
#
# $$u_i < \frac{p_i(x_i)}{q_i(x_i)}$$
#
# and the first one that is not accepted ends it. Return a pair: **how many** are accepted, and the
# **distribution** $(V,)$ from which the next token has to be drawn:
#
# - after a rejection at place $i$: $\max(p_i - q_i, 0)$, divided by its sum;
# - if all are accepted: the last row of `target_probabilities`.

# %% [markdown] id="accept_drafts-task" lang="zh"
# ## 6. 接受，或者重抽
#
# 小模型已经**抽出** $\gamma \ge 1$ 个词元 `drafted` $(\gamma,)$，每个都抽自它自己的分布 $q_i$：
# `draft_probabilities` $(\gamma, V)$。大模型一步就把它们全看完了：
# `target_probabilities` $(\gamma + 1, V)$，其中 $p_i$ 是它在第 $i$ 个草稿位置的分布，
# 最后一行是全部草稿之后那个位置的分布。`uniforms` $(\gamma,)$ 是随机数，大于等于 0、小于 1。
#
# 从第一个草稿开始，满足
#
# $$u_i < \frac{p_i(x_i)}{q_i(x_i)}$$
#
# 就接受 $x_i$；遇到第一个不满足的就到此为止。返回一对值：接受了**几个**，
# 以及下一个词元应当从哪个**分布** $(V,)$ 抽取：
#
# - 在位置 $i$ 被拒绝：$\max(p_i - q_i, 0)$ 除以它的总和；
# - 全部接受：`target_probabilities` 的最后一行。

# %% id="accept_drafts"
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    # en: (γ,), (γ, V), (γ + 1, V), (γ,) → a number, and a distribution (V,)
    # zh: (γ,)、(γ, V)、(γ + 1, V)、(γ,) → 一个数，和一个分布 (V,)
    ### BEGIN SOLUTION
    for i, token in enumerate(drafted):
        p, q = target_probabilities[i], draft_probabilities[i]
        if not uniforms[i] * q[token] < p[token]:
            left = (p - q).clamp_min(0)
            return i, left / left.sum()
    return len(drafted), target_probabilities[-1]
    ### END SOLUTION

# %% id="accept_drafts-try"
# en: What is accepted is the overlap min(p, q); what is drawn again fills exactly what p lacks.
# zh: 被接受的部分是重叠 min(p, q)；重抽的部分恰好补上 p 还缺的。
with suppress(NotImplementedError):
    p, q = torch.tensor([0.5, 0.2, 0.15, 0.1, 0.05]), torch.tensor([0.2, 0.4, 0.1, 0.1, 0.2])
    rejected = accept_drafts(torch.tensor([1]), q[None], torch.stack([p, p]), torch.tensor([0.99]))
    overlap = torch.minimum(p, q)
    figure, axes = plt.subplots(figsize=(6, 2.6))
    axes.bar(range(5), overlap, color="#5b9bd5", label="accepted")
    again = (1 - overlap.sum()) * torch.as_tensor(rejected[1])
    axes.bar(range(5), again, bottom=overlap, color="#e0a030", label="drawn again")
    axes.step(np.arange(-1, 6), [0, *p, 0], where="mid", color="#888888", label="target p")
    axes.set(xlabel="token", ylabel="probability")
    axes.legend(frameon=False)
    plt.show()

# %% id="accept_drafts-check"
check("accept_drafts")

# %% [markdown] id="speculative_generate-task" lang="en"
# ## 7. Speculative decoding
#
# Now the loop. `target` and `draft` are functions from token ids $(T,)$ to probabilities $(T, V)$:
# row $t$ is the distribution of the token **after** position $t$. In each round
#
# 1. the draft draws `gamma` tokens, one after the other, each from its own distribution;
# 2. the target is called **once**, on the text with all the drafts;
# 3. the accepted drafts stay, and one more token is drawn from the distribution that the rule of
#    task 6 gives.
#
# Return the ids of prompt and new tokens, $(T + \text{max\_new\_tokens},)$: exactly
# `max_new_tokens` $\ge 1$ new ones; what the last round has too many is cut off (that round may also
# draft fewer tokens, or none). No token ends the text early. All chance comes from `generator`, a `torch.Generator`
# (`torch.multinomial` and `torch.rand` take one), so that equal seeds give equal texts. The result
# must be distributed exactly as if the target had drawn every token alone.

# %% [markdown] id="speculative_generate-task" lang="zh"
# ## 7. 投机解码
#
# 现在写循环。`target` 和 `draft` 都是函数，输入词元 id $(T,)$，输出概率 $(T, V)$：
# 第 $t$ 行是位置 $t$ **之后**那个词元的分布。每一轮：
#
# 1. 草稿模型依次抽 `gamma` 个词元，每个都抽自它自己的分布；
# 2. 对接上全部草稿的文本，**只调用一次**目标模型；
# 3. 保留被接受的草稿，再从第 6 题规则给出的分布里抽一个词元。
#
# 返回提示加新词元的 id，形状 $(T + \text{max\_new\_tokens},)$：新词元恰好 `max_new_tokens` $\ge 1$ 个，
# 最后一轮多出来的截掉（那一轮也可以少打几个草稿，甚至不打）。没有哪个词元会提前结束文本。
# 所有随机性都来自 `generator`，即一个 `torch.Generator`（`torch.multinomial` 和 `torch.rand`
# 都能接收），种子相同，文本就相同。结果的分布必须和目标模型独自逐个抽取时完全一样。

# %% id="speculative_generate"
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    # en: ids: (T,) → (T + max_new_tokens,)
    # zh: ids：(T,) → (T + max_new_tokens,)
    ### BEGIN SOLUTION
    length = len(ids) + max_new_tokens
    while len(ids) < length:
        text, guesses = ids, []
        for _ in range(gamma):
            guesses.append(draft(text)[-1])
            text = torch.cat([text, torch.multinomial(guesses[-1], 1, generator=generator)])
        p = target(text)[len(ids) - 1 :]  # (γ + 1, V)
        uniforms = torch.rand(gamma, generator=generator)
        count, left = accept_drafts(text[len(ids) :], torch.stack(guesses), p, uniforms)
        token = torch.multinomial(torch.as_tensor(left), 1, generator=generator)
        ids = torch.cat([text[: len(ids) + int(count)], token])
    return ids[:length]
    ### END SOLUTION

# %% id="speculative_generate-try"
# en: The draft is the tiny GPT's own first layer with its own head: cheaper, and often right.
# zh: 草稿模型就是这个小 GPT 的第一层接上它自己的输出头：更便宜，也常常猜对。
class Told:
    def __init__(self, network, temperature):
        self.network, self.temperature, self.calls = network, temperature, 0

    def __call__(self, ids):
        self.calls += 1
        return torch.softmax(self.network(ids[None]).logits[0] / self.temperature, dim=-1)


first_layer = copy.deepcopy(model)
first_layer.transformer.h = first_layer.transformer.h[:1]
with suppress(NotImplementedError):
    prompt = torch.tensor(tokenizer("Once upon a time, Mia").input_ids)
    for gamma in (1, 2, 4):
        target, draft = Told(model, 0.7), Told(first_layer, 0.7)
        generator = torch.Generator().manual_seed(1)
        text = speculative_generate(target, draft, prompt, 60, gamma, generator)
        print(f"gamma {gamma}: 60 tokens, {target.calls} calls of the target, {draft.calls} of the draft")
    print(tokenizer.decode(text))

# %% id="speculative_generate-check"
check("speculative_generate")

# %% [markdown] id="cache_waste-task" lang="en"
# ## 8. What a reservation wastes
#
# From here on a **history** says what a scheduler did: a list with one dict for each step, from the
# number of each request that held cache in this step to its number of tokens in the cache, at least
# one. For example `[{0: 5}, {0: 6, 1: 3}, {}]`.
#
# Each request reserves whole pages of `page_size` tokens, as many as its tokens need. Return the
# share of all slots reserved, **over all steps together**, that hold no token; 0 where nothing was
# reserved. (A server that reserves the longest possible text for everyone has one page each, as
# long as that text.)

# %% [markdown] id="cache_waste-task" lang="zh"
# ## 8. 预留浪费多少
#
# 从这里开始，用一份**历史**记录调度器做了什么：一个列表，每一步一个字典，
# 从这一步占着缓存的请求编号，到它在缓存里的词元数（至少 1 个）。例如 `[{0: 5}, {0: 6, 1: 3}, {}]`。
#
# 每个请求预留整页，每页 `page_size` 个词元，词元需要几页就预留几页。返回**所有步合在一起**，
# 预留的位置中没有放词元的比例；什么都没预留时为 0。
# （给每个请求都按最长文本预留的服务，相当于每人一页，页长就是最长文本。）

# %% id="cache_waste"
def cache_waste(history, page_size):
    # en: history: a list of {request: tokens} → a share from 0 to 1
    # zh: history：列表，每项 {请求: 词元数} → 0 到 1 的比例
    ### BEGIN SOLUTION
    held = [tokens for step in history for tokens in step.values()]
    reserved = sum(-(-tokens // page_size) * page_size for tokens in held)
    return 1 - sum(held) / reserved if reserved else 0.0
    ### END SOLUTION

# %% id="cache_waste-try"
# en: The same requests, kept in pages of several sizes; 2,048 is one reservation for everyone.
# zh: 同一批请求，用几种页长来存；2,048 就是给每人一次性预留。
with suppress(NotImplementedError):
    lengths = np.random.default_rng(0).integers(20, 600, 50)
    history = [{i: int(n) for i, n in enumerate(lengths)}]
    print({size: f"{cache_waste(history, size):.1%}" for size in (1, 16, 128, 2048)})

# %% id="cache_waste-check"
check("cache_waste")

# %% [markdown] id="continuous_batching-task" lang="en"
# ## 9. A scheduler that keeps the batch full
#
# `requests` is a list of triples `(arrival, prompt, new)` of whole numbers, sorted by arrival: the
# step from which on the request is there, the tokens of its prompt ($\ge 1$) and the tokens to
# generate ($\ge 1$). Its number is its place in the list. The cache has `num_pages` pages of
# `page_size` tokens each. Steps count from 0, and every step does, in this order:
#
# 1. **Admit.** Waiting requests are taken in the order of their numbers, as long as the first of
#    them has arrived (`arrival` ≤ step) and there are free pages enough for the tokens that it has
#    by now: its prompt, and what it had generated before if it was preempted. It takes these pages,
#    as few whole ones as hold them. The first that cannot be admitted ends this part: nobody
#    overtakes.
# 2. **Write.** Each running request, those just admitted included, writes one token into the cache, in
#    the order of numbers. If its pages are full, it takes a free one first. If none is free, the
#    running request with the **largest number** is preempted, which may be this one itself: it gives
#    all its pages back at once, keeps its count of tokens, writes nothing in this step and waits
#    again. That is repeated until there is a free page or this request itself is out.
# 3. **Record** a dict: number of each running request → its tokens in the cache, the new one
#    included. `{}` if none runs.
# 4. **Finish.** Requests with all their `new` tokens leave, and their pages are free from the next
#    step on.
#
# It ends as soon as all have finished. Return the history, a list of these dicts. Every request
# would fit into the cache alone. A step takes in any number of requests.

# %% [markdown] id="continuous_batching-task" lang="zh"
# ## 9. 让批次一直满着的调度器
#
# `requests` 是三元组 `(arrival, prompt, new)` 的列表，都是整数，按到达时间排好：
# 从哪一步起请求到了、提示的词元数（$\ge 1$）、要生成的词元数（$\ge 1$）。请求的编号就是它在列表里的位置。
# 缓存有 `num_pages` 页，每页 `page_size` 个词元。步数从 0 开始，每一步依次做：
#
# 1. **接纳。** 按编号顺序取等待中的请求，只要排在最前的已经到达（`arrival` ≤ 当前步），
#    并且空闲页够放它目前已有的词元：提示，加上被抢占之前已生成的。它拿走这些页，够用即可，都是整页。
#    遇到第一个不能接纳的，这一部分就结束：不许插队。
# 2. **写入。** 运行中的请求（包括刚接纳的）按编号顺序，各往缓存里写一个词元。自己的页已满，就先拿一个空闲页。
#    没有空闲页，就抢占运行中**编号最大**的请求（可能正是自己）：它当场交还全部页，保留词元计数，
#    这一步不写，重新等待。如此重复，直到有空闲页，或者自己出局。
# 3. **记录**一个字典：每个运行中的请求编号 → 它在缓存里的词元数，含刚写的。没有请求在运行就记 `{}`。
# 4. **完成。** 生成够 `new` 个词元的请求离开，它的页从下一步起空闲。
#
# 全部完成即结束。返回历史，也就是这些字典的列表。每个请求单独都放得进缓存。一步能处理的请求数不限。

# %% id="continuous_batching"
def continuous_batching(requests, num_pages, page_size):
    # en: requests: a list of (arrival, prompt, new) → a list of {number: tokens in the cache}
    # zh: requests：(arrival, prompt, new) 的列表 → 列表，每项 {编号: 缓存里的词元数}
    ### BEGIN SOLUTION
    def pages(tokens):
        return -(-tokens // page_size)

    tokens = [prompt for _, prompt, _ in requests]
    waiting, running, history = list(range(len(requests))), [], []
    free = num_pages
    while waiting or running:
        while waiting and requests[waiting[0]][0] <= len(history):
            if pages(tokens[waiting[0]]) > free:
                break
            running.append(waiting.pop(0))
            free -= pages(tokens[running[-1]])
        for i in list(running):
            full = tokens[i] % page_size == 0
            while full and not free and i in running:
                waiting.insert(0, running.pop())
                free += pages(tokens[waiting[0]])
            if i in running:
                free -= full
                tokens[i] += 1
        history.append({i: tokens[i] for i in running})
        for i in [i for i in running if tokens[i] == sum(requests[i][1:])]:
            running.remove(i)
            free += pages(tokens[i])
    return history
    ### END SOLUTION

# %% id="continuous_batching-try"
# en: Static batching: a batch of `slots` starts when the last one is done to its longest request.
# zh: 静态批处理：上一批最长的请求结束之后，才开始下一批，每批 `slots` 个。
def static_batching(requests, slots):
    history, start = [], 0
    while start < len(requests):
        there = [i for i in range(start, len(requests)) if requests[i][0] <= len(history)][:slots]
        for step in range(max((requests[i][2] for i in there), default=1)):
            history.append({i: requests[i][1] + min(step + 1, requests[i][2]) for i in there})
        start += len(there)
    return history


def timeline(axes, history, requests, title):
    for i, (_, prompt, new) in enumerate(requests):
        steps = [t for t, held in enumerate(history) if i in held]
        lengths = [history[t][i] for t in steps]
        idle = [t for t, n, before in zip(steps, lengths, [0, *lengths]) if n == before]
        axes.broken_barh([(t, 1) for t in steps if t not in idle], (i - 0.4, 0.8), color="#5b9bd5")
        axes.broken_barh([(t, 1) for t in idle], (i - 0.4, 0.8), color="#d9796b")
    axes.set(title=title, ylabel="request", ylim=(len(requests) - 0.5, -0.5))


with suppress(NotImplementedError):
    chance = np.random.default_rng(3)
    requests = [(i // 3, int(chance.integers(8, 40)), int(chance.geometric(1 / 20))) for i in range(24)]
    longest = max(prompt + new for _, prompt, new in requests)
    slots, page_size = 4, 4
    num_pages = slots * -(-longest // page_size)
    static = static_batching(requests, slots)
    continuous = continuous_batching(requests, num_pages, page_size)
    figure, rows = plt.subplots(2, 1, figsize=(8, 6), sharex=True)
    timeline(rows[0], static, requests, f"static, {slots} slots of {longest} tokens")
    timeline(rows[1], continuous, requests, f"continuous, {num_pages} pages of {page_size} tokens")
    rows[1].set_xlabel("step")
    figure.tight_layout()
    plt.show()
    made = sum(new for _, _, new in requests)
    print(f"{made} tokens: static {made / len(static):.2f} a step, continuous {made / len(continuous):.2f}")
    with suppress(NotImplementedError):
        print(f"wasted: {cache_waste(static, longest):.1%} and {cache_waste(continuous, page_size):.1%}")

# %% id="continuous_batching-check"
check("continuous_batching")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# An 8-billion model answers at 40 tokens a second on a GPU that could do 200. You may change one
# thing. Which three numbers do you ask for before you choose? The lesson's first question has them.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 一个 80 亿参数的模型，在本可以每秒 200 个词元的 GPU 上只有每秒 40 个。只许改一处，
# 动手之前你会先问哪三个数？答案在课文的第一道面试题里。
