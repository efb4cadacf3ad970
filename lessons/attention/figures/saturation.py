"""What the square root is for: scores grow with d, and the softmax stops moving."""

import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Left: the largest of 64 weights, against d from 4 to 1024. Without the root it climbs "
    "from 0.3 to 0.95, with it it stays near 0.1. Right: the slope of the softmax falls towards "
    "0 without the root and stays near 1 with it.",
    "zh": "左图：64 个权重中的最大值随 d（4 到 1024）的变化。不除根号 d，从约 0.3 升到约 0.95；"
    "除了就一直在 0.1 附近。右图：softmax 的斜率，不除根号 d 时趋近 0，除了就保持在 1 附近。",
}


def draw(say):
    """The mean over 500 random queries, 64 keys each."""
    rng, sizes = np.random.default_rng(0), [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    lines = {False: ([], []), True: ([], [])}
    for d in sizes:
        scores = np.einsum("nd,nkd->nk", rng.normal(size=(500, d)), rng.normal(size=(500, 64, d)))
        for scaled, (largest, slope) in lines.items():
            s = scores / np.sqrt(d) if scaled else scores
            powers = np.exp(s - s.max(1, keepdims=True))
            p = powers / powers.sum(1, keepdims=True)
            largest.append(p.max(1).mean())
            slope.append((p * (1 - p)).sum(1).mean())
    figure = Figure(figsize=(8, 2.9))
    row = figure.subplots(1, 2)
    names = {False: say("without √d", "不除 √d"),
             True: say("with √d", "除以 √d")}  # fmt: skip
    titles = say("largest weight", "最大的权重"), say("slope of the softmax", "softmax 的斜率")
    for place, (axes, title) in enumerate(zip(row, titles, strict=True)):
        for scaled, colour in ((False, "#d1495b"), (True, "#4f8fc0")):
            axes.semilogx(sizes, lines[scaled][place], marker="o", markersize=4, color=colour,
                          label=names[scaled])  # fmt: skip
        axes.set(title=title, xlabel="d", ylim=(0, 1.05))
        axes.spines[["top", "right"]].set_visible(False)
    row[0].legend(frameon=False)
    return figure
