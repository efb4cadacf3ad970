from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ALT = {
    "en": "Four pairs of boxes. Half a box aside: IoU 0.333. A small box within a large one: 0.36. "
    "Boxes that only touch: 0. One pixel aside in both directions: 0.62 for boxes of 8 pixels.",
    "zh": "四对框。平移半个框：IoU 0.333；大框里套小框：0.36；只挨着边：0；"
    "边长 8 像素的框在两个方向各偏一个像素：0.62。",
}


def draw(say):
    cases = (
        (say("half aside", "平移一半"), (0, 0, 10, 10), (5, 0, 15, 10)),
        (say("one within the other", "一个套一个"), (0, 0, 10, 10), (2, 2, 8, 8)),
        (say("only touching", "只挨着边"), (0, 0, 8, 8), (8, 0, 16, 8)),
        (say("one pixel off, side 8", "各偏一像素，边长 8"), (0, 0, 8, 8), (1, 1, 9, 9)),
    )
    figure = Figure(figsize=(7, 2.3))
    for axes, (name, first, second) in zip(figure.subplots(1, 4), cases, strict=True):
        low = [max(a, b) for a, b in zip(first[:2], second[:2], strict=True)]
        high = [min(a, b) for a, b in zip(first[2:], second[2:], strict=True)]
        sides = [max(0, b - a) for a, b in zip(low, high, strict=True)]
        for (x1, y1, x2, y2), colour in ((first, "C0"), (second, "C1")):
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=colour, lw=2))
        axes.add_patch(Rectangle(low, *sides, fc="C2", alpha=0.4, lw=0))
        shared = sides[0] * sides[1]
        areas = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (first, second))
        axes.text(8, 14.2, f"{shared} / {areas - shared} = {shared / (areas - shared):.3g}",
                  ha="center")  # fmt: skip
        axes.set_title(name, fontsize=9)
        axes.set(xlim=(-1, 17), ylim=(16, -1), aspect="equal")
        axes.axis("off")
    return figure
