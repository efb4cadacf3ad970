# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # What pretraining minimises
#
# One of our source documents has a section called "derivation of the formulas". It holds four
# formulas and no derivation. The loss of the masked language model is not BERT's, the one called
# next-sentence prediction is GPT's, the mean squared error is no mean, and the cross entropy
# conditions a label on a single word. None of this raises an error. Trained on it, a model
# learns something else.
#
# Here you write the losses as they are, corrupt text as BERT's authors did, measure how well a GPT
# expects what comes, and reckon what such a training costs and how large the model should be.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("cross_entropy")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 预训练到底在最小化什么
#
# 有一份原始资料专门设了「公式推导过程」一节，里面有四个公式，没有一步推导：写着掩码语言模型的，
# 不是 BERT 的损失；写着下一句预测的，其实是 GPT 的损失；均方误差没有取平均；交叉熵里，标签的条件只剩一个词。
# 这些都不会报错，只是照着训练，模型学到的是别的东西。
#
# 这里由你把这些损失原原本本写出来，照 BERT 论文的做法破坏文本，量一量 GPT 对下文有多少把握，
# 再算一算这样训练一次要花多少，模型该做多大。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("cross_entropy")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    BertForPreTraining,
    GPT2LMHeadModel,
    logging,
)

from autograder import check, hint, lesson, solution, status
from autograder.models import locate

EXERCISE, LANGUAGE = "pretraining", "en"

logging.disable_progress_bar()
logging.set_verbosity_error()
# en: Nothing is trained here: both models are tiny and ready.
# zh: 这里不训练：两个小模型都已经训练好了。
torch.set_grad_enabled(False)
bert = BertForPreTraining.from_pretrained(locate("bert", "tiny")).eval()
bert_tokenizer = AutoTokenizer.from_pretrained(locate("bert", "tiny"))
gpt = GPT2LMHeadModel.from_pretrained(locate("gpt", "tiny")).eval()
gpt_tokenizer = AutoTokenizer.from_pretrained(locate("gpt", "tiny"))

# %% [markdown] id="look" lang="en"
# ## Two models, two questions
#
# Both models give logits (B, T, V): for each text of the batch and each of its tokens, a score for
# every token of the vocabulary. They answer different questions. At position $t$, BERT says which
# token **stands there**, and has seen both sides; GPT says which token **comes next**, and has seen
# nothing beyond $t$. Look at the shapes, and at what each of the two expects.

# %% [markdown] id="look" lang="zh"
# ## 两个模型，两个问题
#
# 两个模型都给出形状为 (B, T, V) 的 logits：批次里每条文本的每个位置，对词表中每个词元打一个分。
# 但它们回答的问题不同。在位置 $t$，BERT 说的是**这里**是哪个词元，左右两边都看得到；
# GPT 说的是**下一个**是哪个词元，$t$ 之后的什么也看不到。看看形状，再看看两个模型各自猜什么。

# %% id="look-plot"
sentence = "the room was clean and the staff were friendly ."
masked = bert_tokenizer(sentence.replace("clean", "[MASK]"), return_tensors="pt")
place = masked.input_ids[0].tolist().index(bert_tokenizer.mask_token_id)
prompt = gpt_tokenizer("Once upon a time, Mia", return_tensors="pt")
guesses = [
    ("BERT: the [MASK]", bert_tokenizer, bert(**masked).prediction_logits[0, place]),
    ("GPT: … Mia", gpt_tokenizer, gpt(**prompt).logits[0, -1]),
]
print({name: tuple(m(**e)[0].shape) for name, m, e in [("bert", bert, masked), ("gpt", gpt, prompt)]})
figure, panels = plt.subplots(1, 2, figsize=(9, 2.2), layout="constrained")
for axes, (title, tokenizer, scores) in zip(panels, guesses, strict=True):
    best = scores.softmax(-1).topk(5)
    axes.barh([repr(tokenizer.decode([i])) for i in best.indices], best.values, color="#8fb8de")
    axes.invert_yaxis()
    axes.set_title(title)
plt.show()

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** $B$ texts, $T$ positions, $V$ tokens in the vocabulary. Logits
# and predictions are `float32` or `float64` tensors, ids and labels are `int64` tensors. **−100 in
# `labels` marks what is not to be learned**, as in PyTorch and transformers. Logarithms are
# natural: losses are in nats. Numbers may come back as Python's, NumPy's or torch's; gradients are
# not asked for.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** $B$ 条文本，$T$ 个位置，词表大小 $V$。logits 和预测值是 `float32` 或 `float64` 张量，id 和标签是 `int64` 张量。
# 和 PyTorch、transformers 一样，**`labels` 里的 −100 表示这个位置不学**。
# 对数都是自然对数，损失的单位是 nat。返回 Python、NumPy 或 torch 的数值都可以，不需要梯度。

# %% [markdown] id="cross_entropy-task" lang="en"
# ## 1. Cross entropy as it is
#
# `logits` is $(N, V)$, `targets` $(N,)$. Return the **mean** of $-\log \mathrm{softmax}(z_j)_{y_j}$
# over the targets that are not `ignore_index`:
#
# - an ignored target is left out of the sum and of the count; `ignore_index` may be any whole
#   number, also one that is a token;
# - it stays right where logits are in the thousands, or a probability is below what float32 holds;
# - where **no** target is left, the mean is `nan`, as in PyTorch.
#
# Write it out: do without torch's ready losses (`cross_entropy`, `nll_loss` and their modules).
# `log_softmax` and `logsumexp` are fine. In later tasks, anything goes.

# %% [markdown] id="cross_entropy-task" lang="zh"
# ## 1. 交叉熵的真面目
#
# `logits` 形状 $(N, V)$，`targets` 形状 $(N,)$。对不等于 `ignore_index` 的目标，
# 返回 $-\log \mathrm{softmax}(z_j)_{y_j}$ 的**平均值**：
#
# - 被忽略的目标，求和与计数时都不算；`ignore_index` 可以是任意整数，也可能恰好是某个词元；
# - logits 上千，或概率小到 float32 存不下时，结果依然正确；
# - **一个**目标都不剩时，平均值是 `nan`，和 PyTorch 一致。
#
# 请自己写：不用 torch 现成的损失（`cross_entropy`、`nll_loss` 及对应的模块）；
# `log_softmax` 和 `logsumexp` 可以用。后面的任务不限。

# %% id="cross_entropy"
def cross_entropy(logits, targets, ignore_index=-100):
    # en: logits: (N, V); targets: (N,) → one number
    # zh: logits：(N, V)；targets：(N,) → 一个数
    ### BEGIN SOLUTION
    keep = targets != ignore_index
    logits, targets = logits[keep], targets[keep]
    chosen = logits.gather(1, targets[:, None]).squeeze(1)
    return (logits.logsumexp(dim=1) - chosen).mean()  # the mean of nothing is nan
    ### END SOLUTION

# %% id="cross_entropy-try"
# en: Empty until the task is solved. What a probability costs: the surer and wronger, the dearer.
# zh: 完成任务后才会有输出。一个概率值多少损失：越肯定、越错，代价越大。
with suppress(NotImplementedError):
    for gap in (0.0, 2.0, 10.0, 200.0):
        loss = float(cross_entropy(torch.tensor([[gap, 0.0]]), torch.tensor([1])))
        print(f"logits ({gap:g}, 0), target 1: {loss:.4f} nats")

# %% id="cross_entropy-check"
check("cross_entropy")

# %% [markdown] id="mse_loss-task" lang="en"
# ## 2. A mean that is a mean
#
# Return the **mean** of the squared errors over all elements, whatever the shape. `predictions`
# $(N, 1)$ and `targets` $(N,)$ would broadcast to $N \times N$ pairs without an error, and the model
# would learn the average: where the shapes differ, raise `ValueError`.

# %% [markdown] id="mse_loss-task" lang="zh"
# ## 2. 均方误差要取平均
#
# 对全部元素，返回误差平方的**平均值**，形状不限。`predictions` 是 $(N, 1)$ 而 `targets` 是 $(N,)$ 时，
# 广播会悄悄凑出 $N \times N$ 对，模型最后只学到均值：形状不同就抛出 `ValueError`。

# %% id="mse_loss"
def mse_loss(predictions, targets):
    # en: two tensors of the same shape → one number
    # zh: 两个形状相同的张量 → 一个数
    ### BEGIN SOLUTION
    if predictions.shape != targets.shape:
        raise ValueError(f"shapes differ: {tuple(predictions.shape)}, {tuple(targets.shape)}")
    return ((predictions - targets) ** 2).mean()
    ### END SOLUTION

# %% id="mse_loss-try"
# en: The document's own formula gives 0.625 for these three.
# zh: 按原始资料的公式，这三个数算出来是 0.625。
with suppress(NotImplementedError):
    print(mse_loss(torch.tensor([1.5, 2.0, 2.0]), torch.tensor([1.0, 2.0, 3.0])))

# %% id="mse_loss-check"
check("mse_loss")

# %% [markdown] id="mask_tokens-task" lang="en"
# ## 3. Corrupt a text as BERT does
#
# Return `(corrupted, labels)`, two new tensors like `input_ids` $(B, T)$:
#
# - each token is **chosen** with probability `mlm_probability`, independently of all others, except
#   where `special_tokens_mask` is 1 ([CLS], [SEP], padding): those are never chosen. The mask
#   holds 0 and 1, or `bool`;
# - a chosen token becomes `mask_token_id` with probability 0.8, a **random token** with probability
#   0.1, and **stays** with probability 0.1. The random token is drawn evenly from all of
#   $0, \dots, V-1$, with $V$ = `vocab_size`, specials and the token itself included;
# - `labels` holds the original token wherever one was **chosen**, those that stay included, and
#   −100 elsewhere;
# - nothing that is not chosen changes, and neither does `input_ids` itself;
# - all random numbers are drawn from `generator` (a `torch.Generator`): from the same state comes the
#   same result, the next call chooses anew, and torch's global state stays as it is. Without one
#   (`None`), torch's global generator is used.

# %% [markdown] id="mask_tokens-task" lang="zh"
# ## 3. 像 BERT 那样破坏文本
#
# 返回 `(corrupted, labels)`，两个和 `input_ids` $(B, T)$ 同形状的新张量：
#
# - 每个词元以概率 `mlm_probability` 被**选中**，彼此独立；`special_tokens_mask` 为 1 的位置
#   （[CLS]、[SEP]、填充）永远不选。这个掩码可能是 0/1，也可能是 `bool`；
# - 选中的词元，以 0.8 的概率换成 `mask_token_id`，以 0.1 的概率换成**随机词元**，以 0.1 的概率**保持不变**。
#   随机词元从 $0, \dots, V-1$ 里等概率抽取（$V$ 即 `vocab_size`），特殊词元和它自己也在内；
# - 只要**选中**了，`labels` 就是原来的词元，保持不变的也算；其余位置是 −100；
# - 没选中的一律不动，`input_ids` 本身也不能改；
# - 随机性全部来自 `generator`（`torch.Generator`）：状态相同则结果相同；再调用一次，选择就不同；
#   torch 的全局随机状态不受影响。传 `None` 时用 torch 的全局随机数。

# %% id="mask_tokens"
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    # en: input_ids, special_tokens_mask: (B, T) → corrupted (B, T), labels (B, T)
    # zh: input_ids、special_tokens_mask：(B, T) → corrupted (B, T)，labels (B, T)
    ### BEGIN SOLUTION
    def draw():
        return torch.rand(input_ids.shape, generator=generator)

    chosen = (draw() < mlm_probability) & ~special_tokens_mask.bool()
    labels = input_ids.masked_fill(~chosen, -100)
    action = draw()  # below 0.8 [MASK], below 0.9 a random token, else it stays
    anything = torch.randint(vocab_size, input_ids.shape, generator=generator)
    corrupted = torch.where(chosen & (action < 0.8), mask_token_id, input_ids)
    corrupted = torch.where(chosen & (action >= 0.8) & (action < 0.9), anything, corrupted)
    return corrupted, labels
    ### END SOLUTION

# %% id="mask_tokens-try"
# en: One sentence, corrupted five times. Blue: [MASK]; red: a random token; green: chosen, and kept.
# zh: 同一句话破坏五次。蓝：[MASK]；红：随机词元；绿：选中但保持不变。
with suppress(NotImplementedError):
    encoded = bert_tokenizer(sentence, return_special_tokens_mask=True, return_tensors="pt")
    many = {name: encoded[name].repeat(5, 1) for name in ("input_ids", "special_tokens_mask")}
    generator = torch.Generator().manual_seed(26)
    noisy, labels = mask_tokens(
        many["input_ids"], many["special_tokens_mask"],
        bert_tokenizer.mask_token_id, len(bert_tokenizer), generator=generator,
    )  # fmt: skip
    figure, axes = plt.subplots(figsize=(9, 2.2))
    axes.set(xlim=(-0.5, noisy.shape[1] - 0.5), ylim=(4.5, -0.5))
    axes.axis("off")
    for (i, j), token in np.ndenumerate(noisy.numpy()):
        original, colour = int(many["input_ids"][i, j]), "none"
        if labels[i, j] != -100:
            kept = "#9bd19b" if token == original else "#f2a3a3"
            colour = "#9ec5eb" if token == bert_tokenizer.mask_token_id else kept
        word = bert_tokenizer.convert_ids_to_tokens(int(token))
        axes.text(j, i, word if word.isascii() else "(zh)", ha="center", va="center", fontsize=8,
                  bbox={"facecolor": colour, "edgecolor": "none", "pad": 2})
    plt.show()

# %% id="mask_tokens-check"
check("mask_tokens")

# %% [markdown] id="mlm_loss-task" lang="en"
# ## 4. The masked-language-model loss
#
# `logits` is $(B, T, V)$, `labels` $(B, T)$, as they come from task 3. Return
#
# $$L_{\text{MLM}} = -\frac{1}{|M|} \sum_{(b,t) \in M} \log p(y_{bt} \mid \tilde x_b)$$
#
# where $M$ is the set of **all** places of the batch whose label is not −100. The label at $t$ is
# what position $t$ must say. Each chosen token counts the same, however many its text has. There is at
# least one.

# %% [markdown] id="mlm_loss-task" lang="zh"
# ## 4. 掩码语言模型的损失
#
# `logits` 形状 $(B, T, V)$，`labels` 形状 $(B, T)$，即第 3 题的输出。返回
#
# $$L_{\text{MLM}} = -\frac{1}{|M|} \sum_{(b,t) \in M} \log p(y_{bt} \mid \tilde x_b)$$
#
# 其中 $M$ 是**整个批次**里标签不为 −100 的全部位置。$t$ 处的标签就是位置 $t$ 该给出的词元。
# 无论一条文本里选中了几个，每个被选中的词元权重相同。整个批次至少有一个。

# %% id="mlm_loss"
def mlm_loss(logits, labels):
    # en: logits: (B, T, V); labels: (B, T), −100 where nothing is to be learned → one number
    # zh: logits：(B, T, V)；labels：(B, T)，不学的位置为 −100 → 一个数
    ### BEGIN SOLUTION
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
    ### END SOLUTION

# %% id="mlm_loss-check"
check("mlm_loss")

# %% [markdown] id="next_sentence_loss-task" lang="en"
# ## 5. Next sentence, with its label
#
# From the vector of [CLS], BERT gives two logits for each pair of passages, $(B, 2)$: **column 0 is
# "B follows A"**, column 1 "B comes from elsewhere", and the two go through one softmax. `is_next`
# $(B,)$ is `bool`: whether B does follow. Return the mean cross entropy of the pairs. Mind that the
# class of a true pair is 0, so `is_next` is not the class.

# %% [markdown] id="next_sentence_loss-task" lang="zh"
# ## 5. 下一句预测，要有标签
#
# BERT 用 [CLS] 的向量对每一对段落给出两个 logit，形状 $(B, 2)$：**第 0 列是「B 接在 A 后面」**，
# 第 1 列是「B 来自别处」，两者过同一个 softmax。`is_next` $(B,)$ 是 `bool`：B 是否真的接在后面。
# 返回各对的平均交叉熵。注意：真正相连的一对，类别是 0，所以 `is_next` 不能直接当类别用。

# %% id="next_sentence_loss"
def next_sentence_loss(logits, is_next):
    # en: logits: (B, 2), column 0 for "follows"; is_next: (B,) bool → one number
    # zh: logits：(B, 2)，第 0 列表示「相连」；is_next：(B,) bool → 一个数
    ### BEGIN SOLUTION
    return cross_entropy(logits, (~is_next).long())
    ### END SOLUTION

# %% id="next_sentence_loss-try"
# en: Your two losses, added, are what BertForPreTraining minimises. Run it: the numbers must agree.
# zh: 两个损失相加，就是 BertForPreTraining 最小化的东西。运行一下，两个数应当一致。
with suppress(NotImplementedError):
    first = ["the hotel was lovely .", "酒店很干净。"]
    second = ["the room was clean and quiet .", "这部电影太长了。"]
    pairs = bert_tokenizer(
        first, second, padding=True, return_special_tokens_mask=True, return_tensors="pt"
    )
    special = pairs.pop("special_tokens_mask")
    pairs["input_ids"], labels = mask_tokens(
        pairs["input_ids"], special, bert_tokenizer.mask_token_id, len(bert_tokenizer),
        mlm_probability=0.4, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    is_next = torch.tensor([True, False])
    out = bert(**pairs, labels=labels, next_sentence_label=(~is_next).long())
    parts = [
        float(mlm_loss(out.prediction_logits, labels)),
        float(next_sentence_loss(out.seq_relationship_logits, is_next)),
    ]
    print(f"MLM {parts[0]:.4f} + NSP {parts[1]:.4f} = {sum(parts):.4f}; BERT's own: {out.loss:.4f}")

# %% id="next_sentence_loss-check"
check("next_sentence_loss")

# %% [markdown] id="causal_lm_loss-task" lang="en"
# ## 6. The causal loss and its shift
#
# `logits` is $(B, T, V)$; `labels` $(B, T)$ is a copy of `input_ids`, **not shifted**, with −100
# where nothing is to be learned (padding, or a prompt). Position $t$ has seen token $t$, so what it
# must say is label $t+1$ **of its own text**. Shift here, once, and return the mean over all places
# whose target is not −100; there is at least one. The first token of a text is nobody's target; the
# last position of a text has none.

# %% [markdown] id="causal_lm_loss-task" lang="zh"
# ## 6. 因果语言模型的损失与错位
#
# `logits` 形状 $(B, T, V)$；`labels` $(B, T)$ 是 `input_ids` 的副本，**没有移位**，
# 不学的位置（填充，或者提示）为 −100。位置 $t$ 已经看到了第 $t$ 个词元，所以它该给出的是**同一条文本**的第 $t+1$ 个标签。
# 在这里移一位，只移一次，对目标不为 −100 的全部位置取平均（至少有一个）。每条文本的第一个词元不是任何位置的目标，
# 最后一个位置没有目标。

# %% id="causal_lm_loss"
def causal_lm_loss(logits, labels):
    # en: logits: (B, T, V); labels: (B, T), not shifted, −100 where nothing is learned → one number
    # zh: logits：(B, T, V)；labels：(B, T)，未移位，不学的位置为 −100 → 一个数
    ### BEGIN SOLUTION
    return mlm_loss(logits[:, :-1], labels[:, 1:])
    ### END SOLUTION

# %% id="causal_lm_loss-try"
# en: Yours beside the model's own, and what the same logits cost without a shift.
# zh: 你的结果和模型自己的放在一起；再看同样的 logits 不移位时是多少。
with suppress(NotImplementedError):
    ids = gpt_tokenizer("Once upon a time, Mia lived on a farm.", return_tensors="pt").input_ids
    out = gpt(ids, labels=ids)
    print(f"yours {float(causal_lm_loss(out.logits, ids)):.4f}, GPT-2's own {out.loss:.4f}")
    print(f"without the shift {float(mlm_loss(out.logits, ids)):.4f}")

# %% id="causal_lm_loss-check"
check("causal_lm_loss")

# %% [markdown] id="perplexity-task" lang="en"
# ## 7. The perplexity of a model on texts
#
# `batches` yields dicts as tokenizers make them: `input_ids` and `attention_mask`, $(B, T)$, padded
# **at the end**, with batches of different sizes; it may be possible to go through it only once.
# Return one number: the exponential of the mean negative log-probability of **all targets of all
# batches**. A target is a real token (`attention_mask` 1) that is not the first of its text.
#
# - Every target counts the same, in whatever batch it is. A batch may hold no target at all (texts
#   of one token): it adds nothing. All batches together hold some.
# - The model is judged in evaluation mode, and put back into the mode (`model.training`) in which it
#   came.
#
# `model(input_ids=…, attention_mask=…).logits` gives the logits.

# %% [markdown] id="perplexity-task" lang="zh"
# ## 7. 模型在一批文本上的困惑度
#
# `batches` 逐个产出 tokenizer 那样的字典：`input_ids` 和 `attention_mask`，形状 $(B, T)$，填充都在**末尾**，
# 各批次大小不一，而且可能只能遍历一次。返回一个数：**全部批次的全部目标**，负对数概率取平均，再取指数。
# 目标是指真实词元（`attention_mask` 为 1）中不在文本开头的那些。
#
# - 无论在哪个批次，每个目标权重相同。某个批次可能一个目标都没有（文本只有一个词元）：它什么也不贡献。全部批次合起来总有目标。
# - 模型在评估模式下评测，用完还原成原来的模式（`model.training`）。
#
# `model(input_ids=…, attention_mask=…).logits` 给出 logits。

# %% id="perplexity"
def perplexity(model, batches):
    # en: batches: dicts with input_ids and attention_mask, (B, T) → one number
    # zh: batches：含 input_ids 和 attention_mask 的字典，(B, T) → 一个数
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    total = count = 0
    with torch.no_grad():
        for batch in batches:
            ids, mask = batch["input_ids"], batch["attention_mask"]
            logits = model(input_ids=ids, attention_mask=mask).logits
            labels = ids.masked_fill(mask == 0, -100)
            targets = int((labels[:, 1:] != -100).sum())
            if targets:
                total += float(causal_lm_loss(logits, labels)) * targets
                count += targets
    model.train(training)
    return float(np.exp(total / count))
    ### END SOLUTION

# %% id="perplexity-try"
# en: The same model on what it knows, on the same words in disorder, and on what it never saw.
# zh: 同一个模型：熟悉的文本、同样的词打乱顺序、从没见过的文本。
TEXTS = {
    "a story": "Once upon a time, Mia lived on a farm at the foot of a hill.",
    "shuffled": "hill of a the Mia, at Once foot farm on lived a upon a time a.",
    "一个故事": "从前，海边的渔村里住着一个爱动脑筋的男孩，名叫小明。",
    "news": "The central bank left interest rates unchanged on Thursday.",
}
with suppress(NotImplementedError):
    for name, text in TEXTS.items():
        print(f"{name:>8}: {perplexity(gpt, [gpt_tokenizer(text, return_tensors='pt')]):10.2f}")

# %% id="perplexity-check"
check("perplexity")

# %% [markdown] id="training_days-task" lang="en"
# ## 8. What a training run costs
#
# A dense transformer of $N$ parameters does about $2N$ floating-point operations per token on the way
# forward and twice as many on the way back, so training on $D$ tokens takes $C \approx 6ND$. Return how
# many **days** that takes on `devices` accelerators, each of which could do `peak_flops` operations per
# second and really does the share `utilization` of it (the model FLOPs utilisation, above 0, at most 1).

# %% [markdown] id="training_days-task" lang="zh"
# ## 8. 训练一次要多久
#
# $N$ 个参数的稠密 transformer，每个词元前向约 $2N$ 次浮点运算，反向约为前向的两倍，即 $4N$，
# 所以用 $D$ 个词元训练要 $C \approx 6ND$ 次。现有 `devices` 张加速卡，每张峰值每秒 `peak_flops` 次，
# 实际只达到其中的 `utilization`（MFU，模型算力利用率，大于 0，至多为 1）。返回需要多少**天**。

# %% id="training_days"
def training_days(parameters, tokens, devices, peak_flops, utilization):
    # en: five numbers → days
    # zh: 五个数 → 天数
    ### BEGIN SOLUTION
    seconds = 6 * parameters * tokens / (devices * peak_flops * utilization)
    return seconds / 86_400
    ### END SOLUTION

# %% id="training_days-try"
# en: Llama 3 405B on 15.6 trillion tokens: 16,384 H100, 989 TFLOP/s in bfloat16, 41% used.
# zh: Llama 3 405B，15.6 万亿词元：16,384 张 H100，bfloat16 峰值 989 TFLOP/s，利用率 41%。
with suppress(NotImplementedError):
    print(f"{training_days(405e9, 15.6e12, 16_384, 989e12, 0.41):.0f} days")

# %% id="training_days-check"
check("training_days")

# %% [markdown] id="compute_optimal-task" lang="en"
# ## 9. How large should the model be?
#
# The Chinchilla paper describes the loss of a model with $N$ parameters after $D$ tokens by
#
# $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$
#
# Return `(parameters, tokens)`, the pair with the **lowest** loss among all with $6ND$ = `flops`. Solve
# it on paper (one derivative is enough) or numerically, to within 0.1 per cent in each of the two. Whole numbers are not asked for.

# %% [markdown] id="compute_optimal-task" lang="zh"
# ## 9. 模型该做多大？
#
# Chinchilla 论文这样描述 $N$ 个参数、训练 $D$ 个词元之后的损失：
#
# $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$
#
# 在满足 $6ND$ = `flops` 的所有组合里，返回损失**最低**的一对 `(parameters, tokens)`。
# 可以在纸上解（求一次导就够），也可以数值求解，两个数的误差都不超过千分之一。不要求是整数。

# %% id="compute_optimal"
def compute_optimal(flops, A, B, alpha, beta):
    # en: five numbers → (N, D) with 6 N D = flops
    # zh: 五个数 → (N, D)，满足 6 N D = flops
    ### BEGIN SOLUTION
    product = flops / 6  # N · D
    parameters = (alpha * A / (beta * B) * product**beta) ** (1 / (alpha + beta))
    return parameters, product / parameters
    ### END SOLUTION

# %% id="compute_optimal-try"
# en: Three laws for the same question: the paper's printed fit, its replication, 20 tokens each.
# zh: 同一个问题的三种答案：论文印出的拟合、后来的复现，以及「每个参数 20 个词元」。
with suppress(NotImplementedError):
    budgets = np.logspace(18, 26, 50)
    laws = {
        "Hoffmann et al. 2022, printed fit": (406.4, 410.7, 0.34, 0.28),
        "Besiroglu et al. 2024": (482.01, 2085.43, 0.3478, 0.3658),
    }
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    for name, law in laws.items():
        best = [compute_optimal(budget, *law) for budget in budgets]
        axes.loglog(budgets, [float(d) / float(n) for n, d in best], label=name)
    axes.axhline(20, color="grey", linestyle="--", label="20 tokens per parameter")
    models = {"GPT-3": (175e9, 300e9), "Gopher": (280e9, 300e9), "Chinchilla": (70e9, 1.4e12),
              "Llama 3 8B": (8e9, 15e12), "Llama 3 405B": (405e9, 15.6e12)}  # fmt: skip
    for name, (n, d) in models.items():
        axes.scatter(6 * n * d, d / n, color="black", s=12, zorder=3)
        axes.annotate(name, (6 * n * d, d / n), fontsize=8, xytext=(-6, 4),
                      textcoords="offset points", ha="right")  # fmt: skip
    axes.set(xlabel="training FLOPs", ylabel="tokens per parameter", ylim=(0.5, 5000))
    axes.legend(frameon=False, fontsize=8)
    plt.show()

# %% id="compute_optimal-check"
check("compute_optimal")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Models will keep getting larger." Say in one minute what that sentence leaves out, with three
# numbers. The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「模型会越来越大。」用一分钟、三个数字，说清这句话漏掉了什么。课文里有清单可以对照。
