# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # From sound to text
#
# One of our source documents turns speech into text in twelve lines. It imports a model that does
# not exist, normalises with a mean of 0 and a deviation of 1, which does nothing, feeds it white
# noise of unknown sampling rate, and joins numbers as if they were letters. What makes speech
# recognition hard to get right is not in it at all: features, CTC, and the error rate.
#
# Here you write these parts, train a recogniser in seconds until you can see that it works, and at
# the end mend a program that carries the faults at once. What it listens to is telephone keys:
# two tones each, in noise. No data set is smaller, and nothing in the program would change for
# speech.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("ctc_loss")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 从声音到文字
#
# 有一份原始资料用十几行代码把语音转成文字：导入一个不存在的模型，用均值 0、标准差 1 做「归一化」（等于没做），喂进去一段不知采样率的白噪声，最后把一串数字当字母拼起来。语音识别真正容易出错的地方，特征、CTC、错误率，它一个都没提。
#
# 下面你将写出这些环节，几秒钟训练出一个识别器，亲眼看到它有效，最后改好一个把这些错误全占了的程序。它听的是电话按键音：每个键两个音，混着噪声。没有比这更小的数据了，而换成真正的语音，程序一行都不用改。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("ctc_loss")`，先给一点提醒，再问还有两级。

# %% id="setup"
import unicodedata
from contextlib import suppress
from math import gcd

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Audio, display
from scipy import signal
from torch import nn

from autograder import check, hint, lesson, solution, status
from autograder.data import tones

EXERCISE, LANGUAGE = "speech", "en"

RATE, MELS = 8000, 32
ENGLISH = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
           "star", "zero", "hash"]  # fmt: skip
CHINESE = ["", *"一二三四五六七八九星零井"]

# %% [markdown] id="data" lang="en"
# ## What is heard
#
# A key sounds one of four low and one of three high tones at once. Below is a recording with 5 dB
# of signal over noise; play it, then look: time runs to the right, pitch upwards.

# %% [markdown] id="data" lang="zh"
# ## 听一听
#
# 每个键同时发两个音：四个低音之一和三个高音之一。下面是一段信噪比 5 dB 的录音，先听，再看：横轴是时间，纵轴是频率。

# %% id="listen"
recording = tones.make(1, seed=7, lengths=(4, 4), snr=(5, 5))[0]
display(Audio(recording.samples, rate=recording.rate))
_, axes = plt.subplots(figsize=(7, 2.5))
axes.specgram(recording.samples, NFFT=256, Fs=recording.rate, noverlap=192, cmap="gray_r")
axes.set(xlabel="s", ylabel="Hz", ylim=(300, 2000), title=" ".join(recording.keys))
plt.show()

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Recordings are NumPy arrays $(N,)$, float32 within −1 … 1, one
# channel; `rate` is in samples per second. $T$ frames, $K$ classes, and class 0 is the **blank**
# unless a `blank` is given. Results may be lists, arrays or tensors, in float32 or float64, and
# numbers Python's, NumPy's or torch's. Use what libraries offer, unless a task says otherwise.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 录音是 NumPy 数组 $(N,)$，float32，取值 −1 … 1，单声道；`rate` 是每秒样本数。$T$ 帧，$K$ 个类别；除非传入 `blank`，第 0 类就是 **blank**。结果可以是列表、数组或张量，float32 或 float64 都行；数值用 Python、NumPy 或 torch 的都可以。除非任务另有说明，库里现成的都可以用。

# %% [markdown] id="resample-task" lang="en"
# ## 1. Another sampling rate
#
# $r$ samples a second hold frequencies below $r/2$. A network understands only the rate that it was
# trained at, so the first question to a recording is its rate. Return the recording at
# `target_rate`:
#
# - ⌈N · target_rate / rate⌉ samples, the first at time 0;
# - let $f$ be half the lower of both rates: tones up to $0.8f$ keep their height within 2% and
#   their place in time, and no others appear; tones from $1.2f$ on keep at most 1% of their height.
#   (Measured in the middle half of the recording.) If samples are dropped without filtering, such
#   tones come back as lower ones: **aliasing**.
#
# The rates are whole numbers; one need not divide the other. At equal rates nothing changes. Do
# not change the array that came in. `scipy.signal` has what you need.

# %% [markdown] id="resample-task" lang="zh"
# ## 1. 换一个采样率
#
# 每秒 $r$ 个样本只能表示 $r/2$ 以下的频率。网络训练时用什么采样率，就只认什么采样率，所以拿到录音先问采样率。返回采样率为 `target_rate` 的录音：
#
# - 共 ⌈N · target_rate / rate⌉ 个样本，第一个在时刻 0；
# - 设 $f$ 为两个采样率中较低者的一半：$0.8f$ 以下的音，幅度误差不超过 2%，时间位置不变，也不会多出别的音；$1.2f$ 以上的音，幅度不超过原来的 1%（只看录音中间的一半）。不滤波直接丢样本，这些音会变成更低的音混进来，这就是**混叠**。
#
# 采样率是整数，不一定能整除。采样率相同则什么都不变。不要改动传入的数组。需要的函数 `scipy.signal` 里都有。

# %% id="resample"
def resample(samples, rate, target_rate):
    # en: samples: (N,) → (⌈N · target_rate / rate⌉,)
    # zh: samples：(N,) → (⌈N · target_rate / rate⌉,)
    ### BEGIN SOLUTION
    shared = gcd(rate, target_rate)
    return signal.resample_poly(samples, target_rate // shared, rate // shared)
    ### END SOLUTION

# %% id="resample-try"
# en: 16 kHz, with a whistle that 8 kHz cannot hold: dropping samples makes a key of it.
# zh: 16 kHz 的录音里有 8 kHz 容纳不了的啸叫；直接丢样本，它就变成了一个键。
whistling = tones.make(1, seed=7, lengths=(4, 4), rate=16000, snr=(15, 15), whistles=True)[0]
with suppress(NotImplementedError):
    _, row = plt.subplots(1, 2, figsize=(8, 2.5), sharey=True)
    pairs = {
        "samples[::2]": whistling.samples[::2],
        "resample": resample(whistling.samples, whistling.rate, RATE),
    }
    for axes, (title, heard) in zip(row, pairs.items(), strict=True):
        axes.specgram(np.asarray(heard), NFFT=256, Fs=RATE, noverlap=192, cmap="gray_r")
        axes.set(title=title, ylim=(300, 2000), xlabel="s")
    plt.show()

# %% id="resample-check"
check("resample")

# %% [markdown] id="log_mel-task" lang="en"
# ## 2. Log-mel features
#
# 1. **Frames**: $1 + \lfloor (N - n_\text{fft}) / hop \rfloor$ whole frames of `n_fft` samples; frame $t$
#    begins at sample $t \cdot hop$. Nothing is padded. ($N \ge n_\text{fft}$.)
# 2. **Window**: each frame times the periodic Hann window
#    $w_n = \tfrac12 - \tfrac12 \cos(2\pi n / n_\text{fft})$.
# 3. **Power**: $|X_k|^2$ of the real Fourier transform, $k = 0 \dots n_\text{fft}/2$, which is
#    the frequency $k \cdot rate / n_\text{fft}$ (`n_fft` is even).
# 4. **Mel bands**: $m(f) = 2595 \log_{10}(1 + f/700)$ (the HTK scale). Take `n_mels` + 2 edges,
#    evenly spaced in mel from `low` to `high` hertz, and turn them back to hertz. Band $i$, from 0 on, is a
#    triangle over the frequencies: 0 at edge $i$, 1 at edge $i+1$, 0 at edge $i+2$, straight in
#    hertz between. Sum the power with these weights.
# 5. **Logarithm** of $\max(\text{energy}, 10^{-10})$.
# 6. **Standardise**: subtract the mean over all frames and bands of the recording, divide by the
#    standard deviation over the same (by $n$ or $n - 1$). If that is below $10^{-5}$, return zeros.
#
# Return $(T, \text{n\_mels})$.

# %% [markdown] id="log_mel-task" lang="zh"
# ## 2. 对数梅尔特征
#
# 1. **分帧**：共 $1 + \lfloor (N - n_\text{fft}) / hop \rfloor$ 帧，每帧完整的 `n_fft` 个样本，第 $t$ 帧从第 $t \cdot hop$ 个样本开始，不做任何填充（$N \ge n_\text{fft}$）。
# 2. **加窗**：每帧乘周期 Hann 窗 $w_n = \tfrac12 - \tfrac12 \cos(2\pi n / n_\text{fft})$。
# 3. **功率谱**：实数傅里叶变换取 $|X_k|^2$，$k = 0 \dots n_\text{fft}/2$，对应频率 $k \cdot rate / n_\text{fft}$（`n_fft` 是偶数）。
# 4. **梅尔频带**：$m(f) = 2595 \log_{10}(1 + f/700)$（HTK 刻度）。从 `low` 到 `high` 赫兹，在梅尔刻度上等距取 `n_mels` + 2 个边界，再换回赫兹。第 $i$ 个频带（从 0 数起）是频率上的三角形：边界 $i$ 处为 0，边界 $i+1$ 处为 1，边界 $i+2$ 处为 0，其间按赫兹线性变化。用这些权重对功率求和。
# 5. **取对数**：$\max(\text{能量}, 10^{-10})$ 的对数。
# 6. **标准化**：减去整段录音所有帧、所有频带的均值，除以同一范围的标准差（除以 $n$ 或 $n - 1$ 都行）；标准差小于 $10^{-5}$ 时返回零。
#
# 返回 $(T, \text{n\_mels})$。

# %% id="log_mel"
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    # en: samples: (N,), N ≥ n_fft → (T, n_mels)
    # zh: samples：(N,)，N ≥ n_fft → (T, n_mels)
    ### BEGIN SOLUTION
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    starts = range(0, len(samples) - n_fft + 1, hop)
    frames = np.stack([samples[start : start + n_fft] for start in starts]).astype(float)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    mels = np.linspace(*(2595 * np.log10(1 + np.array([low, high]) / 700)), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.arange(n_fft // 2 + 1) * rate / n_fft
    triangles = [np.interp(hertz, edges[i : i + 3], [0, 1, 0]) for i in range(n_mels)]
    energy = np.log(np.maximum(power @ np.stack(triangles, axis=1), 1e-10))
    spread = energy.std()
    return (energy - energy.mean()) / spread if spread >= 1e-5 else np.zeros_like(energy)
    ### END SOLUTION

# %% id="log_mel-try"
with suppress(NotImplementedError):
    features = np.asarray(log_mel(recording.samples, RATE))
    _, axes = plt.subplots(figsize=(7, 2.5))
    axes.imshow(features.T, origin="lower", aspect="auto", cmap="gray_r")
    axes.set(xlabel="t", ylabel="mel", title=f"{features.shape}: {' '.join(recording.keys)}")
    plt.show()

# %% id="log_mel-check"
check("log_mel")

# %% [markdown] id="ctc_collapse-task" lang="en"
# ## 3. From a path to labels
#
# A network that names a class for each frame says `0 5 5 0 5 1 1 0`, where a person pressed
# `5 5 1`. CTC reads such a **path** in two steps, in this order: **merge** what is repeated without
# a break, then **remove** the blanks. Return the labels as a list of whole numbers; a path of
# blanks gives an empty list. `path` is a list, an array or a tensor of whole numbers $(T,)$.

# %% [markdown] id="ctc_collapse-task" lang="zh"
# ## 3. 从路径到标签
#
# 网络每帧给出一个类别，例如 `0 5 5 0 5 1 1 0`，而按下的是 `5 5 1`。CTC 分两步读这条**路径**，顺序不能变：先**合并**连续重复的，再**去掉** blank。返回整数列表；全是 blank 的路径返回空列表。`path` 是整数的列表、数组或张量 $(T,)$。

# %% id="ctc_collapse"
def ctc_collapse(path, blank=0):
    # en: path: (T,) whole numbers → list of labels
    # zh: path：(T,)，整数 → 标签列表
    ### BEGIN SOLUTION
    labels, before = [], None
    for label in map(int, path):
        if label not in (before, blank):
            labels.append(label)
        before = label
    return labels
    ### END SOLUTION

# %% id="ctc_collapse-try"
with suppress(NotImplementedError):
    print(ctc_collapse([0, 5, 5, 0, 5, 1, 1, 0]))

# %% id="ctc_collapse-check"
check("ctc_collapse")

# %% [markdown] id="ctc_loss-task" lang="en"
# ## 4. The CTC loss
#
# Nobody says in which frame a label belongs. CTC therefore trains on the probability of *all*
# paths that collapse to the target:
#
# $$L = -\ln \sum_{\text{paths that collapse to the target}} \; \prod_{t=1}^{T} p_t(\text{path}_t)$$
#
# There are far too many to list, but a recursion over frames sums them in $T \cdot (2U + 1)$ steps:
# write a blank before, between and after the $U$ labels, and keep for each place the logarithm of
# the probability of having come there. The lesson derives it. Return $L$ in nats, not divided by
# anything; infinity where the target does not fit into $T$ frames.
#
# `log_probs` is a NumPy array $(T, K)$ of finite **logarithms of probabilities**, $T \ge 1$; `target` is
# a list of $U \ge 0$ labels without blanks. Stay in logarithms: 400 frames must not underflow. A
# recursion of your own, in NumPy: torch may not be used in this task.

# %% [markdown] id="ctc_loss-task" lang="zh"
# ## 4. CTC 损失
#
# 没有人标注过每个标签落在哪一帧，所以 CTC 训练的是**所有**能合并成目标的路径的总概率：
#
# $$L = -\ln \sum_{\text{能合并成目标的路径}} \; \prod_{t=1}^{T} p_t(\text{path}_t)$$
#
# 路径多得列不完，但逐帧递推只要 $T \cdot (2U + 1)$ 步：在 $U$ 个标签的前、中、后都插上 blank，对每个位置记下走到那里的概率的对数。推导见课文。返回 $L$，单位是奈特，不除以任何东西；$T$ 帧放不下目标时返回无穷大。
#
# `log_probs` 是 NumPy 数组 $(T, K)$，元素是**概率的对数**，都是有限的，$T \ge 1$；`target` 是 $U \ge 0$ 个标签的列表，不含 blank。全程用对数计算，400 帧也不能下溢。请用 NumPy 自己写递推，这个任务不能用 torch。

# %% id="ctc_loss"
def ctc_loss(log_probs, target, blank=0):
    # en: log_probs: (T, K); target: U labels → a number
    # zh: log_probs：(T, K)；target：U 个标签 → 一个数
    ### BEGIN SOLUTION
    places = [blank]
    for label in target:
        places += [label, blank]
    places = np.array(places)
    # en: Two places back is allowed for a label that differs from the label there.
    # zh: 标签与前两位的标签不同，才能从前两位跳过来。
    may_skip = np.zeros(len(places), bool)
    may_skip[2:] = (places[2:] != blank) & (places[2:] != places[:-2])
    reached = np.full(len(places), -np.inf)
    reached[:2] = log_probs[0, places[:2]]
    for row in log_probs[1:]:
        one = np.concatenate([[-np.inf], reached[:-1]])
        two = np.where(may_skip, np.concatenate([[-np.inf] * 2, reached])[: len(places)], -np.inf)
        reached = np.logaddexp(np.logaddexp(reached, one), two) + row[places]
    return -np.logaddexp.reduce(reached[-2:])
    ### END SOLUTION

# %% id="ctc_loss-try"
# en: Two frames, blank and one label, all as likely: three of four paths give the label.
# zh: 两帧，blank 和一个标签，概率各半：四条路径中有三条给出这个标签。
with suppress(NotImplementedError):
    print(np.exp(-ctc_loss(np.log([[0.5, 0.5], [0.5, 0.5]]), [1])))

# %% id="ctc_loss-check"
check("ctc_loss")

# %% [markdown] id="normalise_text-task" lang="en"
# ## 5. Texts, made comparable
#
# "One, two!" and "one two" are the same to the ear. Before scoring, and only for scoring, both
# sides go through the same rules. Here they are these five, in this order:
#
# 1. Unicode's **NFKC** (full-width letters become ordinary ones, `é` one character).
# 2. **Lower case**.
# 3. The curly apostrophe ’ (U+2019) becomes the straight one `'`, which **stays where it stands
#    directly between two letters or digits** (`str.isalnum`).
# 4. Every **other** character whose Unicode category begins with **P** becomes a space: `, . ! - _ #`
#    as well as `，。！「」……`, and apostrophes elsewhere. So `3.5` becomes `3 5`.
# 5. Runs of **white space** (`str.split`) become one space, with none at the ends.
#
# Nothing else: numbers are not spelt out; signs such as `+ $ °` and accents stay; words stay words.

# %% [markdown] id="normalise_text-task" lang="zh"
# ## 5. 让文本可以比较
#
# 「One, two!」和「one two」听起来是一样的。计分之前，也只在计分时，两边都按同一套规则处理。这里规定五条，按顺序执行：
#
# 1. Unicode 的 **NFKC**（全角字母变普通字母，`é` 合成一个字符）。
# 2. 转成**小写**。
# 3. 弯撇号 ’（U+2019）换成直撇号 `'`；**直接夹在两个字母或数字之间的撇号**（`str.isalnum`）**保留**。
# 4. **其余** Unicode 类别以 **P** 开头的字符一律换成空格：`, . ! - _ #`，还有 `，。！「」……`，以及别处的撇号。所以 `3.5` 变成 `3 5`。
# 5. 连续**空白**（`str.split`）变成一个空格，首尾不留。
#
# 除此之外什么都不做：数字不展开；`+ $ °` 这样的符号和重音保留；词还是词。

# %% id="normalise_text"
def normalise_text(text):
    # en: text: str → str
    # zh: text：str → str
    ### BEGIN SOLUTION
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    kept = []
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        inside = letter == "'" and before.isalnum() and after.isalnum()
        mark = unicodedata.category(letter).startswith("P")
        kept.append(" " if mark and not inside else letter)
    return " ".join("".join(kept).split())
    ### END SOLUTION

# %% id="normalise_text-try"
with suppress(NotImplementedError):
    for text in ("Three O’Clock -- SHARP!", "请按 １，２……井号键。"):
        print(repr(normalise_text(text)))

# %% id="normalise_text-check"
check("normalise_text")

# %% [markdown] id="error_rates-task" lang="en"
# ## 6. Word and character error rate
#
# $$\text{WER} = \frac{S + D + I}{N}$$
#
# the least number of substitutions, deletions and insertions that turn what was said (the
# *reference*) into what was heard (the *hypothesis*), over the number of words that were said. For
# a corpus: **all edits over all reference words**, not the mean of the sentences' rates. It may
# exceed 1. `cer` is the same with **characters** in place of words, which is how Chinese is scored.
#
# - Words are what stands between white space (`str.split`). Characters are all that are not white
#   space.
# - Texts are compared as they are; normalising them is left to the caller.
# - Single texts may be empty: what is heard in silence is inserted. At least one
#   reference is not.
# - Lists of unequal length raise `ValueError`.
#
# jiwer does this in one line; it may not be used here, nor rapidfuzz, nltk or difflib.

# %% [markdown] id="error_rates-task" lang="zh"
# ## 6. 词错误率与字错误率
#
# $$\text{WER} = \frac{S + D + I}{N}$$
#
# 分子是把所说的（**参考**）变成所听的（**假设**）至少要多少次替换、删除、插入，分母是所说的词数。整个语料的错误率是**全部编辑次数除以全部参考词数**，不是各句错误率的平均，而且可以大于 1。`cer` 相同，只是把词换成**字符**，中文就这样计分。
#
# - 词是空白之间的部分（`str.split`）；字符是所有非空白字符。
# - 文本按原样比较；要规范化，请在调用之前做。
# - 单条文本可以为空：静音里听出来的算插入。至少有一条参考不为空。
# - 两个列表长度不等，抛出 `ValueError`。
#
# jiwer 一行就能算；但这里不能用它，也不能用 rapidfuzz、nltk、difflib。

# %% id="error_rates"
def wer(references, hypotheses):
    # en: two lists of texts → a number
    # zh: 两个文本列表 → 一个数
    ### BEGIN SOLUTION
    return error_rate(str.split, references, hypotheses)


def error_rate(units, references, hypotheses):
    edits = total = 0
    for said, heard in zip(references, hypotheses, strict=True):
        said, heard = units(said), units(heard)
        row = list(range(len(heard) + 1))
        for i, one in enumerate(said, 1):
            previous, row = row, [i]
            for j, other in enumerate(heard, 1):
                changed = previous[j - 1] + (one != other)
                row.append(min(previous[j] + 1, row[-1] + 1, changed))
        edits += row[-1]
        total += len(said)
    return edits / total
    ### END SOLUTION


def cer(references, hypotheses):
    # en: two lists of texts → a number
    # zh: 两个文本列表 → 一个数
    ### BEGIN SOLUTION
    return error_rate(lambda text: "".join(text.split()), references, hypotheses)
    ### END SOLUTION

# %% id="error_rates-try"
with suppress(NotImplementedError):
    print(wer(["one two three"], ["one three three four"]))
    print(wer(["今天天气好"], ["今天天汽好"]), cer(["今天天气好"], ["今天天汽好"]))

# %% id="error_rates-check"
check("error_rates")

# %% [markdown] id="train_recogniser-task" lang="en"
# ## 7. Train a recogniser
#
# A network of 26,173 weights: two convolutions, the first of which halves the number of frames, and
# a GRU in both directions. `model(x)` takes features $(B, T, 32)$ and returns **logits**
# $(B, \lceil T/2 \rceil, 13)$; `model.frames(lengths)` says how many frames come out.
#
# Train it in place, in training mode (in which it may stay), and return the list of the losses, one number a step.
# `features` is a list of tensors $(T_i, 32)$ of different lengths, `labels` a list of tensors
# $(U_i,)$ of whole numbers from 1 to 12. In each of `steps` steps:
#
# - draw `batch_size` different recordings at random, anew from all (there are enough); pad their features with zeros to the longest;
# - the loss is that of `nn.CTCLoss()` with its defaults. It wants logarithms of probabilities,
#   time first; the number of frames that `model.frames` makes of each recording's **true** length;
#   and its number of labels;
# - AdamW; the learning rate goes up to `lr` and down again (`OneCycleLR` with `pct_start=0.15`
#   serves well); gradients clipped to a norm of 5.

# %% [markdown] id="train_recogniser-task" lang="zh"
# ## 7. 训练识别器
#
# 网络有 26173 个权重：两层卷积，第一层把帧数减半；再加一个双向 GRU。`model(x)` 接收特征 $(B, T, 32)$，返回 **logits** $(B, \lceil T/2 \rceil, 13)$；`model.frames(lengths)` 给出每段录音还剩多少帧。
#
# 在训练模式下就地训练（结束后不必换回来），返回每步的损失组成的列表。`features` 是长短不一的张量 $(T_i, 32)$ 的列表，`labels` 是张量 $(U_i,)$ 的列表，元素是 1 到 12 的整数。一共 `steps` 步，每步：
#
# - 每步都从全部录音里重新随机抽 `batch_size` 段不同的（总数足够），特征用零填充到最长；
# - 损失用默认参数的 `nn.CTCLoss()`。它要概率的对数，时间维在最前；要 `model.frames` 按每段录音**真实**长度给出的帧数；还要标签个数；
# - 优化器用 AdamW；学习率先升到 `lr` 再降下来（`OneCycleLR`，`pct_start=0.15` 就很好）；梯度范数裁剪到 5。

# %% id="model"
class Recogniser(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(MELS, 48, 5, stride=2, padding=2), nn.BatchNorm1d(48), nn.ReLU(),
            nn.Conv1d(48, 48, 3, padding=1), nn.BatchNorm1d(48), nn.ReLU(),
        )  # fmt: skip
        self.gru = nn.GRU(48, 24, batch_first=True, bidirectional=True)
        self.out = nn.Linear(48, 13)

    def frames(self, lengths):
        return (lengths + 1) // 2

    def forward(self, x):  # (B, T, 32) → (B, ⌈T/2⌉, 13)
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return self.out(self.gru(x)[0])


# %% id="train_recogniser"
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    # en: → losses, one for each step
    # zh: → 每步一个损失
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.15)
    criterion, losses = nn.CTCLoss(), []
    model.train()
    for _ in range(steps):
        rows = torch.randperm(len(features))[:batch_size].tolist()
        x = nn.utils.rnn.pad_sequence([features[row] for row in rows], batch_first=True)
        frames = model.frames(torch.tensor([len(features[row]) for row in rows]))
        sizes = torch.tensor([len(labels[row]) for row in rows])
        log_probs = model(x).log_softmax(dim=-1).transpose(0, 1)
        loss = criterion(log_probs, torch.cat([labels[row] for row in rows]), frames, sizes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION

# %% id="train_recogniser-try"
model = Recogniser()
with suppress(NotImplementedError):
    torch.manual_seed(0)
    made = tones.make(800)
    features = [torch.as_tensor(log_mel(r.samples, RATE), dtype=torch.float32) for r in made]
    labels = [torch.tensor([tones.KEYS.index(key) + 1 for key in r.keys]) for r in made]
    losses = train_recogniser(model, features, labels)
    with torch.no_grad():
        x = torch.as_tensor(log_mel(recording.samples, RATE), dtype=torch.float32)
        chances = model.eval()(x[None])[0].softmax(dim=-1)
    print(recording.keys, "→", "".join(tones.KEYS[k - 1] for k in ctc_collapse(chances.argmax(-1))))
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
    left.plot(losses)
    left.set(title="CTC loss", xlabel="step", ylim=(0, 6))
    right.plot(chances.numpy()[:, 1:])
    right.plot(chances.numpy()[:, 0], color="lightgray", zorder=0)
    right.set(title=f"blank: gray; {' '.join(recording.keys)}", xlabel="frame")
    plt.show()

# %% id="train_recogniser-check"
check("train_recogniser")

# %% [markdown] id="mended_transcribe-task" lang="en"
# ## 8. Mend this program
#
# Below is a program of our own with the documents' faults in it, at least **eight**. It does not
# run; and when it runs, it is still wrong.

# %% [markdown] id="mended_transcribe-task" lang="zh"
# ## 8. 改好这个程序
#
# 下面是我们自己写的程序，带着原始资料里的那些错误，至少**八处**。它跑不起来；等跑起来了，也还是错的。

# %% id="faulty-program"
def faulty_transcribe(model, recordings, vocabulary, language):
    texts, rates = [], []
    for recording in recordings:
        frames = torch.as_tensor(recording["samples"]).unfold(0, 256, 128)
        spectrum = torch.fft.rfft(frames).abs()
        normalised = (spectrum - 0.0) / 1.0
        logits = model(normalised[None, :, :MELS].cuda())[0]
        best = logits.argmax(dim=-1).cpu().numpy()
        text = " ".join(best)
        for mark in ".,!?":
            text = text.replace(mark, "")
        text = text.lower()
        texts.append(text)
        rates.append(wer([recording["spoken"]], [text]))
    return {"texts": texts, "error_rate": sum(rates) / len(rates)}


def write_down(recording):
    said = ", ".join(ENGLISH[tones.KEYS.index(key) + 1] for key in recording.keys)
    return {"samples": recording.samples, "rate": recording.rate, "spoken": f"{said.title()}."}


recordings = [write_down(recording), write_down(whistling)]
try:
    faulty_transcribe(model, recordings, ENGLISH, "en")
except Exception as error:
    print(type(error).__name__)

# %% [markdown] id="mended_transcribe-contract" lang="en"
# Write it as it should be. `recordings` is a list of dicts: `"samples"` and their `"rate"`, which
# may be any, and the `"spoken"` text that a person wrote down. `model` maps features $(1, T, 32)$ of
# task 2 (its defaults, float32, of 8,000 samples a second) to logits $(1, T', K)$; its blank is 0.
# `vocabulary` holds a name for each of $K$ classes. `language` is `"en"` or `"zh"`.
#
# - Read each recording by itself, in evaluation mode and without gradients; no weight or statistic
#   of the model may move (its mode afterwards is free).
# - `"texts"`: what is shown to people, one string for each recording, in their order: the names,
#   exactly as `vocabulary` writes them, joined by one space in English and by nothing in Chinese.
# - `"error_rate"`: one number for all recordings, of normalised spoken texts and normalised results:
#   by words in English, by characters in Chinese.
#
# Return a dict of both. You may use all that you have written above.

# %% [markdown] id="mended_transcribe-contract" lang="zh"
# 把它改对。`recordings` 是字典的列表：`"samples"` 及其采样率 `"rate"`（任意），还有人写下的 `"spoken"` 文本。`model` 把任务 2 的特征 $(1, T, 32)$（默认参数，float32，每秒 8000 个样本）映射成 logits $(1, T', K)$，blank 是 0。`vocabulary` 给出 $K$ 个类别的名字。`language` 是 `"en"` 或 `"zh"`。
#
# - 每段录音单独识别，用评估模式，不记梯度；模型的权重和统计量都不能变（结束后是什么模式不限）。
# - `"texts"`：给人看的文本，每段录音一个字符串，顺序不变；名字与 `vocabulary` 的写法完全一致，英文用一个空格连接，中文直接相连。
# - `"error_rate"`：全部录音共一个数，用规范化之后的参考文本和识别结果计算：英文按词，中文按字。
#
# 返回含这两项的字典。前面写好的函数都可以用。

# %% id="mended_transcribe"
def mended_transcribe(model, recordings, vocabulary, language):
    # en: → {"texts": […], "error_rate": …}
    # zh: → {"texts": […], "error_rate": …}
    ### BEGIN SOLUTION
    model.eval()
    texts = []
    for recording in recordings:
        samples = resample(recording["samples"], recording["rate"], 8000)
        x = torch.as_tensor(np.asarray(log_mel(samples, 8000)), dtype=torch.float32)
        with torch.no_grad():
            path = model(x[None])[0].argmax(dim=-1)
        names = [vocabulary[label] for label in ctc_collapse(path)]
        texts.append(("" if language == "zh" else " ").join(names))
    said = [normalise_text(recording["spoken"]) for recording in recordings]
    heard = [normalise_text(text) for text in texts]
    return {"texts": texts, "error_rate": (cer if language == "zh" else wer)(said, heard)}
    ### END SOLUTION

# %% id="mended_transcribe-try"
with suppress(NotImplementedError):
    print(mended_transcribe(model, recordings, ENGLISH, "en"))

# %% id="mended_transcribe-check"
check("mended_transcribe")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# A vendor offers you a recogniser with a word error rate of 4%. What do you ask before you believe
# that it will serve your call centre, in Mandarin? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 供应商说他们的识别器词错误率只有 4%。要相信它能用在你的普通话客服中心，你会先问什么？课文里有清单可以对照。
