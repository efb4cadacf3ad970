# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # How good is this model?
#
# A clinic measures the radius of cell nuclei and calls a tumour malignant above some limit.
# "How good is the rule?" sounds like one question. It is at least five: how often is it right,
# how many cancers does it miss, how many healthy people does it frighten, how well does it rank,
# and may we believe its percentages? Large models are judged by the same five and one more,
# perplexity.
#
# You will write each of these measures yourself, try them on **real tumours** and **real digits**,
# and end by auditing a "worked example" whose table cannot exist.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("recall")`
# gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 这个模型到底好不好？
#
# 某诊所测量细胞核半径，超过某个界限就判为恶性肿瘤。「这条规则好不好」听起来是一个问题，其实至少是五个：
# 判对的比例有多高？漏掉多少癌症？吓到多少健康人？排序准不准？给出的百分比能不能信？
# 评估大模型也是这五问，再加一问：困惑度。
#
# 下面你将亲手写出每一个指标，在**真实的肿瘤数据**和**真实的手写数字**上验证，
# 最后审计一道「计算示例」：它的表格根本不可能存在。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("recall")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.naive_bayes import GaussianNB

from autograder import check, hint, lesson, solution, status

EXERCISE, LANGUAGE = "metrics", "en"

# %% [markdown] id="data" lang="en"
# ## The data
#
# 569 breast tumours, measured at the University of Wisconsin. We call a malignant tumour **positive** (1)
# and a benign one **negative** (0). Look at the picture before you go on: wherever you draw the
# line, you miss some cancers or frighten some healthy people. All metrics are ways to say how
# much of each.

# %% [markdown] id="data" lang="zh"
# ## 数据
#
# 威斯康星大学测量的 569 例乳腺肿瘤。恶性记为**正例**（1），良性记为**负例**（0）。
# 先看图再往下做：线无论画在哪里，不是漏掉一些癌症，就是误报一些健康人。
# 所有指标，都是在用不同方式说明这两种错误各有多少。

# %% id="data-plot"
tumours = load_breast_cancer()
malignant = 1 - tumours.target  # (569,) 1 where malignant
radius = tumours.data[:, 0]  # (569,) mean radius of the cell nuclei
alarm = (radius >= 15).astype(int)  # (569,) the clinic's rule

figure, axes = plt.subplots(figsize=(7, 2.8))
axes.hist([radius[malignant == 0], radius[malignant == 1]], bins=40, stacked=True,
          histtype="stepfilled", color=["#8fb8de", "#d1495b"],
          label=["benign (0)", "malignant (1)"])
axes.axvline(15, color="black", linewidth=1, linestyle="--", label="radius = 15")
axes.set(xlabel="mean radius", ylabel="tumours")
axes.legend(frameon=False)
plt.show()

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** `labels` are the truth, `predictions` what the model says,
# both of one length; each may be a NumPy array or a plain list. 1 is the positive class and 0 the
# negative one, unless a task says otherwise. A ratio whose denominator is 0 is `0.0`. Whether you
# return Python or NumPy numbers makes no difference. Do not use scikit-learn inside your answers:
# it is what they are compared with.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** `labels` 是真实标签，`predictions` 是模型的预测，两者等长，可以是 NumPy 数组，
# 也可以是普通列表。除非另有说明，1 为正例，0 为负例。分母为 0 的比值一律记为 `0.0`。
# 返回 Python 数值或 NumPy 数值都可以。答案里不要使用 scikit-learn：它是用来核对你的答案的。

# %% [markdown] id="confusion_counts-task" lang="en"
# ## 1. Four counts
#
# Every yes-or-no metric comes from four numbers:
#
# | | predicted 1 | predicted 0 |
# |---|---|---|
# | **actually 1** | TP, found | FN, missed |
# | **actually 0** | FP, false alarm | TN, left in peace |
#
# Return `(tp, fp, fn, tn)`, in this order. Any of the counts may be 0, and so may all four.

# %% [markdown] id="confusion_counts-task" lang="zh"
# ## 1. 四个计数
#
# 是非判断的所有指标，都来自这四个数：
#
# | | 预测为 1 | 预测为 0 |
# |---|---|---|
# | **实际为 1** | TP，找到了 | FN，漏掉了 |
# | **实际为 0** | FP，误报 | TN，没有打扰 |
#
# 按 `(tp, fp, fn, tn)` 的顺序返回。任何一个计数都可能为 0，四个全为 0 也可能。

# %% id="confusion_counts"
def confusion_counts(labels, predictions):
    # en: labels, predictions: (N,) of 0 and 1 → (tp, fp, fn, tn)
    # zh: labels、predictions：(N,)，取值 0 和 1 → (tp, fp, fn, tn)
    ### BEGIN SOLUTION
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    pairs = [(1, 1), (0, 1), (1, 0), (0, 0)]  # tp, fp, fn, tn as (label, prediction)
    return tuple(int(np.sum((labels == y) & (predictions == p))) for y, p in pairs)
    ### END SOLUTION

# %% id="confusion_counts-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    print(dict(zip(["tp", "fp", "fn", "tn"], confusion_counts(malignant, alarm), strict=True)))

# %% id="confusion_counts-check"
check("confusion_counts")

# %% [markdown] id="accuracy-task" lang="en"
# ## 2. Accuracy
#
# $$\text{accuracy} = \frac{\text{samples whose prediction equals the label}}{N}$$
#
# Here labels may be **any class names**: 0 and 1, ten digits, or words. Without samples return
# `0.0`.

# %% [markdown] id="accuracy-task" lang="zh"
# ## 2. 准确率（accuracy）
#
# $$\text{准确率} = \frac{\text{预测与标签相同的样本数}}{N}$$
#
# 这里的标签可以是**任意类别名**：0 和 1、十个数字，或者词。没有样本时返回 `0.0`。
#
# 留意中文里的「精度」：有人用它指准确率，有人用它指精确率。面试时请直接说英文名。

# %% id="accuracy"
def accuracy(labels, predictions):
    # en: labels, predictions: (N,) of any class names → a number from 0 to 1
    # zh: labels、predictions：(N,)，任意类别名 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    if len(labels) == 0:
        return 0.0
    return float(np.mean(np.asarray(labels) == np.asarray(predictions)))
    ### END SOLUTION

# %% id="accuracy-try"
with suppress(NotImplementedError):
    print(f"radius rule:          {accuracy(malignant, alarm):.4f}")
    print(f"calls nobody ill:     {accuracy(malignant, 0 * alarm):.4f}")

# %% id="accuracy-check"
check("accuracy")

# %% [markdown] id="precision-task" lang="en"
# ## 3. Precision
#
# When the alarm rings, how often is it true?
#
# $$\text{precision} = \frac{TP}{TP + FP}$$
#
# If nothing is predicted positive, return `0.0`. You may use what you have written above.

# %% [markdown] id="precision-task" lang="zh"
# ## 3. 精确率（precision，查准率）
#
# 报警的时候，有多大比例是真的？
#
# $$\text{精确率} = \frac{TP}{TP + FP}$$
#
# 没有任何样本被判为正例时返回 `0.0`。可以使用前面写好的函数。

# %% id="precision"
def precision(labels, predictions):
    # en: labels, predictions: (N,) of 0 and 1 → a number from 0 to 1
    # zh: labels、predictions：(N,)，取值 0 和 1 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    tp, fp, _, _ = confusion_counts(labels, predictions)
    return tp / (tp + fp) if tp + fp else 0.0
    ### END SOLUTION

# %% id="precision-check"
check("precision")

# %% [markdown] id="recall-task" lang="en"
# ## 4. Recall
#
# Of those who are ill, how many did we find? One of the source documents defines recall as the
# share of *negatives* recognised. Do not follow it.
#
# $$\text{recall} = \frac{TP}{TP + FN}$$
#
# If there is no actual positive, return `0.0`.

# %% [markdown] id="recall-task" lang="zh"
# ## 4. 召回率（recall，查全率）
#
# 真正患病的人里，找出了多少？有一份原始资料把召回率定义成「识别出的负例比例」，不要照搬。
#
# $$\text{召回率} = \frac{TP}{TP + FN}$$
#
# 没有任何实际正例时返回 `0.0`。

# %% id="recall"
def recall(labels, predictions):
    # en: labels, predictions: (N,) of 0 and 1 → a number from 0 to 1
    # zh: labels、predictions：(N,)，取值 0 和 1 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    tp, _, fn, _ = confusion_counts(labels, predictions)
    return tp / (tp + fn) if tp + fn else 0.0
    ### END SOLUTION

# %% id="recall-try"
with suppress(NotImplementedError):
    for limit in (12, 15, 18):
        called = (radius >= limit).astype(int)
        print(f"radius >= {limit}: precision {precision(malignant, called):.3f},"
              f" recall {recall(malignant, called):.3f}")

# %% id="recall-check"
check("recall")

# %% [markdown] id="specificity-task" lang="en"
# ## 5. Specificity
#
# Of those who are healthy, how many did we leave in peace? This is what that document described
# under the name of recall.
#
# $$\text{specificity} = \frac{TN}{TN + FP}$$
#
# If there is no actual negative, return `0.0`.

# %% [markdown] id="specificity-task" lang="zh"
# ## 5. 特异度（specificity）
#
# 健康的人里，有多少没有被误报？那份资料写在「召回率」名下的，其实是它。
#
# $$\text{特异度} = \frac{TN}{TN + FP}$$
#
# 没有任何实际负例时返回 `0.0`。

# %% id="specificity"
def specificity(labels, predictions):
    # en: labels, predictions: (N,) of 0 and 1 → a number from 0 to 1
    # zh: labels、predictions：(N,)，取值 0 和 1 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    _, fp, _, tn = confusion_counts(labels, predictions)
    return tn / (tn + fp) if tn + fp else 0.0
    ### END SOLUTION

# %% id="specificity-check"
check("specificity")

# %% [markdown] id="f1-task" lang="en"
# ## 6. F1
#
# One number for precision $P$ and recall $R$, ruled by the lower of the two: their harmonic mean.
#
# $$F_1 = \frac{2PR}{P + R}$$
#
# If $P + R = 0$, return `0.0`.

# %% [markdown] id="f1-task" lang="zh"
# ## 6. F1
#
# 用一个数概括精确率 $P$ 和召回率 $R$，由较低的一方主导：取调和平均。
#
# $$F_1 = \frac{2PR}{P + R}$$
#
# $P + R = 0$ 时返回 `0.0`。

# %% id="f1"
def f1(labels, predictions):
    # en: labels, predictions: (N,) of 0 and 1 → a number from 0 to 1
    # zh: labels、predictions：(N,)，取值 0 和 1 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    p, r = precision(labels, predictions), recall(labels, predictions)
    return 2 * p * r / (p + r) if p + r else 0.0
    ### END SOLUTION

# %% id="f1-check"
check("f1")

# %% [markdown] id="averaged_f1-task" lang="en"
# ## 7. More than two classes
#
# Take each class in turn as the positive one and all others as negative: that gives one F1 for
# each. Now make one number of them, as `average` says:
#
# - `"macro"`: the plain mean over the classes;
# - `"weighted"`: the mean weighted by how often each class occurs among the **labels**;
# - `"micro"`: add up TP, FP and FN over all classes first, then $F_1 = \frac{2TP}{2TP + FP + FN}$.
#
# The classes are all that occur in the labels **or** in the predictions. Any other `average`
# raises `ValueError`. Labels may be any class names; there is at least one sample.

# %% [markdown] id="averaged_f1-task" lang="zh"
# ## 7. 两类以上
#
# 依次把每一类当作正例、其余都当作负例，每类得到一个 F1。再按 `average` 合成一个数：
#
# - `"macro"`：各类的算术平均；
# - `"weighted"`：按每类在**标签**中出现的次数加权平均；
# - `"micro"`：先把各类的 TP、FP、FN 加在一起，再算 $F_1 = \frac{2TP}{2TP + FP + FN}$。
#
# 类别包括在标签**或**预测中出现过的所有类。`average` 取其他值时抛出 `ValueError`。
# 标签可以是任意类别名；至少有一个样本。

# %% id="averaged_f1"
def averaged_f1(labels, predictions, average):
    # en: labels, predictions: (N,) of any class names; average: "macro", "micro" or "weighted"
    # zh: labels、predictions：(N,)，任意类别名；average："macro"、"micro" 或 "weighted"
    ### BEGIN SOLUTION
    if average not in ("macro", "micro", "weighted"):
        raise ValueError(f"average is {average!r}; use 'macro', 'micro' or 'weighted'")
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes = np.union1d(labels, predictions)  # (C,)
    actual, called = labels[:, None] == classes, predictions[:, None] == classes  # (N, C)
    if average == "micro":
        return f1(actual.ravel().astype(int), called.ravel().astype(int))
    of_class = [f1(a.astype(int), c.astype(int)) for a, c in zip(actual.T, called.T, strict=True)]
    return np.average(of_class, weights=actual.sum(axis=0) if average == "weighted" else None)
    ### END SOLUTION

# %% id="averaged_f1-try"
# en: Nearest-centroid digits; the higher the digit, the rarer we make it.
# zh: 用最近质心法认数字；数字越大，样本越少。
pixels, digits = load_digits(return_X_y=True)
rows = [i for i in range(400, len(digits)) if i % (digits[i] + 1) == 0]
centroids = np.stack([pixels[:400][digits[:400] == d].mean(axis=0) for d in range(10)])
distances = np.linalg.norm(pixels[rows][:, None] - centroids, axis=-1)  # (N, 10)
recognised = distances.argmin(axis=1)
with suppress(NotImplementedError):
    for kind in ("macro", "micro", "weighted"):
        print(f"{kind:>9}: {averaged_f1(digits[rows], recognised, kind):.4f}")

# %% id="averaged_f1-check"
check("averaged_f1")

# %% [markdown] id="roc_curve-task" lang="en"
# ## 8. Every threshold at once: the ROC curve
#
# A model gives a **score**; the threshold is our choice. For each threshold $t$, predict 1 where
# `score >= t` and plot
#
# $$x = \text{FPR} = \frac{FP}{FP + TN} = 1 - \text{specificity}, \qquad
# y = \text{TPR} = \frac{TP}{TP + FN} = \text{recall}$$
#
# Return two sequences `(fpr, tpr)` that run from (0, 0), threshold above all scores, to (1, 1).
# Samples with the **same score** share a threshold, so they make **one** point. Points on a
# straight stretch may be left out or kept. If one of the classes is absent, raise `ValueError`.

# %% [markdown] id="roc_curve-task" lang="zh"
# ## 8. 一次看遍所有阈值：ROC 曲线
#
# 模型给出的是**分数**，阈值由我们来定。对每个阈值 $t$，把 `score >= t` 的判为 1，画出
#
# $$x = \text{FPR} = \frac{FP}{FP + TN} = 1 - \text{特异度}, \qquad
# y = \text{TPR} = \frac{TP}{TP + FN} = \text{召回率}$$
#
# 返回两个序列 `(fpr, tpr)`，从 (0, 0)（阈值高于所有分数）走到 (1, 1)。**分数相同**的样本共用一个阈值，因此只产生**一个**点。直线段中间的点留不留都可以。
# 缺少任意一类时抛出 `ValueError`。

# %% id="roc_curve"
def roc_curve(labels, scores):
    # en: labels: (N,) of 0 and 1; scores: (N,), higher means more positive → (fpr, tpr)
    # zh: labels：(N,)，取值 0 和 1；scores：(N,)，越高越像正例 → (fpr, tpr)
    ### BEGIN SOLUTION
    labels, scores = np.asarray(labels), np.asarray(scores)
    if len(np.unique(labels)) < 2:
        raise ValueError("a ROC curve needs positives and negatives")
    thresholds, group = np.unique(-scores, return_inverse=True)  # (G,) highest score first
    found = np.bincount(group, weights=labels == 1)  # (G,) positives at each threshold
    alarmed = np.bincount(group, weights=labels == 0)  # (G,) negatives at each threshold
    tpr = np.append(0, np.cumsum(found)) / found.sum()
    fpr = np.append(0, np.cumsum(alarmed)) / alarmed.sum()
    return fpr, tpr
    ### END SOLUTION

# %% id="roc_curve-try"
with suppress(NotImplementedError):
    figure, axes = plt.subplots(figsize=(4, 4))
    for column in (0, 4, 9):  # radius, smoothness, fractal dimension
        axes.plot(*roc_curve(malignant, tumours.data[:, column]),
                  label=tumours.feature_names[column])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=":")
    axes.set(xlabel="FPR = 1 - specificity", ylabel="TPR = recall", aspect="equal")
    axes.legend(frameon=False, loc="lower right")
    plt.show()

# %% id="roc_curve-check"
check("roc_curve")

# %% [markdown] id="roc_auc-task" lang="en"
# ## 9. The area under it
#
# AUC is the area under the ROC curve, and also a probability: draw one positive and one negative
# at random, and ask whether the positive has the higher score. A **tie counts one half**.
#
# $$\text{AUC} = \Pr(s^+ > s^-) + \tfrac{1}{2}\Pr(s^+ = s^-)$$
#
# Take whichever way you like: area or pairs. If one of the classes is absent, raise `ValueError`.

# %% [markdown] id="roc_auc-task" lang="zh"
# ## 9. 曲线下面积
#
# AUC 是 ROC 曲线下的面积，也是一个概率：随机抽一个正例和一个负例，正例分数更高的概率。**分数相同时计二分之一**。
#
# $$\text{AUC} = \Pr(s^+ > s^-) + \tfrac{1}{2}\Pr(s^+ = s^-)$$
#
# 算面积或数配对，任选一种。缺少任意一类时抛出 `ValueError`。

# %% id="roc_auc"
def roc_auc(labels, scores):
    # en: labels: (N,) of 0 and 1; scores: (N,), higher means more positive → a number from 0 to 1
    # zh: labels：(N,)，取值 0 和 1；scores：(N,)，越高越像正例 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    fpr, tpr = roc_curve(labels, scores)
    return float(np.trapezoid(tpr, fpr))
    ### END SOLUTION

# %% id="roc_auc-try"
with suppress(NotImplementedError):
    for column in (0, 4, 9):
        area = roc_auc(malignant, tumours.data[:, column])
        print(f"{tumours.feature_names[column]:>22}: {area:.4f}")

# %% id="roc_auc-check"
check("roc_auc")

# %% [markdown] id="average_precision-task" lang="en"
# ## 10. Average precision
#
# Where positives are rare, ROC flatters: a small FPR of very many negatives is still a flood of
# false alarms. Precision against recall shows it. Go down the thresholds, the highest first, and
# sum precision times the **step** in recall, with $R_0 = 0$:
#
# $$\text{AP} = \sum_n (R_n - R_{n-1})\,P_n$$
#
# One step for each distinct score; nothing is interpolated. Without positives return `0.0`.

# %% [markdown] id="average_precision-task" lang="zh"
# ## 10. 平均精确率（AP）
#
# 正例稀少时，ROC 会显得过于乐观：负例极多，再小的 FPR 也意味着成堆的误报。
# 看「精确率对召回率」才能暴露出来。阈值从高到低，把精确率乘以召回率的**增量**加起来，$R_0 = 0$：
#
# $$\text{AP} = \sum_n (R_n - R_{n-1})\,P_n$$
#
# 每个不同的分数走一步，不做任何插值。没有正例时返回 `0.0`。

# %% id="average_precision"
def average_precision(labels, scores):
    # en: labels: (N,) of 0 and 1; scores: (N,), higher means more positive → a number from 0 to 1
    # zh: labels：(N,)，取值 0 和 1；scores：(N,)，越高越像正例 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        return 0.0
    thresholds, group = np.unique(-scores, return_inverse=True)  # (G,) highest score first
    entering = np.bincount(group, weights=labels)  # (G,) positives that enter at each threshold
    precision = np.cumsum(entering) / np.cumsum(np.bincount(group))  # (G,)
    return float(np.sum(precision * entering) / labels.sum())
    ### END SOLUTION

# %% id="average_precision-try"
# en: The same radius where only 1 tumour in 20 is malignant: ROC hardly moves, AP falls.
# zh: 同样的半径，但 20 例里只有 1 例恶性：ROC 几乎不动，AP 明显下降。
rare = np.append(np.flatnonzero(malignant == 0), np.flatnonzero(malignant == 1)[::11])
with suppress(NotImplementedError):
    for name, some in (("as measured", np.arange(569)), ("malignant rare", rare)):
        print(f"{name:>15}: positives {malignant[some].mean():.3f},"
              f" AUC {roc_auc(malignant[some], radius[some]):.3f},"
              f" AP {average_precision(malignant[some], radius[some]):.3f}")

# %% id="average_precision-check"
check("average_precision")

# %% [markdown] id="calibration_error-task" lang="en"
# ## 11. May we believe the percentages?
#
# A model that says 90% should be right in 9 of 10 such cases. Divide $(0, 1]$ into `bins` equal
# bins; compare in each the share of positives with the mean probability, and weigh each gap by
# the samples $n_b$ in its bin. This is the expected calibration error of the positive class:
#
# $$\text{ECE} = \sum_b \frac{n_b}{N} \left|\, \overline{y}_b - \overline{p}_b \,\right|$$
#
# Bin $b = 1, \dots, B$ is $\left(\frac{b-1}{B}, \frac{b}{B}\right]$: an edge belongs to the bin
# **below** it, and probability 0 to the first bin. Empty bins contribute nothing. Without samples
# return `0.0`.

# %% [markdown] id="calibration_error-task" lang="zh"
# ## 11. 百分比能信吗？
#
# 模型说九成，那么这样的情形十次里就该对九次。把 $(0, 1]$ 等分成 `bins` 个箱，在每个箱里比较
# 正例的比例与概率的均值，再按箱内样本数 $n_b$ 加权。这就是正类的期望校准误差（ECE）：
#
# $$\text{ECE} = \sum_b \frac{n_b}{N} \left|\, \overline{y}_b - \overline{p}_b \,\right|$$
#
# 第 $b = 1, \dots, B$ 个箱是 $\left(\frac{b-1}{B}, \frac{b}{B}\right]$：边界归入**下方**的箱，
# 概率 0 归入第一个箱。空箱不计。没有样本时返回 `0.0`。

# %% id="calibration_error"
def calibration_error(labels, probabilities, bins=10):
    # en: labels: (N,) of 0 and 1; probabilities of the positive class: (N,) → a number from 0 to 1
    # zh: labels：(N,)，取值 0 和 1；probabilities：(N,)，正类的概率 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if len(labels) == 0:
        return 0.0
    edges = np.linspace(0, 1, bins + 1)[1:-1]  # (bins - 1,) inner edges
    bin_of = np.searchsorted(edges, probabilities, side="left")  # (N,) an edge goes below
    gaps = np.bincount(bin_of, weights=labels - probabilities)  # n_b (mean y − mean p)
    return float(np.abs(gaps).sum() / len(labels))
    ### END SOLUTION

# %% id="calibration_error-try"
# en: Naive Bayes counts related measurements as if independent; so its percentages are extreme.
# en: Dots grow with their bin: look at those whom it tells almost exactly 0.
# zh: 朴素贝叶斯把相关的测量当作相互独立，于是给出的百分比非常极端。
# zh: 圆点越大，箱内样本越多：看看那些被它说成几乎为 0 的人。
bayes = GaussianNB().fit(tumours.data[::2], malignant[::2])
unseen, stated = malignant[1::2], bayes.predict_proba(tumours.data[1::2])[:, 1]
number = np.clip(np.ceil(stated * 10).astype(int), 1, 10)
figure, (above, below) = plt.subplots(2, figsize=(4, 5), height_ratios=[3, 1], sharex=True)
above.plot([0, 1], [0, 1], color="grey", linestyle=":")
sizes, said, came_true = zip(*((inside.sum(), stated[inside].mean(), unseen[inside].mean())
                               for inside in (number == b for b in np.unique(number))))
above.scatter(said, came_true, s=20 + np.array(sizes), color="#d1495b", alpha=0.7)
above.set(ylabel="share malignant")
below.hist(stated, bins=10, range=(0, 1), histtype="stepfilled", color="#8fb8de", log=True)
below.set(xlabel="stated probability", ylabel="tumours")
plt.show()
with suppress(NotImplementedError):
    print(f"calibration error: {calibration_error(unseen, stated):.4f}")

# %% id="calibration_error-check"
check("calibration_error")

# %% [markdown] id="perplexity-task" lang="en"
# ## 12. Perplexity
#
# How a language model is judged before anybody asks it anything. `log_probs` holds the natural
# logarithm of the probability that the model gave to each true token, `mask` is 1 for real tokens
# and 0 for padding, both of shape $(B, T)$. Over **all real tokens of the batch together**:
#
# $$\text{perplexity} = \exp\Bigl(-\frac{1}{\sum m}\sum_{b,t} m_{bt} \log p_{bt}\Bigr)$$
#
# What stands under the padding may be anything, also `-inf` or `nan`, and must not matter.
# Without a real token raise `ValueError`. Here both arguments are NumPy arrays.

# %% [markdown] id="perplexity-task" lang="zh"
# ## 12. 困惑度
#
# 还没有人向语言模型提问，就已经用它来衡量模型了。`log_probs` 是模型给每个真实词元的概率的自然对数，
# `mask` 对真实词元为 1、对填充为 0，形状都是 $(B, T)$。把**整个批次的全部真实词元放在一起**：
#
# $$\text{困惑度} = \exp\Bigl(-\frac{1}{\sum m}\sum_{b,t} m_{bt} \log p_{bt}\Bigr)$$
#
# 填充位置上可能是任何数，包括 `-inf` 和 `nan`，都不应影响结果。没有真实词元时抛出 `ValueError`。
# 这里两个参数都是 NumPy 数组。

# %% id="perplexity"
def perplexity(log_probs, mask):
    # en: log_probs: (B, T) natural logarithms; mask: (B, T) of 0 and 1 → a number of at least 1
    # zh: log_probs：(B, T)，自然对数；mask：(B, T)，取值 0 和 1 → 不小于 1 的数
    ### BEGIN SOLUTION
    real = log_probs[mask == 1]  # (tokens,) selected, since nan * 0 would still be nan
    if real.size == 0:
        raise ValueError("perplexity needs at least one token")
    return float(np.exp(-real.mean()))
    ### END SOLUTION

# %% id="perplexity-try"
# en: A model of single characters. Its perplexity falls when it has seen more of the language,
# en: and numbers over different vocabularies cannot be compared.
# zh: 只看单个字符的模型。见过的语料越多困惑度越低；词表不同的困惑度不能互相比较。
text = "the cat sat on the mat. the dog sat on the log. a cat and a dog sat in the sun. "
unseen_text = ["the dog sat on the mat.", "a cat sat in the sun."]
letters = sorted(set(text))
width = max(map(len, unseen_text))
characters = np.array([list(line.ljust(width, "_")) for line in unseen_text])  # (B, T) padded
for seen in (10, 40, len(text)):
    counts = np.array([1 + text[:seen].count(letter) for letter in letters])
    chance = dict(zip(letters, counts / counts.sum(), strict=True))
    with suppress(NotImplementedError):
        logs = np.log(np.vectorize(lambda c, p=chance: p.get(c, np.nan))(characters))
        print(f"{seen:>3} characters seen: {perplexity(logs, (characters != '_').astype(int)):.2f}"
              f" of {len(letters)} in even guessing")

# %% id="perplexity-check"
check("perplexity")

# %% [markdown] id="audit_table-task" lang="en"
# ## 13. Audit a table
#
# A question bank illustrates these metrics with a table like this one:
#
# | class | predicted positive | predicted negative | actually positive | actually negative |
# |---|---|---|---|---|
# | 1 | 100 | 50 | 90 | 10 |
# | 2 | 200 | 300 | 200 | 100 |
#
# It then prints accuracy 0.6, recall 0.8, precision 0.6 and F1 0.64. None of the four is right,
# and the table cannot be.
#
# **`audit_table(rows)`**: each row holds four totals
# `(predicted_positive, predicted_negative, actual_positive, actual_negative)`. Return a list with
# one entry for each row: `(lowest, highest)`, the least and the greatest TP that the totals allow,
# or `None` if no confusion table has such totals. All four cells must be counts, none negative.
#
# **`table_metrics(positive_row, negative_row)`**: the first two columns do make a table if each
# row is an *actual* class and class 1 is the positive one. Each argument is
# `(predicted_positive, predicted_negative)` of one actual class. Return a dict with the keys
# `"accuracy"`, `"precision"`, `"recall"`, `"specificity"` and `"f1"`; a ratio whose denominator
# is 0 is `0.0`.

# %% [markdown] id="audit_table-task" lang="zh"
# ## 13. 审计一张表
#
# 某题库用下面这样一张表来演示这些指标：
#
# | 类别 | 预测为正 | 预测为负 | 实际为正 | 实际为负 |
# |---|---|---|---|---|
# | 1 | 100 | 50 | 90 | 10 |
# | 2 | 200 | 300 | 200 | 100 |
#
# 接着给出准确率 0.6、召回率 0.8、精确率 0.6、F1 0.64。四个数没有一个对，这张表本身也不可能存在。
#
# **`audit_table(rows)`**：每行是四个合计
# `(predicted_positive, predicted_negative, actual_positive, actual_negative)`。
# 返回一个列表，每行对应一项：`(lowest, highest)`，即这些合计所允许的 TP 的最小值和最大值；
# 如果没有任何混淆矩阵能有这样的合计，则为 `None`。四个格子都是计数，不能为负。
#
# **`table_metrics(positive_row, negative_row)`**：如果把每行看作一个*实际*类别、类别 1 为正例，
# 前两列倒是一张说得通的表。每个参数是一个实际类别的 `(predicted_positive, predicted_negative)`。
# 返回字典，键为 `"accuracy"`、`"precision"`、`"recall"`、`"specificity"`、`"f1"`；
# 分母为 0 的比值记为 `0.0`。

# %% id="audit_table"
def audit_table(rows):
    # en: rows: R rows of four totals → R entries, each (lowest, highest) or None
    # zh: rows：R 行，每行四个合计 → R 项，每项为 (lowest, highest) 或 None
    ### BEGIN SOLUTION
    entries = []
    for called, not_called, ill, well in rows:
        possible = called + not_called == ill + well and min(called, not_called, ill, well) >= 0
        entries.append((max(0, called - well), min(called, ill)) if possible else None)
    return entries
    ### END SOLUTION

# %% id="table_metrics"
def table_metrics(positive_row, negative_row):
    # en: two rows of (predicted_positive, predicted_negative) → dict of five numbers
    # zh: 两行 (predicted_positive, predicted_negative) → 含五个数的字典
    ### BEGIN SOLUTION
    (tp, fn), (fp, tn) = positive_row, negative_row

    def ratio(part, whole):
        return part / whole if whole else 0.0

    return {
        "accuracy": ratio(tp + tn, tp + fn + fp + tn),
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
    }
    ### END SOLUTION

# %% id="audit_table-try"
printed = {"accuracy": 0.6, "recall": 0.8, "precision": 0.6, "f1": 0.64}
with suppress(NotImplementedError):
    print("possible tp:", audit_table([(100, 50, 90, 10), (200, 300, 200, 100)]))
    true = table_metrics((100, 50), (200, 300))
    for name, value in printed.items():
        print(f"{name:>10}: printed {value:.2f}, true {true[name]:.4f}")

# %% id="audit_table-check"
check("audit_table")

# %% [markdown] id="screening_threshold-task" lang="en"
# ## 14. Choose a threshold
#
# Now the decision itself. A screening programme demands a recall: *find at least this share of
# the cancers, and frighten as few healthy people as possible*.
#
# Candidates are the scores that occur; a threshold $t$ predicts 1 where `score >= t`. Among those
# whose recall is **at least** `recall_at_least` (above 0, up to 1), return the one with the highest
# **specificity**; of equally specific ones, the one with the higher recall. Without positives
# raise `ValueError`.

# %% [markdown] id="screening_threshold-task" lang="zh"
# ## 14. 选一个阈值
#
# 最后做决定。筛查项目给出召回率的要求：*至少找出这么大比例的癌症，同时尽量少惊动健康人*。
#
# 候选阈值就是出现过的分数；阈值 $t$ 把 `score >= t` 的判为 1。在召回率**不低于** `recall_at_least`
# （大于 0，至多为 1）的阈值中，返回**特异度**最高的那个；特异度相同则取召回率更高的。
# 没有正例时抛出 `ValueError`。

# %% id="screening_threshold"
def screening_threshold(labels, scores, recall_at_least):
    # en: labels: (N,) of 0 and 1; scores: (N,); recall_at_least in (0, 1] → one of the scores
    # zh: labels：(N,)，取值 0 和 1；scores：(N,)；recall_at_least 在 (0, 1] 内 → 其中一个分数
    ### BEGIN SOLUTION
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        raise ValueError("without positives there is no recall to reach")
    thresholds = np.unique(scores)[::-1]  # (T,) as they fall, recall grows and specificity falls
    called = scores >= thresholds[:, None]  # (T, N)
    alarmed = called[:, labels == 0].sum(axis=1)
    reached = called[:, labels == 1].mean(axis=1) >= recall_at_least
    spares_most = reached & (alarmed == alarmed[reached].min())
    return thresholds[spares_most][-1]
    ### END SOLUTION

# %% id="screening_threshold-try"
with suppress(NotImplementedError):
    for share in (0.8, 0.9, 0.95, 0.99):
        limit = screening_threshold(malignant, radius, share)
        called = (radius >= limit).astype(int)
        print(f"to find {share:.0%}: radius >= {limit:.2f},"
              f" specificity {specificity(malignant, called):.3f}")

# %% id="screening_threshold-check"
check("screening_threshold")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# Someone shows you a model with 98% accuracy on a disease that 2% of people have. What three
# questions do you ask? The lesson has the answers to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 有人给你看一个模型：某病患病率 2%，模型准确率 98%。你会追问哪三个问题？课文里有要点可以对照。
