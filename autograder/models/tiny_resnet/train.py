"""Train the tiny ResNet: ``python -m autograder.models.tiny_resnet.train``.

Writes weights, configuration and a model card whose numbers are measured on the files written.
"""

import hashlib
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import sklearn
import torch
import torchvision
from rich.progress import Progress
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from autograder.models.tiny_resnet.network import (
    FOLDER,
    Digits,
    ResNetConfig,
    TinyResNet,
    load,
    preprocess,
    split,
    targets,
)

__all__ = ["Recipe", "Report", "train"]


@dataclass(frozen=True)
class Recipe:
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    shift: int = 1  # pixels; a digit drawn one pixel to the left is the same digit


@dataclass(frozen=True)
class Report:
    folder: Path
    recipe: Recipe
    seed: int
    parameters: int
    steps: int
    validation_accuracy: float
    test_accuracy: float
    mistakes: dict[str, float]  # test accuracy when one thing is done wrong
    sha256: str  # of model.safetensors
    seconds: float


def train(
    out: Path = FOLDER,
    *,
    seed: int = 0,
    recipe: Recipe | None = None,
    progress: Callable[[int, int, float], object] | None = None,
) -> Report:
    """Train, write the folder, measure what was written.

    The same seed gives the same bytes on one machine with the same number of threads.

    Parameters
    ----------
    out
        Folder to write; files of an earlier run are overwritten.
    seed
        Of the split, the first weights and the order of the batches.
    recipe
        Lengths and rates; a short one makes a quick test.
    progress
        Called after each step with (steps done, steps in all, loss in nats per image).
    """
    start = time.perf_counter()
    recipe = recipe or Recipe()
    parts = split(seed)
    pixels = parts[0].images / ResNetConfig.pixel_max
    config = ResNetConfig(
        mean=round(pixels.mean().item(), 4), std=round(pixels.std().item(), 4), split_seed=seed
    )
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(seed)
        model = TinyResNet(config)
        steps = fit(model, config, parts[0], recipe, progress)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.safetensors").write_bytes(save(model.state_dict()))
    (out / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")

    saved, config = load(out)
    validation, test = (
        accuracy(saved, preprocess(part.images, config), targets(part.digits, config))
        for part in parts[1:]
    )
    report = Report(
        folder=out,
        recipe=recipe,
        seed=seed,
        parameters=sum(p.numel() for p in saved.parameters()),
        steps=steps,
        validation_accuracy=validation,
        test_accuracy=test,
        mistakes=mistakes(saved, config, parts[2]),
        sha256=hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest(),
        seconds=time.perf_counter() - start,
    )
    (out / "README.md").write_text(card(report, config), encoding="utf-8")
    return report


def fit(
    model: TinyResNet,
    config: ResNetConfig,
    data: Digits,
    recipe: Recipe,
    progress: Callable[[int, int, float], object] | None,
) -> int:
    x, y = preprocess(data.images, config), targets(data.digits, config)
    per_epoch = len(y) // recipe.batch_size
    steps = recipe.epochs * per_epoch
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.2
    )
    model.train()
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(y))
        rows = order[step % per_epoch * recipe.batch_size :][: recipe.batch_size]
        logits = model(shift(x[rows], recipe.shift))
        loss = cross_entropy(logits, y[rows], label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if progress:
            progress(step + 1, steps, loss.item())
    model.eval()
    return steps


def shift(x: Tensor, reach: int) -> Tensor:
    """Move the whole batch (B, 1, H, W) by up to ``reach`` pixels each way; the edge is blank."""
    blank = x.amin().item()
    padded = pad(x, [reach] * 4, value=blank)
    down, right = torch.randint(2 * reach + 1, (2,)).tolist()
    return padded[:, :, down:, right:][:, :, : x.shape[2], : x.shape[3]]


@torch.no_grad()
def accuracy(model: TinyResNet, x: Tensor, y: Tensor) -> float:
    return float((model(x).argmax(1) == y).double().mean())


def mistakes(model: TinyResNet, config: ResNetConfig, data: Digits) -> dict[str, float]:
    """Test accuracy with one thing done wrong at a time. Leaves ``model`` as it was."""
    x, y = preprocess(data.images, config), targets(data.digits, config)
    state = {name: value.clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def training_mode(size: int, order: Tensor) -> float:
        model.train()
        batches = zip(torch.split(x[order], size), torch.split(y[order], size), strict=True)
        right = sum(int((model(a).argmax(1) == b).sum()) for a, b in batches)
        model.load_state_dict(state)  # the running statistics moved
        model.eval()
        return right / len(y)

    return {
        "pixels scaled to 0 … 1, not normalised": accuracy(model, x * config.std + config.mean, y),
        "pixels 0 … 16 as they come": accuracy(model, data.images[:, None], y),
        "pixels divided by 255 instead of 16": accuracy(
            model, preprocess(data.images * 16 / 255, config), y
        ),
        "digit taken for the index of its class": accuracy(model, x, data.digits),
        "training mode, batches of 4": training_mode(4, torch.arange(len(y))),
        "training mode, batches of 32": training_mode(32, torch.arange(len(y))),
        "training mode, batches of 32 sorted by class": training_mode(32, y.argsort(stable=True)),
    }


CARD = """\
# Tiny ResNet

A residual network of {parameters:,} parameters that reads handwritten digits: torchvision's
`ResNet` with `BasicBlock`, one block a stage, {channels} channels, a 3×3 stem without pooling.
The parts have the names of `resnet18`, batch normalisation included. Made for exercises.

```python
from autograder.models.tiny_resnet.network import load, preprocess, split
model, config = load()                       # evaluation mode, float32
train, validation, test = split(config.split_seed)
logits = model(preprocess(test.images, config))          # (360, 10)
names = [config.class_names[i] for i in logits.argmax(1)]
```

**Classes are not digits.** The names are sorted as `ImageFolder` sorts folders: class 0 is
"eight". `config.json` holds the names, the mean and deviation of the training pixels, the shapes
and the seed of the split.

## Data

The digits of scikit-learn (`load_digits`): 1797 images of 8×8, pixels 0 to 16, a copy of the test
part of [Optical Recognition of Handwritten Digits](https://archive.ics.uci.edu/dataset/80)
(Alpaydin and Kaynak, 1998). Stratified split, seed {seed}: 1077 to train on, 360 to validate with,
360 to test with. No two images are equal. All parts come from the same 13 writers, so the figures
say nothing of an unknown hand.

## Training

{steps} steps of {batch_size} images ({epochs} epochs), AdamW at {learning_rate} over one cycle,
weight decay {weight_decay}, label smoothing {label_smoothing}, images moved by up to {shift} pixel.
Seed {seed}; Python {python}, torch {torch}, torchvision {torchvision}, scikit-learn {sklearn};
{seconds:.0f} seconds. `python -m autograder.models.tiny_resnet.train` makes this folder
again; the bits depend on machine and versions.

## Measured on the files in this folder

| | accuracy |
|---|---|
| validation | {validation_accuracy:.1%} |
| **test** | **{test_accuracy:.1%}** |
{mistakes}

sha256 of `model.safetensors`: `{sha256}`
"""


def card(report: Report, config: ResNetConfig) -> str:
    rows = (f"| test, but {what} | {value:.1%} |" for what, value in report.mistakes.items())
    return CARD.format(
        **asdict(report) | asdict(report.recipe) | {"mistakes": "\n".join(rows)},
        channels=" · ".join(map(str, config.channels)),
        python=platform.python_version(),
        torch=torch.__version__,
        torchvision=torchvision.__version__,
        sklearn=sklearn.__version__,
    )


def main() -> None:
    with Progress() as bar:
        task = bar.add_task("tiny ResNet")
        report = train(
            progress=lambda step, total, loss: bar.update(
                task, completed=step, total=total, description=f"tiny ResNet, loss {loss:.3f}"
            )
        )
        bar.console.print(f"{report.folder}: test accuracy {report.test_accuracy:.1%}")


if __name__ == "__main__":
    main()
