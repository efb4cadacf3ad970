"""The oracle for `segmentation`: torchvision, torch's distributions, scikit-learn, slow loops.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy

import numpy as np
import torch
from sklearn import metrics
from torch import nn
from torchvision import tv_tensors
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabV3
from torchvision.transforms.v2 import InterpolationMode, functional


def joint_transform(image, mask, crop, size, flip, mean, std):
    """Return x (C, size, size) and y (size, size), cut, enlarged and turned alike."""
    top, left, side = crop
    done = []
    for picture in (tv_tensors.Image(image), tv_tensors.Mask(mask)):
        # A mask is resized by nearest neighbour whatever is asked for.
        picture = functional.resized_crop(
            picture, top, left, side, side, [size, size], InterpolationMode.BILINEAR
        )
        done.append(functional.horizontal_flip(picture) if flip else picture)
    x = functional.normalize(functional.to_dtype(done[0], scale=True), list(mean), list(std))
    return torch.Tensor(x), done[1].as_subclass(torch.Tensor).long()


def receptive_field(layers):
    """Return the span of inputs on which one output depends, by its gradient."""
    needed = 1
    for kernel, stride, dilation in reversed(layers):  # inputs for one output
        needed = (needed - 1) * stride + (kernel - 1) * dilation + 1
    signal = torch.ones(1, 1, 2 * needed + 1, dtype=torch.double, requires_grad=True)
    value = signal
    for kernel, stride, dilation in layers:
        weight = torch.full((1, 1, kernel), 1 / kernel, dtype=torch.double)
        value = nn.functional.conv1d(value, weight, stride=stride, dilation=dilation)
    value[0, 0, 0].backward()
    seen = signal.grad[0, 0].nonzero().flatten()
    return int(seen[-1] - seen[0]) + 1


def cross_entropy(logits, target, ignore_index=255):
    """Return the mean cross entropy of the pixels that count, 0 if none does."""
    counted = target != ignore_index
    if not counted.any():
        return 0 * logits.sum()
    chances = torch.distributions.Categorical(logits=logits.movedim(1, -1)[counted])
    return -chances.log_prob(target[counted].long()).sum() / int(counted.sum())


_cross_entropy = cross_entropy


def mean_iou(batches, num_classes, ignore_index=255):
    """Return IoU of each class, their mean and the accuracy, over all pixels at once."""
    said, true = zip(*((p.flatten(), t.flatten()) for p, t in batches), strict=True)
    said, true = np.asarray(torch.cat(said)).astype(int), np.asarray(torch.cat(true)).astype(int)
    said, true = said[true != ignore_index], true[true != ignore_index]
    matrix = metrics.confusion_matrix(true, said, labels=range(num_classes)).astype(float)
    both = matrix.diagonal()
    with np.errstate(invalid="ignore"):
        iou = both / (matrix.sum(axis=0) + matrix.sum(axis=1) - both)
    return {"iou": iou, "miou": np.nanmean(iou), "accuracy": metrics.accuracy_score(true, said)}


def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    """Return one minus the mean Dice coefficient, summed class by class and pixel by pixel."""
    p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    total = 0.0
    for k in range(logits.shape[1]):
        pairs = [
            (p[n, k, i, j], float(target[n, i, j] == k))
            for n, i, j in (target != ignore_index).nonzero().tolist()
        ]
        both = sum(a * b for a, b in pairs)
        total += (2 * both + smooth) / (sum(a + b for a, b in pairs) + smooth)
    return 1 - total / logits.shape[1]


def _conv(inputs, outputs, stride=1, dilation=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Backbone(nn.Sequential):
    """As the notebook has it."""

    def __init__(self):
        super().__init__(_conv(1, 16), _conv(16, 32, 2), _conv(32, 32), _conv(32, 32, dilation=2))

    def forward(self, x):
        return {"out": super().forward(x)}


def build_deeplab(num_classes, rates=(2, 4, 6)):
    """Return a small DeepLabV3 of torchvision's parts."""
    head = nn.Sequential(ASPP(32, rates, 32), *_conv(32, 32), nn.Conv2d(32, num_classes, 1))
    return DeepLabV3(Backbone(), head)


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3, *, cross_entropy=None):
    """Train with torch's own loader and loss (or the given one); return the losses."""
    loss_of = cross_entropy or nn.CrossEntropyLoss(ignore_index=255)
    data = torch.utils.data.TensorDataset(x, y.long())
    loader = torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    model.train()
    losses = []
    while True:
        for some, ids in loader:
            optimizer.zero_grad()
            loss = loss_of(model(some)["out"], ids)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses


def predict_masks(model, images, mean, std, batch_size=50):
    """Return ids (N, H, W), by a copy in evaluation mode."""
    twin = copy.deepcopy(model).eval()
    x = functional.normalize(images.float() / 255, list(mean), list(std))
    with torch.no_grad():
        return torch.cat([twin(part)["out"].argmax(dim=1) for part in x.split(batch_size)])


def colour_mask(mask, palette, void=(224, 224, 192)):
    """Return a picture (H, W, 3), painted class by class."""
    mask = np.asarray(mask)
    picture = np.empty((*mask.shape, 3), dtype=np.uint8)
    for k, colour in [*enumerate(np.asarray(palette)), (255, np.asarray(void))]:
        picture[mask == k] = colour
    return picture


def late_iou(mask, speed, latency_ms, pixels_per_degree):
    """Return the IoU of a mask and itself moved, pixel by pixel."""
    shift = round(speed * latency_ms / 1000 * pixels_per_degree)
    was = {(i, j) for i, j in np.argwhere(np.asarray(mask)).tolist()}
    now = {(i, j + shift) for i, j in was if 0 <= j + shift < np.asarray(mask).shape[1]}
    return len(was & now) / len(was | now)


_predict_masks, _colour_mask = predict_masks, colour_mask


def mended_segmentation(
    model, examples, test_images, palette, mean, std, lr=0.1,
    *, cross_entropy=None, predict_masks=None, colour_mask=None,
):  # fmt: skip
    """Train on pairs of examples, then predict and colour the test pictures."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model.train()
    losses = []
    for one, other in zip(examples[::2], examples[1::2], strict=True):
        size = list(one["image"].shape[-2:])
        x = torch.stack([one["image"], other["image"]]).float() / 255
        x = functional.normalize(x, list(mean), list(std))
        y = tv_tensors.Mask(torch.stack([one["mask"], other["mask"]]))
        y = functional.resize(y, size).as_subclass(torch.Tensor)
        optimizer.zero_grad()
        loss = (cross_entropy or _cross_entropy)(model(x)["out"], y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    ids = (predict_masks or _predict_masks)(model, test_images, mean, std)
    pictures = [(colour_mask or _colour_mask)(mask, palette) for mask in ids]
    return {"losses": losses, "ids": ids, "pictures": np.stack(pictures)}
