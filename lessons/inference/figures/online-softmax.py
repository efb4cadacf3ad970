from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ALT = {
    "en": "Online softmax over three tiles of two scores each, (1, 2), (4, 3) and (0, 2). Below "
    "each tile stand the three numbers that are carried on: the largest score 2, 4, 4, the factor "
    "by which the sum so far shrinks, 0.135 at the second tile and 1 at the third, and the sum "
    "1.368, 1.553, 1.707. Tiles that have been used are let go.",
    "zh": "三块、每块两个分数的在线 softmax：(1, 2)、(4, 3)、(0, 2)。每块下方是要带着走的数："
    "最大分数 2、4、4；前面的和要缩小的因子，第二块时为 0.135，第三块时为 1；"
    "以及和 1.368、1.553、1.707。用过的块就放掉。",
}
TILES = ((1, 2), (4, 3), (0, 2))
CARRIED = (("2", "", "1.368"), ("4", "× 0.135", "1.553"), ("4", "× 1", "1.707"))


def draw(say):
    figure = Figure(figsize=(7, 2.9))
    axes = figure.subplots()
    for place, (scores, carried) in enumerate(zip(TILES, CARRIED, strict=True)):
        left = 3 * place
        for i, score in enumerate(scores):
            box = Rectangle((left + i, 2.1), 1, 0.9, facecolor="C0", alpha=0.35, edgecolor="C0")
            axes.add_patch(box)
            axes.text(left + i + 0.5, 2.55, str(score), ha="center", va="center", fontsize=13)
        axes.text(left + 1, 3.25, say(f"tile {place + 1}", f"第 {place + 1} 块"), ha="center")
        for row, text in zip((1.5, 0.9, 0.3), carried, strict=True):
            colour = "C1" if text.startswith("×") else "C2"
            axes.text(left + 1, row, text, ha="center", va="center", color=colour, fontsize=12)
        if place < 2:
            axes.annotate("", (left + 3.2, 0.3), (left + 1.8, 0.3),
                          arrowprops={"arrowstyle": "->", "color": "C7"})  # fmt: skip
    names = (say("largest", "最大分数"), say("shrink", "缩小因子"), say("sum", "指数之和"))
    for row, name in zip((1.5, 0.9, 0.3), names, strict=True):
        axes.text(-0.3, row, name, ha="right", va="center")
    axes.text(-0.3, 2.55, say("scores", "分数"), ha="right", va="center")
    axes.set(xlim=(-2.2, 8.4), ylim=(-0.1, 3.6))
    axes.axis("off")
    return figure
