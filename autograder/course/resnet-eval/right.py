"""Other right answers for `resnet-eval`, in styles that must pass."""

import contextlib
import math
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from autograder.checks import right

# --- preprocess ---------------------------------------------------------------------------


@right("preprocess", "torchvision's Normalize", zh="用 torchvision 的 Normalize")
def by_normalize(images, pixel_max, mean, std):
    scaled = images.to(torch.float32).div(pixel_max)
    return transforms.Compose([transforms.Normalize(tuple(mean), tuple(std))])(scaled)


@right("preprocess", "channel by channel", zh="逐通道处理")
def by_channels(images, pixel_max, mean, std):
    channels = [
        (images[:, c].float() - mean[c] * pixel_max) / (std[c] * pixel_max)
        for c in range(images.shape[1])
    ]
    return torch.stack(channels, dim=1)


@right("preprocess", "a batch norm with fixed statistics", zh="用统计量固定的批归一化")
def by_batch_norm(images, pixel_max, mean, std):
    mean, variance = torch.tensor(mean), torch.tensor(std) ** 2
    return nn.functional.batch_norm(images / pixel_max, mean, variance, eps=0)


# --- class_indices ------------------------------------------------------------------------


@right("class_indices", "list.index", zh="用 list.index")
def by_index(names, class_names):
    return torch.tensor([list(class_names).index(name) for name in names])


@right("class_indices", "comparing all with all", zh="两两比较")
def by_comparing(names, class_names):
    same = np.asarray(names)[:, None] == np.asarray(class_names)  # (N, K)
    if not same.any(axis=1).all():
        raise ValueError("a name is in no class")
    return same.argmax(axis=1)


# --- predict_logits -----------------------------------------------------------------------


@right(
    "predict_logits",
    "a data loader, and the mode in a finally",
    zh="DataLoader，finally 里还原模式",
)
def by_loader(model, x, batch_size=64):
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            loader = DataLoader(TensorDataset(x), batch_size=batch_size, shuffle=False)
            return torch.cat([model(part) for (part,) in loader])
    finally:
        model.train(was_training)


@right("predict_logits", "a buffer that is filled slice by slice", zh="预先分配，逐段填写")
@torch.no_grad()
def by_slices(model, x, batch_size=64):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    logits = None
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        some = model(x[rows])
        logits = x.new_empty(len(x), some.shape[1]) if logits is None else logits
        logits[rows] = some
    for part, mode in modes:
        part.training = mode
    return logits


@right("predict_logits", "gradients detached", zh="逐批 detach")
def by_detaching(model, x, batch_size=64):
    mode = model.training
    model.train(False)
    parts = [model(part).detach() for part in x.split(batch_size)]
    model.train(mode)
    return torch.vstack(parts)


# --- evaluate -----------------------------------------------------------------------------


@right("evaluate", "sums of correct answers and of losses", zh="累加答对数与损失之和")
def by_sums(model, batches):
    mode, correct, total, loss = model.training, 0, 0, 0.0
    model.eval()
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            loss += nn.functional.cross_entropy(logits, y, reduction="sum").item()
            correct += logits.argmax(dim=-1).eq(y).sum().item()
            total += y.numel()
    model.train(mode)
    return {"loss": loss / total, "accuracy": correct / total}


@right("evaluate", "collect first, count afterwards", zh="先收集，再统计")
def by_collecting(model, batches):
    mode = model.training
    model.eval()
    with torch.inference_mode():
        pairs = [(model(x), y) for x, y in batches]
    model.train(mode)
    logits, y = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    log_probs = logits.log_softmax(1)
    return {
        "accuracy": (logits.max(1).indices == y).float().mean(),
        "loss": -log_probs[torch.arange(len(y)), y].mean(),
    }


@right("evaluate", "batch means weighted by their sizes", zh="各批均值按批次大小加权")
def by_weights(model, batches):
    mode, sizes, hits, losses = model.training, [], [], []
    model.eval()
    for x, y in batches:
        with torch.no_grad():
            logits = model(x)
        sizes.append(len(y))
        hits.append(float((logits.argmax(1) == y).double().mean()))
        losses.append(float(nn.CrossEntropyLoss()(logits, y)))
    model.train(mode)
    return {
        "accuracy": np.average(hits, weights=sizes),
        "loss": np.average(losses, weights=sizes),
    }


# --- top_k_accuracy -----------------------------------------------------------------------


@right("top_k_accuracy", "rank of the true class", zh="看真实类别的名次")
def by_rank(logits, targets, k):
    own = logits.gather(1, targets[:, None])
    return ((logits > own).sum(dim=1) < k).double().mean().item()


@right("top_k_accuracy", "sorting, one picture at a time", zh="逐张排序")
def by_sorting(logits, targets, k):
    found = 0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        best = sorted(range(len(row)), key=row.__getitem__, reverse=True)[:k]
        found += target in best
    return found / len(targets)


# --- confusion_matrix ---------------------------------------------------------------------


@right("confusion_matrix", "bincount of pairs", zh="对配对编码后 bincount")
def by_bincount(targets, predictions, num_classes):
    pairs = num_classes * targets + predictions
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


@right("confusion_matrix", "one-hot product", zh="独热编码相乘")
def by_one_hot(targets, predictions, num_classes):
    eye = torch.eye(num_classes)
    return (eye[targets].T @ eye[predictions]).long()


@right("confusion_matrix", "a Counter", zh="用 Counter")
def by_counter(targets, predictions, num_classes):
    counts = Counter(zip(targets.tolist(), predictions.tolist(), strict=True))
    return [[counts[i, j] for j in range(num_classes)] for i in range(num_classes)]


# --- class_recall -------------------------------------------------------------------------


@right("class_recall", "a mean for each class", zh="逐类求平均")
def by_class_means(targets, predictions, num_classes):
    hit = (targets == predictions).float()
    return [hit[targets == k].mean() for k in range(num_classes)]  # the mean of nothing is nan


@right("class_recall", "weighted bincount", zh="加权 bincount")
def by_weighted_bincount(targets, predictions, num_classes):
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    own = np.bincount(targets, minlength=num_classes)
    found = np.bincount(targets, weights=targets == predictions, minlength=num_classes)
    return [f / n if n else math.nan for f, n in zip(found, own, strict=True)]


# --- plot_confusion -----------------------------------------------------------------------


@right("plot_confusion", "pcolormesh, rows turned downwards", zh="pcolormesh，行自上而下")
def by_pcolormesh(matrix, class_names):
    matrix = np.asarray(matrix)
    _, axes = plt.subplots()
    axes.pcolormesh(matrix, cmap="Blues", edgecolors="white")
    middle = np.arange(len(class_names)) + 0.5
    axes.set_xticks(middle, class_names, rotation=60)
    axes.set_yticks(middle, class_names)
    axes.invert_yaxis()
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            axes.annotate(str(count), (j + 0.5, i + 0.5), ha="center", va="center")
    axes.set(xlabel="Predicted", ylabel="True")
    return axes


@right("plot_confusion", "imshow in float, predictions on top", zh="imshow，预测写在上方")
def by_imshow(matrix, class_names):
    figure = plt.figure(figsize=(3, 3))
    axes = figure.add_subplot()
    axes.imshow(np.asarray(matrix, dtype=float), origin="lower")
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(class_names)))
    axes.set_yticks(range(len(class_names)))
    axes.set_xticklabels(class_names)
    axes.set_yticklabels(class_names)
    axes.set_xlabel("预测类别")
    axes.set_ylabel("实际类别")
    for i in range(len(class_names)):
        for j in range(len(class_names)):
            axes.text(j, i, f"{int(matrix[i][j])}", color="white")
    return axes


@right(
    "plot_confusion", "names for places, shares beside counts", zh="以类别名为坐标，计数旁写比例"
)
def by_names(matrix, class_names):
    matrix = np.asarray(matrix)
    names = [str(name) for name in class_names]
    _, axes = plt.subplots()
    axes.pcolormesh(names, names, matrix, shading="nearest", cmap="Greens")
    for actual, row in zip(names, matrix, strict=True):
        for predicted, count in zip(names, row, strict=True):
            share = count / max(row.sum(), 1)
            axes.text(predicted, actual, f"{share:.0%}\n{count}", ha="center", va="center")
    axes.text(1, 1.05, f"{matrix.sum()} in all", transform=axes.transAxes)
    axes.set(xlabel="predicted class", ylabel="actual class (the one to be predicted)")
    return axes


# --- mended_report ------------------------------------------------------------------------


@right("mended_report", "a loop of its own with running totals", zh="自成一体的循环，累加计数")
def report_by_loop(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    images, names = parts["test"]
    place = {name: k for k, name in enumerate(class_names)}
    y = torch.tensor([place[name] for name in names])
    x = transforms.functional.normalize(images / pixel_max, list(mean), list(std))
    mode, correct, said = model.training, 0, []
    model.eval()
    with torch.no_grad():
        for part, labels in DataLoader(TensorDataset(x, y), batch_size=batch_size):
            predicted = torch.softmax(model(part), dim=1).argmax(dim=1)
            correct += int((predicted == labels).sum())
            said += [class_names[k] for k in predicted]
    model.train(mode)
    return {"accuracy": correct / len(names), "names": said}


@right("mended_report", "one picture at a time, names compared", zh="逐张预测，直接比较名字")
def report_by_names(model, class_names, pixel_max, mean, std, parts, batch_size=32):
    state = {key: value.clone() for key, value in model.state_dict().items()}
    mode = model.training
    model.eval()
    said = []
    for picture in parts["test"][0]:
        x = [
            (channel / pixel_max - m) / s for channel, m, s in zip(picture, mean, std, strict=True)
        ]
        logits = functional_call(model, state, (torch.stack(x)[None],))
        said.append(class_names[int(logits.argmax())])
    with contextlib.suppress(AttributeError):
        model.train(mode)
    right = sum(a == b for a, b in zip(said, parts["test"][1], strict=True))
    return {"accuracy": np.float64(right / len(said)), "names": said}
