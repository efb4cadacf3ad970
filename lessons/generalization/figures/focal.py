"""The focal loss over the probability of the true class, for several γ."""

import matplotlib.pyplot as plt
import numpy as np

ALT = {
    "en": "Focal loss against the probability of the true class for γ = 0, 1, 2 and 5: the larger "
    "γ is, the less an easy example costs.",
    "zh": "focal loss 随真实类别概率的变化，γ 取 0、1、2、5：γ 越大，容易的样本损失越小。",
}


def draw(say):
    """Return the figure; `say` picks a label's language."""
    p = np.linspace(0.02, 1, 300)
    figure, axes = plt.subplots(figsize=(5.5, 2.6), layout="constrained")
    for gamma, colour in zip(
        (0, 1, 2, 5), ("#8a8a8a", "#4c8dc9", "#e08a3c", "#4aa36a"), strict=True
    ):
        axes.plot(p, -((1 - p) ** gamma) * np.log(p), color=colour, label=f"γ = {gamma}")
    axes.axvspan(0.6, 1, color="grey", alpha=0.12, linewidth=0)
    axes.text(0.8, 2.6, say("easy examples", "容易的样本"), ha="center", fontsize=9, color="grey")
    axes.set(
        xlabel=say("probability of the true class", "真实类别的概率"),
        ylabel=say("loss", "损失"),
        ylim=(0, 4),
    )
    axes.legend(frameon=False)
    return figure
