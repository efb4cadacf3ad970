"""A tiny ResNet that reads handwritten digits, and the digits that it reads.

The network is torchvision's ``ResNet`` with narrower stages and a stem for 8×8 images; names of
its parts (``conv1``, ``bn1``, ``layer1`` … ``layer4``, ``fc``) are those of ``resnet18``.

References:
1) He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385
2) https://docs.pytorch.org/vision/stable/models/resnet.html
3) https://archive.ics.uci.edu/dataset/80 (the digits; scikit-learn ships their test part)
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

__all__ = [
    "FOLDER",
    "Digits",
    "ResNetConfig",
    "TinyResNet",
    "load",
    "preprocess",
    "split",
    "targets",
]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ResNetConfig:
    mean: float  # of the training pixels, after scaling to [0, 1]
    std: float
    pixel_max: int = 16  # scikit-learn's digits hold 0 … 16, not 0 … 255
    image_size: int = 8
    channels: tuple[int, ...] = (8, 16, 32, 64)  # one stage each
    strides: tuple[int, ...] = (1, 2, 2, 1)
    # class i is named class_names[i]; sorted as ImageFolder sorts folders, so class 0 is "eight"
    class_names: tuple[str, ...] = (
        "eight", "five", "four", "nine", "one", "seven", "six", "three", "two", "zero",
    )  # fmt: skip
    split_seed: int = 0


class TinyResNet(ResNet):  # type: ignore[misc]  # torchvision has no types
    def __init__(self, config: ResNetConfig) -> None:
        with torch.device("meta"):  # the full-size layers cost nothing: all are replaced below
            super().__init__(BasicBlock, [1, 1, 1, 1], num_classes=len(config.class_names))
        width = config.channels[0]
        self.conv1 = nn.Conv2d(1, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity()  # 8×8 is too small to halve twice
        self.inplanes = width
        stages = zip(config.channels, config.strides, strict=True)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            self._make_layer(BasicBlock, planes, blocks=1, stride=stride)
            for planes, stride in stages
        )
        self.fc = nn.Linear(config.channels[-1], len(config.class_names))

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # (B, 1, 8, 8) -> (B, 8, 8, 8)
        x = self.layer1(x)  # (B, 8, 8, 8)
        x = self.layer2(x)  # (B, 16, 4, 4)
        x = self.layer3(x)  # (B, 32, 2, 2)
        x = self.layer4(x)  # (B, 64, 2, 2)
        x = self.avgpool(x).flatten(1)  # (B, 64)
        logits: Tensor = self.fc(x)  # (B, 10)
        return logits


def load(folder: Path = FOLDER) -> tuple[TinyResNet, ResNetConfig]:
    """Load the trained network, in evaluation mode, and its configuration.

    Raises
    ------
    FileNotFoundError
        If ``folder`` lacks ``config.json`` or ``model.safetensors``.
    """
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for name in ("channels", "strides", "class_names"):
        fields[name] = tuple(fields[name])
    config = ResNetConfig(**fields)
    with torch.device("meta"):  # no first weights: they would move the caller's random state
        model = TinyResNet(config)
    model.load_state_dict(load_file(folder / "model.safetensors"), assign=True)
    return model.eval(), config


class Digits(NamedTuple):
    images: Tensor  # (N, 8, 8) float32, pixels 0 … 16 as scikit-learn gives them
    digits: Tensor  # (N,) int64, the digit itself, which is not the index of its class


def split(seed: int = 0) -> tuple[Digits, Digits, Digits]:
    """Split the 1797 digits into 1077 to train on, 360 to validate with, 360 to test with.

    Stratified, so that each digit has its share in each part; no image is in two parts.
    """
    images, digits = load_digits(return_X_y=True)
    rest, test = train_test_split(
        range(len(digits)), test_size=0.2, random_state=seed, stratify=digits
    )
    train, validation = train_test_split(
        rest, test_size=0.25, random_state=seed, stratify=digits[rest]
    )

    def take(rows: list[int]) -> Digits:
        pixels = torch.from_numpy(images[rows]).float().reshape(-1, 8, 8)
        return Digits(pixels, torch.from_numpy(digits[rows]).long())

    return take(train), take(validation), take(test)


def preprocess(images: Tensor, config: ResNetConfig) -> Tensor:
    """Turn pixels 0 … 16 (N, 8, 8) into what the network was trained on (N, 1, 8, 8)."""
    return (images[:, None] / config.pixel_max - config.mean) / config.std


def targets(digits: Tensor, config: ResNetConfig) -> Tensor:
    """Turn digits (N,) into indices of classes (N,): 8 is "eight", and "eight" is class 0."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    index = torch.tensor([config.class_names.index(name) for name in names])
    return index[digits]
