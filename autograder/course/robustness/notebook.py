# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Will it hold, and why does it say so?
#
# Our source document answers both questions in a line. For interpretability it names pictures of
# attention and compression; for robustness, adversarial training and distillation. Two of these
# four are no remedies, one is contested, and none comes with a number.
#
# Here are the numbers. A network that reads 99% of its test digits loses them to changes that
# you hardly see; you write the attack, the defence, and the measurement that tells a real defence
# from a pretended one. Then you ask why it decides as it does, and **test** the explanations.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("pgd")`
# gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 经得起攻击吗，凭什么这样判？
#
# 这两个问题，原始资料各用一句话打发了：可解释性靠注意力可视化和模型压缩，鲁棒性靠对抗训练和知识蒸馏。
# 这四样里，两样根本不管用，一样有争议，而且一个数字都没有。
#
# 这里给出数字。一个测试集上认对 99% 的网络，会栽在你几乎看不出来的改动上。
# 你要写出攻击、写出防御，还要写出能分辨真防御和假防御的评测；
# 然后追问它凭什么这样判，并且**检验**这些解释。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("pgd")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoTokenizer, BertForMaskedLM
from transformers.utils import logging

from autograder import check, hint, lesson, plots, solution, status
from autograder.data.sentiment import load
from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures

logging.set_verbosity_error()
logging.disable_progress_bar()

EXERCISE, LANGUAGE = "robustness", "en"

# %% [markdown] id="data" lang="en"
# ## The network, in units of pixels
#
# The tiny ResNet of the lesson `resnet-eval`, and its 360 test digits. Pixels go from 0 (paper) to
# 16 (ink). An attacker changes *pixels*, so the normalisation belongs inside the model: `reader`
# takes pixels and returns logits. Its convolutional stages are `reader.network.layer1` to `layer4`.

# %% [markdown] id="data" lang="zh"
# ## 以像素为单位的网络
#
# 用的是 `resnet-eval` 那一课里的小 ResNet 和它的 360 张测试数字，像素从 0（纸）到 16（墨）。
# 攻击者改的是**像素**，所以归一化要放进模型里面：`reader` 直接接收像素，返回 logits。
# 它的各个卷积阶段是 `reader.network.layer1` 到 `layer4`。

# %% id="data-plot"
class Reader(nn.Module):
    def __init__(self, classifier):
        super().__init__()
        self.network = classifier.model
        self.mean, self.std = classifier.mean[0], classifier.std[0]

    def forward(self, images):  # (N, 1, 8, 8), pixels 0 … 16 → (N, K)
        return self.network((images / 16 - self.mean) / self.std)


classifier = load_classifier(locate("resnet"))
reader, class_names = Reader(classifier).eval(), classifier.class_names
parts = {
    part: (images.float(), torch.tensor([class_names.index(name) for name in names]))
    for part, (images, names) in load_pictures(classifier).items()
}
digits, labels = parts["test"]


def accuracy(model, images, labels):
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def said(model, images):
    with torch.no_grad():
        return [class_names[k] for k in model(images).argmax(dim=1)]


print(tuple(digits.shape), f"pixels {digits.min():.0f} … {digits.max():.0f}")
print(f"accuracy {accuracy(reader, digits, labels):.3f}")
plots.pictures(digits[:10], said(reader, digits[:10]), vmin=0, vmax=16)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** $N$ pictures $(N, C, H, W)$ of floating-point pixels, `labels`
# and `targets` $(N,)$ whole numbers, `model(images)` gives logits $(N, K)$. Pictures and model are
# both float32 or both float64; results that are pictures keep that type. Whatever you do to a model,
# unless the task is to train it:
#
# - it is asked in **evaluation mode**, and goes **back in the mode** in which it came (all its
#   parts come in the same mode, and its weights require gradients);
# - nothing in it moves, and the `.grad` of its weights stays as it was: `torch.autograd.grad`
#   returns a gradient without leaving it anywhere, `backward()` does not;
# - arguments stay as they were, and no result requires a gradient.
#
# Numbers may come back as Python's, NumPy's or torch's.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** $N$ 张图片 $(N, C, H, W)$，像素是浮点数；`labels` 和 `targets` 是 $(N,)$ 的整数；
# `model(images)` 给出 $(N, K)$ 的 logits。图片和模型要么都是 float32，要么都是 float64；
# 返回图片时类型不变。除了训练那一题，无论拿模型做什么：
#
# - 都在**评估模式**下询问，用完**还原模式**（传入时各部分处于同一模式，权重都要求梯度）；
# - 模型内部什么也不变，权重的 `.grad` 保持原样：`torch.autograd.grad` 只把梯度交给你，
#   `backward()` 却会把梯度留在权重上；
# - 传入的参数保持原样，返回的结果不带梯度。
#
# 返回 Python、NumPy 或 torch 的数值都可以。

# %% [markdown] id="fgsm-task" lang="en"
# ## 1. One step against the model
#
# The fast gradient sign method: every pixel goes by `epsilon` in the direction in which the
# cross entropy of the given `labels` **rises**,
#
# $$x_\text{adv} = \text{clip}\big(x + \varepsilon \cdot \text{sign}(\nabla_x L(x, y)),\ \text{low},\ \text{high}\big)$$
#
# Where the gradient is 0, the pixel stays. `labels` are those given, whatever the model thinks.

# %% [markdown] id="fgsm-task" lang="zh"
# ## 1. 一步攻击
#
# 快速梯度符号法（FGSM）：每个像素都朝着让交叉熵**上升**的方向移动 `epsilon`，交叉熵按给定的 `labels` 计算，
#
# $$x_\text{adv} = \text{clip}\big(x + \varepsilon \cdot \text{sign}(\nabla_x L(x, y)),\ \text{low},\ \text{high}\big)$$
#
# 梯度为 0 的像素不动。不管模型怎么看，标签以传入的 `labels` 为准。

# %% id="fgsm"
def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    # en: images: (N, C, H, W); labels: (N,) → attacked pictures (N, C, H, W)
    # zh: images：(N, C, H, W)；labels：(N,) → 攻击后的图片 (N, C, H, W)
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    x = images.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
    model.train(training)
    return (images + epsilon * slope.sign()).clamp(low, high)
    ### END SOLUTION

# %% id="fgsm-try"
# en: Above, the digits; below, attacked at ε = 2 of 16. What the network now says is in red.
# zh: 上一行是原图，下一行是 ε = 2（满量程 16）攻击之后的图。红字是网络现在的答案。
with suppress(NotImplementedError):
    attacked = fgsm(reader, digits[:10], labels[:10], epsilon=2)
    answers = said(reader, digits[:10]) + said(reader, attacked)
    truth = [class_names[k] for k in labels[:10]] * 2
    colours = ["black" if a == b else "#d1495b" for a, b in zip(answers, truth, strict=True)]
    plots.pictures(torch.cat([digits[:10], attacked]), answers, colours, vmin=0, vmax=16)

# %% id="fgsm-check"
check("fgsm")

# %% [markdown] id="pgd-task" lang="en"
# ## 2. Many steps inside the ball
#
# Projected gradient descent is FGSM in small steps. The **ball** around a clean picture holds every
# picture that differs from it by at most `epsilon` in each pixel, and whose pixels lie between `low`
# and `high`. *Projecting* moves each pixel to the nearest value that is allowed.
#
# - Begin at `start` $(N, C, H, W)$, projected into the ball, with nothing added. Without one, begin at a place of your
#   own: each pixel of `images` plus a random number, uniform from $-\varepsilon$ to $\varepsilon$,
#   projected.
# - Then `steps` times: add `step` times the sign of the gradient **at the present place**, project.
#
# Return the last place; with `steps=0` that is the projected beginning.

# %% [markdown] id="pgd-task" lang="zh"
# ## 2. 在球内走很多步
#
# 投影梯度下降（PGD）就是小步走的 FGSM。原图周围的**球**包含所有这样的图片：
# 每个像素与原图相差不超过 `epsilon`，取值在 `low` 和 `high` 之间。**投影**是把每个像素移到允许范围内最近的值。
#
# - 从 `start` $(N, C, H, W)$ 出发，什么也不加，先投影进球里。没有给 `start` 就自己选起点：
#   `images` 的每个像素各加一个 $-\varepsilon$ 到 $\varepsilon$ 之间均匀分布的随机数，再投影。
# - 然后重复 `steps` 次：加上 `step` 乘**当前位置**的梯度符号，再投影。
#
# 返回最后的位置；`steps=0` 时就是投影后的起点。

# %% id="pgd"
def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    # en: images, start: (N, C, H, W); labels: (N,) → attacked pictures (N, C, H, W)
    # zh: images、start：(N, C, H, W)；labels：(N,) → 攻击后的图片 (N, C, H, W)
    ### BEGIN SOLUTION
    nearest, farthest = (images - epsilon).clamp(min=low), (images + epsilon).clamp(max=high)
    if start is None:
        start = images + epsilon * (2 * torch.rand_like(images) - 1)
    training = model.training
    model.eval()
    x = torch.clamp(start.detach(), nearest, farthest)
    for _ in range(steps):
        x.requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
        x = torch.clamp(x.detach() + step * slope.sign(), nearest, farthest)
    model.train(training)
    return x
    ### END SOLUTION

# %% id="pgd-try"
# en: Random signs are as large as the attacks and do far less harm: direction is what counts.
# zh: 随机符号的扰动和攻击一样大，危害却小得多：要紧的是方向。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    sizes, found = [0.5, 1, 1.5, 2, 3], {"random signs": [], "FGSM": [], "PGD, 10 steps": []}
    for size in sizes:
        signs = (digits + size * torch.randn_like(digits).sign()).clamp(0, 16)
        attacked = pgd(reader, digits, labels, size, step=size / 4, steps=10)
        for name, x in zip(
            found, (signs, fgsm(reader, digits, labels, size), attacked), strict=True
        ):
            found[name].append(accuracy(reader, x, labels))
    figure, axes = plt.subplots(figsize=(6, 2.8))
    for name, values in found.items():
        axes.plot(sizes, values, marker="o", label=name)
    axes.set(xlabel="ε, in pixels of 16", ylabel="accuracy", ylim=(0, 1.05))
    axes.legend(frameon=False)
    plt.show()

# %% id="pgd-check"
check("pgd")

# %% [markdown] id="robust_accuracy-task" lang="en"
# ## 3. The worst of all attacks
#
# A defence that fools one attack is no defence. Return the share of pictures that are recognised
# when clean **and** under every attack: one failure, and the picture is lost. Each attack is called
# as `attack(model, images, labels)` with all the clean pictures, keeps the conventions, and returns
# attacked ones. With no attack, the result is the accuracy.
#
# Do not take an attack's word for its size: raise `ValueError` if any pixel that it returns is
# farther than `epsilon` from the clean one, or below `low` or above `high`, by more than `1e-4`.

# %% [markdown] id="robust_accuracy-task" lang="zh"
# ## 3. 取最坏情况
#
# 只骗过一种攻击的防御不算防御。返回这样的图片比例：原图能认对，**并且**在每一种攻击下都能认对；
# 只要失手一次，这张图就算丢了。每种攻击都以 `attack(model, images, labels)` 调用，传入全部原图，遵守上面的约定，返回攻击后的图片。
# 没有攻击时，结果就是准确率。
#
# 攻击的幅度不能听它自己说：只要返回的任何像素与原图相差超过 `epsilon`，或低于 `low`、高于 `high`，
# 且超出 `1e-4` 以上，就抛出 `ValueError`。

# %% id="robust_accuracy"
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    # en: attacks: a list of functions (model, images, labels) → pictures; → a number from 0 to 1
    # zh: attacks：函数列表，(model, images, labels) → 图片；→ 0 到 1 之间的数
    ### BEGIN SOLUTION
    training = model.training
    model.eval()  # for the attacks
    safe = torch.ones(len(images), dtype=torch.bool)
    for attack in [lambda model, images, labels: images, *attacks]:
        attacked = attack(model, images, labels)
        outside = (attacked - images).abs().max() > epsilon + 1e-4
        if outside or attacked.min() < low - 1e-4 or attacked.max() > high + 1e-4:
            raise ValueError("an attack left the ball")
        model.eval()  # whatever mode the attack left it in
        with torch.no_grad():
            safe &= model(attacked).argmax(dim=1) == labels
    model.train(training)
    return safe.float().mean().item()
    ### END SOLUTION

# %% id="robust_accuracy-try"
# en: A "defence" that only multiplies the logits: probabilities round to 0 and 1, the gradient
# en: vanishes, FGSM stands still. Dividing the logits back breaks the defence.
# zh: 一种只把 logits 放大的「防御」：概率被舍入成 0 和 1，梯度消失，FGSM 原地不动。
# zh: 只要把 logits 除回去，防御就破了。
class Louder(nn.Module):
    def __init__(self, model, times):
        super().__init__()
        self.model, self.times = model, times

    def forward(self, images):
        return self.times * self.model(images)


with suppress(NotImplementedError):
    defended = Louder(reader, 100).eval()

    def naive(model, images, labels):
        return fgsm(model, images, labels, 2)

    def adaptive(model, images, labels):
        quiet = Louder(model, 1 / 100).eval()
        return pgd(quiet, images, labels, 2, step=0.5, steps=10)

    for attacks in ([], [naive], [naive, adaptive]):
        names = ", ".join(attack.__name__ for attack in attacks) or "none"
        print(f"{names}: {robust_accuracy(defended, digits, labels, attacks, 2):.3f}")

# %% id="robust_accuracy-check"
check("robust_accuracy")

# %% [markdown] id="integrated_gradients-task" lang="en"
# ## 4. Every pixel its share
#
# Integrated gradients divide the rise of a logit among the pixels. With $F$ the **logit** of a
# picture's target and $x'$ the baseline (where nothing is to be seen),
#
# $$a_i = (x_i - x'_i) \int_0^1 \frac{\partial F}{\partial x_i}\big(x' + t\,(x - x')\big)\,dt$$
#
# and so $\sum_i a_i = F(x) - F(x')$, *completeness*. Take the mean of the gradient at `steps` points
# of the line: left ends, right ends or middles. The trapezoidal rule is accepted too; it takes
# `steps + 1` points, both ends at half weight. `baseline` is one picture $(C, H, W)$ or one for each
# $(N, C, H, W)$, in the type of `images`.

# %% [markdown] id="integrated_gradients-task" lang="zh"
# ## 4. 每个像素分摊多少
#
# 积分梯度把 logit 的升幅分摊到各个像素。$F$ 是图片目标类别的 **logit**，$x'$ 是基线（什么也看不到的图），
#
# $$a_i = (x_i - x'_i) \int_0^1 \frac{\partial F}{\partial x_i}\big(x' + t\,(x - x')\big)\,dt$$
#
# 于是 $\sum_i a_i = F(x) - F(x')$，这叫**完备性**。在直线上取 `steps` 个点，对梯度取平均，
# 左端点、右端点、中点都可以。也可以用梯形法则：取 `steps + 1` 个点，两端各算一半。
# `baseline` 可以是一张图 $(C, H, W)$，也可以每张各一个 $(N, C, H, W)$，类型与 `images` 相同。

# %% id="integrated_gradients"
def integrated_gradients(model, images, targets, baseline, steps=100):
    # en: images: (N, C, H, W); targets: (N,) → attributions (N, C, H, W)
    # zh: images：(N, C, H, W)；targets：(N,) → 归因 (N, C, H, W)
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    total = torch.zeros_like(images)
    for number in range(steps):
        x = baseline + (number + 0.5) / steps * (images - baseline)
        x = x.detach().requires_grad_()
        logits = model(x).gather(1, targets[:, None])
        total += torch.autograd.grad(logits.sum(), x)[0]
    model.train(training)
    return (images - baseline) * total / steps
    ### END SOLUTION

# %% id="integrated_gradients-try"
# en: Red speaks for the digit's own class, blue against it. Paper, the baseline, gets no share.
# zh: 红色支持该数字自己的类别，蓝色反对。空白处等于基线，分摊到的总是 0。
with suppress(NotImplementedError):
    shares = integrated_gradients(reader, digits[:10], labels[:10], torch.zeros(1, 8, 8))
    with torch.no_grad():
        rise = reader(digits[:10]) - reader(torch.zeros(1, 1, 8, 8))
    rise = rise.gather(1, labels[:10, None])[:, 0]
    shown = [f"{a:.2f} / {b:.2f}" for a, b in zip(shares.sum((1, 2, 3)), rise, strict=True)]
    print("sum of shares / rise of the logit:", ", ".join(shown[:5]))
    plots.pictures(digits[:10], said(reader, digits[:10]), vmin=0, vmax=16)
    plots.pictures(shares, cmap="RdBu_r", vmin=-1.5, vmax=1.5)

# %% id="integrated_gradients-check"
check("integrated_gradients")

# %% [markdown] id="grad_cam-task" lang="en"
# ## 5. Where a layer looked
#
# Grad-CAM asks one layer. Let $A^k$ be the map $(H', W')$ that channel $k$ of `layer` puts out for a
# picture, and $F$ the logit of the picture's target. The weight of a channel is the **mean** of the
# gradient over the map's places; the answer is the positive part of the weighted sum:
#
# $$\alpha_k = \frac{1}{H'W'} \sum_{i,j} \frac{\partial F}{\partial A^k_{ij}}, \qquad
# M = \max\Big(0, \sum_k \alpha_k A^k\Big)$$
#
# Return $M$ for each picture, $(N, H', W')$: as it is, neither enlarged nor scaled. `layer` is a
# module inside `model` and puts out $(N, K', H', W')$. Leave no hook behind.

# %% [markdown] id="grad_cam-task" lang="zh"
# ## 5. 这一层看的是哪里
#
# Grad-CAM 问的是某一层。$A^k$ 是 `layer` 的第 $k$ 个通道对一张图输出的特征图 $(H', W')$，
# $F$ 是该图目标类别的 logit。通道的权重是梯度在各位置上的**平均**，结果取加权和的正部：
#
# $$\alpha_k = \frac{1}{H'W'} \sum_{i,j} \frac{\partial F}{\partial A^k_{ij}}, \qquad
# M = \max\Big(0, \sum_k \alpha_k A^k\Big)$$
#
# 对每张图返回 $M$，形状 $(N, H', W')$，原样返回，不放大、不缩放数值。
# `layer` 是 `model` 里的一个模块，输出 $(N, K', H', W')$。用完不要留下钩子。

# %% id="grad_cam"
def grad_cam(model, layer, images, targets):
    # en: images: (N, C, H, W); targets: (N,) → maps (N, H', W')
    # zh: images：(N, C, H, W)；targets：(N,) → 热力图 (N, H', W')
    ### BEGIN SOLUTION
    training, kept = model.training, []
    model.eval()
    hook = layer.register_forward_hook(lambda module, given, output: kept.append(output))
    logits = model(images)
    hook.remove()
    model.train(training)
    (maps,) = kept
    (slope,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), maps)
    weights = slope.mean(dim=(2, 3), keepdim=True)  # (N, K', 1, 1)
    return (weights * maps).sum(dim=1).relu().detach()
    ### END SOLUTION

# %% id="grad_cam-try"
# en: The same digits by the first stage, 8 × 8, for their own class and for "eight".
# zh: 同样的数字，用第一个阶段（8 × 8）看：先看各自的类别，再看「eight」。
with suppress(NotImplementedError):
    eights = torch.full((10,), class_names.index("eight"))
    for targets in (labels[:10], eights):
        maps = grad_cam(reader, reader.network.layer1, digits[:10], targets)
        names = [class_names[k] for k in targets]
        plots.pictures(maps, names, cmap="magma")

# %% id="grad_cam-check"
check("grad_cam")

# %% [markdown] id="occlusion-task" lang="en"
# ## 6. What if this word were not there?
#
# Pictures of attention are the document's first remedy. Attention shows where a layer reads from,
# not what would change if it could not. That can be asked directly: hide a token and look.
#
# `model(input_ids=…)` is a masked language model: it takes `input_ids` $(B, T)$ and returns an object
# whose `.logits` are $(B, T, V)$. The *score* of a sentence is the log-probability of the token
# `target` at `position`. Return for each place $t$ by how much the score **falls** when that one token
# is replaced by `mask_id`, $(T,)$: the score of the sentence as it came minus the score with the token
# hidden. Every place counts, the first and the last and `position` itself too, where `mask_id` may
# stand already. `input_ids` is one sentence, $(T,)$; the model needs no other argument.

# %% [markdown] id="occlusion-task" lang="zh"
# ## 6. 假如没有这个词
#
# 资料给出的第一个办法是注意力可视化。注意力说明某一层从哪里读，却不说明读不到时结果会怎样变。
# 后者可以直接问：遮住一个 token，看看结果。
#
# `model(input_ids=…)` 是掩码语言模型：输入 `input_ids` $(B, T)$，返回的对象带有 `.logits` $(B, T, V)$。
# 句子的**分数**，是 `position` 处 token `target` 的对数概率。
# 对每个位置 $t$，返回只把那一个 token 换成 `mask_id` 时分数**下降**了多少，$(T,)$：
# 原句的分数减去遮住之后的分数。每个位置都算，包括第一个、最后一个，也包括 `position` 自己（那里可能已经是 `mask_id`）。
# `input_ids` 是一个句子，$(T,)$；模型不需要别的参数。

# %% id="occlusion"
def occlusion(model, input_ids, position, target, mask_id):
    # en: input_ids: (T,) whole numbers → falls of the score (T,)
    # zh: input_ids：(T,) 的整数 → 分数的下降 (T,)
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    hidden = input_ids.repeat(len(input_ids), 1).fill_diagonal_(mask_id)  # (T, T)
    with torch.no_grad():
        logits = model(input_ids=torch.cat([input_ids[None], hidden])).logits[:, position]
    model.train(training)
    scores = logits.log_softmax(dim=1)[:, target]
    return scores[0] - scores[1:]
    ### END SOLUTION

# %% id="occlusion-try"
# en: Why does BERT expect "the" here? Its last layer reads from "menu"; what it needs is "although".
# zh: BERT 凭什么认为这里是 “the”？最后一层读的是 “menu”，真正离不开的却是 “although”。
tokenizer = AutoTokenizer.from_pretrained(locate("bert"))
bert = BertForMaskedLM.from_pretrained(locate("bert"), attn_implementation="eager").eval()
sentence = "although [MASK] menu is short, everything on it is delicious."
input_ids = tokenizer(sentence, return_tensors="pt").input_ids[0]
position = input_ids.tolist().index(tokenizer.mask_token_id)
target = tokenizer.convert_tokens_to_ids("the")


def attention(input_ids, position):
    # en: what the last layer reads at `position`, averaged over its heads: (T,)
    # zh: 最后一层在 `position` 处的注意力，对各头取平均：(T,)
    with torch.no_grad():
        layers = bert(input_ids=input_ids[None], output_attentions=True).attentions
    return layers[-1][0, :, position].mean(dim=0)


with suppress(NotImplementedError):
    falls = occlusion(bert, input_ids, position, target, tokenizer.mask_token_id)
    read = attention(input_ids, position)
    figure, sides = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for axes, values, name in zip(
        sides, (read, falls), ("attention", "fall of the score"), strict=True
    ):
        axes.barh(range(len(input_ids)), np.asarray(values), color="#8fb8de")
        axes.set(xlabel=name)
    sides[0].set_yticks(range(len(input_ids)), tokenizer.convert_ids_to_tokens(input_ids))
    sides[0].invert_yaxis()
    plt.show()

# %% id="occlusion-check"
check("occlusion")

# %% [markdown] id="deletion_curve-task" lang="en"
# ## 7. Is the explanation true?
#
# An explanation that convinces is not yet true. One test: hide the tokens that it calls important,
# the most important first, and watch the score. `score(input_ids)` takes $(B, T)$ and returns $(B,)$;
# ask it once for all rows, or once for each.
#
# Return the scores with 0, 1, 2, … tokens hidden by `mask_id`, as a list or $(M + 1,)$, until the
# $M$ places that are not in `keep` are all hidden. What is hidden stays hidden; places in `keep`
# are never hidden. `importance` $(T,)$ is a list, an array or a tensor; no two values are equal, and
# negative ones, the least important, are hidden last.

# %% [markdown] id="deletion_curve-task" lang="zh"
# ## 7. 解释可信吗
#
# 看着有道理，不等于真。检验的办法之一：从解释认为最重要的 token 开始逐个遮住，看分数怎么变。
# `score(input_ids)` 接收 $(B, T)$，返回 $(B,)$；一次问完或逐行问都行。
#
# 返回用 `mask_id` 遮住 0、1、2…… 个 token 时的分数，列表或 $(M + 1,)$ 都行，
# 直到不在 `keep` 里的 $M$ 个位置全部遮住。遮住的不再恢复；`keep` 里的位置永远不遮。
# `importance` $(T,)$ 可以是列表、数组或张量，没有相等的值；负数最不重要，最后才遮。

# %% id="deletion_curve"
def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    # en: input_ids: (T,); importance: (T,); keep: places → M + 1 scores
    # zh: input_ids：(T,)；importance：(T,)；keep：若干位置 → M + 1 个分数
    ### BEGIN SOLUTION
    order = np.argsort(-np.asarray(importance))
    hidden = input_ids.clone()
    rows = [hidden.clone()]
    for place in order:
        if place not in keep:
            hidden[place] = mask_id
            rows.append(hidden.clone())
    return score(torch.stack(rows))
    ### END SOLUTION

# %% id="deletion_curve-try"
# en: Over 40 sentences: the steeper the fall, the truer the explanation.
# zh: 40 个句子上的平均：降得越陡，解释越可信。
def cloze(text):
    # en: hides one word at random; the place, the word and the places that are never hidden
    # zh: 随机遮住一个词，返回它的位置、它是什么，以及永远不遮的位置
    ids = tokenizer(text, return_tensors="pt").input_ids[0]
    place = int(torch.randint(1, len(ids) - 2, ()))
    word, ids[place] = ids[place].item(), tokenizer.mask_token_id
    return ids, place, word, (0, place, len(ids) - 1)


with suppress(NotImplementedError):
    torch.manual_seed(0)
    curves = {"occlusion": [], "attention": [], "random": []}
    for example in load("en", "test")[:40]:
        ids, place, word, keep = cloze(example.text)

        def score(rows, place=place, word=word):
            with torch.no_grad():
                return bert(input_ids=rows).logits[:, place].log_softmax(dim=1)[:, word]

        worth = (
            occlusion(bert, ids, place, word, tokenizer.mask_token_id),
            attention(ids, place),
            torch.rand(len(ids)),
        )
        for name, importance in zip(curves, worth, strict=True):
            importance = np.asarray(importance) + 1e-9 * np.arange(len(ids))
            curve = deletion_curve(score, ids, importance, tokenizer.mask_token_id, keep)
            curves[name].append(np.asarray(curve)[:5])
    figure, axes = plt.subplots(figsize=(6, 2.8))
    for name, values in curves.items():
        axes.plot(np.mean(values, axis=0), marker="o", label=name)
    axes.set(xlabel="tokens hidden", ylabel="log-probability", xticks=range(5))
    axes.legend(frameon=False)
    plt.show()

# %% id="deletion_curve-check"
check("deletion_curve")

# %% [markdown] id="adversarial_training-task" lang="en"
# ## 8. Learn from the attack
#
# The defence that has held since 2017: train on the worst pictures in the ball. Train `model` itself.
# In each of `epochs`, go through all pictures once, in a **new random order**, in batches of
# `batch_size` (the last may be smaller). For each batch:
#
# 1. `attack(model, images, labels)` with the weights **of this moment**; it returns the attacked
#    pictures, and leaves the model in the mode in which it found it;
# 2. in training mode, one step of AdamW at `learning_rate`, else with its defaults, on the cross
#    entropy of the **attacked** pictures, and of no others.
#
# Return for each epoch the mean loss over its pictures, each loss as it was before its step:
# `epochs` numbers. The model ends in **evaluation mode**. (Keep the rate as it is: no schedule.)

# %% [markdown] id="adversarial_training-task" lang="zh"
# ## 8. 向攻击学习
#
# 2017 年以来一直站得住的防御：在球内最坏的图片上训练。直接训练传入的 `model`。
# 共 `epochs` 轮，每轮把全部图片过一遍，**重新随机排序**，每批 `batch_size` 张（最后一批可以少）。对每个批次：
#
# 1. 用**此刻**的权重调用 `attack(model, images, labels)`，它返回攻击后的图片，模型是什么模式还是什么模式；
# 2. 在训练模式下，只对**攻击后**的图片算交叉熵，用 AdamW 以 `learning_rate` 走一步，其余设置用默认值。
#
# 返回每轮对各图片损失的平均值（以每步更新之前的损失为准），共 `epochs` 个数。
# 模型最后处于**评估模式**。（学习率保持不变，不用调度。）

# %% id="adversarial_training"
def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    # en: images: (N, C, H, W); labels: (N,) → one mean loss for each epoch
    # zh: images：(N, C, H, W)；labels：(N,) → 每轮一个平均损失
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(images)).split(batch_size):
            attacked = attack(model, images[rows], labels[rows])
            model.train()
            loss = F.cross_entropy(model(attacked), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(images))
    model.eval()
    return losses
    ### END SOLUTION

# %% id="adversarial_training-try"
# en: One PGD step in training is enough here to hold off twenty in the test.
# zh: 这里训练时只走一步 PGD，测试时就能抵挡二十步。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    hardened = deepcopy(reader)

    def one_step(model, images, labels):
        return pgd(model, images, labels, 2, step=2.5, steps=1)

    def twenty_steps(model, images, labels):
        return pgd(model, images, labels, 2, step=0.4, steps=20)

    losses = adversarial_training(hardened, *parts["train"], one_step, 6, 3e-3)
    print("losses", [f"{loss:.2f}" for loss in losses])
    for name, model in (("as shipped", reader), ("hardened", hardened)):
        robust = robust_accuracy(model, digits, labels, [twenty_steps], 2)
        print(f"{name}: clean {accuracy(model, digits, labels):.3f}, robust {robust:.3f}")

# %% id="adversarial_training-check"
check("adversarial_training")

# %% [markdown] id="calibration_under_shift-task" lang="en"
# ## 9. Does it know when it fails?
#
# Not every change has an enemy behind it: another pen, another scanner. `shifts` maps names to
# pictures $(N, C, H, W)$ with the same `labels`. Return a dict that gives for each name
#
# - `"accuracy"`: the share of pictures that are recognised;
# - `"confidence"`: the mean of the highest probability of $\text{softmax}(\text{logits} / T)$, with
#   $T$ the `temperature`;
# - `"ece"`: the expected calibration error. `bins` equal intervals of confidence from 0 to 1, open on
#   the left and closed on the right; in each the gap $|\text{accuracy} - \text{mean confidence}|$;
#   their mean, weighted by the number of pictures.

# %% [markdown] id="calibration_under_shift-task" lang="zh"
# ## 9. 错的时候它自己知道吗
#
# 不是每种变化背后都有敌人，也可能只是换了笔、换了扫描仪。`shifts` 把名字对应到图片 $(N, C, H, W)$，
# `labels` 都相同。返回一个字典，对每个名字给出：
#
# - `"accuracy"`：认对的图片比例；
# - `"confidence"`：$\text{softmax}(\text{logits} / T)$ 最大概率的平均值，$T$ 是 `temperature`；
# - `"ece"`：期望校准误差。把置信度从 0 到 1 等分成 `bins` 个区间，左开右闭；
#   每个区间算差距 $|\text{准确率} - \text{平均置信度}|$，再按图片数加权平均。

# %% id="calibration_under_shift"
def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    # en: shifts: {name: (N, C, H, W)} → {name: {"accuracy": …, "confidence": …, "ece": …}}
    # zh: shifts：{名字: (N, C, H, W)} → {名字: {"accuracy": …, "confidence": …, "ece": …}}
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    found = {}
    for name, images in shifts.items():
        with torch.no_grad():
            surest = (model(images) / temperature).softmax(dim=1).max(dim=1)
        hits = (surest.indices == labels).double()
        sure = surest.values.double()
        which = (sure * bins).ceil().long() - 1
        gaps = torch.zeros(bins).double().index_add_(0, which, hits - sure)
        found[name] = {
            "accuracy": hits.mean().item(),
            "confidence": sure.mean().item(),
            "ece": gaps.abs().sum().item() / len(labels),
        }
    model.train(training)
    return found
    ### END SOLUTION

# %% id="calibration_under_shift-try"
# en: A temperature fitted on clean validation digits, and what it is worth elsewhere.
# zh: 在干净的验证数字上拟合温度，再看它在别处管不管用。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    shifts = {
        "clean": digits,
        "noise": (digits + 6 * torch.randn_like(digits)).clamp(0, 16),
        "half as dark": digits / 2,
        "moved by 2": digits.roll(2, dims=3),
        "inverted": 16 - digits,
    }
    x, y = parts["validation"]
    with torch.no_grad():
        logits = reader(x)
    temperatures = torch.linspace(0.2, 3, 57)
    fitted = min(temperatures, key=lambda t: F.cross_entropy(logits / t, y)).item()
    for temperature in (1.0, fitted):
        print(f"temperature {temperature:.2f}")
        for name, row in calibration_under_shift(reader, shifts, labels, temperature).items():
            print(f"  {name:13}", ", ".join(f"{key} {value:.3f}" for key, value in row.items()))

# %% id="calibration_under_shift-check"
check("calibration_under_shift")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# A vendor says that the new model "resists 98% of attacks" and shows a heat map as proof of what it
# looks at. Which six questions do you ask? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 供应商说新模型「能抵挡 98% 的攻击」，还拿出一张热力图证明它看的是什么。你会追问哪六个问题？
# 课文里有清单可以对照。
