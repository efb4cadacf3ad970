"""Four masks as grids: which query may see which key."""

import numpy as np
from matplotlib.figure import Figure

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
    figure = Figure(figsize=(9, 2.7))
    row = figure.subplots(1, 4)
    for axes, (title, seen) in zip(row, panels, strict=True):
        axes.fill([0, 8, 8, 0], [0, 0, 8, 8], color="#9aa0a6", alpha=0.2, linewidth=0)
        for number, keys in enumerate(seen):
            if keys.any():  # what a query sees lies side by side
                axes.barh(number + 0.5, keys.sum(), left=keys.argmax(), height=1, color="#4f8fc0")
        axes.hlines(range(9), 0, 8, color="#80808080", linewidth=0.5)
        axes.vlines(range(9), 0, 8, color="#80808080", linewidth=0.5)
        axes.set(title=title, xlabel="key", xticks=[], yticks=[], aspect="equal")
        axes.set(xlim=(0, 8), ylim=(8, 0))
        axes.title.set_fontsize(10)
        axes.spines[:].set_visible(False)
    row[0].set_ylabel("query")
    return figure
