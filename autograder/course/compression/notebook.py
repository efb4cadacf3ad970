# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Smaller, and still right?
#
# "Prune, quantise, distil" is the answer everybody gives. This notebook asks for the next
# sentence: how many **bytes** does it save, what does it cost in **accuracy**, and does the
# hardware notice? You will write each method in a few lines, apply it to trained networks that
# are small enough for a laptop, and measure size and quality before and after.
#
# Some of what you will see goes against the textbook: eight bits cost nothing, a file full of
# zeros is as large as before, a pruned network is ruined until it is trained again, and a low-rank
# copy can be larger than the original.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("quantize")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 变小了，还对吗？
#
# 「剪枝、量化、蒸馏」，人人都会答。这个练习要的是下一句：省了多少**字节**，**准确率**掉了多少，硬件感觉得到吗？
# 每种方法你都用几行代码写出来，用在笔记本电脑就能跑的训练好的小网络上，测出压缩前后的大小和效果。
#
# 有些结果和教科书说的不一样：8 比特几乎不掉点；全是零的文件一个字节也没变小；剪完的网络不重新训练就废了；低秩近似反而可能比原来更大。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("quantize")`，先给一点提醒，再问还有两级。

# %% id="setup"
import copy
import itertools
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from safetensors.torch import save
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

from autograder import check, hint, lesson, solution, status
from autograder.data import sentiment
from autograder.models.tiny_gpt import stories
from autograder.models.tiny_resnet import network as resnet

EXERCISE, LANGUAGE = "compression", "en"
logging.disable_progress_bar()

# %% [markdown] id="data" lang="en"
# ## Two trained networks
#
# A residual network that reads handwritten digits, judged by accuracy on 360 test pictures; and a
# GPT that tells little stories, judged by perplexity on stories it has not seen. `size` is what the
# weights take on disk, as a safetensors file.

# %% [markdown] id="data" lang="zh"
# ## 两个训练好的网络
#
# 一个认手写数字的残差网络，看它在 360 张测试图片上的准确率；一个讲小故事的 GPT，看它在没见过的故事上的困惑度。
# `size` 是权重存成 safetensors 文件后占多少字节。

# %% id="data-load"
network, config = resnet.load()
train, _, test = resnet.split()
x_train, x_test = (resnet.preprocess(part.images, config) for part in (train, test))
y_train, y_test = (resnet.targets(part.digits, config) for part in (train, test))

gpt_folder = resnet.FOLDER.parent / "tiny_gpt"
gpt = AutoModelForCausalLM.from_pretrained(gpt_folder).eval()
tokenizer = AutoTokenizer.from_pretrained(gpt_folder)


def tokens(texts):
    ids = [torch.tensor(tokenizer(text).input_ids + [tokenizer.eos_token_id]) for text in texts]
    pad = nn.utils.rnn.pad_sequence
    return pad(ids, batch_first=True), pad(ids, batch_first=True, padding_value=-100)


def language_loss(model, x, y):
    return F.cross_entropy(model(x).logits[:, :-1].flatten(0, 1), y[:, 1:].flatten())


@torch.no_grad()
def perplexity(model, texts):
    x, y = tokens(texts)
    return math.exp(language_loss(model, x, y).item())


@torch.no_grad()
def accuracy(model):
    return (model.eval()(x_test).argmax(dim=1) == y_test).double().mean().item()


def size(model):
    return len(save(model.state_dict()))


def replaced(model, change):
    # en: A copy of the network in which change(name, weight) stands for every matrix and kernel.
    # zh: 网络的副本，其中每个矩阵和卷积核都换成 change(名字, 权重)。
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in changed.named_parameters():
            if weight.dim() > 1:
                weight.copy_(change(name, weight.detach().clone()))
    return changed


tales = list(itertools.islice(stories.documents(2_000_000, "en"), 30))
reviews = {part: [e.text for e in sentiment.load("en", part)] for part in ("train", "test")}
print(f"ResNet: {size(network):,} bytes, accuracy {accuracy(network):.3f}")
print(f"GPT: perplexity {perplexity(gpt, tales):.3f} on stories, "
      f"{perplexity(gpt, reviews['test']):,.0f} on product reviews")

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Weights are float tensors; a linear layer's is $(\text{out},
# \text{in})$ and a convolution's $(\text{out}, \text{in}, k, k)$, so that axis 0 is the output
# channel. Codes of $b$ bits are signed: $q_\min = -2^{b-1}$ to $q_\max = 2^{b-1} - 1$, that is
# −128 … 127 for $b = 8$, with $2 \le b \le 8$. Rounding is to the nearest, halves to the even
# neighbour (`torch.round` does it). What is given to you stays unchanged, unless the task says
# "in place". Values are finite, and there is at least one. Numbers, codes and masks may come back
# as Python's, NumPy's or torch's.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 权重是浮点张量；线性层是 $(\text{out}, \text{in})$，卷积是 $(\text{out}, \text{in}, k, k)$，所以第 0 维是输出通道。
# $b$ 比特的编码带符号：$q_\min = -2^{b-1}$ 到 $q_\max = 2^{b-1} - 1$，$b = 8$ 时就是 −128 … 127，$2 \le b \le 8$。
# 舍入取最近的整数，正好一半时取偶数（`torch.round` 就是这样）。除非题目写明「原地」，传进来的东西都不能改动。
# 数值都是有限的，至少有一个。数、编码和掩码用 Python、NumPy 或 torch 的形式返回都可以。

# %% [markdown] id="qparams-task" lang="en"
# ## 1. Scale and zero point
#
# Affine quantisation writes $x \approx s\,(q - z)$. Return the pair $(s, z)$ for all values of `x`
# together:
#
# - **affine** (the default): the range is $[\min x, \max x]$, **widened so that it holds 0**. Its
#   ends go to $q_\min$ and $q_\max$: $s = (\text{hi} - \text{lo}) / (q_\max - q_\min)$ and
#   $z = \mathrm{round}(q_\min - \text{lo}/s)$. So 0, which padding and ReLU produce all the time,
#   has the code $z$ and comes back exactly.
# - **symmetric**: $s = \max|x| / q_\max$ and $z = 0$; the code $q_\min$ is never needed.
#
# If all values are 0, return $(1, 0)$ either way.

# %% [markdown] id="qparams-task" lang="zh"
# ## 1. 缩放系数和零点
#
# 仿射量化写成 $x \approx s\,(q - z)$。对 `x` 的全部数值求一对 $(s, z)$：
#
# - **仿射**（默认）：范围是 $[\min x, \max x]$，**并且要扩到包含 0**。两端对应 $q_\min$ 和 $q_\max$：
#   $s = (\text{hi} - \text{lo}) / (q_\max - q_\min)$，$z = \mathrm{round}(q_\min - \text{lo}/s)$。
#   这样 0（padding 和 ReLU 时时都会产生）的编码就是 $z$，还原后一点误差也没有。
# - **对称**：$s = \max|x| / q_\max$，$z = 0$；编码 $q_\min$ 用不上。
#
# 如果全部数值都是 0，两种方式都返回 $(1, 0)$。

# %% id="qparams"
def qparams(x, bits=8, symmetric=False):
    # en: x: floats of any shape → (scale, zero_point), two numbers, the second one whole
    # zh: x：任意形状的浮点张量 → (scale, zero_point)，两个数，第二个是整数
    ### BEGIN SOLUTION
    q_min, q_max = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    lo, hi = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    if lo == hi:
        return 1.0, 0
    if symmetric:
        return max(-lo, hi) / q_max, 0
    scale = (hi - lo) / (q_max - q_min)
    return scale, round(q_min - lo / scale)
    ### END SOLUTION

# %% id="qparams-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    after_relu = F.relu(network.bn1(network.conv1(x_test))).detach()
    for symmetric in (False, True):
        print(f"symmetric={symmetric}:", qparams(after_relu, symmetric=symmetric))

# %% id="qparams-check"
check("qparams")

# %% [markdown] id="quantize-task" lang="en"
# ## 2. Round and saturate
#
# Return the codes $q = \mathrm{clip}(\mathrm{round}(x / s) + z,\; q_\min,\; q_\max)$ as **int8**,
# in the shape of `x`, also for fewer than 8 bits. A value beyond the range gets the code at its
# end. (Casting does not do that: 130 as an int8 is −126.) An int8 tensor or array will do.

# %% [markdown] id="quantize-task" lang="zh"
# ## 2. 舍入与饱和
#
# 返回编码 $q = \mathrm{clip}(\mathrm{round}(x / s) + z,\; q_\min,\; q_\max)$，类型 **int8**，形状同 `x`；不足 8 比特时也用 int8。
# 超出范围的值取端点的编码。（直接转换类型做不到：130 转成 int8 是 −126。）返回 int8 的张量或数组都可以。

# %% id="quantize"
def quantize(x, scale, zero_point, bits=8):
    # en: x: floats of any shape → int8 codes of the same shape
    # zh: x：任意形状的浮点张量 → 同样形状的 int8 编码
    ### BEGIN SOLUTION
    q = torch.round(x / scale) + zero_point
    return q.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).to(torch.int8)
    ### END SOLUTION

# %% id="quantize-try"
# en: Within the range the error is at most half a step. And the picture of three bits: 8 levels.
# zh: 在范围之内，误差不超过半个步长。右图是 3 比特：只有 8 个台阶。
with suppress(NotImplementedError):
    weight = network.layer4[0].conv2.weight.detach()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    scale, zero = qparams(weight)
    error = scale * (torch.as_tensor(quantize(weight, scale, zero)).float() - zero) - weight
    left.hist((error / scale).flatten().numpy(), bins=60, color="#8fb8de")
    left.set(xlabel="error of int8, in steps", yticks=[])
    line = torch.linspace(-1, 2, 400)
    scale, zero = qparams(line, bits=3)
    codes = torch.as_tensor(quantize(line, scale, zero, bits=3)).float()
    right.plot(line, line, color="#999999", lw=1)
    right.plot(line, scale * (codes - zero), color="#d1495b")
    right.set(xlabel="x", ylabel="s (q − z), 3 bits")
    plt.show()
    print(f"largest error: {error.abs().max() / qparams(weight)[0]:.3f} steps")

# %% id="quantize-check"
check("quantize")

# %% [markdown] id="quantize_per_channel-task" lang="en"
# ## 3. A scale for each channel
#
# One large channel makes the steps of a whole tensor coarse. Quantise `weight`
# **symmetrically**, with a scale of its own for each index of `axis` (counted from 0): everything
# that shares this index is one channel. Return `(codes, scales)`: int8 codes in the shape of
# `weight`, and one scale for each channel. A channel of zeros has the scale 1.
#
# Which axis is the output? 0 in `nn.Linear` and `nn.Conv2d`; 1 in the `Conv1D` of transformers'
# GPT-2, which stores $(\text{in}, \text{out})$.

# %% [markdown] id="quantize_per_channel-task" lang="zh"
# ## 3. 每个通道一个缩放系数
#
# 只要有一个通道数值很大，整个张量的步长就都变粗。对 `weight` 做**对称**量化，`axis`（从 0 数起）的每个下标各用一个缩放系数：该下标相同的元素同属一个通道。
# 返回 `(codes, scales)`：形状同 `weight` 的 int8 编码，以及每个通道一个缩放系数。全零的通道缩放系数为 1。
#
# 哪一维是输出？`nn.Linear` 和 `nn.Conv2d` 是第 0 维；transformers 的 GPT-2 用的 `Conv1D` 存的是 $(\text{in}, \text{out})$，所以是第 1 维。

# %% id="quantize_per_channel"
def quantize_per_channel(weight, axis=0, bits=8):
    # en: weight: floats, C of them along axis → (int8 codes, C scales)
    # zh: weight：浮点张量，axis 方向有 C 个通道 → (int8 编码, C 个缩放系数)
    ### BEGIN SOLUTION
    rows = weight.movedim(axis, 0).flatten(1)  # (C, everything else)
    scales = rows.abs().amax(dim=1) / (2 ** (bits - 1) - 1)
    scales = torch.where(scales > 0, scales, 1.0)
    shape = [-1 if i == axis else 1 for i in range(weight.dim())]
    return quantize(weight, scales.reshape(shape), 0, bits), scales
    ### END SOLUTION

# %% id="quantize_per_channel-try"
# en: At 8 bits nobody can tell them apart. Go down, and the channels pay.
# zh: 8 比特时看不出差别；比特数往下降，差别就出来了。
with suppress(NotImplementedError):
    def through_channels(weight, bits):
        codes, scales = quantize_per_channel(weight, 0, bits)
        shape = (-1,) + (1,) * (weight.dim() - 1)
        return torch.as_tensor(codes).float() * torch.as_tensor(scales).reshape(shape)

    def through_tensor(weight, bits):
        scale, _ = qparams(weight, bits, symmetric=True)
        return scale * torch.as_tensor(quantize(weight, scale, 0, bits)).float()

    figure, axes = plt.subplots(figsize=(5, 2.8))
    depths = [8, 6, 5, 4, 3, 2]
    for way, name in ((through_tensor, "per tensor"), (through_channels, "per channel")):
        held = [accuracy(replaced(network, lambda _, w, b=b, f=way: f(w, b))) for b in depths]
        axes.plot(depths, held, marker="o", label=name)
    axes.set(xlabel="bits", ylabel="accuracy", ylim=(0, 1.05), xlim=(8.3, 1.7))
    axes.legend(frameon=False)
    plt.show()

# %% id="quantize_per_channel-check"
check("quantize_per_channel")

# %% [markdown] id="int8_state-task" lang="en"
# ## 4. What goes on disk
#
# Rounding floats to a grid and keeping them as floats ("fake quantisation") saves nothing. Turn a
# `state_dict` into what is to be stored, a dict of tensors:
#
# - each **floating-point tensor with two or more dimensions** becomes its int8 codes under its own
#   name, and its float32 scales, shape $(C,)$, under its name with `".scale"` appended (per channel
#   along axis 0, 8 bits);
# - everything else stays as it is: biases, the vectors of batch norm, counters.
#
# You may build on your `quantize_per_channel`. The check stores the result as safetensors, loads it
# again and lets the network read digits.

# %% [markdown] id="int8_state-task" lang="zh"
# ## 4. 真正存到磁盘上的东西
#
# 把浮点数舍入到格点上、却仍按浮点数保存（「伪量化」），一个字节也省不了。把 `state_dict` 变成要保存的内容，即一个张量字典：
#
# - 每个**二维及以上的浮点张量**，用原来的名字存 int8 编码，用「原名 + `".scale"`」存 float32 的缩放系数，形状 $(C,)$（沿第 0 维逐通道，8 比特）；
# - 其余原样保留：偏置、批归一化的各个向量、计数器。
#
# 可以使用写好的 `quantize_per_channel`。检查时会存成 safetensors，再读回来，让网络认数字。

# %% id="int8_state"
def int8_state(state):
    # en: state: {name: tensor} → {name: tensor}, ready to be stored
    # zh: state：{名字: 张量} → {名字: 张量}，可以直接保存
    ### BEGIN SOLUTION
    packed = {}
    for name, tensor in state.items():
        packed[name] = tensor
        if tensor.dim() > 1 and tensor.is_floating_point():
            codes, scales = quantize_per_channel(tensor)
            packed[name], packed[f"{name}.scale"] = codes, scales.float()
    return packed
    ### END SOLUTION


def restored(packed):
    # en: The other way: floats again, to be loaded into the network.
    # zh: 反过来：还原成浮点数，供网络加载。
    state = {name: value for name, value in packed.items() if not name.endswith(".scale")}
    for name in state:
        if f"{name}.scale" in packed:
            scales = packed[f"{name}.scale"].reshape(-1, *[1] * (state[name].dim() - 1))
            state[name] = state[name].float() * scales
    return state

# %% id="int8_state-try"
with suppress(NotImplementedError):
    packed = int8_state(network.state_dict())
    small = copy.deepcopy(network)
    small.load_state_dict(restored(packed))
    print(f"float32 {size(network):,} bytes, accuracy {accuracy(network):.3f}")
    print(f"int8    {len(save(packed)):,} bytes, accuracy {accuracy(small):.3f}")
    print(f"compared with a quarter: {len(save(packed)) / (size(network) / 4):.2f}")

# %% id="int8_state-check"
check("int8_state")

# %% [markdown] id="magnitude_masks-task" lang="en"
# ## 5. Away with the smallest
#
# Magnitude pruning removes the weights nearest to zero. `weights` maps names to tensors. Rank all
# of them **together** (globally), and return a dict of boolean masks of the same shapes: `False` at
# the $\mathrm{round}(\text{sparsity} \cdot N)$ smallest magnitudes of all $N$ weights, `True`
# (kept) at the others. **Exactly** so many, even where magnitudes are equal; which of the equal
# ones go is up to you. `sparsity` is between 0 and 1, and both may occur. Do without
# `torch.nn.utils.prune`.

# %% [markdown] id="magnitude_masks-task" lang="zh"
# ## 5. 剪掉最小的
#
# 幅值剪枝去掉最接近零的权重。`weights` 是「名字 → 张量」。把它们放在**一起**（全局）排序，返回同样形状的布尔掩码字典：
# 全部 $N$ 个权重里绝对值最小的 $\mathrm{round}(\text{sparsity} \cdot N)$ 个是 `False`，其余是 `True`（保留）。
# 个数必须**正好**，绝对值相等时也一样；相等的剪哪个由你决定。`sparsity` 在 0 到 1 之间，两端都可能出现。不用 `torch.nn.utils.prune`。

# %% id="magnitude_masks"
def magnitude_masks(weights, sparsity):
    # en: weights: {name: tensor} → {name: boolean mask}, True = kept
    # zh: weights：{名字: 张量} → {名字: 布尔掩码}，True 表示保留
    ### BEGIN SOLUTION
    sizes = [weight.numel() for weight in weights.values()]
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    keep = torch.ones(len(magnitudes), dtype=torch.bool)
    keep[magnitudes.argsort()[: round(sparsity * len(magnitudes))]] = False
    parts = zip(weights.items(), keep.split(sizes), strict=True)
    return {name: part.reshape(weight.shape) for (name, weight), part in parts}
    ### END SOLUTION

# %% id="magnitude_masks-try"
# en: Half of the weights do nothing. And the file? Zeros take as much room as other numbers.
# zh: 一半的权重可有可无。可文件呢？零和别的数占一样多的地方。
with suppress(NotImplementedError):
    weights = {name: w for name, w in network.named_parameters() if w.dim() > 1}
    for sparsity in (0, 0.5, 0.8, 0.9):
        masks = magnitude_masks(weights, sparsity)
        pruned = replaced(network, lambda name, weight: weight * torch.as_tensor(masks[name]))
        print(f"{sparsity:.0%} pruned: accuracy {accuracy(pruned):.3f}, {size(pruned):,} bytes")

# %% id="magnitude_masks-check"
check("magnitude_masks")

# %% [markdown] id="mask_2_to_4-task" lang="en"
# ## 6. Two of four
#
# Zeros in arbitrary places do not help a dense kernel. NVIDIA's sparse tensor cores run one
# pattern: in each group of **four neighbours along the input** at most two are not zero. `weight`
# is $(\text{out}, \text{in})$; groups are columns 0–3, 4–7, … of a row. Return a boolean mask that
# keeps **exactly two** of each group, those of the greatest magnitude (of equal ones, any). If
# $\text{in}$ is no multiple of four, raise `ValueError`.

# %% [markdown] id="mask_2_to_4-task" lang="zh"
# ## 6. 四个留两个
#
# 零的位置随意，稠密算子就占不到便宜。NVIDIA 的稀疏 Tensor Core 只认一种模式：**沿输入方向相邻的四个**里至多两个非零。
# `weight` 是 $(\text{out}, \text{in})$；每一行的第 0–3 列、第 4–7 列……各为一组。
# 返回布尔掩码，每组**正好保留两个**绝对值最大的（相等时任选）。$\text{in}$ 不是四的倍数时，抛出 `ValueError`。

# %% id="mask_2_to_4"
def mask_2_to_4(weight):
    # en: weight: (out, in) → boolean mask (out, in), True = kept
    # zh: weight：(out, in) → 布尔掩码 (out, in)，True 表示保留
    ### BEGIN SOLUTION
    out, width = weight.shape
    if width % 4:
        raise ValueError(f"{width} columns do not fall into groups of four")
    groups = weight.detach().abs().reshape(out, -1, 4)
    best = groups.topk(2, dim=-1).indices
    mask = torch.zeros(groups.shape, dtype=torch.bool)
    return mask.scatter(-1, best, True).reshape(out, width)
    ### END SOLUTION

# %% id="mask_2_to_4-try"
# en: Both keep half of these weights. Only the right pattern is one that hardware knows.
# zh: 两边都保留一半，只有右边的模式硬件认得。
with suppress(NotImplementedError):
    some = network.fc.weight.detach()[:, :24]
    patterns = (magnitude_masks({"w": some}, 0.5)["w"], "anywhere"), (mask_2_to_4(some), "2:4")
    figure, both = plt.subplots(1, 2, figsize=(9, 2))
    for axes, (pattern, name) in zip(both, patterns, strict=True):
        axes.imshow(torch.as_tensor(pattern), cmap="Blues")
        axes.set(title=name, xticks=[c - 0.5 for c in range(0, 25, 4)], xticklabels=[], yticks=[])
        axes.grid(axis="x", color="#d1495b")
    plt.show()

# %% id="mask_2_to_4-check"
check("mask_2_to_4")

# %% [markdown] id="retrain_pruned-task" lang="en"
# ## 7. Train again, with the mask kept
#
# At 90 % the network guesses. What is left can learn again, if what is gone stays gone. Train
# `model` **in place** and return it:
#
# - the weights named in `masks` are 0 where the mask is `False`: **before the first step, in every
#   forward pass and at the end**; all other parameters train on;
# - one step of `torch.optim.AdamW(…, lr=lr)` on the cross entropy of each batch `(x, y)`, in order;
#   the optimiser is made once;
# - train in training mode and return the model in evaluation mode. Names and shapes of its
#   parameters are then what they were. Do without `torch.nn.utils.prune`.
#
# `batches` may be a generator: go through it once.

# %% [markdown] id="retrain_pruned-task" lang="zh"
# ## 7. 保持掩码，重新训练
#
# 剪掉 90% 之后网络只会瞎猜。剩下的权重还能再学，前提是剪掉的不许再回来。**原地**训练 `model` 并返回它：
#
# - `masks` 里点名的权重，掩码为 `False` 的位置都是 0：**第一步之前、每次前向、训练结束时**都是；其余参数照常训练；
# - 按顺序对每个批次 `(x, y)` 的交叉熵走一步 `torch.optim.AdamW(…, lr=lr)`，优化器只建一次；
# - 训练时处于训练模式，返回时处于评估模式；返回时参数的名字和形状与原来一样。不用 `torch.nn.utils.prune`。
#
# `batches` 可能是生成器：只遍历一遍。

# %% id="retrain_pruned"
def retrain_pruned(model, masks, batches, lr=3e-3):
    # en: masks: {parameter's name: boolean mask}; batches: pairs (x, y) → the model
    # zh: masks：{参数名: 布尔掩码}；batches：一对对 (x, y) → 模型
    ### BEGIN SOLUTION
    parameters = dict(model.named_parameters())

    @torch.no_grad()
    def prune():
        for name, mask in masks.items():
            parameters[name].mul_(mask)

    optimizer = torch.optim.AdamW(parameters.values(), lr=lr)
    model.train()
    prune()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        prune()
    return model.eval()
    ### END SOLUTION

# %% id="retrain_pruned-try"
# en: Sixty steps on the digits it was trained on.
# zh: 在原来的训练数字上走六十步。
with suppress(NotImplementedError):
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(len(x_train), (64,), generator=generator) for _ in range(60)]
    levels, before, after = (0.5, 0.8, 0.9, 0.95), [], []
    for sparsity in levels:
        masks = magnitude_masks(weights, sparsity)
        pruned = replaced(network, lambda name, weight: weight * torch.as_tensor(masks[name]))
        before.append(accuracy(pruned))
        again = retrain_pruned(pruned, masks, [(x_train[row], y_train[row]) for row in rows])
        after.append(accuracy(again))
    figure, axes = plt.subplots(figsize=(5, 2.8))
    axes.plot(levels, before, marker="o", color="#d1495b", label="pruned")
    axes.plot(levels, after, marker="o", color="#2e7d32", label="trained again, mask kept")
    axes.set(xlabel="share pruned", ylabel="accuracy", ylim=(0, 1.05))
    axes.legend(frameon=False)
    plt.show()

# %% id="retrain_pruned-check"
check("retrain_pruned")

# %% [markdown] id="low_rank-task" lang="en"
# ## 8. Two thin matrices
#
# Return `(a, b)`, of shapes $(m, r)$ and $(r, n)$, whose product is the **best** approximation of
# the $(m, n)$ `weight` by a matrix of rank $r$: the one with the smallest sum of squared errors.
# How the singular values are shared between the two is up to you; $1 \le r \le \min(m, n)$. With
# `rank=None`, take the **greatest** $r$ at which `a` and `b` together hold **fewer** numbers than
# `weight`. (All weights here have at least 3 rows and 3 columns, so there is one.)

# %% [markdown] id="low_rank-task" lang="zh"
# ## 8. 两个瘦矩阵
#
# 返回 `(a, b)`，形状 $(m, r)$ 和 $(r, n)$，乘积是 $(m, n)$ 的 `weight` 的**最佳**秩 $r$ 近似，即平方误差之和最小。
# 奇异值怎样分给两边由你决定，$1 \le r \le \min(m, n)$。`rank=None` 时，取**最大**的 $r$，使 `a` 和 `b` 合起来的数比 `weight` **少**。
# （这里的权重至少 3 行 3 列，所以一定存在。）

# %% id="low_rank"
def low_rank(weight, rank=None):
    # en: weight: (m, n) → a (m, r), b (r, n)
    # zh: weight：(m, n) → a (m, r)，b (r, n)
    ### BEGIN SOLUTION
    m, n = weight.shape
    if rank is None:
        rank = (m * n - 1) // (m + n)
    u, s, vh = torch.linalg.svd(weight.detach(), full_matrices=False)
    return u[:, :rank] * s[:rank], vh[:rank]
    ### END SOLUTION

# %% id="low_rank-try"
# en: Trained weights have no low rank: where it begins to save, it begins to hurt.
# zh: 训练出来的权重并不低秩：刚开始省，就开始疼。
with suppress(NotImplementedError):
    blocks = [name for name, w in gpt.named_parameters() if w.dim() > 1 and ".h." in name]
    numbers = sum(gpt.get_parameter(name).numel() for name in blocks)
    for rank in (96, 64, 48, 32):
        held = 0

        def through_rank(name, weight, rank=rank):
            global held
            if name not in blocks:
                return weight
            a, b = low_rank(weight, rank)
            held += a.numel() + b.numel()
            return a @ b

        thin = replaced(gpt, through_rank)
        print(f"rank {rank}: {held / numbers:.2f} of the numbers, "
              f"perplexity {perplexity(thin, tales):.2f}")
    print("the greatest rank that saves, for 96 × 384:", low_rank(torch.randn(96, 384))[0].shape[1])

# %% id="low_rank-check"
check("low_rank")

# %% [markdown] id="lora-task" lang="en"
# ## 9. LoRA
#
# The weight itself has no low rank, but its **change** in fine-tuning can be given one. Write a
# module around an `nn.Linear` called `base`, with weight $W$ $(\text{out}, \text{in})$:
#
# $$h = \text{base}(x) + \frac{\alpha}{r}\, B A\, x$$
#
# - `lora_A` $(r, \text{in})$, drawn at random (about as large as `nn.Linear` draws its weights),
#   and `lora_B` $(\text{out}, r)$, **zeros**, are its own parameters, in the dtype of $W$: at the
#   start the layer does exactly what `base` did;
# - everything in `base` is frozen (`requires_grad` is `False`); only the two train;
# - inputs are $(\ldots, \text{in})$, with any number of leading dimensions;
# - `merged()` returns a plain `nn.Linear` with $W + \frac{\alpha}{r} B A$, in the dtype of $W$, and
#   the bias of `base`, if it has one. The layer itself stays as it is.

# %% [markdown] id="lora-task" lang="zh"
# ## 9. LoRA
#
# 权重本身并不低秩，但可以规定它在微调中的**变化**是低秩的。写一个包住 `nn.Linear`（叫 `base`，权重 $W$ 的形状是 $(\text{out}, \text{in})$）的模块：
#
# $$h = \text{base}(x) + \frac{\alpha}{r}\, B A\, x$$
#
# - `lora_A` $(r, \text{in})$ 随机初始化（大小和 `nn.Linear` 的初始权重相仿），`lora_B` $(\text{out}, r)$ **全零**，两者是模块自己的参数，dtype 与 $W$ 相同：起步时，这一层和 `base` 做的事完全一样；
# - `base` 里的一切都冻结（`requires_grad` 为 `False`），只训练这两个；
# - 输入是 $(\ldots, \text{in})$，前面有几维都可以；
# - `merged()` 返回一个普通的 `nn.Linear`，权重 $W + \frac{\alpha}{r} B A$（dtype 与 $W$ 相同），偏置同 `base`（如果有）。这一层自己不变。

# %% id="lora"
class LoRALinear(nn.Module):
    # en: LoRALinear(base, rank, alpha); base: nn.Linear
    # zh: LoRALinear(base, rank, alpha)；base：nn.Linear
    ### BEGIN SOLUTION
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        out, width = base.weight.shape
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, width))
        self.lora_B = nn.Parameter(base.weight.new_zeros(out, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.lora_A.T @ self.lora_B.T)

    @torch.no_grad()
    def merged(self):
        linear = copy.deepcopy(self.base)
        linear.weight += self.scale * (self.lora_B @ self.lora_A)
        return linear
    ### END SOLUTION


def linear_gpt(gpt):
    # en: A copy of the GPT with nn.Linear for transformers' Conv1D, whose weights lie transposed.
    # zh: GPT 的副本，把 transformers 的 Conv1D（权重是转置存放的）换成 nn.Linear。
    model = copy.deepcopy(gpt)
    for block in model.transformer.h:
        for part, name in itertools.product((block.attn, block.mlp), ("c_attn", "c_fc", "c_proj")):
            if hasattr(part, name):
                old = getattr(part, name)
                new = nn.Linear(*old.weight.shape)
                new.load_state_dict({"weight": old.weight.T, "bias": old.bias})
                setattr(part, name, new)
    return model


def each_linear(model, change):
    # en: Puts change(layer) in the place of every linear layer in the blocks.
    # zh: 把每个 block 里的线性层都换成 change(层)。
    for block in model.transformer.h:
        for part in (block.attn, block.mlp):
            for name, layer in list(part.named_children()):
                if isinstance(layer, nn.Linear) or hasattr(layer, "lora_A"):
                    setattr(part, name, change(layer))
    return model

# %% id="lora-try"
# en: The story-teller reads 180 product reviews twice, which changes 4 % of its numbers.
# zh: 会讲故事的 GPT 把 180 条商品评论读两遍，改动的参数只占 4%。
with suppress(NotImplementedError, AttributeError):
    torch.manual_seed(0)
    model = linear_gpt(gpt).requires_grad_(False)
    each_linear(model, lambda layer: LoRALinear(layer, rank=4, alpha=8))
    adapters = [p for p in model.parameters() if p.requires_grad]
    print(f"trained: {sum(p.numel() for p in adapters):,} of {gpt.num_parameters():,}")
    optimizer = torch.optim.AdamW(adapters, lr=1e-2)
    for _ in range(2):
        for rows in torch.randperm(len(reviews["train"])).split(16):
            model.zero_grad()
            language_loss(model, *tokens([reviews["train"][i] for i in rows])).backward()
            optimizer.step()
    merged = each_linear(copy.deepcopy(model), lambda layer: layer.merged())
    off = each_linear(copy.deepcopy(model), lambda layer: layer.base)
    for name, one in (("before", gpt), ("adapted", model), ("merged", merged), ("off", off)):
        print(f"{name}: reviews {perplexity(one, reviews['test']):.1f}, "
              f"stories {perplexity(one, tales):.3f}")

# %% id="lora-check"
check("lora")

# %% [markdown] id="distillation_loss-task" lang="en"
# ## 10. Learning from a teacher
#
# Logits are $(N, K)$. With temperature $T$, $p = \mathrm{softmax}(z_\text{teacher} / T)$ and
# $q = \mathrm{softmax}(z_\text{student} / T)$, return
#
# $$w\, T^2\, \frac1N \sum_i \mathrm{KL}(p_i \,\|\, q_i)
# + (1 - w)\, \text{cross entropy}(z_\text{student}, \text{targets})$$
#
# The first mean is over **all** $N$ rows. A target of −100 means "no label": the cross entropy is
# the mean over the labelled rows only, at temperature 1, and 0 where there are none. The result is
# a scalar tensor through which gradients reach the student, **not the teacher**.

# %% [markdown] id="distillation_loss-task" lang="zh"
# ## 10. 跟老师学
#
# logits 的形状是 $(N, K)$。温度为 $T$，$p = \mathrm{softmax}(z_\text{teacher} / T)$，$q = \mathrm{softmax}(z_\text{student} / T)$，返回
#
# $$w\, T^2\, \frac1N \sum_i \mathrm{KL}(p_i \,\|\, q_i)
# + (1 - w)\, \text{cross entropy}(z_\text{student}, \text{targets})$$
#
# 前一项对**全部** $N$ 行求平均。目标为 −100 表示「没有标签」：交叉熵只对有标签的行求平均，温度为 1，一行都没有时为 0。
# 返回标量张量，梯度能传到学生，**传不到老师**。

# %% id="distillation_loss"
def distillation_loss(student_logits, teacher_logits, targets, temperature=2.0, weight=0.9):
    # en: logits: (N, K); targets: (N,), −100 where there is no label → a scalar tensor
    # zh: logits：(N, K)；targets：(N,)，−100 表示没有标签 → 标量张量
    ### BEGIN SOLUTION
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=1)
    soft = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    hard = F.cross_entropy(student_logits, targets, reduction="sum")
    hard = hard / (targets != -100).sum().clamp(min=1)
    return weight * temperature**2 * soft + (1 - weight) * hard
    ### END SOLUTION

# %% id="distillation_loss-try"
# en: A student of 1,210 parameters with 30 labels; the teacher has an opinion on all 1,077 digits.
# zh: 学生只有 1,210 个参数和 30 个标签；老师对全部 1,077 个数字都有看法。
with suppress(NotImplementedError):
    with torch.no_grad():
        opinions = network(x_train)
    scores = {}
    for name, known, pupils in (("30 labels", 30, 30), ("and a teacher", 30, len(x_train))):
        torch.manual_seed(0)
        student = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
        labels = torch.where(torch.arange(len(y_train)) < known, y_train, -100)[:pupils]
        optimizer = torch.optim.AdamW(student.parameters(), lr=1e-2)
        for _ in range(200):
            z = student(x_train[:pupils])
            loss = distillation_loss(z, opinions[:pupils], labels,
                                     weight=0.9 if pupils > known else 0.0)
            student.zero_grad()
            loss.backward()
            optimizer.step()
        scores[name] = accuracy(student)
        print(f"{name}: {scores[name]:.3f}, {size(student):,} bytes")

# %% id="distillation_loss-check"
check("distillation_loss")

# %% [markdown] id="all-task" lang="en"
# ## All of it in one picture
#
# Size on disk against accuracy. Left and up is better; the ring is the network as it came.
# Which would you choose, and what would you ask first?

# %% [markdown] id="all-task" lang="zh"
# ## 放到一张图上
#
# 磁盘大小对准确率，越靠左上越好，圆圈是原来的网络。你会选哪一个？选之前还要问什么？

# %% id="all-plot"
with suppress(NotImplementedError, NameError):
    kept = sum(int((w != 0).sum()) for w in again.parameters() if w.dim() > 1)
    total = sum(w.numel() for w in again.parameters() if w.dim() > 1)
    as_mask = size(again) - 4 * (total - kept) + total // 8
    points = {"95 % pruned": (size(network), before[-1]),
              "95 % pruned, trained again": (size(again), after[-1]),
              "the same as values and mask": (as_mask, after[-1]),
              "int8": (len(save(packed)), accuracy(small)),
              "distilled": (size(student), scores["and a teacher"])}
    figure, axes = plt.subplots(figsize=(6, 3))
    for name, (size_on_disk, held) in points.items():
        axes.scatter(size_on_disk / 1000, held, s=40, label=name)
    axes.scatter(size(network) / 1000, accuracy(network), s=130, facecolors="none",
                 edgecolors="black", label="float32")
    axes.set(xlabel="kB on disk", ylabel="accuracy", ylim=(0, 1.05), xlim=(0, None))
    axes.legend(frameon=False, fontsize=8)
    plt.show()

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Our model is too slow and too large. Which of these would you try first, and what would you
# measure?" The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「我们的模型又慢又大，这些办法你先试哪个？测什么？」课文里有清单可以对照。
