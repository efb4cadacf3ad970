"""Four masks as grids: which query may see which key."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

ALT = {
    "en": "Four grids of 8 queries by 8 keys. Padding hides two columns; the causal mask hides all "
    "above the diagonal; the window leaves a band of three; with padding on the left as well, two "
    "rows see nothing.",
    "zh": "四个 8×8 的网格，行是 query，列是 key。填充遮住两列；因果掩码遮住对角线以上；"
    "滑动窗口只留下宽度为 3 的一条带；与左侧填充合在一起时，有两行什么也看不到。",
}


def draw(say):
    """Blue cells may be seen, grey ones are hidden."""
    query, key = np.indices((8, 8))
    causal, window = key <= query, key > query - 3
    panels = [
        (say("padding on the right", "右侧填充"), key < 6),
        (say("causal", "因果"), causal),
        (say("causal, window of 3", "因果 + 窗口 3"), causal & window),
        (say("with padding on the left", "再加左侧填充"), causal & window & (key >= 2)),
    ]
    figure, row = plt.subplots(1, 4, figsize=(9, 2.7))
    for axes, (title, seen) in zip(row, panels, strict=True):
        axes.pcolormesh(
            seen[::-1], cmap=ListedColormap(["#9aa0a633", "#4f8fc0"]), vmin=0, vmax=1,
            edgecolors="#80808055", linewidth=0.5,
        )  # fmt: skip
        axes.set(title=title, xticks=[], yticks=[], aspect="equal", xlabel="key")
        axes.title.set_fontsize(10)
        axes.spines[:].set_visible(False)
    row[0].set_ylabel("query")
    figure.tight_layout()
    return figure
