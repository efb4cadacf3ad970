"""Other valid answers for `bert-classifier`: other modules, orders, optimisers and idioms."""

import math
import random

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from torch.optim.lr_scheduler import LambdaLR, LinearLR, SequentialLR
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    get_linear_schedule_with_warmup,
)

from autograder.checks import right

# --- encode -------------------------------------------------------------------------------


@right("encode", "one call of the tokenizer", zh="一次调用 tokenizer")
def encoded_in_one_call(texts, tokenizer, max_length=128):
    return tokenizer(
        texts, padding="longest", truncation=True, max_length=max_length, return_tensors="pt"
    )


@right("encode", "encode each, then pad_sequence", zh="逐句编码，再用 pad_sequence")
def encoded_one_by_one(texts, tokenizer, max_length=128):
    rows = [
        torch.tensor(tokenizer.encode(t, truncation=True, max_length=max_length)) for t in texts
    ]
    ids = pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
    return {"input_ids": ids, "attention_mask": (ids != tokenizer.pad_token_id).long()}


@right("encode", "tokenizer.pad", zh="tokenizer.pad")
def encoded_and_padded(texts, tokenizer, max_length=128):
    rows = [{"input_ids": tokenizer(t)["input_ids"]} for t in texts]
    for row in rows:
        if len(row["input_ids"]) > max_length:
            row["input_ids"] = [*row["input_ids"][: max_length - 1], tokenizer.sep_token_id]
    return tokenizer.pad(rows, return_tensors="pt")


# --- make_loader --------------------------------------------------------------------------


class _Sentences(Dataset):
    """Sentences encoded in advance, unpadded."""

    def __init__(self, texts, labels, tokenizer):
        self.rows = [tokenizer(t, truncation=True, max_length=128)["input_ids"] for t in texts]
        self.labels = labels

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return torch.tensor(self.rows[i]), torch.tensor(self.labels[i])


def _join(pairs):
    rows, labels = zip(*pairs, strict=True)
    return {
        "input_ids": pad_sequence(rows, batch_first=True),
        "attention_mask": pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
        "labels": torch.stack(labels),
    }


@right("make_loader", "a Dataset class encoded in advance", zh="Dataset 类，预先编码")
def loader_of_a_dataset(texts, labels, tokenizer, batch_size, shuffle=False):
    rows = _Sentences(texts, labels, tokenizer)
    return DataLoader(rows, batch_size=batch_size, shuffle=shuffle, collate_fn=_join)


class _Encoder(Dataset):
    """Encodes a whole batch of indices at once."""

    def __init__(self, texts, labels, tokenizer):
        self.texts, self.labels, self.tokenizer = texts, labels, tokenizer

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, indices):
        batch = self.tokenizer(
            [self.texts[i] for i in indices], padding=True, truncation=True, return_tensors="pt"
        )
        batch["labels"] = torch.tensor([self.labels[i] for i in indices])
        return batch


@right("make_loader", "a batch sampler", zh="用 BatchSampler")
def loader_of_a_batch_sampler(texts, labels, tokenizer, batch_size, shuffle=False):
    data = _Encoder(texts, labels, tokenizer)
    order = RandomSampler(data) if shuffle else SequentialSampler(data)
    return DataLoader(data, sampler=BatchSampler(order, batch_size, False), batch_size=None)


# --- BertClassifier -----------------------------------------------------------------------


@right("BertClassifier", "Sequential head", zh="用 nn.Sequential 做分类头")
class SequentialHead(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.encoder = bert
        width = bert.config.hidden_size
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_labels))

    def forward(self, input_ids, attention_mask):
        return self.head(self.encoder(input_ids, attention_mask)[1])


@right("BertClassifier", "functional, with parameters of its own", zh="函数式写法，自建参数")
class FunctionalHead(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert, self.rate = bert, dropout
        self.weight = nn.Parameter(torch.randn(bert.config.hidden_size, num_labels) / 50)
        self.bias = nn.Parameter(torch.zeros(num_labels))

    def forward(self, input_ids, attention_mask):
        out = self.bert(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        pooled = nn.functional.dropout(out.pooler_output, self.rate, self.training)
        return pooled @ self.weight + self.bias


# --- train_epoch --------------------------------------------------------------------------


@right("train_epoch", "clears after the step", zh="更新之后再清零")
def epoch_that_clears_last(model, loader, optimizer, scheduler=None):
    model.train()
    total = count = 0
    for batch in loader:
        outputs = model(**batch)
        outputs.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        if scheduler:
            scheduler.step()
        total += outputs.loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    return total / count


@right("train_epoch", "its own cross entropy, summed", zh="自己算交叉熵之和")
def epoch_with_its_own_loss(model, loader, optimizer, scheduler=None):
    model.train()
    losses = []
    for batch in loader:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])[0]
        each = cross_entropy(logits, batch["labels"], reduction="none")
        model.zero_grad(set_to_none=False)
        each.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(each.detach())
    return torch.cat(losses).mean()


# --- fine_tune ----------------------------------------------------------------------------


@right("fine_tune", "the library's schedule, no decay on biases", zh="库里的调度，偏置不衰减")
def tuned_with_groups(model, loader, epochs, learning_rate):
    plain = [p for p in model.parameters() if p.ndim < 2]
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate)
    total = epochs * len(loader)
    schedule = get_linear_schedule_with_warmup(optimizer, max(1, round(0.1 * total)), total)
    return [epoch_that_clears_last(model, loader, optimizer, schedule) for _ in range(epochs)]


@right("fine_tune", "two linear schedules in sequence", zh="两段线性调度首尾相接")
def tuned_in_two_legs(model, loader, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    total = epochs * len(loader)
    warm = math.ceil(total / 10)
    legs = [
        LinearLR(optimizer, 0.01, 1.0, total_iters=warm),
        LinearLR(optimizer, 1.0, 0.0, total_iters=total - warm),
    ]
    schedule = SequentialLR(optimizer, legs, milestones=[warm])
    losses = []
    for _ in range(epochs):
        losses.append(float(epoch_with_its_own_loss(model, loader, optimizer, schedule)))
    return losses


@right("fine_tune", "LambdaLR and one flat loop", zh="LambdaLR 加一层循环")
def tuned_by_lambda(model, loader, epochs, learning_rate):
    total = epochs * len(loader)
    warm = max(1, total // 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, eps=1e-6)
    schedule = LambdaLR(optimizer, lambda n: min((n + 1) / warm, (total - n) / (total - warm)))
    return np.array([epoch_that_clears_last(model, loader, optimizer, schedule)
                     for _ in range(epochs)])  # fmt: skip


# --- predict, evaluate --------------------------------------------------------------------


@right("predict", "no_grad, loop, mode restored", zh="no_grad 加循环，最后还原模式")
def predicted_in_a_loop(model, loader):
    was_training = model.training
    model.eval()
    chunks = []
    with torch.no_grad():
        for batch in loader:
            keywords = {k: v for k, v in batch.items() if k != "labels"}
            chunks.append(model(**keywords).logits)
    if was_training:
        model.train()
    return torch.cat(chunks, dim=0)


@right("predict", "decorated, NumPy result", zh="装饰器写法，返回 NumPy 数组")
@torch.no_grad()
def predicted_as_arrays(model, loader):
    mode, rows = model.training, []
    model.train(False)
    for batch in loader:
        rows.extend(model(batch["input_ids"], batch["attention_mask"]).logits.tolist())
    model.train(mode)
    return torch.tensor(rows)


@right("evaluate", "counts in a matrix", zh="用矩阵计数")
def evaluated_by_counts(model, loader):
    matrix = torch.zeros(3, 3, dtype=torch.long)
    for batch in loader:
        answers = predicted_in_a_loop(model, [batch]).argmax(-1)
        for y, p in zip(batch["labels"].tolist(), answers.tolist(), strict=True):
            matrix[y, p] += 1
    hits = matrix.diag().double()
    ends = (matrix.sum(0) + matrix.sum(1)).double()
    return {
        "accuracy": (hits.sum() / matrix.sum()).item(),
        "macro_f1": (2 * hits / ends)[ends > 0].mean().item(),
        "confusion": matrix.tolist(),
    }


@right("evaluate", "lists and scikit-learn", zh="列表加 scikit-learn")
def evaluated_by_sklearn(model, loader):
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    said = predicted_as_arrays(model, loader).argmax(dim=1).tolist()
    truth = [label for batch in loader for label in batch["labels"].tolist()]
    labels = list(range(model.config.num_labels))
    f1 = f1_score(truth, said, labels=sorted({*truth, *said}), average="macro")
    matrix = confusion_matrix(truth, said, labels=labels)
    return {"macro_f1": f1, "accuracy": accuracy_score(truth, said), "confusion": matrix}


# --- load_model, name_predictions ---------------------------------------------------------


@right("load_model", "Auto class with num_labels as well", zh="Auto 类，连 num_labels 一起给")
def loaded_by_auto_class(path, names):
    return AutoModelForSequenceClassification.from_pretrained(
        path,
        num_labels=len(names),
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )


@right("load_model", "configuration first", zh="先改配置再加载")
def loaded_by_configuration(path, names):
    config = AutoConfig.from_pretrained(path, num_labels=len(names))
    config.id2label = dict(enumerate(names))
    config.label2id = {name: i for i, name in config.id2label.items()}
    return BertForSequenceClassification.from_pretrained(path, config=config)


@right("name_predictions", "one batch", zh="一个批次")
def named_in_one_batch(model, tokenizer, texts):
    model.eval()
    with torch.inference_mode():
        logits = model(
            **tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        ).logits
    best = torch.softmax(logits, dim=1).max(dim=1)
    names = [model.config.id2label[k] for k in best.indices.tolist()]
    return list(zip(names, best.values.tolist(), strict=True))


@right("name_predictions", "one by one, by hand", zh="逐句，手写 softmax")
def named_one_by_one(model, tokenizer, texts):
    model.eval()
    answers = []
    for text in texts:
        with torch.no_grad():
            row = model(**tokenizer(text, return_tensors="pt")).logits[0].tolist()
        weights = [math.exp(value - max(row)) for value in row]
        k = weights.index(max(weights))
        answers.append([model.config.id2label[k], weights[k] / sum(weights)])
    return answers


# --- mended_program -----------------------------------------------------------------------


@right("mended_program", "lists and slices, the rate falls", zh="列表切片，学习率递减")
def mended_by_slices(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    pairs = list(zip(texts, map(model.config.label2id.get, labels), strict=True))
    start = learning_rate or 1e-3 * (learning_rate is None)
    optimizer = torch.optim.AdamW(model.parameters(), lr=start, weight_decay=0.0)
    losses = []
    for epoch in range(epochs):
        random.shuffle(pairs)
        optimizer.param_groups[0]["lr"] = start * (1 - epoch / epochs)
        model.train()
        sums = []
        for first in range(0, len(pairs), 10):
            rows, numbers = zip(*pairs[first : first + 10], strict=True)
            encoded = tokenizer(rows, padding="longest", truncation=True, return_tensors="pt")
            logits = model(encoded.input_ids, encoded.attention_mask).logits
            loss = cross_entropy(logits, torch.as_tensor(numbers), reduction="sum")
            model.zero_grad()
            (loss / len(rows)).backward()
            optimizer.step()
            sums.append(float(loss))
        losses.append(np.float32(sum(sums) / len(pairs)))
    with torch.inference_mode():
        given = [model.eval()(**tokenizer(text, return_tensors="pt")) for text in test_texts]
    names = [model.config.id2label[output.logits.argmax().item()] for output in given]
    return {"losses": np.array(losses), "predictions": tuple(names)}


@right(
    "mended_program",
    "batches of 32, the loss looked at after each epoch",
    zh="批大小 32，每轮结束后再算损失",
)
def mended_and_looked_at(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=1e-3):
    numbers = [model.config.label2id[label] for label in labels]
    loader = loader_of_a_dataset(texts, numbers, tokenizer, 32, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        model.train()
        for batch in loader:
            optimizer.zero_grad()
            model(**batch).loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            sums = [model(**batch).loss.item() * len(batch["labels"]) for batch in loader]
        losses.append(sum(sums) / len(texts))
    model.eval()
    with torch.no_grad():
        logits = [model(**tokenizer(text, return_tensors="pt")).logits for text in test_texts]
    return {
        "losses": losses,
        "predictions": [model.config.id2label[int(k.argmax())] for k in logits],
    }


@right("mended_program", "built of parts, small batches", zh="由前面的函数拼成，小批次")
def mended_of_parts(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=3e-4):
    numbers = [model.config.label2id[label] for label in labels]
    loader = loader_of_a_dataset(texts, numbers, tokenizer, 8, shuffle=True)
    losses = tuned_with_groups(model, loader, epochs, learning_rate) if epochs else []
    asked = loader_of_a_dataset(test_texts, [0] * len(test_texts), tokenizer, 32)
    said = predicted_in_a_loop(model, asked).argmax(-1).tolist()
    return {"losses": losses, "predictions": [model.config.id2label[k] for k in said]}
