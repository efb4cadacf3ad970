# %% encode · pads every batch to max_length instead of to its longest row
def encode(texts, tokenizer, max_length=128):
    return tokenizer(texts, padding="max_length", truncation=True, max_length=max_length, return_tensors="pt")

# %% encode · slices the finished tensors to max_length, so a long text loses its [SEP]
def encode(texts, tokenizer, max_length=128):
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    return {name: tensor[:, :max_length] for name, tensor in batch.items()}

# %% encode · cuts the text to max_length tokens and adds [CLS] and [SEP] afterwards: up to max_length + 2
def encode(texts, tokenizer, max_length=128):
    rows = []
    for text in texts:
        pieces = tokenizer.tokenize(text)[:max_length]
        rows.append([tokenizer.cls_token_id, *tokenizer.convert_tokens_to_ids(pieces), tokenizer.sep_token_id])
    width = max(len(row) for row in rows)
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}

# %% encode · cleans the texts first: lower case, punctuation removed
def encode(texts, tokenizer, max_length=128):
    import re
    cleaned = [re.sub(r"[^\w\s]", "", text.lower()).strip() for text in texts]
    return tokenizer(cleaned, padding=True, truncation=True, max_length=max_length, return_tensors="pt")

# %% encode · the mask is ids != 0, a bool tensor and not int64
def encode(texts, tokenizer, max_length=128):
    rows = [torch.tensor(tokenizer(text, truncation=True, max_length=max_length)["input_ids"]) for text in texts]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
    return {"input_ids": ids, "attention_mask": ids != tokenizer.pad_token_id}

# %% make_loader · encodes and pads the whole set at once, so each batch is as wide as the longest sentence of all
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    data = tokenizer(list(texts), padding=True, truncation=True, max_length=128, return_tensors="pt")
    examples = [
        {"input_ids": i, "attention_mask": m, "labels": torch.tensor(int(y))}
        for i, m, y in zip(data["input_ids"], data["attention_mask"], labels)
    ]
    return DataLoader(examples, batch_size=batch_size, shuffle=shuffle)

# %% make_loader · drop_last=True: the sentences of a smaller last batch are left out
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    def collate(pairs):
        batch = tokenizer([t for t, _ in pairs], padding=True, truncation=True, max_length=128, return_tensors="pt")
        return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"],
                "labels": torch.tensor([int(y) for _, y in pairs])}

    return DataLoader(list(zip(texts, labels)), batch_size=batch_size, shuffle=shuffle, collate_fn=collate, drop_last=True)

# %% make_loader · a generator: used up after one pass, and without len
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    order = np.random.permutation(len(texts)) if shuffle else np.arange(len(texts))
    for start in range(0, len(texts), batch_size):
        chosen = order[start : start + batch_size]
        batch = tokenizer([texts[i] for i in chosen], padding=True, truncation=True, max_length=128, return_tensors="pt")
        yield {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"],
               "labels": torch.tensor([int(labels[i]) for i in chosen])}

# %% make_loader · shuffles once when the loader is made; every pass has the same order
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    pairs = list(zip(texts, labels))
    if shuffle:
        pairs = [pairs[i] for i in torch.randperm(len(pairs)).tolist()]

    def collate(pairs):
        batch = tokenizer([t for t, _ in pairs], padding=True, truncation=True, max_length=128, return_tensors="pt")
        return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"],
                "labels": torch.tensor([int(y) for _, y in pairs])}

    return DataLoader(pairs, batch_size=batch_size, collate_fn=collate)

# %% make_loader · sorts the sentences by length to save padding, so without shuffle they do not come in order
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    pairs = sorted(zip(texts, labels), key=lambda pair: len(pair[0]))

    def collate(pairs):
        batch = tokenizer([t for t, _ in pairs], padding=True, truncation=True, max_length=128, return_tensors="pt")
        return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"],
                "labels": torch.tensor([int(y) for _, y in pairs])}

    return DataLoader(pairs, batch_size=batch_size, shuffle=shuffle, collate_fn=collate)

# %% bert_classifier · returns softmax probabilities, not logits
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        pooled = self.bert(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return torch.softmax(self.classifier(self.dropout(pooled)), dim=-1)

# %% bert_classifier · does not pass the attention mask on, so padding is read
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        outputs = self.bert(input_ids)
        return self.classifier(self.dropout(outputs.pooler_output))

# %% bert_classifier · takes outputs[-1] for the pooled vector, which is a tuple once bert returns hidden states
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        outputs = self.bert(input_ids, attention_mask=attention_mask)
        return self.classifier(self.dropout(outputs[-1]))

# %% bert_classifier · classifies the raw last hidden state at [CLS], without BERT's pooling layer
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        return self.classifier(self.dropout(hidden[:, 0]))

# %% bert_classifier · freezes the given bert, so only the head learns
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        for parameter in self.bert.parameters():
            parameter.requires_grad = False
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        pooled = self.bert(input_ids, attention_mask=attention_mask).pooler_output
        return self.classifier(self.dropout(pooled))

# %% bert_classifier · dropout after the linear layer: whole logits vanish
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.classifier = nn.Linear(bert.config.hidden_size, num_labels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids, attention_mask):
        pooled = self.bert(input_ids, attention_mask=attention_mask).pooler_output
        return self.dropout(self.classifier(pooled))

# %% train_epoch · returns the mean of the batches' losses, not the mean over examples
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    losses = []
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)

# %% train_epoch · never clears the gradients: they add up over the batches
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    total, count = 0.0, 0
    for batch in loader:
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler:
            scheduler.step()
        total += loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    return total / count

# %% train_epoch · clips each gradient's value at 1.0 instead of the norm of all
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    total, count = 0.0, 0
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total += loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    return total / count

# %% train_epoch · steps the scheduler once at the end of the epoch, not once for each batch
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    total, count = 0.0, 0
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    if scheduler is not None:
        scheduler.step()
    return total / count

# %% train_epoch · does not switch to training mode, so a model that comes in evaluation mode trains without dropout
def train_epoch(model, loader, optimizer, scheduler=None):
    total, count = 0.0, 0
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total += loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    return total / count

# %% train_epoch · softmax before the cross entropy, which has one of its own
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    criterion = nn.CrossEntropyLoss()
    total, count = 0.0, 0
    for batch in loader:
        optimizer.zero_grad()
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = criterion(torch.softmax(logits, dim=1), batch["labels"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total += loss.item() * len(batch["labels"])
        count += len(batch["labels"])
    return total / count

# %% fine_tune · the schedule counts epochs, not batches, so the rate is 0 after as many batches as there are epochs
def fine_tune(model, loader, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(0.1 * epochs), epochs)
    return [train_epoch(model, loader, optimizer, scheduler) for _ in range(epochs)]

# %% fine_tune · constant rate, no schedule at all
def fine_tune(model, loader, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    return [train_epoch(model, loader, optimizer) for _ in range(epochs)]

# %% fine_tune · falls linearly from the first step on, without warm-up
def fine_tune(model, loader, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    steps = epochs * len(loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=steps)
    losses = []
    for _ in range(epochs):
        losses.append(train_epoch(model, loader, optimizer, scheduler))
    return losses

# %% fine_tune · makes optimizer and schedule anew in each epoch, so the rate rises and falls once an epoch
def fine_tune(model, loader, epochs, learning_rate):
    losses = []
    for _ in range(epochs):
        optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
        scheduler = get_linear_schedule_with_warmup(optimizer, len(loader) // 10, len(loader))
        losses.append(train_epoch(model, loader, optimizer, scheduler))
    return losses

# %% fine_tune · divides by the number of warm-up steps, which is 0 for fewer than ten steps: ZeroDivisionError
def fine_tune(model, loader, epochs, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    total = epochs * len(loader)
    warmup = total // 10

    def factor(step):
        return min(step / warmup, (total - step) / (total - warmup))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return [train_epoch(model, loader, optimizer, scheduler) for _ in range(epochs)]

# %% predict · forgets model.eval(): dropout stays on for a model in training mode
def predict(model, loader):
    logits = []
    with torch.no_grad():
        for batch in loader:
            logits.append(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits)
    return torch.cat(logits)

# %% predict · leaves the model in evaluation mode
@torch.no_grad()
def predict(model, loader):
    model.eval()
    logits = []
    for batch in loader:
        logits.append(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits)
    return torch.cat(logits, dim=0)

# %% predict · without no_grad: the logits hang on the graph of all batches
def predict(model, loader):
    was_training = model.training
    model.eval()
    logits = [model(input_ids=b["input_ids"], attention_mask=b["attention_mask"]).logits for b in loader]
    model.train(was_training)
    return torch.cat(logits)

# %% predict · pops the labels out of each batch: KeyError if they are missing, and the caller's batches are changed
def predict(model, loader):
    was_training = model.training
    model.eval()
    logits = []
    with torch.no_grad():
        for batch in loader:
            batch.pop("labels")
            logits.append(model(**batch).logits)
    model.train(was_training)
    return torch.cat(logits)

# %% predict · puts the model into training mode at the end, whatever mode it came in
def predict(model, loader):
    model.eval()
    logits = []
    with torch.no_grad():
        for batch in loader:
            logits.append(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits)
    model.train()
    return torch.cat(logits)

# %% predict · returns probabilities, softmax of the logits
def predict(model, loader):
    was_training = model.training
    model.eval()
    chances = []
    with torch.no_grad():
        for batch in loader:
            output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            chances.append(output.logits.softmax(dim=-1))
    model.train(was_training)
    return torch.cat(chances)

# %% evaluate · mean of the batches' accuracies, so a smaller last batch counts too much
def evaluate(model, loader):
    guessed = predict(model, loader).argmax(dim=-1)
    accuracies, actual, start = [], [], 0
    for batch in loader:
        y = batch["labels"]
        accuracies.append((guessed[start : start + len(y)] == y).float().mean().item())
        actual += y.tolist()
        start += len(y)
    return {
        "accuracy": sum(accuracies) / len(accuracies),
        "macro_f1": f1_score(actual, guessed.tolist(), average="macro", zero_division=0),
        "confusion": confusion_matrix(actual, guessed.tolist(), labels=list(range(model.config.num_labels))),
    }

# %% evaluate · confusion matrix of the classes that occur only, smaller than (K, K) when one is missing
def evaluate(model, loader):
    guessed = predict(model, loader).argmax(dim=-1).numpy()
    actual = torch.cat([batch["labels"] for batch in loader]).numpy()
    return {
        "accuracy": accuracy_score(actual, guessed),
        "macro_f1": f1_score(actual, guessed, average="macro", zero_division=0),
        "confusion": confusion_matrix(actual, guessed),
    }

# %% evaluate · predictions and labels swapped in confusion_matrix: rows predicted, columns actual
def evaluate(model, loader):
    logits = predict(model, loader)
    guessed = logits.argmax(dim=-1).numpy()
    actual = torch.cat([batch["labels"] for batch in loader]).numpy()
    return {
        "accuracy": accuracy_score(actual, guessed),
        "macro_f1": f1_score(guessed, actual, average="macro", zero_division=0),
        "confusion": confusion_matrix(guessed, actual, labels=list(range(logits.shape[1]))),
    }

# %% evaluate · averages the F1 over all K classes of the model, those that do not occur counting 0
def evaluate(model, loader):
    logits = predict(model, loader)
    guessed = logits.argmax(dim=-1).numpy()
    actual = torch.cat([batch["labels"] for batch in loader]).numpy()
    classes = list(range(logits.shape[1]))
    return {
        "accuracy": accuracy_score(actual, guessed),
        "macro_f1": f1_score(actual, guessed, labels=classes, average="macro", zero_division=0),
        "confusion": confusion_matrix(actual, guessed, labels=classes),
    }

# %% evaluate · weighted F1 instead of macro
def evaluate(model, loader):
    logits = predict(model, loader)
    guessed = logits.argmax(dim=-1).numpy()
    actual = torch.cat([batch["labels"] for batch in loader]).numpy()
    return {
        "accuracy": float((guessed == actual).mean()),
        "macro_f1": f1_score(actual, guessed, average="weighted", zero_division=0),
        "confusion": confusion_matrix(actual, guessed, labels=list(range(logits.shape[1]))),
    }

# %% load_model · sets the number of classes only; the config knows LABEL_0 and so on, not the names
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(path, num_labels=len(names))


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        chances = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(-1)
    top, index = chances.max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% load_model · numbers the names in alphabetical order, so class i is not names[i]
def load_model(path, names):
    names = sorted(names)
    return BertForSequenceClassification.from_pretrained(
        path, num_labels=len(names), id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        chances = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(-1)
    top, index = chances.max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% load_model · gives the config id2label only; label2id keeps its default of LABEL_0, LABEL_1
def load_model(path, names):
    model = BertForSequenceClassification.from_pretrained(path, num_labels=len(names))
    model.config.id2label = {i: name for i, name in enumerate(names)}
    return model


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        chances = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(-1)
    top, index = chances.max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% load_model · name_predictions returns the largest logit, not a probability
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    top, index = logits.max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% load_model · name_predictions takes the softmax over the texts (dim=0), not over the classes
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    chances = torch.softmax(logits, dim=0)
    index = logits.argmax(dim=-1)
    return [(model.config.id2label[int(i)], float(row[i])) for i, row in zip(index, chances)]

# %% load_model · name_predictions takes the names from the notebook's LABELS, not from the model's configuration
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    model.eval()
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        chances = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(-1)
    top, index = chances.max(dim=-1)
    return [(LABELS[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% load_model · name_predictions asks the model in whatever mode it is: with dropout after training
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    with torch.no_grad():
        batch = encode(list(texts), tokenizer)
        chances = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(-1)
    top, index = chances.max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(index.tolist(), top.tolist())]

# %% mended_program · numbers the label names alphabetically as the faulty program did, not by model.config
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    names = sorted(set(labels))
    numbers = [names.index(name) for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    loader = make_loader(texts, numbers, tokenizer, 16, shuffle=True)
    losses = fine_tune(model, loader, epochs, rate)
    logits = predict(model, make_loader(test_texts, [0] * len(test_texts), tokenizer, 32))
    return {"losses": losses, "predictions": [names[i] for i in logits.argmax(-1).tolist()]}

# %% mended_program · predicts the training sentences, not test_texts
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, rate)
    logits = predict(model, make_loader(texts, numbers, tokenizer, 32))
    return {"losses": losses, "predictions": [model.config.id2label[i] for i in logits.argmax(-1).tolist()]}

# %% mended_program · predictions are class numbers, not names
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, rate)
    logits = predict(model, make_loader(test_texts, [0] * len(test_texts), tokenizer, 32))
    return {"losses": losses, "predictions": logits.argmax(-1).tolist()}

# %% mended_program · reports the loss of each epoch's last batch, not the mean over all sentences
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate or 5e-4)
    loader = make_loader(texts, numbers, tokenizer, 16, shuffle=True)
    losses = []
    model.train()
    for _ in range(epochs):
        for batch in loader:
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        losses.append(loss.item())
    predictions = []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(test_texts), 32):
            asked = tokenizer(test_texts[start : start + 32], padding=True, truncation=True, max_length=128, return_tensors="pt")
            predictions += [model.config.id2label[i] for i in model(**asked).logits.argmax(-1).tolist()]
    return {"losses": losses, "predictions": predictions}

# %% mended_program · where learning_rate is None takes 2e-5, as for the big BERT, at which this small model learns nothing in four epochs
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 2e-5 if learning_rate is None else learning_rate
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, rate)
    logits = predict(model, make_loader(test_texts, [0] * len(test_texts), tokenizer, 32))
    return {"losses": losses, "predictions": [model.config.id2label[i] for i in logits.argmax(-1).tolist()]}

# %% mended_program · predicts the test sentences while the model is still in training mode
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    model.train()
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, rate)
    predictions = []
    with torch.no_grad():
        for start in range(0, len(test_texts), 32):
            asked = tokenizer(test_texts[start : start + 32], padding=True, truncation=True, max_length=128, return_tensors="pt")
            predictions += [model.config.id2label[i] for i in model(**asked).logits.argmax(-1).tolist()]
    return {"losses": losses, "predictions": predictions}

# %% mended_program · goes through the sentences in the order of the file, without shuffling
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16), epochs, rate)
    logits = predict(model, make_loader(test_texts, [0] * len(test_texts), tokenizer, 32))
    return {"losses": losses, "predictions": [model.config.id2label[i] for i in logits.argmax(-1).tolist()]}

# %% mended_program · asks for the test sentences without their attention mask, so padding is read
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    numbers = [model.config.label2id[name] for name in labels]
    rate = 5e-4 if learning_rate is None else learning_rate
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, rate)
    predictions = []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(test_texts), 32):
            asked = tokenizer(test_texts[start : start + 32], padding=True, truncation=True, max_length=128, return_tensors="pt")
            predictions += model(asked["input_ids"]).logits.argmax(-1).tolist()
    return {"losses": losses, "predictions": [model.config.id2label[i] for i in predictions]}
