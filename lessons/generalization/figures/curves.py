"""Four pairs of learning curves, drawn by formula, with what `read_curves` says of each."""

import matplotlib.pyplot as plt
import numpy as np

ALT = {
    "en": "Four sketches of training and validation loss: fine (both level off low), overfitting "
    "(validation rises while training falls), underfitting (both level off high), diverging "
    "(both rise).",
    "zh": "训练损失与验证损失的四张示意图：没问题（两条都降到低处）、"
    "过拟合（验证升而训练降）、欠拟合（两条都停在高处）、发散（两条都升）。",
}


def draw(say):
    """Return the figure; `say` picks a label's language."""
    e = np.arange(31)
    fall, away = np.exp(-e / 5), np.maximum(e - 12, 0)
    pairs = {
        say("fine", "没问题"): (0.2 + 1.8 * fall, 0.5 + 1.7 * fall),
        say("overfitting", "过拟合"): (1.9 * fall + 0.05, 0.5 + 1.7 * fall + 0.04 * away),
        say("underfitting", "欠拟合"): (1.4 + 0.7 * fall, 1.5 + 0.7 * fall),
        say("diverging", "发散"): (0.4 + 1.7 * fall + 0.06 * away, 0.5 + 1.7 * fall + 0.065 * away),
    }
    figure, row = plt.subplots(1, 4, figsize=(9, 2.3), sharey=True, layout="constrained")
    for axes, (name, (train, validation)) in zip(row, pairs.items(), strict=True):
        axes.plot(e, train, color="#4c8dc9", label=say("training", "训练"))
        axes.plot(e, validation, color="#e08a3c", label=say("validation", "验证"))
        axes.axvline(validation.argmin(), color="grey", linestyle=":", linewidth=1)
        axes.axhline(
            0.8, color="#4aa36a", linestyle="--", linewidth=1, label=say("reachable", "可达")
        )
        axes.set(title=name, xlabel="epoch", ylim=(0, 2.4))
    row[0].set_ylabel(say("loss", "损失"))
    row[0].legend(frameon=False, fontsize=8)
    return figure
