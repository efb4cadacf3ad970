# %% preprocess · torch, broadcasting
def preprocess(images, pixel_max, mean, std):
    mean = torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1)
    std = torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1)
    return (images.float() / pixel_max - mean) / std


# %% class_indices · a dictionary, an int64 tensor comes back
def class_indices(names, class_names):
    index = {name: k for k, name in enumerate(class_names)}
    try:
        return torch.tensor([index[name] for name in names], dtype=torch.long)
    except KeyError as error:
        raise ValueError(f"{error} is no class of the model") from None


# %% predict_logits · split and cat
@torch.no_grad()
def predict_logits(model, x, batch_size=64):
    mode = model.training
    model.eval()
    logits = torch.cat([model(part) for part in x.split(batch_size)])
    model.train(mode)
    return logits


# %% evaluate · cross_entropy with reduction="sum"
@torch.no_grad()
def evaluate(model, batches):
    mode = model.training
    model.eval()
    loss = correct = total = 0
    for x, y in batches:
        logits = model(x)
        loss += torch.nn.functional.cross_entropy(logits, y.long(), reduction="sum").item()
        correct += (logits.argmax(dim=1) == y).sum().item()
        total += len(y)
    model.train(mode)
    return {"accuracy": correct / total, "loss": loss / total}


# %% top_k_accuracy · topk
def top_k_accuracy(logits, targets, k):
    best = logits.topk(k, dim=1).indices
    return (best == targets.unsqueeze(1)).any(dim=1).float().mean().item()


# %% confusion_matrix · index_put_ with accumulate
def confusion_matrix(targets, predictions, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long)
    one = torch.ones(len(targets), dtype=torch.long)
    return matrix.index_put_((targets.long(), predictions.long()), one, accumulate=True)


# %% class_recall · diagonal over row sums, 0 / 0 is nan
def class_recall(targets, predictions, num_classes):
    matrix = confusion_matrix(targets, predictions, num_classes)
    matrix = torch.as_tensor(np.asarray(matrix)).float()
    return matrix.diagonal() / matrix.sum(dim=1)


# %% plot_confusion · matshow, zeros left blank
def plot_confusion(matrix, class_names):
    matrix = torch.as_tensor(matrix).long()
    fig, ax = plt.subplots()
    ax.matshow(matrix, cmap="viridis")
    ticks = list(range(len(class_names)))
    ax.set(xlabel="Predicted label", ylabel="True label")
    ax.set_xticks(ticks, class_names, rotation=45)
    ax.set_yticks(ticks, class_names)
    for i, j in matrix.nonzero().tolist():
        ax.annotate(f"{matrix[i, j].item():d}", (j, i), ha="center", va="center", color="w")
    fig.colorbar(ax.images[0], ax=ax)
    return ax


# %% mended_report · from the parts written above
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    x = preprocess(images, pixel_max, mean, std)
    y = torch.as_tensor(class_indices(names, class_names))
    predicted = predict_logits(model, x, batch_size).argmax(dim=1)
    return {
        "accuracy": (predicted == y).double().mean().item(),
        "names": [class_names[k] for k in predicted.tolist()],
    }
