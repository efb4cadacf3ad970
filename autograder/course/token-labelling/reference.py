"""The oracle for `token-labelling`: transformers' collator, seqeval, scikit-learn.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy
import math

import numpy as np
import torch
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from sklearn import metrics
from transformers import DataCollatorForTokenClassification

OUT = "out_of_scope"


def encode_batch(tokenizer, sentences, labels):
    """Return input_ids, attention_mask and labels (N, T), padded by transformers' collator."""
    rows = []
    for words, numbers in zip(sentences, labels, strict=True):
        row = tokenizer(list(words), is_split_into_words=True)
        places = row.word_ids()
        row["labels"] = [
            -100 if place is None or place in places[:i] else int(numbers[place])
            for i, place in enumerate(places)
        ]
        rows.append(row)
    return dict(DataCollatorForTokenClassification(tokenizer)(rows))


def spans_from_tags(tags):
    """Return (label, start, end), the end excluded, as seqeval's default mode finds them."""
    return [(label, start, last + 1) for label, start, last in get_entities(list(tags))]


def _written(spans, length):
    """BIO tags that say exactly these spans."""
    tags = ["O"] * length
    for label, start, end in spans:
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def span_f1(true, predicted, *, spans_from_tags=None):
    """Return precision, recall and F1 over all spans, in seqeval's default mode."""
    if [len(tags) for tags in true] != [len(tags) for tags in predicted]:
        raise ValueError("other sentences, or other words")
    if spans_from_tags is not None:
        # Spans found otherwise, as pairs of a sentence and one of its spans.
        one, other = (
            {(i, *span) for i, tags in enumerate(part) for span in spans_from_tags(tags)}
            for part in (true, predicted)
        )
        right = len(one & other)
        sizes = {"precision": len(other), "recall": len(one), "f1": (len(one) + len(other)) / 2}
        return {name: right / size if size else 0.0 for name, size in sizes.items()}
    kinds = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    both = [[list(tags) for tags in part] or [["O"]] for part in (true, predicted)]
    return {name: float(score(*both, zero_division=0)) for name, score in kinds.items()}


def aspect_scores(true, predicted):
    """Return F1 of the terms, accuracy of the polarity of those found, and F1 of both."""
    length = max((end for part in (*true, *predicted) for _, end, _ in part), default=0)

    def tags(part, name):
        return [
            _written([(name(polarity), start, end) for start, end, polarity in sentence], length)
            for sentence in part
        ]

    found = [
        (dict_of(a)[term], dict_of(b)[term])
        for a, b in zip(true, predicted, strict=True)
        for term in dict_of(a)
        if term in dict_of(b)
    ]
    return {
        "extraction_f1": _f1(*(tags(part, lambda _: "TERM") for part in (true, predicted))),
        "polarity_accuracy": metrics.accuracy_score(*zip(*found, strict=True))
        if found
        else math.nan,
        "joint_f1": _f1(*(tags(part, str) for part in (true, predicted))),
    }


def dict_of(sentence):
    """Polarity by term."""
    return {(start, end): polarity for start, end, polarity in sentence}


def _f1(one, other):
    return float(f1_score(one, other, zero_division=0)) if one and one[0] else 0.0


def score_intents(true, probabilities, intents, threshold):
    """Return what is predicted, and scikit-learn's scores of it."""
    predicted = []
    for row in np.asarray(probabilities).tolist():
        best = row.index(max(row))
        predicted.append(OUT if row[best] < threshold else intents[best])
    inside = [i for i, name in enumerate(true) if name != OUT]
    outside = [name == OUT for name in true], [name == OUT for name in predicted]
    accuracy = metrics.accuracy_score([true[i] for i in inside], [predicted[i] for i in inside]) \
        if inside else math.nan  # fmt: skip
    return {
        "predicted": predicted,
        "in_scope_accuracy": accuracy,
        "out_of_scope_recall": metrics.recall_score(*outside, zero_division=np.nan),
        "out_of_scope_precision": metrics.precision_score(*outside, zero_division=np.nan),
    }


def predict_tags(model, tokenizer, sentences, names):
    """Return a tag for each word: one sentence at a time, on a copy in evaluation mode."""
    twin, tags = copy.deepcopy(model).eval(), []
    for words in sentences:
        row = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = twin(**row).logits[0].argmax(dim=-1).tolist()
        places = row.word_ids()
        tags.append([names[best[places.index(i)]] for i in range(len(words))])
    return tags


def train_tagger(model, batches, epochs, learning_rate):
    """Train with transformers' own schedule; return the mean loss of each epoch."""
    from transformers import get_linear_schedule_with_warmup

    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    steps = epochs * len(batches)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    losses = []
    for _ in range(epochs):
        model.train()
        epoch = []
        for batch in batches:
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            epoch.append(loss.item())
        losses.append(float(np.mean(epoch)))
    model.eval()
    return losses
