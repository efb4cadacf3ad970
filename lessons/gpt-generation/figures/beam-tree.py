from matplotlib.figure import Figure

ALT = {
    "en": 'Two steps of a search as a tree. First words: "the" 0.5, "a" 0.4, "verb" 0.1. Greedy '
    'follows "the", whose best continuation has 0.3, together 0.15. Two beams keep "the" and "a", '
    'and the best continuation of "a", 0.9, makes 0.36. "verb" is dropped before it is continued.',
    "zh": "两步搜索画成的树。第一个词：the 0.5，a 0.4，verb 0.1。贪心沿 the 走，最好的后续是 0.3，"
    "合起来 0.15。两束把 the 和 a 都留下，a 的最好后续是 0.9，合起来 0.36。"
    "verb 还没展开就被淘汰。",
}
FIRST = {"the": 0.5, "a": 0.4, "verb": 0.1}
SECOND = {"the": 0.3, "a": 0.9, "verb": 0.2}  # the best that may follow
WIDTH = 2


def draw(say):
    figure = Figure(figsize=(7, 3.4))
    axes = figure.subplots()
    kept = sorted(FIRST, key=FIRST.get, reverse=True)[:WIDTH]
    greedy = max(FIRST, key=FIRST.get)
    best = max(kept, key=lambda word: FIRST[word] * SECOND[word])
    node(axes, 0, 1, say("start", "开头"), "black")
    for height, word in zip((2, 1, 0), FIRST, strict=True):
        colour = {greedy: "C1", best: "C0"}.get(word, "C7")
        edge(axes, (0, 1), (1, height), FIRST[word], colour, word in kept)
        node(axes, 1, height, word, colour)
        if word not in kept:
            dropped = say("not among the 2 best: dropped", "不在最好的 2 个之内：淘汰")
            axes.text(1.14, height, dropped, color=colour, va="center")
            continue
        edge(axes, (1, height), (2, height), SECOND[word], colour, True)
        node(axes, 2, height, f"{word} …", colour)
        text = f"{FIRST[word]} × {SECOND[word]} = {FIRST[word] * SECOND[word]:.2f}"
        axes.text(2.2, height + 0.04, text, color=colour, va="bottom", fontsize=11)
        said = {
            greedy: say("greedy gets this", "贪心得到这个"),
            best: say("two beams find this", "两束能找到它"),
        }
        axes.text(2.2, height - 0.06, said[word], color=colour, va="top")
    axes.text(1, 2.55, say("1st word", "第 1 个词"), ha="center", color="C7")
    axes.text(2, 2.55, say("2nd word, the best", "第 2 个词，只画最好的"), ha="center", color="C7")
    axes.set(xlim=(-0.25, 3.05), ylim=(-0.4, 2.7))
    axes.axis("off")
    return figure


def node(axes, x, y, text, colour):
    axes.plot(x, y, "o", color=colour, markersize=10, zorder=3)
    axes.annotate(text, (x, y), (0, 10), ha="center", color=colour, textcoords="offset points")


def edge(axes, start, end, chance, colour, kept):
    (x0, y0), (x1, y1) = start, end
    style = "-" if kept else ":"
    axes.plot([x0, x1], [y0, y1], style, color=colour, linewidth=1 + 6 * chance, alpha=0.7)
    share = 0.55
    axes.annotate(str(chance), (x0 + share * (x1 - x0), y0 + share * (y1 - y0)),
                  (0, -15 if y1 <= y0 else 9), ha="center", color=colour,
                  textcoords="offset points")  # fmt: skip
