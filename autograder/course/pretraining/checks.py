"""Probes for `pretraining`: logits drawn at random, real ones of tiny BERT and GPT, and censuses.

Corruption is random. A check that counts turns down a right answer with a probability below
1e-5, all its bounds together: each lies `SIGMAS` standard deviations to either side.
"""

import numpy as np

from autograder.checks import Tolerance, check, fixture, outcome_of, that
from autograder.probes import first_alike, in_modes, in_turn

from .instruments import (
    FIRST_WORD,
    draw_logits,
    pairs_for_bert,
    sentences,
    sparse_labels,
    tensor,
    texts,
    within,
)

LOSS = Tolerance(absolute=1e-5, relative=1e-4)  # float32 losses, in nats
PERPLEXITY = Tolerance(relative=5e-4)  # the exponential of one
DAYS = Tolerance(relative=4e-6)  # float32 will do; a day has 86400 seconds and not one more
SIZES = Tolerance(relative=2e-3)  # the text asks for 0.1 per cent

SIDES = 280, 321  # a census has so many rows of so many tokens


# --- cross_entropy ------------------------------------------------------------------------


@check(
    "It is the mean of −log softmax at the targets, be there few or many.",
    zh="结果是各目标处 −log softmax 的平均值，目标多少都一样。",
    close=LOSS,
)
def mean_of_minus_log_softmax(cross_entropy, rng):
    logits, targets = draw_logits(rng, 12, 12), tensor(rng.integers(0, 12, 12))
    wide, few = draw_logits(rng, 3, 150), tensor(rng.integers(0, 150, 3))
    return [
        cross_entropy(logits, targets),
        cross_entropy(logits.repeat(3, 1), targets.repeat(3)),
        cross_entropy(wide, few),
    ]


@check(
    "Ignored targets count neither above nor below the fraction bar, whatever ignore_index is.",
    zh="无论 ignore_index 是多少，被忽略的目标分子分母都不计。",
    close=LOSS,
)
def ignored_targets_do_not_count(cross_entropy, rng):
    logits, found = draw_logits(rng, 30, 9), []
    for ignored in (-100, -1, 0, 8):
        targets = rng.integers(1, 8, 30)
        targets[rng.permutation(30)[:11]] = ignored
        found.append(outcome_of(cross_entropy, logits, tensor(targets), ignore_index=ignored))
    targets[targets == 8] = -100
    return [*found, outcome_of(cross_entropy, logits, tensor(targets))]


@check(
    "It stays right where logits are in the thousands or a probability is below float32.",
    zh="logits 上千，或概率小到 float32 存不下时，结果依然正确。",
    close=Tolerance(absolute=1e-3, relative=1e-4),
)
def large_logits_stay_right(cross_entropy, rng):
    logits, targets = draw_logits(rng, 8, 6), tensor(rng.integers(0, 6, 8))
    return [cross_entropy(z, targets) for z in (logits * 60, logits + 5000, logits - 5000)]


@check(
    "Where no target is left, the mean is nan.",
    zh="一个目标都不剩时，平均值是 nan。",
    close=LOSS,
)
def nothing_left_is_nan(cross_entropy, rng):
    logits = draw_logits(rng, 5, 7)
    nothing, one = tensor([-100] * 5), tensor([-100, -100, 4, -100, -100])
    return [cross_entropy(logits, nothing), cross_entropy(logits, one)]


@that("written out, and right", zh="自己写的，而且正确")
def own_and_right(seen, reference):
    return not seen["ready losses"] and abs(seen["loss"] - reference["loss"]) < 1e-4


@check(
    "It is written out: torch's ready losses are not called.",
    zh="损失是自己写的，没有调用 torch 现成的损失。",
    expect=own_and_right,
)
def written_out(cross_entropy, rng):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        used = False

        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            self.used |= "loss" in str(function)
            return function(*arguments, **(keywords or {}))

    logits, targets = draw_logits(rng, 6, 5).double(), tensor(rng.integers(0, 5, 6))
    with Watch() as watch:
        loss = float(cross_entropy(logits, targets))
    return {"ready losses": watch.used, "loss": loss}


# --- mse_loss -----------------------------------------------------------------------------


@check(
    "It is the mean of the squared errors over all elements, whatever the shape.",
    zh="结果是全部元素误差平方的平均值，形状不限。",
    close=LOSS,
)
def mean_over_all_elements(mse_loss, rng):
    shapes = [(3,), (5, 4), (2, 3, 4)]
    return [mse_loss(draw_logits(rng, *s, scale=3.0), draw_logits(rng, *s)) for s in shapes]


@check(
    "Shapes that differ raise ValueError, also where they could be broadcast.",
    zh="形状不同就抛出 ValueError，能广播也不行。",
    close=LOSS,
)
def different_shapes_are_refused(mse_loss, rng):
    column, row, one = draw_logits(rng, 4, 1), draw_logits(rng, 4), draw_logits(rng, 1)
    pairs = [(column, row), (row, column), (row, one), (row, row.flip(0) / 2)]
    return [outcome_of(mse_loss, *pair) for pair in pairs]


# --- mask_tokens --------------------------------------------------------------------------


@fixture
def dice(rng):
    """A generator with other numbers than torch's global one, lest chance from both agree."""
    import torch

    return torch.Generator().manual_seed(int(rng.integers(2**31)))


@fixture
def census(rng):
    """About 90,000 words, none of them special, with their [MASK] and the vocabulary's size."""
    import torch

    size = int(rng.integers(900, 1200))
    ids = tensor(rng.integers(FIRST_WORD, size, tuple(rng.integers(*SIDES, 2))))
    return ids, torch.zeros_like(ids), int(rng.integers(3, FIRST_WORD)), size


@that("about as many as mlm_probability says", zh="数量与 mlm_probability 相符")
def as_many_as_asked(seen, asked):
    return within(seen["labelled"], asked["mlm_probability"], asked["tokens"])


@check(
    "A token is chosen, and so labelled, with probability mlm_probability, whatever that is.",
    zh="词元被选中（从而带标签）的概率是 mlm_probability，取多少都一样。",
    expect=as_many_as_asked,
)
def chosen_as_often_as_asked(mask_tokens, census, rng, dice):
    chances = rng.uniform(0.2, 0.6, 3).tolist()
    found = [mask_tokens(*census, p, generator=dice)[1] for p in chances]
    labelled = [int((np.asarray(labels) != -100).sum()) for labels in found]
    return {"tokens": census[0].numel(), "mlm_probability": chances, "labelled": labelled}


@that("about 80 %, 10 % and 10 % of the chosen", zh="约占选中的 80%、10% 和 10%")
def eighty_ten_ten(seen, asked):
    # A random token may be [MASK], or the word that stood there: one case in V each.
    size, trials = asked["vocabulary"], seen["chosen"]
    counts = seen["[MASK]"], seen["kept"], seen["random"]
    chances = 0.8 + 0.1 / size, 0.1 + 0.1 / size, 0.1 - 0.2 / size
    enough = trials > 0.1 * np.prod(asked["shape"])
    return enough and seen["shape"] == asked["shape"] and within(counts, chances, trials)


@check(
    "Of the chosen tokens 80 % become [MASK], 10 % another token, and 10 % stay.",
    zh="选中的词元里，80% 换成 [MASK]，10% 换成别的词元，10% 不变。",
    expect=eighty_ten_ten,
)
def eighty_ten_ten_of_the_chosen(mask_tokens, census, dice):
    ids, _, mask, size = census
    corrupted, labels = map(np.asarray, mask_tokens(ids.clone(), *census[1:], generator=dice))
    chosen = labels != -100
    now, before = corrupted[chosen], ids.numpy()[chosen]
    masked, kept = int((now == mask).sum()), int((now == before).sum())
    return {
        "vocabulary": size, "shape": list(corrupted.shape), "chosen": len(now), "[MASK]": masked,
        "kept": kept, "random": len(now) - masked - kept,
    }  # fmt: skip


@that("each token of the vocabulary as often", zh="词表中每个词元出现得一样多")
def evenly_from_all(seen, asked):
    size, extra = len(asked["counts"]), {asked["[MASK]"]: 0.8, asked["the word"]: 0.1}
    chances = [0.1 / size + extra.get(token, 0) for token in range(size)]
    return within(seen["counts"], chances, asked["tokens"])


@check(
    "Random tokens come evenly from the whole vocabulary, first and last token included.",
    zh="随机词元在整个词表上均匀抽取，头尾两个词元也在内。",
    expect=evenly_from_all,
)
def random_from_the_whole_vocabulary(mask_tokens, rng, dice):
    import torch

    # Every token is one word, in a small vocabulary.
    size, shape = int(rng.integers(9, 15)), rng.integers(*SIDES, 2).tolist()
    mask, word = (rng.permutation(size - 2)[:2] + 1).tolist()
    ids = torch.full(shape, word)
    corrupted, _ = mask_tokens(ids, torch.zeros_like(ids), mask, size, 1.0, generator=dice)
    counts = np.bincount(np.asarray(corrupted).ravel(), minlength=size).tolist()
    return {"tokens": ids.numel(), "[MASK]": mask, "the word": word, "counts": counts}


@that("each token decides for itself", zh="每个词元独立决定")
def independent(seen, asked):
    # Variances of about 300 binomial counts over what is expected: they spread by 0.08.
    ratios = seen["ratios"]
    apart = len(ratios) == 3 and all(0.55 < ratio < 1.6 for ratio in ratios)
    return apart and seen["counts"] == asked["counts"]


@check(
    "Tokens are chosen, and masked, independently: counts vary from text to text and from place "
    "to place as those of independent draws do.",
    zh="是否选中、是否换成 [MASK]，各词元相互独立：各文本、各位置的计数，波动与独立抽取相符。",
    expect=independent,
)
def tokens_are_chosen_independently(mask_tokens, census, dice):
    ids, special, *numbers = census
    corrupted, labels = mask_tokens(*census, 0.3, generator=dice)
    alone = [mask_tokens(ids[i : i + 1], special[i : i + 1], *numbers, 0.3, dice)[1]
             for i in range(len(ids))]  # fmt: skip
    counts = [
        [int((np.asarray(row) != -100).sum()) for row in alone],
        (np.asarray(labels) != -100).sum(axis=0),
        (np.asarray(corrupted) == numbers[0]).sum(axis=0),
    ]
    of = ids.shape[1], len(ids), len(ids)  # so many tokens in each count
    expected = [n * p * (1 - p) for n, p in zip(of, (0.3, 0.3, 0.24), strict=True)]
    ratios = [float(np.var(n) / e) for n, e in zip(counts, expected, strict=True)]
    return {"counts": [len(each) for each in counts], "ratios": ratios}


@check(
    "With probability 1 every token but the special ones is labelled with its original, and no "
    "special one changes; with probability 0 nothing is labelled and nothing changes.",
    zh="概率为 1 时，除特殊词元外每个位置的标签都是原来的词元，特殊词元不变；"
    "概率为 0 时，没有标签，也没有变化。",
    close=0,
)
def special_tokens_are_never_chosen(mask_tokens, rng, dice):
    found = {}
    for kind in ("0 and 1", "bool"):
        ids, special = sentences(rng, 6, 12, 300)
        given = special.bool() if kind == "bool" else special
        corrupted, labels = mask_tokens(ids, given, 5, 300, 1.0, generator=dice)
        changed = (np.asarray(corrupted) != ids.numpy()) & (special.numpy() == 1)
        same, none = mask_tokens(ids, given, 5, 300, 0.0, generator=dice)
        found[kind] = {
            "labels": labels, "special tokens changed": int(changed.sum()),
            "nothing chosen": [int((np.asarray(none) != -100).sum()),
                               int((np.asarray(same) != ids.numpy()).sum())],
        }  # fmt: skip
    return found


@check(
    "Only chosen tokens change, a label is the original token or −100, and the tensors that come "
    "in stay as they were.",
    zh="只有选中的词元会变；标签要么是原来的词元，要么是 −100；传入的张量保持原样。",
    close=0,
)
def only_the_chosen_change(mask_tokens, rng, dice):
    ids, special = sentences(rng, *rng.integers((70, 35), (90, 46)), 500)
    given = ids.clone(), special.clone()
    corrupted, labels = map(np.asarray, mask_tokens(*given, 5, 500, 0.3, dice))
    chosen = labels != -100
    return {
        "what came in is unchanged": [bool(given[0].equal(ids)), bool(given[1].equal(special))],
        "changed without a label": int(((corrupted != ids.numpy()) & ~chosen).sum()),
        "labels that are not the original": int((labels != ids.numpy())[chosen].sum()),
        "some change": bool((corrupted != ids.numpy()).any()),
        "shapes": [list(corrupted.shape), list(labels.shape)],
        "types": [str(corrupted.dtype), str(labels.dtype)],
    }


@check(
    "All chance comes from the generator: the same state gives the same, the next call gives "
    "something else, and torch's global state stays; without one the global state decides.",
    zh="随机性全部来自 generator：状态相同结果相同，再次调用结果不同，torch 的全局状态不变；"
    "不传时由全局状态决定。",
    close=0,
)
def chance_comes_from_the_generator(mask_tokens, rng):
    import torch

    ids, special = sentences(rng, 20, 30, 400)
    seeds = rng.integers(2**31, size=5).tolist()
    goes_on, untouched, found = torch.Generator().manual_seed(seeds[4]), True, []
    kinds = zip(("given", "given", "global", "global", "goes on"), seeds, strict=True)
    for kind, seed in in_turn(rng, *kinds):
        generators = {"given": torch.Generator().manual_seed(seed), "goes on": goes_on}
        if kind == "global":
            torch.manual_seed(seed)
        state = torch.random.get_rng_state()
        parts = mask_tokens(ids.clone(), special, 5, 400, 0.3, generators.get(kind))
        found.append([np.asarray(part).tolist() for part in parts])
        untouched &= kind == "global" or bool(torch.random.get_rng_state().equal(state))
    corrupted, labels = zip(*found, strict=True)
    return {
        "texts like an earlier one": first_alike(corrupted),
        "labels like earlier ones": first_alike(labels),
        "global state untouched": untouched,
    }


# --- mlm_loss -----------------------------------------------------------------------------

_CE = ("cross_entropy",)


@check(
    "It is the mean over all chosen tokens of the batch, each counting the same.",
    zh="对整个批次里所有选中的词元取平均，每个权重相同。",
    close=LOSS,
    rests_on=_CE,
)
def every_chosen_token_counts_once(mlm_loss, rng):
    return [
        mlm_loss(draw_logits(rng, b, t, v), sparse_labels(rng, b, t, v))
        for b, t, v in ((4, 9, 30), (6, 6, 6), (3, 7, 120))
    ]


@fixture
def bert():
    """The tiny BERT with its two heads, in evaluation mode."""
    from transformers import BertForPreTraining, logging

    from autograder.models import locate

    logging.disable_progress_bar()
    return BertForPreTraining.from_pretrained(locate("bert")).eval()


@check(
    "On real sentences it is the loss that BERT itself computes.",
    zh="在真实句子上，结果等于 BERT 自己算出的损失。",
    close=LOSS,
    rests_on=_CE,
)
def loss_of_bert_itself(mlm_loss, bert, rng):
    import torch

    batch, labels, _ = pairs_for_bert(rng)
    with torch.no_grad():
        return mlm_loss(bert(**batch).prediction_logits, labels)


# --- next_sentence_loss -------------------------------------------------------------------


@check(
    "Column 0 stands for “B follows”, the label of each pair counts, and the pairs are averaged: "
    "as BERT does it.",
    zh="第 0 列表示「B 接在后面」；每一对都按自己的标签计；对各对取平均：与 BERT 自己的损失一致。",
    close=LOSS,
    rests_on=_CE,
)
def class_0_is_a_true_pair(next_sentence_loss, bert, rng):
    import torch

    batch, _, is_next = pairs_for_bert(rng)
    with torch.no_grad():
        found = [next_sentence_loss(bert(**batch).seq_relationship_logits, is_next)]
    for pairs in (7, 20):
        is_next = rng.random(pairs) < 0.6
        is_next[:2] = [True, False]
        logits = draw_logits(rng, pairs, 2, scale=3.0) + pairs  # a softmax does not feel a shift
        found.append(next_sentence_loss(logits, tensor(is_next)))
    return found


# --- causal_lm_loss -----------------------------------------------------------------------

_LOSSES = ("cross_entropy", "mlm_loss")


@check(
    "Position t answers for label t + 1 of its own text, and every target counts the same.",
    zh="位置 t 对应同一条文本的第 t + 1 个标签，每个目标权重相同。",
    close=LOSS,
    rests_on=_LOSSES,
)
def position_t_says_t_plus_1(causal_lm_loss, rng):
    return [
        causal_lm_loss(draw_logits(rng, b, t, v), tensor(rng.integers(0, v, (b, t))))
        for b, t, v in ((1, 8, 11), (3, 5, 11), (5, 2, 40))
    ]


@check(
    "Labels of −100 are nobody's targets, at the end (padding) or at the beginning (a prompt).",
    zh="标签为 −100 的位置不是任何人的目标，无论在末尾（填充）还是在开头（提示）。",
    close=LOSS,
    rests_on=_LOSSES,
)
def padding_and_prompts_are_no_targets(causal_lm_loss, rng):
    found = []
    for side in ("end", "beginning"):
        labels = rng.integers(0, 13, (4, 10))
        lengths = rng.permutation([1, 3, 6, 8])[:, None]
        places = np.arange(10)
        hidden = places >= 10 - lengths if side == "end" else places < lengths
        labels = tensor(np.where(hidden, -100, labels))
        found.append(causal_lm_loss(draw_logits(rng, 4, 10, 13), labels))
    return found


@fixture
def gpt(rng):
    """The tiny GPT less sure than the notebook's, with dropout in training mode."""
    import torch
    from transformers import GPT2LMHeadModel, logging

    from autograder.models import locate

    logging.disable_progress_bar()
    dropout = dict.fromkeys(("embd_pdrop", "resid_pdrop", "attn_pdrop"), 0.5)
    model = GPT2LMHeadModel.from_pretrained(locate("gpt"), **dropout).eval()
    with torch.no_grad():
        model.transformer.ln_f.weight *= rng.uniform(0.7, 0.9)
    return model


@fixture
def story():
    """Tokens of a story that the tiny GPT knows by heart: almost no loss."""
    from transformers import AutoTokenizer

    from autograder.models import locate

    text = "Once upon a time, Mia lived on a farm at the foot of a hill. Mia was very happy."
    return AutoTokenizer.from_pretrained(locate("gpt"))(text).input_ids


@check(
    "On a real text it is the loss that GPT-2 itself computes.",
    zh="在真实文本上，结果等于 GPT-2 自己算出的损失。",
    close=LOSS,
    rests_on=_LOSSES,
)
def loss_of_gpt_itself(causal_lm_loss, gpt, story, rng):
    import torch

    batch = texts(rng, rng.integers((14, 5), (21, 14)).tolist(), words=story)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    with torch.no_grad():
        return causal_lm_loss(gpt(**batch).logits, labels)


# --- perplexity ---------------------------------------------------------------------------

_CAUSAL = ("causal_lm_loss", *_LOSSES)


@check(
    "Every target of every batch counts the same, however the batches fall.",
    zh="无论怎么分批，每个批次的每个目标权重都相同。",
    close=PERPLEXITY,
    rests_on=_CAUSAL,
)
def every_target_counts_once(perplexity, gpt, story, rng):
    odd = [texts(rng, [3]), texts(rng, [2, 2])]
    return [
        perplexity(gpt, [texts(rng, [len(story)], words=story), *odd]),
        perplexity(gpt, [texts(rng, [20], words=story)]),
    ]


@check(
    "What stands in the padding does not matter.",
    zh="填充处是什么都无所谓。",
    close=PERPLEXITY,
    rests_on=_CAUSAL,
)
def padding_does_not_count(perplexity, gpt, story, rng):
    return perplexity(gpt, [texts(rng, [22, 5, 2], words=story), texts(rng, [6, 2])])


@check(
    "A batch without a target adds nothing, and batches may come from an iterator.",
    zh="没有目标的批次什么也不贡献；批次可以来自迭代器。",
    close=PERPLEXITY,
    rests_on=_CAUSAL,
)
def batches_without_targets(perplexity, gpt, rng):
    batches = [texts(rng, [1, 1]), texts(rng, [6, 3]), texts(rng, [1])]
    return perplexity(gpt, iter(batches))


@check(
    "The model is judged in evaluation mode and goes back in the mode in which it came.",
    zh="在评估模式下评测，用完还原成原来的模式。",
    close=PERPLEXITY,
    rests_on=_CAUSAL,
)
def judged_in_evaluation_mode(perplexity, gpt, story, rng):
    known = texts(rng, rng.integers((15, 6), (21, 12)).tolist(), words=story)
    batches = [known, texts(rng, [4])]
    return in_modes(gpt, lambda: perplexity(gpt, batches))


# --- training_days ------------------------------------------------------------------------


@check(
    "It is 6ND operations over what the devices really do, in days.",
    zh="结果是 6ND 次运算除以各卡的实际速率，以天计。",
    close=DAYS,
)
def work_over_rate_in_days(training_days, rng):
    return [
        training_days(
            float(rng.uniform(1, 400)) * 1e9, float(rng.uniform(0.3, 15)) * 1e12,
            int(rng.integers(2, 20_000)), float(rng.uniform(100, 2000)) * 1e12,
            float(rng.uniform(0.2, 0.6)),
        )
        for _ in range(3)
    ]  # fmt: skip


# --- compute_optimal ----------------------------------------------------------------------


def _law(rng):
    return (float(rng.uniform(200, 600)), float(rng.uniform(300, 2500)),
            float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.25, 0.45)))  # fmt: skip


@check(
    "The pair has the lowest loss of all that cost as much, for any law of this form.",
    zh="在花费相同的组合里，这一对损失最低；换成这种形式的任何定律都成立。",
    close=SIZES,
)
def lowest_loss_for_the_budget(compute_optimal, rng):
    laws = [(406.4, 410.7, 0.34, 0.28), (482.01, 2085.43, 0.3478, 0.3658), _law(rng), _law(rng)]
    return [[float(n) for n in compute_optimal(10 ** rng.uniform(19, 26), *law)] for law in laws]
