"""Which position answers for which token, in a causal and in a masked model."""

from matplotlib.figure import Figure

ALT = {
    "en": "Two rows of positions. Causal: an arrow from each position to the next token; the last "
    "position has no target. Masked: an arrow from [MASK] to the token of its own position.",
    "zh": "两组位置。因果模型：每个位置的箭头指向下一个词元，最后一个位置没有目标。"
    "掩码模型：[MASK] 的箭头指向同一位置的词元。",
}

WORDS = ["Mia", "lived", "on", "a", "farm"]


def _panel(axes, title, inputs, targets, arrows):
    axes.set(xlim=(-1.6, len(inputs) - 0.4), ylim=(2.6, -0.8))
    axes.axis("off")
    axes.set_title(title, fontsize=11)
    for column, word in enumerate(inputs):
        axes.text(column, 0, word, ha="center", va="center")
    for column, (word, counts) in enumerate(targets):
        axes.text(column, 2, word, ha="center", va="center", alpha=1 if counts else 0.4)
    for start, end in arrows:
        axes.annotate(
            "", (end, 1.72), (start, 0.28), arrowprops={"arrowstyle": "->", "color": "#d1495b"}
        )


def draw(say):
    figure = Figure(figsize=(9, 2.5), layout="constrained")
    causal, masked = figure.subplots(1, 2)
    _panel(
        causal,
        say("causal: position t says label t + 1", "因果：位置 t 给出第 t + 1 个标签"),
        WORDS,
        [(word, i > 0) for i, word in enumerate(WORDS)],
        [(i, i + 1) for i in range(len(WORDS) - 1)],
    )
    _panel(
        masked,
        say("masked: position t says label t", "掩码：位置 t 给出第 t 个标签"),
        ["Mia", "lived", "on", "a", "[MASK]"],
        [("−100", False)] * 4 + [("farm", True)],
        [(4, 4)],
    )
    for axes in (causal, masked):
        axes.text(-1.1, 0, say("reads", "输入"), ha="center", va="center", fontweight="bold")
        axes.text(-1.1, 2, say("labels", "标签"), ha="center", va="center", fontweight="bold")
    return figure
