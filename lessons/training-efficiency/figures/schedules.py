import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Three learning rates over a run. All rise in a straight line at first. One falls along "
    "half a cosine to zero, one in a straight line, and one stays at the top until the last fifth "
    "and falls only then.",
    "zh": "训练过程中的三种学习率。三者开头都沿直线上升；之后一条沿半个余弦降到零，一条沿直线下降，"
    "还有一条一直保持在最高处，到最后五分之一才下降。",
}


def draw(say):
    figure = Figure(figsize=(7, 2.6))
    axes = figure.subplots()
    step = np.linspace(0, 1, 201)
    progress = np.clip((step - 0.1) / 0.9, 0, 1)
    curves = (
        ((1 + np.cos(np.pi * progress)) / 2, "-", say("warm-up, cosine", "预热 + 余弦")),
        (1 - progress, "--", say("warm-up, linear", "预热 + 线性")),
        (np.clip((1 - step) / 0.2, 0, 1), ":", say("warm-up, stable, decay", "预热 + 恒定 + 衰减")),
    )
    for down, style, label in curves:
        axes.plot(step, np.minimum(step / 0.1, down), style, linewidth=2, label=label)
    axes.axvspan(0, 0.1, color="C7", alpha=0.2)
    axes.set(xticks=(0, 0.1, 1), yticks=(0, 1), ylim=(-0.03, 1.08))
    axes.set_xticklabels(("", say("warm-up ends", "预热结束"), say("end", "结束")))
    axes.set_yticklabels(("0", say("highest rate", "最高学习率")))
    axes.legend(loc="lower left", bbox_to_anchor=(0.14, 0.03))
    return figure
