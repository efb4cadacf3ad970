"""Probes for `token-labelling`: words that come apart, drawn tags, and a tagger that is trained."""

from itertools import chain, repeat

import numpy as np

from autograder.checks import Tolerance, check, fixture, outcome_of, that
from autograder.probes import (
    arguments_kept,
    in_forms,
    in_modes,
    in_turn,
    moved,
    state_of,
    watch,
    without_dropout,
)

from .instruments import NAMES, batch_of, note_sizes, span_share

EXACT = 1e-6  # shares
LOSS = Tolerance(absolute=1e-3, relative=1e-4)  # losses are about 35: 0.03 too much must show
LABELS = ("BACK", "WANT", "ship-to")
PLAIN = ("BACK", "WANT", "DAY", "HUE", "SIZE", "PLACE")
# benchmarks/spread/tagger.py measures it: over three seeds right answers reached 0.875 … 0.936, and
# a lookup of each word's most frequent tag 0.386 at most.
LEARNED = 0.65
SENTENCES, BATCH, EPOCHS, RATE = 320, 16, 5, 2e-3
SHORT = ("box", "tip", "hat", "lamp", "is", "what", "need", "it")  # one piece each
LONG = ("refundable", "unboxing", "suitcase", "蓝色", "退货单", "kettles", "wheelchair", "书架")
OUT = "out_of_scope"


@fixture
def tokenizer():
    """Tiny BERT's."""
    from transformers import AutoTokenizer

    from autograder.models import locate

    return AutoTokenizer.from_pretrained(locate("bert"))


@fixture
def tagger():
    """Tiny BERT with a head of its own for seven labels, in evaluation mode."""
    import torch
    from transformers import BertForTokenClassification

    from autograder.models import locate

    torch.manual_seed(5)
    return BertForTokenClassification.from_pretrained(locate("bert"), num_labels=len(NAMES)).eval()


def _sentence(rng, length):
    """Words of which every other one comes apart."""
    return [str(rng.choice(LONG if i % 2 else SHORT)) for i in range(length)]


def _drawn(rng, lengths):
    return [_sentence(rng, n) for n in lengths], [rng.integers(0, 7, n).tolist() for n in lengths]


# --- encode_batch -------------------------------------------------------------------------


@check(
    "The first piece of a word carries its label, the other pieces −100.",
    zh="词的第一个子词带标签，其余子词为 −100。",
    close=0,
)
def first_piece_carries_the_label(encode_batch, tokenizer, rng):
    same = ["kettles", "kettles", "书架", "书架"]  # neighbours alike, with pieces of their own
    sentences, labels = _drawn(rng, [7, 7])
    more = encode_batch(tokenizer, [same], [rng.permutation(4).tolist()])["labels"]
    return [encode_batch(tokenizer, sentences[:1], labels[:1])["labels"], more]


@check(
    "[CLS], [SEP] and padding have −100.",
    zh="[CLS]、[SEP] 和填充位置都是 −100。",
    close=0,
)
def what_is_no_word_is_ignored(encode_batch, tokenizer, rng):
    return encode_batch(tokenizer, *_drawn(rng, [1, 6, 3, 2]))["labels"]


@check(
    "Pieces are the tokenizer's, padded on the right, with the mask that tells padding apart, "
    "all int64.",
    zh="子词由 tokenizer 给出，右侧填充，掩码标明填充位置，都是 int64。",
    close=0,
)
def pieces_and_their_mask(encode_batch, tokenizer, rng):
    sentences, labels = _drawn(rng, [2, 7, 4])
    sentences[0][0] = "7"  # unknown: still one piece
    batch = encode_batch(tokenizer, sentences, labels)
    values = [batch[name] for name in ("input_ids", "attention_mask", "labels")]
    kinds = [str(getattr(value, "dtype", type(value).__name__)) for value in values]
    return {"input_ids": values[0], "attention_mask": values[1], "types": kinds}


@check("Long sentences stay whole.", zh="长句不截断。", close=0)
def long_sentences_stay_whole(encode_batch, tokenizer, rng):
    batch = encode_batch(tokenizer, *_drawn(rng, [5, 50]))
    return [batch["labels"][1], batch["input_ids"][1]]


# --- spans_from_tags ----------------------------------------------------------------------


def _tags(rng, length, labels=LABELS, outside=0.35, stray=False):
    """Drawn BIO tags; without `stray` every I- continues a span."""
    tags = []
    for _ in range(length):
        label, before = str(rng.choice(labels)), tags[-1] if tags else "O"
        if rng.random() < outside:
            tags.append("O")
        elif stray:
            tags.append(f"{rng.choice(['B', 'I'])}-{label}")
        elif before != "O" and rng.random() < 0.5:
            tags.append("I" + before[1:])
        else:
            tags.append(f"B-{label}")
    return tags


@check(
    "B- begins a span, I- continues it, and the end is the place after its last word.",
    zh="B- 开始一个片段，I- 延续它，结束位置在最后一个词之后。",
    close=0,
)
def b_begins_and_i_continues(spans_from_tags, rng):
    loose = ["O", *(f"{p}-{w}" for w in ("BACK", "DAY") for p in "BIII"[: rng.integers(2, 5)])]
    apart = ["B-WANT", "I-WANT", "O", *["O"] * int(rng.integers(1, 4)), "B-DAY", "O"]
    return [spans_from_tags(tags) for tags in (loose[:4], apart, ["O"] * 3, [])]


@check("A span may end with the sentence.", zh="片段可以一直到句末。", close=0)
def a_span_may_end_with_the_sentence(spans_from_tags, rng):
    return [
        spans_from_tags(["O"] * int(rng.integers(1, 4)) + ["B-WANT"] + ["I-WANT"] * k)
        for k in (0, 1, 2)
    ]


@check("Two spans side by side stay two.", zh="相邻的两个片段仍是两个。", close=0)
def neighbours_stay_apart(spans_from_tags, rng):
    label, before = rng.choice(PLAIN), ["O"] * int(rng.integers(1, 5))
    tags = [f"B-{label}", f"I-{label}", f"B-{label}", f"B-{label}", f"I-{label}", "O"]
    return [spans_from_tags(tags[int(rng.integers(0, 2)) :]), spans_from_tags(before + tags)]


@check("An I- that continues nothing begins a span.", zh="前面无可延续的 I- 开始新片段。", close=0)
def a_stray_i_begins_a_span(spans_from_tags, rng):
    label = rng.choice(PLAIN)
    return [spans_from_tags([f"I-{label}", f"I-{label}", "O", f"I-{label}", "O"]),
            spans_from_tags(["O"] * int(rng.integers(1, 4)) + [f"I-{label}"])]  # fmt: skip


@check("An I- of another label begins a span.", zh="标签不同的 I- 开始新片段。", close=0)
def another_label_begins_a_span(spans_from_tags, rng):
    one, other = rng.permutation(PLAIN)[:2]
    tags = [*["O"] * int(rng.integers(4)), f"B-{one}", f"I-{other}", f"I-{other}", f"I-{one}", "O"]
    return spans_from_tags(tags)


@check("A label may hold hyphens.", zh="标签里可以有连字符。", close=0)
def a_label_may_hold_hyphens(spans_from_tags, rng):
    labels = ["ship-to", "ship-from", "a-b-c"]
    return [spans_from_tags(_tags(rng, 9, labels, stray=True)) for _ in range(3)]


# --- span_f1 ------------------------------------------------------------------------------


def _pair(rng, lengths, changed=0.2, labels=LABELS[:2]):
    """True tags, and predicted ones of which some differ."""
    true = [_tags(rng, n, labels) for n in lengths]
    wild = [_tags(rng, n, labels, stray=True) for n in lengths]
    predicted = [
        [b if rng.random() < changed else a for a, b in zip(*two, strict=True)]
        for two in zip(true, wild, strict=True)
    ]
    return true, predicted


@check(
    "A span counts only if its label and both of its ends are right.",
    zh="标签和两端都对，片段才算对。",
    close=EXACT,
    rests_on=("spans_from_tags",),
)
def whole_spans_count(span_f1, rng):
    true = [["O", "B-BACK", "I-BACK", "I-BACK", "O", "B-WANT", "O", "B-DAY", "B-DAY", "I-DAY"]]
    cut = [["B-DAY", "B-BACK", "I-BACK", "O", "O", "B-DAY", "O", "B-DAY", "B-DAY", "O"]]
    return [span_f1(true, cut), span_f1(*_pair(rng, [40]))]


@check(
    "It counts over all spans of all sentences together.",
    zh="对全部句子的全部片段一起计数。",
    close=EXACT,
    rests_on=("spans_from_tags",),
)
def counts_over_everything(span_f1, rng):
    true, predicted = _pair(rng, [20, 3, 9, 14], labels=("BACK", "WANT", "DAY"))
    # Other labels fare otherwise, and so do other sentences, whatever was drawn.
    true += [["O", "B-BACK", "O", "B-BACK", "B-BACK"], ["B-DAY", "O"]]
    predicted += [["O", "B-BACK", "O", "B-BACK", "B-BACK"], ["O", "O"]]
    return arguments_kept(span_f1, true, predicted)


@check(
    "A span belongs to its sentence.",
    zh="片段属于它所在的句子。",
    close=EXACT,
    rests_on=("spans_from_tags",),
)
def spans_keep_to_their_sentence(span_f1, rng):
    n, found, missed, k = map(int, rng.integers(1, 6, 4))
    one, none, end = ["O"] * n + ["B-DAY"], ["O"] * (n + 1), ["O", "B-DAY"]
    return [
        span_f1([one, none], [none, one]),
        span_f1([one] * (found + missed), [one] * found + [none] * missed),
        span_f1([end] * k + [["I-DAY", "O"]], [end] * k + [["O", "O"]]),  # it goes on, they say
    ]


@check(
    "Where there is nothing to divide by, it is 0; where all is found, 1.",
    zh="分母为零时取 0；全部找对时为 1。",
    close=EXACT,
    rests_on=("spans_from_tags",),
)
def nothing_is_zero(span_f1, rng):
    none = [["O"] * int(rng.integers(1, 6))]
    some = [["B-DAY", *none[0][1:]]]
    edges = (none, none), (some, none), (none, some), ([], [])
    return [span_f1(*pair) for pair in in_turn(rng, *edges, (some, some))]


@check(
    "Lengths that differ raise ValueError, and only those.",
    zh="长度不一致时抛出 ValueError，一致时不抛。",
    close=EXACT,
    rests_on=("spans_from_tags",),
)
def lengths_must_agree(span_f1, rng):
    tags = ["B-DAY", *_tags(rng, 5)]
    unlike = [
        ([tags], [tags[:-1]]), ([tags[:-1], tags], [tags, tags[:-1]]),
        ([tags, tags], [tags]), ([tags], [tags, ["O"]]),
    ]  # fmt: skip
    return [outcome_of(span_f1, *pair) for pair in in_turn(rng, *unlike, ([tags], [tags]))]


# --- aspect_scores ------------------------------------------------------------------------


POLARITIES = ("positive", "negative", "neutral")


def _some(rng):
    return map(str, rng.choice(POLARITIES, 4))


def _aspects(rng, sentences=8):
    """True and predicted aspects: some missed, some cut short, some of another polarity."""
    pair = ([], [])
    for _ in range(sentences):
        starts = np.cumsum(rng.integers(3, 6, rng.integers(1, 5)))
        true = [(int(s), int(s) + 2, p) for s, p in zip(starts, _some(rng), strict=False)]
        seen = [
            (s, e - int(rng.random() < 0.2), p if rng.random() < 0.6 else other)
            for (s, e, p), other in zip(true, _some(rng), strict=False) if rng.random() < 0.8
        ]  # fmt: skip
        seen += [(0, 1, "neutral")] if rng.random() < 0.3 else []
        pair[0].append(true)
        pair[1].append([seen[i] for i in rng.permutation(len(seen))])
    return pair


def _only(name, rng, call, count=6):
    return [call(*_aspects(rng))[name] for _ in range(count)]


@check("Finding a term does not ask for its polarity.", zh="抽取只看词，不看情感。", close=EXACT)
def extraction_ignores_polarity(aspect_scores, rng):
    return _only("extraction_f1", rng, aspect_scores)


@check(
    "Polarity is judged on the terms that were found, one by one.",
    zh="情感只在找到的词上判，逐个判。",
    close=EXACT,
)
def polarity_of_terms_found(aspect_scores, rng):
    return _only("polarity_accuracy", rng, aspect_scores)


@check("The joint F1 asks for both.", zh="联合 F1 要求两者都对。", close=EXACT)
def joint_asks_for_both(aspect_scores, rng):
    return _only("joint_f1", rng, aspect_scores)


@check(
    "Nothing found: both F1 are 0 and the accuracy of polarity is nan; all found: each is 1.",
    zh="什么都没找到：两个 F1 为 0，情感准确率为 nan；全部找对：三者都是 1。",
    close=EXACT,
)
def nothing_found(aspect_scores, rng):
    true, _ = _aspects(rng, 3)
    missed = [true[1], [(90, 91, "neutral")]]
    return {
        "nothing, or all": [
            aspect_scores(*pair)
            for pair in in_turn(rng, (true, [[], [], []]), ([[]], [[]]), (true, true))
        ],
        "numbers": aspect_scores(true[:2], missed)["joint_f1"] >= 0,
    }


# --- score_intents ------------------------------------------------------------------------

INTENTS = ("return", "track", "cancel")


def _messages(rng, count=24, intents=INTENTS):
    """Who meant what, and probabilities in sixteenths, some rows with a tie at the top."""
    rows = rng.multinomial(16, rng.dirichlet(np.full(len(intents), 0.8), count)) / 16
    true = [str(rng.choice([*INTENTS, OUT])) for _ in range(count)]
    return true, rows


def _predicted(score_intents, *arguments):
    return list(score_intents(*arguments)["predicted"])


@check(
    "Below the threshold it is out of scope; at it, not.",
    zh="低于阈值才算范围外，等于阈值不算。",
    close=0,
)
def below_the_threshold_is_out(score_intents, rng):
    true, rows = _messages(rng)
    clear = [row.tolist() for row in rows if np.sort(row)[-1] > np.sort(row)[-2]]
    clear[0] = [0.0, 1.0, 0.0]
    true = true[: len(clear)]
    edges = sorted({max(row) for row in clear})
    edge = edges[int(rng.integers(1, len(edges)))]
    return [_predicted(score_intents, true, clear, INTENTS, t) for t in (edge, 0.0, 1.5)]


@check("The first of equals is taken.", zh="并列时取第一个。", close=0)
def first_of_equals(score_intents, rng):
    rows = [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]
    return _predicted(score_intents, ["track"] * 9, in_turn(rng, *rows), INTENTS, 0.25)


@check(
    "An extra class out_of_scope is as good as a probability below the threshold.",
    zh="类别里有 out_of_scope 时，判给它与低于阈值同样算范围外。",
    close=EXACT,
)
def extra_class_counts(score_intents, rng):
    intents = ["return", OUT, "track"]
    true, rows = _messages(rng, intents=intents)
    rows[:4] = np.eye(3)[[1, 1, 0, 2]]
    rows[4] = [0.375, 0.5, 0.125]
    return [score_intents(true, rows, intents, t) for t in (0.25, 0.5)]


@check(
    "In-scope accuracy is over the messages in scope, those turned away included.",
    zh="范围内准确率对全部范围内消息计算，被拒的也算。",
    close=EXACT,
)
def accuracy_over_those_in_scope(score_intents, rng):
    true, rows = _messages(rng)
    true[:2], rows[:2] = ["return", "track"], [[0.5, 0.25, 0.25], [0, 1, 0]]  # one turned away
    return [score_intents(true, rows, INTENTS, t)["in_scope_accuracy"] for t in (0.55, 0.7)]


@check(
    "Out of scope has a recall and a precision.",
    zh="范围外有召回率，也有精确率。",
    close=EXACT,
)
def recall_and_precision_out_of_scope(score_intents, rng):
    true, rows = _messages(rng)
    scores = [score_intents(true, rows, INTENTS, t) for t in (0.6, 0.8)]
    return [[s["out_of_scope_recall"], s["out_of_scope_precision"]] for s in scores]


@check("Where nothing is to be counted, it is nan.", zh="没有可数的，取 nan。", close=EXACT)
def nothing_to_count_is_nan(score_intents, rng):
    rows = np.eye(3)[rng.integers(0, 3, int(rng.integers(7, 16)))]
    known = score_intents([*map(str, rng.choice(INTENTS, len(rows)))], rows, INTENTS, 0.5)
    lost = score_intents([OUT] * len(rows), rows, INTENTS, 0.5)
    names = ("in_scope_accuracy", "out_of_scope_recall", "out_of_scope_precision")
    return [[scores[name] for name in names] for scores in (known, lost)]


@check("Lists, arrays and tensors score alike.", zh="列表、数组、张量结果一样。", close=EXACT)
def any_form_of_probabilities(score_intents, rng):
    true, rows = _messages(rng, 9)
    return in_forms(lambda p: score_intents(true, p, INTENTS, 0.5), rows)


# --- predict_tags -------------------------------------------------------------------------


@fixture
def reader():
    """A network that says of each piece the remainder of its number by seven."""
    import torch
    from transformers.modeling_outputs import TokenClassifierOutput

    class Reader(torch.nn.Module):
        device = torch.device("cpu")

        def forward(self, input_ids, attention_mask=None, token_type_ids=None):
            logits = torch.nn.functional.one_hot(input_ids % 7, 7).float()
            return TokenClassifierOutput(logits=logits)

    return Reader().eval()


@check("Each word has the tag of its first piece.", zh="每个词取第一个子词的标签。", close=0)
def the_first_piece_speaks(predict_tags, reader, tokenizer, rng):
    sentences, _ = _drawn(rng, [1, 8, 5])
    names = [*map(str, rng.permutation(NAMES))]
    return [list(map(str, tags)) for tags in predict_tags(reader, tokenizer, sentences, names)]


@check("Longer company changes nothing.", zh="同批有更长的句子也不影响结果。", close=0)
def company_changes_nothing(predict_tags, tagger, tokenizer, rng):
    sentences, _ = _drawn(rng, [4, 4, 4, 4, 4, 40])
    return predict_tags(_peaked(tagger), tokenizer, sentences, list(NAMES))[:5]


def _peaked(model):
    """The same with a larger head, so that rounding decides nothing."""
    import torch

    with torch.no_grad():
        model.classifier.weight.mul_(20)
    return model


@check(
    "It predicts in evaluation mode, and the mode goes back to what it was.",
    zh="预测用评估模式，之后还原模式。",
    close=0,
)
def modes_are_kept(predict_tags, tagger, tokenizer, rng):
    sentences, _ = _drawn(rng, [9, 6])
    model = _peaked(tagger)
    calls = watch(model, rows=lambda _: 0)
    found = in_modes(model, lambda: predict_tags(model, tokenizer, sentences, list(NAMES)))
    return {"found": found, "modes asked in": sorted({call["training"] for call in calls})}


@check("It keeps no gradients.", zh="不记录梯度。", close=0)
def keeps_no_gradients(predict_tags, tagger, tokenizer, rng):
    calls = watch(tagger, rows=lambda _: 0)
    tags = predict_tags(tagger, tokenizer, _drawn(rng, rng.integers(1, 7, 4))[0], list(NAMES))
    return {"gradients": any(call["grad"] for call in calls), "words": [len(t) for t in tags]}


# --- train_tagger -------------------------------------------------------------------------


def _swaps(split, count, rng):
    from autograder.data.service import swaps

    return swaps(split, count, int(rng.integers(1 << 30)))


@fixture
def few(tokenizer, rng):
    """Three batches of sizes that are far apart, in any order."""
    sizes = rng.permutation([1, rng.integers(2, 6), rng.integers(7, 12)])
    parts = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    pairs = _swaps("train", sizes.sum(), rng)
    return [batch_of(tokenizer, [pairs[i] for i in part]) for part in parts]


@that(
    f"losses that fall, and a span F1 of at least {LEARNED} on items never seen",
    zh=f"损失下降，且在没见过的商品上片段 F1 不低于 {LEARNED}",
)
def _has_learned(seen):
    first, *_, last = seen["losses"]
    return last < first and seen["span F1"] >= LEARNED


@check(
    "It learns: spans of items that it has never seen are found.",
    zh="真的学会了：没见过的商品也能标出来。",
    expect=_has_learned,
    weight=2,
    costly=True,
)
def learns_what_holds(train_tagger, tagger, tokenizer, rng):
    import torch

    pairs, unseen = _swaps("train", SENTENCES, rng), _swaps("test", 150, rng)
    torch.manual_seed(int(rng.integers(1 << 30)))
    batches = [batch_of(tokenizer, pairs[i : i + BATCH]) for i in range(0, SENTENCES, BATCH)]
    losses = train_tagger(tagger, batches, EPOCHS, RATE)
    batch = batch_of(tokenizer, unseen)
    labels = batch.pop("labels")
    with torch.no_grad():
        best = tagger.eval()(**batch).logits.argmax(dim=-1)
    tags = [[NAMES[k] for k in row[mask]] for row, mask in zip(best, labels >= 0, strict=True)]
    return {"losses": list(losses), "span F1": span_share([t for _, t in unseen], tags)}


@check(
    "Returned is the mean loss of the batches for each epoch.",
    zh="返回每轮各批次损失的平均值。",
    close=LOSS,
)
def a_loss_for_each_epoch(train_tagger, tagger, few):
    model, scale = without_dropout(_peaked(tagger)), chain([1.0] * len(few), repeat(1.5))
    alone = min(few, key=lambda batch: len(batch["labels"]))  # its loss is far above the others'
    least, labelled = model(**alone).logits.argmin(dim=-1), alone["labels"] >= 0
    alone["labels"][labelled] = least[labelled]
    # Nothing is learnt at such a rate, so another model is lent to the second epoch.
    model.classifier.register_forward_hook(lambda _, __, logits: logits * next(scale))
    return list(train_tagger(model, few, 2, 1e-9))


@check(
    "Each epoch goes once over every batch, in training mode; afterwards the mode is evaluation.",
    zh="每轮每个批次恰好一次，处于训练模式；结束后是评估模式。",
    close=0,
)
def every_batch_in_training_mode(train_tagger, tagger, few, rng):
    from torch.optim.optimizer import register_optimizer_step_post_hook

    calls, seen = watch(tagger, rows=lambda _: 0), []
    note_sizes(tagger, seen)
    steps = []
    handle = register_optimizer_step_post_hook(lambda *_: steps.append(1))
    try:
        train_tagger(tagger, few, int(rng.integers(2, 5)), 1e-4)
    finally:
        handle.remove()
    modes = {call["training"] for call in calls}
    epochs = [sorted(seen[i : i + 3]) for i in range(0, len(seen), 3)]
    return {
        "sizes": epochs,
        "training": modes == {True},
        "steps": len(steps),
        "modes after": tagger.training,
    }


@check(
    "Each step goes by the gradient of its own batch, and of no batch before it.",
    zh="每一步只按当前这一批的梯度走，不混入之前批次的梯度。",
    close=1e-3,
)
def steps_follow_their_batch(train_tagger, tagger, few, rng):
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    model, sizes, seen = without_dropout(tagger), [], {"batches": [], "likeness": []}
    weight, by_size = model.classifier.weight, {len(batch["labels"]): batch for batch in few}
    noting = note_sizes(model, sizes)

    def note(*_):
        seen["batches"] = sorted([*seen["batches"], sizes[-1]])
        with torch.enable_grad():
            (own,) = torch.autograd.grad(model(**by_size[sizes[-1]]).loss, weight)
        taken = torch.zeros_like(own) if weight.grad is None else weight.grad
        likeness = torch.cosine_similarity(own.flatten(), taken.flatten(), dim=0)
        seen["likeness"].append(round(likeness.item(), 6))

    handle = register_optimizer_step_pre_hook(note)
    try:
        train_tagger(model, few, int(rng.integers(2, 4)), 1e-4)
    finally:
        handle.remove()
        noting.remove()
    return seen


@check("All layers learn, not the head alone.", zh="所有层都在学，不只是头。", close=0)
def every_layer_learns(train_tagger, tagger, few):
    before = state_of(tagger)
    train_tagger(tagger, few, 1, 1e-3)
    parts = [name.removeprefix("bert.").split(".") for name in moved(tagger, before)]
    return sorted({".".join(part[: 3 if part[0] == "encoder" else 1]) for part in parts})
