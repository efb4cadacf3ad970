"""What the probes of `resnet-eval` measure with: hard digits, models, a drawing that is read."""

import re

import numpy as np

from autograder.probes import are_whole

PICTURES = 75  # 32 + 32 + 11: the last batch is smaller, and its pictures are the hardest


def ever_noisier(pictures, pixel_max, rng):
    """Some of the pictures, each noisier than the one before: the network fails ever more often."""
    import torch

    rows = rng.choice(len(pictures.names), PICTURES, replace=False)
    images = pictures.images[rows].numpy().astype(float)
    level = np.linspace(0, 7 / 16, PICTURES)[:, None, None, None] * pixel_max
    noisy = np.clip(np.rint(images + level * rng.normal(size=images.shape)), 0, pixel_max)
    return torch.from_numpy(noisy.astype(np.uint8)), [pictures.names[row] for row in rows]


def asked(model, x):
    """The logits (N, K), without gradients."""
    import torch

    with torch.no_grad():
        return model(x)


def louder(network, times):
    """Its model in evaluation mode, with logits so many times as far apart."""
    import torch
    from torch import nn

    count = len(network.class_names)
    last = nn.Linear(count, count, bias=False)
    with torch.no_grad():
        last.weight.copy_(times * torch.eye(count))
    return nn.Sequential(network.model, last).eval()


def reader_of_greys(network):
    """A model that reads its class off a plain picture: grey k, normalised, is class k."""
    import torch
    from torch import nn

    count, channels = len(network.class_names), len(network.mean)
    k = torch.arange(float(count))
    linear = nn.Linear(channels, count)
    with torch.no_grad():  # the logit of class j for grey k is 2jk - j², highest where j = k
        linear.weight.zero_()
        linear.weight[:, 0] = 2 * k * network.std[0] * network.pixel_max
        linear.bias.copy_(2 * k * network.mean[0] * network.pixel_max - k**2)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)


def batches(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


def kind_of(values):
    return "whole numbers" if are_whole(values) else "no whole numbers"


def begun(logits):
    """How many rows there are, and the first of them: enough where other checks see the rest."""
    return {"rows": len(logits), "first": logits[0]}


def reported(mended_report, network, parts, **changes):
    given = network._replace(**changes) if changes else network
    result = mended_report(
        given.model, given.class_names, given.pixel_max, given.mean, given.std, parts
    )
    return {"accuracy": result["accuracy"], "names": list(result["names"])}


def greys(network, times, rng):
    """Plain grey pictures (N, C, 2, 2), uint8, each of the reader's classes so often; and which."""
    import torch

    order = rng.permutation(np.repeat(np.arange(len(network.class_names)), times))
    grey = torch.from_numpy(order.astype(np.uint8)).reshape(-1, 1, 1, 1)
    return grey.expand(-1, len(network.mean), 2, 2).contiguous(), order.tolist()


def normalised(images, network):
    """As the network wants them: (N, C, S, S) float32."""
    import torch

    mean, std = (torch.tensor(v).reshape(1, -1, 1, 1) for v in (network.mean, network.std))
    return (images / network.pixel_max - mean) / std


def read(axes):
    """What a reader sees: the number in each cell under its row's and its column's name."""
    import matplotlib.pyplot as plt

    axes.figure.canvas.draw()
    named = [_ticks(axes, coordinate) for coordinate in (1, 0)]
    cells = {}
    for text in axes.texts:
        place = text.get_transform().transform(_position(text))
        if not text.get_text().strip() or not axes.bbox.contains(*place):
            continue  # a note beside the cells is none of theirs
        row, column = (
            names[min(names, key=lambda tick, here=here: abs(tick - here))]
            for names, here in zip(named, place[::-1], strict=True)
        )
        cells.setdefault(f"{row}, taken for {column}", []).append(text.get_text())
    sides = [_side(axes.get_ylabel()), _side(axes.get_xlabel())]
    plt.close(axes.figure)
    counts = {key: _count("\n".join(texts)) for key, texts in cells.items()}
    return {"cells": {key: count for key, count in counts.items() if count != 0}, "sides": sides}


def _ticks(axes, coordinate):
    """The names on the x axis (0) or the y axis (1), by their places on the screen."""
    axis = (axes.xaxis, axes.yaxis)[coordinate]
    names = {}
    for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False):
        point = (place, 0) if coordinate == 0 else (0, place)
        if label.get_text():
            names[axes.transData.transform(point)[coordinate]] = label.get_text()
    return names


def _position(text):
    """Where a text stands, in numbers: an axis of names takes names for places."""
    x, y = text.get_position()
    return text.convert_xunits(x), text.convert_yunits(y)


# A whole number that is no part of a decimal one and no share in per cent.
_WHOLE = re.compile(r"(?<![\d.,])\d+(?![.,]?\d|\s*[%％])")


def _count(text):
    """The first whole number in a cell, where a share may stand too; else what is written."""
    found = None if "tensor" in text else _WHOLE.search(text)
    return int(found.group()) if found else text


def _side(label):
    """Which side a label speaks of: that of the word which comes first."""
    words = {"predicted": ("pred", "预测"), "actual": ("actual", "true", "truth", "实际", "真实")}
    label = label.lower()
    places = {
        min(label.index(word) for word in known if word in label): side
        for side, known in words.items()
        if any(word in label for word in known)
    }
    return places[min(places)] if places else label
