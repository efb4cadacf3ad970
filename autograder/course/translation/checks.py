"""Probes for `translation`: random sentences, a tiny mBART with random weights, number words."""

import copy

from autograder.checks import Tolerance, check, fixture, outcome_of, that
from autograder.probes import are_whole, arguments_kept, in_modes, moved, state_of

from .instruments import (
    BOTH,
    EOS,
    PAD,
    Steps,
    V,
    bare,
    batch_of,
    bleu_of,
    drawn,
    greedy_texts,
    meant,
    norms,
    prone,
    random_pairs,
    share_right,
    speaking,
    study,
    table,
    tiny_mbart,
    triples,
    unless_yours,
    worded,
    words,
    your_texts,
)

# Losses and gradients of a float32 network; the nearest misconception is off by 1 % and more.
LOSS = Tolerance(absolute=1e-4, relative=2e-4)
SCORE = Tolerance(absolute=1e-6, relative=2e-5)  # sums of log-probabilities, maybe in float32
POINTS = 1e-3  # BLEU and chrF, out of 100

# benchmarks/spread/translated.py measures it: 220 steps of 64 translate nearly all test numbers
# into either language; the nearest mistake that training can show stays far below.
STEPS, BATCH, RATE = 220, 64, 5e-3
TAUGHT = 0.9


@fixture
def mbart(torch_rng):
    """A tiny mBART of 24 tokens whose opinions are strong and worth nothing."""
    return tiny_mbart(V, 32, 0.35, wild=True)


@fixture
def examples(rng):
    """Five pairs, the first with a longer source and the last with a still longer target."""
    some = random_pairs(rng, 5)
    source, target = (rng.integers(3, 20, n).tolist() for n in (9, 12))
    return [(source, *some[0][1:]), *some[1:4], (some[4][0], target, some[4][2])]


@fixture
def batch(examples):
    """The same as tensors."""
    return batch_of(examples)


# --- collate ------------------------------------------------------------------------------


def _plain(made):
    return {name: made[name].tolist() for name in ("input_ids", "attention_mask", "labels")}


@check("Sources end with eos and their language, and are padded at the end with pad.",
       zh="源句以 eos 和语言代码收尾，末尾用 pad 补齐。", close=0)  # fmt: skip
def sources_end_with_their_language(collate, examples):
    return _plain(collate(examples, 20, PAD, EOS))["input_ids"]


@check("Each target ends with eos and its own language.",
       zh="每个目标句以 eos 和它自己的语言代码收尾。", close=0)  # fmt: skip
def targets_end_with_their_own_language(collate, rng):
    target = rng.integers(3, 20, 4).tolist()
    pairs = [(rng.integers(3, 20, 3).tolist(), target, code) for code in (21, 23, 22)]
    return _plain(collate(pairs, 20, PAD, EOS))["labels"]


@check("Padding of the labels is −100, and each side is as long as its own longest row.",
       zh="标签的填充是 −100，两边各自只补到自己最长的一行。", close=0)  # fmt: skip
def padding_of_labels_is_left_out(collate, examples):
    # Without the last, the sources are the longer side.
    return [_plain(collate(pairs, 20, PAD, EOS))["labels"] for pairs in (examples, examples[:4])]


@check("The mask is 1 on all that is real, eos and language included, and 0 on padding.",
       zh="掩码在真实内容上为 1（包括 eos 和语言代码），在填充上为 0。", close=0)  # fmt: skip
def mask_hides_padding_only(collate, rng):
    pairs = [(rng.integers(3, 20, n).tolist(), [3], 21) for n in rng.permutation(range(1, 40, 3))]
    mask = _plain(collate(pairs, 20, PAD, EOS))["attention_mask"]
    return {
        "ones": [row.count(1) for row in mask],
        "zeros after them": all(row == sorted(row, reverse=True) for row in mask),
        "nothing else": sorted({value for row in mask for value in row}),
    }


@check("Ids of padding, end and languages are those that are given; the tensors are int64.",
       zh="填充、句末、语言的 id 以传入的为准；张量为 int64。", close=0)  # fmt: skip
def ids_are_those_given(collate, examples):
    made = collate(examples, 22, 0, 19)
    return {"types": sorted({str(tensor.dtype) for tensor in made.values()}), **_plain(made)}


@check("One pair makes a batch, and the lists that come in stay as they were.",
       zh="只有一对也能成批，传入的列表不被改动。", close=0)  # fmt: skip
def lists_stay_as_they_were(collate, examples):
    seen = arguments_kept(collate, examples[:1], 20, PAD, EOS)
    return {"changed": seen["changed"], **_plain(seen["returned"])}


# --- shift_tokens_right -------------------------------------------------------------------


def _rows(shifted):
    return shifted.tolist() if hasattr(shifted, "tolist") else shifted


@check("Without padding, the last label of a row comes first and the others follow.",
       zh="没有填充时，一行的最后一个标签移到最前，其余依次跟上。", close=0)  # fmt: skip
def last_label_comes_first(shift_tokens_right, rng):
    import torch

    return _rows(shift_tokens_right(torch.from_numpy(rng.integers(3, 24, (3, 6))), PAD))


@check(
       "In a padded row the last real label comes first; after what is real is pad, never −100.",
       zh="有填充的行，最后一个真实标签移到最前；真实内容之后是 pad，不出现 −100。", close=0,
       weight=2)  # fmt: skip
def padded_rows_start_with_their_language(shift_tokens_right, rng):
    import torch

    labels = torch.from_numpy(rng.integers(100, 9999, (7, 9)))
    for row, length in zip(labels, (9, 2, 7, 5, 3, 8, 6), strict=True):
        row[length:] = -100
    return _rows(shift_tokens_right(labels, 0))


@check("The labels stay as they were, and the result is whole numbers of the same shape.",
       zh="标签不被改动，结果是同样形状的整数。", close=0)  # fmt: skip
def labels_stay_as_they_were(shift_tokens_right, batch):
    seen = arguments_kept(shift_tokens_right, batch["labels"], PAD)
    read = _rows(seen["returned"])
    return {
        "changed": seen["changed"],
        "whole": are_whole(read),
        "rows": [len(row) for row in read],
        "first": [row[0] for row in read],
    }


# --- teacher_forced_loss ------------------------------------------------------------------


@check(
       "It is the mean cross entropy of all real labels, given the source and those before.",
       zh="它是每个真实标签在给定源句和前文时交叉熵的平均。", close=LOSS,
       rests_on=("shift_tokens_right",))  # fmt: skip
def loss_of_full_rows(teacher_forced_loss, mbart, rng):
    import torch

    shape = {"input_ids": (4, 6), "labels": (4, 5)}
    full = {name: torch.from_numpy(rng.integers(3, 24, size)) for name, size in shape.items()}
    full["attention_mask"] = torch.ones_like(full["input_ids"])
    return float(teacher_forced_loss(bare(mbart), full, PAD).detach())


@check(
       "Padding counts neither in the loss nor in the number of labels; all labels count alike.",
       zh="填充既不计入损失也不计入标签个数，每个标签的权重相同。", close=LOSS,
       rests_on=("shift_tokens_right",))  # fmt: skip
def padding_costs_nothing(teacher_forced_loss, mbart, batch):
    return float(teacher_forced_loss(bare(mbart), batch, PAD).detach())


@check("More padding on either side changes nothing.", zh="两边再多填充一些，结果不变。",
       close=LOSS, rests_on=("shift_tokens_right",))  # fmt: skip
def more_padding_changes_nothing(teacher_forced_loss, mbart, batch):
    from torch.nn.functional import pad

    fill = {"input_ids": PAD, "attention_mask": 0, "labels": -100}
    losses = {}
    for side, source, target in (("sources", 4, 0), ("targets", 0, 3), ("both", 2, 5)):
        by = {"input_ids": source, "attention_mask": source, "labels": target}
        wider = {name: pad(batch[name], (0, by[name]), value=fill[name]) for name in fill}
        losses[side] = float(teacher_forced_loss(bare(mbart), wider, PAD).detach())
    return losses


@check("One pass, in the mode in which the model is; gradients flow from a scalar.",
       zh="只前向一次，模型的模式不变；结果是标量，梯度可以回传。", close=LOSS,
       rests_on=("shift_tokens_right",))  # fmt: skip
def gradients_flow(teacher_forced_loss, mbart, batch):
    found = []
    for mode in (True, False):
        door = bare(mbart).train(mode)
        mbart.zero_grad()
        loss = teacher_forced_loss(door, batch, PAD)
        loss.backward()
        found.append({
            "shape": list(loss.shape),
            "passes": len(door.calls),
            "modes after": sorted({part.training for part in door.modules()}),
            "gradient": float(mbart.lm_head.weight.grad.norm()),
        })  # fmt: skip
    return found


# --- greedy_decode ------------------------------------------------------------------------


def _lists(rows):
    return [[int(number) for number in row] for row in rows]


def _greedy(greedy_decode, model, batch, codes, eos=EOS, length=9):
    return _lists(
        greedy_decode(model, batch["input_ids"], batch["attention_mask"], codes, eos, length)
    )


@check(
       "Each sentence gets the likeliest tokens, one by one, from its own language code on.",
       zh="每一句都从自己的语言代码开始，逐个写出概率最大的词元。", close=0)  # fmt: skip
def likeliest_tokens_from_its_own_code(greedy_decode, mbart, batch):
    import torch

    codes = [23, 21, 22, 21, 22]
    return [_greedy(greedy_decode, bare(mbart), batch, given)
            for given in (codes, torch.tensor(codes[::-1]))]  # fmt: skip


@check("A sentence ends at eos, which is left out, while the others go on.",
       zh="一句遇到 eos 就结束，结果不含 eos，其他句子继续写。", close=0)  # fmt: skip
def sentences_end_one_by_one(greedy_decode, mbart, rng):
    batch = batch_of(random_pairs(rng, 12))
    return _greedy(greedy_decode, prone(mbart, EOS, 1.5), batch, [21, 22, 23] * 4)


@check("The end is the id that is given, and no more than max_length tokens are written.",
       zh="结束标记以传入的 id 为准；最多写 max_length 个词元。", close=0)  # fmt: skip
def length_has_a_limit(greedy_decode, mbart, batch):
    long = [_greedy(greedy_decode, prone(mbart, EOS, -99.0), batch, [21] * 5, length=n)
            for n in (1, 4)]  # fmt: skip
    other = _greedy(greedy_decode, prone(mbart, 7, 4.0), batch, [21] * 5, eos=7, length=9)
    return {"long": long, "with another end": other}


@check("A sentence comes out the same alone and beside longer ones.",
       zh="一句话单独翻译，和与更长的句子放在一起，结果相同。", close=0)  # fmt: skip
def neighbours_do_not_matter(greedy_decode, mbart, rng):
    pairs = [(rng.integers(3, 20, n).tolist(), [3], 21) for n in (2, 9, 3, 2, 3)]
    return _greedy(greedy_decode, bare(mbart), batch_of(pairs), [21, 22, 23, 22, 21], length=7)


@that("the same in both modes, decoded in evaluation mode, without gradients, the mode as it was",
      zh="两种模式下结果相同，解码时处于评估模式、不记录梯度，模式还原")  # fmt: skip
def _leaves_no_trace(seen, reference):
    return seen["seen"] == reference["seen"] and seen["while decoding"] in ([[False, False]], [])


@check("It decodes in evaluation mode without gradients, and gives the mode back.",
       zh="在评估模式下解码、不记录梯度，用完还原模式。", expect=_leaves_no_trace)  # fmt: skip
def mode_is_given_back(greedy_decode, mbart, batch):
    door = bare(mbart)
    seen = in_modes(door, lambda: _greedy(greedy_decode, door, batch, [22] * 5, length=3))
    return {"seen": seen, "while decoding": [list(call) for call in sorted(set(door.calls))]}


# --- beam_search --------------------------------------------------------------------------


def _searched(beam_search, *arguments, **options):
    ids, score = beam_search(*arguments, **options)
    return {"ids": [int(number) for number in ids], "score": float(score)}


@check("The best hypothesis of several beams, and its score per token.",
       zh="多条束中最好的候选，以及按词元平均的分数。", close=SCORE, weight=2)  # fmt: skip
def best_of_several_beams(beam_search, rng):
    return [_searched(beam_search, table(rng), 5, 2, beams, 6)
            for beams in (2, 3, 4) for _ in range(6)]  # fmt: skip


@check("length_penalty is the power of the length by which the sum is divided.",
       zh="length_penalty 是长度的幂次，用它去除对数概率之和。", close=SCORE)  # fmt: skip
def length_penalty_is_a_power(beam_search, rng):
    return [_searched(beam_search, table(rng), 4, 1, 3, 6, length_penalty=power)
            for power in (0.0, 0.5, 2.0) for _ in range(4)]  # fmt: skip


@check("A bolder start that leads nowhere loses against a shyer one that goes on well.",
       zh="开头概率大却没有好接续的，输给开头概率小而后面顺利的。", close=SCORE)  # fmt: skip
def greed_does_not_win(beam_search, rng):
    import torch

    a, b, end = (int(token) for token in rng.permutation(6)[:3])
    bold = float(rng.uniform(0.5, 0.55))

    def log_probs(prefixes):
        shares = torch.full((len(prefixes), 8), 0.01, dtype=torch.float64)
        for row, prefix in zip(shares, prefixes, strict=True):
            if len(prefix) == 1:
                row[a], row[b] = bold, 0.9 - bold
            elif prefix[1] == b:
                row[end] = 0.93
            else:
                row[:] = 0.125
        return (shares / shares.sum(dim=1, keepdim=True)).log()

    return _searched(beam_search, log_probs, 7, end, 2, 4)


@check("A hypothesis that has ended takes no place from those that go on.",
       zh="已完成的候选不占存活候选的名额。", close=SCORE)  # fmt: skip
def ended_ones_take_no_place(beam_search, rng):
    found = []
    for _ in range(5):
        eager = table(rng, spread=1.0, lean=lambda length: 1.2 if length < 4 else 3.0)
        found.append(_searched(beam_search, eager, 5, 2, 2, 7, length_penalty=1.5))
    return found


@check("What has not ended after max_length steps is compared as well.",
       zh="max_length 步之后仍未结束的候选也参加比较。", close=SCORE)  # fmt: skip
def unfinished_ones_are_compared(beam_search, rng):
    found = []
    for bias in (-1.0, -2.0, -9.0):
        loath = table(rng, lean=lambda _, bias=bias: bias)
        found += [_searched(beam_search, loath, 5, 2, 3, steps) for steps in (1, 3, 5)]
    return found


# --- corpus_scores ------------------------------------------------------------------------


def _corpus(rng, sentences=6, words=9, shortest=5):
    """References, and hypotheses made of them by changing, losing and repeating words."""
    meant, said = [], []
    for _ in range(sentences):
        tokens = [f"w{k}" for k in rng.integers(0, words, rng.integers(shortest, 15))]
        heard = [t if rng.random() > 0.15 else "w1" for t in tokens if rng.random() > 0.1]
        meant.append(tokens)
        said.append(heard + heard[-1:] * int(rng.integers(0, 3)))
    return said, meant


@check("BLEU of a corpus: clipped n-grams up to four, their counts added over all sentences.",
       zh="语料级 BLEU：截断的 1 到 4 元组，计数在所有句子上累加。", close=POINTS)  # fmt: skip
def bleu_of_a_corpus(bleu, rng):
    return [bleu(*_corpus(rng)) for _ in range(4)]


@check("What is too short is penalised, for the corpus as a whole; what is too long is not.",
       zh="偏短要受罚，按整个语料计算；偏长不罚。", close=POINTS)  # fmt: skip
def brevity_is_penalised(bleu, rng):
    said, meant = _corpus(rng, shortest=8)
    short = [tokens[: len(tokens) * 3 // 4] for tokens in meant]
    mixed = [t[: len(t) - 2] if i % 2 else t * 2 for i, t in enumerate(meant)]
    return [bleu(rows, meant) for rows in (short, mixed, [t + t[:2] for t in meant], said)]


@check("A word is matched no more often than its own reference has it.",
       zh="一个词匹配的次数，不超过它在自己那句参考里出现的次数。", close=POINTS)  # fmt: skip
def repetition_earns_nothing(bleu, rng):
    _, meant = _corpus(rng, sentences=4, words=4)
    repeated = [tokens[:5] * 3 for tokens in meant]
    return [bleu(repeated, meant), bleu(meant[1:] + meant[:1], meant)]


@check(
       "BLEU is 100 for the references themselves, 0 where an order has no match or no n-grams.",
       zh="译文就是参考时 BLEU 为 100；某一阶没有匹配或没有 n-gram 可数时为 0。",
       close=POINTS)  # fmt: skip
def ends_of_bleu(bleu, rng):
    _, meant = _corpus(rng)
    three = [tokens[:3] for tokens in meant]
    partly = [three[:n] + [tokens[1:4] for tokens in meant[n:]] for n in (2, 3, 4, 5)]
    backwards = [[f"w{k}" for k in range(9)][::-1]]
    short = [bleu(rows, three) for rows in (three, *partly)]  # no n-grams of four
    return [bleu(meant, meant), *short, bleu(backwards, [backwards[0][::-1]])]


_WORDS = ("deux", "cent", "vingt", "soixante", "dix", "quatre", "mille", "七", "百零五")


def _texts(rng, sentences=6):
    said, meant = _corpus(rng, sentences)
    return [[" ".join(_WORDS[int(t[1:])] for t in row) for row in side] for side in (said, meant)]


@check("chrF of a corpus: character n-grams up to six, recall counting twice as much as precision.",
       zh="语料级 chrF：1 到 6 元的字符组，召回率的权重是精确率的两倍。", close=POINTS)  # fmt: skip
def chrf_of_a_corpus(chrf, rng):
    said, meant = _texts(rng)
    return [chrf(said, meant), chrf(meant, said), chrf(said[:3], [text[:20] for text in meant[:3]])]


@check("White space does not count in chrF.", zh="chrF 不计空白。", close=POINTS)  # fmt: skip
def white_space_does_not_count(chrf, rng):
    said, meant = _texts(rng, 3)
    return [chrf([space.join(text.split()) + space for text in said], meant)
            for space in ("", " ", "\t", "\n ", "\u3000")]  # fmt: skip


@check("Short texts count the orders that both sides have; no match at all gives 0.",
       zh="文本很短时，只算双方都有的阶数；完全没有匹配得 0。", close=POINTS)  # fmt: skip
def short_texts_have_a_chrf(chrf, rng):
    number = "".join(rng.choice(list("一二三四五六七八九"), 4, replace=False))
    said = (number[:3], number[:2] + "零", "零", number)
    return [chrf([text], [number]) for text in said]


# --- train --------------------------------------------------------------------------------


def _few(rng, number=3):
    return [batch_of(random_pairs(rng, 4)) for _ in range(number)]


@check("One step for each batch, in their order; the losses are those before each step.",
       zh="每个批次按顺序走一步；返回的是每步更新之前的损失。", close=LOSS)  # fmt: skip
def one_loss_for_each_batch(train, teacher_forced_loss, mbart, rng):
    batches, other = _few(rng), copy.deepcopy(mbart)
    with Steps() as steps:
        losses = train(mbart, batches, 1e-9, PAD)
    # At a great rate the first step changes much, and the loss before it is known.
    seen = [float(loss) for loss in (*losses, *train(other, batches, 0.5, PAD)[:1])]
    asked = [*batches, batches[0]]
    losses = unless_yours(
        seen, lambda: [float(teacher_forced_loss(mbart, batch, PAD)) for batch in asked],
        [float(mbart(**batch).loss) for batch in asked],
    )  # fmt: skip
    return {"losses": losses, "steps": len(steps.rates)}


@check("The gradient is clipped to a norm of 1, and nothing of the step before is left in it.",
       zh="梯度范数裁剪到 1，不含上一步的残留。",
       close=Tolerance(absolute=1e-6, relative=1e-3))  # fmt: skip
def gradients_are_clipped(train, teacher_forced_loss, mbart, rng):
    import torch

    # Strong opinions make gradients larger than 1, and a quiet last layer smaller ones.
    with Steps() as loud:
        train(mbart, _few(rng, 2), 1e-9, PAD)
    batches, quiet = _few(rng), tiny_mbart(V, 32, 0.002)
    torch.nn.init.constant_(quiet.model.decoder.layer_norm.weight, 0.001)
    with Steps() as soft:
        train(quiet, batches, 1e-9, PAD)
    alone = unless_yours(
        soft.norms, lambda: norms(quiet, teacher_forced_loss, batches),
        norms(quiet, lambda model, batch, _: model(**batch).loss, batches),
    )  # fmt: skip
    return [loud.norms, alone]


@that("up to the learning rate over 15% of the steps, then down", zh="前 15% 升到学习率，随后下降")
def _rises_and_falls(seen):
    rates, peak = seen["rates"], max(seen["rates"])
    top = rates.index(peak)
    rising = rates[: top + 1] == sorted(rates[: top + 1])
    falling = rates[top:] == sorted(rates[top:], reverse=True)
    return (
        len(rates) == 40 and 4 <= top <= 9 and 0.9 <= peak <= 1.0001 and rising and falling
        and rates[0] < 0.1 and rates[-1] < 0.1
    )  # fmt: skip


@check(
       "The rate rises over the first 15% of the steps to the one given, then falls to almost 0.",
       zh="学习率在前 15% 的步数里升到给定值，随后降到接近零。",
       expect=_rises_and_falls, costly=True)  # fmt: skip
def rate_rises_and_falls(train, mbart, rng):
    batch = batch_of(random_pairs(rng, 1))
    with Steps() as steps:
        train(mbart, [batch] * 40, 2e-4, PAD)
    return {"rates": [rate / 2e-4 for rate in steps.rates]}


@check("AdamW with its second beta at 0.98 trains all of the model, which comes back ready to use.",
       zh="用第二个 beta 为 0.98 的 AdamW 训练模型的每个部分，训练后处于评估模式。",
       close=0)  # fmt: skip
def everything_is_trained(train, mbart, rng):
    before, batches = state_of(mbart.eval()), _few(rng, 2)
    modes = []
    mbart.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    with Steps() as steps:
        train(mbart, batches, 1e-3, PAD)
    changed = set(moved(mbart, before))
    parts = ("shared", "encoder.layers", "decoder.layers.0.encoder_attn", "decoder.layers.0.fc1")
    return {
        "optimizer": steps.kinds[0],
        "trained": [part for part in parts if any(part in name for name in changed)],
        "while training": modes[:1],
        "afterwards": mbart.training,
    }


@that(f"at least {TAUGHT:.0%} right in each language", zh=f"两种语言各自至少 {TAUGHT:.0%} 正确")
def _is_taught(seen):
    return min(seen["right"]) >= TAUGHT


@check("A small mBART learns to translate unseen numbers, into the language that it is told.",
       zh="小 mBART 学会翻译没见过的数，并且译成要求的语言。", expect=_is_taught, weight=2,
       rests_on=("shift_tokens_right", "teacher_forced_loss"), costly=True)  # fmt: skip
def unseen_numbers_are_translated(train, rng, torch_rng):
    model = tiny_mbart(len(words()), 64, 64**-0.5)
    losses = train(model, study(int(rng.integers(1 << 30)), STEPS, BATCH), RATE, PAD)
    right = [share_right(model, code) for code in BOTH]
    return {"right": right, "losses": len(losses)}


# --- mended_program -----------------------------------------------------------------------


@fixture
def speaker(torch_rng):
    """An mBART with random weights over the number words."""
    return tiny_mbart(len(words()), 32, 0.35, wild=True)


@check(
       "The losses are those of the targets, in both languages: codes, shift, mask, −100.",
       zh="损失针对两种语言的目标句：语言代码、右移、掩码、−100 都到位。",
       close=LOSS, rests_on=("shift_tokens_right",))  # fmt: skip
def losses_of_the_targets(mended_program, collate, train, speaker, rng):
    pairs, tests = drawn(rng, "train", BOTH, 11), drawn(rng, "test", ("zh_CN",), 1)
    other, parts = copy.deepcopy(speaker), [pairs[:4], pairs[4:8], pairs[8:]]
    seen = mended_program(speaker, pairs, tests, batch_size=4, learning_rate=1e-9)["losses"]

    def yours():
        code = words().index("en_XX")
        return train(other, [collate(triples(p), code, PAD, EOS) for p in parts], 1e-9, PAD)

    return unless_yours(
        [float(loss) for loss in seen], yours,
        [float(copy.deepcopy(other)(**worded(part)).loss) for part in parts],
    )  # fmt: skip


@check(
       "The texts are greedy translations of all test pairs, in order, of at most 16 tokens.",
       zh="文本是全部测试句对的贪心译文，顺序和语言都对，至多 16 个词元。",
       close=0)  # fmt: skip
def texts_of_all_test_pairs(mended_program, collate, greedy_decode, speaker, rng):
    found = []
    for code in BOTH:
        tests = drawn(rng, "test", (code,), 7)
        model = speaking(speaker, tests)
        said = outcome_of(_said, mended_program, model, tests)
        again = outcome_of(_said, mended_program, model, tests) == said
        if "returned" in said:
            texts = unless_yours(
                said["returned"]["texts"],
                lambda: your_texts(collate, greedy_decode, model, tests),  # noqa: B023
                greedy_texts(model, tests),
            )  # fmt: skip
            said["returned"]["texts"] = texts
        found.append(said)
    return {"found": found, "the same again": again}


def _said(mended_program, model, tests):
    seen = mended_program(model, [], tests)
    return {"texts": list(map(str, seen["texts"])), "losses": list(seen["losses"])}


@check("BLEU is that of the texts, cut as their language asks.",
       zh="BLEU 针对文本计算，按该语言的方式切分。", close=POINTS)  # fmt: skip
def bleu_of_the_texts(mended_program, collate, greedy_decode, speaker, rng):
    seen, yours, right = [], [], []
    for code in BOTH:
        far = drawn(rng, "test", (code,), 8)
        model = speaking(speaker, far)
        # Of targets that are far from the texts hardly any run of four words is right.
        for tests in (meant(model, far), far):
            seen.append(float(mended_program(model, [], tests)["bleu"]))
            texts = outcome_of(your_texts, collate, greedy_decode, model, tests)
            yours.append(bleu_of(texts.get("returned"), tests))
            right.append(bleu_of(greedy_texts(model, tests), tests))
    return unless_yours(seen, lambda: yours, right)


@that("losses fall to less than half", zh="损失降到一半以下")
def _falls(seen):
    losses = seen["losses"]
    return len(losses) == 30 and losses[-1] < 0.5 * losses[0]


@check("It learns: on the same pairs again and again the loss falls.",
       zh="确实在学习：反复训练同样的句对，损失会下降。", expect=_falls, costly=True)  # fmt: skip
def program_learns(mended_program, rng, torch_rng):
    model = tiny_mbart(len(words()), 64, 64**-0.5)
    pairs = drawn(rng, "train", ("zh_CN",), 8)
    seen = mended_program(model, pairs * 30, pairs[:1], batch_size=8, learning_rate=5e-3)
    return {"losses": [float(loss) for loss in seen["losses"]]}
