"""Known-wrong answers for `bert-classifier`, most of them the documents' own."""

import copy
import re

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import BertForSequenceClassification, BertModel, get_linear_schedule_with_warmup

from autograder.checks import wrong
from autograder.data.sentiment import load

from .checks import _accuracy

# --- encode -------------------------------------------------------------------------------


def _encode(texts, tokenizer, max_length=128, **options):
    settings = {"padding": True, "truncation": True, "return_tensors": "pt", **options}
    return dict(tokenizer(list(texts), max_length=max_length, **settings))


@wrong(
    "encode",
    "Cleans the texts first: punctuation and stop words, among them “not”, are gone.",
    zh="先「清洗」文本：标点和停用词都没了，连「不」也在其中。",
    caught_by="rows_hold_the_tokens",
    errata=("E092",),
    step="Give the tokenizer the sentences as they are; BERT was trained on such.",
    step_zh="把原句直接交给 tokenizer：BERT 预训练时见的就是这样的文本。",
)
def cleans_first(texts, tokenizer, max_length=128):
    dropped = r"\b(the|a|was|is|not|and)\b|[不没的了]"
    plain = [re.sub(dropped, "", re.sub(r"[^\w\s]", "", text.lower())) for text in texts]
    return _encode(plain, tokenizer, max_length)


@wrong(
    "encode",
    "Leaves out [CLS] and [SEP].",
    zh="漏掉了 [CLS] 和 [SEP]。",
    caught_by="rows_hold_the_tokens",
    step="The pooled vector is made at [CLS]: keep the special tokens.",
    step_zh="池化向量取自 [CLS] 位置：保留特殊词元。",
)
def no_special_tokens(texts, tokenizer, max_length=128):
    return _encode(texts, tokenizer, max_length, add_special_tokens=False)


@wrong(
    "encode",
    "Returns lists of Python numbers, as tokenizer.encode does.",
    zh="像 tokenizer.encode 那样，返回了 Python 列表。",
    caught_by="rows_hold_the_tokens",
    errata=("E104",),
    step='A model wants tensors: return_tensors="pt".',
    step_zh='模型要的是张量：return_tensors="pt"。',
)
def returns_lists(texts, tokenizer, max_length=128):
    return _encode(texts, tokenizer, max_length, return_tensors=None)


@wrong(
    "encode",
    "Makes a mask of ones only, so padding counts as text.",
    zh="mask 全是 1，填充也被当成了正文。",
    caught_by="mask_tells_padding",
    errata=("E106",),
    step="Return the attention_mask that the tokenizer gives.",
    step_zh="返回 tokenizer 给出的 attention_mask。",
)
def mask_of_ones(texts, tokenizer, max_length=128):
    encoding = _encode(texts, tokenizer, max_length)
    return {**encoding, "attention_mask": torch.ones_like(encoding["input_ids"])}


@wrong(
    "encode",
    "Pads on the left, which moves BERT's absolute positions.",
    zh="填充在左边，BERT 的绝对位置全都移了位。",
    caught_by="mask_tells_padding",
    step="Pad on the right; left padding is for generation.",
    step_zh="填充放右边；左填充是生成任务用的。",
)
def pads_left(texts, tokenizer, max_length=128):
    tokenizer.padding_side = "left"
    return _encode(texts, tokenizer, max_length)


@wrong(
    "encode",
    "Pads every batch to max_length.",
    zh="每个批次都填充到 max_length。",
    caught_by="as_wide_as_the_longest",
    step="Pad to the longest sentence of the batch: padding=True.",
    step_zh="只填充到本批最长的一句：padding=True。",
)
def pads_to_max_length(texts, tokenizer, max_length=128):
    return _encode(texts, tokenizer, max_length, padding="max_length")


@wrong(
    "encode",
    "Does not truncate.",
    zh="没有截断。",
    caught_by="long_texts_are_cut",
    step="BERT has no position beyond its last: switch truncation on.",
    step_zh="超出最后一个位置 BERT 就没有编码了：打开截断。",
)
def does_not_truncate(texts, tokenizer, max_length=128):
    return _encode(texts, tokenizer, max_length, truncation=False)


@wrong(
    "encode",
    "Slices the finished tensors at max_length, which cuts [SEP] off.",
    zh="编码之后再切到 max_length，把 [SEP] 切掉了。",
    caught_by="long_texts_are_cut",
    step="Let the tokenizer truncate: it makes room for [SEP].",
    step_zh="让 tokenizer 来截断：它会给 [SEP] 留位置。",
)
def slices_off_sep(texts, tokenizer, max_length=128):
    encoding = _encode(texts, tokenizer, max_length, truncation=False)
    return {name: tensor[:, :max_length] for name, tensor in encoding.items()}


# --- make_loader --------------------------------------------------------------------------


def _batch(rows, tokenizer):
    texts, labels = zip(*rows, strict=True)
    return {**_encode(texts, tokenizer), "labels": torch.tensor(labels)}


def _loader(texts, labels, tokenizer, batch_size, shuffle, **options):
    rows = list(zip(texts, labels, strict=True))
    return DataLoader(
        rows, batch_size, shuffle, collate_fn=lambda part: _batch(part, tokenizer), **options
    )


@wrong(
    "make_loader",
    "Counts the keys of the encoding instead of the sentences, and stops after three.",
    zh="数的是编码结果的键数，不是句子数，三句之后就停了。",
    caught_by="every_sentence_once",
    errata=("E015",),
    step="len(encoding) is the number of its keys; count its rows.",
    step_zh="len(encoding) 是键的个数；要数的是行数。",
)
def counts_keys(texts, labels, tokenizer, batch_size, shuffle=False):
    n = len(tokenizer(list(texts)))
    return _loader(texts[:n], labels[:n], tokenizer, batch_size, shuffle)


@wrong(
    "make_loader",
    "Drops the last batch because it is smaller.",
    zh="最后一批不满，就丢掉了。",
    caught_by="every_sentence_once",
    step="Keep the last batch: its sentences count as well.",
    step_zh="最后一批也要留：那些句子同样算数。",
)
def drops_last(texts, labels, tokenizer, batch_size, shuffle=False):
    return _loader(texts, labels, tokenizer, batch_size, shuffle, drop_last=True)


class _Iterated:
    """A loader that can be gone through any number of times, and no more."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        return iter(self.loader)


class _CountsSentences(_Iterated):
    def __len__(self):
        return len(self.loader.dataset)


@wrong(
    "make_loader",
    "Does not know how many batches it has, so no schedule of learning rates can be made for it.",
    zh="不知道自己有多少个批次，也就没法为它安排学习率。",
    caught_by="knows_its_length",
    step="Give it a `__len__`, or return a DataLoader, which has one.",
    step_zh="给它写 `__len__`，或直接返回自带 `__len__` 的 DataLoader。",
)
def has_no_length(texts, labels, tokenizer, batch_size, shuffle=False):
    return _Iterated(_loader(texts, labels, tokenizer, batch_size, shuffle))


@wrong(
    "make_loader",
    "Gives the number of sentences as its length instead of that of batches.",
    zh="长度返回的是句子数，不是批次数。",
    caught_by="knows_its_length",
    step="One epoch takes as many steps as there are batches: divide, and round up.",
    step_zh="一轮走的步数等于批次数：相除后向上取整。",
)
def counts_sentences(texts, labels, tokenizer, batch_size, shuffle=False):
    return _CountsSentences(_loader(texts, labels, tokenizer, batch_size, shuffle))


@wrong(
    "make_loader",
    "Hands the tokenizer's output itself to the DataLoader, which takes its keys for examples.",
    zh="把 tokenizer 的输出直接交给 DataLoader，它会把键当成样本。",
    caught_by="every_sentence_once",
    errata=("E145",),
    step="Make a data set whose length is the number of sentences.",
    step_zh="写一个长度等于句子数的数据集。",
)
def hands_over_the_encoding(texts, labels, tokenizer, batch_size, shuffle=False):
    encoding = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    encoding["labels"] = torch.tensor(labels)
    return DataLoader(encoding, batch_size, shuffle)


@wrong(
    "make_loader",
    "Never cuts, so one long text is more than the model has positions for.",
    zh="从不截断，一段长文本就会超出模型的位置数。",
    caught_by="cut_at_128",
    step="Truncate when you encode, at 128 tokens.",
    step_zh="编码时截断到 128 个词元。",
)
def never_cuts(texts, labels, tokenizer, batch_size, shuffle=False):
    def joined(part):
        batch = tokenizer([text for text, _ in part], padding=True, return_tensors="pt")
        return {**batch, "labels": torch.tensor([label for _, label in part])}

    rows = list(zip(texts, labels, strict=True))
    return DataLoader(rows, batch_size, shuffle, collate_fn=joined)


@wrong(
    "make_loader",
    "Makes batches of one sentence, whatever batch_size says.",
    zh="不管 batch_size 是多少，每批都只有一句。",
    caught_by="padded_batch_by_batch",
    errata=("E018",),
    step="Pass batch_size on to the DataLoader.",
    step_zh="把 batch_size 传给 DataLoader。",
)
def one_by_one(texts, labels, tokenizer, batch_size, shuffle=False):
    return _loader(texts, labels, tokenizer, 1, shuffle)


@wrong(
    "make_loader",
    "Pads the whole set at once, so every batch is as wide as the longest sentence of all.",
    zh="一次填充整个数据集，每一批都和全体最长的句子一样宽。",
    caught_by="padded_batch_by_batch",
    errata=("E073",),
    step="Encode in collate_fn, where only the sentences of one batch are known.",
    step_zh="放到 collate_fn 里编码，那里只看得到本批的句子。",
)
def pads_the_whole_set(texts, labels, tokenizer, batch_size, shuffle=False):
    encoding = _encode(texts, tokenizer)
    rows = [
        {**{name: tensor[i] for name, tensor in encoding.items()}, "labels": label}
        for i, label in enumerate(labels)
    ]
    return DataLoader(rows, batch_size, shuffle)


@wrong(
    "make_loader",
    "Leaves the labels out of the batch.",
    zh="批次里没有放标签。",
    caught_by="labels_are_class_numbers",
    errata=("E146",),
    step='Add a tensor under the key "labels"; without it a model gives no loss.',
    step_zh='加上键为 "labels" 的张量；没有它，模型不会给出损失。',
)
def leaves_labels_out(texts, labels, tokenizer, batch_size, shuffle=False):
    collate = lambda part: _encode([text for text, _ in part], tokenizer)  # noqa: E731
    return DataLoader(
        list(zip(texts, labels, strict=True)), batch_size, shuffle, collate_fn=collate
    )


@wrong(
    "make_loader",
    "Hands labels to DataLoader as its second argument, which is batch_size.",
    zh="把标签当作 DataLoader 的第二个参数，而那其实是 batch_size。",
    caught_by="labels_are_class_numbers",
    errata=("E144",),
    step="A DataLoader takes one data set: put text and label together in it.",
    step_zh="DataLoader 只接受一个数据集：把文本和标签放在一起。",
)
def labels_as_batch_size(texts, labels, tokenizer, batch_size, shuffle=False):
    return DataLoader(_encode(texts, tokenizer), labels, batch_size=batch_size)


@wrong(
    "make_loader",
    "Labels are floating-point numbers.",
    zh="标签成了浮点数。",
    caught_by="labels_are_class_numbers",
    step="Class numbers are int64; floats would be taken for probabilities.",
    step_zh="类别编号应是 int64；浮点数会被当成概率。",
)
def labels_as_floats(texts, labels, tokenizer, batch_size, shuffle=False):
    labels = [float(label) for label in labels]
    return _loader(texts, labels, tokenizer, batch_size, shuffle)


@wrong(
    "make_loader",
    "Labels have a column of their own, (B, 1) instead of (B,).",
    zh="标签多了一维，是 (B, 1) 而不是 (B,)。",
    caught_by="labels_are_class_numbers",
    step="One number for each sentence, shape (B,).",
    step_zh="每句一个数，形状 (B,)。",
)
def labels_as_column(texts, labels, tokenizer, batch_size, shuffle=False):
    return _loader(texts, [[label] for label in labels], tokenizer, batch_size, shuffle)


@wrong(
    "make_loader",
    "Never shuffles.",
    zh="从不打乱。",
    caught_by="every_epoch_its_own_order",
    errata=("E018",),
    step="Pass shuffle on to the DataLoader.",
    step_zh="把 shuffle 传给 DataLoader。",
)
def never_shuffles(texts, labels, tokenizer, batch_size, shuffle=False):
    return _loader(texts, labels, tokenizer, batch_size, False)


def _orders(seen):
    return [[str(row) for row in order] for order in seen["orders"]]


def _kept_one_order(seen):
    first, *others = _orders(seen)
    given = [str(row) for row in seen["given"]]
    return first != given and all(order == first for order in others)


def _parted(seen):
    first, given = _orders(seen)[0], [str(row) for row in seen["given"]]
    return sorted(first) != sorted(given) and len(first) == len(given)


@wrong(
    "make_loader",
    "Shuffles once, and every epoch has the same order.",
    zh="只打乱一次，每一轮顺序都相同。",
    caught_by="every_epoch_its_own_order",
    errata=("E018",),
    step="Let the DataLoader shuffle: it does so anew each time it is gone through.",
    step_zh="交给 DataLoader 打乱：每遍历一次，它都会重新打乱。",
    looks_like=_kept_one_order,
)
def shuffles_once(texts, labels, tokenizer, batch_size, shuffle=False):
    order = torch.randperm(len(texts)).tolist() if shuffle else range(len(texts))
    parts = [texts[i] for i in order], [labels[i] for i in order]
    return _loader(*parts, tokenizer, batch_size, False)


@wrong(
    "make_loader",
    "Shuffles the sentences and leaves the labels where they were.",
    zh="打乱了句子，标签却留在原处。",
    caught_by="every_epoch_its_own_order",
    step="Shuffle pairs of sentence and label.",
    step_zh="打乱的应是（句子，标签）配对。",
    looks_like=_parted,
)
def parts_from_labels(texts, labels, tokenizer, batch_size, shuffle=False):
    order = torch.randperm(len(texts)).tolist() if shuffle else range(len(texts))
    return _loader([texts[i] for i in order], labels, tokenizer, batch_size, False)


# --- BertClassifier -----------------------------------------------------------------------


class _Head(nn.Module):
    """A right classifier with one fault, which is named."""

    def __init__(self, bert, num_labels, dropout, fault):
        super().__init__()
        self.bert, self.fault, self.rate = bert, fault, dropout
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        mask = None if self.fault == "mask" else attention_mask  # (B, T)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.fault != "frozen"):
            out = self.bert(input_ids=input_ids, attention_mask=mask)
        vector = out.pooler_output  # (B, H)
        if self.fault == "last":
            vector = out[-1] if torch.is_tensor(out[-1]) else out[-1][-1][:, 0]
        elif self.fault == "cls":
            vector = out.last_hidden_state[:, 0]
        elif self.fault == "mean":
            vector = out.last_hidden_state.mean(dim=1)
        if self.fault == "always":
            return self.linear(nn.functional.dropout(vector, self.rate))
        if self.fault == "late":
            return self.dropout(self.linear(vector))
        logits = self.linear(vector if self.fault == "none" else self.dropout(vector))  # (B, K)
        if self.fault == "relu":
            return logits.relu()
        return logits.softmax(dim=-1) if self.fault == "softmax" else logits


@wrong(
    "BertClassifier",
    "Ends in softmax, which the loss then applies again.",
    zh="最后加了 softmax，而损失函数还会再做一次。",
    caught_by="logits_of_the_pooled_vector",
    errata=("E143",),
    step="Return logits: cross entropy contains the softmax.",
    step_zh="返回 logits：交叉熵里已经含有 softmax。",
)
def softmax_in_forward(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "softmax")


@wrong(
    "BertClassifier",
    "Ends in ReLU, which makes all negative logits equal.",
    zh="最后加了 ReLU，负的 logits 全变得一样。",
    caught_by="logits_of_the_pooled_vector",
    step="Return the linear layer's result as it is.",
    step_zh="直接返回线性层的结果。",
)
def relu_in_forward(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "relu")


@wrong(
    "BertClassifier",
    "Has two classes, however many were asked for.",
    zh="不管要几类，都只有两类。",
    caught_by="logits_of_the_pooled_vector",
    errata=("E071",),
    step="The linear layer has num_labels outputs.",
    step_zh="线性层的输出维度是 num_labels。",
)
def always_two_classes(bert, num_labels, dropout=0.1):
    return _Head(bert, 2, dropout, "")


@wrong(
    "BertClassifier",
    "Writes 768 for BERT's hidden size, which is that of bert-base and of no other.",
    zh="把 BERT 的隐藏维度写死成 768，那只是 bert-base 的维度。",
    caught_by="logits_of_the_pooled_vector",
    errata=("E093",),
    step="The checkpoint fixes the size: read bert.config.hidden_size.",
    step_zh="维度由预训练权重决定：读 bert.config.hidden_size。",
)
def size_of_its_own(bert, num_labels, dropout=0.1):
    model = _Head(bert, num_labels, dropout, "")
    model.linear = nn.Linear(768, num_labels)
    return model


@wrong(
    "BertClassifier",
    "Takes the last layer's vector at [CLS] and leaves the pooler out.",
    zh="直接取最后一层 [CLS] 的向量，没有经过池化层。",
    caught_by="logits_of_the_pooled_vector",
    step="That can work, but asked for is pooler_output.",
    step_zh="这样也能训练，但题目要的是 pooler_output。",
)
def without_the_pooler(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "cls")


@wrong(
    "BertClassifier",
    "Averages over all positions, padding included.",
    zh="对所有位置取平均，填充也算在内。",
    caught_by="padding_leaves_logits_alone",
    step="Take pooler_output; a mean would have to leave padding out.",
    step_zh="取 pooler_output；若要取平均，必须排除填充。",
)
def mean_of_everything(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "mean")


@wrong(
    "BertClassifier",
    "Does not pass the mask to BERT.",
    zh="没有把 mask 传给 BERT。",
    caught_by="padding_leaves_logits_alone",
    errata=("E106",),
    step="Pass attention_mask too, or BERT reads padding as text.",
    step_zh="attention_mask 也要传，否则 BERT 会把填充当正文读。",
)
def mask_not_passed(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "mask")


@wrong(
    "BertClassifier",
    "Takes outputs[-1], whatever happens to be last.",
    zh="取了 outputs[-1]，最后一个是什么全凭运气。",
    caught_by="whatever_else_is_returned",
    errata=("E013",),
    step="Ask by name: outputs.pooler_output.",
    step_zh="按名字取：outputs.pooler_output。",
)
def takes_the_last_output(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "last")


def _spread(seen):
    """The largest standard deviation of a logit in training; whole logits dropped: infinite."""
    training = np.asarray(seen["training"])
    return np.inf if np.mean(training == 0) > 0.01 else training.std(axis=0).max()


def _steady(seen):
    return np.ptp(seen["evaluation"], axis=0).max() < 1e-3


@wrong(
    "BertClassifier",
    "Has no dropout.",
    zh="没有 dropout。",
    caught_by="dropout_on_the_pooled_vector",
    step="Put nn.Dropout between the pooled vector and the linear layer.",
    step_zh="在池化向量与线性层之间加 nn.Dropout。",
    looks_like=lambda seen: _steady(seen) and _spread(seen) < 1e-3,
)
def no_dropout(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "none")


@wrong(
    "BertClassifier",
    "Drops whole logits: dropout comes after the linear layer.",
    zh="dropout 放在线性层之后，丢掉的是整个 logit。",
    caught_by="dropout_on_the_pooled_vector",
    step="Drop parts of the pooled vector, before the linear layer.",
    step_zh="应在线性层之前，对池化向量做 dropout。",
    looks_like=lambda seen: 0.2 < np.mean(np.asarray(seen["training"]) == 0) < 0.95,
)
def dropout_after_linear(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "late")


@wrong(
    "BertClassifier",
    "Uses a dropout rate of 0.1, whatever was asked for.",
    zh="dropout 比率固定为 0.1，没有理会参数。",
    caught_by="dropout_on_the_pooled_vector",
    step="Use the rate that was passed in.",
    step_zh="使用传入的比率。",
    looks_like=lambda seen: _steady(seen) and 0.5 <= _spread(seen) < 0.8,
)
def dropout_of_a_tenth(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, 0.1, "")


@wrong(
    "BertClassifier",
    "Drops in evaluation as well, because F.dropout does not know the mode.",
    zh="评估时也在 dropout：F.dropout 自己不知道模型处于什么模式。",
    caught_by="dropout_on_the_pooled_vector",
    step="Use nn.Dropout, or pass training=self.training.",
    step_zh="改用 nn.Dropout，或传入 training=self.training。",
    looks_like=lambda seen: not _steady(seen),
)
def dropout_in_evaluation(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "always")


@wrong(
    "BertClassifier",
    "Makes a second BERT instead of using the one passed in.",
    zh="又造了一个 BERT，没有用传进来的那个。",
    caught_by="the_given_bert_trains_along",
    errata=("E012",),
    step="Store the given BERT as an attribute: one copy is enough.",
    step_zh="把传入的 BERT 存成属性：一份就够。",
)
def second_bert(bert, num_labels, dropout=0.1):
    return _Head(copy.deepcopy(bert), num_labels, dropout, "")


@wrong(
    "BertClassifier",
    "Keeps gradients from BERT, so only the head can learn.",
    zh="梯度传不到 BERT，只有分类头能学习。",
    caught_by="the_given_bert_trains_along",
    step="Fine-tuning moves all layers: no no_grad and no detach in forward.",
    step_zh="微调要更新所有层：forward 里不要 no_grad 或 detach。",
)
def frozen_bert(bert, num_labels, dropout=0.1):
    return _Head(bert, num_labels, dropout, "frozen")


# --- train_epoch --------------------------------------------------------------------------


def _epoch(model, loader, optimizer, scheduler=None, fault=""):
    """A right epoch with one fault, which is named."""
    if fault != "mode":
        model.train()
    losses, sizes = [], []
    for batch in loader:
        if fault not in ("stale", "once"):
            optimizer.zero_grad()
        labels = batch["labels"]
        given = {name: value for name, value in batch.items() if name != "labels"}
        if fault == "labels":
            loss = model(**given).loss
        else:
            logits = model(**given).logits  # (B, K)
            loss = cross_entropy(logits.softmax(-1) if fault == "softmax" else logits, labels)
        if fault != "backward":
            (loss * len(labels) if fault == "sum" else loss).backward()
        if fault == "cleared":
            optimizer.zero_grad()
        _clip(model, fault)
        if fault not in ("step", "once"):
            optimizer.step()
        if fault == "late clip":
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if scheduler is not None and fault not in ("schedule", "schedule by epoch"):
            scheduler.step()
        losses.append(loss.item())
        sizes.append(len(labels))
    if fault == "once":
        optimizer.step()
        optimizer.zero_grad()
    if scheduler is not None and fault == "schedule by epoch":
        scheduler.step()
    return losses, sizes


def _clip(model, fault):
    if fault == "value":
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
    elif fault == "norm":
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad /= norm
    elif fault not in ("clip", "late clip"):
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def _mean(losses, sizes):
    return float(np.average(losses, weights=sizes))


@wrong(
    "train_epoch",
    "Does not pass the labels, so the model gives no loss.",
    zh="没有传标签，模型不给损失。",
    caught_by="each_batch_moves_once",
    errata=("E146",),
    step="Pass the whole batch: the loss is None without labels.",
    step_zh="把整个批次传进去：没有 labels，loss 就是 None。",
)
def labels_not_passed(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "labels"))


@wrong(
    "train_epoch",
    "Never clears the gradients, so each batch adds to all before it.",
    zh="从不清零梯度，每一批都叠加在之前所有批次之上。",
    caught_by="gradients_start_afresh",
    step="Call zero_grad once for every batch.",
    step_zh="每个批次都要调用一次 zero_grad。",
)
def never_clears(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "stale"))


@wrong(
    "train_epoch",
    "Collects gradients over the whole epoch and steps once.",
    zh="整轮累积梯度，只更新一次。",
    caught_by="each_batch_moves_once",
    step="One step for each batch.",
    step_zh="每个批次更新一次。",
)
def steps_once(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "once"))


@wrong(
    "train_epoch",
    "Never steps: the parameters stay as they are.",
    zh="从不调用 step：参数原地不动。",
    caught_by="loss_falls",
    step="optimizer.step() after backward.",
    step_zh="backward 之后调用 optimizer.step()。",
    looks_like=lambda seen: min(seen) > 0.75 * max(seen),
)
def never_steps(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "step"))


@wrong(
    "train_epoch",
    "Clears the gradients between backward and step, so nothing is learned.",
    zh="在 backward 和 step 之间清零了梯度，什么也学不到。",
    caught_by="each_batch_moves_once",
    step="Clear before backward or after the step.",
    step_zh="清零要么在 backward 之前，要么在 step 之后。",
)
def clears_too_late(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "cleared"))


@wrong(
    "train_epoch",
    "Never goes backward, so no gradient arrives.",
    zh="没有调用 backward，梯度根本没有算。",
    caught_by="gradients_start_afresh",
    step="loss.backward() before the step.",
    step_zh="更新之前先 loss.backward()。",
)
def never_goes_backward(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "backward"))


@wrong(
    "train_epoch",
    "Makes every gradient of norm 1, short ones too.",
    zh="把每个梯度都变成范数 1，本来短的也拉长了。",
    caught_by="short_gradients_stay",
    step="Clipping only shortens: clip_grad_norm_ leaves what is shorter than 1.",
    step_zh="裁剪只会变短：不到 1 的梯度，clip_grad_norm_ 不动它。",
)
def always_of_norm_one(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "norm"))


@wrong(
    "train_epoch",
    "Goes backward from the sum over the sentences, so a large batch has a large gradient.",
    zh="对各句损失之和反向传播，批次越大梯度越大。",
    caught_by="short_gradients_stay",
    step="Go backward from the mean; add up the sums for the report only.",
    step_zh="用平均损失做反向传播，求和只用于汇报。",
)
def backward_from_the_sum(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "sum"))


@wrong(
    "train_epoch",
    "Applies softmax before cross entropy, which applies it again.",
    zh="在交叉熵之前做了 softmax，而交叉熵里还会再做一次。",
    caught_by="loss_is_a_mean_over_examples",
    errata=("E143",),
    step="Give cross entropy the logits.",
    step_zh="交叉熵要的是 logits。",
)
def softmax_before_loss(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "softmax"))


@wrong(
    "train_epoch",
    "Returns the mean of the batches' losses, so a sentence of the short batch weighs more.",
    zh="返回各批损失的平均，短批次里的句子分量变重了。",
    caught_by="loss_is_a_mean_over_examples",
    step="Weigh each batch's loss by its number of sentences.",
    step_zh="各批损失按句子数加权。",
)
def mean_of_batches(model, loader, optimizer, scheduler=None):
    return float(np.mean(_epoch(model, loader, optimizer, scheduler)[0]))


@wrong(
    "train_epoch",
    "Returns the loss of the last batch.",
    zh="返回的是最后一批的损失。",
    caught_by="loss_is_a_mean_over_examples",
    step="Add up the losses of all batches, weighted by size.",
    step_zh="按大小加权，汇总所有批次的损失。",
)
def loss_of_last_batch(model, loader, optimizer, scheduler=None):
    return _epoch(model, loader, optimizer, scheduler)[0][-1]


@wrong(
    "train_epoch",
    "Returns the sum of the losses.",
    zh="返回的是损失之和。",
    caught_by="loss_is_a_mean_over_examples",
    step="Divide by the number of sentences.",
    step_zh="除以句子总数。",
)
def sum_of_losses(model, loader, optimizer, scheduler=None):
    return float(np.dot(*_epoch(model, loader, optimizer, scheduler)))


@wrong(
    "train_epoch",
    "Learns in whatever mode the model came in, so possibly without dropout.",
    zh="模型传进来是什么模式就用什么模式训练，dropout 可能没开。",
    caught_by="learns_in_training_mode",
    step="Call model.train() first: from_pretrained gives evaluation mode.",
    step_zh="先调用 model.train()：from_pretrained 返回的是评估模式。",
)
def keeps_the_mode(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "mode"))


@wrong(
    "train_epoch",
    "Does not clip the gradients.",
    zh="没有裁剪梯度。",
    caught_by="gradients_are_clipped",
    errata=("E073",),
    step="clip_grad_norm_ with 1.0, between backward and step.",
    step_zh="在 backward 与 step 之间，用 clip_grad_norm_ 裁剪到 1.0。",
)
def does_not_clip(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "clip"))


@wrong(
    "train_epoch",
    "Clips each number of the gradient instead of its norm.",
    zh="裁剪的是梯度的每个分量，而不是范数。",
    caught_by="gradients_are_clipped",
    step="Clip the norm of all gradients together; their direction stays.",
    step_zh="裁剪全部梯度合起来的范数，方向不变。",
)
def clips_by_value(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "value"))


@wrong(
    "train_epoch",
    "Moves the scheduler once an epoch.",
    zh="调度器每轮才走一步。",
    caught_by="scheduler_moves_with_batches",
    step="Call scheduler.step() after each batch.",
    step_zh="每个批次之后都调用 scheduler.step()。",
)
def schedules_by_epoch(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "schedule by epoch"))


@wrong(
    "train_epoch",
    "Ignores the scheduler.",
    zh="没有理会调度器。",
    caught_by="scheduler_moves_with_batches",
    errata=("E073",),
    step="Where there is a scheduler, step it after each batch.",
    step_zh="有调度器时，每批之后让它走一步。",
)
def ignores_scheduler(model, loader, optimizer, scheduler=None):
    return _mean(*_epoch(model, loader, optimizer, scheduler, "schedule"))


# --- fine_tune ----------------------------------------------------------------------------


def _fine_tune(model, loader, epochs, rate, fault=""):
    """A right run with one fault, which is named."""
    if fault == "head only":
        model.base_model.requires_grad_(False)
    kind = torch.optim.Adam if fault == "adam" else torch.optim.AdamW
    optimizer = kind(model.parameters(), lr=100 * rate if fault == "hundred" else rate)
    total = epochs if fault == "epochs as steps" else epochs * len(loader)
    warm_up = 0 if fault == "cold" else max(1, total // 10)
    if fault == "short warm-up":
        warm_up = max(1, len(loader) // 10)
    scheduler = get_linear_schedule_with_warmup(optimizer, warm_up, total)
    losses = []
    for _ in range(1 if fault == "one epoch" else epochs):
        if fault == "anew":
            optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
            scheduler = get_linear_schedule_with_warmup(optimizer, 1, len(loader))
        moving = None if fault == "constant" else scheduler
        if moving is None:
            for group in optimizer.param_groups:
                group["lr"] = rate
        epoch = _epoch(model, loader, optimizer, moving)
        losses += epoch[0] if fault == "batches" else [_mean(*epoch)]
    return losses


def _rates(seen):
    rates = np.asarray(seen["rates"]) / seen["given"]
    if not rates.size:
        raise ValueError("no step was taken")
    return rates


@wrong(
    "fine_tune",
    "Learns at a hundred times the rate given: such as 0.003 where BERT wants 0.00003.",
    zh="学习率是给定值的一百倍：BERT 该用 0.00003 的地方用了 0.003。",
    caught_by="rate_rises_and_falls",
    errata=("E140", "E147"),
    step="Use the rate that was passed in; fine-tuning wants small ones.",
    step_zh="使用传入的学习率；微调要用小学习率。",
    looks_like=lambda seen: _rates(seen).max() > 10,
)
def hundredfold_rate(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "hundred")


@wrong(
    "fine_tune",
    "Keeps the rate constant.",
    zh="学习率始终不变。",
    caught_by="rate_rises_and_falls",
    errata=("E073",),
    step="Make a linear schedule with warm-up and step it with every batch.",
    step_zh="建一个带预热的线性调度，每批走一步。",
    looks_like=lambda seen: np.ptp(_rates(seen)) < 1e-9,
)
def constant_rate(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "constant")


@wrong(
    "fine_tune",
    "Starts at the full rate, without warm-up.",
    zh="一上来就用满学习率，没有预热。",
    caught_by="rate_rises_and_falls",
    errata=("E073",),
    step="Let the rate rise over the first tenth of the steps.",
    step_zh="前十分之一的步数里让学习率逐步升高。",
    looks_like=lambda seen: _rates(seen).argmax() == 0 and np.ptp(_rates(seen)) > 0.5,
)
def without_warm_up(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "cold")


@wrong(
    "fine_tune",
    "Counts too few steps, such as the epochs: the rate is 0 after a few batches.",
    zh="总步数算少了，例如把轮数当成步数：没几批学习率就归零了。",
    caught_by="rate_rises_and_falls",
    step="Steps are epochs times batches.",
    step_zh="总步数是轮数乘批次数。",
    looks_like=lambda seen: np.mean(_rates(seen) == 0) > 0.5,
)
def epochs_as_steps(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "epochs as steps")


@wrong(
    "fine_tune",
    "Makes a new optimizer and schedule every epoch, which forget what the last one knew.",
    zh="每一轮都新建优化器和调度器，之前积累的状态全丢了。",
    caught_by="optimizer_is_adamw",
    step="Make both once, before the first epoch.",
    step_zh="两者都只在第一轮之前建一次。",
)
def new_optimizer_each_epoch(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "anew")


@wrong(
    "fine_tune",
    "Uses Adam, which has no decoupled weight decay.",
    zh="用了 Adam，它没有解耦的权重衰减。",
    caught_by="optimizer_is_adamw",
    errata=("E147",),
    step="torch.optim.AdamW.",
    step_zh="改用 torch.optim.AdamW。",
)
def plain_adam(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "adam")


@wrong(
    "fine_tune",
    "Trains a single epoch.",
    zh="只训练了一轮。",
    caught_by="learns_what_holds",
    step="Go through the loader as often as epochs says.",
    step_zh="epochs 是几，就遍历几遍。",
    looks_like=lambda seen: len(seen["losses"]) == 1,
)
def single_epoch(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "one epoch")


@wrong(
    "fine_tune",
    "Returns the loss of every batch instead of one for each epoch.",
    zh="返回的是每一批的损失，而不是每轮一个。",
    caught_by="one_loss_for_each_epoch",
    step="train_epoch returns the mean of an epoch: collect these.",
    step_zh="train_epoch 返回的就是一轮的平均：把它们收集起来。",
)
def losses_of_batches(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "batches")


@wrong(
    "fine_tune",
    "Warms up for a tenth of one epoch, not of all steps.",
    zh="预热步数按一轮的十分之一算，而不是全部步数的十分之一。",
    caught_by="rate_rises_and_falls",
    step="All steps are epochs times batches; warm up over a tenth of these.",
    step_zh="全部步数是轮数乘批次数，取它的十分之一来预热。",
    looks_like=lambda seen: _rates(seen).argmax() in (1, 2) and _rates(seen)[-1] < 0.1,
)
def tenth_of_one_epoch(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "short warm-up")


@wrong(
    "fine_tune",
    "Freezes BERT and trains the head alone, which learns too little.",
    zh="冻结 BERT，只训练分类头，学得太少。",
    caught_by="learns_what_holds",
    step="Let all parameters learn.",
    step_zh="让所有参数都参与训练。",
    looks_like=lambda seen: len(seen["losses"]) > 1 and not seen["encoder moved"],
)
def head_only(model, loader, epochs, learning_rate):
    return _fine_tune(model, loader, epochs, learning_rate, "head only")


# --- predict ------------------------------------------------------------------------------


def _predict(model, loader, fault=""):
    """A right prediction with one fault, which is named."""
    training = model.training
    if fault != "dropout":
        model.eval()
    batches = [{name: batch[name] for name in ("input_ids", "attention_mask")} for batch in loader]
    if fault == "at once":
        batches = [_joined(batches)]
    with torch.set_grad_enabled(fault == "gradients"):
        if fault == "mask":
            logits = [model(batch["input_ids"]).logits for batch in batches]
        else:
            logits = [model(**batch).logits for batch in batches]
    if fault != "mode":
        model.train(training)
    return logits[-1] if fault == "last" else torch.cat(logits)


def _joined(batches):
    width = max(batch["input_ids"].shape[1] for batch in batches)
    return {
        name: torch.cat([
            nn.functional.pad(batch[name], (0, width - batch[name].shape[1])) for batch in batches
        ])
        for name in batches[0]
    }  # fmt: skip


@wrong(
    "predict",
    "Leaves dropout on: two runs give two results.",
    zh="dropout 没有关：跑两次得到两个结果。",
    caught_by="logits_in_order",
    errata=("E019",),
    step="model.eval() before predicting.",
    step_zh="预测之前调用 model.eval()。",
)
def dropout_left_on(model, loader):
    return _predict(model, loader, "dropout")


@wrong(
    "predict",
    "Returns the last batch only.",
    zh="只返回了最后一批。",
    caught_by="logits_in_order",
    step="Collect the logits of every batch and join them.",
    step_zh="收集每一批的 logits，再拼起来。",
)
def last_batch_only(model, loader):
    return _predict(model, loader, "last")


@wrong(
    "predict",
    "Returns probabilities instead of logits.",
    zh="返回的是概率，不是 logits。",
    caught_by="logits_in_order",
    step="Return the logits as the model gives them.",
    step_zh="模型给出的 logits 直接返回。",
)
def probabilities_for_logits(model, loader):
    return _predict(model, loader).softmax(dim=-1)


@wrong(
    "predict",
    "Returns class numbers instead of logits.",
    zh="返回的是类别编号，不是 logits。",
    caught_by="logits_in_order",
    step="Keep all K numbers of a sentence; argmax comes later.",
    step_zh="每句保留全部 K 个数，argmax 留到后面。",
)
def numbers_for_logits(model, loader):
    return _predict(model, loader).argmax(dim=-1)


@wrong(
    "predict",
    "Asks every batch for labels, which a new sentence does not have.",
    zh="每批都要取标签，可新句子没有标签。",
    caught_by="labels_are_not_needed",
    step="Pass input_ids and attention_mask only.",
    step_zh="只传 input_ids 和 attention_mask。",
)
def wants_labels(model, loader):
    loader = list(loader)
    for batch in loader:
        len(batch["labels"])
    return _predict(model, loader)


@wrong(
    "predict",
    "Does not pass the mask, so a prediction depends on its neighbours.",
    zh="没有传 mask，预测结果随同批的句子而变。",
    caught_by="company_does_not_matter",
    errata=("E106",),
    step="Pass attention_mask with input_ids.",
    step_zh="attention_mask 要和 input_ids 一起传。",
)
def predicts_without_mask(model, loader):
    return _predict(model, loader, "mask")


@wrong(
    "predict",
    "Keeps gradients while predicting.",
    zh="预测时还在记录梯度。",
    caught_by="no_gradients_batch_by_batch",
    errata=("E019",),
    step="torch.inference_mode() or torch.no_grad() around it.",
    step_zh="放进 torch.inference_mode() 或 torch.no_grad() 里。",
)
def keeps_gradients(model, loader):
    return _predict(model, loader, "gradients")


@wrong(
    "predict",
    "Joins all batches and runs them at once: memory grows with the data.",
    zh="把所有批次拼在一起一次算完：数据越多越占内存。",
    caught_by="no_gradients_batch_by_batch",
    errata=("E020",),
    step="One forward pass for each batch.",
    step_zh="每批做一次前向。",
)
def all_at_once(model, loader):
    return _predict(model, loader, "at once")


@wrong(
    "predict",
    "Leaves the model in evaluation mode, so training goes on without dropout.",
    zh="预测完模型停在评估模式，接着训练就没有 dropout 了。",
    caught_by="mode_is_given_back",
    step="Remember model.training and restore it.",
    step_zh="记住 model.training，结束时还原。",
)
def leaves_evaluation_mode(model, loader):
    return _predict(model, loader, "mode")


# --- evaluate -----------------------------------------------------------------------------


def _table(model, loader):
    """Labels and predictions of all batches, and the confusion matrix (K, K)."""
    labels = torch.cat([batch["labels"] for batch in loader]).numpy()
    logits = _predict(model, loader).numpy()
    predictions = logits.argmax(axis=1)
    matrix = np.zeros((logits.shape[1],) * 2, dtype=int)
    np.add.at(matrix, (labels, predictions), 1)
    return labels, predictions, matrix


def _f1s(matrix):
    hits = np.diag(matrix)
    return 2 * hits / np.maximum(matrix.sum(axis=0) + matrix.sum(axis=1), 1)


def _report(model, loader, **changes):
    labels, predictions, matrix = _table(model, loader)
    seen = np.union1d(labels, predictions)
    report = {"accuracy": float(np.mean(labels == predictions)),
              "macro_f1": float(_f1s(matrix)[seen].mean()), "confusion": matrix}  # fmt: skip
    return {**report, **changes}


@wrong(
    "evaluate",
    "Averages the accuracies of the batches.",
    zh="对各批的准确率求平均。",
    caught_by="accuracy_over_all",
    step="Count right answers over all batches, and divide once.",
    step_zh="先数全部批次判对的句子，只除一次。",
)
def accuracy_of_batches(model, loader):
    labels, predictions, _ = _table(model, loader)
    sizes = [len(batch["labels"]) for batch in loader]
    parts = np.split(labels == predictions, np.cumsum(sizes)[:-1])
    return _report(model, loader, accuracy=float(np.mean([part.mean() for part in parts])))


@wrong(
    "evaluate",
    "Takes the accuracy of the last batch.",
    zh="取的是最后一批的准确率。",
    caught_by="accuracy_over_all",
    step="All batches count.",
    step_zh="所有批次都要算进去。",
)
def accuracy_of_last_batch(model, loader):
    labels, predictions, _ = _table(model, loader)
    n = len(list(loader)[-1]["labels"])
    return _report(model, loader, accuracy=float(np.mean((labels == predictions)[-n:])))


@wrong(
    "evaluate",
    "Weighs the classes' F1 by how often they occur.",
    zh="各类 F1 按出现次数加权了。",
    caught_by="macro_f1_over_classes",
    step="Macro is the plain mean over classes.",
    step_zh="宏平均是各类的算术平均。",
)
def weighted_for_macro(model, loader):
    matrix = _table(model, loader)[2]
    return _report(model, loader, macro_f1=float(_f1s(matrix) @ matrix.sum(axis=1) / matrix.sum()))


@wrong(
    "evaluate",
    "Averages F1 over all classes of the model, also over those that nowhere occur.",
    zh="对模型的所有类别求 F1 平均，根本没出现的类也算了进去。",
    caught_by="macro_f1_over_classes",
    step="A class that is neither among the labels nor among the predictions has no F1.",
    step_zh="标签和预测里都没有的类，谈不上 F1。",
)
def f1_of_absent_classes(model, loader):
    return _report(model, loader, macro_f1=float(_f1s(_table(model, loader)[2]).mean()))


@wrong(
    "evaluate",
    "Averages F1 over the classes among the labels, and leaves out those only predicted.",
    zh="只对标签里有的类求 F1 平均，只在预测里出现的类漏掉了。",
    caught_by="macro_f1_over_classes",
    step="A class that is predicted and never right has F1 0, which counts.",
    step_zh="预测过却从没对过的类，F1 是 0，要算进去。",
)
def f1_of_labels_only(model, loader):
    labels, _, matrix = _table(model, loader)
    return _report(model, loader, macro_f1=float(_f1s(matrix)[np.unique(labels)].mean()))


@wrong(
    "evaluate",
    "Gives accuracy for macro F1, which is what micro F1 amounts to.",
    zh="宏平均 F1 给成了准确率，那其实是微平均 F1。",
    caught_by="macro_f1_over_classes",
    step="Compute one F1 for each class, then take their mean.",
    step_zh="每类各算一个 F1，再取平均。",
)
def micro_for_macro(model, loader):
    report = _report(model, loader)
    return {**report, "macro_f1": report["accuracy"]}


@wrong(
    "evaluate",
    "Puts predictions in the rows of the confusion matrix.",
    zh="混淆矩阵的行放成了预测。",
    caught_by="confusion_counts_sentences",
    step="Rows are actual classes, as scikit-learn has it.",
    step_zh="行是实际类别，与 scikit-learn 一致。",
)
def transposed_confusion(model, loader):
    return _report(model, loader, confusion=_table(model, loader)[2].T)


@wrong(
    "evaluate",
    "Makes a row only for classes that occur among the labels.",
    zh="只给标签里出现过的类别留了行。",
    caught_by="confusion_counts_sentences",
    step="The model has three classes, whatever occurs: name them all.",
    step_zh="不管出现了哪些，模型都有三类：把它们全列出来。",
)
def rows_of_labels_only(model, loader):
    labels, _, matrix = _table(model, loader)
    seen = np.unique(labels)
    return _report(model, loader, confusion=matrix[np.ix_(seen, seen)])


@wrong(
    "evaluate",
    "Makes rows and columns only for classes that occur among labels or predictions.",
    zh="只给标签或预测里出现过的类别留了行列。",
    caught_by="confusion_counts_sentences",
    step="Name all classes of the model: labels=range(K) in confusion_matrix.",
    step_zh="把模型的所有类别都给出来：confusion_matrix 里写 labels=range(K)。",
)
def rows_of_what_occurs(model, loader):
    labels, predictions, matrix = _table(model, loader)
    seen = np.union1d(labels, predictions)
    return _report(model, loader, confusion=matrix[np.ix_(seen, seen)])


# --- load_model ---------------------------------------------------------------------------


def _load(path, **options):
    return BertForSequenceClassification.from_pretrained(path, **options)


@wrong(
    "load_model",
    "Loads without saying how many classes there are, and gets two.",
    zh="加载时没说有几类，默认只有两类。",
    caught_by="as_many_logits_as_names",
    errata=("E071",),
    step="Say num_labels, or better the names, from which it follows.",
    step_zh="给出 num_labels；更好的是给出名字，类别数由此而来。",
)
def two_by_default(path, names):
    return _load(path)


@wrong(
    "load_model",
    "Builds the model from the configuration alone: its weights are random.",
    zh="只按配置建了模型：权重全是随机的。",
    caught_by="as_many_logits_as_names",
    step="from_pretrained loads the weights too.",
    step_zh="from_pretrained 才会载入权重。",
)
def random_weights(path, names):
    config = BertModel.config_class.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )
    return BertForSequenceClassification(config)


@wrong(
    "load_model",
    "Loads the weights and then makes BERT's layers anew, so what they had learned is lost.",
    zh="载入权重之后又把 BERT 的各层重新初始化，学过的东西都丢了。",
    caught_by="as_many_logits_as_names",
    step="Only the head is new, and from_pretrained has initialised it already.",
    step_zh="新的只有分类头，from_pretrained 已经把它初始化好了。",
    # Embeddings as they were are no model without weights.
    looks_like=lambda seen: all(
        not part["as pretrained"]["encoder"] and part["as pretrained"]["embeddings"]
        for part in seen
    ),
)
def makes_the_layers_anew(path, names):
    model = _load(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )
    for module in [*model.bert.encoder.modules(), *model.bert.pooler.modules()]:
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    return model


@wrong(
    "load_model",
    "Says the number of classes but not their names, which stay LABEL_0, LABEL_1, LABEL_2.",
    zh="只说了有几类，没给名字，仍叫 LABEL_0、LABEL_1、LABEL_2。",
    caught_by="names_both_ways",
    errata=("E107",),
    step="Pass id2label and label2id.",
    step_zh="传入 id2label 和 label2id。",
)
def classes_without_names(path, names):
    return _load(path, num_labels=len(names))


@wrong(
    "load_model",
    "Gives id2label but not label2id.",
    zh="给了 id2label，没给 label2id。",
    caught_by="names_both_ways",
    step="Both ways are needed: whoever trains on starts from names.",
    step_zh="两个方向都要：接着训练的人是从名字出发的。",
)
def one_way_only(path, names):
    return _load(path, num_labels=len(names), id2label=dict(enumerate(names)))


@wrong(
    "load_model",
    "Sorts the names, so the numbers mean other classes.",
    zh="给名字排了序，编号对应的类别就变了。",
    caught_by="names_both_ways",
    step="The order given decides: class i is names[i].",
    step_zh="以给定的顺序为准：第 i 类就是 names[i]。",
)
def sorts_the_names(path, names):
    names = sorted(names)
    return _load(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


@wrong(
    "load_model",
    "Keys of id2label are text: id2label[0] finds nothing.",
    zh="id2label 的键是字符串：id2label[0] 什么也查不到。",
    caught_by="names_both_ways",
    step="Keys are the class numbers themselves, integers.",
    step_zh="键就是类别编号本身，是整数。",
)
def text_for_keys(path, names):
    model = _load(path, num_labels=len(names))
    model.config.id2label = {str(i): name for i, name in enumerate(names)}
    model.config.label2id = {name: i for i, name in enumerate(names)}
    return model


# --- name_predictions ---------------------------------------------------------------------


def _pairs(model, tokenizer, texts, *, fault=""):
    if fault != "dropout":
        model.eval()
    batch = _encode(texts, tokenizer)
    if fault == "mask":
        del batch["attention_mask"]
    with torch.no_grad():
        logits = model(**batch).logits  # (B, K)
    scores = {"": logits.softmax(-1), "logit": logits, "sigmoid": logits.sigmoid(),
              "axis": logits.softmax(0)}.get(fault, logits.softmax(-1))  # fmt: skip
    best, place = scores.max(dim=-1)
    return list(zip(place.tolist(), best.tolist(), strict=True))


def _names(model, pairs):
    return [(model.config.id2label[place], score) for place, score in pairs]


@wrong(
    "name_predictions",
    "Gives class numbers instead of names.",
    zh="给的是类别编号，不是名字。",
    caught_by="name_and_probability",
    errata=("E107",),
    step="Look the number up in model.config.id2label.",
    step_zh="到 model.config.id2label 里查名字。",
)
def numbers_for_names(model, tokenizer, texts):
    return _pairs(model, tokenizer, texts)


@wrong(
    "name_predictions",
    "Names classes by a list of its own instead of the model's configuration.",
    zh="用自己写死的列表起名，没有看模型的配置。",
    caught_by="name_and_probability",
    step="The same number means another class in another model: use model.config.id2label.",
    step_zh="同一个编号在别的模型里是另一类：用 model.config.id2label。",
)
def names_of_its_own(model, tokenizer, texts):
    names = ["negative", "neutral", "positive"]
    return [(names[place], score) for place, score in _pairs(model, tokenizer, texts)]


@wrong(
    "name_predictions",
    "Gives the logit for the probability.",
    zh="把 logit 当作概率。",
    caught_by="name_and_probability",
    step="Softmax over the classes makes probabilities.",
    step_zh="沿类别做 softmax 才是概率。",
)
def logit_for_probability(model, tokenizer, texts):
    return _names(model, _pairs(model, tokenizer, texts, fault="logit"))


@wrong(
    "name_predictions",
    "Uses a sigmoid, whose results do not sum to 1 over the classes.",
    zh="用了 sigmoid，各类之和不为 1。",
    caught_by="name_and_probability",
    step="One class out of three: softmax.",
    step_zh="三选一要用 softmax。",
)
def sigmoid_for_softmax(model, tokenizer, texts):
    return _names(model, _pairs(model, tokenizer, texts, fault="sigmoid"))


@wrong(
    "name_predictions",
    "Takes the softmax over the sentences of the batch instead of over the classes.",
    zh="softmax 沿批次方向做了，而不是沿类别。",
    caught_by="names_without_dropout",
    step="The classes are the last axis: dim=-1.",
    step_zh="类别在最后一维：dim=-1。",
)
def softmax_over_sentences(model, tokenizer, texts):
    return _names(model, _pairs(model, tokenizer, texts, fault="axis"))


@wrong(
    "name_predictions",
    "Predicts with dropout if the model comes in training mode.",
    zh="模型以训练模式传入时，预测带着 dropout。",
    caught_by="names_without_dropout",
    errata=("E019",),
    step="model.eval() first.",
    step_zh="先调用 model.eval()。",
)
def names_with_dropout(model, tokenizer, texts):
    return _names(model, _pairs(model, tokenizer, texts, fault="dropout"))


@wrong(
    "name_predictions",
    "Forgets the mask, so a name depends on the other sentences.",
    zh="忘了 mask，名字会受其他句子影响。",
    caught_by="name_and_probability",
    errata=("E106",),
    step="Pass the whole encoding to the model.",
    step_zh="把整个编码结果都传给模型。",
)
def names_without_mask(model, tokenizer, texts):
    return _names(model, _pairs(model, tokenizer, texts, fault="mask"))


# --- mended_program: every fault that may be left in --------------------------------------


def _program(fault, model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    """The mended program with one of its faults still in it."""
    if learning_rate is None:
        learning_rate = {"rate": 5e-2, "slow": 3e-5}.get(fault, 5e-4)
    if fault == "head only":
        model.base_model.requires_grad_(False)
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    if fault == "sorted":
        names = sorted(set(labels))
    rows = list(zip(texts, [names.index(label) for label in labels], strict=True))
    if fault == "keys":
        rows = rows[: len(tokenizer(list(texts)))]
    kind = torch.optim.Adam if fault == "adam" else torch.optim.AdamW
    optimizer = kind(model.parameters(), lr=learning_rate)
    if fault != "train mode":
        model.train()
    losses = [_learn(fault, model, tokenizer, rows, optimizer) for _ in range(epochs)]
    if fault != "eval mode":
        model.eval()
    asked = texts if fault == "train texts" else test_texts
    batches = DataLoader(asked, 64, collate_fn=lambda part: _encode(part, tokenizer))
    with torch.set_grad_enabled(fault == "gradients"):
        parts = [_forward(fault, model, batch).argmax(dim=-1) for batch in batches]
    numbers = torch.cat(parts).tolist()
    return {"losses": losses, "predictions": numbers if fault == "numbers" else
            [names[k] for k in numbers]}  # fmt: skip


def _forward(fault, model, batch):
    mask = None if fault == "mask" else batch["attention_mask"]
    return model(input_ids=batch["input_ids"], attention_mask=mask).logits  # (B, K)


def _learn(fault, model, tokenizer, rows, optimizer):
    losses, sizes = [], []
    order = range(len(rows)) if fault == "order" else torch.randperm(len(rows)).tolist()
    for start in range(0, len(rows), 8):
        batch = _batch([rows[i] for i in order[start : start + 8]], tokenizer)
        labels = batch["labels"]
        if fault == "unlabelled":
            loss = model(input_ids=batch["input_ids"]).loss
        elif fault == "scalar":
            row = {name: batch[name][:1] for name in ("input_ids", "attention_mask")}
            loss = cross_entropy(_forward(fault, model, row), labels[0])
        elif fault == "shadowed":
            labels = torch.tensor(labels[0])
            loss = cross_entropy(_forward(fault, model, batch), torch.tensor([labels[start]]))
        else:
            logits = _forward(fault, model, batch)
            loss = cross_entropy(logits.softmax(-1) if fault == "softmax" else logits, labels)
        number = len(losses)
        if fault != "stale" and not (fault == "gathered" and number):
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if fault != "gathered" or start + 8 >= len(rows):
            optimizer.step()
        losses.append(loss.item())
        sizes.append(len(labels))
    return losses[-1] if fault == "last loss" else _mean(losses, sizes)


@wrong(
    "mended_program",
    "Still counts keys: only the first three sentences are learned from.",
    zh="数的还是键：只学了前三句。",
    caught_by="learns_from_every_sentence",
    errata=("E015", "E149"),
    step="len(encoding) counts its keys; go through a loader instead.",
    step_zh="len(encoding) 数的是键；改为遍历 DataLoader。",
)
def still_counts_keys(*arguments, **options):
    return _program("keys", *arguments, **options)


@wrong(
    "mended_program",
    "Still overwrites the list of labels with the label of one sentence.",
    zh="标签列表仍被单句的标签覆盖。",
    caught_by="learns_from_every_sentence",
    errata=("E017",),
    step="Give the batch's labels a name of their own.",
    step_zh="给本批的标签另起一个名字。",
)
def still_shadows_labels(*arguments, **options):
    return _program("shadowed", *arguments, **options)


@wrong(
    "mended_program",
    "Goes row by row and compares one row of logits with a bare number for a label.",
    zh="逐行训练，一行 logits 对的却是一个不带维度的标签。",
    caught_by="learns_from_every_sentence",
    errata=("E016",),
    step="Labels of a batch have shape (B,), also for a batch of one.",
    step_zh="一批标签的形状是 (B,)，哪怕这一批只有一句。",
)
def still_scalar_target(*arguments, **options):
    return _program("scalar", *arguments, **options)


@wrong(
    "mended_program",
    "Still does not pass the labels: the loss is None.",
    zh="仍然没有传标签：loss 是 None。",
    caught_by="learns_from_every_sentence",
    errata=("E146",),
    step="Pass labels to the model, or compute the loss from the logits.",
    step_zh="把 labels 传给模型，或由 logits 自己算损失。",
)
def still_without_labels(*arguments, **options):
    return _program("unlabelled", *arguments, **options)


@wrong(
    "mended_program",
    "Still applies softmax before cross entropy.",
    zh="交叉熵之前仍有 softmax。",
    caught_by="losses_are_cross_entropies",
    errata=("E143",),
    step="Cross entropy takes logits.",
    step_zh="交叉熵要的是 logits。",
)
def still_softmax_first(*arguments, **options):
    return _program("softmax", *arguments, **options)


@wrong(
    "mended_program",
    "Still learns at a rate a hundred times too high.",
    zh="学习率仍高出一百倍。",
    caught_by="rate_is_sensible",
    errata=("E140", "E147"),
    step="For this small BERT 0.0005; for bert-base 0.00002 to 0.00005.",
    step_zh="这个小 BERT 用 0.0005；bert-base 用 0.00002 到 0.00005。",
    looks_like=lambda seen: seen["highest rate"] > 3e-3,
)
def still_too_fast(*arguments, **options):
    return _program("rate", *arguments, **options)


@wrong(
    "mended_program",
    "Still uses Adam instead of AdamW.",
    zh="用的仍是 Adam，不是 AdamW。",
    caught_by="rate_is_sensible",
    errata=("E147",),
    step="torch.optim.AdamW decouples weight decay from the gradient.",
    step_zh="torch.optim.AdamW 把权重衰减与梯度分开。",
    looks_like=lambda seen: seen["kinds"] == ["Adam"] and seen["highest rate"] <= 3e-3,
)
def still_plain_adam(*arguments, **options):
    return _program("adam", *arguments, **options)


@wrong(
    "mended_program",
    "Still never clears the gradients.",
    zh="仍然从不清零梯度。",
    caught_by="program_clears_gradients",
    step="zero_grad once for every batch.",
    step_zh="每批都要 zero_grad。",
)
def still_stale_gradients(*arguments, **options):
    return _program("stale", *arguments, **options)


@wrong(
    "mended_program",
    "Takes one step for a whole epoch, of all its gradients.",
    zh="整轮的梯度攒在一起，只更新一步。",
    caught_by="program_clears_gradients",
    step="One step for each batch: zero_grad, backward and step, each time.",
    step_zh="每批更新一步：zero_grad、backward、step，每批都做一遍。",
    looks_like=lambda seen: "gathered" in seen["gradients"] and "stale" not in seen["gradients"],
)
def now_gathers_gradients(*arguments, **options):
    return _program("gathered", *arguments, **options)


@wrong(
    "mended_program",
    "Still predicts in training mode, with dropout.",
    zh="预测时仍在训练模式，dropout 开着。",
    caught_by="modes_of_learning_and_predicting",
    errata=("E019",),
    step="model.eval() before predicting.",
    step_zh="预测之前调用 model.eval()。",
)
def still_dropout_in_prediction(*arguments, **options):
    return _program("eval mode", *arguments, **options)


@wrong(
    "mended_program",
    "Still keeps gradients while predicting.",
    zh="预测时仍在记录梯度。",
    caught_by="modes_of_learning_and_predicting",
    errata=("E019",),
    step="torch.inference_mode() around the prediction.",
    step_zh="把预测放进 torch.inference_mode()。",
)
def still_gradients_in_prediction(*arguments, **options):
    return _program("gradients", *arguments, **options)


@wrong(
    "mended_program",
    "Still learns in evaluation mode, without dropout.",
    zh="训练时仍在评估模式，没有 dropout。",
    caught_by="modes_of_learning_and_predicting",
    step="model.train() before learning.",
    step_zh="训练之前调用 model.train()。",
)
def still_learns_in_evaluation(*arguments, **options):
    return _program("train mode", *arguments, **options)


@wrong(
    "mended_program",
    "Still leaves the mask out, so padding is read as text.",
    zh="仍然没有传 mask，填充被当成正文。",
    caught_by="losses_are_cross_entropies",
    errata=("E106",),
    step="Pass attention_mask in learning and in predicting.",
    step_zh="训练和预测都要传 attention_mask。",
)
def still_without_mask(*arguments, **options):
    return _program("mask", *arguments, **options)


@wrong(
    "mended_program",
    "Still prints class numbers.",
    zh="输出的仍是类别编号。",
    caught_by="names_of_the_test_sentences",
    errata=("E022", "E107"),
    step="Name them by model.config.id2label.",
    step_zh="用 model.config.id2label 换成名字。",
)
def still_numbers(*arguments, **options):
    return _program("numbers", *arguments, **options)


@wrong(
    "mended_program",
    "Still numbers the names in alphabetical order, not as the model does.",
    zh="仍按字母顺序给名字编号，与模型的编号不一致。",
    caught_by="names_of_the_test_sentences",
    step="model.config.label2id decides which number a name has.",
    step_zh="名字对应哪个编号，由 model.config.label2id 决定。",
)
def still_alphabetical(*arguments, **options):
    return _program("sorted", *arguments, **options)


@wrong(
    "mended_program",
    "Still predicts the sentences that it learned from.",
    zh="预测的仍是训练过的句子。",
    caught_by="names_of_the_test_sentences",
    errata=("E148",),
    step="Predict test_texts.",
    step_zh="要预测的是 test_texts。",
)
def still_training_sentences(*arguments, **options):
    return _program("train texts", *arguments, **options)


@wrong(
    "mended_program",
    "Still reports the loss of the last batch for that of the epoch.",
    zh="仍把最后一批的损失当作整轮的损失。",
    caught_by="losses_are_cross_entropies",
    step="Average over all sentences of the epoch.",
    step_zh="对这一轮的全部句子求平均。",
)
def still_last_loss(*arguments, **options):
    return _program("last loss", *arguments, **options)


@wrong(
    "mended_program",
    "Still goes through the sentences in the same order every epoch.",
    zh="每一轮仍按同样的顺序过句子。",
    caught_by="every_epoch_is_shuffled",
    errata=("E018",),
    step="shuffle=True in the training loader.",
    step_zh="训练用的 DataLoader 要 shuffle=True。",
)
def still_in_fixed_order(*arguments, **options):
    return _program("order", *arguments, **options)


@wrong(
    "mended_program",
    "All faults are mended, but BERT is frozen and the head alone learns, which is too little.",
    zh="毛病都改好了，却把 BERT 冻结了，只训练分类头，学得太少。",
    caught_by="mended_program_learns",
    step="Let all parameters learn.",
    step_zh="让所有参数都参与训练。",
    looks_like=lambda seen: len(seen["losses"]) > 1 and not seen["encoder moved"],
)
def now_frozen(*arguments, **options):
    return _program("head only", *arguments, **options)


@wrong(
    "mended_program",
    "The rate it chooses is the big BERT's, at which this small model hardly moves.",
    zh="自己选的学习率是大 BERT 用的，这个小模型用它几乎学不动。",
    caught_by="mended_program_learns",
    step="Task 5 says which rate this model takes.",
    step_zh="第 5 题说了这个模型该用多大的学习率。",
    looks_like=lambda seen: seen["encoder moved"] and 0 < seen["highest rate"] < 1e-4,
)
def now_too_slow(*arguments, **options):
    return _program("slow", *arguments, **options)


def _knows_better(seen):
    """All names are right, and not all that the model says."""
    named, said = (_accuracy(seen[key], seen["asked"]) for key in ("predictions", "model says"))
    return named == 1 > said


@wrong(
    "mended_program",
    "Looks the labels of the test sentences up in the data set instead of asking the model.",
    zh="测试句的标签是从数据集里查来的，没有问模型。",
    caught_by="mended_program_learns",
    step="Only what the model says of a sentence shows what it has learned.",
    step_zh="只有模型自己对句子的判断，才说明它学会了什么。",
    looks_like=_knows_better,
)
def looks_the_labels_up(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    known = {e.text: e.label for language in ("en", "zh") for e in load(language, "test")}
    losses = [1 / (epoch + 1) for epoch in range(epochs)]
    return {"losses": losses, "predictions": [known.get(text, "neutral") for text in test_texts]}
