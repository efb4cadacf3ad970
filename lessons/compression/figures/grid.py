"""Two channels of very different size, on one grid and on a grid each."""

import matplotlib.pyplot as plt
import numpy as np

ALT = {
    "en": "With one scale all values of the small channel fall on the grid point 0; with a scale "
    "of its own they spread over the whole grid.",
    "zh": "共用一个缩放系数时，小通道的数值全落在格点 0 上；各用各的缩放系数，它们就铺满整个格子。",
}
CHANNELS = np.array([[-0.28, -0.1, 0.06, 0.19, 0.3], [-3.0, -1.2, 0.5, 1.9, 2.6]])
TOP = 3  # three bits, symmetric: −3 … 3
COLOURS = "C0", "C4"


def draw(say):
    figure, both = plt.subplots(1, 2, figsize=(8.5, 2.4), sharey=True)
    titles = say("one scale, 3 bits", "共用缩放系数，3 比特"), say("one each", "各用各的")
    greatest = np.abs(CHANNELS).max(axis=1)
    for axes, title, scales in zip(
        both, titles, (greatest.max() + 0 * greatest, greatest), strict=True
    ):
        for row, (values, scale, colour) in enumerate(
            zip(CHANNELS, scales / TOP, COLOURS, strict=True)
        ):
            x, codes = values / greatest[row], np.round(values / scale)
            grid = np.arange(-TOP, TOP + 1) * scale / greatest[row]
            grid = grid[np.abs(grid) <= 1.01]
            axes.hlines(row, -1.05, 1.05, color="C7", lw=1)
            axes.scatter(grid, 0 * grid + row, marker="|", s=260, color="C7")
            for a, b in zip(x, codes * scale / greatest[row], strict=True):
                arrow = {"arrowstyle": "->", "color": colour}
                axes.annotate("", (b, row), (a, row + 0.36), arrowprops=arrow)
            axes.scatter(x, 0 * x + row + 0.36, color=colour, zorder=3)
        axes.set(title=title, xlim=(-1.15, 1.15), ylim=(-0.4, 1.8))
        axes.set_xlabel(say("value / greatest of its channel", "数值 / 本通道最大值"))
        names = say("small channel\n±0.3", "小通道\n±0.3"), say("large channel\n±3", "大通道\n±3")
        axes.set_yticks([0.15, 1.15], names)
        axes.tick_params(axis="y", length=0)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
    return figure
