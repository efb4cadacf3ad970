"""One sentence, and what two rounds of BERT's corruption make of it."""

from matplotlib.figure import Figure

ALT = {
    "en": "A grid. First row: the sentence. Then two rounds of corruption, each with its labels "
    "below: chosen tokens become [MASK], a random token, or stay, and only they have labels.",
    "zh": "网格图。第一行是原句，下面是两轮破坏，每轮下方是标签：选中的词元变成 [MASK]、"
    "随机词元或保持不变，只有它们有标签。",
}

WORDS = ["the", "room", "was", "clean", "and", "the", "staff", "were", "friendly", "."]
SENTENCE = ["[CLS]", *WORDS, "[SEP]"]
ROUNDS = [
    {2: ("[MASK]", "mask"), 4: ("journey", "random")},
    {7: ("[MASK]", "mask"), 9: ("friendly", "kept")},
]
COLOURS = {"mask": "#6fa8dc", "random": "#e08a8a", "kept": "#7fbf7f"}


def draw(say):
    figure = Figure(figsize=(9, 3.1), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-2.0, len(SENTENCE) - 0.5), ylim=(6.1, -0.6))
    axes.axis("off")
    rows = [(say("text", "原文"), SENTENCE, {})]
    for number, chosen in enumerate(ROUNDS, start=1):
        words = [chosen.get(i, (word,))[0] for i, word in enumerate(SENTENCE)]
        labels = [word if i in chosen else "−100" for i, word in enumerate(SENTENCE)]
        rows += [(say(f"input {number}", f"输入 {number}"), words, chosen)]
        rows += [(say("labels", "标签"), labels, {})]
    for row, (name, words, chosen) in enumerate(rows):
        axes.text(-1.2, row, name, ha="center", va="center", fontweight="bold")
        for column, word in enumerate(words):
            box = None
            if column in chosen:
                box = {"facecolor": COLOURS[chosen[column][1]], "edgecolor": "none", "pad": 3}
            faint = 0.45 if word == "−100" else 1
            axes.text(column, row, word, ha="center", va="center", bbox=box, alpha=faint)
    names = {
        "mask": say("80 %: [MASK]", "80%：换成 [MASK]"),
        "random": say("10 %: a random token", "10%：随机词元"),
        "kept": say("10 %: stays, and is asked for all the same", "10%：不变，但照样要预测"),
    }
    for place, (kind, name) in zip((0.0, 3.0, 6.6), names.items(), strict=True):
        box = {"facecolor": COLOURS[kind], "edgecolor": "none", "pad": 3}
        axes.text(place, 5.6, name, va="center", bbox=box)
    return figure
