# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Fine-tune BERT, and know that it learned
#
# "Write a BERT text classifier" is in four of our five source documents, and not one of their four
# programs runs to its end. More instructive than the errors are the faults that raise nothing: a
# softmax too many, a mask too few, dropout left on, a learning rate at which nothing can be learned.
#
# You will write each part of a classifier properly and see it learn to tell praise from blame, in
# **English and Chinese**, on a small BERT that trains in seconds. At the end you mend a program
# that carries the documents' faults all at once.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("encode")`
# gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 微调 BERT，并证明它学会了
#
# 五份原始资料里有四份要你「写一个 BERT 文本分类器」，它们的四个程序没有一个能跑完。
# 比报错更值得学的，是那些不报错的毛病：多了一个 softmax，少了一个 mask，dropout 忘了关，
# 学习率大得什么也学不到。
#
# 下面你将把分类器的每个环节都写对，看着它在**英文和中文**里学会分辨褒贬。用的是一个几秒就能训练完的小 BERT。
# 最后，改好一个把资料里的错误全占了的程序。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("encode")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch import nn
from torch.utils.data import DataLoader
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertForSequenceClassification,
    BertModel,
    get_linear_schedule_with_warmup,
)
from transformers.utils import logging

from autograder import check, hint, lesson, solution, status
from autograder.data.sentiment import LABELS, load
from autograder.models import locate

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.manual_seed(0)

EXERCISE, LANGUAGE = "bert-classifier", "en"

# en: "tiny" is shipped. A folder, or "bert-base-chinese" once it has been fetched, works as well:
# en: run everything again after a change. Grading takes the tiny one; see touchstone grade --model.
# zh: "tiny" 随课程附带；也可以换成一个文件夹，或已经下载好的 "bert-base-chinese"，
# zh: 换了之后把全部单元重新运行一遍。评分用的仍是 tiny，除非 touchstone grade 加上 --model。
MODEL = "tiny"

# %% [markdown] id="data" lang="en"
# ## The sentences
#
# Short reviews, written for this course: `negative`, `neutral` or `positive`. More than half of
# them are there to fool a model that counts words: "not bad at all" is praise.
#
# 360 sentences to **train** on, 108 for **validation**, by which you choose, and 252 to **test**,
# which you look at once, at the end. No sentence has a near-duplicate in another part.

# %% [markdown] id="data" lang="zh"
# ## 数据
#
# 专为本课程写的短评，分 `negative`、`neutral`、`positive` 三类。其中一大半是专门用来骗过「数词」模型的：
# 「一点都不差」是在夸。
#
# **训练集** 360 句；**验证集** 108 句，用来做选择；**测试集** 252 句，最后只看一次。
# 任何句子都没有近似的句子落在别的部分里。

# %% id="data-plot"
parts = {
    part: [example for language in ("en", "zh") for example in load(language, part)]
    for part in ("train", "validation", "test")
}
folder = locate("bert", MODEL)
tokenizer = AutoTokenizer.from_pretrained(folder)
# en: So small a BERT learns at ten times the rate of a large one.
# zh: 这么小的 BERT，学习率要取大模型的十倍。
LEARNING_RATE = 5e-4 if AutoConfig.from_pretrained(folder).hidden_size < 256 else 5e-5

for kind in ("plain", "negation", "contrast", "aspect"):
    for example in [e for e in parts["train"] if e.kind == kind][:60:20]:
        print(f"{kind:>9} {example.label:>9}  {example.text}")
print(tokenizer.tokenize("The room was not bad. 房间还不错。"))

# %% [markdown] id="encode-task" lang="en"
# ## 1. From text to tensors
#
# Write `encode(texts, tokenizer, max_length=128)` for a list of B strings. Return a mapping with
#
# - `"input_ids"`: int64 tensor (B, T), each row the tokens of one text from `[CLS]` to `[SEP]`,
#   then padding on the right;
# - `"attention_mask"`: int64 tensor (B, T), 1 on tokens and 0 on padding.
#
# T is the length of the longest row. A text longer than `max_length` tokens, special ones
# included, is cut so that it still ends in `[SEP]`. Further keys do no harm. Take the texts as
# they are: no cleaning, no word segmentation.

# %% [markdown] id="encode-task" lang="zh"
# ## 1. 从文本到张量
#
# 写 `encode(texts, tokenizer, max_length=128)`，`texts` 是 B 个字符串的列表。返回一个映射，包含
#
# - `"input_ids"`：int64 张量 (B, T)，每行是一段文本从 `[CLS]` 到 `[SEP]` 的词元，之后在右边填充；
# - `"attention_mask"`：int64 张量 (B, T)，词元处为 1，填充处为 0。
#
# T 等于最长一行的长度。连特殊词元在内超过 `max_length` 的文本要截断，截断后仍以 `[SEP]` 结尾。
# 多返回几个键没关系。文本原样使用：不清洗，也不要事先用分词工具切词。

# %% id="encode"
def encode(texts, tokenizer, max_length=128):
    # en: texts: B strings → {"input_ids": (B, T), "attention_mask": (B, T), …}
    # zh: texts：B 个字符串 → {"input_ids": (B, T), "attention_mask": (B, T), …}
    ### BEGIN SOLUTION
    return tokenizer(
        list(texts), padding=True, truncation=True, max_length=max_length, return_tensors="pt"
    )
    ### END SOLUTION

# %% id="encode-try"
with suppress(NotImplementedError):
    batch = encode(["不好", "It is not bad at all."], tokenizer)
    for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
        print(tokenizer.convert_ids_to_tokens(ids), mask.tolist())

# %% id="encode-check"
check("encode")

# %% [markdown] id="make_loader-task" lang="en"
# ## 2. Batches
#
# Write `make_loader(texts, labels, tokenizer, batch_size, shuffle=False)`. `labels` are class
# numbers. Return something that can be gone through any number of times, like a `DataLoader`; each
# time it yields all sentences in batches of `batch_size` (the last one may be smaller), each batch
# a dict of `"input_ids"`, `"attention_mask"` and `"labels"` (B,), int64.
#
# A batch is padded to **its own** longest sentence. Without `shuffle` the sentences come in order;
# with it, in a new order each time. Cut at 128 tokens. It must know its number of batches, `len`.

# %% [markdown] id="make_loader-task" lang="zh"
# ## 2. 批次
#
# 写 `make_loader(texts, labels, tokenizer, batch_size, shuffle=False)`，`labels` 是类别编号。
# 返回一个像 `DataLoader` 那样可以反复遍历的对象；每遍历一次，都按 `batch_size` 分批给出全部句子
# （最后一批可以不满），每批是一个字典，含 `"input_ids"`、`"attention_mask"` 和 `"labels"`（形状 (B,)，int64）。
#
# 每批只填充到**本批**最长的一句。不打乱时按原顺序；`shuffle` 为真时每次遍历顺序都不同。
# 超过 128 个词元的截断。要能用 `len` 得到批次数。

# %% id="make_loader"
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    # en: texts: N strings; labels: N class numbers → batches of input_ids, attention_mask, labels
    # zh: texts：N 个字符串；labels：N 个类别编号 → 批次，含 input_ids、attention_mask、labels
    ### BEGIN SOLUTION
    def collate(rows):
        batch_texts, batch_labels = zip(*rows, strict=True)
        return {**encode(batch_texts, tokenizer), "labels": torch.tensor(batch_labels)}

    rows = list(zip(texts, labels, strict=True))
    return DataLoader(rows, batch_size=batch_size, shuffle=shuffle, collate_fn=collate)
    ### END SOLUTION

# %% id="make_loader-try"
def loader_of(part, batch_size=16, shuffle=False):
    texts = [example.text for example in parts[part]]
    numbers = [LABELS.index(example.label) for example in parts[part]]
    return make_loader(texts, numbers, tokenizer, batch_size, shuffle)


with suppress(NotImplementedError):
    shapes = [tuple(batch["input_ids"].shape) for batch in loader_of("train", shuffle=True)]
    cells, widest = sum(b * t for b, t in shapes), max(t for _, t in shapes)
    print(shapes[:6])
    print(f"{cells:,} positions; padded all at once, {len(parts['train']) * widest:,}")

# %% id="make_loader-check"
check("make_loader")

# %% [markdown] id="bert_classifier-task" lang="en"
# ## 3. The head
#
# Write the module `BertClassifier(bert, num_labels, dropout=0.1)`. `bert` is a `BertModel`.
# `forward(input_ids, attention_mask)` returns **logits** (B, K): BERT's pooled vector, dropout of
# the given rate, one linear layer with a bias. The given `bert` itself is inside and trains along.
#
# It must hold for any number of classes, with padding, and whatever else `bert` was configured to
# return.

# %% [markdown] id="bert_classifier-task" lang="zh"
# ## 3. 分类头
#
# 写模块 `BertClassifier(bert, num_labels, dropout=0.1)`，`bert` 是一个 `BertModel`。
# `forward(input_ids, attention_mask)` 返回 **logits** (B, K)：取 BERT 的池化向量，按给定比率做 dropout，
# 再过一个带偏置的线性层。传入的 `bert` 本身就在里面，并且跟着一起训练。
#
# 类别数任意、有填充、`bert` 另外配置了返回别的内容，都要成立。

# %% id="bert_classifier"
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        ### BEGIN SOLUTION
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.config.hidden_size, num_labels)
        ### END SOLUTION

    def forward(self, input_ids, attention_mask):
        # en: input_ids, attention_mask: (B, T) → logits (B, K)
        # zh: input_ids、attention_mask：(B, T) → logits (B, K)
        ### BEGIN SOLUTION
        outputs = self.bert(input_ids=input_ids, attention_mask=attention_mask)
        return self.linear(self.dropout(outputs.pooler_output))  # (B, H) → (B, K)
        ### END SOLUTION

# %% id="bert_classifier-try"
with suppress(NotImplementedError):
    head = BertClassifier(BertModel.from_pretrained(folder), len(LABELS)).eval()
    batch = encode(["好", "Not bad."], tokenizer)
    with torch.no_grad():
        logits = head(batch["input_ids"], batch["attention_mask"])
    # en: Arbitrary numbers: nobody has trained this head yet.
    # zh: 这些数毫无意义：分类头还没有训练过。
    print(logits)
    # en: Why no softmax before the loss? It is applied there; twice, the loss cannot fall below 0.55.
    # zh: 损失之前为什么不能加 softmax？损失里已经有了；做两遍，损失就降不到 0.55 以下。
    sure = torch.tensor([[30.0, 0.0, 0.0]])
    for x in (sure, sure.softmax(dim=-1)):
        print(f"{nn.functional.cross_entropy(x, torch.tensor([0])):.3f}")

# %% id="bert_classifier-check"
check("bert_classifier")

# %% [markdown] id="train_epoch-task" lang="en"
# ## 4. One epoch
#
# transformers ships the same head as `BertForSequenceClassification`. From here on `model` is one
# of these: called with a whole batch, labels included, its result has `.loss` and `.logits`.
#
# Write `train_epoch(model, loader, optimizer, scheduler=None)`. In training mode take **one step
# for each batch**: mean cross entropy of the logits, fresh gradients, their norm clipped at 1.0, the
# optimizer's step, and the scheduler's if there is one. Return the mean loss **over examples**; the
# last batch may be smaller than the others.

# %% [markdown] id="train_epoch-task" lang="zh"
# ## 4. 训练一轮
#
# transformers 自带同样的分类头，叫 `BertForSequenceClassification`。从这里起，`model` 都是它：
# 把带标签的整个批次传进去，结果里有 `.loss` 和 `.logits`。
#
# 写 `train_epoch(model, loader, optimizer, scheduler=None)`。在训练模式下，**每个批次更新一步**：
# 对 logits 求平均交叉熵，梯度从零算起，范数裁剪到 1.0，优化器走一步，有调度器就也走一步。
# 返回**对样本**求平均的损失；最后一批可能比别的批次小。

# %% id="train_epoch"
def train_epoch(model, loader, optimizer, scheduler=None):
    # en: loader: batches of input_ids, attention_mask, labels → mean loss, a number
    # zh: loader：批次，含 input_ids、attention_mask、labels → 平均损失，一个数
    ### BEGIN SOLUTION
    model.train()
    total, count = 0.0, 0
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        size = len(batch["labels"])
        total, count = total + size * loss.item(), count + size
    return total / count
    ### END SOLUTION

# %% id="train_epoch-check"
check("train_epoch")

# %% [markdown] id="fine_tune-task" lang="en"
# ## 5. The learning rate and its schedule
#
# Write `fine_tune(model, loader, epochs, learning_rate)`: **AdamW**, whose rate rises linearly
# over the first tenth of all steps to `learning_rate` and then falls linearly to 0 at the end. It
# works for fewer than ten steps too. Return the list of the epochs' mean losses.
#
# BERT's authors fine-tune at 2e-5 to 5e-5. This one is a hundredth of the size and takes 5e-4. One
# document uses 1e-3 on the real BERT, another 0.01 for a Transformer: BERT-base did not converge at
# 4e-4 already (Sun et al., 2019). So small a model bears more; below you see how much.

# %% [markdown] id="fine_tune-task" lang="zh"
# ## 5. 学习率和调度
#
# 写 `fine_tune(model, loader, epochs, learning_rate)`：用 **AdamW**，学习率在前十分之一的步数里
# 线性升到 `learning_rate`，之后线性下降，最后降到 0。总步数不足十步时也要能用。返回各轮平均损失的列表。
#
# BERT 的作者微调用 2e-5 到 5e-5。这个模型只有它的百分之一大，用 5e-4。有一份资料在真正的 BERT 上用 1e-3，
# 还有一份训练 Transformer 用 0.01；而 BERT-base 用 4e-4 就已经不收敛（Sun 等，2019）。这么小的模型
# 经得起更大的学习率，到底多大，看下面的曲线。

# %% id="fine_tune"
def fine_tune(model, loader, epochs, learning_rate):
    # en: → list of `epochs` mean losses
    # zh: → 含 epochs 个平均损失的列表
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    steps = epochs * len(loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, max(1, steps // 10), steps)
    return [train_epoch(model, loader, optimizer, scheduler) for _ in range(epochs)]
    ### END SOLUTION

# %% id="fine_tune-try"
# en: The same model at twenty times the rate learns little, at a hundred times nothing at all.
# zh: 同一个模型，学习率放大二十倍学到的很少，放大一百倍就什么也学不到。
curves = {}
with suppress(NotImplementedError):
    for rate in (LEARNING_RATE, LEARNING_RATE * 20, LEARNING_RATE * 100):
        torch.manual_seed(0)
        candidate = BertForSequenceClassification.from_pretrained(folder, num_labels=3)
        loader = loader_of("train", batch_size=24, shuffle=True)
        curves[rate] = fine_tune(candidate, loader, epochs=3, learning_rate=rate)
        if rate == LEARNING_RATE:
            model = candidate
    figure, axes = plt.subplots(figsize=(6, 3))
    for rate, losses in curves.items():
        axes.plot(range(1, len(losses) + 1), losses, marker="o", label=f"learning rate {rate:g}")
    axes.axhline(np.log(3), color="grey", linewidth=1, linestyle=":", label="even guessing, ln 3")
    axes.set(xlabel="epoch", ylabel="training loss", xticks=range(1, 4), ylim=(0, None))
    axes.legend(frameon=False)
    plt.show()

# %% id="fine_tune-check"
check("fine_tune")

# %% [markdown] id="predict-task" lang="en"
# ## 6. Predict
#
# Write `predict(model, loader)`: the logits of all sentences, one tensor (N, K), in the loader's
# order. In **evaluation mode**, without gradients, batch by batch. Batches may lack labels.
# Afterwards the model is in the mode in which it came.

# %% [markdown] id="predict-task" lang="zh"
# ## 6. 预测
#
# 写 `predict(model, loader)`：按 loader 的顺序返回全部句子的 logits，一个 (N, K) 张量。
# 在**评估模式**下逐批计算，不记录梯度。批次里可能没有标签。结束后，模型的模式与传入时一样。

# %% id="predict"
def predict(model, loader):
    # en: N sentences in batches → logits (N, K)
    # zh: 分批的 N 个句子 → logits (N, K)
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    with torch.no_grad():
        logits = [
            model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            for batch in loader
        ]
    model.train(training)
    return torch.cat(logits)
    ### END SOLUTION

# %% id="predict-check"
check("predict")

# %% [markdown] id="evaluate-task" lang="en"
# ## 7. How good is it?
#
# Write `evaluate(model, loader)`, whose loader does not shuffle: a dict of
#
# - `"accuracy"`: the share of **all** sentences whose prediction is right;
# - `"macro_f1"`: the mean over classes of their F1, the classes being those that occur among the
#   labels or the predictions;
# - `"confusion"`: (K, K) counts, rows actual, columns predicted, for all K classes of the model.
#
# Here scikit-learn is welcome.

# %% [markdown] id="evaluate-task" lang="zh"
# ## 7. 到底学得怎么样
#
# 写 `evaluate(model, loader)`（loader 不打乱顺序），返回字典：
#
# - `"accuracy"`：**全部**句子中判对的比例；
# - `"macro_f1"`：各类 F1 的平均，类别取标签或预测中出现过的；
# - `"confusion"`：(K, K) 计数，行是实际类别，列是预测类别，模型的 K 个类别都要有。
#
# 这里可以用 scikit-learn。

# %% id="evaluate"
def evaluate(model, loader):
    # en: → {"accuracy": number, "macro_f1": number, "confusion": (K, K)}
    # zh: → {"accuracy": 数, "macro_f1": 数, "confusion": (K, K)}
    ### BEGIN SOLUTION
    logits = predict(model, loader)
    predictions = logits.argmax(dim=1).numpy()
    labels = torch.cat([batch["labels"] for batch in loader]).numpy()
    return {
        "accuracy": accuracy_score(labels, predictions),
        "macro_f1": f1_score(labels, predictions, average="macro"),
        "confusion": confusion_matrix(labels, predictions, labels=range(logits.shape[1])),
    }
    ### END SOLUTION

# %% id="evaluate-try"
# en: Needs tasks 5 and 6. What it has learned by heart, and what holds for new sentences.
# zh: 需要先完成第 5、6 题。左：背下来的；右：对新句子也成立的。
with suppress(NotImplementedError, NameError):
    figure, grid = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained")
    for axes, part in zip(grid, ("train", "test"), strict=True):
        report = evaluate(model, loader_of(part, batch_size=64))
        shares = report["confusion"] / report["confusion"].sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (i, j), n in np.ndenumerate(report["confusion"]):
            color = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, n, ha="center", va="center", color=color)
        axes.set_xticks(range(3), LABELS)
        axes.set_yticks(range(3), LABELS)
        axes.set(xlabel="predicted", ylabel="actual")
        axes.set_title(f"{part}: accuracy {report['accuracy']:.2f}, F1 {report['macro_f1']:.2f}")
    plt.show()

# %% id="evaluate-check"
check("evaluate")

# %% [markdown] id="load_model-task" lang="en"
# ## 8. Three classes with names
#
# A document loads `bert-base-uncased` without a word on classes, and prints `1`. The head is new
# and random, has two outputs where three are needed, and nobody knows what `1` is.
#
# **`load_model(path, names)`**: load `BertForSequenceClassification` from `path` with one output
# for each name; class i is `names[i]`. The model's `config` knows it both ways, as `id2label`
# (int → str) and `label2id` (str → int), so that saving and loading keeps it.
#
# **`name_predictions(model, tokenizer, texts)`**: for each text the pair of the name of its most
# probable class, by the model's own configuration, and that probability. In evaluation mode.

# %% [markdown] id="load_model-task" lang="zh"
# ## 8. 三个类别，各有名字
#
# 有一份资料加载 `bert-base-uncased`，只字不提类别，然后打印出一个 `1`。分类头是新建的、随机的；
# 该有三个输出，却只有两个；而这个 `1` 是什么，没有人知道。
#
# **`load_model(path, names)`**：从 `path` 加载 `BertForSequenceClassification`，每个名字对应一个输出，
# 第 i 类就是 `names[i]`。模型的 `config` 两个方向都要知道：`id2label`（int → str）和 `label2id`（str → int），
# 这样保存、重新加载之后名字仍在。
#
# **`name_predictions(model, tokenizer, texts)`**：对每段文本，返回一对：概率最大的类别名（以模型自己的配置为准）
# 和这个概率。在评估模式下计算。

# %% id="load_model"
def load_model(path, names):
    # en: path: a folder; names: K strings → model with K classes
    # zh: path：文件夹；names：K 个字符串 → 有 K 个类别的模型
    ### BEGIN SOLUTION
    return BertForSequenceClassification.from_pretrained(
        path,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )
    ### END SOLUTION

# %% id="name_predictions"
def name_predictions(model, tokenizer, texts):
    # en: texts: N strings → N pairs (name, probability)
    # zh: texts：N 个字符串 → N 对（名字，概率）
    ### BEGIN SOLUTION
    model.eval()
    with torch.no_grad():
        logits = model(**encode(texts, tokenizer)).logits  # (N, K)
    best, places = logits.softmax(dim=1).max(dim=1)
    names = [model.config.id2label[place] for place in places.tolist()]
    return list(zip(names, best.tolist(), strict=True))
    ### END SOLUTION

# %% id="load_model-try"
# en: Names for the model that learned in task 5. Where it is wrong, how sure is it?
# zh: 给第 5 题里训练好的模型配上名字。判错的那几句，它有多大把握？
with suppress(NotImplementedError, NameError):
    named = load_model(folder, LABELS)
    named.load_state_dict(model.state_dict())
    trials = ["The food was good.", "The food was not good.", "The food was not bad at all.",
              "房间很干净。", "房间不干净。", "说不上好，也说不上坏。"]
    for text, (name, probability) in zip(
        trials, name_predictions(named, tokenizer, trials), strict=True
    ):
        print(f"{name:>8} {probability:.2f}  {text}")

# %% id="load_model-check"
check("load_model")

# %% [markdown] id="mended_program-task" lang="en"
# ## 9. Mend this program
#
# Here the documents' faults meet in one program, more than a dozen of them. Some stop it, one
# after the other as you mend; most would let it run and learn nothing, or say something that is
# not so.

# %% [markdown] id="mended_program-task" lang="zh"
# ## 9. 改好这个程序
#
# 几份资料里的错误在这个程序里聚齐了，有十多处。有几处会让它报错，改掉一个又冒出下一个；
# 更多的是照样运行，却什么也学不到，或者给出并不真实的结果。

# %% id="faulty-program"
def faulty_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=5e-2):
    names = sorted(set(labels))
    labels = [names.index(name) for name in labels]
    model.classifier = nn.Sequential(model.classifier, nn.Softmax(dim=-1))
    encodings = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        for i in range(len(encodings)):
            inputs = encodings["input_ids"][i : i + 1]
            labels = torch.tensor(labels[i])
            loss = model(inputs).loss
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    predictions = []
    for start in range(0, len(texts), 32):
        asked = tokenizer(texts[start : start + 32], padding=True, return_tensors="pt")
        predictions += model(asked["input_ids"]).logits.argmax(dim=-1).tolist()
    return {"losses": losses, "predictions": predictions}


train_texts = [example.text for example in parts["train"]]
train_labels = [example.label for example in parts["train"]]
test_texts = [example.text for example in parts["test"]]
fresh = BertForSequenceClassification.from_pretrained(folder, num_labels=3)
try:
    faulty_program(fresh, tokenizer, train_texts, train_labels, test_texts)
except Exception as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown] id="mended_program-contract" lang="en"
# Write it as it should be, with the same arguments. Where `learning_rate` is `None`, you choose one
# at which **this** model can learn. `labels` are names; which number a name has, `model.config` says. It returns
#
# - `"losses"`: the mean training loss over all sentences, one number for each epoch; `model`
#   itself is what learns;
# - `"predictions"`: the **name** that the model gives to each sentence of `test_texts`, in order.
#
# Learn by AdamW from every sentence once in each epoch, shuffled, one step for each batch of at most
# 32, a size that you choose. With `epochs=0` nothing is learned. It needs none of your answers above;
# where you use one, a mistake in it comes along.

# %% [markdown] id="mended_program-contract" lang="zh"
# 把它改对，参数不变。`learning_rate` 为 `None` 时由你来定，要让**这个**模型学得动。`labels` 是类别名，名字对应哪个编号以 `model.config` 为准。
# 返回
#
# - `"losses"`：每轮一个数，即对全部训练句子求平均的损失；训练的就是传进来的 `model`；
# - `"predictions"`：模型给 `test_texts` 每句话的类别**名**，按顺序。
#
# 用 AdamW，每轮打乱，每个句子恰好学一次，每批更新一步，批大小自定，最多 32。`epochs=0` 时不训练。
# 这个程序不依赖前面的答案；要是用了前面的函数，那里的错也会跟着过来。

# %% id="mended_program"
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    # en: → {"losses": [epochs numbers], "predictions": [names of test_texts]}
    # zh: → {"losses": [epochs 个数], "predictions": [test_texts 的类别名]}
    ### BEGIN SOLUTION
    rate = LEARNING_RATE if learning_rate is None else learning_rate
    numbers = torch.tensor([model.config.label2id[name] for name in labels])
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(texts)).split(16):
            batch = tokenizer([texts[i] for i in rows], padding=True, return_tensors="pt")
            loss = model(**batch, labels=numbers[rows]).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)  # the last batch is smaller
        losses.append(total / len(texts))
    model.eval()
    with torch.no_grad():
        asked = tokenizer(list(test_texts), padding=True, return_tensors="pt")
        places = model(**asked).logits.argmax(dim=1).tolist()
    return {"losses": losses, "predictions": [model.config.id2label[k] for k in places]}
    ### END SOLUTION

# %% id="mended_program-try"
with suppress(NotImplementedError):
    torch.manual_seed(0)
    fresh = load_model(folder, LABELS)
    report = mended_program(fresh, tokenizer, train_texts, train_labels, test_texts)
    hits = [said == e.label for said, e in zip(report["predictions"], parts["test"], strict=True)]
    print("losses:", [round(loss, 2) for loss in report["losses"]])
    for trap in ("plain", "negation", "contrast", "aspect"):
        chosen = [hit for hit, e in zip(hits, parts["test"], strict=True) if e.kind == trap]
        print(f"{trap:>9}: {np.mean(chosen):.2f} of {len(chosen)}")
    print(f"{'all':>9}: {np.mean(hits):.2f} of {len(hits)}")

# %% id="mended_program-check"
check("mended_program")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# "Your fine-tuned BERT has a loss that stays near 1.1 on three classes. What do you look at, in
# which order?" The lesson has the answers to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 「三分类微调 BERT，损失一直停在 1.1 附近。你会按什么顺序排查？」课文里有要点可以对照。
