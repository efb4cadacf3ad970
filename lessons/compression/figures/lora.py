"""LoRA while training, and merged."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, Rectangle

ALT = {
    "en": "While training, x goes through the frozen W and through A and B with a middle of width "
    "r, and both are added; merged, one matrix of the old shape remains.",
    "zh": "训练时，x 同时经过冻结的 W 和中间宽度为 r 的 A、B，两路相加；"
    "合并后只剩一个原来形状的矩阵。",
}
FROZEN, TRAINED = "C0", "C1"


def _box(axes, x, y, width, height, text, colour):
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, alpha=0.35))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center")


def _arrow(axes, start, end):
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="->", mutation_scale=12, color="C7"))


def draw(say):
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2), width_ratios=(3, 2))
    _box(left, 0, 2, 2.4, 2.4, "W\n" + say("frozen", "冻结"), FROZEN)
    _box(left, 4, 2, 2.4, 0.5, "A  (r, n)", TRAINED)
    _box(left, 4.95, 2.75, 0.5, 2.4, "B\n(m, r)", TRAINED)
    left.text(6.6, 2.25, say("random", "随机初始化"), va="center")
    left.text(5.65, 4.0, say("zero at the start", "从零开始"), va="center")
    left.text(3.2, 0.3, "x", ha="center", va="center", fontsize=13)
    left.text(3.2, 6.2, "h = W x + (α / r) B A x", ha="center", va="center", fontsize=11)
    for start, end in (((3.0, 0.5), (1.2, 1.95)), ((3.4, 0.5), (5.2, 1.95)),
                       ((1.2, 4.45), (2.8, 5.9)), ((5.2, 5.2), (3.7, 5.9))):  # fmt: skip
        _arrow(left, start, end)
    left.set(xlim=(-0.3, 8.6), ylim=(0, 6.7), title=say("training", "训练时"))
    _box(right, 1.2, 2, 2.4, 2.4, "W + (α / r) B A", FROZEN)
    right.text(2.4, 0.3, "x", ha="center", va="center", fontsize=13)
    right.text(2.4, 6.2, "h = W′ x", ha="center", va="center", fontsize=11)
    _arrow(right, (2.4, 0.5), (2.4, 1.95))
    _arrow(right, (2.4, 4.45), (2.4, 5.9))
    right.set(xlim=(-0.3, 5.2), ylim=(0, 6.7), title=say("merged", "合并后"))
    for axes in (left, right):
        axes.axis("off")
    return figure
