# %% encode_batch · fast tokenizer and word_ids, the usual recipe
def encode_batch(tokenizer, sentences, labels):
    encoding = tokenizer(
        sentences,
        is_split_into_words=True,
        padding=True,
        padding_side="right",
        truncation=False,
        return_tensors="pt",
    )
    aligned = torch.full_like(encoding["input_ids"], -100)
    for i, numbers in enumerate(labels):
        previous = None
        for position, word in enumerate(encoding.word_ids(batch_index=i)):
            if word is not None and word != previous:
                aligned[i, position] = numbers[word]
            previous = word
    return {
        "input_ids": encoding["input_ids"],
        "attention_mask": encoding["attention_mask"],
        "labels": aligned,
    }


# %% spans_from_tags · extend the last span
def spans_from_tags(tags):
    spans = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        prefix, label = tag.split("-", 1)
        if prefix == "I" and spans and spans[-1][0] == label and spans[-1][2] == i:
            spans[-1] = (label, spans[-1][1], i + 1)
        else:
            spans.append((label, i, i + 1))
    return spans


# %% span_f1 · sets with the number of the sentence
def span_f1(true, predicted):
    if [len(tags) for tags in true] != [len(tags) for tags in predicted]:
        raise ValueError("true and predicted differ in length")
    gold = {(i, *span) for i, tags in enumerate(true) for span in spans_from_tags(tags)}
    guess = {(i, *span) for i, tags in enumerate(predicted) for span in spans_from_tags(tags)}
    right = len(gold & guess)
    p = right / len(guess) if guess else 0.0
    r = right / len(gold) if gold else 0.0
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}


# %% aspect_scores · sets of tuples
def aspect_scores(true, predicted):
    gold = {(i, *term) for i, terms in enumerate(true) for term in terms}
    guess = {(i, *term) for i, terms in enumerate(predicted) for term in terms}
    found = len({t[:3] for t in gold} & {t[:3] for t in guess})
    right = len(gold & guess)

    def f1(hits):
        p = hits / len(guess) if guess else 0.0
        r = hits / len(gold) if gold else 0.0
        return 2 * p * r / (p + r) if p + r else 0.0

    return {
        "extraction_f1": f1(found),
        "polarity_accuracy": right / found if found else float("nan"),
        "joint_f1": f1(right),
    }


# %% score_intents · NumPy arrays and masks
def score_intents(true, probabilities, intents, threshold):
    rows = np.asarray(probabilities).reshape(len(true), len(intents))
    names = np.array(intents, dtype=object)[rows.argmax(axis=1)]
    predicted = np.where(rows.max(axis=1) < threshold, "out_of_scope", names)
    true = np.array(true, dtype=object)
    outside, refused, right = true == "out_of_scope", predicted == "out_of_scope", predicted == true

    def share(hits):
        return hits.mean() if hits.size else np.nan

    return {
        "predicted": predicted.tolist(),
        "in_scope_accuracy": share(right[~outside]),
        "out_of_scope_recall": share(refused[outside]),
        "out_of_scope_precision": share(outside[refused]),
    }


# %% predict_tags · the whole batch at once, read where labels would be
@torch.no_grad()
def predict_tags(model, tokenizer, sentences, names):
    batch = encode_batch(tokenizer, sentences, [[0] * len(words) for words in sentences])
    mode = model.training
    model.eval()
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    model.train(mode)
    best = logits.argmax(dim=-1)
    first = batch["labels"] != -100
    return [[names[k] for k in row[where].tolist()] for row, where in zip(best, first)]


# %% train_tagger · AdamW with transformers' linear schedule
def train_tagger(model, batches, epochs, learning_rate):
    from transformers import get_linear_schedule_with_warmup

    total = epochs * len(batches)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    scheduler = get_linear_schedule_with_warmup(optimizer, total // 10, total)
    model.train()
    means = []
    for _ in range(epochs):
        losses = torch.zeros(len(batches))
        for i in torch.randperm(len(batches)).tolist():
            loss = model(**batches[i]).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            losses[i] = loss.detach()
        means.append(losses.mean().item())
    model.eval()
    return means
