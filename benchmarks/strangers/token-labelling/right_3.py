# %% encode_batch · tokenizer.pad, returns the BatchEncoding with its further keys
def encode_batch(tokenizer, sentences, labels):
    encodings = [tokenizer(list(words), is_split_into_words=True) for words in sentences]
    batch = tokenizer.pad(
        {key: [e[key] for e in encodings] for key in encodings[0].keys()},
        padding="longest",
        padding_side="right",
        return_tensors="pt",
    )
    width = batch["input_ids"].shape[1]
    rows = []
    for encoding, numbers in zip(encodings, labels, strict=True):
        words = encoding.word_ids()
        firsts = [w is not None and w not in words[:i] for i, w in enumerate(words)]
        row = [numbers[w] if first else -100 for w, first in zip(words, firsts)]
        rows.append(row + [-100] * (width - len(row)))
    batch["labels"] = torch.as_tensor(rows, dtype=torch.long)
    return batch


# %% spans_from_tags · seqeval's get_entities
def spans_from_tags(tags):
    from seqeval.metrics.sequence_labeling import get_entities

    return [(label, start, last + 1) for label, start, last in get_entities(list(tags))]


# %% span_f1 · Counter, F1 from the counts
def span_f1(true, predicted):
    from collections import Counter

    try:
        pairs = list(zip(true, predicted, strict=True))
        for pair in pairs:
            list(zip(*pair, strict=True))
    except ValueError as error:
        raise ValueError("sentences or tags do not match") from error
    total = Counter(right=0, true=0, predicted=0)
    for gold, guess in pairs:
        gold, guess = set(spans_from_tags(gold)), set(spans_from_tags(guess))
        total.update(right=len(gold & guess), true=len(gold), predicted=len(guess))
    return {
        "precision": np.float64(total["right"] / max(total["predicted"], 1)),
        "recall": np.float64(total["right"] / max(total["true"], 1)),
        "f1": np.float64(2 * total["right"] / max(total["true"] + total["predicted"], 1)),
    }


# %% aspect_scores · a dictionary of places for each sentence
def aspect_scores(true, predicted):
    verdicts = []
    for wanted, given in zip(true, predicted, strict=True):
        by_place = {(start, end): polarity for start, end, polarity in given}
        verdicts += [by_place[s, e] == p for s, e, p in wanted if (s, e) in by_place]
    both = sum(map(len, true)) + sum(map(len, predicted))
    return dict(
        joint_f1=np.divide(2 * sum(verdicts), both or 1),
        extraction_f1=np.divide(2 * len(verdicts), both or 1),
        polarity_accuracy=np.mean(verdicts) if verdicts else np.nan,
    )


# %% score_intents · torch
def score_intents(true, probabilities, intents, threshold):
    def tensor(rows):
        if isinstance(rows, torch.Tensor):
            return rows.detach()
        return torch.as_tensor(np.array(rows))

    rows = tensor(probabilities)
    predicted = []
    if len(true):
        top = rows.max(dim=1, keepdim=True).values
        # the first of equals: argmax of a mask of whole numbers, written out to be sure
        places = torch.arange(rows.shape[1]).expand_as(rows)
        first = torch.where(rows == top, places, rows.shape[1]).min(dim=1).values
        below = (top[:, 0] < threshold).tolist()
        predicted = ["out_of_scope" if b else intents[k] for b, k in zip(below, first.tolist())]
    pairs = list(zip(true, predicted))

    def mean(values):
        values = np.fromiter(values, dtype=np.float64)
        return values.sum() / values.size if values.size else np.float64("nan")

    return {
        "predicted": predicted,
        "in_scope_accuracy": mean(t == p for t, p in pairs if t != "out_of_scope"),
        "out_of_scope_recall": mean(p == "out_of_scope" for t, p in pairs if t == "out_of_scope"),
        "out_of_scope_precision": mean(t == "out_of_scope" for t, p in pairs if p == "out_of_scope"),
    }


# %% predict_tags · context manager, positions from offsets of the pieces
from contextlib import contextmanager


@contextmanager
def judged(model):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield model
    finally:
        for module, mode in modes.items():
            module.training = mode


def predict_tags(model, tokenizer, sentences, names):
    encoding = tokenizer(
        [list(words) for words in sentences],
        is_split_into_words=True,
        padding="longest",
        padding_side="right",
        return_tensors="pt",
    )
    with judged(model):
        logits = model(
            input_ids=encoding["input_ids"], attention_mask=encoding["attention_mask"]
        ).logits.numpy()
    tags = []
    for i, words in enumerate(sentences):
        places = encoding.word_ids(i)
        tags.append([names[np.argmax(logits[i, places.index(w)])] for w in range(len(words))])
    return tags


# %% train_tagger · Adam with LambdaLR, batches backwards
def train_tagger(model, batches, epochs, learning_rate):
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    total = max(epochs * len(batches), 1)

    def share(step):  # up in the first tenth, then down to (nearly) nothing
        return float(np.interp(step, [0, max(total / 10, 1), total], [0.1, 1.0, 0.0]))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)

    def learn(batch):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return loss.item()

    model.train()
    history = [np.mean([learn(batch) for batch in reversed(batches)]) for _ in range(epochs)]
    model.eval()
    return history
