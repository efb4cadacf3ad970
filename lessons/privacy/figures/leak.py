"""Digits, and what a server reads from the gradients of them."""

import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

ALT = {
    "en": "Three digits in the first row. In the second the same digits, read without a visible "
    "error from one client's clipped gradient. In the third, with noise of 0.05 in the gradient, "
    "nothing but specks.",
    "zh": "第一行是三个数字。第二行是从客户端裁剪后的梯度里读出来的，看不出任何误差。"
    "第三行在梯度里加了 0.05 的噪声，只剩下斑点。",
}


def _rows():
    """Pictures (3, 3, 64): as they are, and read from gradients without and with noise."""
    x, y = (torch.as_tensor(part[:3]) for part in load_digits(return_X_y=True))
    x = (x / 16).double()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)).double()
    rows = [list(x)]
    for sigma in (0.0, 0.05):
        read = []
        for image, label in zip(x, y, strict=True):
            loss = cross_entropy(model(image[None]), label[None])
            sent = torch.autograd.grad(loss, list(model.parameters()))
            length = torch.cat([part.flatten() for part in sent]).norm().clamp(min=1)
            weight, bias = (p / length + sigma * torch.randn_like(p) for p in sent[:2])
            unit = bias.abs().argmax()
            read.append(weight[unit] / bias[unit])
        rows.append(read)
    return rows


def draw(say):
    figure = Figure(figsize=(5.6, 4))
    grid = figure.subplots(3, 3)
    names = (say("the client's", "客户端的数据"), say("read from\nits gradient", "从梯度读出"),
             say("the same,\nnoise 0.05", "同上，\n噪声 0.05"))  # fmt: skip
    for line, row, name in zip(grid, _rows(), names, strict=True):
        for axes, image in zip(line, row, strict=True):
            for place, value in enumerate(image.clamp(0, 1).tolist()):
                r, c = divmod(place, 8)
                if value > 0.08:
                    axes.fill([c, c + 1, c + 1, c], [r, r, r + 1, r + 1], color="C0",
                              alpha=round(value, 2), linewidth=0)  # fmt: skip
            axes.set(xlim=(0, 8), ylim=(8, 0), aspect="equal", xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
