import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "The trellis of CTC for the target 1 1 in four frames: five places, blank 1 blank 1 "
    "blank, by four frames, each with the probability of having come there. Arrows stay or go up "
    "by one; none jumps over the blank between the two ones. The last two places sum to 0.388.",
    "zh": "目标为 1 1、共四帧时的 CTC 网格：五个位置（blank 1 blank 1 blank）乘四帧，"
    "每格标着走到那里的概率。箭头要么停在原位，要么上移一格；"
    "两个 1 之间的 blank 没有箭头能跳过。最后两个位置之和是 0.388。",
}
P = np.array([[0.6, 0.4], [0.3, 0.7], [0.5, 0.5], [0.2, 0.8]])
PLACES = (0, 1, 0, 1, 0)


def draw(say):
    reached = np.zeros((4, 5))
    reached[0, :2] = P[0, [0, 1]]
    for t in range(1, 4):
        come = reached[t - 1] + np.concatenate([[0], reached[t - 1, :-1]])
        reached[t] = come * P[t, list(PLACES)]

    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    how = {"arrowstyle": "->", "color": "C7", "shrinkA": 17, "shrinkB": 17}
    for t, s in np.ndindex(4, 5):
        if reached[t, s] == 0:
            continue
        ends = t == 3 and s > 2
        axes.text(t, s, f"{reached[t, s]:.3f}", ha="center", va="center",
                  color="C1" if ends else "C0")  # fmt: skip
        for step in (0, 1):
            if t < 3 and s + step < 5:
                axes.annotate("", (t + 1, s + step), (t, s), arrowprops=how)
    blank = say("blank", "blank")
    axes.set_yticks(range(5), [str(k) if k else blank for k in PLACES])
    axes.set_xticks(range(4), ["1", "2", "3", "4"])
    axes.set_xlabel(say("frame", "帧"))
    axes.set(xlim=(-0.5, 3.5), ylim=(-0.6, 4.6))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
