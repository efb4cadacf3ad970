# %% encode · one call of the tokenizer
def encode(texts, tokenizer, max_length=128):
    return tokenizer(
        list(texts), padding="longest", truncation=True, max_length=max_length, padding_side="right", return_tensors="pt"
    )

# %% make_loader · DataLoader with collate_fn
def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    def collate(pairs):
        said, numbers = zip(*pairs)
        batch = encode(list(said), tokenizer, max_length=128)
        return {
            "input_ids": batch["input_ids"],
            "attention_mask": batch["attention_mask"],
            "labels": torch.as_tensor(numbers, dtype=torch.long),
        }

    return DataLoader(list(zip(texts, map(int, labels), strict=True)), batch_size, shuffle=shuffle, collate_fn=collate)

# %% bert_classifier · nn.Sequential head
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.encoder = bert
        self.head = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(bert.config.hidden_size, num_labels))

    def forward(self, input_ids, attention_mask):
        return self.head(self.encoder(input_ids, attention_mask=attention_mask).pooler_output)

# %% train_epoch · cross entropy of the logits, tensors added up
def train_epoch(model, loader, optimizer, scheduler=None):
    model.train()
    total, seen = torch.zeros(()), 0
    for batch in loader:
        logits = model(**batch).logits
        loss = nn.functional.cross_entropy(logits, batch["labels"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total += loss.detach() * logits.shape[0]
        seen += logits.shape[0]
    return (total / seen).item()

# %% fine_tune · get_linear_schedule_with_warmup
def fine_tune(model, loader, epochs, learning_rate):
    steps = epochs * len(loader)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=steps // 10, num_training_steps=steps)
    return [train_epoch(model, loader, optimizer, scheduler) for _ in range(epochs)]

# %% predict · inference in a try/finally
@torch.no_grad()
def predict(model, loader):
    mode = model.training
    model.eval()
    try:
        return torch.cat(
            [model(**{k: v for k, v in batch.items() if k != "labels"}).logits for batch in loader]
        )
    finally:
        model.train(mode)

# %% evaluate · scikit-learn
def evaluate(model, loader):
    logits = predict(model, loader)
    guessed = logits.argmax(dim=-1).numpy()
    actual = torch.cat([batch["labels"] for batch in loader]).numpy()
    return {
        "accuracy": accuracy_score(actual, guessed),
        "macro_f1": f1_score(actual, guessed, average="macro", zero_division=0),
        "confusion": confusion_matrix(actual, guessed, labels=range(logits.shape[-1])),
    }

# %% load_model · id2label and label2id, all texts in one batch
def load_model(path, names):
    return BertForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)}
    )


def name_predictions(model, tokenizer, texts):
    if not len(texts):
        return []
    mode = model.training
    model.eval()
    batch = encode(texts, tokenizer)
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    model.train(mode)
    chances, best = logits.softmax(dim=-1).max(dim=-1)
    return [(model.config.id2label[i], p) for i, p in zip(best.tolist(), chances.tolist())]

# %% mended_program · built from the other tasks
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    if learning_rate is None:
        learning_rate = 5e-4 if model.config.hidden_size < 256 else 5e-5
    numbers = [model.config.label2id[name] for name in labels]
    losses = fine_tune(model, make_loader(texts, numbers, tokenizer, 16, shuffle=True), epochs, learning_rate)
    logits = predict(model, make_loader(test_texts, [0] * len(test_texts), tokenizer, 32))
    return {"losses": losses, "predictions": [model.config.id2label[i] for i in logits.argmax(dim=-1).tolist()]}
