import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Two prompts of five and three tokens in one batch, each cell with its position. Padded "
    "on the right, the short prompt is continued after two cells of padding, away from its last "
    "token. Padded on the left, both prompts end in the same column, the new tokens follow them at "
    "once, and the positions of the short one start from 0 after the padding.",
    "zh": "长度为五和三的两个提示放进同一个批次，格子里是位置编号。"
    "右填充时，短提示的新词元 接在两格填充之后，与它的最后一个词元 隔开了。"
    "左填充时，两个提示在同一列结束，新词元 紧接其后，"
    "短提示的位置在填充之后从 0 数起。",
}
LENGTHS = (5, 3)


def draw(say):
    longest = max(LENGTHS)
    right = np.array([[1] * n + [0] * (longest - n) for n in LENGTHS])
    figure = Figure(figsize=(7, 3.3))
    upper, lower = figure.subplots(2, 1)
    title = say("Padding on the right: the short prompt is continued after the padding",
                "右填充：短提示的新词元 接在填充后面")  # fmt: skip
    batch(upper, right, title, say)
    title = say("Padding on the left: every prompt is continued where it ends",
                "左填充：每个提示都从自己的结尾继续")  # fmt: skip
    batch(lower, right[:, ::-1], title, say)
    return figure


def batch(axes, mask, title, say):
    # The new token is real, so it extends the mask; its place is the running sum of the mask.
    mask = np.concatenate([mask, np.ones((len(mask), 1), int)], axis=1)
    positions = np.clip(mask.cumsum(axis=1) - 1, 0, None)
    rows, columns = mask.shape
    for row in range(rows):
        for column in range(columns):
            new, real = column == columns - 1, mask[row, column]
            apart = new and not mask[row, column - 1]
            colour = "C4" if apart else "C2" if new else "C0" if real else "C7"
            axes.fill([column, column + 0.94, column + 0.94, column],
                      [row, row, row + 0.88, row + 0.88], color=colour,
                      alpha=0.35 if real else 0.12, linewidth=0)  # fmt: skip
            text = str(positions[row, column]) if real else say("pad", "填充")
            axes.text(column + 0.47, row + 0.44, text, ha="center", va="center_baseline",
                      color="black" if real else "C7")  # fmt: skip
        length = mask[row].sum() - 1
        axes.text(-0.15, row + 0.44, say(f"{length} tokens", f"{length} 个词元"), ha="right",
                  va="center_baseline")  # fmt: skip
        if apart:
            axes.text(columns + 0.1, row + 0.44, say("detached", "与上文断开"), color="C4",
                      va="center_baseline")  # fmt: skip
    new = say("new", "新词元")
    axes.text(columns - 0.53, rows + 0.05, new, ha="center", va="top", color="C2")
    axes.set_title(title)
    axes.set(xlim=(-1.5, columns + 1.3), ylim=(rows + 0.45, -0.1))
    axes.axis("off")
