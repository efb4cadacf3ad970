# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Attention, written by hand
#
# "Write multi-head attention" is the coding question of this trade, and it comes with a tail: why the square root, what does the mask do before the softmax, why rotate, what do grouped queries save? One of our source documents answers it in a sentence: attention weighs each element "by its importance". A single weight for each element is just what attention is **not**.
#
# You will write the pieces in the order in which they are asked for, hold them against a trained BERT, and at the end count: how many numbers BERT-base and GPT-2 hold, and how many bytes a conversation takes.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("softmax")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 手写注意力
#
# 「手写一个多头注意力」是这一行的经典编程题，后面还跟着一串追问：为什么除以根号 d？掩码为什么要加在 softmax 之前？为什么用旋转？分组查询省了什么？有一份原始资料只用一句话作答：注意力按每个元素的「重要程度」加权。可是给每个元素一个权重，恰恰**不是**注意力。
#
# 下面按面试的顺序把各个部件逐一写出来，和一个训练好的 BERT 对照；最后数一数：BERT-base 和 GPT-2 各有多少参数，一段对话的缓存要占多少字节。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("softmax")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from autograder import check, hint, lesson, solution, status
from autograder.models import locate

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.manual_seed(0)

EXERCISE, LANGUAGE = "attention", "en"

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Arguments are torch tensors unless a task says otherwise. $B$ sentences, $H$ heads, $L$ queries, $S$ keys, $d$ numbers in each query and key. Queries are $(…, L, d)$, keys $(…, S, d)$, values $(…, S, d_v)$; "…" stands for any leading dimensions, or none, the same for all three.
#
# - A mask is boolean and **`True` means "may be seen"**, as in `torch.nn.functional.scaled_dot_product_attention`. (`nn.MultiheadAttention` means the opposite.)
# - A result has the dtype of its input, `float16`, `bfloat16`, `float32` or `float64`, and an argument is left as it was. Inside you may compute in more bits.
# - Write it yourself: PyTorch's own attention, and its softmax in any form, may be used to compare with, not in an answer. Everything else, `exp`, `logsumexp`, `matmul`, `einsum`, is yours. You may build on what you have written in earlier tasks.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 除非题目另有说明，参数都是 torch 张量。$B$ 个句子，$H$ 个头，$L$ 个 query，$S$ 个 key，每个 query 和 key 有 $d$ 个数。query 的形状是 $(…, L, d)$，key 是 $(…, S, d)$，value 是 $(…, S, d_v)$；「…」表示任意多个前置维度，也可以没有，三者相同。
#
# - 掩码是布尔型，**`True` 表示「可以看」**，和 `torch.nn.functional.scaled_dot_product_attention` 一致。（`nn.MultiheadAttention` 恰好相反。）
# - 结果与输入的 dtype 相同（`float16`、`bfloat16`、`float32`、`float64`），并且不改动传入的参数。中间可以用更高的精度。
# - 自己动手写：PyTorch 自带的注意力和各种 softmax 只能拿来对照，不能写进答案。其余的 `exp`、`logsumexp`、`matmul`、`einsum` 都可以用，前面任务里写好的函数也可以用。

# %% [markdown] id="softmax-task" lang="en"
# ## 1. A softmax that does not overflow
#
# $$\text{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# along the dimension `dim`, for scores that are finite, of any size, or $-\infty$: `float32` cannot hold $e^{89}$, and scores of 1000 occur. A score of $-\infty$ gets exactly 0. Where **all** the scores along `dim` are $-\infty$ there is nothing to share out: return zeros there, no `nan`.

# %% [markdown] id="softmax-task" lang="zh"
# ## 1. 不会溢出的 softmax
#
# $$\text{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# 沿 `dim` 维计算。分数是有限的数或 $-\infty$，多大都要成立：`float32` 存不下 $e^{89}$，而 1000 这样的分数并不少见。分数为 $-\infty$ 的位置恰好得 0。如果沿 `dim` **全部**是 $-\infty$，就没有东西可分：这里返回 0，不能是 `nan`。

# %% id="softmax"
def softmax(scores, dim=-1):
    # en: scores: a tensor of any shape → the same shape; sums to 1 along dim (or to 0)
    # zh: scores：任意形状的张量 → 形状不变；沿 dim 求和为 1（或 0）
    ### BEGIN SOLUTION
    highest = scores.amax(dim, keepdim=True)
    highest = highest.masked_fill(highest == -torch.inf, 0)  # -inf minus -inf is nan
    powers = (scores - highest).exp()
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1)
    ### END SOLUTION

# %% id="softmax-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    print(softmax(torch.tensor([1.0, 2.0, 3.0])))
    print(softmax(torch.tensor([1000.0, 2000.0, -torch.inf])))
    print("without the maximum:", torch.tensor([1000.0, 2000.0]).exp())

# %% id="softmax-check"
check("softmax")

# %% [markdown] id="scaled_dot_product_attention-task" lang="en"
# ## 2. Scaled dot product attention
#
# $$A = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right), \qquad O = A V$$
#
# Return **the pair** `(output, weights)`: $O$ of shape $(…, L, d_v)$ and $A$ of shape $(…, L, S)$. Row $i$ of $A$ says how much query $i$ takes from each key, so it is a weight for each *pair*.
#
# `mask`, where given, is boolean and broadcasts to $(…, L, S)$. A hidden key gets a weight of exactly 0, and the visible ones still share all of it. A query that may see **no** key gets zeros, in weights and output.

# %% [markdown] id="scaled_dot_product_attention-task" lang="zh"
# ## 2. 缩放点积注意力
#
# $$A = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right), \qquad O = A V$$
#
# 返回**一对值** `(output, weights)`：$O$ 的形状是 $(…, L, d_v)$，$A$ 的形状是 $(…, L, S)$。$A$ 的第 $i$ 行说明第 $i$ 个 query 从各个 key 各取多少，所以每一**对**有一个权重。
#
# 如果给了 `mask`，它是布尔型，可以广播到 $(…, L, S)$。被遮住的 key 权重恰好为 0，看得见的 key 仍然分完全部权重。**一个** key 都看不见的 query，权重和输出都是 0。

# %% id="scaled_dot_product_attention"
def scaled_dot_product_attention(query, key, value, mask=None):
    # en: query: (…, L, d); key: (…, S, d); value: (…, S, dv); mask: True = may be seen
    # en: → output (…, L, dv), weights (…, L, S)
    # zh: query：(…, L, d)；key：(…, S, d)；value：(…, S, dv)；mask：True 表示可以看
    # zh: → output (…, L, dv)，weights (…, L, S)
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5  # (…, L, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = softmax(scores)
    return weights @ value, weights
    ### END SOLUTION

# %% id="scaled_dot_product_attention-try"
# en: How much the favourite key gets, with and without the square root: 64 keys, drawn 200 times.
# zh: 除与不除根号 d，得分最高的 key 分到多少：64 个 key，重复 200 次。
with suppress(NotImplementedError):
    sizes, kept, lost = [4, 16, 64, 256, 1024], [], []
    for d in sizes:
        q, k = torch.randn(200, 1, d), torch.randn(200, 64, d)
        kept.append(scaled_dot_product_attention(q, k, k)[1].amax(-1).mean())
        lost.append(scaled_dot_product_attention(q * d**0.5, k, k)[1].amax(-1).mean())
    figure, axes = plt.subplots(figsize=(5, 2.6))
    axes.semilogx(sizes, lost, marker="o", color="#d1495b", label="no $\\sqrt{d}$")
    axes.semilogx(sizes, kept, marker="o", color="#4f8fc0", label="$\\sqrt{d}$")
    axes.set(xlabel="d", ylabel="largest weight", ylim=(0, 1.05))
    axes.legend(frameon=False)
    plt.show()

# %% id="scaled_dot_product_attention-check"
check("scaled_dot_product_attention")

# %% [markdown] id="causal_mask-task" lang="en"
# ## 3. No looking ahead, and not too far back
#
# Return a boolean tensor $(L, S)$, `True` where query $i$ may see key $j$. Keys stand at the positions $0 … S-1$. The queries are the **last** $L$ of these positions, so query $i$ stands at $p = S - L + i$; with a cache, $L = 1$ and $S$ grows. $L \le S$ always.
#
# - A query sees its own position and those before it: $j \le p$.
# - With a sliding window of `window` $\ge 1$ it sees at most `window` positions, **itself included**: also $j > p - \text{window}$.

# %% [markdown] id="causal_mask-task" lang="zh"
# ## 3. 不许往后看，也别看太远
#
# 返回形状为 $(L, S)$ 的布尔张量，query $i$ 可以看 key $j$ 的地方为 `True`。key 的位置是 $0 … S-1$；query 是其中**最后** $L$ 个位置，所以 query $i$ 的位置是 $p = S - L + i$。用缓存逐个生成时 $L = 1$，而 $S$ 不断变大。总有 $L \le S$。
#
# - query 能看到自己和之前的位置：$j \le p$。
# - 有滑动窗口 `window` $\ge 1$ 时，最多看 `window` 个位置，**包括自己**：还要满足 $j > p - \text{window}$。

# %% id="causal_mask"
def causal_mask(num_queries, num_keys, window=None):
    # en: three whole numbers (window may be None) → (L, S) boolean, True = may be seen
    # zh: 三个整数（window 可以是 None）→ (L, S) 布尔张量，True 表示可以看
    ### BEGIN SOLUTION
    query = torch.arange(num_keys - num_queries, num_keys)[:, None]
    key = torch.arange(num_keys)
    mask = key <= query
    return mask if window is None else mask & (key > query - window)
    ### END SOLUTION

# %% id="causal_mask-try"
with suppress(NotImplementedError):
    figure, row = plt.subplots(1, 3, figsize=(8, 2.6))
    for axes, arguments in zip(row, [(6, 6), (6, 6, 3), (2, 6)], strict=True):
        axes.imshow(causal_mask(*arguments), cmap="Blues", vmin=0, vmax=1.5)
        axes.set(title=f"causal_mask{arguments}", xlabel="key", ylabel="query")
    figure.tight_layout()
    plt.show()

# %% id="causal_mask-check"
check("causal_mask")

# %% [markdown] id="padding_mask-task" lang="en"
# ## 4. Padding
#
# Sentence $b$ has `lengths[b]` real tokens, and padding fills it up to `size`: behind them with `side="right"`, as for BERT; before them with `side="left"`, as for a GPT that is to continue each line. Return a boolean tensor of shape $(B, 1, 1, S)$, `True` at the keys that are real, so that it broadcasts over heads and queries and joins the causal mask by `&`. `lengths` is a list or a tensor of whole numbers from 0 to `size`.

# %% [markdown] id="padding_mask-task" lang="zh"
# ## 4. 填充
#
# 第 $b$ 句有 `lengths[b]` 个真实的词元，用填充补到 `size`：`side="right"` 时填充在后面，BERT 就是这样；`side="left"` 时填充在前面，要接着往下生成的 GPT 就是这样。返回形状为 $(B, 1, 1, S)$ 的布尔张量，真实的 key 处为 `True`。这样它能在各个头、各个 query 上广播，还能用 `&` 与因果掩码合并。`lengths` 是列表或张量，元素是 0 到 `size` 的整数。

# %% id="padding_mask"
def padding_mask(lengths, size, side="right"):
    # en: lengths: B whole numbers; size: S → (B, 1, 1, S) boolean, True = real token
    # zh: lengths：B 个整数；size：S → (B, 1, 1, S) 布尔张量，True 表示真实的词元
    ### BEGIN SOLUTION
    lengths = torch.as_tensor(lengths)[:, None, None, None]
    places = torch.arange(size)
    return places < lengths if side == "right" else places >= size - lengths
    ### END SOLUTION

# %% id="padding_mask-try"
with suppress(NotImplementedError):
    print(padding_mask([3, 5], 5, side="left").int().squeeze())
    print((causal_mask(5, 5) & padding_mask([3, 5], 5, side="left"))[0, 0].int())

# %% id="padding_mask-check"
check("padding_mask")

# %% [markdown] id="multi_head_attention-task" lang="en"
# ## 5. Several heads
#
# A head can follow one relation at a time, so there are several, each in its own slice of the numbers. Complete the module:
#
# - Four `nn.Linear(d_model, d_model)` with biases, called `q_proj`, `k_proj`, `v_proj`, `out_proj`, and no other parameters. `d_model` that `num_heads` does not divide raises `ValueError`.
# - `forward(x, memory=None, mask=None)`: queries come from `x` $(B, L, d_{model})$; keys and values from `memory` $(B, S, d_{model})$, or from `x` itself where there is none. Head $h$ has the columns $h \cdot d \;…\; (h+1) \cdot d - 1$ of each projection, $d = d_{model} / H$. Each head attends as in task 2, the heads' outputs stand side by side again, head 0 first, and go through `out_proj`. Return $(B, L, d_{model})$ only.
# - `mask` broadcasts to $(B, H, L, S)$. It is a layer to be trained: gradients pass through (we ask for none where a query sees no key).

# %% [markdown] id="multi_head_attention-task" lang="zh"
# ## 5. 多个头
#
# 一个头一次只能盯住一种关系，所以要有好几个头，各用自己的一段维度。补全这个模块：
#
# - 四个带偏置的 `nn.Linear(d_model, d_model)`，名为 `q_proj`、`k_proj`、`v_proj`、`out_proj`，没有别的参数。`d_model` 不能被 `num_heads` 整除时抛出 `ValueError`。
# - `forward(x, memory=None, mask=None)`：query 来自 `x`，形状 $(B, L, d_{model})$；key 和 value 来自 `memory`，形状 $(B, S, d_{model})$，没给就来自 `x` 自己。第 $h$ 个头用每个投影的第 $h \cdot d$ 到 $(h+1) \cdot d - 1$ 列，$d = d_{model} / H$。每个头按任务 2 做注意力，各头的输出再并排拼回去（第 0 个头在最前），最后过 `out_proj`。只返回 $(B, L, d_{model})$。
# - `mask` 可以广播到 $(B, H, L, S)$。这是要训练的层，梯度必须能传过去（有 query 一个 key 都看不见时，不检查梯度）。

# %% id="multi_head_attention"
class MultiHeadAttention(nn.Module):
    # en: MultiHeadAttention(d_model, num_heads)(x, memory, mask) → (B, L, d_model)
    # zh: MultiHeadAttention(d_model, num_heads)(x, memory, mask) → (B, L, d_model)
    def __init__(self, d_model, num_heads):
        super().__init__()
        ### BEGIN SOLUTION
        if d_model % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {d_model} numbers")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)
        ### END SOLUTION

    def forward(self, x, memory=None, mask=None):
        ### BEGIN SOLUTION
        memory = x if memory is None else memory
        projected = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        # (B, L, d_model) → (B, H, L, d)
        heads = [p.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for p in projected]
        output, _ = scaled_dot_product_attention(*heads, mask)
        return self.out_proj(output.transpose(1, 2).flatten(2))  # (B, L, d_model)
        ### END SOLUTION

# %% id="multi_head_attention-try"
# en: The first layer of a trained BERT, computed by your module with BERT's weights.
# zh: 用 BERT 训练好的权重，让你的模块来算它的第一层。
folder = locate("bert", "tiny")
tokenizer = AutoTokenizer.from_pretrained(folder)
bert = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
with suppress(NotImplementedError), torch.no_grad():
    batch = tokenizer(["The room was not bad at all."], return_tensors="pt")
    theirs = bert(**batch, output_attentions=True, output_hidden_states=True)
    layer = bert.encoder.layer[0].attention
    mine = MultiHeadAttention(bert.config.hidden_size, bert.config.num_attention_heads)
    names = {"q_proj": layer.self.query, "k_proj": layer.self.key, "v_proj": layer.self.value}
    for name, linear in {**names, "out_proj": layer.output.dense}.items():
        getattr(mine, name).load_state_dict(linear.state_dict())
    x = theirs.hidden_states[0]
    gap = layer.output.LayerNorm(mine(x) + x) - layer(x)[0]
    print(f"largest difference from BERT's own: {gap.abs().max():.1e}")
    words = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    figure, row = plt.subplots(1, 4, figsize=(10, 3))
    for h, axes in enumerate(row):
        axes.imshow(theirs.attentions[0][0, h], cmap="Blues")
        axes.set_title(f"head {h}", fontsize=9)
        axes.set_xticks(range(len(words)), words, rotation=90, fontsize=7)
        axes.set_yticks(range(len(words)), words if h == 0 else [], fontsize=7)
    plt.show()

# %% id="multi_head_attention-check"
check("multi_head_attention")

# %% [markdown] id="sinusoidal_positions-task" lang="en"
# ## 6. Where does a word stand?
#
# Attention does not know: shuffle the keys along with their values, and nothing changes. The Transformer's first answer is a table that is added to the embeddings, `float32` (which will do for the angles, too) of shape $(L, d)$ with $d$ even:
#
# $$P_{p,\,2i} = \sin\frac{p}{\text{base}^{2i/d}}, \qquad P_{p,\,2i+1} = \cos\frac{p}{\text{base}^{2i/d}}$$
#
# for the positions $p = 0 … L-1$ and $i = 0 … d/2-1$. Sines and cosines **alternate**, as in the paper; some libraries put all sines first.

# %% [markdown] id="sinusoidal_positions-task" lang="zh"
# ## 6. 这个词在哪里？
#
# 注意力不知道：把 key 连同 value 一起打乱，结果完全不变。Transformer 最初的办法是做一张表，加到词向量上。表是 `float32`（角度用 `float32` 算也够），形状 $(L, d)$，$d$ 为偶数：
#
# $$P_{p,\,2i} = \sin\frac{p}{\text{base}^{2i/d}}, \qquad P_{p,\,2i+1} = \cos\frac{p}{\text{base}^{2i/d}}$$
#
# 其中位置 $p = 0 … L-1$，$i = 0 … d/2-1$。正弦和余弦**交替排列**，与论文一致；有些库把正弦全部排在前面。

# %% id="sinusoidal_positions"
def sinusoidal_positions(length, d_model, base=10000.0):
    # en: two whole numbers, d_model even → (length, d_model) float32
    # zh: 两个整数，d_model 为偶数 → (length, d_model)，float32
    ### BEGIN SOLUTION
    rates = base ** (-torch.arange(0, d_model, 2) / d_model)  # (d/2,)
    angles = torch.arange(length)[:, None] * rates  # (L, d/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    ### END SOLUTION

# %% id="sinusoidal_positions-try"
with suppress(NotImplementedError):
    figure, axes = plt.subplots(figsize=(7, 2.4))
    axes.imshow(sinusoidal_positions(100, 64).T, cmap="RdBu", aspect="auto")
    axes.set(xlabel="position", ylabel="dimension")
    plt.show()

# %% id="sinusoidal_positions-check"
check("sinusoidal_positions")

# %% [markdown] id="apply_rotary-task" lang="en"
# ## 7. Rotary positions
#
# What nearly all language models do today: turn each query and key by angles that grow with its position. Then the dot product of a query at $m$ and a key at $n$ depends on $m - n$ only. `x` is $(…, L, d)$ with $d$ even; row $l$ stands at `positions[l]`: whole numbers from 0 into the thousands, in any order.
#
# Number $i$ is paired with number $i + d/2$, the **half-split form of Llama**, for $i = 0 … d/2-1$. With $\theta = p \cdot \text{base}^{-2i/d}$ at position $p$:
#
# $$x'_i = x_i \cos\theta - x_{i+d/2} \sin\theta, \qquad x'_{i+d/2} = x_{i+d/2} \cos\theta + x_i \sin\theta$$
#
# (The paper pairs neighbours, $2i$ with $2i+1$. Weights trained for one form are useless in the other.) The result has the dtype of `x`, but compute the **angles** in at least `float32`: `bfloat16` cannot tell position 1001 from 1002.

# %% [markdown] id="apply_rotary-task" lang="zh"
# ## 7. 旋转位置编码
#
# 如今的语言模型几乎都这么做：把每个 query 和 key 旋转一个随位置增大的角度。这样，位置 $m$ 的 query 与位置 $n$ 的 key 的点积只取决于 $m - n$。`x` 的形状是 $(…, L, d)$，$d$ 为偶数；第 $l$ 行的位置是 `positions[l]`：从 0 到几千的整数，顺序任意。
#
# 第 $i$ 个数与第 $i + d/2$ 个数配成一对，即 **Llama 的前后两半形式**，$i = 0 … d/2-1$。在位置 $p$ 处令 $\theta = p \cdot \text{base}^{-2i/d}$：
#
# $$x'_i = x_i \cos\theta - x_{i+d/2} \sin\theta, \qquad x'_{i+d/2} = x_{i+d/2} \cos\theta + x_i \sin\theta$$
#
# （论文里是相邻的 $2i$ 与 $2i+1$ 配对。按一种形式训练的权重，换成另一种形式就废了。）结果的 dtype 与 `x` 相同，但**角度**至少要用 `float32` 来算：`bfloat16` 分不清位置 1001 和 1002。

# %% id="apply_rotary"
def apply_rotary(x, positions, base=10000.0):
    # en: x: (…, L, d), d even; positions: (L,) whole numbers → (…, L, d)
    # zh: x：(…, L, d)，d 为偶数；positions：(L,) 个整数 → (…, L, d)
    ### BEGIN SOLUTION
    d = x.shape[-1]
    rates = base ** (-torch.arange(0, d, 2) / d)  # (d/2,) float32
    angles = positions[:, None] * rates  # (L, d/2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    ### END SOLUTION

# %% id="apply_rotary-try"
# en: A query that stays, a key that moves away: the same curve wherever the query stands.
# zh: query 不动，key 越走越远：无论 query 站在哪里，曲线都一样。
with suppress(NotImplementedError):
    distance, ones = torch.arange(0, 120), torch.ones(120, 64)
    figure, axes = plt.subplots(figsize=(5, 2.6))
    for start, style in ((200, "-"), (1000, ":")):
        turned = apply_rotary(ones, start - distance)
        axes.plot(distance, (turned[0] * turned).sum(-1), style, label=f"query at {start}")
    axes.set(xlabel="distance", ylabel="dot product")
    axes.legend(frameon=False)
    plt.show()

# %% id="apply_rotary-check"
check("apply_rotary")

# %% [markdown] id="grouped_query_attention-task" lang="en"
# ## 8. Grouped queries
#
# A cache holds keys and values, never queries. So let several query heads share one head of keys and values. `query` is $(B, H, L, d)$, `key` and `value` are $(B, G, S, d)$, and $G$ divides $H$ (otherwise `ValueError`). **Neighbouring** query heads share: heads $0 … H/G-1$ use key head 0, the next $H/G$ key head 1, and so on. Return the output $(B, H, L, d)$ only. `mask` broadcasts to $(B, H, L, S)$. With $G = H$ this is multi-head, with $G = 1$ multi-query attention.

# %% [markdown] id="grouped_query_attention-task" lang="zh"
# ## 8. 分组查询
#
# 缓存里存的是 key 和 value，从来不存 query。那就让几个 query 头共用一个 key/value 头。`query` 的形状是 $(B, H, L, d)$，`key` 和 `value` 是 $(B, G, S, d)$，$G$ 整除 $H$（否则抛出 `ValueError`）。**相邻的** query 头共用：第 $0 … H/G-1$ 个头用第 0 个 key 头，接下来 $H/G$ 个用第 1 个，依此类推。只返回输出，形状 $(B, H, L, d)$。`mask` 可以广播到 $(B, H, L, S)$。$G = H$ 就是多头注意力，$G = 1$ 就是多查询注意力（MQA）。

# %% id="grouped_query_attention"
def grouped_query_attention(query, key, value, mask=None):
    # en: query: (B, H, L, d); key, value: (B, G, S, d) → (B, H, L, d)
    # zh: query：(B, H, L, d)；key、value：(B, G, S, d) → (B, H, L, d)
    ### BEGIN SOLUTION
    heads, groups = query.shape[1], key.shape[1]
    if heads % groups:
        raise ValueError(f"{groups} key heads cannot serve {heads} query heads")
    key, value = (x.repeat_interleave(heads // groups, dim=1) for x in (key, value))
    output, _ = scaled_dot_product_attention(query, key, value, mask)
    return output
    ### END SOLUTION

# %% id="grouped_query_attention-try"
with suppress(NotImplementedError):
    q, k = torch.randn(1, 8, 3, 16), torch.randn(1, 2, 5, 16)
    print(tuple(grouped_query_attention(q, k, k).shape))

# %% id="grouped_query_attention-check"
check("grouped_query_attention")

# %% [markdown] id="cache_bytes-task" lang="en"
# ## 9. What the groups save
#
# Return how many bytes the cache of keys and values takes, as a whole number, for `batch_size` sequences of `tokens` tokens, `bytes_per_value` bytes a number. `config` is a dict with the names that Hugging Face uses: `num_hidden_layers`, `num_attention_heads`, `hidden_size`, and perhaps
#
# - `num_key_value_heads`; where it is missing there are as many as attention heads,
# - `head_dim`; where it is missing it is `hidden_size // num_attention_heads`.
#
# Missing means that the key is not there; none is `None`. Other keys may be there and do not matter.

# %% [markdown] id="cache_bytes-task" lang="zh"
# ## 9. 分组省了多少
#
# 返回 key/value 缓存占多少字节（整数）：`batch_size` 条序列，每条 `tokens` 个词元，每个数 `bytes_per_value` 字节。`config` 是字典，键名和 Hugging Face 一致：`num_hidden_layers`、`num_attention_heads`、`hidden_size`，可能还有
#
# - `num_key_value_heads`：没有这一项时，与注意力头一样多；
# - `head_dim`：没有这一项时，等于 `hidden_size // num_attention_heads`。
#
# 「没有」是指字典里没有这个键，值不会是 `None`。其他键可能存在，与本题无关。

# %% id="cache_bytes"
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    # en: config: a dict; three whole numbers → bytes, a whole number
    # zh: config：字典；三个整数 → 字节数，整数
    ### BEGIN SOLUTION
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim", config["hidden_size"] // heads)
    key_heads = config.get("num_key_value_heads", heads)
    per_token = 2 * config["num_hidden_layers"] * key_heads * head_dim  # keys and values
    return per_token * tokens * batch_size * bytes_per_value
    ### END SOLUTION

# %% id="cache_bytes-try"
# en: Llama 3 8B at 8192 tokens, as it is and with as many key heads as query heads.
# zh: Llama 3 8B，8192 个词元：实际配置，以及假如 key 头和 query 头一样多。
llama = {"num_hidden_layers": 32, "num_attention_heads": 32, "hidden_size": 4096}
with suppress(NotImplementedError):
    for groups in (32, 8, 1):
        taken = cache_bytes({**llama, "num_key_value_heads": groups}, 8192)
        print(f"{groups:2} key heads: {taken / 2**30:.3f} GiB")

# %% id="cache_bytes-check"
check("cache_bytes")

# %% [markdown] id="count_parameters-task" lang="en"
# ## 10. How large is large?
#
# The documents call BERT a model of "billions of parameters". Count, from the configuration alone; both functions take a dict and return a whole number. Biases count, and so do the weight and the bias of every LayerNorm.
#
# `bert_parameters`, a `BertModel`: three embedding tables (`vocab_size`, `max_position_embeddings`, `type_vocab_size` rows of `hidden_size`) and a LayerNorm over their sum; `num_hidden_layers` layers, each with the four linear maps of attention, two of the feed-forward net (`hidden_size` to `intermediate_size` and back) and two LayerNorms; and the pooler, one more linear map from `hidden_size` to `hidden_size`.
#
# `gpt2_parameters`, a `GPT2LMHeadModel`: two embedding tables (`vocab_size` and `n_positions` rows of `n_embd`); `n_layer` layers with the same parts, the feed-forward net being `n_inner` wide, or $4 \cdot$ `n_embd` where `n_inner` is `None`; a final LayerNorm; and an output layer without bias that **shares** its matrix with the table of tokens, which is counted once.
#
# The dicts also hold `num_attention_heads` and `n_head`.

# %% [markdown] id="count_parameters-task" lang="zh"
# ## 10. 多大才算大？
#
# 原始资料把 BERT 说成「数十亿参数」的模型。那就只凭配置数一数；两个函数都接收一个字典，返回一个整数。偏置要算，每个 LayerNorm 的权重和偏置也要算。
#
# `bert_parameters` 数的是 `BertModel`：三张嵌入表（`vocab_size`、`max_position_embeddings`、`type_vocab_size` 行，每行 `hidden_size` 个数），三者之和过一个 LayerNorm；`num_hidden_layers` 层，每层有注意力的四个线性层、前馈网络的两个线性层（`hidden_size` 到 `intermediate_size` 再回来）和两个 LayerNorm；最后是 pooler，一个 `hidden_size` 到 `hidden_size` 的线性层。
#
# `gpt2_parameters` 数的是 `GPT2LMHeadModel`：两张嵌入表（`vocab_size` 行和 `n_positions` 行，每行 `n_embd` 个数）；`n_layer` 层，组成相同，前馈网络的宽度是 `n_inner`，为 `None` 时取 $4 \cdot$ `n_embd`；一个最后的 LayerNorm；没有偏置的输出层与词元嵌入表**共用**一个矩阵，只算一次。
#
# 字典里还有 `num_attention_heads` 和 `n_head`。

# %% id="count_parameters"
def bert_parameters(config):
    # en: config: a dict, as above → a whole number
    # zh: config：如上所述的字典 → 整数
    ### BEGIN SOLUTION
    d, inner = config["hidden_size"], config["intermediate_size"]
    tables = ("vocab_size", "max_position_embeddings", "type_vocab_size")
    embeddings = sum(config[name] for name in tables) * d + 2 * d
    return embeddings + config["num_hidden_layers"] * _layer(d, inner) + d * d + d
    ### END SOLUTION


def gpt2_parameters(config):
    # en: config: a dict, as above → a whole number
    # zh: config：如上所述的字典 → 整数
    ### BEGIN SOLUTION
    d = config["n_embd"]
    inner = config["n_inner"] or 4 * d
    embeddings = (config["vocab_size"] + config["n_positions"]) * d
    return embeddings + config["n_layer"] * _layer(d, inner) + 2 * d


def _layer(d, inner):
    attention, feed_forward, norms = 4 * (d * d + d), 2 * d * inner + inner + d, 2 * 2 * d
    return attention + feed_forward + norms
    ### END SOLUTION

# %% id="count_parameters-try"
# en: Counted by you, and by PyTorch.
# zh: 你数的，和 PyTorch 数的。
with suppress(NotImplementedError):
    mine = bert_parameters(AutoConfig.from_pretrained(folder).to_dict())
    print(f"tiny BERT: {mine:,}, {sum(p.numel() for p in bert.parameters()):,}")
    base = {"vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
            "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
            "intermediate_size": 3072}
    small = {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12,
             "n_head": 12, "n_inner": None}
    print(f"BERT-base: {bert_parameters(base):,}; GPT-2: {gpt2_parameters(small):,}")

# %% id="count_parameters-check"
check("count_parameters")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# Why divide by $\sqrt{d}$? What does a mask do to a row that may see nothing? What is quadratic about attention, and what exactly do grouped queries save? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 为什么除以 $\sqrt{d}$？整行都被遮住时会怎样？注意力的「平方」到底是什么的平方？分组查询具体省了什么？课文里有清单可以对照。
