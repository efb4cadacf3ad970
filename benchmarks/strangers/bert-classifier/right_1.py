# %% encode · row by row, padded by hand
def encode(texts, tokenizer, max_length=128):
    rows = []
    for text in texts:
        rows.append(tokenizer(text, truncation=True, max_length=max_length)["input_ids"])
    width = max(len(row) for row in rows)
    ids, mask = [], []
    for row in rows:
        missing = width - len(row)
        ids.append(list(row) + [tokenizer.pad_token_id] * missing)
        mask.append([1] * len(row) + [0] * missing)
    return {"input_ids": torch.tensor(ids, dtype=torch.int64), "attention_mask": torch.tensor(mask, dtype=torch.int64)}

# %% make_loader · a class of its own with __iter__ and __len__
class _Loader:
    def __init__(self, texts, labels, tokenizer, batch_size, shuffle):
        self.texts = list(texts)
        self.labels = [int(label) for label in labels]
        self.tokenizer, self.batch_size, self.shuffle = tokenizer, batch_size, shuffle

    def __len__(self):
        return (len(self.texts) + self.batch_size - 1) // self.batch_size

    def __iter__(self):
        order = list(range(len(self.texts)))
        if self.shuffle:
            order = torch.randperm(len(order)).tolist()
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            rows = [self.tokenizer(self.texts[i], truncation=True, max_length=128)["input_ids"] for i in chosen]
            width = max(len(row) for row in rows)
            ids = torch.full((len(rows), width), self.tokenizer.pad_token_id, dtype=torch.int64)
            mask = torch.zeros((len(rows), width), dtype=torch.int64)
            for i, row in enumerate(rows):
                ids[i, : len(row)] = torch.tensor(row)
                mask[i, : len(row)] = 1
            yield {
                "input_ids": ids,
                "attention_mask": mask,
                "labels": torch.tensor([self.labels[i] for i in chosen], dtype=torch.int64),
            }


def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    return _Loader(texts, labels, tokenizer, batch_size, shuffle)

# %% bert_classifier · plain module, pooler_output by name
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask):
        outputs = self.bert(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        return self.linear(self.dropout(outputs.pooler_output))

# %% train_epoch · step by step, the model's own loss
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    total = 0.0
    count = 0
    for batch in loader:
        optimizer.zero_grad()
        output = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]
        )
        output.loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        n = len(batch["labels"])
        total += output.loss.item() * n
        count += n
    return total / count

# %% fine_tune · schedule by hand with LambdaLR
def fine_tune(model, loader, epochs, learning_rate):
    total = epochs * len(loader)
    warmup = total // 10

    def factor(step):
        if step < warmup:
            return step / warmup
        return max(0.0, (total - step) / max(1, total - warmup))

    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    losses = []
    for _ in range(epochs):
        losses.append(train_epoch(model, loader, optimizer, scheduler))
    return losses

# %% predict · list of batches, mode kept in a variable
def predict(model, loader):
    was_training = model.training
    model.eval()
    pieces = []
    with torch.no_grad():
        for batch in loader:
            output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            pieces.append(output.logits)
    model.train(was_training)
    return torch.cat(pieces, dim=0)

# %% evaluate · counts by hand
def evaluate(model, loader):
    logits = predict(model, loader)
    K = logits.shape[1]
    confusion = np.zeros((K, K), dtype=int)
    actual = []
    for batch in loader:
        actual += batch["labels"].tolist()
    for a, p in zip(actual, logits.argmax(dim=1).tolist()):
        confusion[a, p] += 1
    scores = []
    for c in range(K):
        tp = confusion[c, c]
        errors = confusion[c].sum() + confusion[:, c].sum() - 2 * tp
        if 2 * tp + errors > 0:
            scores.append(2 * tp / (2 * tp + errors))
    return {
        "accuracy": float(np.trace(confusion) / confusion.sum()),
        "macro_f1": float(sum(scores) / len(scores)),
        "confusion": confusion,
    }

# %% load_model · dictionaries passed to from_pretrained, one text at a time
def load_model(path, names):
    id2label = {}
    label2id = {}
    for i, name in enumerate(names):
        id2label[i] = name
        label2id[name] = i
    return BertForSequenceClassification.from_pretrained(
        path, num_labels=len(names), id2label=id2label, label2id=label2id
    )


def name_predictions(model, tokenizer, texts):
    was_training = model.training
    model.eval()
    result = []
    for text in texts:
        batch = tokenizer([text], truncation=True, max_length=128, return_tensors="pt")
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[0]
        chances = torch.softmax(logits.double(), dim=-1)
        best = int(chances.argmax())
        result.append((model.config.id2label[best], float(chances[best])))
    model.train(was_training)
    return result

# %% mended_program · written out, without the other tasks, constant rate
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    if learning_rate is None:
        learning_rate = 5e-4 if model.config.hidden_size < 256 else 3e-5
    numbers = [model.config.label2id[name] for name in labels]
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        model.train()
        order = torch.randperm(len(texts)).tolist()
        total = 0.0
        for start in range(0, len(order), 16):
            chosen = order[start : start + 16]
            batch = tokenizer(
                [texts[i] for i in chosen], padding=True, truncation=True, max_length=128, return_tensors="pt"
            )
            target = torch.tensor([numbers[i] for i in chosen])
            optimizer.zero_grad()
            loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=target).loss
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(chosen)
        losses.append(total / len(texts))
    model.eval()
    predictions = []
    for start in range(0, len(test_texts), 32):
        batch = tokenizer(
            list(test_texts[start : start + 32]), padding=True, truncation=True, max_length=128, return_tensors="pt"
        )
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        for i in logits.argmax(dim=-1).tolist():
            predictions.append(model.config.id2label[i])
    return {"losses": losses, "predictions": predictions}
