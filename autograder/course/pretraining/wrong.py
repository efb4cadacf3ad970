"""Known-wrong answers for `pretraining`, each one misconception; some are the documents' own."""

import math

import numpy as np
import torch
from torch.nn import functional

from autograder.checks import wrong


def _places(logits, labels):
    return logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)


def _nll(logits, targets):
    """Minus the log-probability of each target (N,), 0 where it is −100."""
    return functional.cross_entropy(logits, targets, reduction="none")


# --- cross_entropy ------------------------------------------------------------------------


def _kept(logits, targets, ignore_index):
    keep = targets != ignore_index
    return logits[keep], targets[keep]


@wrong(
    "cross_entropy",
    "Adds the losses up and does not average them, as the document's formula does.",
    zh="只求和，没有取平均，原始资料的公式就是这样。",
    caught_by="mean_of_minus_log_softmax",
    errata=("E064",),
    step="Divide by the number of targets that count: twice the same data must not cost twice.",
    step_zh="除以参与计算的目标个数：同样的数据重复一遍，损失不该翻倍。",
)
def adds_up(logits, targets, ignore_index=-100):
    return _nll(*_kept(logits, targets, ignore_index)).sum()


@wrong(
    "cross_entropy",
    "Divides by all targets, the ignored ones included.",
    zh="除以了全部目标的个数，把被忽略的也算了进去。",
    caught_by="ignored_targets_do_not_count",
    step="Count only the targets that are not ignore_index.",
    step_zh="只数不等于 ignore_index 的目标。",
)
def divides_by_all(logits, targets, ignore_index=-100):
    return _nll(*_kept(logits, targets, ignore_index)).sum() / len(targets)


@wrong(
    "cross_entropy",
    "Ignores −100 whatever ignore_index says.",
    zh="不管 ignore_index 是多少，都只忽略 −100。",
    caught_by="ignored_targets_do_not_count",
    step="Compare with the argument. −100 is only its default.",
    step_zh="要和参数比较，−100 只是默认值。",
)
def always_minus_100(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, -100)
    return -logits.log_softmax(1).gather(1, targets[:, None]).mean()


@wrong(
    "cross_entropy",
    "Forms the probabilities first, so that their logarithm becomes −inf.",
    zh="先算出概率，结果取对数得到 −inf。",
    caught_by="large_logits_stay_right",
    step="Use log_softmax, or logsumexp minus the target's logit.",
    step_zh="用 log_softmax，或者 logsumexp 减去目标的 logit。",
)
def log_of_softmax(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, ignore_index)
    return -logits.softmax(1).gather(1, targets[:, None]).log().mean()


@wrong(
    "cross_entropy",
    "Keeps the probability off zero before the logarithm (eps, clamp), which caps the loss.",
    zh="取对数前加了很小的数或设了下限（eps、clamp），损失因此被封顶。",
    caught_by="large_logits_stay_right",
    step="A sure mistake must cost its full price: use log_softmax instead.",
    step_zh="十分肯定的错误要付全价：改用 log_softmax。",
    # Whatever the number, and whether it is added or a bound.
    looks_like=lambda seen: 5 < float(seen[0]) < 60,
)
def small_number_added(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, ignore_index)
    return -(logits.softmax(1).gather(1, targets[:, None]) + 1e-8).log().mean()


@wrong(
    "cross_entropy",
    "Applies softmax twice: probabilities are taken for logits.",
    zh="做了两次 softmax：把概率又当成 logits。",
    caught_by="mean_of_minus_log_softmax",
    step="log_softmax already holds the softmax; feed it the logits.",
    step_zh="log_softmax 里已经有 softmax 了，直接传 logits。",
)
def softmax_twice(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, ignore_index)
    return _nll(logits.softmax(1), targets).mean()


@wrong(
    "cross_entropy",
    "Applies softmax along the examples, not along the vocabulary.",
    zh="沿样本方向做了 softmax，而不是沿词表。",
    caught_by="mean_of_minus_log_softmax",
    step="The V scores of one example are rivals: dim=1, or −1.",
    step_zh="一个样本的 V 个分数互相竞争：dim=1，也就是 −1。",
)
def over_the_examples(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, ignore_index)
    return -logits.log_softmax(0).gather(1, targets[:, None]).mean()


@wrong(
    "cross_entropy",
    "Returns 0 where no target is left.",
    zh="一个目标都不剩时返回了 0。",
    caught_by="nothing_left_is_nan",
    step="The mean of nothing is nan, as in PyTorch: 0 would read as a perfect batch.",
    step_zh="空集的平均值是 nan，和 PyTorch 一致；返回 0 会被当成满分。",
)
def nothing_is_perfect(logits, targets, ignore_index=-100):
    logits, targets = _kept(logits, targets, ignore_index)
    return _nll(logits, targets).sum() / max(len(targets), 1)


@wrong(
    "cross_entropy",
    "Calls torch's ready loss, which this task asks you to write.",
    zh="直接调用了 torch 现成的损失，而这一题要求自己写。",
    caught_by="written_out",
    step="Build it from log_softmax or logsumexp.",
    step_zh="用 log_softmax 或 logsumexp 自己搭。",
)
def ready_made(logits, targets, ignore_index=-100):
    return functional.cross_entropy(logits, targets, ignore_index=ignore_index)


# --- mse_loss -----------------------------------------------------------------------------


def _same_shape(predictions, targets):
    if predictions.shape != targets.shape:
        raise ValueError("the shapes differ")
    return predictions - targets


@wrong(
    "mse_loss",
    "Returns half the sum of squares: the document's formula, and no mean.",
    zh="返回了平方和的一半：这是原始资料的公式，没有取平均。",
    caught_by="mean_over_all_elements",
    errata=("E065",),
    step="Divide the sum by the number of elements, and leave the half out.",
    step_zh="平方和除以元素个数，前面不要二分之一。",
)
def half_the_sum(predictions, targets):
    return _same_shape(predictions, targets).square().sum() / 2


@wrong(
    "mse_loss",
    "Averages the absolute errors: that is the MAE.",
    zh="对误差的绝对值取平均，那是 MAE。",
    caught_by="mean_over_all_elements",
    step="Square the errors.",
    step_zh="误差要平方。",
)
def mean_absolute(predictions, targets):
    return _same_shape(predictions, targets).abs().mean()


# --- mask_tokens --------------------------------------------------------------------------


def _corrupt(
    ids, special, mask_id, size, p=0.15, generator=None, *,
    chosen=None, masked=0.8, random=0.1, anything=None,
):  # fmt: skip
    """What is right, unless told otherwise; → corrupted, labels, chosen."""
    if chosen is None:
        chosen = (torch.rand(ids.shape, generator=generator) < p) & ~special.bool()
    action = torch.rand(ids.shape, generator=generator)
    if anything is None:
        anything = torch.randint(size, ids.shape, generator=generator)
    corrupted = torch.where(chosen & (action < masked), mask_id, ids)
    lucky = chosen & (action >= masked) & (action < masked + random)
    return torch.where(lucky, anything, corrupted), ids.masked_fill(~chosen, -100), chosen


def _shares(masked, kept, other):
    """Whether the chosen were treated in these proportions, to within 0.012."""

    def told(seen):
        found = (seen["[MASK]"], seen["kept"], seen["random"])
        pairs = zip(found, (masked, kept, other), strict=True)
        return all(abs(n / seen["chosen"] - share) < 0.012 for n, share in pairs)

    return told


@wrong(
    "mask_tokens",
    "Replaces every chosen token by [MASK].",
    zh="选中的词元全部换成了 [MASK]。",
    caught_by="eighty_ten_ten_of_the_chosen",
    step="80 % [MASK], 10 % a random token, 10 % unchanged: [MASK] never occurs in later use.",
    step_zh="80% 换成 [MASK]，10% 换成随机词元，10% 不变：以后使用时不会有 [MASK]。",
    looks_like=_shares(1, 0, 0),
)
def always_the_mask(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p, generator, masked=1)[:2]


@wrong(
    "mask_tokens",
    "Draws again for the random tokens with 0.1 among those not masked: 2 % instead of 10 %.",
    zh="在没换成 [MASK] 的里面又按 0.1 抽随机词元：只有 2%，不是 10%。",
    caught_by="eighty_ten_ten_of_the_chosen",
    step="10 % of all chosen are half of the remaining 20 %: draw with 0.5 there.",
    step_zh="全部选中的 10%，是剩下 20% 的一半：这里要按 0.5 抽。",
    looks_like=_shares(0.8, 0.18, 0.02),
)
def ten_per_cent_of_the_rest(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p, generator, random=0.02)[:2]


@wrong(
    "mask_tokens",
    "One of the three is missing: no chosen token becomes random, or none stays as it is.",
    zh="三种处理少了一种：没有换成随机词元的，或者没有保持不变的。",
    caught_by="eighty_ten_ten_of_the_chosen",
    step="A tenth of the chosen becomes any token of the vocabulary, and a tenth stays, labelled "
    "all the same.",
    step_zh="选中的有十分之一换成词表里的任意词元，还有十分之一保持不变，但照样有标签。",
    looks_like=lambda seen: any(_shares(0.8, *rest)(seen) for rest in ((0.2, 0), (0, 0.2))),
)
def one_of_three_is_missing(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p, generator, random=0)[:2]


@wrong(
    "mask_tokens",
    "Draws for [MASK] and for random tokens independently, so that one overwrites the other.",
    zh="[MASK] 和随机词元各抽各的，互相覆盖。",
    caught_by="eighty_ten_ten_of_the_chosen",
    step="One draw decides among the three; or draw the second time among the rest only.",
    step_zh="用同一次抽取决定三种处理；或者第二次只在剩下的里面抽。",
    looks_like=lambda seen: any(
        _shares(*shares)(seen) for shares in ((0.72, 0.18, 0.1), (0.4, 0.1, 0.5))
    ),
)
def one_overwrites_the_other(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, labels, chosen = _corrupt(ids, special, mask_id, size, p, generator, random=0)
    lucky = chosen & (torch.rand(ids.shape, generator=generator) < 0.1)
    anything = torch.randint(size, ids.shape, generator=generator)
    return torch.where(lucky, anything, corrupted), labels


@wrong(
    "mask_tokens",
    "Labels only the tokens that changed; chosen ones that stay are not learned.",
    zh="只给改动过的词元标签，选中但没变的不学。",
    caught_by="chosen_as_often_as_asked",
    step="Labels follow from choosing, not from what was done: the model cannot know which "
    "tokens were left alone.",
    step_zh="标签由「选中」决定，与怎么处理无关：模型并不知道哪些词元没被动过。",
    looks_like=lambda seen: all(
        abs(n / seen["tokens"] - 0.9 * p) < 0.05 * p
        for n, p in zip(seen["labelled"], seen["mlm_probability"], strict=True)
    ),
)
def labels_only_the_changed(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, labels, _ = _corrupt(ids, special, mask_id, size, p, generator)
    return corrupted, labels.masked_fill(corrupted == ids, -100)


@wrong(
    "mask_tokens",
    "Always chooses 15 %, whatever mlm_probability says.",
    zh="不管 mlm_probability 是多少，总是选 15%。",
    caught_by="chosen_as_often_as_asked",
    step="Compare the draw with the argument.",
    step_zh="抽出的数要和参数比较。",
    looks_like=lambda seen: all(0.14 < n / seen["tokens"] < 0.16 for n in seen["labelled"]),
)
def always_fifteen(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, 0.15, generator)[:2]


@wrong(
    "mask_tokens",
    "Makes every token a target, as the document's sum over all positions does.",
    zh="把每个词元都当成目标，和原始资料里对所有位置求和一样。",
    caught_by="special_tokens_are_never_chosen",
    errata=("E062",),
    step="Only the chosen are targets; the label everywhere else is −100.",
    step_zh="只有选中的才是目标，其余位置的标签都是 −100。",
)
def every_token_a_target(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p, generator)[0], ids.clone()


@wrong(
    "mask_tokens",
    "Marks what is not to be learned with 0, which is a token, instead of −100.",
    zh="不学的位置标成了 0 而不是 −100，可 0 也是个词元。",
    caught_by="special_tokens_are_never_chosen",
    step="Fill with −100, the value that the loss ignores.",
    step_zh="填 −100，损失忽略的就是这个值。",
)
def zero_elsewhere(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, labels, _ = _corrupt(ids, special, mask_id, size, p, generator)
    return corrupted, labels.masked_fill(labels == -100, 0)


def _chooses_specials(seen):
    first = seen["0 and 1"]
    chosen = bool((np.asarray(first["labels"]) != -100).all())
    return chosen and first["special tokens changed"] > 0 and first["nothing chosen"] == [0, 0]


@wrong(
    "mask_tokens",
    "Chooses [CLS], [SEP] and padding as well.",
    zh="把 [CLS]、[SEP] 和填充也选中了。",
    caught_by="special_tokens_are_never_chosen",
    step="Take the places where special_tokens_mask is 1 out of the chosen ones.",
    step_zh="从选中的位置里去掉 special_tokens_mask 为 1 的。",
    looks_like=lambda seen: (
        _chooses_specials(seen) and bool((np.asarray(seen["bool"]["labels"]) != -100).all())
    ),
)
def chooses_specials_too(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, torch.zeros_like(special), mask_id, size, p, generator)[:2]


@wrong(
    "mask_tokens",
    "Negates a mask of 0 and 1 with ~, which gives −1 and −2: both count as true.",
    zh="对 0/1 的掩码用 ~ 取反，得到 −1 和 −2，两个都算真。",
    caught_by="special_tokens_are_never_chosen",
    step="Turn the mask into bool before ~.",
    step_zh="先 .bool() 再用 ~。",
    looks_like=lambda seen: (
        _chooses_specials(seen) and bool((np.asarray(seen["bool"]["labels"]) == -100).any())
    ),
)
def negates_integers(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, ~(~special).bool(), mask_id, size, p, generator)[:2]


@wrong(
    "mask_tokens",
    "Takes the labels from the corrupted text, so that [MASK] is to be predicted.",
    zh="标签取自破坏后的文本，模型被要求预测 [MASK]。",
    caught_by="only_the_chosen_change",
    step="Copy the ids for the labels before anything is replaced.",
    step_zh="替换之前先把 id 复制出来当标签。",
    looks_like=lambda seen: (
        seen["changed without a label"] == 0 and seen["labels that are not the original"] > 200
    ),
)
def labels_from_the_corrupted(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, _, chosen = _corrupt(ids, special, mask_id, size, p, generator)
    return corrupted, corrupted.masked_fill(~chosen, -100)


@wrong(
    "mask_tokens",
    "Leaves the first or the last token of the vocabulary out of the random ones.",
    zh="随机词元里漏了词表的第一个或最后一个。",
    caught_by="random_from_the_whole_vocabulary",
    step="randint(V) gives 0 to V − 1: the upper bound is already left out.",
    step_zh="randint(V) 给出 0 到 V − 1：上界本来就不含。",
    looks_like=lambda seen: (seen["counts"][0] == 0) != (seen["counts"][-1] == 0),
)
def one_end_left_out(ids, special, mask_id, size, p=0.15, generator=None):
    anything = torch.randint(1, size, ids.shape, generator=generator)
    return _corrupt(ids, special, mask_id, size, p, generator, anything=anything)[:2]


@wrong(
    "mask_tokens",
    "Chooses places once and uses them in every row.",
    zh="位置只抽了一次，每一行都选同样的位置。",
    caught_by="tokens_are_chosen_independently",
    step="Draw one number for each token, of the shape of input_ids.",
    step_zh="每个词元各抽一个数，形状和 input_ids 一样。",
    looks_like=lambda seen: 0.5 < seen["ratios"][0] < 1.7 and seen["ratios"][1] > 50,
)
def same_places_in_every_row(ids, special, mask_id, size, p=0.15, generator=None):
    chosen = (torch.rand(ids.shape[1], generator=generator) < p) & ~special.bool()
    return _corrupt(ids, special, mask_id, size, p, generator, chosen=chosen)[:2]


@wrong(
    "mask_tokens",
    "Chooses exactly the same number in every row instead of deciding for each token.",
    zh="每一行选的个数都一样，没有让每个词元独立决定。",
    caught_by="tokens_are_chosen_independently",
    step="Compare one draw for each token with mlm_probability.",
    step_zh="每个词元抽一个数，和 mlm_probability 比较。",
    looks_like=lambda seen: seen["ratios"][0] < 0.05 and 0.5 < seen["ratios"][1] < 1.7,
)
def as_many_in_every_row(ids, special, mask_id, size, p=0.15, generator=None):
    draws = torch.rand(ids.shape, generator=generator).masked_fill(special.bool(), 2)
    chosen = draws.argsort(1).argsort(1) < ((draws < 2).sum(1, keepdim=True) * p).round()
    return _corrupt(ids, special, mask_id, size, p, generator, chosen=chosen & (draws < 2))[:2]


@wrong(
    "mask_tokens",
    "Writes into input_ids itself.",
    zh="直接改了传入的 input_ids。",
    caught_by="only_the_chosen_change",
    step="Work on a clone: the next epoch needs the text as it was.",
    step_zh="在 clone 上改：下一轮训练还要用原来的文本。",
)
def writes_into_the_input(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, labels, _ = _corrupt(ids, special, mask_id, size, p, generator)
    return ids.copy_(corrupted), labels


@wrong(
    "mask_tokens",
    "Draws, all or some of it, from torch's global state and not from the generator.",
    zh="抽取（全部或部分）用的是 torch 的全局随机数，而不是传入的 generator。",
    caught_by="chance_comes_from_the_generator",
    step="Give generator= to every draw.",
    step_zh="每次抽取都要传 generator=。",
    looks_like=lambda seen: (
        not seen["global state untouched"] and max(seen["texts like an earlier one"]) > 0
    ),
)
def global_chance(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p)[:2]


@wrong(
    "mask_tokens",
    "Seeds anew at every call, so that a text is always corrupted in the same way.",
    zh="每次调用都重新设种子，同一条文本永远被破坏成同一个样子。",
    caught_by="chance_comes_from_the_generator",
    step="Seed once, outside: each call goes on where the last one stopped.",
    step_zh="种子只在外面设一次，每次调用接着往下抽。",
)
def seeds_anew(ids, special, mask_id, size, p=0.15, generator=None):
    return _corrupt(ids, special, mask_id, size, p, torch.Generator().manual_seed(0))[:2]


# --- mlm_loss -----------------------------------------------------------------------------


@wrong(
    "mlm_loss",
    "Averages over all positions, most of which cost nothing.",
    zh="对所有位置取平均，而大多数位置并没有损失。",
    caught_by="every_chosen_token_counts_once",
    errata=("E062",),
    step="The sum is over the chosen set M, and so is the mean.",
    step_zh="求和只在选中的集合 M 上，取平均也一样。",
)
def mean_over_all_positions(logits, labels):
    return _nll(*_places(logits, labels)).mean()


@wrong(
    "mlm_loss",
    "Averages in each text first, so that a text with one chosen token counts as much as one "
    "with many.",
    zh="先在每条文本内取平均，于是只选中一个词元的文本和选中很多的一样重。",
    caught_by="every_chosen_token_counts_once",
    step="One mean over all chosen tokens of the batch.",
    step_zh="对整个批次选中的词元只取一次平均。",
)
def mean_of_texts(logits, labels):
    rows = [functional.cross_entropy(z, y) for z, y in zip(logits, labels, strict=True)]
    return torch.stack(rows).nanmean()


@wrong(
    "mlm_loss",
    "Shifts the labels, as a causal model needs and a masked one does not.",
    zh="移了一位：因果模型才需要移位，掩码模型不需要。",
    caught_by="loss_of_bert_itself",
    step="BERT predicts the token that stands at its own position.",
    step_zh="BERT 预测的是自己这个位置上的词元。",
)
def mlm_shifted(logits, labels):
    return functional.cross_entropy(*_places(logits[:, :-1], labels[:, 1:]))


@wrong(
    "mlm_loss",
    "Takes labels of 0 for nothing to learn: 0 is a token.",
    zh="把标签 0 也当成不学：0 也是个词元。",
    caught_by="every_chosen_token_counts_once",
    step="Compare with −100, not with 0.",
    step_zh="要和 −100 比较，不是和 0。",
)
def token_0_is_left_out(logits, labels):
    return functional.cross_entropy(*_places(logits, labels.masked_fill(labels <= 0, -100)))


# --- next_sentence_loss -------------------------------------------------------------------


@wrong(
    "next_sentence_loss",
    "Takes is_next for the class, so that column 1 means “follows”.",
    zh="直接把 is_next 当类别，成了第 1 列表示「相连」。",
    caught_by="class_0_is_a_true_pair",
    step="A true pair has class 0 here.",
    step_zh="这里真正相连的一对是第 0 类。",
)
def is_next_as_class(logits, is_next):
    return functional.cross_entropy(logits, is_next.long())


@wrong(
    "next_sentence_loss",
    "Has no label in it, like the document's formula: every pair is taken for a true one.",
    zh="和原始资料的公式一样，里面没有标签：每一对都当成相连的。",
    caught_by="class_0_is_a_true_pair",
    errata=("E063",),
    step="Pairs from elsewhere must be told as such: their class is 1.",
    step_zh="来自别处的一对也要认出来：它们的类别是 1。",
)
def without_a_label(logits, is_next):
    return functional.cross_entropy(logits, torch.zeros_like(is_next, dtype=torch.long))


@wrong(
    "next_sentence_loss",
    "Puts each logit through a sigmoid of its own.",
    zh="两个 logit 各自过了 sigmoid。",
    caught_by="class_0_is_a_true_pair",
    step="The two are rivals: one softmax over both.",
    step_zh="两者是竞争关系：一起过一个 softmax。",
)
def two_sigmoids(logits, is_next):
    wanted = torch.stack([is_next, ~is_next], dim=1).to(logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, wanted)


# --- causal_lm_loss -----------------------------------------------------------------------


@wrong(
    "causal_lm_loss",
    "Does not shift: each position is asked for the token that it has just read.",
    zh="没有移位：要求每个位置说出自己刚读到的词元。",
    caught_by="loss_of_gpt_itself",
    step="Position t must say token t + 1.",
    step_zh="位置 t 应当给出第 t + 1 个词元。",
)
def no_shift(logits, labels):
    return functional.cross_entropy(*_places(logits, labels))


@wrong(
    "causal_lm_loss",
    "Shifts the other way: each position is asked for the token before it.",
    zh="移反了：要求每个位置说出它前面那个词元。",
    caught_by="position_t_says_t_plus_1",
    step="Drop the last logits and the first label, not the reverse.",
    step_zh="logits 去掉最后一个，labels 去掉第一个，别反过来。",
)
def shifts_backwards(logits, labels):
    return functional.cross_entropy(*_places(logits[:, 1:], labels[:, :-1]))


@wrong(
    "causal_lm_loss",
    "Shifts twice, as happens when labels are shifted before a loss that shifts by itself.",
    zh="移了两位：标签先移过一次，损失里又移了一次，就会这样。",
    caught_by="loss_of_gpt_itself",
    step="One place: label t + 1 for position t.",
    step_zh="只移一位：位置 t 对第 t + 1 个标签。",
)
def shifts_twice(logits, labels):
    return functional.cross_entropy(*_places(logits[:, :-2], labels[:, 2:]))


@wrong(
    "causal_lm_loss",
    "Flattens first and shifts afterwards: the end of a text has to predict the next one's start.",
    zh="先展平再移位：一条文本的末尾要去预测下一条的开头。",
    caught_by="position_t_says_t_plus_1",
    step="Shift along the positions, text by text, then flatten.",
    step_zh="先在每条文本内沿位置移位，再展平。",
)
def flattens_first(logits, labels):
    places, targets = _places(logits, labels)
    return functional.cross_entropy(places[:-1], targets[1:])


@wrong(
    "causal_lm_loss",
    "Rolls the labels around: the last position has to say the first token of its text.",
    zh="用 roll 循环移位：最后一个位置要说出这条文本的第一个词元。",
    caught_by="position_t_says_t_plus_1",
    step="The last position has no target: cut it off, or put −100 there.",
    step_zh="最后一个位置没有目标：去掉它，或者填 −100。",
)
def rolls_around(logits, labels):
    return functional.cross_entropy(*_places(logits, labels.roll(-1, 1)))


@wrong(
    "causal_lm_loss",
    "Averages in each text first, so that a short text counts as much as a long one.",
    zh="先在每条文本内取平均，于是短文本和长文本一样重。",
    caught_by="padding_and_prompts_are_no_targets",
    step="One mean over all targets of the batch.",
    step_zh="对整个批次的目标只取一次平均。",
)
def causal_mean_of_texts(logits, labels):
    rows = zip(logits[:, :-1], labels[:, 1:], strict=True)
    return torch.stack([functional.cross_entropy(z, y) for z, y in rows]).nanmean()


@wrong(
    "causal_lm_loss",
    "Divides by all shifted positions, those of −100 included.",
    zh="除以移位后全部位置的个数，把 −100 的也算了进去。",
    caught_by="padding_and_prompts_are_no_targets",
    step="Only targets that are not −100 count below the fraction bar.",
    step_zh="分母只数不为 −100 的目标。",
)
def divides_by_padding_too(logits, labels):
    return _nll(*_places(logits[:, :-1], labels[:, 1:])).mean()


# --- perplexity ---------------------------------------------------------------------------


@torch.no_grad()
def _sums(model, batches, *, shift=1, padding=False, mode=False):
    """Summed loss and number of targets of each batch; → pairs, and the mode given back."""
    before, found = model.training, []
    if mode is not None:
        model.train(mode)
    for batch in batches:
        ids, mask = batch["input_ids"], batch["attention_mask"]
        labels = ids if padding else ids.masked_fill(mask == 0, -100)
        logits = model(input_ids=ids, attention_mask=mask).logits
        places, targets = _places(logits[:, : ids.shape[1] - shift], labels[:, shift:])
        found.append((float(_nll(places, targets).sum()), int((targets != -100).sum())))
    if mode is not None:
        model.train(before)
    return found


def _mean(values):
    return sum(values) / len(values)


def _exponential(pairs):
    return math.exp(sum(loss for loss, _ in pairs) / sum(count for _, count in pairs))


@wrong(
    "perplexity",
    "Averages the mean losses of the batches, so that a small batch counts as much as a large one.",
    zh="对各批次的平均损失再取平均，小批次和大批次一样重。",
    caught_by="every_target_counts_once",
    step="Add up summed losses and targets; divide once.",
    step_zh="损失之和与目标个数分别累加，最后只除一次。",
)
def mean_of_batches(model, batches):
    return math.exp(_mean([loss / n for loss, n in _sums(model, batches) if n]))


@wrong(
    "perplexity",
    "Averages the perplexities of the batches.",
    zh="对各批次的困惑度取平均。",
    caught_by="every_target_counts_once",
    step="Average the losses over tokens; exponentiate once, at the end.",
    step_zh="先按词元平均损失，最后只取一次指数。",
)
def mean_of_perplexities(model, batches):
    return _mean([math.exp(loss / n) for loss, n in _sums(model, batches) if n])


@wrong(
    "perplexity",
    "Weighs each batch by its tokens, first ones included, and not by its targets.",
    zh="按词元数（连开头的也算）给批次加权，而不是按目标个数。",
    caught_by="every_target_counts_once",
    step="Count what is left after the shift: the first token of a text is no target.",
    step_zh="要数移位之后剩下的：每条文本的第一个词元不是目标。",
)
def weighs_by_tokens(model, batches):
    batches = list(batches)
    pairs, tokens = _sums(model, batches), [int(b["attention_mask"].sum()) for b in batches]
    kept = [(loss / n, m) for (loss, n), m in zip(pairs, tokens, strict=True) if n]
    return math.exp(sum(loss * m for loss, m in kept) / sum(m for _, m in kept))


@wrong(
    "perplexity",
    "Does not shift: the model is asked for the token that it has just read.",
    zh="没有移位：问的是模型刚读到的那个词元。",
    caught_by="every_target_counts_once",
    step="Position t answers for token t + 1: use your causal_lm_loss.",
    step_zh="位置 t 对应第 t + 1 个词元：用你写的 causal_lm_loss。",
)
def perplexity_without_shift(model, batches):
    return _exponential(_sums(model, batches, shift=0))


@wrong(
    "perplexity",
    "Counts the padding as targets.",
    zh="把填充也当成了目标。",
    caught_by="padding_does_not_count",
    step="Put −100 where attention_mask is 0.",
    step_zh="attention_mask 为 0 的位置，标签设为 −100。",
)
def padding_counts(model, batches):
    return _exponential(_sums(model, batches, padding=True))


@wrong(
    "perplexity",
    "Goes through the batches twice: an iterator has nothing left the second time.",
    zh="把 batches 遍历了两次：迭代器第二次就空了。",
    caught_by="batches_without_targets",
    step="Count and add up in one pass.",
    step_zh="计数和累加要在同一次遍历里完成。",
    looks_like=lambda seen: seen == 1,  # the exponential of a sum of nothing
)
def two_passes(model, batches):
    count = sum(int(batch["attention_mask"][:, 1:].sum()) for batch in batches)
    return math.exp(sum(loss for loss, _ in _sums(model, batches)) / count)


def _given_back_but_noisy(seen):
    values = [part["returned"] for part in seen]
    modes = [part["modes after"] for part in seen]
    return modes == [[True], [False]] and abs(values[0] / values[1] - 1) > 0.01


@wrong(
    "perplexity",
    "Does not switch to evaluation mode: with dropout on, the number is a draw.",
    zh="没有切到评估模式：dropout 开着，结果是随机的。",
    caught_by="judged_in_evaluation_mode",
    step="Call model.eval() before, and give the mode back afterwards.",
    step_zh="先调用 model.eval()，用完还原。",
    looks_like=_given_back_but_noisy,
)
def never_evaluates(model, batches):
    return _exponential(_sums(model, batches, mode=None))


# --- training_days ------------------------------------------------------------------------


def _days(flops, devices, peak_flops, utilization):
    return flops / (devices * peak_flops * utilization) / 86_400


@wrong(
    "training_days",
    "Reckons 2ND, the forward pass alone.",
    zh="按 2ND 算，只有前向。",
    caught_by="work_over_rate_in_days",
    step="The backward pass costs twice as much again: 6ND in all.",
    step_zh="反向还要再花两倍：总共 6ND。",
)
def forward_alone(parameters, tokens, devices, peak_flops, utilization):
    return _days(2 * parameters * tokens, devices, peak_flops, utilization)


# --- compute_optimal ----------------------------------------------------------------------


@wrong(
    "compute_optimal",
    "Keeps the data at GPT-3's 300 billion tokens and puts all else into parameters.",
    zh="数据固定在 GPT-3 的 3000 亿词元，其余算力全部用来加参数。",
    caught_by="lowest_loss_for_the_budget",
    errata=("E077",),
    step="Data must grow with the model: minimise over both.",
    step_zh="数据要和模型一起增长：两者一起求最小。",
)
def all_into_parameters(flops, A, B, alpha, beta):
    return flops / 6 / 300e9, 300e9


@wrong(
    "compute_optimal",
    "Takes 20 tokens per parameter whatever the law says.",
    zh="不管定律是什么，都按每个参数 20 个词元算。",
    caught_by="lowest_loss_for_the_budget",
    step="20 is what one law gives near one budget; minimise the law that you are given.",
    step_zh="20 只是某条定律在某个预算附近的结果；要对给定的定律求最小。",
)
def always_twenty(flops, A, B, alpha, beta):
    parameters = (flops / 120) ** 0.5
    return parameters, 20 * parameters


def _optimum(product, A, B, alpha, beta):
    parameters = (alpha * A / (beta * B) * product**beta) ** (1 / (alpha + beta))
    return parameters, product / parameters


@wrong(
    "compute_optimal",
    "Forgets the 6: the pair costs six times the budget.",
    zh="忘了 6：这一对的花费是预算的六倍。",
    caught_by="lowest_loss_for_the_budget",
    step="N times D is flops / 6.",
    step_zh="N 乘 D 等于 flops / 6。",
)
def forgets_the_six(flops, A, B, alpha, beta):
    return _optimum(flops, A, B, alpha, beta)


@wrong(
    "compute_optimal",
    "Makes the two terms of the loss equal; at the lowest point their slopes are.",
    zh="让损失的两项相等了；最低点处相等的应当是斜率。",
    caught_by="lowest_loss_for_the_budget",
    step="Set the derivative to zero: the exponents alpha and beta come down as factors.",
    step_zh="令导数为零：指数 alpha、beta 会作为系数落下来。",
)
def equal_terms(flops, A, B, alpha, beta):
    parameters = (A / B * (flops / 6) ** beta) ** (1 / (alpha + beta))
    return parameters, flops / 6 / parameters


@wrong(
    "compute_optimal",
    "Exchanges the exponents: the parameters grow with alpha and not with beta.",
    zh="指数用反了：参数量按 alpha 而不是 beta 增长。",
    caught_by="lowest_loss_for_the_budget",
    step="Put D = C/(6N) into the loss first: B's term then carries beta with N.",
    step_zh="先把 D = C/(6N) 代入损失：B 那一项里，N 的指数是 beta。",
)
def exponents_exchanged(flops, A, B, alpha, beta):
    product = flops / 6
    parameters = (alpha * A / (beta * B) * product**alpha) ** (1 / (alpha + beta))
    return parameters, product / parameters
