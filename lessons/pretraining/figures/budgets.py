"""Loss along lines of equal compute, by the replicated Chinchilla law."""

import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Curves of predicted loss against parameters, one for each compute budget. Each has a "
    "lowest point, which moves to larger models as the budget grows. On the curve of "
    "Gopher's budget, Chinchilla lies at the lowest point and Gopher far to the right of it.",
    "zh": "预测损失随参数量变化的曲线，每个算力预算一条。每条有一个最低点，预算越大，最低点越靠右。"
    "在 Gopher 的预算那条线上，Chinchilla 位于最低点，Gopher 远在其右。",
}

E, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
BUDGETS = {1e21: "#8fb8de", 1e22: "#5f97cc", 5.76e23: "#d1495b", 3.8e25: "#7a6fb0"}


def _loss(parameters, tokens):
    return E + A / parameters**ALPHA + B / tokens**BETA


def draw(say):
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    sizes = np.logspace(8.3, 12.6, 300)
    for budget, colour in BUDGETS.items():
        losses = _loss(sizes, budget / (6 * sizes))
        axes.plot(sizes, losses, color=colour, label=f"{budget:.3g} FLOPs")
        best = losses.argmin()
        axes.plot(sizes[best], losses[best], "o", color=colour, markerfacecolor="none")
    for name, size, budget in [("Chinchilla", 70e9, 5.76e23), ("Gopher", 280e9, 5.76e23)]:
        loss = _loss(size, budget / (6 * size))
        axes.plot(size, loss, "o", color=BUDGETS[budget], markersize=4)
        axes.annotate(name, (size, loss), (0, 7), textcoords="offset points", ha="center")
    axes.set(
        xscale="log",
        ylim=(1.85, 2.7),
        xlabel=say("parameters", "参数量"),
        ylabel=say("predicted loss, nats per token", "预测损失（nat / 词元）"),
    )
    axes.legend(
        frameon=False,
        title=say("training compute", "训练算力"),
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
    )
    return figure
