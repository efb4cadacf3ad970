# %% [markdown] id="opening" lang="en"
# # What does a model give away?
#
# "Differential privacy and federated learning keep it safe", says one of our source documents. Here
# you will take the picture of a digit out of a gradient that a federated client sends, find out from
# the losses who was trained on, and then train so that this fails, with an (ε, δ) to show for it.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("leak")`
# gives a nudge, and two more if you ask again.

# %% [markdown] id="opening" lang="zh"
# # 模型会泄露什么？
#
# 有一份原始资料说：差分隐私、联邦学习能保障安全性和隐私性。在这里，你会从联邦客户端上传的梯度里还原出一张数字图片，
# 会凭损失判断谁参与过训练，再训练一个让这种攻击失效的模型，并给出对应的 (ε, δ)。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("leak")`，先给一点提醒，再问还有两级。

# %% id="setup"
import copy
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from autograder import check, hint, lesson, plots, solution, status

EXERCISE, LANGUAGE = "privacy", "en"

# %% [markdown] id="data" lang="en"
# ## Members and others
#
# 400 of scikit-learn's digits are **members**: they will be trained on. The rest are **others**. In
# both, three labels of ten are wrong: such labels can be known by heart only. The last line makes
# a small network.

# %% [markdown] id="data" lang="zh"
# ## 成员与非成员
#
# 从 scikit-learn 的手写数字里取 400 张作**成员**，用来训练；其余是**非成员**。两边都有三成标签是错的：
# 这样的标签只能靠死记。最后定义了一个小网络。

# %% id="data-load"
pixels, digits = (torch.as_tensor(part) for part in load_digits(return_X_y=True))
generator = torch.Generator().manual_seed(0)
order = torch.randperm(len(digits), generator=generator)
pixels, truth = (pixels / 16).float()[order], digits[order]  # (1797, 64) from 0 to 1, (1797,)
wrong = torch.rand(len(truth), generator=generator) < 0.3
labels = torch.where(
    wrong, (truth + torch.randint(1, 10, truth.shape, generator=generator)) % 10, truth
)
members, others = (pixels[:400], labels[:400]), (pixels[400:], labels[400:])


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))


def accuracy(model):
    with torch.no_grad():
        return (model(pixels[400:]).argmax(dim=1) == truth[400:]).float().mean().item()


plots.pictures(
    members[0][:10].reshape(-1, 8, 8),
    [str(int(y)) for y in members[1][:10]],
    ["#d1495b" if bad else "#2e7d32" for bad in wrong[:10]],
)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Models are torch modules that map $(N, \dots)$ to logits $(N, K)$;
# they have no batch normalisation, so that each example stands alone, and no dropout where gradients
# are asked for. Targets are $(N,)$ whole numbers; the loss of an example is its cross entropy. Numbers may come back as Python's, NumPy's or
# torch's. Arguments that are not said to change stay as they are.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 模型是 torch 模块，把 $(N, \dots)$ 映射成 logits $(N, K)$；没有批归一化，样本之间互不影响；要求梯度的地方也没有 dropout。
# 目标是 $(N,)$ 的整数，一个样本的损失就是它的交叉熵。返回 Python、NumPy 或 torch 的数值都可以。
# 没说要改的参数都不能改动。

# %% [markdown] id="private_gradient-task" lang="en"
# ## 1. Clip, then noise
#
# One step of DP-SGD (Abadi et al., 2016). For the examples $(x_i, y_i)$ of a batch, with the
# parameters $\theta$, clip norm $C$ (`max_norm`), noise multiplier $\sigma$ and expected batch size $B$:
#
# $$g_i = \nabla_\theta\, \ell(x_i, y_i), \qquad
# \tilde g = \frac{1}{B}\Big(\sum_i g_i \min\big(1, C / \lVert g_i \rVert\big)
# + \mathcal N(0, \sigma^2 C^2 I)\Big)$$
#
# - $\lVert g_i \rVert$ is the norm over **all parameters together**, of one example.
# - Noise is drawn with torch, independently for each number, from `generator` (`None` is torch's
#   own); do not seed anything.
# - $B$ is given: the batch itself is random and may be larger, smaller, or **empty** (`x` has 0 rows).
#
# Return a dict with a tensor for each of `model.named_parameters()`, by name, of its shape and dtype.
# The parameters do not move; what is left in their `.grad` does not matter. `vmap(grad(…))` over `functional_call` makes all $g_i$ at once; a loop over examples will do.

# %% [markdown] id="private_gradient-task" lang="zh"
# ## 1. 先裁剪，再加噪
#
# DP-SGD 的一步（Abadi 等，2016）。对批次中的样本 $(x_i, y_i)$，参数 $\theta$，裁剪范数 $C$（`max_norm`），
# 噪声倍数 $\sigma$，期望批次大小 $B$：
#
# $$g_i = \nabla_\theta\, \ell(x_i, y_i), \qquad
# \tilde g = \frac{1}{B}\Big(\sum_i g_i \min\big(1, C / \lVert g_i \rVert\big)
# + \mathcal N(0, \sigma^2 C^2 I)\Big)$$
#
# - $\lVert g_i \rVert$ 是单个样本在**全部参数上合在一起**的范数。
# - 噪声用 torch 生成，每个数独立，来自 `generator`（`None` 表示 torch 默认的生成器）；不要自己设种子。
# - $B$ 由参数给定：批次本身是随机的，可能偏大、偏小，甚至是**空的**（`x` 有 0 行）。
#
# 返回字典：`model.named_parameters()` 里每个名字对应一个张量，形状和 dtype 与参数相同。参数本身不能动；
# `.grad` 里留下什么都无所谓。
# 对 `functional_call` 用 `vmap(grad(…))` 可以一次求出全部 $g_i$；逐个样本循环也行。


# %% id="private_gradient"
def private_gradient(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    # en: x: (N, …); y: (N,) → {name: tensor of the parameter's shape}
    # zh: x：(N, …)；y：(N,) → {名字：与参数同形状的张量}
    ### BEGIN SOLUTION
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    if len(x):

        def loss(parameters, image, target):
            return cross_entropy(functional_call(model, parameters, image[None]), target[None])

        each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)  # name: (N, …)
        norms = torch.cat([g.flatten(1) for g in each.values()], dim=1).norm(dim=1)
        factors = (max_norm / norms).clamp(max=1)  # (N,); a gradient of 0 gets inf, so 1
        total = {name: torch.tensordot(factors, g, dims=1) for name, g in each.items()}
    for value in total.values():
        noise = torch.randn(value.shape, generator=generator, dtype=value.dtype)
        value += noise_multiplier * max_norm * noise
    return {name: value / expected_batch_size for name, value in total.items()}
    ### END SOLUTION


# %% id="private_gradient-try"
# en: Empty until the task is solved. How far one outlier moves the sum of the gradients.
# zh: 完成任务后才会有输出。一个离群样本能把梯度之和推多远。
with suppress(NotImplementedError):
    x, y = members[0][:20].clone(), members[1][:20]
    for size in (1, 10, 100):
        x[0] = size * members[0][0]
        moves = []
        for clip in (1e9, 1.0):
            both = private_gradient(network(), x, y, clip, 0, 1)
            alone = private_gradient(network(), x[1:], y[1:], clip, 0, 1)
            moves.append(torch.cat([(both[n] - alone[n]).flatten() for n in both]).norm().item())
        print(
            f"pixels times {size:3}: {moves[0]:7.2f} without clipping, {moves[1]:.2f} with clip 1"
        )

# %% id="private_gradient-check"
check("private_gradient")

# %% [markdown] id="epsilon-task" lang="en"
# ## 2. What it costs
#
# Return the ε of DP-SGD: `steps` steps, each example drawn with probability $q$ (`sample_rate`,
# $0 < q \le 1$), noise multiplier $\sigma$, at a given $\delta$. The Rényi divergence of order $\alpha$ of
# **one** step (Mironov et al., 2019) and its translation (Balle et al., 2020) are
#
# $$\rho(\alpha) = \frac{1}{\alpha - 1} \ln \sum_{j=0}^{\alpha} \binom{\alpha}{j} (1-q)^{\alpha-j} q^j
# \exp\frac{j^2 - j}{2\sigma^2}, \qquad
# \varepsilon = \min_{\alpha = 2 \dots 64} \Big( T\rho(\alpha) + \ln\frac{\alpha - 1}{\alpha}
# - \frac{\ln\delta + \ln\alpha}{\alpha - 1} \Big)$$
#
# over whole orders; $T$ is the number of steps: Rényi divergences of steps add up. With $q = 1$ only
# the last term of the sum is left. The terms may be too large for a float: sum their logarithms
# (`np.logaddexp`, `torch.logsumexp`). Without noise, $\sigma = 0$, ε is `inf`. Return what the
# formula gives, rounding and clipping nothing. No accountant library.

# %% [markdown] id="epsilon-task" lang="zh"
# ## 2. 隐私的账
#
# 返回 DP-SGD 的 ε：共 `steps` 步，每个样本以概率 $q$（`sample_rate`，$0 < q \le 1$）被抽中，噪声倍数 $\sigma$，
# $\delta$ 给定。**单步**的 $\alpha$ 阶 Rényi 散度（Mironov 等，2019）和换算公式（Balle 等，2020）是
#
# $$\rho(\alpha) = \frac{1}{\alpha - 1} \ln \sum_{j=0}^{\alpha} \binom{\alpha}{j} (1-q)^{\alpha-j} q^j
# \exp\frac{j^2 - j}{2\sigma^2}, \qquad
# \varepsilon = \min_{\alpha = 2 \dots 64} \Big( T\rho(\alpha) + \ln\frac{\alpha - 1}{\alpha}
# - \frac{\ln\delta + \ln\alpha}{\alpha - 1} \Big)$$
#
# 只取整数阶；$T$ 是步数：各步的 Rényi 散度可以直接相加。$q = 1$ 时求和只剩最后一项。
# 各项可能大到浮点数装不下，要在对数上求和（`np.logaddexp`、`torch.logsumexp`）。
# 不加噪声（$\sigma = 0$）时 ε 是 `inf`。公式得多少就返回多少，不要取整或截断。不要用现成的隐私会计库。


# %% id="epsilon"
def epsilon(noise_multiplier, sample_rate, steps, delta):
    # en: → a number
    # zh: → 一个数
    ### BEGIN SOLUTION
    if noise_multiplier == 0:
        return math.inf
    best = math.inf
    for alpha in range(2, 65):
        terms = []
        for j in range(alpha + 1):
            stay = (alpha - j) * math.log1p(-sample_rate) if sample_rate < 1 else 0.0
            if sample_rate < 1 or j == alpha:
                terms.append(math.log(math.comb(alpha, j)) + stay + j * math.log(sample_rate)
                             + (j * j - j) / (2 * noise_multiplier**2))  # fmt: skip
        rho = np.logaddexp.reduce(terms) / (alpha - 1)
        translated = math.log1p(-1 / alpha) - math.log(delta * alpha) / (alpha - 1)
        best = min(best, steps * rho + translated)
    return float(best)
    ### END SOLUTION


# %% id="epsilon-try"
with suppress(NotImplementedError):
    for sigma in (0.5, 1, 2, 3, 5):
        here, all_drawn = (epsilon(sigma, q, 300, 1e-3) for q in (0.25, 1))
        print(f"noise {sigma}: ε = {here:.2f}; if everybody were drawn each time, {all_drawn:.2f}")

# %% id="epsilon-check"
check("epsilon")

# %% [markdown] id="train_privately-task" lang="en"
# ## 3. Train with it
#
# Do `steps` steps with `optimizer`, which holds the parameters of `model`, and return `model`. Before
# each step every one of the $N$ examples is drawn by **its own coin**, with probability `sample_rate`
# (Poisson sampling: this is what the ε above assumes); coins and noise come from `generator`, in
# whatever order. The
# gradient is that of task 1, with $B = \text{sample\_rate} \cdot N$. A step in which
# nobody is drawn is taken too: to skip it would tell that nobody was drawn.

# %% [markdown] id="train_privately-task" lang="zh"
# ## 3. 用它来训练
#
# 用 `optimizer`（里面就是 `model` 的参数）走 `steps` 步，返回 `model`。每一步之前，$N$ 个样本**各掷各的硬币**，
# 以概率 `sample_rate` 被抽中（泊松采样，上面的 ε 正是这样假定的）；硬币和噪声都来自 `generator`，先后不限。
# 梯度用第 1 题的，$B = \text{sample\_rate} \cdot N$。一个样本都没抽中时这一步照样走：跳过就等于告诉别人没人被抽中。


# %% id="train_privately"
def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):
    # en: x: (N, …); y: (N,) → the trained model
    # zh: x：(N, …)；y：(N,) → 训练好的模型
    ### BEGIN SOLUTION
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < sample_rate  # (N,)
        gradient = private_gradient(
            model, x[drawn], y[drawn], max_norm, noise_multiplier, sample_rate * len(x), generator
        )
        for name, parameter in model.named_parameters():
            parameter.grad = gradient[name]
        optimizer.step()
    return model
    ### END SOLUTION


# %% id="train_privately-try"
# en: Three networks: overfitted, stopped early, private. The next task attacks them.
# zh: 三个网络：过拟合的、早停的、带隐私保护的。下一题来攻击它们。
with suppress(NotImplementedError):
    models = {}
    for name, steps in (("overfitted", 300), ("stopped early", 15)):
        models[name] = network()
        optimizer = torch.optim.Adam(models[name].parameters(), lr=1e-2)
        for _ in range(steps):
            optimizer.zero_grad()
            cross_entropy(models[name](members[0]), members[1]).backward()
            optimizer.step()
    private = network()
    optimizer = torch.optim.Adam(private.parameters(), lr=1e-2)
    models["private"] = train_privately(
        private, *members, optimizer, 300, 0.25, 1.0, 3.0, generator
    )
    for name, model in models.items():
        print(f"{name}: accuracy on other digits {accuracy(model):.2f}")

# %% id="train_privately-check"
check("train_privately")

# %% [markdown] id="membership_attack-task" lang="en"
# ## 4. Was it trained on?
#
# The plainest membership inference (Yeom et al., 2018): the lower an example's loss, the likelier a
# member. `members` and `others` are pairs `(x, y)`. Return a dict of two numbers:
#
# - `"auc"`: the chance that a random member has a lower loss than a random other;
# - `"tpr"`: the largest share of members caught by one threshold ("loss at most t: member") that
#   accuses at most the share `max_fpr` of the others (it may lie below or above all losses, so that
#   nobody or everybody is accused). An average says little; being sure of a few
#   is what hurts (Carlini et al., 2022).
#
# The model is asked in evaluation mode and goes back in the mode in which it came; losses must be
# right also where a probability is below what floats can hold. No two losses are equal.

# %% [markdown] id="membership_attack-task" lang="zh"
# ## 4. 它训练过这一张吗？
#
# 最朴素的成员推断（Yeom 等，2018）：损失越低，越像成员。`members` 和 `others` 都是 `(x, y)`。返回含两个数的字典：
#
# - `"auc"`：随机取一个成员、一个非成员，成员损失更低的概率；
# - `"tpr"`：只用一个阈值（损失不超过 t 就判为成员），误判的非成员比例不超过 `max_fpr` 时，最多能抓到多大比例的成员
#   （阈值可以低于或高于所有损失，即谁也不判或全部判为成员）。
#   平均值说明不了多少，对少数人十拿九稳才是真正的危害（Carlini 等，2022）。
#
# 在评估模式下询问模型，用完还原模式；概率小到浮点数存不下时，损失也要正确。没有两个损失相等。


# %% id="membership_attack"
def membership_attack(model, members, others, max_fpr=0.01):
    # en: members, others: (x, y) → {"auc": …, "tpr": …}
    # zh: members、others：(x, y) → {"auc": …, "tpr": …}
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    with torch.no_grad():
        inside, outside = (
            cross_entropy(model(x), y, reduction="none").sort().values for x, y in (members, others)
        )
    model.train(training)
    above = len(outside) - torch.searchsorted(outside, inside)  # others with a higher loss
    allowed = int(max_fpr * len(outside) + 1e-9)  # so many others may be accused
    bound = outside[allowed] if allowed < len(outside) else torch.inf
    return {
        "auc": above.double().mean().item() / len(outside),
        "tpr": (inside < bound).double().mean().item(),
    }
    ### END SOLUTION


# %% id="membership_attack-try"
# en: "stopped early" resists too, and promises nothing: an attack that fails is no proof.
# zh: 早停的也挺得住，但什么都没有承诺：一次攻击失败并不是证明。
with suppress(NotImplementedError):
    figure, axes = plt.subplots(figsize=(4.2, 4))
    for name, model in models.items():
        found = membership_attack(model, members, others)
        with torch.no_grad():
            losses = [cross_entropy(model(x), y, reduction="none") for x, y in (members, others)]
        is_member = np.repeat([1, 0], [len(part) for part in losses])
        fpr, tpr, _ = roc_curve(is_member, -torch.cat(losses).numpy())
        axes.plot(fpr, tpr, label=f"{name}: {found['auc']:.2f}")
        print(f"{name}: AUC {found['auc']:.3f}, {found['tpr']:.1%} caught at 1% false alarms")
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(xlabel="others accused", ylabel="members caught")
    axes.legend(title="AUC", frameon=False)
    plt.show()

# %% id="membership_attack-check"
check("membership_attack")

# %% [markdown] id="leak-task" lang="en"
# ## 5. The picture in the gradient
#
# A federated client keeps its data and sends a gradient. `gradients` is that of **one** example's
# cross entropy in a fully connected network: a list $[W_1, b_1, \dots, W_L, b_L]$ of gradients in
# the order of `model.parameters()`, each $W_l$ of shape (out, in); between the layers any activation.
# Return `{"image": …, "label": …}`: the input $(D,)$ and the target, a whole number.
#
# With $z = W_1 x + b_1$, the chain rule gives row $i$ of the weight's gradient as
# $(\partial\ell / \partial z_i)\, x$, and that of the bias as $\partial\ell / \partial z_i$. Many units may
# be dead: both are 0. The last layer's bias gradient is $\mathrm{softmax} - \text{onehot}$: only the
# target's is negative.

# %% [markdown] id="leak-task" lang="zh"
# ## 5. 梯度里的图片
#
# 联邦客户端不交数据，只上传梯度。`gradients` 是全连接网络对**一个**样本的交叉熵的梯度：
# 列表 $[W_1, b_1, \dots, W_L, b_L]$，顺序与 `model.parameters()` 相同，$W_l$ 的形状是 (out, in)，
# 层与层之间的激活函数任意。返回 `{"image": …, "label": …}`：输入 $(D,)$ 和目标（整数）。
#
# 令 $z = W_1 x + b_1$，由链式法则，权重梯度的第 $i$ 行是 $(\partial\ell / \partial z_i)\, x$，偏置梯度是
# $\partial\ell / \partial z_i$。许多单元可能是死的，两者都是 0。最后一层的偏置梯度是
# $\mathrm{softmax} - \text{onehot}$：只有目标那一项是负的。


# %% id="leak"
def leak(gradients):
    # en: [W1, b1, …, WL, bL] → {"image": (D,), "label": …}
    # zh: [W1, b1, …, WL, bL] → {"image": (D,), "label": …}
    ### BEGIN SOLUTION
    weight, bias = gradients[0], gradients[1]
    unit = bias.abs().argmax()
    return {"image": weight[unit] / bias[unit], "label": int(gradients[-1].argmin())}
    ### END SOLUTION


# %% id="leak-try"
# en: Above what a client has, below what the server reads from its gradient. Then with noise.
# zh: 上排是客户端的数据，下排是服务器从梯度里读出来的；再看加了噪声的。
with suppress(NotImplementedError):
    for sigma in (0.0, 0.05):
        seen, said = [], []
        for x, y in zip(pixels[:10], truth[:10], strict=True):
            sent = private_gradient(network(), x[None], y[None], 1.0, sigma, 1, generator)
            found = leak(list(sent.values()))
            seen.append(torch.as_tensor(found["image"]).reshape(8, 8))
            said.append(f"{found['label']}")
        print(f"clip 1, noise {sigma}")
        plots.pictures(
            [*pixels[:10].reshape(-1, 8, 8), *seen], [*map(str, truth[:10].tolist()), *said]
        )

# %% id="leak-check"
check("leak")

# %% [markdown] id="federated_average-task" lang="en"
# ## 6. Averaging clients
#
# FedAvg's server step (McMahan et al., 2017): `states` is a list of the clients' state dicts, all
# with the same names and shapes, and `sizes` how many examples each has, $n_k$. Return a new state
# dict, $\sum_k \frac{n_k}{n}\, w_k$ with $n = \sum_k n_k$, each tensor in the dtype that it has. What is
# not floating point (counters of whole numbers) is taken from the first client. The clients' tensors
# do not change and share no memory with the result.

# %% [markdown] id="federated_average-task" lang="zh"
# ## 6. 对客户端求平均
#
# FedAvg 服务器的一步（McMahan 等，2017）：`states` 是各客户端 state dict 的列表，名字和形状都相同；
# `sizes` 是各自的样本数 $n_k$。返回新的 state dict：$\sum_k \frac{n_k}{n}\, w_k$，$n = \sum_k n_k$，
# 每个张量保持原来的 dtype。不是浮点数的（整数计数器）取第一个客户端的值。客户端的张量不能改动，
# 也不能与结果共享内存。


# %% id="federated_average"
def federated_average(states, sizes):
    # en: states: list of {name: tensor}; sizes: list of numbers → {name: tensor}
    # zh: states：{名字：张量} 的列表；sizes：数的列表 → {名字：张量}
    ### BEGIN SOLUTION
    total, average = sum(sizes), {}
    for name, first in states[0].items():
        if first.is_floating_point():
            parts = [state[name] * (n / total) for state, n in zip(states, sizes, strict=True)]
            average[name] = torch.stack(parts).sum(dim=0).to(first.dtype)
        else:
            average[name] = first.clone()
    return average
    ### END SOLUTION


# %% id="federated_average-try"
# en: Three clients who know some digits each, and more and more rounds. No picture leaves a client.
# zh: 三个客户端，各自只有部分数字；通信轮数逐渐增加。图片不离开客户端。
with suppress(NotImplementedError):
    rows = [torch.nonzero((truth[:400] >= low) & (truth[:400] < high)).flatten()
            for low, high in ((0, 2), (2, 5), (5, 10))]  # fmt: skip
    server = network()
    for round_ in range(1, 31):
        states = []
        for own in rows:
            client = copy.deepcopy(server)
            optimizer = torch.optim.SGD(client.parameters(), lr=0.3)
            for _ in range(5):
                optimizer.zero_grad()
                cross_entropy(client(pixels[own]), truth[own]).backward()
                optimizer.step()
            states.append(client.state_dict())
        server.load_state_dict(federated_average(states, [len(own) for own in rows]))
        if round_ in (1, 10, 30):
            print(f"round {round_}: accuracy {accuracy(server):.2f}")

# %% id="federated_average-check"
check("federated_average")

# %% [markdown] id="anonymous_counts-task" lang="en"
# ## 7. Counts that may be published
#
# `rows` is a list of dicts, one a person. People with equal values of **all** the columns `quasi`
# (quasi-identifiers: age band, postcode) form a group. Return a dict from each group's values, a tuple
# in the order of `quasi`, to the number of its people, with only the groups of **at least** `k` people
# (k-anonymity, Sweeney 2002). Where `sensitive` names a column, a group must also hold at least `l`
# **different** values of it (l-diversity, Machanavajjhala et al., 2007).

# %% [markdown] id="anonymous_counts-task" lang="zh"
# ## 7. 可以公布的计数
#
# `rows` 是字典的列表，一人一行。`quasi` 里的列（准标识符：年龄段、邮编）**全部**取值相同的人组成一组。
# 返回字典：组的取值（按 `quasi` 的顺序排成的元组）→ 人数，只留**至少** `k` 人的组（k-匿名，Sweeney 2002）。
# 给了 `sensitive`（一个列名）时，组内该列还必须有至少 `l` 个**不同**的值（l-多样性，Machanavajjhala 等，2007）。


# %% id="anonymous_counts"
def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    # en: rows: list of dicts; quasi: names of columns → {(value, …): count}
    # zh: rows：字典的列表；quasi：列名 → {(取值, …): 人数}
    ### BEGIN SOLUTION
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in quasi), []).append(row)
    return {
        values: len(people)
        for values, people in groups.items()
        if len(people) >= k and (sensitive is None or len({row[sensitive] for row in people}) >= l)
    }
    ### END SOLUTION


# %% id="anonymous_counts-try"
# en: Three people of one group: 3-anonymous. But everybody knows what all three have.
# zh: 一组三个人：满足 3-匿名。可是人人都知道这三位得的是什么病。
with suppress(NotImplementedError):
    people = [("30-39", "1000", "flu"), ("30-39", "1000", "flu"), ("30-39", "1000", "flu"),
              ("40-49", "1000", "flu"), ("40-49", "1000", "asthma"), ("40-49", "1000", "flu"),
              ("50-59", "2000", "asthma")]  # fmt: skip
    table = [dict(zip(("age", "postcode", "illness"), person, strict=True)) for person in people]
    print("k = 3:       ", anonymous_counts(table, ["age", "postcode"], 3))
    print("and l = 2:   ", anonymous_counts(table, ["age", "postcode"], 3, "illness", 2))

# %% id="anonymous_counts-check"
check("anonymous_counts")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Our data never leave the hospital: we use federated learning." What do you answer, which attack do
# you show, and which two numbers do you ask for?

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「我们用联邦学习，数据从不出医院。」你怎么回答？演示哪种攻击？又要对方给出哪两个数？
