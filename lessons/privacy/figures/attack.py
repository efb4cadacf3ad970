"""The same membership inference against an overfitted, an early stopped and a private network."""

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.metrics import roc_curve
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

ALT = {
    "en": "ROC curves of the loss attack. Against the overfitted network the curve rises far above "
    "the diagonal; against the one stopped early and the private one it stays close to it.",
    "zh": "损失攻击的 ROC 曲线。对过拟合网络，曲线远高于对角线；对早停的和带隐私保护的网络，"
    "曲线贴近对角线。",
}


def _private(model, x, y, generator, sigma=3.0):
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(parameters, image, target):
        return cross_entropy(functional_call(model, parameters, image[None]), target[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    norms = torch.cat([g.flatten(1) for g in each.values()], dim=1).norm(dim=1)
    factors = (1 / norms).clamp(max=1)
    for name, g in each.items():
        total = torch.tensordot(factors, g, dims=1)
        noise = sigma * torch.randn(total.shape, generator=generator)
        model.get_parameter(name).grad = (total + noise) / 100


def _curves():
    generator = torch.Generator().manual_seed(0)
    x, truth = (torch.as_tensor(part) for part in load_digits(return_X_y=True))
    order = torch.randperm(1797, generator=generator)
    x, truth = (x / 16)[order], truth[order]  # float64: any machine draws the same
    bad = torch.rand(1797, generator=generator) < 0.3
    y = torch.where(bad, (truth + torch.randint(1, 10, (1797,), generator=generator)) % 10, truth)
    for steps, private in ((300, False), (15, False), (300, True)):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)).double()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(steps):
            optimizer.zero_grad()
            if private:
                drawn = torch.rand(400, generator=generator) < 0.25
                _private(model, x[:400][drawn], y[:400][drawn], generator)
            else:
                cross_entropy(model(x[:400]), y[:400]).backward()
            optimizer.step()
        with torch.no_grad():
            losses = cross_entropy(model(x), y, reduction="none")
        yield roc_curve(np.arange(1797) < 400, -losses.numpy())[:2]


def draw(say):
    figure = Figure(figsize=(5, 4))
    axes = figure.subplots()
    names = (say("overfitted", "过拟合"),
             say("stopped early: promises nothing", "早停：没有任何承诺"),
             say("private, ε = 5.87", "带隐私保护，ε = 5.87"))  # fmt: skip
    grid = np.linspace(0, 1, 60)
    for (fpr, tpr), name, colour in zip(_curves(), names, ("C3", "C1", "C0"), strict=True):
        axes.plot(grid, np.interp(grid, fpr, tpr).round(2), label=name, color=colour)
    axes.plot([0, 1], [0, 1], ":", color="C7")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel(say("others accused (false positive rate)", "误判的非成员（假正率）"))
    axes.set_ylabel(say("members caught (true positive rate)", "抓到的成员（真正率）"))
    axes.legend(frameon=False, loc="lower right")
    axes.grid()
    return figure
