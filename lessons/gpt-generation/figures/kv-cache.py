import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Which positions of the text the model works on in each of 60 steps after a prompt of 6 "
    "tokens. Without a cache each step works on the whole text, a growing staircase of 2130 "
    "positions. With a cache the first step works on the prompt and every other one on the newest "
    "token only, a thin diagonal of 65; keys and values of all before it are kept.",
    "zh": "提示有 6 个词元、再生成 60 个时，每一步模型要计算哪些位置。"
    "没有缓存，每一步都要重算全文，像越来越宽的楼梯，共 2130 个位置。"
    "有缓存时，第一步计算提示，此后每步只算最新的一个词元，"
    "是一条细细的对角线，共 65 个；前面各位置的 key 和 value 都留在缓存里。",
}
PROMPT, NEW = 6, 60


def draw(say):
    figure = Figure(figsize=(7, 4.2))
    axes = figure.subplots(1, 2, sharey=True)
    step = np.arange(NEW)
    length = PROMPT + step
    without = length
    fresh = np.where(step == 0, PROMPT, 1)
    edges = np.arange(NEW + 1) + 0.5
    wide = {"edges": edges, "orientation": "horizontal", "fill": True, "linewidth": 0}
    axes[0].stairs(without, color="C1", alpha=0.55, **wide)
    axes[1].stairs(length - fresh, color="C7", alpha=0.25, **wide)
    axes[1].stairs(length, baseline=length - fresh, color="C0", **wide)
    computed, cached = say("computed", "计算"), say("in the cache", "在缓存里")
    axes[0].text(24, 46, computed, ha="center")
    axes[1].text(24, 46, cached, ha="center")
    axes[1].text(40, 24, computed, color="C0")
    titles = (say("without a cache", "没有缓存"), say("with a cache", "有缓存"))
    for place, title, work in zip(axes, titles, (without, fresh), strict=True):
        count = say(f"{work.sum()} positions", f"共 {work.sum()} 个位置")
        place.set_title(say(f"{title}: {count}", f"{title}：{count}"))
        place.set(xlim=(0, PROMPT + NEW), xlabel=say("position in the text", "文本中的位置"))
        place.axvline(PROMPT, color="black", linestyle=":", linewidth=1.2)
        place.text(PROMPT / 2, 30, say("prompt", "提示"), ha="center", va="center", rotation=90)
    axes[0].set(ylim=(NEW + 0.5, 0.5), ylabel=say("step", "步"), yticks=(1, 20, 40, 60))
    return figure
