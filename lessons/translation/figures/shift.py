"""What the decoder reads and what it is asked for, place by place."""

from matplotlib.figure import Figure

ALT = {
    "en": "Three rows of tokens. The decoder reads zh, two, hundred, end; it is asked for two, "
    "hundred, end, zh. The language code, last of the labels, moves to the front; all others move "
    "one place to the right. In the padded row the last real label moves, not the padding.",
    "zh": "三行词元。解码器读到「zh、二、百、结束」，要写的是「二、百、结束、zh」。"
    "标签末尾的语言代码移到最前，其余右移一位。有填充的行，移到最前的是最后一个真实标签，而不是填充。",
}
PADDED = ["二", "百", "</s>", "zh", "−100", "−100"]
READ = ["zh", "二", "百", "</s>", "zh", "pad"]


def draw(say):
    """Arrows go from a label to the place where it is read."""
    figure = Figure(figsize=(7.5, 2.9))
    axes = figure.subplots()
    shown = {"二": say("two", "二"), "百": say("hundred", "百")}
    for place, (label, read) in enumerate(zip(PADDED, READ, strict=True)):
        hole = label == "−100"
        axes.text(place, 1, shown.get(label, label), ha="center", va="center", fontsize=12,
                  color="C7" if hole else "black")  # fmt: skip
        axes.text(place, 0, shown.get(read, read), ha="center", va="center", fontsize=12,
                  color="C7" if hole else "C1" if place == 0 else "black")  # fmt: skip
        if place < 4:
            axes.annotate("", (place + 0.95, 0.15), (place + 0.05, 0.85),
                          arrowprops={"arrowstyle": "->", "color": "C0"})  # fmt: skip
    axes.annotate("", (0.1, 0.15), (2.9, 0.85), arrowprops={
        "arrowstyle": "->", "color": "C1", "connectionstyle": "arc3,rad=-0.15"})  # fmt: skip
    axes.text(-0.6, 1, say("labels", "标签"), ha="right", va="center")
    axes.text(-0.6, 0, say("decoder reads", "解码器输入"), ha="right", va="center")
    axes.text(4.5, 1.35, say("no loss here", "此处不计损失"), ha="center", color="C7")
    axes.set(xlim=(-2.2, 5.6), ylim=(-0.4, 1.6))
    axes.set_axis_off()
    return figure
