"""Which piece carries a word's label, in English and in Chinese."""

from matplotlib.figure import Figure

from autograder.models import locate

ALT = {
    "en": "Two sentences in three rows: words, the pieces the tokenizer makes of them, labels. "
    "Each word's label stands under its first piece; its other pieces, [CLS] and [SEP] have −100.",
    "zh": "两句话各分三行：词、tokenizer 切出的子词、标签。每个词的标签写在它的第一个子词下面，"
    "其余子词以及 [CLS]、[SEP] 都是 −100。",
}

SENTENCES = (
    (["swap", "the", "old", "kettles"], ["O", "O", "B-BACK", "I-BACK"]),
    (["退", "旧", "水壶"], ["O", "B-BACK", "I-BACK"]),
)


def _panel(axes, tokenizer, words, tags, say):
    row = tokenizer(words, is_split_into_words=True)
    places, pieces = row.word_ids(), row.tokens()
    axes.set(xlim=(-1.2, 7.6), ylim=(2.6, -0.5))
    axes.axis("off")
    for word in range(len(words)):
        columns = [i for i, place in enumerate(places) if place == word]
        middle = sum(columns) / len(columns)
        axes.text(middle, 0, words[word], ha="center", va="center", fontweight="bold")
        for column in columns:
            axes.plot([middle, column], [0.25, 0.75], color="C7", linewidth=1)
    for column, (piece, place) in enumerate(zip(pieces, places, strict=True)):
        first = place is not None and place not in places[:column]
        axes.text(column, 1, piece, ha="center", va="center")
        axes.text(
            column, 2, tags[place] if first else "−100", ha="center", va="center",
            color="C0" if first else "C7",
        )  # fmt: skip
    for height, name in enumerate(
        (say("words", "词"), say("pieces", "子词"), say("labels", "标签"))
    ):
        axes.text(-0.75, height, name, ha="right", va="center", fontsize=9)


def draw(say):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(locate("bert"))
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    for axes, (words, tags) in zip(figure.subplots(2, 1), SENTENCES, strict=True):
        _panel(axes, tokenizer, words, tags, say)
    return figure
