"""How few spans are left when a few tokens go wrong."""

import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Span F1 against the share of tokens that are right. As ever more tags are drawn at "
    "random, span F1 falls much faster. All O has 0.65 of the tokens right and a span "
    "F1 of 0; a lookup of each word's most frequent tag has 0.84 and 0.36.",
    "zh": "横轴是判对的词的比例，纵轴是片段 F1。随机改动的标签越多，片段 F1 比它下降得"
    "快得多。全判 O 时词的正确率为 0.65，片段 F1 为 0；查表取每个词"
    "最常见的标签，分别为 0.84 和 0.36。",
}


def _lookup(train, test):
    often = {}
    for words, tags in train:
        for word, tag in zip(words, tags, strict=True):
            often.setdefault(word, []).append(tag)
    best = {word: max(dict.fromkeys(tags), key=tags.count) for word, tags in often.items()}
    return [[best.get(word, "O") for word in words] for words, _ in test]


def draw(say):
    from seqeval.metrics import accuracy_score, f1_score

    from autograder.data.service import swaps

    test, rng = swaps("test", 150), np.random.default_rng(0)
    truth = [tags for _, tags in test]
    names = sorted({tag for tags in truth for tag in tags})
    points = []
    for changed in np.linspace(0, 0.5, 21):
        guess = [
            [str(rng.choice(names)) if rng.random() < changed else tag for tag in tags]
            for tags in truth
        ]
        points.append((accuracy_score(truth, guess), f1_score(truth, guess)))
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        *zip(*points, strict=True),
        "o-",
        markersize=4,
        label=say("tags changed at random", "随机改动标签"),
    )
    for label, guess, colour in (
        (say("lookup", "查表"), _lookup(swaps("train", 320), test), "C1"),
        (say("all O", "全判 O"), [["O"] * len(tags) for tags in truth], "C2"),
    ):
        place = accuracy_score(truth, guess), f1_score(truth, guess, zero_division=0)
        axes.plot(*place, "s", color=colour, markersize=8)
        axes.annotate(label, place, (9, -4), ha="left", textcoords="offset points", color=colour)
    axes.plot([0.5, 1], [0.5, 1], "--", color="C7", linewidth=1)
    axes.set(xlabel=say("share of tokens right", "词的正确率"), ylabel=say("span F1", "片段 F1"))
    axes.set(xlim=(0.5, 1.02), ylim=(-0.04, 1.04))
    axes.grid()
    axes.legend(loc="upper left")
    return figure
