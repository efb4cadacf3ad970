import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "The generator's two losses against the discriminator's logit for a forged picture. The "
    "loss of the game is flat on the left, where the discriminator is sure that the picture is "
    "forged; the non-saturating one falls there with a slope of almost 1. On the right, where the "
    "discriminator is deceived, it is the other way round.",
    "zh": "横轴是判别器给假图的 logit，纵轴是生成器的两种损失。左侧判别器断定图是假的，"
    "博弈原式在那里是平的，非饱和损失则以接近 1 的斜率下降；右侧判别器已经上当，情况正相反。",
}


def draw(say):
    figure = Figure(figsize=(6.5, 3.6))
    axes = figure.subplots()
    logit = np.linspace(-8, 6, 141)
    game, ours = -np.logaddexp(0, logit), np.logaddexp(0, -logit)
    axes.plot(logit, ours, color="C0", label=say("non-saturating: −log D", "非饱和：−log D"))
    axes.plot(logit, game, color="C1", label=say("the game: log(1 − D)", "博弈原式：log(1 − D)"))
    axes.axvline(0, color="C7", linestyle=":", linewidth=1.2)
    axes.text(-7.8, -5.6, say("sure that it is forged", "断定是假的"))
    axes.text(5.8, 3.2, say("deceived", "上当了"), ha="right")
    axes.set(
        xlabel=say("logit of a forged picture", "假图的 logit"),
        ylabel=say("generator's loss", "生成器的损失"),
        xlim=(-8, 6),
    )
    axes.legend(frameon=False, loc="upper right")
    return figure
