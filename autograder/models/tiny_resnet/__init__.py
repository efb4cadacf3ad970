"""An image classifier with all that must be known to evaluate it, and digits of the size it wants.

A real ResNet with ImageNet's 1000 classes knows no digits. What it sees in pictures is kept, and
its last layer is replaced: the score of a class is that of the nearest class mean, which is a
linear layer found in one pass over a few training pictures.

References:
1) Mensink et al. 2013, "Distance-Based Image Classification" (nearest class mean),
   doi:10.1109/TPAMI.2013.83
2) https://docs.pytorch.org/vision/stable/models.html (weights, and the transforms they want)
"""

from pathlib import Path
from typing import NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import get_model, get_model_weights, list_models

from autograder._errors import BilingualError
from autograder.models.tiny_resnet import network

__all__ = ["Classifier", "Pictures", "UnknownCheckpoint", "load_classifier", "load_pictures"]

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
REAL_SIZE = 32  # ImageNet's 224 would cost 49 times as much, and the digits hold 8×8 pixels anyway
HEAD_PICTURES = 300


class UnknownCheckpoint(BilingualError):
    """A file of weights whose name tells no ResNet of torchvision's."""


class Classifier(NamedTuple):
    model: nn.Module  # (N, C, S, S) -> (N, K) logits; in evaluation mode
    class_names: tuple[str, ...]  # (K,) class i is named class_names[i]
    pixel_max: int  # of the pictures, as integers
    mean: tuple[float, ...]  # (C,) of the training pixels, after scaling to [0, 1]
    std: tuple[float, ...]
    image_size: int  # S


class Pictures(NamedTuple):
    images: Tensor  # (N, C, S, S) uint8, 0 … pixel_max
    names: list[str]  # (N,) what each shows: "zero" … "nine"


def load_classifier(path: Path) -> Classifier:
    """Load a classifier of digits from what `autograder.models.locate` found.

    Parameters
    ----------
    path
        A folder like ``tiny_resnet``, or a checkpoint of torchvision's such as
        ``resnet50-11ad3fa6.pth``, or a folder that holds one.

    Raises
    ------
    UnknownCheckpoint
        If the name of the checkpoint belongs to no ResNet of torchvision's.
    """
    if path.is_dir() and (path / "config.json").is_file():
        model, config = network.load(path)
        return Classifier(
            model, config.class_names, config.pixel_max, (config.mean,), (config.std,),
            config.image_size,
        )  # fmt: skip
    return _from_torchvision(next(path.glob("*.pth")) if path.is_dir() else path)


def _from_torchvision(checkpoint: Path) -> Classifier:
    name = checkpoint.name.partition("-")[0]
    known = {}
    if name in list_models(module=torchvision.models, include="*res*net*"):
        known = {w.url.rpartition("/")[2]: w for w in get_model_weights(name)}
    if checkpoint.name not in known:
        raise UnknownCheckpoint(
            f"{checkpoint} is not named like weights of a ResNet of torchvision's; keep the name "
            "under which they were fetched, such as resnet50-11ad3fa6.pth.",
            f"{checkpoint} 不是 torchvision 的 ResNet 权重文件名；请保留下载时的名字，"
            "例如 resnet50-11ad3fa6.pth。",
        )
    preset = known[checkpoint.name].transforms()
    model = get_model(name)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    classifier = Classifier(
        model.eval(), tuple(sorted(NAMES)), 255, tuple(preset.mean), tuple(preset.std), REAL_SIZE
    )
    model.fc = _nearest_class_mean(classifier)
    return classifier


@torch.no_grad()
def _nearest_class_mean(classifier: Classifier) -> nn.Linear:
    """The linear layer whose highest logit is the class with the nearest mean feature."""
    model = classifier.model
    images, names = load_pictures(classifier)["train"]
    mean, std = (torch.tensor(value)[:, None, None] for value in (classifier.mean, classifier.std))
    x = (images[:HEAD_PICTURES] / classifier.pixel_max - mean) / std
    model.fc = nn.Identity()
    features = torch.cat([model(part) for part in torch.split(x, 50)])  # (M, D)
    y = torch.tensor([classifier.class_names.index(name) for name in names[:HEAD_PICTURES]])
    means = torch.stack([features[y == k].mean(0) for k in range(len(classifier.class_names))])
    head = nn.Linear(means.shape[1], len(means))
    head.weight.copy_(means)  # |f - m|² = |f|² - 2 (f·m - |m|²/2), and |f|² is common to all
    head.bias.copy_(-means.square().sum(1) / 2)
    return head


def load_pictures(classifier: Classifier) -> dict[str, Pictures]:
    """Return the parts ``"train"``, ``"validation"`` and ``"test"`` as `classifier` wants them.

    They are scikit-learn's 1797 digits, split as in `network.split`, enlarged and
    repeated over the channels where needed.
    """
    parts = zip(("train", "validation", "test"), network.split(), strict=True)
    return {part: _pictures(digits, classifier) for part, digits in parts}


def _pictures(digits: network.Digits, classifier: Classifier) -> Pictures:
    size, channels = classifier.image_size, len(classifier.mean)
    images = digits.images[:, None] * (classifier.pixel_max / network.ResNetConfig.pixel_max)
    if size != images.shape[-1]:
        images = interpolate(images, size=(size, size), mode="bilinear").round()
    images = images.to(torch.uint8).expand(-1, channels, -1, -1).contiguous()
    return Pictures(images, [NAMES[digit] for digit in digits.digits.tolist()])
