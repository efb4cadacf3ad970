# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Translate, and prove it
#
# Our source document answers "build a machine translation system" in twenty-five lines. The target sentences are never used: the source is given as its own labels. Nothing says which language is wanted. Padding is learned like a word, the translations are drawn at random, and no number at the end says whether any of it worked.
#
# You will build the real thing at a size that trains in seconds: an mBART of 93,568 parameters which reads a number in English words and writes it in Chinese **or** French, as it is told. Every answer is either right or wrong, and you will see which.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("collate")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 会翻译，还要拿得出证据
#
# 「实现一个机器翻译系统」，原始资料用二十五行代码作答：目标句子从头到尾没用上，标签就是源句；没有说要译成哪种语言；填充当成词来学；译文是随机采样出来的；最后也没有任何数字说明效果如何。
#
# 下面你会亲手做一个真正的翻译系统，小到几秒就能训练好：一个 93,568 个参数的 mBART，读入英文数词，按要求写出中文**或**法文。每个译文要么对要么错，没有含糊的余地。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("collate")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress
from math import exp, log

import matplotlib.pyplot as plt
import numpy as np
import sacrebleu
import torch
from torch import nn
from transformers.models.mbart import MBartConfig, MBartForConditionalGeneration

from autograder import check, hint, lesson, solution, status
from autograder.data.numbers import detokenize, load, tokenize, vocabulary

EXERCISE, LANGUAGE = "translation", "en"

VOCABULARY = vocabulary()
ID = {token: number for number, token in enumerate(VOCABULARY)}
PAD, EOS = ID["<pad>"], ID["</s>"]


def ids_of(text, language):
    return [ID[token] for token in tokenize(text, language)]


def text_of(ids, language):
    return detokenize([VOCABULARY[number] for number in ids], language)


def example_of(pair):
    # en: What `collate` takes: source ids, target ids, the code of the target's language.
    # zh: `collate`要的一条样本：源 id、目标 id、目标语言的代码。
    target = ids_of(pair.target, pair.language)
    return ids_of(pair.source, "en_XX"), target, ID[pair.language]


def tiny_mbart():
    # en: One layer on each side. init_std: transformers' 0.02 is too small for so narrow a model.
    # zh: 编码器、解码器各一层。init_std：transformers 默认的 0.02 对这么窄的模型太小。
    width = 64
    config = MBartConfig(
        vocab_size=len(VOCABULARY), d_model=width, max_position_embeddings=32,
        encoder_layers=1, encoder_attention_heads=4, encoder_ffn_dim=2 * width,
        decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=2 * width,
        dropout=0.0, attention_dropout=0.0, scale_embedding=True, init_std=width**-0.5,
        pad_token_id=PAD, eos_token_id=EOS, forced_eos_token_id=None,
    )
    return MBartForConditionalGeneration(config)

# %% [markdown] id="data" lang="en"
# ## The data
#
# The numbers from 0 to 9999 in English, Chinese and French words; 9000 to train on, 500 for validation, 500 to test. Chinese is written with 二 and never 两, French as before 1990. `ids_of` turns a text into ids, `text_of` turns ids into a text again.

# %% [markdown] id="data" lang="zh"
# ## 数据
#
# 0 到 9999 的英文、中文、法文数词；9000 个用于训练，500 个验证，500 个测试。中文一律写「二」不写「两」，法文用 1990 年以前的拼写。`ids_of` 把文本变成 id，`text_of` 再把 id 变回文本。

# %% id="data-try"
for pair in [*load("zh_CN", "test")[:3], *load("fr_XX", "test")[:3]]:
    print(f"{pair.number:5} {pair.source} → {pair.target}")
print(ids_of("two hundred", "en_XX"), ids_of("二百", "zh_CN"), "of", len(VOCABULARY), "ids")

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** A batch has $B$ sentences, the longest source has $S$ ids, the longest target $T$; $V$ is the size of the vocabulary. A *language code* is an id too, such as `ID["zh_CN"]`. `pad` and `eos` are the ids of padding and of the end of a sentence, and they may differ from those of the notebook. Tensors of ids are `int64`. Numbers may come back as Python's, NumPy's or torch's; arguments stay as they were.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 一个批次有 $B$ 句，最长的源句有 $S$ 个 id，最长的目标有 $T$ 个，词表大小为 $V$。**语言代码**也是 id，例如 `ID["zh_CN"]`。`pad` 和 `eos` 是填充和句子结束的 id，检查时可能和这里的取值不同。存放 id 的张量都是 `int64`。返回 Python、NumPy 或 torch 的数值都可以；不要改动传入的参数。

# %% [markdown] id="collate-task" lang="en"
# ## 1. Pairs with their languages
#
# `examples` is a list of triples `(source, target, code)`: ids of the source, ids of the target, and the code of the language that *this* target is in. Both sides get mBART's ending: the ids, then `eos`, then the code of their language, which is `source_code` for every source. Return a dict of three tensors:
#
# - `"input_ids"` $(B, S)$: the sources, filled up at the end with `pad`;
# - `"attention_mask"` $(B, S)$: 1 for what is real, the ending included, 0 for padding;
# - `"labels"` $(B, T)$: the targets, filled up at the end with **−100**, which the loss leaves out.

# %% [markdown] id="collate-task" lang="zh"
# ## 1. 带语言代码的句对
#
# `examples` 是三元组 `(source, target, code)` 的列表：源句的 id、目标句的 id、**这一句**目标语言的代码。两边都按 mBART 的格式收尾：先是 id，再是 `eos`，最后是所属语言的代码；所有源句的代码都是 `source_code`。返回含三个张量的字典：
#
# - `"input_ids"` $(B, S)$：源句，末尾用 `pad` 补齐；
# - `"attention_mask"` $(B, S)$：真实内容为 1（收尾的两个 id 也算），填充为 0；
# - `"labels"` $(B, T)$：目标句，末尾用 **−100** 补齐，损失函数会跳过它。

# %% id="collate"
def collate(examples, source_code, pad, eos):
    # en: examples: B triples (list of ids, list of ids, id) → three int64 tensors
    # zh: examples：B 个三元组（id 列表、id 列表、id）→ 三个 int64 张量
    ### BEGIN SOLUTION
    def padded(rows, value):
        rows = [torch.tensor(row) for row in rows]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)

    sources = [[*source, eos, source_code] for source, _, _ in examples]
    targets = [[*target, eos, code] for _, target, code in examples]
    return {
        "input_ids": padded(sources, pad),
        "attention_mask": padded([[1] * len(row) for row in sources], 0),
        "labels": padded(targets, -100),
    }
    ### END SOLUTION

# %% id="collate-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    shown = [load("zh_CN", "test")[0], load("fr_XX", "test")[1]]
    batch = collate([example_of(pair) for pair in shown], ID["en_XX"], PAD, EOS)
    for row in batch["labels"].tolist():
        print([number if number < 0 else VOCABULARY[number] for number in row])

# %% id="collate-check"
check("collate")

# %% [markdown] id="shift_tokens_right-task" lang="en"
# ## 2. What the decoder has read so far
#
# In training the decoder sees the true beginning of the target and is asked for the next token: *teacher forcing*. So its input is the labels, moved one place to the right. mBART fills the free first place with the **last real label of the row**, the language code. That is how the decoder is told which language to write.
#
# `labels` $(B, T)$ ends in −100 where a row is padded. Return the decoder's input $(B, T)$: the code, then the row of labels, one place later and without its last; `pad` stands for every −100, since −100 is no token. Each row has a real label.
#
# | | | | | | |
# |---|---|---|---|---|---|
# | labels | 二 | 百 | `</s>` | zh | −100 |
# | decoder's input | zh | 二 | 百 | `</s>` | *(see below)* |
#
# In the last place of this table stands the code itself, moved along like the rest. It does no harm, since its label is −100; in rows with more padding `pad` comes after it. Write it yourself, without transformers.

# %% [markdown] id="shift_tokens_right-task" lang="zh"
# ## 2. 解码器已经读到了什么
#
# 训练时解码器看到的是目标句真实的前文，要预测下一个词元，这叫 **teacher forcing**。所以它的输入就是标签整体右移一位。空出来的第一位，mBART 填的是**该行最后一个真实标签**，也就是语言代码。解码器就是这样得知该写哪种语言的。
#
# `labels` $(B, T)$ 在有填充的行以 −100 结尾。返回解码器的输入 $(B, T)$：先是语言代码，再是整行标签右移一位（最后一个移出去）；所有 −100 都换成 `pad`，因为 −100 不是词元。每行至少有一个真实标签。
#
# | | | | | | |
# |---|---|---|---|---|---|
# | 标签 | 二 | 百 | `</s>` | zh | −100 |
# | 解码器输入 | zh | 二 | 百 | `</s>` | （见下） |
#
# 表里最后一位是语言代码自己，跟着其他标签一起右移过来的。它的标签是 −100，没有影响；填充更多的行，它后面才是 `pad`。请自己写，不用 transformers。

# %% id="shift_tokens_right"
def shift_tokens_right(labels, pad):
    # en: labels: (B, T), padded with -100 → (B, T), padded with pad
    # zh: labels：(B, T)，以 -100 填充 → (B, T)，以 pad 填充
    ### BEGIN SOLUTION
    last = (labels != -100).sum(dim=1, keepdim=True) - 1  # (B, 1)
    shifted = torch.cat([labels.gather(1, last), labels[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == -100, pad)
    ### END SOLUTION

# %% id="shift_tokens_right-try"
with suppress(NotImplementedError):
    for labels, read in zip(batch["labels"].tolist(), shift_tokens_right(batch["labels"], PAD).tolist()):
        print("reads ", [VOCABULARY[number] for number in read])
        print("writes", ["-100" if number < 0 else VOCABULARY[number] for number in labels])

# %% id="shift_tokens_right-check"
check("shift_tokens_right")

# %% [markdown] id="teacher_forced_loss-task" lang="en"
# ## 3. The loss of one batch
#
# `batch` is what `collate` returns. Call the model **once**, by keyword, with `input_ids`, `attention_mask` and `decoder_input_ids`, and take the `.logits` $(B, T, V)$ of what comes back. The model never gets the labels: it has no such argument. Return the mean cross entropy over **all real labels of the batch**, not the mean of the sentences' means, as a tensor from which gradients flow. Leave the mode of the model as it is.

# %% [markdown] id="teacher_forced_loss-task" lang="zh"
# ## 3. 一个批次的损失
#
# `batch` 就是 `collate` 的返回值。用关键字参数 `input_ids`、`attention_mask`、`decoder_input_ids` 调用模型**一次**，取返回值的 `.logits` $(B, T, V)$。模型拿不到标签，它没有这个参数。返回**整个批次全部真实标签**的平均交叉熵（不论它们分属哪些句子），要是一个能回传梯度的张量。不要改变模型的模式。

# %% id="teacher_forced_loss"
def teacher_forced_loss(model, batch, pad):
    # en: batch: the dict of collate → a scalar tensor
    # zh: batch：collate 返回的字典 → 标量张量
    ### BEGIN SOLUTION
    logits = model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(batch["labels"].clone(), pad),
    ).logits  # (B, T, V)
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    ### END SOLUTION

# %% id="teacher_forced_loss-try"
with suppress(NotImplementedError):
    torch.manual_seed(0)
    fresh = tiny_mbart()
    print(f"untrained {teacher_forced_loss(fresh, batch, PAD).item():.2f}, blind guess {log(len(VOCABULARY)):.2f}")

# %% id="teacher_forced_loss-check"
check("teacher_forced_loss")

# %% [markdown] id="greedy_decode-task" lang="en"
# ## 4. Without a teacher
#
# Now nobody knows the true beginning: the decoder reads what it wrote itself. Sentence $b$ starts from its own `codes[b]` (`codes` is a list or a tensor of $B$ ids); at every step append the likeliest next token. A sentence ends with `eos`, or after `max_length` tokens, `eos` counted. Return a list of $B$ lists of ids, **without** code and `eos`.
#
# The model is called by keyword as in task 3, as often as you need; it has no `generate`. A sentence comes out the same whatever stands beside it in the batch. Decode in evaluation mode and without gradients, and give the model back in the mode in which it came.

# %% [markdown] id="greedy_decode-task" lang="zh"
# ## 4. 没有老师的时候
#
# 现在没人知道真实的前文了：解码器读的是自己写出来的东西。第 $b$ 句从自己的 `codes[b]` 开始（`codes` 是含 $B$ 个 id 的列表或张量），每一步接上概率最大的下一个词元。遇到 `eos` 就结束，或者写满 `max_length` 个词元（`eos` 也算一个）。返回 $B$ 个 id 列表，**不含**语言代码和 `eos`。
#
# 模型按任务 3 的方式用关键字参数调用，次数不限；它没有 `generate`。同一句话，无论批次里旁边是什么，译文都一样。在评估模式下解码，不记录梯度，用完还原模式。

# %% id="greedy_decode"
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    # en: input_ids, attention_mask: (B, S); codes: B ids → B lists of ids
    # zh: input_ids、attention_mask：(B, S)；codes：B 个 id → B 个 id 列表
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    written = torch.as_tensor(codes).reshape(-1, 1)  # (B, 1)
    ended = torch.zeros(len(written), dtype=torch.bool)
    with torch.no_grad():
        for _ in range(max_length):
            logits = model(
                input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=written
            ).logits
            following = logits[:, -1].argmax(dim=-1)  # (B,)
            written = torch.cat([written, following[:, None]], dim=1)
            ended |= following == eos
            if ended.all():
                break
    model.train(training)
    rows = [row[1:] for row in written.tolist()]
    return [row[: row.index(eos)] if eos in row else row for row in rows]
    ### END SOLUTION

# %% id="greedy_decode-try"
with suppress(NotImplementedError):
    for code in ("zh_CN", "fr_XX"):
        rows = greedy_decode(fresh, batch["input_ids"], batch["attention_mask"], [ID[code]] * 2, EOS, 8)
        print("untrained:", [text_of(row, code) for row in rows])

# %% id="greedy_decode-check"
check("greedy_decode")

# %% [markdown] id="beam_search-task" lang="en"
# ## 5. Beams that end
#
# Greedy search never takes back a token. Beam search follows several hypotheses, and in translation each may end at its own time. `log_probs(prefixes)` takes a list of $N$ prefixes, each a list of ids that starts with `code`, and returns the log-probabilities $(N, V)$ of the next token. Begin with the one prefix `[code]`. In each of `max_length` steps, all of which are taken:
#
# 1. extend every live hypothesis by every token, and rank all these children by the **sum** of their log-probabilities;
# 2. of the `beams` best children, those that end with `eos` are *finished*;
# 3. of the children that do not end with `eos`, the `beams` best live on, so that finished ones take nobody's place.
#
# Long sentences have low sums. So at the end compare the finished hypotheses, and those still live after the last step, by $\text{sum} / n^{\,\text{length\_penalty}}$, where $n$ counts the tokens after `code`, `eos` included. Return the best as a pair: its ids without code and `eos`, and this score. There are at least two beams, and no two scores are equal.

# %% [markdown] id="beam_search-task" lang="zh"
# ## 5. 会结束的束
#
# 贪心搜索从不反悔。束搜索同时跟踪几个候选，而在翻译里，各个候选结束的时刻不同。`log_probs(prefixes)` 接收 $N$ 个前缀（每个都是以 `code` 开头的 id 列表），返回下一个词元的对数概率 $(N, V)$。从唯一的前缀 `[code]` 出发，走满 `max_length` 步，每一步：
#
# 1. 给每个存活的候选接上每个词元，所有这些后代按对数概率之**和**排序；
# 2. 最好的 `beams` 个后代中，以 `eos` 结尾的就**完成**了；
# 3. 不以 `eos` 结尾的后代中，最好的 `beams` 个继续存活；已完成的不占名额。
#
# 句子越长，和越低。所以最后把完成的候选，连同最后一步之后仍存活的，按 $\text{sum} / n^{\,\text{length\_penalty}}$ 比较，$n$ 是 `code` 之后的词元数，`eos` 也算。返回最好的一个，形式是一对：不含语言代码和 `eos` 的 id，以及这个分数。束宽至少为 2，没有相等的分数。

# %% id="beam_search"
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    # en: log_probs: list of N prefixes → (N, V) → (list of ids, score)
    # zh: log_probs：N 个前缀的列表 → (N, V) → (id 列表, 分数)
    ### BEGIN SOLUTION
    live, finished = [([code], 0.0)], []
    for _ in range(max_length):
        following = log_probs([prefix for prefix, _ in live])  # (N, V)
        children = [
            ([*prefix, token], total + step)
            for (prefix, total), row in zip(live, following.tolist(), strict=True)
            for token, step in enumerate(row)
        ]
        children.sort(key=lambda child: child[1], reverse=True)
        finished += [child for child in children[:beams] if child[0][-1] == eos]
        live = [child for child in children if child[0][-1] != eos][:beams]

    scored = [(total / (len(ids) - 1) ** length_penalty, ids[1:]) for ids, total in finished + live]
    score, ids = max(scored)
    return ids[:-1] if ids[-1] == eos else ids, score
    ### END SOLUTION

# %% id="beam_search-try"
# en: Made so that greed fails: 3 is the likeliest start, and nothing good follows it. Without a
# en: length penalty the empty translation wins.
# zh: 故意让贪心失败：3 是最可能的开头，后面却没有好的接续。不按长度修正时，空译文胜出。
CHOICES = {
    (9,): [0, 0, 0.29, 0.4, 0.31], (9, 3): [0, 0, 0.34, 0.36, 0.3], (9, 4): [0, 0, 0.06, 0.04, 0.9],
    (9, 4, 4): [0, 0, 0.9, 0.06, 0.04],
}


def constructed(prefixes):
    shares = [CHOICES.get(tuple(prefix), [0, 0, 0.8, 0.11, 0.09]) for prefix in prefixes]
    return torch.tensor(shares).log()


with suppress(NotImplementedError):
    for penalty in (0.0, 1.0, 2.0):
        ids, score = beam_search(constructed, 9, 2, 2, 4, penalty)
        print(f"length penalty {penalty}: {ids}, score {score:.3f}")

# %% id="beam_search-check"
check("beam_search")

# %% [markdown] id="corpus_scores-task" lang="en"
# ## 6. BLEU and chrF
#
# `hypotheses` and `references` have the same length: one reference for each. Both scores are of the **whole corpus**: add the counts of all sentences first, divide then. Both go from 0 to 100. Write them yourself, without sacrebleu or NLTK.
#
# `bleu` gets lists of tokens. For $n = 1 \dots 4$, $p_n$ is the share of the hypotheses' n-grams that are matched, an n-gram being matched at most as often as it occurs in *its own* reference. With $h$ and $r$ the numbers of tokens in all hypotheses and all references,
#
# $$\text{BLEU} = 100 \cdot \min\!\big(1,\, e^{1 - r/h}\big) \cdot \sqrt[4]{p_1 p_2 p_3 p_4}$$
#
# No smoothing: BLEU is 0 if any $p_n$ is 0 or has no n-grams to count.
#
# `chrf` gets strings and removes all white space. For $n = 1 \dots 6$, $P_n$ and $R_n$ are the matched character n-grams (clipped in the same way) as a share of the hypotheses' and of the references'. $P$ and $R$ are the means over those $n$ for which **both** corpora have n-grams; with $\beta = 2$
#
# $$\text{chrF} = 100 \cdot \frac{(1 + \beta^2)\, P R}{\beta^2 P + R}$$
#
# and 0 where $P + R = 0$.

# %% [markdown] id="corpus_scores-task" lang="zh"
# ## 6. BLEU 和 chrF
#
# `hypotheses` 和 `references` 一样长，每个译文一个参考。两个分数都针对**整个语料**：先把各句的计数加起来，最后再除。两者都在 0 到 100 之间。请自己写，不用 sacrebleu 或 NLTK。
#
# `bleu` 接收词元列表。对 $n = 1 \dots 4$，$p_n$ 是译文的 n-gram 中匹配上的比例；一个 n-gram 最多匹配它在**自己那句**参考里出现的次数。设 $h$、$r$ 为全部译文和全部参考的词元数，
#
# $$\text{BLEU} = 100 \cdot \min\!\big(1,\, e^{1 - r/h}\big) \cdot \sqrt[4]{p_1 p_2 p_3 p_4}$$
#
# 不做平滑：任何一个 $p_n$ 为 0、或没有 n-gram 可数时，BLEU 为 0。
#
# `chrf` 接收字符串，先去掉所有空白。对 $n = 1 \dots 6$，$P_n$、$R_n$ 是匹配上的字符 n-gram（同样截断）分别占译文和参考的比例。$P$、$R$ 是对译文和参考两个语料**都有** n-gram 的那些 $n$ 取平均；$\beta = 2$，
#
# $$\text{chrF} = 100 \cdot \frac{(1 + \beta^2)\, P R}{\beta^2 P + R}$$
#
# $P + R = 0$ 时为 0。

# %% id="corpus_scores"
def bleu(hypotheses, references):
    # en: lists of lists of tokens → a number from 0 to 100
    # zh: 词元列表的列表 → 0 到 100 的数
    ### BEGIN SOLUTION
    shares = []
    for n in range(1, 5):
        matched, mine, _ = matches(hypotheses, references, n)
        shares.append(matched / mine if mine else 0)
    if min(shares) == 0:
        return 0.0
    h, r = (sum(map(len, side)) for side in (hypotheses, references))
    return 100 * min(1, exp(1 - r / h)) * exp(sum(map(log, shares)) / 4)
    ### END SOLUTION


def chrf(hypotheses, references):
    # en: lists of strings → a number from 0 to 100
    # zh: 字符串的列表 → 0 到 100 的数
    ### BEGIN SOLUTION
    squeezed = [["".join(text.split()) for text in side] for side in (hypotheses, references)]
    counts = [matches(*squeezed, n) for n in range(1, 7)]
    counts = [(matched, mine, theirs) for matched, mine, theirs in counts if mine and theirs]
    if not any(matched for matched, _, _ in counts):
        return 0.0
    precision = sum(matched / mine for matched, mine, _ in counts) / len(counts)
    recall = sum(matched / theirs for matched, _, theirs in counts) / len(counts)
    return 100 * 5 * precision * recall / (4 * precision + recall)


def matches(hypotheses, references, n):
    # en: n-grams of the corpus: matched, of the hypotheses, of the references
    # zh: 语料的 n-gram 数：匹配的、译文的、参考的
    matched = mine = theirs = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        one, other = (counted(side, n) for side in (hypothesis, reference))
        matched += sum(min(count, other.get(gram, 0)) for gram, count in one.items())
        mine += sum(one.values())
        theirs += sum(other.values())
    return matched, mine, theirs


def counted(sequence, n):
    counts = {}
    for i in range(len(sequence) - n + 1):
        gram = tuple(sequence[i : i + n])
        counts[gram] = counts.get(gram, 0) + 1
    return counts
    ### END SOLUTION

# %% id="corpus_scores-try"
# en: The same sentence, cut by characters and not cut at all: BLEU is a number only with its tokens.
# zh: 同一句话，按字切开和完全不切：不说明怎么切，BLEU 就没有意义。
with suppress(NotImplementedError):
    said, meant = "三千零四十二", "三千零四十一"
    print(f"characters {bleu([list(said)], [list(meant)]):.1f}, one token {bleu([[said]], [[meant]]):.1f}")
    print(f"chrF {chrf([said], [meant]):.1f}")

# %% id="corpus_scores-check"
check("corpus_scores")

# %% [markdown] id="train-task" lang="en"
# ## 7. Train it
#
# One step for each of `batches` (at least one dict of `collate`), in their order and in training mode, with the loss of task 3:
#
# - AdamW with `betas=(0.9, 0.98)`, its weight decay as it is by default;
# - a learning rate that rises from below a tenth of `learning_rate` to `learning_rate` over about the first 15% of the steps, and falls to below a tenth of it by the last step (`OneCycleLR` does it, and may move the first beta; of fewer than 20 steps nobody asks for the exact course);
# - the gradient of all parameters together clipped to a norm of 1 before each step; nothing left over from the step before.
#
# Return the losses, one number for each step, each as it was before its step. The model itself is trained, and left in evaluation mode. It is an mBART of the notebook's kind, without dropout.

# %% [markdown] id="train-task" lang="zh"
# ## 7. 训练
#
# `batches` 是 `collate` 所返回字典的列表（至少一个），按顺序每个批次走一步，在训练模式下，用任务 3 的损失：
#
# - AdamW，`betas=(0.9, 0.98)`，权重衰减用默认值；
# - 学习率从不到 `learning_rate` 的十分之一开始，在大约前 15% 的步数里升到 `learning_rate`，到最后一步降到它的十分之一以下（`OneCycleLR` 就能做到，它改动第一个 beta 也没关系；不足 20 步时不要求精确的走势）；
# - 每步之前把全部参数合在一起的梯度范数裁剪到 1；上一步的梯度不残留。
#
# 返回损失，每步一个数，是这一步更新之前的值。训练的就是传入的模型，最后处于评估模式。它和上面的 mBART 同类，没有 dropout。

# %% id="train"
def train(model, batches, learning_rate, pad):
    # en: batches: a list of dicts → a list of as many losses
    # zh: batches：字典的列表 → 同样多的损失
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=len(batches) + 1, pct_start=0.15
    )
    losses = []
    model.train()
    for batch in batches:
        loss = teacher_forced_loss(model, batch, pad)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    model.eval()
    return losses
    ### END SOLUTION

# %% id="train-try"
# en: Both languages at once, for some seconds. The same source must come out in two languages.
# zh: 两种语言一起训练几秒钟。同一个源句，要能译成两种语言。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    translator = tiny_mbart()
    both = [example_of(pair) for code in ("zh_CN", "fr_XX") for pair in load(code, "train")]
    order = torch.randperm(len(both))[: 220 * 64].split(64)
    losses = train(
        translator, [collate([both[i] for i in rows], ID["en_XX"], PAD, EOS) for rows in order], 5e-3, PAD
    )
    figure, axes = plt.subplots(figsize=(6, 2.4))
    axes.semilogy(losses)
    axes.set(xlabel="step", ylabel="loss of a token")
    plt.show()
    for code in ("zh_CN", "fr_XX"):
        tests = load(code, "test")[:200]
        given = collate([example_of(pair) for pair in tests], ID["en_XX"], PAD, EOS)
        rows = greedy_decode(
            translator, given["input_ids"], given["attention_mask"], [ID[code]] * len(tests), EOS, 16
        )
        texts = [text_of(row, code) for row in rows]
        right = sum(text == pair.target for text, pair in zip(texts, tests, strict=True))
        print(f"{code}: {right} of {len(tests)} right; {tests[0].source} → {texts[0]}")

# %% id="train-check"
check("train")

# %% [markdown] id="attention-look" lang="en"
# Where does the decoder look while it writes? Each row is a step of the decoder, each column a token of the source: the cross-attention of the trained model, its four heads averaged.

# %% [markdown] id="attention-look" lang="zh"
# 解码器写字时在看哪里？每一行是解码器的一步，每一列是源句的一个词元：训练好的模型的交叉注意力，四个头取平均。

# %% id="attention-plot"
with suppress(NotImplementedError, NameError):
    source, target, code = example_of(load("fr_XX", "test")[0])
    one = collate([(source, target, code)], ID["en_XX"], PAD, EOS)
    translator.set_attn_implementation("eager")
    with torch.no_grad():
        seen = translator(**one, output_attentions=True).cross_attentions[0][0].mean(dim=0)  # (T, S)
    translator.set_attn_implementation("sdpa")
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.imshow(seen, cmap="Blues", vmin=0)
    axes.set_xticks(range(seen.shape[1]), [VOCABULARY[i] for i in one["input_ids"][0]], rotation=45)
    axes.set_yticks(range(seen.shape[0]), [VOCABULARY[i] for i in one["labels"][0]])
    plt.show()

# %% [markdown] id="mended_program-task" lang="en"
# ## 8. Mend this program
#
# Below is a program for the whole job, with the document's faults in it. It runs, its loss falls and its BLEU is above zero. It has at least **eight faults**. Look at what it writes.

# %% [markdown] id="mended_program-task" lang="zh"
# ## 8. 改好这个程序
#
# 下面的程序从训练到打分一应俱全，原始资料的错误也都在里面。它能运行，损失在下降，BLEU 也大于零，却至少有**八处错误**。看看它写出了什么。

# %% id="faulty-program"
def faulty_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    def padded(rows):
        tensors = [torch.tensor(ids) for ids in rows]
        return nn.utils.rnn.pad_sequence(tensors, True, PAD)

    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for start in range(0, len(train_pairs), batch_size):
        part = train_pairs[start : start + batch_size]
        source = padded([[*ids_of(pair.source, "en_XX"), EOS] for pair in part])
        target = padded([[*ids_of(pair.target, pair.language), EOS] for pair in part])
        loss = model(input_ids=source, decoder_input_ids=source, labels=source).loss
        model.zero_grad()
        loss.backward()
        optimizer.step()
        losses += [loss.tolist()]

    source = padded([[*ids_of(pair.source, "en_XX"), EOS] for pair in test_pairs])
    written = model.generate(input_ids=source, do_sample=True, max_new_tokens=16)
    texts = [text_of(row.tolist(), "en_XX") for row in written]
    wanted = padded([[*ids_of(pair.target, pair.language), EOS] for pair in test_pairs])
    as_text = [[" ".join(map(str, row)) for row in rows.tolist()] for rows in (written, wanted)]
    return {"losses": losses, "texts": texts, "bleu": sacrebleu.corpus_bleu(as_text[0], [as_text[1]]).score}


torch.manual_seed(0)
report = faulty_program(tiny_mbart(), load("zh_CN", "train")[:3200], load("zh_CN", "test")[:50])
print(f"loss {report['losses'][0]:.2f} → {report['losses'][-1]:.4f}, BLEU {report['bleu']:.1f}")
print(load("zh_CN", "test")[0].target, "came out as", report["texts"][0])

# %% [markdown] id="mended_program-contract" lang="en"
# Write it as it should be. `train_pairs` may hold both target languages, also within one batch; all of `test_pairs` (at least one) are in one. There may be no `train_pairs`: then nothing is learned. Train on the pairs in their order, `batch_size` of them at a time, the last batch smaller if need be, with the loss of task 3 and the notebook's `PAD`, `EOS` and `"en_XX"` as source. Return
#
# - `"losses"`: one for each batch, as in task 7;
# - `"texts"`: the **greedy** translations of all `test_pairs`, as texts, at most 16 tokens each (`eos` counted), in their order;
# - `"bleu"`: `sacrebleu.corpus_bleu` of these texts against `pair.target`, with `tokenize="zh"` for Chinese and `"13a"` for French, all else as it is by default.
#
# You may use all that you have written above, and `model.generate`. The mode in which the model is left does not matter.

# %% [markdown] id="mended_program-contract" lang="zh"
# 把它改对。`train_pairs` 可能同时含有两种目标语言，同一批里也可能混着；`test_pairs`（至少一对）只有一种。`train_pairs` 可能为空，那就什么也不学。按顺序训练，每次 `batch_size` 对，最后一批可以不满；用任务 3 的损失，`PAD`、`EOS` 用上面定义的，源语言是 `"en_XX"`。返回
#
# - `"losses"`：每批一个，同任务 7；
# - `"texts"`：全部 `test_pairs` 的**贪心**译文，是文本，每句至多 16 个词元（`eos` 也算），顺序不变；
# - `"bleu"`：这些文本对 `pair.target` 的 `sacrebleu.corpus_bleu`，中文用 `tokenize="zh"`，法文用 `"13a"`，其余用默认值。
#
# 前面写好的函数都可以用，也可以用 `model.generate`。模型最后处于什么模式都行。

# %% id="mended_program"
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    # en: pairs: of autograder.data.numbers → {"losses": […], "texts": […], "bleu": …}
    # zh: pairs：来自 autograder.data.numbers → {"losses": […], "texts": […], "bleu": …}
    ### BEGIN SOLUTION
    def batch_of(pairs):
        return collate([example_of(pair) for pair in pairs], ID["en_XX"], PAD, EOS)

    starts = range(0, len(train_pairs), batch_size)
    batches = [batch_of(train_pairs[start : start + batch_size]) for start in starts]
    losses = train(model, batches, learning_rate, PAD) if batches else []

    given, language = batch_of(test_pairs), test_pairs[0].language
    codes = [ID[language]] * len(test_pairs)
    rows = greedy_decode(model, given["input_ids"], given["attention_mask"], codes, EOS, 16)
    texts = [text_of(row, language) for row in rows]
    tokenizer = {"zh_CN": "zh", "fr_XX": "13a"}[language]
    score = sacrebleu.corpus_bleu(texts, [[pair.target for pair in test_pairs]], tokenize=tokenizer)
    return {"losses": losses, "texts": texts, "bleu": score.score}
    ### END SOLUTION

# %% id="mended_program-try"
with suppress(NotImplementedError):
    report = mended_program(tiny_mbart(), load("zh_CN", "train")[:3200], load("zh_CN", "test")[:50])
    print(f"loss {report['losses'][0]:.2f} → {report['losses'][-1]:.4f}, BLEU {report['bleu']:.1f}")
    print(load("zh_CN", "test")[0].target, "came out as", report["texts"][0])

# %% id="mended_program-check"
check("mended_program")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Your model has a BLEU of 35. Is that good?" What must you know before you answer? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「你的模型 BLEU 是 35，算好吗？」回答之前，你必须先弄清哪些事？课文里有清单可以对照。
