import numpy as np
from matplotlib.figure import Figure
from scipy.special import log_softmax, softmax

ALT = {
    "en": "The loss over the lead of the right logit among three classes. Even guessing, a lead "
    "of 0, costs 1.0986 either way. At a lead of 3 cross entropy is 0.095 and goes on to 0; with a "
    "second softmax before it, it is 0.611 and never gets below 0.551, however sure the model is.",
    "zh": "三分类时，损失随正确类别 logit 的领先幅度而变。"
    "领先 0 就是平均瞎猜，两种算法的损失都是 1.0986。领先 3 时交叉熵是 0.095，并继续降向 0；"
    "如果前面多做一遍 softmax，则是 0.611，无论模型多有把握，都降不到 0.551 以下。",
}
CLASSES = 3


def losses(lead):
    logits = np.zeros((len(lead), CLASSES))
    logits[:, 0] = lead
    return -log_softmax(logits, axis=1)[:, 0], -log_softmax(softmax(logits, axis=1), axis=1)[:, 0]


def draw(say):
    figure = Figure(figsize=(7, 3.8))
    axes = figure.subplots()
    lead = np.linspace(-2, 12, 113)
    once, twice = losses(lead)
    (_, floor), guess = losses(np.array([50.0])), np.log(CLASSES)
    floor = float(floor[0])
    axes.axhline(guess, color="C7", linestyle=":", linewidth=1.2)
    axes.text(12, guess + 0.04, say(f"ln 3 = {guess:.4f}: guessing", f"ln 3 = {guess:.4f}：瞎猜"),
              color="C7", ha="right")  # fmt: skip
    axes.fill_between([-2, 12], 0, floor, color="C1", alpha=0.12, linewidth=0)
    axes.text(12, floor - 0.06, say(f"out of reach below {floor:.3f}", f"{floor:.3f} 以下到不了"),
              color="C1", ha="right", va="top")  # fmt: skip
    labels = (
        say("cross entropy of the logits", "对 logits 求交叉熵"),
        say("of their softmax: softmax twice", "先做 softmax 再求：做了两遍 softmax"),
    )
    for curve, colour, label in zip((once, twice), ("C0", "C1"), labels, strict=True):
        axes.plot(lead, curve, color=colour, label=label)
    for (value,), colour, above in zip(losses(np.array([3.0])), ("C0", "C1"), (8, 8), strict=True):
        axes.plot(3, value, "o", color=colour)
        axes.annotate(f"{value:.3f}", (3, value), (6, above), color=colour,
                      textcoords="offset points")  # fmt: skip
    axes.legend(loc="upper right")
    axes.set(xlim=(-2, 12), ylim=(0, 2.8))
    lead = say("lead of the right logit over the other two", "正确类别的 logit 领先另外两类多少")
    axes.set_xlabel(lead)
    axes.set_ylabel(say("loss", "损失"))
    return figure
