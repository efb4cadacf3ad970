"""The oracle for `resnet-eval`: torchvision and scikit-learn, on a copy of the model.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy

import numpy as np
import torch
from sklearn import metrics
from torchvision.transforms.v2 import functional


def preprocess(images, pixel_max, mean, std):
    """Return float32 pixels (N, C, H, W) as the weights want them."""
    return functional.normalize(images.float() / pixel_max, list(mean), list(std))


def class_indices(names, class_names):
    """Return each name's place in the model's list."""
    return [list(class_names).index(name) for name in names]


def predict_logits(model, x, batch_size=64):
    """Return logits (N, K), from a copy in evaluation mode."""
    twin = copy.deepcopy(model).eval()
    with torch.no_grad():
        return torch.cat([twin(part) for part in x.split(batch_size)])


def evaluate(model, batches):
    """Return the accuracy and the mean cross entropy over all pictures."""
    batches = list(batches)
    logits = predict_logits(model, torch.cat([x for x, _ in batches])).double()
    y = torch.cat([y for _, y in batches])
    # Not scikit-learn's log_loss: it takes no probability for smaller than 1e-16, and a network
    # that knows nothing of its scores' size is surer than that, and wrong.
    chances = logits.log_softmax(dim=1)[torch.arange(len(y)), y]
    return {"accuracy": metrics.accuracy_score(y, logits.argmax(1)), "loss": -chances.mean().item()}


def top_k_accuracy(logits, targets, k):
    """Return the share of pictures whose class is among the k highest logits."""
    if k >= logits.shape[1]:
        return 1.0
    classes = range(logits.shape[1])
    return metrics.top_k_accuracy_score(targets, logits, k=k, labels=classes)


def confusion_matrix(targets, predictions, num_classes):
    """Return counts (K, K), actual by predicted."""
    return metrics.confusion_matrix(targets, predictions, labels=range(num_classes))


def class_recall(targets, predictions, num_classes, *, confusion_matrix=None):
    """Return the recall of each class (K,), nan for a class without pictures."""
    if confusion_matrix is None:
        return metrics.recall_score(
            targets, predictions, labels=range(num_classes), average=None, zero_division=np.nan
        )
    matrix = np.asarray(confusion_matrix(targets, predictions, num_classes), dtype=float)
    with np.errstate(invalid="ignore"):
        return matrix.diagonal() / matrix.sum(axis=1)


def plot_confusion(matrix, class_names):
    """Draw the matrix with names; return the axes."""
    matrix = np.asarray(matrix)
    return metrics.ConfusionMatrixDisplay(matrix, display_labels=class_names).plot().ax_


_preprocess, _class_indices, _predict_logits = preprocess, class_indices, predict_logits


def mended_report(
    model, class_names, pixel_max, mean, std, parts, batch_size=32,
    *, preprocess=None, class_indices=None, predict_logits=None,
):  # fmt: skip
    """Return the accuracy on the test part and the name predicted for each of its pictures."""
    images, names = parts["test"]
    x = (preprocess or _preprocess)(images, pixel_max, mean, std)
    y = (class_indices or _class_indices)(names, class_names)
    logits = (predict_logits or _predict_logits)(model, torch.as_tensor(x).float(), batch_size)
    predictions = torch.as_tensor(logits).argmax(1).tolist()
    hits = [a == b for a, b in zip(predictions, list(y), strict=False)]
    return {
        "accuracy": sum(hits) / len(names),
        "names": [class_names[k] for k in predictions],
    }
