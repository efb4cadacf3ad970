# %% encode · tokenizer.pad on lists
def encode(texts, tokenizer, max_length=128):
    rows = [{"input_ids": tokenizer.encode(t, truncation=True, max_length=max_length)} for t in texts]
    batch = tokenizer.pad(rows, padding=True, padding_side="right", return_tensors="pt")
    return {"attention_mask": batch["attention_mask"].long(), "input_ids": batch["input_ids"].long()}

# %% make_loader · Dataset class and DataCollatorWithPadding
from torch.utils.data import Dataset
from transformers import DataCollatorWithPadding


class Sentences(Dataset):
    def __init__(self, texts, labels, tokenizer):
        self.rows = [tokenizer(t, truncation=True, max_length=128) for t in texts]
        self.labels = [int(y) for y in labels]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        return {"input_ids": row["input_ids"], "attention_mask": row["attention_mask"], "label": self.labels[i]}


def make_loader(texts, labels, tokenizer, batch_size, shuffle=False):
    pad = DataCollatorWithPadding(tokenizer)
    return DataLoader(
        Sentences(texts, labels, tokenizer),
        batch_size=batch_size,
        shuffle=shuffle,
        collate_fn=lambda rows: dict(pad(rows)),
    )

# %% bert_classifier · position 1 of the outputs, which is the pooled vector in either form
class BertClassifier(nn.Module):
    def __init__(self, bert, num_labels, dropout=0.1):
        super().__init__()
        self.bert, self.rate = bert, dropout
        self.classifier = nn.Linear(in_features=bert.config.hidden_size, out_features=num_labels, bias=True)
        nn.init.normal_(self.classifier.weight, std=0.02)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, input_ids, attention_mask):
        vector = self.bert(input_ids=input_ids, attention_mask=attention_mask)[1]
        return self.classifier(nn.functional.dropout(vector, self.rate, training=self.training))

# %% train_epoch · sum over examples, np.average at the end
def train_epoch(model, loader, optimizer, scheduler=None):
    criterion = nn.CrossEntropyLoss(reduction="none")
    losses = []
    model.train()
    for batch in loader:
        model.zero_grad()
        each = criterion(model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits, batch["labels"])
        each.mean().backward()
        torch.nn.utils.clip_grad_norm_(list(model.parameters()), 1)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.extend(each.detach().tolist())
    return np.mean(losses)

# %% fine_tune · np.interp as the schedule
def fine_tune(model, loader, epochs, learning_rate):
    from torch.optim.lr_scheduler import LambdaLR

    total = epochs * len(loader)
    warm = int(0.1 * total)
    knots, values = ([0, warm, total], [0, 1, 0]) if warm else ([0, max(total, 1)], [1, 0])
    optimizer = torch.optim.AdamW(params=model.parameters(), lr=learning_rate, weight_decay=0.01)
    scheduler = LambdaLR(optimizer, lambda step: float(np.interp(step, knots, values)))
    losses = [float(train_epoch(model, loader, optimizer, scheduler)) for _ in range(epochs)]
    return losses

# %% predict · inference_mode, modes of all modules given back, filled into one tensor
def predict(model, loader):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    rows = []
    with torch.no_grad():
        for batch in loader:
            rows.extend(model(batch["input_ids"], batch["attention_mask"]).logits.unbind(0))
    for module, mode in modes.items():
        module.training = mode
    return torch.stack(rows)

# %% evaluate · one pass, torch bincount
def evaluate(model, loader):
    seen = list(loader)
    logits = predict(model, seen)
    K = model.config.num_labels
    actual = torch.cat([b["labels"] for b in seen])
    guess = logits.max(dim=1).indices
    confusion = torch.bincount(K * actual + guess, minlength=K * K).reshape(K, K)
    tp, rows, columns = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    there = rows + columns > 0
    return {
        "confusion": confusion.numpy(),
        "macro_f1": (2 * tp[there] / (rows + columns)[there]).mean().item(),
        "accuracy": (actual == guess).double().mean().item(),
    }

# %% load_model · configuration first, then the model; names set in it
def load_model(path, names):
    config = AutoConfig.from_pretrained(path)
    config.num_labels = len(names)
    config.id2label = {i: str(name) for i, name in enumerate(names)}
    config.label2id = {str(name): i for i, name in enumerate(names)}
    return BertForSequenceClassification.from_pretrained(path, config=config)


def name_predictions(model, tokenizer, texts):
    texts = list(texts)
    mode = model.training
    model.eval()
    pairs = []
    for start in range(0, len(texts), 8):
        with torch.no_grad():
            logits = model(**tokenizer(texts[start : start + 8], padding=True, truncation=True, max_length=128,
                                       return_tensors="pt")).logits
        scores = np.exp(nn.functional.log_softmax(logits, dim=1).numpy())
        pairs += [[model.config.id2label[int(row.argmax())], row.max()] for row in scores]
    model.train(mode)
    return [tuple(pair) for pair in pairs]

# %% mended_program · fine_tune with batches of 32, names by name_predictions
def mended_program(model, tokenizer, texts, labels, test_texts, epochs=4, learning_rate=None):
    rate = learning_rate if learning_rate is not None else (1e-3 if model.config.hidden_size < 256 else 3e-5)
    targets = list(map(model.config.label2id.__getitem__, labels))
    losses = []
    if epochs > 0:
        losses = list(fine_tune(model, make_loader(texts, targets, tokenizer, 24, True), epochs, rate))
    return {"predictions": [name for name, _ in name_predictions(model, tokenizer, test_texts)], "losses": losses}
