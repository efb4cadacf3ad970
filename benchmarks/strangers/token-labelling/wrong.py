# %% encode_batch · puts a word's label on all of its pieces, not on the first only
def encode_batch(tokenizer, sentences, labels):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right", return_tensors="pt"
    )
    out = torch.full_like(enc["input_ids"], -100)
    for i, numbers in enumerate(labels):
        for t, w in enumerate(enc.word_ids(i)):
            if w is not None:
                out[i, t] = numbers[w]
    return {"input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"], "labels": out}


# %% encode_batch · calls word_ids() without the number of the sentence, so all rows are aligned with the first sentence's words
def encode_batch(tokenizer, sentences, labels):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right", return_tensors="pt"
    )
    rows = []
    for i, numbers in enumerate(labels):
        previous = None
        row = []
        for w in enc.word_ids():
            if w is None or w == previous or w >= len(numbers):
                row.append(-100)
            else:
                row.append(numbers[w])
            previous = w
        rows.append(row)
    return {
        "input_ids": enc["input_ids"],
        "attention_mask": enc["attention_mask"],
        "labels": torch.tensor(rows, dtype=torch.long),
    }


# %% encode_batch · takes every piece without "##" for the beginning of a word, so labels slip where a word splits into whole pieces (Chinese, hyphens)
def encode_batch(tokenizer, sentences, labels):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right", return_tensors="pt"
    )
    out = torch.full_like(enc["input_ids"], -100)
    special = set(tokenizer.all_special_tokens) - {tokenizer.unk_token}
    for i, numbers in enumerate(labels):
        word = 0
        for t, piece in enumerate(tokenizer.convert_ids_to_tokens(enc["input_ids"][i].tolist())):
            if piece in special or piece.startswith("##"):
                continue
            if word < len(numbers):
                out[i, t] = numbers[word]
            word += 1
    return {"input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"], "labels": out}


# %% encode_batch · fills the labels up with 0 on padding (and nowhere else), where -100 is asked for
def encode_batch(tokenizer, sentences, labels):
    enc = [tokenizer(words, is_split_into_words=True) for words in sentences]
    longest = max(len(e["input_ids"]) for e in enc)
    ids, mask, out = [], [], []
    for e, numbers in zip(enc, labels):
        row, previous = [], None
        for w in e.word_ids():
            row.append(-100 if w is None or w == previous else numbers[w])
            previous = w
        n = longest - len(row)
        ids.append(e["input_ids"] + [tokenizer.pad_token_id] * n)
        mask.append(e["attention_mask"] + [0] * n)
        out.append(row + [0] * n)
    return {
        "input_ids": torch.tensor(ids),
        "attention_mask": torch.tensor(mask),
        "labels": torch.tensor(out),
    }


# %% encode_batch · truncates: sentences of more than 64 pieces are cut short
def encode_batch(tokenizer, sentences, labels):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right",
        truncation=True, max_length=64, return_tensors="pt",
    )
    out = torch.full_like(enc["input_ids"], -100)
    for i, numbers in enumerate(labels):
        seen = set()
        for t, w in enumerate(enc.word_ids(i)):
            if w is not None and w not in seen:
                seen.add(w)
                out[i, t] = numbers[w]
    return {"input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"], "labels": out}


# %% spans_from_tags · the end is the last word of the span itself, not the one after it
def spans_from_tags(tags):
    spans, label, start = [], None, None
    for i, tag in enumerate([*tags, "O"]):
        kind, _, name = tag.partition("-")
        if label is not None and not (kind == "I" and name == label):
            spans.append((label, start, i - 1))
            label = None
        if kind != "O" and label is None:
            label, start = name, i
    return spans


# %% spans_from_tags · strict: an I- with nothing to continue is ignored instead of beginning a span
def spans_from_tags(tags):
    spans, label, start = [], None, None
    for i, tag in enumerate(tags):
        if tag.startswith("I-") and label == tag[2:]:
            continue
        if label is not None:
            spans.append((label, start, i))
            label = None
        if tag.startswith("B-"):
            label, start = tag[2:], i
    if label is not None:
        spans.append((label, start, len(tags)))
    return spans


# %% spans_from_tags · I-Y continues an open span whatever its label, so B-X I-Y is one span X
def spans_from_tags(tags):
    spans = []
    current = None
    for i, tag in enumerate(tags):
        if tag == "O":
            if current:
                spans.append(tuple(current))
            current = None
        elif tag.startswith("B-") or current is None:
            if current:
                spans.append(tuple(current))
            current = [tag.split("-", 1)[1], i, i + 1]
        else:
            current[2] = i + 1
    if current:
        spans.append(tuple(current))
    return spans


# %% spans_from_tags · a span that reaches to the last word is never closed and so is lost
def spans_from_tags(tags):
    spans = []
    label, start = None, 0
    for i, tag in enumerate(tags):
        kind, _, name = tag.partition("-")
        if label is not None and (kind != "I" or name != label):
            spans.append((label, start, i))
            label = None
        if kind in ("B", "I") and label is None:
            label, start = name, i
    return spans


# %% spans_from_tags · the label is what follows the last hyphen, so B-ship-to has the label "to"
def spans_from_tags(tags):
    spans = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        kind, label = tag[0], tag.split("-")[-1]
        if kind == "I" and spans and spans[-1][0] == label and spans[-1][2] == i:
            spans[-1] = (label, spans[-1][1], i + 1)
        else:
            spans.append((label, i, i + 1))
    return spans


# %% span_f1 · puts the spans of all sentences into one set without the number of the sentence, so a span of another sentence counts
def span_f1(true, predicted):
    if len(true) != len(predicted) or any(len(a) != len(b) for a, b in zip(true, predicted)):
        raise ValueError("lengths differ")
    gold = {span for tags in true for span in spans_from_tags(tags)}
    guess = {span for tags in predicted for span in spans_from_tags(tags)}
    right = len(gold & guess)
    p = right / len(guess) if guess else 0.0
    r = right / len(gold) if gold else 0.0
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}


# %% span_f1 · the means of the sentences' own precision, recall and F1 instead of all spans together
def span_f1(true, predicted):
    if len(true) != len(predicted):
        raise ValueError("number of sentences differs")
    scores = []
    for a, b in zip(true, predicted):
        if len(a) != len(b):
            raise ValueError("number of tags differs")
        gold, guess = set(spans_from_tags(a)), set(spans_from_tags(b))
        right = len(gold & guess)
        p = right / len(guess) if guess else 0.0
        r = right / len(gold) if gold else 0.0
        scores.append((p, r, 2 * p * r / (p + r) if p + r else 0.0))
    if not scores:
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    p, r, f = np.mean(scores, axis=0)
    return {"precision": p, "recall": r, "f1": f}


# %% span_f1 · compares start and end only, the label may be wrong
def span_f1(true, predicted):
    if [len(t) for t in true] != [len(t) for t in predicted]:
        raise ValueError("lengths differ")
    right = n_true = n_predicted = 0
    for a, b in zip(true, predicted):
        gold = {(start, end) for _, start, end in spans_from_tags(a)}
        guess = {(start, end) for _, start, end in spans_from_tags(b)}
        right += len(gold & guess)
        n_true += len(gold)
        n_predicted += len(guess)
    p = right / n_predicted if n_predicted else 0.0
    r = right / n_true if n_true else 0.0
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}


# %% span_f1 · zips silently: sentences or tags that are too many are dropped and no ValueError is raised
def span_f1(true, predicted):
    right = n_true = n_predicted = 0
    for a, b in zip(true, predicted):
        gold, guess = set(spans_from_tags(a)), set(spans_from_tags(b))
        right += len(gold & guess)
        n_true += len(gold)
        n_predicted += len(guess)
    p = right / n_predicted if n_predicted else 0.0
    r = right / n_true if n_true else 0.0
    f1 = 2 * p * r / (p + r) if p + r else 0.0
    return {"precision": p, "recall": r, "f1": f1}


# %% span_f1 · counts tags other than O instead of spans: a token is right if its tag is the same
def span_f1(true, predicted):
    if len(true) != len(predicted) or any(len(a) != len(b) for a, b in zip(true, predicted)):
        raise ValueError("lengths differ")
    gold = [tag for tags in true for tag in tags]
    guess = [tag for tags in predicted for tag in tags]
    right = sum(a == b != "O" for a, b in zip(gold, guess))
    n_true = sum(tag != "O" for tag in gold)
    n_predicted = sum(tag != "O" for tag in guess)
    p = right / n_predicted if n_predicted else 0.0
    r = right / n_true if n_true else 0.0
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}


# %% aspect_scores · divides the right polarities by all true terms, not by the terms that were found
def aspect_scores(true, predicted):
    n_true = sum(len(t) for t in true)
    n_pred = sum(len(p) for p in predicted)
    found = right = 0
    for t, p in zip(true, predicted):
        places = {(s, e): pol for s, e, pol in p}
        for s, e, pol in t:
            if (s, e) in places:
                found += 1
                right += places[s, e] == pol
    both = n_true + n_pred
    return {
        "extraction_f1": 2 * found / both if both else 0.0,
        "polarity_accuracy": right / n_true if found else float("nan"),
        "joint_f1": 2 * right / both if both else 0.0,
    }


# %% aspect_scores · polarity accuracy is 0.0 instead of nan where no term was found
def aspect_scores(true, predicted):
    gold = {(i, s, e): p for i, terms in enumerate(true) for s, e, p in terms}
    guess = {(i, s, e): p for i, terms in enumerate(predicted) for s, e, p in terms}
    found = gold.keys() & guess.keys()
    right = sum(gold[k] == guess[k] for k in found)
    both = len(gold) + len(guess)
    return {
        "extraction_f1": 2 * len(found) / both if both else 0.0,
        "polarity_accuracy": right / len(found) if found else 0.0,
        "joint_f1": 2 * right / both if both else 0.0,
    }


# %% aspect_scores · joint F1 as the product of the other two, which is nan instead of 0 where no term was found
def aspect_scores(true, predicted):
    found = right = n_true = n_pred = 0
    for t, p in zip(true, predicted):
        n_true += len(t)
        n_pred += len(p)
        lookup = {(s, e): pol for s, e, pol in t}
        for s, e, pol in p:
            if (s, e) in lookup:
                found += 1
                right += lookup[(s, e)] == pol
    extraction = 2 * found / (n_true + n_pred) if n_true + n_pred else 0.0
    accuracy = right / found if found else float("nan")
    return {
        "extraction_f1": extraction,
        "polarity_accuracy": accuracy,
        "joint_f1": extraction * accuracy,
    }


# %% aspect_scores · compares the lists place by place with zip, as if both had the same order
def aspect_scores(true, predicted):
    found = right = 0
    for t, p in zip(true, predicted):
        for a, b in zip(t, p):
            if a[:2] == b[:2]:
                found += 1
                if a[2] == b[2]:
                    right += 1
    both = sum(map(len, true)) + sum(map(len, predicted))
    return {
        "extraction_f1": 2 * found / both if both else 0.0,
        "polarity_accuracy": right / found if found else float("nan"),
        "joint_f1": 2 * right / both if both else 0.0,
    }


# %% aspect_scores · takes a term for found if the two stretches overlap, not only if start and end are the same
def aspect_scores(true, predicted):
    n_true = sum(len(t) for t in true)
    n_pred = sum(len(p) for p in predicted)
    found = right = 0
    for t, p in zip(true, predicted):
        used = set()
        for s, e, pol in t:
            for j, (s2, e2, pol2) in enumerate(p):
                if j not in used and s < e2 and s2 < e:
                    used.add(j)
                    found += 1
                    right += pol == pol2
                    break
    precision = found / n_pred if n_pred else 0.0
    recall = found / n_true if n_true else 0.0
    joint_p = right / n_pred if n_pred else 0.0
    joint_r = right / n_true if n_true else 0.0
    return {
        "extraction_f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "polarity_accuracy": right / found if found else float("nan"),
        "joint_f1": 2 * joint_p * joint_r / (joint_p + joint_r) if joint_p + joint_r else 0.0,
    }


# %% score_intents · turns away also where the probability is equal to the threshold (<= for <)
def score_intents(true, probabilities, intents, threshold):
    p = np.asarray(probabilities)
    predicted = [
        "out_of_scope" if row.max() <= threshold else intents[int(row.argmax())] for row in p
    ]
    inside = [t == q for t, q in zip(true, predicted) if t != "out_of_scope"]
    outside = [q == "out_of_scope" for t, q in zip(true, predicted) if t == "out_of_scope"]
    refused = [t == "out_of_scope" for t, q in zip(true, predicted) if q == "out_of_scope"]
    mean = lambda x: sum(x) / len(x) if x else float("nan")
    return {
        "predicted": predicted,
        "in_scope_accuracy": mean(inside),
        "out_of_scope_recall": mean(outside),
        "out_of_scope_precision": mean(refused),
    }


# %% score_intents · takes the last of equal probabilities (sorts upwards and takes the end)
def score_intents(true, probabilities, intents, threshold):
    predicted = []
    for row in probabilities:
        ranked = sorted((float(p), k) for k, p in enumerate(row))
        p, k = ranked[-1]
        predicted.append(intents[k] if p >= threshold else "out_of_scope")
    inside = [t == q for t, q in zip(true, predicted) if t != "out_of_scope"]
    outside = [q == "out_of_scope" for t, q in zip(true, predicted) if t == "out_of_scope"]
    refused = [t == "out_of_scope" for t, q in zip(true, predicted) if q == "out_of_scope"]

    def mean(values):
        return sum(values) / len(values) if values else float("nan")

    return {
        "predicted": predicted,
        "in_scope_accuracy": mean(inside),
        "out_of_scope_recall": mean(outside),
        "out_of_scope_precision": mean(refused),
    }


# %% score_intents · leaves messages that were turned away out of the in-scope accuracy instead of counting them as not right
def score_intents(true, probabilities, intents, threshold):
    p = np.asarray(probabilities)
    best = p.argmax(axis=1)
    predicted = [
        "out_of_scope" if p[i, k] < threshold else intents[k] for i, k in enumerate(best)
    ]
    answered = [
        t == q for t, q in zip(true, predicted) if t != "out_of_scope" and q != "out_of_scope"
    ]
    hits = sum(t == q == "out_of_scope" for t, q in zip(true, predicted))
    n_true = sum(t == "out_of_scope" for t in true)
    n_pred = sum(q == "out_of_scope" for q in predicted)
    nan = float("nan")
    return {
        "predicted": predicted,
        "in_scope_accuracy": sum(answered) / len(answered) if answered else nan,
        "out_of_scope_recall": hits / n_true if n_true else nan,
        "out_of_scope_precision": hits / n_pred if n_pred else nan,
    }


# %% score_intents · recall and precision of out-of-scope are swapped
def score_intents(true, probabilities, intents, threshold):
    p = np.asarray(probabilities)
    names = np.array(intents, dtype=object)[p.argmax(axis=1)]
    names[p.max(axis=1) < threshold] = "out_of_scope"
    truth = np.array(true, dtype=object)
    is_out, said_out = truth == "out_of_scope", names == "out_of_scope"
    hits = (is_out & said_out).sum()
    inside = (names == truth)[~is_out]
    return {
        "predicted": names.tolist(),
        "in_scope_accuracy": inside.mean() if len(inside) else np.nan,
        "out_of_scope_recall": hits / said_out.sum() if said_out.any() else np.nan,
        "out_of_scope_precision": hits / is_out.sum() if is_out.any() else np.nan,
    }


# %% score_intents · uses methods of arrays (max(axis=1)) on what was given, so lists of lists raise AttributeError
def score_intents(true, probabilities, intents, threshold):
    highest = probabilities.max(axis=1)
    highest = getattr(highest, "values", highest)
    best = probabilities.argmax(axis=1)
    predicted = [
        "out_of_scope" if float(h) < threshold else intents[int(k)] for h, k in zip(highest, best)
    ]
    inside = [t == q for t, q in zip(true, predicted) if t != "out_of_scope"]
    outside = [q == "out_of_scope" for t, q in zip(true, predicted) if t == "out_of_scope"]
    refused = [t == "out_of_scope" for t, q in zip(true, predicted) if q == "out_of_scope"]

    def mean(values):
        return float(np.mean(values)) if values else float("nan")

    return {
        "predicted": predicted,
        "in_scope_accuracy": mean(inside),
        "out_of_scope_recall": mean(outside),
        "out_of_scope_precision": mean(refused),
    }


# %% predict_tags · reads the tag of word w at place w + 1, as if each word had just one piece
def predict_tags(model, tokenizer, sentences, names):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right", return_tensors="pt"
    )
    mode = model.training
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=enc["input_ids"], attention_mask=enc["attention_mask"]).logits
    model.train(mode)
    best = logits.argmax(dim=-1).tolist()
    return [[names[k] for k in row[1 : len(words) + 1]] for row, words in zip(best, sentences)]


# %% predict_tags · takes the mean of the logits over all pieces of a word, not those of its first piece
def predict_tags(model, tokenizer, sentences, names):
    enc = tokenizer(
        sentences, is_split_into_words=True, padding=True, padding_side="right", return_tensors="pt"
    )
    mode = model.training
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=enc["input_ids"], attention_mask=enc["attention_mask"]).logits
    model.train(mode)
    result = []
    for i, words in enumerate(sentences):
        ids = enc.word_ids(i)
        tags = []
        for w in range(len(words)):
            places = [t for t, v in enumerate(ids) if v == w]
            tags.append(names[int(logits[i, places].mean(dim=0).argmax())])
        result.append(tags)
    return result


# %% predict_tags · calls the model with input_ids only, so padding is attended to and neighbours change the tags
def predict_tags(model, tokenizer, sentences, names):
    batch = encode_batch(tokenizer, sentences, [[0] * len(words) for words in sentences])
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(batch["input_ids"]).logits
    model.train(was_training)
    result = []
    for row, labels in zip(logits.argmax(dim=-1), batch["labels"]):
        result.append([names[k] for k in row[labels != -100].tolist()])
    return result


# %% predict_tags · without gradients, but never in evaluation mode: dropout stays on in a model that comes in training mode
def predict_tags(model, tokenizer, sentences, names):
    batch = encode_batch(tokenizer, sentences, [[0] * len(words) for words in sentences])
    with torch.no_grad():
        logits = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).logits
    best = logits.argmax(-1)
    return [
        [names[int(k)] for k, label in zip(row, labels) if label != -100]
        for row, labels in zip(best, batch["labels"])
    ]


# %% predict_tags · ends with model.train() always, so a model that came in evaluation mode goes back in training mode
def predict_tags(model, tokenizer, sentences, names):
    batch = encode_batch(tokenizer, sentences, [[0] * len(words) for words in sentences])
    model.eval()
    with torch.no_grad():
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    model.train()
    predictions = output.logits.argmax(dim=2).numpy()
    places = batch["labels"].numpy()
    tags = []
    for row, place in zip(predictions, places):
        tags.append([names[k] for k, label in zip(row, place) if label != -100])
    return tags


# %% train_tagger · trains only the classifier's head and freezes everything else, where all of the model is to learn
def train_tagger(model, batches, epochs, learning_rate):
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("classifier")
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=learning_rate)
    model.train()
    means = []
    for _ in range(epochs):
        losses = []
        for batch in batches:
            loss = model(**batch).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, 1.0)
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    model.eval()
    return means


# %% train_tagger · returns the loss of the last batch of each epoch, not the mean over its batches
def train_tagger(model, batches, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    total = epochs * len(batches)
    warm = max(1, total // 10)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, max(0.0, (total - s) / max(1, total - warm)))
    )
    model.train()
    history = []
    for epoch in range(epochs):
        for batch in batches:
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        history.append(loss.item())
    model.eval()
    return history


# %% train_tagger · never switches to training mode, so a model that comes from from_pretrained learns without dropout
def train_tagger(model, batches, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    history = []
    for epoch in range(epochs):
        total = 0.0
        for batch in batches:
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        history.append(total / len(batches))
    model.eval()
    return history


# %% train_tagger · gathers the gradients of all batches and makes one optimizer step for each epoch, not for each batch
def train_tagger(model, batches, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    model.train()
    means = []
    for _ in range(epochs):
        optimizer.zero_grad()
        total = 0.0
        for batch in batches:
            loss = model(**batch).loss
            (loss / len(batches)).backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        means.append(total / len(batches))
    model.eval()
    return means


# %% train_tagger · goes through the batches again after each epoch, in evaluation mode, and returns those losses, not the ones learnt from
def train_tagger(model, batches, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    history = []
    for epoch in range(epochs):
        model.train()
        for batch in batches:
            loss = model(**batch).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            history.append(float(np.mean([model(**batch).loss.item() for batch in batches])))
    return history
