"""Known-wrong answers for `translation`, each one misconception; many are the document's own."""

from collections import Counter
from math import exp, log

import sacrebleu
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from autograder.checks import wrong
from autograder.data.numbers import detokenize, tokenize, vocabulary

# --- collate ------------------------------------------------------------------------------


def _filled(rows, value):
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)


def _collate(
    examples, source_code, pad, eos, *, fill=-100, mask=True, ending=None, target_code=None,
    target=lambda source, target: target,
):  # fmt: skip
    ending = ending or (lambda ids, code: [*ids, eos, code])
    sources = [ending(source, source_code) for source, _, _ in examples]
    targets = [ending(target(s, t), target_code or code) for s, t, code in examples]
    ones = _filled([[1] * len(row) for row in sources], 0 if mask else 1)
    labels = _filled(targets, fill)
    return {"input_ids": _filled(sources, pad), "attention_mask": ones, "labels": labels}


@wrong("collate", "Gives every target the code of the source: all count as English.",
       zh="目标句用了源语言的代码：全成了英文。", caught_by="targets_end_with_their_own_language",
       errata=("E160", "E161"), step="Each triple brings the code of its own target.",
       step_zh="每个三元组都带着自己目标语言的代码。")  # fmt: skip
def english_for_all(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, target_code=source_code)


@wrong("collate", "Adds no language codes at all.", zh="完全没有加语言代码。",
       caught_by="targets_end_with_their_own_language", errata=("E160",),
       step="Both sides end with eos and then their code.",
       step_zh="两边都以 eos 加语言代码收尾。")  # fmt: skip
def no_codes(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, ending=lambda ids, code: [*ids, eos])


@wrong("collate", "Takes the source for the labels: the model learns to copy.",
       zh="把源句当标签：模型学的是抄写。", caught_by="padding_of_labels_is_left_out",
       errata=("E158",), step="Labels are made of the target.",
       step_zh="标签要用目标句。")  # fmt: skip
def labels_from_the_source(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, target=lambda source, target: source)


@wrong("collate", "Pads the labels with pad, which is then learned like a word.",
       zh="标签用 pad 填充，填充会被当成词来学。", caught_by="padding_of_labels_is_left_out",
       errata=("E161",), step="Fill labels up with -100.",
       step_zh="标签用 -100 补齐。")  # fmt: skip
def pads_in_the_labels(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, fill=pad)


@wrong("collate", "Pads both sides to the length of the longest row of either.",
       zh="两边都补到同一个长度：两边所有行里最长的那一行。",
       caught_by="padding_of_labels_is_left_out",
       step="Sources and targets are two tensors, each as wide as its own longest row.",
       step_zh="源句和目标句是两个张量，各自只补到自己最长的一行。")  # fmt: skip
def pads_both_alike(examples, source_code, pad, eos):
    made = _collate(examples, source_code, pad, eos)
    most = max(tensor.shape[1] for tensor in made.values())
    fill = {"input_ids": pad, "attention_mask": 0, "labels": -100}
    return {name: torch.nn.functional.pad(value, (0, most - value.shape[1]), value=fill[name])
            for name, value in made.items()}  # fmt: skip


@wrong("collate", "Leaves rows as they are, so that no tensor can be made.",
       zh="各行长短不一就直接转张量，转不成。", caught_by="sources_end_with_their_language",
       errata=("E156",), step="Fill shorter rows up first.",
       step_zh="先把短的行补齐。")  # fmt: skip
def never_pads(examples, source_code, pad, eos):
    rows = [torch.tensor([[*side, eos, source_code] for side in sides])
            for sides in list(zip(*examples, strict=True))[:2]]  # fmt: skip
    return {"input_ids": rows[0], "attention_mask": rows[0] != pad, "labels": rows[1]}


@wrong("collate", "Masks nothing: padding counts as part of the source.",
       zh="掩码全是 1：填充也算成源句的内容。", caught_by="mask_hides_padding_only",
       errata=("E159",), step="0 where a row is padded.", step_zh="填充处为 0。")  # fmt: skip
def masks_nothing(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, mask=False)


@wrong("collate", "Puts the code first, as mBART-50 does.",
       zh="把语言代码放在最前，那是 mBART-50 的格式。",
       caught_by="sources_end_with_their_language", step="Here the code comes last, after eos.",
       step_zh="这里语言代码在最后，eos 之后。")  # fmt: skip
def code_first(examples, source_code, pad, eos):
    return _collate(examples, source_code, pad, eos, ending=lambda ids, code: [code, *ids, eos])


@wrong("collate", "Uses the notebook's ids instead of those given.",
       zh="没用传入的 id，用了写死的。",
       caught_by="ids_are_those_given", step="pad, eos and source_code are arguments.",
       step_zh="pad、eos、source_code 都是参数。")  # fmt: skip
def own_ids(examples, source_code, pad, eos):
    return _collate(examples, source_code, 1, 2)


# --- shift_tokens_right -------------------------------------------------------------------


def _without_holes(labels, pad):
    return labels.masked_fill(labels == -100, pad)


@wrong("shift_tokens_right", "Takes the last column for the code, which in padded rows is padding.",
       zh="取最后一列当语言代码，而有填充的行那里是填充。",
       caught_by="padded_rows_start_with_their_language",
       step="Count the real labels of each row.", step_zh="数出每行有几个真实标签。")  # fmt: skip
def rolls_the_row(labels, pad):
    return _without_holes(labels.roll(1, dims=1), pad)


@wrong("shift_tokens_right", "Leaves −100 among the ids that the decoder reads.",
       zh="解码器要读的 id 里还留着 −100。", caught_by="padded_rows_start_with_their_language",
       step="No token has the id -100: put pad in its place.",
       step_zh="没有哪个词元的 id 是 -100：换成 pad。",
       looks_like=lambda seen: any(-100 in row for row in seen))  # fmt: skip
def leaves_the_holes(labels, pad):
    last = (labels != -100).sum(dim=1, keepdim=True) - 1
    return torch.cat([labels.gather(1, last), labels[:, :-1]], dim=1)


@wrong("shift_tokens_right", "Does not shift: the decoder reads the very token it has to write.",
       zh="没有右移：解码器读到的正是要它写的词元。", caught_by="last_label_comes_first",
       step="The label of place t is read at place t + 1.",
       step_zh="第 t 位的标签，在第 t + 1 位才读到。")  # fmt: skip
def never_shifts(labels, pad):
    return _without_holes(labels, pad)


@wrong("shift_tokens_right", "Starts with pad, as T5 does.", zh="以 pad 开头，那是 T5 的做法。",
       caught_by="last_label_comes_first", step="mBART starts with the language code.",
       step_zh="mBART 以语言代码开头。")  # fmt: skip
def starts_with_pad(labels, pad):
    first = torch.full_like(labels[:, :1], pad)
    return torch.cat([first, _without_holes(labels, pad)[:, :-1]], dim=1)


# --- teacher_forced_loss ------------------------------------------------------------------


def _shifted(labels, pad):
    last = (labels != -100).sum(dim=1, keepdim=True) - 1
    moved = torch.cat([labels.gather(1, last), labels[:, :-1]], dim=1)
    return _without_holes(moved, pad)


def _logits(model, batch, pad, *, mask=True, read=None):
    hidden = batch["attention_mask"] if mask else torch.ones_like(batch["input_ids"])
    read = _shifted(batch["labels"], pad) if read is None else read
    return model(input_ids=batch["input_ids"], attention_mask=hidden, decoder_input_ids=read).logits


def _loss(logits, labels, **options):
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), **options)


@wrong("teacher_forced_loss", "Counts padding in the loss, as a word to be learned.",
       zh="把填充也算进损失，当成要学的词。", caught_by="padding_costs_nothing",
       errata=("E161",), step="Keep the −100: the loss leaves it out.",
       step_zh="保留 −100，损失会跳过它。")  # fmt: skip
def counts_padding(model, batch, pad):
    return _loss(_logits(model, batch, pad), _without_holes(batch["labels"], pad))


@wrong("teacher_forced_loss", "Averages the sentences' averages: short ones weigh too much.",
       zh="先按句平均再平均：短句权重过大。", caught_by="padding_costs_nothing",
       step="One mean over all real labels.", step_zh="对全部真实标签一起平均。")  # fmt: skip
def mean_of_sentences(model, batch, pad):
    logits = _logits(model, batch, pad)
    rows = zip(logits, batch["labels"], strict=True)
    return torch.stack([cross_entropy(row, labels) for row, labels in rows]).mean()


@wrong("teacher_forced_loss", "Divides by the number of all places, padding among them.",
       zh="除的是所有位置的个数，填充也数在内。", caught_by="padding_costs_nothing",
       step="Divide by the number of real labels.", step_zh="除以真实标签的个数。")  # fmt: skip
def divides_by_all_places(model, batch, pad):
    total = _loss(_logits(model, batch, pad), batch["labels"], reduction="sum")
    return total / batch["labels"].numel()


@wrong("teacher_forced_loss", "Leaves the mask out: the encoder attends to padding.",
       zh="没有传掩码：编码器会关注填充。", caught_by="more_padding_changes_nothing",
       errata=("E159",), step="Pass the attention mask.",
       step_zh="传入 attention_mask。")  # fmt: skip
def no_mask(model, batch, pad):
    return _loss(_logits(model, batch, pad, mask=False), batch["labels"])


@wrong("teacher_forced_loss", "Feeds the target unshifted: the answer is given away.",
       zh="目标没有右移就喂进去：答案直接给了模型。", caught_by="loss_of_full_rows",
       step="Shift before calling the model.", step_zh="调用模型前先右移。")  # fmt: skip
def feeds_unshifted(model, batch, pad):
    read = _without_holes(batch["labels"], pad)
    return _loss(_logits(model, batch, pad, read=read), batch["labels"])


@wrong("teacher_forced_loss", "Shifts twice, the second time as for a decoder-only model.",
       zh="移了两次，第二次是纯解码器模型的做法。", caught_by="loss_of_full_rows",
       step="Logits and labels line up already.", step_zh="logits 和标签已经对齐。")  # fmt: skip
def shifts_twice(model, batch, pad):
    return _loss(_logits(model, batch, pad)[:, :-1], batch["labels"][:, 1:])


@wrong("teacher_forced_loss", "Measures how well the model copies the source.",
       zh="算的是模型抄写源句的损失。", caught_by="loss_of_full_rows", errata=("E158",),
       step="Labels are the targets.", step_zh="标签是目标句。")  # fmt: skip
def copies_the_source(model, batch, pad):
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    return _loss(_logits(model, batch, pad, read=_shifted(labels, pad)), labels)


@wrong("teacher_forced_loss", "Returns a number without a gradient.", zh="返回的数不带梯度。",
       caught_by="gradients_flow", step="Leave out no_grad, item and detach.",
       step_zh="不要用 no_grad、item、detach。")  # fmt: skip
def cuts_the_gradient(model, batch, pad):
    return _loss(_logits(model, batch, pad), batch["labels"]).detach()


# --- greedy_decode ------------------------------------------------------------------------


def _decode(
    model, input_ids, attention_mask, codes, eos, max_length, *, mask=True, place=-1,
    sampled=False, stop=torch.all, cut=None, gradients=False,
    evaluation=True, restored=True,
):  # fmt: skip
    training = model.training
    if evaluation:
        model.eval()
    mask = attention_mask if mask else torch.ones_like(attention_mask)
    written = torch.as_tensor(codes).reshape(-1, 1)
    with torch.set_grad_enabled(gradients):
        for _ in range(max_length):
            logits = model(
                input_ids=input_ids, attention_mask=mask, decoder_input_ids=written
            ).logits[:, place]
            chosen = torch.multinomial(logits.softmax(-1), 1) if sampled else logits.argmax(-1)
            written = torch.cat([written, chosen.reshape(-1, 1)], dim=1)
            if stop((written[:, 1:] == eos).any(dim=1)):
                break
    if restored:
        model.train(training)
    cut = cut or (lambda row, eos: row[: row.index(eos)] if eos in row else row)
    return [cut(row[1:], eos) for row in written.tolist()]


@wrong("greedy_decode", "Starts from <s>: no language is asked for.",
       zh="从 <s> 开始：没有指定语言。",
       caught_by="likeliest_tokens_from_its_own_code", errata=("E166",),
       step="Start row b from codes[b].", step_zh="第 b 行从 codes[b] 开始。")  # fmt: skip
def starts_from_bos(model, input_ids, attention_mask, codes, eos, max_length):
    return _decode(model, input_ids, attention_mask, [0] * len(codes), eos, max_length)


@wrong("greedy_decode", "Starts every sentence from the code of the first.",
       zh="每一句都从第一句的语言代码开始。", caught_by="likeliest_tokens_from_its_own_code",
       step="Start row b from codes[b].", step_zh="第 b 行从 codes[b] 开始。")  # fmt: skip
def first_code_for_all(model, input_ids, attention_mask, codes, eos, max_length):
    codes = [int(codes[0])] * len(codes)
    return _decode(model, input_ids, attention_mask, codes, eos, max_length)


@wrong("greedy_decode", "Returns the first sentence only.", zh="只返回了第一句。",
       caught_by="likeliest_tokens_from_its_own_code", errata=("E167",),
       step="One list for each row of the batch.", step_zh="批次的每一行都要有结果。")  # fmt: skip
def first_sentence_only(*given):
    return _decode(*given)[:1]


@wrong("greedy_decode", "Stops the whole batch as soon as one sentence ends.",
       zh="有一句结束，整批就停了。", caught_by="sentences_end_one_by_one",
       step="Go on until every row has ended.", step_zh="要等每一行都结束。")  # fmt: skip
def stops_with_the_first(*given):
    return _decode(*given, stop=torch.any)


@wrong("greedy_decode", "Leaves in what was written after the end.", zh="结束之后写的也留下了。",
       caught_by="sentences_end_one_by_one", step="Cut each row at its first eos.",
       step_zh="每行在第一个 eos 处截断。")  # fmt: skip
def writes_past_the_end(*given):
    return _decode(*given, cut=lambda row, eos: [token for token in row if token != eos])


@wrong("greedy_decode", "Leaves the end itself in the result.", zh="结果里留着 eos。",
       caught_by="sentences_end_one_by_one", step="Cut each row before its first eos.",
       step_zh="每行在第一个 eos 之前截断。")  # fmt: skip
def keeps_the_end(*given):
    return _decode(*given, cut=lambda row, eos: row[: row.index(eos) + 1] if eos in row else row)


@wrong("greedy_decode", "Leaves the mask out: padding of a neighbour's length decides.",
       zh="没有传掩码：邻居多长、填充多少，都会影响译文。", caught_by="neighbours_do_not_matter",
       errata=("E159",), step="Pass the attention mask.",
       step_zh="传入 attention_mask。")  # fmt: skip
def decodes_without_mask(*given):
    return _decode(*given, mask=False)


def _trace(calls, modes):
    return lambda seen: (
        seen["while decoding"] == calls and [look["modes after"] for look in seen["seen"]] == modes
    )


@wrong("greedy_decode", "Decodes in whatever mode the model is.", zh="没有切到评估模式就解码。",
       caught_by="mode_is_given_back",
       looks_like=_trace([[False, False], [True, False]], [[True], [False]]),
       step="Call model.eval() first.", step_zh="先调用 model.eval()。")  # fmt: skip
def decodes_in_training_mode(*given):
    return _decode(*given, evaluation=False)


@wrong("greedy_decode", "Leaves the model in one mode, whichever it came in.",
       zh="不管模型原来是什么模式，用完都停在同一种模式。", caught_by="mode_is_given_back",
       looks_like=lambda seen: seen["seen"][0]["modes after"] == seen["seen"][1]["modes after"],
       step="Restore model.training afterwards.", step_zh="用完还原 model.training。")  # fmt: skip
def keeps_evaluation_mode(*given):
    return _decode(*given, restored=False)


@wrong("greedy_decode", "Keeps gradients while it decodes.", zh="解码时仍在记录梯度。",
       caught_by="mode_is_given_back",
       looks_like=lambda seen: [False, True] in seen["while decoding"],
       step="Decode under torch.no_grad().", step_zh="在 torch.no_grad() 下解码。")  # fmt: skip
def keeps_gradients(*given):
    return _decode(*given, gradients=True)


# --- beam_search --------------------------------------------------------------------------


def _search(
    log_probs, code, eos, beams, max_length, length_penalty=1.0, *,
    length=lambda ids: len(ids) - 1, places=None, unfinished=True, final=None,
    stop=lambda finished, beams: False, ranked=0,
):  # fmt: skip
    live, finished = [([code], 0.0)], []
    for _ in range(max_length):
        rows = log_probs([ids for ids, _ in live]).tolist()
        children = []
        for (ids, total), row in zip(live, rows, strict=True):
            children += [([*ids, token], total + step) for token, step in enumerate(row)]
        children.sort(key=lambda child: -child[1])
        best = children if ranked is None else children[:beams]
        finished += [child for child in best if child[0][-1] == eos]
        live = [child for child in children[:places] if child[0][-1] != eos][:beams]
        if not live or stop(finished, beams):
            break
    score = final or (lambda ids, total: total / length(ids) ** length_penalty)
    pool = finished + live if unfinished else finished or live
    ids, total = max(pool, key=lambda child: score(*child))
    return (ids[1:-1] if ids[-1] == eos else ids[1:]), score(ids, total)


@wrong("beam_search", "Is greedy: only the best child lives on.", zh="其实是贪心：只留最好的一个。",
       caught_by="greed_does_not_win", step="Keep as many as there are beams.",
       step_zh="保留 beams 个。")  # fmt: skip
def only_one_beam(log_probs, code, eos, beams, *given, **options):
    return _search(log_probs, code, eos, 1, *given, places=1, **options)


@wrong("beam_search", "Compares plain sums: short sentences win.", zh="直接比较总和：短句占便宜。",
       caught_by="best_of_several_beams", step="Divide by the length to the power.",
       step_zh="除以长度的幂。")  # fmt: skip
def no_length_penalty(*given, **options):
    return _search(*given, final=lambda ids, total: total, **options)


@wrong("beam_search", "Counts the code in the length.", zh="长度里算上了语言代码。",
       caught_by="best_of_several_beams", step="Count the tokens after the code.",
       step_zh="只数语言代码之后的词元。")  # fmt: skip
def counts_the_code(*given, **options):
    return _search(*given, length=len, **options)


@wrong("beam_search", "Leaves eos out of the length.", zh="长度里没有算 eos。",
       caught_by="best_of_several_beams", step="eos counts.", step_zh="eos 也算一个。")  # fmt: skip
def end_does_not_count(log_probs, code, eos, *given, **options):
    def length(ids):
        return max(1, len(ids) - 1 - (ids[-1] == eos))

    return _search(log_probs, code, eos, *given, length=length, **options)


@wrong("beam_search", "Lets ended hypotheses keep their place: the beam narrows.",
       zh="已完成的候选占着名额，束越来越窄。", caught_by="ended_ones_take_no_place",
       step="Fill up with the next best that have not ended.",
       step_zh="用次好的未结束候选补足。")  # fmt: skip
def ended_ones_keep_a_place(log_probs, code, eos, beams, *given, **options):
    return _search(log_probs, code, eos, beams, *given, places=beams, **options)


@wrong("beam_search", "Counts every child that ends as finished, however far down it ranks.",
       zh="凡以 eos 结尾的后代都算完成，不管排在多后面。", caught_by="length_penalty_is_a_power",
       step="Only those among the `beams` best children are finished.",
       step_zh="只有排进前 beams 名的后代才算完成。")  # fmt: skip
def every_end_counts(*given, **options):
    return _search(*given, ranked=None, **options)


@wrong("beam_search", "Drops what has not ended at the last step.", zh="丢掉了最后仍未结束的候选。",
       caught_by="unfinished_ones_are_compared", step="Compare the live ones as well.",
       step_zh="存活的也要参加比较。")  # fmt: skip
def drops_the_unfinished(*given, **options):
    return _search(*given, unfinished=False, **options)


@wrong("beam_search", "Stops once as many have ended as there are beams, and misses better ones.",
       zh="完成的候选一够 beams 个就停，错过了后面更好的。",
       caught_by="ended_ones_take_no_place", step="Take all max_length steps.",
       step_zh="走满 max_length 步。")  # fmt: skip
def stops_early(*given, **options):
    return _search(*given, stop=lambda finished, beams: len(finished) >= beams, **options)


@wrong("beam_search", "Stops with the first hypothesis that ends, and misses better ones.",
       zh="有一个候选完成就停，错过了后面更好的。",
       caught_by="ended_ones_take_no_place", step="Take all max_length steps.",
       step_zh="走满 max_length 步。")  # fmt: skip
def stops_with_the_first_end(*given, **options):
    return _search(*given, stop=lambda finished, beams: finished, **options)


# --- corpus_scores ------------------------------------------------------------------------


def _grams(sequence, n):
    return Counter(tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1))


def _counts(hypotheses, references, n, clipped=True, pooled=False):
    matched = said = meant = 0
    pairs = [(_grams(a, n), _grams(b, n)) for a, b in zip(hypotheses, references, strict=True)]
    if pooled:
        pairs = [tuple(sum(side, Counter()) for side in zip(*pairs, strict=True))]
    for a, b in pairs:
        matched += sum((a & b).values()) if clipped else sum(a[g] for g in a if g in b)
        said += sum(a.values())
        meant += sum(b.values())
    return matched, said, meant


def _geometric(shares):
    return exp(sum(map(log, shares)) / len(shares))


def _bleu(
    hypotheses, references, *, clipped=True, brevity=True, mean=_geometric, pooled=False,
):  # fmt: skip
    shares = []
    for n in range(1, 5):
        matched, said, _ = _counts(hypotheses, references, n, clipped, pooled)
        shares.append(matched / said if said else 0)
    if min(shares) == 0:
        return 0.0
    h, r = (sum(map(len, side)) for side in (hypotheses, references))
    factor = exp(1 - r / h) if brevity and 0 < h < r else 1
    return 100 * factor * mean(shares)


@wrong("bleu", "Averages the sentences' BLEU instead of adding counts.",
       zh="对各句 BLEU 求平均，而不是累加计数。", caught_by="bleu_of_a_corpus",
       step="Add the counts of all sentences, then divide.",
       step_zh="先累加所有句子的计数，再相除。")  # fmt: skip
def mean_of_sentence_bleu(hypotheses, references):
    pairs = zip(hypotheses, references, strict=True)
    return sum(_bleu([one], [other]) for one, other in pairs) / len(hypotheses)


@wrong("bleu", "Does not clip: a repeated word is right every time.",
       zh="没有截断：重复的词每次都算对。", caught_by="repetition_earns_nothing",
       step="Match a gram no more often than its reference has it.",
       step_zh="匹配次数不超过参考中的次数。")  # fmt: skip
def never_clips(hypotheses, references):
    return _bleu(hypotheses, references, clipped=False)


@wrong("bleu", "Leaves the brevity penalty out.", zh="漏了长度惩罚。",
       caught_by="brevity_is_penalised", step="Multiply by exp(1 - r/h) where h < r.",
       step_zh="h < r 时乘以 exp(1 - r/h)。")  # fmt: skip
def no_brevity(hypotheses, references):
    return _bleu(hypotheses, references, brevity=False)


@wrong("bleu", "Averages the four shares instead of taking their geometric mean.",
       zh="对四个比例取了算术平均，而不是几何平均。", caught_by="bleu_of_a_corpus",
       step="The fourth root of their product.", step_zh="四个比例相乘，再开四次方。")  # fmt: skip
def arithmetic_mean(hypotheses, references):
    return _bleu(hypotheses, references, mean=lambda shares: sum(shares) / len(shares))


@wrong("bleu", "Pools all references: a gram may be matched in another sentence's.",
       zh="把所有参考混在一起：n-gram 会在别的句子的参考里匹配上。",
       caught_by="repetition_earns_nothing", step="Clip by the sentence's own reference.",
       step_zh="按自己那句参考截断。")  # fmt: skip
def pools_the_references(hypotheses, references):
    return _bleu(hypotheses, references, pooled=True)


@wrong("bleu", "Smooths orders without a match.", zh="对没有匹配的阶做了平滑。",
       caught_by="ends_of_bleu", step="No smoothing is asked for here: 0.",
       step_zh="这里不平滑：记 0。")  # fmt: skip
def smooths(hypotheses, references):
    said, meant = ([" ".join(tokens) for tokens in side] for side in (hypotheses, references))
    return sacrebleu.corpus_bleu(said, [meant], tokenize="none", use_effective_order=True).score


def _chrf(hypotheses, references, *, beta=2.0, highest=6, spaces=False, absent=False):
    if not spaces:
        hypotheses, references = (["".join(t.split()) for t in side]
                                  for side in (hypotheses, references))  # fmt: skip
    found = [_counts(hypotheses, references, n) for n in range(1, highest + 1)]
    found = [c for c in found if absent or (c[1] and c[2])]
    precision = sum(m / s if s else 0 for m, s, _ in found) / max(1, len(found))
    recall = sum(m / t if t else 0 for m, _, t in found) / max(1, len(found))
    if precision + recall == 0:
        return 0.0
    return 100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


@wrong("chrf", "Weighs precision and recall alike.", zh="精确率和召回率的权重相同。",
       caught_by="chrf_of_a_corpus", step="beta is 2.", step_zh="beta 为 2。")  # fmt: skip
def beta_one(hypotheses, references):
    return _chrf(hypotheses, references, beta=1.0)


@wrong("chrf", "Counts white space, or some kind of it, as characters.",
       zh="把空白（或其中某一种）也算成字符。", caught_by="white_space_does_not_count",
       looks_like=lambda seen: max(seen) - min(seen) > 0.01,
       step="Remove all white space first: tabs, line breaks and wide spaces too.",
       step_zh="先去掉所有空白：制表符、换行、全角空格也算。")  # fmt: skip
def counts_spaces(hypotheses, references):
    return _chrf(hypotheses, references, spaces=True)


@wrong("chrf", "Weighs precision twice as much as recall: β stands on the wrong side, or "
       "hypotheses and references do.",
       zh="精确率的权重成了召回率的两倍：β 放错了边，或者译文和参考弄反了。",
       caught_by="chrf_of_a_corpus", step="β² multiplies P in the denominator.",
       step_zh="分母里 β² 乘的是 P。")  # fmt: skip
def beta_on_the_wrong_side(hypotheses, references):
    return _chrf(references, hypotheses)


@wrong("chrf", "Averages the sentences' chrF instead of adding counts.",
       zh="对各句 chrF 求平均，而不是累加计数。", caught_by="chrf_of_a_corpus",
       step="Add the counts of all sentences, then divide.",
       step_zh="先累加所有句子的计数，再相除。")  # fmt: skip
def mean_of_sentence_chrf(hypotheses, references):
    pairs = zip(hypotheses, references, strict=True)
    return sum(_chrf([one], [other]) for one, other in pairs) / len(hypotheses)


@wrong("chrf", "Averages an F of each order, not P and R.",
       zh="先算每一阶的 F 再平均，而不是先平均 P 和 R。", caught_by="chrf_of_a_corpus",
       step="Average P and R over the orders first.",
       step_zh="先对各阶的 P、R 取平均。")  # fmt: skip
def mean_of_orders(hypotheses, references):
    said, meant = (["".join(t.split()) for t in side] for side in (hypotheses, references))
    found = [_counts(said, meant, n) for n in range(1, 7)]
    # 5 P R / (4 P + R) of one order, both shares having the same numerator
    scores = [5 * m / (4 * t + s) for m, s, t in found if s and t]
    return 100 * sum(scores) / max(1, len(scores))


@wrong("chrf", "Counts orders that a short text does not have as 0.",
       zh="短文本没有的阶也当 0 平均进去。",
       caught_by="short_texts_have_a_chrf", step="Average over the orders that both sides have.",
       step_zh="只对双方都有的阶取平均。")  # fmt: skip
def absent_orders_count(hypotheses, references):
    return _chrf(hypotheses, references, absent=True)


# --- train --------------------------------------------------------------------------------


def _train(
    model, batches, rate, pad, *, kind=torch.optim.AdamW, loss_of=None, scheduled=True,
    clipped=True, cleared=True, steps=None, evaluation=True, after=False,
):  # fmt: skip
    optimizer = kind(model.parameters(), lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=len(batches) + 1, pct_start=0.15, cycle_momentum=False
    )
    losses = []
    model.train()
    for batch in batches[:steps]:
        loss = (loss_of or _right_loss)(model, batch, pad)
        if cleared:
            optimizer.zero_grad()
        loss.backward()
        if clipped:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if not scheduled:
            optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        schedule.step()
        losses.append(_right_loss(model, batch, pad).item() if after else loss.item())
    model.train(not evaluation)
    return losses


def _right_loss(model, batch, pad):
    return _loss(_logits(model, batch, pad), batch["labels"])


_ASKED = {"kind": "AdamW", "beta": 0.98, "decay": [0.01]}


@wrong("train", "Returns the losses after the steps.", zh="返回的是更新之后的损失。",
       caught_by="one_loss_for_each_batch", step="Keep the loss that you go backward from.",
       step_zh="记下用来反向传播的那个损失。")  # fmt: skip
def losses_after_the_steps(*given):
    return _train(*given, after=True)


@wrong("train", "Returns fewer losses than it takes steps.", zh="返回的损失比走的步数少。",
       caught_by="one_loss_for_each_batch",
       looks_like=lambda seen: len(seen["losses"]) <= seen["steps"] == 3,
       step="One loss for each step, not their mean.",
       step_zh="每步一个损失，不要取平均。")  # fmt: skip
def one_loss_for_all(*given):
    losses = _train(*given)
    return [sum(losses) / len(losses)]


@wrong("train", "Never clears the gradient.",
       zh="没有清零梯度。", caught_by="gradients_are_clipped",
       step="Clear before going backward.", step_zh="反向传播前清零。")  # fmt: skip
def never_clears(*given):
    return _train(*given, cleared=False)


@wrong("train", "Steps are taken with a gradient whose norm is above 1.",
       zh="更新时梯度的范数超过了 1。", caught_by="gradients_are_clipped",
       looks_like=lambda seen: max(seen[0]) > 1.01,
       step="Clip the norm of all together (clip_grad_norm_), between backward and step.",
       step_zh="在反向和更新之间，裁剪全部梯度合起来的范数（clip_grad_norm_）。")  # fmt: skip
def never_clips_gradients(*given):
    return _train(*given, clipped=False)


@wrong("train", "Keeps the rate constant: no warm-up, no end.",
       zh="学习率恒定：没有预热，也不下降。",
       caught_by="rate_rises_and_falls", errata=("E164",),
       looks_like=lambda seen: max(seen["rates"]) - min(seen["rates"]) < 1e-6,
       step="Raise it over the first 15% and let it fall.",
       step_zh="前 15% 升上去，再降下来。")  # fmt: skip
def constant_rate(*given):
    return _train(*given, scheduled=False)


@wrong("train", "Takes another optimizer than AdamW with betas (0.9, 0.98) and its own decay.",
       zh="优化器不对：要的是 AdamW，betas 为 (0.9, 0.98)，权重衰减用默认值。",
       caught_by="everything_is_trained", errata=("E164",),
       looks_like=lambda seen: seen["optimizer"] != _ASKED,
       step="torch.optim.AdamW(…, betas=(0.9, 0.98)), and no more.",
       step_zh="torch.optim.AdamW(…, betas=(0.9, 0.98))，其余不动。")  # fmt: skip
def plain_adam(*given):
    return _train(*given, kind=torch.optim.Adam)


@wrong("train", "Returns in the first round of the loop: one step, and the rest is never seen.",
       zh="循环第一轮就 return 了：只走了一步，后面的批次都没用上。",
       caught_by="unseen_numbers_are_translated",
       looks_like=lambda seen: seen["losses"] == 1, step="Return after the loop.",
       step_zh="循环结束之后再 return。")  # fmt: skip
def returns_in_the_loop(*given):
    return _train(*given, steps=1)


@wrong("train", "Leaves the model in training mode.", zh="训练完没有切到评估模式。",
       caught_by="everything_is_trained", step="Call eval() at the end.",
       step_zh="最后调用 eval()。")  # fmt: skip
def stays_in_training(*given):
    return _train(*given, evaluation=False)


# --- mended_program -----------------------------------------------------------------------

WORDS = vocabulary()
PLACE = {token: number for number, token in enumerate(WORDS)}


def _batch_of(pairs, **faults):
    def ids(text, language):
        return [PLACE[token] for token in tokenize(text, language)]

    triples = [
        (ids(p.source, "en_XX"), ids(p.target, p.language), PLACE[p.language]) for p in pairs
    ]
    return _collate(triples, PLACE["en_XX"], 1, 2, **faults)


def _program(
    model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3,
    *, batches=None, loss_of=None, start=None, sampled=False, on_ids=False, cut=None,
    take=None, spoken=None,
):  # fmt: skip
    starts = range(0, len(train_pairs), batch_size)
    parts = [_batch_of(train_pairs[i : i + batch_size], **(batches or {})) for i in starts]
    losses = _train(model, parts, learning_rate, 1, loss_of=loss_of) if parts else []
    given, language = _batch_of(test_pairs), test_pairs[0].language
    codes = [start if start is not None else PLACE[language]] * len(test_pairs)
    rows = _decode(
        model, given["input_ids"], given["attention_mask"], codes, 2, 16, sampled=sampled
    )[:take]
    texts = [detokenize([WORDS[k] for k in row], spoken or language) for row in rows]
    meant = [pair.target for pair in test_pairs[:take]]
    if on_ids:
        # Start and end among them, as they come out of the model.
        said = [" ".join(map(str, [*codes[:1], *row, 2])) for row in rows]
        meant = [[PLACE[token] for token in tokenize(text, language)] for text in meant]
        meant = [" ".join(map(str, [*codes[:1], *row, 2])) for row in meant]
        score = sacrebleu.corpus_bleu(said, [meant])
    else:
        cut = cut or {"zh_CN": "zh", "fr_XX": "13a"}[language]
        score = sacrebleu.corpus_bleu(texts, [meant], tokenize=cut)
    return {"losses": losses, "texts": texts, "bleu": score.score}


@wrong("mended_program", "Still learns to copy the source.", zh="学的仍是抄写源句。",
       caught_by="losses_of_the_targets", errata=("E158",), step="Labels come from pair.target.",
       step_zh="标签要取自 pair.target。")  # fmt: skip
def still_copies(*given, **options):
    return _program(*given, **options, batches={"target": lambda source, target: source})


@wrong("mended_program", "Still learns padding like a word.", zh="填充仍被当成词来学。",
       caught_by="losses_of_the_targets", errata=("E161",), step="−100 in the labels.",
       step_zh="标签的填充用 −100。")  # fmt: skip
def still_learns_padding(*given, **options):
    return _program(*given, **options, loss_of=counts_padding)


@wrong("mended_program", "Still marks no target language in training.",
       zh="训练时仍然没有目标语言代码。", caught_by="losses_of_the_targets", errata=("E160",),
       step="Targets end with eos and their code.",
       step_zh="目标句以 eos 和语言代码收尾。")  # fmt: skip
def still_no_language(*given, **options):
    return _program(*given, **options, batches={"ending": lambda ids, code: [*ids, 2]})


@wrong("mended_program", "Still leaves the mask out in training.", zh="训练时仍然没有掩码。",
       caught_by="losses_of_the_targets", errata=("E159",), step="Pass the attention mask.",
       step_zh="传入 attention_mask。")  # fmt: skip
def still_no_mask(*given, **options):
    return _program(*given, **options, loss_of=no_mask)


@wrong("mended_program", "Still draws translations at random.", zh="译文仍是随机采样的。",
       caught_by="texts_of_all_test_pairs",
       looks_like=lambda seen: not seen["the same again"],
       step="Greedy: do_sample=False.", step_zh="用贪心：do_sample=False。")  # fmt: skip
def still_samples(*given, **options):
    return _program(*given, **options, sampled=True)


@wrong("mended_program", "Still asks for no language when it translates.",
       zh="翻译时仍然没有指定目标语言。", caught_by="texts_of_all_test_pairs", errata=("E166",),
       step="Start the decoder from the code of the language.",
       step_zh="解码器从语言代码开始。")  # fmt: skip
def still_starts_from_bos(*given, **options):
    return _program(*given, **options, start=0)


@wrong("mended_program", "Joins Chinese characters as if they were English words.",
       zh="把汉字像英文单词那样用空格连起来。", caught_by="texts_of_all_test_pairs",
       step="Turn ids into the text of the target language.",
       step_zh="按目标语言把 id 变回文本。")  # fmt: skip
def still_english_texts(*given, **options):
    return _program(*given, **options, spoken="en_XX")


@wrong("mended_program", "Still counts BLEU on ids.", zh="BLEU 仍在 id 上计算。",
       caught_by="bleu_of_the_texts", step="Score texts.",
       step_zh="在文本上打分。")  # fmt: skip
def still_scores_ids(*given, **options):
    return _program(*given, **options, on_ids=True)


@wrong("mended_program", "Gives sacrebleu a list of references for each text, not one for all.",
       zh="给 sacrebleu 的参考按句分成了列表；它要的是每套参考一个列表。",
       caught_by="bleu_of_the_texts", step="One list holds the references of all texts: [[…]].",
       step_zh="一个列表装下所有句子的参考：[[…]]。")  # fmt: skip
def references_one_by_one(*given, **options):
    seen = _program(*given, **options)
    language = given[2][0].language
    score = sacrebleu.corpus_bleu(
        seen["texts"], [[pair.target] for pair in given[2]],
        tokenize={"zh_CN": "zh", "fr_XX": "13a"}[language],
    )  # fmt: skip
    return {**seen, "bleu": score.score}


@wrong("mended_program", "Cuts Chinese texts as if there were spaces between words.",
       zh="中文也按空格切词来算 BLEU。", caught_by="bleu_of_the_texts",
       step="tokenize=\"zh\" for Chinese.", step_zh="中文要用 tokenize=\"zh\"。")  # fmt: skip
def default_tokenizer(*given, **options):
    return _program(*given, **options, cut="13a")


@wrong("mended_program", "Forgets to train.", zh="忘了训练。", caught_by="program_learns",
       looks_like=lambda seen: abs(seen["losses"][-1] - seen["losses"][0]) < 1e-3,
       step="Take an optimizer's step for each batch.",
       step_zh="每个批次都要让优化器走一步。")  # fmt: skip
def forgets_to_train(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    return _program(model, train_pairs, test_pairs, batch_size, 1e-12)
