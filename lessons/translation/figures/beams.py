"""Greedy search and two beams on a constructed distribution."""

from matplotlib.figure import Figure

ALT = {
    "en": "A tree of probabilities. The likelier first token, 0.5, ends best at 0.170 in all; the "
    "other, 0.4, goes on with 0.9 and 0.9 and ends at 0.324. Greedy search takes the first and "
    "never comes back; two beams keep both.",
    "zh": "一棵概率树。第一步概率较大的词元是 0.5，最好只能得到总概率 0.170；另一个是 0.4，"
    "后面接 0.9、0.9，总概率 0.324。贪心选了前者，再也回不来；束宽为 2 时两条都保留。",
}


def draw(say):
    """The two paths, with what each step costs."""
    figure = Figure(figsize=(7, 2.9))
    axes = figure.subplots()
    paths = [
        (say("greedy", "贪心"), "C1", [(0, 0), (1, 0.8), (2, 1.1)], (0.5, 0.34)),
        (say("two beams", "束宽 2"), "C0", [(0, 0), (1, -0.6), (2, -0.7), (3, -0.8)],
         (0.4, 0.9, 0.9)),
    ]  # fmt: skip
    for name, colour, points, chances in paths:
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, "o-", color=colour)
        total = 1.0
        for (x, y), (u, v), chance in zip(points, points[1:], chances, strict=False):
            axes.text((x + u) / 2, (y + v) / 2 + 0.12, f"{chance:g}", color=colour, ha="center")
            total *= chance
        axes.text(xs[-1] + 0.1, ys[-1], f"{name}: {total:.3f}", color=colour, va="center")
    axes.text(-0.1, 0, "zh", ha="right", va="center")
    axes.set(xlim=(-0.5, 4.3), ylim=(-1.3, 1.6))
    axes.set_axis_off()
    return figure
