"""Known-wrong answers for `token-labelling`, each one misconception; the documents' own first."""

import math

import numpy as np
import torch

from autograder.checks import wrong

OUT, PARTS = "out_of_scope", ("ship", "to", "from", "a", "b", "c")

# --- encode_batch --------------------------------------------------------------------------


def _first(words):
    """Places of a row, each with the number of the word whose label it has."""
    return [(i, k) for i, k in _every(words) if k not in words[:i]]


def _last(words):
    return [(i, k) for i, k in _every(words) if k not in words[i + 1 :]]


def _every(words):
    return [(i, k) for i, k in enumerate(words) if k is not None]


def _in_a_row(words):
    return [(k + 1, k) for k in range(len({*words}) - 1)]


def _encoded(tokenizer, sentences, labels, which=_first, outside=-100, **options):
    """The right one, but for which places have a label, and what is on those of no word."""
    options = {"is_split_into_words": True, "padding": True, "return_tensors": "pt"} | options
    batch = tokenizer(sentences, **options)
    batch["labels"] = torch.full_like(batch["input_ids"], -100)
    for row, numbers in enumerate(labels):
        words = batch.word_ids(row)
        batch["labels"][row, [k is None for k in words]] = outside
        for place, k in which(words):
            batch["labels"][row, place] = numbers[k]
    return batch


@wrong(
    "encode_batch",
    "Lays the labels onto the pieces one after another, as if each word were one piece.",
    zh="把标签一个接一个地放在子词上，好像每个词都是一个子词。",
    caught_by="first_piece_carries_the_label",
    step="Ask the tokenizer which word a piece belongs to: word_ids().",
    step_zh="用 word_ids() 查每个子词属于哪个词。",
)
def labels_in_a_row(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, _in_a_row)


@wrong(
    "encode_batch",
    "Gives its label to every piece of a word.",
    zh="词的每个子词都给了标签。",
    caught_by="first_piece_carries_the_label",
    step="Here only the first piece carries it; the others get −100.",
    step_zh="这里只标第一个子词，其余为 −100。",
)
def every_piece(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, _every)


@wrong(
    "encode_batch",
    "Puts the label onto the last piece of a word.",
    zh="标签放在了词的最后一个子词上。",
    caught_by="first_piece_carries_the_label",
    step="Compare each word number with the one before, not with the next.",
    step_zh="与前一个词号比较，而不是与后一个。",
)
def last_piece(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, _last)


@wrong(
    "encode_batch",
    "Labels what is no word, such as padding, as O, number 0.",
    zh="把填充这类不是词的位置标成了 O，即 0。",
    caught_by="what_is_no_word_is_ignored",
    looks_like=lambda seen: seen[0][-1] == 0,  # padding behind a single word
    step="What is no word gets −100, which the loss ignores.",
    step_zh="不是词的位置填 −100，损失会忽略它。",
)
def padding_is_outside(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, outside=0)


@wrong(
    "encode_batch",
    "The mask is 1 on padding, too.",
    zh="填充处的掩码也是 1。",
    caught_by="pieces_and_their_mask",
    step="Keep the tokenizer's own mask.",
    step_zh="用 tokenizer 给出的掩码。",
)
def mask_of_ones(tokenizer, sentences, labels):
    batch = _encoded(tokenizer, sentences, labels)
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    return batch


@wrong(
    "encode_batch",
    "Pads to a length of its own, not to the longest sentence.",
    zh="填充到了自定的长度，而不是最长的那一句。",
    caught_by="pieces_and_their_mask",
    looks_like=lambda seen: not np.any(seen["attention_mask"][:, -1]),
    step="padding=True pads to the longest of the batch.",
    step_zh="padding=True 会填充到这一批里最长的一句。",
)
def pads_to_a_length_of_its_own(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, padding="max_length", max_length=128)


@wrong(
    "encode_batch",
    "Cuts long sentences off.",
    zh="把长句截断了。",
    caught_by="long_sentences_stay_whole",
    looks_like=lambda seen: np.size(seen[0]) < 77,
    step="Do not truncate.",
    step_zh="不要截断。",
)
def cuts_long_sentences(tokenizer, sentences, labels):
    return _encoded(tokenizer, sentences, labels, truncation=True, max_length=32)


# --- spans_from_tags -----------------------------------------------------------------------


def _spans(tags, continues=lambda tag, label: tag[0] == "I" and tag[2:] == label, stray=True,
           ends=True):  # fmt: skip
    """The right one, whose decisions can be changed; without `ends` an O ends no span."""
    spans, label = [], None
    for i, tag in enumerate(tags):
        if label is not None and tag != "O" and continues(tag, label):
            spans[-1] = (spans[-1][0], spans[-1][1], i + 1)
        elif tag == "O" or (tag[0] == "I" and not stray):
            label = None if ends else label
        else:
            label = tag[2:]
            spans.append((label, i, i + 1))
    return spans


@wrong(
    "spans_from_tags",
    "The end is the last word, not the place after it.",
    zh="终点写成了最后一个词，而不是它之后的位置。",
    caught_by="b_begins_and_i_continues",
    step="Excluding the end, end − start is the number of words.",
    step_zh="终点不含在内，end − start 就是词数。",
)
def ends_included(tags):
    return [(label, start, end - 1) for label, start, end in _spans(tags)]


@wrong(
    "spans_from_tags",
    "Loses a span that ends with the sentence.",
    zh="丢掉了结束在句末的片段。",
    caught_by="a_span_may_end_with_the_sentence",
    step="Close the open span after the loop, too.",
    step_zh="循环结束后也要收好未完的片段。",
)
def loses_the_last(tags):
    return [span for span in _spans(tags) if span[2] < len(tags)]


@wrong(
    "spans_from_tags",
    "Joins neighbours of the same label, as if B- and I- were one.",
    zh="把标签相同的相邻片段连成一个，好像 B- 和 I- 没有区别。",
    caught_by="neighbours_stay_apart",
    step="B- always begins a span: that is what it is for.",
    step_zh="B- 一定另起片段，它就是为此而设。",
)
def joins_neighbours(tags):
    return _spans(tags, lambda tag, label: tag[2:] == label)


@wrong(
    "spans_from_tags",
    "Drops an I- that continues nothing, as strict mode does.",
    zh="丢掉了无可延续的 I-，那是严格模式的做法。",
    caught_by="a_stray_i_begins_a_span",
    step="Here it begins a span of its own.",
    step_zh="这里它要另起一个片段。",
)
def strict_mode(tags):
    return _spans(tags, stray=False)


@wrong(
    "spans_from_tags",
    "Lets any I- continue the span, whatever its label.",
    zh="不看标签，凡是 I- 都当延续。",
    caught_by="another_label_begins_a_span",
    step="Compare the labels as well.",
    step_zh="还要比较标签。",
)
def any_i_continues(tags):
    return _spans(tags, lambda tag, label: tag[0] == "I")


@wrong(
    "spans_from_tags",
    "Lets an I- continue a span that an O has ended.",
    zh="片段已被 O 结束，后面的 I- 仍当成它的延续。",
    caught_by="a_stray_i_begins_a_span",
    step="After an O no span is open: forget its label.",
    step_zh="遇到 O，片段就结束了：把记住的标签清空。",
)
def goes_on_after_outside(tags):
    return _spans(tags, ends=False)


@wrong(
    "spans_from_tags",
    "Takes only a part of a label that has hyphens of its own.",
    zh="标签自带连字符时，只取了其中一段。",
    caught_by="a_label_may_hold_hyphens",
    looks_like=lambda seen: any(span[0] in PARTS for spans in seen for span in spans),
    step="Split once, at the first hyphen.",
    step_zh="只在第一个连字符处切一次。",
)
def short_labels(tags):
    return _spans(["-".join(tag.split("-")[:2]) for tag in tags])


# --- span_f1 -------------------------------------------------------------------------------


def _f1(one, other):
    right = len(one & other)
    p, r = (right / len(part) if part else 0.0 for part in (other, one))
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if right else 0.0}


def _same(true, predicted):
    if [len(tags) for tags in true] != [len(tags) for tags in predicted]:
        raise ValueError("lengths")


def _sets(true, predicted, key=lambda row, span: (row, *span)):
    _same(true, predicted)
    return [
        {key(row, span) for row, tags in enumerate(part) for span in _spans(tags)}
        for part in (true, predicted)
    ]


@wrong(
    "span_f1",
    "Counts tokens: the share of tags that are right.",
    zh="数的是词：标签判对的比例。",
    caught_by="whole_spans_count",
    errata=("E002",),
    step="Mostly O is right anyway. Compare spans, not tags.",
    step_zh="O 本来就大多是对的。要比片段，不要比标签。",
)
def token_accuracy(true, predicted):
    _same(true, predicted)
    pairs = [p for two in zip(true, predicted, strict=True) for p in zip(*two, strict=True)]
    share = sum(a == b for a, b in pairs) / max(len(pairs), 1)
    return {"precision": share, "recall": share, "f1": share}


@wrong(
    "span_f1",
    "Counts the words inside spans, so that half a span is worth half.",
    zh="数的是片段里的词，于是半个片段也得一半分。",
    caught_by="whole_spans_count",
    step="A span with one end wrong is wrong.",
    step_zh="一端不对，整个片段就不对。",
)
def token_f1(true, predicted):
    _same(true, predicted)
    return _f1(*(
        {(row, i, tag) for row, tags in enumerate(part) for i, tag in enumerate(tags) if tag != "O"}
        for part in (true, predicted)
    ))  # fmt: skip


@wrong(
    "span_f1",
    "Compares the ends and not the labels.",
    zh="只比两端，不比标签。",
    caught_by="whole_spans_count",
    step="A label that is wrong makes the span wrong.",
    step_zh="标签错了，片段就错了。",
)
def labels_do_not_matter(true, predicted):
    return _f1(*_sets(true, predicted, lambda row, span: (row, *span[1:])))


@wrong(
    "span_f1",
    "Averages over the sentences.",
    zh="先逐句算 F1，再取平均。",
    caught_by="counts_over_everything",
    step="Add up the counts of all sentences first.",
    step_zh="先把全部句子的计数加起来。",
)
def mean_over_sentences(true, predicted):
    _same(true, predicted)
    each = [_f1(*_sets([a], [b])) for a, b in zip(true, predicted, strict=True)]
    return {n: float(np.mean([e[n] for e in each])) if each else 0.0 for n in _f1(set(), set())}


@wrong(
    "span_f1",
    "Averages over the labels (macro).",
    zh="按标签取了平均（宏平均）。",
    caught_by="counts_over_everything",
    step="All labels together: micro.",
    step_zh="全部标签放在一起算：微平均。",
)
def mean_over_labels(true, predicted):
    one, other = _sets(true, predicted)
    labels = {span[1] for span in one | other}
    each = [
        _f1(*({span for span in part if span[1] == label} for part in (one, other)))
        for label in labels
    ]
    return {n: float(np.mean([e[n] for e in each])) if each else 0.0 for n in _f1(set(), set())}


@wrong(
    "span_f1",
    "Takes a span for right if any sentence holds it.",
    zh="只要别的句子里有同样的片段，也算对。",
    caught_by="spans_keep_to_their_sentence",
    step="Keep the number of the sentence with each span.",
    step_zh="每个片段都带上句子的编号。",
)
def any_sentence_will_do(true, predicted):
    return _f1(*_sets(true, predicted, lambda row, span: span))


@wrong(
    "span_f1",
    "Strings all sentences together, so that a span can run on into the next one.",
    zh="把全部句子连成一串，片段会跨到下一句去。",
    caught_by="spans_keep_to_their_sentence",
    step="Read each sentence by itself.",
    step_zh="逐句读取片段。",
)
def sentences_in_a_row(true, predicted):
    _same(true, predicted)
    return _f1(*({*_spans([t for tags in part for t in tags])} for part in (true, predicted)))


@wrong(
    "span_f1",
    "Takes 1 for a value whose denominator is 0.",
    zh="分母为 0 时，值取成了 1。",
    caught_by="nothing_is_zero",
    looks_like=lambda seen: sum(1.0 in score.values() for score in seen) > 3,
    step="The value is 0 where the denominator is.",
    step_zh="分母为 0 时取 0。",
)
def nothing_is_perfect(true, predicted):
    one, other = _sets(true, predicted)
    return _f1(one, other) if one or other else {"precision": 1.0, "recall": 1.0, "f1": 1.0}


@wrong(
    "span_f1",
    "Compares as much as there is, though words or sentences are missing.",
    zh="少了词或句子也照比不误。",
    caught_by="lengths_must_agree",
    step="Compare the lengths first, and raise ValueError.",
    step_zh="先比较长度，不同就抛出 ValueError。",
)
def what_is_missing_is_ignored(true, predicted):
    pairs = [[*zip(*two, strict=False)] for two in zip(true, predicted, strict=False)]
    return _f1(*_sets(*([[pair[k] for pair in s] for s in pairs] for k in (0, 1))))


# --- aspect_scores -------------------------------------------------------------------------


def _aspects(true, predicted):
    return [
        {(row, s, e): p for row, sentence in enumerate(part) for s, e, p in sentence}
        for part in (true, predicted)
    ]


def _scores(true, predicted, **others):
    one, other = _aspects(true, predicted)
    found = one.keys() & other.keys()
    right, both = sum(one[t] == other[t] for t in found), len(one) + len(other)
    return {
        "extraction_f1": 2 * len(found) / both if both else 0.0,
        "polarity_accuracy": right / len(found) if found else math.nan,
        "joint_f1": 2 * right / both if both else 0.0,
    } | others


@wrong(
    "aspect_scores",
    "Judges one polarity for the sentence, that of its first aspect.",
    zh="整句只判一个情感，取第一个方面的。",
    caught_by="polarity_of_terms_found",
    errata=("E002",),
    step="Judge each term that was found by itself.",
    step_zh="找到的词要逐个判。",
)
def one_polarity_for_all(true, predicted):
    def whole(part):
        return [[(s, e, min(sentence)[2]) for s, e, _ in sentence] for sentence in part]

    accuracy = _scores(whole(true), whole(predicted))["polarity_accuracy"]
    return _scores(true, predicted, polarity_accuracy=accuracy)


@wrong(
    "aspect_scores",
    "Counts a term as found only if its polarity is right.",
    zh="情感对了才算找到这个词。",
    caught_by="extraction_ignores_polarity",
    step="Finding asks for start and end only.",
    step_zh="抽取只看起点和终点。",
)
def extraction_asks_for_polarity(true, predicted):
    scores = _scores(true, predicted)
    return scores | {"extraction_f1": scores["joint_f1"]}


@wrong(
    "aspect_scores",
    "Divides by all true terms, so that a missed term counts as misjudged.",
    zh="除以全部真实的词，没找到的也算判错。",
    caught_by="polarity_of_terms_found",
    step="Only terms that were found can be judged.",
    step_zh="只有找到的词才能判。",
)
def missed_is_misjudged(true, predicted):
    one, other = _aspects(true, predicted)
    right = sum(one[t] == other.get(t) for t in one)
    return _scores(true, predicted, polarity_accuracy=right / len(one) if one else math.nan)


@wrong(
    "aspect_scores",
    "Takes the harmonic mean of the two scores for the joint one.",
    zh="把两个分数的调和平均当作联合分数。",
    caught_by="joint_asks_for_both",
    step="Count terms whose place and polarity are both right.",
    step_zh="数位置和情感都对的词。",
)
def joint_is_a_mean(true, predicted):
    scores = _scores(true, predicted)
    one, other = scores["extraction_f1"], np.nan_to_num(scores["polarity_accuracy"])
    return scores | {"joint_f1": float(2 * one * other / max(one + other, 1e-9))}


@wrong(
    "aspect_scores",
    "Calls it an accuracy of 0 where no term was found.",
    zh="一个词都没找到时，情感准确率写成了 0。",
    caught_by="nothing_found",
    step="There is nothing to judge: nan.",
    step_zh="没有可判的，取 nan。",
)
def nothing_found_is_zero(true, predicted):
    scores = _scores(true, predicted)
    return scores | {"polarity_accuracy": float(np.nan_to_num(scores["polarity_accuracy"]))}


@wrong(
    "aspect_scores",
    "Averages the sentences' scores.",
    zh="先逐句算分，再求平均。",
    caught_by="extraction_ignores_polarity",
    step="Count over all sentences together, and divide once.",
    step_zh="全部句子放在一起计数，最后只除一次。",
)
def mean_of_the_sentences(true, predicted):
    each = [_scores([a], [b]) for a, b in zip(true, predicted, strict=True)]
    names = each[0] if each else _scores([], [])
    values = {name: [e[name] for e in each if not math.isnan(e[name])] for name in names}
    return {name: float(np.mean(v)) if v else math.nan for name, v in values.items()}


@wrong(
    "aspect_scores",
    "Compares the terms place by place, though they come in any order.",
    zh="按列表里的位置逐个比对，但词的次序是任意的。",
    caught_by="extraction_ignores_polarity",
    step="Look each term up by its start and end.",
    step_zh="按起点和终点去查每个词。",
)
def pairs_by_place(true, predicted):
    both = zip(true, predicted, strict=True)
    return _scores(true, [
        [t if t[:2] in [a[:2] for a in one[i : i + 1]] else (-1 - i, 0, t[2])
         for i, t in enumerate(other)] for one, other in both
    ])  # fmt: skip


@wrong(
    "aspect_scores",
    "Takes a term for found though its end is another: the same start, or an overlap, will do.",
    zh="终点不同也算找到：起点相同或有重叠就行。",
    caught_by="extraction_ignores_polarity",
    step="Compare start and end.",
    step_zh="起点和终点都要比。",
)
def half_a_term_is_found(true, predicted):
    return _scores(
        *([[(s, 0, p) for s, _, p in one] for one in part] for part in (true, predicted))
    )


@wrong(
    "aspect_scores",
    "Mixes the sentences up: a term of one is found in another.",
    zh="混淆了句子：别的句子里的词也算找到。",
    caught_by="extraction_ignores_polarity",
    step="Keep the number of the sentence with each term.",
    step_zh="每个词都带上句子的编号。",
)
def terms_of_any_sentence(true, predicted):
    return _scores(*([[term for one in part for term in one]] for part in (true, predicted)))


# --- score_intents -------------------------------------------------------------------------


def _said(rows, intents, threshold):
    rows = np.asarray(rows)
    return [
        intents[k] if row[k] >= threshold else OUT
        for row, k in zip(rows, rows.argmax(axis=1), strict=True)
    ]


def _share(hits):
    return sum(hits) / len(hits) if hits else math.nan


def _intents(true, *given, counts=lambda t, p: t != OUT, outside=None):
    """The right one, but for whom the accuracy counts, and who is called out of scope."""
    predicted = _said(*given)
    pairs = list(zip(true, predicted, strict=True))
    others = list(zip(*(outside(predicted) if outside else (true, predicted)), strict=True))
    return {
        "predicted": predicted,
        "in_scope_accuracy": _share([t == p for t, p in pairs if counts(t, p)]),
        "out_of_scope_recall": _share([t == p for t, p in others if t == OUT]),
        "out_of_scope_precision": _share([t == p for t, p in others if p == OUT]),
    }


@wrong(
    "score_intents",
    "Answers every question with one of its intents, whatever it is.",
    zh="不管问什么，都从已有意图里选一个来答。",
    caught_by="below_the_threshold_is_out",
    errata=("E008",),
    step="A bot must be able to say no: compare with the threshold.",
    step_zh="机器人要会说「不」：与阈值比较。",
)
def answers_everything(true, probabilities, intents, threshold):
    return _intents(true, probabilities, intents, -1)


@wrong(
    "score_intents",
    "Turns away a probability that is equal to the threshold.",
    zh="概率等于阈值也被拒了。",
    caught_by="below_the_threshold_is_out",
    step="Only what is below the threshold is turned away.",
    step_zh="低于阈值才拒。",
)
def equal_is_below(true, probabilities, intents, threshold):
    return _intents(true, probabilities, intents, np.nextafter(threshold, 9))


@wrong(
    "score_intents",
    "Takes the last of equals.",
    zh="并列时取了最后一个。",
    caught_by="first_of_equals",
    step="Take the first.",
    step_zh="取第一个。",
)
def last_of_equals(true, probabilities, intents, threshold):
    rows = np.asarray(probabilities)[:, ::-1]
    return _intents(true, rows, list(intents)[::-1], threshold)


@wrong(
    "score_intents",
    "Counts as out of scope only what is below the threshold, not what the extra class has won.",
    zh="范围外只数了低于阈值的，没数判给额外类别的。",
    caught_by="extra_class_counts",
    step="Count whatever is predicted out_of_scope, for either reason.",
    step_zh="凡是预测为 out_of_scope 的都要数，不论原因。",
)
def only_the_rejected_count(true, probabilities, intents, threshold):
    rejected = [OUT if max(row) < threshold else "" for row in np.asarray(probabilities).tolist()]
    return _intents(true, probabilities, intents, threshold, outside=lambda _: (true, rejected))


@wrong(
    "score_intents",
    "Takes the accuracy over all messages, those out of scope included.",
    zh="准确率对全部消息计算，范围外的也算在内。",
    caught_by="accuracy_over_those_in_scope",
    step="Only messages truly in scope count here.",
    step_zh="这里只算真正在范围内的消息。",
)
def accuracy_over_all(true, probabilities, intents, threshold):
    return _intents(true, probabilities, intents, threshold, counts=lambda t, p: True)


@wrong(
    "score_intents",
    "Leaves those that were turned away out of the accuracy.",
    zh="算准确率时漏掉了被拒的消息。",
    caught_by="accuracy_over_those_in_scope",
    step="Who is turned away was in scope all the same, and is not right.",
    step_zh="被拒的也在范围内，而且没判对。",
)
def accuracy_of_the_answered(true, probabilities, intents, threshold):
    return _intents(true, probabilities, intents, threshold, counts=lambda *two: OUT not in two)


@wrong(
    "score_intents",
    "Has recall and precision the wrong way round.",
    zh="召回率和精确率写反了。",
    caught_by="recall_and_precision_out_of_scope",
    step="Recall is over those truly out of scope, precision over those predicted so.",
    step_zh="召回率对真正在范围外的算，精确率对判为范围外的算。",
)
def recall_is_precision(true, probabilities, intents, threshold):
    return _intents(true, probabilities, intents, threshold, outside=lambda said: (said, true))


@wrong(
    "score_intents",
    "A share of nothing is 0.",
    zh="没有可数的，比例写成了 0。",
    caught_by="nothing_to_count_is_nan",
    step="It is nan.",
    step_zh="应取 nan。",
)
def share_of_nothing_is_zero(true, probabilities, intents, threshold):
    scores = _intents(true, probabilities, intents, threshold)
    return {k: 0.0 if v != v else v for k, v in scores.items()}


# --- predict_tags --------------------------------------------------------------------------


def _tagged(model, tokenizer, sentences, names, which=_first, mask=True):
    """The right one, but for the modes, which are the caller's."""
    batch = tokenizer(sentences, is_split_into_words=True, padding=True, return_tensors="pt")
    inputs = dict(batch) if mask else {"input_ids": batch["input_ids"]}
    best = model(**inputs).logits.argmax(dim=-1).tolist()
    return [
        [names[best[row][place]] for place, _ in which(batch.word_ids(row))]
        for row in range(len(sentences))
    ]


def _in_peace(model, *arguments, **options):
    training = model.training
    model.eval()
    with torch.no_grad():
        tags = _tagged(model, *arguments, **options)
    model.train(training)
    return tags


@wrong(
    "predict_tags",
    "Reads the pieces one after another, as if each word were one piece.",
    zh="一个接一个地读子词，好像每个词都是一个子词。",
    caught_by="the_first_piece_speaks",
    step="Find each word's first piece by word_ids().",
    step_zh="用 word_ids() 找到每个词的第一个子词。",
)
def reads_in_a_row(model, tokenizer, sentences, names):
    return _in_peace(model, tokenizer, sentences, names, _in_a_row)


@wrong(
    "predict_tags",
    "Reads a word's last piece.",
    zh="读的是词的最后一个子词。",
    caught_by="the_first_piece_speaks",
    step="Training labelled the first piece; only this one has learnt.",
    step_zh="训练时标的是第一个子词，只有它学过。",
)
def reads_the_last_piece(model, tokenizer, sentences, names):
    return _in_peace(model, tokenizer, sentences, names, _last)


@wrong(
    "predict_tags",
    "Gives a tag for each piece, where each word has one.",
    zh="每个子词都给了一个标签，而每个词只该有一个。",
    caught_by="the_first_piece_speaks",
    step="Keep only the tag of a word's first piece.",
    step_zh="只留下每个词第一个子词的标签。",
)
def tags_every_piece(model, tokenizer, sentences, names):
    return _in_peace(model, tokenizer, sentences, names, _every)


@wrong(
    "predict_tags",
    "Leaves the attention mask out, so that padding is read as words.",
    zh="没传注意力掩码，填充也被当成了词。",
    caught_by="company_changes_nothing",
    step="Pass everything that the tokenizer returns.",
    step_zh="把 tokenizer 返回的全部传给模型。",
)
def without_the_mask(model, tokenizer, sentences, names):
    return _in_peace(model, tokenizer, sentences, names, mask=False)


@wrong(
    "predict_tags",
    "Keeps gradients.",
    zh="记录了梯度。",
    caught_by="keeps_no_gradients",
    step="Predict under torch.no_grad().",
    step_zh="在 torch.no_grad() 下预测。",
)
def keeps_gradients(model, tokenizer, sentences, names):
    training = model.training
    tags = _tagged(model.eval(), tokenizer, sentences, names)
    model.train(training)
    return tags


@wrong(
    "predict_tags",
    "Predicts in the mode in which the model comes: in training mode, with dropout.",
    zh="模型来时是什么模式，就在什么模式下预测；训练模式下 dropout 还开着。",
    caught_by="modes_are_kept",
    step="Switch to evaluation mode first, and give the mode back.",
    step_zh="先切到评估模式，用完还原。",
    looks_like=lambda seen: True in seen["modes asked in"],
)
def predicts_as_it_comes(model, tokenizer, sentences, names):
    with torch.no_grad():
        return _tagged(model, tokenizer, sentences, names)


# --- train_tagger --------------------------------------------------------------------------


def _train(model, batches, epochs, rate, parameters=None, each=True, mode=True, of=np.mean,
           clear=True, learn=True):  # fmt: skip
    optimizer = torch.optim.AdamW(parameters or model.parameters(), lr=rate)
    losses = []
    model.train(mode)
    for _ in range(epochs):
        epoch = []
        for batch in batches:
            loss = model(**batch).loss
            loss.backward() if learn else None
            epoch.append(loss.item())
            if each or batch is batches[-1]:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad() if clear else None
        losses.append(float(of(epoch)))
    model.eval()
    return losses


@wrong(
    "train_tagger",
    "Trains at the rate of a large BERT, whatever rate is asked for.",
    zh="不管要求的学习率是多少，都用大 BERT 的学习率。",
    caught_by="learns_what_holds",
    step="Take learning_rate: so small a model needs a larger one.",
    step_zh="用 learning_rate：这么小的模型要更大的学习率。",
)
def rate_of_bert_base(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, min(learning_rate, 2e-5))


@wrong(
    "train_tagger",
    "Returns the sum of an epoch's losses.",
    zh="返回的是一轮损失之和。",
    caught_by="a_loss_for_each_epoch",
    step="Divide by the number of batches.",
    step_zh="要除以批次数。",
)
def sums_of_losses(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, of=np.sum)


@wrong(
    "train_tagger",
    "Returns the last batch's loss of each epoch.",
    zh="返回的是每轮最后一个批次的损失。",
    caught_by="a_loss_for_each_epoch",
    step="Take the mean over the epoch's batches.",
    step_zh="要对该轮全部批次取平均。",
)
def last_losses(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, of=lambda losses: losses[-1])


@wrong(
    "train_tagger",
    "Steps once an epoch.",
    zh="每轮只走一步优化器。",
    caught_by="every_batch_in_training_mode",
    step="Step after each batch.",
    step_zh="每个批次之后都走一步。",
)
def steps_once_an_epoch(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, each=False)


@wrong(
    "train_tagger",
    "Trains in evaluation mode, without dropout.",
    zh="在评估模式下训练，dropout 没有起作用。",
    caught_by="every_batch_in_training_mode",
    step="Call model.train() first: from_pretrained returns evaluation mode.",
    step_zh="先调用 model.train()：from_pretrained 返回的是评估模式。",
)
def never_calls_train(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, mode=False)


@wrong(
    "train_tagger",
    "Trains the head alone.",
    zh="只训练了头。",
    caught_by="every_layer_learns",
    step="Give the optimizer all of the model's parameters.",
    step_zh="把模型的全部参数交给优化器。",
)
def head_alone(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, list(model.classifier.parameters()))


@wrong(
    "train_tagger",
    "Weights each batch's loss by its number of sentences.",
    zh="按每批的句子数给损失加权。",
    caught_by="a_loss_for_each_epoch",
    step="The mean is over batches: each counts once.",
    step_zh="是对批次求平均：每批只算一次。",
)
def weighted_by_sentences(model, batches, epochs, learning_rate):
    sizes = [len(batch["input_ids"]) for batch in batches]
    return _train(
        model, batches, epochs, learning_rate, of=lambda losses: np.average(losses, weights=sizes)
    )


@wrong(
    "train_tagger",
    "Never clears the gradients: each step follows all batches before it as well.",
    zh="从不清零梯度：每一步都混进了之前所有批次的梯度。",
    caught_by="steps_follow_their_batch",
    step="Call optimizer.zero_grad() once for each batch, before backward().",
    step_zh="每个批次在 backward() 之前调用一次 optimizer.zero_grad()。",
    looks_like=lambda seen: seen["likeness"][0] > 0.999 > min(seen["likeness"]),
)
def never_clears_gradients(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, clear=False)


@wrong(
    "train_tagger",
    "Steps without a gradient: backward() is missing, or what it left is cleared before the step.",
    zh="走步时没有梯度：少了 backward()，或者走步之前又清零了。",
    caught_by="steps_follow_their_batch",
    step="For each batch: zero_grad(), backward(), step(), in this order.",
    step_zh="每个批次依次调用 zero_grad()、backward()、step()。",
    looks_like=lambda seen: not any(seen["likeness"]),
)
def steps_without_gradients(model, batches, epochs, learning_rate):
    return _train(model, batches, epochs, learning_rate, learn=False)
