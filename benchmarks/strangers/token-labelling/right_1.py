# %% encode_batch · word by word, plain lists
def encode_batch(tokenizer, sentences, labels):
    all_ids, all_labels = [], []
    for words, numbers in zip(sentences, labels):
        ids = [tokenizer.cls_token_id]
        places = [-100]
        for word, number in zip(words, numbers):
            pieces = tokenizer.encode(word, add_special_tokens=False)
            for k, piece in enumerate(pieces):
                ids.append(piece)
                places.append(int(number) if k == 0 else -100)
        ids.append(tokenizer.sep_token_id)
        places.append(-100)
        all_ids.append(ids)
        all_labels.append(places)
    longest = max(len(ids) for ids in all_ids)
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in all_ids]
    all_ids = [ids + [tokenizer.pad_token_id] * (longest - len(ids)) for ids in all_ids]
    all_labels = [row + [-100] * (longest - len(row)) for row in all_labels]
    return {
        "input_ids": torch.tensor(all_ids, dtype=torch.int64),
        "attention_mask": torch.tensor(mask, dtype=torch.int64),
        "labels": torch.tensor(all_labels, dtype=torch.int64),
    }


# %% spans_from_tags · a loop with an open span
def spans_from_tags(tags):
    spans = []
    label, start = None, None
    for i, tag in enumerate(tags):
        if tag == "O":
            if label is not None:
                spans.append((label, start, i))
            label, start = None, None
            continue
        kind, _, name = tag.partition("-")
        if kind == "I" and label == name:
            continue
        if label is not None:
            spans.append((label, start, i))
        label, start = name, i
    if label is not None:
        spans.append((label, start, len(tags)))
    return spans


# %% span_f1 · counting in loops
def span_f1(true, predicted):
    if len(true) != len(predicted):
        raise ValueError("not as many sentences")
    right = in_true = in_predicted = 0
    for one, two in zip(true, predicted):
        if len(one) != len(two):
            raise ValueError("not as many tags")
        wanted = spans_from_tags(one)
        found = spans_from_tags(two)
        in_true += len(wanted)
        in_predicted += len(found)
        for span in found:
            if span in wanted:
                right += 1
    precision = right / in_predicted if in_predicted > 0 else 0.0
    recall = right / in_true if in_true > 0 else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


# %% aspect_scores · two loops over the terms
def aspect_scores(true, predicted):
    n_true = n_predicted = found = agreed = 0
    for wanted, given in zip(true, predicted):
        n_true += len(wanted)
        n_predicted += len(given)
        for start, end, polarity in wanted:
            for start2, end2, polarity2 in given:
                if start == start2 and end == end2:
                    found += 1
                    if polarity == polarity2:
                        agreed += 1
    total = n_true + n_predicted
    return {
        "extraction_f1": 2 * found / total if total else 0.0,
        "polarity_accuracy": agreed / found if found else float("nan"),
        "joint_f1": 2 * agreed / total if total else 0.0,
    }


# %% score_intents · plain Python, row by row
def score_intents(true, probabilities, intents, threshold):
    predicted = []
    for row in probabilities:
        row = [float(value) for value in row]
        best = 0
        for k in range(1, len(row)):
            if row[k] > row[best]:
                best = k
        predicted.append("out_of_scope" if row[best] < threshold else intents[best])

    inside = inside_right = outside = outside_found = refused = 0
    for name, guess in zip(true, predicted):
        if guess == "out_of_scope":
            refused += 1
        if name == "out_of_scope":
            outside += 1
            if guess == name:
                outside_found += 1
        else:
            inside += 1
            if guess == name:
                inside_right += 1

    def share(part, whole):
        return part / whole if whole else float("nan")

    return {
        "predicted": predicted,
        "in_scope_accuracy": share(inside_right, inside),
        "out_of_scope_recall": share(outside_found, outside),
        "out_of_scope_precision": share(outside_found, refused),
    }


# %% predict_tags · sentence after sentence
def predict_tags(model, tokenizer, sentences, names):
    was_training = model.training
    model.eval()
    result = []
    try:
        with torch.no_grad():
            for words in sentences:
                batch = encode_batch(tokenizer, [words], [[0] * len(words)])
                logits = model(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
                ).logits[0]
                tags = []
                for t, label in enumerate(batch["labels"][0].tolist()):
                    if label != -100:
                        tags.append(names[int(logits[t].argmax())])
                result.append(tags)
    finally:
        model.train(was_training)
    return result


# %% train_tagger · AdamW, the rate set by hand
def train_tagger(model, batches, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    total = epochs * len(batches)
    warm = max(1, total // 10)
    step = 0
    means = []
    model.train()
    for _ in range(epochs):
        losses = []
        for batch in batches:
            factor = min((step + 1) / warm, (total - step) / (total - warm + 1))
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * factor
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        means.append(sum(losses) / len(losses))
    model.eval()
    return means
