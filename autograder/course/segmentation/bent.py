"""Answers for `segmentation` of which a keyword bends one thing each; see `wrong.py`."""

import torch
from torch.nn import functional

from . import reference
from .drawn import VOID


def channels(values):
    return torch.tensor(values).reshape(-1, 1, 1)


def joint(image, mask, crop, size, flip, mean, std, *, cut=True, turn=True, mode="nearest"):
    """A pair of transforms; each keyword leaves something out for the mask."""
    x, _ = reference.joint_transform(image, mask, crop, size, flip, mean, std)
    top, left, side = crop if cut else (0, 0, len(mask))
    y = mask[top : top + side, left : left + side].float()[None, None]
    y = functional.interpolate(y, size=(size, size), mode=mode)[0, 0].long()
    return x, y.flip(1) if flip and turn else y


def soft(logits, target, ignore_index, smooth, *, union=False, void_in_p=False, above=1,
          present=False, p=None):  # fmt: skip
    """The loss, by three sums; each keyword changes one thing."""
    counted = target != ignore_index
    p = (logits.softmax(1) if p is None else p).movedim(1, -1)
    t = functional.one_hot(target.long().where(counted, 0), logits.shape[1]) * counted[..., None]
    said = p if void_in_p else p * counted[..., None]
    both, said, true = (v.flatten(0, 2).sum(0) for v in (said * t, said, t))
    dice = ((2 - union) * both + above * smooth) / (said + true - both * union + smooth)
    return 1 - (dice[true > 0] if present else dice).mean()


def train(model, x, y, steps=180, batch_size=10, lr=5e-3, *, key="out", mode=True, zero=True,
           shuffle=True, moving=True):  # fmt: skip
    """A training loop; each keyword puts a fault in."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    model.train(mode)
    losses, order = [], []
    for _ in range(steps):
        if not order:
            places = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            order = list(places.split(batch_size))
        rows = order.pop()
        loss = functional.cross_entropy(model(x[rows])[key], y[rows].long(), ignore_index=VOID)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if moving:
            schedule.step()
        losses.append(loss.item())
    return losses


def predict(
    model, images, mean, std, batch_size=50, *,
    normalised=True, evaluation=True, gradients=False, key="out",
):  # fmt: skip
    """Predictions; each keyword leaves something out."""
    x = images / 255
    x = (x - channels(mean)) / channels(std) if normalised else x
    mode = model.training
    model.train(mode and not evaluation)
    with torch.set_grad_enabled(gradients):
        ids = torch.cat([model(part)[key].argmax(1) for part in x.split(batch_size)])
    model.train(mode)
    return ids
