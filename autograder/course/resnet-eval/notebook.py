# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Does the picture classifier hold?
#
# Loading a trained ResNet takes one line, and a loop that prints accuracies takes ten. One of our
# source documents shows such a loop. It runs, it prints, and not one of its numbers means
# anything: the pixels are not what the weights were trained on, the labels are not the model's,
# the pictures are those it was trained on, and every batch prints a number of its own.
#
# None of these mistakes raises an error, which is why interviewers ask about them. You will write the
# parts of an evaluation that can be trusted, look at what the network confuses, and at the end
# mend a program that carries all the faults at once.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("evaluate")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 这个图像分类器靠得住吗？
#
# 加载一个训练好的 ResNet 只要一行，写个循环打印准确率也不过十行。有一份原始资料就给了这样一个循环：
# 能运行，有输出，可是没有一个数字有意义。像素不是权重训练时见过的样子，标签不是模型的标签，
# 图片是训练过的图片，而且每个批次各打印一个数。
#
# 这些错误没有一个会报错，所以面试才爱问。下面你将写出一次可信评测的各个环节，
# 看看网络会把什么认成什么，最后改好一个把这些错误全占了的程序。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("evaluate")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from autograder import check, hint, lesson, plots, solution, status
from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures

EXERCISE, LANGUAGE = "resnet-eval", "en"

# en: "tiny" is shipped. A folder, or "resnet50" once it has been fetched, works as well: run
# en: everything again after a change. Grading takes the tiny one; see touchstone grade --model.
# zh: "tiny" 随课程附带；也可以换成一个文件夹，或已经下载好的 "resnet50"，
# zh: 换了之后把全部单元重新运行一遍。评分用的仍是 tiny，除非 touchstone grade 加上 --model。
MODEL = "tiny"

# %% [markdown] id="data" lang="en"
# ## The network and its pictures
#
# A residual network of torchvision's, small enough for a laptop, that reads handwritten digits.
# With it come the things without which weights are useless: the names of its classes **in the
# order of its logits**, the greatest value of a pixel, and the mean and standard deviation of the
# pixels that it was trained on.
#
# The pictures are real digits, scikit-learn's, already split into three parts. The network was
# trained on `"train"`.

# %% [markdown] id="data" lang="zh"
# ## 网络和图片
#
# 这是 torchvision 的残差网络，小到笔记本电脑也能跑，任务是认手写数字。
# 和它一起给出的，是缺了就用不了权重的几样东西：**按 logits 顺序排列的**类别名、像素的最大值、
# 训练像素的均值和标准差。
#
# 图片是 scikit-learn 自带的真实手写数字，已经分成三部分。网络是在 `"train"` 上训练的。

# %% id="data-plot"
network = load_classifier(locate("resnet", MODEL))
parts = load_pictures(network)
model, class_names = network.model, network.class_names
digits, truth = parts["test"]

print("class_names:", ", ".join(class_names))
print(f"pixels 0 … {network.pixel_max}, mean {network.mean}, std {network.std}")
print({part: tuple(pictures.images.shape) for part, pictures in parts.items()})

plots.pictures(digits[:10], truth)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** $N$ pictures, $C$ channels, $K$ classes. Pictures are tensors
# $(N, C, H, W)$, logits $(N, K)$, targets and predictions $(N,)$ whole numbers (`int64` where they
# are tensors), and class $k$ is named `class_names[k]`; no name stands there twice. Unless a task says otherwise, there is at least one picture. Numbers may
# come back as Python's, NumPy's or torch's.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** $N$ 张图，$C$ 个通道，$K$ 个类别。图片是形状为 $(N, C, H, W)$ 的张量，
# logits 是 $(N, K)$，目标和预测都是 $(N,)$ 的整数（张量则为 `int64`），第 $k$ 类的名字是 `class_names[k]`，没有重名。
# 除非另有说明，至少有一张图。返回 Python、NumPy 或 torch 的数值都可以。

# %% [markdown] id="preprocess-task" lang="en"
# ## 1. Pixels as the weights want them
#
# Weights fit one kind of input only. `images` is `uint8` with values from 0 to `pixel_max`. Return a
# `float32` tensor of the same shape: scaled to 0 … 1, then normalised in each channel $c$,
#
# $$x_c = \frac{\text{image}_c / \text{pixel\_max} - \text{mean}_c}{\text{std}_c}$$
#
# `mean` and `std` hold one number for each channel, as a list or a tuple. With torchvision's own
# weights, `weights.transforms()` knows these numbers; here they come with the network.

# %% [markdown] id="preprocess-task" lang="zh"
# ## 1. 按权重的要求处理像素
#
# 一套权重只认一种输入。`images` 是 `uint8`，取值 0 到 `pixel_max`。返回同样形状的 `float32` 张量：
# 先缩放到 0 … 1，再对每个通道 $c$ 做归一化，
#
# $$x_c = \frac{\text{image}_c / \text{pixel\_max} - \text{mean}_c}{\text{std}_c}$$
#
# `mean` 和 `std` 每个通道一个数，可以是列表或元组。用 torchvision 自带的权重时，
# `weights.transforms()` 里就有这些数；这里它们随网络一起给出。

# %% id="preprocess"
def preprocess(images, pixel_max, mean, std):
    # en: images: (N, C, H, W) uint8; mean, std: C numbers each → (N, C, H, W) float32
    # zh: images：(N, C, H, W)，uint8；mean、std：各 C 个数 → (N, C, H, W)，float32
    ### BEGIN SOLUTION
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (mean, std))
    return (images / pixel_max - mean) / std
    ### END SOLUTION

# %% id="preprocess-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    x = preprocess(digits, network.pixel_max, network.mean, network.std)
    print(f"{x.dtype}, mean {x.mean():.2f}, std {x.std():.2f}")

# %% id="preprocess-check"
check("preprocess")

# %% [markdown] id="class_indices-task" lang="en"
# ## 2. From names to indices
#
# The data say "seven"; the network says "logit 5 is the highest". Return for each name its index
# in `class_names`, as whole numbers $(N,)$: a list, an array or a tensor. The list of classes decides and nothing else: not the alphabet,
# not the digit, not which classes happen to occur. A name that is not in it raises `ValueError`.

# %% [markdown] id="class_indices-task" lang="zh"
# ## 2. 从类别名到下标
#
# 数据说的是「seven」，网络说的是「第 5 个 logit 最高」。返回每个名字在 `class_names` 中的下标，
# 即 $(N,)$ 的整数，列表、数组或张量都行。只看这张表：不看字母顺序，不看数字本身，也不看数据里碰巧出现了哪些类别。
# 表里没有的名字，抛出 `ValueError`。

# %% id="class_indices"
def class_indices(names, class_names):
    # en: names: N strings; class_names: K strings → (N,) whole numbers from 0 to K - 1
    # zh: names：N 个字符串；class_names：K 个字符串 → (N,)，0 到 K - 1 的整数
    ### BEGIN SOLUTION
    place = {name: index for index, name in enumerate(class_names)}
    unknown = sorted(set(names) - place.keys())
    if unknown:
        raise ValueError(f"the model has no class {unknown[0]!r}")
    return torch.tensor([place[name] for name in names])
    ### END SOLUTION

# %% id="class_indices-try"
with suppress(NotImplementedError):
    print(truth[:5], "→", class_indices(truth[:5], class_names))

# %% id="class_indices-check"
check("class_indices")

# %% [markdown] id="predict_logits-task" lang="en"
# ## 3. Predict, and leave no trace
#
# Return the logits $(N, K)$ of all pictures, in their order, at most `batch_size` pictures at a
# time. A measurement must not change what it measures:
#
# - in **evaluation mode**, whatever mode the model came in: in training mode batch normalisation
#   uses the statistics of the batch, so a picture's prediction depends on its neighbours, and
#   every pass moves the running statistics;
# - **without gradients**;
# - and the model **goes back in the mode** in which it came (`model.training`).
#
# `torch.no_grad()` does not do the first of these, nor `model.eval()` the second. Return a tensor.

# %% [markdown] id="predict_logits-task" lang="zh"
# ## 3. 预测，不留痕迹
#
# 按图片的顺序返回全部图片的 logits，形状 $(N, K)$，一次最多处理 `batch_size` 张。
# 测量不能改变被测量的东西：
#
# - 无论模型传进来是什么模式，都在**评估模式**下预测：训练模式下批归一化用的是当前批次的统计量，
#   一张图的预测会受邻居影响，而且每跑一遍，滑动统计量就变一次；
# - **不记录梯度**；
# - 用完**还原模式**（`model.training`）。
#
# `torch.no_grad()` 管不了第一条，`model.eval()` 管不了第二条。返回张量。

# %% id="predict_logits"
def predict_logits(model, x, batch_size=64):
    # en: x: (N, C, H, W), as the network wants it → (N, K)
    # zh: x：(N, C, H, W)，已按网络的要求处理好 → (N, K)
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in x.split(batch_size)])
    model.train(training)
    return logits
    ### END SOLUTION

# %% id="predict_logits-try"
with suppress(NotImplementedError):
    x = preprocess(digits, network.pixel_max, network.mean, network.std)
    guesses = [class_names[k] for k in predict_logits(model, x).argmax(dim=1)]
    wrong = [i for i, name in enumerate(truth) if guesses[i] != name]
    some = (wrong + [i for i in range(len(truth)) if i not in wrong])[:10]
    print(f"{len(wrong)} of {len(truth)} are wrong")
    titles = [f"{guesses[i]}\n≠ {truth[i]}" if i in wrong else guesses[i] for i in some]
    plots.pictures(digits[some], titles, ["#d1495b" if i in wrong else "#2e7d32" for i in some])

# %% id="predict_logits-check"
check("predict_logits")

# %% [markdown] id="evaluate-task" lang="en"
# ## 4. One number for all batches
#
# `batches` is a data loader, or anything else that yields pairs `(x, y)`: prepared pictures
# $(B, C, H, W)$ and targets $(B,)$. It may be possible to go through it only once, and the last
# batch may be smaller. Return a dict with two numbers over **all pictures**:
#
# - `"accuracy"`: the share whose highest logit is that of the target;
# - `"loss"`: the mean cross entropy, $-\frac{1}{N}\sum_i \log \mathrm{softmax}(z_i)_{y_i}$, also
#   where the model is so sure of a wrong class that the probability of the right one is below what
#   float32 can hold.
#
# The model is judged in evaluation mode, goes back in the mode in which it came, and does not
# change.

# %% [markdown] id="evaluate-task" lang="zh"
# ## 4. 所有批次汇成一个数
#
# `batches` 是 DataLoader，或任何能产出 `(x, y)` 的东西：处理好的图片 $(B, C, H, W)$ 和目标 $(B,)$。
# 它可能只能遍历一次，最后一个批次可能不满。返回一个字典，两个数都针对**全部图片**：
#
# - `"accuracy"`：logit 最高的类别就是目标的比例；
# - `"loss"`：平均交叉熵，$-\frac{1}{N}\sum_i \log \mathrm{softmax}(z_i)_{y_i}$；模型对错误的类别极为肯定、
#   正确类别的概率小到 float32 存不下时，也要正确。
#
# 在评估模式下评测，用完还原模式，模型不能有任何改变。

# %% id="evaluate"
def evaluate(model, batches):
    # en: batches: pairs of (B, C, H, W) and (B,) → {"accuracy": …, "loss": …}
    # zh: batches：一对对的 (B, C, H, W) 和 (B,) → {"accuracy": …, "loss": …}
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    right = total = loss = 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)  # (B, K)
            right += (logits.argmax(dim=1) == y).sum().item()
            loss += torch.nn.functional.cross_entropy(logits, y, reduction="sum").item()
            total += len(y)
    model.train(training)
    return {"accuracy": right / total, "loss": loss / total}
    ### END SOLUTION

# %% id="evaluate-try"
# en: The noisier the pictures, the worse; and one batch alone tells little.
# zh: 噪声越大越差；而单看一个批次，几乎说明不了什么。
with suppress(NotImplementedError):
    targets = torch.as_tensor(class_indices(truth, class_names)).long()
    generator = torch.Generator().manual_seed(0)
    levels, alone, together = [0, 0.1, 0.2, 0.3, 0.4, 0.5], [], []
    for level in levels:
        noise = level * network.pixel_max * torch.randn(digits.shape, generator=generator)
        noisy = (digits + noise).round().clamp(0, network.pixel_max).to(torch.uint8)
        x = preprocess(noisy, network.pixel_max, network.mean, network.std)
        batches = list(DataLoader(TensorDataset(x, targets), batch_size=32))
        alone.append([evaluate(model, [batch])["accuracy"] for batch in batches])
        together.append(evaluate(model, batches)["accuracy"])
    figure, axes = plt.subplots(figsize=(6, 2.8))
    for level, values in zip(levels, alone, strict=True):
        axes.scatter([level] * len(values), values, color="#8fb8de", s=14)
    axes.plot(levels, together, color="#d1495b", marker="o", label="all pictures")
    axes.scatter([], [], color="#8fb8de", label="one batch alone")
    axes.set(xlabel="noise, as a share of the greatest pixel", ylabel="accuracy", ylim=(0, 1.05))
    axes.legend(frameon=False)
    plt.show()

# %% id="evaluate-check"
check("evaluate")

# %% [markdown] id="top_k_accuracy-task" lang="en"
# ## 5. Among the first k
#
# ImageNet has 1000 classes and many a picture shows two of them, so results are quoted as top-1
# and top-5. Return the share of pictures whose target is among the `k` highest logits of **its own
# row**, with $1 \le k \le K$. No two logits of a row are equal.

# %% [markdown] id="top_k_accuracy-task" lang="zh"
# ## 5. 前 k 名之内
#
# ImageNet 有 1000 类，不少图片里同时有两类东西，所以成绩通常同时报 top-1 和 top-5。
# 返回目标类别排在**自己那一行** logits 前 `k` 名之内的图片比例，$1 \le k \le K$。
# 同一行里没有相等的 logits。

# %% id="top_k_accuracy"
def top_k_accuracy(logits, targets, k):
    # en: logits: (N, K); targets: (N,) → a number from 0 to 1
    # zh: logits：(N, K)；targets：(N,) → 0 到 1 之间的数
    ### BEGIN SOLUTION
    best = logits.topk(k, dim=1).indices  # (N, k)
    return (best == targets[:, None]).any(dim=1).float().mean().item()
    ### END SOLUTION

# %% id="top_k_accuracy-try"
with suppress(NotImplementedError):
    noise = 0.3 * network.pixel_max * torch.randn(digits.shape, generator=generator)
    noisy = (digits + noise).round().clamp(0, network.pixel_max).to(torch.uint8)
    x = preprocess(noisy, network.pixel_max, network.mean, network.std)
    logits = predict_logits(model, x)
    print([f"top-{k}: {top_k_accuracy(logits, targets, k):.3f}" for k in (1, 2, 3, 5, 10)])

# %% id="top_k_accuracy-check"
check("top_k_accuracy")

# %% [markdown] id="confusion_matrix-task" lang="en"
# ## 6. What is taken for what
#
# Return the counts $(K, K)$ as whole numbers (of an integer type): row $i$, column $j$ holds how many pictures **of
# class $i$ were taken for class $j$**. There are `num_classes` rows and columns, also for classes
# that do not occur. Do without scikit-learn.

# %% [markdown] id="confusion_matrix-task" lang="zh"
# ## 6. 把什么认成了什么
#
# 返回 $(K, K)$ 的整数计数（整数类型）：第 $i$ 行第 $j$ 列，是**实际为第 $i$ 类、被认成第 $j$ 类**的图片数。
# 行和列各有 `num_classes` 个，没有出现的类别也要有。不用 scikit-learn。

# %% id="confusion_matrix"
def confusion_matrix(targets, predictions, num_classes):
    # en: targets, predictions: (N,) tensors of whole numbers → (K, K) counts, actual by predicted
    # zh: targets、predictions：(N,) 的整数张量 → (K, K) 计数，行是实际类别、列是预测类别
    ### BEGIN SOLUTION
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long)
    ones = torch.ones(len(targets), dtype=torch.long)
    return matrix.index_put_((targets, predictions), ones, accumulate=True)
    ### END SOLUTION

# %% id="confusion_matrix-try"
with suppress(NotImplementedError):
    matrix = confusion_matrix(targets, logits.argmax(dim=1), len(class_names))
    print(matrix)

# %% id="confusion_matrix-check"
check("confusion_matrix")

# %% [markdown] id="class_recall-task" lang="en"
# ## 7. Recall of each class
#
# "Very accurate" hides who pays. Return for each of the `num_classes` classes the share of its own
# pictures that were recognised, $(K,)$. A class **without pictures** has no recall: `nan`. (0 would
# say that all were missed.) Do without scikit-learn; you may build on what you have written.

# %% [markdown] id="class_recall-task" lang="zh"
# ## 7. 每一类的召回率
#
# 一句「准确性很高」，掩盖了代价由谁承担。对 `num_classes` 个类别，分别返回该类图片中被认对的比例，形状 $(K,)$。**没有图片**的类别谈不上召回率，记为 `nan`（记 0 就成了「全部漏掉」）。
# 不用 scikit-learn；可以使用前面写好的函数。

# %% id="class_recall"
def class_recall(targets, predictions, num_classes):
    # en: targets, predictions: (N,) tensors of whole numbers → (K,) from 0 to 1, or nan
    # zh: targets、predictions：(N,) 的整数张量 → (K,)，0 到 1 之间，或 nan
    ### BEGIN SOLUTION
    matrix = torch.as_tensor(confusion_matrix(targets, predictions, num_classes))
    return matrix.diagonal() / matrix.sum(dim=1)  # 0 / 0 is nan
    ### END SOLUTION

# %% id="class_recall-try"
with suppress(NotImplementedError):
    recall = class_recall(targets, logits.argmax(dim=1), len(class_names))
    figure, axes = plt.subplots(figsize=(6, 2.4))
    axes.bar(class_names, np.asarray(recall), color="#8fb8de")
    axes.axhline((logits.argmax(dim=1) == targets).float().mean(), color="#d1495b", label="accuracy")
    axes.set(ylabel="recall", ylim=(0, 1))
    axes.legend(frameon=False)
    plt.show()

# %% id="class_recall-check"
check("class_recall")

# %% [markdown] id="plot_confusion-task" lang="en"
# ## 8. A picture that can be read
#
# Draw the matrix with matplotlib and return the `Axes`. A reader must be able to tell:
#
# - the class names: `class_names[i]` at row $i$ on the y axis, `class_names[j]` at column $j$ on
#   the x axis;
# - which is which: the label of the y axis contains `actual` (or `true`), that of the x axis
#   `predicted`, in small letters or capitals;
# - each count, written as a whole number in its cell (zeros may be left blank).
#
# Colours, size and the direction of the y axis are up to you; scikit-learn's display will do as well.
# `matrix` may be an array or a tensor.

# %% [markdown] id="plot_confusion-task" lang="zh"
# ## 8. 一张看得懂的图
#
# 用 matplotlib 画出混淆矩阵，返回 `Axes`。看图的人要能看出：
#
# - 类别名：y 轴第 $i$ 行标 `class_names[i]`，x 轴第 $j$ 列标 `class_names[j]`；
# - 哪边是什么：y 轴标签含 `actual`（或「实际」「真实」），x 轴标签含 `predicted`（或「预测」），大小写不限；
# - 每个计数，以整数写在格子里（0 可以不写）。
#
# 颜色、大小、y 轴方向随意，也可以用 scikit-learn 现成的图。`matrix` 可能是数组，也可能是张量。

# %% id="plot_confusion"
def plot_confusion(matrix, class_names):
    # en: matrix: (K, K) counts, actual by predicted; class_names: K strings → Axes
    # zh: matrix：(K, K) 计数，行是实际类别、列是预测类别；class_names：K 个字符串 → Axes
    ### BEGIN SOLUTION
    matrix = np.asarray(matrix)
    figure, axes = plt.subplots(figsize=(5, 5))
    axes.imshow(matrix / matrix.sum(axis=1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
    places = range(len(class_names))
    axes.set_xticks(places, class_names, rotation=45, ha="right")
    axes.set_yticks(places, class_names)
    axes.set(xlabel="predicted", ylabel="actual")
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            dark = count > matrix[i].sum() / 2
            axes.text(j, i, int(count), ha="center", va="center", color="white" if dark else "black")
    return axes
    ### END SOLUTION

# %% id="plot_confusion-try"
# en: Which digits does noise turn into which?
# zh: 噪声会把哪些数字变成哪些数字？
with suppress(NotImplementedError):
    plot_confusion(matrix, class_names)
    plt.show()

# %% id="plot_confusion-check"
check("plot_confusion")

# %% [markdown] id="mended_report-task" lang="en"
# ## 9. Mend this program
#
# Below is a program for the same job. It runs without an error and reports an accuracy. It has
# at least **eight faults**, most of them the documents' own. Run it twice and see.

# %% [markdown] id="mended_report-task" lang="zh"
# ## 9. 改好这个程序
#
# 下面的程序做的是同一件事。它不报错，也给出了准确率，却至少有**八处错误**，大多是原始资料里的。
# 运行两遍看看。

# %% id="faulty-program"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@torch.no_grad()
def faulty_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["train"]
    x = images / pixel_max
    y = torch.tensor([DIGITS.index(name) for name in names])
    said = []
    for part, labels in DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True):
        probabilities = torch.softmax(model(part), dim=0)
        predicted = probabilities.argmax(dim=1)
        accuracy = (predicted == labels).float().sum() / len(labels)
        said += [DIGITS[k] for k in predicted]
    return {"accuracy": accuracy.item(), "names": said}


# en: The weights as they come out of training: nobody has called eval() yet.
# zh: 刚训练完的权重：还没有人调用过 eval()。
for attempt in (1, 2):
    fresh = load_classifier(locate("resnet", MODEL))
    fresh.model.train()
    torch.manual_seed(attempt)
    report = faulty_report(*fresh[:5], parts)
    print(f"attempt {attempt}: accuracy {report['accuracy']:.3f}, first names {report['names'][:4]}")

# %% [markdown] id="mended_report-contract" lang="en"
# Write it as it should be. It takes the same arguments and returns the same dict:
#
# - `"accuracy"`: the share of all pictures of `parts["test"]` that are recognised, one number;
# - `"names"`: what the model takes each of these pictures for, in their order, as names.
#
# `parts` maps each part to `(images, names)`, images being `uint8`. It must hold for every model:
# one with its classes in another order, one that comes in training mode, and test pictures of only
# some of the classes. The model is left as it was, its mode included. You may use all that you have written above.

# %% [markdown] id="mended_report-contract" lang="zh"
# 把它改对。参数不变，返回的字典也不变：
#
# - `"accuracy"`：`parts["test"]` 的全部图片中认对的比例，一个数；
# - `"names"`：模型把每张图认成什么，按图片顺序，用名字表示。
#
# `parts` 的每一项是 `(images, names)`，images 为 `uint8`。对任何模型都要成立：类别顺序不同的模型、
# 传进来时处于训练模式的模型，以及只含部分类别的测试图片。模型保持原样，模式也要还原。前面写好的函数都可以用。

# %% id="mended_report"
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    # en: parts: {"train": (images, names), "test": (images, names)} → {"accuracy": …, "names": […]}
    # zh: parts：{"train": (images, names), "test": (images, names)} → {"accuracy": …, "names": […]}
    ### BEGIN SOLUTION
    images, names = parts["test"]
    x = torch.as_tensor(preprocess(images, pixel_max, mean, std)).float()
    y = class_indices(names, class_names)
    predictions = predict_logits(model, x, batch_size).argmax(dim=1)
    right = sum(int(a == b) for a, b in zip(predictions, y, strict=False))
    return {"accuracy": right / len(names), "names": [class_names[k] for k in predictions]}
    ### END SOLUTION

# %% id="mended_report-try"
with suppress(NotImplementedError):
    report = mended_report(*network[:5], parts)
    print(f"accuracy {report['accuracy']:.3f}, first names {report['names'][:4]}")

# %% id="mended_report-check"
check("mended_report")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# A colleague reports 99% for a ResNet on your photographs. Which five questions do you ask before
# you believe it? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 同事说某个 ResNet 在你们的照片上有 99% 的准确率。相信之前，你会问哪五个问题？课文里有清单可以对照。
