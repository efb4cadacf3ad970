import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Reliability diagram of the twelve cases in five bins. For each bin the share of "
    "positives stands beside the mean probability; were they equal, all points would lie on the "
    "diagonal. The middle bin holds a single case and has by far the largest gap, 0.6000, the "
    "others at most 0.1167. Weighted by the cases in each bin, the gaps average 0.1250.",
    "zh": "十二个样本分成五箱的可靠性图。每箱把实际的正例比例和概率均值放在一起比较，"
    "两者相等时点都落在对角线上。中间一箱只有一个样本，差距却最大，达 0.6000；其余各箱最多 0.1167。"
    "按箱内样本数加权，平均差距为 0.1250。",
}
SCORES = np.array([0.95, 0.90, 0.80, 0.80, 0.70, 0.60, 0.40, 0.40, 0.30, 0.20, 0.10, 0.05])
LABELS = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0])
BINS = 5


def draw(say):
    figure = Figure(figsize=(7, 4.4))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="C7", linestyle="--", linewidth=1.2)
    axes.text(0.5, 0.53, say("perfectly calibrated", "完全校准"), color="C7", ha="right")
    # Open on the left and closed on the right, as in the lesson.
    which = np.ceil(np.round(SCORES * BINS, 9)).astype(int) - 1
    ece = 0.0
    for number in range(BINS):
        mine = which == number
        count, mean, share = mine.sum(), SCORES[mine].mean(), LABELS[mine].mean()
        gap = abs(share - mean)
        ece += count / len(SCORES) * gap
        axes.bar((number + 0.5) / BINS, share, 0.9 / BINS, color="C0", alpha=0.3)
        axes.plot([mean, mean], [mean, share], color="C1")
        axes.plot(mean, share, "o", color="C0", markersize=4 + 2 * count)
        # In the last bin there is room on the left only.
        away, side = (-7, "right") if number == BINS - 1 else (5, "left")
        axes.annotate(f"{gap:.4f}", (mean, (mean + share) / 2), (away, 0), color="C1", ha=side,
                      va="center", textcoords="offset points")  # fmt: skip
        axes.text((number + 0.5) / BINS, -0.075, f"n = {count}", ha="center")
    axes.text(0.02, 1.0, f"ECE = {ece:.4f}", fontsize=12)
    axes.plot([], [], "o", color="C0", label=say("share of positives", "实际正例比例"))
    axes.plot([], [], color="C1", label=say("gap to the mean probability", "与概率均值的差距"))
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.92))
    axes.set(xlim=(0, 1), ylim=(-0.1, 1.06), xticks=np.arange(BINS + 1) / BINS)
    axes.set_xlabel(say("predicted probability", "预测概率"))
    axes.set_ylabel(say("share of positives", "实际正例比例"))
    return figure
