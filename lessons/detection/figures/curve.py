import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Precision against recall, built prediction by prediction: hit, miss, hit, hit, miss, "
    "with four targets. The saw teeth at recall 0.25, 0.5 and 0.75; above them the envelope, 1 up "
    "to 0.25, then 0.75 up to 0.75, then 0. Its mean over 101 levels is 0.6287.",
    "zh": "随着预测逐个处理，画出精确率与召回率：命中、误报、命中、命中、误报，共四个目标。"
    "锯齿落在召回率 0.25、0.5、0.75 处；上方的包络到 0.25 为 1，到 0.75 为 0.75，之后为 0。"
    "在 101 个点上的平均值是 0.6287。",
}
HITS = np.array([True, False, True, True, False])
TARGETS = 4


def draw(say):
    precision = HITS.cumsum() / np.arange(1, 6)
    recall = HITS.cumsum() / TARGETS
    levels = np.linspace(0, 1, 101)
    read = [max(precision[recall >= level], default=0) for level in levels]
    figure = Figure(figsize=(7, 3.4))
    axes = figure.subplots()
    axes.plot(levels, read, ".", color="C1", markersize=4,
              label=say("read at 101 levels", "在 101 个点上读数"))  # fmt: skip
    axes.plot(recall, precision, color="C0", marker="o",
              label=say("after each prediction", "每处理一个预测"))  # fmt: skip
    beside = ((8, 6), (8, -4), (-4, -16), (8, 2), (8, -8))
    for number, place in enumerate(beside):
        mark = say("hit", "命中") if HITS[number] else say("false alarm", "误报")
        axes.annotate(f"{number + 1} {mark}", (recall[number], precision[number]), place,
                      textcoords="offset points", color="C0")  # fmt: skip
    axes.text(0.9, 0.3, f"AP = {np.mean(read):.4f}", color="C1", ha="center")
    axes.set(xlim=(-0.02, 1.03), ylim=(-0.05, 1.12), xlabel=say("recall", "召回率"))
    axes.set_ylabel(say("precision", "精确率"))
    axes.legend(loc="lower left")
    axes.grid()
    return figure
