"""What the probes of `segmentation` measure with: scenes, a small network, answers, mIoU."""

import numpy as np

DIGITS = (0, 1, 4, 7)


CLASSES = len(DIGITS) + 1


VOID = 255


def some_scenes(count, part, seed):
    """Pictures (N, 1, 32, 32) and masks (N, 32, 32), both uint8."""
    import torch

    from autograder.data import scenes

    made = scenes.make(count, part=part, seed=seed, digits=DIGITS)
    images, masks = (np.stack(values) for values in list(zip(*made, strict=True))[:2])
    return torch.from_numpy(images)[:, None], torch.from_numpy(masks)


def seed_of(rng):
    return int(rng.integers(2**31))


def small_net(generator, channels=2, classes=4, *, norm=True, dropout=0.0):
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            parts = [nn.Conv2d(channels, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.Tanh()]
            self.body = nn.Sequential(*parts if norm else parts[:1], nn.Dropout(dropout))
            self.out, self.aux = nn.Conv2d(6, classes, 1), nn.Conv2d(6, classes, 1)

        def forward(self, x):
            features = self.body(x)
            return {"aux": self.aux(features), "out": self.out(features)}

    model = Net()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.7, generator=generator)
        if norm:
            model.body[1].running_mean.normal_(0, 0.3, generator=generator)
            model.body[1].running_var.uniform_(0.5, 2, generator=generator)
    return model


def colourful(rng, size=12):
    """A picture (3, S, S) of noise, nowhere quite dark, and a mask (S, S) of ids and void."""
    import torch

    image = torch.from_numpy(rng.integers(30, 256, (3, size, size)).astype(np.uint8))
    mask = torch.from_numpy(rng.choice([0, 1, 4, 7, VOID], (size, size)).astype(np.uint8))
    return image, mask


def answered(rng, sizes, classes=5, wrong=0.3):
    """Pairs of predictions and targets (B, H, W): `wrong` of the pixels, more in later batches."""
    import torch

    pairs = []
    for number, size in enumerate(sizes):
        target = np.minimum(rng.geometric(0.45, size) - 1, classes - 1)
        astray = rng.random(size) < wrong * (1 + number)
        said = np.where(astray, rng.integers(0, classes, size), target)
        target = np.where(rng.random(size) < 0.15, VOID, target)
        pairs.append(tuple(torch.from_numpy(a.astype(np.uint8)) for a in (said, target)))
    return pairs


def in_one_batch(pairs, void=False):
    """The pixels of all pairs that count, or all with `void`, as one pair (1, 1, pixels)."""
    import torch

    said, true = (torch.cat([pair[k].flatten() for pair in pairs]) for k in (0, 1))
    kept = (true != VOID) | void
    return said[kept][None, None], true[kept][None, None]


def watched_steps(call):
    """What torch's optimizers did during a call: for each step their class, rate and decay."""
    from torch.optim import optimizer

    seen = []

    def note(one, *_):
        group = one.param_groups[0]
        name, decay = type(one).__name__, group.get("weight_decay", 0.0)
        seen.append({"optimizer": name, "rate": float(group["lr"]), "decay": float(decay)})

    listening = optimizer.register_optimizer_step_pre_hook(note)
    try:
        call()
    finally:
        listening.remove()
    return seen


def which_of(one, x):
    return int((x - one).abs().flatten(1).sum(1).argmin())


def mean_iou_of(said, masks):
    """The mean IoU over the pixels that are not void."""
    values = []
    for k in range(CLASSES):
        is_k, said_k = masks == k, (said == k) & (masks != VOID)
        values.append(float((is_k & said_k).sum() / (is_k | said_k).sum()))
    return sum(values) / CLASSES
