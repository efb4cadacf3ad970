# %% [markdown] id="opening" lang="en"
# # What is it good for?
#
# "Large models bring more accurate predictions", "raise efficiency", "improve learning": so answer
# our source documents, about finance, industry, schools and cars, without a number. Here each sentence
# becomes a computation: a split that does not look into the future, a threshold that costs least,
# an alarm that comes in time, an ability with a model behind it, a search that is measured, a
# latency with its tail, and the metres that it costs on the road.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("time_split")` gives a nudge, and two more if you ask again.

# %% [markdown] id="opening" lang="zh"
# # 到底有什么用？
#
# 「更加精准的预测」「提高生产效率」「提高学习效果」：原始资料这样回答金融、工业、教育和驾驶的问题，一个数字也没有。
# 在这里，每句话都变成一次计算：不偷看未来的划分、代价最小的阈值、来得及处理的报警、
# 有模型支撑的能力估计、量过效果的检索、带着长尾的延迟，以及它在路上要付的米数。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("time_split")`，先给一点提醒，再问还有两级。

# %% id="setup"
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, roc_auc_score

from autograder import check, hint, lesson, solution, status
from autograder.data import handbook, payments

EXERCISE, LANGUAGE = "applications", "en"

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Numbers come as NumPy arrays and stay as they are. Numbers may
# come back as Python's, NumPy's or torch's; several of them as a list, a tuple, an array or a
# tensor. Where a formula is given, it is that one which counts.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 传入的数都是 NumPy 数组，不能改动。返回 Python、NumPy 或 torch 的数值都可以；
# 多个数可以是列表、元组、数组或张量。给了公式的，以公式为准。

# %% [markdown] id="time_split-task" lang="en"
# ## 1. A split as life makes it
#
# Frauds come in campaigns, and one learns of a fraud only when the customer complains. On day
# `cutoff` a model is trained, and from then on it scores. Each payment has a time, a card (a whole
# number) and a label (1 for a fraud), in **any order**. A label is known `delay` days after its
# payment (`delay` > 0). Return two lists of indices, ascending; either may be empty:
#
# - **training**: payments whose label is known at the cutoff, time + delay ≤ cutoff;
# - **test**: payments with time ≥ cutoff, but not those of a **blocked** card: one of whose frauds
#   is known at the cutoff. Nobody needs a model for these.
#
# Payments between the two are in neither.

# %% [markdown] id="time_split-task" lang="zh"
# ## 1. 照现实的样子划分
#
# 欺诈是一波一波来的，而且要等客户投诉了才知道哪笔是欺诈。第 `cutoff` 天训练模型，从这一刻起用它打分。
# 每笔交易有时间、卡号（整数）和标签（1 表示欺诈），**不一定按时间排列**。标签在交易之后 `delay` 天才知道（`delay` > 0）。
# 返回两组下标，都从小到大，可以为空：
#
# - **训练**：到 cutoff 时标签已知的交易，即 时间 + delay ≤ cutoff；
# - **测试**：时间 ≥ cutoff 的交易，但去掉**已冻结**的卡，也就是到 cutoff 时已知有过欺诈的卡：抓它们用不着模型。
#
# 夹在两者之间的交易，两边都不要。

# %% id="time_split"
def time_split(times, cards, frauds, cutoff, delay):
    # en: times, cards, frauds: (N,) → indices for training, indices for the test
    # zh: times、cards、frauds：(N,) → 训练下标，测试下标
    ### BEGIN SOLUTION
    known = times + delay <= cutoff
    blocked = cards[known & (frauds == 1)]
    test = (times >= cutoff) & ~np.isin(cards, blocked)
    return np.flatnonzero(known), np.flatnonzero(test)
    ### END SOLUTION

# %% id="time_split-try"
# en: The same forest, the same number of payments; only the split differs.
# zh: 同样的随机森林，同样多的交易，只有划分方式不同。
made = payments.make(seed=0)
columns = np.column_stack([made.amounts, made.places])


def forest_scores(train, test):
    forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=0)
    return forest.fit(columns[train], made.frauds[train]).predict_proba(columns[test])[:, 1]


with suppress(NotImplementedError):
    train, test = time_split(made.times, made.cards, made.frauds, 42, 5)
    mixed = np.random.default_rng(0).permutation(len(made.times))[: len(train) + len(test)]
    for name, one, other in [
        ("random", mixed[: len(train)], mixed[len(train) :]),
        ("in time", train, test),
    ]:
        scores = forest_scores(one, other)
        print(
            f"{name:8} ROC-AUC {roc_auc_score(made.frauds[other], scores):.3f}  "
            f"PR-AUC {average_precision_score(made.frauds[other], scores):.3f}  "
            f"(share of frauds {made.frauds[other].mean():.3f})"
        )

# %% id="time_split-check"
check("time_split")

# %% [markdown] id="card_features-task" lang="en"
# ## 2. What was known then
#
# A feature is right if the system could have computed it **at the moment of the payment**. Return
# for each payment, in the order given, two numbers $(N, 2)$ over the **earlier** payments of the
# **same card** in the `window` days before it, those with
#
# $$t - \text{window} \;\le\; t' \;<\; t$$
#
# how many there are, and the mean of their amounts (0 where there are none). A payment of the very
# same time is not earlier. The payments come in any order.

# %% [markdown] id="card_features-task" lang="zh"
# ## 2. 只用当时知道的
#
# 一个特征合不合格，要看**交易发生的那一刻**系统算不算得出来。对每笔交易（保持传入的顺序），
# 在**同一张卡**、之前 `window` 天内**更早**的交易，即满足
#
# $$t - \text{window} \;\le\; t' \;<\; t$$
#
# 的那些上，返回两个数，形状 $(N, 2)$：有几笔，以及金额的平均值（一笔也没有时为 0）。
# 时间完全相同的不算更早。交易不一定按时间排列。

# %% id="card_features"
def card_features(times, cards, amounts, window):
    # en: times, cards, amounts: (N,) → (N, 2): count and mean amount
    # zh: times、cards、amounts：(N,) → (N, 2)：笔数和平均金额
    ### BEGIN SOLUTION
    t = times[:, None]  # a row for each payment, a column for each that may be earlier
    earlier = (cards[:, None] == cards) & (t - window <= times) & (times < t)
    count = earlier.sum(axis=1)
    return np.stack([count, earlier @ amounts / np.maximum(count, 1)], axis=1)
    ### END SOLUTION

# %% id="card_features-try"
with suppress(NotImplementedError):
    features = np.asarray(card_features(made.times, made.cards, made.amounts, 1.0))
    for label in (0, 1):
        print(f"fraud {label}: {features[made.frauds == label, 0].mean():.2f} payments the day before")

# %% id="card_features-check"
check("card_features")

# %% [markdown] id="cheapest_threshold-task" lang="en"
# ## 3. The threshold that costs least
#
# An alarm is given where score ≥ threshold. Each alarm, right or wrong, costs `review_cost`: a
# person looks at it, and stops the fraud if it is one. Each fraud **without** an alarm costs its
# own amount. Candidates are all scores that occur, and infinity (no alarm at all). Return the
# cheapest threshold and its total cost, as a pair; if several are cheapest, the **highest**.
# (Amounts and `review_cost` are whole numbers, so that equal costs come out equal.)

# %% [markdown] id="cheapest_threshold-task" lang="zh"
# ## 3. 代价最小的阈值
#
# 分数 ≥ 阈值就报警。每次报警，不管对错，都要花 `review_cost`：由人来看，是欺诈就拦下。
# 每笔**没有**报警的欺诈，损失它自己的金额。候选阈值是出现过的所有分数，再加上无穷大（一次都不报）。
# 返回代价最小的阈值和它的总代价；有几个同样小时，取**最高**的阈值。
# （金额和 `review_cost` 都是整数，所以相等的代价算出来也相等。）

# %% id="cheapest_threshold"
def cheapest_threshold(frauds, scores, amounts, review_cost):
    # en: frauds, scores, amounts: (N,) → threshold, total cost
    # zh: frauds、scores、amounts：(N,) → 阈值，总代价
    ### BEGIN SOLUTION
    candidates = np.append(np.unique(scores), np.inf)[::-1]  # the highest first
    alarms = scores >= candidates[:, None]  # (C, N)
    costs = review_cost * alarms.sum(axis=1) + (~alarms * (frauds == 1)) @ amounts
    best = costs.argmin()  # the first of the smallest
    return candidates[best], costs[best]
    ### END SOLUTION

# %% id="cheapest_threshold-try"
# en: The dearer a review, the higher the threshold.
# zh: 人工审核越贵，阈值越高。
with suppress(NotImplementedError):
    scores = forest_scores(train, test)
    known = made.frauds[test], scores, made.amounts[test]
    for review_cost in (1, 4, 16):
        threshold, cost = cheapest_threshold(*known, review_cost)
        at_half = review_cost * (scores >= 0.5).sum() + known[2][(scores < 0.5) & (known[0] == 1)].sum()
        print(f"review {review_cost:3}: threshold {threshold:.3f} costs {cost:.0f}; 0.5 costs {at_half:.0f}")

# %% id="cheapest_threshold-check"
check("cheapest_threshold")

# %% [markdown] id="ewma_scores-task" lang="en"
# ## 4. A machine that wears out
#
# `healthy` was recorded while the machine was known to be good; `signal` is what follows. Take the
# mean $\mu$ and the standard deviation $s$ of `healthy` (divide by $n - 1$) and follow the signal
# with an exponentially weighted moving average, $\lambda$ being `weight`, $0 < \lambda \le 1$:
#
# $$z_0 = \mu, \qquad z_t = \lambda x_t + (1 - \lambda)\, z_{t-1}, \qquad
# \text{score}_t = \frac{|z_t - \mu|}{s \sqrt{\frac{\lambda}{2 - \lambda}
# \left(1 - (1 - \lambda)^{2t}\right)}}$$
#
# for $t = 1 \dots N$; $x_1$ is the first number of `signal`. The root is the standard deviation of
# $z_t$ while nothing is wrong, so that 3 means the same at any time. Return the $N$ scores. A score
# rests on nothing that comes after it.

# %% [markdown] id="ewma_scores-task" lang="zh"
# ## 4. 机器在磨损
#
# `healthy` 是机器确知正常时录下的信号，`signal` 是之后的。取 `healthy` 的均值 $\mu$ 和标准差 $s$（除以 $n - 1$），
# 再用指数加权移动平均跟踪信号，$\lambda$ 就是 `weight`，$0 < \lambda \le 1$：
#
# $$z_0 = \mu, \qquad z_t = \lambda x_t + (1 - \lambda)\, z_{t-1}, \qquad
# \text{score}_t = \frac{|z_t - \mu|}{s \sqrt{\frac{\lambda}{2 - \lambda}
# \left(1 - (1 - \lambda)^{2t}\right)}}$$
#
# $t = 1 \dots N$，$x_1$ 是 `signal` 的第一个数。根号是一切正常时 $z_t$ 的标准差，这样不管什么时刻，3 的含义都一样。
# 返回 $N$ 个分数。任何一个分数都不能用到它之后的数据。

# %% id="ewma_scores"
def ewma_scores(healthy, signal, weight):
    # en: healthy: (n,), signal: (N,) → (N,) scores, 0 or more
    # zh: healthy：(n,)，signal：(N,) → (N,) 的分数，不小于 0
    ### BEGIN SOLUTION
    mean, deviation = healthy.mean(), healthy.std(ddof=1)
    z, scores = mean, []
    for t, x in enumerate(signal, start=1):
        z = weight * x + (1 - weight) * z
        spread = deviation * math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
        scores.append(abs(z - mean) / spread)
    return scores
    ### END SOLUTION

# %% id="ewma_scores-try"
# en: A bearing that begins to wear at hour 380 and breaks at hour 500. The first 200 are healthy.
# zh: 一个轴承，第 380 小时开始磨损，第 500 小时损坏。前 200 小时是健康的。
hours = np.arange(500)


def bearing(rng):
    return 5 + rng.normal(0, 1, 500) + np.maximum(0, hours - 380) * 0.015


with suppress(NotImplementedError):
    vibration = bearing(np.random.default_rng(4))
    healthy, running = vibration[:200], vibration[200:]
    figure, axes = plt.subplots(2, 1, figsize=(7, 3.6), sharex=True)
    axes[0].plot(hours[200:], running, color="#8fb8de", linewidth=0.8)
    axes[0].set(ylabel="vibration")
    for weight, colour in ((1.0, "#bbbbbb"), (0.1, "#d1495b")):
        scores = np.asarray(ewma_scores(healthy, running, weight))
        axes[1].plot(hours[200:], scores, color=colour, linewidth=0.9, label=f"weight {weight}")
    axes[1].axhline(3.5, color="black", linewidth=0.6)
    axes[1].set(xlabel="hour", ylabel="score")
    axes[1].legend(frameon=False, loc="upper left")
    plt.show()

# %% id="ewma_scores-check"
check("ewma_scores")

# %% [markdown] id="score_alarms-task" lang="en"
# ## 5. In time, late, or crying wolf
#
# `alarms` and `faults` hold times, in any order; only `alarms` may be empty. A maintenance crew
# needs `lead` hours; an alarm more than `horizon` hours ahead says nothing of this fault
# (0 < lead < horizon). A fault at $f$ is
#
# - **caught** if at least one alarm lies in $f - \text{horizon} \le a \le f - \text{lead}$;
# - **late** if it is not caught and one lies in $f - \text{lead} < a \le f$;
# - **missed** otherwise.
#
# **False alarms** are the alarms that lie in $f - \text{horizon} \le a \le f$ of **no** fault,
# counted one by one. One alarm may announce two faults. Return a dict of four counts: `"caught"`,
# `"late"`, `"missed"`, `"false_alarms"`.

# %% [markdown] id="score_alarms-task" lang="zh"
# ## 5. 及时、太晚，还是狼来了
#
# `alarms` 和 `faults` 都是时刻，不一定有序；只有 `alarms` 可能为空。维修队需要 `lead` 小时准备；
# 比故障早 `horizon` 小时以上的报警与它无关（0 < lead < horizon）。对发生在 $f$ 的故障：
#
# - 至少有一个报警落在 $f - \text{horizon} \le a \le f - \text{lead}$，算**及时**（caught）；
# - 不及时，但有报警落在 $f - \text{lead} < a \le f$，算**太晚**（late）；
# - 其余算**漏报**（missed）。
#
# **误报**是不落在**任何**故障的 $f - \text{horizon} \le a \le f$ 之内的报警，逐个计数。一个报警可以预告两次故障。
# 返回一个字典，四个计数：`"caught"`、`"late"`、`"missed"`、`"false_alarms"`。

# %% id="score_alarms"
def score_alarms(alarms, faults, lead, horizon):
    # en: alarms: (A,), faults: (F,) → {"caught": …, "late": …, "missed": …, "false_alarms": …}
    # zh: alarms：(A,)，faults：(F,) → {"caught": …, "late": …, "missed": …, "false_alarms": …}
    ### BEGIN SOLUTION
    ahead = faults[:, None] - alarms  # (F, A)
    caught = ((ahead >= lead) & (ahead <= horizon)).any(axis=1)
    announced = (ahead >= 0) & (ahead <= horizon)
    any_time = announced.any(axis=1)
    return {
        "caught": int(caught.sum()),
        "late": int((any_time & ~caught).sum()),
        "missed": int((~any_time).sum()),
        "false_alarms": int((~announced.any(axis=0)).sum()),
    }
    ### END SOLUTION

# %% id="score_alarms-try"
# en: Forty machines like the one above, which need 24 hours' notice.
# zh: 四十台和上面一样的机器，需要提前 24 小时知道。
with suppress(NotImplementedError):
    for weight in (1.0, 0.3, 0.1):
        total = dict.fromkeys(("caught", "late", "missed", "false_alarms"), 0)
        rng = np.random.default_rng(0)
        for _ in range(40):
            vibration = bearing(rng)
            scores = np.asarray(ewma_scores(vibration[:200], vibration[200:], weight))
            alarms = 200.0 + np.flatnonzero(scores > 3.5)
            result = score_alarms(alarms, np.array([500.0]), 24.0, 120.0)
            total = {name: total[name] + int(result[name]) for name in total}
        print(f"weight {weight}:", total)

# %% id="score_alarms-check"
check("score_alarms")

# %% [markdown] id="estimate_ability-task" lang="en"
# ## 6. How able, given these questions
#
# Seven of ten right says little without the questions. In the two-parameter model the answer to
# question $j$, of difficulty $b_j$ and discrimination $a_j > 0$, is right with probability
#
# $$P_j(\theta) = \frac{1}{1 + e^{-a_j (\theta - b_j)}}$$
#
# `answers` holds 1 (right), 0 (wrong) or `nan` (**not asked**: it says nothing); at least one was
# asked. Return the ability $\theta$ that maximises the likelihood times a normal prior of mean 0
# and standard deviation `prior_std`, within 0.001. With `prior_std=math.inf` there is no prior, and
# the maximum may lie at infinity: return `inf` if all that was asked is right, `-inf` if all of it
# is wrong.

# %% [markdown] id="estimate_ability-task" lang="zh"
# ## 6. 答的是这些题，能力有多高
#
# 十题对七题，不看题目说明不了什么。双参数模型里，难度为 $b_j$、区分度为 $a_j > 0$ 的题答对的概率是
#
# $$P_j(\theta) = \frac{1}{1 + e^{-a_j (\theta - b_j)}}$$
#
# `answers` 里是 1（对）、0（错）或 `nan`（**没考到**，不提供任何信息）；至少考了一题。
# 返回使「似然 × 正态先验」最大的能力 $\theta$，误差不超过 0.001；先验的均值为 0，标准差为 `prior_std`。
# `prior_std=math.inf` 表示没有先验，这时最大值可能在无穷远：考到的题全对返回 `inf`，全错返回 `-inf`。

# %% id="estimate_ability"
def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    # en: answers, difficulty, discrimination: (M,) → a number
    # zh: answers、difficulty、discrimination：(M,) → 一个数
    ### BEGIN SOLUTION
    asked = ~np.isnan(answers)
    y, b, a = answers[asked], difficulty[asked], discrimination[asked]
    if math.isinf(prior_std) and y.min() == y.max():
        return math.inf if y[0] == 1 else -math.inf
    low, high = -1e4, 1e4
    for _ in range(60):  # the slope falls in theta: halve the interval in which it is zero
        theta = (low + high) / 2
        p = (1 + np.tanh(a * (theta - b) / 2)) / 2  # the same function, without overflow
        slope = (a * (y - p)).sum() - theta / prior_std**2
        low, high = (theta, high) if slope > 0 else (low, theta)
    return theta
    ### END SOLUTION

# %% id="estimate_ability-try"
# en: The same seven of ten, first on the easiest questions, then on the hardest.
# zh: 同样是十题对七题：先是对了最容易的七题，再是对了最难的七题。
with suppress(NotImplementedError):
    difficulty, sharp = np.linspace(-2, 2, 10), np.linspace(0.5, 2, 10)
    for right in (np.arange(10) < 7, np.arange(10) >= 3, np.ones(10, bool)):
        answers = right.astype(float)
        one, none = (estimate_ability(answers, difficulty, sharp, s) for s in (1.0, math.inf))
        print("".join("✓" if y else "·" for y in right), f"prior 1: {one:5.2f}   none: {none:5.2f}")

# %% id="estimate_ability-check"
check("estimate_ability")

# %% [markdown] id="fit_rasch-task" lang="en"
# ## 7. How hard, given these answers
#
# Nobody hands you the difficulties. In the Rasch model student $i$ answers question $j$ right with
# probability $1 / (1 + e^{-(\theta_i - b_j)})$. `responses` is $(N, M)$ with 1, 0 and `nan` for what
# was not asked. Only differences matter, so something must hold the scale: **all** abilities and
# **all** difficulties have independent normal priors of mean 0 and (finite) standard deviation
# `prior_std`; without any answer the prior alone speaks. Return the abilities $(N,)$ and the difficulties $(M,)$ that together maximise the likelihood
# times the priors, within 0.001. (The maximum is unique; do not shift it afterwards.)

# %% [markdown] id="fit_rasch-task" lang="zh"
# ## 7. 答成这样，题有多难
#
# 没有人会把难度告诉你。Rasch 模型里，学生 $i$ 答对题 $j$ 的概率是 $1 / (1 + e^{-(\theta_i - b_j)})$。
# `responses` 是 $(N, M)$，取 1、0，没考到的是 `nan`。概率只跟差值有关，得有东西固定刻度：**全部**能力和**全部**难度各有独立的正态先验，均值为 0，标准差为（有限的）`prior_std`；一个回答都没有时，只有先验说话。
# 返回使「似然 × 先验」最大的能力 $(N,)$ 和难度 $(M,)$，误差不超过 0.001。（最大点唯一，求出后不要再平移。）

# %% id="fit_rasch"
def fit_rasch(responses, prior_std=1.0):
    # en: responses: (N, M) → abilities (N,), difficulties (M,)
    # zh: responses：(N, M) → 能力 (N,)，难度 (M,)
    ### BEGIN SOLUTION
    asked = ~np.isnan(responses)
    y, tight = np.where(asked, responses, 0), 1 / prior_std**2
    students, questions = y.shape
    both = np.zeros(students + questions)  # abilities, then difficulties
    for _ in range(30):  # a Newton step for all of them together
        p = asked / (1 + np.exp(both[students:] - both[:students, None]))
        w = p * (1 - p)
        slope = np.append((y - p).sum(axis=1), (p - y).sum(axis=0)) - tight * both
        bend = np.block([[np.diag(w.sum(axis=1)), -w], [-w.T, np.diag(w.sum(axis=0))]])
        both = both + np.linalg.solve(bend + tight * np.eye(len(both)), slope)
    return both[:students], both[students:]
    ### END SOLUTION

# %% id="fit_rasch-try"
# en: Strong students were given the hard questions, so the share of right answers misleads.
# zh: 强的学生考的是难题，所以正确率会误导人。
with suppress(NotImplementedError):
    rng = np.random.default_rng(1)
    able, hard = np.sort(rng.normal(0, 1.5, 200)), np.linspace(-2, 2, 12)
    given = np.abs(np.linspace(0, 11, 200)[:, None] - np.arange(12)) < 3
    chance = 1 / (1 + np.exp(hard - able[:, None]))
    responses = np.where(given, rng.random((200, 12)) < chance, np.nan)
    found = np.asarray(fit_rasch(responses)[1])
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.8))
    axes[0].scatter(hard, 1 - np.nanmean(responses, axis=0), color="#8fb8de")
    axes[0].set(xlabel="true difficulty", ylabel="share of wrong answers", ylim=(0, 1))
    axes[1].scatter(hard, found, color="#d1495b")
    axes[1].set(xlabel="true difficulty", ylabel="estimate")
    figure.tight_layout()
    plt.show()

# %% id="fit_rasch-check"
check("fit_rasch")

# %% [markdown] id="bm25_scores-task" lang="en"
# ## 8. Find the passage
#
# There are several BM25s; this is the one of Apache Lucene. For a query of tokens $q_1 \dots q_m$
# (a token that stands there twice counts **twice**) and a document $d$ among $N$,
#
# $$\text{score}(d) = \sum_{i=1}^{m}
# \ln\!\Big(1 + \frac{N - n_{q_i} + 0.5}{n_{q_i} + 0.5}\Big)\,
# \frac{f_{q_i, d}}{f_{q_i, d} + k_1 \left(1 - b + b\, |d| / L\right)}$$
#
# $n_q$ counts the **documents** that hold $q$, $f_{q,d}$ how often $d$ holds it; $|d|$ is the number
# of tokens in $d$, $L$ the mean of that over all documents; $k_1 > 0$, $0 \le b < 1$. A document may be
# empty, not all of them. `query` is a list of tokens, `documents` a list of such lists. Return $N$ scores.

# %% [markdown] id="bm25_scores-task" lang="zh"
# ## 8. 找到那一段
#
# BM25 有好几个版本，这里用 Apache Lucene 的。查询的词是 $q_1 \dots q_m$（同一个词出现两次就算**两次**），
# 对 $N$ 篇文档中的 $d$，
#
# $$\text{score}(d) = \sum_{i=1}^{m}
# \ln\!\Big(1 + \frac{N - n_{q_i} + 0.5}{n_{q_i} + 0.5}\Big)\,
# \frac{f_{q_i, d}}{f_{q_i, d} + k_1 \left(1 - b + b\, |d| / L\right)}$$
#
# $n_q$ 是含有 $q$ 的**文档**数，$f_{q,d}$ 是 $q$ 在 $d$ 中的次数；$|d|$ 是 $d$ 的词数，$L$ 是全部文档词数的平均值；$k_1 > 0$，$0 \le b < 1$。
# 个别文档可以是空的，但不会全空。`query` 是词的列表，`documents` 是这种列表的列表。返回 $N$ 个分数。

# %% id="bm25_scores"
def bm25_scores(query, documents, k1=1.2, b=0.75):
    # en: query: list of tokens; documents: N lists of tokens → (N,)
    # zh: query：词的列表；documents：N 个词的列表 → (N,)
    ### BEGIN SOLUTION
    lengths = np.array([len(document) for document in documents])
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    scores = np.zeros(len(documents))
    for token in query:
        counts = np.array([document.count(token) for document in documents])
        holding = (counts > 0).sum()
        idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        scores += idf * counts / (counts + norm)
    return scores
    ### END SOLUTION

# %% id="bm25_scores-try"
book = handbook.load(LANGUAGE)
passages = [handbook.tokens(text) for text in book.passages]
with suppress(NotImplementedError):
    for question in (book.questions[1], book.questions[5]):
        scores = np.asarray(bm25_scores(handbook.tokens(question), passages))
        best = scores.argmax()
        print(f"{question}\n  {scores[best]:.2f}  {book.passages[best]}")

# %% id="bm25_scores-check"
check("bm25_scores")

# %% [markdown] id="ranking_metrics-task" lang="en"
# ## 9. How well is it found?
#
# For $Q$ queries and $N$ documents, `scores` and `relevance` are $(Q, N)$; relevance is 0 or a
# higher whole number, and above 0 counts as relevant. Rank the documents of each query by score,
# highest first; of **equal scores, the lower index comes first**. `k` may be greater than $N$. For
# each query:
#
# - **recall**: relevant documents among the first $k$, over all its relevant documents;
# - **mrr**: 1 over the rank of the first relevant document (ranks begin at 1), 0 if it is not among
#   the first $k$;
# - **ndcg**: $\sum_{r=1}^{k} \text{rel}_r / \log_2(r + 1)$, over the greatest value that this sum
#   can have in any order of **all** the query's documents; beyond $N$ there is nothing to add.
#
# Return a dict with the mean of each over the queries; those **without** a relevant document are
# left out of all three (at least one query has some).

# %% [markdown] id="ranking_metrics-task" lang="zh"
# ## 9. 找得有多好？
#
# 有 $Q$ 个查询、$N$ 篇文档，`scores` 和 `relevance` 都是 $(Q, N)$；相关度是不小于 0 的整数，大于 0 就算相关。
# 每个查询按分数从高到低排列；**分数相同的，下标小的在前**。`k` 可以大于 $N$。对每个查询：
#
# - **recall**：前 $k$ 名里的相关文档数，除以它全部的相关文档数；
# - **mrr**：第一篇相关文档名次的倒数（名次从 1 开始），不在前 $k$ 名里就是 0；
# - **ndcg**：$\sum_{r=1}^{k} \text{rel}_r / \log_2(r + 1)$，除以把该查询的**全部**文档任意排列时这个和的最大值；超过 $N$ 的名次没有可加的。
#
# 返回一个字典，是三者各自对查询取的平均；**没有**相关文档的查询，三项都不计入（至少有一个查询有相关文档）。

# %% id="ranking_metrics"
def ranking_metrics(scores, relevance, k):
    # en: scores, relevance: (Q, N) → {"recall": …, "mrr": …, "ndcg": …}
    # zh: scores、relevance：(Q, N) → {"recall": …, "mrr": …, "ndcg": …}
    ### BEGIN SOLUTION
    keep = (relevance > 0).any(axis=1)
    scores, relevance = scores[keep], relevance[keep]
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(relevance, order, axis=1)  # (Q, k)
    ideal = -np.sort(-relevance, axis=1)[:, :k]
    hits = found > 0
    ranks = np.arange(1, found.shape[1] + 1)
    discount = 1 / np.log2(ranks + 1)
    return {
        "recall": (hits.sum(axis=1) / (relevance > 0).sum(axis=1)).mean(),
        "mrr": np.where(hits, 1 / ranks, 0).max(axis=1).mean(),
        "ndcg": (found @ discount / (ideal @ discount)).mean(),
    }
    ### END SOLUTION

# %% id="ranking_metrics-try"
# en: Words, vectors (of character n-grams, by cosine), and both by reciprocal rank fusion.
# zh: 按词检索、按向量检索（字符 n-gram，余弦相似度），以及用倒数排名融合把两者合起来。
with suppress(NotImplementedError):
    words = np.array([bm25_scores(handbook.tokens(text), passages) for text in book.questions])
    counter = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    counts = counter.fit_transform([*book.passages, *book.questions])
    vectors = TruncatedSVD(24, random_state=0).fit_transform(counts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors[len(passages) :] @ vectors[: len(passages)].T
    ranks = [(-s).argsort(axis=1, kind="stable").argsort(axis=1) + 1 for s in (words, cosine)]
    fused = sum(1 / (60 + rank) for rank in ranks)
    for name, scores in [("BM25", words), ("cosine", cosine), ("fused", fused)]:
        result = ranking_metrics(scores, book.relevance, 3)
        print(f"{name:7}", {key: round(float(value), 3) for key, value in result.items()})

# %% id="ranking_metrics-check"
check("ranking_metrics")

# %% [markdown] id="pipeline_latency-task" lang="en"
# ## 10. A budget with a tail
#
# The **p99** of $n$ latencies is the smallest of them such that at least 99% take **no longer** (the
# nearest-rank percentile: a value that occurred), the p50 the same for 50%.
#
# `pipeline_latency(stages, plan, budget)`: `stages` maps the name of each stage to its milliseconds
# in the same $n$ requests, $(n,)$ each. `plan` lists what happens one after another: a name, or a
# list of names that run **at the same time**, of which the slowest is waited for. Stages that are
# not in the plan do not run. Return a dict:
#
# - `"p50"`, `"p99"`: of the latencies of whole requests;
# - `"within"`: the share of requests that take at most `budget`.
#
# On the road latency is distance. `stopping_distance(latencies, speed, deceleration, sight)`:
# `latencies` holds the **milliseconds** that passed in $n$ frames from the light on the sensor to
# the command to the brakes. Until then the car drives on at its speed $v$, then it brakes with
# $a$ = `deceleration` m/s². Plan with $T$, the p99 of these latencies. `speed` is in **km/h**:
# 3.6 km/h are 1 m/s. Return a dict:
#
# - `"reaction"`: $v\,T$, metres driven before the brakes act;
# - `"braking"`: $v^2 / (2 a)$, metres from then to the standstill;
# - `"top_speed"`: the highest speed, in km/h, at which reaction and braking **together** are at most
#   `sight` metres, the distance at which an object is first seen (`sight` > 0).

# %% [markdown] id="pipeline_latency-task" lang="zh"
# ## 10. 带长尾的预算
#
# $n$ 个延迟的 **p99** 是其中使至少 99% **不超过**它的最小值（最近秩百分位，是真实出现过的值）；p50 同理，比例换成 50%。
#
# `pipeline_latency(stages, plan, budget)`：`stages` 把每个阶段的名字映射到同样 $n$ 个请求里它花的毫秒数，各为 $(n,)$。
# `plan` 列出先后发生的事：一个名字，或者一组**同时**运行的名字（要等最慢的那个）。不在 plan 里的阶段不运行。
# 返回一个字典：
#
# - `"p50"`、`"p99"`：整个请求的延迟的百分位；
# - `"within"`：延迟不超过 `budget` 的请求所占的比例。
#
# 上了路，延迟就是距离。`stopping_distance(latencies, speed, deceleration, sight)`：
# `latencies` 是 $n$ 帧里，从光线到达传感器到发出制动指令所花的**毫秒数**。
# 在这之前车以速度 $v$ 照常前进，之后以 $a$ = `deceleration` m/s² 减速。$T$ 取这些延迟的 p99。
# `speed` 的单位是 **km/h**：3.6 km/h 等于 1 m/s。返回一个字典：
#
# - `"reaction"`：$v\,T$，刹车起作用之前驶过的米数；
# - `"braking"`：$v^2 / (2 a)$，从那时到停住的米数；
# - `"top_speed"`：两段**合计**不超过 `sight` 米的最高速度，单位 km/h；`sight` 是最早看到物体的距离（`sight` > 0）。

# %% id="pipeline_latency"
def pipeline_latency(stages, plan, budget):
    # en: stages: name → (n,); plan: names and lists of names → {"p50": …, "p99": …, "within": …}
    # zh: stages：名字 → (n,)；plan：名字或名字的列表 → {"p50": …, "p99": …, "within": …}
    ### BEGIN SOLUTION
    total = 0
    for step in plan:
        names = [step] if isinstance(step, str) else step
        total = total + np.max([stages[name] for name in names], axis=0)
    p50, p99 = np.percentile(total, [50, 99], method="inverted_cdf")
    return {"p50": p50, "p99": p99, "within": (total <= budget).mean()}
    ### END SOLUTION


def stopping_distance(latencies, speed, deceleration, sight):
    # en: latencies: (n,) → {"reaction": …, "braking": …, "top_speed": …}
    # zh: latencies：(n,) → {"reaction": …, "braking": …, "top_speed": …}
    ### BEGIN SOLUTION
    wait = np.percentile(latencies, 99, method="inverted_cdf") / 1000
    v, lost = speed / 3.6, deceleration * wait
    return {
        "reaction": v * wait,
        "braking": v**2 / (2 * deceleration),
        "top_speed": 3.6 * (math.sqrt(lost**2 + 2 * deceleration * sight) - lost),
    }
    ### END SOLUTION

# %% id="pipeline_latency-try"
with suppress(NotImplementedError):
    rng = np.random.default_rng(0)
    medians = {"rewrite": 120, "bm25": 15, "vectors": 40, "rerank": 80, "answer": 600}
    stages = {name: ms * np.exp(rng.normal(0, 0.5, 2000)) for name, ms in medians.items()}
    plan = ["rewrite", ["bm25", "vectors"], "rerank", "answer"]
    result = pipeline_latency(stages, plan, 1500)
    print({name: round(float(value), 3) for name, value in result.items()})
    apart = [np.percentile(stages[name], 99) for name in ("rewrite", "vectors", "rerank", "answer")]
    total = sum(np.maximum(stages["bm25"], stages["vectors"]) if name == "vectors" else stages[name]
                for name in ("rewrite", "vectors", "rerank", "answer"))
    figure, axes = plt.subplots(figsize=(7, 2.4))
    axes.hist(total, bins=80, color="#8fb8de")
    for value, name, colour in [
        (result["p50"], "p50", "black"),
        (result["p99"], "p99", "#d1495b"),
        (sum(apart), "sum of the p99s", "#2e7d32"),
    ]:
        axes.axvline(float(value), color=colour, label=f"{name}: {float(value):.0f} ms")
    axes.set(xlabel="ms", ylabel="requests")
    axes.legend()
    plt.show()

# %% id="stopping_distance-try"
# en: The same camera at 50 km/h, its computer free or busy; a child is seen at 20 metres.
# zh: 同一台相机，时速 50 公里，车载计算机空闲或繁忙；在 20 米处看到一个孩子。
with suppress(NotImplementedError):
    tail = np.exp(np.random.default_rng(0).normal(0, 0.5, 2000))
    for name, median in (("free", 60), ("busy", 180)):
        result = stopping_distance(median * tail, 50.0, 6.0, 20.0)
        print(name, {key: round(float(value), 1) for key, value in result.items()})

# %% id="pipeline_latency-check"
check("pipeline_latency")

# %% [markdown] id="closing" lang="en"
# Each of these is a sentence that you can say in an interview: the task, what goes in and comes
# out, the model, the metric, the main risk, and a number that you computed yourself.

# %% [markdown] id="closing" lang="zh"
# 每道题都对应一句面试时说得出口的话：任务是什么，输入输出是什么，用什么模型，看什么指标，主要风险在哪里，再加一个自己算出来的数。
