# %% preprocess · torchvision's transforms
def preprocess(images, pixel_max, mean, std):
    from torchvision.transforms.functional import normalize

    return normalize(images.to(torch.float32).div(pixel_max), mean=list(mean), std=list(std))


# %% class_indices · NumPy array of comparisons
def class_indices(names, class_names):
    same = np.array([[name == own for own in class_names] for name in names], dtype=bool)
    if not same.any(axis=1).all():
        raise ValueError(f"not among the classes: {sorted(set(names) - set(class_names))}")
    return same.argmax(axis=1)


# %% predict_logits · DataLoader in a context manager which gives back the mode of each module
from contextlib import contextmanager


@contextmanager
def measured(model):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def predict_logits(model, x, batch_size=64):
    loader = DataLoader(TensorDataset(x), batch_size=batch_size, shuffle=False, drop_last=False)
    with measured(model):
        return torch.cat([model(part) for (part,) in loader], dim=0)


# %% evaluate · class which adds up, log_softmax and gather
class Meter:
    def __init__(self):
        self.n = self.hits = 0
        self.loss = np.float64(0)

    def add(self, logits, y):
        y = y.long()
        picked = logits.log_softmax(dim=-1).gather(1, y[:, None])
        self.loss -= picked.double().sum().item()
        self.hits += int(logits.max(dim=1).indices.eq(y).sum())
        self.n += y.numel()

    def result(self):
        return dict(loss=self.loss / self.n, accuracy=np.float64(self.hits) / self.n)


def evaluate(model, batches):
    meter, was = Meter(), model.training
    model.eval()
    try:
        for x, y in batches:
            with torch.inference_mode():
                meter.add(model(x), y)
    finally:
        model.train(was)
    return meter.result()


# %% top_k_accuracy · rank of the target's logit
def top_k_accuracy(logits, targets, k):
    own = logits.gather(1, targets.long().reshape(-1, 1))
    higher = (logits > own).sum(dim=1)
    return (higher < k).double().mean()


# %% confusion_matrix · bincount of pairs
def confusion_matrix(targets, predictions, num_classes):
    pairs = np.asarray(targets).astype(np.int64) * num_classes + np.asarray(predictions).astype(np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


# %% class_recall · weighted bincount, NumPy
def class_recall(targets, predictions, num_classes):
    actual = np.asarray(targets).astype(np.int64)
    right = actual == np.asarray(predictions)
    own = np.bincount(actual, minlength=num_classes)
    hits = np.bincount(actual, weights=right, minlength=num_classes)
    with np.errstate(invalid="ignore"):
        return hits / own


# %% plot_confusion · pcolormesh, cells as squares of side 1 about whole numbers, y upwards
def plot_confusion(matrix, class_names):
    counts = np.array([[int(n) for n in row] for row in matrix])
    K = len(class_names)
    edges = np.arange(K + 1) - 0.5
    axes = plt.figure(figsize=(5, 4)).add_subplot()
    axes.pcolormesh(edges, edges, counts, cmap="Greens", edgecolors="white")
    for (i, j), count in np.ndenumerate(counts):
        axes.text(j, i, "" if count == 0 else f"{count}", ha="center", va="center")
    axes.xaxis.set_ticks(np.arange(K), labels=list(class_names))
    axes.yaxis.set_ticks(np.arange(K), labels=list(class_names))
    axes.set_xlabel("taken for (predicted)")
    axes.set_ylabel("is (actual)")
    return axes


# %% mended_report · DataLoader in order, names compared as names
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    class_indices(names, class_names)  # fails for a name which the model does not know
    was = model.training
    model.eval()
    said = []
    try:
        with torch.inference_mode():
            for (part,) in DataLoader(TensorDataset(images), batch_size=batch_size):
                logits = model(preprocess(part, pixel_max, mean, std))
                said.extend(class_names[k] for k in logits.argmax(dim=1).tolist())
    finally:
        model.train(was)
    return {"accuracy": np.mean([a == b for a, b in zip(said, names, strict=True)]), "names": said}
