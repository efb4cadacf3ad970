"""The oracle for `bert-classifier`: transformers' own classes, scikit-learn, or the slow way.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy

import numpy as np
import torch
from sklearn import metrics
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertForSequenceClassification, DataCollatorWithPadding

WARM_UP = 0.1


def encode(texts, tokenizer, max_length=128):
    """Token ids and mask, built row by row from the tokens' names."""
    rows = []
    for text in texts:
        tokens = tokenizer.tokenize(text)[: max_length - 2]
        tokens = [tokenizer.cls_token, *tokens, tokenizer.sep_token]
        rows.append(tokenizer.convert_tokens_to_ids(tokens))
    width = max(map(len, rows))
    missing = [width - len(row) for row in rows]
    ids = [row + [tokenizer.pad_token_id] * n for row, n in zip(rows, missing, strict=True)]
    mask = [[1] * len(row) + [0] * n for row, n in zip(rows, missing, strict=True)]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def make_loader(texts, labels, tokenizer, batch_size, shuffle=False, *, encode=None):
    """Batches padded by the library's collator, or by the learner's `encode`."""
    if encode is not None:
        return _by_slices(texts, labels, tokenizer, batch_size, shuffle, encode)
    rows = [
        {**tokenizer(text, truncation=True, max_length=128), "label": label}
        for text, label in zip(texts, labels, strict=True)
    ]
    return DataLoader(rows, batch_size, shuffle, collate_fn=DataCollatorWithPadding(tokenizer))


def _by_slices(texts, labels, tokenizer, batch_size, shuffle, encode):
    order = torch.randperm(len(texts)).tolist() if shuffle else range(len(texts))
    for start in range(0, len(texts), batch_size):
        part = order[start : start + batch_size]
        batch = encode([texts[i] for i in part], tokenizer)
        yield {**batch, "labels": torch.tensor([labels[i] for i in part])}


class _LogitsOnly(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def BertClassifier(bert, num_labels, dropout=0.1):
    """Return the library's classifier around the given encoder."""
    config = copy.deepcopy(bert.config)
    config.num_labels, config.classifier_dropout = num_labels, dropout
    model = BertForSequenceClassification(config)
    model.bert = bert
    return _LogitsOnly(model)


def train_epoch(model, loader, optimizer, scheduler=None):
    """Minimise the library's own loss, one step a batch, and return its mean over examples."""
    model.train()
    losses, sizes = [], []
    for batch in loader:
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
        sizes.append(len(batch["labels"]))
    return float(np.average(losses, weights=sizes))


def fine_tune(model, loader, epochs, learning_rate):
    """Return the losses by epoch, the rate being a triangle over all steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    total = epochs * len(loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total + 1, pct_start=WARM_UP, anneal_strategy="linear",
        cycle_momentum=False, div_factor=1e3, final_div_factor=1e3,
    )  # fmt: skip
    return [train_epoch(model, loader, optimizer, scheduler) for _ in range(epochs)]


def predict(model, loader):
    """Return the logits (N, K), each sentence alone so that nothing is padded."""
    training = model.training
    model.eval()
    rows = []
    with torch.inference_mode():
        for batch in loader:
            given = [batch["input_ids"], batch["attention_mask"]]
            rows.append(model(input_ids=given[0], attention_mask=given[1]).logits)
    model.train(training)
    return torch.cat(rows).clone()


_predict = predict


def evaluate(model, loader, *, predict=None):
    """Return accuracy, macro F1 and confusion matrix by scikit-learn."""
    logits = np.asarray((predict or _predict)(model, loader).detach())
    labels = np.concatenate([np.asarray(batch["labels"]) for batch in loader])
    predictions, classes = logits.argmax(axis=1), np.arange(logits.shape[1])
    return {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "macro_f1": metrics.f1_score(labels, predictions, average="macro"),
        "confusion": metrics.confusion_matrix(labels, predictions, labels=classes),
    }


def load_model(path, names):
    """Load the encoder in `path` with a new head that has these names."""
    id2label = dict(enumerate(names))
    label2id = dict(zip(names, range(len(names)), strict=True))
    return BertForSequenceClassification.from_pretrained(path, id2label=id2label, label2id=label2id)


def name_predictions(model, tokenizer, texts, *, encode=None):
    """Return (name, probability) for each text, by the library's pipeline.

    With the learner's `encode`, by the model itself.
    """
    from transformers import pipeline

    model.eval()
    if encode is not None:
        with torch.inference_mode():
            chances = model(**encode(list(texts), tokenizer)).logits.softmax(dim=1)
        return [(model.config.id2label[int(row.argmax())], float(row.max())) for row in chances]
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    return [(result["label"], result["score"]) for result in classify(list(texts))]


def mended_program(
    model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None, *,
    predict=None,
):  # fmt: skip
    """The program as it should be, of the parts above, or with the learner's `predict`."""
    rate = 5e-4 if learning_rate is None else learning_rate
    numbers = [model.config.label2id[label] for label in labels]
    loader = make_loader(texts, numbers, tokenizer, 12, shuffle=True)
    losses = fine_tune(model, loader, epochs, rate) if epochs else []
    asked = make_loader(test_texts, [0] * len(test_texts), tokenizer, 64)
    logits = (predict or _predict)(model, asked)
    return {
        "losses": losses,
        "predictions": [model.config.id2label[int(k)] for k in logits.argmax(dim=1)],
    }
