import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve

ALT = {
    "en": "Twelve cases by their score, and their ROC curve. At a threshold of 0.5 four of five "
    "positives and two of seven negatives lie above it: the point 2/7, 4/5. The curve goes through "
    "a grid of 35 cells. At the scores 0.8 and 0.4 a positive and a negative are tied, and there "
    "it runs diagonally and cuts a cell in half. The area under it is 0.8857.",
    "zh": "十二个样本的分数和对应的 ROC 曲线。阈值取 0.5 时，五个正例有四个在它之上，"
    "七个负例有两个在它之上，也就是曲线上的点（2/7，4/5）。曲线穿过 35 个小格。"
    "分数为 0.8 和 0.4 时各有一对正负例同分，曲线在那里走对角线，把小格切成两半。"
    "曲线下面积为 0.8857。",
}
SCORES = np.array([0.95, 0.90, 0.80, 0.80, 0.70, 0.60, 0.40, 0.40, 0.30, 0.20, 0.10, 0.05])
LABELS = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0])
THRESHOLD = 0.5
TIES = (0.80, 0.40)


def draw(say):
    figure = Figure(figsize=(7, 4.4))
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
    cases(left, say)
    curve(right, say)
    return figure


def cases(axes, say):
    for label, colour in ((1, "C0"), (0, "C1")):
        mine = SCORES[label == LABELS]
        axes.plot(np.full(len(mine), label), mine, "o", color=colour, markersize=7)
    for tie in TIES:
        axes.plot([0.12, 0.88], [tie, tie], color="C3", linewidth=1.5)
        axes.text(0.5, tie + 0.015, say("tie", "同分"), ha="center", va="bottom", color="C3")
    axes.axhline(THRESHOLD, color="black", linestyle="--", linewidth=1.2)
    axes.text(0.5, THRESHOLD + 0.015, say("threshold 0.5", "阈值 0.5"), ha="center", va="bottom")
    axes.set_xticks([0, 1], [say("negative", "负例"), say("positive", "正例")])
    axes.set(xlim=(-0.5, 1.5), ylim=(0, 1), ylabel=say("score", "分数"))


def curve(axes, say):
    fpr, tpr, thresholds = roc_curve(LABELS, SCORES, drop_intermediate=False)
    positives, negatives = LABELS.sum(), (1 - LABELS).sum()
    axes.set_xticks(np.arange(negatives + 1) / negatives,
                    [f"{n}/{negatives}" if n else "0" for n in range(negatives + 1)])  # fmt: skip
    axes.set_yticks(np.arange(positives + 1) / positives,
                    [f"{n}/{positives}" if n else "0" for n in range(positives + 1)])  # fmt: skip
    axes.grid()
    axes.fill_between(fpr, tpr, color="C0", alpha=0.15, linewidth=0)
    axes.plot([0, 1], [0, 1], color="C7", linestyle=":", linewidth=1.2)
    axes.text(0.72, 0.66, say("random", "随机打分"), color="C7", va="top")
    axes.plot(fpr, tpr, "o-", color="C0", markersize=4)
    for tie in TIES:
        at = int(np.flatnonzero(np.isclose(thresholds, tie))[0])
        axes.plot(fpr[at - 1 : at + 1], tpr[at - 1 : at + 1], color="C3", linewidth=3)
        middle = (fpr[at - 1] + fpr[at]) / 2, (tpr[at - 1] + tpr[at]) / 2
        axes.annotate(say(f"tie at {tie}", f"{tie} 处同分"), middle, (8, -12), color="C3",
                      textcoords="offset points")  # fmt: skip
    x = (SCORES[LABELS == 0] >= THRESHOLD).mean()
    y = (SCORES[LABELS == 1] >= THRESHOLD).mean()
    axes.plot(x, y, "o", color="black", markersize=8)
    axes.annotate(say("threshold 0.5", "阈值 0.5"), (x, y), (9, -5), textcoords="offset points")
    auc = roc_auc_score(LABELS, SCORES)
    axes.text(0.5, 0.25, f"AUC = {auc:.4f}", color="C0", ha="center", fontsize=12)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.set_xlabel(say("false positive rate", "假阳性率"))
    axes.set_ylabel(say("recall (true positive rate)", "召回率（真阳性率）"))
