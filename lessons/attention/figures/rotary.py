"""Rotary positions: the angle between query and key depends on their distance alone."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

ALT = {
    "en": "Left and middle: one pair of numbers of a query and of a key, as arrows in the plane, "
    "at the positions 5 and 2, then 9 and 6: both have turned further, and the angle between them "
    "is the same. Right: the dot product falls, with waves, as the distance grows.",
    "zh": "左图和中图：query 和 key 的一对数画成平面上的箭头，位置先是 5 和 2，再是 9 和 6。"
    "两个箭头都多转了一些，夹角不变。右图：点积随距离增大而起伏下降。",
}


def draw(say):
    """Arrows of one pair, and the sum over 32 pairs."""
    figure = Figure(figsize=(9, 2.9))
    row = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, (m, n) in zip(row[:2], ((5, 2), (9, 6)), strict=True):
        for position, start, colour, name in (
            (m, 0.8, "#d1495b", "query"), (n, 0.2, "#4f8fc0", "key"),
        ):  # fmt: skip
            angle = start + 0.25 * position
            tip = (np.cos(angle), np.sin(angle))
            arrow = {"arrowstyle": "->", "color": colour, "lw": 2}
            axes.annotate("", tip, (0, 0), arrowprops=arrow)
            side = "left" if tip[0] > 0.3 else "right" if tip[0] < -0.3 else "center"
            axes.text(1.1 * tip[0], 1.2 * tip[1], f"{name}, {position}", color=colour,
                      ha=side, va="center", fontsize=9)  # fmt: skip
        axes.add_patch(Circle((0, 0), 1, fill=False, color="#80808080"))
        axes.set(xlim=(-2.4, 1.9), ylim=(-1.4, 1.5), aspect="equal")
        axes.axis("off")
    distance = np.arange(200)
    rates = 10000.0 ** (-np.arange(32) / 32)
    row[2].plot(distance, np.cos(distance[:, None] * rates).sum(1), color="#4f8fc0")
    row[2].set(
        xlabel=say("distance", "距离"), title=say("dot product of equal vectors", "相同向量的点积"),
    )  # fmt: skip
    row[2].title.set_fontsize(10)
    row[2].spines[["top", "right"]].set_visible(False)
    return figure
