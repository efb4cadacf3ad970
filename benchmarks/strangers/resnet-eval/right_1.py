# %% preprocess · channel after channel in NumPy, float64, rounded to float32 at the end
def preprocess(images, pixel_max, mean, std):
    pixels = images.numpy().astype(np.float64)
    result = np.empty_like(pixels)
    for c in range(pixels.shape[1]):
        result[:, c] = (pixels[:, c] / pixel_max - mean[c]) / std[c]
    return torch.from_numpy(result.astype(np.float32))


# %% class_indices · list.index, a list comes back
def class_indices(names, class_names):
    class_names = list(class_names)
    result = []
    for name in names:
        if name not in class_names:
            raise ValueError(f"unknown class {name!r}")
        result.append(class_names.index(name))
    return result


# %% predict_logits · slices in a loop
def predict_logits(model, x, batch_size=64):
    was_training = model.training
    model.eval()
    rows = []
    try:
        with torch.no_grad():
            for start in range(0, len(x), batch_size):
                rows.append(model(x[start : start + batch_size]))
    finally:
        model.train(was_training)
    return torch.cat(rows)


# %% evaluate · picture after picture, float64
def evaluate(model, batches):
    was_training = model.training
    model.eval()
    total, right, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for x, y in batches:
                logits = model(x).double().tolist()
                for row, target in zip(logits, y.tolist()):
                    highest = max(row)
                    log_sum = highest + np.log(sum(np.exp(value - highest) for value in row))
                    total += log_sum - row[target]
                    if row.index(highest) == target:
                        right += 1
                    count += 1
    finally:
        model.train(was_training)
    return {"accuracy": right / count, "loss": float(total / count)}


# %% top_k_accuracy · sorted lists
def top_k_accuracy(logits, targets, k):
    hits = 0
    for row, target in zip(logits.tolist(), targets.tolist()):
        ranked = sorted(range(len(row)), key=lambda j: row[j], reverse=True)
        if target in ranked[:k]:
            hits += 1
    return hits / len(targets)


# %% confusion_matrix · counting in a loop, NumPy
def confusion_matrix(targets, predictions, num_classes):
    counts = np.zeros((num_classes, num_classes), dtype=int)
    for actual, said in zip(targets.tolist(), predictions.tolist()):
        counts[actual, said] += 1
    return counts


# %% class_recall · counting in a loop
def class_recall(targets, predictions, num_classes):
    result = []
    for k in range(num_classes):
        own = right = 0
        for actual, said in zip(targets.tolist(), predictions.tolist()):
            if actual == k:
                own += 1
                right += said == k
        result.append(right / own if own > 0 else float("nan"))
    return result


# %% plot_confusion · imshow and a text in each cell
def plot_confusion(matrix, class_names):
    counts = np.asarray(matrix)
    figure, axes = plt.subplots(figsize=(6, 6))
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(class_names)))
    axes.set_xticklabels(class_names, rotation=90)
    axes.set_yticks(range(len(class_names)))
    axes.set_yticklabels(class_names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("actual class")
    for i in range(len(class_names)):
        for j in range(len(class_names)):
            axes.text(j, i, str(int(counts[i, j])), ha="center", va="center", color="red")
    return axes


# %% mended_report · everything written out
def mended_report(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    x = preprocess(images, pixel_max, mean, std)
    class_names = list(class_names)
    for name in names:
        if name not in class_names:
            raise ValueError(name)
    was_training = model.training
    model.eval()
    said = []
    with torch.no_grad():
        for start in range(0, len(x), batch_size):
            for row in model(x[start : start + batch_size]):
                said.append(class_names[int(row.argmax())])
    model.train(was_training)
    right = 0
    for a, b in zip(said, names):
        if a == b:
            right += 1
    return {"accuracy": right / len(said), "names": said}
