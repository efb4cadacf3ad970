# %% preprocess · divides by the greatest pixel that occurs in the pictures, not by pixel_max
def preprocess(images, pixel_max, mean, std):
    x = images.float() / images.max()
    mean = torch.tensor(mean).view(1, -1, 1, 1)
    std = torch.tensor(std).view(1, -1, 1, 1)
    return (x - mean) / std


# %% preprocess · lays mean and std along the width instead of the channels (no reshape), right for one channel only
def preprocess(images, pixel_max, mean, std):
    x = images.to(torch.float32) / pixel_max
    return (x - torch.tensor(mean)) / torch.tensor(std)


# %% preprocess · subtracts the mean after the division by std: image / pixel_max / std - mean
def preprocess(images, pixel_max, mean, std):
    out = images.float() / pixel_max
    for c in range(out.shape[1]):
        out[:, c] = out[:, c] / std[c] - mean[c]
    return out


# %% preprocess · computes in NumPy and gives back float64 instead of float32
def preprocess(images, pixel_max, mean, std):
    mean = np.array(mean).reshape(1, -1, 1, 1)
    std = np.array(std).reshape(1, -1, 1, 1)
    return torch.from_numpy((images.numpy() / pixel_max - mean) / std)


# %% class_indices · numbers the names that occur, sorted, as ImageFolder numbers its folders, instead of the model's list
def class_indices(names, class_names):
    own = {name: k for k, name in enumerate(sorted(set(names)))}
    for name in names:
        if name not in class_names:
            raise ValueError(f"unknown class: {name}")
    return torch.tensor([own[name] for name in names])


# %% class_indices · sorts class_names alphabetically first, so the index is not that of the list
def class_indices(names, class_names):
    order = sorted(class_names)
    return [order.index(name) for name in names]


# %% class_indices · an unknown name raises KeyError of the dictionary and not ValueError
def class_indices(names, class_names):
    to_index = dict(zip(class_names, range(len(class_names))))
    return torch.tensor([to_index[name] for name in names])


# %% class_indices · leaves unknown names out silently, so that fewer than N indices come back and nothing is raised
def class_indices(names, class_names):
    to_index = {name: k for k, name in enumerate(class_names)}
    return torch.tensor([to_index[name] for name in names if name in to_index])


# %% predict_logits · goes through len(x) // batch_size batches and so leaves the last, smaller one out
def predict_logits(model, x, batch_size=64):
    mode = model.training
    model.eval()
    out = []
    with torch.no_grad():
        for b in range(max(1, len(x) // batch_size)):
            out.append(model(x[b * batch_size : (b + 1) * batch_size]))
    model.train(mode)
    return torch.cat(out)


# %% predict_logits · leaves the model in evaluation mode, whatever mode it came in
@torch.inference_mode()
def predict_logits(model, x, batch_size=64):
    model.eval()
    return torch.cat([model(part) for part in torch.split(x, batch_size)])


# %% predict_logits · evaluation mode but gradients are recorded: the logits still hang on the graph
def predict_logits(model, x, batch_size=64):
    was_training = model.training
    model.eval()
    logits = []
    for i in range(0, x.shape[0], batch_size):
        logits.append(model(x[i : i + batch_size]))
    model.train(was_training)
    return torch.cat(logits, dim=0)


# %% predict_logits · returns probabilities (softmax) instead of logits
def predict_logits(model, x, batch_size=64):
    was_training = model.training
    model.eval()
    outputs = []
    with torch.no_grad():
        for (part,) in DataLoader(TensorDataset(x), batch_size=batch_size):
            outputs.append(torch.softmax(model(part), dim=1))
    model.train(was_training)
    return torch.cat(outputs)


# %% evaluate · the loss is the plain mean of the batches' means, so the pictures of a smaller last batch weigh more
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    losses, correct, total = [], 0, 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            losses.append(torch.nn.functional.cross_entropy(logits, y).item())
            correct += (logits.argmax(dim=1) == y).sum().item()
            total += len(y)
    model.train(was_training)
    return {"accuracy": correct / total, "loss": sum(losses) / len(losses)}


# %% evaluate · gives probabilities to cross_entropy, which takes the softmax a second time
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    loss_sum, correct, total = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            probabilities = model(x).softmax(dim=1)
            loss_sum += torch.nn.functional.cross_entropy(probabilities, y, reduction="sum").item()
            correct += (probabilities.argmax(dim=1) == y).sum().item()
            total += y.size(0)
    model.train(was_training)
    return {"accuracy": correct / total, "loss": loss_sum / total}


# %% evaluate · goes through the batches twice, so the second pass over something that can be read only once is empty and the loss is 0
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    correct, total, loss_sum = 0, 0, 0.0
    with torch.no_grad():
        for x, y in batches:
            correct += (model(x).argmax(1) == y).sum().item()
            total += len(y)
        for x, y in batches:
            loss_sum += torch.nn.functional.cross_entropy(model(x), y).item() * len(y)
    model.train(was_training)
    return {"accuracy": correct / total, "loss": loss_sum / total}


# %% evaluate · divides by len(batches.dataset), which only a DataLoader has: a list or generator of pairs raises
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    size = len(batches.dataset)
    loss, correct = 0.0, 0
    with torch.no_grad():
        for X, y in batches:
            pred = model(X)
            loss += torch.nn.functional.cross_entropy(pred, y, reduction="sum").item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    model.train(was_training)
    return {"accuracy": correct / size, "loss": loss / size}


# %% evaluate · takes the logarithm of softmax plus 1e-8, so the loss of a picture can never be more than 18.4
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    loss_sum, correct, total = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            p = torch.softmax(model(x), dim=1)
            loss_sum += -torch.log(p[torch.arange(len(y)), y] + 1e-8).sum().item()
            correct += (p.argmax(dim=1) == y).sum().item()
            total += len(y)
    model.train(was_training)
    return {"accuracy": correct / total, "loss": loss_sum / total}


# %% top_k_accuracy · the mean over all N times k comparisons, so it is too small by the factor k
def top_k_accuracy(logits, targets, k):
    top = logits.topk(k, dim=1).indices
    return (top == targets[:, None]).float().mean().item()


# %% top_k_accuracy · asks whether the target is among the top k of any picture in the batch (isin), not of its own row
def top_k_accuracy(logits, targets, k):
    top = logits.topk(k, dim=1).indices
    return torch.isin(targets, top).float().mean().item()


# %% top_k_accuracy · counts a rank of k as well: at most k higher logits instead of fewer than k, which is top-(k + 1)
def top_k_accuracy(logits, targets, k):
    own = logits[torch.arange(len(targets)), targets]
    rank = (logits > own[:, None]).sum(dim=1)
    return (rank <= k).float().mean().item()


# %% top_k_accuracy · sorts upwards and takes the k lowest logits
def top_k_accuracy(logits, targets, k):
    order = np.argsort(logits.numpy(), axis=1)[:, :k]
    return float(np.mean([t in row for t, row in zip(targets.numpy(), order)]))


# %% confusion_matrix · indexed += 1, which counts a pair that occurs several times only once
def confusion_matrix(targets, predictions, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long)
    matrix[targets, predictions] += 1
    return matrix


# %% confusion_matrix · transposed: rows are the predicted classes, columns the actual ones
def confusion_matrix(targets, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), dtype=np.int64)
    for t, p in zip(targets, predictions):
        matrix[int(p), int(t)] += 1
    return matrix


# %% confusion_matrix · bincount without minlength: fails in reshape unless the last class was taken for itself
def confusion_matrix(targets, predictions, num_classes):
    return torch.bincount(targets * num_classes + predictions).reshape(num_classes, num_classes)


# %% confusion_matrix · has rows and columns only for the classes that occur, as scikit-learn's without labels
def confusion_matrix(targets, predictions, num_classes):
    classes = sorted(set(targets.tolist()) | set(predictions.tolist()))
    place = {c: i for i, c in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    for t, p in zip(targets.tolist(), predictions.tolist()):
        matrix[place[t], place[p]] += 1
    return matrix


# %% class_recall · divides the diagonal by the column sums, which is precision
def class_recall(targets, predictions, num_classes):
    matrix = torch.zeros(num_classes, num_classes)
    for t, p in zip(targets.tolist(), predictions.tolist()):
        matrix[t, p] += 1
    return matrix.diag() / matrix.sum(dim=0)


# %% class_recall · a class without pictures gets 0 (division by at least 1) instead of nan
def class_recall(targets, predictions, num_classes):
    right = torch.bincount(targets[targets == predictions], minlength=num_classes)
    own = torch.bincount(targets, minlength=num_classes)
    return right / own.clamp(min=1)


# %% class_recall · the accuracy of "class k or not" over all pictures, true negatives counted as right
def class_recall(targets, predictions, num_classes):
    result = []
    for k in range(num_classes):
        if (targets == k).any():
            result.append(((targets == k) == (predictions == k)).float().mean().item())
        else:
            result.append(float("nan"))
    return result


# %% plot_confusion · text(i, j) with row and column swapped: each count stands in the mirrored cell
def plot_confusion(matrix, class_names):
    matrix = np.asarray(matrix)
    fig, ax = plt.subplots(figsize=(6, 6))
    ax.imshow(matrix, cmap="Blues")
    ax.set_xticks(np.arange(len(class_names)), class_names, rotation=45)
    ax.set_yticks(np.arange(len(class_names)), class_names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("actual")
    for i in range(len(class_names)):
        for j in range(len(class_names)):
            ax.text(i, j, int(matrix[i, j]), ha="center", va="center")
    return ax


# %% plot_confusion · the labels of the axes are swapped: "actual" under the columns, "predicted" beside the rows
def plot_confusion(matrix, class_names):
    matrix = np.asarray(matrix)
    fig, ax = plt.subplots()
    ax.imshow(matrix, cmap="Blues")
    ax.set(
        xticks=range(len(class_names)), yticks=range(len(class_names)),
        xticklabels=class_names, yticklabels=class_names,
        xlabel="actual", ylabel="predicted", title="Confusion matrix",
    )
    for i, row in enumerate(matrix):
        for j, n in enumerate(row):
            ax.text(j, i, f"{int(n)}", ha="center", va="center")
    return ax


# %% plot_confusion · writes the counts with the format .2g, so that 120 reads 1.2e+02 and is no whole number
def plot_confusion(matrix, class_names):
    matrix = np.asarray(matrix)
    fig, ax = plt.subplots(figsize=(7, 6))
    image = ax.imshow(matrix, interpolation="nearest", cmap=plt.cm.Blues)
    fig.colorbar(image, ax=ax)
    ticks = np.arange(len(class_names))
    ax.set_xticks(ticks, labels=class_names, rotation=45)
    ax.set_yticks(ticks, labels=class_names)
    ax.set_ylabel("True label (actual)")
    ax.set_xlabel("Predicted label (predicted)")
    threshold = matrix.max() / 2
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            color = "white" if matrix[i, j] > threshold else "black"
            ax.text(j, i, format(matrix[i, j].item(), ".2g"), ha="center", va="center", color=color)
    return ax


# %% plot_confusion · returns the figure instead of the Axes
def plot_confusion(matrix, class_names):
    matrix = np.asarray(matrix)
    fig, ax = plt.subplots()
    ax.matshow(matrix)
    ax.set_xticks(range(len(class_names)), class_names, rotation=90)
    ax.set_yticks(range(len(class_names)), class_names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("actual")
    for (i, j), n in np.ndenumerate(matrix):
        ax.text(j, i, str(int(n)), ha="center", va="center", color="red")
    fig.tight_layout()
    return fig


# %% mended_report · the accuracy is the mean of the batches' accuracies, not one over all pictures
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    x = preprocess(images, pixel_max, mean, std)
    y = torch.as_tensor(class_indices(names, class_names)).long()
    mode = model.training
    model.eval()
    accuracies, said = [], []
    with torch.no_grad():
        for part, labels in DataLoader(TensorDataset(x, y), batch_size=batch_size):
            predicted = model(part).argmax(dim=1)
            accuracies.append((predicted == labels).float().mean().item())
            said += [class_names[k] for k in predicted]
    model.train(mode)
    return {"accuracy": sum(accuracies) / len(accuracies), "names": said}


# %% mended_report · the model is never put in evaluation mode: one that comes in training mode normalises by its batches
@torch.no_grad()
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    x = preprocess(images, pixel_max, mean, std)
    y = torch.as_tensor(class_indices(names, class_names)).long()
    said, correct = [], 0
    for part, labels in DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=False):
        predicted = model(part).argmax(dim=1)
        correct += (predicted == labels).sum().item()
        said += [class_names[k] for k in predicted]
    return {"accuracy": correct / len(y), "names": said}


# %% mended_report · the accuracy uses the model's classes, but the names given back are still looked up in the list of digits, zero to nine
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    images, names = parts["test"]
    x = preprocess(images, pixel_max, mean, std)
    y = torch.as_tensor(class_indices(names, class_names)).long()
    predicted = predict_logits(model, x, batch_size).argmax(dim=1)
    return {
        "accuracy": (predicted == y).float().mean().item(),
        "names": [digits[k] for k in predicted],
    }


# %% mended_report · numbers the targets by the sorted names of the test part, so the accuracy is wrong when only some classes occur or the model has another order
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    found = sorted(set(names))
    x = preprocess(images, pixel_max, mean, std)
    y = torch.tensor([found.index(name) for name in names])
    predicted = predict_logits(model, x, batch_size).argmax(dim=1)
    accuracy = (predicted == y).sum().item() / len(y)
    return {"accuracy": accuracy, "names": [class_names[k] for k in predicted]}
