# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # What does the customer want back?
#
# "The black hat does not fit, send me the red one by Friday." One sentence, one topic, and yet
# everything that matters is inside it: which thing goes back, which is wanted, and when. Our
# source documents call sentiment and topic classification fine-grained and stop there; here the
# grain is fine indeed: labels of words, spans, opinions on single aspects.
#
# You lay labels onto subwords, read spans from tags, count what is worth counting, decide when a
# question is not for the shop, and train tiny BERT to tell the item that goes back from the one that
# is wanted.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("span_f1")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 顾客到底要退哪一件？
#
# 「黑帽子戴不下，周五之前换成红的。」一句话，一个主题，要紧的却全在句子里面：退什么、要什么、什么时候要。
# 原始资料把情感分析、主题分类叫作细颗粒度任务就完了；这里才是真的细：标的是词、片段和一个个方面的评价。
#
# 你将把标签对齐到子词，从标签读出片段，统计真正该统计的数，判断哪些问题不归商店管，最后训练 tiny BERT 分清退什么、换什么。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("span_f1")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import AutoTokenizer, BertForTokenClassification
from transformers.utils import logging

from autograder import check, hint, lesson, solution, status
from autograder.data.service import OUT_OF_SCOPE, load, swaps, words_and_tags
from autograder.models import locate

logging.set_verbosity_error()
logging.disable_progress_bar()

EXERCISE, LANGUAGE = "token-labelling", "en"

# %% [markdown] id="data" lang="en"
# ## The messages
#
# Written for this course, in English and Chinese: 144 messages each, with an intent, and with spans
# inside. `BACK` is what goes back, `WANT` what is wanted, `DAY` when; in feedback each **aspect**
# is marked with what is felt about it.
#
# **BIO tags**: `B-X` on the first word of a span with label X, `I-X` on its further words, `O`
# outside. There are no other tags.
#
# **Conventions, for every task.** Numbers may come back as Python's, NumPy's or torch's; arguments
# stay as they were, models apart that are to be trained. Where spans are counted (tasks 2 to 4), a
# list may be empty; sentences for a tokenizer are there, with a word at least, and the tokenizer pads
# on the right as it comes.

# %% [markdown] id="data" lang="zh"
# ## 数据
#
# 专为本课程写的客服消息，中英文各 144 条。每条有一个意图，句内还标了片段：`BACK` 是要退的，`WANT` 是想要的，
# `DAY` 是时间；在评价里，每个**方面**标的是顾客对它的感受。
#
# **BIO 标签**：标签为 X 的片段，第一个词标 `B-X`，其余的词标 `I-X`，片段之外标 `O`。没有别的标签。
#
# **全部任务的约定。** 返回 Python、NumPy 或 torch 的数值都可以；除了要训练的模型，传入的参数保持原样。
# 数片段的任务（2 到 4）里，列表可以为空；交给 tokenizer 的至少有一句，每句至少一个词；tokenizer 本来就在右侧填充。

# %% id="data-plot"
tokenizer = AutoTokenizer.from_pretrained(locate("bert"))
for language in ("en", "zh"):
    for message in load(language, "train")[:6]:
        words, tags = words_and_tags(message)
        print(f"{message.intent:>12}  {message.text}")
        print(" " * 12, " ", " ".join(f"{w}/{t}" for w, t in zip(words, tags) if t != "O"))

# %% [markdown] id="encode_batch-task" lang="en"
# ## 1. Labels onto subwords
#
# Labels belong to words, but the model sees pieces: "kettles" is two of them, `[CLS]` and `[SEP]`
# are no words at all. Return a mapping with three int64 tensors $(N, T)$:
#
# - `"input_ids"`: for each sentence the pieces of its words between `[CLS]` and `[SEP]`, padded on
#   the **right** with the tokenizer's padding to the longest of them; none is cut short;
# - `"attention_mask"`: 1 on pieces, 0 on padding;
# - `"labels"`: a word's label on its **first** piece, −100 on its other pieces, on `[CLS]`, `[SEP]`
#   and padding. PyTorch's cross entropy ignores −100.
#
# `sentences` holds N lists of words, `labels` N lists of whole numbers, one for each word. Every
# word has at least one piece; a piece may be `[UNK]`. The mapping may hold more keys. (To label
# all pieces is another known convention. Here it is the first.)

# %% [markdown] id="encode_batch-task" lang="zh"
# ## 1. 把标签对齐到子词
#
# 标签属于词，模型看到的却是子词：「kettles」是两个子词，`[CLS]` 和 `[SEP]` 根本不是词。
# 返回一个映射，含三个形状为 $(N, T)$ 的 int64 张量：
#
# - `"input_ids"`：每句先是 `[CLS]`，然后是各词的子词，再是 `[SEP]`，**右侧**用 tokenizer 的填充符补到最长一句的长度；不截断；
# - `"attention_mask"`：子词处为 1，填充处为 0；
# - `"labels"`：词的标签放在它的**第一个**子词上，其余子词、`[CLS]`、`[SEP]` 和填充处都是 −100。PyTorch 的交叉熵会忽略 −100。
#
# `sentences` 是 N 个词列表，`labels` 是 N 个整数列表，每个词一个数。每个词至少有一个子词，也可能是 `[UNK]`。
# 映射里可以有别的键。（给全部子词都标上标签也是一种惯例，这里只标第一个。）

# %% id="encode_batch"
def encode_batch(tokenizer, sentences, labels):
    # en: N lists of words, N lists of whole numbers → {"input_ids": …, "attention_mask": …, "labels": …}
    # zh: N 个词列表、N 个整数列表 → {"input_ids": …, "attention_mask": …, "labels": …}
    ### BEGIN SOLUTION
    batch = tokenizer(sentences, is_split_into_words=True, padding=True, return_tensors="pt")
    batch["labels"] = torch.full_like(batch["input_ids"], -100)
    for row, numbers in enumerate(labels):
        before = None
        for place, word in enumerate(batch.word_ids(row)):
            if word is not None and word != before:
                batch["labels"][row, place] = numbers[word]
            before = word
    return batch
    ### END SOLUTION

# %% id="encode_batch-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    batch = encode_batch(tokenizer, [["two", "kettles", "please"], ["退", "水壶"]], [[0, 3, 0], [0, 3]])
    for pieces, numbers in zip(batch["input_ids"], batch["labels"]):
        pieces = tokenizer.convert_ids_to_tokens(pieces.tolist())
        print("  ".join(f"{piece} {number}" for piece, number in zip(pieces, numbers.tolist())))

# %% id="encode_batch-check"
check("encode_batch")

# %% [markdown] id="spans_from_tags-task" lang="en"
# ## 2. From tags to spans
#
# Return the spans of one sentence in order, each as `(label, start, end)`: words from `start` up to
# but **not including** `end`, counted from 0.
#
# A network promises nothing about the order of its tags, so `I-X` may stand where nothing is to be
# continued. Do as CoNLL's script and seqeval's default mode: `I-X` continues the span that ends
# right before it if that has the label X, else it **begins** a span of its own. `B-X` always begins one. The
# label is all that follows the first hyphen, as in `B-ship-to`.

# %% [markdown] id="spans_from_tags-task" lang="zh"
# ## 2. 从标签到片段
#
# 按顺序返回一句话的片段，每个写成 `(label, start, end)`：从第 `start` 个词到第 `end` 个词之前，**不含** `end`，从 0 数起。
#
# 网络并不保证标签的次序，`I-X` 可能出现在无可延续的地方。照 CoNLL 脚本和 seqeval 默认模式的做法：
# 紧挨在前面的片段标签也是 X，`I-X` 就延续它；否则 `I-X` **另起**一个片段。`B-X` 总是另起一个。
# 第一个连字符之后全是标签，例如 `B-ship-to`。

# %% id="spans_from_tags"
def spans_from_tags(tags):
    # en: tags: one string for each word → list of (label, start, end)
    # zh: tags：每个词一个字符串 → (label, start, end) 的列表
    ### BEGIN SOLUTION
    spans, label = [], None
    for place, tag in enumerate(tags):
        kind, _, name = tag.partition("-")
        if kind == "I" and name == label:
            spans[-1] = (label, spans[-1][1], place + 1)
            continue
        label = name or None
        if label:
            spans.append((label, place, place + 1))
    return spans
    ### END SOLUTION

# %% id="spans_from_tags-try"
with suppress(NotImplementedError):
    message = load("en", "train")[1]
    words, tags = words_and_tags(message)
    for label, start, end in spans_from_tags(tags):
        print(label, words[start:end])

# %% id="spans_from_tags-check"
check("spans_from_tags")

# %% [markdown] id="span_f1-task" lang="en"
# ## 3. Count spans, not tokens
#
# A span is right if the same sentence truly holds a span with the same label, start and end; half
# a span is worth nothing. Return `{"precision": …, "recall": …, "f1": …}` over **all** spans of all
# sentences together (micro average):
#
# $$P = \frac{\text{right}}{\text{predicted}}, \quad R = \frac{\text{right}}{\text{true}}, \quad F_1 = \frac{2PR}{P+R}$$
#
# Where the denominator is 0 the value is 0. `true` and `predicted` are lists of sentences, each a
# list of tags, read as in task 2. If the number of sentences differs, or the number of tags of a
# sentence, raise `ValueError`.

# %% [markdown] id="span_f1-task" lang="zh"
# ## 3. 数片段，不数词
#
# 同一句话里真有一个标签、起点、终点都相同的片段，这个片段才算对；只对一半不得分。
# 把全部句子的**全部**片段放在一起（微平均），返回 `{"precision": …, "recall": …, "f1": …}`：
#
# $$P = \frac{\text{right}}{\text{predicted}}, \quad R = \frac{\text{right}}{\text{true}}, \quad F_1 = \frac{2PR}{P+R}$$
#
# right、predicted、true 分别是对的、预测的、真实的片段数。分母为 0 时取 0。`true` 和 `predicted` 都是句子列表，
# 每句是标签列表，读法同任务 2。句子数不同，或某句的标签数不同，抛出 `ValueError`。

# %% id="span_f1"
def span_f1(true, predicted):
    # en: lists of lists of tags → {"precision": …, "recall": …, "f1": …}
    # zh: 标签列表的列表 → {"precision": …, "recall": …, "f1": …}
    ### BEGIN SOLUTION
    if [len(tags) for tags in true] != [len(tags) for tags in predicted]:
        raise ValueError("the tags do not belong to the same words")
    one, other = (
        {(row, *span) for row, tags in enumerate(part) for span in spans_from_tags(tags)}
        for part in (true, predicted)
    )
    right = len(one & other)
    precision = right / len(other) if other else 0.0
    recall = right / len(one) if one else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}
    ### END SOLUTION

# %% id="span_f1-try"
with suppress(NotImplementedError):
    truth = [["O", "B-BACK", "I-BACK", "O", "O", "O", "B-WANT", "I-WANT"]]
    guess = [["O", "B-BACK", "O", "O", "O", "O", "O", "B-WANT"]]
    share = np.mean([a == b for a, b in zip(truth[0], guess[0])])
    print(f"tokens right {share:.3f}, spans {span_f1(truth, guess)}")

# %% id="span_f1-check"
check("span_f1")

# %% [markdown] id="aspect_scores-task" lang="en"
# ## 4. One sentence, two opinions
#
# "The courier was friendly, but the box was crushed." One polarity for the sentence is wrong
# whichever it is. Aspect-based sentiment finds the terms, and the polarity of **each**.
#
# `true` and `predicted`, equally long, hold for each sentence a list of `(start, end, polarity)`, in
# any order; within a list no two overlap. A term is **found** if `start` and `end` are the same. Return
#
# - `"extraction_f1"`: F1 (as in task 3) of the terms, whatever their polarity;
# - `"polarity_accuracy"`: the share with the right polarity among the terms that were found, `nan`
#   if none was;
# - `"joint_f1"`: F1 where a term counts as right only if its polarity is right as well.
#
# Both F1 are over all sentences together, and 0 where there is nothing to divide by.

# %% [markdown] id="aspect_scores-task" lang="zh"
# ## 4. 一句话，两种看法
#
# 「快递员很客气，可是箱子压扁了。」整句只给一个情感，给哪个都不对。方面级情感分析先找出方面词，再判断**每一个**的情感。
#
# `true` 和 `predicted` 一样长，为每句话给出一个 `(start, end, polarity)` 的列表，顺序不限，同一列表内互不重叠。
# `start` 和 `end` 都相同，就算**找到**了这个词。返回：
#
# - `"extraction_f1"`：方面词的 F1（算法同任务 3），不管情感；
# - `"polarity_accuracy"`：在找到的词里，情感判对的比例；一个都没找到时为 `nan`；
# - `"joint_f1"`：情感也对才算对的 F1。
#
# 两个 F1 都是把全部句子放在一起算，分母为 0 时取 0。

# %% id="aspect_scores"
def aspect_scores(true, predicted):
    # en: for each sentence a list of (start, end, polarity) → three numbers in a dict
    # zh: 每句一个 (start, end, polarity) 列表 → 含三个数的字典
    ### BEGIN SOLUTION
    one, other = (
        {(row, start, end): polarity for row, s in enumerate(part) for start, end, polarity in s}
        for part in (true, predicted)
    )
    found = one.keys() & other.keys()
    right = sum(one[term] == other[term] for term in found)
    both = len(one) + len(other)
    return {
        "extraction_f1": 2 * len(found) / both if both else 0.0,
        "polarity_accuracy": right / len(found) if found else float("nan"),
        "joint_f1": 2 * right / both if both else 0.0,
    }
    ### END SOLUTION

# %% id="aspect_scores-try"
with suppress(NotImplementedError):
    print(aspect_scores(
        [[(1, 2, "positive"), (6, 7, "negative")]], [[(1, 2, "positive"), (6, 7, "positive")]]
    ))

# %% id="aspect_scores-check"
check("aspect_scores")

# %% [markdown] id="score_intents-task" lang="en"
# ## 5. None of our business
#
# A classifier of K intents answers every question with one of the K, "How deep is the sea?" too.
# Row i of `probabilities` $(N, K)$ belongs to message i, column k to `intents[k]`. What is predicted:
# the intent with the highest probability, the **first** of equals; but `"out_of_scope"` if that
# probability is **below** `threshold` (equal is not below). `intents` may hold `"out_of_scope"` as an
# extra class, which wins as any other does. Return a dict with
#
# - `"predicted"`: N names;
# - `"in_scope_accuracy"`: among the messages that truly are in scope, the share predicted right
#   (who is turned away is not right);
# - `"out_of_scope_recall"`: among the truly out-of-scope, the share predicted as that;
# - `"out_of_scope_precision"`: among those predicted out of scope, the share that truly are.
#
# `true` holds N names. A share of nothing is `nan`. Probabilities come as lists, arrays or tensors.

# %% [markdown] id="score_intents-task" lang="zh"
# ## 5. 这不归我们管
#
# K 个意图的分类器，对什么问题都会从 K 个里选一个，「海有多深？」也不例外。`probabilities` 形状为 $(N, K)$，
# 第 i 行属于第 i 条消息，第 k 列属于 `intents[k]`。预测规则：取概率最高的意图，并列取**第一个**；
# 但最高概率**低于** `threshold` 时判为 `"out_of_scope"`（等于不算低于）。`intents` 里可能本来就有 `"out_of_scope"` 这一类，
# 它和别的类一样可以胜出。返回字典：
#
# - `"predicted"`：N 个名字；
# - `"in_scope_accuracy"`：真正属于范围内的消息里判对的比例（被拒的不算对）；
# - `"out_of_scope_recall"`：真正属于范围外的消息里，判为范围外的比例；
# - `"out_of_scope_precision"`：判为范围外的消息里，真正属于范围外的比例。
#
# `true` 是 N 个名字。没有可数的，比例取 `nan`。概率可以是列表、数组或张量。

# %% id="score_intents"
def score_intents(true, probabilities, intents, threshold):
    # en: N names, (N, K), K names, a number → a dict of four
    # zh: N 个名字、(N, K)、K 个名字、一个数 → 含四项的字典
    ### BEGIN SOLUTION
    probabilities = np.asarray(probabilities)
    predicted = [
        intents[k] if row[k] >= threshold else "out_of_scope"
        for row, k in zip(probabilities, probabilities.argmax(axis=1))
    ]
    pairs = list(zip(true, predicted))

    def share(hits):
        return sum(hits) / len(hits) if hits else float("nan")

    return {
        "predicted": predicted,
        "in_scope_accuracy": share([t == p for t, p in pairs if t != "out_of_scope"]),
        "out_of_scope_recall": share([p == t for t, p in pairs if t == "out_of_scope"]),
        "out_of_scope_precision": share([t == p for t, p in pairs if p == "out_of_scope"]),
    }
    ### END SOLUTION

# %% id="score_intents-try"
# en: Two ways, on real messages: a threshold, and an extra class that learns from examples.
# zh: 在真实消息上比较两种做法：设阈值，或增加一个从样例学来的类别。
parts = {p: [m for lang in ("en", "zh") for m in load(lang, p)] for p in ("train", "test")}
with suppress(NotImplementedError):
    truth = [m.intent for m in parts["test"]]
    for way in ("threshold", "extra class"):
        seen = [m for m in parts["train"] if way == "extra class" or m.intent != OUT_OF_SCOPE]
        words = TfidfVectorizer(token_pattern=r"[a-z]+|[\u4e00-\u9fff]", ngram_range=(1, 2))
        model = make_pipeline(words, LogisticRegression(C=50))
        model.fit([m.text for m in seen], [m.intent for m in seen])
        rows = model.predict_proba([m.text for m in parts["test"]])
        steps = np.linspace(0, 1, 41)
        points = [score_intents(truth, rows, list(model.classes_), t) for t in steps]
        plt.plot([p["out_of_scope_recall"] for p in points],
                 [p["in_scope_accuracy"] for p in points], marker=".", label=way)  # fmt: skip
    # en: Names of the axes.
    # zh: 坐标轴的名字。
    plt.xlabel("out_of_scope_recall")
    plt.ylabel("in_scope_accuracy")
    plt.legend()
    plt.show()

# %% id="score_intents-check"
check("score_intents")

# %% [markdown] id="predict_tags-task" lang="en"
# ## 6. From logits to tags
#
# `model(...)` returns an object whose `.logits` are $(N, T, K)$. Return for each sentence a list of
# tags, one for each **word**: that with the highest logit at the word's first piece. `names[k]` is
# the tag with number k.
#
# In evaluation mode, without gradients; the model goes back in the mode in which it came. A sentence
# has the same tags whatever stands beside it: give the model the `attention_mask`. One sentence at a
# time will do; what else the tokenizer returns may be passed on.

# %% [markdown] id="predict_tags-task" lang="zh"
# ## 6. 从 logits 到标签
#
# `model(...)` 返回的对象里，`.logits` 形状为 $(N, T, K)$。为每句返回一个标签列表，每个**词**一个：
# 取该词第一个子词处 logit 最高的标签，`names[k]` 是编号 k 的标签。
#
# 用评估模式，不记录梯度，用完还原模式。同批有什么别的句子都不该影响结果：把 `attention_mask` 也传给模型。
# 逐句调用也行；tokenizer 返回的其他内容可以一并传入。

# %% id="predict_tags"
def predict_tags(model, tokenizer, sentences, names):
    # en: N lists of words, K names → N lists of tags
    # zh: N 个词列表、K 个名字 → N 个标签列表
    ### BEGIN SOLUTION
    batch = tokenizer(sentences, is_split_into_words=True, padding=True, return_tensors="pt")
    training = model.training
    model.eval()
    with torch.no_grad():
        best = model(**batch).logits.argmax(dim=-1).tolist()
    model.train(training)
    tags = []
    for row, words in enumerate(sentences):
        places = batch.word_ids(row)
        tags.append([names[best[row][places.index(word)]] for word in range(len(words))])
    return tags
    ### END SOLUTION

# %% id="predict_tags-check"
check("predict_tags")

# %% [markdown] id="train_tagger-task" lang="en"
# ## 7. Train a tagger
#
# `batches` is a list of mappings as of task 1; `model(**batch).loss` is the loss. Train **all** of
# the model for `epochs`: in training mode, each batch once in each epoch with one optimizer step
# on its own gradient, in whatever order. Leave the model in **evaluation mode**. Return for each epoch the mean of its
# batches' losses, as they were when each was learnt from.
#
# The optimizer is yours; a step counts even where its rate is 0. AdamW whose rate rises to `learning_rate` in the first tenth of all steps
# and then falls to zero, gradients clipped at norm 1, learns well. Tiny BERT wants ten to fifty
# times the rate of BERT-base.

# %% [markdown] id="train_tagger-task" lang="zh"
# ## 7. 训练一个标注器
#
# `batches` 是任务 1 那种映射的列表，`model(**batch).loss` 就是损失。训练**整个**模型 `epochs` 轮：
# 处于训练模式，每轮每个批次恰好一次，每个批次只按自己的梯度走一步优化器，顺序不限。结束后模型处于**评估模式**。
# 返回每一轮各批次损失的平均值（学到该批次时的损失）。
#
# 优化器由你定，学习率为 0 的一步也算一步。AdamW，学习率在前十分之一的步数里升到 `learning_rate`，随后降到零，梯度按范数 1 裁剪，效果就很好。
# tiny BERT 的学习率要取 BERT-base 的十到五十倍。

# %% id="train_tagger"
def train_tagger(model, batches, epochs, learning_rate):
    # en: trains the model in place → one mean loss for each epoch
    # zh: 就地训练模型 → 每轮一个平均损失
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=epochs * len(batches), pct_start=0.1
    )
    losses = []
    model.train()
    for _ in range(epochs):
        total = 0.0
        for place in torch.randperm(len(batches)).tolist():
            optimizer.zero_grad()
            loss = model(**batches[place]).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        losses.append(total / len(batches))
    model.eval()
    return losses
    ### END SOLUTION

# %% id="train_tagger-try"
# en: What goes back and what is wanted: only the context tells, for these items are all new.
# zh: 哪个要退、哪个想要，只能看上下文：测试里的商品全是没见过的。
names = ["O"] + [f"{kind}-{label}" for label in ("BACK", "WANT", "DAY") for kind in "BI"]
with suppress(NotImplementedError):
    torch.manual_seed(0)
    tagger = BertForTokenClassification.from_pretrained(locate("bert"), num_labels=len(names))
    pairs, unseen = swaps("train", 320), swaps("test", 150)
    batches = [
        encode_batch(tokenizer, [w for w, _ in part], [[names.index(t) for t in ts] for _, ts in part])
        for part in (pairs[i : i + 16] for i in range(0, len(pairs), 16))
    ]
    print("losses", [round(loss, 2) for loss in train_tagger(tagger, batches, 5, 2e-3)])
    truth = [tags for _, tags in unseen]
    guess = predict_tags(tagger, tokenizer, [words for words, _ in unseen], names)
    right = [a == b for one, two in zip(truth, guess) for a, b in zip(one, two)]
    print(f"tokens right {np.mean(right):.2f}, span F1 {span_f1(truth, guess)['f1']:.2f}")
    nothing = [["O"] * len(tags) for tags in truth]
    right = [a == b for one, two in zip(truth, nothing) for a, b in zip(one, two)]
    print(f"all O: tokens right {np.mean(right):.2f}, span F1 {span_f1(truth, nothing)['f1']:.2f}")
    mine = "please swap the heavy camera for the blue sofa on friday".split()
    print(list(zip(mine, predict_tags(tagger, tokenizer, [mine], names)[0])))

# %% id="train_tagger-check"
check("train_tagger")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Our tagger has 96% accuracy." What do you ask? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「我们的标注器准确率有 96%。」你会追问什么？课文里有清单可以对照。
