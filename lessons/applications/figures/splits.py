import numpy as np
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import precision_recall_curve

from autograder.data import payments

ALT = {
    "en": "Precision against recall of the same forest on the same payments. With the random split "
    "precision begins near 1 and falls slowly with recall. With the split in time it falls at once "
    "and lies near the dashed line, the share of frauds, 0.056, which is what guessing gets.",
    "zh": "同一个随机森林、同一批交易的精确率与召回率。随机划分时，精确率从接近 1 开始，"
    "随召回率慢慢下降；按时间划分时一下子掉了下来，贴近虚线，也就是乱猜的水平：欺诈占比 0.056。",
}


def draw(say):
    made = payments.make(seed=0)
    columns = np.column_stack([made.amounts, made.places])
    known = made.times + 5 <= 42
    blocked = np.isin(made.cards, made.cards[known & (made.frauds == 1)])
    train, test = np.flatnonzero(known), np.flatnonzero((made.times >= 42) & ~blocked)
    mixed = np.random.default_rng(0).permutation(len(made.times))[: len(train) + len(test)]
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    for name, colour, one, other in [
        (say("random split", "随机划分"), "C1", mixed[: len(train)], mixed[len(train) :]),
        (say("split in time", "按时间划分"), "C0", train, test),
    ]:
        forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=0)
        scores = forest.fit(columns[one], made.frauds[one]).predict_proba(columns[other])[:, 1]
        precision, recall, _ = precision_recall_curve(made.frauds[other], scores)
        grid = np.linspace(0, 1, 41)
        best = [precision[recall >= least - 1e-9].max() for least in grid]
        axes.plot(grid, best, color=colour, label=name)
    axes.axhline(made.frauds[test].mean(), color="C7", linestyle="--", linewidth=1.2)
    axes.text(1, 0.01, say("share of frauds", "欺诈占比"), color="C7", ha="right")
    axes.set(xlabel=say("recall", "召回率"), ylabel=say("precision", "精确率"))
    axes.set(xlim=(0, 1.02), ylim=(0, 1.03))
    axes.legend()
    axes.grid()
    return figure
