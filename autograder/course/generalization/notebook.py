# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Will it hold on new data?
#
# "Training loss 0.5, validation loss 0.6, so it overfits: add L2, cross-validate, use a random
# forest." That is the advice of one of our source documents. Two numbers diagnose nothing,
# cross-validation measures and cures nothing, L2 inside Adam is not weight decay, and what to do
# about **under**fitting is not said at all.
#
# You will read curves by stated rules, stop in time and get the best weights back, measure without
# leakage, and write the regularisers that interviewers ask for: decoupled decay, dropout, mixup,
# label smoothing, focal loss, and an ensemble.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("read_curves")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 换一批数据还行吗？
#
# 「训练损失 0.5，验证损失 0.6，所以过拟合了：加 L2，做交叉验证，用随机森林。」这是一份原始资料的建议。
# 可是两个数诊断不出任何问题；交叉验证只管测量，不管治病；放进 Adam 的 L2 不等于权重衰减；
# 至于**欠**拟合怎么办，一个字也没提。
#
# 下面你将按明确的规则读曲线，及时停下并取回最好的权重，不泄漏地做评测，
# 再写出面试常考的几种正则化手段：解耦权重衰减、dropout、mixup、标签平滑、focal loss 和模型集成。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("read_curves")`，先给一点提醒，再问还有两级。

# %% id="setup"
import copy
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.feature_selection import SelectKBest
from sklearn.naive_bayes import GaussianNB

from autograder import check, hint, lesson, solution, status

EXERCISE, LANGUAGE = "generalization", "en"

# %% [markdown] id="data" lang="en"
# ## Something to train
#
# Real digits, scikit-learn's, and a small network. `train_curves` trains it on `number` of them and
# yields, after every epoch, the training loss, the validation loss and the network.

# %% [markdown] id="data" lang="zh"
# ## 拿什么来训练
#
# scikit-learn 自带的真实手写数字，加一个小网络。`train_curves` 用其中 `number` 张来训练，
# 每个 epoch 结束后给出训练损失、验证损失和网络本身。

# %% id="data-code"
digits = load_digits()
shuffled = np.random.default_rng(0).permutation(len(digits.target))
pixels = torch.tensor(digits.data[shuffled] / 16, dtype=torch.float32)  # (1797, 64)
classes = torch.tensor(digits.target[shuffled])


def train_curves(number, width, lr, epochs=40, wrong_labels=0.0, seed=0):
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    x, y = pixels[:number], classes[:number].clone()
    noisy = torch.rand(number) < wrong_labels
    y[noisy] = torch.randint(10, (int(noisy.sum()),))
    for _ in range(epochs):
        for rows in torch.randperm(number).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            train = torch.nn.functional.cross_entropy(network(x), y)
            validation = torch.nn.functional.cross_entropy(network(pixels[-500:]), classes[-500:])
        yield train.item(), validation.item(), network


# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Logarithms are natural. Epochs, classes and folds count from 0,
# optimizer steps from 1. "Arrays" are NumPy's, `float64` or `float32`, unless a task says tensors.
# What is passed in must not be changed. Numbers may come back as Python's, NumPy's or torch's,
# and arrays as arrays, tensors or lists.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 对数是自然对数。epoch、类别、折都从 0 数起，优化器的步数从 1 数起。
# 「数组」指 NumPy 数组，`float64` 或 `float32`；用张量的任务会另行说明。传进来的东西不能改动。
# 返回 Python、NumPy 或 torch 的数值都可以，数组也可以用张量或列表返回。

# %% [markdown] id="read_curves-task" lang="en"
# ## 1. Read the curves
#
# `train` and `validation` (lists or arrays) hold one finite loss for each epoch, equally many, at
# least one. `reachable` is
# a training loss that is known to be reachable on this task (by a simpler model, or by people);
# `tolerance` is how much a loss fluctuates without meaning anything. Return a dict:
#
# - `"best_epoch"`: the epoch with the lowest validation loss, the earliest of equal ones;
# - `"gap"`: validation loss minus training loss, at that epoch;
# - `"diagnosis"`: the **first** of these that applies:
#     1. the validation loss of the last epoch is more than `tolerance` above its lowest. Then
#        `"overfitting"` where the training loss is lower in the last epoch than in the best one,
#        and `"diverging"` where it is not;
#     2. `"underfitting"` where the training loss of the best epoch is above `reachable`;
#     3. `"fine"`.
#
# The gap is reported and decides nothing.

# %% [markdown] id="read_curves-task" lang="zh"
# ## 1. 读曲线
#
# `train` 和 `validation`（列表或数组）每个 epoch 各一个有限的损失，数目相同，至少一个。`reachable` 是已知在这个任务上
# 达得到的训练损失（更简单的模型或人做得到）；`tolerance` 是损失的正常波动范围。返回一个字典：
#
# - `"best_epoch"`：验证损失最低的 epoch，并列时取最早的；
# - `"gap"`：该 epoch 上验证损失减训练损失；
# - `"diagnosis"`：依次判断，取**第一条**成立的：
#     1. 最后一个 epoch 的验证损失比最低值高出 `tolerance` 以上。此时若最后一个 epoch 的训练损失
#        低于最佳 epoch 的，为 `"overfitting"`，否则为 `"diverging"`；
#     2. 最佳 epoch 的训练损失高于 `reachable`，为 `"underfitting"`；
#     3. `"fine"`。
#
# 差距只报告，不参与判断。

# %% id="read_curves"
def read_curves(train, validation, reachable, tolerance):
    # en: train, validation: E losses each → {"best_epoch": …, "gap": …, "diagnosis": …}
    # zh: train、validation：各 E 个损失 → {"best_epoch": …, "gap": …, "diagnosis": …}
    ### BEGIN SOLUTION
    best = int(np.argmin(validation))
    if validation[-1] - validation[best] > tolerance:
        diagnosis = "overfitting" if train[-1] < train[best] else "diverging"
    else:
        diagnosis = "underfitting" if train[best] > reachable else "fine"
    return {"best_epoch": best, "gap": validation[best] - train[best], "diagnosis": diagnosis}
    ### END SOLUTION

# %% id="read_curves-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
settings = {
    "1200 digits": {"number": 1200, "width": 32, "lr": 3e-3},
    "100 digits, 30 % wrong": {"number": 100, "width": 256, "lr": 1e-2, "wrong_labels": 0.3},
    "a hidden layer of 2": {"number": 1200, "width": 2, "lr": 3e-3},
    "learning rate 1": {"number": 1200, "width": 256, "lr": 1.0, "epochs": 25},
}
with suppress(NotImplementedError):
    read_curves([1.0], [1.0], 0.3, 0.1)
    figure, row = plt.subplots(1, 4, figsize=(11, 2.6), layout="constrained")
    for axes, (name, setting) in zip(row, settings.items(), strict=True):
        train, validation = np.array([losses[:2] for losses in train_curves(**setting)]).T
        read = read_curves(train, validation, reachable=0.3, tolerance=0.1)
        axes.plot(train, label="training")
        axes.plot(validation, label="validation")
        axes.axvline(read["best_epoch"], color="grey", linestyle=":")
        axes.set_title(f"{name}:\n{read['diagnosis']}, gap {read['gap']:.2f}", fontsize=9)
        axes.set(xlabel="epoch", ylim=(0, max(2.5, float(np.median(validation)))))
    row[0].set_ylabel("loss")
    row[0].legend(frameon=False)
    plt.show()

# %% id="read_curves-check"
check("read_curves")

# %% [markdown] id="early_stopping-task" lang="en"
# ## 2. Stop, and get the best weights back
#
# After each epoch the training loop calls `stopper.step(loss, model)` with the validation loss, a
# float, and the model as it is now.
#
# - The loss **improves** where it is more than `min_delta` below the best so far; the first that is
#   a number always improves. "The best so far" is the loss of the last improvement, not the last
#   loss, and not a lower one that was no improvement. NaN never improves.
# - `step` returns `True` when `patience` epochs in a row (1 at least), or more, have not improved,
#   else `False`.
# - `best_epoch` is the epoch of the last improvement (`None` before there is one).
# - `restore(model)` gives a model the weights of that epoch, its buffers (the running statistics of
#   batch normalisation) included: all that is in its state dict. Before any improvement it changes
#   nothing.
#
# `model` is a `torch.nn.Module`. It goes on training after `step`.

# %% [markdown] id="early_stopping-task" lang="zh"
# ## 2. 停下来，取回最好的权重
#
# 训练循环在每个 epoch 后调用 `stopper.step(loss, model)`，传入验证损失（浮点数）和当前的模型。
#
# - 损失比目前最好的低了 `min_delta` 以上，才算**有改善**；第一个不是 NaN 的损失总算改善。
#   「目前最好的」是最近一次改善时的损失，既不是上一个损失，也不是某个更低但不算改善的损失。NaN 不算改善。
# - 连续 `patience` 个（至少 1 个）或更多 epoch 没有改善时，`step` 返回 `True`，否则返回 `False`。
# - `best_epoch` 是最近一次改善的 epoch（还没有过改善时为 `None`）。
# - `restore(model)` 把那个 epoch 的权重放回模型，缓冲区（批归一化的滑动统计量）也在内，即整个 state dict。
#   还没有过改善时，什么都不改。
#
# `model` 是 `torch.nn.Module`，`step` 之后还会接着训练。

# %% id="early_stopping"
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        # en: best_epoch is None before any improvement
        # zh: 还没有过改善时，best_epoch 为 None
        ### BEGIN SOLUTION
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_state = math.inf, None, None
        self.epoch = self.waited = 0
        ### END SOLUTION

    def step(self, loss, model):
        # en: one epoch later → True where training should stop
        # zh: 又过了一个 epoch → 该停时为 True
        ### BEGIN SOLUTION
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.waited = loss, self.epoch, 0
            self.best_state = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        self.epoch += 1
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, model):
        # en: the weights and buffers of the best epoch, into the model
        # zh: 把最佳 epoch 的权重和缓冲区放回模型
        ### BEGIN SOLUTION
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
        ### END SOLUTION

# %% id="early_stopping-try"
with suppress(NotImplementedError):
    stopper, history = EarlyStopping(patience=5), []
    for train, validation, network in train_curves(**settings["100 digits, 30 % wrong"]):
        history.append(validation)
        if stopper.step(validation, network):
            break
    stopper.restore(network)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(network(pixels[-500:]), classes[-500:])
    print(f"stopped after epoch {len(history) - 1}, where the loss was {history[-1]:.3f}")
    print(f"weights of epoch {stopper.best_epoch} restored: {loss:.3f}")

# %% id="early_stopping-check"
check("early_stopping")

# %% [markdown] id="cross_val_scores-task" lang="en"
# ## 3. Cross-validation that leaks nothing
#
# `groups` names for each row where it comes from: the writer, the customer, the document that it
# was cut from. Each distinct group is the test part **once**, in ascending order of the groups, and
# all other rows train. (With `groups = np.arange(n) % 5` this is ordinary five-fold
# cross-validation.)
#
# In each fold: fit the first of `steps` on the training rows and transform both parts with it, then
# the next one on what came out, and so on; then fit `model` on the training part and score it on
# the test part. **Nothing may be fitted on a row of the test part.** Return one accuracy for each
# group, in that order.
#
# `steps` (a list, maybe empty) are scikit-learn transformers with `fit(x, y)` and `transform(x)`,
# `model` is one of its classifiers, with `fit` and `predict`; there are two groups at least. They
# come unfitted and stay so: fit copies (`sklearn.base.clone`), new ones in every fold. `x`
# $(N, D)$, `y` $(N,)$ and `groups` $(N,)$ are arrays; groups may be numbers or strings.

# %% [markdown] id="cross_val_scores-task" lang="zh"
# ## 3. 不泄漏的交叉验证
#
# `groups` 说明每一行的来源：哪位书写者、哪位客户、从哪份文档里切出来的。每个不同的组**恰好一次**作测试，
# 按组名升序，其余的行用来训练。（取 `groups = np.arange(n) % 5`，就是普通的五折交叉验证。）
#
# 每一折里：先在训练行上拟合 `steps` 的第一步，用它变换训练和测试两部分；再在变换后的数据上拟合下一步，
# 依此类推；最后在训练部分拟合 `model`，在测试部分打分。**任何东西都不能在测试行上拟合**。按上述顺序，每组返回一个准确率。
#
# `steps`（列表，可能为空）是 scikit-learn 的变换器，有 `fit(x, y)` 和 `transform(x)`；
# `model` 是其中的分类器，有 `fit` 和 `predict`；至少有两个组。它们传进来时未拟合，用完也要保持未拟合：
# 每一折都拟合新的副本（`sklearn.base.clone`）。`x` $(N, D)$、`y` $(N,)$、`groups` $(N,)$ 都是数组，
# 组可以是数字或字符串。

# %% id="cross_val_scores"
def cross_val_scores(steps, model, x, y, groups):
    # en: x: (N, D); y, groups: (N,) → one accuracy for each distinct group
    # zh: x：(N, D)；y、groups：(N,) → 每个不同的组一个准确率
    ### BEGIN SOLUTION
    scores = []
    for group in np.unique(groups):
        test = groups == group
        x_train, x_test = x[~test], x[test]
        for step in steps:
            fitted = clone(step).fit(x_train, y[~test])
            x_train, x_test = fitted.transform(x_train), fitted.transform(x_test)
        predicted = clone(model).fit(x_train, y[~test]).predict(x_test)
        scores.append(np.mean(predicted == y[test]))
    return scores
    ### END SOLUTION

# %% id="cross_val_scores-try"
# en: Labels by the toss of a coin: nothing can be learnt, and honest scores lie around one half.
# zh: 标签由掷硬币决定：什么也学不到，老实的得分应在一半左右。
with suppress(NotImplementedError):
    rng = np.random.default_rng(0)
    leaking, honest = [], []
    for _ in range(15):
        x, y, folds = rng.normal(size=(60, 1000)), rng.integers(0, 2, 60), np.arange(60) % 5
        best20 = SelectKBest(k=20)
        honest.append(np.mean(cross_val_scores([best20], GaussianNB(), x, y, folds)))
        chosen = clone(best20).fit_transform(x, y)
        leaking.append(np.mean(cross_val_scores([], GaussianNB(), chosen, y, folds)))
    figure, axes = plt.subplots(figsize=(6, 2.2))
    axes.hist(honest, bins=np.arange(0.3, 1.01, 0.04), alpha=0.8, label="features chosen in each fold")
    axes.hist(leaking, bins=np.arange(0.3, 1.01, 0.04), alpha=0.8, label="features chosen beforehand")
    axes.set(xlabel="accuracy on random labels", ylabel="data sets")
    axes.legend(frameon=False)
    plt.show()

# %% id="cross_val_scores-check"
check("cross_val_scores")

# %% [markdown] id="adam_step-task" lang="en"
# ## 4. L2 is not weight decay
#
# One step of Adam, with the decay in one of two places. `w`, `grad`, `m`, `v` are arrays of one
# shape, $t$ is the number of this step, from 1; `betas` is $(\beta_1, \beta_2)$. $\lambda$ is
# `weight_decay`.
#
# $$g = \begin{cases}\text{grad} + \lambda w & \text{not decoupled (Adam with L2)}\\
# \text{grad} & \text{decoupled (AdamW)}\end{cases}$$
#
# $$m' = \beta_1 m + (1 - \beta_1) g \qquad v' = \beta_2 v + (1 - \beta_2) g^2 \qquad
# u = \frac{m' / (1 - \beta_1^t)}{\sqrt{v' / (1 - \beta_2^t)} + \text{eps}}$$
#
# $$w' = \begin{cases}w - \text{lr} \cdot u & \text{not decoupled}\\
# w - \text{lr} \cdot u - \text{lr} \cdot \lambda w & \text{decoupled}\end{cases}$$
#
# Return `(w', m', v')` as new arrays. Do without torch.

# %% [markdown] id="adam_step-task" lang="zh"
# ## 4. L2 不等于权重衰减
#
# Adam 走一步，衰减放在两个位置之一。`w`、`grad`、`m`、`v` 是同样形状的数组，$t$ 是这一步的步数，从 1 起；
# `betas` 是 $(\beta_1, \beta_2)$，$\lambda$ 是 `weight_decay`。
#
# $$g = \begin{cases}\text{grad} + \lambda w & \text{不解耦（Adam 加 L2）}\\
# \text{grad} & \text{解耦（AdamW）}\end{cases}$$
#
# $$m' = \beta_1 m + (1 - \beta_1) g \qquad v' = \beta_2 v + (1 - \beta_2) g^2 \qquad
# u = \frac{m' / (1 - \beta_1^t)}{\sqrt{v' / (1 - \beta_2^t)} + \text{eps}}$$
#
# $$w' = \begin{cases}w - \text{lr} \cdot u & \text{不解耦}\\
# w - \text{lr} \cdot u - \text{lr} \cdot \lambda w & \text{解耦}\end{cases}$$
#
# 返回新的数组 `(w', m', v')`。不用 torch。

# %% id="adam_step"
def adam_step(w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
              decoupled=True):
    # en: w, grad, m, v: arrays of one shape; t = 1, 2, … → (w, m, v) after the step
    # zh: w、grad、m、v：同样形状的数组；t = 1, 2, … → 走完这一步的 (w, m, v)
    ### BEGIN SOLUTION
    g = grad if decoupled else grad + weight_decay * w
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    update = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    if decoupled:
        update = update + weight_decay * w
    return w - lr * update, m, v
    ### END SOLUTION

# %% id="adam_step-try"
# en: Gradients that cancel out, of four sizes. How much of a weight of 1 does the decay leave?
# zh: 四种大小的梯度，正负相消。权重原本是 1，衰减之后还剩多少？
with suppress(NotImplementedError):
    scales = np.array([0.01, 0.1, 1.0, 10.0])
    for decoupled in (False, True):
        w, m, v = np.ones(4), np.zeros(4), np.zeros(4)
        for t in range(1, 1001):
            grad = scales * (-1) ** t
            state = adam_step(w, grad, m, v, t, weight_decay=0.1, lr=0.01, decoupled=decoupled)
            w, m, v = map(np.asarray, state)
        left = {scale: round(abs(float(a)), 2) for scale, a in zip(scales.tolist(), w, strict=True)}
        print("decoupled:" if decoupled else "L2:       ", left)

# %% id="adam_step-check"
check("adam_step")

# %% [markdown] id="dropout-task" lang="en"
# ## 5. Inverted dropout
#
# `x` is a floating point **tensor** of any shape. In training, each element is set to 0 with
# probability `p`, independently of all others, and what survives is scaled so that the expected
# value of every element is what it was. Outside training, `x` comes back as it is (itself, or a
# copy).
#
# - $0 \le p \le 1$; with `p = 1` all is 0 (and not NaN).
# - Random numbers come from `generator` (a `torch.Generator`) and from nowhere else: the same state
#   of the generator gives the same mask, the next call another one, and torch's global random state
#   stays untouched.
# - Gradients flow through the elements that survived, with the same scale. Shape and dtype stay.

# %% [markdown] id="dropout-task" lang="zh"
# ## 5. inverted dropout
#
# `x` 是任意形状的浮点**张量**。训练时每个元素以概率 `p` 置 0，彼此独立；留下的元素要放大，
# 使每个元素的期望保持不变。不在训练时，`x` 原样返回（本身或副本都行）。
#
# - $0 \le p \le 1$；`p = 1` 时全为 0（而不是 NaN）。
# - 随机数只能来自 `generator`（`torch.Generator`）：生成器状态相同则掩码相同，再调用一次则不同，
#   torch 的全局随机状态不受影响。
# - 梯度从留下的元素流过，放大倍数相同。形状和 dtype 不变。

# %% id="dropout"
def dropout(x, p, generator, training=True):
    # en: x: tensor of any shape → tensor of the same shape
    # zh: x：任意形状的张量 → 同样形状的张量
    ### BEGIN SOLUTION
    if not training or p == 0:
        return x
    keep = torch.rand(x.shape, generator=generator) >= p
    return x * keep / (1 - p) if p < 1 else x * 0
    ### END SOLUTION

# %% id="dropout-try"
with suppress(NotImplementedError):
    generator = torch.Generator().manual_seed(0)
    figure, row = plt.subplots(1, 5, figsize=(9, 2))
    for axes, p in zip(row, (0.0, 0.2, 0.5, 0.8, 0.5), strict=True):
        dropped = dropout(pixels[0], p, generator)
        axes.imshow(dropped.reshape(8, 8), cmap="gray_r", vmin=0, vmax=5)
        axes.set_title(f"p = {p}\nmean {dropped.mean():.2f}", fontsize=9)
        axes.axis("off")
    plt.show()

# %% id="dropout-check"
check("dropout")

# %% [markdown] id="mixup-task" lang="en"
# ## 6. Mixup
#
# In training, $\lambda$, between 0 and 1, is drawn from a Beta distribution for each batch, and
# `order` is a random permutation of its rows; here both are given. Row $i$ is mixed with row
# `order[i]`:
#
# $$\tilde x_i = \lambda\, x_i + (1 - \lambda)\, x_{\text{order}[i]} \qquad
# \tilde y_i = \lambda\, \text{onehot}(y_i) + (1 - \lambda)\, \text{onehot}(y_{\text{order}[i]})$$
#
# Return `(mixed_x, mixed_y)`; `mixed_y` has shape $(N, K)$ with $K$ = `num_classes`. `x` is an
# array $(N, \dots)$ of any number of axes: pictures, sentence vectors, token embeddings. It may
# hold whole numbers (`uint8` pixels), and the result is floating point. `y` holds whole numbers.

# %% [markdown] id="mixup-task" lang="zh"
# ## 6. mixup
#
# 训练时每个批次从 Beta 分布采样一个 0 到 1 之间的 $\lambda$，`order` 是行的一个随机排列；这里两者都已给定。
# 第 $i$ 行与第 `order[i]` 行混合：
#
# $$\tilde x_i = \lambda\, x_i + (1 - \lambda)\, x_{\text{order}[i]} \qquad
# \tilde y_i = \lambda\, \text{onehot}(y_i) + (1 - \lambda)\, \text{onehot}(y_{\text{order}[i]})$$
#
# 返回 `(mixed_x, mixed_y)`，`mixed_y` 形状为 $(N, K)$，$K$ = `num_classes`。`x` 是 $(N, \dots)$ 的数组，
# 轴数不限：图片、句向量、词嵌入都行。它可能是整数（`uint8` 像素），结果要是浮点数。`y` 是整数。

# %% id="mixup"
def mixup(x, y, lam, order, num_classes):
    # en: x: (N, …); y, order: (N,) whole numbers → (N, …) and (N, K)
    # zh: x：(N, …)；y、order：(N,) 的整数 → (N, …) 和 (N, K)
    ### BEGIN SOLUTION
    one_hot = np.eye(num_classes)[y]
    return lam * x + (1 - lam) * x[order], lam * one_hot + (1 - lam) * one_hot[order]
    ### END SOLUTION

# %% id="mixup-try"
with suppress(NotImplementedError):
    figure, row = plt.subplots(1, 5, figsize=(9, 2))
    for axes, lam in zip(row, (1.0, 0.8, 0.5, 0.2, 0.0), strict=True):
        mixed_x, mixed_y = mixup(digits.images[:2], digits.target[:2], lam, np.array([1, 0]), 10)
        axes.imshow(mixed_x[0], cmap="gray_r")
        share = {k: round(float(q), 2) for k, q in enumerate(mixed_y[0]) if q}
        axes.set_title(f"λ = {lam}\n{share}", fontsize=9)
        axes.axis("off")
    plt.show()

# %% id="mixup-check"
check("mixup")

# %% [markdown] id="label_smoothing_loss-task" lang="en"
# ## 7. Label smoothing
#
# The target is no longer one class but a distribution:
# $q_k = (1 - \varepsilon)\,[k = y] + \varepsilon / K$, the true class included in the
# $\varepsilon / K$, as in `torch`. Return the mean cross entropy
# $-\frac1N \sum_i \sum_k q_{ik} \log p_{ik}$ with $p = \mathrm{softmax}(z)$ along the classes.
# `logits` $(N, K)$ may be as large as $\pm 1000$: the result stays finite and exact. Do without
# torch and SciPy.

# %% [markdown] id="label_smoothing_loss-task" lang="zh"
# ## 7. 标签平滑
#
# 目标不再是一个类别，而是一个分布：$q_k = (1 - \varepsilon)\,[k = y] + \varepsilon / K$，
# 真实类别也分到一份 $\varepsilon / K$，与 `torch` 一致。返回平均交叉熵
# $-\frac1N \sum_i \sum_k q_{ik} \log p_{ik}$，其中 $p = \mathrm{softmax}(z)$ 沿类别维。
# `logits` $(N, K)$ 可能大到 $\pm 1000$：结果必须有限且准确。不用 torch 和 SciPy。

# %% id="label_smoothing_loss"
def label_smoothing_loss(logits, y, epsilon):
    # en: logits: (N, K); y: (N,) whole numbers → a number
    # zh: logits：(N, K)；y：(N,) 的整数 → 一个数
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, K)
    own = log_probs[np.arange(len(y)), y]
    return -((1 - epsilon) * own + epsilon * log_probs.mean(axis=1)).mean()
    ### END SOLUTION

# %% id="label_smoothing_loss-try"
# en: How far should the true class's logit be above the nine others? With ε = 0 there is no end.
# zh: 真实类别的 logit 应比其余九类高多少？ε = 0 时没有尽头。
with suppress(NotImplementedError):
    margins = np.linspace(-2, 14, 161)
    figure, axes = plt.subplots(figsize=(6, 2.6))
    for epsilon in (0.0, 0.05, 0.1, 0.3):
        losses = [
            label_smoothing_loss(np.array([[margin] + [0.0] * 9]), np.array([0]), epsilon)
            for margin in margins
        ]
        axes.plot(margins, losses, label=f"ε = {epsilon}")
        axes.plot(margins[np.argmin(losses)], min(losses), "k.")
    axes.set(xlabel="logit of the true class above the others", ylabel="loss", ylim=(0, 4))
    axes.legend(frameon=False)
    plt.show()

# %% id="label_smoothing_loss-check"
check("label_smoothing_loss")

# %% [markdown] id="focal_loss-task" lang="en"
# ## 8. Focal loss
#
# Two classes, one of them rare. `logits` $(N,)$ are real numbers $z$, `targets` $(N,)$ are 0 or 1
# (whole numbers), $\gamma \ge 0$, and
# $p = 1 / (1 + e^{-z})$ is the probability of class 1. With $p_t = p$ and $\alpha_t = \alpha$ where
# the target is 1, and $p_t = 1 - p$ and $\alpha_t = 1 - \alpha$ where it is 0, return the mean over
# all $N$ of
#
# $$-\alpha_t\, (1 - p_t)^\gamma \log p_t$$
#
# With `alpha=None` there is no $\alpha_t$ (it is 1 for both classes). Logits may be as large as
# $\pm 1000$: the result stays finite and exact. Do without torch, torchvision and SciPy.

# %% [markdown] id="focal_loss-task" lang="zh"
# ## 8. focal loss
#
# 两个类别，其中一个稀少。`logits` $(N,)$ 是实数 $z$，`targets` $(N,)$ 取 0 或 1（整数），$\gamma \ge 0$，
# $p = 1 / (1 + e^{-z})$ 是类别 1 的概率。目标为 1 时 $p_t = p$、$\alpha_t = \alpha$；
# 目标为 0 时 $p_t = 1 - p$、$\alpha_t = 1 - \alpha$。返回下式对全部 $N$ 个样本的平均：
#
# $$-\alpha_t\, (1 - p_t)^\gamma \log p_t$$
#
# `alpha=None` 表示不用 $\alpha_t$（两类都是 1）。logits 可能大到 $\pm 1000$：结果必须有限且准确。
# 不用 torch、torchvision 和 SciPy。

# %% id="focal_loss"
def focal_loss(logits, targets, gamma=2.0, alpha=0.25):
    # en: logits: (N,); targets: (N,) of 0 and 1 → a number
    # zh: logits：(N,)；targets：(N,)，取 0 或 1 → 一个数
    ### BEGIN SOLUTION
    own = np.where(targets == 1, logits, -logits)  # the logit of p_t
    log_own = -np.logaddexp(0, -own)
    log_other = -np.logaddexp(0, own)
    losses = -np.exp(gamma * log_other) * log_own
    if alpha is not None:
        losses = np.where(targets == 1, alpha, 1 - alpha) * losses
    return losses.mean()
    ### END SOLUTION

# %% id="focal_loss-try"
with suppress(NotImplementedError):
    p = np.linspace(0.02, 0.999, 200)
    figure, axes = plt.subplots(figsize=(6, 2.6))
    for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
        losses = [focal_loss(np.array([np.log(q / (1 - q))]), np.array([1]), gamma, None) for q in p]
        axes.plot(p, losses, label=f"γ = {gamma:g}")
    axes.set(xlabel="probability of the true class", ylabel="loss", ylim=(0, 4))
    axes.legend(frameon=False)
    plt.show()

# %% id="focal_loss-check"
check("focal_loss")

# %% [markdown] id="ensemble_probabilities-task" lang="en"
# ## 9. An ensemble
#
# $M$ networks have been trained apart and see the same $N$ pictures: `logits` $(M, N, K)$. Return
# the **average of their probabilities**, $(N, K)$; each row sums to 1. Logits may be as large as
# $\pm 1000$. By Jensen's inequality the log loss of this average is never above the members' mean
# log loss. Averaging the logits or counting votes is something else, and the checks tell them
# apart.

# %% [markdown] id="ensemble_probabilities-task" lang="zh"
# ## 9. 模型集成
#
# $M$ 个网络分开训练，看同样的 $N$ 张图：`logits` $(M, N, K)$。返回它们**概率的平均**，形状 $(N, K)$，
# 每行之和为 1。logits 可能大到 $\pm 1000$。由 Jensen 不等式，这个平均的对数损失不会高于各成员对数损失的平均。
# 平均 logits 或数票都是另一回事，检查分得清。

# %% id="ensemble_probabilities"
def ensemble_probabilities(logits):
    # en: logits: (M, N, K) → (N, K)
    # zh: logits：(M, N, K) → (N, K)
    ### BEGIN SOLUTION
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).mean(axis=0)
    ### END SOLUTION

# %% id="ensemble_probabilities-try"
# en: Five networks from five seeds, 100 digits with wrong labels among them.
# zh: 五个随机种子训出五个网络，训练用的 100 张图里混有错误标签。
with suppress(NotImplementedError):
    ensemble_probabilities(np.zeros((1, 1, 2)))
    members = []
    for seed in range(5):
        *_, (_, _, network) = train_curves(100, 256, 1e-2, 20, wrong_labels=0.3, seed=seed)
        members.append(network(pixels[-500:]).detach().double().numpy())
    truth = classes[-500:].numpy()
    rows = np.arange(len(truth))

    def log_loss(probabilities):
        return -np.log(np.asarray(probabilities)[rows, truth]).mean()

    alone = [log_loss(ensemble_probabilities(member[None])) for member in members]
    together = log_loss(ensemble_probabilities(np.stack(members)))
    print("members:", [round(float(loss), 3) for loss in alone], f"mean {np.mean(alone):.3f}")
    print(f"ensemble: {together:.3f}")

# %% id="ensemble_probabilities-check"
check("ensemble_probabilities")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Validation loss is higher than training loss. What do you do?" Answer in a minute without the
# word "regularise" in the first three sentences. The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「验证损失比训练损失高，你怎么办？」用一分钟回答，前三句话里不许出现「正则化」。课文里有清单可以对照。
